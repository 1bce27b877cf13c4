//! Answers given in advance, on every surface that says them.

use serde_json::{Value, json};

use crate::support::{Bench, CHAT, KEY, TEXT};

const RULES: &str = r#"
[[resources.answers]]
pointer = "/metadata/case"
equals = "refuse"
refusal = "Not for {{/user}}."

[[resources.answers]]
regex = "(?i)weather in (\\w+)"
call = { name = "get_weather", arguments = '{"city":"{{match.1}}"}' }

[[resources.answers]]
deployment = "text"
echo = true

[[resources.answers]]
contains = "HELLO"
text = "Choice {{choice}} of {{model}} at {{deployment}}."

[[answers]]
text = "Whatever."
"#;

fn bench(rules: &str) -> Bench {
    Bench::with(
        &format!(
            r#"version = 1
[[resources]]
name = "r"
port = 0
keys = ["{KEY}"]
deployments = [
  {{ name = "chat", model = "gpt-4o", tpm = 1000000, latency = {{ profile = "zero" }} }},
  {{ name = "text", model = "gpt-35-turbo-instruct", tpm = 1000000, latency = {{ profile = "zero" }} }},
]
{rules}
"#
        ),
        1,
    )
}

async fn chat(bench: &Bench, text: &str, more: Value) -> Value {
    let mut body = json!({"messages": [{"role": "user", "content": text}]});
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    let answer = bench.post(CHAT, &body.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["choices"].clone()
}

fn tools() -> Value {
    json!([{"type": "function", "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    }}])
}

#[tokio::test(start_paused = true)]
async fn chat_says_what_the_first_rule_that_fits_gives() {
    let bench = bench(RULES);
    let choices = chat(&bench, "say hello", json!({"n": 2})).await;
    let text = |index: usize| choices[index]["message"]["content"].clone();
    assert_eq!([text(0), text(1)], ["Choice 0 of gpt-4o at chat.", "Choice 1 of gpt-4o at chat."]);
    assert_eq!(choices[0]["finish_reason"], "stop");

    let refused =
        chat(&bench, "hello", json!({"user": "ada", "metadata": {"case": "refuse"}})).await;
    assert_eq!(refused[0]["message"]["refusal"], "Not for ada.");

    let other = chat(&bench, "something else", json!({})).await;
    assert_eq!(other[0]["message"]["content"], "Whatever.");

    let cut = chat(&bench, "hello", json!({"max_tokens": 2})).await;
    assert_eq!(
        (&cut[0]["message"]["content"], &cut[0]["finish_reason"]),
        (&json!("Choice "), &json!("length"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_given_call_is_made_if_its_function_is_offered() {
    let bench = bench(RULES);
    let called = chat(&bench, "Weather in Oslo?", json!({"tools": tools()})).await;
    let function = &called[0]["message"]["tool_calls"][0]["function"];
    assert_eq!(*function, json!({"name": "get_weather", "arguments": r#"{"city":"Oslo"}"#}));
    assert_eq!(called[0]["finish_reason"], "tool_calls");
    // Without it the answer is filler, and a call with `none` is no call.
    let filler = chat(&bench, "Weather in Oslo?", json!({})).await;
    assert!(filler[0]["message"]["content"].as_str().unwrap().len() > 20, "{filler}");
    let none =
        chat(&bench, "Weather in Oslo?", json!({"tools": tools(), "tool_choice": "none"})).await;
    assert_eq!(none[0]["message"].get("tool_calls"), None);
}

#[tokio::test(start_paused = true)]
async fn completions_answer_each_prompt_by_itself() {
    let answer = bench(RULES).post(TEXT, r#"{"prompt":["one","two"],"n":2}"#).await.json();
    let texts: Vec<_> =
        answer["choices"].as_array().unwrap().iter().map(|choice| &choice["text"]).collect();
    assert_eq!(texts, ["one", "one", "two", "two"]);
}

#[tokio::test(start_paused = true)]
async fn responses_and_streams_say_it_too() {
    let bench = bench(RULES);
    let uri = "/openai/v1/responses";
    let said = bench.post(uri, r#"{"model":"chat","input":"hello"}"#).await.json();
    assert_eq!(said["output"][0]["content"][0]["text"], "Choice 0 of gpt-4o at chat.");
    let refused = r#"{"model":"chat","input":"x","user":"ada","metadata":{"case":"refuse"}}"#;
    let said = bench.post(uri, refused).await.json();
    assert_eq!(said["output"][0]["content"][0]["refusal"], "Not for ada.");

    let body = r#"{"messages":[{"role":"user","content":"hello"}],"stream":true}"#;
    let stream = bench.post(CHAT, body).await.body;
    let said: String = crate::support::events(&stream)
        .iter()
        .filter_map(|event| serde_json::from_str::<Value>(event).ok())
        .filter_map(|event| Some(event["choices"][0]["delta"]["content"].as_str()?.to_owned()))
        .collect();
    assert_eq!(said, "Choice 0 of gpt-4o at chat.");
}

#[tokio::test(start_paused = true)]
async fn a_probability_is_drawn_from_the_seed() {
    let rules = "[[resources.answers]]\ntext = \"given\"\nprobability = 0.5\n";
    let run = async || {
        let bench = bench(rules);
        let mut given = Vec::new();
        for _ in 0..40 {
            let choices = chat(&bench, "x", json!({})).await;
            given.push(choices[0]["message"]["content"] == "given");
        }
        given
    };
    let given = run().await;
    assert_eq!(given, run().await);
    assert!((10..30).contains(&given.iter().filter(|own| **own).count()), "{given:?}");
}

#[tokio::test(start_paused = true)]
async fn given_answers_change_while_it_runs() {
    let bench = bench(RULES);
    let shown = bench.get("/++/config").await.json()["answers"].clone();
    assert_eq!(shown[2], json!({"deployment": "text", "echo": true}));
    assert_eq!(shown.as_array().unwrap().len(), 5, "its own and the shared one");
    let said =
        async |text: &str| chat(&bench, text, json!({})).await[0]["message"]["content"].clone();
    assert_eq!(said("hi").await, "Whatever.");
    // What is written like a variable or a hole of TOML is a text here.
    let patch = json!({"answers": [
        {"contains": "hi", "text": "Costs ${PRICE}\n\"or\" more."},
        {"pointer": "/metadata", "equals": {"a": [1, 2.5]}, "refusal": "No."},
    ]});
    let answer = bench.patch(&patch.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["answers"], patch["answers"]);
    assert_eq!(said("hi").await, "Costs ${PRICE}\n\"or\" more.");
    assert_ne!(said("else").await, "Whatever.");
    // What it shows can be sent back.
    assert_eq!(bench.patch(&json!({ "answers": shown }).to_string()).await.status, 200);
    assert_eq!(said("hi").await, "Whatever.");
    assert_eq!(bench.patch(r#"{"answers":[]}"#).await.status, 200);
    assert_ne!(said("hi").await, "Whatever.");
}
