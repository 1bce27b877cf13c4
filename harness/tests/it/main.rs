//! Integration tests of the harness, one binary.

#![expect(clippy::unwrap_used, reason = "helpers of tests; clippy only exempts test functions")]

mod bad;
mod cmd;
mod identity;
mod killed;
mod mutants;
mod readme;
mod run;
mod shipped;
mod stack;
mod stub;
