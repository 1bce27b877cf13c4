//! Executable READMEs: a capability's README holds the commands that prove it, a
//! table of claims for each scenario, and the run's chart. This module runs the
//! scenarios once and holds commands, tables and charts against what they give.
//!
//! `find` (paths → files) → `document` (Markdown → links, tables, images, fences)
//! → `observe` (each scenario once, in process, on virtual time) → `examine`
//! (`claims`, `charts`, `commands`: problems with their place and, where a run
//! knows better, their mending) → `report`. [`check`] and [`write`] are the doors.

mod charts;
mod claims;
mod commands;
mod document;
mod examine;
mod find;
mod fix;
mod markdown;
mod observe;
mod report;
mod shell;
#[cfg(test)]
mod tests;

pub use examine::{Mode, check};
pub use report::{Checked, ReadmeResult, ScenarioResult, json, text};
