//! From parsed arguments to an exit code.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;
use seam::diagnostic::{Diagnostic, Severity, Source};
use seam::env::Env;

use super::args::{Args, Command};
use super::serve;
use crate::config::{DEFAULT_CONFIG, SimulatorConfig, load, schema};

/// The process could not do what was asked for a reason outside its files.
const FAILED: u8 = 1;
/// Usage or configuration is wrong.
const BAD_CONFIGURATION: u8 = 2;

/// Runs the binary with the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let args = Args::parse();
    match run(args) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::from(FAILED)
        }
    }
}

fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Some(Command::Check { file }) => Ok(check(&file)),
        Some(Command::Schema) => print(&schema()),
        Some(Command::DefaultConfig) => print(DEFAULT_CONFIG),
        None => {
            let loaded = match &args.serve.config {
                Some(file) => read(file),
                None => load_default(),
            };
            match loaded {
                Ok((config, warnings)) => {
                    show(&warnings);
                    serve::run(config, &args.serve)
                }
                Err(problems) => {
                    show(&problems);
                    Ok(ExitCode::from(BAD_CONFIGURATION))
                }
            }
        }
    }
}

type Loaded = Result<(SimulatorConfig, Vec<Diagnostic>), Vec<Diagnostic>>;

fn read(file: &Path) -> Loaded {
    let source = seam::config::read(file).map_err(|problem| vec![problem])?;
    let directory = file.parent().unwrap_or(Path::new("."));
    load(&source, &environment(directory)?)
}

fn load_default() -> Loaded {
    load(&Source::new("default.toml", DEFAULT_CONFIG), &environment(Path::new("."))?)
}

fn environment(directory: &Path) -> Result<Env, Vec<Diagnostic>> {
    Env::load(directory).map_err(|error| {
        let file = directory.join(".env");
        vec![Diagnostic::without_source(format!("cannot read `{}`: {error}", file.display()))]
    })
}

fn check(file: &Path) -> ExitCode {
    let problems = match read(file) {
        Ok((_, warnings)) => warnings,
        Err(problems) => problems,
    };
    show(&problems);
    let errors = problems.iter().filter(|p| p.severity() == Severity::Error).count();
    if errors == 0 {
        let _ = writeln!(std::io::stdout(), "{}: ok", file.display());
        return ExitCode::SUCCESS;
    }
    let noun = if errors == 1 { "error" } else { "errors" };
    let _ = writeln!(std::io::stderr(), "{}: {errors} {noun}", file.display());
    ExitCode::from(BAD_CONFIGURATION)
}

fn show(problems: &[Diagnostic]) {
    let colour = colour();
    let mut stderr = std::io::stderr().lock();
    for problem in problems {
        let _ = writeln!(stderr, "{}", problem.render(colour));
    }
}

fn print(text: &str) -> anyhow::Result<ExitCode> {
    match std::io::stdout().write_all(text.as_bytes()) {
        // A reader that has seen enough (`| head`) is no failure.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(ExitCode::SUCCESS),
    }
}

/// Whether to colour what goes to stderr: a terminal, and no `NO_COLOR`
/// (<https://no-color.org>).
pub(super) fn colour() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !refused && std::io::stderr().is_terminal()
}
