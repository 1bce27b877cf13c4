//! Calls and their results in a conversation: each result answers a call, and each
//! call has its result before somebody else speaks.

use serde_json::Value;

use crate::api::fields::Parsed;
use crate::wire::ApiError;

/// Checks the order of calls and results.
pub(super) fn check(messages: &[Value]) -> Parsed<()> {
    let mut pending: Vec<&str> = Vec::new();
    let mut answered = false;
    for (index, message) in messages.iter().enumerate() {
        let role = message.get("role").and_then(Value::as_str).unwrap_or_default();
        if role == "tool" {
            let id = message.get("tool_call_id").and_then(Value::as_str);
            let Some(id) = id else {
                let message = "Missing parameter 'tool_call_id': messages with role 'tool' must have a 'tool_call_id'.";
                let param = format!("messages.[{index}].tool_call_id");
                return Err(ApiError::invalid_request(message, Some(&param), None));
            };
            if pending.is_empty() && !answered {
                // The misspelling is the service's.
                let message = "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.";
                let param = format!("messages.[{index}].role");
                return Err(ApiError::invalid_request(message, Some(&param), None));
            }
            pending.retain(|call| *call != id);
            answered = true;
            continue;
        }
        unanswered(&pending, &format!("messages.[{index}].role"))?;
        answered = false;
        let calls = message.get("tool_calls").and_then(Value::as_array);
        pending = calls
            .into_iter()
            .flatten()
            .filter_map(|call| call.get("id").and_then(Value::as_str))
            .collect();
    }
    unanswered(&pending, "messages")
}

fn unanswered(pending: &[&str], param: &str) -> Parsed<()> {
    if pending.is_empty() {
        return Ok(());
    }
    let message = format!(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: {}",
        pending.join(", ")
    );
    Err(ApiError::invalid_request(message, Some(param), None))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check_that(messages: Value, expected: Option<&str>) {
        let checked = check(messages.as_array().unwrap());
        let found = checked.err().map(|error| format!("{error:?}"));
        match (found, expected) {
            (None, None) => {}
            (Some(found), Some(expected)) if found.contains(expected) => {}
            (found, expected) => panic!("{found:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn every_call_has_its_result() {
        let user = json!({"role": "user", "content": "x"});
        let call = json!({"role": "assistant", "tool_calls": [{"id": "a"}, {"id": "b"}]});
        let result = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": "1"});
        check_that(json!([user, call, result("a"), result("b"), user]), None);
        check_that(json!([user, call, result("b"), result("a")]), None);
        check_that(json!([user, result("a")]), Some("preceeding"));
        check_that(json!([user, call, result("a"), user]), Some("response messages: b"));
        check_that(json!([user, call]), Some("response messages: a, b"));
        check_that(
            json!([user, call, {"role": "tool", "content": "1"}]),
            Some("Missing parameter"),
        );
        check_that(
            json!([user, call, result("a"), result("b"), user, result("a")]),
            Some("preceeding"),
        );
    }
}
