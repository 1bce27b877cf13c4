//! Wrong gateways that the long scenarios of prioritization must fail: both cycles
//! and the chat. Each runs the first two of five stages, low alone and then both,
//! which is where priorities meet; the whole takes CI too long without optimisation,
//! and is run in release when the READMEs are checked.

use std::path::Path;

use harness::assert::Outcome;

use crate::mutants::{beginning, check_beginning};
use crate::shipped::evaluate;

const CALCULATING: &str = "capabilities/prioritization/token-calculating.xml";
const TRACKING: &str = "capabilities/prioritization/token-tracking.xml";
const PRIORITY: &str = "capabilities/prioritization/read-priority.xml";
const SIMULATORS: &str = "capabilities/simulator.toml";

const CALCULATING_CYCLE: &str = "scenarios/prioritization-calculating-cycle.toml";
const TRACKING_CYCLE: &str = "scenarios/prioritization-tracking-cycle.toml";
const CHAT: &str = "scenarios/prioritization-calculating-chat.toml";
const TRACKING_CHAT: &str = "scenarios/prioritization-tracking-chat.toml";

const BOTH_ALIKE: (&str, &str) =
    ("(bool)context.Variables[&quot;lowPriority&quot;] &amp;&amp; (int)", "(int)");

/// High is taken for low, and low for high.
const INVERTED: [(&str, &str); 2] = [
    ("@(context.Request.Url", "@(!(context.Request.Url"),
    (
        "x-priority&quot;, &quot;&quot;) == &quot;low&quot;)",
        "x-priority&quot;, &quot;&quot;) == &quot;low&quot;))",
    ),
];

#[track_caller]
fn check(file: &str, changes: &[(&str, &str)], scenario: &str, expected: &[(&str, &str)]) {
    check_beginning(file, changes, scenario, Some("mixed"), expected);
}

/// What is cut off must not be what keeps the rest from passing.
#[test]
fn the_beginnings_hold_without_a_fault() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for scenario in [CALCULATING_CYCLE, TRACKING_CYCLE, CHAT, TRACKING_CHAT] {
        let text = std::fs::read_to_string(root.join(scenario)).unwrap();
        let capabilities = root.join("capabilities").display().to_string();
        let text = beginning(&text, "mixed").replace("../capabilities", &capabilities);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("scenario.toml");
        std::fs::write(&file, text).unwrap();
        let evaluation = evaluate(&file, 42);
        assert_eq!(evaluation.outcome, Outcome::Passed, "{scenario}: {:?}", evaluation.assertions);
    }
}

#[test]
fn calculating_without_a_threshold() {
    let change = ("&quot;spareTokens&quot;, 30000", "&quot;spareTokens&quot;, 0");
    let expected = [
        ("low-60s", "expected at most 295 requests"),
        ("low-passes", "not 30000 or more"),
        ("yields", "expected at least 90 %"),
        ("in-turn", "came while low was admitted"),
        ("refused-bin", "0 of 6 bins"),
    ];
    check(CALCULATING, &[change], CALCULATING_CYCLE, &expected);
}

#[test]
fn calculating_that_throttles_high_like_low() {
    let expected = [
        ("high-refused", "x-gw-priority is low, not high"),
        ("high-refusals", "expected at most 200 requests answered 429"),
        ("in-turn", "came while low was admitted"),
    ];
    check(CALCULATING, &[BOTH_ALIKE], CALCULATING_CYCLE, &expected);
}

#[test]
fn calculating_that_throttles_high_before_low() {
    let expected = [
        ("low-passes", "x-gw-priority is high, not low"),
        ("high-refused", "x-gw-priority is low, not high"),
        ("yields", "first 0 of"),
    ];
    check(PRIORITY, &INVERTED, CALCULATING_CYCLE, &expected);
}

#[test]
fn calculating_with_a_limit_a_tenth_too_high() {
    let change = ("&quot;tokens&quot;, 100000", "&quot;tokens&quot;, 110000");
    let expected = [
        ("token-header", "110,000 told, 100,000 left"),
        ("low-60s", "expected at most 295 requests"),
    ];
    check(CALCULATING, &[change], CALCULATING_CYCLE, &expected);
}

#[test]
fn calculating_with_a_counter_for_each_priority() {
    let change = (
        "&quot;|tokens-limit&quot;",
        "(string)context.Variables[&quot;lowPriority&quot;].ToString()",
    );
    let expected = [("token-header", "100,000 told"), ("yields", "expected at least 90 %")];
    check(CALCULATING, &[change], CALCULATING_CYCLE, &expected);
}

/// Two units that do not share what they counted.
#[test]
fn calculating_with_a_counter_for_each_instance() {
    let change = ("&quot;|tokens-limit&quot;", "(context.RequestId.ToString()[0] % 2).ToString()");
    check(
        CALCULATING,
        &[change],
        CALCULATING_CYCLE,
        &[("token-header", "told more than was left")],
    );
}

#[test]
fn calculating_with_its_thresholds_swapped() {
    let swapped = [(
        "&quot;spareTokens&quot;, 30000 }, { &quot;requests&quot;, 100 }, { &quot;spareRequests&quot;, 30 }",
        "&quot;spareTokens&quot;, 30 }, { &quot;requests&quot;, 100 }, { &quot;spareRequests&quot;, 30000 }",
    )];
    let expected = [("low-served", "expected at least 515, but clients saw no 200")];
    check(CALCULATING, &swapped, CALCULATING_CYCLE, &expected);
}

#[test]
fn tracking_without_a_threshold() {
    let change = ("&quot;tokens&quot;, 30000", "&quot;tokens&quot;, 0");
    let expected =
        [("refused", "0 were"), ("yields", "expected at least 95 %"), ("blocked", "0 of 12 bins")];
    check(TRACKING, &[change], TRACKING_CYCLE, &expected);
}

#[test]
fn tracking_that_throttles_high_like_low() {
    let change = ("@(context.Request.Url", "@(true || context.Request.Url");
    let expected = [
        ("high-refused", "no x-ratelimit-reset-tokens and x-gw-priority is low"),
        ("high-refusals", "expected at most 200 requests answered 429"),
    ];
    check(PRIORITY, &[change], TRACKING_CYCLE, &expected);
}

#[test]
fn tracking_that_throttles_high_before_low() {
    let expected = [("high-refused", "x-gw-priority is low, not high"), ("yields", "first 0 of")];
    check(PRIORITY, &INVERTED, TRACKING_CYCLE, &expected);
}

/// The flag that lets one request probe is never taken away.
#[test]
fn tracking_that_always_probes() {
    let change = ("value=\"@(false)\" duration=\"10\"", "value=\"@(true)\" duration=\"10\"");
    let expected = [("refused", "0 were"), ("yields", "expected at least 95 %")];
    check(TRACKING, &[change], TRACKING_CYCLE, &expected);
}

#[test]
fn tracking_before_a_backend_with_a_tenth_too_much() {
    let change = ("tpm = 100_000\n", "tpm = 110_000\n");
    check(SIMULATORS, &[change], TRACKING_CYCLE, &[("tokens-60s", "expected at most 409")]);
}

#[test]
fn a_chat_without_a_threshold() {
    let change = ("&quot;spareRequests&quot;, 30", "&quot;spareRequests&quot;, 0");
    let expected = [("low-passes", "not 30 or more"), ("low-waits", "first 0 from")];
    check(CALCULATING, &[change], CHAT, &expected);
}

/// Low priority gets ten requests more in 10 s than it may.
#[test]
fn a_chat_with_a_threshold_a_third_too_low() {
    let change = ("&quot;spareRequests&quot;, 30", "&quot;spareRequests&quot;, 20");
    let expected = [("low-passes", "not 30 or more"), ("low-waits-mean", "expected 330 to 470")];
    check(CALCULATING, &[change], CHAT, &expected);
}

#[test]
fn a_chat_that_throttles_high_like_low() {
    check(
        CALCULATING,
        &[BOTH_ALIKE],
        CHAT,
        &[("high-never", "expected none, but clients saw 429")],
    );
}

#[test]
fn a_chat_that_throttles_high_before_low() {
    let expected = [
        ("high-never", "expected none, but clients saw 429"),
        ("low-passes", "x-gw-priority is high, not low"),
    ];
    check(PRIORITY, &INVERTED, CHAT, &expected);
}

#[test]
fn a_chat_whose_max_tokens_are_not_counted() {
    let change = ("return most == null ? 16", "return true ? 16");
    let expected = [
        ("consumed", "metric `ConsumedTokens` with another value"),
        ("token-header", "told more than was left"),
    ];
    check(CALCULATING, &[change], CHAT, &expected);
}

#[test]
fn a_chat_with_a_request_counter_for_each_priority() {
    let change = (
        "&quot;|requests-limit&quot;",
        "(string)context.Variables[&quot;lowPriority&quot;].ToString()",
    );
    check(CALCULATING, &[change], CHAT, &[("request-header", "told more than was left")]);
}

#[test]
fn a_tracked_chat_without_a_threshold() {
    let change = ("{ &quot;requests&quot;, 30 }", "{ &quot;requests&quot;, 0 }");
    check(TRACKING, &[change], TRACKING_CHAT, &[("low-waits", "first 0 from")]);
}

/// Nothing but the number of refusals tells: each is below 30 as well.
#[test]
fn a_tracked_chat_with_a_threshold_a_third_too_low() {
    let change = ("{ &quot;requests&quot;, 30 }", "{ &quot;requests&quot;, 20 }");
    check(TRACKING, &[change], TRACKING_CHAT, &[("low-waits-mean", "expected 330 to 470")]);
}

#[test]
fn a_tracked_chat_that_throttles_high_before_low() {
    let expected = [("high-never", "expected none, but clients saw 429")];
    check(PRIORITY, &INVERTED, TRACKING_CHAT, &expected);
}
