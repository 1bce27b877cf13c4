//! Every kind of limiter against a model that keeps all requests and replays them.

use proptest::prelude::*;
use seam::rng::Seed;

use super::*;
use crate::config::{DynamicQuota, PeakLoad, PriorityRamp, RequestQuota};

fn settings(limiter: LimiterKind, tpm: u64) -> PaygSettings {
    PaygSettings {
        tpm: Some(tpm),
        requests: RequestQuota::PerTokens(6.0),
        rpd: None,
        concurrent_requests: None,
        limiter,
        request_window: Duration::from_secs(10),
        admission: Admission::Strict,
        count_rejected_requests: false,
        default_max_tokens: 16,
        dynamic_quota: None,
        temporary_adjustment: None,
        peak_load: None,
        insufficient_quota: false,
        priority_ramp: None,
    }
}

fn payg(settings: PaygSettings) -> Payg {
    Payg::new(settings, Instant::now(), Seed(1).stream("test"))
}

fn demand(estimate: u64) -> Demand {
    Demand { estimate, prompt_tokens: 0, max_tokens: None, choices: 1, tier: Tier::Default }
}

fn level(standing: Standing, pick: fn(PaygStanding) -> Option<Level>) -> Level {
    let Standing::Payg(standing) = standing else { panic!("pay-as-you-go") };
    pick(standing).unwrap()
}

const TOKENS: fn(PaygStanding) -> Option<Level> = |standing| standing.tokens;
const REQUESTS: fn(PaygStanding) -> Option<Level> = |standing| standing.requests;

/// Keeps everything that was counted; finds what counts now by replaying it.
/// Times are milliseconds; refilling goes by thousandths of the smallest share.
struct Model {
    settings: PaygSettings,
    tokens: Vec<(u64, u64)>,
    requests: Vec<(u64, u64)>,
    /// Since when which limit of tokens held.
    limits: Vec<(u64, u64)>,
}

impl Model {
    fn new(settings: PaygSettings) -> Self {
        let limits = vec![(0, settings.tpm.unwrap())];
        Self { settings, tokens: Vec::new(), requests: Vec::new(), limits }
    }

    fn used(
        &self,
        entries: &[(u64, u64)],
        now: u64,
        period: impl Fn(&PaygSettings) -> Duration,
        limit_of: impl Fn(u64) -> u64,
    ) -> f64 {
        match self.settings.limiter {
            LimiterKind::FixedWindow => {
                let (mut start, mut sum) = (None, 0);
                for &(at, amount) in entries {
                    match start {
                        Some(started) if !self.is_over(started, at, &period) => sum += amount,
                        _ => (start, sum) = (Some(at), amount),
                    }
                }
                let goes_on = start.is_some_and(|started| !self.is_over(started, now, &period));
                if goes_on { sum as f64 } else { 0.0 }
            }
            LimiterKind::SlidingWindow => {
                let length = period(&self.settings).as_millis() as u64;
                entries.iter().filter(|(at, _)| now - at < length).map(|(_, a)| *a as f64).sum()
            }
            LimiterKind::Refill => {
                // A millisecond at a time.
                let length = period(&self.settings).as_millis() as u64;
                let (mut taken, mut next) = (0.0_f64, entries.iter().peekable());
                for at in 0..=now {
                    while let Some((_, amount)) = next.next_if(|(when, _)| *when == at) {
                        taken += *amount as f64;
                    }
                    if at < now {
                        taken = (taken - limit_of(at) as f64 / length as f64).max(0.0);
                    }
                }
                taken
            }
        }
    }

    /// Whether a fixed window has ended by a time: at some moment it was as old as
    /// windows were long then.
    fn is_over(&self, started: u64, by: u64, period: impl Fn(&PaygSettings) -> Duration) -> bool {
        let millis = Duration::from_millis;
        let ends = self.limits.iter().skip(1).map(|(from, _)| *from).chain([u64::MAX]);
        self.limits.iter().zip(ends).any(|(&(from, tpm), end)| {
            let end = millis(end.min(by));
            let length = period(&PaygSettings { tpm: Some(tpm), ..self.settings.clone() });
            from <= by && millis(from).max(millis(started) + length) <= end
        })
    }

    fn tpm_at(&self, at: u64) -> u64 {
        self.limits.iter().rev().find(|(from, _)| *from <= at).map_or(0, |(_, limit)| *limit)
    }

    fn rpm_at(&self, at: u64) -> u64 {
        PaygSettings { tpm: Some(self.tpm_at(at)), ..self.settings.clone() }.rpm().unwrap()
    }

    /// What counts now: tokens, requests.
    fn sums(&self, now: u64) -> (f64, f64) {
        (
            self.used(&self.tokens, now, |_| MINUTE, |at| self.tpm_at(at)),
            self.used(&self.requests, now, PaygSettings::request_period, |at| self.rpm_at(at)),
        )
    }

    /// Room beyond a request, in tokens and requests; it fits when neither is negative.
    fn room(&self, now: u64, tokens: u64) -> (f64, f64) {
        let (token_sum, request_sum) = self.sums(now);
        let tested = match self.settings.admission {
            Admission::Reached => 1,
            Admission::Strict => tokens,
        };
        let tpm = self.settings.tpm.unwrap() as f64;
        let requests = self.settings.requests_per_period().unwrap() as f64;
        (tpm - token_sum - tested as f64, requests - request_sum - 1.0)
    }

    fn set_tpm(&mut self, now: u64, tpm: u64) {
        self.limits.push((now, tpm));
        self.settings.tpm = Some(tpm);
    }
}

#[derive(Debug, Clone)]
struct Step {
    pause: u64,
    tokens: u64,
    tpm: Option<u64>,
}

fn steps(longest_pause: u64, count: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = (0..longest_pause, 0_u64..900, prop::option::weighted(0.05, 1_000_u64..6_000))
        .prop_map(|(pause, tokens, tpm)| Step { pause, tokens, tpm });
    prop::collection::vec(step, 1..count)
}

/// The two that can be configured, in seconds.
fn request_window() -> impl Strategy<Value = u64> {
    prop_oneof![Just(1_u64), Just(10)]
}

/// With windows of requests so long that hold as many requests, asked so much faster.
/// No window is longer than configured then.
fn windows_of(seconds: u64, settings: PaygSettings, steps: Vec<Step>) -> (PaygSettings, Vec<Step>) {
    let settings = PaygSettings {
        request_window: Duration::from_secs(seconds),
        requests: RequestQuota::PerTokens(60.0 / seconds as f64),
        ..settings
    };
    let faster = |step: Step| Step { pause: step.pause * seconds / 10, ..step };
    (settings, steps.into_iter().map(faster).collect())
}

fn agrees(settings: PaygSettings, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut limiter = payg(settings.clone());
    let mut model = Model::new(settings.clone());
    let start = Instant::now();
    let refills = settings.limiter == LimiterKind::Refill;
    let mut at = 0;
    for Step { pause, tokens, tpm } in steps {
        // Which of two things of one moment was first the model does not know.
        at += if tpm.is_some() { pause.max(1) } else { pause };
        let now = start + Duration::from_millis(at);
        if let Some(tpm) = tpm {
            limiter.set_tpm(now, tpm);
            model.set_tpm(at, tpm);
        }
        let room = model.room(at, tokens);
        // Whether the last bit of a refill is there is a matter of rounding.
        let edge = |room: f64| refills && room.abs() < 1e-6;
        prop_assume!(!edge(room.0) && !edge(room.1));
        let fits = 0.0 <= room.0 && 0.0 <= room.1;
        match limiter.try_admit(now, demand(tokens)) {
            Ok(ticket) => {
                prop_assert!(fits, "admitted at {}", at);
                model.tokens.push((at, tokens));
                model.requests.push((at, 1));
                let (sum, _) = model.sums(at);
                let shown = level(ticket.standing, TOKENS);
                let remaining = (model.settings.tpm.unwrap() as f64 - sum).max(0.0);
                prop_assert!((shown.remaining as f64 - remaining).abs() < 1.0 + 1e-6);
            }
            Err(refusal) => {
                prop_assert!(!fits, "refused at {}", at);
                if settings.count_rejected_requests {
                    model.requests.push((at, 1));
                }
                let retry = |wait: Duration| limiter.clone().try_admit(now + wait, demand(tokens));
                match refusal.retry_after {
                    None => prop_assert!(model.settings.tpm.unwrap() < tokens),
                    Some(wait) => {
                        prop_assert!(Duration::ZERO < wait);
                        prop_assert!(retry(wait).is_ok(), "still refused after {:?}", wait);
                        // Not before; a bucket's whole units are at most one too many.
                        let slack = if refills {
                            let tpm = model.settings.tpm.unwrap();
                            Duration::from_millis(60_000).div_f64(tpm.min(model.rpm_at(at)) as f64)
                        } else {
                            Duration::from_nanos(1)
                        };
                        let early = wait.saturating_sub(slack + Duration::from_nanos(10));
                        prop_assert!(
                            early.is_zero() || retry(early).is_err(),
                            "fits {:?} early",
                            slack
                        );
                    }
                }
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn fixed_windows_agree_with_the_model(
        strict: bool, count_rejected_requests: bool, seconds in request_window(),
        steps in steps(9_000, 120),
    ) {
        let admission = if strict { Admission::Strict } else { Admission::Reached };
        let settings = settings(LimiterKind::FixedWindow, 3_000);
        let settings = PaygSettings { admission, count_rejected_requests, ..settings };
        let (settings, steps) = windows_of(seconds, settings, steps);
        agrees(settings, steps)?;
    }

    /// Windows of a second where a request takes more or less than that, by the limit.
    #[test]
    fn windows_whose_length_changes_agree_with_the_model(
        count_rejected_requests: bool, per_1k in prop_oneof![Just(6.0), Just(20.0), Just(40.0)],
        steps in steps(2_000, 120),
    ) {
        let settings = settings(LimiterKind::FixedWindow, 3_000);
        let requests = RequestQuota::PerTokens(per_1k);
        let request_window = Duration::from_secs(1);
        agrees(
            PaygSettings { count_rejected_requests, requests, request_window, ..settings },
            steps,
        )?;
    }

    #[test]
    fn sliding_windows_agree_with_the_model(
        strict: bool, seconds in request_window(), steps in steps(7_000, 120),
    ) {
        let admission = if strict { Admission::Strict } else { Admission::Reached };
        let settings = settings(LimiterKind::SlidingWindow, 3_000);
        let settings = PaygSettings { admission, ..settings };
        let (settings, steps) = windows_of(seconds, settings, steps);
        agrees(settings, steps)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn refilling_buckets_agree_with_a_model_in_small_steps(strict: bool, steps in steps(3_000, 40)) {
        let admission = if strict { Admission::Strict } else { Admission::Reached };
        let settings = settings(LimiterKind::Refill, 3_000);
        agrees(PaygSettings { admission, ..settings }, steps)?;
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_larger_than_the_limit_passes_when_a_documented_window_is_empty() {
    let base = settings(LimiterKind::FixedWindow, 1_000);
    let mut limiter = payg(PaygSettings { admission: Admission::Reached, ..base.clone() });
    let now = Instant::now();
    assert_eq!(limiter.try_admit(now, demand(5_000)).unwrap().counted, 5_000);
    // 10 s later a request may come, but the tokens are spent until the minute is over.
    let refusal = limiter.try_admit(now + Duration::from_secs(10), demand(1)).unwrap_err();
    assert_eq!(refusal.reason, RefusalReason::Tokens);
    assert_eq!(refusal.retry_after, Some(Duration::from_secs(50)));
    assert!(limiter.try_admit(now + MINUTE, demand(1)).is_ok());
    // Strict admission says that it never fits.
    let refusal = payg(base).try_admit(now, demand(1_001)).unwrap_err();
    assert!(refusal.never_fits());
}

#[tokio::test(start_paused = true)]
async fn the_seeds_numbers_under_sliding_windows() {
    // 100,000 TPM and max_tokens 1000: 100 requests in 60 s.
    let mut limiter = payg(settings(LimiterKind::SlidingWindow, 100_000));
    let start = Instant::now();
    let admitted = (0..200)
        .filter(|n| {
            limiter.try_admit(start + Duration::from_millis(n * 250), demand(1_000)).is_ok()
        })
        .count();
    assert_eq!(admitted, 100);
    let mut limiter = payg(settings(LimiterKind::SlidingWindow, 120_000));
    let standing = limiter.try_admit(start, demand(16)).unwrap().standing;
    assert_eq!(level(standing, TOKENS).remaining, 119_984);
    assert_eq!(level(standing, REQUESTS).remaining, 119);
}

#[tokio::test(start_paused = true)]
async fn the_longer_wait_decides() {
    let mut limiter = payg(settings(LimiterKind::SlidingWindow, 1_000));
    let start = Instant::now();
    let at = |millis| start + Duration::from_millis(millis);
    limiter.try_admit(start, demand(1_000)).unwrap();
    let refusal = limiter.try_admit(at(1_500), demand(1)).unwrap_err();
    assert_eq!(refusal.reason, RefusalReason::Tokens);
    assert_eq!(refusal.retry_after, Some(Duration::from_millis(58_500)));
    // Raising the limit keeps the window: one request per 10 s is gone, two may come.
    limiter.set_tpm(at(1_600), 2_000);
    assert!(limiter.try_admit(at(1_600), demand(1_000)).is_ok());
    let refusal = limiter.try_admit(at(1_700), demand(0)).unwrap_err();
    assert_eq!(refusal.reason, RefusalReason::Requests);
    assert_eq!(refusal.retry_after, Some(Duration::from_millis(8_300)));
}

/// The two recorded calls of 2026-03: 14 tokens and a request, back before the next.
#[tokio::test(start_paused = true)]
async fn the_numbers_recorded_of_refilling_buckets() {
    let base = settings(LimiterKind::Refill, 120_000);
    let mut limiter = payg(PaygSettings { requests: RequestQuota::PerTokens(1.0), ..base });
    let start = Instant::now();
    for second in [0, 1, 7, 13] {
        let now = start + Duration::from_secs(second);
        let standing = limiter.try_admit(now, demand(14)).unwrap().standing;
        let (tokens, requests) = (level(standing, TOKENS), level(standing, REQUESTS));
        assert_eq!((tokens.remaining, requests.remaining), (119_986, 119));
        assert_eq!(tokens.reset, Duration::from_millis(7));
        assert_eq!(requests.reset, Duration::from_millis(500));
    }
}

/// OpenAI's three recorded waits, and those of requests.
#[tokio::test(start_paused = true)]
async fn the_recorded_waits_of_openai() {
    let start = Instant::now();
    for (used, requested, expected) in
        [(14_567, 24_754, 18_642), (18_928, 11_159, 174), (28_039, 3_906, 3_890)]
    {
        let base = settings(LimiterKind::Refill, 30_000);
        let mut limiter = payg(PaygSettings { requests: RequestQuota::PerMinute(500), ..base });
        limiter.try_admit(start, demand(used)).unwrap();
        let refusal = limiter.try_admit(start, demand(requested)).unwrap_err();
        assert_eq!(refusal.amounts, Amounts { limit: 30_000, used, requested });
        assert_eq!(refusal.retry_after, Some(Duration::from_millis(expected)));
        let after = start + Duration::from_millis(expected);
        assert!(limiter.try_admit(after, demand(requested)).is_ok());
    }
    for (rpm, expected) in [(500, 120), (3, 20_000)] {
        let base = settings(LimiterKind::Refill, 30_000);
        let requests = RequestQuota::PerMinute(rpm);
        let mut limiter = payg(PaygSettings { requests, count_rejected_requests: true, ..base });
        for _ in 0..rpm {
            limiter.try_admit(start, demand(1)).unwrap();
        }
        for _ in 0..50 {
            let refusal = limiter.try_admit(start, demand(1)).unwrap_err();
            assert_eq!(refusal.reason, RefusalReason::Requests);
            assert_eq!(refusal.amounts, Amounts { limit: rpm, used: rpm, requested: 1 });
            assert_eq!(refusal.retry_after, Some(Duration::from_millis(expected)), "no debt");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn requests_a_day_are_shown_and_refuse() {
    let base = settings(LimiterKind::Refill, 1_000_000);
    let mut limiter = payg(PaygSettings { rpd: Some(100), ..base });
    let start = Instant::now();
    let standing = limiter.try_admit(start, demand(1)).unwrap().standing;
    let shown = level(standing, REQUESTS);
    assert_eq!((shown.limit, shown.remaining, shown.reset.as_secs()), (100, 99, 864));
    for _ in 1..100 {
        limiter.try_admit(start, demand(1)).unwrap();
    }
    let refusal = limiter.try_admit(start, demand(1)).unwrap_err();
    assert_eq!(refusal.reason, RefusalReason::RequestsPerDay);
    assert_eq!(refusal.retry_after, Some(Duration::from_secs(864)));
}

#[tokio::test(start_paused = true)]
async fn speech_is_limited_by_requests_only_and_few_a_minute_are_not_more() {
    let base = settings(LimiterKind::FixedWindow, 1);
    let requests = RequestQuota::PerMinute(3);
    let mut limiter = payg(PaygSettings { tpm: None, requests, ..base });
    let start = Instant::now();
    let admitted = (0..600)
        .filter(|n| limiter.try_admit(start + Duration::from_millis(n * 1_000), demand(9)).is_ok())
        .count();
    assert_eq!(admitted, 30, "3 a minute in ten minutes");
    assert_eq!(limiter.standing_at(start + MINUTE * 11).tokens, None);
}

#[tokio::test(start_paused = true)]
async fn as_many_at_once_as_allowed() {
    let base = settings(LimiterKind::FixedWindow, 1);
    let (requests, concurrent_requests) = (RequestQuota::Unlimited, Some(2));
    let mut limiter = payg(PaygSettings { tpm: None, requests, concurrent_requests, ..base });
    let now = Instant::now();
    assert!(limiter.try_admit(now, demand(0)).is_ok() && limiter.try_admit(now, demand(0)).is_ok());
    let refusal = limiter.try_admit(now, demand(0)).unwrap_err();
    assert_eq!(refusal.reason, RefusalReason::Concurrency);
    limiter.settle();
    assert!(limiter.try_admit(now, demand(0)).is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_protective_adjustment_lowers_and_shows_and_ends() {
    let mut limiter = payg(settings(LimiterKind::Refill, 10_000));
    let start = Instant::now();
    let adjustment = TemporaryAdjustment {
        factor: 0.5,
        start: Duration::ZERO,
        duration: Duration::from_secs(3_600),
    };
    limiter.set_temporary_adjustment(start, Some(adjustment));
    let standing = limiter.standing_at(start);
    assert!(standing.penalty_active);
    assert_eq!(standing.tokens.unwrap().limit, 5_000);
    assert!(limiter.try_admit(start, demand(5_001)).is_err());
    assert!(limiter.try_admit(start, demand(5_000)).is_ok());
    // Refilled at the lowered rate: half of it after 30 s.
    let standing = limiter.standing_at(start + Duration::from_secs(30));
    assert_eq!(standing.tokens.unwrap().remaining, 2_500);
    let standing = limiter.standing_at(start + Duration::from_secs(3_600));
    assert!(!standing.penalty_active);
    assert_eq!(standing.tokens.unwrap().limit, 10_000);
}

#[tokio::test(start_paused = true)]
async fn a_dynamic_quota_lets_more_through_and_shows_the_limit() {
    let dynamic_quota = Some(DynamicQuota { cap: 3.0, step: Duration::from_secs(60), spread: 0.3 });
    let base = settings(LimiterKind::FixedWindow, 6_000);
    let requests = RequestQuota::Unlimited;
    let mut limiter = payg(PaygSettings { dynamic_quota, requests, ..base });
    let start = Instant::now();
    let mut admitted = 0;
    for tenth in 0..6_000_u64 {
        let now = start + Duration::from_millis(100 * tenth);
        if let Ok(ticket) = limiter.try_admit(now, demand(100)) {
            admitted += 1;
            assert_eq!(level(ticket.standing, TOKENS).limit, 6_000);
        }
    }
    // 60 a minute in ten minutes, three times as many at most.
    assert!((601..=1_800).contains(&admitted), "{admitted}");
}

#[tokio::test(start_paused = true)]
async fn large_requests_are_refused_at_peak_load_and_all_without_credit() {
    let mut limiter = payg(settings(LimiterKind::Refill, 100_000));
    let now = Instant::now();
    let retry_after = Duration::from_secs(20);
    limiter.set_peak_load(Some(PeakLoad { max_request_tokens: 500, retry_after }));
    assert!(limiter.try_admit(now, demand(500)).is_ok());
    let refusal = limiter.try_admit(now, demand(501)).unwrap_err();
    assert_eq!((refusal.reason, refusal.retry_after), (RefusalReason::PeakLoad, Some(retry_after)));
    limiter.set_peak_load(None);
    assert!(limiter.try_admit(now, demand(501)).is_ok());
    limiter.set_insufficient_quota(true);
    let refusal = limiter.try_admit(now, demand(1)).unwrap_err();
    assert_eq!((refusal.reason, refusal.retry_after), (RefusalReason::InsufficientQuota, None));
}

#[tokio::test(start_paused = true)]
async fn priority_that_grows_too_fast_is_served_as_standard() {
    let priority_ramp = Some(PriorityRamp { increase: 0.5, floor_tpm: 1_000 });
    let base = settings(LimiterKind::Refill, 100_000);
    let mut limiter = payg(PaygSettings { priority_ramp, ..base });
    let now = Instant::now();
    let priority = Demand { tier: Tier::Priority, ..demand(1_500) };
    assert_eq!(limiter.try_admit(now, priority).unwrap().tier, Tier::Priority);
    assert_eq!(limiter.try_admit(now, priority).unwrap().tier, Tier::Default);
    assert_eq!(limiter.try_admit(now, demand(1)).unwrap().tier, Tier::Default);
}

/// What a request costs does not depend on how many came before.
#[tokio::test(start_paused = true)]
async fn memory_is_bounded_by_the_window_not_by_the_rate() {
    for kind in [LimiterKind::FixedWindow, LimiterKind::SlidingWindow, LimiterKind::Refill] {
        let mut limiter = payg(settings(kind, 1_000_000_000));
        let start = Instant::now();
        for micros in 0..200_000_u64 {
            limiter.try_admit(start + Duration::from_micros(micros), demand(1)).unwrap();
        }
        for gate in &limiter.gates {
            if let Meter::Sliding(window) = &gate.meter {
                assert_eq!(window.entries(), 200);
            }
        }
    }
}
