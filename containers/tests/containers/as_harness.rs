//! The harness's own command line in a process of its own: this test binary,
//! started again. Cargo builds a test afresh with the library it links, whereas
//! another crate's binary might be an old one, or not there.

use std::path::Path;
use std::process::{ExitCode, Stdio};

use clap::Parser as _;
use libtest_mimic::Failed;
use tokio::process::{Child, Command};

/// Set in the process that is to be the harness.
const MEANT: &str = "BENCH_CONTAINERS_TEST_IS_HARNESS";

pub(crate) fn is_meant() -> bool {
    std::env::var_os(MEANT).is_some()
}

/// As `main` of the harness, without its log.
pub(crate) fn main() -> ExitCode {
    let cli = harness::cli::Cli::parse();
    harness::command::execute(&cli.command).into()
}

/// Starts `harness` with arguments in a folder; it dies with the handle.
pub(crate) fn start(folder: &Path, arguments: &[String]) -> Result<Child, Failed> {
    let program = std::env::current_exe()?;
    let child = Command::new(program)
        .args(arguments)
        .env(MEANT, "1")
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    Ok(child)
}
