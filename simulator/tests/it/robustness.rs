//! Whatever comes in, no panic and no 5xx.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{Bench, CHAT, EMBEDDING, TEXT};

const RESPONSES: &str = "/openai/v1/responses";

const DEPLOYMENTS: &str = r#"
  { name = "chat", model = "gpt-4o", tpm = 1000000000, latency = { profile = "zero" } },
  { name = "text", model = "gpt-35-turbo", tpm = 1000000000, wire_profile = "azure_2024", latency = { profile = "zero" } },
  { name = "emb", model = "text-embedding-3-small", sku = "provisioned_managed", ptu = 100000, ptu_settings = { input_tpm_per_ptu = 1000000, output_ratio = 1 }, latency = { profile = "zero" } },
"#;

fn run(send: impl AsyncFnOnce(Bench)) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.unwrap().block_on(async { send(Bench::new(DEPLOYMENTS)).await });
}

/// Any JSON, small.
pub(crate) fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0_u64..40).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop_oneof![
            Just("user"),
            Just("system"),
            Just("text"),
            Just("base64"),
            Just("input_text"),
            Just("function_call_output"),
            Just("reasoning"),
            Just("item_reference")
        ]
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(field(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn field() -> impl Strategy<Value = String> {
    let names = [
        "messages",
        "role",
        "content",
        "type",
        "text",
        "name",
        "max_tokens",
        "n",
        "stop",
        "stream",
        "stream_options",
        "include_usage",
        "prompt",
        "input",
        "dimensions",
        "encoding_format",
        "tool_calls",
        "function",
        "arguments",
        "temperature",
        "best_of",
        "user",
        "instructions",
        "tools",
        "tool_choice",
        "reasoning",
        "previous_response_id",
        "background",
        "call_id",
        "output",
        "summary",
        "id",
    ];
    prop::sample::select(names.to_vec()).prop_map(str::to_owned)
}

/// An item of a Responses input.
fn item() -> impl Strategy<Value = Value> {
    prop_oneof![
        anything().prop_map(|content| json!({"role": "user", "content": content})),
        anything().prop_map(
            |text| json!({"role": "user", "content": [{"type": "input_text", "text": text}]})
        ),
        anything().prop_map(
            |output| json!({"type": "function_call_output", "call_id": "c", "output": output})
        ),
        Just(json!({"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"})),
        Just(json!({"type": "reasoning", "id": "rs_1", "summary": []})),
        anything(),
    ]
}

/// A body with the operation's own field, so that some get far.
fn body() -> impl Strategy<Value = Value> {
    let message = anything().prop_map(|content| json!({"role": "user", "content": content}));
    let main = prop_oneof![
        prop::collection::vec(message, 1..3).prop_map(|messages| json!({"messages": messages})),
        anything().prop_map(|prompt| json!({"prompt": prompt})),
        anything().prop_map(|input| json!({"input": input})),
        anything().prop_map(|input| json!({"model": "chat", "input": input})),
        prop::collection::vec(item(), 1..4)
            .prop_map(|input| json!({"model": "chat", "input": input})),
        anything().prop_map(|messages| json!({"messages": messages})),
    ];
    (main, prop::collection::btree_map(field(), anything(), 0..3)).prop_map(|(mut main, more)| {
        if let Some(object) = main.as_object_mut() {
            for (key, value) in more {
                object.entry(key).or_insert(value);
            }
        }
        main
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_bytes_break_a_decoder(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        run(async |bench| {
            for uri in [CHAT, TEXT, EMBEDDING, RESPONSES] {
                let answer = bench.send(Bench::request(uri, bytes.clone())).await;
                assert_eq!(answer.status, 400);
            }
        });
    }

    #[test]
    fn no_json_breaks_a_decoder(body in body()) {
        run(async |bench| {
            for uri in [CHAT, TEXT, EMBEDDING, RESPONSES] {
                let answer = bench.post(uri, &body.to_string()).await;
                let status = answer.status.as_u16();
                assert!([200, 400, 404, 429].contains(&status), "{status} for {body}");
            }
        });
    }

    #[test]
    fn no_patch_breaks_the_control(body in anything()) {
        run(async |bench| {
            let status = bench.patch(&body.to_string()).await.status;
            assert!(status == 200 || status == 400, "{status} for {body}");
        });
    }

    #[test]
    fn no_path_breaks_the_routing(path in "[a-z/%+.?&=]{0,40}") {
        run(async |bench| {
            let Ok(uri) = format!("/{path}").parse::<http::Uri>() else { return };
            let mut request = Bench::request("/", "{}");
            *request.uri_mut() = uri;
            let status = bench.send(request).await.status.as_u16();
            assert!(status < 500, "{status} for /{path}");
        });
    }
}

/// A line of a configuration, right or wrong.
fn line() -> impl Strategy<Value = String> {
    let keys = [
        "name",
        "model",
        "sku",
        "tpm",
        "ptu",
        "rpm_per_1k_tpm",
        "request_window",
        "wire_profile",
        "strict",
        "default_max_tokens",
        "ptu_settings",
        "latency",
        "port",
        "keys",
        "version",
        "deployments",
        "nonsense",
    ];
    let values = [
        "1",
        "0",
        "-1",
        "1.5",
        "\"gpt-4o\"",
        "\"provisioned_managed\"",
        "\"10s\"",
        "\"azure_2024\"",
        "true",
        "[]",
        "{}",
        "{ profile = \"zero\" }",
        "{ itl_ms = nan }",
        "{ window = \"0s\" }",
        "[\"k\"]",
        "inf",
        "18446744073709551615",
        "\"${NOPE}\"",
        "\"\u{1F980}\"",
        "\"",
    ];
    let assignment = (prop::sample::select(keys.to_vec()), prop::sample::select(values.to_vec()))
        .prop_map(|(key, value)| format!("{key} = {value}"));
    prop_oneof![
        8 => assignment,
        2 => Just("[[deployments]]".to_owned()),
        2 => Just("[[resources]]".to_owned()),
        1 => "\\PC{0,20}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_text_breaks_the_configuration(lines in prop::collection::vec(line(), 0..14)) {
        let text = format!("version = 1\n{}", lines.join("\n"));
        let source = seam::diagnostic::Source::new("x.toml", text);
        if let Err(problems) = simulator::load(&source, &seam::env::Env::empty()) {
            assert!(!problems.is_empty());
            assert!(!crate::support::render(&problems).is_empty());
        }
    }
}

#[test]
fn deep_nesting_is_a_bad_body() {
    run(async |bench| {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(bench.post(CHAT, &deep).await.status, 400);
        assert_eq!(bench.patch(&deep).await.status, 400);
    });
}
