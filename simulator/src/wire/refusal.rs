//! Replies of limiters: the 429s of each era and dialect (specification, sections
//! 3.6 and 4.3).

use std::fmt::Write as _;
use std::time::Duration;

use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap};
use serde::Serialize;

use super::duration::go_duration;
use super::error::{ApiError, coded_error};
use super::headers::{Identity, JSON, ceil_seconds, common, name, openai_common, set};
use super::rate_limit::LimitHeaders;
use super::style::ErrorObject;
use crate::catalogue::Operation;
use crate::config::{Advice, HeaderAnomaly, RefusalSettings, RefusalWording, WireProfile};
use crate::limit::{Refusal, RefusalReason, Standing};

/// When a request can never fit, recordings say a day.
const NEVER: Duration = Duration::from_secs(86_400);
const OPENAI_LIMITS: &str = "Visit https://platform.openai.com/account/rate-limits to learn more.";

/// Whose limit a request met, and how.
pub(crate) struct Refused<'a> {
    pub refusal: &'a Refusal,
    pub limits: LimitHeaders<'a>,
    pub texts: &'a RefusalSettings,
    pub operation: Operation,
    pub api_version: &'a str,
    pub model: &'a str,
    pub region: &'a str,
}

impl Refused<'_> {
    /// The 429's body.
    pub(crate) fn error(&self) -> ApiError {
        let reason = self.refusal.reason;
        if self.limits.profile == WireProfile::OpenAi {
            return ApiError::object(StatusCode::TOO_MANY_REQUESTS, reason.name(), self.openai());
        }
        let body = if self.wording() == Some(RefusalWording::ModelInference) {
            self.model_inference_body()
        } else {
            coded_error("429", &self.message())
        };
        ApiError::too_many_requests(reason, body)
    }

    /// The wording of a pay-as-you-go refusal.
    fn wording(&self) -> Option<RefusalWording> {
        match self.refusal.reason {
            RefusalReason::Utilization | RefusalReason::FlexCapacity => None,
            RefusalReason::PeakLoad => Some(RefusalWording::PeakLoad),
            RefusalReason::Tokens
            | RefusalReason::Requests
            | RefusalReason::RequestsPerDay
            | RefusalReason::Concurrency
            | RefusalReason::InsufficientQuota => Some(self.texts.wording),
        }
    }

    /// Azure's message.
    fn message(&self) -> String {
        let Self { api_version, model, region, texts, .. } = self;
        let (operation, deployment) = (self.operation.name(), self.limits.deployment);
        let seconds = self.refusal.seconds();
        let limit = if self.refusal.reason == RefusalReason::Tokens { "token" } else { "call" };
        let kind = texts.resource_kind;
        match self.wording() {
            None if self.refusal.reason == RefusalReason::FlexCapacity => format!(
                "The flex tier has no capacity for deployment {deployment} at present. Please retry after {seconds} seconds, or use the default tier."
            ),
            None => self.ptu_message(),
            Some(RefusalWording::Operation) => {
                let advice = match texts.advice {
                    Advice::Link => "Please go here: https://aka.ms/oai/quotaincrease",
                    Advice::Support => "Please contact Azure support service",
                };
                format!(
                    "Requests to the {operation} Operation under Azure OpenAI API version {api_version} have exceeded {limit} rate limit of your current {kind} S0 pricing tier. Please retry after {seconds} seconds. {advice} if you would like to further increase the default rate limit."
                )
            }
            Some(RefusalWording::Deployment) => format!(
                "Your requests to {deployment} for {model} in {region} have exceeded the {limit} rate limit for your current {kind} S0 pricing tier. This request was for {operation} under Azure OpenAI API version {api_version}. Please retry after {seconds} seconds. To increase your default rate limit, visit: https://aka.ms/oai/quotaincrease."
            ),
            Some(RefusalWording::Short) => {
                format!("Rate limit is exceeded. Try again in {seconds} seconds.")
            }
            Some(RefusalWording::PeakLoad) => format!(
                "The system is currently experiencing high demand and cannot process your request. Your request exceeds the maximum usage size allowed during peak load. Please retry after {seconds} seconds. For improved latency reliability, consider switching to Provisioned Throughput."
            ),
            Some(RefusalWording::ModelInference) => {
                let region: String = region
                    .chars()
                    .filter(|c| !c.is_whitespace())
                    .collect::<String>()
                    .to_lowercase();
                format!(
                    "Your requests to {model} for {deployment} in {region} have exceeded rate limit."
                )
            }
        }
    }

    /// Not published; the configuration may word it otherwise.
    fn ptu_message(&self) -> String {
        let mut text = String::new();
        let mut rest = self.texts.ptu_message.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            let _ = match name {
                "operation" => write!(text, "{}", self.operation.name()),
                "api_version" => write!(text, "{}", self.api_version),
                "deployment" => write!(text, "{}", self.limits.deployment),
                "milliseconds" => write!(text, "{}", self.refusal.millis()),
                "seconds" => write!(text, "{}", self.refusal.seconds()),
                // The configuration's check knows no others.
                other => write!(text, "{{{other}}}"),
            };
            rest = after;
        }
        text + rest
    }

    fn model_inference_body(&self) -> String {
        #[derive(Serialize)]
        struct Body<'a> {
            error: Inner<'a>,
        }
        #[derive(Serialize)]
        struct Inner<'a> {
            code: &'a str,
            message: &'a str,
            details: &'a str,
        }
        let message = self.message();
        let error = Inner { code: "RateLimitReached", message: &message, details: &message };
        serde_json::to_string(&Body { error }).unwrap_or_default()
    }

    fn openai(&self) -> ErrorObject {
        let model = self.model.replace("gpt-35-turbo", "gpt-3.5-turbo");
        let organization = self.limits.organization;
        let amounts = self.refusal.amounts;
        let (limit, used, requested) = (amounts.limit, amounts.used, amounts.requested);
        let (kind, unit) = match self.refusal.reason {
            RefusalReason::InsufficientQuota => {
                let message = "You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.";
                let kind = "insufficient_quota";
                return ErrorObject::new(message, kind, None, Some(kind)).of_the_edge();
            }
            RefusalReason::FlexCapacity => {
                let message = "The flex tier has no capacity at present. Please try again later, or use the default tier.";
                let code = Some("resource_unavailable");
                return ErrorObject::new(message, "requests", None, code).of_the_edge();
            }
            RefusalReason::Tokens | RefusalReason::PeakLoad | RefusalReason::Utilization => {
                ("tokens", "tokens per min (TPM)")
            }
            RefusalReason::Requests | RefusalReason::Concurrency => {
                ("requests", "requests per min (RPM)")
            }
            RefusalReason::RequestsPerDay => ("requests", "requests per day (RPD)"),
        };
        let message = if self.refusal.never_fits() {
            format!(
                "Request too large for {model} in organization {organization} on {unit}: Limit {limit}, Requested {requested}. The input or output tokens must be reduced in order to run successfully. {OPENAI_LIMITS}"
            )
        } else {
            let wait = go_duration(Duration::from_millis(self.refusal.millis()));
            format!(
                "Rate limit reached for {model} in organization {organization} on {unit}: Limit {limit}, Used {used}, Requested {requested}. Please try again in {wait}. {OPENAI_LIMITS}"
            )
        };
        ErrorObject::new(message, kind, None, Some("rate_limit_exceeded")).of_the_edge()
    }

    /// The 429's headers.
    pub(crate) fn headers(&self, identity: &Identity) -> HeaderMap {
        let mut headers = HeaderMap::new();
        set(&mut headers, CONTENT_TYPE, JSON);
        if self.limits.profile == WireProfile::OpenAi {
            openai_common(&mut headers, identity, &self.limits, Duration::from_millis(1));
            if self.refusal.retry_after.is_some() {
                self.wait(&mut headers);
            }
            if let Standing::Payg(standing) = self.refusal.standing
                && self.refusal.reason != RefusalReason::InsufficientQuota
            {
                self.limits.levels(&mut headers, &standing);
            }
            return headers;
        }
        common(&mut headers, identity, self.region);
        self.wait(&mut headers);
        match self.refusal.reason {
            RefusalReason::Tokens => {
                set(&mut headers, name!("policy-id"), "DeploymentRatelimit-Token")
            }
            RefusalReason::Requests
            | RefusalReason::RequestsPerDay
            | RefusalReason::Concurrency => {
                set(&mut headers, name!("policy-id"), "DeploymentRatelimit-Call");
            }
            RefusalReason::Utilization
            | RefusalReason::PeakLoad
            | RefusalReason::FlexCapacity
            | RefusalReason::InsufficientQuota => {}
        }
        match (self.refusal.standing, self.limits.profile) {
            (Standing::Ptu(utilization), _) => self.limits.utilization(&mut headers, utilization),
            // The misspelt name stands in its place.
            (Standing::Payg(_), WireProfile::Azure2024)
                if self.limits.anomaly == HeaderAnomaly::MisspelledReset => {}
            (Standing::Payg(_), WireProfile::Azure2024) => {
                // Exactly one: a public policy reads whichever is there.
                let name = match self.refusal.reason {
                    RefusalReason::Tokens | RefusalReason::PeakLoad => {
                        name!("x-ratelimit-reset-tokens")
                    }
                    _ => name!("x-ratelimit-reset-requests"),
                };
                set(&mut headers, name, &self.refusal.seconds().to_string());
            }
            (Standing::Payg(standing), _) => self.limits.levels(&mut headers, &standing),
        }
        headers
    }

    /// How long to wait, in the headers of the era and kind of capacity.
    fn wait(&self, headers: &mut HeaderMap) {
        let seconds = self.refusal.seconds().to_string();
        match self.limits.anomaly {
            HeaderAnomaly::NegativeLimits => return,
            HeaderAnomaly::MisspelledReset => {
                set(headers, name!("x-rate-limit-reset-tokens"), &seconds);
                return;
            }
            HeaderAnomaly::None => {}
        }
        set(headers, name!("retry-after"), &seconds);
        let early = matches!(self.limits.profile, WireProfile::Azure2024 | WireProfile::Azure2025);
        if !early || matches!(self.refusal.standing, Standing::Ptu(_)) {
            set(headers, name!("retry-after-ms"), &self.refusal.millis().to_string());
        }
    }
}

impl Refusal {
    /// Whole seconds until a retry makes sense, rounded up, at least one.
    pub(crate) fn seconds(&self) -> u64 {
        ceil_seconds(self.retry_after.unwrap_or(NEVER)).max(1)
    }

    /// The same in milliseconds.
    pub(crate) fn millis(&self) -> u64 {
        let millis = self.retry_after.unwrap_or(NEVER).as_nanos().div_ceil(1_000_000).max(1);
        u64::try_from(millis).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests;
