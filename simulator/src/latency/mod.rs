//! How long an answer takes: settings ([`Latency`]), one request's drawn
//! deadlines ([`Schedule`]). Pure: draws take a generator, nothing reads a clock.

mod draw;
mod schedule;
mod settings;

pub(crate) use draw::{Conditions, Work, draw, refusal_delay};
pub(crate) use schedule::Schedule;
pub(crate) use settings::{Compat, Latency, Measured, Shape, Spread};
