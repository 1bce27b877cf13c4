//! Integration tests of the harness, one binary.

#![expect(clippy::unwrap_used, reason = "helpers of tests; clippy only exempts test functions")]

mod bad;
mod claims;
mod cmd;
mod endpoints;
mod identity;
mod killed;
mod mutants;
mod mutants_cycles;
mod mutants_limits;
mod mutants_load_balancing;
mod mutants_spikes;
mod readme;
mod run;
mod seed_policies;
mod seed_toolkit;
mod shipped;
mod stack;
mod stub;
mod verification;
