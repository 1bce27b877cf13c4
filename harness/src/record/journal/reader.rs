//! One journal, followed.

use std::time::Duration;

use http::{HeaderValue, Method, StatusCode};
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::records::{Page, Placed};
use crate::action::call::{CallError, Caller};
use crate::scenario::{BaseUrl, RequestTemplate};

/// Between two readings during the run.
const BETWEEN: Duration = Duration::from_secs(1);

/// How long one page may take: a service that hangs must not hold up the run's end.
const PAGE_TIMEOUT: Duration = Duration::from_secs(10);

/// Pages read at most in one go: a journal that grows faster than it can be
/// read must not hold up the run's end.
const MOST_PAGES: usize = 10_000;

/// Follows one journal.
pub(crate) struct Reader<R> {
    caller: Caller,
    /// Whose journal, for messages.
    name: String,
    url: BaseUrl,
    key: Option<String>,
    cursor: u64,
    /// Which process answered last; `None` where it does not say.
    instance: Option<String>,
    /// Counts the processes that answered.
    life: u32,
    /// With the life they are from.
    records: Vec<(u32, R)>,
    lost: u64,
    /// When the last complete reading was asked for: what ended before is read.
    last_read: Instant,
    /// Since when, and why, it cannot be read.
    failing: Option<(Instant, JournalError)>,
    breaks: Vec<Break>,
}

/// A stretch of time whose records are lost, or may be.
#[derive(Debug)]
pub(crate) struct Break {
    /// What ended before is read.
    pub(crate) last_read: Instant,
    /// When it was noticed.
    pub(crate) noticed: Instant,
    pub(crate) kind: BreakKind,
}

/// Why records may be lost.
#[derive(Debug)]
pub(crate) enum BreakKind {
    /// Another process answers, with an empty journal.
    Restarted,
    /// It could not be read for a while, and does not say which process answers.
    Unknown(JournalError),
    /// It cannot be read any more.
    Unreadable(JournalError),
}

/// What a reader leaves behind.
pub(crate) struct Read<R> {
    /// With the life of the service they are from.
    pub(crate) records: Vec<(u32, R)>,
    /// How many were overwritten before they were read, or never written.
    pub(crate) lost: u64,
    pub(crate) breaks: Vec<Break>,
}

/// Why a journal could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JournalError {
    /// There is no journal: a real endpoint, another gateway.
    #[error("{name} has no readable journal (status {status})")]
    None { name: String, status: StatusCode },
    /// It cannot be reached.
    #[error("cannot reach {name} at {url}: {error}")]
    Unreachable { name: String, url: String, error: CallError },
    /// It answered nonsense.
    #[error("cannot read the journal of {name}: {reason}")]
    Malformed { name: String, reason: String },
}

impl JournalError {
    /// The reason alone, where the journal is named already.
    pub(crate) fn reason(&self) -> String {
        match self {
            JournalError::None { status, .. } => format!("status {status}"),
            JournalError::Unreachable { error, .. } => error.to_string(),
            JournalError::Malformed { reason, .. } => reason.clone(),
        }
    }

    /// Whether somebody answered, but not as a journal does.
    pub(crate) fn is_no_journal(&self) -> bool {
        match self {
            JournalError::None { .. } | JournalError::Malformed { .. } => true,
            JournalError::Unreachable { .. } => false,
        }
    }
}

impl<R: DeserializeOwned + Placed> Reader<R> {
    /// Opens a journal at its present end: records of earlier runs are skipped.
    pub(crate) async fn open(
        caller: Caller,
        name: String,
        url: BaseUrl,
        key: Option<String>,
    ) -> Result<Self, JournalError> {
        let mut reader = Self {
            caller,
            name,
            url,
            key,
            cursor: 0,
            instance: None,
            life: 0,
            records: Vec::new(),
            lost: 0,
            last_read: Instant::now(),
            failing: None,
            breaks: Vec::new(),
        };
        reader.instance = reader.page().await?.instance;
        reader.last_read = reader.read_to_end().await?;
        reader.records.clear();
        reader.lost = 0;
        Ok(reader)
    }

    /// Which process answers; `None` where it does not say.
    pub(crate) fn instance(&self) -> Option<&str> {
        self.instance.as_deref()
    }

    /// Whether the last reading failed.
    pub(crate) fn is_failing(&self) -> bool {
        self.failing.is_some()
    }

    /// Whether records are lost for good.
    pub(crate) fn is_broken(&self) -> bool {
        !self.breaks.is_empty()
    }

    /// The correlation ids read so far.
    pub(crate) fn correlation_ids(&self) -> impl Iterator<Item = &str> {
        self.records.iter().filter_map(|(_, record)| record.correlation_id())
    }

    /// Reads every second until `stop`, so that a long run does not overrun the
    /// ring; a reading under way is then given up.
    pub(crate) async fn keep_following(mut self, stop: CancellationToken) -> Self {
        loop {
            let stopped = tokio::select! {
                biased;
                () = stop.cancelled() => true,
                () = async {
                    tokio::time::sleep(BETWEEN).await;
                    self.follow().await;
                } => false,
            };
            if stopped {
                return self;
            }
        }
    }

    /// Reads what has been recorded since the last time. A failure is kept: it
    /// matters when the next reading does not make good for it.
    pub(crate) async fn follow(&mut self) {
        let begun = Instant::now();
        let lives = self.life;
        match self.read_to_end().await {
            Ok(asked) => {
                if let Some((_, error)) = self.failing.take()
                    && self.instance.is_none()
                    && self.life == lives
                {
                    let kind = BreakKind::Unknown(error);
                    self.breaks.push(Break { last_read: self.last_read, noticed: begun, kind });
                }
                self.last_read = asked;
            }
            Err(error) => {
                let since = self.failing.take().map_or(begun, |(since, _)| since);
                self.failing = Some((since, error));
            }
        }
    }

    /// Reads pages up to the journal's end; returns when the last was asked for.
    async fn read_to_end(&mut self) -> Result<Instant, JournalError> {
        let mut asked = Instant::now();
        for _ in 0..MOST_PAGES {
            asked = Instant::now();
            let page = self.page().await?;
            if page.instance != self.instance {
                // The cursor is that of another journal: this page is read again.
                let kind = BreakKind::Restarted;
                self.breaks.push(Break { last_read: self.last_read, noticed: asked, kind });
                self.instance = page.instance;
                self.life += 1;
                self.cursor = 0;
                continue;
            }
            // Whether overwritten or never written: a place left out is a record lost.
            let mut last = self.cursor;
            for record in &page.records {
                self.lost += record.place().saturating_sub(last.saturating_add(1));
                last = record.place();
            }
            if page.records.is_empty() || page.next <= self.cursor {
                break;
            }
            let life = self.life;
            self.records.extend(page.records.into_iter().map(|record| (life, record)));
            self.cursor = page.next;
        }
        Ok(asked)
    }

    /// What was read, and what is known to be missing.
    pub(crate) fn into_read(mut self) -> Read<R> {
        if let Some((noticed, error)) = self.failing {
            let kind = BreakKind::Unreadable(error);
            self.breaks.push(Break { last_read: self.last_read, noticed, kind });
        }
        Read { records: self.records, lost: self.lost, breaks: self.breaks }
    }

    async fn page(&self) -> Result<Page<R>, JournalError> {
        let malformed =
            |reason: String| JournalError::Malformed { name: self.name.clone(), reason };
        let mut template = RequestTemplate {
            method: Method::GET,
            path_and_query: format!("/++/journal?after={}", self.cursor),
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::new(),
            timeout: PAGE_TIMEOUT,
        };
        if let Some(key) = &self.key {
            let value = HeaderValue::from_str(key)
                .map_err(|_| malformed("its key cannot be sent in a header".to_owned()))?;
            template.headers.insert("api-key", value);
        }
        let answer = self.caller.call(&self.url, &template, None).await.map_err(|error| {
            JournalError::Unreachable {
                name: self.name.clone(),
                url: self.url.as_str().to_owned(),
                error,
            }
        })?;
        let status = answer.status;
        if status != StatusCode::OK {
            return Err(JournalError::None { name: self.name.clone(), status });
        }
        serde_json::from_str(&answer.body).map_err(|error| malformed(error.to_string()))
    }
}
