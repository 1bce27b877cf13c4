//! What the binaries that serve have in common before they serve: reading
//! arguments, and the log.

use std::io::IsTerminal as _;

use clap::builder::Resettable;
use clap::{Arg, Command, Parser, ValueEnum};
use tracing_subscriber::EnvFilter;

/// The process's arguments; exits with a message where they are wrong.
///
/// An environment variable that is set but empty counts as unset: that is how
/// docker compose passes a variable nobody gave a value.
#[must_use]
pub fn parse<T: Parser>() -> T {
    let mut command = without_empty_variables(T::command());
    let matches = command.get_matches_mut();
    T::from_arg_matches(&matches).unwrap_or_else(|error| error.format(&mut command).exit())
}

fn without_empty_variables(command: Command) -> Command {
    command
        .mut_args(|arg| if has_empty_variable(&arg) { arg.env(Resettable::Reset) } else { arg })
        .mut_subcommands(without_empty_variables)
}

fn has_empty_variable(arg: &Arg) -> bool {
    arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty())
}

/// Forms of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter cannot be read.
    #[error("`{0}` is not a log filter: {1}")]
    Filter(String, tracing_subscriber::filter::ParseError),
    /// The process has a log already.
    #[error("cannot start the log: {0}")]
    Start(Box<dyn std::error::Error + Send + Sync>),
}

/// Starts the process's log on stderr. `filter` is a level, or tracing
/// directives such as `simulator=debug`.
pub fn start_log(filter: &str, format: LogFormat) -> Result<(), LogError> {
    let filter =
        EnvFilter::try_new(filter).map_err(|error| LogError::Filter(filter.to_owned(), error))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colour());
    let started = match format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().with_ansi(false).try_init(),
    };
    started.map_err(LogError::Start)
}

/// Whether to colour what goes to stderr: a terminal, and no `NO_COLOR`
/// (<https://no-color.org>).
#[must_use]
pub fn colour() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !refused && std::io::stderr().is_terminal()
}
