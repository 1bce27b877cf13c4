//! The `gateway` binary: arguments in, exit code out.

use std::io::{stderr, stdout};
use std::process::ExitCode;

fn main() -> anyhow::Result<ExitCode> {
    let cli = seam::cli::parse::<gateway::cli::Cli>();
    gateway::cli::run(cli, &mut stdout().lock(), &mut stderr())
}
