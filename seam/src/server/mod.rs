//! Serving a router on a socket, and stopping it in order: on the present
//! runtime ([`Server`]), or by workers with a thread each ([`Workers`]).

mod connections;
mod interrupts;
mod single;
mod workers;

pub use interrupts::{Interrupts, interrupted};
pub use single::Server;
pub use workers::Workers;

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// Every request under way was answered.
    Drained,
    /// The drain time ran out; what was left was cut.
    Cut,
}
