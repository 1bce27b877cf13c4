//! In-process end-to-end tests: a simulator on a paused clock, called through
//! its routers.

#![expect(clippy::unwrap_used, reason = "test helpers fail the test they are in")]

mod answers;
mod bad_config;
mod beside;
mod calibrate;
mod cli;
mod conformance;
mod control;
mod endpoints;
mod entra;
mod eras;
mod error_rows;
mod errors;
mod faults;
mod filters;
mod forms;
mod limits;
mod media;
mod moderations;
mod offers;
mod orders;
mod process;
mod profiles;
mod recorded_forms;
mod recording;
mod recordings;
mod replayed;
mod responses;
mod robustness;
mod sockets;
mod streams;
mod support;
mod surfaces;
mod tape;
mod texts;
mod typed;
mod v1;
