//! `harness schema`.

use super::output;
use crate::exit_code::ExitCode;

pub(super) fn schema() -> ExitCode {
    output::print(&crate::scenario::json_schema());
    ExitCode::Passed
}
