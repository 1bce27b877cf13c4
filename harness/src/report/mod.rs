//! One dataset and its evaluation, many reports. A report prints what the
//! evaluation says and computes no verdict of its own.

pub mod json;
pub mod requests;
pub mod suite;
mod summary;
pub mod svg;
pub mod terminal;
#[cfg(test)]
mod tests;
