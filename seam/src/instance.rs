//! Which start of a process wrote something.

use rand::Rng as _;

use crate::clock::WallClock;
use crate::rng::Seed;

/// A name for this start of the program `name`: 16 hexadecimal digits, drawn
/// from the seed and the present date. A reader of journals that meets another
/// one knows that the process was restarted, and that numbers began anew.
/// Virtual runs have a fixed date, so theirs are the same in every run.
#[must_use]
pub fn instance(name: &str, seed: Seed, clock: &WallClock) -> String {
    // 64 bits of nanoseconds last until 2554.
    let date = u64::try_from(clock.now().since_epoch().as_nanos()).unwrap_or(u64::MAX);
    let drawn = seed.numbered(&format!("{name}/instance"), date).next_u64();
    format!("{drawn:016x}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::VIRTUAL_EPOCH;

    #[tokio::test(start_paused = true)]
    async fn differs_by_program_seed_and_date_only() {
        let clock = WallClock::fixed(VIRTUAL_EPOCH);
        let first = instance("a", Seed(1), &clock);
        assert_eq!(first.len(), 16);
        assert_eq!(first, instance("a", Seed(1), &WallClock::fixed(VIRTUAL_EPOCH)));
        assert_ne!(first, instance("b", Seed(1), &clock));
        assert_ne!(first, instance("a", Seed(2), &clock));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_ne!(first, instance("a", Seed(1), &clock));
    }
}
