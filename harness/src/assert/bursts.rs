//! When something comes in bursts: where they start, and where they end.

use super::events::Events;
use crate::record::RunTime;

/// A burst whose start was seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Burst {
    pub(super) start: RunTime,
    /// End of its last bin, or of what was looked at.
    pub(super) end: RunTime,
    /// Whether it was still under way there.
    pub(super) cut: bool,
}

impl Burst {
    pub(super) fn length(&self) -> RunTime {
        RunTime { nanos: self.end.nanos - self.start.nanos }
    }
}

/// Start of each bin and what it holds.
pub(super) fn fill(events: &Events<'_>, bins: &[(RunTime, RunTime)]) -> Vec<(RunTime, u64)> {
    let mut series: Vec<(RunTime, u64)> = bins.iter().map(|bin| (bin.0, 0)).collect();
    for event in &events.counted {
        let index = bins.partition_point(|bin| bin.1 <= event.earliest);
        let inside = bins.get(index).is_some_and(|bin| bin.0 <= event.earliest);
        if let (true, Some(bin)) = (inside, series.get_mut(index)) {
            bin.1 += event.weight;
        }
    }
    series
}

/// Bursts start with a bin above `over` after one of at most its half, and end before
/// the next such one. The first bin has none before it: a burst that is under way
/// there has no start.
pub(super) fn bursts(bins: &[(RunTime, u64)], over: u64, length: i128) -> Vec<Burst> {
    let mut bursts: Vec<Burst> = Vec::new();
    let mut within = bins.first().is_some_and(|bin| over < bin.1);
    for (start, held) in bins.iter().skip(1) {
        let end = RunTime { nanos: start.nanos + length };
        if within {
            // Nothing was pushed yet for one that was under way from the start.
            within = over / 2 < *held;
            if let Some(burst) = bursts.last_mut() {
                burst.cut = within;
                burst.end = if within { end } else { *start };
            }
        } else if over < *held {
            bursts.push(Burst { start: *start, end, cut: true });
            within = true;
        }
    }
    bursts
}
