//! In-process end-to-end tests: a simulator on a paused clock, called through
//! its routers.

mod support;
mod texts;
