//! The named switches: what no public source settles, each with the default
//! the specification gives, and the bounds.

use std::fmt::Write as _;

use schemars::JsonSchema;
use seam::units::HumanDuration;
use serde::{Deserialize, Serialize};

/// Switches and bounds. `gateway explain` prints them with their effective values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How `retry` waits when `interval`, `delta` and `max-interval` are all
    /// given: as the reference page's example says, or as its formula says.
    pub retry_backoff: RetryBackoff,
    /// A body read by `As<T>()` without `preserveContent` is gone: a later
    /// `forward-request` sends none. `false`: it is sent all the same.
    pub strict_body: bool,
    /// A retried `forward-request` without `buffer-request-body="true"` sends
    /// an empty body from its second attempt. `false`: it sends the body.
    pub strict_retry_body: bool,
    /// Whether the subscription key goes on to the backend when neither a
    /// policy nor the backend's credentials replace it.
    pub forward_subscription_key: bool,
    /// What `context.Response` is before the backend answered.
    pub response_before_backend: ResponseBefore,
    /// What `context.Response` is after a backend timed out or could not be
    /// reached, until on-error begins.
    pub response_on_transport_error: ResponseOnError,
    /// Whether outbound runs after a `return-response` in inbound or backend.
    pub outbound_after_return_response: bool,
    /// The line end in the text of indented JSON and XML.
    pub json_newline: JsonNewline,
    /// When headers that limits set appear on the response: before outbound
    /// runs, which may then read, change or delete them, or after it.
    pub limit_headers: LimitHeaders,
    /// Whether `remaining-calls-*` already leaves room for the present request
    /// when it is counted at the end of the request.
    pub remaining_after_postponed: bool,
    /// Whether a request whose pipeline ended before outbound did (an error, a
    /// `return-response`) is counted by limits that count at the end.
    pub count_early_ends: bool,
    /// How long `limit-concurrency` counts a request.
    pub concurrency_until: ConcurrencyUntil,
    /// How tokens are counted where the service does not report them: in the
    /// model's encoding, or as a quarter of the characters.
    pub token_estimator: TokenEstimator,
    /// Whether `validate-jwt` looks at signatures.
    pub token_signatures: TokenSignatures,
    /// How a pool chooses among its available members of the best priority.
    pub pool_selection: PoolSelection,
    /// What `context.Backend` names from the first call of a pool on. (Before
    /// it is the pool; `AzureRegion` is the called member's in any case.)
    pub pool_backend_context: PoolContext,
    /// The reason phrase of the 503 when all members of a pool are unavailable.
    pub pool_reason: PoolReason,
    /// Whether the 503 of an open breaker carries `Retry-After`.
    pub pool_retry_after: PoolRetryAfter,
    /// What comes of the call whose failure opens a circuit breaker.
    pub breaker_tripping_call: TrippingCall,
    /// A circuit breaker with a `percentage` counts from so many calls on.
    pub breaker_percentage_minimum_calls: u64,
    /// The largest request body, in bytes; a larger one is refused with 413.
    pub max_request_body_bytes: usize,
    /// The largest response body that is held in memory (buffered responses,
    /// and those an expression reads), in bytes.
    pub max_response_body_bytes: usize,
    /// The most entries the cache holds; the first to expire makes room.
    pub cache_entries: usize,
    /// The most entries the counters of limits hold: one for each key, and one
    /// for each moment in a sliding window. Beyond, a key that would soon be
    /// idle is forgotten.
    pub counter_entries: usize,
    /// The most records the journal holds; the oldest makes room.
    pub journal_records: usize,
    /// The most bytes of metrics, events and messages the journal holds; the
    /// oldest record makes room.
    pub journal_bytes: usize,
    /// The most series `/metrics` has for what policies emit; what is beyond
    /// them is counted in `gateway_emitted_metrics_overflow_total`.
    pub emitted_series: usize,
    /// How long requests under way may take to finish when the gateway stops.
    pub drain_timeout: HumanDuration,
}

/// See [`Settings::retry_backoff`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RetryBackoff {
    /// `interval + (2^(n-1) - 1) * delta`, within 20 %.
    Example,
    /// `interval + 2^(n-1) * delta`, within 20 %.
    Formula,
}

/// See [`Settings::response_before_backend`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResponseBefore {
    /// 200 OK without headers and body.
    #[serde(rename = "200")]
    Ok,
    /// null.
    Null,
}

/// See [`Settings::response_on_transport_error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResponseOnError {
    /// The 500 that the client would get.
    #[serde(rename = "500")]
    InternalServerError,
    /// null.
    Null,
}

/// See [`Settings::json_newline`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JsonNewline {
    /// `\r\n` on classic tiers, `\n` on v2 tiers.
    ByTier,
    /// `\r\n`.
    Crlf,
    /// `\n`.
    Lf,
}

/// See [`Settings::pool_retry_after`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PoolRetryAfter {
    /// Whole seconds until the first member closes.
    FirstCloses,
    /// There is none.
    None,
}

/// See [`Settings::limit_headers`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LimitHeaders {
    /// On the backend's answer when outbound begins, on an error's when on-error
    /// begins.
    BeforeOutbound,
    /// On the final response.
    AfterOutbound,
}

/// See [`Settings::concurrency_until`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConcurrencyUntil {
    /// While the policies inside run and, when they forwarded the request and
    /// its response streams, until the response's end.
    StreamEnd,
    /// While the policies inside run.
    PoliciesEnd,
}

/// See [`Settings::token_estimator`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenEstimator {
    /// In the encoding of the model that the body or the deployment names; an
    /// unknown name is counted by characters.
    #[default]
    ByModel,
    /// A token for every four characters.
    Characters,
}

/// See [`Settings::token_signatures`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenSignatures {
    /// It does.
    Check,
    /// Any signature will do, also none: for tests with tokens made by hand.
    Ignore,
}

/// See [`Settings::pool_selection`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PoolSelection {
    /// Weighted round robin, spread out; equal weights alternate.
    Smooth,
    /// A seeded draw by weight.
    RandomWeighted,
}

/// See [`Settings::pool_backend_context`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PoolContext {
    /// The pool.
    Pool,
    /// The member that was called.
    Member,
}

/// See [`Settings::pool_reason`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PoolReason {
    /// `Backend pool <id> is temporarily unavailable`, as until about 2025.
    Old,
    /// `Service Unavailable`.
    New,
}

/// See [`Settings::breaker_tripping_call`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrippingCall {
    /// The backend's own answer.
    Pass,
    /// A 503, as for the calls after it.
    #[serde(rename = "503")]
    ServiceUnavailable,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            retry_backoff: RetryBackoff::Example,
            strict_body: true,
            strict_retry_body: false,
            forward_subscription_key: true,
            response_before_backend: ResponseBefore::Ok,
            response_on_transport_error: ResponseOnError::InternalServerError,
            outbound_after_return_response: false,
            json_newline: JsonNewline::ByTier,
            limit_headers: LimitHeaders::BeforeOutbound,
            remaining_after_postponed: false,
            count_early_ends: true,
            concurrency_until: ConcurrencyUntil::StreamEnd,
            token_estimator: TokenEstimator::ByModel,
            token_signatures: TokenSignatures::Check,
            pool_selection: PoolSelection::Smooth,
            pool_backend_context: PoolContext::Pool,
            pool_reason: PoolReason::Old,
            pool_retry_after: PoolRetryAfter::FirstCloses,
            breaker_tripping_call: TrippingCall::Pass,
            breaker_percentage_minimum_calls: 1,
            max_request_body_bytes: 8 * 1024 * 1024,
            max_response_body_bytes: 64 * 1024 * 1024,
            cache_entries: 10_000,
            counter_entries: 1_000_000,
            journal_records: 100_000,
            journal_bytes: 64 * 1024 * 1024,
            emitted_series: 1_000,
            drain_timeout: HumanDuration(std::time::Duration::from_secs(10)),
        }
    }
}

/// A behaviour that was inferred, not documented.
struct Inference {
    /// The setting that switches it, if one does.
    setting: Option<&'static str>,
    /// Where the specification speaks of it.
    section: &'static str,
    /// What this gateway does.
    text: &'static str,
}

const fn switch(setting: &'static str, section: &'static str, text: &'static str) -> Inference {
    Inference { setting: Some(setting), section, text }
}

const fn fixed(section: &'static str, text: &'static str) -> Inference {
    Inference { setting: None, section, text }
}

const INFERENCES: &[Inference] = &[
    switch(
        "retry_backoff",
        "4.1",
        "which of the reference page's two readings the exponential wait follows",
    ),
    switch("strict_body", "5.2", "a body read without preserveContent is not forwarded"),
    switch(
        "strict_retry_body",
        "4.1",
        "a retried forward-request needs buffer-request-body to send its body again",
    ),
    switch(
        "forward_subscription_key",
        "1.2",
        "the subscription key reaches the backend unless replaced",
    ),
    switch(
        "response_before_backend",
        "5.2",
        "context.Response is 200 OK, not null, before the backend answered",
    ),
    switch(
        "response_on_transport_error",
        "5.2",
        "context.Response is a 500, not null, when a retry looks at a failed call",
    ),
    switch(
        "outbound_after_return_response",
        "1",
        "after return-response in inbound or backend outbound does not run",
    ),
    switch("json_newline", "5.2", "indented JSON has the line ends of the tier's operating system"),
    switch(
        "limit_headers",
        "9",
        "whether headers that limits set are there before outbound or on-error runs",
    ),
    switch(
        "remaining_after_postponed",
        "9",
        "remaining calls are told before a request that counts at its end is counted",
    ),
    switch(
        "count_early_ends",
        "4.3",
        "increments are evaluated against the final response also when the pipeline ended early",
    ),
    switch("concurrency_until", "4.1", "a streamed response counts as concurrent until its end"),
    switch("token_estimator", "4.3", "the platform's tokenizer is not published"),
    switch(
        "token_signatures",
        "4.4",
        "nothing is fetched: keys are configured, and Entra's are those of the local tokens",
    ),
    switch(
        "pool_selection",
        "3.2",
        "how a pool takes turns: the platform's algorithm is not published",
    ),
    switch(
        "pool_backend_context",
        "3.2",
        "whether context.Backend names the pool or the called member after a call",
    ),
    switch(
        "pool_reason",
        "3.3",
        "the reason phrase when a pool is exhausted; the new one is not published",
    ),
    switch(
        "pool_retry_after",
        "3.3",
        "the 503 of an exhausted pool says in Retry-After when the first member closes",
    ),
    switch(
        "breaker_tripping_call",
        "3.3",
        "whether the call that opens a breaker gets the backend's answer or a 503; reports differ",
    ),
    switch(
        "breaker_percentage_minimum_calls",
        "3.3",
        "from how many calls on a breaker's percentage counts; none is documented",
    ),
    fixed("1", "an all-APIs or API subscription brings no product scope"),
    fixed("1", "an error raised inside on-error stops it; the original error is sent"),
    fixed("1", "on-error does not run after a return-response"),
    fixed("1", "fragments may include fragments; one that includes itself is an error at load"),
    fixed(
        "1",
        "before inbound: preflight requests are answered, API and operation matched, the key checked",
    ),
    fixed("1", "{{name}} of no named value is an error, but for interpolated strings"),
    fixed("2.1", "white space around an expression, and of a literal value, is not part of it"),
    fixed("1.3", "a token quota refuses with reason OpenAITokenQuotaExceeded"),
    fixed("4.1", "a variable set to anything but text, number, date, JSON or the like is an error"),
    fixed(
        "4.2",
        "a response that streams is held after all when outbound reads or replaces its body",
    ),
    fixed("4.2", "set-body takes JSON as its indented text, and works without a body to replace"),
    fixed("5.2", "DateTime.Now is UtcNow; Random with a seed draws .NET Framework's numbers"),
    fixed("5.2", "texts, numbers and dates are those of the invariant culture"),
    fixed(
        "9",
        "requests under way pass a limit that counts at their end: none is reserved for them",
    ),
    fixed("1.1", "a literal template segment beats a parameter"),
    fixed("1.1", "the 404 body is { \"statusCode\": 404, \"message\": \"Resource not found\" }"),
    fixed("1.2", "the key is looked for in the header first, then in the query"),
    fixed("1.2", "a 401 carries WWW-Authenticate: AzureApiManagementKey"),
    fixed("1.3", "a backend timeout or connection failure answers 500"),
    fixed("1.3", "context.LastError is null outside on-error"),
    fixed("3.2", "a pool's member of weight 0 gets no calls"),
    fixed(
        "3.2",
        "a session cookie holds until its member's breaker opens; its attributes are Path=/",
    ),
    fixed(
        "3.3",
        "failures are counted in a sliding interval; results that come in while a breaker is open do not count",
    ),
    fixed(
        "3.3",
        "of a breaker's error reasons, timeout and BackendConnectionFailure have an effect, each for its own kind",
    ),
    fixed(
        "3.3",
        "an open breaker answers 503, reason BackendUnavailable, Retry-After: whole seconds until the first one closes",
    ),
    fixed(
        "4.1",
        "when takes the strings true and false in any case; other types are expression errors",
    ),
    fixed("4.1", "first-fast-retry: the second retry waits as the first would have"),
    fixed(
        "4.2",
        "fail-on-error-status-code: the client gets the backend's response unless on-error changes it",
    ),
    fixed("4.1", "trace runs in on-error, too; its messages and context.Trace's go to the journal"),
    fixed(
        "4.1",
        "wait: its policies run on copies of the request's state, merged in document order",
    ),
    fixed("4.2", "rewrite-uri: a {name} the operation's template does not have fails at run time"),
    fixed(
        "4.2",
        "send-request: mode is new and the method GET unless given; the timeout covers the body",
    ),
    fixed(
        "4.3",
        "custom dimensions are evaluated when the policy runs, default ones when the metric is emitted",
    ),
    fixed("4.3", "a default dimension without a value (no product, no user, no backend) is empty"),
    fixed(
        "4.3",
        "token metrics of a stream without usage are estimates; of an answer without usage none",
    ),
    fixed(
        "4.4",
        "managed identities get local tokens that live for a day; with ignore-error the variable stays unset",
    ),
    fixed("4.2", "an unknown backend id at run time answers 500"),
    fixed("4.2", "a header set to null is empty"),
    fixed(
        "4.1",
        "limit-concurrency refuses with reason ConcurrencyLimitExceeded, a name of our own",
    ),
    fixed(
        "4.3",
        "a call that a limit refuses is not counted by it; the headers it names are sent all the same",
    ),
    fixed(
        "4.3",
        "quota: a subscription's periods start when the gateway starts; 1 KB is 1024 bytes of bodies",
    ),
    fixed("4.3", "a quota without end has neither Retry-After nor a time in its message"),
    fixed("4.3", "token limits take back the estimate of a request no backend answered with 2xx"),
    fixed(
        "4.3",
        "token limits wait for the whole of an answer that does not stream when they report on it",
    ),
    fixed(
        "4.3",
        "a call whose client went away before its response is not counted by limits that count at the end",
    ),
    fixed("9", "limits are exact: calls do not slip past them because gateways count apart"),
    fixed("4.3", "token quota: weeks start on Monday"),
    fixed("4.3", "the cache stores and returns deep copies; a stored value is visible at once"),
];

/// The inferred behaviours with their defaults and effective values, as text.
#[must_use]
pub(crate) fn explain(settings: &Settings) -> String {
    let effective = serde_json::to_value(settings).unwrap_or_default();
    let default = serde_json::to_value(Settings::default()).unwrap_or_default();
    let mut text = String::from(
        "Inferred behaviours: no public source settles them. Each names the section of the\nspecification that argues for it.\n\nSwitches, under [settings] in gateway.toml:\n\n",
    );
    // Writing to a string cannot fail.
    for inference in INFERENCES {
        if let Some(name) = inference.setting {
            let _ = writeln!(
                text,
                "  {name} = {}  (default {}) [{}]\n      {}",
                effective[name], default[name], inference.section, inference.text
            );
        }
    }
    text.push_str("\nWithout a switch:\n\n");
    for inference in INFERENCES.iter().filter(|inference| inference.setting.is_none()) {
        let _ = writeln!(text, "  [{}] {}", inference.section, inference.text);
    }
    text.push_str("\nBounds, under [settings]:\n\n");
    if let Some(all) = effective.as_object() {
        let switches: Vec<_> = INFERENCES.iter().filter_map(|i| i.setting).collect();
        for (name, value) in all.iter().filter(|(name, _)| !switches.contains(&name.as_str())) {
            let _ = writeln!(text, "  {name} = {value}  (default {})", default[name]);
        }
    }
    text
}
