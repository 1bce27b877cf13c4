//! Counters of a run under way, for a live display. The load only adds to
//! atomics; who displays them reads in its own time, off the sample path.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counts what has happened so far.
#[derive(Debug, Default)]
pub struct Progress {
    sent: AtomicU64,
    done: AtomicU64,
    not_2xx: AtomicU64,
    elapsed_ms: AtomicU64,
}

/// A reading of [`Progress`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Requests sent.
    pub sent: u64,
    /// Requests over.
    pub done: u64,
    /// Requests over without a 2xx answer.
    pub not_2xx: u64,
    /// How far the run is.
    pub elapsed: Duration,
}

impl Progress {
    pub(crate) fn request_sent(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn request_done(&self, success: bool, elapsed: Duration) {
        self.done.fetch_add(1, Ordering::Relaxed);
        if !success {
            self.not_2xx.fetch_add(1, Ordering::Relaxed);
        }
        let elapsed = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        self.elapsed_ms.fetch_max(elapsed, Ordering::Relaxed);
    }

    /// The counters now.
    #[must_use]
    pub fn read(&self) -> Reading {
        Reading {
            sent: self.sent.load(Ordering::Relaxed),
            done: self.done.load(Ordering::Relaxed),
            not_2xx: self.not_2xx.load(Ordering::Relaxed),
            elapsed: Duration::from_millis(self.elapsed_ms.load(Ordering::Relaxed)),
        }
    }
}
