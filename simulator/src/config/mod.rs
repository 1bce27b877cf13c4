//! The configuration file: text → spanned raw types → checked types.
//!
//! `raw` is the file as people write it (and its JSON Schema), `model` what the
//! rest of the simulator works with and cannot hold a contradiction, `check`
//! the way from one to the other with every problem collected. Nothing here
//! knows HTTP.

mod answers;
mod capacity;
mod check;
mod entra;
mod fault;
mod filter;
mod forms;
mod https;
mod latency;
mod limits;
mod load;
mod model;
mod moderation;
mod offer;
pub(crate) mod raw;
mod raw_fault;
mod recording;
mod seed;
mod select;

pub(crate) use answers::answers_from;
pub(crate) use capacity::{MOST_PTU, MOST_TPM};
pub(crate) use entra::DEFAULT_AUDIENCE;
pub(crate) use fault::{FaultNames, FaultProblem, FaultScope, fault_from, kind_text};
pub(crate) use forms::URL_IMAGE;
pub(crate) use https::CertificateConfig;
pub(crate) use latency::latency_from;
pub(crate) use limits::{
    Admission, Advice, Capacity, DynamicQuota, HeaderAnomaly, HeaderSettings, LimiterKind,
    PaygSettings, PeakLoad, PriorityRamp, PromptCacheSettings, PtuSettings, RefusalSettings,
    RefusalWording, RequestQuota, ResetUnit, TemporaryAdjustment, TierSettings, TokenEstimate,
};
pub(crate) use model::{
    AnswerForms, CompletionLength, DeploymentConfig, EntraConfig, FaultConfig, Layout,
    ResourceConfig, Sku, ToolCalls, WireProfile,
};

pub(crate) use recording::{RecordingConfig, Upstream};
pub(crate) use seed::{from_environment, is_seed};

pub use load::{DEFAULT_CONFIG, SimulatorConfig, load, reference_page, schema};
