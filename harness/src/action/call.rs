//! A plain call: sent, answered in full or failed, nothing measured but the
//! time it took.

use std::collections::BTreeMap;
use std::time::Duration;

use http::StatusCode;
use http_body_util::BodyExt as _;
use seam::http::{HttpService, TransportError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::load::client;
use crate::record::ActionAnswer;
use crate::scenario::{BaseUrl, RequestTemplate};

/// Makes calls. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Caller {
    service: HttpService,
    stop: CancellationToken,
}

/// A complete answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
    pub(crate) took: Duration,
}

impl Answer {
    /// `200 OK` or `429 Too Many Requests: {"error":…`
    pub(crate) fn describe(&self) -> String {
        if self.status.is_success() || self.body.is_empty() {
            return self.status.to_string();
        }
        let mut start: String = self.body.chars().take(200).collect();
        if start.len() < self.body.len() {
            start.push('…');
        }
        format!("{}: {start}", self.status)
    }
}

impl From<Answer> for ActionAnswer {
    fn from(answer: Answer) -> Self {
        Self { status: answer.status.as_u16(), headers: answer.headers, body: answer.body }
    }
}

/// Why there is no complete answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("{0}")]
    Transport(#[from] TransportError),
    #[error("the answer broke off: {0}")]
    BrokenOff(String),
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    #[error("the run was stopped")]
    Stopped,
    #[error("no URL of {0} is given")]
    NoUrl(String),
    #[error("not a valid URL: {0}")]
    Url(#[from] http::uri::InvalidUri),
}

impl Caller {
    /// A caller whose calls end when `stop` is cancelled.
    pub(crate) fn new(service: HttpService, stop: CancellationToken) -> Self {
        Self { service, stop }
    }

    /// Sends a template to a base URL and waits for the whole answer.
    pub(crate) async fn call(
        &self,
        url: &BaseUrl,
        template: &RequestTemplate,
        correlation_id: Option<&str>,
    ) -> Result<Answer, CallError> {
        let uri = url.join(&template.path_and_query)?;
        let mut request = client::request(template, &uri, correlation_id.unwrap_or_default());
        if correlation_id.is_none() {
            request.headers_mut().remove(&client::CORRELATION_ID);
        }
        let sent = Instant::now();
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(CallError::Stopped),
            answer = tokio::time::timeout_at(sent + template.timeout, self.exchange(request, sent)) => {
                answer.unwrap_or(Err(CallError::TimedOut(template.timeout)))
            }
        }
    }

    async fn exchange(
        &self,
        request: seam::http::Request,
        sent: Instant,
    ) -> Result<Answer, CallError> {
        let response = seam::http::call(&self.service, request).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| CallError::BrokenOff(error.to_string()))?;
        let took = sent.elapsed();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers = head.headers.iter();
        Ok(Answer {
            status: head.status,
            headers: headers.map(|(n, v)| (n.as_str().to_owned(), text(v.as_bytes()))).collect(),
            body: text(&body.to_bytes()),
            took,
        })
    }
}
