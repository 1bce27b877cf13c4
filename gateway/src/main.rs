//! The `gateway` binary: arguments in, exit code out.

use std::io::{stderr, stdout};
use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

fn main() -> anyhow::Result<ExitCode> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr).init();
    let cli = gateway::cli::Cli::parse();
    gateway::cli::run(cli, &mut stdout().lock(), &mut stderr())
}
