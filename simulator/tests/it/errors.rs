//! Errors of the service, byte for byte, and their header sets.

use axum::body::Body;
use http::{HeaderMap, Request};
use serde_json::Value;

use crate::support::{Answer, Bench, CHAT, EMBEDDING, TEXT};

const DEPLOYMENTS: &str = r#"
  { name = "chat", model = "gpt-4o", tpm = 100000, latency = { profile = "zero" } },
  { name = "thinker", model = "o3-mini", tpm = 100000000, latency = { profile = "zero" } },
  { name = "text", model = "gpt-35-turbo", tpm = 100000, latency = { profile = "zero" } },
  { name = "emb", model = "text-embedding-ada-002", tpm = 100000, latency = { profile = "zero" } },
"#;
const HI: &str = r#"{"messages":[{"role":"user","content":"hi"}]}"#;

fn with_headers(pairs: &[(&str, &str)]) -> Request<Body> {
    let mut request = Bench::request(CHAT, HI);
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let name: http::HeaderName = name.parse().unwrap();
        headers.insert(name, value.parse().unwrap());
    }
    *request.headers_mut() = headers;
    request
}

#[tokio::test(start_paused = true)]
async fn not_found() {
    let bench = Bench::new(DEPLOYMENTS);
    let answer = bench.post("/openai/deployments/chat/chat/completions", HI).await;
    assert_eq!(answer.body.len(), 56);
    insta::assert_snapshot!("404_resource", answer.redacted());
    let uri = CHAT.replace("/chat/chat", "/nope/chat");
    let answer = bench.post(&uri, HI).await;
    insta::assert_snapshot!("404_deployment", answer.redacted());
    let old = DEPLOYMENTS.replace("tpm =", "wire_profile = \"azure_2024\", tpm =");
    insta::assert_snapshot!(
        "404_deployment_2024",
        Bench::new(&old).post(&uri, HI).await.redacted()
    );
    for uri in ["/", "/openai", "/chat/completions", "/++/nothing"] {
        assert_eq!(bench.post(uri, HI).await.status, 404, "{uri}");
    }
    assert_eq!(bench.get(CHAT).await.status, 404, "a known path with another method");
}

#[tokio::test(start_paused = true)]
async fn unauthorized() {
    let bench = Bench::new(DEPLOYMENTS);
    let answer = bench.send(with_headers(&[("api-key", "wrong")])).await;
    assert_eq!(answer.body.len(), 224);
    insta::assert_snapshot!("401_wrong_key", answer.redacted());
    let answer = bench.send(with_headers(&[])).await;
    insta::assert_snapshot!("401_no_key", answer.redacted());
    let bearer = bench.send(with_headers(&[("authorization", "Bearer x")])).await;
    assert_eq!(bearer.body, answer.body);
    assert_eq!(bench.send(with_headers(&[("api-key", "")])).await.body, answer.body);
    for name in ["api-key", "ocp-apim-subscription-key"] {
        assert_eq!(bench.send(with_headers(&[(name, "k2")])).await.status, 200);
    }
    // The path is looked at first, the deployment after the key.
    let mut request = with_headers(&[("api-key", "wrong")]);
    *request.uri_mut() = CHAT.replace("/chat/chat", "/nope/chat").parse().unwrap();
    assert_eq!(bench.send(request).await.status, 401);
}

#[tokio::test(start_paused = true)]
async fn operation_not_supported() {
    let bench = Bench::new(DEPLOYMENTS);
    let answer = bench.post(&TEXT.replace("/text/", "/emb/"), r#"{"prompt":"x"}"#).await;
    insta::assert_snapshot!("400_operation", answer.redacted());
}

/// One line a case: the complaint about a body.
#[tokio::test(start_paused = true)]
async fn complaints_about_bodies() {
    let bench = Bench::new(DEPLOYMENTS);
    let thinker = CHAT.replace("/chat/chat", "/thinker/chat");
    let long =
        format!(r#"{{"messages":[{{"role":"user","content":"{}"}}]}}"#, "a b ".repeat(70_000));
    let chat = [
        "",
        "nonsense",
        "[]",
        "\"text\"",
        "{}",
        r#"{"messages":"hi"}"#,
        r#"{"messages":[]}"#,
        r#"{"messages":["hi"]}"#,
        r#"{"messages":[{"content":"hi"}]}"#,
        r#"{"messages":[{"role":"robot","content":"hi"}]}"#,
        r#"{"messages":[{"role":"user"}]}"#,
        r#"{"messages":[{"role":"user","content":7}]}"#,
        r#"{"messages":[{"role":"user","content":[{"type":"video"}]}]}"#,
        r#"{"messages":[{"role":"user","content":"hi"}],"temperature":-1}"#,
        r#"{"messages":[{"role":"user","content":"hi"}],"temperature":3}"#,
        r#"{"messages":[{"role":"user","content":"hi"}],"n":0}"#,
        r#"{"messages":[{"role":"user","content":"hi"}],"n":1.5}"#,
        r#"{"messages":[{"role":"user","content":"hi"}],"max_tokens":20000}"#,
        r#"{"messages":[{"role":"user","content":"hi"}],"stop":["1","2","3","4","5"]}"#,
        r#"{"messages":[{"role":"user","content":"hi"}],"stream":"yes"}"#,
        r#"{"messages":[{"role":"user","content":"hi"}],"stream_options":{}}"#,
        r#"{"messages":[{"role":"user","content":"hi"}],"quality":"high"}"#,
        &long,
    ];
    let mut all = String::new();
    let mut add = |body: &str, answer: &Answer| {
        let shown: String = body.chars().take(90).collect();
        let error = &answer.json()["error"];
        let part = |key: &str| error[key].as_str().unwrap_or("null").to_owned();
        all.push_str(&format!(
            "{shown}\n  {} {} | {} | {}\n",
            answer.status.as_u16(),
            part("message"),
            part("param"),
            part("code")
        ));
    };
    for body in chat {
        add(body, &bench.post(CHAT, body).await);
    }
    for body in [
        r#"{"messages":[{"role":"user","content":"hi"}],"max_tokens":5}"#,
        r#"{"messages":[{"role":"user","content":"hi"}],"stop":"x"}"#,
        r#"{"messages":[{"role":"user","content":"hi"}],"temperature":0.5}"#,
    ] {
        add(body, &bench.post(&thinker, body).await);
    }
    for body in ["{}", r#"{"prompt":[]}"#, r#"{"prompt":{}}"#, r#"{"prompt":["a",[1.5]]}"#] {
        add(body, &bench.post(TEXT, body).await);
    }
    let inputs = format!(r#"{{"input":[{}]}}"#, vec!["\"a\""; 2_049].join(","));
    for body in [
        "{}",
        r#"{"input":"a","dimensions":3}"#,
        r#"{"input":"a","encoding_format":"hex"}"#,
        &inputs,
        &format!(r#"{{"input":"{}"}}"#, "a b ".repeat(5_000)),
    ] {
        add(body, &bench.post(EMBEDDING, body).await);
    }
    insta::assert_snapshot!("400_complaints", all);
}

#[tokio::test(start_paused = true)]
async fn a_complaint_of_the_model_layer_has_its_tokens_deducted() {
    let bench = Bench::new(DEPLOYMENTS);
    let body = r#"{"messages":[{"role":"user","content":"hi"}],"temperature":3}"#;
    let answer = bench.post(CHAT, body).await;
    insta::assert_snapshot!("400_model_layer", answer.redacted());
    // Broken JSON is refused before anything is counted.
    let answer = bench.post(CHAT, "{").await;
    insta::assert_snapshot!("400_json", answer.redacted());
    let answer = bench.post(CHAT, HI).await;
    assert_eq!(answer.header("x-ratelimit-remaining-tokens"), Some("99966"));
}

#[tokio::test(start_paused = true)]
async fn a_body_beyond_the_limit_is_refused() {
    let text = format!(
        "version = 1\nmax_body_bytes = 2000\n[[resources]]\nname = \"r\"\nport = 0\nkeys = [\"k1\"]\ndeployments = [{DEPLOYMENTS}]"
    );
    let bench = Bench::with(&text, 1);
    let answer = bench.post(CHAT, &" ".repeat(2_001)).await;
    insta::assert_snapshot!("413", answer.redacted());
}

#[tokio::test(start_paused = true)]
async fn every_request_is_in_the_journal() {
    let bench = Bench::new(DEPLOYMENTS);
    bench.post("/nowhere", HI).await;
    bench.send(with_headers(&[])).await;
    bench.send(with_headers(&[("api-key", "wrong")])).await;
    bench.post(&CHAT.replace("/chat/chat", "/nope/chat"), HI).await;
    bench.post(&TEXT.replace("/text/", "/emb/"), HI).await;
    bench.post(CHAT, "{").await;
    bench.post(CHAT, "{}").await;
    bench.post(CHAT, HI).await;
    let journal = bench.journal().await;
    let rows: Vec<_> = journal
        .iter()
        .map(|row| (row["status"].as_u64().unwrap(), row["reason"].as_str().unwrap_or("-")))
        .collect();
    assert_eq!(
        rows,
        [
            (404, "resource_not_found"),
            (401, "unauthorized"),
            (401, "invalid_key"),
            (404, "deployment_not_found"),
            (400, "operation_not_supported"),
            (400, "invalid_request"),
            (400, "invalid_request"),
            (200, "-"),
        ]
    );
    assert_eq!(journal[0]["deployment"], Value::Null);
    assert_eq!(journal[3]["deployment"], "nope");
    assert_eq!(journal[7]["operation"], "ChatCompletions_Create");
    insta::assert_snapshot!("journal_record", serde_json::to_string_pretty(&journal[7]).unwrap());
}
