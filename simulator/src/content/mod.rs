//! What answers say: filler text of an exact token count, JSON valid against a
//! schema, tool calls, and embeddings. Pure and seeded; nothing here knows limits,
//! time or HTTP.

mod calls;
mod embedding;
mod filler;
mod form;
mod json;
mod picture;
mod probability;
mod schema;
mod sound;

pub(crate) use calls::{Dialect, Offer, Tool, ToolChoice};
pub(crate) use embedding::embed;
pub(crate) use filler::{Completion, Finish, Lengths, Said, completion, words};
pub(crate) use form::{Format, Wish, decide, fixed, write};
pub(crate) use json::{Json, Members, members_of};
pub(crate) use picture::picture;
pub(crate) use probability::{Likely, Scored, Scorer};
pub(crate) use schema::{Strictness, complaint};
pub(crate) use sound::{SoundFormat, silence};

#[cfg(test)]
pub(crate) use filler::Call;
