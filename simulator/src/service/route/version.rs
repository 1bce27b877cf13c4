//! `api-version`: which are known, and which are new enough (specification,
//! section 1.2).

use super::address::Surface;
use super::table::Row;

/// What 429 texts call the version of a request that names none.
const V1: &str = "v1";

/// The version of a request as later texts name it, if the surface and the
/// endpoint take it.
pub(super) fn known<'p>(
    surface: Surface,
    named: Option<&'p str>,
    row: &Row,
    newest: &str,
) -> Option<&'p str> {
    match (surface, named) {
        (Surface::OpenAi, _) => Some(V1),
        // Accepted and ignored: `v1`, `preview`, or any dated one.
        (Surface::V1, None | Some("")) => Some(V1),
        (Surface::V1, Some(version)) => {
            (matches!(version, V1 | "preview") || date_of(version).is_some()).then_some(version)
        }
        (Surface::Deployment | Surface::Flat, version) => version.filter(|version| {
            date_of(version).is_some_and(|date| {
                row.since <= date && date <= newest && row.until.is_none_or(|until| date <= until)
            })
        }),
    }
}

/// The query's `api-version`.
pub(in crate::service) fn api_version(query: &str) -> Option<&str> {
    query.split('&').find_map(|pair| pair.strip_prefix("api-version="))
}

/// Whether a version that was named is new enough for something enabled since
/// another. A version without a date is always the newest.
pub(in crate::service) fn enabled(version: &str, since: &str) -> bool {
    match (date_of(version), date_of(since)) {
        (Some(version), Some(since)) => since <= version,
        _ => true,
    }
}

/// The date of `2024-10-21` or `2024-10-01-preview`.
fn date_of(version: &str) -> Option<&str> {
    let date = version.strip_suffix("-preview").unwrap_or(version);
    let is_date = date.len() == 10
        && date.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    is_date.then_some(date)
}
