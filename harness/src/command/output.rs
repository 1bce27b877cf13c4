//! Printing: reports to stdout, problems to stderr, colour only on terminals
//! that want it.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

use seam::diagnostic::Diagnostic;
use seam::env::Env;

use crate::exit_code::ExitCode;

/// Writes to stdout. A reader that went away (`| head`) is no failure.
pub(super) fn print(text: &str) {
    let _ = anstream::stdout().write_all(text.as_bytes());
}

/// Writes a line to stderr.
pub(super) fn complain(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Prints diagnostics, a blank line between two.
pub(super) fn print_diagnostics(diagnostics: &[Diagnostic]) {
    let mut stderr = anstream::stderr();
    for diagnostic in diagnostics {
        // The stream strips the colours where they are not wanted.
        let _ = writeln!(stderr, "{}", diagnostic.render(true));
    }
}

/// Whether stderr is a terminal, for the progress line.
pub(super) fn stderr_is_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// Whether stdout is a terminal, for colours.
pub(super) fn stdout_is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// The variables files may refer to: the process's, and `.env` here.
pub(super) fn environment() -> Result<Env, ExitCode> {
    Env::load(Path::new(".")).map_err(|error| {
        complain(&format!("error: cannot read `.env`: {error}"));
        ExitCode::Usage
    })
}

/// Columns for reports: the terminal's, or as many as fit a page.
pub(super) fn width() -> usize {
    const WITHOUT_TERMINAL: usize = 80;
    match console::Term::stdout().size_checked() {
        Some((_, columns)) => usize::from(columns),
        None => WITHOUT_TERMINAL,
    }
}
