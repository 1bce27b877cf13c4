//! Wrong gateways that the scenarios of spikes must fail, with words that name
//! the cause.

use crate::mutants::check;

const FRAGMENT: &str = "capabilities/manage-spikes-with-payg/ptu-then-payg.xml";
const POLICY: &str = "capabilities/manage-spikes-with-payg/retry-with-payg.xml";
const POOLED: &str = "capabilities/manage-spikes-with-payg/retry-with-payg-v2.xml";
const GATEWAY: &str = "capabilities/manage-spikes-with-payg/gateway.toml";
const RETRY: &str = "scenarios/spikes-retry.toml";
const RETRY_PTU: &str = "scenarios/spikes-retry-ptu.toml";
const BREAKER: &str = "scenarios/spikes-breaker.toml";
const BREAKER_PTU: &str = "scenarios/spikes-breaker-ptu.toml";
const BREAKER_MINUTE: &str = "scenarios/spikes-breaker-minute.toml";

const CONDITION: &str = "<retry condition=\"@(context.Response.StatusCode == 429)\"";
const CHOICE: &str = "? &quot;payg-backend-1&quot; : &quot;ptu-backend-1&quot;";
const WAITS: &str = "interval=\"1\" max-interval=\"10\" delta=\"2\"";

#[test]
fn no_retry() {
    let never = (CONDITION, "<retry condition=\"@(false)\"");
    let expected = [
        ("A1-spike", "clients saw 429"),
        ("A3-spill", "expected exactly at least 25 % of the answers from payg1, but 0 of"),
    ];
    check(FRAGMENT, &[never], RETRY, &expected);
    check(FRAGMENT, &[never], RETRY_PTU, &expected);
}

#[test]
fn a_retry_on_the_same_backend() {
    let same = (CHOICE, "? &quot;ptu-backend-1&quot; : &quot;ptu-backend-1&quot;");
    let expected = [("A3-spill", "of the answers from payg1, but 0 of")];
    check(FRAGMENT, &[same], RETRY, &expected);
}

#[test]
fn a_retry_on_the_same_backend_first() {
    let twice = (
        "value=\"@(context.Response.StatusCode == 429 ?",
        "value=\"@(context.Variables.GetValueOrDefault&lt;int&gt;(&quot;tries&quot;, 0) &gt; 2 ?",
    );
    let count = (
        "<set-variable name=\"chosenBackend\"",
        "<set-variable name=\"tries\" value=\"@(context.Variables.GetValueOrDefault&lt;int&gt;(&quot;tries&quot;, 0) + 1)\" /><set-variable name=\"chosenBackend\"",
    );
    let expected = [("A5", "had more than one (up to 2)"), ("A4-wait", "waits took another time")];
    check(FRAGMENT, &[twice, count], RETRY, &expected);
}

#[test]
fn pay_as_you_go_first() {
    let swapped = (CHOICE, "? &quot;ptu-backend-1&quot; : &quot;payg-backend-1&quot;");
    let expected = [("A2", "expected at least 95 % of the answers from ptu1, but 0 of")];
    check(FRAGMENT, &[swapped], RETRY, &expected);
}

#[test]
fn a_retry_without_waiting() {
    let expected = [("A4-wait", "expected 1 s to 1.05 s between attempts, but")];
    check(FRAGMENT, &[(WAITS, "interval=\"0\"")], RETRY, &expected);
    let fast = format!("{WAITS} first-fast-retry=\"true\"");
    check(FRAGMENT, &[(WAITS, &fast)], RETRY, &expected);
}

#[test]
fn a_retry_that_waits_by_the_formula() {
    let listen = "listen = \"127.0.0.1:8000\"";
    let formula = format!("{listen}\n\n[settings]\nretry_backoff = \"formula\"");
    let expected = [("A4-wait", "waits took another time (2.6")];
    check(GATEWAY, &[(listen, &formula)], RETRY, &expected);
}

#[test]
fn a_header_that_names_the_first_attempt() {
    let first = ("@((string)context.Variables[\"chosenBackend\"])", "ptu-backend-1");
    let expected = [("A4-header", "from payg1 had x-apim-backend: ptu-backend-1")];
    check(POLICY, &[first], RETRY, &expected);
}

#[test]
fn a_breaker_that_never_opens() {
    let expected = [("A2", "but a request arrived at ptu1 at")];
    for scenario in [BREAKER, BREAKER_PTU] {
        check(GATEWAY, &[("count = 3", "count = 10000")], scenario, &expected);
    }
}

#[test]
fn a_breaker_that_opens_late() {
    let expected = [("A2", "but a request arrived at ptu1 at")];
    check(GATEWAY, &[("count = 3", "count = 4")], BREAKER, &expected);
}

#[test]
fn a_breaker_that_opens_early() {
    let expected = [("A2", "although ptu1 had not failed 3 times")];
    for scenario in [BREAKER, BREAKER_PTU] {
        check(GATEWAY, &[("count = 3", "count = 2")], scenario, &expected);
    }
}

#[test]
fn a_breaker_that_never_closes() {
    let forever = [("PT1M", "PT24H"), ("accept_retry_after = true", "accept_retry_after = false")];
    let expected = [("A3", "ptu1 was not used again within 2 s")];
    check(GATEWAY, &forever, BREAKER, &expected);
}

#[test]
fn a_breaker_that_ignores_retry_after() {
    let deaf = ("accept_retry_after = true", "accept_retry_after = false");
    let expected = [("A3", "ptu1 was not used again within 2 s although it was open from")];
    for scenario in [BREAKER, BREAKER_PTU] {
        check(GATEWAY, &[deaf], scenario, &expected);
    }
}

#[test]
fn a_breaker_that_closes_early() {
    let expected = [("A2", "but a request arrived at ptu1 at")];
    check(GATEWAY, &[("PT1M", "PT30S")], BREAKER_MINUTE, &expected);
}

#[test]
fn a_breaker_that_closes_late() {
    let expected = [("A3", "ptu1 was not used again within 2 s although it was open from")];
    check(GATEWAY, &[("PT1M", "PT1M30S")], BREAKER_MINUTE, &expected);
}

#[test]
fn a_pool_with_pay_as_you_go_first() {
    let swapped = [
        ("circuit-breaker\", priority = 1", "circuit-breaker\", priority = 9"),
        ("\"payg-backend-1\", priority = 2", "\"payg-backend-1\", priority = 1"),
    ];
    let expected = [("A4", "expected every answer from ptu1, but")];
    check(GATEWAY, &swapped, BREAKER, &expected);
}

#[test]
fn a_pool_behind_a_retry() {
    let retries = (
        "<backend>\n        <base />",
        "<backend>\n        <retry condition=\"@(context.Response.StatusCode == 429)\" count=\"3\" interval=\"1\"><forward-request buffer-request-body=\"true\" /></retry>",
    );
    let expected = [("A1", "a 429 of ptu1 did not reach its client")];
    check(POOLED, &[retries], BREAKER, &expected);
}
