//! One test for each line of the table of event orders (specification, section 2.6).

use super::*;

/// The names in order, repeats folded into one `+`; numbers are checked on the way.
#[track_caller]
fn check(answer: Answer, expected: &[&str]) {
    let stream = stream(answer, true);
    let events = events(&stream);
    let mut names: Vec<String> = Vec::new();
    for (at, (name, data)) in events.iter().enumerate() {
        assert_eq!(data["sequence_number"], at, "{name}");
        let name = name.strip_prefix("response.").unwrap();
        match names.last_mut() {
            Some(last) if last.trim_end_matches('+') == name => *last = format!("{name}+"),
            _ => names.push(name.to_owned()),
        }
    }
    assert_eq!(names, expected);
    assert!(!stream.contains("[DONE]"));
}

const TEXT: &[&str] = &[
    "output_item.added",
    "content_part.added",
    "output_text.delta+",
    "output_text.done",
    "content_part.done",
    "output_item.done",
];
const CALL: &[&str] = &[
    "output_item.added",
    "function_call_arguments.delta+",
    "function_call_arguments.done",
    "output_item.done",
];

fn order(blocks: &[&[&'static str]], end: &'static str) -> Vec<&'static str> {
    let mut names = vec!["created", "in_progress"];
    names.extend(blocks.iter().flat_map(|block| block.iter()));
    names.push(end);
    names
}

#[test]
fn a_text() {
    let answer = answer(settings(), vec![text("msg_1", &["A", " b"])]);
    check(answer, &order(&[TEXT], "completed"));
}

#[test]
fn one_tool_call() {
    let answer = answer(settings(), vec![call("fc_1", &["{", "}"])]);
    check(answer, &order(&[CALL], "completed"));
}

#[test]
fn several_tool_calls_one_after_the_other() {
    let calls =
        vec![call("fc_1", &["{", "}"]), call("fc_2", &["{", "}"]), call("fc_3", &["{", "}"])];
    let answer = answer(settings(), calls);
    check(answer.clone(), &order(&[CALL, CALL, CALL], "completed"));
    let indexes: Vec<u64> = events(&stream(answer, true))
        .iter()
        .filter(|(name, _)| name == "response.output_item.done")
        .map(|(_, data)| data["output_index"].as_u64().unwrap())
        .collect();
    assert_eq!(indexes, [0, 1, 2]);
}

fn thoughts(summary: Vec<Vec<Piece>>) -> Item {
    item("rs_1", Output::Reasoning { summary, sealed: None })
}

#[test]
fn hidden_reasoning_then_text() {
    let answer = answer(thinking(), vec![thoughts(Vec::new()), text("msg_1", &["A", " b"])]);
    let hidden: &[&str] = &["output_item.added", "output_item.done"];
    check(answer, &order(&[hidden, TEXT], "completed"));
}

#[test]
fn a_reasoning_summary_in_parts() {
    let summary = vec![pieces(&["a", " b"]), pieces(&["c", " d"])];
    let answer = answer(thinking(), vec![thoughts(summary), text("msg_1", &["A", " b"])]);
    let part: &[&str] = &[
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta+",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
    ];
    let blocks = [&["output_item.added"], part, part, &["output_item.done"], TEXT];
    check(answer.clone(), &order(&blocks, "completed"));
    let events = events(&stream(answer, true));
    let done = events.iter().find(|(name, _)| name == "response.output_item.done").unwrap();
    assert_eq!(done.1["item"]["summary"][1]["text"], "c d");
    let last = &events.last().unwrap().1["response"]["output"][0]["summary"];
    assert_eq!(last[0], serde_json::json!({ "type": "summary_text", "text": "a b" }));
}

#[test]
fn a_refusal() {
    let answer = answer(settings(), vec![item("msg_1", Output::Refusal(pieces(&["No", "."])))]);
    let refusal: &[&str] = &[
        "output_item.added",
        "content_part.added",
        "refusal.delta+",
        "refusal.done",
        "content_part.done",
        "output_item.done",
    ];
    check(answer, &order(&[refusal], "completed"));
}

#[test]
fn a_text_cut_off_by_length() {
    let mut answer = answer(settings(), vec![text("msg_1", &["A", " b"])]);
    answer.incomplete = Some("max_output_tokens");
    check(answer.clone(), &order(&[TEXT], "incomplete"));
    let events = events(&stream(answer, false));
    let response = &events.last().unwrap().1["response"];
    assert_eq!(response["status"], "incomplete");
    assert_eq!(response["incomplete_details"]["reason"], "max_output_tokens");
    assert_eq!(response["completed_at"], Value::Null);
    assert_eq!(response["output"][0]["status"], "incomplete");
}

#[test]
fn thinking_that_used_the_maximum_up_says_nothing() {
    let mut answer = answer(thinking(), vec![thoughts(Vec::new())]);
    answer.incomplete = Some("max_output_tokens");
    let hidden: &[&str] = &["output_item.added", "output_item.done"];
    check(answer, &order(&[hidden], "incomplete"));
}

#[test]
fn background_is_queued_first() {
    let settings = Settings { background: true, ..settings() };
    let answer = answer(settings, vec![text("msg_1", &["A", " b"])]);
    let mut expected = vec!["created", "queued", "in_progress"];
    expected.extend(TEXT);
    expected.push("completed");
    check(answer.clone(), &expected);
    let events = events(&stream(answer, false));
    let statuses: Vec<_> =
        events.iter().take(3).map(|(_, data)| data["response"]["status"].clone()).collect();
    assert_eq!(statuses, ["queued", "queued", "in_progress"]);
}

#[test]
fn a_failure_says_why() {
    let mut writer: Writer<rand_chacha::ChaCha8Rng> =
        Writer::new(Arc::new(answer(settings(), vec![text("msg_1", &["A"])])), None);
    let mut out = String::new();
    writer.open(&mut out);
    writer.failed("server_error", "The model broke.", &mut out);
    let events = events(&out);
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["response.created", "response.in_progress", "response.failed"]);
    let failed = &events[2].1;
    assert_eq!(failed["sequence_number"], 2);
    assert_eq!(failed["response"]["status"], "failed");
    assert_eq!(
        failed["response"]["error"],
        serde_json::json!({ "code": "server_error", "message": "The model broke." })
    );
}

#[test]
fn the_beginning_knows_no_output_and_no_usage() {
    let events = events(&stream(answer(settings(), vec![text("msg_1", &["A"])]), false));
    for (_, data) in &events[..2] {
        assert_eq!(data["response"]["output"], serde_json::json!([]));
        assert_eq!(data["response"]["usage"], Value::Null);
        assert_eq!(data["response"]["service_tier"], "auto");
        assert_eq!(data["response"]["content_filters"], Value::Null);
    }
    let end = &events.last().unwrap().1["response"];
    assert_eq!(end["service_tier"], "default");
    assert_eq!(end["completed_at"], 1_007);
    assert_eq!(end["content_filters"][1]["source_type"], "completion");
}

#[test]
fn deltas_are_padded_to_the_same_length() {
    let words = &["A", " representation", "0123456789abcdef", "0123456789abcdefg"];
    let padded = events(&stream(answer(settings(), vec![text("msg_1", words)]), true));
    let lengths: Vec<usize> = padded
        .iter()
        .filter(|(name, _)| name == "response.output_text.delta")
        .map(|(_, data)| {
            data["delta"].as_str().unwrap().len() + data["obfuscation"].as_str().unwrap().len()
        })
        .collect();
    assert_eq!(lengths, [16, 16, 16, 32]);
    let bare = stream(answer(settings(), vec![text("msg_1", words)]), false);
    assert!(!bare.contains("obfuscation"));
}
