//! Runs scenarios against a gateway and says whether it keeps its promises.
//!
//! `scenario` (file → checked plan) → `target` (who is called, in which world)
//! → `run` (drives `load` and `action`, reads the journals) → `record` (the
//! dataset) → `assert` → `report`. `readme` holds READMEs against runs. The command line is `cli` and `command`.

pub mod action;
pub mod assert;
pub mod cli;
pub mod command;
pub mod exit_code;
pub mod load;
pub mod readme;
pub mod record;
pub mod report;
pub mod run;
pub mod scenario;
pub mod stats;
pub mod target;
