//! `GET /++/journal`, a page at a time, and `GET /++/journal/events`, as records
//! come.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::response::Response;
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;

use super::{authorized, error, reply};
use crate::service::journal::Page;
use crate::service::lock;
use crate::service::resource::Resource;
use crate::wire::EVENT_STREAM;

/// How many journal records a page has when the request does not say.
const DEFAULT_PAGE: usize = 1_000;
/// Most records of one page.
const MOST_PER_PAGE: usize = 100_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cursor {
    #[serde(default)]
    after: u64,
    limit: Option<usize>,
}

pub(super) async fn read_journal(
    State(resource): State<Arc<Resource>>,
    headers: HeaderMap,
    cursor: Result<Query<Cursor>, axum::extract::rejection::QueryRejection>,
) -> Response {
    if let Err(refused) = authorized(&resource, &headers) {
        return refused;
    }
    let cursor = match cursor {
        Ok(Query(cursor)) => cursor,
        Err(rejection) => return error(StatusCode::BAD_REQUEST, &rejection.body_text()),
    };
    let limit = cursor.limit.unwrap_or(DEFAULT_PAGE).min(MOST_PER_PAGE);
    let page = lock(&resource.journal).page(cursor.after, limit);
    reply(StatusCode::OK, &page)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct From {
    after: Option<u64>,
}

/// Follows the journal: server-sent events whose id is the record's sequence. A
/// client that comes back with `Last-Event-ID` goes on where it was; without a
/// cursor it begins with what comes next. An event `dropped` says how many records
/// the ring lost before they could be sent.
pub(super) async fn follow_journal(
    State(resource): State<Arc<Resource>>,
    headers: HeaderMap,
    from: Result<Query<From>, axum::extract::rejection::QueryRejection>,
) -> Response {
    if let Err(refused) = authorized(&resource, &headers) {
        return refused;
    }
    let from = match from {
        Ok(Query(from)) => from,
        Err(rejection) => return error(StatusCode::BAD_REQUEST, &rejection.body_text()),
    };
    let last_seen =
        headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse().ok());
    let after = last_seen.or(from.after).unwrap_or_else(|| lock(&resource.journal).last_sequence());
    let follower = Follower { resource, after };
    let events = stream::unfold(follower, |mut follower| async move {
        let text = follower.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(text)), follower))
    });
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

struct Follower {
    resource: Arc<Resource>,
    after: u64,
}

impl Follower {
    /// The events of the records since the last ones; waits for some. `None` when
    /// the simulator closes.
    async fn next(&mut self) -> Option<String> {
        loop {
            // Registered before looking, so that no record falls between.
            let grown = self.resource.journal_grew.notified();
            let page = lock(&self.resource.journal).page(self.after, DEFAULT_PAGE);
            if !page.records.is_empty() {
                self.after = page.next;
                return Some(events(&page));
            }
            tokio::select! {
                biased;
                () = self.resource.closing.cancelled() => return None,
                () = grown => {}
            }
        }
    }
}

fn events(page: &Page) -> String {
    let mut text = String::new();
    if 0 < page.dropped {
        let _ = write!(text, "event: dropped\ndata: {}\n\n", page.dropped);
    }
    for record in &page.records {
        let json = serde_json::to_string(record).unwrap_or_default();
        let _ = write!(text, "id: {}\nevent: request\ndata: {json}\n\n", record.sequence);
    }
    text
}
