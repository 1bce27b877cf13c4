//! Errors, and waits after a refusal.

use anyhow::{Context as _, Result, bail, ensure};
use async_openai::error::{ApiErrorResponse, OpenAIError};
use async_openai::traits::RequestOptionsBuilder as _;
use serde_json::{Value, from_value, json};

use crate::chat::messages;
use crate::form::{AnyClient, Form, Kind};

async fn failure(client: AnyClient, deployment: &str, fields: Value) -> Result<OpenAIError> {
    let mut request = json!({ "model": deployment, "messages": messages() });
    let (known, more) = (request.as_object_mut(), fields.as_object());
    known.context("no object")?.extend(more.context("no object")?.clone());
    match client.chat().create(from_value(request)?).await {
        Err(error) => Ok(error),
        Ok(answer) => bail!("answered: {answer:?}"),
    }
}

fn check(
    error: OpenAIError,
    status: u16,
    is_right: impl Fn(&ApiErrorResponse) -> bool,
) -> Result<()> {
    match error {
        OpenAIError::ApiError(error) if error.status_code == status && is_right(&error) => Ok(()),
        other => bail!("{other:?}"),
    }
}

pub(crate) async fn wrong_key(form: &Form) -> Result<()> {
    let error = failure(form.client_with_key("modern", "not-a-key"), "modern", json!({})).await?;
    // Azure's answer to a wrong bearer token has no `error`: not what the crate reads.
    if form.kind == Kind::V1 {
        let OpenAIError::JSONDeserialize(_, body) = error else { bail!("{error:?}") };
        ensure!(body.contains("Access token is missing, invalid"), "{body}");
        return Ok(());
    }
    check(error, 401, |_| true)
}

pub(crate) async fn no_deployment(form: &Form) -> Result<()> {
    let code = if form.kind == Kind::OpenAi { "model_not_found" } else { "DeploymentNotFound" };
    let error = failure(form.client("nowhere"), "nowhere", json!({})).await?;
    check(error, 404, |error| error.api_error.code.as_deref() == Some(code))
}

pub(crate) async fn bad_parameter(form: &Form) -> Result<()> {
    let error = failure(form.client("modern"), "modern", json!({ "temperature": -1.0 })).await?;
    check(error, 400, |error| error.api_error.param.as_deref() == Some("temperature"))
}

pub(crate) async fn filter(form: &Form) -> Result<()> {
    let messages = json!([{ "role": "user", "content": "Describe an act of violence." }]);
    let error = failure(form.client("modern"), "modern", json!({ "messages": messages })).await?;
    check(error, 400, |error| error.api_error.code.as_deref() == Some("content_filter"))
}

/// A call that can be found in the journal.
async fn call(form: &Form, deployment: &str, correlation_id: &str) -> Result<()> {
    let request =
        json!({ "model": deployment, "messages": messages(), "max_completion_tokens": 1 });
    let client = form.client(deployment);
    let chat = client.chat().header("x-ms-client-request-id", correlation_id)?;
    chat.create(from_value(request)?).await?;
    Ok(())
}

/// Answered at the second request. The crate reads `retry-after` alone, not
/// `retry-after-ms`: it waits the whole seconds of that.
pub(crate) async fn busy(form: &Form) -> Result<()> {
    // The process's id: another run may ask the same simulator.
    let name = format!("{}-{}", form.name.replace('/', "-"), std::process::id());
    let control = form.control();
    let id = format!("told-{name}");
    control.refuse_once(&id).await?;
    call(form, "modern", &id).await?;
    control.check_waited_seconds(&id).await?;

    // Often enough that one falls into the second of the one before.
    for attempt in 0..10 {
        let id = format!("busy-{name}-{attempt}");
        call(form, "busy-payg-rust", &id).await?;
        let records = control.journal(&id).await?;
        match records.iter().map(|record| record.status).collect::<Vec<_>>()[..] {
            [200] => {}
            [429, 200] => return Ok(()),
            ref statuses => bail!("{statuses:?}"),
        }
    }
    bail!("never refused")
}
