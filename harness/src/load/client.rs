//! One request: sent, timed, decoded. The same over sockets and in process.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};
use http_body_util::BodyExt as _;
use seam::http::{Body, HttpService, Request};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::answer::{Reader, kept_headers};
use crate::record::{Outcome, Usage};
use crate::scenario::RequestTemplate;

/// Joins the client's rows with the gateway's and the simulators'.
pub(crate) const CORRELATION_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");

/// How much of an error's body is kept: messages are a sentence or two, and a run may
/// have thousands of them.
const LONGEST_ERROR: usize = 1 << 10;

/// What was seen of one request.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) sent: Instant,
    pub(crate) first_byte: Option<Instant>,
    pub(crate) first_token: Option<Instant>,
    pub(crate) done: Instant,
    pub(crate) outcome: Outcome,
    pub(crate) usage: Option<Usage>,
    pub(crate) headers: BTreeMap<String, String>,
    /// Beginning of the body of an answer of 400 or above.
    pub(crate) error_body: Option<String>,
    pub(crate) findings: Vec<String>,
}

/// Makes a request of a template.
pub(crate) fn request(template: &RequestTemplate, uri: &Uri, correlation_id: &str) -> Request {
    let mut request = Request::new(Body::from(template.body.clone()));
    *request.method_mut() = template.method.clone();
    *request.uri_mut() = uri.clone();
    *request.headers_mut() = template.headers.clone();
    // The scenario's name is checked to be fit for a header.
    if let Ok(value) = HeaderValue::from_str(correlation_id) {
        request.headers_mut().insert(CORRELATION_ID, value);
    }
    request
}

/// Sends a request and takes its answer to the end, the timeout or the stop.
pub(crate) async fn send(
    service: &HttpService,
    request: Request,
    timeout: Duration,
    stop: &CancellationToken,
) -> Exchange {
    let sent = Instant::now();
    let mut seen = Seen::default();
    let outcome = tokio::select! {
        biased;
        () = stop.cancelled() => Outcome::Abandoned,
        outcome = tokio::time::timeout_at(sent + timeout, seen.exchange(service, request)) => {
            outcome.unwrap_or(Outcome::TimedOut)
        }
    };
    let done = Instant::now();
    let complete = matches!(outcome, Outcome::Answered(_));
    let decoded = seen.reader.map(|reader| reader.finish(complete)).unwrap_or_default();
    Exchange {
        sent,
        first_byte: seen.first_byte,
        first_token: decoded.first_token,
        done,
        outcome,
        usage: decoded.usage,
        headers: seen.headers,
        error_body: seen.error.map(|body| String::from_utf8_lossy(&body).into_owned()),
        findings: decoded.findings,
    }
}

/// A request that could not even be made.
pub(crate) fn unsent(error: String) -> Exchange {
    let now = Instant::now();
    Exchange {
        sent: now,
        first_byte: None,
        first_token: None,
        done: now,
        outcome: Outcome::TransportFailed(error),
        usage: None,
        headers: BTreeMap::new(),
        error_body: None,
        findings: Vec::new(),
    }
}

/// What has been seen so far; survives a timeout.
#[derive(Default)]
struct Seen {
    first_byte: Option<Instant>,
    headers: BTreeMap<String, String>,
    error: Option<Vec<u8>>,
    reader: Option<Reader>,
}

impl Seen {
    async fn exchange(&mut self, service: &HttpService, request: Request) -> Outcome {
        let response = match seam::http::call(service, request).await {
            Ok(response) => response,
            Err(error) => return Outcome::TransportFailed(error.to_string()),
        };
        self.first_byte = Some(Instant::now());
        let (head, mut body) = response.into_parts();
        let status = head.status.as_u16();
        self.headers = kept_headers(&head.headers);
        self.error = (400 <= status).then(Vec::new);
        let reader = self.reader.insert(Reader::new(&head.headers));
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => {
                    let now = Instant::now();
                    if let Some(data) = frame.data_ref() {
                        reader.feed(data, now);
                        if let Some(error) = &mut self.error {
                            let room = LONGEST_ERROR.saturating_sub(error.len());
                            error.extend(data.iter().take(room));
                        }
                    }
                }
                Err(error) => return Outcome::BrokenOff(status, error.to_string()),
            }
        }
        Outcome::Answered(status)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::Router;
    use axum::routing::post;
    use http::{HeaderMap, Method};
    use seam::http::InProcessNetwork;

    use super::*;

    fn template() -> RequestTemplate {
        RequestTemplate {
            method: Method::POST,
            path_and_query: "/x".to_owned(),
            headers: HeaderMap::new(),
            body: bytes::Bytes::from_static(b"{}"),
            timeout: Duration::from_secs(2),
        }
    }

    async fn exchange(router: Router, stop: &CancellationToken) -> Exchange {
        let service = InProcessNetwork::new().host("gateway:80", router).into_service();
        let template = template();
        let request = request(&template, &"http://gateway/x".parse().unwrap(), "a-1");
        send(&service, request, template.timeout, stop).await
    }

    fn pause(milliseconds: u64) -> tokio::time::Sleep {
        tokio::time::sleep(Duration::from_millis(milliseconds))
    }

    #[tokio::test(start_paused = true)]
    async fn times_headers_and_end_apart() {
        let handler = post(|headers: HeaderMap| async move {
            pause(100).await;
            let stream = futures_util::stream::once(async move {
                pause(50).await;
                Ok::<_, Infallible>("{\"usage\":{\"prompt_tokens\":1,\"total_tokens\":1}}")
            });
            let id = headers[&CORRELATION_ID].clone();
            (
                [("content-type", "application/json".parse().unwrap()), ("x-gw-id", id)],
                Body::from_stream(stream),
            )
        });
        let seen = exchange(Router::new().route("/x", handler), &CancellationToken::new()).await;
        assert_eq!(seen.outcome, Outcome::Answered(200));
        assert_eq!(seen.first_byte.unwrap() - seen.sent, Duration::from_millis(100));
        assert_eq!(seen.done - seen.sent, Duration::from_millis(150));
        assert_eq!(seen.usage.unwrap().prompt, 1);
        assert_eq!(seen.headers["x-gw-id"], "a-1");
    }

    #[tokio::test(start_paused = true)]
    async fn failures_have_their_own_outcomes() {
        let never = CancellationToken::new();
        let slow = Router::new().route("/x", post(|| async { pause(10_000).await }));
        let seen = exchange(slow.clone(), &never).await;
        assert_eq!(seen.outcome, Outcome::TimedOut);
        assert_eq!(seen.done - seen.sent, Duration::from_secs(2));

        let refused = Router::new().route(
            "/x",
            post(|| async { (http::StatusCode::TOO_MANY_REQUESTS, "e".repeat(3_000)) }),
        );
        let seen = exchange(refused, &never).await;
        assert_eq!(seen.outcome, Outcome::Answered(429));
        assert_eq!(seen.error_body, Some("e".repeat(LONGEST_ERROR)));

        let broken = Router::new().route(
            "/x",
            post(|| async {
                let parts = [Ok("data: {}\n\n"), Err(std::io::Error::other("cut"))];
                let body = Body::from_stream(futures_util::stream::iter(parts));
                ([("content-type", "text/event-stream")], body)
            }),
        );
        let seen = exchange(broken, &never).await;
        assert!(matches!(seen.outcome, Outcome::BrokenOff(200, _)), "{:?}", seen.outcome);
        assert_eq!(seen.findings, Vec::<String>::new());

        let service = InProcessNetwork::new().into_service();
        let request = request(&template(), &"http://gateway/x".parse().unwrap(), "a-1");
        let seen = send(&service, request, Duration::from_secs(1), &never).await;
        assert!(matches!(seen.outcome, Outcome::TransportFailed(_)), "{:?}", seen.outcome);

        let stopped = CancellationToken::new();
        stopped.cancel();
        assert_eq!(exchange(slow, &stopped).await.outcome, Outcome::Abandoned);
    }
}
