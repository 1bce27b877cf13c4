//! Sending a scenario's load: when requests leave, how they are sent, and what
//! comes back of each.
//!
//! `arrival` is pure: a profile becomes due times. `pacer` waits for a due time
//! as precisely as the world allows. `client` sends one request and decodes its
//! answer with its own types; `driver` joins them. Nothing here knows
//! whether time is virtual, nor what a gateway or a simulator is.

pub(crate) mod answer;
pub(crate) mod arrival;
pub(crate) mod client;
pub(crate) mod driver;
pub(crate) mod pacer;
pub mod progress;
pub(crate) mod sse;
