//! Header sets by era (specification, sections 3.4, 3.5 and 4.3). Golden files
//! hold the whole set of each kind of reply, so that none strays in.

use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use super::rate_limit::LimitHeaders;
use crate::catalogue::Operation;
use crate::config::WireProfile;
use crate::limit::{Standing, Tier};

/// A header's name, checked when this is compiled.
macro_rules! name {
    ($name:literal) => {
        const { http::HeaderName::from_static($name) }
    };
}
pub(super) use name;

/// The type of all other answers and of errors.
pub(crate) const JSON: &str = "application/json";
/// The type of a streamed answer.
pub(crate) const EVENT_STREAM: &str = "text/event-stream; charset=utf-8";

/// Room for all headers of an answer: a map that grows is built several times.
const MOST_HEADERS: usize = 40;

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
    pub operation: Operation,
    pub region: &'a str,
    pub limits: LimitHeaders<'a>,
    pub model: &'a str,
    pub model_session: &'a str,
    pub content_type: &'static str,
    pub streaming: bool,
    pub standing: Standing,
    /// As the request asked for, and as it was served.
    pub tiers: (&'a str, Tier),
    /// The provisioned deployment that could not serve it.
    pub spilled_from: Option<&'a str>,
    /// How long the model worked before the first byte.
    pub worked: Duration,
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
    set(&mut headers, name!("apim-request-id"), &identity.apim_request_id);
    if !chunked {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    }
    // Recorded 401s have neither of these; 404s have both.
    if status != http::StatusCode::UNAUTHORIZED {
        security(&mut headers);
    }
    if let Some(region) = region {
        set(&mut headers, name!("x-ms-region"), region);
    }
    headers
}

/// Headers of an answer, or of an error of the model layer.
pub(crate) fn answer_headers(identity: &Identity, served: &Served<'_>) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(MOST_HEADERS);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(served.content_type));
    match served.limits.profile {
        WireProfile::OpenAi => openai(&mut headers, identity, served),
        WireProfile::Documented
        | WireProfile::Azure2024
        | WireProfile::Azure2025
        | WireProfile::Azure2026 => azure(&mut headers, identity, served),
    }
    served.limits.answer(&mut headers, served.standing);
    headers
}

fn azure(headers: &mut HeaderMap, identity: &Identity, served: &Served<'_>) {
    common(headers, identity, served.region);
    set(headers, name!("x-request-id"), &identity.request_id);
    // The Responses API is served by another host: its headers are others.
    let responses = served.operation == Operation::Responses;
    let echoes_only = responses || served.limits.profile == WireProfile::Azure2025;
    if echoes_only && identity.client_request_id.is_none() {
        // Recorded in 2024; in 2025, and of responses, only where the client had one.
        headers.remove("x-ms-client-request-id");
    }
    if responses {
        state(headers, name!("x-ms-aoai-configured-data-retention-days"), "30");
    } else {
        set(headers, name!("azureml-model-session"), served.model_session);
    }
    let text = served.operation.is_text();
    if text {
        state(headers, name!("x-accel-buffering"), "no");
        state(headers, name!("x-ms-rai-invoked"), "true");
    }
    match served.limits.profile {
        WireProfile::Azure2024 => {
            state(headers, name!("access-control-allow-origin"), "*");
            if text {
                state(headers, name!("cache-control"), "no-cache, must-revalidate");
            }
        }
        WireProfile::Azure2025 => {
            set(headers, name!("x-ms-deployment-name"), served.limits.deployment);
            let worked = served.worked.as_millis().to_string();
            set(headers, name!("cmp-upstream-response-duration"), &worked);
            // Recorded "sometimes": beside whole answers.
            if !served.streaming {
                set(headers, name!("ms-azureml-model-time"), &worked);
            }
        }
        WireProfile::Documented | WireProfile::Azure2026 | WireProfile::OpenAi => {
            set(headers, name!("x-ms-served-model"), served.model);
            state(headers, name!("x-ms-is-spilled-over"), "false");
            state(headers, name!("skip-error-remapping"), "true");
            let streaming = if served.streaming { "True" } else { "False" };
            state(headers, name!("azureai-fe-is-streaming"), streaming);
            let offer = match served.standing {
                Standing::Payg(_) => "paygo",
                Standing::Ptu(_) => "ptu",
            };
            state(headers, name!("azureai-fe-offer-type"), offer);
            if !responses {
                set(headers, name!("x-ms-deployment-name"), served.limits.deployment);
                set(headers, name!("azureai-requested-tier"), served.tiers.0);
                state(headers, name!("azureai-processed-tier"), served.tiers.1.name());
            }
        }
    }
    if let Some(from) = served.spilled_from {
        spilled(headers, from, served.limits.deployment);
    }
}

/// An answer of the standard deployment that took over (specification, section 4.4).
fn spilled(headers: &mut HeaderMap, from: &str, served_by: &str) {
    set(headers, name!("x-ms-spillover-from-deployment"), from);
    set(headers, name!("x-ms-deployment-name"), served_by);
    state(headers, name!("x-ms-is-spilled-over"), "true");
}

/// The provisioned deployment's reply after all: the standard one failed too.
pub(crate) fn spillover_failed(headers: &mut HeaderMap, status: u16) {
    set(headers, name!("x-ms-spillover-error"), &status.to_string());
}

fn openai(headers: &mut HeaderMap, identity: &Identity, served: &Served<'_>) {
    openai_common(headers, identity, &served.limits, served.worked);
    state(headers, name!("access-control-expose-headers"), "X-Request-ID");
}

/// An organisation's one project.
pub(super) fn project(organization: &str) -> String {
    format!("proj_{}", organization.strip_prefix("org-").unwrap_or(organization))
}

/// OpenAI's headers of every reply that reached a model's limits.
pub(super) fn openai_common(
    headers: &mut HeaderMap,
    identity: &Identity,
    limits: &LimitHeaders<'_>,
    worked: Duration,
) {
    security(headers);
    set(headers, name!("openai-organization"), limits.organization);
    set(headers, name!("openai-project"), &project(limits.organization));
    state(headers, name!("openai-version"), "2020-10-01");
    let worked = worked.as_millis().to_string();
    set(headers, name!("openai-processing-ms"), &worked);
    set(headers, name!("x-envoy-upstream-service-time"), &worked);
    state(headers, name!("x-openai-proxy-wasm"), "v0.1");
    set(headers, name!("x-request-id"), &identity.openai_request_id());
}

pub(super) fn ceil_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(0 < duration.subsec_nanos())
}

fn security(headers: &mut HeaderMap) {
    state(headers, name!("x-content-type-options"), "nosniff");
    let transport = "max-age=31536000; includeSubDomains; preload";
    state(headers, name!("strict-transport-security"), transport);
}

pub(super) fn common(headers: &mut HeaderMap, identity: &Identity, region: &str) {
    set(headers, name!("apim-request-id"), &identity.apim_request_id);
    // The client's own, or else the gateway's.
    match &identity.client_request_id {
        Some(id) => {
            headers.insert(name!("x-ms-client-request-id"), id.clone());
        }
        None => set(headers, name!("x-ms-client-request-id"), &identity.apim_request_id),
    }
    set(headers, name!("x-ms-region"), region);
    security(headers);
}

/// Sets a header; a value that no header can hold is left out.
pub(super) fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Sets a header to a text that is always the same: nothing is copied.
pub(super) fn state(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}

/// Sets a header to a number.
pub(super) fn count(headers: &mut HeaderMap, name: HeaderName, value: u64) {
    headers.insert(name, HeaderValue::from(value));
}
