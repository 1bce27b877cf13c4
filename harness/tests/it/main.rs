//! Integration tests of the harness, one binary.

mod bad;
mod cmd;
mod run;
mod shipped;
mod stub;
