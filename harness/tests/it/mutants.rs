//! Are the shipped scenarios any good? Each is run against deliberately broken
//! variants, and must fail with a message that says what happened.

use std::path::Path;
use std::time::Duration;

use harness::assert::{Outcome, Verdict};

use crate::shipped::evaluate;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const ORDER: &str = "capabilities/latency-routing/read-backend-order.xml";
const HELPER: &str = "capabilities/latency-routing/set-preferred-backends.xml";
const FORWARD: &str = "capabilities/latency-routing/forward-by-order.xml";
const POLICY: &str = "capabilities/latency-routing/latency-routing.xml";
const GATEWAY: &str = "capabilities/latency-routing/gateway.toml";
const ROUTING: &str = "scenarios/latency-routing.toml";
const FAILOVER: &str = "scenarios/latency-routing-failover.toml";

/// A copy of the files a run reads, changed in one file.
fn spoil(folder: &Path, file: &str, changes: &[(&str, &str)]) {
    for part in ["scenarios", "capabilities"] {
        copy(&Path::new(ROOT).join(part), &folder.join(part));
    }
    let spoilt = folder.join(file);
    let mut text = std::fs::read_to_string(&spoilt).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{file} has no `{from}`: mend this test");
        text = text.replace(from, to);
    }
    std::fs::write(&spoilt, text).unwrap();
}

/// Copies the files of a folder and of the folders in it.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, to).unwrap();
        }
    }
}

/// Spoils a file, runs a scenario, and expects these assertions to fail with
/// messages that contain these words. Of id `reconciliation` a mismatch is meant.
#[track_caller]
pub(crate) fn check(
    file: &str,
    changes: &[(&str, &str)],
    scenario: &str,
    expected: &[(&str, &str)],
) {
    check_beginning(file, changes, scenario, None, expected);
}

/// As [`check`], but of a long scenario only the stages up to one are run, with the
/// assertions about them: a wrong gateway shows in the first minutes.
#[track_caller]
pub(crate) fn check_beginning(
    file: &str,
    changes: &[(&str, &str)],
    scenario: &str,
    last_stage: Option<&str>,
    expected: &[(&str, &str)],
) {
    let folder = tempfile::tempdir().unwrap();
    spoil(folder.path(), file, changes);
    let scenario = folder.path().join(scenario);
    if let Some(last) = last_stage {
        let text = beginning(&std::fs::read_to_string(&scenario).unwrap(), last);
        std::fs::write(&scenario, text).unwrap();
    }
    let evaluation = evaluate(&scenario, 42);
    assert_eq!(evaluation.outcome, Outcome::Failed);
    for (id, words) in expected {
        if *id == "reconciliation" {
            let told = &evaluation.reconciliation.mismatches;
            assert!(told.iter().any(|one| one.message.contains(words)), "{told:?}");
            continue;
        }
        let result = evaluation.assertions.iter().find(|result| result.id == *id).unwrap();
        assert_eq!(result.verdict, Verdict::Failed, "{id}: {}", result.message);
        assert!(result.message.contains(words), "{id}: {}", result.message);
    }
}

/// A scenario's text up to a stage: without later stages, and without the assertions
/// that reach beyond it.
pub(crate) fn beginning(text: &str, last: &str) -> String {
    let value = |block: &str, key: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \""));
        line.and_then(|rest| rest.strip_suffix('"')).map(str::to_owned)
    };
    let time = |text: String| seam::units::parse_duration(&text).unwrap();
    let mut end = Duration::ZERO;
    let mut stages: Vec<String> = Vec::new();
    let mut over = false;
    let mut keep = |block: &&str| {
        if block.starts_with("stages]]") {
            over = stages.iter().any(|name| name == last);
            if !over {
                stages.extend(value(block, "name"));
                end += value(block, "duration").map(time).unwrap_or_default();
            }
        }
        if block.starts_with("assertions]]") {
            let within = value(block, "stage").is_none_or(|stage| stages.contains(&stage));
            return within
                && value(block, "to").map(time).is_none_or(|to| to <= end)
                && value(block, "from").map(time).is_none_or(|from| from < end);
        }
        !block.starts_with("stages") || !over
    };
    let blocks: Vec<&str> = text.split("\n[[").filter(&mut keep).collect();
    assert!(stages.iter().any(|name| name == last), "no stage `{last}`: mend this test");
    blocks.join("\n[[")
}

#[test]
fn a_policy_that_ignores_the_cache() {
    let change = ("key=\"preferredBackendsInCache\"", "key=\"somethingElse\"");
    let expected = [("A2", "expected every answer from payg2, but")];
    check(ORDER, &[change], ROUTING, &expected);
}

#[test]
fn a_policy_that_picks_the_less_preferred_backend() {
    let changes = [
        ("ElementAtOrDefault(0)", "ElementAtOrDefault(9)"),
        ("ElementAtOrDefault(1)", "ElementAtOrDefault(0)"),
        ("ElementAtOrDefault(9)", "ElementAtOrDefault(1)"),
    ];
    let expected = [("A1", "expected every answer from payg1, but")];
    check(ORDER, &changes, ROUTING, &expected);
}

/// An order is replaced when it has run out only: the new one comes a minute late.
#[test]
fn a_policy_that_keeps_an_order_until_it_runs_out() {
    let store = "<cache-store-value key=\"preferredBackendsInCache\" duration=\"12000\"";
    let value = "[&quot;preferredBackends&quot;])\" />";
    let changes = [
        (
            store,
            "<cache-lookup-value key=\"preferredBackendsInCache\" variable-name=\"kept\" default-value=\"@(new JArray())\" />
            <choose><when condition=\"@(((JArray)context.Variables[&quot;kept&quot;]).Count == 0)\">
            <cache-store-value key=\"preferredBackendsInCache\" duration=\"70\"",
        ),
        (value, "[&quot;preferredBackends&quot;])\" /></when></choose>"),
    ];
    let expected = [("A2-at-once", "from 2s on, but it took"), ("A2", "expected every answer")];
    check(HELPER, &changes, ROUTING, &expected);
}

#[test]
fn a_policy_that_never_retries_on_429() {
    let change = (
        "<retry condition=\"@(context.Response.StatusCode == 429)\"",
        "<retry condition=\"@(false)\"",
    );
    let expected = [("no-429", "expected none, but clients saw 429")];
    check(FORWARD, &[change], FAILOVER, &expected);
}

#[test]
fn a_coordinator_that_posts_the_reversed_order() {
    let changes = [
        ("publish_as = \"payg-backend-1\"", "publish_as = \"x\""),
        ("publish_as = \"payg-backend-2\"", "publish_as = \"payg-backend-1\""),
        ("publish_as = \"x\"", "publish_as = \"payg-backend-2\""),
    ];
    let expected = [("A1", "expected every answer from payg1, but")];
    check(ROUTING, &changes, ROUTING, &expected);
}

#[test]
fn simulators_whose_latencies_never_swap() {
    let after = ("at = \"120s\"\npatch = { simulator", "at = \"299s\"\npatch = { simulator");
    let expected = [("A2", "expected every answer from payg2, but")];
    check(ROUTING, &[after], ROUTING, &expected);
}

#[test]
fn a_gateway_that_answers_from_a_third_backend() {
    let change = ("PAYG1_URL:-http://localhost:8002", "PAYG1_URL:-http://localhost:8001");
    let expected = [("A1", "expected every answer from payg1, but")];
    check(GATEWAY, &[change], ROUTING, &expected);
}

#[test]
fn a_policy_that_sends_every_request_twice() {
    let once = "buffer-response=\"false\" fail-on-error-status-code=\"true\" />";
    let twice = format!("{once}<forward-request buffer-request-body=\"true\" />");
    let expected = [("reconciliation", "a request was answered by more than one attempt")];
    check(FORWARD, &[(once, &twice)], ROUTING, &expected);
}

#[test]
fn a_policy_that_drops_the_usage() {
    let change = (
        "<outbound>\n        <base />",
        "<outbound>\n        <base />\n        <set-body>@{
            var body = context.Response.Body.As<JObject>();
            body.Remove(\"usage\");
            return body.ToString();
        }</set-body>",
    );
    let expected = [("reconciliation", "an answer came without the usage that was booked")];
    check(POLICY, &[change], ROUTING, &expected);
}

#[test]
fn a_policy_that_retries_on_the_same_backend() {
    let change = ("&quot;secondBackend&quot; :", "&quot;firstBackend&quot; :");
    let expected = [("no-429", "expected none, but clients saw 429")];
    check(FORWARD, &[change], FAILOVER, &expected);
}

#[test]
fn a_policy_with_another_default() {
    let other =
        ("? &quot;payg-backend-1&quot; : fastest", "? &quot;payg-backend-2&quot; : fastest");
    let expected = [("default", "expected every answer from payg1, but")];
    check(ORDER, &[other], FAILOVER, &expected);
}

#[test]
fn a_policy_that_tries_the_refusing_backend_twice() {
    let change = (
        "context.Response.StatusCode == 429 ? &quot;secondBackend&quot;",
        "context.Variables.GetValueOrDefault&lt;int&gt;(&quot;tries&quot;, 0) &gt; 2 ? &quot;secondBackend&quot;",
    );
    let count = (
        "<set-variable name=\"chosenBackend\"",
        "<set-variable name=\"tries\" value=\"@(context.Variables.GetValueOrDefault&lt;int&gt;(&quot;tries&quot;, 0) + 1)\" /><set-variable name=\"chosenBackend\"",
    );
    let expected = [("one-refusal-each", "had more than one (up to 2)")];
    check(FORWARD, &[change, count], FAILOVER, &expected);
}

#[test]
fn a_gateway_whose_journal_needs_a_key_is_no_mutant() {
    let folder = tempfile::tempdir().unwrap();
    let file = "capabilities/latency-routing/gateway.toml";
    let listen = "listen = \"127.0.0.1:8000\"";
    let locked = format!("{listen}\n\n[control]\nkey = \"control-key\"");
    spoil(folder.path(), file, &[(listen, &locked)]);
    let evaluation = evaluate(&folder.path().join(ROUTING), 42);
    assert_eq!(evaluation.outcome, Outcome::Passed, "{:?}", evaluation.validity);
}
