//! The operations of the API: requests read strictly, answers planned whole and
//! written exactly as recordings of the service show them.
//!
//! One module an operation. `call.rs` says what the pipeline needs of each;
//! `read` is the registry. Two readings of one body: the lenient [`Outline`] feeds
//! the limiter, which runs before the model layer's validation; the strict
//! [`Call`] is what that validation leaves (specification, sections 1.5, 3.3, 7).
//! Nothing here knows limits, time or sockets.

mod annotations;
mod answer;
mod audio;
mod call;
mod chat;
mod completions;
mod declared;
mod embeddings;
mod envelope;
mod estimate;
mod fields;
mod generation;
mod images;
mod inputs;
mod logprobs;
pub(crate) mod models;
pub(crate) mod moderations;
mod object;
mod outline;
mod payload;
mod prefix;
pub(crate) mod responses;
mod usage;

pub(crate) use call::{Call, Delivery, Document, Events, Ground, Keep, Plan};
pub(crate) use estimate::ESTIMATE_ENCODING;
pub(crate) use fields::{Fields, Parsed, model_of};
pub(crate) use outline::Outline;
pub(crate) use payload::Payload;
pub(crate) use prefix::prefix;
pub(crate) use responses::{Course, Kept, KnownItem, Past, Record, Store};
pub(crate) use usage::{Timing, Usage};

use serde_json::{Map, Value};

use crate::catalogue::{Model, Operation};

/// Where the images of a request are; those that came with it are not listed.
pub(crate) fn image_urls(body: &Map<String, Value>) -> Vec<&str> {
    fn collect<'a>(value: &'a Value, urls: &mut Vec<&'a str>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| collect(item, urls)),
            Value::Object(object) => {
                let image = object.get("image_url");
                let url = image.and_then(|image| image.get("url").or(Some(image)));
                urls.extend(url.and_then(Value::as_str).filter(|url| !url.starts_with("data:")));
                object.values().for_each(|value| collect(value, urls));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut urls = Vec::new();
    body.values().for_each(|value| collect(value, &mut urls));
    urls
}

/// Reads a request strictly, as the model behind the deployment would. `past` is what it
/// may refer to.
pub(crate) fn read(
    operation: Operation,
    payload: &Payload,
    model: &Model,
    past: &dyn Past,
) -> Parsed<Box<dyn Call>> {
    let fields = Fields(&payload.fields);
    Ok(match operation {
        Operation::Chat => Box::new(chat::read(fields, &payload.bytes, model)?),
        Operation::Completions => Box::new(completions::read(fields, model)?),
        Operation::Embeddings => Box::new(embeddings::read(fields, model)?),
        Operation::Images => Box::new(images::read_generation(payload, model)?),
        Operation::ImageEdits => Box::new(images::read_edit(payload, model)?),
        Operation::Transcriptions => {
            Box::new(audio::read_transcription(payload, model, audio::Task::Transcribe)?)
        }
        Operation::Translations => {
            Box::new(audio::read_transcription(payload, model, audio::Task::Translate)?)
        }
        Operation::Speech => Box::new(audio::read_speech(fields)?),
        Operation::Responses => Box::new(responses::read(fields, &payload.bytes, model, past)?),
    })
}

#[cfg(test)]
mod tests;
