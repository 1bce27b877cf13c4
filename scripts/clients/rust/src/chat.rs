//! Chat, its tools and its structured output.

use anyhow::{Context as _, Result, ensure};
use async_openai::types::chat::CreateChatCompletionResponse;
use futures::StreamExt as _;
use serde::Deserialize;
use serde_json::{Value, from_value, json, to_value};

use crate::form::Form;

pub(crate) fn messages() -> Value {
    json!([{ "role": "user", "content": "Tell me of a gateway, in one sentence." }])
}

pub(crate) fn parameters() -> Value {
    json!({
        "type": "object", "properties": { "city": { "type": "string" } },
        "required": ["city"], "additionalProperties": false,
    })
}

fn tools() -> Value {
    json!(["get_weather", "get_time"].map(|name| {
        json!({ "type": "function", "function": { "name": name, "parameters": parameters() } })
    }))
}

/// The arguments of both tools.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    city: String,
}

/// The result of a call, if its name and arguments are right.
pub(crate) fn result(name: &str, arguments: &str) -> Result<String> {
    ensure!(["get_weather", "get_time"].contains(&name), "there is no {name}");
    let Place { city } = serde_json::from_str(arguments).with_context(|| arguments.to_owned())?;
    Ok(format!("{name}: it is fine in {city}."))
}

/// Asks with `fields` beside, or instead of, the usual ones.
async fn ask(form: &Form, deployment: &str, fields: Value) -> Result<CreateChatCompletionResponse> {
    let mut request = json!({ "model": deployment, "messages": messages() });
    let (known, more) = (request.as_object_mut(), fields.as_object());
    known.context("no object")?.extend(more.context("no object")?.clone());
    Ok(form.client(deployment).chat().create(from_value(request)?).await?)
}

pub(crate) async fn chat(form: &Form) -> Result<()> {
    let answer = ask(form, "modern", json!({ "max_completion_tokens": 12 })).await?;
    let usage = answer.usage.context("no usage")?;
    ensure!(usage.total_tokens == usage.prompt_tokens + usage.completion_tokens);
    ensure!((1..=12).contains(&usage.completion_tokens));
    let content = answer.choices.first().and_then(|choice| choice.message.content.as_deref());
    ensure!(content.is_some_and(|text| !text.is_empty()));
    Ok(())
}

pub(crate) async fn stream(form: &Form) -> Result<()> {
    let request = from_value(json!({
        "model": "modern", "messages": messages(), "max_completion_tokens": 12,
        "stream": true, "stream_options": { "include_usage": true },
    }))?;
    let mut stream = form.client("modern").chat().create_stream(request).await?;
    let (mut pieces, mut used) = (0, None);
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        used = chunk.usage.or(used);
        let texts = chunk.choices.iter().filter_map(|choice| choice.delta.content.as_ref());
        pieces += texts.filter(|text| !text.is_empty()).count();
    }
    ensure!(1 < pieces && usize::try_from(used.context("no usage")?.completion_tokens)? == pieces);
    Ok(())
}

/// Asks with tools, sends the results back, and returns how many calls there were.
async fn answered(form: &Form, mut fields: Value) -> Result<usize> {
    fields["tools"] = tools();
    let asked = to_value(ask(form, "parallel", fields).await?)?;
    ensure!(asked["choices"][0]["finish_reason"] == "tool_calls", "{asked}");
    let message = &asked["choices"][0]["message"];
    let calls = message["tool_calls"].as_array().context("no calls")?;
    let mut history = vec![messages()[0].clone(), message.clone()];
    for call in calls {
        let text = |value: &Value| value.as_str().map(str::to_owned).context("no text");
        let name = text(&call["function"]["name"])?;
        let content = result(&name, &text(&call["function"]["arguments"])?)?;
        history.push(json!({ "role": "tool", "tool_call_id": call["id"], "content": content }));
    }
    let told = ask(form, "parallel", json!({ "tools": tools(), "messages": history })).await?;
    ensure!(told.choices.first().is_some_and(|choice| choice.message.content.is_some()));
    Ok(calls.len())
}

pub(crate) async fn one_tool(form: &Form) -> Result<()> {
    let calls = answered(form, json!({ "parallel_tool_calls": false })).await?;
    ensure!(calls == 1, "{calls} calls");
    Ok(())
}

pub(crate) async fn parallel_tools(form: &Form) -> Result<()> {
    let calls = answered(form, json!({})).await?;
    ensure!(1 < calls, "{calls} calls");
    Ok(())
}

pub(crate) async fn forced_tool(form: &Form) -> Result<()> {
    let choice = json!({ "type": "function", "function": { "name": "get_time" } });
    let asked = ask(form, "modern", json!({ "tools": tools(), "tool_choice": choice })).await?;
    let asked = to_value(asked)?;
    let calls = asked["choices"][0]["message"]["tool_calls"].as_array().context("no calls")?;
    ensure!(!calls.is_empty() && calls.iter().all(|call| call["function"]["name"] == "get_time"));
    Ok(())
}

pub(crate) async fn streamed_tools(form: &Form) -> Result<()> {
    let request = from_value(json!({
        "model": "parallel", "messages": messages(), "tools": tools(), "stream": true,
    }))?;
    let mut stream = form.client("parallel").chat().create_stream(request).await?;
    let mut calls: Vec<(String, String)> = Vec::new();
    while let Some(chunk) = stream.next().await {
        let choices = chunk?.choices;
        for fragment in
            choices.into_iter().flat_map(|choice| choice.delta.tool_calls.unwrap_or_default())
        {
            let function = fragment.function.context("a fragment of no function")?;
            if let Some(name) = function.name {
                ensure!(usize::try_from(fragment.index)? == calls.len(), "calls out of order");
                calls.push((name, String::new()));
            }
            let (_, arguments) = calls.last_mut().context("arguments before a name")?;
            arguments.push_str(&function.arguments.unwrap_or_default());
        }
    }
    ensure!(1 < calls.len(), "{calls:?}");
    calls.iter().try_for_each(|(name, arguments)| result(name, arguments).map(drop))
}

/// The crate has types for the schema; reading the answer is the caller's.
pub(crate) async fn structured_output(form: &Form) -> Result<()> {
    let schema = json!({ "name": "place", "strict": true, "schema": parameters() });
    let format = json!({ "type": "json_schema", "json_schema": schema });
    let answer = ask(form, "modern", json!({ "response_format": format })).await?;
    let content = answer.choices.first().and_then(|choice| choice.message.content.as_deref());
    result("get_weather", content.context("no content")?).map(drop)
}
