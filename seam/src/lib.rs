//! What the simulator, the gateway and the harness share, and nothing else.
//!
//! The seam between the three systems is one type, [`http::HttpService`]: a
//! `tower::Service` that takes an HTTP request to an absolute URI. It is made
//! over real sockets ([`http::network`]) or in process
//! ([`http::InProcessNetwork`]); no caller can tell which. Around it stand the
//! things that must be the same on both sides of the seam: the anchored wall
//! clock and the pacer, named random streams, spanned diagnostics, configuration files, and local
//! access tokens.
//!
//! This crate knows nothing of Azure OpenAI, of policies or of scenarios.

pub mod cli;
pub mod clock;
pub mod config;
pub mod diagnostic;
pub mod env;
pub mod health;
pub mod http;
pub mod instance;
pub mod interrupt;
pub mod memory;
pub mod pacer;
pub mod reference;
pub mod rng;
pub mod server;
pub mod tls;
pub mod token;
pub mod units;
