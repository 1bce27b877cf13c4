//! Waiting for a due time.
//!
//! On virtual time tokio's timer is exact to its millisecond. In real time it
//! is late by more than a millisecond (median 1.26 ms on a 2-core machine,
//! against 0.13 ms for an OS thread), which would show in every latency, those that
//! the harness measures and those that the simulator promises. There, a thread of
//! [`crate::server::Workers`] wakes its own waiters (`alarm`), and one OS thread all
//! others (`thread`). Both keep them in a `queue`.

use std::sync::Arc;

use tokio::time::Instant;

use crate::clock::WallClock;

#[cfg(target_os = "linux")]
mod alarm;
mod queue;
mod thread;

pub use thread::PacerThread;

/// Waits for due times. Cheap to clone; the last clone ends the thread.
#[derive(Clone)]
pub enum Pacer {
    /// Tokio's timer: virtual time.
    Timer,
    /// An OS thread, or the present thread's own alarm: real time.
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
        if due <= Instant::now() {
            return;
        }
        match self {
            Pacer::Timer => tokio::time::sleep_until(due).await,
            Pacer::Thread(thread) => {
                #[cfg(target_os = "linux")]
                let own = alarm::enqueue(due);
                #[cfg(not(target_os = "linux"))]
                let own = None;
                let woken = own.unwrap_or_else(|| thread.enqueue(due));
                // Who would wake us died, and dropped the sender: continue, late.
                if let Err(error) = woken.await {
                    tracing::error!(%error, "the pacer is gone");
                }
            }
        }
    }
}

/// Gives the present thread an alarm of its own for as long as this is polled: in a
/// runtime that no other thread runs.
pub(crate) async fn keep_time() {
    #[cfg(target_os = "linux")]
    if let Err(error) = alarm::keep_time().await {
        tracing::warn!(%error, "no timer for this thread, using the pacer's");
    }
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::StreamExt as _;
    use futures_util::stream::FuturesUnordered;

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

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_thread_with_an_alarm_wakes_in_order_and_never_early() {
        let pacer = Pacer::thread();
        let start = Instant::now();
        let waits = async {
            // The alarm is there.
            tokio::task::yield_now().await;
            let mut order = Vec::new();
            let wait = |ms| {
                let pacer = pacer.clone();
                let due = start + Duration::from_millis(ms);
                async move {
                    assert!(alarm::enqueue(due).is_some(), "this thread has none");
                    pacer.until(due).await;
                    assert!(due <= Instant::now(), "woken early");
                    ms
                }
            };
            let mut waiting: FuturesUnordered<_> = [60, 5, 30, 5].into_iter().map(wait).collect();
            while let Some(ms) = waiting.next().await {
                order.push(ms);
            }
            order
        };
        let order = tokio::select! {
            () = keep_time() => unreachable!("it ends with its thread"),
            order = waits => order,
        };
        assert_eq!(order, [5, 5, 30, 60]);
        // Without whoever polls it there is none, and the pacer's thread takes over.
        assert!(alarm::enqueue(start).is_none());
        pacer.until(start + Duration::from_millis(61)).await;
    }
}
