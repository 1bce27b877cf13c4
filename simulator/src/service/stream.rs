//! Pacing of streamed answers: events leave at absolute deadlines, those due
//! together in one write. A fault may break that at a token, or let the bytes
//! trickle.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use seam::interrupt::BrokenOff;
use seam::pacer::Pacer;
use tokio::time::Instant;

use super::exchange::Exchange;
use super::faulty::{Breach, Flaws, pieces};
use crate::api::Events;
use crate::latency::Schedule;

/// A streamed answer, planned whole.
pub(super) struct StreamPlan {
    /// Whose end the stream's end is; none where the work goes on without a client.
    pub exchange: Option<Exchange>,
    /// Waits for what is due.
    pub pacer: Pacer,
    /// What deadlines are measured from.
    pub started: Instant,
    pub events: Box<dyn Events>,
    pub schedule: Arc<Schedule>,
    /// Tokens of each choice.
    pub choices: Vec<usize>,
    pub flaws: Flaws,
}

impl StreamPlan {
    /// When the first byte is due.
    pub(super) fn opening(&self) -> Instant {
        let early = self.events.opens_early();
        self.started + if early { self.schedule.begin() } else { self.schedule.first() }
    }
}

impl StreamPlan {
    /// Holds back what has not left.
    fn delay(&mut self, time: Duration) {
        self.started = self.started.checked_add(time).unwrap_or(self.started);
        if let Some(exchange) = &mut self.exchange {
            exchange.delay(time);
        }
    }
}

/// One token's place: due time, index in its choice, choice.
type Due = (Duration, usize, usize);

/// The tokens of all choices as they are due; of those due together the one with the
/// lower index first, then that of the earlier choice. Nothing is kept for each token:
/// a thousand long streams are to start without a wait for memory.
struct Order {
    schedule: Arc<Schedule>,
    /// Tokens of each choice, and how many of them were passed.
    choices: Vec<(usize, usize)>,
    /// How many were passed in all.
    passed: usize,
}

impl Order {
    fn new(schedule: Arc<Schedule>, choices: &[usize]) -> Self {
        Self { schedule, choices: choices.iter().map(|tokens| (*tokens, 0)).collect(), passed: 0 }
    }

    fn next(&self) -> Option<Due> {
        let left = self.choices.iter().enumerate().filter(|(_, (tokens, passed))| passed < tokens);
        left.map(|(choice, &(_, index))| (self.schedule.token(choice, index), index, choice)).min()
    }

    fn pass(&mut self, choice: usize) {
        if let Some((_, passed)) = self.choices.get_mut(choice) {
            *passed += 1;
            self.passed += 1;
        }
    }

    fn len(&self) -> usize {
        self.choices.iter().map(|(tokens, _)| tokens).sum()
    }
}

struct Streaming {
    plan: StreamPlan,
    order: Order,
    opened: bool,
    /// The last write was full: there may be more that is due.
    full: bool,
    /// No more events.
    over: bool,
    /// What trickles.
    pieces: VecDeque<Bytes>,
    trickled: bool,
}

type Write = Result<Bytes, BrokenOff>;

/// What is due together leaves in writes of about this size, in bytes. In between
/// others have their turn.
const WRITE_BYTES: usize = 64 << 10;

/// The body that delivers a plan. Dropping it stops the generation.
pub(super) fn stream_body(plan: StreamPlan) -> Body {
    let order = Order::new(Arc::clone(&plan.schedule), &plan.choices);
    let streaming = Streaming {
        plan,
        order,
        opened: false,
        full: false,
        over: false,
        pieces: VecDeque::new(),
        trickled: false,
    };
    Body::from_stream(stream::unfold(streaming, |mut streaming| async move {
        let write = match streaming.plan.flaws.trickle {
            None => streaming.next_write().await?,
            Some((size, interval)) => streaming.next_piece(size, interval).await?,
        };
        Some((write, streaming))
    }))
}

impl Streaming {
    /// A piece of what would be one write.
    async fn next_piece(&mut self, size: usize, interval: Duration) -> Option<Write> {
        if self.trickled {
            tokio::time::sleep(interval).await;
        }
        if self.pieces.is_empty() {
            match self.next_write().await? {
                Ok(bytes) => self.pieces.extend(pieces(bytes, size)),
                broken @ Err(_) => return Some(broken),
            }
        }
        self.trickled = true;
        let piece = self.pieces.pop_front()?;
        if self.over && self.pieces.is_empty() {
            self.complete();
        }
        Some(Ok(piece))
    }

    async fn next_write(&mut self) -> Option<Write> {
        if self.over {
            return None;
        }
        if let Some((after, breach)) = self.plan.flaws.breach.take_if(|(after, _)| {
            // In a shorter answer it comes when all tokens have.
            let after = (*after).min(self.order.len());
            after <= self.order.passed && (self.opened || after == 0)
        }) {
            debug_assert!(after.min(self.order.len()) <= self.order.passed);
            if let Some(write) = self.breach(breach).await {
                return Some(write);
            }
        }
        if self.full {
            tokio::task::yield_now().await;
        }
        let polled = Instant::now();
        let due = self.order.next().map_or(self.plan.schedule.end(), |(due, ..)| due);
        let due = self.plan.started + due;
        let stop = match self.plan.flaws.breach {
            Some((after, _)) => after.min(self.order.len()),
            None => self.order.len(),
        };
        let mut out = String::new();
        if !self.opened {
            self.opened = true;
            self.plan.pacer.until(self.plan.opening()).await;
            self.plan.events.open(&mut out);
            if Instant::now() < due && !out.is_empty() {
                return Some(Ok(Bytes::from(out)));
            }
        }
        self.plan.pacer.until(due).await;
        let now = Instant::now();
        // A client that reads late is not our lateness.
        if let Some(exchange) = &mut self.plan.exchange {
            exchange.was_due(due.max(polled), now);
        }
        let elapsed = now.saturating_duration_since(self.plan.started);
        while self.order.passed < stop
            && let Some((due, index, choice)) = self.order.next()
            && due <= elapsed
            && out.len() < WRITE_BYTES
        {
            self.order.pass(choice);
            self.plan.events.token(choice, index, &mut out);
        }
        self.full = WRITE_BYTES <= out.len();
        if self.order.passed == self.order.len() && self.plan.flaws.breach.is_none() {
            self.over = true;
            self.plan.events.close(&mut out);
            self.end_if_over();
        }
        Some(Ok(Bytes::from(out)))
    }

    /// Over with the last event, not when the client asks for more: a client that
    /// stops reading at `[DONE]` has not gone away. What trickles is over later.
    fn end_if_over(&mut self) {
        if self.over && self.plan.flaws.trickle.is_none() {
            self.complete();
        }
    }

    fn complete(&mut self) {
        if let Some(mut exchange) = self.plan.exchange.take() {
            exchange.complete(200, None);
        }
    }

    fn broke_off(&mut self) {
        if let Some(mut exchange) = self.plan.exchange.take() {
            exchange.broke_off("fault", Some(self.order.passed as u64));
        }
    }

    /// The fault strikes; what it writes, when it writes.
    async fn breach(&mut self, breach: Breach) -> Option<Write> {
        match breach {
            Breach::Stall(time) => {
                tokio::time::sleep(time).await;
                // What is left keeps its pace.
                self.plan.delay(time);
                None
            }
            Breach::Break(how) => {
                // What was sent before leaves first.
                tokio::task::yield_now().await;
                self.over = true;
                self.broke_off();
                Some(Err(how))
            }
            Breach::Error(message) => {
                let mut out = String::new();
                self.plan.events.error(&message, &mut out);
                self.over = true;
                self.broke_off();
                Some(Ok(Bytes::from(out)))
            }
            Breach::Malformed => {
                let mut out = String::new();
                if !self.opened {
                    self.opened = true;
                    self.plan.events.open(&mut out);
                }
                let start = out.len();
                match self.order.next() {
                    Some((due, index, choice)) => {
                        self.plan.pacer.until(self.plan.started + due).await;
                        self.order.pass(choice);
                        self.plan.events.token(choice, index, &mut out);
                    }
                    None => {
                        self.over = true;
                        self.plan.events.close(&mut out);
                    }
                }
                break_event(&mut out, start);
                self.end_if_over();
                Some(Ok(Bytes::from(out)))
            }
        }
    }
}

/// Cuts the first event from `start` on in half; the blank line that ends it stays.
fn break_event(out: &mut String, start: usize) {
    let Some(event) = out.get(start..).and_then(|rest| rest.find("\n\n")) else { return };
    let middle = out.floor_char_boundary(start + event / 2);
    out.replace_range(middle..start + event, "");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn tokens_of_all_choices_come_as_they_are_due(
            choices in prop::collection::vec(prop::collection::vec(0_u64..50, 0..20), 0..6),
        ) {
            let choices: Vec<Vec<Duration>> = choices
                .into_iter()
                .map(|mut due| {
                    due.sort_unstable();
                    due.into_iter().map(Duration::from_millis).collect()
                })
                .collect();
            let mut expected: Vec<Due> = Vec::new();
            for (choice, tokens) in choices.iter().enumerate() {
                let places = tokens.iter().enumerate();
                expected.extend(places.map(|(index, due)| (*due, index, choice)));
            }
            expected.sort_unstable();
            let lengths: Vec<usize> = choices.iter().map(Vec::len).collect();
            let schedule = Arc::new(Schedule::new(choices, Duration::ZERO, 0));
            let mut order = Order::new(schedule, &lengths);
            let mut came = Vec::new();
            while let Some(due) = order.next() {
                order.pass(due.2);
                came.push(due);
            }
            prop_assert_eq!(&came, &expected);
            prop_assert_eq!((order.passed, order.len()), (came.len(), came.len()));
        }
    }
}
