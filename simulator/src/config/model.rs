//! The checked configuration: types that cannot hold a contradiction.

use std::time::Duration;

use seam::token::Signature;

pub(crate) use super::raw::Sku;
use crate::catalogue::Model;
use crate::latency::Latency;

/// A simulated resource.
#[derive(Debug, Clone)]
pub(crate) struct ResourceConfig {
    pub name: String,
    pub port: u16,
    /// At least one, none empty.
    pub keys: Vec<String>,
    pub region: String,
    /// `None`: no access token is accepted.
    pub entra: Option<EntraConfig>,
    pub deployments: Vec<DeploymentConfig>,
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
    pub lengths: CompletionLength,
    pub latency: Latency,
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

/// What limits a deployment.
#[derive(Debug, Clone)]
pub(crate) enum Capacity {
    Payg(PaygSettings),
    Ptu(PtuSettings),
}

/// Limits of a pay-as-you-go deployment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PaygSettings {
    pub tpm: u64,
    pub rpm_per_1k_tpm: f64,
    pub request_window: Duration,
    pub admission: Admission,
    pub count_rejected_requests: bool,
    /// Completion tokens assumed when a request states no maximum.
    pub default_max_tokens: u64,
}

impl PaygSettings {
    /// Requests per minute.
    pub(crate) fn rpm(&self) -> u64 {
        ceil(self.tpm as f64 * self.rpm_per_1k_tpm / 1000.0).max(1)
    }

    /// Requests allowed in one request window, rounded up, at least one.
    pub(crate) fn requests_per_window(&self) -> u64 {
        let minutes = self.request_window.as_secs_f64() / 60.0;
        ceil(self.tpm as f64 * self.rpm_per_1k_tpm / 1000.0 * minutes).max(1)
    }
}

/// Rounds up, forgiving the last bits of a division: 1000 × 6 / 1000 × 10 / 60 is 1, not 2.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "limits are positive and far below 2^53"
)]
fn ceil(value: f64) -> u64 {
    (value - 1e-9).ceil().max(0.0) as u64
}

/// When a request is refused for its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Once the count has reached the limit, before this request is added.
    Reached,
    /// When this request would exceed the limit.
    Strict,
}

/// Size of a provisioned deployment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PtuSettings {
    pub ptu: u64,
    pub input_tpm_per_ptu: f64,
    pub output_ratio: f64,
    pub window: Duration,
    pub default_max_tokens: u64,
    pub default_max_tokens_alpha: f64,
    /// The model's own cap: the assumed maximum never exceeds it.
    pub output_cap: u64,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_limits_follow_the_quota_ratio() {
        let settings = |tpm, rpm_per_1k_tpm, seconds| PaygSettings {
            tpm,
            rpm_per_1k_tpm,
            request_window: Duration::from_secs(seconds),
            admission: Admission::Strict,
            count_rejected_requests: false,
            default_max_tokens: 16,
        };
        // The seed's table: ceil(TPM / 1000) requests per 10 s.
        for (tpm, expected) in [(1_000, 1), (60_000, 60), (100_000_000, 100_000), (1_500, 2)] {
            assert_eq!(settings(tpm, 6.0, 10).requests_per_window(), expected, "{tpm}");
        }
        // The page's example: 600 RPM over 1 s is 10 requests.
        assert_eq!(settings(100_000, 6.0, 1).requests_per_window(), 10);
        assert_eq!(settings(100_000, 6.0, 1).rpm(), 600);
        assert_eq!(settings(1_000, 0.1, 1).requests_per_window(), 1);
    }
}
