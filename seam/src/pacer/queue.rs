//! Waiters in the order of their due times.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use tokio::sync::oneshot;
use tokio::time::Instant;

/// Who waits, earliest first; of equals the one that came first.
#[derive(Default)]
pub(super) struct Queue {
    waiters: BinaryHeap<Reverse<Waiter>>,
    enqueued: u64,
}

struct Waiter {
    due: Instant,
    number: u64,
    wake: oneshot::Sender<()>,
}

impl PartialEq for Waiter {
    fn eq(&self, other: &Self) -> bool {
        (self.due, self.number) == (other.due, other.number)
    }
}
impl Eq for Waiter {}
impl PartialOrd for Waiter {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Waiter {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.number).cmp(&(other.due, other.number))
    }
}

impl Queue {
    /// One more waiter, and whether it is the first now.
    pub(super) fn enqueue(&mut self, due: Instant) -> (oneshot::Receiver<()>, bool) {
        let (wake, woken) = oneshot::channel();
        self.enqueued += 1;
        let first = self.first().is_none_or(|first| due < first);
        self.waiters.push(Reverse(Waiter { due, number: self.enqueued, wake }));
        (woken, first)
    }

    /// When the first is due.
    pub(super) fn first(&self) -> Option<Instant> {
        self.waiters.peek().map(|Reverse(first)| first.due)
    }

    /// Moves those that are due to `due`, in order.
    pub(super) fn take_due(&mut self, now: Instant, due: &mut Vec<oneshot::Sender<()>>) {
        while self.first().is_some_and(|first| first <= now) {
            due.extend(self.waiters.pop().map(|Reverse(waiter)| waiter.wake));
        }
    }
}
