//! Reading a scenario file and the files it names.

use std::path::{Component, Path, PathBuf};

use seam::config;
use seam::diagnostic::{Diagnostic, Source};
use seam::env::Env;

use super::model::Scenario;
use super::overrides::Overrides;
use super::raw::RawScenario;
use super::validate;

/// Loads a scenario file with the simulator and gateway files it names. On
/// success the second part holds warnings; on failure every problem found, in
/// all the files.
pub fn load(path: &Path, env: &Env) -> Result<(Scenario, Vec<Diagnostic>), Vec<Diagnostic>> {
    load_with(path, env, &Overrides::default())
}

/// As [`load`], with another stack than the file's.
pub fn load_with(
    path: &Path,
    env: &Env,
    overrides: &Overrides,
) -> Result<(Scenario, Vec<Diagnostic>), Vec<Diagnostic>> {
    let source = config::read(path).map_err(|problem| vec![problem])?;
    let folder = path.parent().unwrap_or(Path::new(""));
    parse_with(&source, folder, env, overrides)
}

/// Checks a scenario's text; `folder` is where its relative paths begin.
pub fn parse(
    source: &Source,
    folder: &Path,
    env: &Env,
) -> Result<(Scenario, Vec<Diagnostic>), Vec<Diagnostic>> {
    parse_with(source, folder, env, &Overrides::default())
}

/// As [`parse`], with another stack than the text's.
pub fn parse_with(
    source: &Source,
    folder: &Path,
    env: &Env,
    overrides: &Overrides,
) -> Result<(Scenario, Vec<Diagnostic>), Vec<Diagnostic>> {
    let raw: RawScenario = config::parse(source, env)?;
    validate::scenario(raw, source, folder, env, overrides)
}

/// `folder/path` without `.` and without `name/..`, which reads better in
/// messages. Symbolic links are not followed: this is for display and opening
/// of paths people write.
pub(crate) fn join(folder: &Path, path: &str) -> PathBuf {
    let mut out = PathBuf::new();
    for component in folder.join(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(out.components().next_back(), Some(Component::Normal(_))) =>
            {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_paths_as_a_reader_would() {
        let check = |folder: &str, path: &str, expected: &str| {
            assert_eq!(join(Path::new(folder), path), Path::new(expected));
        };
        check("scenarios", "../capabilities/a.toml", "capabilities/a.toml");
        check("", "../a.toml", "../a.toml");
        check("x/y", "./b.toml", "x/y/b.toml");
        check("x", "/etc/b.toml", "/etc/b.toml");
    }
}
