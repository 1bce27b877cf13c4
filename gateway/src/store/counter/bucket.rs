//! The counter of v2 tiers: a bucket that refills steadily and may owe.

use std::time::Duration;

use super::Need;

/// What is missing from a full bucket, exactly: in units times nanoseconds of
/// the period, so that refilling never rounds.
#[derive(Clone, Debug, Default)]
pub struct TokenBucket {
    missing: u128,
    /// In nanoseconds, like the others: there are many buckets.
    at: u64,
    /// The period `missing` is scaled by.
    period: u64,
    /// When the bucket is full, by the last rule.
    full_at: u64,
}

/// Units whose product with any period fits.
const MAX_UNITS: u64 = 1 << 60;

fn duration(nanoseconds: u128) -> Duration {
    u64::try_from(nanoseconds).map_or(Duration::MAX, Duration::from_nanos)
}

/// 584 years at most: longer ones are as good as for ever.
fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl TokenBucket {
    /// Refills up to `now`, which never goes back.
    fn settle(&mut self, now: Duration, limit: u64, period: Duration) {
        let (now, period) = (nanoseconds(now), nanoseconds(period).max(1));
        if self.period != period {
            let (new, old) = (u128::from(period), u128::from(self.period));
            self.missing = match old {
                0 => 0,
                // The same units at another scale; rounded up, by less than a
                // billionth of one.
                old => (self.missing / old)
                    .saturating_mul(new)
                    .saturating_add((self.missing % old * new).div_ceil(old)),
            };
            self.period = period;
        }
        let elapsed = u128::from(now.saturating_sub(self.at));
        let limit = u128::from(limit.min(MAX_UNITS));
        self.missing = self.missing.saturating_sub(limit.saturating_mul(elapsed));
        self.at = now;
        self.full_at = match limit {
            0 => u64::MAX,
            _ => {
                let left = u64::try_from(self.missing.div_ceil(limit)).unwrap_or(u64::MAX);
                now.saturating_add(left)
            }
        };
    }

    /// Whole units left, not below 0.
    pub fn remaining(&mut self, now: Duration, limit: u64, period: Duration) -> u64 {
        self.settle(now, limit, period);
        let missing =
            u64::try_from(self.missing.div_ceil(u128::from(self.period))).unwrap_or(u64::MAX);
        limit.saturating_sub(missing)
    }

    /// Takes units out; the bucket may owe then.
    pub fn add(&mut self, now: Duration, limit: u64, period: Duration, units: u64) {
        self.settle(now, limit, period);
        let taken = u128::from(units.min(MAX_UNITS)) * u128::from(self.period);
        self.missing = self.missing.saturating_add(taken);
        self.settle(now, limit, period);
    }

    /// Puts units back.
    pub fn refund(&mut self, now: Duration, limit: u64, period: Duration, units: u64) {
        self.settle(now, limit, period);
        let returned = u128::from(units.min(MAX_UNITS)) * u128::from(self.period);
        self.missing = self.missing.saturating_sub(returned);
        self.settle(now, limit, period);
    }

    /// How long until what is needed is there: 0 when it is, `None` for never.
    /// Nothing at all is not something: after the wait for [`Need::Any`] the
    /// balance is above 0.
    pub fn wait(
        &mut self,
        now: Duration,
        limit: u64,
        period: Duration,
        need: Need,
    ) -> Option<Duration> {
        self.settle(now, limit, period);
        let limit = limit.min(MAX_UNITS);
        if limit == 0 {
            return None;
        }
        let rate = u128::from(limit);
        let full = rate * u128::from(self.period);
        let nanoseconds = match need {
            Need::Any if self.missing < full => 0,
            Need::Any => (self.missing - full) / rate + 1,
            Need::Units(units) => {
                let allowed = u128::from(limit.checked_sub(units)?) * u128::from(self.period);
                self.missing.saturating_sub(allowed).div_ceil(rate)
            }
        };
        Some(duration(nanoseconds))
    }

    /// When the bucket is full again.
    #[must_use]
    pub fn idle_at(&self) -> Duration {
        Duration::from_nanos(self.full_at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// Admits a call and takes its cost, or says how many seconds to wait.
    fn call(bucket: &mut TokenBucket, now: f64, limit: u64, cost: u64) -> Result<u64, u64> {
        match bucket.wait(at(now), limit, MINUTE, Need::Any) {
            Some(Duration::ZERO) => {
                bucket.add(at(now), limit, MINUTE, cost);
                Ok(bucket.remaining(at(now), limit, MINUTE))
            }
            wait => Err(wait.map_or(0, |wait| wait.as_nanos().div_ceil(1_000_000_000) as u64)),
        }
    }

    /// The published runs of v2 gateways (specification 4.3).
    #[test]
    fn the_published_v2_runs() {
        let mut bucket = TokenBucket::default();
        assert_eq!(call(&mut bucket, 0.0, 300, 262), Ok(38));
        assert_eq!(call(&mut bucket, 2.0, 300, 255), Ok(0));
        // 38 + 10 - 255 = -207; 0.5 s later it owes 204.5.
        assert_eq!(call(&mut bucket, 2.5, 300, 50), Err(41));
        assert_eq!(call(&mut bucket, 43.3, 300, 50), Err(1));
        assert!(call(&mut bucket, 43.5, 300, 50).is_ok());

        let mut bucket = TokenBucket::default();
        assert_eq!(call(&mut bucket, 0.0, 10, 40), Ok(0));
        assert_eq!(call(&mut bucket, 0.1, 10, 40), Err(180));
    }

    #[test]
    fn a_wait_is_long_enough_even_when_it_is_whole_seconds() {
        let mut bucket = TokenBucket::default();
        bucket.add(at(0.0), 300, MINUTE, 505);
        let wait = bucket.wait(at(0.0), 300, MINUTE, Need::Any).unwrap();
        assert_eq!(wait, Duration::from_nanos(41_000_000_001));
        assert_eq!(bucket.wait(wait, 300, MINUTE, Need::Any), Some(Duration::ZERO));
    }

    #[test]
    fn what_never_fits_waits_for_ever() {
        let mut bucket = TokenBucket::default();
        assert_eq!(bucket.wait(at(0.0), 10, MINUTE, Need::Units(11)), None);
        assert_eq!(bucket.wait(at(0.0), 0, MINUTE, Need::Any), None);
        bucket.add(at(0.0), u64::MAX, Duration::MAX, u64::MAX);
        assert!(bucket.wait(at(1.0), 1, Duration::MAX, Need::Any).is_some());
    }

    proptest! {
        /// Against the definition over exact fractions: a bucket of one fixed
        /// rule is `missing(t) = max(0, missing(t0) - rate * (t - t0)) + taken`.
        #[test]
        fn counts_as_the_definition_does(
            steps in proptest::collection::vec((0_u64..20_000, 0_u64..60), 1..60),
            limit in 1_u64..200,
            period in 1_u64..90,
        ) {
            let period = Duration::from_secs(period);
            let scale = i128::try_from(period.as_nanos()).unwrap();
            let full = i128::from(limit) * scale;
            let (mut bucket, mut now, mut balance) = (TokenBucket::default(), Duration::ZERO, full);
            for (pause, units) in steps {
                now += Duration::from_millis(pause);
                balance = full.min(balance + i128::from(limit) * i128::from(pause) * 1_000_000);
                for need in [Need::Any, Need::Units(units)] {
                    let fits = |balance: i128| match need {
                        Need::Any => 0 < balance,
                        Need::Units(units) => i128::from(units) * scale <= balance,
                    };
                    match bucket.wait(now, limit, period, need) {
                        None => prop_assert!(limit < units),
                        Some(wait) => {
                            let later = |ns: i128| full.min(balance + i128::from(limit) * ns);
                            let ns = i128::try_from(wait.as_nanos()).unwrap();
                            prop_assert!(fits(later(ns)));
                            prop_assert!(ns == 0 || !fits(later(ns - 1)));
                        }
                    }
                }
                bucket.add(now, limit, period, units);
                balance -= i128::from(units) * scale;
                let remaining = u64::try_from(balance.div_euclid(scale).max(0)).unwrap();
                prop_assert_eq!(bucket.remaining(now, limit, period), remaining);
            }
            prop_assert_eq!(bucket.remaining(bucket.idle_at(), limit, period), limit);
        }

        #[test]
        fn a_change_of_the_rule_keeps_what_was_taken(
            taken in 0_u64..1_000, limits in (1_u64..500, 1_u64..500), periods in (1_u64..300, 1_u64..300),
        ) {
            let periods = [periods.0, periods.1].map(Duration::from_secs);
            let mut bucket = TokenBucket::default();
            bucket.add(Duration::ZERO, limits.0, periods[0], taken);
            let remaining = bucket.remaining(Duration::ZERO, limits.1, periods[1]);
            prop_assert_eq!(remaining, limits.1.saturating_sub(taken));
        }
    }
}
