//! The run's time axis: moments on tokio's clock and dates in journals become
//! time after the start of the first stage.

use seam::clock::WallClock;
use seam::units::SignedDuration;
use tokio::time::Instant;

use super::RunTime;

/// Converts to [`RunTime`]. Everything is cut to whole microseconds of the
/// wall clock first, as journals are, so that times from both sources compare.
#[derive(Debug, Clone, Copy)]
pub struct RunClock {
    wall: WallClock,
    start: Instant,
}

impl RunClock {
    /// A time axis that begins at `start`.
    #[must_use]
    pub fn new(wall: WallClock, start: Instant) -> Self {
        Self { wall, start }
    }

    /// The start of the first stage.
    #[must_use]
    pub fn start(&self) -> Instant {
        self.start
    }

    /// The run's time of a moment.
    #[must_use]
    pub fn at(&self, instant: Instant) -> RunTime {
        self.at_micros(self.wall.at(instant).since_epoch().as_micros())
    }

    /// The run's time of a date in microseconds since the Unix epoch.
    #[must_use]
    pub fn at_unix_micros(&self, micros: u64) -> RunTime {
        self.at_micros(u128::from(micros))
    }

    fn at_micros(&self, micros: u128) -> RunTime {
        let start = self.wall.at(self.start).since_epoch().as_micros();
        // Both fit: microseconds since 1970 need 51 bits.
        let signed = |value: u128| i128::try_from(value).unwrap_or(i128::MAX);
        SignedDuration { nanos: (signed(micros) - signed(start)).saturating_mul(1000) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use seam::clock::VIRTUAL_EPOCH;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn journals_and_moments_share_one_axis() {
        let wall = WallClock::fixed(VIRTUAL_EPOCH);
        let start = Instant::now() + Duration::from_secs(1);
        let clock = RunClock::new(wall, start);
        assert_eq!(clock.at(wall.anchor()).to_string(), "-1s");
        assert_eq!(clock.at(start + Duration::from_nanos(1_500)).nanos, 1_000);
        assert_eq!(clock.at_unix_micros(1_767_225_601_000_250).nanos, 250_000);
    }
}
