//! Bytes against recordings (crmne/ruby_llm 2026-08-19, Mirascope 2025-10-22 and
//! 2025-11-06): given the recorded ids and texts, the recorded bytes.

use super::*;
use crate::api::responses::object::Stage;

/// Azure v1, gpt-5-nano: hidden reasoning, then a text of one token.
const RECORDED_2026: &[&str] = &[
    r#"{"type":"response.output_item.added","item":{"id":"rs_082ac2a584945d9a016a85bf1a0b8081968700605450aaeab3","type":"reasoning","content":[],"encrypted_content":"begun","summary":[]},"output_index":0,"sequence_number":2}"#,
    r#"{"type":"response.output_item.done","item":{"id":"rs_082ac2a584945d9a016a85bf1a0b8081968700605450aaeab3","type":"reasoning","content":[],"encrypted_content":"done","summary":[]},"output_index":0,"sequence_number":3}"#,
    r#"{"type":"response.output_item.added","item":{"id":"msg_082ac2a584945d9a016a85bf1ac8208196aaf4929d93e48003","type":"message","status":"in_progress","content":[],"role":"assistant"},"output_index":1,"sequence_number":4}"#,
    r#"{"type":"response.content_part.added","content_index":0,"item_id":"msg_082ac2a584945d9a016a85bf1ac8208196aaf4929d93e48003","output_index":1,"part":{"type":"output_text","annotations":[],"logprobs":[],"text":""},"sequence_number":5}"#,
    r#"{"type":"response.output_text.delta","content_index":0,"delta":"4","item_id":"msg_082ac2a584945d9a016a85bf1ac8208196aaf4929d93e48003","logprobs":[],"output_index":1,"sequence_number":6}"#,
    r#"{"type":"response.output_text.done","content_index":0,"item_id":"msg_082ac2a584945d9a016a85bf1ac8208196aaf4929d93e48003","logprobs":[],"output_index":1,"sequence_number":7,"text":"4"}"#,
    r#"{"type":"response.content_part.done","content_index":0,"item_id":"msg_082ac2a584945d9a016a85bf1ac8208196aaf4929d93e48003","output_index":1,"part":{"type":"output_text","annotations":[],"logprobs":[],"text":"4"},"sequence_number":8}"#,
    r#"{"type":"response.output_item.done","item":{"id":"msg_082ac2a584945d9a016a85bf1ac8208196aaf4929d93e48003","type":"message","status":"completed","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"4"}],"role":"assistant"},"output_index":1,"sequence_number":9}"#,
];

const CREATED_2026: &str = r#"{"type":"response.created","response":{"id":"resp_082ac2a584945d9a016a85bf1998b48196a37c570bfff7c4ab","object":"response","created_at":1787150105,"status":"in_progress","background":false,"completed_at":null,"content_filters":null,"error":null,"frequency_penalty":0.0,"incomplete_details":null,"instructions":null,"max_output_tokens":null,"max_tool_calls":null,"model":"gpt-5-nano","moderation":null,"output":[],"parallel_tool_calls":true,"presence_penalty":0.0,"previous_response_id":null,"prompt_cache_key":null,"prompt_cache_retention":"in_memory","reasoning":{"context":"current_turn","effort":"medium","mode":"standard","summary":null},"safety_identifier":null,"service_tier":"auto","store":false,"temperature":1.0,"text":{"format":{"type":"text"},"verbosity":"medium"},"tool_choice":"auto","tool_usage":{"image_gen":{"input_tokens":0,"input_tokens_details":{"image_tokens":0,"text_tokens":0},"output_tokens":0,"output_tokens_details":{"image_tokens":0,"text_tokens":0},"total_tokens":0},"web_search":{"num_requests":0}},"tools":[],"top_logprobs":0,"top_p":1.0,"truncation":"disabled","usage":null,"user":null,"metadata":{}},"sequence_number":0}"#;

fn nano() -> Answer {
    let sealed = Some(["begun".to_owned(), "done".to_owned()]);
    let reasoning = Output::Reasoning { summary: Vec::new(), sealed };
    Answer {
        id: "resp_082ac2a584945d9a016a85bf1998b48196a37c570bfff7c4ab".to_owned(),
        created: 1_787_150_105,
        model: "gpt-5-nano".to_owned(),
        usage: Usage {
            prompt_tokens: 18,
            cached_tokens: 0,
            completion_tokens: 120,
            reasoning_tokens: 64,
        },
        ..answer(
            Settings { store: false, ..thinking() },
            vec![
                item("rs_082ac2a584945d9a016a85bf1a0b8081968700605450aaeab3", reasoning),
                text("msg_082ac2a584945d9a016a85bf1ac8208196aaf4929d93e48003", &["4"]),
            ],
        )
    }
}

fn data(stream: &str) -> Vec<&str> {
    stream.lines().filter_map(|line| line.strip_prefix("data: ")).collect()
}

#[test]
fn a_stream_of_2026_is_as_recorded() {
    let stream = stream(nano(), false);
    let data = data(&stream);
    assert_eq!(data[0], CREATED_2026);
    assert_eq!(
        data[1],
        CREATED_2026
            .replace("created\"", "in_progress\"")
            .replace("sequence_number\":0", "sequence_number\":1")
    );
    assert_eq!(&data[2..10], RECORDED_2026);
    assert_eq!(data.len(), 11);
    assert!(data[10].contains(r#""usage":{"input_tokens":18,"input_tokens_details":{"cache_write_tokens":0,"cached_tokens":0},"output_tokens":120,"output_tokens_details":{"reasoning_tokens":64},"total_tokens":138},"user":null,"metadata":{}},"sequence_number":10}"#));
    assert!(stream.starts_with("event: response.created\ndata: {"));
    assert!(stream.ends_with("}\n\n"));
}

/// Azure, gpt-4o-mini, api-version 2025-03-01-preview: two calls.
const RECORDED_2025: &[&str] = &[
    r#"{"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":{"id":"fc_1","type":"function_call","status":"in_progress","arguments":"","call_id":"call_1","name":"secret_retrieval_tool"}}"#,
    r#"{"type":"response.function_call_arguments.delta","sequence_number":3,"item_id":"fc_1","output_index":0,"delta":"{\"password"}"#,
    r#"{"type":"response.function_call_arguments.delta","sequence_number":4,"item_id":"fc_1","output_index":0,"delta":"\":1}"}"#,
    r#"{"type":"response.function_call_arguments.done","sequence_number":5,"item_id":"fc_1","output_index":0,"arguments":"{\"password\":1}"}"#,
    r#"{"type":"response.output_item.done","sequence_number":6,"output_index":0,"item":{"id":"fc_1","type":"function_call","status":"completed","arguments":"{\"password\":1}","call_id":"call_1","name":"secret_retrieval_tool"}}"#,
];

const COMPLETED_2025: &str = r#"{"type":"response.completed","sequence_number":7,"response":{"id":"resp_1","object":"response","created_at":1000,"status":"completed","background":false,"content_filters":null,"error":null,"incomplete_details":null,"instructions":null,"max_output_tokens":null,"max_tool_calls":null,"model":"d","output":[{"id":"fc_1","type":"function_call","status":"completed","arguments":"{\"password\":1}","call_id":"call_1","name":"secret_retrieval_tool"}],"parallel_tool_calls":true,"previous_response_id":null,"prompt_cache_key":null,"reasoning":{"effort":null,"summary":null},"safety_identifier":null,"service_tier":"default","store":true,"temperature":1.0,"text":{"format":{"type":"text"},"verbosity":"medium"},"tool_choice":"auto","tools":[],"top_logprobs":0,"top_p":1.0,"truncation":"disabled","usage":{"input_tokens":36,"input_tokens_details":{"cached_tokens":0},"output_tokens":54,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":90},"user":null,"metadata":{}}}"#;

#[test]
fn a_stream_of_2025_is_as_recorded() {
    let content = Output::Call {
        call_id: "call_1".to_owned(),
        name: "secret_retrieval_tool".to_owned(),
        arguments: pieces(&["{\"password", "\":1}"]),
    };
    let usage = Usage { prompt_tokens: 36, completion_tokens: 54, ..Usage::default() };
    let answer =
        Answer { era: Era::Y2025, usage, ..answer(settings(), vec![item("fc_1", content)]) };
    let stream = stream(answer, false);
    let data = data(&stream);
    assert_eq!(&data[2..7], RECORDED_2025);
    assert_eq!(data[7], COMPLETED_2025);
}

#[test]
fn a_refusal_of_2025_is_as_recorded() {
    let answer = Answer {
        era: Era::Y2025,
        vendor: Vendor::OpenAi,
        ..answer(settings(), vec![item("msg_1", Output::Refusal(pieces(&["I'm", "."])))])
    };
    let stream = stream(answer, true);
    let data = data(&stream);
    assert_eq!(
        &data[2..7],
        [
            r#"{"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":{"id":"msg_1","type":"message","status":"in_progress","content":[],"role":"assistant"}}"#,
            r#"{"type":"response.content_part.added","sequence_number":3,"item_id":"msg_1","output_index":0,"content_index":0,"part":{"type":"refusal","refusal":""}}"#,
            r#"{"type":"response.refusal.delta","sequence_number":4,"item_id":"msg_1","output_index":0,"content_index":0,"delta":"I'm"}"#,
            r#"{"type":"response.refusal.delta","sequence_number":5,"item_id":"msg_1","output_index":0,"content_index":0,"delta":"."}"#,
            r#"{"type":"response.refusal.done","sequence_number":6,"item_id":"msg_1","output_index":0,"content_index":0,"refusal":"I'm."}"#,
        ]
    );
    assert!(!data[0].contains("content_filters"));
}

#[test]
fn openai_says_who_pays_in_whole_answers_only() {
    let answer = Answer { vendor: Vendor::OpenAi, ..answer(settings(), vec![text("m", &["A"])]) };
    let whole = answer.object(&Stage::Over(1_001), true);
    assert!(whole.contains(
        r#""background":false,"billing":{"payer":"developer"},"completed_at":1001,"error":null"#
    ));
    assert!(!answer.object(&Stage::Over(1_001), false).contains("billing"));
}
