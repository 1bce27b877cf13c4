//! The `gateway` binary: arguments in, exit code out.

use std::io::{stderr, stdout};
use std::process::ExitCode;

/// A request makes and drops more than a hundred things: a fifth of what the gateway
/// did for it was the C library's allocator (docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<ExitCode> {
    seam::memory::in_small_pages();
    let cli = seam::cli::parse::<gateway::cli::Cli>();
    gateway::cli::run(cli, &mut stdout().lock(), &mut stderr())
}
