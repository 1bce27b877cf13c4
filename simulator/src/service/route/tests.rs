use super::*;

fn found<T>(
    method: &str,
    uri: &str,
    then: impl FnOnce(Option<(Address<'_>, Endpoint, &str)>) -> T,
) -> T {
    let request = http::Request::builder().method(method).uri(uri).body(()).unwrap();
    let parts = request.into_parts().0;
    then(route(address(parts.uri.path()), &parts, Style::Azure, "2026-12-31").ok())
}

/// The endpoint's name, the surface and the deployment of a request.
#[track_caller]
fn check(method: &str, uri: &str, expected: Option<(&str, Surface, Option<&str>)>) {
    found(method, uri, |found| {
        let found = found
            .map(|(address, endpoint, _)| (endpoint.name(), address.surface, address.deployment));
        assert_eq!(found, expected, "{method} {uri}");
    });
}

const CHAT: &str = "ChatCompletions_Create";

#[test]
fn every_surface_has_its_paths() {
    let d = |name| Some((CHAT, Surface::Deployment, Some(name)));
    let chat = "/openai/deployments/d1/chat/completions";
    check("POST", &format!("{chat}?api-version=2024-10-21"), d("d1"));
    check("POST", &format!("/{chat}?x=1&api-version=2023-03-15-preview"), d("d1"));
    check(
        "POST",
        "/openai/deployments/d.2/completions?api-version=2022-12-01",
        Some(("Completions_Create", Surface::Deployment, Some("d.2"))),
    );
    check(
        "POST",
        "/openai/deployments/v1/embeddings?api-version=2023-05-15",
        Some(("Embeddings_Create", Surface::Deployment, Some("v1"))),
    );
    check("POST", "/openai/v1/chat/completions", Some((CHAT, Surface::V1, None)));
    check("POST", "//v1/chat/completions", Some((CHAT, Surface::OpenAi, None)));
    check("POST", "/v1/chat/completions?api-version=x", Some((CHAT, Surface::OpenAi, None)));
    for (uri, surface) in [
        ("/openai/models?api-version=2024-10-21", Surface::Flat),
        ("/openai/v1/models", Surface::V1),
        ("/v1/models", Surface::OpenAi),
    ] {
        check("GET", uri, Some(("Models_List", surface, None)));
        let one = uri.replace("models", "models/gpt-4o");
        check("GET", &one, Some(("Models_Get", surface, None)));
        found("GET", &one, |found| assert_eq!(found.unwrap().0.id(), Some("gpt-4o")));
        check("GET", &uri.replace("models", "models/"), None);
        check("GET", &uri.replace("models", "models/a/b"), None);
    }
    let deployments = "/openai/deployments?api-version=2022-12-01";
    check("GET", deployments, Some(("Deployments_List", Surface::Flat, None)));
    check("GET", "/openai/deployments?api-version=2023-05-15", None);
}

#[test]
fn all_else_is_not_found() {
    let chat = "/openai/deployments/d1/chat/completions";
    for uri in [
        chat,
        &format!("{chat}?api-version=2022-12-01"),
        &format!("{chat}?api-version=2027-01-01"),
        &format!("{chat}?api-version=latest"),
        &format!("{chat}/?api-version=2024-10-21"),
        "/openai/deployments//completions?api-version=2024-10-21",
        "/openai/chat/completions?api-version=2024-10-21",
        "/openai/v1/chat/completions?api-version=v2",
        "/openai/v1/chat/completions/",
        "/openai/v1",
        "/v1",
        "/v1/",
        "/chat/completions?api-version=2024-10-21",
        "/",
    ] {
        check("POST", uri, None);
    }
    check("GET", &format!("{chat}?api-version=2024-10-21"), None);
    check("GET", "/openai/v1/chat/completions", None);
}

#[test]
fn versions_are_named_as_they_came() {
    for (uri, version) in [
        ("/openai/v1/chat/completions", "v1"),
        ("//openai/v1/completions?api-version=", "v1"),
        ("/openai/v1/embeddings?api-version=preview", "preview"),
        ("/openai/v1/embeddings?x&api-version=v1", "v1"),
        ("/openai/v1/chat/completions?api-version=2021-01-01", "2021-01-01"),
    ] {
        found("POST", uri, |found| assert_eq!(found.map(|found| found.2), Some(version), "{uri}"));
    }
}

#[test]
fn a_preview_counts_as_its_day() {
    assert!(enabled("2024-12-01-preview", "2024-12-01-preview"));
    assert!(enabled("2025-01-01", "2024-12-01-preview"));
    assert!(!enabled("2024-10-21", "2024-12-01-preview"));
    assert!(enabled("v1", "2024-12-01-preview"));
}
