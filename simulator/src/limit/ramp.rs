//! How fast priority traffic may grow: more than half again as many tokens a
//! minute within 15 minutes may be served as standard (specification, section
//! 4.5).
//!
//! Not published is against what the growth is measured. Here it is the mean
//! of the 15 minutes before the present one, or a floor when that is less: a
//! deployment that starts from nothing grows infinitely fast.

use tokio::time::Instant;

use crate::config::PriorityRamp;

/// Minutes that are looked back at.
const MINUTES: usize = 15;

/// Priority tokens of the present minute and the 15 before it.
#[derive(Debug, Clone)]
pub(super) struct Ramp {
    settings: PriorityRamp,
    started: Option<Instant>,
    minute: u64,
    present: u64,
    /// Sums of the minutes before, by number modulo their count.
    before: [u64; MINUTES],
}

impl Ramp {
    pub(super) fn new(settings: PriorityRamp) -> Self {
        Self { settings, started: None, minute: 0, present: 0, before: [0; MINUTES] }
    }

    /// Counts a priority request, unless it would be too much growth.
    pub(super) fn admit(&mut self, now: Instant, tokens: u64) -> bool {
        self.pass(now);
        let reference = (self.before.iter().sum::<u64>() as f64 / MINUTES as f64)
            .max(self.settings.floor_tpm as f64);
        let most = reference * (1.0 + self.settings.increase);
        let within = self.present.saturating_add(tokens) as f64 <= most;
        if within {
            self.present += tokens;
        }
        within
    }

    fn pass(&mut self, now: Instant) {
        let started = *self.started.get_or_insert(now);
        let minute = now.saturating_duration_since(started).as_secs() / 60;
        // No more than all that is remembered has to be forgotten.
        let steps = minute.saturating_sub(self.minute).min(MINUTES as u64 + 1);
        for step in 0..steps {
            let sum = if step == 0 { std::mem::take(&mut self.present) } else { 0 };
            let slot = (self.minute + step) % MINUTES as u64;
            if let Some(slot) = usize::try_from(slot).ok().and_then(|at| self.before.get_mut(at)) {
                *slot = sum;
            }
        }
        self.minute = self.minute.max(minute);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const SETTINGS: PriorityRamp = PriorityRamp { increase: 0.5, floor_tpm: 1_000 };

    #[tokio::test(start_paused = true)]
    async fn steady_growth_passes_and_a_jump_is_cut() {
        let mut ramp = Ramp::new(SETTINGS);
        let start = Instant::now();
        let minute = |n: u64| start + Duration::from_secs(60 * n);
        assert!(ramp.admit(minute(0), 1_500));
        assert!(!ramp.admit(minute(0), 1), "half again the floor");
        for n in 1..=15 {
            assert!(ramp.admit(minute(n), 1_500));
        }
        assert!(ramp.admit(minute(16), 2_250), "half again the mean");
        assert!(!ramp.admit(minute(16), 1));
        assert!(!ramp.admit(minute(17), 2_500));
        assert!(ramp.admit(minute(600), 1_500), "a long pause forgets");
        assert!(!ramp.admit(minute(600), 1));
    }

    proptest! {
        #[test]
        fn agrees_with_a_model_that_keeps_everything(
            steps in prop::collection::vec((0_u64..400, 0_u64..1_500), 1..120),
        ) {
            let mut ramp = Ramp::new(SETTINGS);
            let start = Instant::now();
            let (mut at, mut kept): (u64, Vec<(u64, u64)>) = (0, Vec::new());
            // Minutes are counted from the first request.
            for (index, (pause, tokens)) in steps.into_iter().enumerate() {
                at += if index == 0 { 0 } else { pause };
                let minute = at / 60;
                let sum = |from: u64, to: u64| -> u64 {
                    kept.iter().filter(|(m, _)| (from..to).contains(m)).map(|(_, t)| t).sum()
                };
                let before = sum(minute.saturating_sub(15), minute) as f64 / 15.0;
                let most = before.max(1_000.0) * 1.5;
                let expected = (sum(minute, minute + 1) + tokens) as f64 <= most;
                let now = start + Duration::from_secs(at);
                prop_assert_eq!(ramp.admit(now, tokens), expected);
                if expected {
                    kept.push((minute, tokens));
                }
            }
        }
    }
}
