//! Pacing of streamed answers: events leave at absolute deadlines, those due
//! together in one write.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use rand_chacha::ChaCha8Rng;
use tokio::time::Instant;

use super::exchange::Exchange;
use super::serve::wait_until;
use crate::content::Completion;
use crate::latency::Schedule;
use crate::wire::{Chunks, Usage};

/// A streamed answer, planned whole.
pub(super) struct StreamPlan {
    pub exchange: Exchange,
    pub chunks: Chunks<ChaCha8Rng>,
    pub completions: Vec<Completion>,
    pub schedule: Arc<Schedule>,
    pub usage: Usage,
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
    let mut order: Vec<Due> =
        Vec::with_capacity(plan.completions.iter().map(|c| c.pieces.len()).sum());
    for (choice, completion) in plan.completions.iter().enumerate() {
        let due = |index| (plan.schedule.token(choice, index), index, choice);
        order.extend((0..completion.pieces.len()).map(due));
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
        self.open(&mut out);
        while let Some(&(due, index, choice)) = self.order.get(self.next)
            && due <= elapsed
        {
            self.next += 1;
            self.token(choice, index, &mut out);
        }
        if self.next == self.order.len() {
            self.over = true;
            self.plan.chunks.closing(self.plan.usage, &mut out);
            // Over with the last event, not when the client asks for more: a
            // client that stops reading at `[DONE]` has not gone away.
            self.plan.exchange.complete(200, None);
        }
        Some(Bytes::from(out))
    }

    /// Prompt filter results and roles, and the end of choices without text.
    fn open(&mut self, out: &mut String) {
        if self.opened {
            return;
        }
        self.opened = true;
        let StreamPlan { chunks, completions, .. } = &mut self.plan;
        chunks.opening(out);
        for choice in 0..completions.len() {
            chunks.role(choice, out);
        }
        for (choice, completion) in completions.iter().enumerate() {
            if completion.pieces.is_empty() {
                chunks.finish(choice, completion.finish.name(), out);
            }
        }
    }

    fn token(&mut self, choice: usize, index: usize, out: &mut String) {
        let StreamPlan { chunks, completions, .. } = &mut self.plan;
        let Some(completion) = completions.get(choice) else { return };
        if let Some(piece) = completion.pieces.get(index) {
            chunks.token(choice, piece, out);
        }
        if index + 1 == completion.pieces.len() {
            chunks.finish(choice, completion.finish.name(), out);
        }
    }
}
