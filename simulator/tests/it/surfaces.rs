//! The four forms of the API, who answers on each, and how it looks there.

use axum::body::Body;
use http::Request;

use crate::support::{Answer, Bench, CHAT, KEY};

/// A resource of OpenAI's models.
const OPENAI: &str = r#"
  { name = "gpt-4o", model = "gpt-4o", tpm = 100000, wire_profile = "openai", latency = { profile = "zero" } },
  { name = "gpt-3.5-turbo-instruct", model = "gpt-3.5-turbo-instruct", tpm = 100000, wire_profile = "openai", latency = { profile = "zero" } },
  { name = "text-embedding-ada-002", model = "text-embedding-ada-002", tpm = 100000, wire_profile = "openai", latency = { profile = "zero" } },
"#;
const AZURE: &str = r#"
  { name = "chat", model = "gpt-4o", tpm = 100000, latency = { profile = "zero" } },
  { name = "thinker", model = "o1", tpm = 100000, latency = { profile = "zero" } },
"#;
const HI: &str = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}],"max_tokens":5}"#;

/// A request with a key as OpenAI's clients send it.
fn bearer(method: &str, uri: &str, key: Option<&str>, body: &str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(uri);
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    request.body(Body::from(body.to_owned())).unwrap()
}

async fn openai(bench: &Bench, uri: &str, body: &str) -> Answer {
    bench.send(bearer("POST", uri, Some(KEY), body)).await
}

#[tokio::test(start_paused = true)]
async fn openai_errors_are_golden() {
    let bench = Bench::new(OPENAI);
    let chat = "/v1/chat/completions";
    for (name, method, uri, key, body) in [
        ("401_key", "POST", chat, Some("invalid-key-12345"), HI),
        ("401_none", "POST", chat, None, HI),
        ("404_url", "POST", "/v1/foo", Some(KEY), HI),
        ("405", "GET", chat, Some(KEY), ""),
        ("404_model", "POST", chat, Some(KEY), &HI.replace("gpt-4o", "gpt-9")),
        ("404_retired", "POST", chat, Some(KEY), &HI.replace("gpt-4o", "gpt-4-0314")),
        ("404_not_chat", "POST", chat, Some(KEY), &HI.replace("gpt-4o", "gpt-3.5-turbo-instruct")),
        ("404_not_text", "POST", "/v1/completions", Some(KEY), HI),
        ("404_not_embeddings", "POST", "/v1/embeddings", Some(KEY), HI),
        ("404_models", "GET", "/v1/models/gpt-9", Some(KEY), ""),
        ("400_json", "POST", chat, Some(KEY), "{"),
        ("400_no_model", "POST", chat, Some(KEY), "{}"),
    ] {
        let answer = bench.send(bearer(method, uri, key, body)).await;
        insta::assert_snapshot!(format!("openai_{name}"), answer.redacted());
    }
}

/// The lengths of recorded bodies.
#[tokio::test(start_paused = true)]
async fn openai_errors_have_the_recorded_bytes() {
    let bench = Bench::new(OPENAI);
    let chat = "/v1/chat/completions";
    let answer = bench.send(bearer("POST", chat, Some("invalid-key-12345"), HI)).await;
    assert_eq!(answer.body.len(), 267);
    let model = HI.replace("gpt-4o", "not-found-TEST_CHAT_MODEL");
    assert_eq!(openai(&bench, chat, &model).await.body.len(), 210);
}

#[tokio::test(start_paused = true)]
async fn the_key_is_a_bearer_token_and_nothing_else() {
    let bench = Bench::new(OPENAI);
    assert_eq!(openai(&bench, "/v1/chat/completions", HI).await.status, 200);
    // As Azure's clients send it.
    let answer = bench.post("/v1/chat/completions", HI).await;
    assert_eq!(answer.status, 401);
    assert!(answer.body.contains("You didn't provide an API key"), "{}", answer.body);
}

#[tokio::test(start_paused = true)]
async fn an_azure_resource_has_no_v1_of_openai() {
    let bench = Bench::new(AZURE);
    let expected = bench.post("/nowhere", HI).await;
    for uri in ["/v1/chat/completions", "/v1/models", "/v1"] {
        let answer = openai(&bench, uri, HI).await;
        assert_eq!((answer.status, &answer.body), (expected.status, &expected.body), "{uri}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_is_found_by_its_snapshot_on_openais_surface() {
    let bench = Bench::new(OPENAI);
    for name in ["gpt-4o", "gpt-4o-2024-11-20"] {
        let answer = openai(&bench, "/v1/chat/completions", &HI.replace("gpt-4o", name)).await;
        assert_eq!(answer.json()["model"], "gpt-4o-2024-11-20", "{name}");
    }
    let journal = bench.journal().await;
    assert_eq!(journal[1]["deployment"], "gpt-4o");
}

#[tokio::test(start_paused = true)]
async fn a_model_may_need_a_newer_version() {
    let bench = Bench::new(AZURE);
    let uri = CHAT.replace("/chat/chat/", "/thinker/chat/");
    let body = r#"{"messages":[{"role":"user","content":"hi"}]}"#;
    insta::assert_snapshot!("400_model_version", bench.post(&uri, body).await.redacted());
    let newer = uri.replace("2024-10-21", "2024-12-01-preview");
    assert_eq!(bench.post(&newer, body).await.status, 200);
    // The v1 surface has no dated versions.
    let body = body.replace("{\"messages", "{\"model\":\"thinker\",\"messages");
    let answer = bench.post("/openai/v1/chat/completions?api-version=2024-10-21", &body).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test(start_paused = true)]
async fn the_path_names_the_deployment_whatever_the_body_says() {
    let bench = Bench::new(AZURE);
    for model in ["\"nonsense\"", "7", "null", "{}"] {
        let body = HI.replace("\"gpt-4o\"", model);
        let answer = bench.post(&format!("/{CHAT}"), &body).await;
        assert_eq!(answer.json()["model"], "gpt-4o-2024-11-20", "{model}");
    }
}

#[tokio::test(start_paused = true)]
async fn models_are_golden() {
    let bench = Bench::new(OPENAI);
    let get = async |uri| bench.send(bearer("GET", uri, Some(KEY), "")).await;
    insta::assert_snapshot!("models_openai", get("/v1/models").await.redacted());
    insta::assert_snapshot!("model_openai", get("/v1/models/gpt-4o").await.redacted());
    let bench = Bench::new(AZURE);
    let flat = "/openai/models/gpt-4o?api-version=2024-10-21";
    insta::assert_snapshot!("model_azure", bench.get(flat).await.redacted());
    let unknown = bench.get("/openai/v1/models/gpt-9").await;
    insta::assert_snapshot!("model_azure_unknown", unknown.redacted());
    let listed = bench.get("/openai/v1/models").await.json();
    let ids: Vec<_> = listed["data"].as_array().unwrap().iter().map(|m| &m["id"]).collect();
    assert!(ids.iter().any(|id| *id == "gpt-4o-2024-11-20") && 20 < ids.len(), "{ids:?}");
    let old = bench.get("/openai/deployments?api-version=2022-12-01").await;
    insta::assert_snapshot!("deployments_azure", old.redacted());
    // None of these needs a deployment or a limiter, all are in the journal.
    let rows: Vec<_> = bench.journal().await;
    assert_eq!(rows[0]["operation"], "Models_Get");
    assert_eq!(rows[0]["deployment"], serde_json::Value::Null);
    assert_eq!(rows[0]["credential"], "key");
}
