//! An OS thread that wakes waiters of any runtime.
//!
//! It sleeps on a condition variable, so that an earlier waiter can shorten the wait.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::queue::Queue;

/// The thread and the queue it works on.
pub struct PacerThread {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    queue: Queue,
    stopped: bool,
}

impl PacerThread {
    pub(super) fn start() -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let work = Arc::clone(&shared);
        let thread =
            std::thread::Builder::new().name("pacer".to_owned()).spawn(move || work.run())?;
        Ok(Self { shared, thread: Some(thread) })
    }

    pub(super) fn enqueue(&self, due: Instant) -> oneshot::Receiver<()> {
        let (woken, first) = self.shared.lock().queue.enqueue(due);
        // With many waiters it is rarely the first, and each notice is a system call.
        if first {
            self.shared.changed.notify_one();
        }
        woken
    }
}

impl Drop for PacerThread {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the pacer thread panicked; please report");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while holding the lock; the state is good in any case.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        // Else the kernel adds 50 µs to each wait to save wakes (PR_SET_TIMERSLACK).
        #[cfg(target_os = "linux")]
        let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
        let mut due = Vec::new();
        let mut state = self.lock();
        while !state.stopped {
            let now = Instant::now();
            state.queue.take_due(now, &mut due);
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
            let wait = match state.queue.first() {
                Some(first) => first.saturating_duration_since(now),
                None => Duration::from_secs(3600),
            };
            state = self
                .changed
                .wait_timeout(state, wait)
                .map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state);
        }
    }
}
