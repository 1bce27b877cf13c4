//! Wrong gateways that the scenarios of prioritization, rate limiting and usage
//! tracking must fail, with words that name the cause.

use crate::mutants::check;

const CALCULATING: &str = "capabilities/prioritization/token-calculating.xml";
const TRACKING: &str = "capabilities/prioritization/token-tracking.xml";
const LOW: &str = "scenarios/prioritization-calculating-low.toml";
const HIGH: &str = "scenarios/prioritization-calculating-high.toml";
const TRACKING_LOW: &str = "scenarios/prioritization-tracking-low.toml";
const TRACKING_HIGH: &str = "scenarios/prioritization-tracking-high.toml";
const PRIORITY: &str = "capabilities/prioritization/read-priority.xml";
const SIMULATORS: &str = "capabilities/simulator.toml";

const LIMITS: &str = "capabilities/rate-limiting/adaptive-rate-limiting.xml";
const LIMITED: &str = "capabilities/rate-limiting/rate-limiting.xml";
const ADAPTIVE: &str = "scenarios/rate-limiting-adaptive.toml";

const METRICS: &str = "capabilities/usage-tracking/emit-token-metrics.xml";
const RECORD: &str = "capabilities/usage-tracking/log-usage-record.xml";
const USAGE_POLICY: &str = "capabilities/usage-tracking/usage-tracking.xml";
const USAGE: &str = "scenarios/usage-tracking-subscriptions.toml";

#[test]
fn a_threshold_that_is_ignored() {
    let change = ("&quot;spareTokens&quot;, 30000", "&quot;spareTokens&quot;, 0");
    let expected = [
        ("low-60s", "expected at most 295 requests"),
        ("low-passes", "not 30000 or more"),
        ("low-refused", "fit none"),
    ];
    check(CALCULATING, &[change], LOW, &expected);
}

#[test]
fn a_threshold_a_tenth_too_low() {
    let change = ("&quot;spareTokens&quot;, 30000", "&quot;spareTokens&quot;, 20000");
    check(CALCULATING, &[change], LOW, &[("low-passes", "not 30000 or more")]);
}

#[test]
fn high_priority_throttled_like_low() {
    let change = ("(bool)context.Variables[&quot;lowPriority&quot;] &amp;&amp; (int)", "(int)");
    let expected = [("high-refused", "fit none"), ("used", "expected at least 380 requests")];
    check(CALCULATING, &[change], HIGH, &expected);
}

#[test]
fn a_counter_for_each_call() {
    let change = (
        "(string)context.Variables[&quot;deployment&quot;] + &quot;|tokens-limit&quot;",
        "(string)context.Variables[&quot;deployment&quot;] + context.RequestId.ToString()",
    );
    let expected = [("token-header", "told more than was left"), ("low-60s", "expected at most")];
    check(CALCULATING, &[change], LOW, &expected);
}

#[test]
fn a_window_of_50_seconds() {
    let change = ("renewal-period=\"60\"", "renewal-period=\"50\"");
    let expected =
        [("token-header", "told more than was left"), ("low-60s", "expected at most 295 requests")];
    check(CALCULATING, &[change], LOW, &expected);
}

#[test]
fn a_limit_a_tenth_too_high() {
    let change = ("&quot;tokens&quot;, 100000", "&quot;tokens&quot;, 110000");
    let expected = [
        ("token-header", "110,000 told, 100,000 left"),
        ("low-60s", "expected at most 295 requests"),
    ];
    check(CALCULATING, &[change], LOW, &expected);
}

#[test]
fn refused_calls_that_count() {
    let change = (
        "increment-condition=\"@(context.Response.StatusCode != 429)\"\n            retry-after-header-name=\"x-apim-requests",
        "retry-after-header-name=\"x-apim-requests",
    );
    check(CALCULATING, &[change], LOW, &[("request-header", "told less than was left")]);
}

#[test]
fn costs_that_are_not_the_services() {
    let change = ("Length * 0.25", "Length * 0.2");
    let expected = [
        ("consumed", "metric `ConsumedTokens` with another value"),
        ("token-header", "told more than was left"),
    ];
    check(CALCULATING, &[change], LOW, &expected);
}

#[test]
fn tracking_that_never_probes() {
    let change = (
        "variable-name=\"mayProbe\" default-value=\"@(true)\"",
        "variable-name=\"mayProbe\" default-value=\"@(false)\"",
    );
    let expected = [("probes", "expected at least 1"), ("used", "expected at least")];
    check(TRACKING, &[change], TRACKING_LOW, &expected);
}

/// The bursts come as they should, and end three seconds early.
#[test]
fn tracking_that_probes_every_nine_seconds() {
    let change = ("value=\"@(false)\" duration=\"10\"", "value=\"@(false)\" duration=\"9\"");
    check(TRACKING, &[change], TRACKING_LOW, &[("period", "the one from 39s on lasted 27s")]);
}

/// A third of what must be left for high priority is used up.
#[test]
fn tracking_with_a_threshold_a_third_too_low() {
    let change = ("&quot;tokens&quot;, 30000", "&quot;tokens&quot;, 20000");
    let expected = [("period", "later"), ("low-60s", "expected at most 302")];
    check(TRACKING, &[change], TRACKING_LOW, &expected);
}

#[test]
fn tracking_without_a_threshold() {
    let change = ("&quot;tokens&quot;, 30000", "&quot;tokens&quot;, 0");
    let expected = [("low-60s", "expected at most"), ("refused", "fit none")];
    check(TRACKING, &[change], TRACKING_LOW, &expected);
}

#[test]
fn tracking_that_remembers_the_wrong_number() {
    let stored = (
        "int.Parse(context.Response.Headers.GetValueOrDefault(&quot;x-ratelimit-remaining-tokens&quot;, &quot;0&quot;))",
        "int.Parse(context.Response.Headers.GetValueOrDefault(&quot;x-ratelimit-remaining-tokens&quot;, &quot;0&quot;)) + 244",
    );
    check(TRACKING, &[stored], TRACKING_LOW, &[("told", "and x-ratelimit-remaining-tokens is")]);
}

#[test]
fn tracking_that_throttles_high_like_low() {
    let everybody = ("@(context.Request.Url", "@(true || context.Request.Url");
    let expected = [
        ("high-refused", "x-gw-ratelimit-reason is tokens-below-low-priority-threshold"),
        ("used", "expected at least 380 requests"),
    ];
    check(PRIORITY, &[everybody], TRACKING_HIGH, &expected);
}

#[test]
fn tracking_that_keeps_the_wait_to_itself() {
    let remembered = "<!-- What is remembered now. -->";
    let hides = format!("<set-header name=\"Retry-After\" exists-action=\"delete\" />{remembered}");
    let expected = [("high-refused", "no retry-after")];
    check(TRACKING, &[(remembered, &hides)], TRACKING_HIGH, &expected);
}

#[test]
fn tracking_before_a_backend_with_a_tenth_too_much() {
    let expected =
        [("left-tokens", "told more than was left"), ("tokens-60s", "expected at most 409")];
    check(SIMULATORS, &[("tpm = 100_000\n", "tpm = 110_000\n")], TRACKING_HIGH, &expected);
}

#[test]
fn a_share_that_does_not_adapt() {
    let change = ("(int)(left * 0.1) : 0", "0 : 0");
    let expected = [
        ("A3-idle", "expected"),
        ("A6-low", "told less than was left"),
        ("A6-high", "told less than was left"),
    ];
    check(LIMITS, &[change], ADAPTIVE, &expected);
}

#[test]
fn no_common_limit() {
    let change =
        ("counter-key=\"GlobalTokensLimit\"", "counter-key=\"@(context.RequestId.ToString())\"");
    let expected = [("A6-global", "told more than was left"), ("A3-busy", "expected")];
    check(LIMITS, &[change], ADAPTIVE, &expected);
}

#[test]
fn budgets_that_are_a_tenth_too_large() {
    let change = ("@(100 + (int)", "@(110 + (int)");
    let expected = [("A1", "expected at most 149"), ("A6-low", "told more than was left")];
    check(LIMITS, &[change], ADAPTIVE, &expected);
}

#[test]
fn one_budget_for_both_groups() {
    let change = ("counter-key=\"lowRateLimitSvc\"", "counter-key=\"highRateLimitSvc\"");
    check(LIMITS, &[change], ADAPTIVE, &[("A6-low", "told less than was left")]);
}

#[test]
fn a_refusal_that_does_not_say_when_to_try_again() {
    let on_error = "<on-error>\n        <base />";
    let own = format!("{on_error}\n        <set-body>Slow down.</set-body>");
    let expected = [("A5", "the body is `Slow down.`"), ("A5-high", "the body is `Slow down.`")];
    check(LIMITED, &[(on_error, &own)], ADAPTIVE, &expected);
}

#[test]
fn budgets_that_count_prompts_only() {
    let change = ("&quot;usage.total_tokens&quot;", "&quot;usage.prompt_tokens&quot;");
    let expected = [("A6-global", "told more than was left"), ("A4", "expected at most 528")];
    check(LIMITS, &[change], ADAPTIVE, &expected);
}

#[test]
fn usage_dropped_on_one_key() {
    let change = (
        "@(context.Response.StatusCode == 200)",
        "@(context.Response.StatusCode == 200 &amp;&amp; !context.Subscription.Id.EndsWith(&quot;two&quot;))",
    );
    let expected = [("A1", "no event"), ("A2", "no event")];
    check(RECORD, &[change], USAGE, &expected);
}

#[test]
fn a_record_without_its_tokens() {
    let change = ("{ \"TotalTokens\"", "{ \"Tokens\"");
    check(RECORD, &[change], USAGE, &[("A1", "an event without `TotalTokens`")]);
}

#[test]
fn a_record_of_the_prompt_only() {
    let change = ("usage[\"total_tokens\"]", "usage[\"prompt_tokens\"]");
    check(RECORD, &[change], USAGE, &[("A1", "an event with another `TotalTokens`")]);
}

#[test]
fn two_metrics_for_a_request() {
    let change = (
        "</azure-openai-emit-token-metric>",
        "</azure-openai-emit-token-metric>\n<azure-openai-emit-token-metric namespace=\"usage-tracking\">
            <dimension name=\"Subscription ID\" /></azure-openai-emit-token-metric>",
    );
    let expected = [("A1", "2 of metric `Total Tokens`"), ("A3", "2 of metric `Prompt Tokens`")];
    check(METRICS, &[change], USAGE, &expected);
}

#[test]
fn a_metric_on_another_subscription() {
    let change = (
        "<dimension name=\"Subscription ID\" />",
        "<dimension name=\"Subscription ID\" value=\"@(context.Subscription.Id.Replace(&quot;two&quot;, &quot;one&quot;))\" />",
    );
    let words =
        "booked on `aoai-product-subscription-one` instead of `aoai-product-subscription-two`";
    check(METRICS, &[change], USAGE, &[("A1", words)]);
}

/// Every other call of one subscription is turned away.
#[test]
fn a_subscription_that_gets_less_than_the_others() {
    let change = (
        "<set-backend-service backend-id=\"payg-backend-1\" />",
        "<set-backend-service backend-id=\"payg-backend-1\" />
        <choose><when condition=\"@(context.Subscription.Id.EndsWith(&quot;two&quot;) &amp;&amp; context.RequestId.ToString()[0] % 2 == 0)\">
            <return-response><set-status code=\"429\" reason=\"Too Many Requests\" /></return-response>
        </when></choose>",
    );
    let expected =
        [("even", "requests answered 200 by 3 values: "), ("all-200", "expected exactly")];
    check(USAGE_POLICY, &[change], USAGE, &expected);
}
