//! `harness schema`.

use super::output;
use crate::cli::SchemaArgs;
use crate::exit_code::ExitCode;
use crate::scenario;

pub(super) fn schema(args: &SchemaArgs) -> ExitCode {
    let text = if args.markdown { scenario::reference() } else { scenario::json_schema() };
    output::print(&text);
    ExitCode::Passed
}
