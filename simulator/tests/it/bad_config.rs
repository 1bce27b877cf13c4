//! Every file of `tests/data/bad` is refused with a diagnostic that says where
//! and why.

use std::path::Path;

use seam::diagnostic::Source;
use seam::env::Env;

use crate::support::render;

#[test]
fn bad_files_are_refused_with_a_reason() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/bad");
    let mut files: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(8 <= files.len());
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let source = Source::new(name.as_str(), std::fs::read_to_string(&file).unwrap());
        let problems = simulator::load(&source, &Env::empty())
            .map(|_| panic!("{name} was accepted"))
            .unwrap_err();
        let stem = name.trim_end_matches(".toml");
        insta::assert_snapshot!(format!("bad_{stem}"), render(&problems));
    }
}
