//! What policies report besides the answer: metrics, events, trace messages;
//! and the trace of one request, for whoever asks for it.

pub(crate) mod records;
pub(crate) mod redact;
pub(crate) mod render;
pub(crate) mod sinks;
pub(crate) mod tracer;
