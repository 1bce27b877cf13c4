//! Imitates Azure OpenAI resources with provisioned (PTU) and pay-as-you-go
//! deployments: limits, latency, headers, errors and token counts, without a
//! model behind them.
//!
//! ```
//! use seam::{clock::WallClock, diagnostic::Source, env::Env, rng::Seed};
//! use simulator::{Environment, Simulator, load};
//!
//! let text = r#"
//! version = 1
//! [[resources]]
//! name = "payg1"
//! port = 8002
//! keys = ["secret"]
//! deployments = [{ name = "chat", model = "gpt-4o", tpm = 30000 }]
//! "#;
//! let (config, _warnings) = load(&Source::new("example.toml", text), &Env::empty())
//!     .map_err(|problems| problems.iter().map(ToString::to_string).collect::<String>())?;
//! let environment = Environment { seed: Seed(1), clock: WallClock::real() };
//! let simulator = Simulator::new(config, environment);
//! let router = simulator.router("payg1"); // serve it, or call it in process
//! assert!(router.is_some());
//! # Ok::<(), String>(())
//! ```
//!
//! One pipeline serves each request (`service/serve.rs`): route → authenticate
//! → resolve deployment → admit → validate → generate → pace → settle. It
//! needs a tokio runtime and reads time through it alone, so a paused clock
//! makes it a simulation in virtual time.

mod answer;
mod api;
mod aside;
mod calibration;
mod catalogue;
mod config;
mod content;
mod fault;
mod filter;
mod latency;
mod limit;
mod recording;
mod service;
mod sizing;
mod wire;

pub mod cli;

pub use config::{DEFAULT_CONFIG, SimulatorConfig, load, reference_page, schema};
pub use service::{DeploymentInfo, Environment, ResourceInfo, Simulator};
