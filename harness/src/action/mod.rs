//! Actions: what a scenario does besides its load. One coordinator performs
//! them in order of their time, each after the one before has ended.
//!
//! `call` is a plain HTTP call with its whole answer; the journals are read
//! with it, too.

pub(crate) mod call;
pub(crate) mod coordinator;
