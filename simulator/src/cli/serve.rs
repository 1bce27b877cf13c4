//! Serving all resources of one process until it is asked to stop.

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZero;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use futures_util::future::join_all;
use seam::cli::{colour, start_log};
use seam::clock::WallClock;
use seam::rng::Seed;
use seam::server::{Interrupts, Server, Stopped, Workers};
use tokio::net::TcpListener;

use super::args::{Place, Serve};
use super::banner::{Served, banner};
use super::certificate::identity;
use crate::config::SimulatorConfig;
use crate::service::{Environment, Simulator};

pub(super) fn run(config: SimulatorConfig, args: &Serve) -> anyhow::Result<ExitCode> {
    start_log(&args.log, args.log_format)?;
    // Accepts connections, and takes over what would hold up a connection's thread.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(serve(config, args))
}

async fn serve(config: SimulatorConfig, args: &Serve) -> anyhow::Result<ExitCode> {
    let mut interrupts = Interrupts::listen();
    let environment = Environment { seed: Seed(args.seed), clock: WallClock::real() };
    let directory = directory(&args.place);
    let certificates: Vec<_> = config.resources.iter().map(|own| own.https.clone()).collect();
    let simulator = Simulator::new(config, environment);
    let export = super::otlp::start(&simulator)?;
    let threads = args.workers.map_or_else(half_of_the_processors, NonZero::get);
    let workers = Workers::start(threads).context("cannot start the threads of connections")?;
    let mut servers = Vec::new();
    let mut served = Vec::new();
    for (resource, https) in simulator.resources().into_iter().zip(certificates) {
        let listener = listen(args.place.host, resource.port, &resource.name).await?;
        let serve = |listener, identity| {
            simulator
                .serve_with(&workers, &resource.name, listener, identity)
                .with_context(|| format!("no resource `{}`", resource.name))
        };
        let secure = match https {
            None => None,
            Some(https) => {
                let identity = identity(&https.certificate, directory, args.place.host)
                    .with_context(|| format!("no HTTPS for `{}`", resource.name))?;
                let listener = listen(args.place.host, https.port, &resource.name).await?;
                Some(serve(listener, Some(identity))?)
            }
        };
        let server = serve(listener, None)?;
        let address = server.address().context("a listener without an address")?;
        let https = secure.as_ref().and_then(Server::address);
        served.push(Served { resource, address, https });
        servers.push(server);
        servers.extend(secure);
    }
    let _ = std::io::stderr().write_all(banner(&served, args.seed, colour()).as_bytes());
    interrupts.next().await;
    tracing::info!("stopping: finishing requests under way");
    simulator.close();
    let ends = join_all(servers.into_iter().map(|server| server.stop(args.drain))).await;
    if ends.contains(&Stopped::Cut) {
        tracing::warn!("the drain time ran out: requests were cut");
    }
    export.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// The simulator shares its machine with what is tested. A chat takes a thread some
/// 30 µs; more threads than needed only find their memory cold (docs/performance.md).
fn half_of_the_processors() -> usize {
    std::thread::available_parallelism().map_or(1, |processors| processors.get().div_ceil(2))
}

async fn listen(host: IpAddr, port: u16, resource: &str) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::new(host, port);
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address} for `{resource}`"))
}

/// What paths in the configuration are relative to.
pub(super) fn directory(place: &Place) -> &Path {
    place.config.as_deref().and_then(Path::parent).unwrap_or(Path::new("."))
}
