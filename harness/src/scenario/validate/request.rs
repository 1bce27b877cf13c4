//! Request templates: workloads, calls and probes.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use percent_encoding::utf8_percent_encode;
use seam::diagnostic::Diagnostic;
use seam::units::HumanDuration;
use serde_json::Value;
use toml::Spanned;

use super::{Checker, draws};
use crate::scenario::draw::UNRESERVED;
use crate::scenario::model::{RequestTemplate, Workload};
use crate::scenario::raw::RawWorkload;

const WORKLOAD_TIMEOUT: Duration = Duration::from_secs(60);

/// The parts a request is written with, wherever it stands in the file.
pub(super) struct RawRequest<'a> {
    pub(super) method: Option<&'a Spanned<String>>,
    pub(super) path: &'a Spanned<String>,
    pub(super) query: &'a BTreeMap<String, String>,
    pub(super) headers: &'a BTreeMap<String, Spanned<String>>,
    pub(super) body: Option<&'a Spanned<Value>>,
    pub(super) timeout: Option<&'a Spanned<HumanDuration>>,
    pub(super) default_timeout: Duration,
}

pub(super) fn workload(checker: &mut Checker<'_>, raw: &RawWorkload) -> Option<Workload> {
    let request = check(
        checker,
        &RawRequest {
            method: raw.method.as_ref(),
            path: &raw.path,
            query: &raw.query,
            headers: &raw.headers,
            body: raw.body.as_ref(),
            timeout: raw.timeout.as_ref(),
            default_timeout: WORKLOAD_TIMEOUT,
        },
    );
    let (draws, varying) = draws::check(checker, raw)?;
    Some(Workload { name: raw.name.get_ref().clone(), request: request?, draws, varying })
}

pub(super) fn check(checker: &mut Checker<'_>, raw: &RawRequest<'_>) -> Option<RequestTemplate> {
    let method = method(checker, raw.method);
    let path_and_query = path(checker, raw.path, raw.query);
    let mut headers = headers(checker, raw.headers);
    let body = body(checker, raw.body);
    if raw.body.is_some()
        && let Some(headers) = &mut headers
        && !headers.contains_key(CONTENT_TYPE)
    {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    let timeout = match raw.timeout {
        None => raw.default_timeout,
        Some(timeout) => {
            positive(checker, timeout, "a timeout");
            timeout.get_ref().0
        }
    };
    Some(RequestTemplate {
        method: method?,
        path_and_query: path_and_query?,
        headers: headers?,
        body: body?,
        timeout,
    })
}

/// Longer than any sensible run; what is added to a moment must stay in its range.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Durations that must not be zero, nor beyond all measure.
pub(super) fn positive(checker: &mut Checker<'_>, value: &Spanned<HumanDuration>, what: &str) {
    if value.get_ref().0.is_zero() {
        checker.error(value.span(), format!("{what} of zero"));
    }
    bounded(checker, value.span(), value.get_ref().0, what);
}

/// Durations that may be zero, but not beyond all measure.
pub(super) fn bounded(checker: &mut Checker<'_>, span: Range<usize>, value: Duration, what: &str) {
    if LONGEST < value {
        checker.error(span, format!("{what} of more than {}", HumanDuration(LONGEST)));
    }
}

fn method(checker: &mut Checker<'_>, raw: Option<&Spanned<String>>) -> Option<Method> {
    const KNOWN: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    let Some(raw) = raw else { return Some(Method::POST) };
    let text = raw.get_ref();
    match Method::from_bytes(text.as_bytes()) {
        Ok(method) if KNOWN.contains(&method.as_str()) => Some(method),
        Ok(_) | Err(_) => {
            checker.push(
                Diagnostic::error(
                    checker.source,
                    raw.span(),
                    format!("`{text}` is not an HTTP method"),
                )
                .did_you_mean(text, KNOWN),
            );
            None
        }
    }
}

fn path(
    checker: &mut Checker<'_>,
    raw: &Spanned<String>,
    query: &BTreeMap<String, String>,
) -> Option<String> {
    let text = raw.get_ref();
    if !text.starts_with('/') {
        checker.error(raw.span(), format!("path `{text}` does not begin with `/`"));
        return None;
    }
    if text.contains(['?', '#']) {
        checker.push(
            Diagnostic::error(
                checker.source,
                raw.span(),
                format!("path `{text}` contains `?` or `#`"),
            )
            .help("write query parameters as `query = { name = \"value\" }`"),
        );
        return None;
    }
    let mut out = text.clone();
    for (index, (name, value)) in query.iter().enumerate() {
        out.push(if index == 0 { '?' } else { '&' });
        out.extend(utf8_percent_encode(name, UNRESERVED));
        out.push('=');
        out.extend(utf8_percent_encode(value, UNRESERVED));
    }
    match out.parse::<PathAndQuery>() {
        Ok(_) => Some(out),
        Err(error) => {
            checker.error(raw.span(), format!("`{text}` is not a path: {error}"));
            None
        }
    }
}

fn headers(
    checker: &mut Checker<'_>,
    raw: &BTreeMap<String, Spanned<String>>,
) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    let mut good = true;
    for (name, value) in raw {
        let problem = match (HeaderName::try_from(name), HeaderValue::try_from(value.get_ref())) {
            (Ok(name), Ok(value)) => {
                headers.insert(name, value);
                continue;
            }
            (Err(_), _) => format!("`{name}` cannot be a header's name"),
            // Not the value: it may be a secret.
            (Ok(_), Err(_)) => format!("the value of header `{name}` has forbidden characters"),
        };
        checker.error(value.span(), problem);
        good = false;
    }
    good.then_some(headers)
}

/// TOML has dates, which JSON has not; serde hands them over as a table with
/// this key.
const TOML_DATE: &str = "$__toml_private_datetime";

fn body(checker: &mut Checker<'_>, raw: Option<&Spanned<Value>>) -> Option<Bytes> {
    let Some(raw) = raw else { return Some(Bytes::new()) };
    json(checker, raw.get_ref(), raw.span()).then(|| Bytes::from(raw.get_ref().to_string()))
}

/// Whether a TOML value can be said in JSON.
pub(super) fn json(checker: &mut Checker<'_>, value: &Value, span: Range<usize>) -> bool {
    let has_date = contains(value, &|value| value.get(TOML_DATE).is_some());
    if has_date {
        checker.push(
            Diagnostic::error(checker.source, span, "JSON has no dates")
                .help("put the date in quotes"),
        );
    }
    !has_date
}

/// Whether a value or any part of it satisfies a predicate.
pub(super) fn contains(value: &Value, predicate: &dyn Fn(&Value) -> bool) -> bool {
    predicate(value)
        || match value {
            Value::Array(items) => items.iter().any(|item| contains(item, predicate)),
            Value::Object(fields) => fields.values().any(|item| contains(item, predicate)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        }
}
