//! Recorded exchanges with a real endpoint: made by a proxy, played back later.
//!
//! `exchange` is the file format, `store` a folder of such files and the way to
//! find the one that answers a request. Nothing here knows sockets or time; the
//! pipeline's ends (`service/record.rs`, `service/replay.rs`) do.

mod exchange;
mod fingerprint;
mod store;
mod usage;

pub(crate) use exchange::{
    Frame, RecordedRequest, RecordedResponse, Recording, VERSION, is_end_to_end, is_secret,
    recordable,
};
pub(crate) use store::{Miss, Store};
