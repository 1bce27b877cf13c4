//! Waiting for a due time.
//!
//! On virtual time tokio's timer is exact to its millisecond. In real time it
//! is late by more than a millisecond (median 1.26 ms on a 2-core machine,
//! against 0.13 ms for an OS thread), which would show in every latency, those that
//! the harness measures and those that the simulator promises: there, one OS thread
//! keeps a heap of waiters and wakes each on time. It sleeps on a condition variable,
//! so that an earlier waiter can shorten the wait.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::clock::WallClock;

/// Waits for due times. Cheap to clone; the last clone ends the thread.
#[derive(Clone)]
pub enum Pacer {
    /// Tokio's timer: virtual time.
    Timer,
    /// An OS thread: real time.
    Thread(Arc<PacerThread>),
}

impl Pacer {
    /// The pacer for what a clock tells: a thread where time is real.
    #[must_use]
    pub fn of(clock: &WallClock) -> Self {
        if clock.is_real() { Self::thread() } else { Self::Timer }
    }

    /// A pacer with its own OS thread. Falls back to the timer when the system
    /// gives no thread; the lateness is measured and judged in any case.
    #[must_use]
    pub fn thread() -> Self {
        match PacerThread::start() {
            Ok(thread) => Pacer::Thread(Arc::new(thread)),
            Err(error) => {
                tracing::warn!(%error, "no thread for the pacer, using the timer");
                Pacer::Timer
            }
        }
    }

    /// Returns at `due`, or at once when it has passed.
    pub async fn until(&self, due: Instant) {
        match self {
            Pacer::Timer => {
                if Instant::now() < due {
                    tokio::time::sleep_until(due).await;
                }
            }
            Pacer::Thread(thread) => {
                // A pacer thread that died would drop the sender: continue, late.
                if Instant::now() < due
                    && let Err(error) = thread.enqueue(due).await
                {
                    tracing::error!(%error, "the pacer thread is gone");
                }
            }
        }
    }
}

/// The thread and the queue it works on.
pub struct PacerThread {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiters: BinaryHeap<Reverse<Waiter>>,
    enqueued: u64,
    stopped: bool,
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

impl PacerThread {
    fn start() -> std::io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let work = Arc::clone(&queue);
        let thread =
            std::thread::Builder::new().name("pacer".to_owned()).spawn(move || work.run())?;
        Ok(Self { queue, thread: Some(thread) })
    }

    fn enqueue(&self, due: Instant) -> oneshot::Receiver<()> {
        let (wake, woken) = oneshot::channel();
        let mut state = self.queue.lock();
        state.enqueued += 1;
        let number = state.enqueued;
        // With many waiters it is rarely the first, and each notice is a system call.
        let first = state.waiters.peek().is_none_or(|Reverse(first)| due < first.due);
        state.waiters.push(Reverse(Waiter { due, number, wake }));
        drop(state);
        if first {
            self.queue.changed.notify_one();
        }
        woken
    }
}

impl Drop for PacerThread {
    fn drop(&mut self) {
        self.queue.lock().stopped = true;
        self.queue.changed.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the pacer thread panicked; please report");
        }
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while holding the lock; the state is good in any case.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut due = Vec::new();
        let mut state = self.lock();
        while !state.stopped {
            let now = Instant::now();
            while let Some(Reverse(first)) = state.waiters.peek()
                && first.due <= now
            {
                due.extend(state.waiters.pop().map(|Reverse(waiter)| waiter.wake));
            }
            if !due.is_empty() {
                // Not with the lock held: those who wake enqueue themselves again.
                drop(state);
                for wake in due.drain(..) {
                    // A waiter that was dropped (interrupted) does not mind.
                    let _ = wake.send(());
                }
                state = self.lock();
                continue;
            }
            let wait = match state.waiters.peek() {
                Some(Reverse(first)) => first.due.saturating_duration_since(now),
                None => Duration::from_secs(3600),
            };
            state = self
                .changed
                .wait_timeout(state, wait)
                .map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_timer_keeps_virtual_time() {
        let start = Instant::now();
        Pacer::Timer.until(start + Duration::from_secs(3600)).await;
        assert_eq!(start.elapsed(), Duration::from_secs(3600));
        Pacer::Timer.until(start).await;
        assert_eq!(start.elapsed(), Duration::from_secs(3600));
    }

    #[tokio::test]
    async fn the_thread_wakes_in_order_and_never_early() {
        let pacer = Pacer::thread();
        assert!(matches!(pacer, Pacer::Thread(_)));
        let start = Instant::now();
        let wait = |ms| {
            let pacer = pacer.clone();
            async move {
                let due = start + Duration::from_millis(ms);
                pacer.until(due).await;
                assert!(due <= Instant::now(), "woken early");
                ms
            }
        };
        // The later waiter is enqueued first: the earlier one must shorten the wait.
        let (late, early) = tokio::join!(wait(60), wait(5));
        assert_eq!((late, early), (60, 5));
        assert!(start.elapsed() < Duration::from_secs(10));
    }
}
