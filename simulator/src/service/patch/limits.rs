//! Live changes of limits, and how limits are shown.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::super::deployment::Deployment;
use crate::config::{
    Capacity, MOST_PTU, MOST_TPM, PaygSettings, PeakLoad, TemporaryAdjustment, WireProfile,
};
use crate::limit::LimitChange;

/// Keys that only one kind of deployment has.
const PAYG_KEYS: &[&str] =
    &["tpm", "rpm", "temporary_adjustment", "peak_load", "insufficient_quota"];

/// A temporary adjustment that begins now.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Adjustment {
    factor: f64,
    #[serde(default = "two_hours")]
    duration_seconds: u64,
}

fn two_hours() -> u64 {
    7_200
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Peak {
    max_request_tokens: u64,
    #[serde(default = "twenty")]
    retry_after_seconds: u64,
}

fn twenty() -> u64 {
    20
}

/// Reads the limits of a deployment's patch.
pub(super) fn plan(
    place: &str,
    deployment: &Deployment,
    patch: &Map<String, Value>,
) -> Result<LimitChange, String> {
    let provisioned = matches!(deployment.config.capacity, Capacity::Ptu(_));
    for key in patch.keys().map(String::as_str) {
        let fits = if provisioned { !PAYG_KEYS.contains(&key) } else { key != "ptu" };
        if !fits {
            let sku = deployment.config.sku.name();
            return Err(format!("{place} is a `{sku}` deployment: it has no `{key}`"));
        }
    }
    let whole = |key: &str, most: u64| match patch.get(key) {
        None => Ok(None),
        Some(value) => match value.as_u64().filter(|value| (1..=most).contains(value)) {
            Some(value) => Ok(Some(value)),
            None => Err(format!("{place}: `{key}` must be a whole number from 1 to {most}")),
        },
    };
    let change = LimitChange {
        tpm: whole("tpm", MOST_TPM)?,
        rpm: whole("rpm", MOST_TPM)?,
        ptu: whole("ptu", MOST_PTU)?,
        temporary_adjustment: adjustment(place, patch)?,
        peak_load: peak_load(place, patch)?,
        insufficient_quota: match patch.get("insufficient_quota") {
            None => None,
            Some(value) => Some(read(place, "insufficient_quota", value)?),
        },
    };
    if let Capacity::Payg(settings) = &deployment.config.capacity {
        let lacks = |key: &str, why: &str| Err(format!("{place} has no `{key}`: {why}"));
        if change.tpm.is_some() && settings.tpm.is_none() {
            return lacks("tpm", "requests alone limit its model");
        }
        if change.rpm.is_some() && !settings.requests.is_limited() {
            return lacks("rpm", "its requests are limited at the same time, not a minute");
        }
        let openai = deployment.config.wire_profile == WireProfile::OpenAi;
        if change.insufficient_quota == Some(true) && !openai {
            return lacks("insufficient_quota", "only `openai` deployments do");
        }
        if openai && matches!(change.peak_load, Some(Some(_))) {
            return lacks("peak_load", "`openai` deployments do not");
        }
    }
    Ok(change)
}

fn adjustment(
    place: &str,
    patch: &Map<String, Value>,
) -> Result<Option<Option<TemporaryAdjustment>>, String> {
    let key = "temporary_adjustment";
    let Some(value) = patch.get(key) else { return Ok(None) };
    let Some(Adjustment { factor, duration_seconds }) =
        read::<Option<Adjustment>>(place, key, value)?
    else {
        return Ok(Some(None));
    };
    if !(1e-6..=1.0).contains(&factor) {
        return Err(format!("{place}: `{key}.factor` must be between 0.000001 and 1"));
    }
    let duration = Duration::from_secs(duration_seconds);
    Ok(Some(Some(TemporaryAdjustment { factor, start: Duration::ZERO, duration })))
}

fn peak_load(place: &str, patch: &Map<String, Value>) -> Result<Option<Option<PeakLoad>>, String> {
    let Some(value) = patch.get("peak_load") else { return Ok(None) };
    let peak: Option<Peak> = read(place, "peak_load", value)?;
    Ok(Some(peak.map(|peak| PeakLoad {
        max_request_tokens: peak.max_request_tokens,
        retry_after: Duration::from_secs(peak.retry_after_seconds.clamp(1, 86_400)),
    })))
}

/// Reads one value, or says what is wrong with it.
pub(super) fn read<T: DeserializeOwned>(
    place: &str,
    key: &str,
    value: &Value,
) -> Result<T, String> {
    serde_json::from_value(value.clone()).map_err(|error| format!("{place}: `{key}`: {error}"))
}

/// The limits as they are now.
pub(super) fn describe(deployment: &Deployment) -> Value {
    match deployment.capacity() {
        Capacity::Payg(settings) => {
            let mut value = describe_payg(&settings);
            if let Some(object) = value.as_object_mut() {
                object.insert("header_anomaly".to_owned(), json!(deployment.header_anomaly()));
            }
            value
        }
        Capacity::Ptu(settings) => json!({
            "ptu": settings.ptu,
            "input_tpm_per_ptu": settings.input_tpm_per_ptu,
            "output_ratio": settings.output_ratio,
            "window_seconds": settings.window.as_secs_f64(),
        }),
    }
}

fn describe_payg(settings: &PaygSettings) -> Value {
    let adjustment = settings.temporary_adjustment.map(|adjustment| {
        json!({
            "factor": adjustment.factor,
            "duration_seconds": adjustment.duration.as_secs(),
        })
    });
    let peak_load = settings.peak_load.map(|peak| {
        json!({
            "max_request_tokens": peak.max_request_tokens,
            "retry_after_seconds": peak.retry_after.as_secs(),
        })
    });
    json!({
        "tpm": settings.tpm,
        "rpm": settings.rpm(),
        "requests_per_window": settings.requests_per_period(),
        "request_window_seconds": settings.request_period().as_secs_f64(),
        "limiter": settings.limiter,
        "temporary_adjustment": adjustment,
        "peak_load": peak_load,
        "insufficient_quota": settings.insufficient_quota,
    })
}
