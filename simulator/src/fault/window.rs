//! When a fault is in force, as time since it was armed.

use std::time::Duration;

/// A stretch of time, once or in every period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Window {
    /// First moment that is in.
    pub from: Duration,
    /// First moment that is out again; `None`: never.
    pub until: Option<Duration>,
    /// Length of a period; `from` and `until` then count from the start of each.
    pub every: Option<Duration>,
}

impl Window {
    /// Whether a moment is inside.
    pub(crate) fn contains(&self, elapsed: Duration) -> bool {
        let (_, at) = self.place(elapsed);
        self.from <= at && self.until.is_none_or(|until| at < until)
    }

    /// When it next begins or ends after a moment; `None`: never again.
    pub(crate) fn next_change(&self, elapsed: Duration) -> Option<Duration> {
        let (start, at) = self.place(elapsed);
        let within = [Some(self.from), self.until]
            .into_iter()
            .flatten()
            .find(|edge| at < *edge)
            .and_then(|edge| start.checked_add(edge));
        // In the next period, where there is one; a window that fills its period
        // has an edge there, too, which changes nothing and does no harm.
        within.or_else(|| start.checked_add(self.every?)?.checked_add(self.from))
    }

    /// Whether it has ended for good.
    pub(crate) fn is_over(&self, elapsed: Duration) -> bool {
        self.every.is_none() && self.until.is_some_and(|until| until <= elapsed)
    }

    /// Start of the period, and the time in it.
    fn place(&self, elapsed: Duration) -> (Duration, Duration) {
        let Some(every) = self.every.filter(|every| !every.is_zero()) else {
            return (Duration::ZERO, elapsed);
        };
        let within = elapsed.as_nanos() % every.as_nanos();
        // Below a period, which fits.
        let within = Duration::from_nanos(u64::try_from(within).unwrap_or(u64::MAX));
        (elapsed.saturating_sub(within), within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[track_caller]
    fn check(window: Window, inside: &[u64], outside: &[u64]) {
        for second in inside {
            assert!(window.contains(s(*second)), "{second} s is in {window:?}");
        }
        for second in outside {
            assert!(!window.contains(s(*second)), "{second} s is not in {window:?}");
        }
    }

    #[test]
    fn once_and_periodically() {
        check(Window::default(), &[0, 1, 1_000_000], &[]);
        check(Window { from: s(60), ..Window::default() }, &[60, 61, 9_999], &[0, 59]);
        let once = Window { from: s(60), until: Some(s(90)), every: None };
        check(once, &[60, 89], &[0, 59, 90, 360]);
        let often = Window { every: Some(s(300)), ..once };
        check(often, &[60, 89, 360, 389, 3_060], &[0, 59, 90, 300, 359, 390]);
    }

    #[test]
    fn knows_when_it_changes() {
        let once = Window { from: s(60), until: Some(s(90)), every: None };
        assert_eq!(once.next_change(s(0)), Some(s(60)));
        assert_eq!(once.next_change(s(60)), Some(s(90)));
        assert_eq!(once.next_change(s(90)), None);
        assert_eq!(Window::default().next_change(s(5)), None);
        let often = Window { every: Some(s(300)), ..once };
        assert_eq!(often.next_change(s(90)), Some(s(360)));
        assert_eq!(often.next_change(s(365)), Some(s(390)));
        assert!(once.is_over(s(90)) && !once.is_over(s(89)) && !often.is_over(s(90)));
    }

    proptest::proptest! {
        /// Between two changes nothing changes: whoever sleeps until the next one
        /// misses none.
        #[test]
        fn nothing_happens_between_changes(
            from in 0_u64..50, length in 1_u64..50, rest in proptest::option::of(0_u64..50),
            open in proptest::bool::ANY, at in 0_u64..300,
        ) {
            let window = Window {
                from: s(from),
                until: (!open).then(|| s(from + length)),
                // Without an end there are no periods: the file's check says so.
                every: rest.filter(|_| !open).map(|rest| s(from + length + rest)),
            };
            let next = window.next_change(s(at)).map_or(400, |next| next.as_secs());
            proptest::prop_assert!(at < next);
            for second in at..next.min(400) {
                proptest::prop_assert_eq!(window.contains(s(second)), window.contains(s(at)));
            }
        }
    }
}
