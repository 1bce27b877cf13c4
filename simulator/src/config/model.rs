//! The checked configuration: types that cannot hold a contradiction.

use seam::token::Signature;

use super::https::HttpsConfig;
use serde_spanned::Spanned;

use super::limits::{
    Capacity, HeaderAnomaly, HeaderSettings, PromptCacheSettings, RefusalSettings, Spillover,
    TierSettings, TokenEstimate,
};
use super::raw;
pub(crate) use super::raw::{Sku, ToolCalls};
use super::recording::RecordingConfig;
use crate::answer::Rules;
use crate::catalogue::Model;
use crate::fault::{Fault, Owner};
use crate::filter::{Filters, Flag};
use crate::latency::Latency;

/// A simulated resource.
#[derive(Debug, Clone)]
pub(crate) struct ResourceConfig {
    pub name: String,
    pub port: u16,
    /// At least one, none empty.
    pub keys: Vec<String>,
    pub region: String,
    pub https: Option<HttpsConfig>,
    pub recording: Option<RecordingConfig>,
    /// `None`: no access token is accepted.
    pub entra: Option<EntraConfig>,
    /// Its own and those of its deployments, each with a name of its own.
    pub faults: Vec<FaultConfig>,
    /// Whether requests may bring a fault.
    pub fault_header: bool,
    /// Names of deployments that answer for unknown names.
    pub undefined_deployments: Vec<String>,
    pub unreachable_images: Vec<String>,
    pub moderation: Vec<Flag>,
    /// Answers given in advance.
    pub answers: Rules,
    pub deployments: Vec<DeploymentConfig>,
}

/// A fault of the file.
#[derive(Debug, Clone)]
pub(crate) struct FaultConfig {
    pub fault: Fault,
    pub written: raw::Fault,
    pub owner: Owner,
}

/// Which access tokens are accepted.
#[derive(Debug, Clone)]
pub(crate) struct EntraConfig {
    pub signature: Signature,
    /// At least one.
    pub audiences: Vec<String>,
    /// `None`: any.
    pub tenant_id: Option<String>,
    /// `None`: everybody has the role.
    pub principals: Option<Vec<String>>,
}

/// A deployment.
#[derive(Debug, Clone)]
pub(crate) struct DeploymentConfig {
    pub name: String,
    pub model: Model,
    pub sku: Sku,
    pub wire_profile: WireProfile,
    pub capacity: Capacity,
    pub token_estimate: TokenEstimate,
    pub tiers: TierSettings,
    /// `None`: prompts are not cached.
    pub prompt_cache: Option<PromptCacheSettings>,
    pub spillover: Spillover,
    pub refusals: RefusalSettings,
    pub headers: HeaderSettings,
    /// At the start; a live change may switch it.
    pub header_anomaly: HeaderAnomaly,
    pub lengths: CompletionLength,
    pub forms: AnswerForms,
    pub latency: Latency,
    pub filters: Filters,
    pub written: Written,
}

/// What a deployment says that depends on its resource, too.
#[derive(Debug, Clone, Default)]
pub(crate) struct Written {
    pub latency: Option<Spanned<raw::Latency>>,
    pub faults: Vec<Spanned<raw::Fault>>,
}

/// Which era of the service is imitated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WireProfile {
    /// What the service's pages say today.
    Documented,
    /// What microsoft/aoai-api-simulator and recordings of 2023-24 show.
    Azure2024,
    /// Recordings of mid-2025.
    Azure2025,
    /// Recordings of 2026.
    Azure2026,
    /// api.openai.com.
    OpenAi,
}

/// How bodies are laid out: several profiles share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Azure's of 2023-24: three totals of usage, four filter categories.
    Azure2024,
    /// Azure's since 2025.
    Azure,
    /// OpenAI's: no filters, keys in its own order.
    OpenAi,
}

impl WireProfile {
    pub(crate) const ALL: [Self; 5] =
        [Self::Documented, Self::Azure2024, Self::Azure2025, Self::Azure2026, Self::OpenAi];

    pub(crate) fn name(self) -> &'static str {
        match self {
            WireProfile::Documented => "documented",
            WireProfile::Azure2024 => "azure_2024",
            WireProfile::Azure2025 => "azure_2025",
            WireProfile::Azure2026 => "azure_2026",
            WireProfile::OpenAi => "openai",
        }
    }

    pub(crate) fn layout(self) -> Layout {
        match self {
            WireProfile::Azure2024 => Layout::Azure2024,
            WireProfile::Documented | WireProfile::Azure2025 | WireProfile::Azure2026 => {
                Layout::Azure
            }
            WireProfile::OpenAi => Layout::OpenAi,
        }
    }
}

impl Sku {
    pub(crate) fn is_provisioned(self) -> bool {
        match self {
            Sku::Standard | Sku::GlobalStandard | Sku::DataZoneStandard => false,
            Sku::ProvisionedManaged
            | Sku::GlobalProvisionedManaged
            | Sku::DataZoneProvisionedManaged => true,
        }
    }

    /// Where its data is processed: spillover stays on one level.
    pub(crate) fn level(self) -> &'static str {
        match self {
            Sku::Standard | Sku::ProvisionedManaged => "regional",
            Sku::GlobalStandard | Sku::GlobalProvisionedManaged => "global",
            Sku::DataZoneStandard | Sku::DataZoneProvisionedManaged => "data zone",
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Sku::Standard => "standard",
            Sku::GlobalStandard => "global_standard",
            Sku::DataZoneStandard => "data_zone_standard",
            Sku::ProvisionedManaged => "provisioned_managed",
            Sku::GlobalProvisionedManaged => "global_provisioned_managed",
            Sku::DataZoneProvisionedManaged => "data_zone_provisioned_managed",
        }
    }
}

/// How long completions are.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CompletionLength {
    /// Whether a stated maximum is always used up.
    pub fill_max_tokens: bool,
    pub mean: f64,
    pub sigma: f64,
    /// Zero for models that do not reason.
    pub mean_reasoning: f64,
}

/// Which kinds of answers are given.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AnswerForms {
    pub tool_calls: ToolCalls,
    /// Probability that a tool call is followed by another in the same answer.
    pub parallel_call_probability: f64,
    /// Probability that a structured answer is a refusal.
    pub refusal_probability: f64,
}
