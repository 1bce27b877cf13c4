//! The named switches: what no public source settles, each with the default
//! the specification gives, and the bounds.

mod choices;
mod explain;
mod inferences;
mod page;

use std::time::Duration;

use schemars::JsonSchema;
use seam::units::HumanDuration;
use serde::{Deserialize, Serialize};

pub use choices::*;
pub(crate) use explain::explain;
pub(crate) use page::page as inferences_page;

/// Switches and bounds. `gateway explain` prints them with their effective values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Whether outbound runs after a `return-response` in inbound or backend.
    pub outbound_after_return_response: bool,
    /// Which product a call has that comes with a key of all APIs or of one
    /// API.
    pub wide_key_product: WideKeyProduct,
    /// Whether a fragment may include fragments. One that includes itself is an
    /// error in any case.
    pub fragment_nesting: FragmentNesting,
    /// What becomes of `{{name}}` that no named value has, outside interpolated
    /// strings.
    pub unknown_named_value: UnknownNamedValue,
    /// When the subscription key is checked: a call without a key to an
    /// operation that is not there gets 404 or 401.
    pub key_check: KeyCheck,
    /// Whether a preflight request that `cors` answers needs a subscription
    /// key.
    pub preflight: Preflight,
    /// What the client gets when a policy of on-error fails. on-error ends
    /// there in any case.
    pub error_in_on_error: SecondError,
    /// Which operation a call has that fits the templates of several.
    pub operation_match: OperationMatch,
    /// The message in the body of the 404 where no operation matches.
    pub not_found_message: NotFoundMessage,
    /// Whether the subscription key goes on to the backend when neither a
    /// policy nor the backend's credentials replace it.
    pub forward_subscription_key: bool,
    /// Where a subscription key is looked for that is sent both ways.
    pub key_lookup: KeyLookup,
    /// How the message of a missing key ends.
    pub key_missing_message: KeyMissingMessage,
    /// Whether the 401 of a missing or wrong key says how to send one.
    pub key_challenge: KeyChallenge,
    /// What `context.LastError` is while nothing has failed.
    pub last_error_outside_on_error: LastErrorOutside,
    /// The status of a call whose backend did not answer in time.
    pub timeout_status: TimeoutStatus,
    /// The status of a call whose backend could not be reached.
    pub connection_failure_status: ConnectionFailureStatus,
    /// `context.LastError.Reason` when an open breaker or an exhausted pool
    /// refused the call.
    pub breaker_reason: BreakerReason,
    /// `context.LastError.Reason` where a token quota refuses.
    pub token_quota_reason: TokenQuotaReason,
    /// White space at either end of a literal text that is sent or logged: the
    /// values of `set-query-parameter`, `log-to-eventhub`, the message of `trace`.
    /// (Headers never have it.)
    pub literal_values: LiteralValues,
    /// How a pool chooses among its available members of the best priority.
    pub pool_selection: PoolSelection,
    /// What `context.Backend` names from the first call of a pool on. (Before
    /// it is the pool; `AzureRegion` is the called member's in any case.)
    pub pool_backend_context: PoolContext,
    /// What a weight of 0 makes of a member of a pool.
    pub pool_zero_weight: ZeroWeight,
    /// Where a call goes whose session's member has an open breaker.
    pub pool_session_lost: SessionLost,
    /// The attributes of a session cookie.
    pub pool_session_cookie: SessionCookie,
    /// The reason phrase of the 503 when all members of a pool are unavailable.
    pub pool_reason: PoolReason,
    /// Whether the 503 of an open breaker carries `Retry-After`.
    pub pool_retry_after: PoolRetryAfter,
    /// What comes of the call whose failure opens a circuit breaker.
    pub breaker_tripping_call: TrippingCall,
    /// A circuit breaker with a `percentage` counts from so many calls on.
    pub breaker_percentage_minimum_calls: u64,
    /// Over which time a circuit breaker counts.
    pub breaker_interval: BreakerInterval,
    /// What a result does that comes in while the breaker is open.
    pub breaker_late_results: LateResults,
    /// What error reasons of a circuit breaker do that name neither `timeout`
    /// nor `BackendConnectionFailure`.
    pub breaker_other_reasons: OtherReasons,
    /// How `retry` waits when `interval`, `delta` and `max-interval` are all
    /// given: as the reference page's example says, or as its formula says.
    pub retry_backoff: RetryBackoff,
    /// A retried `forward-request` without `buffer-request-body="true"` sends
    /// an empty body from its second attempt. `false`: it sends the body.
    pub strict_retry_body: bool,
    /// How long `limit-concurrency` counts a request.
    pub concurrency_until: ConcurrencyUntil,
    /// What becomes of `trace` and `set-body` in on-error, which their
    /// reference pages do not name.
    pub undocumented_sections: UndocumentedSections,
    /// What conditions (of `when`, `retry` and others) take. Anything else is
    /// an expression error.
    pub condition_values: ConditionValues,
    /// What `set-variable` stores.
    pub variable_types: VariableTypes,
    /// Which wait follows a retry that `first-fast-retry` made at once.
    pub retry_after_fast: RetryAfterFast,
    /// Which of the policies of a `wait` wins where several set the same thing.
    pub wait_merge: WaitMerge,
    /// `context.LastError.Reason` where `limit-concurrency` refuses.
    pub concurrency_reason: ConcurrencyReason,
    /// The status where an expression names a backend that does not exist.
    pub unknown_backend_status: UnknownBackendStatus,
    /// What an expression in outbound finds that reads the body of a response
    /// that streams.
    pub streamed_body: StreamedBody,
    /// The response that `fail-on-error-status-code` leaves to on-error and the
    /// client.
    pub fail_on_error_response: FailOnErrorResponse,
    /// What `set-header` makes of a value that is null.
    pub null_header: NullHeader,
    /// How `set-body` writes JSON that an expression gives.
    pub set_body_json: SetBodyJson,
    /// What `set-body` does to a message that has no body.
    pub set_body_without_body: SetBodyWithoutBody,
    /// What `rewrite-uri` does with a `{name}` that the operation's template
    /// does not have.
    pub rewrite_unknown_parameter: RewriteUnknown,
    /// Whether `send-request` in mode `new` needs `set-method`.
    pub send_request_method: SendRequestMethod,
    /// What the timeout of `send-request` covers.
    pub send_request_timeout: SendRequestTimeout,
    /// Whether `send-request` in mode `copy` sends the client's subscription key.
    pub send_request_copied_key: CopiedKey,
    /// Whether a request whose pipeline ended before outbound did (an error, a
    /// `return-response`) is counted by limits that count at the end.
    pub count_early_ends: bool,
    /// How tokens are counted where the service does not report them: in the
    /// model's encoding, or as a quarter of the characters.
    pub token_estimator: TokenEstimator,
    /// What the cache keeps and gives.
    pub cache_values: CacheValues,
    /// When others see what `cache-store-value` stored.
    pub cache_visible: CacheVisible,
    /// Whether a call counts that a rate limit refused.
    pub refused_calls: RefusedCalls,
    /// What becomes of the tokens estimated for a call that no backend answered
    /// with 2xx.
    pub failed_estimates: FailedEstimates,
    /// The first day of a weekly token quota.
    pub token_quota_week: Weekday,
    /// When the periods of `quota` start, for want of a subscription's start.
    pub quota_start: QuotaStart,
    /// The bytes of a kilobyte of `bandwidth`.
    pub quota_kilobyte: Kilobyte,
    /// What counts for `bandwidth`.
    pub quota_bandwidth: QuotaBandwidth,
    /// What token metrics say of an answer without usage.
    pub token_metrics_without_usage: MetricsWithoutUsage,
    /// When the dimensions of token metrics are evaluated.
    pub token_metric_dimensions: TokenMetricDimensions,
    /// What a default dimension is that does not apply (no product, no user, no
    /// backend).
    pub absent_dimension: AbsentDimension,
    /// What token metrics say of a stream whose client went away.
    pub token_metrics_client_gone: MetricsClientGone,
    /// Whether `validate-jwt` looks at signatures.
    pub token_signatures: TokenSignatures,
    /// The token variable of `authentication-managed-identity` when there is no
    /// token and `ignore-error` is set.
    pub identity_error_variable: IdentityErrorVariable,
    /// How long tokens of managed identities live.
    pub identity_token_lifetime: HumanDuration,
    /// A body read by `As<T>()` without `preserveContent` is gone: a later
    /// `forward-request` sends none. `false`: it is sent all the same.
    pub strict_body: bool,
    /// What `context.Response` is before the backend answered.
    pub response_before_backend: ResponseBefore,
    /// What `context.Response` is after a backend timed out or could not be
    /// reached, until on-error begins.
    pub response_on_transport_error: ResponseOnError,
    /// The line end in the text of indented JSON and XML.
    pub json_newline: JsonNewline,
    /// How expressions write dates and numbers.
    pub culture: Culture,
    /// When headers that limits set appear on the response: before outbound
    /// runs, which may then read, change or delete them, or after it.
    pub limit_headers: LimitHeaders,
    /// Whether `remaining-calls-*` already leaves room for the present request
    /// when it is counted at the end of the request.
    pub remaining_after_postponed: bool,
    /// Whether a call counts while it is under way, with a `rate-limit-by-key`
    /// that counts at its end.
    pub postponed_calls: PostponedCalls,
    /// So many calls more pass a rate limit than it says: gateways of the
    /// platform count apart, and some slip past.
    pub limit_slack_calls: u64,
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

impl Default for Settings {
    fn default() -> Self {
        Self {
            outbound_after_return_response: false,
            wide_key_product: WideKeyProduct::None,
            fragment_nesting: FragmentNesting::Allowed,
            unknown_named_value: UnknownNamedValue::Error,
            key_check: KeyCheck::AfterOperation,
            preflight: Preflight::BeforeKey,
            error_in_on_error: SecondError::Original,
            operation_match: OperationMatch::MostSpecific,
            not_found_message: NotFoundMessage::ResourceNotFound,
            forward_subscription_key: true,
            key_lookup: KeyLookup::HeaderFirst,
            key_missing_message: KeyMissingMessage::ThisApi,
            key_challenge: KeyChallenge::Sent,
            last_error_outside_on_error: LastErrorOutside::Null,
            timeout_status: TimeoutStatus::InternalServerError,
            connection_failure_status: ConnectionFailureStatus::InternalServerError,
            breaker_reason: BreakerReason::BackendUnavailable,
            token_quota_reason: TokenQuotaReason::OpenAiTokenQuota,
            literal_values: LiteralValues::Trimmed,
            pool_selection: PoolSelection::Smooth,
            pool_backend_context: PoolContext::Pool,
            pool_zero_weight: ZeroWeight::NoCalls,
            pool_session_lost: SessionLost::Moved,
            pool_session_cookie: SessionCookie::Path,
            pool_reason: PoolReason::Old,
            pool_retry_after: PoolRetryAfter::FirstCloses,
            breaker_tripping_call: TrippingCall::Pass,
            breaker_percentage_minimum_calls: 1,
            breaker_interval: BreakerInterval::Sliding,
            breaker_late_results: LateResults::Ignored,
            breaker_other_reasons: OtherReasons::Ignored,
            retry_backoff: RetryBackoff::Example,
            strict_retry_body: false,
            concurrency_until: ConcurrencyUntil::StreamEnd,
            undocumented_sections: UndocumentedSections::Warned,
            condition_values: ConditionValues::BoolOrText,
            variable_types: VariableTypes::Listed,
            retry_after_fast: RetryAfterFast::FirstWait,
            wait_merge: WaitMerge::DocumentOrder,
            concurrency_reason: ConcurrencyReason::ConcurrencyLimitExceeded,
            unknown_backend_status: UnknownBackendStatus::InternalServerError,
            streamed_body: StreamedBody::Held,
            fail_on_error_response: FailOnErrorResponse::Backend,
            null_header: NullHeader::Empty,
            set_body_json: SetBodyJson::Indented,
            set_body_without_body: SetBodyWithoutBody::Sets,
            rewrite_unknown_parameter: RewriteUnknown::Fails,
            send_request_method: SendRequestMethod::Get,
            send_request_timeout: SendRequestTimeout::WholeAnswer,
            send_request_copied_key: CopiedKey::Sent,
            count_early_ends: true,
            token_estimator: TokenEstimator::ByModel,
            cache_values: CacheValues::Copied,
            cache_visible: CacheVisible::AtOnce,
            refused_calls: RefusedCalls::NotCounted,
            failed_estimates: FailedEstimates::Returned,
            token_quota_week: Weekday::Monday,
            quota_start: QuotaStart::GatewayStart,
            quota_kilobyte: Kilobyte::Binary,
            quota_bandwidth: QuotaBandwidth::Bodies,
            token_metrics_without_usage: MetricsWithoutUsage::Estimated,
            token_metric_dimensions: TokenMetricDimensions::Split,
            absent_dimension: AbsentDimension::Empty,
            token_metrics_client_gone: MetricsClientGone::SoFar,
            token_signatures: TokenSignatures::Check,
            identity_error_variable: IdentityErrorVariable::Unset,
            identity_token_lifetime: HumanDuration(Duration::from_secs(24 * 60 * 60)),
            strict_body: true,
            response_before_backend: ResponseBefore::Ok,
            response_on_transport_error: ResponseOnError::InternalServerError,
            json_newline: JsonNewline::ByTier,
            culture: Culture::Invariant,
            limit_headers: LimitHeaders::BeforeOutbound,
            remaining_after_postponed: false,
            postponed_calls: PostponedCalls::Free,
            limit_slack_calls: 0,
            max_request_body_bytes: 8 * 1024 * 1024,
            max_response_body_bytes: 64 * 1024 * 1024,
            cache_entries: 10_000,
            counter_entries: 1_000_000,
            journal_records: 100_000,
            journal_bytes: 64 * 1024 * 1024,
            emitted_series: 1_000,
            drain_timeout: HumanDuration(Duration::from_secs(10)),
        }
    }
}
