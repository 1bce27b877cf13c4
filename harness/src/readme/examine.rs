//! The whole: READMEs found, scenarios run, everything compared, and mended when
//! that is asked for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use seam::config;
use seam::diagnostic::{Diagnostic, Source};
use tokio::time::Instant;

use super::claims::{self, Section};
use super::document::Document;
use super::find::{self, Found};
use super::fix::{self, Fix, Problem};
use super::observe::{self, Observation, Observations};
use super::report::{Checked, ReadmeResult, ScenarioResult};
use super::{charts, commands};
use crate::assert::Outcome;

/// Compare only, or write what the runs give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Nothing is written.
    Check,
    /// Cells, missing rows and charts are written, then all is compared again.
    Write,
}

/// Checks the READMEs in and below the paths. An error is about files that cannot
/// be read or written; what is wrong inside them stands in the results.
pub fn check(paths: &[PathBuf], mode: Mode) -> Result<Checked, Vec<Diagnostic>> {
    // No runtime is entered here: this is the machine's clock.
    let began = Instant::now();
    let readmes: Vec<Readme> = each(find::find(paths)?.into_iter().map(Readme::read))?;
    let mut files: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
    for readme in &readmes {
        for section in claims::sections(&readme.document, &readme.folder).0 {
            if let Ok(key) = section.file.canonicalize() {
                files.entry(key).or_insert(section.file);
            }
        }
    }
    let runs = observe::observe_all(&files);
    let results = readmes.into_iter().map(|readme| match mode {
        Mode::Check => Ok(readme.examine(&runs).0),
        Mode::Write => readme.mend(&runs),
    });
    Ok(Checked { mode, readmes: each(results)?, took: began.elapsed() })
}

/// All of them, or every problem.
fn each<T>(all: impl Iterator<Item = Result<T, Diagnostic>>) -> Result<Vec<T>, Vec<Diagnostic>> {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for one in all {
        match one {
            Ok(one) => good.push(one),
            Err(problem) => bad.push(problem),
        }
    }
    if bad.is_empty() { Ok(good) } else { Err(bad) }
}

struct Readme {
    file: PathBuf,
    folder: PathBuf,
    /// Where its commands are run: the nearest folder above that has `scenarios`.
    root: PathBuf,
    may_be_index: bool,
    document: Document,
}

impl Readme {
    fn read(found: Found) -> Result<Self, Diagnostic> {
        let document = Document::parse(config::read(&found.file)?);
        let folder = found.file.parent().unwrap_or(Path::new("")).to_owned();
        let here = if folder.as_os_str().is_empty() { Path::new(".") } else { &folder };
        let absolute = here.canonicalize().unwrap_or_else(|_| here.to_owned());
        let root = absolute.ancestors().find(|above| above.join("scenarios").is_dir());
        let root = root.unwrap_or(Path::new(".")).to_owned();
        Ok(Self { file: found.file, folder, root, may_be_index: found.may_be_index, document })
    }

    /// What is wrong, with and without its mending.
    fn examine(&self, runs: &Observations) -> (ReadmeResult, Vec<Problem>) {
        let document = &self.document;
        let (sections, mut problems) = claims::sections(document, &self.folder);
        let keys: Vec<Option<PathBuf>> =
            sections.iter().map(|section| section.file.canonicalize().ok()).collect();
        let mut scenarios = Vec::new();
        for (section, key) in sections.iter().zip(&keys) {
            let observation = key.as_ref().and_then(|key| runs.get(key));
            let (result, found) = self.section(section, observation);
            scenarios.push(result);
            problems.extend(found);
        }
        let commands = commands::examine(document, &self.root, &sections, &keys, runs);
        problems.extend(commands.problems);
        problems.extend(charts::other_images(document, &self.folder, &sections));
        if sections.is_empty() && commands.checked == 0 && problems.is_empty() && !self.may_be_index
        {
            let problem = Diagnostic::error(&document.source, 0..0, "the README proves nothing");
            let how = "link a scenario, follow it by a table | Assertion | Claim | Observed |, \
                       and show the command that runs it";
            problems.push(problem.help(how).into());
        }
        // As a reader meets them; their mendings keep the order of insertion.
        let mut told: Vec<Diagnostic> =
            problems.iter().map(|problem| problem.diagnostic.clone()).collect();
        told.sort_by_key(|one| one.location().map(|(_, line, _)| line));
        let result = ReadmeResult {
            file: self.file.clone(),
            scenarios,
            commands: commands.checked,
            commands_not_checked: commands.others,
            problems: told,
            written: Vec::new(),
        };
        (result, problems)
    }

    fn section(
        &self,
        section: &Section<'_>,
        observation: Option<&Observation>,
    ) -> (ScenarioResult, Vec<Problem>) {
        let mut result = ScenarioResult {
            file: section.file.clone(),
            claims: section.claims(),
            outcome: None,
            took: None,
        };
        let source: &Source = &self.document.source;
        let file = section.file.display();
        let problem = |message: String| Diagnostic::error(source, section.span.clone(), message);
        let problems = match observation {
            None => vec![problem(format!("there is no scenario `{file}`")).into()],
            Some(Observation::Unusable(own)) => {
                let whole = problem(format!("`{file}` cannot be run"));
                std::iter::once(whole).chain(own.iter().cloned()).map(Problem::from).collect()
            }
            Some(Observation::Elsewhere) => {
                let how = "a README's scenario embeds gateway and simulators: `gateway = …`, \
                           `simulators = …`";
                vec![problem(format!("`{file}` drives a stack elsewhere")).help(how).into()]
            }
            Some(Observation::Broken(why)) => {
                vec![problem(format!("`{file}` did not run: {why}")).into()]
            }
            Some(Observation::Ran(ran)) => {
                result.outcome = Some(ran.evaluation.outcome);
                result.took = Some(ran.took);
                let mut found = claims::examine(source, section, ran);
                if ran.evaluation.outcome == Outcome::Passed {
                    found.extend(charts::examine(&self.document, &self.folder, section, ran));
                } else {
                    // Nobody wants the figures of a run that proves nothing.
                    found.iter_mut().for_each(|problem| problem.fix = None);
                }
                found
            }
        };
        (result, problems)
    }

    /// Writes what the runs give, and says what is still wrong.
    fn mend(mut self, runs: &Observations) -> Result<ReadmeResult, Diagnostic> {
        let (_, problems) = self.examine(runs);
        let mut written = Vec::new();
        for problem in &problems {
            if let Some(Fix::File(path, text)) = &problem.fix {
                write(path, text)?;
                written.push(path.clone());
            }
        }
        let text = fix::apply(self.document.source.text(), &problems);
        if text != self.document.source.text() {
            write(&self.file, &text)?;
            written.push(self.file.clone());
            let name = self.document.source.name().to_owned();
            self.document = Document::parse(Source::new(name, text));
        }
        let (result, _) = self.examine(runs);
        Ok(ReadmeResult { written, ..result })
    }
}

fn write(path: &Path, text: &str) -> Result<(), Diagnostic> {
    std::fs::write(path, text).map_err(|error| {
        Diagnostic::without_source(format!("cannot write `{}`: {error}", path.display()))
    })
}
