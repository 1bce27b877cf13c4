//! `harness readme`.

use super::{check, output};
use crate::cli::{Format, ReadmeArgs};
use crate::exit_code::ExitCode;
use crate::readme::{self, Mode};

pub(super) fn readme(args: &ReadmeArgs) -> ExitCode {
    let mode = if args.write { Mode::Write } else { Mode::Check };
    let checked = match readme::check(&args.paths, mode) {
        Ok(checked) => checked,
        Err(problems) => {
            check::report_problems(&problems);
            return ExitCode::Usage;
        }
    };
    match args.format {
        Format::Json => output::print(&readme::json(&checked)),
        Format::Text => {
            let problems: Vec<_> = checked.problems().cloned().collect();
            output::print_diagnostics(&problems);
            output::print(&readme::text(&checked));
            if mode == Mode::Check && !problems.is_empty() {
                output::complain(
                    "`harness readme --write` with the same paths writes what the runs give",
                );
            }
        }
    }
    if checked.passed() { ExitCode::Passed } else { ExitCode::Failed }
}
