//! Faults: what goes wrong on purpose, when, and for which requests.
//!
//! `settings` is one fault as checked, `window` its time, `board` all that are
//! armed and the decision which of them strikes a request. Pure but for the
//! counters of the board: time and draws come from the caller. What a fault does
//! to a reply is the service's (`service/faulty.rs`).

mod board;
mod settings;
mod window;

pub(crate) use board::{Armed, Board, Candidate, Owner};
pub(crate) use settings::{
    Anomaly, Effect, Fault, HeaderChanges, Key, Pattern, RefusalKind, Stage, StatusFault,
};
pub(crate) use window::Window;
