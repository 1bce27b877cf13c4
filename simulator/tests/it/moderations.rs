//! `moderations` on OpenAI's surface.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use crate::support::{Answer, Bench, KEY};

fn bench() -> Bench {
    Bench::with(
        r#"
version = 1
[[resources]]
name = "r"
port = 0
keys = ["k1"]
moderation_rules = [
  { contains = "Voldemort", categories = ["hate", "hate/threatening"], score = 0.75 },
  { regex = "^maybe", categories = ["illicit"], score = 0.4 },
]
deployments = [{ name = "gpt-4o", model = "gpt-4o", tpm = 1000, wire_profile = "openai" }]
"#,
        1,
    )
}

async fn moderate(bench: &Bench, body: &Value) -> Answer {
    let request = Request::post("/v1/moderations").header("authorization", format!("Bearer {KEY}"));
    bench.send(request.body(Body::from(body.to_string())).unwrap()).await
}

#[tokio::test(start_paused = true)]
async fn a_harmless_text_is_golden() {
    let answer = moderate(&bench(), &json!({"input": "Ruby is a programmer's best friend"})).await;
    insta::assert_snapshot!("moderation", answer.redacted());
}

#[tokio::test(start_paused = true)]
async fn rules_and_known_words_flag() {
    let bench = bench();
    let input = json!(["you said VOLDEMORT", "maybe", "I will kill you", "hello"]);
    let body = moderate(&bench, &json!({"input": input})).await.json();
    let flagged: Vec<Vec<&str>> = body["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| {
            let categories = result["categories"].as_object().unwrap();
            let names: Vec<&str> =
                categories.iter().filter(|(_, on)| **on == true).map(|(n, _)| n.as_str()).collect();
            assert_eq!(result["flagged"], !names.is_empty());
            assert_eq!(categories.len(), 13);
            names
        })
        .collect();
    assert_eq!(
        flagged,
        [
            &["hate", "hate/threatening"][..],
            &[],
            &["harassment", "harassment/threatening", "violence"],
            &[],
        ]
    );
    assert_eq!(body["results"][0]["category_scores"]["hate"], 0.75);
    assert_eq!(body["results"][1]["category_scores"]["illicit"], 0.4);
}

#[tokio::test(start_paused = true)]
async fn parts_are_looked_at_together() {
    let image = json!({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}});
    let input = json!([{"type": "text", "text": "Voldemort"}, image]);
    let body = moderate(&bench(), &json!({"input": input})).await.json();
    assert_eq!(body["results"].as_array().unwrap().len(), 1);
    let types = &body["results"][0]["category_applied_input_types"];
    assert_eq!(types["violence"], json!(["text", "image"]));
    assert_eq!(types["hate"], json!(["text"]));
}

#[tokio::test(start_paused = true)]
async fn complaints() {
    let bench = bench();
    for body in [
        json!({}),
        json!({"input": 7}),
        json!({"input": []}),
        json!({"input": [7]}),
        json!({"input": [{"type": "sound"}]}),
        json!({"input": "x", "model": "gpt-4o"}),
        json!({"input": "x", "model": 7}),
        json!({"input": "x", "quality": 1}),
        json!([]),
    ] {
        let answer = moderate(&bench, &body).await;
        assert_eq!(answer.status, 400, "{body}");
        assert_eq!(answer.json()["error"]["type"], "invalid_request_error", "{body}");
    }
    // A model of texts alone has no kinds of input.
    let answer = moderate(&bench, &json!({"input": "x", "model": "text-moderation-latest"})).await;
    assert!(answer.json()["results"][0].get("category_applied_input_types").is_none());
}
