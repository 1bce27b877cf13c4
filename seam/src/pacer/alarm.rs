//! One thread's own waiters, woken by a timer of the kernel's.
//!
//! A thread that runs a runtime of its own waits for sockets and for this timer at
//! once, and wakes its waiters itself: no other thread has to be woken on the way.
//! The timer is exact to microseconds, where tokio's has milliseconds, and the
//! condition variable of [`super::thread`] the kernel's slack of 50 µs.
//!
//! A thread that sleeps needs time to wake up, 40 to 90 µs on a virtual machine. So
//! the timer is set ahead by what that usually takes ([`Lead`]), and the rest is
//! waited awake, others running meanwhile. No waiter is woken early.

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
    lead: Lead,
    /// When the timer goes off, if it is set.
    set_to: Option<Instant>,
    /// The thread looks again by itself: the timer need not be set.
    awake: bool,
}

/// Takes the alarm away with the runtime that drives it.
struct Installed;

impl Drop for Installed {
    fn drop(&mut self) {
        ALARM.take();
    }
}

/// A timer of the kernel's that is not set.
fn timer() -> io::Result<Rc<AsyncFd<OwnedFd>>> {
    let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
    let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
    // `register` is unsafe for types that may name another descriptor later.
    #[expect(deprecated, reason = "an `OwnedFd` names one open descriptor for life")]
    Ok(Rc::new(AsyncFd::new(timer)?))
}

/// Wakes this thread's waiters for as long as it is polled.
pub(super) async fn keep_time() -> io::Result<()> {
    let timer = timer()?;
    ALARM.replace(Some(Alarm::new(Rc::clone(&timer))));
    let _installed = Installed;
    let mut due = Vec::new();
    loop {
        // What it counts need not be read: each expiry is an event, and setting it
        // anew forgets the count.
        timer.readable().await?.clear_ready();
        while ALARM
            .with_borrow_mut(|alarm| alarm.as_mut().is_some_and(|alarm| alarm.look(&mut due)))
        {
            for wake in due.drain(..) {
                // A waiter that was dropped (interrupted) does not mind.
                let _ = wake.send(());
            }
            // They do their work, and wait again.
            tokio::task::yield_now().await;
        }
    }
}

/// Waits with this thread's alarm; `None` when it has none.
pub(super) fn enqueue(due: Instant) -> Option<oneshot::Receiver<()>> {
    ALARM.with_borrow_mut(|alarm| {
        let alarm = alarm.as_mut()?;
        let (woken, first) = alarm.queue.enqueue(due);
        if first && !alarm.awake {
            alarm.set(Instant::now());
        }
        Some(woken)
    })
}

impl Alarm {
    fn new(timer: Rc<AsyncFd<OwnedFd>>) -> Self {
        Self { queue: Queue::default(), timer, lead: Lead::default(), set_to: None, awake: false }
    }

    /// Moves those that are due to `due`. Whether to look again at once: some were, or
    /// the next is due before the thread could sleep and be back. Otherwise the timer
    /// is set.
    fn look(&mut self, due: &mut Vec<oneshot::Sender<()>>) -> bool {
        let now = Instant::now();
        if let Some(set_to) = self.set_to.take() {
            self.lead.learn(now.saturating_duration_since(set_to));
        }
        self.queue.take_due(now, due);
        let soon = now + self.lead.0;
        self.awake = !due.is_empty() || self.queue.first().is_some_and(|first| first <= soon);
        if !self.awake {
            self.set(now);
        }
        self.awake
    }

    /// Sets the timer ahead of the first waiter's due time.
    fn set(&mut self, now: Instant) {
        let Some(first) = self.queue.first() else { return };
        let wait = first.saturating_duration_since(now).saturating_sub(self.lead.0);
        // Zero would switch it off.
        let wait = wait.max(Duration::from_nanos(1));
        self.set_to = now.checked_add(wait);
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

/// How far ahead of the due time the timer is set: the median of how late the thread
/// was there before, followed step by step.
#[derive(Default)]
struct Lead(Duration);

impl Lead {
    const STEP: Duration = Duration::from_micros(1);
    /// No more than this is waited awake, whatever the machine does.
    const MOST: Duration = Duration::from_micros(100);

    fn learn(&mut self, late: Duration) {
        self.0 = if self.0 < late {
            (self.0 + Self::STEP).min(Self::MOST)
        } else {
            self.0.saturating_sub(Self::STEP)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(late_us: impl IntoIterator<Item = u64>) -> u128 {
        let mut lead = Lead::default();
        for late in late_us {
            lead.learn(Duration::from_micros(late));
        }
        lead.0.as_micros()
    }

    #[tokio::test]
    async fn the_timer_is_set_ahead_and_what_is_near_is_waited_for_awake() {
        let minute = Duration::from_secs(60);
        let mut alarm = Alarm { lead: Lead(minute), ..Alarm::new(timer().unwrap()) };
        let mut due = Vec::new();
        let far = Instant::now() + 3 * minute;
        let (_far, _) = alarm.queue.enqueue(far);
        assert!(!alarm.look(&mut due) && !alarm.awake);
        assert_eq!(alarm.set_to, Some(far - minute));
        let (_near, _) = alarm.queue.enqueue(Instant::now() + minute / 2);
        assert!(alarm.look(&mut due) && alarm.awake);
        assert!(due.is_empty(), "nobody is woken early");
        assert_eq!(alarm.set_to, None, "it was not set for that");
    }

    #[test]
    fn the_lead_becomes_the_median_of_the_lateness() {
        // One in five is very late, two are early.
        let lead = learned((0..1_000).map(|wake| [60, 5_000, 20, 65, 25][wake % 5]));
        assert!((58..=62).contains(&lead), "{lead}");
    }

    #[test]
    fn the_lead_has_an_end() {
        assert_eq!(learned((0..1_000).map(|_| 20_000)), Lead::MOST.as_micros());
        assert_eq!(learned((0..1_000).map(|wake| if wake < 500 { 50 } else { 0 })), 0);
    }
}
