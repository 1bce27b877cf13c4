//! Which headers of a request are its own: not of HTTP, of proxies, of tracing, of
//! the SDKs, or of the service.

use http::HeaderMap;

/// Names that are nobody's own.
const COMMON: &[&str] = &[
    "accept",
    "api-key",
    "authorization",
    "baggage",
    "cache-control",
    "connection",
    "cookie",
    "dnt",
    "expect",
    "forwarded",
    "from",
    "host",
    "idempotency-key",
    "keep-alive",
    "ocp-apim-subscription-key",
    "origin",
    "pragma",
    "priority",
    "range",
    "referer",
    "te",
    "trailer",
    "traceparent",
    "tracestate",
    "transfer-encoding",
    "upgrade",
    "upgrade-insecure-requests",
    "user-agent",
    "via",
    "x-correlation-id",
    "x-real-ip",
    "x-request-id",
];

/// Beginnings of such names.
const FAMILIES: &[&str] = &[
    "accept-",
    "access-control-",
    "content-",
    "if-",
    "openai-",
    "proxy-",
    "request-",
    "sec-",
    "x-arr-",
    "x-azure-",
    "x-b3-",
    "x-datadog-",
    "x-envoy-",
    "x-forwarded-",
    "x-ms-",
    "x-original-",
    "x-stainless-",
];

/// How many headers are the client's own.
pub(super) fn custom(headers: &HeaderMap) -> usize {
    let known = |name: &str| {
        COMMON.contains(&name) || FAMILIES.iter().any(|family| name.starts_with(family))
    };
    // Most requests have too few headers to look closer.
    if headers.len() <= super::serve::MOST_CUSTOM_HEADERS {
        return 0;
    }
    headers.keys().filter(|name| !known(name.as_str())).count()
}
