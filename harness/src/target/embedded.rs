//! Gateway and simulators in this process, without sockets.

use gateway::{Gateway, GatewayConfig};
use seam::clock::WallClock;
use seam::http::InProcessNetwork;
use seam::rng::Seed;
use simulator::{Simulator, SimulatorConfig};

use super::{Journal, SimulatorTarget, Target, TargetError};
use crate::record::{Endpoints, World};
use crate::scenario::{BaseUrl, local_authorities};

/// The gateway's name on the network without sockets.
const GATEWAY: &str = "gateway:8000";

pub(super) fn in_process(
    gateway: &GatewayConfig,
    simulators: &SimulatorConfig,
    seed: Seed,
    clock: WallClock,
) -> Result<Target, TargetError> {
    let simulator = Simulator::new(simulators.clone(), simulator::Environment { seed, clock });
    let mut backends = InProcessNetwork::new();
    let mut targets = Vec::new();
    for resource in simulator.resources() {
        let router = simulator
            .router(&resource.name)
            .ok_or_else(|| TargetError::NoService(resource.name.clone()))?;
        for authority in local_authorities(resource.port) {
            backends = backends.host(authority, router.clone());
        }
        targets.push(SimulatorTarget {
            url: Some(local_url(resource.port)?),
            name: resource.name,
            key: resource.key,
            journal: Journal::Required,
        });
    }
    let environment = gateway::Environment { client: backends.clone().into_service(), seed, clock };
    let gateway_key = gateway.control_key().map(str::to_owned);
    let gateway = Gateway::new(gateway.clone(), environment);
    Ok(Target {
        service: backends.host(GATEWAY, gateway.router()).into_service(),
        gateway: BaseUrl::parse(&format!("http://{GATEWAY}")).map_err(TargetError::Url)?,
        gateway_journal: Journal::Required,
        gateway_key,
        endpoints: Endpoints::Simulators,
        simulators: targets,
        clock,
        world: World::Virtual,
        servers: Vec::new(),
        embedded_gateway: Some(gateway),
    })
}

pub(super) fn local_url(port: u16) -> Result<BaseUrl, TargetError> {
    BaseUrl::parse(&format!("http://localhost:{port}")).map_err(TargetError::Url)
}
