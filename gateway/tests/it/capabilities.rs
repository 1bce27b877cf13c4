//! The seed toolkit's two rate-limit capabilities in our own words: token
//! calculating (its sections 3 and 5.7) and adaptive rate limiting (section 7).

use std::time::Duration;

use crate::models::{Clock, cost, gateway, with_header};
use crate::support::{Answer, Bench};

/// 100 000 tokens a minute and 100 requests in 10 s; low priority stops at
/// 30 000 tokens and 30 requests left. A request costs 244 tokens.
const PRIORITIES: &str = r#"
    <set-variable name="low" value="@(context.Request.Headers.GetValueOrDefault("x-priority", "") == "low")" />
    <rate-limit-by-key counter-key="d|tokens-limit" calls="100000" renewal-period="60" increment-count="@(244)"
        increment-condition="@(context.Response.StatusCode != 429)" remaining-calls-variable-name="tokens"
        remaining-calls-header-name="x-apim-remaining-tokens" total-calls-header-name="x-apim-total-tokens" retry-after-header-name="x-apim-tokens-retry-after" />
    <rate-limit-by-key counter-key="d|requests-limit" calls="100" renewal-period="10"
        increment-condition="@(context.Response.StatusCode != 429)" remaining-calls-variable-name="requests"
        remaining-calls-header-name="x-apim-remaining-requests" total-calls-header-name="x-apim-total-requests" retry-after-header-name="x-apim-requests-retry-after" />
    <choose><when condition="@((bool)context.Variables["low"] && ((int)context.Variables["tokens"] < 30000 || (int)context.Variables["requests"] < 30))">
        <return-response><set-status code="429" reason="Too Many Requests" /><set-header name="x-gw-ratelimit-reason"><value>low</value></set-header></return-response>
    </when></choose>"#;

/// Sends a request every 50 ms for two minutes; when each 200 came.
async fn steadily(bench: &Bench, priority: &str) -> (Vec<f64>, Vec<Answer>) {
    let clock = Clock::start();
    let (mut served, mut refused) = (Vec::new(), Vec::new());
    for n in 0..2_400_u32 {
        let at = f64::from(n) * 0.05;
        clock.at(at).await;
        let answer = with_header(bench, "x-priority", priority, "").await;
        match answer.status {
            200 => served.push(at),
            429 => refused.push(answer),
            other => panic!("{other}"),
        }
    }
    (served, refused)
}

/// The most in any window of so many seconds.
fn most(served: &[f64], seconds: f64) -> usize {
    let within = |first: &f64| {
        served.iter().filter(|at| (*first..first + seconds - 1e-6).contains(*at)).count()
    };
    served.iter().map(within).max().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn high_priority_gets_all_of_the_deployment() {
    let bench = gateway(PRIORITIES, "", "");
    let (served, refused) = steadily(&bench, "high").await;
    // 100 000 / 244 = 409.8: the 410th call is the one that comes late.
    assert_eq!((most(&served, 10.0), most(&served, 60.0)), (100, 410));
    assert_eq!(served.iter().filter(|at| **at < 60.0).count(), 410);
    let by = |name| refused.iter().filter(|answer| answer.header(name).is_some()).count();
    assert!(0 < by("x-apim-tokens-retry-after") && 0 < by("x-apim-requests-retry-after"));
    assert_eq!(by("x-gw-ratelimit-reason") + by("retry-after"), 0);
    let first = &refused[0];
    assert_eq!(
        first.body,
        r#"{ "statusCode": 429, "message": "Rate limit is exceeded. Try again in 5 seconds." }"#
    );
    let names = [
        "x-apim-total-tokens",
        "x-apim-remaining-tokens",
        "x-apim-total-requests",
        "x-apim-remaining-requests",
    ];
    assert_eq!(
        names.map(|name| first.header(name)),
        [Some("100000"), Some("75600"), Some("100"), Some("0")]
    );
}

#[tokio::test(start_paused = true)]
async fn low_priority_leaves_a_reserve() {
    let bench = gateway(PRIORITIES, "", "");
    let (served, refused) = steadily(&bench, "low").await;
    // 70 000 / 244 = 286.9, and 70 requests; one each that comes late.
    assert_eq!((most(&served, 10.0), most(&served, 60.0)), (71, 287));
    assert!(refused.iter().all(|answer| answer.header("x-gw-ratelimit-reason") == Some("low")));
    assert!(refused.iter().all(|answer| answer.header("x-apim-remaining-tokens").is_some()));
}

fn adaptive() -> String {
    let counted = r#"renewal-period="60" increment-condition="@(context.Response.StatusCode >= 200 && context.Response.StatusCode < 400)"
        increment-count="@((int)context.Response.Body.As<JObject>(preserveContent: true)["usage"]["total_tokens"])""#;
    let budget = |own: u32| {
        format!(
            r#"calls="@{{ int share = context.Variables["globalRemainingTokens"] is int left ? left / 10 : 0; return {own} + share; }}""#
        )
    };
    format!(
        r#"<rate-limit-by-key counter-key="GlobalTokensLimit" calls="500" {counted}
            remaining-calls-header-name="x-apim-global-remaining-tokens" remaining-calls-variable-name="globalRemainingTokens" />
        <choose><when condition="@(context.Request.Headers.ContainsKey("x-higher-limit"))">
            <rate-limit-by-key counter-key="highRateLimitSvc" {} {counted} remaining-calls-header-name="x-apim-high-rate-remaining-tokens" />
        </when><otherwise>
            <rate-limit-by-key counter-key="lowRateLimitSvc" {} {counted} remaining-calls-header-name="x-apim-low-rate-remaining-tokens" />
        </otherwise></choose>"#,
        budget(300),
        budget(100)
    )
}

/// What a workload does each second: calls of 20 tokens, while they pass.
struct Workload<'b> {
    bench: &'b Bench,
    high: bool,
    /// Tokens admitted, by second.
    admitted: Vec<(u64, u64)>,
}

const COST: u64 = 20;

impl<'b> Workload<'b> {
    fn new(bench: &'b Bench, high: bool) -> Self {
        Self { bench, high, admitted: Vec::new() }
    }

    async fn call(&mut self, second: u64) {
        let body = format!("{{\"cost\": {COST}}}");
        let (name, remaining) = match self.high {
            true => ("x-higher-limit", "x-apim-high-rate-remaining-tokens"),
            false => ("x-lower-limit", "x-apim-low-rate-remaining-tokens"),
        };
        let answer = with_header(self.bench, name, "1", &body).await;
        let header = |name| answer.header(name).and_then(|text| text.parse::<u64>().ok());
        let own = self.within(second);
        match answer.status {
            200 => {
                // A6: the header is the counter, before this call.
                let left = header("x-apim-global-remaining-tokens").unwrap();
                let budget = (if self.high { 300 } else { 100 }) + left / 10;
                assert_eq!(header(remaining), Some(budget - own), "{second}");
                self.admitted.push((second, COST));
            }
            429 => {
                // A5: refused only with nothing left.
                let left = [remaining, "x-apim-global-remaining-tokens"].map(header);
                assert!(left.contains(&Some(0)), "{left:?}");
            }
            other => panic!("{other}"),
        }
    }

    /// Tokens admitted in the window that ends with a second.
    fn within(&self, second: u64) -> u64 {
        let inside = |at: u64| at <= second && second < at + 60;
        self.admitted.iter().filter(|(at, _)| inside(*at)).map(|(_, tokens)| tokens).sum()
    }

    fn most(&self) -> u64 {
        (0..180).map(|second| self.within(second)).max().unwrap_or_default()
    }
}

#[tokio::test(start_paused = true)]
async fn adaptive_limits_share_what_is_left() {
    let policies = adaptive();
    let run = async |low: bool, high: bool| {
        let bench = gateway(&policies, "", "");
        let clock = Clock::start();
        let (mut a, mut b) = (Workload::new(&bench, false), Workload::new(&bench, true));
        let mut together = 0;
        for second in 0..180 {
            clock.at(second as f64).await;
            for _ in 0..3 {
                if high {
                    b.call(second).await;
                }
                // The high workload is busy when the low one comes.
                if low && (!high || 10 <= second) {
                    a.call(second).await;
                }
            }
            together = together.max(a.within(second) + b.within(second));
        }
        (a.most(), b.most(), together)
    };
    let (low_alone, none, _) = run(true, false).await;
    let (_, high_alone, _) = run(false, true).await;
    let (low_beside, high_beside, together) = run(true, true).await;
    assert_eq!(none, 0);
    // A1: below 100 + (500 - used) / 10, and one call late.
    assert_eq!(low_alone, 140);
    // A2.
    assert!((300..=350 + COST).contains(&high_alone), "{high_alone}");
    // A3.
    assert!(low_beside < low_alone, "{low_beside} {low_alone}");
    assert!(300 <= high_beside, "{high_beside}");
    // A4.
    assert!(together <= 500 + 2 * COST, "{together}");
}

#[tokio::test(start_paused = true)]
async fn a_short_pause_brings_the_budget_back() {
    let bench = gateway(&adaptive(), "", "");
    let mut statuses = Vec::new();
    for _ in 0..9 {
        statuses.push(cost(&bench, COST).await.status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 7);
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(cost(&bench, COST).await.status, 200);
}
