//! `responses`: items in, items out (specification, section 2.6).
//!
//! `read` turns a body into a [`call::Responses`], whose plan is an
//! [`answer::Answer`]: what the response says, whatever its form. `object` writes it
//! whole and `events` as a stream, both in the era's form; `store` keeps it.

mod answer;
mod call;
mod complaint;
mod era;
mod events;
mod format;
mod history;
mod ids;
mod input;
mod media;
mod object;
mod read;
mod settings;
mod store;
mod stored;
mod tools;

pub(super) use read::read;
pub(crate) use store::{Course, Kept, KnownItem, Past, Record, Store};
pub(crate) use stored::{
    deleted, input_items, not_found, not_in_background, object, replay, wants_stream,
};

#[cfg(test)]
mod tests;
