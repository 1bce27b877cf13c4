//! Every endpoint under random requests, valid ones and ones with a field changed, left
//! out or added, on every wire profile: no 5xx, no panic, no hang (an hour of virtual
//! time is the end), and an answer of its own form, strictly.
//!
//! `GET /++/journal/events` has no end and is left out; `control.rs` follows it.

use std::time::Duration;

use axum::body::Body;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use proptest::prelude::*;
use serde_json::json;
use tower::ServiceExt as _;

use crate::orders::{Kind, body, change, form};
use crate::robustness::anything;
use crate::support::{Bench, KEY};
use crate::typed;

const PROFILES: [&str; 5] = ["documented", "azure_2024", "azure_2025", "azure_2026", "openai"];

/// A deployment of each kind; the first letter is the path's place for it.
fn bench(profile: &str) -> Bench {
    let deployment = |(name, model, limit): (&str, &str, &str)| {
        format!(
            r#"{{ name = "{name}", model = "{model}", {limit}, wire_profile = "{profile}", mean_completion_tokens = 5, latency = {{ profile = "zero" }} }},"#
        )
    };
    let tpm = "tpm = 1000000000";
    let rpm = "rpm = 1000000";
    let lines: String = [
        ("gpt-4o", "gpt-4o", tpm),
        ("o3-mini", "o3-mini", tpm),
        ("gpt-35-turbo", "gpt-35-turbo", tpm),
        ("text-embedding-3-small", "text-embedding-3-small", tpm),
        ("gpt-image-1", "gpt-image-1", rpm),
        ("whisper", "whisper", rpm),
        ("tts", "tts", rpm),
    ]
    .map(deployment)
    .concat();
    Bench::new(&lines)
}

/// Where a kind is found: the deployment in the path, or in the body.
fn uri(kind: Kind, profile: &str, deployment: Option<&str>) -> String {
    let path = kind.path();
    match deployment {
        _ if profile == "openai" || kind == Kind::Moderations => format!("/v1/{path}"),
        Some(name) if kind != Kind::Responses => {
            format!("/openai/deployments/{name}/{path}?api-version=2025-04-01-preview")
        }
        _ => format!("/openai/v1/{path}"),
    }
}

/// Status, type and bytes of an answer that comes within an hour.
async fn ask(bench: &Bench, request: Request<Body>) -> (u16, String, Vec<u8>) {
    let told = async {
        let response = bench.router().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let kind = parts.headers.get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        (parts.status.as_u16(), kind.unwrap_or_default(), bytes)
    };
    tokio::time::timeout(Duration::from_secs(3_600), told).await.expect("a hang")
}

fn request(method: Method, uri: &str, body: impl Into<Body>) -> Request<Body> {
    let request = Request::builder().method(method).uri(uri);
    let request = request.header("api-key", KEY).header("authorization", format!("Bearer {KEY}"));
    request.body(body.into()).unwrap()
}

fn run(test: impl AsyncFnOnce()) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.unwrap().block_on(test());
}

/// An answer has its kind's form.
fn check(kind: Kind, status: u16, content_type: &str, bytes: &[u8]) {
    if status != 200 {
        assert!((400..500).contains(&status), "{status}");
        typed::expect::<typed::Failure>(std::str::from_utf8(bytes).unwrap());
        return;
    }
    if kind == Kind::Speech {
        assert!(content_type.starts_with("audio/") && !bytes.is_empty());
        return;
    }
    let body = std::str::from_utf8(bytes).unwrap();
    if content_type.starts_with("text/event-stream") {
        check_stream(kind, body);
        return;
    }
    match kind {
        Kind::Chat => {
            let chat: typed::Chat = typed::expect(body);
            let usage = &chat.usage;
            assert!(!chat.choices.is_empty());
            assert_eq!(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens.unwrap());
        }
        Kind::Completions => {
            let text: typed::Completion = typed::expect(body);
            let usage = &text.usage;
            assert_eq!(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens.unwrap());
        }
        Kind::Embeddings => {
            assert!(!typed::expect::<typed::Embeddings>(body).data.is_empty());
        }
        Kind::Responses => {
            let response: typed::Response = typed::expect(body);
            assert!(
                ["completed", "incomplete", "queued", "in_progress"]
                    .contains(&response.status.as_str())
            );
        }
        Kind::Images | Kind::ImageEdits => {
            assert!(!typed::expect::<typed::Images>(body).data.is_empty());
        }
        Kind::Transcriptions | Kind::Translations if content_type.starts_with("text/plain") => {
            assert!(!body.is_empty());
        }
        Kind::Transcriptions | Kind::Translations => drop(typed::expect::<typed::Transcript>(body)),
        Kind::Moderations => {
            assert!(!typed::expect::<typed::Moderation>(body).results.is_empty());
        }
        Kind::Speech => {}
    }
}

fn check_stream(kind: Kind, body: &str) {
    let data: Vec<&str> = body.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    if kind == Kind::Responses {
        let mut last = String::new();
        for (number, data) in data.iter().enumerate() {
            let event: typed::Event = typed::expect(data);
            assert_eq!(event.sequence_number, number as u64, "no gap");
            last = event.kind;
        }
        assert!(["response.completed", "response.incomplete"].contains(&last.as_str()), "{last}");
        return;
    }
    let (done, chunks) = data.split_last().unwrap();
    assert_eq!(*done, "[DONE]");
    for chunk in chunks {
        typed::expect::<typed::Chunk>(chunk);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_operation_answers_in_its_form(
        kind in prop::sample::select(Kind::ALL.to_vec()),
        profile in prop::sample::select(PROFILES.to_vec()),
        in_path in any::<bool>(),
        reasons in any::<bool>(),
        changes in prop::collection::vec(change(), 0..4),
    ) {
        run(async || {
            let bench = bench(profile);
            let valid = kind.valid(reasons);
            let body = body(kind, reasons, &changes);
            let deployment = valid["model"].as_str().filter(|_| in_path);
            let uri = uri(kind, profile, deployment);
            let mut request = request(Method::POST, &uri, body.to_string());
            if kind.is_form() {
                *request.body_mut() = form(&body).into();
                let form = "multipart/form-data; boundary=b".parse().unwrap();
                request.headers_mut().insert("content-type", form);
            }
            let (status, content_type, bytes) = ask(&bench, request).await;
            check(kind, status, &content_type, &bytes);
            if changes.is_empty() && !(kind == Kind::Moderations && profile != "openai") {
                // Images to edit are no whole files here, and translate nothing.
                let partly = kind.is_form() || kind == Kind::Responses && profile == "azure_2024";
                assert!(status == 200 || partly, "{kind:?} {profile}: {status} {}", String::from_utf8_lossy(&bytes));
            }
        });
    }

    /// What a resource answers by itself, and what it keeps.
    #[test]
    fn every_inquiry_answers_in_its_form(
        profile in prop::sample::select(PROFILES.to_vec()),
        what in prop::sample::select(vec!["models", "models/{}", "deployments", "responses/{}", "responses/{}/input_items", "responses/{}/cancel"]),
        method in prop::sample::select(vec![Method::GET, Method::DELETE, Method::POST, Method::PUT]),
        id in prop_oneof![Just(None), "[a-z0-9_.%-]{1,12}".prop_map(Some)],
        query in prop_oneof![Just(String::new()), "[a-z_=&0-9]{0,20}", Just("stream=true&starting_after=1".to_owned()), Just("limit=1&order=asc".to_owned())],
        background in any::<bool>(),
        api_version in prop_oneof![3 => Just("2025-04-01-preview"), 1 => Just("2022-12-01"), 1 => Just("x")],
    ) {
        run(async || {
            let bench = bench(profile);
            let root = if profile == "openai" { "/v1" } else { "/openai" };
            let order = json!({"model": "gpt-4o", "input": "Hello", "background": background}).to_string();
            let v1 = if profile == "openai" { "/v1/responses" } else { "/openai/v1/responses" };
            let (status, _, made) = ask(&bench, request(Method::POST, v1, order)).await;
            let made = String::from_utf8(made).unwrap();
            let known = if status == 200 { typed::expect::<typed::Response>(&made).id } else { "resp_1".to_owned() };
            let id = id.unwrap_or(if what.starts_with("models") { "gpt-4o".to_owned() } else { known });
            let uri = format!("{root}/{}?api-version={api_version}&{query}", what.replace("{}", &id));
            let Ok(uri) = uri.parse::<http::Uri>() else { return };
            let (status, content_type, bytes) = ask(&bench, request(method.clone(), &uri.to_string(), "")).await;
            let body = std::str::from_utf8(&bytes).unwrap();
            if status != 200 {
                assert!((400..500).contains(&status), "{status} {uri}");
                typed::expect::<typed::Failure>(body);
                return;
            }
            match what {
                "models" | "deployments" => assert!(!typed::expect::<typed::List>(body).data.is_empty()),
                "models/{}" => drop(typed::expect::<typed::Model>(body)),
                "responses/{}/input_items" => drop(typed::expect::<typed::List>(body)),
                _ if method == Method::DELETE => drop(typed::expect::<typed::Deleted>(body)),
                _ if content_type.starts_with("text/event-stream") => {}
                _ => drop(typed::expect::<typed::Response>(body)),
            }
        });
    }

    /// The live control: whatever is sent, it answers, and the simulator still does.
    #[test]
    fn every_control_answers(
        path in prop::sample::select(vec!["config", "faults", "faults/a", "journal", "state", "reset", "images/1", "nothing"]),
        method in prop::sample::select(vec![Method::GET, Method::POST, Method::PATCH, Method::DELETE]),
        body in prop_oneof![
            anything(),
            anything().prop_map(|value| json!({"deployments": {"gpt-4o": value}})),
            (anything(), "[a-z_]{1,12}").prop_map(|(value, key)| json!({"deployments": {"gpt-4o": {key: value}}})),
            (anything(), prop::sample::select(vec!["tpm", "latency", "strict", "rpm"]))
                .prop_map(|(value, key)| json!({"deployments": {"gpt-4o": {key: value}}})),
            anything().prop_map(|value| json!({"kind": "status", "status": value})),
            (400_u16..700, anything()).prop_map(|(status, value)| json!({"kind": "status", "status": status, "count": value})),
        ],
        query in "[a-z_=&0-9]{0,20}",
    ) {
        run(async || {
            let bench = bench("documented");
            let uri = format!("/++/{path}?{query}");
            let (status, _, bytes) = ask(&bench, request(method, &uri, body.to_string())).await;
            assert!(status < 500, "{status} {uri} {body}: {}", String::from_utf8_lossy(&bytes));
            for (uri, content_type) in [("/++/state", "application/json"), ("/healthz", "text/plain"), ("/metrics", "application/openmetrics-text"), ("/", "text/html")] {
                let (status, found, _) = ask(&bench, request(Method::GET, uri, "")).await;
                assert!(status == 200 && found.starts_with(content_type), "{uri}: {status} {found}");
            }
        });
    }
}
