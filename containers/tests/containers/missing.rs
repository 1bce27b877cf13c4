//! What these tests do where there is no engine or no image: this binary, started
//! again with an environment that has none. These need no engine themselves.

use std::process::Output;

use libtest_mimic::{Failed, Trial};

/// In the name of the tests here, so that the inner run can leave them out.
const MARK: &str = "elsewhere";
/// Nobody listens there.
const NO_ENGINE: (&str, &str) = ("DOCKER_HOST", "unix:///no-such-folder/docker.sock");

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("elsewhere_without_an_engine_all_are_ignored", ignored),
        Trial::test("elsewhere_without_an_engine_all_fail_if_required", failing),
        Trial::test("elsewhere_every_test_is_listed_without_an_engine", listed),
    ]
}

fn run_again(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Output, Failed> {
    let mut command = std::process::Command::new(std::env::current_exe()?);
    command.args(arguments).args(["--skip", MARK]).env_remove(crate::REQUIRED);
    Ok(command.envs(variables.iter().copied()).output()?)
}

/// The numbers of the last line: passed, failed, ignored.
fn counts(output: &Output) -> Result<[u64; 3], Failed> {
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find(|line| line.starts_with("test result:"));
    let line = line.ok_or_else(|| format!("no result in {text}"))?;
    let count = |word: &str| {
        let part = line.split(['.', ';']).find_map(|part| part.trim().strip_suffix(word));
        part.and_then(|number| number.trim().parse().ok())
            .ok_or_else(|| Failed::from(format!("no count of {word} in {line}")))
    };
    Ok([count("passed")?, count("failed")?, count("ignored")?])
}

fn ignored() -> Result<(), Failed> {
    let output = run_again(&[], &[NO_ENGINE])?;
    let [passed, failed, ignored] = counts(&output)?;
    assert!(output.status.success());
    assert_eq!((passed, failed), (0, 0));
    assert!(ignored >= 14, "only {ignored}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("are IGNORED, not passed: no container engine answers"), "{said}");
    assert!(said.contains("DOCKER_HOST"), "{said}");
    Ok(())
}

fn failing() -> Result<(), Failed> {
    let output = run_again(&[], &[NO_ENGINE, (crate::REQUIRED, "1")])?;
    let [passed, failed, ignored] = counts(&output)?;
    assert!(!output.status.success());
    assert_eq!((passed, ignored), (0, 0));
    assert!(failed >= 14, "only {failed}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("FAIL: no container engine answers"), "{said}");
    Ok(())
}

/// As cargo-nextest asks: all of them, then those that are ignored.
fn listed() -> Result<(), Failed> {
    let all = run_again(&["--list", "--format", "terse"], &[NO_ENGINE])?;
    let ignored = run_again(&["--list", "--format", "terse", "--ignored"], &[NO_ENGINE])?;
    let all = String::from_utf8_lossy(&all.stdout).into_owned();
    assert!(all.lines().count() >= 14 && all.lines().all(|line| line.ends_with(": test")), "{all}");
    assert_eq!(all, String::from_utf8_lossy(&ignored.stdout));
    Ok(())
}
