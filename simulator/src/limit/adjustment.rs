//! What moves a pay-as-you-go deployment's limits without anybody's order: the
//! dynamic quota, which only raises them, and the protective adjustment, which
//! lowers them for hours (specification, sections 3.2 and 3.7).
//!
//! Neither is published beyond that. The dynamic quota is a slow random walk
//! between 1 and a cap, reflected at both.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};
use tokio::time::Instant;

use crate::config::{DynamicQuota, TemporaryAdjustment};

/// Steps of a walk that were missed while nobody asked; earlier ones are left
/// out, since after so many nothing of the start is left.
const MOST_STEPS: u32 = 1_024;

/// The present factors.
#[derive(Debug, Clone)]
pub(super) struct Adjustment {
    walk: Option<Walk>,
    temporary: Option<Temporary>,
}

#[derive(Debug, Clone)]
struct Walk {
    settings: DynamicQuota,
    rng: ChaCha8Rng,
    factor: f64,
    next: Instant,
}

#[derive(Debug, Clone)]
struct Temporary {
    settings: TemporaryAdjustment,
    from: Instant,
    until: Instant,
    active: bool,
    over: bool,
}

impl Adjustment {
    pub(super) fn new(
        dynamic: Option<DynamicQuota>,
        temporary: Option<TemporaryAdjustment>,
        now: Instant,
        rng: ChaCha8Rng,
    ) -> Self {
        let walk = dynamic.map(|settings| Walk {
            next: after(now, settings.step),
            settings,
            rng,
            factor: 1.0,
        });
        let mut adjustment = Self { walk, temporary: None };
        adjustment.set_temporary(temporary, now);
        adjustment
    }

    /// A temporary adjustment from now on, instead of the one there was.
    pub(super) fn set_temporary(&mut self, settings: Option<TemporaryAdjustment>, now: Instant) {
        self.temporary = settings.map(|settings| {
            let from = after(now, settings.start);
            let until = after(from, settings.duration);
            Temporary { settings, from, until, active: from <= now, over: false }
        });
    }

    /// The next moment up to now at which a factor changes; [`Adjustment::step`]
    /// makes the change. The limits before it are those until then.
    pub(super) fn next_change(&mut self, now: Instant) -> Option<Instant> {
        let walk = self.walk.as_mut().map(|walk| {
            let reach = walk.settings.step.saturating_mul(MOST_STEPS);
            if let Some(earliest) = now.checked_sub(reach) {
                walk.next = walk.next.max(earliest);
            }
            walk.next
        });
        let temporary = self.temporary.as_ref().and_then(Temporary::next);
        [walk, temporary].into_iter().flatten().min().filter(|at| *at <= now)
    }

    pub(super) fn step(&mut self, at: Instant) {
        if let Some(temporary) = &mut self.temporary
            && temporary.next() == Some(at)
        {
            temporary.over = temporary.active;
            temporary.active = !temporary.active;
        }
        if let Some(walk) = &mut self.walk
            && walk.next <= at
        {
            walk.step();
        }
    }

    /// What the limits are multiplied with.
    pub(super) fn factor(&self) -> f64 {
        self.walk.as_ref().map_or(1.0, |walk| walk.factor) * self.shown_factor()
    }

    /// The part of it that headers tell.
    pub(super) fn shown_factor(&self) -> f64 {
        match &self.temporary {
            Some(temporary) if temporary.active => temporary.settings.factor,
            _ => 1.0,
        }
    }

    /// Whether the protective adjustment is in force.
    pub(super) fn is_penalty_active(&self) -> bool {
        self.temporary.as_ref().is_some_and(|temporary| temporary.active)
    }
}

impl Temporary {
    fn next(&self) -> Option<Instant> {
        match (self.over, self.active) {
            (true, _) => None,
            (false, true) => Some(self.until),
            (false, false) => Some(self.from),
        }
    }
}

impl Walk {
    fn step(&mut self) {
        let room = self.settings.cap - 1.0;
        let z: f64 = StandardNormal.sample(&mut self.rng);
        // Reflected at both ends; a step never crosses the room twice.
        let step = (z * self.settings.spread * room).clamp(-room, room);
        let mut factor = self.factor + step;
        if factor < 1.0 {
            factor = 2.0 - factor;
        }
        if self.settings.cap < factor {
            factor = 2.0 * self.settings.cap - factor;
        }
        self.factor = factor.clamp(1.0, self.settings.cap);
        self.next = after(self.next, self.settings.step);
    }
}

/// A moment later; as good as never when that is beyond the clock.
fn after(from: Instant, delay: Duration) -> Instant {
    const CENTURY: Duration = Duration::from_secs(100 * 366 * 86_400);
    from + delay.min(CENTURY)
}

#[cfg(test)]
mod tests {
    use seam::rng::Seed;

    use super::*;

    fn walk(cap: f64) -> Option<DynamicQuota> {
        Some(DynamicQuota { cap, step: Duration::from_secs(60), spread: 0.2 })
    }

    fn advance(adjustment: &mut Adjustment, now: Instant) {
        while let Some(at) = adjustment.next_change(now) {
            adjustment.step(at);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_dynamic_quota_walks_between_one_and_its_cap_and_no_header_tells() {
        let start = Instant::now();
        let mut adjustment = Adjustment::new(walk(1.5), None, start, Seed(1).stream("q"));
        let mut seen = (f64::INFINITY, 0.0_f64);
        let mut before = adjustment.factor();
        assert_eq!(before, 1.0);
        for minute in 1..2_000 {
            advance(&mut adjustment, start + Duration::from_secs(60 * minute));
            let factor = adjustment.factor();
            assert!((1.0..=1.5).contains(&factor), "{factor}");
            assert!((factor - before).abs() <= 0.5, "slow: {before} to {factor}");
            assert_eq!(adjustment.shown_factor(), 1.0);
            seen = (seen.0.min(factor), seen.1.max(factor));
            before = factor;
        }
        assert!(seen.0 < 1.1 && 1.4 < seen.1, "{seen:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_walk_is_its_seeds_and_a_long_sleep_costs_bounded_work() {
        let start = Instant::now();
        let path = |seed| {
            let mut adjustment = Adjustment::new(walk(2.0), None, start, Seed(seed).stream("q"));
            (1..50)
                .map(|minute| {
                    advance(&mut adjustment, start + Duration::from_secs(60 * minute));
                    adjustment.factor().to_bits()
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(path(1), path(1));
        assert_ne!(path(1), path(2));
        let mut adjustment = Adjustment::new(walk(2.0), None, start, Seed(1).stream("q"));
        let (now, mut steps) = (start + Duration::from_secs(1_000_000_000), 0);
        while let Some(at) = adjustment.next_change(now) {
            adjustment.step(at);
            steps += 1;
        }
        assert!((1..=MOST_STEPS + 1).contains(&steps), "{steps}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_temporary_adjustment_comes_and_goes() {
        let start = Instant::now();
        let (hour, settings) = (
            Duration::from_secs(3_600),
            TemporaryAdjustment {
                factor: 0.4,
                start: Duration::from_secs(3_600),
                duration: Duration::from_secs(7_200),
            },
        );
        let mut adjustment = Adjustment::new(None, Some(settings), start, Seed(1).stream("q"));
        for (hours, expected) in [(0, 1.0), (1, 0.4), (2, 0.4), (3, 1.0), (90, 1.0)] {
            advance(&mut adjustment, start + hour * hours);
            assert_eq!(adjustment.factor(), expected, "after {hours} h");
            assert_eq!(adjustment.is_penalty_active(), expected < 1.0);
        }
        let now = start + hour * 90;
        let at_once = TemporaryAdjustment { start: Duration::ZERO, ..settings };
        adjustment.set_temporary(Some(at_once), now);
        assert_eq!(adjustment.factor(), 0.4);
        adjustment.set_temporary(None, now);
        assert_eq!(adjustment.factor(), 1.0);
    }
}
