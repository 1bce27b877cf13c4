//! The v1 surface: the body's `model` names the deployment, a bearer token may
//! be a key. All else is as on the deployment surface.

use axum::body::Body;
use http::{HeaderMap, Request};
use serde_json::Value;

use crate::support::{Answer, Bench, CHAT, EMBEDDING, KEY, TEXT};

const V1_CHAT: &str = "/openai/v1/chat/completions";
const V1_TEXT: &str = "/openai/v1/completions";
const V1_EMBEDDING: &str = "/openai/v1/embeddings";
const DEPLOYMENTS: &str = r#"
  { name = "chat", model = "gpt-4o", tpm = 100000, latency = { profile = "zero" } },
  { name = "text", model = "gpt-35-turbo", tpm = 100000, latency = { profile = "zero" } },
  { name = "emb", model = "text-embedding-ada-002", tpm = 100000, latency = { profile = "zero" } },
  { name = "tiny", model = "gpt-4o", tpm = 1000, strict = true, latency = { profile = "zero" } },
"#;
const HI: &str = r#"{"model":"chat","messages":[{"role":"user","content":"hi"}]}"#;

fn with_headers(uri: &str, body: &str, pairs: &[(&str, &str)]) -> Request<Body> {
    let mut request = Bench::request(uri, body.to_owned());
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let name: http::HeaderName = name.parse().unwrap();
        headers.append(name, value.parse().unwrap());
    }
    *request.headers_mut() = headers;
    request
}

/// Answers are drawn from the request's number, so two new benches must agree
/// to the byte, request ids included.
#[tokio::test(start_paused = true)]
async fn answers_are_those_of_the_deployment_surface() {
    let stream = r#"{"model":"chat","messages":[{"role":"user","content":"hi"}],"max_tokens":9,"stream":true,"stream_options":{"include_usage":true}}"#;
    for (v1, uri, body) in [
        (V1_CHAT, CHAT, HI),
        (V1_CHAT, CHAT, stream),
        (V1_TEXT, TEXT, r#"{"model":"text","prompt":"x","max_tokens":5}"#),
        (V1_EMBEDDING, EMBEDDING, r#"{"model":"emb","input":["x","y"]}"#),
        (V1_CHAT, CHAT, r#"{"model":"chat","messages":"hi"}"#),
        (V1_CHAT, CHAT, r#"{"model":"chat","messages":[],"max_tokens":99999}"#),
        (V1_EMBEDDING, &EMBEDDING.replace("/emb/", "/chat/"), r#"{"model":"chat","input":"x"}"#),
    ] {
        let (one, other) = (Bench::new(DEPLOYMENTS), Bench::new(DEPLOYMENTS));
        let (expected, answer) = (one.post(uri, body).await, other.post(v1, body).await);
        assert_eq!(answer.status, expected.status, "{v1} {body}");
        assert_eq!(answer.headers, expected.headers, "{v1} {body}");
        assert_eq!(answer.body, expected.body, "{v1} {body}");
        assert_eq!(other.journal().await, one.journal().await, "{v1} {body}");
        let metrics = |text: String| {
            // Label sets come in no particular order.
            let mut total: Vec<_> = text.lines().filter(|l| l.contains("_total{")).collect();
            total.sort_unstable();
            total.join("\n")
        };
        assert_eq!(
            metrics(other.get("/metrics").await.body),
            metrics(one.get("/metrics").await.body),
        );
    }
}

#[tokio::test(start_paused = true)]
async fn both_surfaces_share_a_deployments_limit() {
    let bench = Bench::new(DEPLOYMENTS);
    let uri = CHAT.replace("/chat/chat", "/tiny/chat");
    let body = r#"{"model":"tiny","messages":[{"role":"user","content":"hi"}],"max_tokens":900}"#;
    assert_eq!(bench.post(&uri, body).await.status, 200);
    let refused = bench.post(V1_CHAT, body).await;
    insta::assert_snapshot!("v1_429_tokens", refused.redacted());
    let named = bench.post(&format!("{V1_CHAT}?api-version=preview"), body).await;
    assert!(named.body.contains("API version preview."), "{}", named.body);
}

#[tokio::test(start_paused = true)]
async fn the_model_must_be_a_deployment() {
    let bench = Bench::new(DEPLOYMENTS);
    let unknown = HI.replace("\"chat\"", "\"gpt-4o\"");
    let answer = bench.post(V1_CHAT, &unknown).await;
    insta::assert_snapshot!("v1_404_deployment", answer.redacted());
    let missing = bench.post(V1_CHAT, &HI.replace("\"model\":\"chat\",", "")).await;
    insta::assert_snapshot!("v1_400_no_model", missing.redacted());
    let is_missing =
        |answer: Answer| (answer.status, answer.body) == (missing.status, missing.body.clone());
    for model in ["null", "\"\""] {
        let body = HI.replace("\"chat\"", model);
        assert!(is_missing(bench.post(V1_CHAT, &body).await), "{body}");
    }
    let number = bench.post(V1_CHAT, &HI.replace("\"chat\"", "7")).await;
    insta::assert_snapshot!("v1_400_model_type", number.redacted());
    let broken = bench.post(V1_CHAT, "{").await;
    insta::assert_snapshot!("v1_400_json", broken.redacted());
    // None of these has reached a limiter.
    let answer = bench.post(V1_CHAT, HI).await;
    assert_eq!(answer.header("x-ratelimit-remaining-requests"), Some("599"));
    let rows: Vec<_> = bench
        .journal()
        .await
        .iter()
        .map(|row| {
            let text = |key: &str| row[key].as_str().unwrap_or("-").to_owned();
            (row["status"].as_u64().unwrap(), text("reason"), text("deployment"), text("operation"))
        })
        .collect();
    insta::assert_debug_snapshot!("v1_journal", rows);
}

#[tokio::test(start_paused = true)]
async fn a_key_comes_in_any_of_three_headers() {
    let bench = Bench::new(DEPLOYMENTS);
    let bearer = format!("Bearer {KEY}");
    for accepted in [
        &[("api-key", KEY)][..],
        &[("ocp-apim-subscription-key", KEY)],
        &[("authorization", &bearer)],
        &[("authorization", "bearer k2")],
        &[("api-key", ""), ("authorization", &bearer)],
    ] {
        let answer = bench.send(with_headers(V1_CHAT, HI, accepted)).await;
        assert_eq!(answer.status, 200, "{accepted:?}");
    }
    let no_key = bench.send(with_headers(V1_CHAT, HI, &[])).await;
    insta::assert_snapshot!("v1_401_no_key", no_key.redacted());
    for refused in ["Bearer wrong", "Bearer ", "Basic k1", "k1", "Bearerk1", "é"] {
        let answer = bench.send(with_headers(V1_CHAT, HI, &[("authorization", refused)])).await;
        assert_eq!((answer.status.as_u16(), answer.body), (401, no_key.body.clone()), "{refused}");
    }
    // A key that is wrong is not helped by a token.
    let both = [("api-key", "wrong"), ("authorization", &bearer)];
    let answer = bench.send(with_headers(V1_CHAT, HI, &both)).await;
    insta::assert_snapshot!("v1_401_wrong_key", answer.redacted());
    // The deployment surface knows no keys in a token.
    let answer = bench.send(with_headers(CHAT, HI, &[("authorization", &bearer)])).await;
    assert_eq!((answer.status.as_u16(), answer.body), (401, no_key.body));
    // The key is looked at before the body.
    assert_eq!(bench.send(with_headers(V1_CHAT, "{", &[])).await.status, 401);
}

#[tokio::test(start_paused = true)]
async fn what_v1_does_not_have_here_is_not_found() {
    let bench = Bench::new(DEPLOYMENTS);
    let expected = bench.post("/nowhere", HI).await.body;
    for uri in ["/openai/v1/files", "/openai/v1", "/v1/chat/completions", "/openai/v1/chat"] {
        let answer = bench.post(uri, HI).await;
        assert_eq!((answer.status.as_u16(), &answer.body), (404, &expected), "{uri}");
    }
    let answer = bench.post(&format!("{V1_CHAT}?api-version=latest"), HI).await;
    assert_eq!((answer.status.as_u16(), &answer.body), (404, &expected));
    assert_eq!(bench.get(V1_CHAT).await.status, 404);
}

/// The journal holds many records, and clients choose what they name.
#[tokio::test(start_paused = true)]
async fn a_record_keeps_only_so_much_of_a_model() {
    let bench = Bench::new(DEPLOYMENTS);
    let long = HI.replace("\"chat\"", &format!("\"{}\"", "é".repeat(600_000)));
    assert_eq!(bench.post(V1_CHAT, &long).await.status, 404);
    let journal = bench.journal().await;
    let kept = journal[0]["deployment"].as_str().map(str::len);
    assert_eq!(kept, Some(1024));
    assert_eq!(journal[0]["reason"], Value::from("deployment_not_found"));
}
