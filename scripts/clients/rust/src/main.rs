//! async-openai, in its Azure and its OpenAI form, against the simulator: chat, stream,
//! tools, structured output, embeddings, Responses, errors, waits after a 429. The
//! first thing that is not as it should be ends it with code 1.

use std::env::var;

use anyhow::{Context as _, Result, bail, ensure};
use async_openai::Client;
use async_openai::config::{AzureConfig, Config, OpenAIConfig};
use async_openai::error::OpenAIError;
use futures::StreamExt as _;
use serde_json::{Value, from_value, json};

fn messages() -> Value {
    json!([{ "role": "user", "content": "Tell me of a gateway." }])
}

async fn chat<C: Config>(client: &Client<C>) -> Result<()> {
    let request = from_value(json!({ "model": "modern", "messages": messages(), "max_completion_tokens": 12 }))?;
    let answer = client.chat().create(request).await?;
    let usage = answer.usage.context("no usage")?;
    ensure!(usage.total_tokens == usage.prompt_tokens + usage.completion_tokens);
    ensure!(answer.choices[0].message.content.as_ref().is_some_and(|text| !text.is_empty()));

    let request = from_value(json!({
        "model": "modern", "messages": messages(), "max_completion_tokens": 12,
        "stream": true, "stream_options": { "include_usage": true },
    }))?;
    let mut stream = client.chat().create_stream(request).await?;
    let (mut pieces, mut used) = (0, None);
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        used = chunk.usage.or(used);
        pieces += chunk.choices.iter().filter(|c| c.delta.content.as_ref().is_some_and(|t| !t.is_empty())).count();
    }
    ensure!(used.context("no usage in the stream")?.completion_tokens as usize == pieces);
    Ok(())
}

async fn tools_and_schemas<C: Config>(client: &Client<C>) -> Result<()> {
    let parameters = json!({
        "type": "object", "properties": { "city": { "type": "string" } },
        "required": ["city"], "additionalProperties": false,
    });
    let request = from_value(json!({
        "model": "modern", "messages": messages(), "tool_choice": "required",
        "tools": [{ "type": "function", "function": { "name": "get_weather", "parameters": parameters } }],
    }))?;
    let answer = serde_json::to_value(client.chat().create(request).await?)?;
    let call = &answer["choices"][0]["message"]["tool_calls"][0]["function"];
    ensure!(call["name"] == "get_weather", "{answer}");
    let arguments: Value = serde_json::from_str(call["arguments"].as_str().context("no arguments")?)?;
    ensure!(arguments["city"].is_string(), "{arguments}");

    let request = from_value(json!({
        "model": "modern", "messages": messages(),
        "response_format": { "type": "json_schema", "json_schema": { "name": "place", "strict": true, "schema": parameters } },
    }))?;
    let answer = client.chat().create(request).await?;
    let content = answer.choices[0].message.content.as_deref().context("no content")?;
    ensure!(serde_json::from_str::<Value>(content)?["city"].is_string(), "{content}");
    Ok(())
}

async fn embeddings<C: Config>(client: &Client<C>) -> Result<()> {
    let request = from_value(json!({ "model": "embedding", "input": ["a gateway", "a backend"] }))?;
    let answer = client.embeddings().create(request).await?;
    ensure!(answer.data.iter().all(|vector| vector.embedding.len() == 1536));
    Ok(())
}

async fn responses<C: Config>(client: &Client<C>) -> Result<()> {
    let request = from_value(json!({ "model": "modern", "input": "Tell me of a gateway." }))?;
    let answer = client.responses().create(request).await?;
    ensure!(answer.output_text().is_some_and(|text| !text.is_empty()));
    let request = from_value(json!({ "model": "modern", "input": "Tell me of a gateway.", "stream": true }))?;
    let mut stream = client.responses().create_stream(request).await?;
    let mut events = 0;
    while let Some(event) = stream.next().await {
        event?;
        events += 1;
    }
    ensure!(8 < events, "{events} events");
    Ok(())
}

async fn errors<C: Config>(nowhere: &Client<C>, code: &str) -> Result<()> {
    let request = from_value(json!({ "model": "nowhere", "messages": messages() }))?;
    match nowhere.chat().create(request).await {
        Err(OpenAIError::ApiError(error)) => {
            let found = format!("{error:?}");
            ensure!(found.contains(code), "{found}");
            Ok(())
        }
        other => bail!("an unknown deployment gave {other:?}"),
    }
}

/// The client waits and tries again by itself.
async fn waits<C: Config>(busy: &Client<C>) -> Result<()> {
    for _ in 0..3 {
        let request = from_value(json!({
            "model": "busy-payg-rust", "messages": messages(), "max_completion_tokens": 1,
        }))?;
        busy.chat().create(request).await?;
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let (url, key) = (var("SIMULATOR_URL")?, var("SIMULATOR_API_KEY")?);
    let azure = |deployment: &str| {
        Client::with_config(
            AzureConfig::new()
                .with_api_base(&url)
                .with_api_key(&key)
                .with_api_version("2024-10-21")
                .with_deployment_id(deployment),
        )
    };
    let v1 = Client::with_config(
        OpenAIConfig::new().with_api_base(format!("{url}/openai/v1")).with_api_key(&key),
    );
    chat(&azure("modern")).await.context("azure: chat")?;
    chat(&v1).await.context("v1: chat")?;
    tools_and_schemas(&azure("modern")).await.context("azure: tools and schemas")?;
    tools_and_schemas(&v1).await.context("v1: tools and schemas")?;
    embeddings(&azure("embedding")).await.context("azure: embeddings")?;
    embeddings(&v1).await.context("v1: embeddings")?;
    responses(&v1).await.context("v1: responses")?;
    errors(&azure("nowhere"), "DeploymentNotFound").await.context("azure: errors")?;
    errors(&v1, "DeploymentNotFound").await.context("v1: errors")?;
    waits(&azure("busy-payg-rust")).await.context("azure: waits")?;
    println!("async-openai: azure and v1, 10 checks passed");
    Ok(())
}
