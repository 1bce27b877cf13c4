//! Every bad scenario file and what is said of it.

use seam::env::Env;

/// Walks `tests/data/bad`: each file must be refused, with the diagnostics in
/// its snapshot.
#[test]
fn bad_scenarios_are_explained() {
    insta::glob!("../data/bad", "*.toml", |path| {
        // Named from the crate's folder, so that snapshots hold no absolute path.
        let name = std::path::Path::new("tests/data/bad").join(path.file_name().unwrap());
        let said = match harness::scenario::load(&name, &Env::empty()) {
            Ok(_) => panic!("{} is accepted", name.display()),
            Err(problems) => {
                assert!(!problems.is_empty(), "{}: refused without a reason", name.display());
                problems.iter().map(|p| p.render(false)).collect::<Vec<_>>().join("\n")
            }
        };
        insta::assert_snapshot!(said);
    });
}
