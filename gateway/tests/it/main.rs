//! The gateway through its public functions: in process, on paused time.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod bad_files;
mod bounds;
mod breakers;
mod capabilities;
mod cli;
mod cors;
mod documents;
mod expressions;
mod gates;
mod identities;
mod keys;
mod latency_routing;
mod models;
mod pipeline;
mod pools;
mod process;
mod properties;
mod quotas;
mod rate_limits;
mod requests;
mod retries;
mod sockets;
mod streaming;
mod support;
mod survey;
mod switches;
mod telemetry;
mod token_limits;
mod tokens;
mod traces;
