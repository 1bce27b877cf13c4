//! The README's commands: those of the harness are parsed by the harness's own
//! command line and must run the scenarios the README is about.

use std::path::{Path, PathBuf};

use clap::Parser as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use seam::diagnostic::{Diagnostic, Source};

use super::claims::Section;
use super::document::{Document, Item};
use super::fix::Problem;
use super::observe::{Observation, Observations};
use super::shell::{self, Command, Word};
use crate::cli::{Cli, Command as Subcommand, RunArgs};

/// How many commands were read, and what is wrong with them.
#[derive(Debug, Default)]
pub(super) struct Commands {
    pub checked: usize,
    /// Commands of other programs.
    pub others: usize,
    pub problems: Vec<Problem>,
}

/// Checks every command. `root` is where they are run; `keys` are the sections'
/// canonical files.
pub(super) fn examine(
    document: &Document,
    root: &Path,
    sections: &[Section<'_>],
    keys: &[Option<PathBuf>],
    runs: &Observations,
) -> Commands {
    let mut found = Commands::default();
    let mut proven = vec![false; sections.len()];
    let fences = document.items.iter().filter_map(|item| match item {
        Item::Fence(fence) if shell::is_shell(fence) => Some(fence),
        _ => None,
    });
    for command in fences.flat_map(shell::commands) {
        let Some(arguments) = command.harness_arguments() else {
            found.others += 1;
            continue;
        };
        found.checked += 1;
        let words = std::iter::once("harness").chain(arguments.iter().map(|one| one.text.as_str()));
        let (files, run) = match Cli::try_parse_from(words) {
            Ok(cli) => match cli.command {
                Subcommand::Run(args) => (args.paths.clone(), Some(args)),
                Subcommand::Check(args) => (vec![args.file], None),
                Subcommand::Schema(_) | Subcommand::Readme(_) => continue,
            },
            Err(error) => {
                let asks =
                    matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
                if !asks {
                    found.problems.push(misused(&document.source, &command, arguments, &error));
                }
                continue;
            }
        };
        for file in files {
            let Ok(key) = root.join(&file).canonicalize() else {
                found.problems.push(no_such_file(&document.source, &command, root, &file));
                continue;
            };
            let Some(run) = &run else { continue };
            match keys.iter().position(|one| one.as_ref() == Some(&key)) {
                Some(index) => {
                    if as_in_the_table(run, runs.get(&key))
                        && let Some(one) = proven.get_mut(index)
                    {
                        *one = true;
                    }
                }
                None => found.problems.push(
                    Diagnostic::error(
                        &document.source,
                        place(&command, &file),
                        format!("`{}` is run, but no table is about it", file.display()),
                    )
                    .help("link it before a table of its claims")
                    .into(),
                ),
            }
        }
    }
    for (section, _) in sections.iter().zip(proven).filter(|(_, proven)| !proven) {
        let name = section.file.file_name().map(|name| name.to_string_lossy().into_owned());
        let example = format!(
            "cargo run --release --bin harness -- run scenarios/{}",
            name.unwrap_or_default()
        );
        let problem = Diagnostic::error(
            &document.source,
            section.span.clone(),
            format!("no command runs `{}` as its table says", section.file.display()),
        );
        let text = format!(
            "expected in a block of `sh`, with the scenario's own seed and stack:\n{example}"
        );
        found.problems.push(problem.help(text).into());
    }
    found
}

/// Whether a command gives what is in the table: the same seed, virtual time.
fn as_in_the_table(run: &RunArgs, observation: Option<&Observation>) -> bool {
    let seed = match observation {
        Some(Observation::Ran(ran)) => run.seed.is_none_or(|seed| seed == ran.seed),
        _ => run.seed.is_none(),
    };
    let own = seed && run.seeds.is_none() && !run.real_time;
    own && run.stack.gateway_url.is_none() && run.stack.simulator_url.is_empty()
}

/// The word that names a file, or the whole command.
fn place(command: &Command, file: &Path) -> std::ops::Range<usize> {
    let word = command.words.iter().find(|word| Path::new(&word.text) == file);
    word.map_or_else(|| command.span(), |word| word.span.clone())
}

/// What the command line says against it, at the word it is about.
fn misused(source: &Source, command: &Command, arguments: &[Word], error: &clap::Error) -> Problem {
    let invalid =
        match error.get(ContextKind::InvalidArg).or(error.get(ContextKind::InvalidSubcommand)) {
            Some(ContextValue::String(text)) => Some(text.as_str()),
            _ => None,
        };
    let word = invalid.and_then(|text| {
        let bare = text.split([' ', '=']).next().unwrap_or(text);
        arguments.iter().find(|word| word.text == text || word.text.split('=').next() == Some(bare))
    });
    let span = word.map_or_else(|| command.span(), |word| word.span.clone());
    let text = error.to_string();
    let (first, rest) = text.split_once("\n\n").unwrap_or((text.as_str(), ""));
    let message = match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "no subcommand".to_owned(),
        _ => first.trim_start_matches("error: ").split_whitespace().collect::<Vec<_>>().join(" "),
    };
    let problem = Diagnostic::error(source, span, format!("the command does not run: {message}"));
    let tip = rest.lines().find_map(|line| line.trim().strip_prefix("tip: "));
    match tip {
        Some(tip) => problem.help(tip).into(),
        None => problem.help("`harness --help` lists what there is").into(),
    }
}

fn no_such_file(source: &Source, command: &Command, root: &Path, file: &Path) -> Problem {
    let text = file.display().to_string();
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut near: Vec<String> = std::fs::read_dir(root.join(folder))
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(folder.join(entry.ok()?.file_name()).display().to_string()))
        .collect();
    near.sort();
    let message = format!("the command does not run: there is no file `{text}`");
    Diagnostic::error(source, place(command, file), message)
        .did_you_mean(&text, near.iter().map(String::as_str))
        .into()
}
