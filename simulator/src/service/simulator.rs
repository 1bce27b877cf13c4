//! The public face: a configuration put into a world.

use std::sync::Arc;

use axum::Router;
use seam::clock::WallClock;
use seam::pacer::Pacer;
use seam::rng::Seed;
use seam::server::{Gate, Server, Workers};
use seam::tls::Identity;
use tokio::net::TcpListener;

use super::metrics::Metrics;
use super::resource::Resource;
use super::{control, serve};
use crate::api::ESTIMATE_ENCODING;
use crate::aside::Pool;
use crate::config::{Capacity, PaygSettings, ResourceConfig, SimulatorConfig, TokenEstimate};

/// What a simulator needs of the world it runs in.
#[derive(Debug, Clone, Copy)]
pub struct Environment {
    /// The run's seed.
    pub seed: Seed,
    /// Tells dates.
    pub clock: WallClock,
}

/// One or many simulated resources. Cheap to clone; clones share state.
#[derive(Clone)]
pub struct Simulator {
    resources: Arc<[Arc<Resource>]>,
}

/// One resource as its user finds it.
#[derive(Debug, Clone)]
pub struct ResourceInfo {
    /// Name, unique in the file.
    pub name: String,
    /// The port it is configured to listen on.
    pub port: u16,
    /// The port of its HTTPS listener, if it has one.
    pub https_port: Option<u16>,
    /// A key it accepts, for the live control as well.
    pub key: String,
    /// Its deployments, in the file's order.
    pub deployments: Vec<DeploymentInfo>,
}

/// One deployment as its user finds it.
#[derive(Debug, Clone)]
pub struct DeploymentInfo {
    /// Name in the request's path.
    pub name: String,
    /// The model's name.
    pub model: String,
    /// Its limit in words: `60000 TPM` or `50 PTU`.
    pub limit: String,
}

impl Simulator {
    /// Puts a configuration into a world. The vocabularies its models need are
    /// built here, so that no request waits for them.
    #[must_use]
    pub fn new(config: SimulatorConfig, environment: Environment) -> Self {
        let mut encodings: Vec<_> = config
            .resources
            .iter()
            .flat_map(|resource| &resource.deployments)
            .flat_map(|deployment| {
                let estimates = deployment.token_estimate == TokenEstimate::Azure2026;
                [Some(deployment.model.encoding), estimates.then_some(ESTIMATE_ENCODING)]
            })
            .flatten()
            .collect();
        encodings.sort_unstable();
        encodings.dedup();
        for encoding in encodings {
            encoding.warm();
        }
        let metrics = Arc::new(Metrics::default());
        let pacer = Pacer::of(&environment.clock);
        let settings = resource_settings(&config, &environment);
        let resources = config
            .resources
            .into_iter()
            .map(|resource| {
                let metrics = Arc::clone(&metrics);
                let pacer = pacer.clone();
                Arc::new(Resource::new(resource, settings.clone(), environment, metrics, pacer))
            })
            .collect();
        Self { resources }
    }

    /// The resources, in the file's order.
    #[must_use]
    pub fn resources(&self) -> Vec<ResourceInfo> {
        self.resources.iter().map(|resource| info(&resource.config)).collect()
    }

    /// Ends what clients follow without end (`/++/journal/events`), so that servers
    /// can drain. Requests are served as before.
    pub fn close(&self) {
        for resource in self.resources.iter() {
            resource.closing.cancel();
        }
    }

    /// The service of one resource: the API, `/++/config`, `/++/journal`,
    /// `/metrics`, `/healthz`.
    #[must_use]
    pub fn router(&self, resource: &str) -> Option<Router> {
        let resource = Arc::clone(self.resource(resource)?);
        Some(control::routes().fallback(serve::serve).with_state(resource))
    }

    /// Serves one resource on a socket with the present runtime, over TLS with an
    /// identity. While a fault refuses connections nobody listens there. `None`: no
    /// such resource.
    #[must_use]
    pub fn serve(
        &self,
        resource: &str,
        listener: TcpListener,
        identity: Option<Identity>,
    ) -> Option<Server> {
        let gate = Listening(Arc::clone(self.resource(resource)?));
        Some(Server::start_behind(listener, identity, self.router(resource)?, gate))
    }

    /// As [`Simulator::serve`], with threads for the connections. What would hold up
    /// other requests of such a thread is left to the runtime in which the simulator
    /// was made, if that has several.
    #[must_use]
    pub fn serve_with(
        &self,
        workers: &Workers,
        resource: &str,
        listener: TcpListener,
        identity: Option<Identity>,
    ) -> Option<Server> {
        let gate = Listening(Arc::clone(self.resource(resource)?));
        let router = self.router(resource)?;
        Some(workers.serve(listener, identity, gate, |_| router.clone()))
    }

    #[cfg(feature = "otlp")]
    pub(super) fn own(&self) -> &[Arc<Resource>] {
        &self.resources
    }

    fn resource(&self, name: &str) -> Option<&Arc<Resource>> {
        self.resources.iter().find(|candidate| candidate.name() == name)
    }
}

/// Whether a resource listens: its faults decide.
struct Listening(Arc<Resource>);

impl Gate for Listening {
    async fn opened(&self) {
        self.0.faults.until(false).await;
    }

    async fn closed(&self) {
        self.0.faults.until(true).await;
    }
}

fn resource_settings(
    config: &SimulatorConfig,
    environment: &Environment,
) -> super::resource::Settings {
    let instance = seam::instance::instance("simulator", environment.seed, &environment.clock);
    super::resource::Settings {
        instance,
        journal_capacity: config.journal_capacity,
        max_body_bytes: config.max_body_bytes,
        pool: Pool::present(),
        newest_api_version: config.newest_api_version.clone(),
        stored_responses: config.stored_responses,
    }
}

impl SimulatorConfig {
    /// The resources, in the file's order, without starting anything.
    #[must_use]
    pub fn resources(&self) -> Vec<ResourceInfo> {
        self.resources.iter().map(info).collect()
    }
}

/// What limits a deployment first of all.
fn payg_limit(settings: &PaygSettings) -> String {
    match (settings.tpm, settings.rpm(), settings.concurrent_requests) {
        (Some(tpm), ..) => format!("{tpm} TPM"),
        (None, Some(rpm), _) => format!("{rpm} RPM"),
        (None, None, Some(most)) => format!("{most} at once"),
        (None, None, None) => "no limit".to_owned(),
    }
}

fn info(config: &ResourceConfig) -> ResourceInfo {
    let deployments = config
        .deployments
        .iter()
        .map(|deployment| DeploymentInfo {
            name: deployment.name.clone(),
            model: deployment.model.facts.name.to_owned(),
            limit: match &deployment.capacity {
                Capacity::Payg(settings) => payg_limit(settings),
                Capacity::Ptu(settings) => format!("{} PTU", settings.ptu),
            },
        })
        .collect();
    ResourceInfo {
        name: config.name.clone(),
        port: config.port,
        https_port: config.https.as_ref().map(|https| https.port),
        key: config.keys.first().cloned().unwrap_or_default(),
        deployments,
    }
}
