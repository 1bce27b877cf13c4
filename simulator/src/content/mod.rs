//! What answers say: filler text of an exact token count, JSON valid against a
//! schema, tool calls, and embeddings. Pure and seeded; nothing here knows limits,
//! time or HTTP.

mod calls;
mod embedding;
mod filler;
mod form;
mod json;
mod probability;
mod schema;

pub(crate) use embedding::embed;
pub(crate) use filler::{Completion, Lengths, completion};
