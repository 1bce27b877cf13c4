//! Latency settings as written → [`Latency`]. The file and the live control
//! share this, so a `PATCH` can change whatever a file can say.

use super::model::{Sku, WireProfile};
use super::raw::{self, ProfileName};
use crate::catalogue::{Kind, Model};
use crate::latency::{Compat, Latency, Measured, Shape, Spread};

/// A problem without a place: the caller knows where the settings stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub message: String,
    pub help: Option<String>,
}

/// Least and greatest time to a refusal of the measured profiles, ms
/// (specification, section 5.3: "fast-fail").
const REFUSAL_MS: (f64, f64) = (5.0, 30.0);

/// The latency of a deployment that says nothing about it.
pub(super) fn default_latency(model: &Model, sku: Sku, profile: WireProfile) -> Latency {
    let name = default_profile(model, sku);
    Latency { shape: shape_of(name), refusal_ms: default_refusal(name, profile) }
}

fn default_profile(model: &Model, sku: Sku) -> ProfileName {
    let name = model.facts.name;
    let small = name.contains("mini") || name.contains("nano");
    match (model.facts.kind, sku.is_provisioned()) {
        (Kind::Embeddings(_), _) => match name {
            "text-embedding-ada-002" => ProfileName::EmbeddingAda002,
            "text-embedding-3-large" => ProfileName::Embedding3Large,
            _ => ProfileName::Embedding3Small,
        },
        (_, true) if name.starts_with("gpt-35") => ProfileName::PtuGpt35Turbo,
        (_, true) if name.starts_with("gpt-4o") && small => ProfileName::PtuGpt4oMini,
        (_, true) if name.starts_with("gpt-4.1") || name.starts_with("gpt-5") => {
            ProfileName::PtuGpt41
        }
        (_, true) => ProfileName::PtuGpt4o,
        (Kind::Reasoning, false) => ProfileName::PaygGpt5,
        (_, false) if name.starts_with("gpt-35") => ProfileName::PaygGpt35Turbo,
        (_, false) if name.starts_with("gpt-4.1") && small => ProfileName::PaygGpt41Mini,
        (_, false) if name.starts_with("gpt-4.1") => ProfileName::PaygGpt41,
        (_, false) if name.starts_with("gpt-5") => ProfileName::PaygGpt5,
        (_, false) if small => ProfileName::PaygGpt4oMini,
        (_, false) => ProfileName::PaygGpt4o,
    }
}

/// Applies settings to `start`, or to the defaults of the profile they name.
pub(crate) fn latency_from(
    raw: &raw::Latency,
    start: &Latency,
    wire: WireProfile,
) -> Result<Latency, Vec<Problem>> {
    let mut latency = match raw.profile {
        Some(name) => Latency { shape: shape_of(name), refusal_ms: default_refusal(name, wire) },
        None => start.clone(),
    };
    let mut problems = Vec::new();
    set(&mut latency.refusal_ms.0, "refusal_min_ms", raw.refusal_min_ms, 0.0..=6e5, &mut problems);
    set(&mut latency.refusal_ms.1, "refusal_max_ms", raw.refusal_max_ms, 0.0..=6e5, &mut problems);
    if latency.refusal_ms.1 < latency.refusal_ms.0 {
        if raw.refusal_max_ms.is_some() {
            problems.push(Problem {
                message: "`refusal_max_ms` is below `refusal_min_ms`".to_owned(),
                help: None,
            });
        }
        latency.refusal_ms.1 = latency.refusal_ms.0;
    }
    let misplaced: Vec<&str> = match &mut latency.shape {
        Shape::Zero => compat_keys(raw).into_iter().chain(measured_keys(raw)).collect(),
        Shape::Compat(compat) => {
            apply_compat(raw, compat, &mut problems);
            measured_keys(raw)
        }
        Shape::Measured(measured) => {
            apply_measured(raw, measured, &mut problems);
            compat_keys(raw)
        }
    };
    for key in misplaced {
        problems.push(Problem {
            message: format!(
                "latency profile `{}` has no `{key}`",
                profile_text(latency.shape.profile())
            ),
            help: Some(match key {
                key if COMPAT_UNITS.iter().any(|unit| key.contains(unit)) => {
                    format!("`{key}` belongs to `profile = \"aoai_simulator_compat\"`")
                }
                _ => format!("`{key}` belongs to the measured profiles, such as \"payg-gpt-4o\""),
            }),
        });
    }
    if problems.is_empty() { Ok(latency) } else { Err(problems) }
}

/// What the keys of `aoai_simulator_compat` are per.
const COMPAT_UNITS: [&str; 3] = ["per_token", "per_call", "per_mb"];

/// A profile's name as the file spells it.
pub(crate) fn profile_text(name: ProfileName) -> String {
    match serde_json::to_value(name) {
        Ok(serde_json::Value::String(text)) => text,
        _ => String::new(),
    }
}

fn default_refusal(name: ProfileName, wire: WireProfile) -> (f64, f64) {
    match name {
        ProfileName::Zero | ProfileName::AoaiSimulatorCompat => (0.0, 0.0),
        _ if wire == WireProfile::Azure2024 => (0.0, 0.0),
        _ => REFUSAL_MS,
    }
}

fn apply_compat(raw: &raw::Latency, compat: &mut Compat, problems: &mut Vec<Problem>) {
    let groups = [
        (
            &mut compat.chat,
            ("chat_ms_per_token", raw.chat_ms_per_token),
            ("chat_ms_per_token_std_dev", raw.chat_ms_per_token_std_dev),
        ),
        (
            &mut compat.completions,
            ("completions_ms_per_token", raw.completions_ms_per_token),
            ("completions_ms_per_token_std_dev", raw.completions_ms_per_token_std_dev),
        ),
        (
            &mut compat.embeddings,
            ("embeddings_ms_per_call", raw.embeddings_ms_per_call),
            ("embeddings_ms_per_call_std_dev", raw.embeddings_ms_per_call_std_dev),
        ),
        (
            &mut compat.translations,
            ("translations_ms_per_mb", raw.translations_ms_per_mb),
            ("translations_ms_per_mb_std_dev", raw.translations_ms_per_mb_std_dev),
        ),
    ];
    for (spread, (mean_key, mean), (deviation_key, deviation)) in groups {
        if let Some(mean) = mean.filter(|mean| mean.is_finite() && 0.0 <= *mean) {
            spread.move_mean(mean);
        }
        set(&mut spread.mean, mean_key, mean, 0.0..=6e5, problems);
        set(&mut spread.std_dev, deviation_key, deviation, 0.0..=6e5, problems);
    }
}

fn apply_measured(raw: &raw::Latency, measured: &mut Measured, problems: &mut Vec<Problem>) {
    let millis = 0.0..=6e5;
    let fields = [
        (&mut measured.overhead_ms, "overhead_ms", raw.overhead_ms, millis.clone()),
        (&mut measured.base_ms, "base_ms", raw.base_ms, millis.clone()),
        (&mut measured.sigma, "sigma", raw.sigma, 0.0..=3.0),
        (
            &mut measured.prefill_ms_per_1k,
            "prefill_ms_per_1k",
            raw.prefill_ms_per_1k,
            millis.clone(),
        ),
        (
            &mut measured.per_extra_input_ms,
            "per_extra_input_ms",
            raw.per_extra_input_ms,
            millis.clone(),
        ),
        (&mut measured.itl_ms, "itl_ms", raw.itl_ms, millis),
        (&mut measured.itl_shape, "itl_shape", raw.itl_shape, 0.1..=1e12),
        (&mut measured.speed_sigma, "speed_sigma", raw.speed_sigma, 0.0..=3.0),
        (&mut measured.tail_probability, "tail_probability", raw.tail_probability, 0.0..=1.0),
        (&mut measured.tail_min_factor, "tail_min_factor", raw.tail_min_factor, 1.0..=1e3),
        (&mut measured.tail_max_factor, "tail_max_factor", raw.tail_max_factor, 1.0..=1e3),
        (&mut measured.load_slowdown, "load_slowdown", raw.load_slowdown, 0.0..=100.0),
        (&mut measured.daytime_slowdown, "daytime_slowdown", raw.daytime_slowdown, 0.0..=100.0),
        (&mut measured.utc_offset_hours, "utc_offset_hours", raw.utc_offset_hours, -14.0..=14.0),
    ];
    for (field, key, value, range) in fields {
        set(field, key, value, range, problems);
    }
    if measured.tail_max_factor < measured.tail_min_factor {
        problems.push(Problem {
            message: "`tail_max_factor` is below `tail_min_factor`".to_owned(),
            help: None,
        });
    }
}

fn set(
    field: &mut f64,
    key: &str,
    value: Option<f64>,
    range: std::ops::RangeInclusive<f64>,
    problems: &mut Vec<Problem>,
) {
    match value {
        None => {}
        Some(value) if range.contains(&value) => *field = value,
        Some(value) => problems.push(Problem {
            message: format!(
                "`{key}` is outside {} to {}: found {value}",
                range.start(),
                range.end()
            ),
            help: None,
        }),
    }
}

fn compat_keys(raw: &raw::Latency) -> Vec<&'static str> {
    present(&[
        ("chat_ms_per_token", raw.chat_ms_per_token),
        ("chat_ms_per_token_std_dev", raw.chat_ms_per_token_std_dev),
        ("completions_ms_per_token", raw.completions_ms_per_token),
        ("completions_ms_per_token_std_dev", raw.completions_ms_per_token_std_dev),
        ("embeddings_ms_per_call", raw.embeddings_ms_per_call),
        ("embeddings_ms_per_call_std_dev", raw.embeddings_ms_per_call_std_dev),
        ("translations_ms_per_mb", raw.translations_ms_per_mb),
        ("translations_ms_per_mb_std_dev", raw.translations_ms_per_mb_std_dev),
    ])
}

fn measured_keys(raw: &raw::Latency) -> Vec<&'static str> {
    present(&[
        ("overhead_ms", raw.overhead_ms),
        ("base_ms", raw.base_ms),
        ("sigma", raw.sigma),
        ("prefill_ms_per_1k", raw.prefill_ms_per_1k),
        ("per_extra_input_ms", raw.per_extra_input_ms),
        ("itl_ms", raw.itl_ms),
        ("itl_shape", raw.itl_shape),
        ("speed_sigma", raw.speed_sigma),
        ("tail_probability", raw.tail_probability),
        ("tail_min_factor", raw.tail_min_factor),
        ("tail_max_factor", raw.tail_max_factor),
        ("load_slowdown", raw.load_slowdown),
        ("daytime_slowdown", raw.daytime_slowdown),
        ("utc_offset_hours", raw.utc_offset_hours),
    ])
}

fn present(keys: &[(&'static str, Option<f64>)]) -> Vec<&'static str> {
    keys.iter().filter(|(_, value)| value.is_some()).map(|&(key, _)| key).collect()
}

/// The table of specification section 5.3, one line a profile: overhead, B,
/// sigma, prefill, m, k, sf, tail_p.
fn shape_of(name: ProfileName) -> Shape {
    use ProfileName as P;
    let tokens = |row: [f64; 8]| {
        let [overhead, base, sigma, prefill, itl, shape, speed, tail] = row;
        Shape::Measured(Measured {
            profile: name,
            overhead_ms: overhead,
            base_ms: base,
            sigma,
            prefill_ms_per_1k: prefill,
            per_extra_input_ms: 0.0,
            itl_ms: itl,
            itl_shape: shape,
            speed_sigma: speed,
            tail_probability: tail,
            tail_min_factor: 3.0,
            tail_max_factor: 8.0,
            load_slowdown: 0.3,
            daytime_slowdown: 0.4,
            utc_offset_hours: 0.0,
        })
    };
    let embeddings = |overhead, base, sigma, prefill| match tokens([
        overhead, base, sigma, prefill, 0.0, 1.0, 0.0, 0.005,
    ]) {
        Shape::Measured(measured) => {
            Shape::Measured(Measured { per_extra_input_ms: 1.0, ..measured })
        }
        other => other,
    };
    match name {
        P::Zero => Shape::Zero,
        P::AoaiSimulatorCompat => Shape::Compat(Compat {
            chat: Spread { mean: 19.0, std_dev: 6.0 },
            completions: Spread { mean: 15.0, std_dev: 2.0 },
            embeddings: Spread { mean: 100.0, std_dev: 30.0 },
            translations: Spread { mean: 15_000.0, std_dev: 1_000.0 },
        }),
        P::PaygGpt4o => tokens([60.0, 400.0, 0.50, 60.0, 12.5, 2.0, 0.45, 0.01]),
        P::PaygGpt4oMini => tokens([60.0, 300.0, 0.65, 30.0, 17.0, 2.0, 0.35, 0.01]),
        P::PaygGpt41 => tokens([60.0, 420.0, 0.50, 60.0, 13.0, 2.0, 0.40, 0.01]),
        P::PaygGpt41Mini => tokens([60.0, 300.0, 0.50, 30.0, 14.0, 2.0, 0.22, 0.01]),
        P::PaygGpt35Turbo => tokens([60.0, 250.0, 0.70, 30.0, 12.8, 2.0, 0.20, 0.01]),
        P::PaygGpt5 => tokens([80.0, 600.0, 0.50, 60.0, 10.0, 2.0, 0.35, 0.01]),
        P::PtuGpt4o => tokens([60.0, 380.0, 0.22, 50.0, 16.0, 8.0, 0.10, 0.0]),
        P::PtuGpt4oMini => tokens([60.0, 300.0, 0.22, 25.0, 14.0, 8.0, 0.10, 0.0]),
        P::PtuGpt41 => tokens([60.0, 400.0, 0.20, 50.0, 10.5, 8.0, 0.06, 0.0]),
        P::PtuGpt35Turbo => tokens([60.0, 260.0, 0.22, 25.0, 12.0, 8.0, 0.10, 0.0]),
        P::Embedding3Small => embeddings(15.0, 86.0, 0.55, 4.0),
        P::EmbeddingAda002 => embeddings(15.0, 76.0, 0.42, 4.0),
        P::Embedding3Large => embeddings(20.0, 110.0, 0.55, 6.0),
    }
}
