//! Live changes: what `PATCH /++/config` says → checked changes; and what
//! `GET /++/config` shows.
//!
//! Two dialects in one body. The seed toolkit's,
//! `{"latency":{"open_ai_completions":{"mean":10}}}`, means every deployment of
//! the resource with the `aoai_simulator_compat` latency; ours,
//! `{"deployments":{"NAME":{"tpm":1000,"latency":{…}}}}`, one by name. Anything
//! unknown is refused, and nothing is changed then.

mod limits;

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::deployment::{Change, Deployment};
use super::fault_control;
use super::resource::Resource;
use crate::answer::Rules;
use crate::catalogue::Model;
use crate::config::{Capacity, answers_from, latency_from, raw};
use crate::fault::{Armed, Owner};
use crate::latency::{Latency, Shape, Spread};

/// What can be changed of a deployment.
const DEPLOYMENT_KEYS: &[&str] = &[
    "tpm",
    "rpm",
    "ptu",
    "temporary_adjustment",
    "peak_load",
    "insufficient_quota",
    "header_anomaly",
    "latency",
    "faults",
];

/// What a patch changes, checked.
pub(super) struct Planned {
    pub deployments: Vec<(Arc<Deployment>, Change)>,
    /// All faults of the resource, where they change.
    pub faults: Option<Vec<Arc<Armed>>>,
    /// All given answers of the resource, where they change.
    pub answers: Option<Rules>,
}

/// Reads a patch; the error is for the caller's eyes.
pub(super) fn plan(resource: &Resource, body: &[u8], now: Instant) -> Result<Planned, String> {
    let body: Value =
        serde_json::from_slice(body).map_err(|error| format!("the body is not JSON: {error}"))?;
    let body = object(&body, "the body")?;
    only(body, "the body", &["latency", "openai_deployments", "deployments", "faults", "answers"])?;
    let mut faults = Vec::new();
    if let Some(list) = body.get("faults") {
        faults.push((Owner::Resource, list));
    }
    let mut changes: IndexMap<&str, Change> = IndexMap::new();
    if let Some(latency) = body.get("latency") {
        seed_dialect(resource, latency, &mut changes)?;
    }
    if let Some(deployments) = body.get("openai_deployments") {
        for (name, patch) in object(deployments, "`openai_deployments`")? {
            let (name, deployment) = known(resource, name)?;
            seed_deployment(name, deployment, patch, changes.entry(name).or_default())?;
        }
    }
    if let Some(deployments) = body.get("deployments") {
        for (name, patch) in object(deployments, "`deployments`")? {
            let (name, deployment) = known(resource, name)?;
            let change = changes.entry(name).or_default();
            one_deployment(name, deployment, patch, change)?;
            if let Some(list) = patch.get("faults") {
                faults.push((Owner::Deployment(name.clone()), list));
            }
        }
    }
    let faults = match faults.as_slice() {
        [] => None,
        lists => Some(fault_control::replaced(resource, lists, now)?),
    };
    let deployments = changes
        .into_iter()
        .filter_map(|(name, change)| Some((Arc::clone(resource.deployments.get(name)?), change)))
        .collect();
    let names: Vec<&str> = resource.deployments.keys().map(String::as_str).collect();
    let answers = body.get("answers").map(|list| answers_from(list, &names)).transpose()?;
    Ok(Planned { deployments, faults, answers })
}

fn known<'a>(
    resource: &'a Resource,
    name: &str,
) -> Result<(&'a String, &'a Arc<Deployment>), String> {
    resource.deployments.get_key_value(name).ok_or_else(|| {
        let known: Vec<_> = resource.deployments.keys().map(String::as_str).collect();
        format!(
            "no deployment `{name}` in resource `{}`; it has: {}",
            resource.name(),
            known.join(", ")
        )
    })
}

/// A deployment as the seed's `openai_deployments` shows it. Its model can be
/// stated, not changed.
fn seed_deployment(
    name: &str,
    deployment: &Deployment,
    patch: &Value,
    change: &mut Change,
) -> Result<(), String> {
    let place = format!("`openai_deployments.{name}`");
    let patch = object(patch, &place)?;
    only(patch, &place, &["model", "tokens_per_minute"])?;
    let own = deployment.config.model.facts.name;
    if let Some(model) = patch.get("model")
        && model.as_str().and_then(Model::find).is_none_or(|model| model.facts.name != own)
    {
        return Err(format!("{place}: the model is `{own}` and stays it"));
    }
    match patch.get("tokens_per_minute") {
        None => Ok(()),
        Some(tpm) => one_deployment(name, deployment, &json!({ "tpm": tpm }), change),
    }
}

fn seed_dialect<'a>(
    resource: &'a Resource,
    patch: &Value,
    changes: &mut IndexMap<&'a str, Change>,
) -> Result<(), String> {
    let patch = object(patch, "`latency`")?;
    let keys = [
        "open_ai_completions",
        "open_ai_chat_completions",
        "open_ai_embeddings",
        "open_ai_translations",
    ];
    only(patch, "`latency`", &keys)?;
    let mut settings = raw::Latency::default();
    for (key, value) in patch {
        let place = format!("`latency.{key}`");
        let spread = object(value, &place)?;
        only(spread, &place, &["mean", "std_dev"])?;
        let (mean, std_dev) = (number(spread, "mean", &place)?, number(spread, "std_dev", &place)?);
        match key.as_str() {
            "open_ai_completions" => {
                settings.completions_ms_per_token = mean;
                settings.completions_ms_per_token_std_dev = std_dev;
            }
            "open_ai_chat_completions" => {
                settings.chat_ms_per_token = mean;
                settings.chat_ms_per_token_std_dev = std_dev;
            }
            "open_ai_embeddings" => {
                settings.embeddings_ms_per_call = mean;
                settings.embeddings_ms_per_call_std_dev = std_dev;
            }
            _ => {
                settings.translations_ms_per_mb = mean;
                settings.translations_ms_per_mb_std_dev = std_dev;
            }
        }
    }
    let mut any = false;
    for (name, deployment) in &resource.deployments {
        let latency = deployment.latency();
        if matches!(latency.shape, Shape::Compat(_)) {
            any = true;
            let changed = changed_latency(deployment, &settings, &latency)?;
            changes.entry(name).or_default().latency = Some(changed);
        }
    }
    if any {
        return Ok(());
    }
    Err(format!(
        "`latency` changes deployments with latency profile `aoai_simulator_compat`, and resource `{}` has none; use `deployments.NAME.latency`",
        resource.name()
    ))
}

fn one_deployment(
    name: &str,
    deployment: &Deployment,
    patch: &Value,
    change: &mut Change,
) -> Result<(), String> {
    let place = format!("`deployments.{name}`");
    let patch = object(patch, &place)?;
    only(patch, &place, DEPLOYMENT_KEYS)?;
    change.limits = limits::plan(&place, deployment, patch)?;
    if let Some(value) = patch.get("header_anomaly") {
        change.anomaly = Some(limits::read(&place, "header_anomaly", value)?);
    }
    if let Some(latency) = patch.get("latency") {
        let settings: raw::Latency = serde_json::from_value(latency.clone())
            .map_err(|error| format!("{place}: `latency`: {error}"))?;
        let start = match &change.latency {
            Some(changed) => Arc::new(changed.clone()),
            None => deployment.latency(),
        };
        change.latency = Some(changed_latency(deployment, &settings, &start)?);
    }
    Ok(())
}

fn changed_latency(
    deployment: &Deployment,
    settings: &raw::Latency,
    start: &Latency,
) -> Result<Latency, String> {
    latency_from(settings, start, deployment.config.wire_profile).map_err(|problems| {
        let messages: Vec<_> = problems.into_iter().map(|problem| problem.message).collect();
        format!("deployment `{}`: {}", deployment.config.name, messages.join("; "))
    })
}

fn object<'a>(value: &'a Value, place: &str) -> Result<&'a Map<String, Value>, String> {
    value.as_object().ok_or_else(|| format!("{place} must be a JSON object"))
}

fn only(object: &Map<String, Value>, place: &str, known: &[&str]) -> Result<(), String> {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => {
            let near = seam::diagnostic::nearest(key, known.iter().copied())
                .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            Err(format!("unknown key `{key}` in {place}: expected {}{near}", known.join(", ")))
        }
    }
}

fn number(object: &Map<String, Value>, key: &str, place: &str) -> Result<Option<f64>, String> {
    match object.get(key) {
        None => Ok(None),
        Some(value) => match value.as_f64() {
            Some(number) => Ok(Some(number)),
            None => Err(format!("{place}: `{key}` must be a number")),
        },
    }
}

/// The configuration as it is now. `deployments.*.latency` can be sent back.
pub(super) fn describe(resource: &Resource) -> Value {
    let mut deployments = Map::new();
    let mut seed = None;
    for (name, deployment) in &resource.deployments {
        let latency = deployment.latency();
        if let Shape::Compat(compat) = &latency.shape {
            let spread = |spread: Spread| json!({"mean": spread.mean, "std_dev": spread.std_dev});
            seed.get_or_insert_with(|| {
                json!({
                    "open_ai_chat_completions": spread(compat.chat),
                    "open_ai_completions": spread(compat.completions),
                    "open_ai_embeddings": spread(compat.embeddings),
                    "open_ai_translations": spread(compat.translations),
                })
            });
        }
        let mut described = describe_deployment(deployment, &latency);
        if let Some(object) = described.as_object_mut() {
            let owner = Owner::Deployment(name.clone());
            object.insert("faults".to_owned(), fault_control::describe(resource, &owner));
        }
        deployments.insert(name.clone(), described);
    }
    let limited: Map<String, Value> = resource
        .deployments
        .iter()
        .filter_map(|(name, deployment)| match deployment.capacity() {
            Capacity::Payg(settings) => {
                let model = deployment.config.model.facts.name;
                Some((name.clone(), json!({"model": model, "tokens_per_minute": settings.tpm})))
            }
            Capacity::Ptu(_) => None,
        })
        .collect();
    let mut body = json!({
        "deployments": deployments,
        "faults": fault_control::describe(resource, &Owner::Resource),
        "answers": resource.answers().0.iter().map(|rule| &rule.written).collect::<Vec<_>>(),
        "openai_deployments": limited,
        "simulator_mode": "generate",
        "region": resource.config.region,
        "resource": resource.name(),
    });
    if let (Some(latency), Some(object)) = (seed, body.as_object_mut()) {
        object.insert("latency".to_owned(), latency);
    }
    body
}

fn describe_deployment(deployment: &Deployment, latency: &Latency) -> Value {
    let config = &deployment.config;
    let mut object = json!({
        "latency": describe_latency(latency),
        "model": config.model.facts.name,
        "sku": config.sku.name(),
        "wire_profile": config.wire_profile.name(),
    });
    let limits = limits::describe(deployment);
    if let (Some(object), Value::Object(limits)) = (object.as_object_mut(), limits) {
        object.extend(limits);
    }
    object
}

fn describe_latency(latency: &Latency) -> Value {
    let mut value = match &latency.shape {
        Shape::Zero => json!({}),
        Shape::Compat(compat) => json!({
            "chat_ms_per_token": compat.chat.mean,
            "chat_ms_per_token_std_dev": compat.chat.std_dev,
            "completions_ms_per_token": compat.completions.mean,
            "completions_ms_per_token_std_dev": compat.completions.std_dev,
            "embeddings_ms_per_call": compat.embeddings.mean,
            "embeddings_ms_per_call_std_dev": compat.embeddings.std_dev,
            "translations_ms_per_mb": compat.translations.mean,
            "translations_ms_per_mb_std_dev": compat.translations.std_dev,
        }),
        Shape::Measured(measured) => json!({
            "overhead_ms": measured.overhead_ms,
            "base_ms": measured.base_ms,
            "sigma": measured.sigma,
            "prefill_ms_per_1k": measured.prefill_ms_per_1k,
            "per_extra_input_ms": measured.per_extra_input_ms,
            "itl_ms": measured.itl_ms,
            "itl_shape": measured.itl_shape,
            "speed_sigma": measured.speed_sigma,
            "tail_probability": measured.tail_probability,
            "tail_min_factor": measured.tail_min_factor,
            "tail_max_factor": measured.tail_max_factor,
            "load_slowdown": measured.load_slowdown,
            "daytime_slowdown": measured.daytime_slowdown,
            "utc_offset_hours": measured.utc_offset_hours,
        }),
    };
    if let Some(object) = value.as_object_mut() {
        object.insert("profile".to_owned(), json!(latency.shape.profile()));
        object.insert("refusal_min_ms".to_owned(), json!(latency.refusal_ms.0));
        object.insert("refusal_max_ms".to_owned(), json!(latency.refusal_ms.1));
    }
    value
}
