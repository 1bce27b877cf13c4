//! The command line of the binary `simulator`: arguments, output, exit codes.
//! Everything else is the library's.

mod args;
mod banner;
mod calibrate;
mod certificate;
mod ptu;
mod run;
mod serve;

pub use run::main;
