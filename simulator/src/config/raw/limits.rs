//! The file's tables about limits, refusals and their headers.

use schemars::JsonSchema;
use seam::units::HumanDuration;
use serde::{Deserialize, Serialize};
use serde_spanned::Spanned;

/// Numbers of a provisioned deployment.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PtuSettings {
    /// Input tokens per minute that one PTU serves. Default: the model's row in
    /// the published table.
    #[schemars(with = "Option<f64>")]
    pub input_tpm_per_ptu: Option<Spanned<f64>>,
    /// Input tokens that one output token weighs. Default: the model's row.
    #[schemars(with = "Option<f64>")]
    pub output_ratio: Option<Spanned<f64>>,
    /// How much work 100 % utilisation is, as time at the deployment's rate,
    /// "1s" to "60s". Default "10s".
    #[schemars(with = "Option<HumanDuration>")]
    pub window: Option<Spanned<HumanDuration>>,
    /// Weight of the newest completion in the moving average that stands for a
    /// missing maximum, 0 to 1; 0 keeps `default_max_tokens`. Default 0.1.
    #[schemars(with = "Option<f64>")]
    pub default_max_tokens_alpha: Option<Spanned<f64>>,
    /// Whether the estimate counts the choices a request asks for (`n`); if
    /// not, it counts one. Not published. Default true.
    pub estimate_choices: Option<bool>,
    /// Uncached prompt tokens beyond this many weigh `large_call_multiplier`
    /// each. Default 32768.
    #[schemars(with = "Option<u64>")]
    pub large_call_tokens: Option<Spanned<u64>>,
    /// What a prompt token beyond `large_call_tokens` weighs. The service's page
    /// calls larger calls progressively more expensive, without numbers. Default 1.
    #[schemars(with = "Option<f64>")]
    pub large_call_multiplier: Option<Spanned<f64>>,
    /// Longer prompts get 400. Default 128000 for the gpt-4.1 family and
    /// gpt-5.4, otherwise the model's context.
    #[schemars(with = "Option<u64>")]
    pub max_prompt_tokens: Option<Spanned<u64>>,
    /// Whether a prompt that the content filter refuses keeps its cost. Not
    /// published. Default true.
    pub charge_filtered_prompts: Option<bool>,
}

/// How tokens and requests are counted against their limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LimiterKind {
    /// Counts that start anew each period, as the service's page says.
    FixedWindow,
    /// Sums over the last period, as microsoft/aoai-api-simulator limits.
    SlidingWindow,
    /// Buckets that refill continuously, as recorded in 2026 and of OpenAI.
    Refill,
}

/// How the tokens of a request are estimated at admission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub(crate) enum TokenEstimate {
    /// Characters / 4 + maximum × choices.
    #[serde(rename = "documented")]
    Documented,
    /// The maximum alone; of embeddings characters / 4.
    #[serde(rename = "azure_2024")]
    Azure2024,
    /// Characters / 4.
    #[serde(rename = "azure_2025")]
    Azure2025,
    /// Chat: tokens of the texts and of the frame. Responses: characters / 4 of
    /// texts in ASCII, else characters.
    #[serde(rename = "azure_2026")]
    Azure2026,
    /// Characters / 4 + messages + choices.
    #[serde(rename = "openai")]
    OpenAi,
    /// Characters / 4 and the maximum × choices.
    #[serde(rename = "openai_2024")]
    OpenAi2024,
}

/// A ceiling above the limits that wanders, unannounced by any header.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DynamicQuota {
    /// The greatest factor on the limits. Default 2.
    #[schemars(with = "Option<f64>")]
    pub cap: Option<Spanned<f64>>,
    /// Time between two changes. Default "1m".
    #[schemars(with = "Option<HumanDuration>")]
    pub step: Option<Spanned<HumanDuration>>,
    /// Standard deviation of one change, as a share of the room between 1 and
    /// `cap`. Default 0.05.
    #[schemars(with = "Option<f64>")]
    pub spread: Option<Spanned<f64>>,
}

/// The service's protective adjustment: lowered limits for a time. Headers show
/// them, and `x-ratelimit-abusepenalty-active: True`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TemporaryAdjustment {
    /// Factor on the limits, between 0 and 1.
    #[schemars(with = "f64")]
    pub factor: Spanned<f64>,
    /// How long after the simulator's start it begins. Default "0s".
    #[schemars(with = "Option<HumanDuration>")]
    pub start: Option<Spanned<HumanDuration>>,
    /// How long it lasts. Default "2h".
    #[schemars(with = "Option<HumanDuration>")]
    pub duration: Option<Spanned<HumanDuration>>,
}

/// High demand: large requests are refused.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PeakLoad {
    /// Requests with a greater estimate get the 429 of peak load.
    #[schemars(with = "u64")]
    pub max_request_tokens: Spanned<u64>,
    /// The wait that 429 names. Default "20s".
    #[schemars(with = "Option<HumanDuration>")]
    pub retry_after: Option<Spanned<HumanDuration>>,
}

/// How fast priority traffic may grow before it is served as standard.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriorityRamp {
    /// Growth over the mean of the 15 minutes before: 0.5 is half again. Default 0.5.
    #[schemars(with = "Option<f64>")]
    pub increase: Option<Spanned<f64>>,
    /// Tokens a minute taken for granted, so that traffic can start. Default: half of `tpm`.
    #[schemars(with = "Option<u64>")]
    pub floor_tpm: Option<Spanned<u64>>,
}

/// The flex tier (`service_tier = "flex"` in a request).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Flex {
    /// Whether the model has it; if not, such requests get 400. Default: o3,
    /// o4-mini and the gpt-5 family do.
    pub supported: Option<bool>,
    /// How often there is no capacity and such a request gets 429, 0 to 1. Default 0.
    #[schemars(with = "Option<f64>")]
    pub unavailable_probability: Option<Spanned<f64>>,
}

/// The tier of requests that ask for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ServiceTier {
    /// Standard.
    Default,
    /// Priority processing.
    Priority,
}

/// The prompt cache of a deployment.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PromptCache {
    /// Default: true for gpt-4o and later models, but not under `azure_2024`.
    pub enabled: Option<bool>,
    /// Shorter prefixes are never cached. Default 1024.
    #[schemars(with = "Option<u64>")]
    pub min_tokens: Option<Spanned<u64>>,
    /// Prefixes are matched in steps of so many tokens. Default 128.
    #[schemars(with = "Option<u64>")]
    pub block_tokens: Option<Spanned<u64>>,
    /// Tokens the cache holds; the least recently used leave first. Default 10000000.
    #[schemars(with = "Option<u64>")]
    pub capacity_tokens: Option<Spanned<u64>>,
    /// Least time without use after which a prefix is forgotten. Default "5m".
    #[schemars(with = "Option<HumanDuration>")]
    pub min_lifetime: Option<Spanned<HumanDuration>>,
    /// Greatest such time; each prompt's lies between the two. Default "10m".
    #[schemars(with = "Option<HumanDuration>")]
    pub max_lifetime: Option<Spanned<HumanDuration>>,
}

/// Texts of refusals (429).
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refusals {
    /// Azure's wording for pay-as-you-go. Default: "operation" for
    /// `azure_2024` and `azure_2025`, else "deployment".
    pub wording: Option<RefusalWording>,
    /// The kind of resource the texts name: "OpenAI" or "AIServices". Default:
    /// "OpenAI" for "operation" texts, else "AIServices".
    #[schemars(with = "Option<String>")]
    pub resource_kind: Option<Spanned<String>>,
    /// What "operation" texts advise at their end: a "link" (default) or to
    /// contact "support".
    pub advice: Option<Advice>,
    /// Message of a provisioned deployment's 429, which is not published. May
    /// hold `{operation}`, `{api_version}`, `{deployment}`, `{milliseconds}`,
    /// `{seconds}`.
    #[schemars(with = "Option<String>")]
    pub ptu_message: Option<Spanned<String>>,
}

/// Azure's wordings of a 429.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RefusalWording {
    /// "Requests to the … Operation under Azure OpenAI API version … have exceeded token rate limit …" (2023 to 2025).
    Operation,
    /// "Your requests to DEPLOYMENT for MODEL in REGION have exceeded the token rate limit …" (since late 2025).
    Deployment,
    /// "Rate limit is exceeded. Try again in 2 seconds."
    Short,
    /// "The system is currently experiencing high demand …".
    PeakLoad,
    /// The model-inference surface's: code `RateLimitReached`.
    ModelInference,
}

/// What a 429 advises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Advice {
    /// A link to the form for more quota.
    Link,
    /// Contacting support.
    Support,
}

/// Headers about limits.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Headers {
    /// Unit of Azure's `x-ratelimit-reset-*`; both were recorded. Default "seconds".
    pub reset_unit: Option<ResetUnit>,
    /// A recorded anomaly to show: "negative_limits" (limits and remainders of
    /// -1, resets of 0, no `retry-after`) or "misspelled_reset" (a 429 without
    /// `retry-after`, with `x-rate-limit-reset-tokens`). Default "none".
    pub anomaly: Option<HeaderAnomaly>,
    /// Whether provisioned deployments send
    /// `azure-openai-deployment-utilization`. Default true.
    pub utilization: Option<bool>,
}

/// Units of resets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ResetUnit {
    /// Whole seconds.
    Seconds,
    /// Milliseconds, as recorded in March 2026.
    Milliseconds,
}

/// Recorded anomalies of headers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum HeaderAnomaly {
    /// As they should be.
    #[default]
    None,
    /// Limits and remainders of -1, resets of 0, no `retry-after`.
    NegativeLimits,
    /// A 429 without `retry-after`, with `x-rate-limit-reset-tokens`.
    MisspelledReset,
}
