//! Serving all resources of one process until it is asked to stop.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context as _;
use futures_util::future::join_all;
use seam::clock::WallClock;
use seam::rng::Seed;
use seam::server::{Server, Stopped, interrupted};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use super::args::{LogFormat, Serve};
use super::banner::banner;
use super::run::colour;
use crate::config::SimulatorConfig;
use crate::service::{Environment, Simulator};

pub(super) fn run(config: SimulatorConfig, args: &Serve) -> anyhow::Result<ExitCode> {
    start_log(args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(serve(config, args))
}

fn start_log(args: &Serve) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&args.log)
        .with_context(|| format!("`{}` is not a log filter", args.log))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colour());
    let started = match args.log_format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().with_ansi(false).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("cannot start the log: {error}"))
}

async fn serve(config: SimulatorConfig, args: &Serve) -> anyhow::Result<ExitCode> {
    let environment = Environment { seed: Seed(args.seed), clock: WallClock::real() };
    let simulator = Simulator::new(config, environment);
    let mut servers = Vec::new();
    let mut served = Vec::new();
    for resource in simulator.resources() {
        let address = SocketAddr::new(args.host, resource.port);
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
    interrupted().await;
    tracing::info!("stopping: finishing requests under way");
    let ends = join_all(servers.into_iter().map(|server| server.stop(args.drain))).await;
    if ends.contains(&Stopped::Cut) {
        tracing::warn!("the drain time ran out: requests were cut");
    }
    Ok(ExitCode::SUCCESS)
}
