//! The running simulator: one pipeline per request, live control, journal and
//! metrics. Start at `serve.rs`; what may change at run time is in
//! `deployment.rs`; what a request leaves behind in `exchange.rs`.

mod control;
mod deployment;
mod exchange;
mod journal;
mod metrics;
mod patch;
mod resource;
mod route;
mod serve;
mod simulator;
mod stream;

pub use simulator::{DeploymentInfo, Environment, ResourceInfo, Simulator};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, also after a panic elsewhere: what is guarded is counters, and the
/// next request should be served.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
