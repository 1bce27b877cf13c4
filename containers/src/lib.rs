//! The simulator and the gateway in containers, for other people's test suites.
//!
//! ```no_run
//! # async fn test() -> Result<(), bench_containers::Error> {
//! use bench_containers::SimulatorContainer;
//!
//! let simulator = SimulatorContainer::start().await?;
//! let url = simulator.url("payg1")?;
//! let key = simulator.key("payg1")?;
//! # Ok(())
//! # }
//! ```
//!
//! `start` returns when every resource answers. Dropping a container removes it,
//! and the network it was the last on; drop it inside a tokio runtime.
//!
//! [`available`] says whether containers can be started at all, so that a test
//! suite can skip them where there is no engine.

mod container;
mod control;
mod engine;
mod error;
mod gateway;
mod image;
mod simulator;
mod topology;

pub use container::Container;
pub use control::Journal;
pub use engine::available;
pub use error::Error;
pub use gateway::{GatewayBuilder, GatewayContainer};
pub use image::ImageName;
pub use simulator::{SimulatorBuilder, SimulatorContainer};

/// The snippets of the guide, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../docs/containers-testing.md")]
mod guide {}
