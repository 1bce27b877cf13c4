//! The running simulator: one pipeline per request, live control, journal and
//! metrics. Start at `serve.rs`; what may change at run time is in
//! `deployment.rs`; what a request leaves behind in `exchange.rs`.

mod attempt;
mod authenticate;
mod control;
mod deliver;
mod deployment;
mod early;
mod exchange;
mod fault_control;
mod fault_header;
mod faults;
mod faulty;
mod headers;
mod inquire;
mod journal;
mod lock;
mod metrics;
mod packed;
mod past;
mod patch;
mod record;
mod replay;
mod reply;
mod resource;
mod route;
mod serve;
mod simulator;
mod spillover;
mod stored;
mod stream;
mod strike;
mod tier;

pub use simulator::{DeploymentInfo, Environment, ResourceInfo, Simulator};

use lock::lock;
