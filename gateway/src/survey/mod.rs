//! `gateway check --summary FOLDER`: which documents of a folder load, and what
//! keeps the others from loading, by frequency.

mod report;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use seam::diagnostic::{Diagnostic, Severity, Source};
use serde::Serialize;

pub(crate) use report::table;

/// What policy documents are kept in.
const EXTENSIONS: [&str; 2] = ["xml", "cshtml"];

/// A larger file is none of ours: the platform takes documents of 512 KiB.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// What a folder's documents came to.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Survey {
    /// Files with one of the extensions.
    files: usize,
    /// Files that hold no `<policies>` and no `<fragment>`.
    others: usize,
    /// Documents that load.
    load: usize,
    /// Of these, with warnings.
    warned: usize,
    /// The same by kind: in how many documents, how often.
    kinds: Vec<Kind>,
    /// What the rest needs, the most frequent first.
    missing: Vec<Missing>,
    /// Every document, in order of path.
    documents: Vec<Checked>,
}

/// One document.
#[derive(Debug, Serialize)]
struct Checked {
    file: String,
    errors: usize,
    warnings: usize,
}

/// A kind of thing that is missing.
#[derive(Debug, Serialize)]
struct Kind {
    kind: &'static str,
    documents: usize,
    times: usize,
}

/// One thing documents need and the gateway lacks, or one mistake of theirs.
#[derive(Debug, Serialize)]
struct Missing {
    /// What kind of thing: `policy`, `attribute`, `member` …
    kind: &'static str,
    /// The message.
    what: String,
    /// How many documents have it.
    documents: usize,
    /// How many of them have nothing else.
    alone: usize,
    /// How often it is there.
    times: usize,
    /// The first place, `file:line:column`.
    example: String,
}

/// Checks every document below a folder, each by itself. `progress` hears of
/// each file: how many are done, of how many.
pub(crate) fn survey(folder: &Path, mut progress: impl FnMut(usize, usize)) -> io::Result<Survey> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    let mut survey = Survey { files: files.len(), ..Survey::default() };
    let mut found = Found::default();
    for (done, path) in files.iter().enumerate() {
        progress(done, files.len());
        let name = path.strip_prefix(folder).unwrap_or(path).display().to_string();
        let problems = match read(path)? {
            Content::Document(text) => crate::check_document(&Source::new(name.as_str(), text)),
            Content::Unreadable(why) => vec![Diagnostic::without_source(why).about("document")],
            Content::Other => {
                survey.others += 1;
                continue;
            }
        };
        survey.add(name, &problems, &mut found);
    }
    progress(files.len(), files.len());
    survey.kinds = found.kinds.into_values().collect();
    survey.missing = found.missing.into_values().collect();
    // The maps' order breaks ties.
    survey.kinds.sort_by_key(|one| Reverse((one.documents, one.times)));
    survey.missing.sort_by_key(|one| Reverse((one.documents, one.times)));
    Ok(survey)
}

/// What is missing so far.
#[derive(Default)]
struct Found {
    kinds: BTreeMap<&'static str, Kind>,
    missing: BTreeMap<(&'static str, String), Missing>,
}

impl Survey {
    fn add(&mut self, file: String, problems: &[Diagnostic], found: &mut Found) {
        let errors: Vec<&Diagnostic> =
            problems.iter().filter(|problem| problem.severity() == Severity::Error).collect();
        let warnings = problems.len() - errors.len();
        if errors.is_empty() {
            self.load += 1;
            self.warned += usize::from(0 < warnings);
        }
        let mut own = BTreeSet::new();
        for error in &errors {
            let kind = error.subject().unwrap_or("other");
            let key = (kind, error.message().to_owned());
            let of_kind = found.kinds.entry(kind);
            of_kind.or_insert(Kind { kind, documents: 0, times: 0 }).times += 1;
            let one = found.missing.entry(key.clone()).or_insert_with(|| Missing {
                kind,
                what: key.1.clone(),
                documents: 0,
                alone: 0,
                times: 0,
                example: match error.location() {
                    Some((_, line, column)) => format!("{file}:{line}:{column}"),
                    None => file.clone(),
                },
            });
            one.times += 1;
            own.insert(key);
        }
        for key in &own {
            if let Some(one) = found.missing.get_mut(key) {
                one.documents += 1;
                one.alone += usize::from(own.len() == 1);
            }
        }
        for kind in own.iter().map(|(kind, _)| *kind).collect::<BTreeSet<_>>() {
            if let Some(of_kind) = found.kinds.get_mut(kind) {
                of_kind.documents += 1;
            }
        }
        self.documents.push(Checked { file, errors: errors.len(), warnings });
    }
}

/// Files below a folder, in order of path. Links and hidden folders are left out.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries = std::fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type()?;
        let path = entry.path();
        if kind.is_dir() {
            if !entry.file_name().as_encoded_bytes().starts_with(b".") {
                collect(&path, files)?;
            }
        } else if kind.is_file()
            && path
                .extension()
                .is_some_and(|own| EXTENSIONS.iter().any(|known| own.eq_ignore_ascii_case(known)))
        {
            files.push(path);
        }
    }
    Ok(())
}

enum Content {
    Document(String),
    Unreadable(String),
    /// XML of another kind.
    Other,
}

fn read(path: &Path) -> io::Result<Content> {
    if MAX_FILE_BYTES < std::fs::metadata(path)?.len() {
        return Ok(Content::Other);
    }
    let bytes = std::fs::read(path)?;
    let holds = |tag: &[u8]| bytes.windows(tag.len()).any(|window| window == tag);
    if !holds(b"<policies") && !holds(b"<fragment") {
        return Ok(Content::Other);
    }
    Ok(match String::from_utf8(bytes) {
        Ok(text) => Content::Document(text),
        Err(_) => Content::Unreadable("the file is not UTF-8".to_owned()),
    })
}
