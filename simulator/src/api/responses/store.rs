//! Responses that the service keeps: for later retrieval, and as the past of later
//! requests. Pure: it is told what time it is.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::answer::Answer;
use super::history::Context;
use super::input::InputItem;
use super::object::Stage;
use crate::latency::Schedule;

/// How long a response is kept (the service's documented retention).
const RETENTION: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// The most bytes of kept responses, about: a store of small responses does not reach
/// it, one of requests of many megabytes must not fill the memory.
const MOST_BYTES: usize = 64 << 20;

/// A kept response.
#[derive(Debug)]
pub(crate) struct Record {
    pub(super) answer: Arc<Answer>,
    /// What it was asked, with ids.
    pub(super) input: Vec<InputItem>,
    pub(super) context: Context,
    /// Streams can be taken up again only where one was asked for.
    pub(super) stream: bool,
    bytes: usize,
}

impl Record {
    pub(super) fn new(
        answer: Arc<Answer>,
        input: Vec<InputItem>,
        context: Context,
        stream: bool,
    ) -> Self {
        let text = answer.pieces() * 16 + answer.settings.tools.len() + answer.settings.text.len();
        let bytes = 1_024 + text + input.iter().map(|item| item.json().len()).sum::<usize>();
        Self { answer, input, context, stream, bytes }
    }

    pub(crate) fn id(&self) -> &str {
        &self.answer.id
    }

    /// It goes on when the client has its first answer.
    pub(crate) fn in_background(&self) -> bool {
        self.answer.settings.background
    }
}

/// When what a response says is made.
#[derive(Debug, Clone)]
pub(crate) struct Course {
    /// When its request was here.
    pub started: Instant,
    pub schedule: Arc<Schedule>,
    /// The second at which it ends.
    pub over_second: u64,
    /// Tells who makes it that it is not wanted any more.
    pub stop: Arc<Notify>,
    cancelled: bool,
}

impl Course {
    pub(crate) fn new(started: Instant, schedule: Arc<Schedule>, over_second: u64) -> Self {
        Self { started, schedule, over_second, stop: Arc::default(), cancelled: false }
    }
}

/// A kept response, and how far it is.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub record: Arc<Record>,
    pub course: Course,
}

impl Kept {
    pub(super) fn stage(&self, now: Instant) -> Stage {
        let Course { started, schedule, over_second, cancelled, .. } = &self.course;
        let over = *started + schedule.end();
        if *cancelled {
            Stage::Cancelled
        } else if over <= now {
            Stage::Over(*over_second)
        } else if *started + schedule.begin() <= now {
            Stage::InProgress
        } else {
            Stage::Queued
        }
    }

    /// Whether it is still being made.
    pub(crate) fn goes_on(&self, now: Instant) -> bool {
        matches!(self.stage(now), Stage::Queued | Stage::InProgress)
    }
}

/// An item of a kept response.
#[derive(Debug, Clone)]
pub(crate) struct KnownItem {
    pub(super) item: InputItem,
    /// The reasoning it was made with.
    pub(super) needs: Option<String>,
}

/// What a request may refer to.
pub(crate) trait Past {
    /// A response that was not deleted.
    fn response(&self, id: &str) -> Option<Arc<Record>>;

    /// An item of the input or output of one.
    fn item(&self, id: &str) -> Option<KnownItem>;
}

/// Nothing was ever said.
#[cfg(test)]
impl Past for () {
    fn response(&self, _id: &str) -> Option<Arc<Record>> {
        None
    }

    fn item(&self, _id: &str) -> Option<KnownItem> {
        None
    }
}

/// The responses of one resource.
#[derive(Debug)]
pub(crate) struct Store {
    capacity: usize,
    bytes: usize,
    next: u64,
    /// In the order they came.
    kept: BTreeMap<u64, Kept>,
    by_id: HashMap<String, u64>,
    by_item: HashMap<String, u64>,
}

impl Store {
    /// Keeps `capacity` responses at most; the oldest leave first.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            bytes: 0,
            next: 0,
            kept: BTreeMap::new(),
            by_id: HashMap::new(),
            by_item: HashMap::new(),
        }
    }

    pub(crate) fn put(&mut self, kept: Kept) {
        if self.capacity == 0 {
            return;
        }
        let now = kept.course.started;
        self.bytes += kept.record.bytes;
        let number = self.next;
        self.next += 1;
        self.by_id.insert(kept.record.id().to_owned(), number);
        for id in item_ids(&kept.record) {
            self.by_item.insert(id.to_owned(), number);
        }
        self.kept.insert(number, kept);
        while let Some((&oldest, first)) = self.kept.first_key_value() {
            let full = self.capacity < self.kept.len() || MOST_BYTES < self.bytes;
            if !full && !is_old(first, now) {
                break;
            }
            self.remove(oldest);
        }
    }

    pub(crate) fn get(&self, id: &str, now: Instant) -> Option<&Kept> {
        let kept = self.kept.get(self.by_id.get(id)?)?;
        (!is_old(kept, now)).then_some(kept)
    }

    /// Takes it out; whether there was one.
    pub(crate) fn delete(&mut self, id: &str, now: Instant) -> bool {
        let there = self.get(id, now).is_some();
        if let Some(&number) = self.by_id.get(id) {
            self.remove(number);
        }
        there
    }

    /// Ends one that goes on.
    pub(crate) fn cancel(&mut self, id: &str, now: Instant) -> Option<Kept> {
        let kept = self.by_id.get(id).and_then(|number| self.kept.get_mut(number))?;
        if kept.goes_on(now) {
            kept.course.cancelled = true;
            kept.course.stop.notify_one();
        }
        Some(kept.clone())
    }

    pub(crate) fn item(&self, id: &str, now: Instant) -> Option<KnownItem> {
        let kept = self.kept.get(self.by_item.get(id)?)?;
        if is_old(kept, now) {
            return None;
        }
        let mut needs = None;
        for item in kept.record.answer.as_input() {
            if item.id.as_deref() == Some(id) {
                return Some(KnownItem { item, needs });
            }
            // What directly follows thoughts belongs to them.
            needs = if item.prefix() == "rs" { item.id } else { None };
        }
        let item = kept.record.input.iter().find(|item| item.id.as_deref() == Some(id))?;
        Some(KnownItem { item: item.clone(), needs: None })
    }

    fn remove(&mut self, number: u64) {
        let Some(kept) = self.kept.remove(&number) else { return };
        // Whoever still makes it has nobody to make it for.
        kept.course.stop.notify_one();
        self.bytes = self.bytes.saturating_sub(kept.record.bytes);
        self.by_id.remove(kept.record.id());
        for id in item_ids(&kept.record) {
            // A later response may have been given the same item.
            if self.by_item.get(id) == Some(&number) {
                self.by_item.remove(id);
            }
        }
    }
}

fn is_old(kept: &Kept, now: Instant) -> bool {
    RETENTION <= now.saturating_duration_since(kept.course.started)
}

fn item_ids(record: &Record) -> impl Iterator<Item = &str> {
    let output = record.answer.items.iter().map(|item| item.id.as_str());
    output.chain(record.input.iter().filter_map(|item| item.id.as_deref()))
}
