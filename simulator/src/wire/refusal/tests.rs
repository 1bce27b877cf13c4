//! Conformance check 4 (the arithmetic of headers and waits) as texts and headers
//! show it, and every wording.

use http::HeaderMap;

use super::super::style::Style;
use super::*;
use crate::config::{HeaderSettings, ResetUnit};
use crate::limit::{Amounts, Level, PaygStanding};

struct Bench {
    headers: HeaderSettings,
    texts: RefusalSettings,
    profile: WireProfile,
    anomaly: HeaderAnomaly,
}

impl Bench {
    fn new(profile: WireProfile, wording: RefusalWording) -> Self {
        Self {
            headers: HeaderSettings { reset_unit: ResetUnit::Seconds, utilization: true },
            texts: RefusalSettings {
                wording,
                resource_kind: "OpenAI",
                advice: Advice::Link,
                ptu_message: "{operation} {api_version} {deployment} {milliseconds} {seconds}!"
                    .to_owned(),
            },
            profile,
            anomaly: HeaderAnomaly::None,
        }
    }

    fn refused<'a>(&'a self, refusal: &'a Refusal) -> Refused<'a> {
        Refused {
            refusal,
            limits: LimitHeaders {
                profile: self.profile,
                settings: &self.headers,
                anomaly: self.anomaly,
                deployment: "d1",
                organization: "org-X",
            },
            texts: &self.texts,
            operation: Operation::Chat,
            api_version: "2024-02-15-preview",
            model: "gpt-4o",
            region: "West Europe",
        }
    }

    fn message(&self, refusal: &Refusal) -> String {
        let body: serde_json::Value =
            serde_json::from_str(&self.refused(refusal).error().body(Style::OpenAi)).unwrap();
        body["error"]["message"].as_str().unwrap().to_owned()
    }

    fn headers(&self, refusal: &Refusal) -> HeaderMap {
        let identity = Identity {
            apim_request_id: "a".to_owned(),
            request_id: "b".to_owned(),
            client_request_id: None,
        };
        self.refused(refusal).headers(&identity)
    }
}

fn refusal(reason: RefusalReason, wait: Option<Duration>) -> Refusal {
    let level = |limit, remaining| Some(Level { limit, remaining, reset: Duration::from_secs(7) });
    let standing =
        PaygStanding { tokens: level(30_000, 4), requests: level(500, 20), penalty_active: false };
    Refusal::flat(reason, wait, Standing::Payg(standing))
}

fn after_millis(millis: u64) -> Option<Duration> {
    Some(Duration::from_millis(millis))
}

/// The three recorded waits of OpenAI and those of requests, in their texts.
#[test]
fn conformance_4_waits_in_the_texts_of_openai() {
    let bench = Bench::new(WireProfile::OpenAi, RefusalWording::Deployment);
    for (reason, limit, used, requested, millis, expected) in [
        (
            RefusalReason::Tokens,
            30_000,
            14_567,
            24_754,
            18_642,
            "Rate limit reached for gpt-4o in organization org-X on tokens per min (TPM): Limit 30000, Used 14567, Requested 24754. Please try again in 18.642s. Visit https://platform.openai.com/account/rate-limits to learn more.",
        ),
        (
            RefusalReason::Requests,
            500,
            500,
            1,
            120,
            "Rate limit reached for gpt-4o in organization org-X on requests per min (RPM): Limit 500, Used 500, Requested 1. Please try again in 120ms. Visit https://platform.openai.com/account/rate-limits to learn more.",
        ),
        (
            RefusalReason::RequestsPerDay,
            10_000,
            10_000,
            1,
            8_640,
            "Rate limit reached for gpt-4o in organization org-X on requests per day (RPD): Limit 10000, Used 10000, Requested 1. Please try again in 8.64s. Visit https://platform.openai.com/account/rate-limits to learn more.",
        ),
    ] {
        let amounts = Amounts { limit, used, requested };
        let refusal = Refusal { amounts, ..refusal(reason, after_millis(millis)) };
        assert_eq!(bench.message(&refusal), expected);
        let headers = bench.headers(&refusal);
        assert_eq!(headers["retry-after-ms"], millis.to_string().as_str());
        assert_eq!(headers["retry-after"], millis.div_ceil(1_000).to_string().as_str());
        assert_eq!(headers["x-ratelimit-remaining-tokens"], "4");
    }
    let amounts = Amounts { limit: 30_000, used: 0, requested: 82_821 };
    let large = Refusal { amounts, ..refusal(RefusalReason::Tokens, None) };
    assert_eq!(
        bench.message(&large),
        "Request too large for gpt-4o in organization org-X on tokens per min (TPM): Limit 30000, Requested 82821. The input or output tokens must be reduced in order to run successfully. Visit https://platform.openai.com/account/rate-limits to learn more."
    );
    assert!(!bench.headers(&large).contains_key("retry-after"));
    let broke = refusal(RefusalReason::InsufficientQuota, None);
    let error = bench.refused(&broke).error();
    insta::assert_snapshot!(error.body(Style::OpenAi), @r#"
    {
        "error": {
            "message": "You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.",
            "type": "insufficient_quota",
            "param": null,
            "code": "insufficient_quota"
        }
    }
    "#);
}

/// The wordings of Azure, letter by letter.
#[test]
fn every_wording_of_azure() {
    let say = |wording, reason, change: fn(&mut Bench)| {
        let mut bench = Bench::new(WireProfile::Documented, wording);
        change(&mut bench);
        bench.message(&refusal(reason, after_millis(32_001)))
    };
    use RefusalReason::{PeakLoad, Requests, Tokens};
    assert_eq!(
        say(RefusalWording::Operation, Tokens, |_| {}),
        "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-02-15-preview have exceeded token rate limit of your current OpenAI S0 pricing tier. Please retry after 33 seconds. Please go here: https://aka.ms/oai/quotaincrease if you would like to further increase the default rate limit."
    );
    assert_eq!(
        say(RefusalWording::Operation, Requests, |bench| {
            bench.texts.resource_kind = "AIServices";
            bench.texts.advice = Advice::Support;
        }),
        "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-02-15-preview have exceeded call rate limit of your current AIServices S0 pricing tier. Please retry after 33 seconds. Please contact Azure support service if you would like to further increase the default rate limit."
    );
    assert_eq!(
        say(RefusalWording::Deployment, Tokens, |bench| bench.texts.resource_kind = "AIServices"),
        "Your requests to d1 for gpt-4o in West Europe have exceeded the token rate limit for your current AIServices S0 pricing tier. This request was for ChatCompletions_Create under Azure OpenAI API version 2024-02-15-preview. Please retry after 33 seconds. To increase your default rate limit, visit: https://aka.ms/oai/quotaincrease."
    );
    assert_eq!(
        say(RefusalWording::Short, Tokens, |_| {}),
        "Rate limit is exceeded. Try again in 33 seconds."
    );
    let peak = "The system is currently experiencing high demand and cannot process your request. Your request exceeds the maximum usage size allowed during peak load. Please retry after 33 seconds. For improved latency reliability, consider switching to Provisioned Throughput.";
    assert_eq!(say(RefusalWording::PeakLoad, Tokens, |_| {}), peak);
    assert_eq!(say(RefusalWording::Short, PeakLoad, |_| {}), peak, "whatever the wording");
    let bench = Bench::new(WireProfile::Documented, RefusalWording::ModelInference);
    assert_eq!(
        bench.refused(&refusal(Tokens, after_millis(1))).error().body(Style::Azure),
        r#"{"error":{"code":"RateLimitReached","message":"Your requests to gpt-4o for d1 in westeurope have exceeded rate limit.","details":"Your requests to gpt-4o for d1 in westeurope have exceeded rate limit."}}"#
    );
}

#[test]
fn the_provisioned_message_is_a_template() {
    let bench = Bench::new(WireProfile::Documented, RefusalWording::Deployment);
    let full = Refusal::flat(RefusalReason::Utilization, after_millis(1_500), Standing::Ptu(1.239));
    assert_eq!(bench.message(&full), "ChatCompletions_Create 2024-02-15-preview d1 1500 2!");
    let headers = bench.headers(&full);
    assert_eq!(headers["azure-openai-deployment-utilization"], "123.9%");
    assert_eq!(
        (headers["retry-after-ms"].as_bytes(), headers["retry-after"].as_bytes()),
        (&b"1500"[..], &b"2"[..])
    );
    assert!(!headers.keys().any(|name| name.as_str().starts_with("x-ratelimit")));
}

#[test]
fn eras_tell_the_wait_in_their_own_headers() {
    let wait = refusal(RefusalReason::Tokens, after_millis(32_001));
    let names = |profile, anomaly| {
        let bench = Bench { anomaly, ..Bench::new(profile, RefusalWording::Operation) };
        let headers = bench.headers(&wait);
        let mut names: Vec<String> = headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .filter(|line| {
                line.contains("retry") || line.contains("-limit-") || line.contains("ratelimit-")
            })
            .collect();
        names.sort();
        names.join("\n")
    };
    insta::assert_snapshot!(names(WireProfile::Azure2024, HeaderAnomaly::None), @r"
    retry-after: 33
    x-ratelimit-reset-tokens: 33
    ");
    insta::assert_snapshot!(names(WireProfile::Azure2025, HeaderAnomaly::None), @r"
    retry-after: 33
    x-ratelimit-limit-requests: 500
    x-ratelimit-limit-tokens: 30000
    x-ratelimit-remaining-requests: 20
    x-ratelimit-remaining-tokens: 4
    ");
    insta::assert_snapshot!(names(WireProfile::Documented, HeaderAnomaly::NegativeLimits), @r"
    x-ratelimit-limit-requests: -1
    x-ratelimit-limit-tokens: -1
    x-ratelimit-remaining-requests: -1
    x-ratelimit-remaining-tokens: -1
    x-ratelimit-reset-requests: 0
    x-ratelimit-reset-tokens: 0
    ");
    let misspelled = names(WireProfile::Azure2024, HeaderAnomaly::MisspelledReset);
    assert!(misspelled.contains("x-rate-limit-reset-tokens: 33"), "{misspelled}");
    assert!(!misspelled.contains("retry-after"), "{misspelled}");
    assert!(!misspelled.contains("x-ratelimit-reset"), "{misspelled}");
}

/// Conformance check 4: 199703 of 200000 is `89ms`, one of 10,000 a day `8.64s`.
#[test]
fn conformance_4_resets_in_every_unit() {
    let settings = Bench::new(WireProfile::OpenAi, RefusalWording::Short).headers;
    let shown = |profile, reset_unit, limit: u64, remaining: u64, period: u64| {
        let settings = HeaderSettings { reset_unit, ..settings };
        let limits = LimitHeaders {
            profile,
            settings: &settings,
            anomaly: HeaderAnomaly::None,
            deployment: "d",
            organization: "org-X",
        };
        let reset = Duration::from_secs(period) * u32::try_from(limit - remaining).unwrap()
            / u32::try_from(limit).unwrap();
        let level = Some(Level { limit, remaining, reset });
        let mut headers = HeaderMap::new();
        let standing = PaygStanding { tokens: level, ..PaygStanding::default() };
        limits.levels(&mut headers, &standing);
        headers["x-ratelimit-reset-tokens"].to_str().unwrap().to_owned()
    };
    let openai = |limit, remaining, period| {
        shown(WireProfile::OpenAi, ResetUnit::Seconds, limit, remaining, period)
    };
    assert_eq!(openai(200_000, 199_703, 60), "89ms");
    assert_eq!(openai(10_000, 9_999, 86_400), "8.64s");
    assert_eq!(openai(100, 99, 86_400), "14m24s");
    assert_eq!(openai(800_000, 799_992, 60), "0s");
    assert_eq!(openai(5_000, 4_999, 60), "12ms");
    // Recorded in March 2026 (milliseconds), and in summer (seconds, cut).
    let azure = |unit, limit, remaining| shown(WireProfile::Azure2026, unit, limit, remaining, 60);
    assert_eq!(azure(ResetUnit::Milliseconds, 120_000, 119_986), "7");
    assert_eq!(azure(ResetUnit::Milliseconds, 120, 119), "500");
    assert_eq!(azure(ResetUnit::Seconds, 50, 49), "1");
    assert_eq!(azure(ResetUnit::Seconds, 250, 249), "0");
}
