//! Each row was measured against the service (see `complaint.rs`), unless it says
//! otherwise.

use serde_json::json;

use super::*;

#[track_caller]
fn check(model: &str, body: Value, param: Option<&str>, code: Option<&str>, message: &str) {
    let found = error(model, &body.to_string());
    assert_eq!(found["message"], message, "{body}");
    assert_eq!(found["param"], json!(param), "{body}");
    assert_eq!(found["code"], json!(code), "{body}");
    assert_eq!(found["type"], "invalid_request_error");
}

/// A field beside a good input, at a model that reasons.
#[track_caller]
fn field(key: &str, value: Value, param: &str, code: Option<&str>, message: &str) {
    let mut body = json!({ "input": "ping" });
    body[key] = value;
    check("gpt-5", body, Some(param), code, message);
}

#[track_caller]
fn item_is(item: Value, param: &str, code: &str, message: &str) {
    check("gpt-5", json!({ "input": [item] }), Some(param), Some(code), message);
}

const VALUE: Option<&str> = Some("invalid_value");
const TYPE: Option<&str> = Some("invalid_type");
const UNKNOWN: Option<&str> = Some("unknown_parameter");
const MISSING: Option<&str> = Some("missing_required_parameter");

#[test]
fn keys_and_inputs() {
    field("n", json!(2), "n", UNKNOWN, "Unknown parameter: 'n'.");
    field("max_tokens", json!(16), "max_tokens", UNKNOWN, "Unknown parameter: 'max_tokens'.");
    check(
        "gpt-5",
        json!({ "input": "a", "messages": [] }),
        None,
        Some("unsupported_parameter"),
        "Unsupported parameter: 'messages'. In the Responses API, this parameter has moved to 'input'. Try again with the new parameter. See the API documentation for more information: https://platform.openai.com/docs/api-reference/responses/create.",
    );
    let missing = "Missing required parameter: 'input'.";
    check("gpt-5", json!({ "zzz": 1 }), Some("input"), MISSING, missing);
    let nothing = "One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation' must be provided.";
    check("gpt-5", json!({ "input": [] }), None, MISSING, nothing);
    check("gpt-5", json!({ "input": "", "temperature": 0.5 }), None, MISSING, nothing);
    check(
        "gpt-5",
        json!({ "input": null }),
        Some("input"),
        TYPE,
        "Invalid type for 'input': expected a string, but got an object instead.",
    );
    check(
        "gpt-5",
        json!({ "input": 7, "truncation": "bogus" }),
        Some("input"),
        TYPE,
        "Invalid type for 'input': expected one of a string or array of input items, but got an integer instead.",
    );
}

#[test]
fn items() {
    let message = |content: Value| json!({ "role": "user", "content": content });
    item_is(
        json!(7),
        "input[0]",
        "invalid_type",
        "Invalid type for 'input[0]': expected an input item, but got an integer instead.",
    );
    let roles =
        "Invalid value: ''. Supported values are: 'assistant', 'system', 'developer', and 'user'.";
    item_is(json!({}), "input[0]", "invalid_value", roles);
    item_is(
        json!({ "role": "tool", "content": "x" }),
        "input[0]",
        "invalid_value",
        "Invalid value: 'tool'. Supported values are: 'assistant', 'system', 'developer', and 'user'.",
    );
    item_is(
        json!({ "role": "user", "content": "x", "bogus": 1 }),
        "input[0].bogus",
        "unknown_parameter",
        "Unknown parameter: 'input[0].bogus'.",
    );
    item_is(
        json!({ "role": "user" }),
        "input[0].content",
        "missing_required_parameter",
        "Missing required parameter: 'input[0].content'.",
    );
    item_is(
        json!({ "role": "user", "content": null }),
        "input[0].content",
        "invalid_type",
        "Invalid type for 'input[0].content': expected one of an array of objects or string, but got null instead.",
    );
    item_is(
        message(json!([{ "type": "bogus", "text": "x" }])),
        "input[0].content[0].type",
        "invalid_value",
        "Invalid value: 'bogus'. Supported values are: 'input_text', 'input_image', 'input_audio', 'output_text', 'refusal', 'input_file', 'computer_screenshot', 'summary_text', and 'encrypted_content'.",
    );
    item_is(
        message(json!([{ "type": "output_text", "text": "x" }])),
        "input[0].content[0]",
        "invalid_value",
        "Invalid value: 'output_text'. Supported values are: 'input_text', 'input_image', 'input_file', 'scoped_content', and 'input_audio'.",
    );
    item_is(
        message(json!([{ "type": "input_text" }])),
        "input[0].content[0].text",
        "missing_required_parameter",
        "Missing required parameter: 'input[0].content[0].text'.",
    );
    item_is(
        message(json!([{ "type": "input_image", "image_url": { "url": "x" } }])),
        "input[0].content[0].image_url",
        "invalid_type",
        "Invalid type for 'input[0].content[0].image_url': expected an image URL, but got an object instead.",
    );
    item_is(
        json!({ "role": "assistant", "content": [{ "type": "input_text", "text": "x" }] }),
        "input[0].content[0]",
        "invalid_value",
        "Invalid value: 'input_text'. Supported values are: 'output_text' and 'refusal'.",
    );
    item_is(
        json!({ "role": "assistant", "content": "x", "phase": "bogus" }),
        "input[0].phase",
        "invalid_value",
        "Invalid value: 'bogus'. Supported values are: 'commentary' and 'final_answer'.",
    );
    item_is(
        json!({ "type": "function_call", "id": "call_1", "call_id": "c", "name": "f", "arguments": "{}" }),
        "input[0].id",
        "invalid_value",
        "Invalid 'input[0].id': 'call_1'. Expected an ID that begins with 'fc'.",
    );
    item_is(
        json!({ "type": "function_call_output", "call_id": "c" }),
        "input[0].output",
        "missing_required_parameter",
        "Missing required parameter: 'input[0].output'.",
    );
    item_is(
        json!({ "type": "reasoning", "id": "rs_1" }),
        "input[0].summary",
        "missing_required_parameter",
        "Missing required parameter: 'input[0].summary'.",
    );
    let found = error("gpt-5", r#"{"input":[{"type":"bogus_item"}]}"#);
    let message = found["message"].as_str().unwrap();
    assert!(message.starts_with(
        "Invalid value: 'bogus_item'. Supported values are: 'additional_tools', 'agent_message', "
    ));
    assert!(message.ends_with("'tool_search_output', and 'web_search_call'."));
}

#[test]
fn items_that_do_not_belong_together() {
    let user = json!({ "role": "user", "content": "x" });
    let thoughts = json!({ "type": "reasoning", "id": "rs_1", "summary": [] });
    let alone = "Item 'rs_1' of type 'reasoning' was provided without its required following item.";
    for input in [json!([user, thoughts]), json!([thoughts, user])] {
        check("gpt-5", json!({ "input": input }), Some("input"), None, alone);
    }
    let call =
        json!({ "type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}" });
    let output = json!({ "type": "function_call_output", "call_id": "call_1", "output": "x" });
    check(
        "gpt-5",
        json!({ "input": [user, call] }),
        Some("input"),
        None,
        "No tool output found for function call call_1.",
    );
    check(
        "gpt-5",
        json!({ "input": [output] }),
        Some("input"),
        None,
        "No tool call found for function call output with call_id call_1.",
    );
    assert!(read("gpt-5", &json!({ "input": [user, thoughts, call, output] }).to_string()).is_ok());
    let unknown =
        read("gpt-5", r#"{"input":[{"type":"item_reference","id":"msg_1"}],"store":false}"#);
    let unknown = unknown.unwrap_err();
    assert_eq!(unknown.status, 404);
    assert!(unknown.body(Style::OpenAi).contains(
        "Item with id 'msg_1' not found. Items are not persisted when `store` is set to false."
    ));
}

#[test]
fn texts_and_tools() {
    field("text", json!({ "zzz": 1 }), "text.zzz", UNKNOWN, "Unknown parameter: 'text.zzz'.");
    field(
        "text",
        json!({ "format": { "type": "bogus" } }),
        "text.format.type",
        VALUE,
        "Invalid value: 'bogus'. Supported values are: 'json_object', 'text', and 'json_schema'.",
    );
    field(
        "text",
        json!({ "format": { "type": "json_schema" } }),
        "text.format.name",
        MISSING,
        "Missing required parameter: 'text.format.name'.",
    );
    field(
        "text",
        json!({ "verbosity": "bogus" }),
        "text.verbosity",
        VALUE,
        "Invalid value: 'bogus'. Supported values are: 'low', 'medium', and 'high'.",
    );
    field(
        "tools",
        json!([{}]),
        "tools[0].type",
        MISSING,
        "Missing required parameter: 'tools[0].type'.",
    );
    field(
        "tools",
        json!([{ "type": "function", "function": { "name": "f" } }]),
        "tools[0].name",
        MISSING,
        "Missing required parameter: 'tools[0].name'.",
    );
    field(
        "tools",
        json!("x"),
        "tools",
        TYPE,
        "Invalid type for 'tools': expected an array of tools, but got a string instead.",
    );
    field(
        "tool_choice",
        json!(7),
        "tool_choice",
        TYPE,
        "Invalid type for 'tool_choice': expected one of an object or 'none', 'auto', or 'required', but got an integer instead.",
    );
    field(
        "tool_choice",
        json!("bogus"),
        "tool_choice",
        VALUE,
        "Invalid value: 'bogus'. Supported values are: 'none', 'auto', and 'required'.",
    );
    field(
        "tool_choice",
        json!({ "type": "function" }),
        "tool_choice.name",
        MISSING,
        "Missing required parameter: 'tool_choice.name'.",
    );
    field(
        "tool_choice",
        json!("required"),
        "tool_choice",
        None,
        "Tool choice 'required' must be specified with 'tools' parameter.",
    );
    field(
        "tool_choice",
        json!({ "type": "web_search" }),
        "tool_choice",
        None,
        "Tool choice 'web_search' not found in 'tools' parameter.",
    );
}

#[test]
fn other_fields() {
    field(
        "reasoning",
        json!("low"),
        "reasoning",
        TYPE,
        "Invalid type for 'reasoning': expected an object, but got a string instead.",
    );
    field(
        "reasoning",
        json!({ "effort": "bogus" }),
        "reasoning.effort",
        VALUE,
        "Invalid value: 'bogus'. Supported values are: 'none', 'minimal', 'low', 'medium', 'high', 'xhigh', and 'max'.",
    );
    field(
        "reasoning",
        json!({ "effort": "none" }),
        "reasoning.effort",
        Some("unsupported_value"),
        "Unsupported value: 'none' is not supported with the 'gpt-5' model. Supported values are: 'minimal', 'low', 'medium', and 'high'.",
    );
    field(
        "reasoning",
        json!({ "summary": "bogus" }),
        "reasoning.summary",
        VALUE,
        "Invalid value: 'bogus'. Supported values are: 'concise', 'detailed', and 'auto'.",
    );
    field(
        "temperature",
        json!(0.5),
        "temperature",
        None,
        "Unsupported parameter: 'temperature' is not supported with this model.",
    );
    field(
        "top_p",
        json!(1),
        "top_p",
        None,
        "Unsupported parameter: 'top_p' is not supported with this model.",
    );
    field(
        "top_logprobs",
        json!(1),
        "top_logprobs",
        Some("unsupported_parameter"),
        "logprobs are not supported with reasoning models.",
    );
    field(
        "include",
        json!(["message.output_text.logprobs"]),
        "include",
        Some("unsupported_parameter"),
        "logprobs are not supported with reasoning models.",
    );
    field(
        "include",
        json!("x"),
        "include",
        TYPE,
        "Invalid type for 'include': expected an array of one of 'fil...lts', 'web...lts', 'web...ces', 'mes...url', 'com...url', 'cod...uts', 'rea...ent', or 'mes...obs', but got a string instead.",
    );
    field(
        "previous_response_id",
        json!("resp_x"),
        "previous_response_id",
        Some("previous_response_not_found"),
        "Previous response with id 'resp_x' not found.",
    );
    field(
        "truncation",
        json!("bogus"),
        "truncation",
        VALUE,
        "Invalid value: 'bogus'. Supported values are: 'auto' and 'disabled'.",
    );
    field(
        "truncation",
        json!({}),
        "truncation",
        TYPE,
        "Invalid type for 'truncation': expected one of 'auto' or 'disabled', but got an object instead.",
    );
    field(
        "max_output_tokens",
        json!(0),
        "max_output_tokens",
        Some("integer_below_min_value"),
        "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got 0 instead.",
    );
    field(
        "max_tool_calls",
        json!(0),
        "max_tool_calls",
        Some("integer_below_min_value"),
        "Invalid 'max_tool_calls': integer below minimum value. Expected a value >= 1, but got 0 instead.",
    );
    field(
        "metadata",
        json!("x"),
        "metadata",
        TYPE,
        "Invalid type for 'metadata': expected a metadata object, but got a string instead.",
    );
    let many: serde_json::Map<String, Value> =
        (0..17).map(|n| (format!("k{n}"), json!("v"))).collect();
    field(
        "metadata",
        Value::Object(many),
        "metadata",
        Some("object_above_max_properties"),
        "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, but got an object with 17 properties instead.",
    );
    field(
        "service_tier",
        json!("bogus"),
        "service_tier",
        VALUE,
        "Invalid value: 'bogus'. Supported values are: 'auto', 'default', 'fast', 'flex', and 'priority'.",
    );
    field(
        "stream_options",
        json!({ "include_usage": true }),
        "stream_options.include_usage",
        UNKNOWN,
        "Unknown parameter: 'stream_options.include_usage'.",
    );
    field(
        "store",
        json!("yes"),
        "store",
        TYPE,
        "Invalid type for 'store': expected a boolean, but got a string instead.",
    );
    let gone = error("gpt-5", r#"{"input":"a","conversation":"conv_x"}"#);
    assert_eq!(gone["message"], "Conversation with id 'conv_x' not found.");
    check(
        "gpt-4o",
        json!({ "input": "a", "reasoning": { "effort": "low" } }),
        Some("reasoning.effort"),
        Some("unsupported_parameter"),
        "Unsupported parameter: 'reasoning.effort' is not supported with this model.",
    );
    // Recorded: oa-400-decimal_below_min_value.
    check(
        "gpt-4o",
        json!({ "input": "a", "temperature": -1 }),
        Some("temperature"),
        Some("decimal_below_min_value"),
        "Invalid 'temperature': decimal below minimum value. Expected a value >= 0, but got -1 instead.",
    );
    check(
        "gpt-4o",
        json!({ "input": "a", "max_output_tokens": 20_000 }),
        Some("max_output_tokens"),
        Some("integer_above_max_value"),
        "Invalid 'max_output_tokens': integer above maximum value. Expected a value <= 16384, but got 20000 instead.",
    );
}

#[test]
fn of_two_faults_the_service_tells_one() {
    let tell = |body: Value| error("gpt-5", &body.to_string())["param"].clone();
    assert_eq!(tell(json!({ "input": [{ "bogus": 1 }], "zzz": 1 })), "zzz");
    assert_eq!(tell(json!({ "input": [{}], "previous_response_id": "resp_x" })), "input[0]");
    assert_eq!(tell(json!({ "input": "a", "include": ["x"], "tools": "x" })), "include[0]");
    assert_eq!(tell(json!({ "input": "a", "tools": "x", "metadata": "x" })), "tools");
    assert_eq!(tell(json!({ "input": "a", "metadata": "x", "text": "x" })), "metadata");
    assert_eq!(tell(json!({ "input": "a", "text": "x", "temperature": "x" })), "text");
    assert_eq!(
        tell(json!({ "input": "a", "previous_response_id": "resp_x", "truncation": "x" })),
        "truncation"
    );
    assert_eq!(
        tell(json!({ "input": "a", "previous_response_id": "resp_x", "temperature": 0.5 })),
        "previous_response_id"
    );
}
