//! A counter of any rule.

use std::time::Duration;

use super::bucket::TokenBucket;
use super::sliding::SlidingLog;
use super::window::FixedWindow;
use super::{Need, Rule};

#[derive(Clone, Debug)]
pub(super) enum Counter {
    Sliding(SlidingLog),
    Bucket(TokenBucket),
    Fixed(FixedWindow),
}

/// A rule, its times on the store's scale.
#[derive(Clone, Copy)]
pub(super) struct Local {
    pub(super) rule: Rule,
    pub(super) now: Duration,
    pub(super) ends: Option<Duration>,
}

impl Counter {
    pub(super) fn new(rule: Rule) -> Self {
        match rule {
            Rule::SlidingWindow { .. } => Self::Sliding(SlidingLog::default()),
            Rule::TokenBucket { .. } => Self::Bucket(TokenBucket::default()),
            Rule::FixedWindow { .. } => Self::Fixed(FixedWindow::default()),
        }
    }

    /// A counter belongs to one kind of rule; with another it starts anew.
    pub(super) fn fit(&mut self, rule: Rule) {
        let fits = matches!(
            (&*self, rule),
            (Self::Sliding(_), Rule::SlidingWindow { .. })
                | (Self::Bucket(_), Rule::TokenBucket { .. })
                | (Self::Fixed(_), Rule::FixedWindow { .. })
        );
        if !fits {
            *self = Self::new(rule);
        }
    }

    pub(super) fn remaining(&mut self, at: Local) -> u64 {
        match (self, at.rule) {
            (Self::Sliding(log), Rule::SlidingWindow { limit, period }) => {
                limit.saturating_sub(log.used(at.now, period))
            }
            (Self::Bucket(bucket), Rule::TokenBucket { limit, period }) => {
                bucket.remaining(at.now, limit, period)
            }
            (Self::Fixed(window), Rule::FixedWindow { limit, .. }) => {
                limit.saturating_sub(window.used(at.now, at.ends))
            }
            _ => 0,
        }
    }

    pub(super) fn wait(&mut self, at: Local, need: Need) -> Option<Duration> {
        match (self, at.rule) {
            (Self::Sliding(log), Rule::SlidingWindow { limit, period }) => {
                log.wait(at.now, limit, period, need)
            }
            (Self::Bucket(bucket), Rule::TokenBucket { limit, period }) => {
                bucket.wait(at.now, limit, period, need)
            }
            (Self::Fixed(window), Rule::FixedWindow { limit, .. }) => {
                window.wait(at.now, limit, at.ends, need)
            }
            _ => None,
        }
    }

    pub(super) fn add(&mut self, at: Local, units: u64) {
        match (self, at.rule) {
            (Self::Sliding(log), Rule::SlidingWindow { period, .. }) => {
                log.add(at.now, period, units);
            }
            (Self::Bucket(bucket), Rule::TokenBucket { limit, period }) => {
                bucket.add(at.now, limit, period, units);
            }
            (Self::Fixed(window), Rule::FixedWindow { .. }) => window.add(at.now, at.ends, units),
            _ => {}
        }
    }

    pub(super) fn refund(&mut self, at: Local, counted_at: Duration, units: u64) {
        match (self, at.rule) {
            (Self::Sliding(log), Rule::SlidingWindow { .. }) => log.refund(counted_at, units),
            (Self::Bucket(bucket), Rule::TokenBucket { limit, period }) => {
                bucket.refund(at.now, limit, period, units);
            }
            (Self::Fixed(window), Rule::FixedWindow { .. }) => {
                window.refund(at.now, at.ends, units);
            }
            _ => {}
        }
    }

    pub(super) fn idle_at(&self) -> Duration {
        match self {
            Self::Sliding(log) => log.idle_at(),
            Self::Bucket(bucket) => bucket.idle_at(),
            Self::Fixed(window) => window.idle_at(),
        }
    }

    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Sliding(log) => 1 + log.len(),
            Self::Bucket(_) | Self::Fixed(_) => 1,
        }
    }
}
