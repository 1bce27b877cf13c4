//! Kept responses: retrieved, listed, cancelled, deleted; and those that are made
//! while nobody waits.

use tokio::time::Instant;

use super::exchange::Exchange;
use super::faulty::Flaws;
use super::lock;
use super::resource::Resource;
use super::stream::StreamPlan;
use crate::api::{Document, Kept, responses as stored};
use crate::wire::ApiError;

/// What is asked about a kept response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    Object,
    InputItems,
    Cancel,
    Delete,
}

impl About {
    /// The name in the journal.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Object => "Responses_Get",
            Self::InputItems => "Responses_ListInputItems",
            Self::Cancel => "Responses_Cancel",
            Self::Delete => "Responses_Delete",
        }
    }
}

/// What is told.
pub(super) enum Told {
    Document(Document),
    /// What a response says while it is made.
    Stream(Box<StreamPlan>),
}

/// Answers about a kept response.
pub(super) fn about(
    resource: &Resource,
    about: About,
    id: &str,
    query: Option<&str>,
) -> Result<Told, ApiError> {
    let now = Instant::now();
    let mut responses = lock(&resource.responses);
    let kept = responses.get(id, now).cloned().ok_or_else(|| stored::not_found(id))?;
    Ok(Told::Document(match about {
        About::Object if stored::wants_stream(query) => {
            let events = stored::replay(&kept, query)?;
            let course = kept.course;
            return Ok(Told::Stream(Box::new(StreamPlan {
                exchange: None,
                pacer: resource.pacer.clone(),
                started: course.started,
                events,
                choices: course.schedule.tokens(),
                schedule: course.schedule,
                flaws: Flaws::default(),
            })));
        }
        About::Object => stored::object(&kept, now),
        About::InputItems => stored::input_items(&kept, query)?,
        About::Cancel if !kept.record.in_background() => return Err(stored::not_in_background()),
        About::Cancel => stored::object(responses.cancel(id, now).as_ref().unwrap_or(&kept), now),
        About::Delete => {
            responses.delete(id, now);
            stored::deleted(id)
        }
    }))
}

/// Goes on with a response that nobody waits for. The task ends when the response
/// is made, cancelled, deleted or pushed out of the store.
pub(super) fn spawn_in_background(mut exchange: Exchange, kept: Kept) {
    let over = kept.course.started + kept.course.schedule.end();
    let stop = std::sync::Arc::clone(&kept.course.stop);
    lock(&exchange.resource.responses).put(kept);
    let pacer = exchange.resource.pacer.clone();
    tokio::spawn(async move {
        tokio::select! {
            biased;
            () = stop.notified() => exchange.cancelled(),
            () = pacer.until(over) => exchange.complete(200, None),
        }
    });
}
