//! Serving all resources of one process until it is asked to stop.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context as _;
use futures_util::future::join_all;
use seam::cli::{colour, start_log};
use seam::clock::WallClock;
use seam::rng::Seed;
use seam::server::{Interrupts, Server, Stopped};
use tokio::net::TcpListener;

use super::args::Serve;
use super::banner::banner;
use crate::config::SimulatorConfig;
use crate::service::{Environment, Simulator};

pub(super) fn run(config: SimulatorConfig, args: &Serve) -> anyhow::Result<ExitCode> {
    start_log(&args.log, args.log_format)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(serve(config, args))
}

async fn serve(config: SimulatorConfig, args: &Serve) -> anyhow::Result<ExitCode> {
    let mut interrupts = Interrupts::listen();
    let environment = Environment { seed: Seed(args.seed), clock: WallClock::real() };
    let simulator = Simulator::new(config, environment);
    let mut servers = Vec::new();
    let mut served = Vec::new();
    for resource in simulator.resources() {
        let address = SocketAddr::new(args.place.host, resource.port);
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address} for `{}`", resource.name))?;
        let router = simulator
            .router(&resource.name)
            .with_context(|| format!("no resource `{}`", resource.name))?;
        let server = Server::start(listener, router);
        served.push((resource, server.address().unwrap_or(address)));
        servers.push(server);
    }
    let _ = std::io::stderr().write_all(banner(&served, args.seed, colour()).as_bytes());
    interrupts.next().await;
    tracing::info!("stopping: finishing requests under way");
    let ends = join_all(servers.into_iter().map(|server| server.stop(args.drain))).await;
    if ends.contains(&Stopped::Cut) {
        tracing::warn!("the drain time ran out: requests were cut");
    }
    Ok(ExitCode::SUCCESS)
}
