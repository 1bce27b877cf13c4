//! Paths, API versions and keys of the data plane (specification, 1.1 to 1.3).

use http::request::Parts;
use http::{HeaderMap, Method};

use super::resource::Resource;
use crate::catalogue::Operation;
use crate::wire::ApiError;

/// Since when chat is known.
const FIRST_CHAT_VERSION: &str = "2023-03-15";
/// The first version at all.
const FIRST_VERSION: &str = "2022-12-01";

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    pub operation: Operation,
    pub deployment: String,
    pub api_version: String,
}

/// The operation and deployment in a path, whatever the method and version.
/// Leading slashes may be doubled: clients configured with a trailing slash do that.
pub(super) fn address(path: &str) -> Option<(Operation, &str)> {
    let rest = path.trim_start_matches('/').strip_prefix("openai/deployments/")?;
    let (deployment, operation) = rest.split_once('/')?;
    let operation = match operation {
        "chat/completions" => Operation::Chat,
        "completions" => Operation::Completions,
        "embeddings" => Operation::Embeddings,
        _ => return None,
    };
    (!deployment.is_empty()).then_some((operation, deployment))
}

/// Method, path and version, or "Resource not found" for any other.
pub(super) fn route(parts: &Parts, newest: &str) -> Result<Route, ApiError> {
    let (operation, deployment) =
        address(parts.uri.path()).ok_or_else(ApiError::resource_not_found)?;
    let version = parts.uri.query().and_then(api_version).unwrap_or_default();
    let first = match operation {
        Operation::Chat => FIRST_CHAT_VERSION,
        Operation::Completions | Operation::Embeddings => FIRST_VERSION,
    };
    let known = date_of(version).is_some_and(|date| (first..=newest).contains(&date));
    if parts.method != Method::POST || !known {
        return Err(ApiError::resource_not_found());
    }
    Ok(Route { operation, deployment: deployment.to_owned(), api_version: version.to_owned() })
}

fn api_version(query: &str) -> Option<&str> {
    query.split('&').find_map(|pair| pair.strip_prefix("api-version="))
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

/// Checks the key. On this surface a bearer token is one of Entra's, and the
/// simulator issues none.
pub(super) fn authenticate(resource: &Resource, headers: &HeaderMap) -> Result<(), ApiError> {
    let sent = ["api-key", "ocp-apim-subscription-key"]
        .iter()
        .find_map(|name| headers.get(*name).map(|value| value.as_bytes()))
        .filter(|key| !key.is_empty());
    match sent {
        Some(key) if resource.accepts(key) => Ok(()),
        Some(_) => Err(ApiError::invalid_key()),
        None => Err(ApiError::unauthorized()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: &str, uri: &str, expected: Option<(Operation, &str)>) {
        let request = http::Request::builder().method(method).uri(uri).body(()).unwrap();
        let found = route(&request.into_parts().0, "2026-12-31").ok();
        let found = found.as_ref().map(|route| (route.operation, route.deployment.as_str()));
        assert_eq!(found, expected, "{method} {uri}");
    }

    #[test]
    fn known_paths_with_a_known_version_are_routed() {
        let chat = "/openai/deployments/d1/chat/completions";
        check("POST", &format!("{chat}?api-version=2024-10-21"), Some((Operation::Chat, "d1")));
        check(
            "POST",
            &format!("/{chat}?x=1&api-version=2023-03-15-preview"),
            Some((Operation::Chat, "d1")),
        );
        let completions = "/openai/deployments/d.2/completions?api-version=2022-12-01";
        check("POST", completions, Some((Operation::Completions, "d.2")));
        let embeddings = "/openai/deployments/d/embeddings?api-version=2023-05-15";
        check("POST", embeddings, Some((Operation::Embeddings, "d")));
    }

    #[test]
    fn all_else_is_not_found() {
        let chat = "/openai/deployments/d1/chat/completions";
        check("POST", chat, None);
        check("GET", &format!("{chat}?api-version=2024-10-21"), None);
        check("POST", &format!("{chat}?api-version=2022-12-01"), None);
        check("POST", &format!("{chat}?api-version=2027-01-01"), None);
        check("POST", &format!("{chat}?api-version=latest"), None);
        check("POST", &format!("{chat}/?api-version=2024-10-21"), None);
        check("POST", "/openai/deployments//completions?api-version=2024-10-21", None);
        check("POST", "/chat/completions?api-version=2024-10-21", None);
        check("POST", "/", None);
    }
}
