//! Admission: pure state machines over `Instant`s.
//!
//! A limiter is asked once per request ([`Limiter::try_admit`]) and told the
//! true usage at its end ([`Limiter::settle`]). No clock, no lock, no
//! randomness inside; the owner brings the time. Live changes of a limit keep
//! the windows.

mod bucket;
mod fixed;
mod limiter;
mod sliding;

use bucket::LeakyBucket;
use fixed::FixedWindows;
use sliding::SlidingWindows;

pub(crate) use limiter::{
    Demand, Limiter, PaygStanding, Refusal, RefusalReason, Standing, Ticket, Used,
};
