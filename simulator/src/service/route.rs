//! Paths and API versions of the data plane (specification, 1.1 and 1.2).

use http::Method;
use http::request::Parts;

use crate::catalogue::Operation;
use crate::wire::ApiError;

/// Since when chat is known.
const FIRST_CHAT_VERSION: &str = "2023-03-15";
/// The first version at all.
const FIRST_VERSION: &str = "2022-12-01";

/// What 429 texts call the version of a v1 request that names none.
const V1: &str = "v1";

/// The two forms of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Surface<'a> {
    /// `/openai/deployments/{name}/…`: the path names the deployment.
    Deployment(&'a str),
    /// `/openai/v1/…`: `model` in the body does.
    V1,
}

/// Where a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Route<'a> {
    pub operation: Operation,
    pub surface: Surface<'a>,
    pub api_version: &'a str,
}

/// The operation and surface in a path, whatever the method and version.
/// Leading slashes may be doubled: clients configured with a trailing slash do that.
pub(super) fn address(path: &str) -> Option<(Operation, Surface<'_>)> {
    let rest = path.trim_start_matches('/').strip_prefix("openai/")?;
    let (surface, operation) = if let Some(rest) = rest.strip_prefix("deployments/") {
        let (deployment, operation) = rest.split_once('/')?;
        (Surface::Deployment(deployment), operation)
    } else {
        (Surface::V1, rest.strip_prefix("v1/")?)
    };
    let operation = match operation {
        "chat/completions" => Operation::Chat,
        "completions" => Operation::Completions,
        "embeddings" => Operation::Embeddings,
        "responses" if surface == Surface::V1 => Operation::Responses,
        _ => return None,
    };
    (surface != Surface::Deployment("")).then_some((operation, surface))
}

/// Method, path and version, or "Resource not found" for any other.
pub(super) fn route<'a>(parts: &'a Parts, newest: &str) -> Result<Route<'a>, ApiError> {
    let (operation, surface) =
        address(parts.uri.path()).ok_or_else(ApiError::resource_not_found)?;
    let version = parts.uri.query().and_then(api_version);
    let first = match operation {
        Operation::Chat => FIRST_CHAT_VERSION,
        Operation::Completions | Operation::Embeddings | Operation::Responses => FIRST_VERSION,
    };
    let known = match (surface, version) {
        (Surface::Deployment(_), None) => None,
        (Surface::Deployment(_), Some(version)) => {
            date_of(version).is_some_and(|date| (first..=newest).contains(&date)).then_some(version)
        }
        // Accepted and ignored: `v1`, `preview`, or any dated one.
        (Surface::V1, None | Some("")) => Some(V1),
        (Surface::V1, Some(version)) => {
            (matches!(version, V1 | "preview") || date_of(version).is_some()).then_some(version)
        }
    };
    match known {
        Some(api_version) if parts.method == Method::POST => {
            Ok(Route { operation, surface, api_version })
        }
        _ => Err(ApiError::resource_not_found()),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn found<T>(method: &str, uri: &str, then: impl FnOnce(Option<Route<'_>>) -> T) -> T {
        let request = http::Request::builder().method(method).uri(uri).body(()).unwrap();
        then(route(&request.into_parts().0, "2026-12-31").ok())
    }

    #[track_caller]
    fn check(method: &str, uri: &str, expected: Option<(Operation, &str)>) {
        let expected = expected.map(|(operation, name)| (operation, Surface::Deployment(name)));
        found(method, uri, |found| {
            let found = found.map(|route| (route.operation, route.surface));
            assert_eq!(found, expected, "{method} {uri}");
        });
    }

    #[test]
    fn the_v1_surface_needs_no_version() {
        for (uri, operation, version) in [
            ("/openai/v1/chat/completions", Operation::Chat, "v1"),
            ("//openai/v1/completions?api-version=", Operation::Completions, "v1"),
            ("/openai/v1/embeddings?api-version=preview", Operation::Embeddings, "preview"),
            ("/openai/v1/embeddings?x&api-version=v1", Operation::Embeddings, "v1"),
            ("/openai/v1/chat/completions?api-version=2021-01-01", Operation::Chat, "2021-01-01"),
        ] {
            let expected = Route { operation, surface: Surface::V1, api_version: version };
            found("POST", uri, |found| assert_eq!(found, Some(expected), "{uri}"));
        }
        check("POST", "/openai/v1/chat/completions?api-version=v2", None);
        check("GET", "/openai/v1/chat/completions", None);
        check("POST", "/openai/v1/chat/completions/", None);
        check("POST", "/openai/v1", None);
        check("POST", "/v1/chat/completions", None);
        check("POST", "/openai/deployments/v1/chat/completions", None);
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
