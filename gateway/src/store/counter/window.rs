//! The counter of quotas: from 0 in each window.

use std::time::Duration;

use super::Need;

/// Units counted in the present window.
#[derive(Clone, Debug, Default)]
pub struct FixedWindow {
    used: u64,
    /// The end of the window they were counted in; `None`: it never ends.
    ends: Option<Duration>,
}

impl FixedWindow {
    /// Units counted in the window that ends at `ends`.
    pub fn used(&mut self, now: Duration, ends: Option<Duration>) -> u64 {
        if self.ends.is_some_and(|end| end <= now) {
            self.used = 0;
        }
        self.ends = ends;
        self.used
    }

    /// Counts units.
    pub fn add(&mut self, now: Duration, ends: Option<Duration>, units: u64) {
        self.used = self.used(now, ends).saturating_add(units);
    }

    /// Takes back units counted at `at`, if that was in the present window.
    pub fn refund(&mut self, now: Duration, ends: Option<Duration>, units: u64) {
        self.used = self.used(now, ends).saturating_sub(units);
    }

    /// How long until what is needed is free: 0 when it is, `None` for never.
    pub fn wait(
        &mut self,
        now: Duration,
        limit: u64,
        ends: Option<Duration>,
        need: Need,
    ) -> Option<Duration> {
        let need = match need {
            Need::Any => 1,
            Need::Units(units) => units,
        };
        let free = limit.checked_sub(need)?;
        if self.used(now, ends) <= free {
            return Some(Duration::ZERO);
        }
        ends.map(|end| end.saturating_sub(now))
    }

    /// When nothing counts any more.
    #[must_use]
    pub fn idle_at(&self) -> Duration {
        match self.used {
            0 => Duration::ZERO,
            _ => self.ends.unwrap_or(Duration::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_window_starts_from_nothing() {
        let mut window = FixedWindow::default();
        let first = Some(at(100));
        window.add(at(1), first, 9);
        assert_eq!(window.wait(at(2), 10, first, Need::Any), Some(Duration::ZERO));
        assert_eq!(window.wait(at(2), 10, first, Need::Units(2)), Some(at(98)));
        assert_eq!(window.wait(at(2), 10, first, Need::Units(11)), None);
        window.add(at(99), first, u64::MAX);
        assert_eq!(window.wait(at(99), 10, first, Need::Any), Some(at(1)));
        assert_eq!(window.idle_at(), at(100));
        assert_eq!(window.used(at(100), Some(at(200))), 0);
        window.add(at(100), Some(at(200)), 3);
        window.refund(at(150), Some(at(200)), 2);
        assert_eq!(window.used(at(199), Some(at(200))), 1);
        window.refund(at(250), Some(at(300)), 1);
        assert_eq!(window.used(at(250), Some(at(300))), 0);
    }

    #[test]
    fn a_lifetime_window_never_ends() {
        let mut window = FixedWindow::default();
        window.add(at(1), None, 5);
        assert_eq!(window.wait(at(1_000_000), 5, None, Need::Any), None);
        assert_eq!((window.used(at(u64::MAX), None), window.idle_at()), (5, Duration::MAX));
    }
}
