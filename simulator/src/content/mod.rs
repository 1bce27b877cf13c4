//! What answers say: filler text of an exact token count, and embeddings.
//! Pure and seeded; nothing here knows limits, time or HTTP.

mod embedding;
mod filler;

pub(crate) use embedding::embed;
pub(crate) use filler::{Completion, Lengths, completion};

#[cfg(test)]
pub(crate) use filler::Finish;
