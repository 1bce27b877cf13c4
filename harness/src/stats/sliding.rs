//! The fullest sliding window over weighted events whose times are known only to
//! lie in a range.

/// Times of events as `(earliest, latest, weight)`; `earliest ≤ latest`.
pub type Ranged = (i128, i128, u64);

/// The fullest window of a length, half open: what is in `(end − length, end]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fullest {
    /// Sum of the weights.
    pub sum: u64,
    /// End of the window, a time of an event.
    pub end: i128,
}

/// The greatest sum of weights that surely lie within one window of `length`:
/// events with both ends of their range inside. `O(n log n)`: events enter in
/// the order of their latest times; a Fenwick tree (Fenwick 1994) over the
/// earliest ones adds those that began late enough.
#[must_use]
pub fn fullest_surely(events: &[Ranged], length: i128) -> Fullest {
    let mut starts: Vec<i128> = events.iter().map(|event| event.0).collect();
    starts.sort_unstable();
    let mut by_latest: Vec<&Ranged> = events.iter().collect();
    by_latest.sort_unstable_by_key(|event| (event.1, event.0));
    let mut tree = Fenwick::new(starts.len());
    let mut total = 0_u64;
    let mut best = Fullest::default();
    let mut index = 0;
    while let Some(&&(_, latest, _)) = by_latest.get(index) {
        // All that end at this moment belong to the windows that end with it.
        while let Some(&&(earliest, end, weight)) = by_latest.get(index)
            && end == latest
        {
            tree.add(starts.partition_point(|start| *start < earliest), weight);
            total += weight;
            index += 1;
        }
        let before = starts.partition_point(|start| *start <= latest - length);
        let sum = total - tree.below(before);
        if best.sum < sum {
            best = Fullest { sum, end: latest };
        }
    }
    best
}

/// The greatest sum of weights that may lie within one window of `length`: any
/// overlap counts. Two pointers over sorted times, `O(n log n)`.
#[must_use]
pub fn fullest_perhaps(events: &[Ranged], length: i128) -> Fullest {
    let mut by_earliest: Vec<&Ranged> = events.iter().collect();
    by_earliest.sort_unstable_by_key(|event| event.0);
    let mut by_latest: Vec<&Ranged> = events.iter().collect();
    by_latest.sort_unstable_by_key(|event| event.1);
    let (mut begun, mut over) = (0_u64, 0_u64);
    let (mut index, mut left) = (0, 0);
    let mut best = Fullest::default();
    while let Some(&&(end, _, _)) = by_earliest.get(index) {
        while let Some(&&(earliest, _, weight)) = by_earliest.get(index)
            && earliest == end
        {
            begun += weight;
            index += 1;
        }
        while let Some(&&(_, latest, weight)) = by_latest.get(left)
            && latest <= end - length
        {
            over += weight;
            left += 1;
        }
        let sum = begun.saturating_sub(over);
        if best.sum < sum {
            best = Fullest { sum, end };
        }
    }
    best
}

/// Prefix sums under additions.
struct Fenwick {
    nodes: Vec<u64>,
}

impl Fenwick {
    fn new(size: usize) -> Self {
        Self { nodes: vec![0; size + 1] }
    }

    /// Adds at an index from 0.
    fn add(&mut self, index: usize, weight: u64) {
        let mut node = index + 1;
        while let Some(sum) = self.nodes.get_mut(node) {
            *sum += weight;
            node += node & node.wrapping_neg();
        }
    }

    /// The sum of the first `count`.
    fn below(&self, count: usize) -> u64 {
        let mut node = count.min(self.nodes.len().saturating_sub(1));
        let mut sum = 0;
        while 0 < node {
            sum += self.nodes.get(node).copied().unwrap_or_default();
            node &= node - 1;
        }
        sum
    }
}

/// Sums of weights before a time: sorted times with running sums.
pub struct Running {
    times: Vec<i128>,
    sums: Vec<u64>,
}

impl Running {
    /// From times with weights, in any order.
    #[must_use]
    pub fn new(mut events: Vec<(i128, u64)>) -> Self {
        events.sort_unstable();
        let mut sum = 0;
        let sums = events.iter().map(|(_, weight)| {
            sum += weight;
            sum
        });
        let sums = std::iter::once(0).chain(sums).collect();
        Self { times: events.into_iter().map(|event| event.0).collect(), sums }
    }

    /// The sum of what lies before a time.
    #[must_use]
    pub fn before(&self, time: i128) -> u64 {
        let count = self.times.partition_point(|one| *one < time);
        self.sums.get(count).copied().unwrap_or_default()
    }

    /// The sum of what lies from one time up to, not including, another.
    #[must_use]
    pub fn between(&self, from: i128, to: i128) -> u64 {
        self.before(to).saturating_sub(self.before(from))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn windows_are_half_open() {
        let at = |times: &[i128]| times.iter().map(|t| (*t, *t, 1)).collect::<Vec<Ranged>>();
        assert_eq!(fullest_surely(&at(&[0, 10]), 10), Fullest { sum: 1, end: 0 });
        assert_eq!(fullest_surely(&at(&[0, 9]), 10), Fullest { sum: 2, end: 9 });
        assert_eq!(fullest_surely(&at(&[0, 0, 0]), 10), Fullest { sum: 3, end: 0 });
        assert_eq!(fullest_surely(&[], 10), Fullest::default());
        let ranged = [(0, 5, 1), (8, 12, 1)];
        assert_eq!(fullest_surely(&ranged, 10).sum, 1);
        assert_eq!(fullest_perhaps(&ranged, 10).sum, 2);
    }

    proptest! {
        #[test]
        fn agree_with_trying_every_window(
            events in proptest::collection::vec((0_i128..60, 0_i128..20, 0_u64..5), 0..40),
            length in 1_i128..25,
        ) {
            let events: Vec<Ranged> =
                events.into_iter().map(|(at, long, weight)| (at, at + long, weight)).collect();
            let sum = |holds: &dyn Fn(i128, &Ranged) -> bool| {
                (-1..100)
                    .map(|end| events.iter().filter(|e| holds(end, e)).map(|e| e.2).sum::<u64>())
                    .max()
                    .unwrap_or_default()
            };
            let surely = sum(&|end, event| end - length < event.0 && event.1 <= end);
            let perhaps = sum(&|end, event| end - length < event.1 && event.0 <= end);
            prop_assert_eq!(fullest_surely(&events, length).sum, surely);
            prop_assert_eq!(fullest_perhaps(&events, length).sum, perhaps);
            prop_assert!(surely <= perhaps);
            let running = Running::new(events.iter().map(|e| (e.0, e.2)).collect());
            let between: u64 =
                events.iter().filter(|e| (10..30).contains(&e.0)).map(|e| e.2).sum();
            prop_assert_eq!(running.between(10, 30), between);
        }
    }
}
