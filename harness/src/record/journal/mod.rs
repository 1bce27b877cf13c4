//! Reading journals over HTTP, with the harness's own types: what a simulator
//! or gateway recorded becomes rows of the dataset.
//!
//! A journal is a bounded ring with a cursor. A `reader` starts at its end,
//! follows it during the run, counts rows that were overwritten before they were
//! read, and notices when the service was restarted or cannot be reached any
//! more. `follow` does that for all journals at the same time.

mod follow;
mod reader;
mod records;

pub(crate) use follow::Journals;
pub(crate) use reader::{Break, BreakKind, JournalError, Reader};
pub(crate) use records::{GatewayRecord, Placed};
