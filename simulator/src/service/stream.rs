//! Pacing of streamed answers: events leave at absolute deadlines, those due
//! together in one write.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use tokio::time::Instant;

use super::exchange::Exchange;
use super::reply::wait_until;
use crate::api::Events;
use crate::latency::Schedule;

/// A streamed answer, planned whole.
pub(super) struct StreamPlan {
    pub exchange: Exchange,
    pub events: Box<dyn Events>,
    pub schedule: Arc<Schedule>,
    /// Tokens of each choice.
    pub choices: Vec<usize>,
}

/// One token's place: due time, index in its choice, choice.
type Due = (Duration, usize, usize);

struct Streaming {
    plan: StreamPlan,
    order: Vec<Due>,
    next: usize,
    opened: bool,
    over: bool,
}

/// The body that delivers a plan. Dropping it stops the generation.
pub(super) fn stream_body(plan: StreamPlan) -> Body {
    let mut order: Vec<Due> = Vec::with_capacity(plan.choices.iter().sum());
    for (choice, &tokens) in plan.choices.iter().enumerate() {
        order.extend((0..tokens).map(|index| (plan.schedule.token(choice, index), index, choice)));
    }
    order.sort_unstable();
    let streaming = Streaming { plan, order, next: 0, opened: false, over: false };
    Body::from_stream(stream::unfold(streaming, |mut streaming| async move {
        let bytes = streaming.next_write().await?;
        Some((Ok::<Bytes, std::convert::Infallible>(bytes), streaming))
    }))
}

impl Streaming {
    async fn next_write(&mut self) -> Option<Bytes> {
        if self.over {
            return None;
        }
        let due = match self.order.get(self.next) {
            Some(&(due, ..)) => due,
            None => self.plan.schedule.end(),
        };
        wait_until(self.plan.exchange.started + due).await;
        let elapsed = Instant::now().saturating_duration_since(self.plan.exchange.started);
        let mut out = String::new();
        if !self.opened {
            self.opened = true;
            self.plan.events.open(&mut out);
        }
        while let Some(&(due, index, choice)) = self.order.get(self.next)
            && due <= elapsed
        {
            self.next += 1;
            self.plan.events.token(choice, index, &mut out);
        }
        if self.next == self.order.len() {
            self.over = true;
            self.plan.events.close(&mut out);
            // Over with the last event, not when the client asks for more: a
            // client that stops reading at `[DONE]` has not gone away.
            self.plan.exchange.complete(200, None);
        }
        Some(Bytes::from(out))
    }
}
