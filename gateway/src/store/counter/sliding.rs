//! The counter of classic tiers: a log of what was counted when.

use std::collections::VecDeque;
use std::time::Duration;

use super::Need;

/// Up to so many moments are kept exactly.
const EXACT: usize = 1024;

/// Beyond [`EXACT`], moments in the same so-manieth of the period become one,
/// the later: units then count up to that much too long, never too short.
const CELLS: u128 = 1024;

/// Units with their moments, oldest first. Amortised O(1) for each call: what
/// was put in comes out once. One period is exact and cheap; a second, shorter
/// one on the same counter costs a walk over its entries.
///
/// Times are nanoseconds in 64 bits, since there are many logs: 584 years.
#[derive(Clone, Debug, Default)]
pub struct SlidingLog {
    entries: Entries,
    sum: u64,
    /// The longest period asked for.
    period: u64,
}

/// Units counted at a moment.
#[derive(Clone, Copy, Debug)]
struct Entry {
    at: u64,
    units: u64,
}

/// Most logs of many have a single entry, which needs no memory of its own.
#[derive(Clone, Debug, Default)]
enum Entries {
    #[default]
    None,
    One(Entry),
    #[expect(clippy::box_collection, reason = "a pointer's size: most logs are not this one")]
    Many(Box<VecDeque<Entry>>),
}

impl Entries {
    fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::One(_) => 1,
            Self::Many(all) => all.len(),
        }
    }

    fn front(&self) -> Option<Entry> {
        match self {
            Self::None => None,
            Self::One(only) => Some(*only),
            Self::Many(all) => all.front().copied(),
        }
    }

    fn back(&self) -> Option<Entry> {
        match self {
            Self::None => None,
            Self::One(only) => Some(*only),
            Self::Many(all) => all.back().copied(),
        }
    }

    fn back_mut(&mut self) -> Option<&mut Entry> {
        match self {
            Self::None => None,
            Self::One(only) => Some(only),
            Self::Many(all) => all.back_mut(),
        }
    }

    fn push(&mut self, entry: Entry) {
        match self {
            Self::None => *self = Self::One(entry),
            Self::One(first) => *self = Self::Many(Box::new(VecDeque::from([*first, entry]))),
            Self::Many(all) => all.push_back(entry),
        }
    }

    fn pop_front(&mut self) {
        match self {
            Self::Many(all) if 1 < all.len() => drop(all.pop_front()),
            // The memory goes back with the last one.
            Self::None | Self::One(_) | Self::Many(_) => *self = Self::None,
        }
    }

    /// The first entry not before a moment.
    fn first_from(&mut self, at: u64) -> Option<&mut Entry> {
        match self {
            Self::None => None,
            Self::One(only) => (at <= only.at).then_some(only),
            Self::Many(all) => {
                let first = all.partition_point(|entry| entry.at < at);
                all.get_mut(first)
            }
        }
    }

    fn iter(&self) -> impl DoubleEndedIterator<Item = Entry> {
        let (one, many) = match self {
            Self::None => (None, None),
            Self::One(only) => (Some(*only), None),
            Self::Many(all) => (None, Some(all.iter().copied())),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }
}

/// Longer ones are as good as for ever.
fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl SlidingLog {
    /// Units within the last `period`. `now` never goes back.
    pub fn used(&mut self, now: Duration, period: Duration) -> u64 {
        self.used_at(nanoseconds(now), nanoseconds(period))
    }

    fn used_at(&mut self, now: u64, period: u64) -> u64 {
        self.period = self.period.max(period);
        while let Some(first) = self.entries.front()
            && first.at.saturating_add(self.period) <= now
        {
            self.entries.pop_front();
            self.sum -= first.units;
        }
        if period == self.period {
            return self.sum;
        }
        let within = |entry: &Entry| now < entry.at.saturating_add(period);
        self.entries.iter().rev().take_while(within).map(|entry| entry.units).sum()
    }

    /// Counts units.
    pub fn add(&mut self, now: Duration, period: Duration, units: u64) {
        let now = nanoseconds(now);
        self.used_at(now, nanoseconds(period));
        // A counter never overflows: it stops.
        let units = units.min(u64::MAX - self.sum);
        if units == 0 {
            return;
        }
        self.sum += units;
        let length = self.entries.len();
        let period = u128::from(self.period.max(1));
        let cell = |at: u64| u128::from(at) * CELLS / period;
        match self.entries.back_mut() {
            Some(last) if last.at == now || (EXACT <= length && cell(last.at) == cell(now)) => {
                last.at = now;
                last.units += units;
            }
            _ => self.entries.push(Entry { at: now, units }),
        }
    }

    /// Takes back units counted at `at`, if they still count.
    pub fn refund(&mut self, at: Duration, units: u64) {
        if let Some(entry) = self.entries.first_from(nanoseconds(at)) {
            let units = units.min(entry.units);
            entry.units -= units;
            self.sum -= units;
        }
    }

    /// How long until what is needed is free: 0 when it is, `None` for never.
    pub fn wait(
        &mut self,
        now: Duration,
        limit: u64,
        period: Duration,
        need: Need,
    ) -> Option<Duration> {
        let need = match need {
            Need::Any => 1,
            Need::Units(units) => units,
        };
        let free = limit.checked_sub(need)?;
        let (now, period) = (nanoseconds(now), nanoseconds(period));
        let used = self.used_at(now, period);
        let mut excess = used.saturating_sub(free);
        if excess == 0 {
            return Some(Duration::ZERO);
        }
        let within = |entry: &Entry| now < entry.at.saturating_add(period);
        for entry in self.entries.iter().filter(within) {
            excess = excess.saturating_sub(entry.units);
            if excess == 0 {
                let free_at = entry.at.saturating_add(period);
                return Some(Duration::from_nanos(free_at.saturating_sub(now)));
            }
        }
        None
    }

    /// When nothing counts any more.
    #[must_use]
    pub fn idle_at(&self) -> Duration {
        let idle = self.entries.back().map_or(0, |last| last.at.saturating_add(self.period));
        Duration::from_nanos(idle)
    }

    /// Entries in memory.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is in memory.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// A call of the published run: refused, or served and then counted.
    fn call(log: &mut SlidingLog, now: u64, cost: u64) -> Result<u64, u64> {
        match log.wait(at(now), 100, MINUTE, Need::Any) {
            Some(Duration::ZERO) => {
                log.add(at(now), MINUTE, cost);
                Ok(100_u64.saturating_sub(log.used(at(now), MINUTE)))
            }
            wait => Err(wait.map_or(0, |wait| wait.as_secs())),
        }
    }

    /// The published run of a classic gateway with 100 tokens per minute
    /// (specification 4.3).
    #[test]
    fn the_published_classic_run() {
        let mut log = SlidingLog::default();
        assert_eq!(call(&mut log, 2, 59), Ok(41));
        assert_eq!(call(&mut log, 18, 55), Ok(0));
        assert_eq!(call(&mut log, 33, 50), Err(29));
        assert_eq!(call(&mut log, 48, 50), Err(14));
        assert_eq!(call(&mut log, 63, 50), Ok(0));
    }

    #[test]
    fn one_call_of_many_units_is_one_entry() {
        let mut log = SlidingLog::default();
        log.add(at(1), MINUTE, 1_000_000);
        log.add(at(1), MINUTE, 500_000);
        assert_eq!(
            (log.len(), log.used(at(60), MINUTE), log.used(at(61), MINUTE)),
            (1, 1_500_000, 0)
        );
        log.add(at(70), MINUTE, u64::MAX);
        log.add(at(71), MINUTE, u64::MAX);
        assert_eq!(log.used(at(71), MINUTE), u64::MAX);
    }

    #[test]
    fn a_busy_log_is_bounded_and_never_forgets_too_early() {
        let mut log = SlidingLog::default();
        let mut most = 0;
        for millisecond in 0..120_000 {
            log.add(Duration::from_millis(millisecond), MINUTE, 1);
            most = most.max(log.len());
        }
        assert!(most <= EXACT + 1025, "{most}");
        let used = log.used(Duration::from_millis(119_999), MINUTE);
        assert!((60_000..=60_060).contains(&used), "{used}");
    }

    #[test]
    fn what_never_fits_waits_for_ever() {
        let mut log = SlidingLog::default();
        assert_eq!(log.wait(at(0), 10, MINUTE, Need::Units(11)), None);
        assert_eq!(log.wait(at(0), 0, MINUTE, Need::Any), None);
        assert_eq!(log.wait(at(0), 10, MINUTE, Need::Units(10)), Some(Duration::ZERO));
    }

    /// All that was ever counted.
    #[derive(Default)]
    struct Model(Vec<(Duration, u64)>);

    impl Model {
        fn used(&self, now: Duration, period: Duration) -> u64 {
            self.0.iter().filter(|(at, _)| now < *at + period).map(|(_, units)| units).sum()
        }

        fn refund(&mut self, counted_at: Duration, mut units: u64) {
            for (_, there) in self.0.iter_mut().filter(|(at, _)| *at == counted_at) {
                let part = units.min(*there);
                *there -= part;
                units -= part;
            }
        }
    }

    proptest! {
        #[test]
        fn counts_as_a_list_of_everything_does(
            steps in proptest::collection::vec((0_u64..20_000, 0_u64..50, 0_u8..10), 1..80),
            periods in (1_u64..60, 1_u64..60),
            limit in 0_u64..200,
        ) {
            let [long, short] = [periods.0.max(periods.1), periods.0.min(periods.1)].map(at);
            let (mut log, mut model, mut now) = (SlidingLog::default(), Model::default(), at(0));
            log.used(now, long);
            for (pause, units, what) in steps {
                now += Duration::from_millis(pause);
                match what {
                    0..7 => {
                        log.add(now, long, units);
                        model.0.push((now, units));
                    }
                    7 => {
                        if let Some(&(last, _)) = model.0.last() {
                            log.refund(last, units);
                            model.refund(last, units);
                        }
                    }
                    _ => {}
                }
                prop_assert_eq!(log.used(now, long), model.used(now, long));
                prop_assert_eq!(log.used(now, short), model.used(now, short));
                for need in [1, units.max(1)] {
                    let wait = log.clone().wait(now, limit, long, Need::Units(need));
                    match wait {
                        None => prop_assert!(limit < need),
                        Some(wait) => {
                            let fits = |now| model.used(now, long) + need <= limit;
                            prop_assert!(fits(now + wait));
                            prop_assert!(wait.is_zero() || !fits(now + wait - Duration::from_nanos(1)));
                        }
                    }
                }
                prop_assert_eq!(model.used(log.idle_at().max(now), long), 0);
            }
        }
    }
}
