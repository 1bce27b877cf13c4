//! One thread's own waiters, woken by a timer of the kernel's.
//!
//! A thread that runs a runtime of its own waits for sockets and for this timer at
//! once, and wakes its waiters itself: no other thread has to be woken on the way.
//! The timer is exact to microseconds, where tokio's has milliseconds, and the
//! condition variable of [`super::thread`] the kernel's slack of 50 µs.

use std::cell::RefCell;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::queue::Queue;

thread_local! {
    static ALARM: RefCell<Option<Alarm>> = const { RefCell::new(None) };
}

struct Alarm {
    queue: Queue,
    timer: Rc<AsyncFd<OwnedFd>>,
}

/// Takes the alarm away with the runtime that drives it.
struct Installed;

impl Drop for Installed {
    fn drop(&mut self) {
        ALARM.take();
    }
}

/// Wakes this thread's waiters for as long as it is polled.
pub(super) async fn keep_time() -> io::Result<()> {
    let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
    let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
    // `register` is unsafe for types that may name another descriptor later.
    #[expect(deprecated, reason = "an `OwnedFd` names one open descriptor for life")]
    let timer = Rc::new(AsyncFd::new(timer)?);
    ALARM.replace(Some(Alarm { queue: Queue::default(), timer: Rc::clone(&timer) }));
    let _installed = Installed;
    let mut due = Vec::new();
    loop {
        // What it counts need not be read: each expiry is an event, and setting it
        // anew forgets the count.
        timer.readable().await?.clear_ready();
        ALARM.with_borrow_mut(|alarm| {
            let Some(alarm) = alarm else { return };
            alarm.queue.take_due(Instant::now(), &mut due);
            alarm.set();
        });
        for wake in due.drain(..) {
            // A waiter that was dropped (interrupted) does not mind.
            let _ = wake.send(());
        }
    }
}

/// Waits with this thread's alarm; `None` when it has none.
pub(super) fn enqueue(due: Instant) -> Option<oneshot::Receiver<()>> {
    ALARM.with_borrow_mut(|alarm| {
        let alarm = alarm.as_mut()?;
        let (woken, first) = alarm.queue.enqueue(due);
        if first {
            alarm.set();
        }
        Some(woken)
    })
}

impl Alarm {
    /// Sets the timer to the first waiter's due time.
    fn set(&self) {
        let Some(first) = self.queue.first() else { return };
        // Zero would switch it off.
        let wait = first.saturating_duration_since(Instant::now()).max(Duration::from_nanos(1));
        let wait = Itimerspec {
            it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
            it_value: Timespec {
                tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: wait.subsec_nanos().into(),
            },
        };
        let set = timerfd_settime(self.timer.get_ref().as_fd(), TimerfdTimerFlags::empty(), &wait);
        if let Err(error) = set {
            tracing::error!(%error, "cannot set this thread's timer: waiters are late");
        }
    }
}
