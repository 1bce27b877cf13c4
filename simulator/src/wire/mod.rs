//! What every reply of the service has: errors, header sets, identifiers, exactly
//! as recordings show them. Knows neither operations' bodies nor time.

mod duration;
mod error;
mod failure;
mod headers;
mod ids;
mod openai;
mod rate_limit;
mod refusal;
mod style;

pub(crate) use error::ApiError;
pub(crate) use failure::{STREAM_ERROR, error_object};
pub(crate) use headers::{
    EVENT_STREAM, Identity, JSON, Served, answer_headers, error_headers, spillover_failed,
};
pub(crate) use ids::Ids;
pub(crate) use openai::{Account, openai_error_headers};
pub(crate) use rate_limit::LimitHeaders;
pub(crate) use refusal::Refused;
pub(crate) use style::Style;
