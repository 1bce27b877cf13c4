//! `moderations`: OpenAI's classifier of texts and images (specification, section
//! 2.7). No model stands behind it: configured rules and a few known words flag.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value};

use super::call::Document;
use super::fields::{self, Fields, Parsed};
use super::object::{Object, array, pretty};
use crate::config::Layout;
use crate::filter::{CATEGORIES, Flag, Harm, known_words};
use crate::wire::{ApiError, Ids};

const MODELS: &[&str] = &[
    "omni-moderation-latest",
    "omni-moderation-2024-09-26",
    "text-moderation-latest",
    "text-moderation-stable",
];
const FIELDS: &[&str] = &["input", "model"];
const MOST_INPUTS: usize = 2_048;
/// From which score on a category is flagged.
const THRESHOLD: f64 = 0.5;
/// What known words score.
const KNOWN_SCORE: f64 = 0.9;
/// What nothing scores, at most.
const NOTHING: f64 = 1e-3;

/// What is looked at as one.
#[derive(Debug, Default)]
struct Input<'a> {
    texts: Vec<&'a str>,
    images: bool,
}

/// Answers a request; the draws are the scores of what is not flagged.
pub(crate) fn answer(
    body: &Map<String, Value>,
    flags: &[Flag],
    ids: &mut Ids<ChaCha8Rng>,
    rng: &mut ChaCha8Rng,
) -> Parsed<Document> {
    let fields = Fields(body);
    fields.only(FIELDS)?;
    let model = match fields.get("model") {
        None => "omni-moderation-latest",
        Some(Value::String(model)) if MODELS.contains(&model.as_str()) => model,
        Some(Value::String(model)) => {
            let message = format!(
                "Invalid value for 'model' = {model}. Please check the OpenAI documentation and try again."
            );
            return Err(ApiError::invalid_request(message, None, None));
        }
        Some(other) => return Err(fields::wrong_type("model", "a string", other)),
    };
    let inputs = match fields.get("input") {
        None => return Err(fields::missing("input")),
        Some(value) => read_inputs(value)?,
    };
    let omni = model.starts_with("omni");
    let results = array(inputs.iter().map(|input| result(input, flags, omni, rng)));
    let line = Object::new()
        .text("id", &ids.moderation())
        .text("model", model)
        .raw("results", results)
        .write(Layout::OpenAi);
    Ok(Document::json(pretty(&line)))
}

/// A string, an array of strings with a result each, or an array of parts with one
/// result together.
fn read_inputs(value: &Value) -> Parsed<Vec<Input<'_>>> {
    let items = match value {
        Value::String(text) => return Ok(vec![Input { texts: vec![text], images: false }]),
        Value::Array(items) if items.is_empty() => return Err(fields::empty_array("input")),
        Value::Array(items) => items,
        other => return Err(fields::wrong_type("input", "a string or an array", other)),
    };
    fields::at_most("input", items.len(), MOST_INPUTS)?;
    let mut inputs = Vec::new();
    let mut parts = Input::default();
    for (index, item) in items.iter().enumerate() {
        let path = format!("input[{index}]");
        let kind = item.get("type").and_then(Value::as_str);
        match (item, kind, item.get("text").and_then(Value::as_str)) {
            (Value::String(text), ..) => inputs.push(Input { texts: vec![text], images: false }),
            (_, Some("text"), Some(text)) => parts.texts.push(text),
            (_, Some("image_url"), _) => parts.images = true,
            (Value::Object(_), ..) => {
                let message = format!(
                    "Invalid value: '{}'. Supported values are: 'text' and 'image_url'.",
                    kind.unwrap_or_default()
                );
                let param = format!("{path}.type");
                return Err(ApiError::invalid_request(
                    message,
                    Some(&param),
                    Some("invalid_value"),
                ));
            }
            (other, ..) => return Err(fields::wrong_type(&path, "a string or an object", other)),
        }
    }
    if parts.images || !parts.texts.is_empty() {
        inputs.push(parts);
    }
    Ok(inputs)
}

fn result(input: &Input<'_>, flags: &[Flag], omni: bool, rng: &mut ChaCha8Rng) -> String {
    let score = |harm: &Harm, drawn: f64| {
        let known = input.texts.iter().any(|text| known_words(text).any(|name| name == harm.name));
        let known = if known { KNOWN_SCORE } else { 0.0 };
        flags
            .iter()
            .filter(|flag| flag.categories.contains(&harm.name))
            .filter(|flag| input.texts.iter().any(|text| flag.matcher.find(text).is_some()))
            .map(|flag| flag.score)
            .fold(known.max(drawn), f64::max)
    };
    let scores: Vec<f64> = CATEGORIES
        .iter()
        .map(|harm| {
            // Small scores spread over powers of ten.
            let drawn = NOTHING * 10_f64.powf(-4.0 * rng.random::<f64>());
            score(harm, drawn)
        })
        .collect();
    let flagged = scores.iter().any(|score| THRESHOLD <= *score);
    let of_each = |json: &dyn Fn(&Harm, f64) -> String| {
        let all = CATEGORIES.iter().zip(&scores);
        all.fold(Object::new(), |object, (harm, score)| object.raw(harm.name, json(harm, *score)))
            .write(Layout::OpenAi)
    };
    let types = |harm: &Harm| {
        let text = (!input.texts.is_empty()).then(|| "\"text\"".to_owned());
        let image = (input.images && harm.images).then(|| "\"image\"".to_owned());
        array(text.into_iter().chain(image))
    };
    Object::new()
        .raw("flagged", flagged.to_string())
        .raw("categories", of_each(&|_, score| (THRESHOLD <= score).to_string()))
        .raw("category_scores", of_each(&|_, score| Value::from(score).to_string()))
        .when(omni, |object| {
            object.raw("category_applied_input_types", of_each(&|harm, _| types(harm)))
        })
        .write(Layout::OpenAi)
}
