//! What every reply of the service has: errors, header sets, identifiers, exactly
//! as recordings show them. Knows neither operations' bodies nor time.

mod error;
mod headers;
mod ids;
mod openai;
mod style;

pub(crate) use error::{ApiError, RefusalText, refusal_message};
pub(crate) use headers::{
    EVENT_STREAM, Identity, JSON, Served, answer_headers, error_headers, refusal_headers,
    retry_millis, retry_seconds,
};
pub(crate) use ids::Ids;
pub(crate) use openai::{Account, openai_error_headers};
pub(crate) use style::Style;
