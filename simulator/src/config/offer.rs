//! What stands around a deployment's limits: tiers, prompt cache, spillover,
//! texts and headers of refusals. Raw keys → checked settings.

use std::time::Duration;

use serde_spanned::Spanned;
use tokens::Encoding;

use super::check::Checker;
use super::limits::{
    Advice, HeaderAnomaly, HeaderSettings, PromptCacheSettings, RefusalSettings, RefusalWording,
    ResetUnit, Spillover, TierSettings, TokenEstimate,
};
use super::model::{Sku, WireProfile};
use super::raw;
use crate::catalogue::{Model, has_flex};
use crate::limit::Tier;

/// As the specification proposes (section 4.3); the service's text is not published.
const PTU_MESSAGE: &str = "Requests to the {operation} Operation under Azure OpenAI API version {api_version} have exceeded the provisioned throughput of deployment {deployment}. Please retry after {milliseconds} milliseconds.";
/// What a provisioned refusal's message may hold.
const PLACEHOLDERS: [&str; 5] =
    ["operation", "api_version", "deployment", "milliseconds", "seconds"];
const DEFAULT_CACHE_TOKENS: u64 = 10_000_000;
/// Above any model's prompts for years, and some hundred megabytes of blocks.
const MOST_CACHE_TOKENS: u64 = 1_000_000_000;

/// The settings this module checks.
pub(super) struct Offer {
    pub token_estimate: TokenEstimate,
    pub tiers: TierSettings,
    pub prompt_cache: Option<PromptCacheSettings>,
    pub spillover: Spillover,
    pub refusals: RefusalSettings,
    pub headers: HeaderSettings,
    pub header_anomaly: HeaderAnomaly,
}

impl Checker<'_> {
    pub(super) fn offer(
        &mut self,
        raw: &raw::Deployment,
        sku: Sku,
        profile: Option<WireProfile>,
        model: Option<&Model>,
    ) -> Offer {
        let headers = raw.headers.as_ref().map(Spanned::get_ref);
        Offer {
            token_estimate: raw.token_estimate.unwrap_or(match profile {
                None | Some(WireProfile::Documented) => TokenEstimate::Documented,
                Some(WireProfile::Azure2024) => TokenEstimate::Azure2024,
                Some(WireProfile::Azure2025) => TokenEstimate::Azure2025,
                Some(WireProfile::Azure2026) => TokenEstimate::Azure2026,
                Some(WireProfile::OpenAi) => TokenEstimate::OpenAi,
            }),
            tiers: self.tiers(raw, model),
            prompt_cache: self.prompt_cache(raw, profile, model),
            spillover: Spillover {
                deployment: raw.spillover_deployment.as_ref().map(|name| name.get_ref().clone()),
                responses: raw.spillover_responses.as_ref().is_some_and(|yes| *yes.get_ref()),
            },
            refusals: self.refusals(raw, sku, profile),
            headers: HeaderSettings {
                reset_unit: headers.and_then(|h| h.reset_unit).unwrap_or(ResetUnit::Seconds),
                utilization: headers.and_then(|h| h.utilization).unwrap_or(true),
            },
            header_anomaly: headers.and_then(|h| h.anomaly).unwrap_or_default(),
        }
    }

    fn tiers(&mut self, raw: &raw::Deployment, model: Option<&Model>) -> TierSettings {
        let flex = raw.flex.as_ref().map(Spanned::get_ref);
        let published = model.is_some_and(|model| has_flex(model.facts.name));
        let unavailable = flex.and_then(|flex| flex.unavailable_probability.as_ref());
        TierSettings {
            own: match raw.service_tier.as_ref().map(Spanned::get_ref) {
                Some(raw::ServiceTier::Priority) => Tier::Priority,
                Some(raw::ServiceTier::Default) | None => Tier::Default,
            },
            flex: flex.and_then(|flex| flex.supported).unwrap_or(published),
            flex_unavailable: self.number(unavailable, "unavailable_probability", 0.0, 0.0, 1.0),
        }
    }

    fn prompt_cache(
        &mut self,
        raw: &raw::Deployment,
        profile: Option<WireProfile>,
        model: Option<&Model>,
    ) -> Option<PromptCacheSettings> {
        // Prompt caching came with gpt-4o, and with it this encoding.
        let late = model.is_some_and(|model| model.encoding == Encoding::O200kBase);
        let default = late && profile != Some(WireProfile::Azure2024);
        let cache = raw.prompt_cache.as_ref().map(Spanned::get_ref);
        let enabled = cache.map_or(default, |cache| cache.enabled.unwrap_or(true));
        let count = |pick: fn(&raw::PromptCache) -> &Option<Spanned<u64>>| {
            cache.and_then(|cache| pick(cache).clone())
        };
        let block = count(|cache| &cache.block_tokens);
        let block_tokens = self.whole(block, "block_tokens", 128, 1..=100_000);
        let least = count(|cache| &cache.min_tokens);
        let min_tokens = self.whole(least, "min_tokens", 1_024, 0..=10_000_000);
        let capacity = count(|cache| &cache.capacity_tokens);
        let capacity =
            self.whole(capacity, "capacity_tokens", DEFAULT_CACHE_TOKENS, 1..=MOST_CACHE_TOKENS);
        let (second, day) = (Duration::from_secs(1), Duration::from_secs(86_400));
        let shortest = cache.and_then(|cache| cache.min_lifetime.as_ref());
        let min_lifetime =
            self.time(shortest, "min_lifetime", Duration::from_secs(300), second..=day);
        let longest = cache.and_then(|cache| cache.max_lifetime.as_ref());
        let default = min_lifetime.max(Duration::from_secs(600));
        let max_lifetime = self.time(longest, "max_lifetime", default, second..=day);
        if let Some(longest) = longest
            && max_lifetime < min_lifetime
        {
            self.report(
                self.error(longest.span(), "`max_lifetime` is shorter than `min_lifetime`")
                    .help("write a longer one, or leave it out"),
            );
        }
        enabled.then_some(PromptCacheSettings {
            min_tokens,
            block_tokens,
            capacity_blocks: usize::try_from(capacity / block_tokens.max(1)).unwrap_or(1).max(1),
            min_lifetime,
            max_lifetime,
        })
    }

    fn refusals(
        &mut self,
        raw: &raw::Deployment,
        sku: Sku,
        profile: Option<WireProfile>,
    ) -> RefusalSettings {
        let refusals = raw.refusals.as_ref().map(Spanned::get_ref);
        let early = matches!(profile, Some(WireProfile::Azure2024 | WireProfile::Azure2025));
        let default = if early { RefusalWording::Operation } else { RefusalWording::Deployment };
        let wording = refusals.and_then(|refusals| refusals.wording).unwrap_or(default);
        let kind = refusals.and_then(|refusals| refusals.resource_kind.as_ref());
        let resource_kind = match kind.map(|kind| kind.get_ref().as_str()) {
            Some("OpenAI") => "OpenAI",
            Some("AIServices") => "AIServices",
            None if wording == RefusalWording::Operation => "OpenAI",
            None => "AIServices",
            Some(other) => {
                if let Some(kind) = kind {
                    self.report(
                        self.error(kind.span(), format!("unknown resource kind `{other}`"))
                            .label("expected \"OpenAI\" or \"AIServices\"")
                            .did_you_mean(other, ["OpenAI", "AIServices"]),
                    );
                }
                ""
            }
        };
        let message = refusals.and_then(|refusals| refusals.ptu_message.as_ref());
        if let Some(message) = message {
            self.ptu_message(message, sku);
        }
        RefusalSettings {
            wording,
            resource_kind,
            advice: refusals.and_then(|refusals| refusals.advice).unwrap_or(Advice::Link),
            ptu_message: message.map_or(PTU_MESSAGE, |message| message.get_ref()).to_owned(),
        }
    }

    fn ptu_message(&mut self, message: &Spanned<String>, sku: Sku) {
        if !sku.is_provisioned() {
            let problem = format!("a `{}` deployment does not send `ptu_message`", sku.name());
            self.report(self.error(message.span(), problem).help("use `wording`"));
        }
        for part in message.get_ref().split('{').skip(1) {
            let name = part.split_once('}').map_or(part, |(name, _)| name);
            if !PLACEHOLDERS.contains(&name) || !part.contains('}') {
                self.report(
                    self.error(message.span(), format!("unknown placeholder `{{{name}}}`"))
                        .did_you_mean(name, PLACEHOLDERS)
                        .help(format!("known: {}", PLACEHOLDERS.join(", "))),
                );
            }
        }
    }
}
