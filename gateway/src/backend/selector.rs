//! Which member of a pool gets the next call (specification 3.2): pure, told
//! who is available.
//!
//! The best priority (the lowest number) with an available member; in it by
//! weight, either smoothly or by a draw. Smoothly: each available member gains
//! its weight, the richest is chosen and pays the sum. Over as many calls as
//! the weights sum to, each member gets exactly its weight, spread out; equal
//! weights alternate.

/// The members of a pool, grouped.
#[derive(Debug)]
pub(crate) struct Selector {
    groups: Vec<Vec<Slot>>,
}

#[derive(Debug)]
struct Slot {
    /// Which member.
    member: usize,
    weight: u32,
    /// What it has gained and not yet paid.
    credit: i64,
}

impl Selector {
    /// Of the members' priorities and weights, in order. A member of weight 0
    /// is never chosen.
    pub(crate) fn new(members: impl IntoIterator<Item = (u8, u8)>) -> Self {
        let mut sorted: Vec<(usize, (u8, u8))> = members.into_iter().enumerate().collect();
        sorted.retain(|(_, (_, weight))| 0 < *weight);
        sorted.sort_by_key(|(_, (priority, _))| *priority);
        let groups = sorted.chunk_by(|(_, (one, _)), (_, (other, _))| one == other);
        let slot = |&(member, (_, weight)): &(usize, (u8, u8))| Slot {
            member,
            weight: u32::from(weight),
            credit: 0,
        };
        Self { groups: groups.map(|group| group.iter().map(slot).collect()).collect() }
    }

    /// The members that can be chosen at all.
    pub(crate) fn members(&self) -> impl Iterator<Item = usize> {
        self.groups.iter().flatten().map(|slot| slot.member)
    }

    /// The next member by smooth weighted round robin.
    pub(crate) fn smooth(&mut self, available: impl Fn(usize) -> bool) -> Option<usize> {
        for group in &mut self.groups {
            let mut total = 0;
            let mut richest: Option<&mut Slot> = None;
            for slot in group.iter_mut().filter(|slot| available(slot.member)) {
                slot.credit += i64::from(slot.weight);
                total += i64::from(slot.weight);
                // Of equals the first.
                if richest.as_ref().is_none_or(|found| found.credit < slot.credit) {
                    richest = Some(slot);
                }
            }
            if let Some(slot) = richest {
                slot.credit -= total;
                return Some(slot.member);
            }
        }
        None
    }

    /// A member drawn by weight; `draw` is uniform.
    pub(crate) fn random(&self, available: impl Fn(usize) -> bool, draw: u64) -> Option<usize> {
        self.groups.iter().find_map(|group| {
            let candidates: Vec<&Slot> =
                group.iter().filter(|slot| available(slot.member)).collect();
            let total: u32 = candidates.iter().map(|slot| slot.weight).sum();
            // The high half of the product is uniform below `total`.
            let mut at = (u128::from(draw) * u128::from(total)) >> 64;
            candidates.into_iter().find_map(|slot| match at.checked_sub(slot.weight.into()) {
                Some(rest) => {
                    at = rest;
                    None
                }
                None => Some(slot.member),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use seam::rng::Seed;

    use super::*;

    fn order(members: &[(u8, u8)], calls: usize, closed: &[usize]) -> Vec<usize> {
        let mut selector = Selector::new(members.iter().copied());
        let mut next = || selector.smooth(|member| !closed.contains(&member));
        (0..calls).filter_map(|_| next()).collect()
    }

    #[test]
    fn equal_weights_alternate_and_others_are_spread() {
        assert_eq!(order(&[(1, 1), (1, 1)], 4, &[]), [0, 1, 0, 1]);
        assert_eq!(order(&[(1, 2), (1, 1)], 6, &[]), [0, 1, 0, 0, 1, 0]);
        assert_eq!(order(&[(1, 5), (1, 1), (1, 1)], 7, &[]), [0, 0, 1, 0, 2, 0, 0]);
    }

    #[test]
    fn lower_groups_wait_for_higher_ones_to_be_empty() {
        let members = [(2, 1), (1, 1), (1, 0), (2, 1)];
        assert_eq!(order(&members, 2, &[]), [1, 1]);
        assert_eq!(order(&members, 3, &[1]), [0, 3, 0]);
        assert_eq!(order(&members, 3, &[0, 1, 3]), [] as [usize; 0]);
    }

    #[test]
    fn draws_follow_the_weights() {
        let selector = Selector::new([(1, 2), (1, 1), (1, 0), (2, 9)]);
        let mut random = Seed(1).stream("test");
        let mut counts = [0_u32; 4];
        for _ in 0..30_000 {
            let member = selector.random(|_| true, random.next_u64()).unwrap();
            counts[member] += 1;
        }
        assert!((19_600..20_400).contains(&counts[0]), "{counts:?}");
        assert_eq!(counts[0] + counts[1], 30_000);
        assert_eq!(selector.random(|_| true, u64::MAX), Some(1));
        assert_eq!(selector.random(|member| member == 3, 0), Some(3));
        assert_eq!(selector.random(|_| false, 0), None);
    }

    proptest! {
        #[test]
        fn a_cycle_gives_each_member_its_weight(weights in prop::collection::vec(1_u8..=100, 1..30)) {
            let members: Vec<_> = weights.iter().map(|weight| (1, *weight)).collect();
            let cycle = weights.iter().map(|weight| usize::from(*weight)).sum();
            let chosen = order(&members, 2 * cycle, &[]);
            for (member, weight) in weights.iter().enumerate() {
                for half in chosen.chunks(cycle) {
                    let times = half.iter().filter(|chosen| **chosen == member).count();
                    prop_assert_eq!(times, usize::from(*weight));
                }
            }
        }
    }
}
