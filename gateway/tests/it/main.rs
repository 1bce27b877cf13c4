//! The gateway through its public functions: in process, on paused time.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod bad_files;
mod breakers;
mod cli;
mod documents;
mod expressions;
mod keys;
mod latency_routing;
mod pipeline;
mod pools;
mod process;
mod properties;
mod retries;
mod sockets;
mod streaming;
mod support;
mod survey;
