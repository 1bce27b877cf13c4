//! Over sockets in real time: whatever is embedded is served on ephemeral
//! loopback ports, and the names of a gateway configuration are mapped to them;
//! the rest runs elsewhere.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use gateway::Gateway;
use seam::clock::WallClock;
use seam::rng::Seed;
use seam::server::Server;
use simulator::Simulator;
use tokio::net::TcpListener;

use super::embedded::local_url;
use super::{Journal, SimulatorTarget, Target, TargetError};
use crate::record::{Endpoints, World};
use crate::scenario::{
    BaseUrl, ExternalSimulator, GatewayJournal, GatewayTarget, Simulators, local_authorities,
};

pub(super) async fn over_sockets(
    gateway: &GatewayTarget,
    simulators: &Simulators,
    seed: Seed,
    clock: WallClock,
) -> Result<Target, TargetError> {
    // Names that are reached elsewhere than they say: by everybody, and by an
    // embedded gateway alone.
    let mut hosts = BTreeMap::new();
    let mut replaced = BTreeMap::new();
    let mut servers = Vec::new();
    let mut targets = Vec::new();
    let mut endpoints = Endpoints::Simulators;
    match simulators {
        Simulators::Embedded { config, .. } => {
            let environment = simulator::Environment { seed, clock };
            let simulator = Simulator::new(config.clone(), environment);
            // A gateway elsewhere can only know the configured ports.
            let fixed_ports = matches!(gateway, GatewayTarget::External(_));
            for resource in simulator.resources() {
                let port = if fixed_ports { resource.port } else { 0 };
                let hint = || {
                    let name = &resource.name;
                    format!(
                        "; the harness serves simulator {name} itself here. If one runs there, \
                         give it by `--simulator-url {name}=http://localhost:{port}`"
                    )
                };
                let hint = if fixed_ports { hint() } else { String::new() };
                let (listener, address) = listen(port, hint).await?;
                let server = simulator
                    .serve(&resource.name, listener, None)
                    .ok_or_else(|| TargetError::NoService(resource.name.clone()))?;
                servers.push(server);
                hosts.extend(local_authorities(resource.port).map(|name| (name, address)));
                targets.push(SimulatorTarget {
                    url: Some(local_url(resource.port)?),
                    name: resource.name,
                    key: resource.key,
                    journal: Journal::Required,
                });
            }
        }
        Simulators::External(all) => {
            for simulator in all {
                replaced.extend(stand_in(simulator).await);
            }
            targets.extend(all.iter().map(|one| SimulatorTarget {
                name: one.name.clone(),
                url: Some(one.url.clone()),
                key: one.key.clone(),
                journal: Journal::IfAny,
            }));
        }
        Simulators::Real(all) => {
            endpoints = Endpoints::Real;
            targets.extend(all.iter().map(|one| SimulatorTarget {
                name: one.name.clone(),
                url: one.url.clone(),
                key: one.key.clone(),
                journal: Journal::Absent,
            }));
        }
    }
    let client = seam::http::network(hosts.clone());
    let mut embedded_gateway = None;
    let (url, journal, gateway_key) = match gateway {
        GatewayTarget::External(external) => {
            let journal = match external.journal {
                GatewayJournal::Auto => Journal::IfAny,
                GatewayJournal::Required => Journal::Required,
                GatewayJournal::None => Journal::Absent,
            };
            (external.url.clone(), journal, external.key.clone())
        }
        GatewayTarget::Embedded(config) => {
            hosts.extend(replaced);
            let client = seam::http::network(hosts);
            let environment = gateway::Environment { client, seed, clock };
            let gateway = Gateway::new(config.clone(), environment);
            let (listener, address) = listen(0, String::new()).await?;
            servers.push(Server::start(listener, gateway.router()));
            embedded_gateway = Some(gateway);
            let url = BaseUrl::parse(&format!("http://{address}")).map_err(TargetError::Url)?;
            (url, Journal::Required, config.control_key().map(str::to_owned))
        }
    };
    Ok(Target {
        service: client,
        gateway: url,
        gateway_journal: journal,
        gateway_key,
        endpoints,
        simulators: targets,
        clock,
        world: World::Real,
        servers,
        embedded_gateway,
    })
}

/// The names by which an embedded gateway's configuration knows a simulator that
/// another takes the place of, and that one's address. None for an address that
/// does not resolve (reading the simulator's journal says so) or needs TLS, whose
/// certificate is for its own name.
async fn stand_in(simulator: &ExternalSimulator) -> Vec<(String, SocketAddr)> {
    let (Some(port), Ok(uri)) = (simulator.replaces, simulator.url.join("/")) else {
        return Vec::new();
    };
    if uri.scheme() != Some(&http::uri::Scheme::HTTP) {
        return Vec::new();
    }
    let Some(authority) = seam::http::authority(&uri) else { return Vec::new() };
    let found: Vec<SocketAddr> = match tokio::net::lookup_host(authority).await {
        Ok(found) => found.collect(),
        Err(_) => return Vec::new(),
    };
    // `localhost` may mean both; the simulators' default is the older one.
    let address = found.iter().find(|address| address.is_ipv4()).or(found.first());
    let names = local_authorities(port).into_iter();
    address.map(|address| names.map(|name| (name, *address)).collect()).unwrap_or_default()
}

async fn listen(port: u16, hint: String) -> Result<(TcpListener, SocketAddr), TargetError> {
    let wanted = SocketAddr::from(([127, 0, 0, 1], port));
    let failed = |source| TargetError::Listen { address: wanted.to_string(), source, hint };
    let listener = match TcpListener::bind(wanted).await {
        Ok(listener) => listener,
        Err(error) => return Err(failed(error)),
    };
    match listener.local_addr() {
        Ok(address) => Ok((listener, address)),
        Err(error) => Err(failed(error)),
    }
}
