//! From parsed arguments to an exit code.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use seam::cli::colour;
use seam::clock::WallClock;
use seam::diagnostic::{Diagnostic, Severity, Source};
use seam::env::Env;
use seam::health::Target;
use seam::token::{Bearer, Claims};

use super::args::{Args, Command, Place, Token};
use super::serve;
use crate::config::{
    DEFAULT_CONFIG, SimulatorConfig, from_environment, is_seed, load, reference_page, schema,
};

/// The process could not do what was asked for a reason outside its files.
const FAILED: u8 = 1;
/// Usage or configuration is wrong.
const BAD_CONFIGURATION: u8 = 2;

/// Runs the binary with the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let args = seam::cli::parse::<Args>();
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
        Some(Command::Healthcheck { place, timeout }) => healthcheck(&place, timeout),
        Some(Command::Token(token)) => print(&issue(&token)),
        Some(Command::Ptu(load)) => match super::ptu::answer(&load) {
            Ok(text) => print(&text),
            Err(problem) => {
                show(&[problem]);
                Ok(ExitCode::from(BAD_CONFIGURATION))
            }
        },
        Some(Command::Calibrate(asked)) => match super::calibrate::answer(&asked) {
            Ok(text) => print(&text),
            Err(problems) => {
                show(&problems);
                Ok(ExitCode::from(BAD_CONFIGURATION))
            }
        },
        Some(Command::Schema { markdown: true }) => print(&reference_page()),
        Some(Command::Schema { markdown: false }) => print(&schema()),
        Some(Command::DefaultConfig { from_environment: false }) => print(DEFAULT_CONFIG),
        Some(Command::DefaultConfig { from_environment: true }) => {
            let env = Env::load(Path::new(".")).context("cannot read `.env`")?;
            match from_environment(&env) {
                Ok(text) => print(&text),
                Err(error) => {
                    show(&[Diagnostic::without_source(error.to_string())]);
                    Ok(ExitCode::from(BAD_CONFIGURATION))
                }
            }
        }
        None => match configuration(&args.serve.place) {
            Ok((config, warnings)) => {
                show(&warnings);
                serve::run(config, &args.serve)
            }
            Err(problems) => {
                show(&problems);
                Ok(ExitCode::from(BAD_CONFIGURATION))
            }
        },
    }
}

type Loaded = Result<(SimulatorConfig, Vec<Diagnostic>), Vec<Diagnostic>>;

/// The configuration of what is served.
fn configuration(place: &Place) -> Loaded {
    let (config, warnings) = match &place.config {
        Some(file) => read(file)?,
        None => load_default()?,
    };
    if place.resources.is_empty() {
        return Ok((config, warnings));
    }
    let names: Vec<&str> = place.resources.iter().map(|name| name.trim()).collect();
    Ok((config.only(&names)?, warnings))
}

fn read(file: &Path) -> Loaded {
    let source = seam::config::read(file).map_err(|problem| vec![problem])?;
    let directory = file.parent().unwrap_or(Path::new("."));
    load(&source, &environment(directory)?)
}

/// Without a file: what the variables of microsoft/aoai-api-simulator say, where
/// somebody has set them, or else the built-in configuration.
fn load_default() -> Loaded {
    let env = environment(Path::new("."))?;
    if !is_seed(&env) {
        return load(&Source::new("default.toml", DEFAULT_CONFIG), &env);
    }
    let text = from_environment(&env)
        .map_err(|error| vec![Diagnostic::without_source(error.to_string())])?;
    load(
        &Source::new(
            "the environment, as `simulator default-config --from-environment` prints it",
            text,
        ),
        &env,
    )
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

/// Asks the ports the configuration names; starts nothing. Every failure is 1:
/// other codes mean something else to container engines.
fn healthcheck(place: &Place, timeout: Duration) -> anyhow::Result<ExitCode> {
    let config = match configuration(place) {
        Ok((config, _)) => config,
        Err(problems) => {
            show(&problems);
            return Ok(ExitCode::from(FAILED));
        }
    };
    let targets: Vec<Target> = config
        .resources()
        .into_iter()
        .map(|resource| Target {
            name: resource.name,
            address: SocketAddr::new(place.host, resource.port),
        })
        .collect();
    let (out, err) = (&mut std::io::stdout(), &mut std::io::stderr());
    let healthy = seam::health::run(&targets, timeout, out, err)?;
    Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

/// A token on a line, as the machine's date has it now.
fn issue(asked: &Token) -> String {
    let bearer = Bearer {
        tenant_id: &asked.tenant_id,
        object_id: &asked.object_id,
        client_id: &asked.client_id,
    };
    let now = WallClock::real().now().unix_seconds();
    let claims = Claims::new(&asked.audience, bearer, now, asked.lifetime.as_secs());
    format!("{}\n", claims.sign())
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
