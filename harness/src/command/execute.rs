//! From a subcommand to its function.

use super::{check, readme, run, schema};
use crate::cli::Command;
use crate::exit_code::ExitCode;

/// Does what the command line says.
#[must_use]
pub fn execute(command: &Command) -> ExitCode {
    match command {
        Command::Run(args) => run::run(args),
        Command::Check(args) => check::check(args),
        Command::Readme(args) => readme::readme(args),
        Command::Schema(args) => schema::schema(args),
    }
}
