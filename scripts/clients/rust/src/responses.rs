//! The Responses API.

use anyhow::{Context as _, Result, ensure};
use async_openai::types::responses::{Response, ResponseStreamEvent};
use futures::StreamExt as _;
use serde_json::{Value, from_value, json, to_value};

use crate::chat::{parameters, result};
use crate::form::Form;

const PROMPT: &str = "Tell me of a gateway, in one sentence.";

/// Asks with `fields` beside, or instead of, the usual ones.
async fn ask(form: &Form, fields: Value) -> Result<Response> {
    let mut request = json!({ "model": "modern", "input": PROMPT });
    let (known, more) = (request.as_object_mut(), fields.as_object());
    known.context("no object")?.extend(more.context("no object")?.clone());
    Ok(form.client("modern").responses().create(from_value(request)?).await?)
}

fn has_text(response: &Response) -> bool {
    response.output_text().is_some_and(|text| !text.is_empty())
}

pub(crate) async fn create(form: &Form) -> Result<()> {
    let answer = ask(form, json!({ "instructions": "Be brief." })).await?;
    ensure!(has_text(&answer));
    let usage = answer.usage.context("no usage")?;
    ensure!(usage.total_tokens == usage.input_tokens + usage.output_tokens);
    Ok(())
}

pub(crate) async fn stream(form: &Form) -> Result<()> {
    let request = from_value(json!({ "model": "modern", "input": PROMPT, "stream": true }))?;
    let mut stream = form.client("modern").responses().create_stream(request).await?;
    let (mut text, mut numbers, mut whole) = (String::new(), Vec::new(), None);
    while let Some(event) = stream.next().await {
        let event = event?;
        numbers.push(to_value(&event)?["sequence_number"].as_u64().context("no number")?);
        match event {
            ResponseStreamEvent::ResponseOutputTextDelta(event) => text.push_str(&event.delta),
            ResponseStreamEvent::ResponseCompleted(event) => whole = Some(event.response),
            _ => {}
        }
    }
    ensure!(numbers.iter().copied().eq(0..u64::try_from(numbers.len())?), "{numbers:?}");
    ensure!(whole.context("not completed")?.output_text() == Some(text));
    Ok(())
}

pub(crate) async fn retrieve(form: &Form) -> Result<()> {
    let made = ask(form, json!({})).await?;
    let client = form.client("modern");
    let kept = client.responses().retrieve(&made.id).await?;
    ensure!(kept.output_text() == made.output_text());
    ensure!(client.responses().delete(&made.id).await?.deleted);
    ensure!(client.responses().retrieve(&made.id).await.is_err(), "there after it was deleted");
    Ok(())
}

pub(crate) async fn previous(form: &Form) -> Result<()> {
    let first = ask(form, json!({})).await?;
    let next = json!({ "input": "And of a backend?", "previous_response_id": first.id });
    let second = ask(form, next).await?;
    let (first, second) = first.usage.zip(second.usage).context("no usage")?;
    ensure!(first.total_tokens < second.input_tokens);
    Ok(())
}

pub(crate) async fn tools(form: &Form) -> Result<()> {
    let tools = json!(["get_weather", "get_time"].map(|name| {
        json!({ "type": "function", "name": name, "strict": true, "parameters": parameters() })
    }));
    let asked = ask(form, json!({ "model": "parallel", "tools": tools })).await?;
    let items = to_value(&asked.output)?;
    let calls =
        items.as_array().into_iter().flatten().filter(|item| item["type"] == "function_call");
    let outputs: Vec<Value> = calls
        .map(|call| {
            let text = |key: &str| call[key].as_str().context("no text");
            let output = result(text("name")?, text("arguments")?)?;
            Ok(json!({ "type": "function_call_output", "call_id": text("call_id")?, "output": output }))
        })
        .collect::<Result<_>>()?;
    ensure!(1 < outputs.len(), "{items}");
    let next = json!({
        "model": "parallel", "tools": tools, "input": outputs, "previous_response_id": asked.id,
    });
    ensure!(has_text(&ask(form, next).await?));
    Ok(())
}

/// The crate has types for the schema; reading the answer is the caller's.
pub(crate) async fn structured(form: &Form) -> Result<()> {
    let format =
        json!({ "type": "json_schema", "name": "place", "strict": true, "schema": parameters() });
    let answer = ask(form, json!({ "text": { "format": format } })).await?;
    result("get_weather", &answer.output_text().context("no text")?).map(drop)
}
