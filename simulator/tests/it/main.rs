//! In-process end-to-end tests: a simulator on a paused clock, called through
//! its routers.

mod bad_config;
mod cli;
mod control;
mod errors;
mod limits;
mod robustness;
mod streams;
mod support;
mod texts;
