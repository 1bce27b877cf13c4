//! Backends, pools and circuit breakers.

use super::choices;
#[cfg(doc)]
use crate::Settings;

choices! {
    /// See [`Settings::pool_retry_after`].
    pub enum PoolRetryAfter {
        /// Whole seconds until the first member closes.
        FirstCloses,
        /// There is none.
        None,
    }

    /// See [`Settings::pool_selection`].
    pub enum PoolSelection {
        /// Weighted round robin, spread out; equal weights alternate.
        Smooth,
        /// A seeded draw by weight.
        RandomWeighted,
    }

    /// See [`Settings::pool_backend_context`].
    pub enum PoolContext {
        /// The pool.
        Pool,
        /// The member that was called.
        Member,
    }

    /// See [`Settings::pool_reason`].
    pub enum PoolReason {
        /// `Backend pool <id> is temporarily unavailable`, as until about 2025.
        Old,
        /// `Service Unavailable`.
        New,
    }

    /// See [`Settings::breaker_tripping_call`].
    pub enum TrippingCall {
        /// The backend's own answer.
        Pass,
        /// A 503, as for the calls after it.
        #[serde(rename = "503")]
        ServiceUnavailable,
    }

    /// See [`Settings::unknown_backend_status`].
    pub enum UnknownBackendStatus {
        /// 500 Internal Server Error.
        #[serde(rename = "500")]
        InternalServerError,
        /// 503 Service Unavailable.
        #[serde(rename = "503")]
        ServiceUnavailable,
    }

    /// See [`Settings::pool_zero_weight`].
    pub enum ZeroWeight {
        /// It gets no calls.
        NoCalls,
        /// It has weight 1, as without a weight.
        One,
    }

    /// See [`Settings::pool_session_lost`].
    pub enum SessionLost {
        /// To another member, and the session with it.
        Moved,
        /// Nowhere: it gets 503.
        #[serde(rename = "503")]
        ServiceUnavailable,
    }

    /// See [`Settings::pool_session_cookie`].
    pub enum SessionCookie {
        /// `Path=/`.
        Path,
        /// `Path=/; HttpOnly`.
        PathHttpOnly,
    }

    /// See [`Settings::breaker_interval`].
    pub enum BreakerInterval {
        /// The interval before now.
        Sliding,
        /// The interval that the first call (with `count`: failure) began.
        Fixed,
    }

    /// See [`Settings::breaker_late_results`].
    pub enum LateResults {
        /// Nothing.
        Ignored,
        /// It counts; failures enough begin the time anew.
        Counted,
    }

    /// See [`Settings::breaker_other_reasons`].
    pub enum OtherReasons {
        /// Nothing.
        Ignored,
        /// Timeouts and connection failures both count.
        AnyError,
    }

    /// See [`Settings::breaker_reason`].
    pub enum BreakerReason {
        /// A name of its own.
        #[serde(rename = "BackendUnavailable")]
        BackendUnavailable,
        /// As when the backend cannot be reached.
        #[serde(rename = "BackendConnectionFailure")]
        BackendConnectionFailure,
    }
}

impl UnknownBackendStatus {
    pub(crate) fn code(self) -> u16 {
        match self {
            Self::InternalServerError => 500,
            Self::ServiceUnavailable => 503,
        }
    }
}

impl SessionCookie {
    pub(crate) fn attributes(self) -> &'static str {
        match self {
            Self::Path => "Path=/",
            Self::PathHttpOnly => "Path=/; HttpOnly",
        }
    }
}

impl BreakerReason {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::BackendUnavailable => "BackendUnavailable",
            Self::BackendConnectionFailure => "BackendConnectionFailure",
        }
    }
}
