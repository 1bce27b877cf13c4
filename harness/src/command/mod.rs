//! The subcommands: arguments in, exit code out. They print; the rest of the
//! library does not.

mod check;
mod execute;
mod output;
mod progress;
mod readme;
mod run;
mod schema;
mod suite;

pub use execute::execute;
