//! Scenario files: text → spanned raw types → validated [`Scenario`].
//!
//! `raw` is what serde reads and the JSON Schema describes; `validate` turns
//! it into `model`'s types, which cannot hold a contradiction, and collects
//! every problem with its place. Nothing here sends a request.

pub mod assertion;
mod draw;
mod file;
mod model;
mod overrides;
mod plan;
mod power;
mod rate;
mod raw;
mod schema;
mod validate;

pub use draw::{Choice, Draw, DrawFrom, Part, Varying};
pub(crate) use draw::{DrawKey, fill, weighted};
pub(crate) use file::join;
pub use file::{load, load_with, parse, parse_with};
pub(crate) use model::local_authorities;
pub use model::{
    Action, ActionKind, Arrivals, BaseUrl, Call, DEFAULT_SEED, ExternalGateway, ExternalSimulator,
    GatewayJournal, GatewayTarget, Load, LoadShape, Mixed, ORDER, Probe, ProbeBackend,
    RealEndpoint, RequestTemplate, Scenario, Simulators, Stage, Topology, Workload,
};
pub use overrides::Overrides;
pub use plan::{Planned, PlannedLoad};
pub use power::TooFew;
pub use rate::Rate;
pub use schema::{json_schema, reference};
