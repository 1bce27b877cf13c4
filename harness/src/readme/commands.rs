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
        let cli = match Cli::try_parse_from(words) {
            Ok(cli) => cli,
            Err(error) => {
                let asks =
                    matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
                if !asks {
                    found.problems.push(misused(&document.source, &command, arguments, &error));
                }
                continue;
            }
        };
        let (paths, run) = match cli.command {
            Subcommand::Run(args) => (args.paths.clone(), Some(args)),
            Subcommand::Check(args) => (vec![args.file], None),
            Subcommand::Readme(args) => (args.paths, None),
            Subcommand::Schema(_) => continue,
        };
        for path in paths.iter().flat_map(|path| expand(root, path)) {
            let Ok(key) = root.join(&path).canonicalize() else {
                found.problems.push(no_such_file(&document.source, &command, root, &path));
                continue;
            };
            let Some(run) = &run else { continue };
            let mut known = false;
            for (index, one) in keys.iter().enumerate() {
                // A folder stands for the files in it.
                let runs_it = one.as_ref().is_some_and(|one| {
                    *one == key || (key.is_dir() && one.parent() == Some(key.as_path()))
                });
                known |= runs_it;
                let as_shown =
                    runs_it && as_in_the_table(run, one.as_ref().and_then(|one| runs.get(one)));
                if let Some(proven) = proven.get_mut(index) {
                    *proven |= as_shown;
                }
            }
            if !known && !key.is_dir() {
                found.problems.push(
                    Diagnostic::error(
                        &document.source,
                        place(&command, &path),
                        format!("`{}` is run, but no table is about it", path.display()),
                    )
                    .help("link it before a table of its claims")
                    .into(),
                );
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

/// The files a shell would put in the place of a pattern with `*` in its last
/// part, in order; the path itself without one, or when nothing fits.
fn expand(root: &Path, path: &Path) -> Vec<PathBuf> {
    let pattern = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let mut files: Vec<PathBuf> = match pattern.filter(|pattern| pattern.contains('*')) {
        Some(pattern) => {
            let folder = path.parent().unwrap_or(Path::new(""));
            let names = names_in(&root.join(folder)).into_iter();
            let fits = names.filter(|name| !name.starts_with('.') && matches(&pattern, name));
            fits.map(|name| folder.join(name)).collect()
        }
        None => Vec::new(),
    };
    if files.is_empty() {
        files.push(path.to_owned());
    }
    files
}

/// What is in a folder, sorted; nothing when it cannot be read.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .collect();
    names.sort();
    names
}

/// Whether a name fits a pattern in which `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        // The first place where it fits leaves most for the others.
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

fn no_such_file(source: &Source, command: &Command, root: &Path, file: &Path) -> Problem {
    let text = file.display().to_string();
    let folder = file.parent().unwrap_or(Path::new(""));
    let names = names_in(&root.join(folder)).into_iter();
    let near: Vec<String> = names.map(|name| folder.join(name).display().to_string()).collect();
    let message = format!("the command does not run: there is no file `{text}`");
    let problem = Diagnostic::error(source, place(command, file), message);
    if text.contains('$') {
        return problem.help("no variable is expanded: name the files, or use `*`").into();
    }
    problem.did_you_mean(&text, near.iter().map(String::as_str)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_a_shell() {
        for (pattern, name, fits) in [
            ("a-*.toml", "a-b.toml", true),
            ("a-*.toml", "a-.toml", true),
            ("a-*.toml", "a-b.tomlx", false),
            ("*", "anything", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("a*a", "a", false),
            ("plain", "plain", true),
            ("plain", "plainer", false),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }
}
