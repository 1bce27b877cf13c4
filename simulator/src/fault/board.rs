//! The faults that are armed, and which of them strikes a request.
//!
//! A board is never changed, only replaced; what counts on it are atomics. So a
//! request decides without a lock, and a live change cannot hit it half-way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::settings::{Effect, Fault, Key, Stage};
use crate::catalogue::Operation;
use crate::config::raw;

/// Whose list a fault is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A deployment's, by name.
    Deployment(String),
    /// The resource's.
    Resource,
}

/// A fault in force.
#[derive(Debug)]
pub(crate) struct Armed {
    pub fault: Fault,
    /// As it was written.
    pub written: raw::Fault,
    pub owner: Owner,
    /// What its window counts from.
    pub since: Instant,
    /// Requests it could have struck.
    candidates: AtomicU64,
    /// Requests it struck.
    struck: AtomicU64,
}

/// A request as a fault sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate<'a> {
    pub deployment: &'a str,
    pub operation: Operation,
    pub correlation_id: Option<&'a str>,
    pub stream: bool,
}

impl Armed {
    pub(crate) fn new(fault: Fault, written: raw::Fault, owner: Owner, since: Instant) -> Self {
        let (candidates, struck) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { fault, written, owner, since, candidates, struck }
    }

    /// How many requests it struck.
    pub(crate) fn struck(&self) -> u64 {
        self.struck.load(Ordering::Relaxed)
    }

    /// How many it still strikes, where that is limited.
    pub(crate) fn left(&self) -> Option<u64> {
        let seen = self.candidates.load(Ordering::Relaxed);
        let Fault { skip, count, .. } = &self.fault;
        count.map(|count| skip.saturating_add(count).saturating_sub(seen.max(*skip)))
    }

    /// Whether it can strike at this moment.
    pub(crate) fn is_active(&self, now: Instant) -> bool {
        self.left() != Some(0) && self.fault.window.contains(self.elapsed(now))
    }

    /// Whether it will never strike again.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.left() == Some(0) || self.fault.window.is_over(self.elapsed(now))
    }

    fn elapsed(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }

    fn matches(&self, candidate: &Candidate<'_>) -> bool {
        let fault = &self.fault;
        let own = match &self.owner {
            Owner::Deployment(name) => name == candidate.deployment,
            Owner::Resource => {
                fault.deployments.is_empty()
                    || fault.deployments.iter().any(|name| name == candidate.deployment)
            }
        };
        own && (fault.operations.is_empty() || fault.operations.contains(&candidate.operation))
            && fault.stream.is_none_or(|stream| stream == candidate.stream)
            && fault.correlation_id.as_ref().is_none_or(|pattern| {
                candidate.correlation_id.is_some_and(|id| pattern.matches(id))
            })
    }

    /// Counts a request that all else fits; whether it is one of those to strike.
    fn counts(&self) -> bool {
        let before = self.candidates.fetch_add(1, Ordering::Relaxed);
        let Fault { skip, count, .. } = &self.fault;
        *skip <= before && count.is_none_or(|count| before - *skip < count)
    }
}

/// All faults of a resource, in the order in which they are asked: those of
/// deployments first.
#[derive(Debug, Default)]
pub(crate) struct Board {
    armed: Vec<Arc<Armed>>,
}

impl Board {
    /// Orders them.
    pub(crate) fn new(mut armed: Vec<Arc<Armed>>) -> Self {
        // Stable: within a list the order is the writer's.
        armed.sort_by_key(|one| one.owner == Owner::Resource);
        Self { armed }
    }

    pub(crate) fn armed(&self) -> &[Arc<Armed>] {
        &self.armed
    }

    /// The first fault of this stage that strikes a request. `draw` gives a
    /// number from 0 to 1 for a fault's name and what its draws are keyed by.
    pub(crate) fn strike(
        &self,
        now: Instant,
        stage: Stage,
        candidate: &Candidate<'_>,
        mut draw: impl FnMut(&str, Key) -> f64,
    ) -> Option<Arc<Armed>> {
        self.armed
            .iter()
            .find(|armed| {
                let fault = &armed.fault;
                fault.stage == stage
                    && fault.effect != Effect::Refuse
                    && fault.window.contains(armed.elapsed(now))
                    && armed.matches(candidate)
                    && (1.0 <= fault.probability
                        || draw(&fault.name, fault.keyed_by) < fault.probability)
                    && armed.counts()
            })
            .map(|armed| {
                armed.struck.fetch_add(1, Ordering::Relaxed);
                Arc::clone(armed)
            })
    }

    /// Whether nobody listens at this moment.
    pub(crate) fn refuses(&self, now: Instant) -> bool {
        self.refusing().any(|armed| armed.fault.window.contains(armed.elapsed(now)))
    }

    /// Counts a request that found nobody.
    pub(crate) fn count_refused(&self, now: Instant) -> Option<Arc<Armed>> {
        let armed =
            self.refusing().find(|armed| armed.fault.window.contains(armed.elapsed(now)))?;
        armed.struck.fetch_add(1, Ordering::Relaxed);
        Some(Arc::clone(armed))
    }

    /// When that may change next.
    pub(crate) fn next_refusal_change(&self, now: Instant) -> Option<Instant> {
        self.refusing()
            .filter_map(|armed| {
                let next = armed.fault.window.next_change(armed.elapsed(now))?;
                armed.since.checked_add(next)
            })
            .min()
    }

    fn refusing(&self) -> impl Iterator<Item = &Arc<Armed>> {
        self.armed.iter().filter(|armed| armed.fault.effect == Effect::Refuse)
    }
}

#[cfg(test)]
mod tests;
