//! Limits, quotas and metrics.

use super::choices;
#[cfg(doc)]
use crate::Settings;

choices! {
    /// See [`Settings::limit_headers`].
    pub enum LimitHeaders {
        /// On the backend's answer when outbound begins, on an error's when on-error
        /// begins.
        BeforeOutbound,
        /// On the final response.
        AfterOutbound,
    }

    /// See [`Settings::token_estimator`].
    pub enum TokenEstimator {
        /// In the encoding of the model that the body or the deployment names; an
        /// unknown name is counted by characters.
        ByModel,
        /// A token for every four characters.
        Characters,
    }

    /// See [`Settings::postponed_calls`].
    pub enum PostponedCalls {
        /// It does not: any number may be under way.
        Free,
        /// As one call, until its increment is known.
        Reserved,
    }

    /// See [`Settings::refused_calls`].
    pub enum RefusedCalls {
        /// It does not.
        NotCounted,
        /// It does: who keeps calling stays out.
        Counted,
    }

    /// See [`Settings::token_quota_reason`].
    pub enum TokenQuotaReason {
        /// A name of its own.
        #[serde(rename = "OpenAITokenQuotaExceeded")]
        OpenAiTokenQuota,
        /// As tokens per minute have it.
        #[serde(rename = "OpenAITokenLimitExceeded")]
        OpenAiTokenLimit,
        /// As other quotas have it.
        #[serde(rename = "QuotaExceeded")]
        Quota,
    }

    /// See [`Settings::failed_estimates`].
    pub enum FailedEstimates {
        /// They are taken back.
        Returned,
        /// They stay counted.
        Counted,
    }

    /// See [`Settings::token_quota_week`].
    pub enum Weekday {
        /// Monday.
        Monday,
        /// Sunday.
        Sunday,
    }

    /// See [`Settings::quota_start`].
    pub enum QuotaStart {
        /// When the gateway starts.
        GatewayStart,
        /// At 0001-01-01, as those of `quota-by-key`.
        Epoch,
    }

    /// See [`Settings::quota_kilobyte`].
    pub enum Kilobyte {
        /// 1024.
        #[serde(rename = "1024")]
        Binary,
        /// 1000.
        #[serde(rename = "1000")]
        Decimal,
    }

    /// See [`Settings::quota_bandwidth`].
    pub enum QuotaBandwidth {
        /// The bodies of request and response.
        Bodies,
        /// Their headers, too.
        Messages,
    }

    /// See [`Settings::token_metrics_without_usage`].
    pub enum MetricsWithoutUsage {
        /// Of a stream an estimate, of others nothing.
        Estimated,
        /// Nothing.
        None,
        /// 0 tokens.
        Zero,
    }

    /// See [`Settings::token_metrics_client_gone`].
    pub enum MetricsClientGone {
        /// An estimate of what was streamed until then.
        SoFar,
        /// Nothing.
        None,
    }

    /// See [`Settings::token_metric_dimensions`].
    pub enum TokenMetricDimensions {
        /// Custom ones when the policy runs, default ones when the response
        /// leaves.
        Split,
        /// When the policy runs.
        AtPolicy,
        /// When the response leaves.
        AtEmission,
    }

    /// See [`Settings::absent_dimension`].
    pub enum AbsentDimension {
        /// Empty.
        Empty,
        /// Left out.
        Omitted,
    }
}

impl TokenQuotaReason {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OpenAiTokenQuota => "OpenAITokenQuotaExceeded",
            Self::OpenAiTokenLimit => "OpenAITokenLimitExceeded",
            Self::Quota => "QuotaExceeded",
        }
    }
}

impl Kilobyte {
    pub(crate) fn bytes(self) -> u64 {
        match self {
            Self::Binary => 1024,
            Self::Decimal => 1000,
        }
    }
}
