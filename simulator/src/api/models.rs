//! `models`: what Azure can deploy, and what OpenAI serves (specification, section
//! 2.7; Azure's fields from its REST reference, "Models - List", of 2024-10-21).

use serde_json::{Value, json};

use super::call::Document;
use super::fields::Parsed;
use crate::catalogue::{self, Kind, Model, ModelFacts};
use crate::config::{DeploymentConfig, WireProfile};
use crate::wire::ApiError;

/// When a model without a dated snapshot is said to have come: 1 March 2023.
const UNDATED: u64 = 1_677_628_800;
/// How long after its coming a model is said to be retired: 18 months of 30 days.
const LIFETIME: u64 = 18 * 30 * 86_400;

/// Azure: the models a resource can deploy, whatever it has deployed.
pub(crate) fn azure_list() -> Document {
    list(catalogue::facts().map(azure_model).collect())
}

/// One of them, by its name with or without a date.
pub(crate) fn azure_one(id: &str) -> Parsed<Document> {
    let found = Model::find(id).map(|model| {
        let mut value = azure_model(model.facts);
        value["id"] = json!(model.snapshot);
        value
    });
    found.map(|model| Document::json(line(&model))).ok_or_else(ApiError::base_model_not_found)
}

/// OpenAI: the models there are, that is the deployments.
pub(crate) fn openai_list<'a>(deployments: impl Iterator<Item = &'a DeploymentConfig>) -> Document {
    list(openai_models(deployments))
}

/// One of them.
pub(crate) fn openai_one<'a>(
    deployments: impl Iterator<Item = &'a DeploymentConfig>,
    id: &str,
) -> Parsed<Document> {
    let models = openai_models(deployments);
    let found = models.iter().find(|model| model["id"] == id);
    found.map(|model| Document::json(pretty(model))).ok_or_else(|| ApiError::no_such_model(id))
}

/// The deployments of a resource, as Azure's first API versions listed them.
pub(crate) fn deployments<'a>(deployments: impl Iterator<Item = &'a DeploymentConfig>) -> Document {
    list(
        deployments
            .map(|deployment| {
                let created = created(&deployment.model.snapshot);
                json!({
                    "scale_settings": { "scale_type": "standard" },
                    "model": deployment.model.facts.name,
                    "owner": "organization-owner",
                    "id": deployment.name,
                    "status": "succeeded",
                    "created_at": created,
                    "updated_at": created,
                    "object": "deployment",
                })
            })
            .collect(),
    )
}

fn azure_model(facts: &ModelFacts) -> Value {
    let created = created(facts.snapshot);
    let (completion, chat, embeddings) = match facts.kind {
        Kind::Chat | Kind::Reasoning => (false, true, false),
        Kind::ChatAndCompletions => (true, true, false),
        Kind::Completions => (true, false, false),
        Kind::Embeddings(_) => (false, false, true),
        Kind::Images(_) | Kind::Transcription { .. } | Kind::Speech => (false, false, false),
    };
    json!({
        "status": "succeeded",
        "capabilities": {
            "fine_tune": false,
            "inference": true,
            "completion": completion,
            "chat_completion": chat,
            "embeddings": embeddings,
        },
        "lifecycle_status": "generally-available",
        "deprecation": { "inference": created + LIFETIME },
        "id": facts.snapshot,
        "created_at": created,
        "created": created,
        "owned_by": "system",
        "object": "model",
    })
}

fn openai_models<'a>(deployments: impl Iterator<Item = &'a DeploymentConfig>) -> Vec<Value> {
    let mut models: Vec<Value> = Vec::new();
    for deployment in deployments.filter(|d| d.wire_profile == WireProfile::OpenAi) {
        let snapshot = &deployment.model.snapshot;
        for id in [&deployment.name, snapshot] {
            if models.iter().all(|model| model["id"] != id.as_str()) {
                let created = created(snapshot);
                models.push(json!({
                    "id": id, "object": "model", "created": created, "owned_by": "system",
                }));
            }
        }
    }
    models
}

fn list(data: Vec<Value>) -> Document {
    Document::json(pretty(&json!({ "object": "list", "data": data })))
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn line(value: &Value) -> String {
    value.to_string()
}

/// The date at the end of a snapshot's name, as seconds since 1970.
fn created(snapshot: &str) -> u64 {
    let date = snapshot.len().checked_sub(10).and_then(|at| snapshot.get(at..));
    let mut parts = date.unwrap_or_default().split('-').map(str::parse::<u64>);
    let (Some(Ok(year)), Some(Ok(month)), Some(Ok(day)), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return UNDATED;
    };
    if year < 1970 || !(1..=12).contains(&month) {
        return UNDATED;
    }
    // Days of the proleptic Gregorian calendar, with years that begin in March.
    let shifted = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + day_of_year;
    days.saturating_sub(719_468) * 86_400
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_came_on_the_day_of_its_name() {
        assert_eq!(created("gpt-4o-2024-11-20"), 1_732_060_800);
        assert_eq!(created("o1-2024-02-29"), 1_709_164_800);
        assert_eq!(created("gpt-35-turbo"), UNDATED);
        assert_eq!(created("x-2024-13-01"), UNDATED);
        assert_eq!(created("-9999999-99"), UNDATED);
    }
}
