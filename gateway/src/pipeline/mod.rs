//! The life of a request in the gateway.

pub mod context;
