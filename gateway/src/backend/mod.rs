//! Calling backends: the request as it leaves, the response as it arrives.
//! Knows nothing of policies; `forward-request` decides when.

mod headers;
mod request;

pub(crate) use headers::remove_hop_by_hop;
pub(crate) use request::{Outgoing, build};
