//! Policy documents: text to a compiled tree, every problem with its place.
//!
//! `text with named values → scanner → tree → compile (registry of
//! `crate::policies`) → PolicyDocument`. Knows nothing of HTTP or of a request
//! under way. Start reading at `load.rs`.

pub(crate) mod alone;
pub(crate) mod compile;
pub(crate) mod document;
pub(crate) mod lint;
pub(crate) mod load;
pub(crate) mod named_values;
mod reach;
pub mod scanner;
pub(crate) mod spec;
pub mod text;
pub mod tree;
