//! The life of a request in the gateway: match, check the key, then inbound →
//! backend → outbound, or on-error. Start reading at `handle.rs`.

pub(crate) mod branch;
pub(crate) mod completion;
pub mod context;
pub(crate) mod errors;
pub(crate) mod exchange;
pub(crate) mod handle;
pub(crate) mod matching;
pub(crate) mod subscription;
pub(crate) mod url;
