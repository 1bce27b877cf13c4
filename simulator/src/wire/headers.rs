//! Header sets by era (specification, sections 3.4, 3.6 and 4.3). Golden files
//! hold the whole set of each kind of reply, so that none strays in.

use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use crate::catalogue::Operation;
use crate::config::WireProfile;
use crate::limit::{PaygStanding, Refusal, RefusalReason, Standing};

/// When a request can never fit, recordings say a day.
const NEVER_SECONDS: u64 = 86_400;
/// The type of all other answers and of errors.
pub(crate) const JSON: &str = "application/json";
/// The type of a streamed answer.
pub(crate) const EVENT_STREAM: &str = "text/event-stream; charset=utf-8";

/// The names of one request.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub apim_request_id: String,
    pub request_id: String,
    /// `x-ms-client-request-id` as it came.
    pub client_request_id: Option<HeaderValue>,
}

/// By whom and how a request was served.
#[derive(Debug, Clone)]
pub(crate) struct Served<'a> {
    pub profile: WireProfile,
    pub operation: Operation,
    pub region: &'a str,
    pub deployment: &'a str,
    pub model: &'a str,
    pub model_session: &'a str,
    pub content_type: &'static str,
    pub streaming: bool,
    pub standing: Standing,
}

/// Headers of an error that no deployment answered. `region` when the resource
/// was reached.
pub(crate) fn error_headers(
    identity: &Identity,
    status: http::StatusCode,
    chunked: bool,
    region: Option<&str>,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    set(&mut headers, "apim-request-id", &identity.apim_request_id);
    if !chunked {
        set(&mut headers, CONTENT_TYPE.as_str(), JSON);
    }
    // Recorded 401s have neither of these; 404s have both.
    if status != http::StatusCode::UNAUTHORIZED {
        security(&mut headers);
    }
    if let Some(region) = region {
        set(&mut headers, "x-ms-region", region);
    }
    headers
}

/// Headers of an answer, or of an error of the model layer.
pub(crate) fn answer_headers(identity: &Identity, served: &Served<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    set(&mut headers, CONTENT_TYPE.as_str(), served.content_type);
    common(&mut headers, identity, served.region);
    set(&mut headers, "x-request-id", &identity.request_id);
    set(&mut headers, "azureml-model-session", served.model_session);
    let text = served.operation != Operation::Embeddings;
    if text {
        set(&mut headers, "x-accel-buffering", "no");
        set(&mut headers, "x-ms-rai-invoked", "true");
    }
    match served.profile {
        WireProfile::Azure2024 => {
            set(&mut headers, "access-control-allow-origin", "*");
            if text {
                set(&mut headers, "cache-control", "no-cache, must-revalidate");
            }
        }
        _ => {
            set(&mut headers, "x-ms-deployment-name", served.deployment);
            set(&mut headers, "x-ms-served-model", served.model);
            set(&mut headers, "x-ms-is-spilled-over", "false");
            set(&mut headers, "skip-error-remapping", "true");
            let streaming = if served.streaming { "True" } else { "False" };
            set(&mut headers, "azureai-fe-is-streaming", streaming);
            let offer = match served.standing {
                Standing::Payg(_) => "paygo",
                Standing::Ptu(_) => "ptu",
            };
            set(&mut headers, "azureai-fe-offer-type", offer);
            set(&mut headers, "azureai-requested-tier", "default");
            set(&mut headers, "azureai-processed-tier", "default");
        }
    }
    match (served.standing, served.profile) {
        (Standing::Ptu(utilization), _) => utilization_header(&mut headers, utilization),
        (Standing::Payg(standing), WireProfile::Azure2024) => remaining(&mut headers, &standing),
        (Standing::Payg(standing), _) => {
            limits(&mut headers, &standing);
            set(&mut headers, "x-ratelimit-renewalperiod-requests", "60");
            set(&mut headers, "x-ratelimit-renewalperiod-tokens", "60");
            set(&mut headers, "x-ratelimit-key", served.deployment);
            set(&mut headers, "x-ratelimit-abusepenalty-active", "False");
        }
    }
    headers
}

/// Headers of a 429.
pub(crate) fn refusal_headers(
    identity: &Identity,
    profile: WireProfile,
    region: &str,
    refusal: &Refusal,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    set(&mut headers, CONTENT_TYPE.as_str(), JSON);
    common(&mut headers, identity, region);
    let seconds = retry_seconds(refusal);
    set(&mut headers, "retry-after", &seconds.to_string());
    match refusal.reason {
        RefusalReason::Utilization => {}
        RefusalReason::Tokens => set(&mut headers, "policy-id", "DeploymentRatelimit-Token"),
        RefusalReason::Requests => set(&mut headers, "policy-id", "DeploymentRatelimit-Call"),
    }
    match (refusal.standing, profile) {
        (Standing::Ptu(utilization), _) => {
            set(&mut headers, "retry-after-ms", &retry_millis(refusal).to_string());
            utilization_header(&mut headers, utilization);
        }
        (Standing::Payg(_), WireProfile::Azure2024) => {
            // Exactly one: a public policy reads whichever is there.
            let name = match refusal.reason {
                RefusalReason::Requests => "x-ratelimit-reset-requests",
                RefusalReason::Tokens | RefusalReason::Utilization => "x-ratelimit-reset-tokens",
            };
            set(&mut headers, name, &seconds.to_string());
        }
        (Standing::Payg(standing), _) => {
            set(&mut headers, "retry-after-ms", &retry_millis(refusal).to_string());
            limits(&mut headers, &standing);
        }
    }
    headers
}

/// Whole seconds until a retry makes sense, rounded up, at least one.
pub(crate) fn retry_seconds(refusal: &Refusal) -> u64 {
    refusal.retry_after.map_or(NEVER_SECONDS, |wait| ceil_seconds(wait).max(1))
}

/// The same in milliseconds.
pub(crate) fn retry_millis(refusal: &Refusal) -> u64 {
    refusal.retry_after.map_or(NEVER_SECONDS * 1000, |wait| {
        u64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX).max(1)
    })
}

fn ceil_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(0 < wait.subsec_nanos())
}

fn common(headers: &mut HeaderMap, identity: &Identity, region: &str) {
    set(headers, "apim-request-id", &identity.apim_request_id);
    match &identity.client_request_id {
        Some(id) => {
            headers.insert(HeaderName::from_static("x-ms-client-request-id"), id.clone());
        }
        None => set(headers, "x-ms-client-request-id", &identity.apim_request_id),
    }
    set(headers, "x-ms-region", region);
    security(headers);
}

fn security(headers: &mut HeaderMap) {
    set(headers, "x-content-type-options", "nosniff");
    let policy = "max-age=31536000; includeSubDomains; preload";
    set(headers, "strict-transport-security", policy);
}

fn remaining(headers: &mut HeaderMap, standing: &PaygStanding) {
    set(headers, "x-ratelimit-remaining-requests", &standing.remaining_requests.to_string());
    set(headers, "x-ratelimit-remaining-tokens", &standing.remaining_tokens.to_string());
}

fn limits(headers: &mut HeaderMap, standing: &PaygStanding) {
    remaining(headers, standing);
    set(headers, "x-ratelimit-limit-requests", &standing.limit_requests.to_string());
    set(headers, "x-ratelimit-limit-tokens", &standing.limit_tokens.to_string());
    let reset = ceil_seconds(standing.reset_requests).to_string();
    set(headers, "x-ratelimit-reset-requests", &reset);
    let reset = ceil_seconds(standing.reset_tokens).to_string();
    set(headers, "x-ratelimit-reset-tokens", &reset);
}

fn utilization_header(headers: &mut HeaderMap, utilization: f64) {
    let percent = format!("{:.1}%", utilization * 100.0);
    set(headers, "azure-openai-deployment-utilization", &percent);
}

/// Sets a header; a value that no header can hold is left out.
fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}
