//! Admission: pure state machines over `Instant`s.
//!
//! A limiter is asked once per request ([`Limiter::try_admit`]) and told the
//! true usage at its end ([`Limiter::settle`]). No clock and no lock inside; the
//! owner brings the time, and the generator of the dynamic quota. Live changes
//! of a limit keep what has been counted.
//!
//! `payg` holds requests against limits: a `meter` each, counted in a `fixed`
//! or `sliding` window or a `refill`ing bucket, under factors from
//! `adjustment`. `bucket` is provisioned throughput; `prompt_cache` what it and
//! the latency give back for repeated prompts.

mod adjustment;
mod bucket;
mod fixed;
mod limiter;
mod meter;
mod payg;
mod prompt_cache;
mod ramp;
mod refill;
mod sliding;

use bucket::LeakyBucket;
use payg::Payg;

pub(crate) use limiter::{
    Amounts, Demand, Level, LimitChange, Limiter, PaygStanding, Refusal, RefusalReason, Standing,
    Ticket, Tier, Used,
};
pub(crate) use prompt_cache::PromptCache;
