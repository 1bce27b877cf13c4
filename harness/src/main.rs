//! The `harness` binary: arguments, logging, one call into the library.

use clap::Parser as _;
use harness::cli::Cli;
use tracing_subscriber::EnvFilter;

fn main() -> std::process::ExitCode {
    seam::memory::in_small_pages();
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    harness::command::execute(&cli.command).into()
}
