//! Bytes on the wire: requests read strictly, answers and errors written
//! exactly as recordings of the service show them. Knows neither limits nor time.

mod chunks;
mod error;
mod headers;
mod ids;
mod request;
mod response;

pub(crate) use chunks::{ChunkStyle, Chunks};
pub(crate) use error::{ApiError, RefusalText, refusal_message};
pub(crate) use headers::{
    Identity, Served, answer_headers, error_headers, refusal_headers, retry_millis, retry_seconds,
};
pub(crate) use ids::Ids;
pub(crate) use request::{Call, Input, Outline, model_of, parse_json};
pub(crate) use response::{
    Answer, ChoiceText, Usage, chat_body, completions_body, embeddings_body,
};

#[cfg(test)]
mod tests;
