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
    /// How a pool chooses among its available members of the best priority.
    pub pool_selection: PoolSelection,
    /// What `context.Backend` names from the first call of a pool on. (Before
    /// it is the pool; `AzureRegion` is the called member's in any case.)
    pub pool_backend_context: PoolContext,
    /// The reason phrase of the 503 when all members of a pool are unavailable.
    pub pool_reason: PoolReason,
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
    /// The most records the journal holds; the oldest makes room.
    pub journal_records: usize,
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
            pool_selection: PoolSelection::Smooth,
            pool_backend_context: PoolContext::Pool,
            pool_reason: PoolReason::Old,
            breaker_tripping_call: TrippingCall::Pass,
            breaker_percentage_minimum_calls: 1,
            max_request_body_bytes: 8 * 1024 * 1024,
            max_response_body_bytes: 64 * 1024 * 1024,
            cache_entries: 10_000,
            journal_records: 100_000,
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
    fixed("1", "after return-response in inbound or backend neither outbound nor on-error runs"),
    fixed("1.1", "a literal template segment beats a parameter"),
    fixed("1.1", "the 404 body is { \"statusCode\": 404, \"message\": \"Resource not found\" }"),
    fixed("1.2", "the key is looked for in the header first, then in the query"),
    fixed("1.2", "a 401 carries WWW-Authenticate: AzureApiManagementKey"),
    fixed(
        "1.3",
        "a backend timeout or connection failure answers 500; context.Response is that response",
    ),
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
    fixed("4.2", "an unknown backend id at run time answers 500"),
    fixed("4.2", "a header set to null is empty"),
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
