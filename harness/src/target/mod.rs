//! Who is called in a run, and in which world. `embedded` starts the gateway
//! and the simulators in this process, on sockets or without; `external` calls
//! what runs elsewhere. What comes out is the same: a [`Target`].

mod embedded;
mod external;

use std::time::Duration;

use gateway::Gateway;
use seam::clock::{VIRTUAL_EPOCH, WallClock};
use seam::http::HttpService;
use seam::rng::Seed;
use seam::server::Server;
use tokio::time::timeout;

use crate::record::{Endpoints, World};
use crate::scenario::{BaseUrl, GatewayTarget, Scenario, Simulators};

/// How long the last events of the gateway's loggers are waited for.
const LAST_EVENTS: Duration = Duration::from_secs(15);

/// Everything a run talks to.
pub struct Target {
    /// Calls the gateway and the simulators.
    pub service: HttpService,
    /// Where the gateway is.
    pub gateway: BaseUrl,
    /// Whether it has a journal as our own has.
    pub gateway_journal: Journal,
    /// The key of its journal, where it has one.
    pub gateway_key: Option<String>,
    /// What answers behind the gateway.
    pub endpoints: Endpoints,
    /// The simulators, or the endpoints in their place, in the scenario's order.
    pub simulators: Vec<SimulatorTarget>,
    /// The clock that dates are told by.
    pub clock: WallClock,
    /// Virtual or real time.
    pub world: World,
    /// What this process serves on sockets; stopped after the run.
    pub servers: Vec<Server>,
    /// The gateway in this process, if it is here.
    pub embedded_gateway: Option<Gateway>,
}

/// A simulator or real endpoint.
#[derive(Debug, Clone)]
pub struct SimulatorTarget {
    /// Name in the scenario.
    pub name: String,
    /// Base URL; none of a real endpoint that only the gateway calls.
    pub url: Option<BaseUrl>,
    /// Sent as `api-key`.
    pub key: String,
    /// Whether it must have a journal.
    pub journal: Journal,
}

/// Whether a journal must be readable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Journal {
    /// Ours: a run without it is invalid.
    Required,
    /// Somebody else's: read when there is one.
    IfAny,
    /// Not asked for.
    Absent,
}

/// Why a target could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// No socket to listen on.
    #[error("cannot listen on {address}: {source}{hint}")]
    Listen {
        /// Where.
        address: String,
        /// Why.
        source: std::io::Error,
        /// What to do about it; empty, or an addition to the message.
        hint: String,
    },
    /// The simulators' configuration lacks a resource it lists; our fault.
    #[error("the simulator `{0}` has no service; please report")]
    NoService(String),
    /// An address that cannot be called.
    #[error("{0}")]
    Url(String),
}

/// Sets up what a scenario names, in a world. Must run on that world's runtime.
pub async fn set_up(scenario: &Scenario, seed: u64, world: World) -> Result<Target, TargetError> {
    let clock = match world {
        World::Virtual => WallClock::fixed(VIRTUAL_EPOCH),
        World::Real => WallClock::real(),
    };
    let seed = Seed(seed);
    match (&scenario.topology.gateway, &scenario.topology.simulators, world) {
        (GatewayTarget::Embedded(gateway), Simulators::Embedded { config, .. }, World::Virtual) => {
            embedded::in_process(gateway, config, seed, clock)
        }
        (gateway, simulators, World::Virtual | World::Real) => {
            external::over_sockets(gateway, simulators, seed, clock).await
        }
    }
}

impl Target {
    /// Stops what this process serves; returns when it has. Before that, what
    /// the gateway's loggers still hold is sent: events leave after the answers
    /// that they are about.
    pub async fn stop(self) {
        if let Some(gateway) = self.embedded_gateway
            && timeout(LAST_EVENTS, gateway.flush()).await.is_err()
        {
            tracing::warn!("the gateway's loggers were too slow: their last events are lost");
        }
        // The client's idle connections would keep the servers waiting.
        drop(self.service);
        for server in self.servers {
            server.stop(Duration::from_secs(1)).await;
        }
    }
}
