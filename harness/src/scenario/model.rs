//! A validated scenario: types that cannot hold a contradiction. References
//! between its parts are indices.

use std::time::Duration;

use bytes::Bytes;
use gateway::GatewayConfig;
use http::{HeaderMap, Method, Uri};
use schemars::JsonSchema;
use seam::units::SignedDuration;
use serde::Deserialize;
use serde_json::Value;
use simulator::{ResourceInfo, SimulatorConfig};

use super::assertion::Assertion;
use super::draw::{Draw, Varying};
use super::rate::Rate;
use crate::record::Endpoints;

/// The seed of a run for which neither the file nor the command line names one.
pub const DEFAULT_SEED: u64 = 1;

/// The string in a `publish` body that the measured order replaces.
pub const ORDER: &str = "$order";

/// A checked scenario.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Name; begins every correlation id.
    pub name: String,
    /// What it shows.
    pub description: String,
    /// Seed unless the command line names another.
    pub seed: u64,
    /// Gateway and simulators.
    pub topology: Topology,
    /// Request templates.
    pub workloads: Vec<Workload>,
    /// Spans of load in order.
    pub stages: Vec<Stage>,
    /// Actions in order of execution.
    pub actions: Vec<Action>,
    /// What must be true.
    pub assertions: Vec<Assertion>,
}

/// Who takes part in a run.
#[derive(Debug, Clone)]
pub struct Topology {
    /// The simulators.
    pub simulators: Simulators,
    /// The gateway.
    pub gateway: GatewayTarget,
}

impl Topology {
    /// Whether a run can take place in process, on virtual time.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        matches!(self.gateway, GatewayTarget::Embedded(_))
            && matches!(self.simulators, Simulators::Embedded { .. })
    }

    /// What answers behind the gateway.
    #[must_use]
    pub fn endpoints(&self) -> Endpoints {
        match &self.simulators {
            Simulators::Embedded { .. } | Simulators::External(_) => Endpoints::Simulators,
            Simulators::Real(_) => Endpoints::Real,
        }
    }
}

/// Where the simulators come from.
#[derive(Debug, Clone)]
pub enum Simulators {
    /// Started by the run.
    Embedded {
        /// Their configuration.
        config: SimulatorConfig,
        /// The resources it makes.
        resources: Vec<ResourceInfo>,
    },
    /// Running elsewhere; perhaps none at all.
    External(Vec<ExternalSimulator>),
    /// None: real endpoints stand in their place, and nothing is asked of them that
    /// only a simulator can do.
    Real(Vec<RealEndpoint>),
}

impl Simulators {
    /// The names in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        match self {
            Simulators::Embedded { resources, .. } => {
                resources.iter().map(|resource| resource.name.clone()).collect()
            }
            Simulators::External(all) => all.iter().map(|one| one.name.clone()).collect(),
            Simulators::Real(all) => all.iter().map(|one| one.name.clone()).collect(),
        }
    }
}

/// The authorities under which a gateway configuration may know a local
/// simulator by its configured port.
pub(crate) fn local_authorities(port: u16) -> [String; 2] {
    [format!("localhost:{port}"), format!("127.0.0.1:{port}")]
}

/// A simulator or real endpoint by URL.
#[derive(Debug, Clone)]
pub struct ExternalSimulator {
    /// Name in the scenario.
    pub name: String,
    /// Base URL.
    pub url: BaseUrl,
    /// Key.
    pub key: String,
    /// The configured port of the embedded simulator in whose place it stands:
    /// an embedded gateway that names that port is to reach this one.
    pub replaces: Option<u16>,
}

/// A real deployment in a simulator's place.
#[derive(Debug, Clone)]
pub struct RealEndpoint {
    /// Name in the scenario.
    pub name: String,
    /// Base URL, for the calls that measure it; the gateway has an address of its own.
    pub url: Option<BaseUrl>,
    /// Key.
    pub key: String,
}

/// Where the gateway comes from.
#[derive(Debug, Clone)]
pub enum GatewayTarget {
    /// Started by the run.
    Embedded(GatewayConfig),
    /// Running elsewhere.
    External(ExternalGateway),
}

/// A gateway by URL.
#[derive(Debug, Clone)]
pub struct ExternalGateway {
    /// Base URL.
    pub url: BaseUrl,
    /// Whether its journal is read.
    pub journal: GatewayJournal,
    /// The key of its control paths.
    pub key: Option<String>,
}

/// Whether a gateway by URL has a journal at `/++/journal`, as ours has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GatewayJournal {
    /// It is asked once, before the run: read when it answers as ours does.
    #[default]
    Auto,
    /// It must; without it the run is invalid.
    Required,
    /// It is not asked.
    None,
}

/// An absolute `http` or `https` URL without query, to which paths are appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// Checks a URL; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let uri: Uri = text.parse().map_err(|error| format!("`{text}` is not a URL: {error}"))?;
        match uri.scheme_str() {
            Some("http" | "https") => {}
            _ => return Err(format!("`{text}` does not begin with http:// or https://")),
        }
        if uri.query().is_some() {
            return Err(format!("`{text}` has a query; a base URL has none"));
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }

    /// The URI of a path (and query) below this URL.
    pub fn join(&self, path_and_query: &str) -> Result<Uri, http::uri::InvalidUri> {
        format!("{}{path_and_query}", self.0).parse()
    }

    /// The URL's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What to send; everything but the target's URL and the correlation id.
#[derive(Debug, Clone)]
pub struct RequestTemplate {
    /// Method.
    pub method: Method,
    /// Path with the encoded query.
    pub path_and_query: String,
    /// Headers, `content-type` among them when there is a body.
    pub headers: HeaderMap,
    /// Body as sent.
    pub body: Bytes,
    /// When to give up, from sending.
    pub timeout: Duration,
}

/// A named request template.
#[derive(Debug, Clone)]
pub struct Workload {
    /// Name.
    pub name: String,
    /// What its requests look like.
    pub request: RequestTemplate,
    /// What is drawn for each of them.
    pub draws: Vec<Draw>,
    /// Where draws stand in the template.
    pub varying: Option<Varying>,
}

/// A span of time with its loads.
#[derive(Debug, Clone)]
pub struct Stage {
    /// Name.
    pub name: String,
    /// From the run's start.
    pub start: Duration,
    /// From the run's start.
    pub end: Duration,
    /// Loads at the same time.
    pub loads: Vec<Load>,
}

impl Stage {
    /// Its length.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.end - self.start
    }
}

/// One load of a stage.
#[derive(Debug, Clone)]
pub struct Load {
    /// What its requests are.
    pub mix: Vec<Mixed>,
    /// Who decides when a request leaves.
    pub shape: LoadShape,
}

/// One workload of a load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mixed {
    /// Index into [`Scenario::workloads`].
    pub workload: usize,
    /// Its share of the requests; all of a load add up to 1.
    pub share: f64,
}

/// Closed or open loop.
#[derive(Debug, Clone)]
pub enum LoadShape {
    /// Users who wait for each answer.
    Closed {
        /// How many.
        users: u32,
        /// Wait after each answer.
        think_time: Duration,
        /// Time between two users joining.
        spawn_interval: Duration,
    },
    /// A schedule independent of answers.
    Open(Arrivals),
}

/// An arrival process over a stage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Arrivals {
    /// Evenly spaced.
    Constant(Rate),
    /// Independent exponential gaps.
    Poisson(Rate),
    /// Evenly spaced at a rate that changes steadily.
    Ramp {
        /// Rate at the start.
        from: Rate,
        /// Rate at the end.
        to: Rate,
    },
}

/// Something that happens at a time.
#[derive(Debug, Clone)]
pub struct Action {
    /// Name.
    pub name: String,
    /// When it is due.
    pub at: SignedDuration,
    /// What.
    pub kind: ActionKind,
}

/// What an action does.
#[derive(Debug, Clone)]
pub enum ActionKind {
    /// Changes a simulator's live configuration.
    Patch {
        /// Index into the simulators.
        simulator: usize,
        /// The patch's body.
        config: Value,
    },
    /// Calls the gateway.
    Call(Call),
    /// Measures backends and publishes their order.
    Probe(Box<Probe>),
}

/// A call to the gateway.
#[derive(Debug, Clone)]
pub struct Call {
    /// The request. A probe's `publish` replaces its body.
    pub request: RequestTemplate,
    /// Body before [`ORDER`] is replaced.
    pub body: Option<Value>,
    /// The status it must answer; any 2xx when `None`.
    pub expect_status: Option<u16>,
}

/// Direct calls to backends, and the order to publish.
#[derive(Debug, Clone)]
pub struct Probe {
    /// Whom to measure, in order.
    pub backends: Vec<ProbeBackend>,
    /// The measuring request.
    pub request: RequestTemplate,
    /// The call that publishes the order.
    pub publish: Call,
}

/// A backend to measure.
#[derive(Debug, Clone)]
pub struct ProbeBackend {
    /// Index into the simulators.
    pub simulator: usize,
    /// The gateway's name for it.
    pub publish_as: String,
}
