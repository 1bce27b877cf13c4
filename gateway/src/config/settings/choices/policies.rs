//! What single policies and expressions do.

use super::choices;
#[cfg(doc)]
use crate::Settings;

choices! {
    /// See [`Settings::retry_backoff`].
    pub enum RetryBackoff {
        /// `interval + (2^(n-1) - 1) * delta`, within 20 %.
        Example,
        /// `interval + 2^(n-1) * delta`, within 20 %.
        Formula,
    }

    /// See [`Settings::json_newline`].
    pub enum JsonNewline {
        /// `\r\n` on classic tiers, `\n` on v2 tiers.
        ByTier,
        /// `\r\n`.
        Crlf,
        /// `\n`.
        Lf,
    }

    /// See [`Settings::concurrency_until`].
    pub enum ConcurrencyUntil {
        /// While the policies inside run and, when they forwarded the request and
        /// its response streams, until the response's end.
        StreamEnd,
        /// While the policies inside run.
        PoliciesEnd,
    }

    /// See [`Settings::token_signatures`].
    pub enum TokenSignatures {
        /// It does.
        Check,
        /// Any signature will do, also none: for tests with tokens made by hand.
        Ignore,
    }

    /// See [`Settings::condition_values`].
    pub enum ConditionValues {
        /// Booleans, and the texts `true` and `false` in any case.
        BoolOrText,
        /// Booleans alone.
        Bool,
    }

    /// See [`Settings::variable_types`].
    pub enum VariableTypes {
        /// The documented types; others are an error.
        Listed,
        /// Lists, dictionaries and objects, too.
        Any,
    }

    /// See [`Settings::retry_after_fast`].
    pub enum RetryAfterFast {
        /// The one the first retry would have had.
        FirstWait,
        /// The second retry's own.
        SecondWait,
    }

    /// See [`Settings::wait_merge`].
    pub enum WaitMerge {
        /// The last of the document.
        DocumentOrder,
        /// The last to be done.
        CompletionOrder,
    }

    /// See [`Settings::concurrency_reason`].
    pub enum ConcurrencyReason {
        /// A name of its own.
        #[serde(rename = "ConcurrencyLimitExceeded")]
        ConcurrencyLimitExceeded,
        /// As rate limits have it.
        #[serde(rename = "RateLimitExceeded")]
        RateLimitExceeded,
    }

    /// See [`Settings::streamed_body`].
    pub enum StreamedBody {
        /// The body: it is held until it is complete.
        Held,
        /// null: the response goes on streaming.
        Null,
    }

    /// See [`Settings::fail_on_error_response`].
    pub enum FailOnErrorResponse {
        /// The backend's.
        Backend,
        /// The gateway's own, with the backend's status.
        Gateway,
    }

    /// See [`Settings::null_header`].
    pub enum NullHeader {
        /// An empty value.
        Empty,
        /// No value; without another one the header is removed.
        Omitted,
    }

    /// See [`Settings::set_body_json`].
    pub enum SetBodyJson {
        /// Indented, as `ToString()` does.
        Indented,
        /// Without white space.
        Compact,
    }

    /// See [`Settings::set_body_without_body`].
    pub enum SetBodyWithoutBody {
        /// It gives it one.
        Sets,
        /// It fails, as the reference page warns.
        Fails,
    }

    /// See [`Settings::rewrite_unknown_parameter`].
    pub enum RewriteUnknown {
        /// It fails.
        Fails,
        /// It keeps it as it is.
        Kept,
    }

    /// See [`Settings::send_request_method`].
    pub enum SendRequestMethod {
        /// It does not: the method is GET.
        Get,
        /// It does: without it the document does not load.
        Required,
    }

    /// See [`Settings::send_request_copied_key`].
    pub enum CopiedKey {
        /// It goes to the other host, as other headers do.
        Sent,
        /// It is left out.
        Removed,
    }

    /// See [`Settings::send_request_timeout`].
    pub enum SendRequestTimeout {
        /// The answer, to its last byte.
        WholeAnswer,
        /// The time to the answer's headers, as with `forward-request`.
        Headers,
    }

    /// See [`Settings::identity_error_variable`].
    pub enum IdentityErrorVariable {
        /// Not set.
        Unset,
        /// null.
        Null,
    }

    /// See [`Settings::cache_values`].
    pub enum CacheValues {
        /// Copies.
        Copied,
        /// The value itself: who changes it changes it for all.
        Shared,
    }

    /// See [`Settings::cache_visible`].
    pub enum CacheVisible {
        /// At once.
        AtOnce,
        /// When the response of the request that stored it leaves.
        AfterRequest,
    }

    /// See [`Settings::culture`].
    pub enum Culture {
        /// As the invariant culture: `01/31/2026 15:04:05`.
        Invariant,
        /// As in the United States: `1/31/2026 3:04:05 PM`.
        EnUs,
    }
}

impl ConcurrencyReason {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ConcurrencyLimitExceeded => "ConcurrencyLimitExceeded",
            Self::RateLimitExceeded => "RateLimitExceeded",
        }
    }
}
