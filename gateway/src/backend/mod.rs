//! Calling backends: which one (pools and breakers), the request as it leaves,
//! the response as it arrives. Knows nothing of policies; `forward-request`
//! decides when. Reading order: `breaker.rs`, `selector.rs`, `routes.rs`.

pub(crate) mod breaker;
mod headers;
mod request;
mod retry_after;
mod routes;
mod selector;

pub(crate) use headers::remove_hop_by_hop;
pub(crate) use request::{Outgoing, build};
pub(crate) use routes::{Choice, Route, Routes};
