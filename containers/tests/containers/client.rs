//! A client of a simulated resource, and waiting for what must become true.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use bench_containers::SimulatorContainer;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use libtest_mimic::Failed;
use seam::http::{Body, Response, TransportError};
use serde_json::{Value, json};
use tokio::time::Instant;

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// A header's number.
    pub(crate) fn number(&self, header: &str) -> Result<u64, Failed> {
        let value = self.headers.get(header).ok_or_else(|| format!("no {header} in {self:?}"))?;
        Ok(value.to_str()?.parse()?)
    }
}

/// A chat request with so many tokens at most, and the whole answer.
pub(crate) async fn chat(
    simulator: &SimulatorContainer,
    (resource, deployment): (&str, &str),
    id: &str,
    max_tokens: u32,
) -> Result<Answer, Failed> {
    let body =
        json!({ "messages": [{ "role": "user", "content": "Hello" }], "max_tokens": max_tokens });
    let response = post(simulator, (resource, deployment), id, &body).await??;
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await?.to_bytes();
    Ok(Answer {
        status: parts.status,
        headers: parts.headers,
        body: serde_json::from_slice(&bytes)?,
    })
}

/// Sends a chat request. The outer error is the test's, the inner the network's.
pub(crate) async fn post(
    simulator: &SimulatorContainer,
    (resource, deployment): (&str, &str),
    id: &str,
    body: &Value,
) -> Result<Result<Response, TransportError>, Failed> {
    let url = format!(
        "{}/openai/deployments/{deployment}/chat/completions?api-version=2024-10-21",
        simulator.url(resource)?
    );
    let request = http::Request::post(url)
        .header("api-key", simulator.key(resource)?)
        .header("content-type", "application/json")
        .header("x-ms-client-request-id", id)
        .body(Body::from(body.to_string()))?;
    Ok(seam::http::call(&seam::http::network(BTreeMap::new()), request).await)
}

/// Asks again until the answer is there. `what` says what is waited for.
pub(crate) async fn eventually<T, F, A>(what: &str, mut ask: F) -> Result<T, Failed>
where
    F: FnMut() -> A,
    A: Future<Output = Result<Option<T>, Failed>>,
{
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = ask().await? {
            return Ok(found);
        }
        if Instant::now() >= deadline {
            return Err(format!("{what}: not within {PATIENCE:?}").into());
        }
        tokio::time::sleep(POLL).await;
    }
}

/// The journal behind a cursor as soon as it has this many records.
pub(crate) async fn records(
    simulator: &SimulatorContainer,
    resource: &str,
    after: u64,
    at_least: usize,
) -> Result<bench_containers::Journal, Failed> {
    eventually(&format!("{at_least} records in the journal of {resource}"), || async {
        let journal = simulator.journal(resource, after).await?;
        Ok((journal.records.len() >= at_least).then_some(journal))
    })
    .await
}
