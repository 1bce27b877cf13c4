//! Over sockets in real time: whatever is embedded is served on ephemeral
//! loopback ports, and the names of a gateway configuration are mapped to them;
//! the rest runs elsewhere.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::Router;
use gateway::Gateway;
use seam::clock::WallClock;
use seam::rng::Seed;
use seam::server::Server;
use simulator::Simulator;
use tokio::net::TcpListener;

use super::embedded::local_url;
use super::{Journal, SimulatorTarget, Target, TargetError};
use crate::record::World;
use crate::scenario::{BaseUrl, GatewayTarget, Simulators, local_authorities};

pub(super) async fn over_sockets(
    gateway: &GatewayTarget,
    simulators: &Simulators,
    seed: Seed,
    clock: WallClock,
) -> Result<Target, TargetError> {
    let mut hosts = BTreeMap::new();
    let mut servers = Vec::new();
    let mut targets = Vec::new();
    match simulators {
        Simulators::Embedded { config, .. } => {
            let environment = simulator::Environment { seed, clock };
            let simulator = Simulator::new(config.clone(), environment);
            // A gateway elsewhere can only know the configured ports.
            let fixed_ports = matches!(gateway, GatewayTarget::External(_));
            for resource in simulator.resources() {
                let router = simulator
                    .router(&resource.name)
                    .ok_or_else(|| TargetError::NoService(resource.name.clone()))?;
                let port = if fixed_ports { resource.port } else { 0 };
                let (server, address) = serve(router, port).await?;
                servers.push(server);
                hosts.extend(local_authorities(resource.port).map(|name| (name, address)));
                targets.push(SimulatorTarget {
                    url: local_url(resource.port)?,
                    name: resource.name,
                    key: resource.key,
                    journal: Journal::Required,
                });
            }
        }
        Simulators::External(all) => {
            targets.extend(all.iter().map(|one| SimulatorTarget {
                name: one.name.clone(),
                url: one.url.clone(),
                key: one.key.clone(),
                journal: Journal::IfAny,
            }));
        }
    }
    let client = seam::http::network(hosts);
    let (url, journal, gateway_key) = match gateway {
        GatewayTarget::External(url) => (url.clone(), Journal::Absent, None),
        GatewayTarget::Embedded(config) => {
            let environment = gateway::Environment { client: client.clone(), seed, clock };
            let gateway = Gateway::new(config.clone(), environment);
            let (server, address) = serve(gateway.router(), 0).await?;
            servers.push(server);
            let url = BaseUrl::parse(&format!("http://{address}")).map_err(TargetError::Url)?;
            (url, Journal::Required, config.control_key().map(str::to_owned))
        }
    };
    Ok(Target {
        service: client,
        gateway: url,
        gateway_journal: journal,
        gateway_key,
        simulators: targets,
        clock,
        world: World::Real,
        servers,
    })
}

async fn serve(router: Router, port: u16) -> Result<(Server, SocketAddr), TargetError> {
    let wanted = SocketAddr::from(([127, 0, 0, 1], port));
    let failed = |source| TargetError::Listen { address: wanted.to_string(), source };
    let listener = TcpListener::bind(wanted).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((Server::start(listener, router), address))
}
