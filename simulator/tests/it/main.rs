//! In-process end-to-end tests: a simulator on a paused clock, called through
//! its routers.

#![expect(clippy::unwrap_used, reason = "test helpers fail the test they are in")]

mod answers;
mod bad_config;
mod cli;
mod control;
mod entra;
mod eras;
mod errors;
mod faults;
mod filters;
mod forms;
mod limits;
mod media;
mod moderations;
mod offers;
mod process;
mod profiles;
mod recorded_forms;
mod recording;
mod recordings;
mod responses;
mod robustness;
mod sockets;
mod streams;
mod support;
mod surfaces;
mod texts;
mod v1;
