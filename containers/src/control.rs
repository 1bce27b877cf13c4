//! Calls of the live control and of the health check, over sockets.

use std::collections::BTreeMap;
use std::time::Duration;

use http::StatusCode;
use http_body_util::BodyExt as _;
use seam::http::{Body, HttpService, Request};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::Error;

/// How long a call of the live control may take, its body included.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a health check may take.
const HEALTH_PATIENCE: Duration = Duration::from_secs(2);

/// One page of a resource's journal, at most a thousand records.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Journal {
    /// The records, oldest first; their keys are in `docs/simulator.md`.
    pub records: Vec<serde_json::Value>,
    /// The cursor to read on from.
    pub next: u64,
    /// How many records were lost between the cursor given and the first one here.
    pub dropped: u64,
}

/// A client for a container's ports.
#[derive(Clone)]
pub(crate) struct Control {
    http: HttpService,
}

impl Control {
    pub(crate) fn new() -> Self {
        Self { http: seam::http::network(BTreeMap::new()) }
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, url: &str, key: &str) -> Result<T, Error> {
        self.json("GET", url, key, Body::empty()).await
    }

    pub(crate) async fn patch<T: DeserializeOwned>(
        &self,
        url: &str,
        key: &str,
        change: &serde_json::Value,
    ) -> Result<T, Error> {
        self.json("PATCH", url, key, Body::from(change.to_string())).await
    }

    /// Whether `/healthz` answers 200; otherwise why not.
    pub(crate) async fn healthy(&self, base: &str) -> Result<(), Error> {
        let url = format!("{base}/healthz");
        let (status, body) = self.text("GET", &url, "", Body::empty(), HEALTH_PATIENCE).await?;
        if status == StatusCode::OK {
            return Ok(());
        }
        Err(Error::Answer { url, status: status.as_u16(), detail: body })
    }

    async fn json<T: DeserializeOwned>(
        &self,
        method: &str,
        url: &str,
        key: &str,
        body: Body,
    ) -> Result<T, Error> {
        let (status, text) = self.text(method, url, key, body, PATIENCE).await?;
        let answer =
            |detail| Error::Answer { url: url.to_owned(), status: status.as_u16(), detail };
        if !status.is_success() {
            return Err(answer(text));
        }
        serde_json::from_str(&text).map_err(|error| answer(format!("{error} in {text}")))
    }

    async fn text(
        &self,
        method: &str,
        url: &str,
        key: &str,
        body: Body,
        limit: Duration,
    ) -> Result<(StatusCode, String), Error> {
        let request: Request = http::Request::builder()
            .method(method)
            .uri(url)
            .header("api-key", key)
            .body(body)
            .map_err(|error| Error::Config(format!("cannot call {url}: {error}")))?;
        let exchange = async {
            let response = seam::http::call(&self.http, request)
                .await
                .map_err(|source| Error::Unreachable { url: url.to_owned(), source })?;
            let status = response.status();
            let body = response.into_body().collect().await.map_err(|error| Error::Answer {
                url: url.to_owned(),
                status: status.as_u16(),
                detail: format!("its body broke off: {error}"),
            })?;
            Ok((status, String::from_utf8_lossy(&body.to_bytes()).into_owned()))
        };
        tokio::time::timeout(limit, exchange)
            .await
            .map_err(|_| Error::TimedOut { url: url.to_owned(), limit })?
    }
}
