//! The wall clock, anchored once per run.
//!
//! All code measures time with `tokio::time::Instant`. Where a date is needed
//! (`created`, journal times, `DateTime.UtcNow`), it is the run's anchor plus
//! the time tokio's clock has moved since. On a paused clock the anchor is a
//! fixed date, so two runs print the same dates.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// The date at which virtual runs start: 2026-01-01T00:00:00Z, in seconds
/// since the Unix epoch.
pub const VIRTUAL_EPOCH: Duration = Duration::from_secs(1_767_225_600);

/// Tells dates: an anchor date plus the time elapsed on tokio's clock.
#[derive(Clone, Copy, Debug)]
pub struct WallClock {
    anchor: Instant,
    anchored_at: Duration,
    real: bool,
}

impl WallClock {
    /// Anchors at the machine's date, now.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the machine's date: the anchor of every timestamp"
    )]
    pub fn real() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { anchor: Instant::now(), anchored_at: since_epoch, real: true }
    }

    /// Anchors at a given date (since the Unix epoch), now on tokio's clock.
    #[must_use]
    pub fn fixed(since_epoch: Duration) -> Self {
        Self { anchor: Instant::now(), anchored_at: since_epoch, real: false }
    }

    /// Whether it was anchored at the machine's date: then time passes by itself.
    #[must_use]
    pub fn is_real(&self) -> bool {
        self.real
    }

    /// The present date.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.at(Instant::now())
    }

    /// The date of a moment on tokio's clock, also one before the anchor.
    #[must_use]
    pub fn at(&self, instant: Instant) -> Timestamp {
        let since_epoch = match instant.checked_duration_since(self.anchor) {
            Some(after) => self.anchored_at + after,
            None => self.anchored_at.saturating_sub(self.anchor.duration_since(instant)),
        };
        Timestamp(since_epoch)
    }

    /// The moment on tokio's clock at which this clock was anchored.
    #[must_use]
    pub fn anchor(&self) -> Instant {
        self.anchor
    }
}

/// A date as time since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(Duration);

impl Timestamp {
    /// A date from the time since the Unix epoch.
    #[must_use]
    pub fn from_unix(since_epoch: Duration) -> Self {
        Self(since_epoch)
    }

    /// Time since the Unix epoch.
    #[must_use]
    pub fn since_epoch(self) -> Duration {
        self.0
    }

    /// Whole seconds since the Unix epoch, as in OpenAI's `created`.
    #[must_use]
    pub fn unix_seconds(self) -> u64 {
        self.0.as_secs()
    }

    /// The date as the standard library's type.
    #[must_use]
    pub fn to_system_time(self) -> SystemTime {
        UNIX_EPOCH + self.0
    }

    /// RFC 3339 in UTC with milliseconds: `2026-01-01T00:00:00.000Z`.
    #[must_use]
    pub fn rfc3339(self) -> String {
        humantime::format_rfc3339_millis(self.to_system_time()).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn follows_the_paused_clock_from_its_anchor() {
        let clock = WallClock::fixed(VIRTUAL_EPOCH);
        assert_eq!(clock.now().rfc3339(), "2026-01-01T00:00:00.000Z");
        tokio::time::advance(Duration::from_millis(61_500)).await;
        assert_eq!(clock.now().rfc3339(), "2026-01-01T00:01:01.500Z");
        assert_eq!(clock.at(clock.anchor() - Duration::from_secs(1)).unix_seconds(), 1_767_225_599);
    }
}
