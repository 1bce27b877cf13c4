//! The command line: types, help text, and what each command does.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write};
use std::net::SocketAddr;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand, ValueEnum};
use seam::cli::LogFormat;
use seam::clock::WallClock;
use seam::diagnostic::{Diagnostic, Severity};
use seam::env::Env;
use seam::health::Target;
use seam::http::{network, with_first_chunk};
use seam::rng::Seed;
use seam::server::{AlwaysOpen, Interrupts, Stopped, Workers};

use crate::{Environment, Gateway, Settings, load};

mod trace;

/// Exit code for a problem in what the user wrote (measuring.md, section 2).
const USAGE: u8 = 2;

/// A gateway that executes Azure API Management policy documents.
#[derive(Debug, Parser)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:
  gateway --config gateway.toml
  gateway --config gateway.toml --listen 0.0.0.0:8080
  gateway check gateway.toml
  gateway healthcheck --config gateway.toml
  gateway trace --config gateway.toml --path /openai/x --answers 429,200

The environment and a `.env` file in the working directory fill in ${NAME}.
A variable of an option that is set but empty counts as unset."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, Args)]
struct Serve {
    /// The configuration to serve
    #[arg(long, value_name = "FILE", required = true, env = "GATEWAY_CONFIG")]
    config: Option<PathBuf>,
    /// The address to listen on, instead of the configuration's
    #[arg(long, value_name = "ADDRESS", env = "GATEWAY_LISTEN")]
    listen: Option<SocketAddr>,
    /// The seed of request ids and random draws; drawn from the clock by default
    #[arg(long, value_name = "N", env = "GATEWAY_SEED")]
    seed: Option<u64>,
    /// How long requests under way may take at shutdown, instead of the
    /// configuration's `drain_timeout`
    #[arg(long, value_name = "TIME", value_parser = seam::units::parse_duration, env = "GATEWAY_DRAIN")]
    drain: Option<Duration>,
    /// Threads that answer requests; as many as the machine has processors by default
    #[arg(long, value_name = "N", env = "GATEWAY_WORKERS")]
    workers: Option<NonZero<usize>>,
    /// Form of the log on standard error
    #[arg(long, value_enum, default_value_t = LogFormat::Text, env = "GATEWAY_LOG_FORMAT")]
    log_format: LogFormat,
    /// What to log: a level, or tracing directives such as `gateway=debug`
    #[arg(long, value_name = "FILTER", default_value = "warn", env = "GATEWAY_LOG")]
    log: String,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print every problem of a configuration and its documents
    ///
    /// Exits with 0 when there is none (or warnings only), with 2 otherwise.
    /// With `--summary` it checks every policy document (.xml, .cshtml) below a
    /// folder, each by itself: named values, fragments, backends and loggers that
    /// one names are taken as there. It counts those that load and what the others
    /// miss, and exits with 0.
    #[command(after_help = "Examples:
  gateway check capabilities/latency-routing/gateway.toml
  gateway check gateway.toml --deny-warnings --format json
  gateway check --summary path/to/documents")]
    Check {
        /// The configuration; with `--summary`, a folder
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Count what the documents of a folder are missing
        #[arg(long, conflicts_with = "deny_warnings")]
        summary: bool,
        /// Exit with 2 on warnings, too
        #[arg(long)]
        deny_warnings: bool,
        /// How to print
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Ask a running gateway whether it serves
    ///
    /// Takes the options and variables of serving. Exits with 0 when it
    /// answers, with 1 otherwise.
    #[command(after_help = "Examples:
  gateway healthcheck --config gateway.toml
  gateway healthcheck --listen 127.0.0.1:8000 --timeout 1s
  HEALTHCHECK CMD [\"gateway\", \"healthcheck\"]")]
    Healthcheck {
        /// The configuration served; read for its `listen` alone
        #[arg(
            long,
            value_name = "FILE",
            env = "GATEWAY_CONFIG",
            required_unless_present = "listen"
        )]
        config: Option<PathBuf>,
        /// The address listened on, instead of the configuration's
        #[arg(long, value_name = "ADDRESS", env = "GATEWAY_LISTEN")]
        listen: Option<SocketAddr>,
        /// How long the whole check may take
        #[arg(long, value_name = "TIME", default_value = "2s", value_parser = seam::units::parse_duration)]
        timeout: Duration,
    },
    /// List the behaviours that were inferred, and their switches
    #[command(after_help = "Examples:
  gateway explain
  gateway explain --config gateway.toml")]
    Explain {
        /// Print the effective values of this configuration
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Answer one request and print what each policy did with it
    ///
    /// With --answers on virtual time against canned backends; without, the
    /// configured backends are called. Keys and tokens are not printed.
    #[command(after_help = "Examples:
  gateway trace --config gateway.toml --request request.http
  gateway trace --config gateway.toml --path '/openai/deployments/chat/chat/completions' \\
    --header 'api-key: team-key' --body '{\"messages\":[]}' --answers 429,200
  gateway trace --config gateway.toml --path /openai/x --answers timeout,429:busy.http")]
    Trace(trace::TraceOptions),
    /// Print the JSON Schema of gateway.toml
    #[command(after_help = "Examples:
  gateway schema > docs/gateway.schema.json")]
    Schema {
        /// Print the reference page in Markdown instead
        #[arg(long)]
        markdown: bool,
        /// Print the types and members of policy expressions in Markdown instead
        #[arg(long, conflicts_with = "markdown")]
        expressions: bool,
        /// Print the inferred behaviours and the ways of each setting in Markdown instead
        #[arg(long, conflicts_with_all = ["markdown", "expressions"])]
        inferences: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON document
    Json,
}

/// Runs the command line. `Err` is a failure that is no diagnostic.
pub fn run(cli: Cli, out: &mut impl Write, err: &mut impl Write) -> anyhow::Result<ExitCode> {
    match cli.command {
        Some(Command::Check { file, summary: true, format, .. }) => {
            summarise(&file, format, out, err)
        }
        Some(Command::Check { file, deny_warnings, format, summary: false }) => {
            let (problems, backends) = match load(&file, &environment()?) {
                Ok((config, warnings)) => (warnings, config.describe_backends()),
                Err(problems) => (problems, String::new()),
            };
            report(&problems, format, &file, out)?;
            if format == Format::Text {
                out.write_all(backends.as_bytes())?;
            }
            let worst = problems.iter().map(Diagnostic::severity).max();
            let bad = match worst {
                Some(Severity::Error) => true,
                Some(Severity::Warning) => deny_warnings,
                None => false,
            };
            Ok(if bad { ExitCode::from(USAGE) } else { ExitCode::SUCCESS })
        }
        Some(Command::Explain { config }) => {
            let (settings, backends) = match config {
                None => (Settings::default(), String::new()),
                Some(file) => match load(&file, &environment()?) {
                    Ok((config, _)) => (config.settings().clone(), config.describe_backends()),
                    Err(problems) => return refuse(&problems, err),
                },
            };
            out.write_all(crate::config::settings::explain(&settings).as_bytes())?;
            if !backends.is_empty() {
                writeln!(out, "\nPools and circuit breakers of this configuration:\n")?;
                for line in backends.lines() {
                    writeln!(out, "  {line}")?;
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Healthcheck { config, listen, timeout }) => {
            let address = match listen {
                Some(address) => address,
                None => match crate::listen(&config.unwrap_or_default(), &environment()?) {
                    Ok(address) => address,
                    Err(problems) => {
                        refuse(&problems, err)?;
                        return Ok(ExitCode::FAILURE);
                    }
                },
            };
            let target = Target { name: "gateway".to_owned(), address };
            let healthy = seam::health::run(&[target], timeout, out, err)?;
            // Every failure is 1: other codes mean something else to container engines.
            Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Some(Command::Trace(options)) => trace::run(options, &environment()?, out, err),
        Some(Command::Schema { markdown, expressions, inferences }) => {
            let text = match (markdown, expressions, inferences) {
                (true, _, _) => crate::reference_page(),
                (_, true, _) => crate::expressions_page(),
                (_, _, true) => crate::inferences_page(),
                _ => crate::schema(),
            };
            out.write_all(text.as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        None => serve(cli.serve, err),
    }
}

/// The environment and the working directory's `.env`.
fn environment() -> anyhow::Result<Env> {
    Ok(Env::load(Path::new("."))?)
}

fn report(
    problems: &[Diagnostic],
    format: Format,
    file: &Path,
    out: &mut impl Write,
) -> std::io::Result<()> {
    if format == Format::Json {
        serde_json::to_writer_pretty(&mut *out, problems)?;
        return writeln!(out);
    }
    for problem in problems {
        writeln!(out, "{problem}")?;
    }
    let count = |severity| problems.iter().filter(|p| p.severity() == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    match (errors, warnings) {
        (0, 0) => writeln!(out, "{}: no problems", file.display()),
        _ => {
            let plural =
                |count, noun| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
            let (errors, warnings) = (plural(errors, "error"), plural(warnings, "warning"));
            writeln!(out, "{}: {errors}, {warnings}", file.display())
        }
    }
}

/// The most rows of what is missing that a person gets.
const SUMMARY_ROWS: usize = 50;

fn summarise(
    folder: &Path,
    format: Format,
    out: &mut impl Write,
    err: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    let shown = std::io::stderr().is_terminal();
    let survey = crate::survey::survey(folder, |done, all| {
        // Progress that cannot be shown is no reason to stop.
        if shown && (done % 50 == 0 || done == all) {
            let end = if done == all { "\n" } else { "" };
            let _ = write!(err, "\r{done} of {all} files{end}").and_then(|()| err.flush());
        }
    })
    .with_context(|| format!("cannot read the documents below `{}`", folder.display()))?;
    match format {
        Format::Text => out.write_all(crate::survey::table(&survey, SUMMARY_ROWS).as_bytes())?,
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, &survey)?;
            writeln!(out)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn refuse(problems: &[Diagnostic], err: &mut impl Write) -> anyhow::Result<ExitCode> {
    for problem in problems {
        writeln!(err, "{problem}")?;
    }
    Ok(ExitCode::from(USAGE))
}

fn serve(options: Serve, err: &mut impl Write) -> anyhow::Result<ExitCode> {
    seam::cli::start_log(&options.log, options.log_format)?;
    let file = options.config.unwrap_or_default();
    let (config, warnings) = match load(&file, &environment()?) {
        Ok(loaded) => loaded,
        Err(problems) => return refuse(&problems, err),
    };
    for warning in &warnings {
        writeln!(err, "{warning}")?;
    }
    // Accepts connections and writes events; requests have threads of their own.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut interrupts = Interrupts::listen();
        let clock = WallClock::real();
        let now = clock.now().since_epoch().as_nanos();
        let seed = options.seed.unwrap_or_else(|| u64::try_from(now).unwrap_or_default());
        let drain = options.drain.unwrap_or(config.drain_timeout());
        let address = options.listen.unwrap_or(config.listen());
        let client = network(BTreeMap::new());
        let gateway = Gateway::new(config, Environment { client, seed: Seed(seed), clock });
        let listener = tokio::net::TcpListener::bind(address)
            .await
            .map_err(|error| anyhow::anyhow!("cannot listen on {address}: {error}"))?;
        let threads = options.workers.or_else(|| std::thread::available_parallelism().ok());
        let workers = Workers::start(threads.map_or(1, NonZero::get))
            .context("cannot start the threads that answer requests")?;
        let server = workers.serve(listener, None, AlwaysOpen, |_| {
            gateway.with_client(with_first_chunk(network(BTreeMap::new()))).router()
        });
        let address = server.address().context("a listener without an address")?;
        writeln!(err, "gateway listening on http://{address} (seed {seed})")?;
        interrupts.next().await;
        writeln!(err, "stopping: waiting up to {drain:?} for requests under way")?;
        if server.stop(drain).await == Stopped::Cut {
            writeln!(err, "some requests were cut off")?;
        }
        // Events still under way have as long again.
        if tokio::time::timeout(drain, gateway.flush()).await.is_err() {
            writeln!(err, "some events were lost")?;
        }
        Ok(ExitCode::SUCCESS)
    })
}
