//! The file as people write it. Doc comments here are the reference: the JSON
//! Schema is generated from them.

mod limits;

pub(crate) use limits::*;

use schemars::JsonSchema;
use seam::units::HumanDuration;
use serde::{Deserialize, Serialize};
use serde_spanned::Spanned;

use super::answers::GivenAnswer;
use super::filter::{ContentFilter, ContentFilterMode};
use super::moderation::ModerationRule;

use super::https::Https;
pub(crate) use super::raw_fault::{
    Fault, FaultAnomaly, FaultKey, FaultKind, FaultLimit, FaultStage,
};
use super::recording::Recording;

/// Configuration of the simulator.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Simulator configuration")]
pub(crate) struct File {
    /// Version of this format: 1.
    #[schemars(with = "u64")]
    pub version: Spanned<u64>,
    /// How many finished requests the journal of each resource keeps; the
    /// oldest leave first. Default 100000.
    #[schemars(with = "Option<u64>")]
    pub journal_capacity: Option<Spanned<u64>>,
    /// How many responses of the Responses API each resource keeps for
    /// retrieval and `previous_response_id`; the oldest leave first, all after
    /// 30 days. 0 keeps none. Default 1000.
    #[schemars(with = "Option<u64>")]
    pub stored_responses: Option<Spanned<u64>>,
    /// Largest request body accepted, in bytes; larger ones get 413. Default 16777216.
    #[schemars(with = "Option<u64>")]
    pub max_body_bytes: Option<Spanned<u64>>,
    /// Newest `api-version` date that is known; requests with a later one get
    /// 404 as for an unknown version. Default "2026-12-31".
    #[schemars(with = "Option<String>")]
    pub newest_api_version: Option<Spanned<String>>,
    /// Answers given in advance, at every resource, after its own: the first that
    /// fits a request answers it.
    #[serde(default)]
    #[schemars(with = "Vec<GivenAnswer>")]
    pub answers: Vec<Spanned<GivenAnswer>>,
    /// The simulated Azure OpenAI resources, each on its own port.
    #[schemars(with = "Vec<Resource>")]
    pub resources: Vec<Spanned<Resource>>,
    /// Deployments of every resource that does not define one of the same name.
    #[serde(default)]
    #[schemars(with = "Vec<Deployment>")]
    pub deployments: Vec<Spanned<Deployment>>,
}

/// A simulated Azure OpenAI resource.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resource {
    /// Name, unique in the file.
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// Port to listen on, unique in the file; 0 takes a free one.
    #[schemars(with = "u16")]
    pub port: Spanned<u16>,
    /// Keys accepted in the `api-key` header, for the API and for the live
    /// control under `/++/`.
    #[schemars(with = "Vec<String>")]
    pub keys: Spanned<Vec<Spanned<String>>>,
    /// Region as the service displays it. Default "East US 2".
    pub region: Option<String>,
    /// Makes the resource a recording proxy, or plays recordings back.
    #[schemars(with = "Option<Recording>")]
    pub recording: Option<Spanned<Recording>>,
    /// A second listener, over TLS.
    #[schemars(with = "Option<Https>")]
    pub https: Option<Spanned<Https>>,
    /// Which Entra access tokens (`Authorization: Bearer`) are accepted. By
    /// default those of this bench's gateway and of `simulator token`.
    #[schemars(with = "Option<Entra>")]
    pub entra: Option<Spanned<Entra>>,
    /// How long answers of all its deployments take. A deployment's own `latency`
    /// is applied on top. Default: each model's measured profile.
    #[schemars(with = "Option<Latency>")]
    pub latency: Option<Spanned<Latency>>,
    /// What goes wrong on purpose, in order: the first that fits a request strikes
    /// it, after those of its deployment.
    #[serde(default)]
    #[schemars(with = "Vec<Fault>")]
    pub faults: Vec<Spanned<Fault>>,
    /// Whether a request may bring a fault of its own in the header
    /// `x-simulator-fault`. Default false.
    pub fault_header: Option<bool>,
    /// Names of deployments of this resource that answer for names it does not
    /// have: the first one whose model knows the operation. By default such a
    /// request gets 404 `DeploymentNotFound`.
    #[schemars(with = "Option<Vec<String>>")]
    pub undefined_deployments: Option<Vec<Spanned<String>>>,
    /// Images that cannot be fetched: a request with an image whose URL has one of
    /// these texts in it gets 400. No image is ever fetched.
    #[serde(default)]
    pub unreachable_images: Vec<String>,
    /// Answers given in advance: the first that fits a request answers it.
    #[serde(default)]
    #[schemars(with = "Vec<GivenAnswer>")]
    pub answers: Vec<Spanned<GivenAnswer>>,
    /// What OpenAI's moderation endpoint flags, beside the few words it knows.
    #[serde(default)]
    #[schemars(with = "Vec<ModerationRule>")]
    pub moderation_rules: Vec<Spanned<ModerationRule>>,
    /// Deployments of this resource only.
    #[serde(default)]
    #[schemars(with = "Vec<Deployment>")]
    pub deployments: Vec<Spanned<Deployment>>,
}

/// Which Entra access tokens a resource accepts.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entra {
    /// Whose tokens: "local" (default), "unverified" or "none".
    pub accept: Option<AcceptTokens>,
    /// Resources a token may be for (claim `aud`); a slash at the end makes no
    /// difference. Default `https://cognitiveservices.azure.com` and
    /// `https://ai.azure.com`.
    #[schemars(with = "Option<Vec<String>>")]
    pub audiences: Option<Spanned<Vec<Spanned<String>>>>,
    /// The resource's tenant (claim `tid`); tokens of another get 400. Default: any.
    #[schemars(with = "Option<String>")]
    pub tenant_id: Option<Spanned<String>>,
    /// Identities that have the role (claim `oid`); others get 401
    /// `PermissionDenied`. Default: all.
    #[schemars(with = "Option<Vec<String>>")]
    pub principals: Option<Spanned<Vec<String>>>,
}

/// Whose access tokens are accepted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AcceptTokens {
    /// Those signed with the bench's published key.
    #[default]
    Local,
    /// Any with the right claims, whoever signed it: for clients that get real
    /// tokens from Entra.
    Unverified,
    /// Nobody's: every token gets 401.
    None,
}

/// A model deployed in a resource, with a capacity.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deployment {
    /// Name in the request's path, unique in its resource.
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// Model, with or without a snapshot's date: "gpt-4o", "gpt-35-turbo-0125".
    #[schemars(with = "String")]
    pub model: Spanned<String>,
    /// Kind of capacity. Default "standard".
    #[schemars(with = "Option<Sku>")]
    pub sku: Option<Spanned<Sku>>,
    /// Tokens per minute: the limit of a pay-as-you-go deployment. Default: the
    /// service's default quota for the model and SKU, where one is published.
    #[schemars(with = "Option<u64>")]
    pub tpm: Option<Spanned<u64>>,
    /// Provisioned throughput units: the size of a provisioned deployment.
    #[schemars(with = "Option<u64>")]
    pub ptu: Option<Spanned<u64>>,
    /// Requests per minute for each 1,000 TPM. Default: the model's quota
    /// ratio; 6 with `wire_profile = "azure_2024"`.
    #[schemars(with = "Option<f64>")]
    pub rpm_per_1k_tpm: Option<Spanned<f64>>,
    /// Requests per minute, instead of a ratio to `tpm`. Default of models that
    /// only requests limit: 3 for speech, 6 for DALL-E 3 and gpt-image-1.
    #[schemars(with = "Option<u64>")]
    pub rpm: Option<Spanned<u64>>,
    /// Requests per day, as OpenAI limits small accounts. Default: no such limit.
    #[schemars(with = "Option<u64>")]
    pub rpd: Option<Spanned<u64>>,
    /// Requests worked on at the same time. Default: no limit; 2 for DALL-E 2.
    #[schemars(with = "Option<u64>")]
    pub concurrent_requests: Option<Spanned<u64>>,
    /// How limits count. Default: "fixed_window" for `documented` and
    /// `azure_2025`, "sliding_window" for `azure_2024`, "refill" for
    /// `azure_2026` and `openai`.
    #[schemars(with = "Option<LimiterKind>")]
    pub limiter: Option<Spanned<LimiterKind>>,
    /// How the tokens of a request are estimated. Default: as the wire profile.
    pub token_estimate: Option<TokenEstimate>,
    /// Period over which windows limit requests: "1s" or "10s". Default "10s".
    /// A window that would hold less than one request is as long as one takes.
    #[schemars(with = "Option<HumanDuration>")]
    pub request_window: Option<Spanned<HumanDuration>>,
    /// Which service and era to imitate in bodies, headers, limiter and error
    /// texts: "documented" (default), "azure_2024", "azure_2025", "azure_2026" or
    /// "openai".
    #[schemars(with = "Option<WireProfileNames>")]
    pub wire_profile: Option<Spanned<String>>,
    /// Refuse a request whose own estimate would exceed the token limit. By
    /// default `documented` and `azure_2025` refuse only once the limit has been
    /// reached, as the service's page says; the other profiles are strict,
    /// `azure_2024` always.
    #[schemars(with = "Option<bool>")]
    pub strict: Option<Spanned<bool>>,
    /// Whether refused requests count toward the request limit. Default: true,
    /// but false for `azure_2024`.
    #[schemars(with = "Option<bool>")]
    pub count_rejected_requests: Option<Spanned<bool>>,
    /// Completion tokens to assume at admission when a request states no
    /// maximum. Default 16 for pay-as-you-go; for provisioned deployments 512,
    /// the start of a moving average.
    #[schemars(with = "Option<u64>")]
    pub default_max_tokens: Option<Spanned<u64>>,
    /// Numbers of a provisioned deployment.
    #[schemars(with = "Option<PtuSettings>")]
    pub ptu_settings: Option<Spanned<PtuSettings>>,
    /// A ceiling above the limits that wanders. Default: none.
    #[schemars(with = "Option<DynamicQuota>")]
    pub dynamic_quota: Option<Spanned<DynamicQuota>>,
    /// Lowered limits for a time. Default: none.
    #[schemars(with = "Option<TemporaryAdjustment>")]
    pub temporary_adjustment: Option<Spanned<TemporaryAdjustment>>,
    /// Large requests are refused for high demand. Default: never.
    #[schemars(with = "Option<PeakLoad>")]
    pub peak_load: Option<Spanned<PeakLoad>>,
    /// Every request gets OpenAI's 429 for want of credit. Default false.
    #[schemars(with = "Option<bool>")]
    pub insufficient_quota: Option<Spanned<bool>>,
    /// The tier of requests that ask for none. Default "default".
    #[schemars(with = "Option<ServiceTier>")]
    pub service_tier: Option<Spanned<ServiceTier>>,
    /// How fast priority traffic may grow before it is served as standard.
    #[schemars(with = "Option<PriorityRamp>")]
    pub priority_ramp: Option<Spanned<PriorityRamp>>,
    /// The flex tier.
    #[schemars(with = "Option<Flex>")]
    pub flex: Option<Spanned<Flex>>,
    /// The prompt cache.
    #[schemars(with = "Option<PromptCache>")]
    pub prompt_cache: Option<Spanned<PromptCache>>,
    /// Standard deployment of the same resource that takes what this
    /// provisioned one refuses. Default: none; a request may name one in
    /// `x-ms-spillover-deployment`.
    #[schemars(with = "Option<String>")]
    pub spillover_deployment: Option<Spanned<String>>,
    /// Whether calls of the Responses API spill over too. Default false.
    #[schemars(with = "Option<bool>")]
    pub spillover_responses: Option<Spanned<bool>>,
    /// Texts of refusals.
    #[schemars(with = "Option<Refusals>")]
    pub refusals: Option<Spanned<Refusals>>,
    /// Headers about limits.
    #[schemars(with = "Option<Headers>")]
    pub headers: Option<Spanned<Headers>>,
    /// How long completions are: "max_tokens" always fills a stated maximum
    /// (default for `azure_2024`); "natural" draws a length and stops there
    /// (default for `documented`).
    #[schemars(with = "Option<CompletionTokens>")]
    pub completion_tokens: Option<Spanned<CompletionTokens>>,
    /// Mean of the naturally drawn completion lengths, in tokens. Default 128.
    #[schemars(with = "Option<f64>")]
    pub mean_completion_tokens: Option<Spanned<f64>>,
    /// Spread of natural lengths: sigma of their logarithm. Default 0.5.
    #[schemars(with = "Option<f64>")]
    pub completion_tokens_sigma: Option<Spanned<f64>>,
    /// Mean reasoning tokens of a reasoning model's answer. Default 192.
    #[schemars(with = "Option<f64>")]
    pub mean_reasoning_tokens: Option<Spanned<f64>>,
    /// Whether an answer is a tool call when the request leaves it to the model
    /// (`tool_choice` "auto", or none stated). Default "auto".
    #[schemars(with = "Option<ToolCalls>")]
    pub tool_calls: Option<Spanned<ToolCalls>>,
    /// Probability that a tool call is followed by another one in the same answer,
    /// where the request allows parallel calls. Default 0.2.
    #[schemars(with = "Option<f64>")]
    pub parallel_call_probability: Option<Spanned<f64>>,
    /// Probability that an answer with a `json_schema` response format is a
    /// refusal. Default 0.
    #[schemars(with = "Option<f64>")]
    pub refusal_probability: Option<Spanned<f64>>,
    /// Size of images that are given by an `http(s)` URL, which is not fetched, for
    /// counting their tokens: "WIDTHxHEIGHT" in pixels. Default "1024x1024".
    #[schemars(with = "Option<String>")]
    pub url_image_size: Option<Spanned<String>>,
    /// How long answers take. Default: the measured profile of the model and SKU.
    #[schemars(with = "Option<Latency>")]
    pub latency: Option<Spanned<Latency>>,
    /// Content filters. Without any, every text passes.
    #[schemars(with = "Option<Vec<ContentFilter>>")]
    pub content_filters: Option<Spanned<Vec<Spanned<ContentFilter>>>>,
    /// When filters of a stream speak: "default", before the text, or "async",
    /// after it.
    #[schemars(with = "Option<ContentFilterMode>")]
    pub content_filter_mode: Option<Spanned<ContentFilterMode>>,
    /// Least and most tokens that the default mode releases together. The first
    /// token leaves alone, since measured times to it are those of a client.
    /// Default [5, 10].
    #[schemars(with = "Option<[u64; 2]>")]
    pub content_filter_group: Option<Spanned<[u64; 2]>>,
    /// What goes wrong on purpose at this deployment, in order: the first that fits
    /// a request strikes it.
    #[serde(default)]
    #[schemars(with = "Vec<Fault>")]
    pub faults: Vec<Spanned<Fault>>,
}

/// Kinds of capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sku {
    /// Pay-as-you-go in one region.
    Standard,
    /// Pay-as-you-go, served anywhere.
    GlobalStandard,
    /// Pay-as-you-go, served in a data zone.
    DataZoneStandard,
    /// Provisioned throughput in one region.
    ProvisionedManaged,
    /// Provisioned throughput, served anywhere.
    GlobalProvisionedManaged,
    /// Provisioned throughput in a data zone.
    DataZoneProvisionedManaged,
}

/// How completion lengths are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CompletionTokens {
    /// Exactly the stated maximum.
    MaxTokens,
    /// A drawn length, cut at the stated maximum.
    Natural,
}

/// When the model calls tools by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ToolCalls {
    /// When the last message is a user's; after a tool's result comes a text.
    #[default]
    Auto,
    /// Never: always a text.
    Never,
    /// Always, also after a tool's result.
    Always,
}

/// Wire profiles, for the schema; the file's value is checked by hand so that a
/// wrong one gets a message of its own.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) enum WireProfileNames {
    /// What the service's pages say today.
    Documented,
    /// What microsoft/aoai-api-simulator and recordings of 2023-24 show.
    #[schemars(rename = "azure_2024")]
    Azure2024,
    /// What recordings of mid-2025 show.
    #[schemars(rename = "azure_2025")]
    Azure2025,
    /// What recordings of 2026 show.
    #[schemars(rename = "azure_2026")]
    Azure2026,
    /// api.openai.com; its resource then serves `/v1` as well.
    #[schemars(rename = "openai")]
    OpenAi,
}

/// How long answers take. Which parameters a profile has is said at each.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Latency {
    /// "zero", "aoai_simulator_compat", or a measured profile. Default: the
    /// measured profile of the model and SKU.
    pub profile: Option<ProfileName>,

    /// `aoai_simulator_compat`: mean milliseconds per chat completion token. Default 19.
    pub chat_ms_per_token: Option<f64>,
    /// `aoai_simulator_compat`: standard deviation of it. Default 6, at most
    /// the mean's share when only the mean is set.
    pub chat_ms_per_token_std_dev: Option<f64>,
    /// `aoai_simulator_compat`: mean milliseconds per completion token. Default 15.
    pub completions_ms_per_token: Option<f64>,
    /// `aoai_simulator_compat`: standard deviation of it. Default 2.
    pub completions_ms_per_token_std_dev: Option<f64>,
    /// `aoai_simulator_compat`: mean milliseconds per embeddings call. Default 100.
    pub embeddings_ms_per_call: Option<f64>,
    /// `aoai_simulator_compat`: standard deviation of it. Default 30.
    pub embeddings_ms_per_call_std_dev: Option<f64>,
    /// `aoai_simulator_compat`: mean milliseconds per megabyte (1,048,576 bytes) of a
    /// sound that is translated or transcribed. Default 15000.
    pub translations_ms_per_mb: Option<f64>,
    /// `aoai_simulator_compat`: standard deviation of it. Default 1000.
    pub translations_ms_per_mb_std_dev: Option<f64>,

    /// Measured profiles: constant part of the time to first token, ms.
    pub overhead_ms: Option<f64>,
    /// Measured profiles: median of the random part of the time to first token, ms.
    pub base_ms: Option<f64>,
    /// Measured profiles: sigma of its logarithm.
    pub sigma: Option<f64>,
    /// Measured profiles: time for each 1,000 uncached prompt tokens, ms.
    pub prefill_ms_per_1k: Option<f64>,
    /// Embedding profiles: time for each input after the first, ms.
    pub per_extra_input_ms: Option<f64>,
    /// Measured profiles: mean time between tokens, ms.
    pub itl_ms: Option<f64>,
    /// Measured profiles: shape of its gamma distribution; higher is steadier,
    /// and 1e12 a clockwork.
    pub itl_shape: Option<f64>,
    /// Measured profiles: sigma of the logarithm of a request's speed factor.
    pub speed_sigma: Option<f64>,
    /// Measured profiles: probability of a slow request.
    pub tail_probability: Option<f64>,
    /// Measured profiles: least factor of a slow request. Default 3.
    pub tail_min_factor: Option<f64>,
    /// Measured profiles: greatest factor of a slow request. Default 8.
    pub tail_max_factor: Option<f64>,
    /// Measured profiles: how much full utilisation slows the tokens of a
    /// provisioned deployment. Default 0.3.
    pub load_slowdown: Option<f64>,
    /// Measured profiles: how much slower a pay-as-you-go deployment is at 14:00.
    /// Default 0.4.
    pub daytime_slowdown: Option<f64>,
    /// Measured profiles: hours between UTC and the region's local time. Default 0.
    pub utc_offset_hours: Option<f64>,

    /// All profiles: least time to a refusal (429, 400), ms. Default 5 for
    /// measured profiles, but 0 under `azure_2024`.
    pub refusal_min_ms: Option<f64>,
    /// All profiles: greatest time to a refusal, ms. Default 30 for measured
    /// profiles, but 0 under `azure_2024`.
    pub refusal_max_ms: Option<f64>,
}

/// Latency profiles by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub(crate) enum ProfileName {
    /// No delay and no timer.
    #[serde(rename = "zero")]
    Zero,
    /// Normal distributions as microsoft/aoai-api-simulator has them.
    #[serde(rename = "aoai_simulator_compat")]
    AoaiSimulatorCompat,
    /// Measured: pay-as-you-go gpt-4o.
    #[serde(rename = "payg-gpt-4o")]
    PaygGpt4o,
    /// Measured: pay-as-you-go gpt-4o-mini.
    #[serde(rename = "payg-gpt-4o-mini")]
    PaygGpt4oMini,
    /// Measured: pay-as-you-go gpt-4.1.
    #[serde(rename = "payg-gpt-4.1")]
    PaygGpt41,
    /// Measured: pay-as-you-go gpt-4.1-mini.
    #[serde(rename = "payg-gpt-4.1-mini")]
    PaygGpt41Mini,
    /// Measured: pay-as-you-go gpt-35-turbo.
    #[serde(rename = "payg-gpt-35-turbo")]
    PaygGpt35Turbo,
    /// Measured: pay-as-you-go gpt-5 class.
    #[serde(rename = "payg-gpt-5")]
    PaygGpt5,
    /// Provisioned gpt-4o.
    #[serde(rename = "ptu-gpt-4o")]
    PtuGpt4o,
    /// Provisioned gpt-4o-mini.
    #[serde(rename = "ptu-gpt-4o-mini")]
    PtuGpt4oMini,
    /// Provisioned gpt-4.1.
    #[serde(rename = "ptu-gpt-4.1")]
    PtuGpt41,
    /// Provisioned gpt-35-turbo.
    #[serde(rename = "ptu-gpt-35-turbo")]
    PtuGpt35Turbo,
    /// Measured: text-embedding-3-small.
    #[serde(rename = "embedding-3-small")]
    Embedding3Small,
    /// Measured: text-embedding-ada-002.
    #[serde(rename = "embedding-ada-002")]
    EmbeddingAda002,
    /// Scaled from 3-small: text-embedding-3-large.
    #[serde(rename = "embedding-3-large")]
    Embedding3Large,
}
