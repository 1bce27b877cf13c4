//! From the paths on the command line to READMEs.

use std::path::{Path, PathBuf};

use seam::diagnostic::Diagnostic;

const NAME: &str = "README.md";

/// Folders of tools, not of people.
const NOT_OURS: [&str; 2] = ["target", "node_modules"];

/// A README to check.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub file: PathBuf,
    /// It stands above others: it may be a mere list of them.
    pub may_be_index: bool,
}

/// The files themselves, and the READMEs in and below the folders, in order.
pub(super) fn find(paths: &[PathBuf]) -> Result<Vec<Found>, Vec<Diagnostic>> {
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        if path.is_dir() {
            let before = found.len();
            if let Err(problem) = below(path, &mut found) {
                problems.push(problem);
            } else if before == found.len() {
                let message = format!("no {NAME} in or below `{}`", path.display());
                problems.push(Diagnostic::without_source(message));
            }
        } else {
            found.push(Found { file: path.clone(), may_be_index: false });
        }
    }
    let mut seen = Vec::new();
    found.retain(|one| {
        let key = one.file.canonicalize().unwrap_or_else(|_| one.file.clone());
        let new = !seen.contains(&key);
        seen.push(key);
        new
    });
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

fn below(folder: &Path, found: &mut Vec<Found>) -> Result<(), Diagnostic> {
    let unreadable = |error: std::io::Error| {
        Diagnostic::without_source(format!("cannot read `{}`: {error}", folder.display()))
    };
    let own = found.len();
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if entry.file_type().map_err(unreadable)?.is_dir() {
            if !name.starts_with('.') && !NOT_OURS.contains(&name.as_ref()) {
                folders.push(path);
            }
        } else if name == NAME {
            // `./README.md` reads better without its dot.
            let file = if folder == Path::new(".") { PathBuf::from(NAME) } else { path };
            found.push(Found { file, may_be_index: false });
        }
    }
    folders.sort();
    let after = found.len();
    for folder in folders {
        below(&folder, found)?;
    }
    if after < found.len()
        && let Some(first) = found.get_mut(own..after).and_then(<[_]>::first_mut)
    {
        first.may_be_index = true;
    }
    Ok(())
}
