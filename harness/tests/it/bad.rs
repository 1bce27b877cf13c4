//! Every bad scenario file and what is said of it.

use proptest::prelude::*;
use seam::diagnostic::Source;
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

/// A scenario that is good but for what a test does to it.
const GOOD: &str = r#"
version = 1
name = "good"
topology = { gateway_url = "http://localhost:1", simulator_urls = { a = { url = "http://localhost:2", key = "k" } } }
[[workloads]]
name = "w"
path = "/x"
body = { a = [1, "$$order", "$n"] }
draw = { n = { uniform = [1, 2] } }
[[stages]]
name = "s"
duration = "1m"
load = [ { workload = "w", arrivals = { process = "ramp", from = "1/s", to = "2/s" } } ]
[[actions]]
name = "p"
at = "-1s"
patch = { simulator = "a", config = {} }
[[assertions]]
id = "x"
claim = "y"
requests = { at_least = 1 }
"#;

fn parse(text: String) -> Result<(), usize> {
    let source = Source::new("any.toml", text);
    let result = harness::scenario::parse(&source, std::path::Path::new(""), &Env::empty());
    result.map(|_| ()).map_err(|problems| {
        problems.iter().for_each(|problem| drop(problem.render(false)));
        problems.len()
    })
}

proptest! {
    #[test]
    fn any_text_is_refused_with_reasons(text in "(?s).{0,80}") {
        prop_assert_ne!(parse(text), Err(0));
    }

    #[test]
    fn a_spoilt_scenario_never_panics(at in 0..GOOD.len(), length in 0_usize..12, new in "[-a-z0-9\"{}=\\[\\]. €\n]{0,6}") {
        prop_assume!(GOOD.is_char_boundary(at) && GOOD.is_char_boundary((at + length).min(GOOD.len())));
        let mut text = GOOD.to_owned();
        text.replace_range(at..(at + length).min(GOOD.len()), &new);
        prop_assert_ne!(parse(text), Err(0));
    }
}

/// `.env` names a real endpoint, the scenario embeds everything: a mistake to be
/// told before the run, not a run full of errors.
#[test]
fn a_backend_that_no_simulator_serves() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let file = root.join("scenarios/latency-routing.toml");
    let env = Env::empty().with("PAYG1_URL", "https://payg1.openai.azure.com");
    let problems = harness::scenario::load(&file, &env).unwrap_err();
    assert_eq!(problems.len(), 1);
    let text = problems[0].render(false);
    insta::assert_snapshot!(text.replace(root.to_str().unwrap(), "…"));
}

#[test]
fn the_good_one_is_good() {
    assert_eq!(parse(GOOD.to_owned()), Ok(()));
}
