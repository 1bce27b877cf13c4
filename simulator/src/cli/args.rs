//! Arguments and help texts only.

use std::net::IpAddr;
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};
use seam::cli::LogFormat;

use crate::config::DEFAULT_AUDIENCE;

const EXAMPLES: &str = "\
Examples:
  simulator
      Serve the built-in resources: ptu1 on port 8001, payg1 on 8002, payg2 on 8003.

  curl 'http://127.0.0.1:8002/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21' \\
      -H 'api-key: simulator-key' -H 'content-type: application/json' \\
      -d '{\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}],\"stream\":true}'
      Ask it something.

  simulator default-config > simulator.toml; simulator --config simulator.toml
      Start from the built-in configuration and change it.

  simulator --resource payg1 --resource payg2
      Serve some resources of a configuration; others may run elsewhere.

  curl -X PATCH http://127.0.0.1:8002/++/config -H 'api-key: simulator-key' \\
      -d '{\"deployments\":{\"gpt-4o\":{\"tpm\":1000}}}'
      Lower a limit while it runs.

An environment variable that is set but empty counts as unset.
Exit codes: 0 stopped on request, 1 could not serve, 2 usage or configuration.";

/// Simulates Azure OpenAI resources with PTU and pay-as-you-go deployments.
///
/// Limits, latency, headers, errors and token counts are those of the service;
/// the text is filler.
#[derive(Debug, Parser)]
#[command(version, after_long_help = EXAMPLES, args_conflicts_with_subcommands = true, max_term_width = 100)]
pub(super) struct Args {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub serve: Serve,
}

/// What is served where.
#[derive(Debug, clap::Args)]
pub(super) struct Place {
    /// Configuration file (TOML). Without it the built-in configuration is used.
    #[arg(long, value_name = "FILE", env = "SIMULATOR_CONFIG")]
    pub config: Option<PathBuf>,
    /// Only this resource of the configuration; repeatable, or names with commas.
    #[arg(
        long = "resource",
        value_name = "NAME",
        value_delimiter = ',',
        env = "SIMULATOR_RESOURCES"
    )]
    pub resources: Vec<String>,
    /// Address to listen on; each resource has its own port.
    #[arg(long, value_name = "IP", default_value = "127.0.0.1", env = "SIMULATOR_HOST")]
    pub host: IpAddr,
}

/// How to serve.
#[derive(Debug, clap::Args)]
pub(super) struct Serve {
    #[command(flatten)]
    pub place: Place,
    /// Seed of all random draws.
    #[arg(long, value_name = "N", default_value_t = 1, env = "SIMULATOR_SEED")]
    pub seed: u64,
    /// How long requests under way may take to finish at shutdown.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = seam::units::parse_duration, env = "SIMULATOR_DRAIN")]
    pub drain: Duration,
    /// Threads that serve connections; one for each two processors by default.
    #[arg(long, value_name = "N", env = "SIMULATOR_WORKERS")]
    pub workers: Option<NonZero<usize>>,
    /// Form of the log on stderr.
    #[arg(long, value_enum, default_value_t = LogFormat::Text, env = "SIMULATOR_LOG_FORMAT")]
    pub log_format: LogFormat,
    /// What to log: a level, or tracing directives such as `simulator=debug`.
    #[arg(long, value_name = "FILTER", default_value = "info", env = "SIMULATOR_LOG")]
    pub log: String,
}

/// Other things than serving.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check a configuration file and print every problem in it.
    #[command(after_help = "Example:\n  simulator check simulator.toml")]
    Check {
        /// The file.
        file: PathBuf,
    },
    /// Ask a running simulator whether all its resources serve.
    ///
    /// Takes the options and variables of serving, so that it asks the ports
    /// that would be served. Exits with 0 when each answers, with 1 otherwise.
    #[command(after_help = "\
Examples:
  simulator healthcheck
  HEALTHCHECK CMD [\"simulator\", \"healthcheck\", \"--timeout\", \"1s\"]")]
    Healthcheck {
        #[command(flatten)]
        place: Place,
        /// How long the whole check may take.
        #[arg(long, value_name = "TIME", default_value = "2s", value_parser = seam::units::parse_duration)]
        timeout: Duration,
    },
    /// Print an access token as Entra would issue it.
    ///
    /// Resources accept it as `Authorization: Bearer`, unless their `entra`
    /// settings say otherwise. It is signed with a published key and opens
    /// nothing but this bench.
    #[command(after_help = "\
Examples:
  simulator token
  curl http://127.0.0.1:8002/openai/v1/chat/completions -H \"authorization: Bearer $(simulator token)\" \\
      -d '{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}'
  simulator token --audience https://vault.azure.net --lifetime 5m")]
    Token(Token),
    /// Size a provisioned deployment for a load.
    ///
    /// PTU = (RPM × uncached prompt tokens + ratio × RPM × completion tokens) ÷
    /// input tokens per minute and PTU, rounded up to what can be bought: the
    /// published formula with the published numbers of the model.
    #[command(after_help = super::ptu::EXAMPLES)]
    Ptu(super::ptu::Ptu),
    /// Fit a latency profile to measurements of a real deployment.
    ///
    /// FILE is CSV with a header, or JSON lines (`.jsonl`, `.ndjson`): a streamed answer
    /// a line, with the columns or fields `ttft` (time from the request to the first
    /// token), `tokens` (tokens streamed) and `total` (time to the last token). Others
    /// are ignored. Prints TOML to put into a deployment; its comments say how well it
    /// fits.
    #[command(after_help = super::calibrate::EXAMPLES)]
    Calibrate(super::calibrate::Calibrate),
    /// Print the JSON Schema of the configuration file.
    #[command(after_help = "Example:\n  simulator schema > simulator.schema.json")]
    Schema {
        /// Print the reference page in Markdown instead.
        #[arg(long)]
        markdown: bool,
    },
    /// Print the built-in configuration.
    #[command(after_help = "\
Examples:
  simulator default-config > simulator.toml
  SIMULATOR_MODE=generate OPENAI_DEPLOYMENT_CONFIG_PATH=deployments.json \\
      simulator default-config --from-environment > simulator.toml")]
    DefaultConfig {
        /// Print what the variables of microsoft/aoai-api-simulator (SIMULATOR_MODE,
        /// OPENAI_DEPLOYMENT_CONFIG_PATH, …) mean instead.
        #[arg(long)]
        from_environment: bool,
    },
}

/// What an access token says.
#[derive(Debug, clap::Args)]
pub(super) struct Token {
    /// The resource it is for: claim `aud`.
    #[arg(long, value_name = "URL", default_value = DEFAULT_AUDIENCE)]
    pub audience: String,
    /// How long it is valid, from now.
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = seam::units::parse_duration)]
    pub lifetime: Duration,
    /// Claim `tid`, and part of `iss`.
    #[arg(long, value_name = "ID", default_value = seam::token::TENANT_ID)]
    pub tenant_id: String,
    /// The identity: claims `oid` and `sub`.
    #[arg(long, value_name = "ID", default_value = seam::token::OBJECT_ID)]
    pub object_id: String,
    /// Its application: claim `appid`.
    #[arg(long, value_name = "ID", default_value = seam::token::CLIENT_ID)]
    pub client_id: String,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_arguments_are_well_formed() {
        Args::command().debug_assert();
    }
}
