//! The rows of the specification's error tables (sections 1.2 to 1.7) that no other
//! golden file has, each as it comes over the wire.
//! `docs/simulator-conformance.md` names the test of every row.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use crate::support::{Answer, Bench, CHAT, KEY};

fn bench() -> Bench {
    let text = format!(
        r#"
version = 1
[[resources]]
name = "r"
port = 0
keys = ["{KEY}"]
fault_header = true
unreachable_images = ["nowhere.example"]
deployments = [
  {{ name = "chat", model = "gpt-4o", tpm = 100000000, latency = {{ profile = "zero" }} }},
  {{ name = "mini", model = "o1-mini", tpm = 100000000, latency = {{ profile = "zero" }} }},
  {{ name = "old", model = "gpt-4", tpm = 100000000, latency = {{ profile = "zero" }} }},
  {{ name = "ptu", model = "gpt-4.1", sku = "provisioned_managed", ptu = 100000, latency = {{ profile = "zero" }} }},
]
"#
    );
    Bench::with(&text, 1)
}

fn user(content: &Value) -> Value {
    json!({"role": "user", "content": content})
}

fn to(deployment: &str) -> String {
    CHAT.replace("/chat/chat", &format!("/{deployment}/chat"))
}

fn line(name: &str, answer: &Answer) -> String {
    let body = answer.json();
    let error = &body["error"];
    let part = |key: &str| error[key].as_str().unwrap_or("null").to_owned();
    let (status, message) = (answer.status.as_u16(), part("message"));
    format!("{name}\n  {status} {message} | {} | {}\n", part("param"), part("code"))
}

#[tokio::test(start_paused = true)]
async fn rows_about_size_and_form_are_golden() {
    let bench = bench();
    let words = |n: usize| "a b ".repeat(n);
    let tool = json!({"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}});
    let image = |url: &str| json!({"type": "image_url", "image_url": {"url": url}});
    let small = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    let hi = user(&json!("hi"));
    let mut all = String::new();
    for (name, deployment, body) in [
        (
            "prompt and maximum above the context",
            "old",
            json!({"messages": [user(&json!(words(2_000)))], "max_tokens": 8_000}),
        ),
        (
            "prompt above the context, with tools",
            "old",
            json!({"messages": [user(&json!(words(5_000)))], "tools": [tool]}),
        ),
        (
            "all three above the context",
            "old",
            json!({"messages": [user(&json!(words(2_000)))], "max_tokens": 8_000, "tools": [tool]}),
        ),
        (
            "prompt above the context of provisioned throughput",
            "ptu",
            json!({"messages": [user(&json!(words(70_000)))]}),
        ),
        (
            "role not supported",
            "mini",
            json!({"messages": [{"role": "system", "content": "Be brief"}, hi]}),
        ),
        (
            "image that cannot be fetched",
            "chat",
            json!({"messages": [user(&json!([image("https://nowhere.example/a.png")]))]}),
        ),
        ("51 images", "chat", json!({"messages": [user(&Value::from(vec![image(small); 51]))]})),
        ("2,049 messages", "chat", json!({"messages": vec![hi.clone(); 2_049]})),
        ("129 tools", "chat", json!({"messages": [hi], "tools": vec![tool.clone(); 129]})),
        (
            "129 functions",
            "chat",
            json!({"messages": [hi], "functions": vec![json!({"name": "f"}); 129]}),
        ),
        (
            "1,048,577 characters",
            "chat",
            json!({"messages": [user(&json!("a".repeat(1_048_577)))]}),
        ),
        ("integer above maximum", "chat", json!({"messages": [hi], "n": 129})),
    ] {
        all.push_str(&line(name, &bench.post(&to(deployment), &body.to_string()).await));
    }
    insta::assert_snapshot!("400_size_and_form", all);
}

#[tokio::test(start_paused = true)]
async fn rows_about_versions_are_one_golden_file() {
    let bench = bench();
    let body = json!({"messages": [user(&json!("hi"))]}).to_string();
    let path = CHAT.split('?').next().unwrap();
    let missing = bench.post(path, &body).await;
    assert_eq!(missing.body, r#"{"error":{"code":"404","message": "Resource not found"}}"#);
    for version in ["", "2022-12-01", "2022-11-30", "latest", "v1", "2024-10-21-beta", "2199-01-01"]
    {
        let answer = bench.post(&format!("{path}?api-version={version}"), &body).await;
        assert_eq!((answer.status, &answer.body), (missing.status, &missing.body), "{version}");
        assert_eq!(answer.header_names(), missing.header_names(), "{version}");
    }
}

#[tokio::test(start_paused = true)]
async fn too_many_headers_are_golden() {
    let bench = bench();
    let body = json!({"messages": [user(&json!("hi"))]}).to_string();
    let with = |count: usize| {
        let mut request: Request<Body> = Bench::request(CHAT, body.clone());
        for number in 0..count {
            let name: http::HeaderName = format!("x-custom-{number}").parse().unwrap();
            request.headers_mut().insert(name, "x".parse().unwrap());
        }
        request
    };
    assert_eq!(bench.send(with(10)).await.status, 200);
    insta::assert_snapshot!("431_headers", bench.send(with(11)).await.redacted());
}

/// Statuses that only happen to a service: injected, with its bodies.
#[tokio::test(start_paused = true)]
async fn rows_about_servers_are_golden() {
    let bench = bench();
    let body = json!({"messages": [user(&json!("hi"))]}).to_string();
    let mut all = String::new();
    for status in ["403", "500", "502", "503", "504"] {
        let mut request = Bench::request(CHAT, body.clone());
        request.headers_mut().insert("x-simulator-fault", status.parse().unwrap());
        let answer = bench.send(request).await;
        assert_eq!(answer.status.as_str(), status);
        all.push_str(&line(status, &answer));
    }
    insta::with_settings!({filters => vec![(r"request ID [0-9a-f-]{36}", "request ID <uuid>")]}, {
        insta::assert_snapshot!("5xx_bodies", all);
    });
}
