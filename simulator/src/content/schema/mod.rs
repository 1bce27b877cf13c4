//! Values for a JSON schema, and the service's complaints about one.
//!
//! Pure and seeded: the same schema and generator give the same value. The subset
//! is what structured outputs accept and people send as tool parameters
//! (draft 2020-12, with draft 7's spellings). `generate` is where to start; what a
//! schema demands at one place is `parts`, `accept` checks what combinators
//! leave open, and `strict` refuses what the service refuses.
//!
//! Schemas come from clients: depth, values and steps are bounded, so that a
//! hostile or endless one costs little and gets a value that need not be valid.

mod accept;
mod generate;
mod number;
mod parts;
mod pattern;
mod strict;
mod text;

pub(crate) use generate::generate;
pub(crate) use strict::{Strictness, complaint};

#[cfg(test)]
mod tests;
