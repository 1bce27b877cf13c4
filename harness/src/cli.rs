//! The command line: clap types and help text, nothing else.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

const EXIT_CODES: &str = "\
Exit codes:
    0  every assertion passed; of a run against real endpoints every one that
       could be judged: the report names those it skipped, which are not proved
    1  an assertion failed, or the records of both sides do not agree
    2  usage, configuration or scenario error: nothing ran
    3  inconclusive: nothing failed, but something could not be decided, or all
       was skipped
    4  invalid run: the bench itself was at fault (target unreachable, schedule
       not held, an action failed or came late, a simulator was restarted), the
       verdicts mean nothing
  130  interrupted by Ctrl-C; what was observed until then is reported";

/// Runs scenarios against a GenAI gateway and says whether it keeps its promises.
#[derive(Debug, Parser)]
#[command(name = "harness", version, after_help = EXIT_CODES, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a scenario and report.
    Run(RunArgs),
    /// Check a scenario and every file it names, without running it.
    Check(CheckArgs),
    /// Check READMEs against the runs they tell of, or refresh them.
    Readme(ReadmeArgs),
    /// Print the scenario format as JSON Schema, or as its reference page.
    Schema(SchemaArgs),
}

/// Arguments of `harness schema`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
    harness schema > docs/scenario.schema.json

Editors that know `#:schema` (Tombi, Taplo, Even Better TOML) then complete and
check scenario files that begin with `#:schema ../docs/scenario.schema.json`.")]
pub struct SchemaArgs {
    /// Print the reference page in Markdown instead.
    #[arg(long)]
    pub markdown: bool,
}

const RUN_EXAMPLES: &str = "\
Examples:
    # Gateway and simulators in this process, on virtual time: seconds.
    harness run scenarios/latency-routing.toml

    # The same over sockets, in real time: as long as the stages say.
    harness run scenarios/latency-routing.toml --real-time

    # The same load and assertions on a stack that runs elsewhere.
    harness run scenarios/latency-routing.toml \\
        --gateway-url http://localhost:8000 \\
        --simulator-url ptu1=http://localhost:8001 \\
        --simulator-url payg1=http://localhost:8002 \\
        --simulator-url payg2=http://localhost:8003

    # Every scenario of a folder, with twenty seeds each, side by side.
    harness run scenarios --seeds 1-20

    # Another seed, results kept, JSON instead of the report.
    harness run scenarios/latency-routing.toml --seed 7 --output out --format json

The same scenario, seed and files give the same result.json on virtual time, to
the byte. A scenario that names a URL always runs in real time.

Several runs print a line each and a table; the exit code is the worst of theirs,
in the order 130, 4, 1, 3, 0. With --format json they print an array.";

/// Which stack is driven instead of the scenario's own.
#[derive(Debug, Args)]
pub struct StackArgs {
    /// Drive the gateway at this URL, in real time.
    #[arg(long, value_name = "URL", help_heading = "Stack")]
    pub gateway_url: Option<String>,
    /// Use a simulator that runs elsewhere; repeat for each.
    #[arg(long, value_name = "NAME=URL", help_heading = "Stack")]
    pub simulator_url: Vec<String>,
    /// Whether simulators are behind the gateway; `false`: real endpoints, in real
    /// time. What needs a simulator is then skipped, and the report says so.
    #[arg(long, value_name = "BOOL", help_heading = "Stack")]
    pub use_simulator: Option<bool>,
}

const STACK: &str = "\
Stack, also by variables of the environment or of `.env`, over which the options
win; keys by these only, so that no command line shows them:
    HARNESS_GATEWAY_URL     as --gateway-url
    HARNESS_SIMULATOR_URLS  as --simulator-url: NAME=URL,NAME=URL
    USE_SIMULATOR           as --use-simulator; when false, PTU1_URL and the like
                            are the endpoints' URLs where no other is given
    HARNESS_GATEWAY_KEY     opens the gateway's journal; else `key` of the
                            scenario's `gateway_url`, else `control.key` of the
                            gateway file in whose place the gateway stands
    HARNESS_SIMULATOR_KEYS  NAME=KEY,NAME=KEY; else the key of the scenario or of
                            its simulator file, else SIMULATOR_API_KEY";

/// Arguments of `harness run`.
#[derive(Debug, Args)]
#[command(after_help = format!("{RUN_EXAMPLES}\n\n{STACK}\n\n{EXIT_CODES}"))]
pub struct RunArgs {
    /// Scenario files, or folders for every `.toml` file in them.
    #[arg(required = true, value_name = "FILE|DIR")]
    pub paths: Vec<PathBuf>,
    /// Another stack than the scenario's.
    #[command(flatten)]
    pub stack: StackArgs,
    /// Seed of all randomness; the scenario's own when absent.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Run each scenario once with each of these seeds: `1-20`, `3,5,8-10`.
    #[arg(long, value_name = "SEEDS", conflicts_with = "seed")]
    pub seeds: Option<Seeds>,
    /// Use sockets and the real clock although everything is embedded.
    #[arg(long)]
    pub real_time: bool,
    /// Folder for `result.json`, `chart.svg` and `requests.jsonl`, made when it does not exist; of
    /// several runs each has its own below, `SCENARIO/` or `SCENARIO/seed-N/`.
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// What to print at the end.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Print no progress, and the report only when the run did not pass.
    #[arg(long, short)]
    pub quiet: bool,
}

/// A set of seeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seeds {
    ranges: Vec<(u64, u64)>,
}

/// More runs than anybody waits for.
const MOST_SEEDS: u64 = 10_000;

impl Seeds {
    /// Each seed once, in the order in which they were written.
    pub fn all(&self) -> impl Iterator<Item = u64> {
        let mut seen = std::collections::BTreeSet::new();
        let each = self.ranges.iter().flat_map(|(first, last)| *first..=*last);
        each.filter(move |seed| seen.insert(*seed))
    }
}

impl std::str::FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| {
            text.trim().parse::<u64>().map_err(|_| format!("`{}` is not a seed", text.trim()))
        };
        let mut ranges = Vec::new();
        let mut count = 0_u64;
        for part in text.split(',') {
            let (first, last) = match part.split_once('-') {
                Some((first, last)) => (number(first)?, number(last)?),
                None => (number(part)?, number(part)?),
            };
            if last < first {
                return Err(format!("`{}` ends before it begins", part.trim()));
            }
            count = count.saturating_add((last - first).saturating_add(1));
            ranges.push((first, last));
        }
        if MOST_SEEDS < count {
            return Err(format!("more than {MOST_SEEDS} seeds"));
        }
        Ok(Self { ranges })
    }
}

/// What is printed at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The report for people.
    Text,
    /// JSON for programs.
    Json,
}

/// Arguments of `harness check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
    harness check scenarios/latency-routing.toml

Prints every problem of the scenario, of the simulator and gateway files it
names and of their policy documents, then the planned number of requests of
each stage, and the stack when it runs elsewhere: `--gateway-url` and
`--simulator-url` as for `harness run`. Nothing is called. Exit code 0 when it can
be run, 2 when not.")]
pub struct CheckArgs {
    /// Scenario file.
    pub file: PathBuf,
    /// Another stack than the scenario's.
    #[command(flatten)]
    pub stack: StackArgs,
}

/// Arguments of `harness readme`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
    # Every README in and below a folder: claims, figures, commands, charts.
    harness readme --check capabilities/

    # Write what the runs give: cells, missing rows, charts.
    harness readme --write capabilities/latency-routing/

Each scenario that a README links is run once, in this process and on virtual
time, with its own seed; commands are checked but not started.
docs/readme-checks.md says how such a README is written.

Exit codes:
    0  the READMEs say what the runs give
    1  one does not
    2  usage error, or a file that cannot be read or written")]
pub struct ReadmeArgs {
    /// READMEs, or folders with READMEs in or below them.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Compare and write nothing; so without an option, too.
    #[arg(long, conflicts_with = "write")]
    pub check: bool,
    /// Write cells, missing rows and charts, then compare.
    #[arg(long)]
    pub write: bool,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_seeds() {
        let all = |text: &str| text.parse::<Seeds>().map(|seeds| seeds.all().collect::<Vec<_>>());
        assert_eq!(all("1-3"), Ok(vec![1, 2, 3]));
        assert_eq!(all("7, 1-2,2-4"), Ok(vec![7, 1, 2, 3, 4]));
        for bad in ["", "a", "3-1", "1-", "-1", "0-18446744073709551615", "1-10000,10001"] {
            assert!(all(bad).is_err(), "{bad}");
        }
    }
}
