//! What limits a deployment: raw keys → checked settings.

use std::collections::BTreeMap;
use std::time::Duration;

use seam::diagnostic::Diagnostic;
use seam::units::HumanDuration;
use serde_spanned::Spanned;

use super::check::Checker;
use super::limits::{
    Admission, Capacity, DynamicQuota, PaygSettings, PeakLoad, PriorityRamp, PtuSettings,
    RequestQuota, TemporaryAdjustment,
};
use super::model::{DeploymentConfig, Sku, WireProfile};
use super::raw::{self, LimiterKind};
use crate::catalogue::{Model, RequestLimited, default_tpm, ptu_facts, request_limited};
use crate::limit::Tier;

/// What the service assumed in 2023-24 (specification, section 3.3).
const DEFAULT_MAX_TOKENS_PAYG: u64 = 16;
/// Start of the moving average (specification, section 4.2; not published).
const DEFAULT_MAX_TOKENS_PTU: u64 = 512;
const DEFAULT_ALPHA: f64 = 0.1;
const DEFAULT_PTU_WINDOW: Duration = Duration::from_secs(10);
const DEFAULT_REQUEST_WINDOW: Duration = Duration::from_secs(10);
const DEFAULT_LARGE_CALL_TOKENS: u64 = 32_768;
/// The adjustment "lasts hours" (specification, section 3.2).
const DEFAULT_ADJUSTMENT: Duration = Duration::from_secs(7_200);
/// As the recorded 429 of peak load says (specification, section 3.6).
const DEFAULT_PEAK_WAIT: Duration = Duration::from_secs(20);
/// The most PTUs one deployment can have.
pub(crate) const MOST_PTU: u64 = 100_000;
/// A billion tokens a minute: above any quota, far below overflow.
pub(crate) const MOST_TPM: u64 = 1_000_000_000;
/// A day.
const LONGEST: Duration = Duration::from_secs(86_400);

impl Checker<'_> {
    pub(super) fn payg(
        &mut self,
        raw: &raw::Deployment,
        sku: Sku,
        profile: Option<WireProfile>,
        model: Option<&Model>,
    ) -> Option<Capacity> {
        self.nothing_provisioned(raw, sku);
        let alone = model.and_then(|model| request_limited(model.facts.name));
        let tpm = self.tpm(raw, sku, model, alone)?;
        let azure_2024 = profile == Some(WireProfile::Azure2024);
        if let Some(strict) = &raw.strict
            && azure_2024
            && !*strict.get_ref()
        {
            self.report(
                self.error(strict.span(), "`azure_2024` is always strict").help("remove the line"),
            );
        }
        let default_limiter = match profile {
            Some(WireProfile::Azure2024) => LimiterKind::SlidingWindow,
            Some(WireProfile::Azure2026 | WireProfile::OpenAi) => LimiterKind::Refill,
            _ => LimiterKind::FixedWindow,
        };
        let limiter = raw.limiter.as_ref().map_or(default_limiter, |kind| *kind.get_ref());
        let by_pages = matches!(profile, Some(WireProfile::Documented | WireProfile::Azure2025));
        let strict = raw.strict.as_ref().map_or(!by_pages, |strict| *strict.get_ref());
        let rpd = raw.rpd.clone().map(|rpd| self.whole(Some(rpd), "rpd", 0, 1..=MOST_TPM));
        if let Some(rpd) = &raw.rpd
            && limiter == LimiterKind::SlidingWindow
        {
            self.report(
                self.error(rpd.span(), "a sliding window of a day is not kept")
                    .help("write `limiter = \"refill\"` or `limiter = \"fixed_window\"`"),
            );
        }
        let concurrent = raw
            .concurrent_requests
            .clone()
            .map(|most| self.whole(Some(most), "concurrent_requests", 0, 1..=1_000_000));
        let at_once = match alone {
            Some(RequestLimited::AtOnce(most)) => Some(most),
            _ => None,
        };
        Some(Capacity::Payg(PaygSettings {
            tpm,
            requests: self.requests(raw, azure_2024, model, alone),
            rpd,
            concurrent_requests: concurrent.or(at_once),
            limiter,
            request_window: self.request_window(raw.request_window.as_ref(), limiter),
            admission: if strict { Admission::Strict } else { Admission::Reached },
            count_rejected_requests: raw
                .count_rejected_requests
                .as_ref()
                .map_or(!azure_2024, |count| *count.get_ref()),
            default_max_tokens: self.whole(
                raw.default_max_tokens.clone(),
                "default_max_tokens",
                DEFAULT_MAX_TOKENS_PAYG,
                0..=1_000_000,
            ),
            dynamic_quota: raw.dynamic_quota.as_ref().map(|quota| self.dynamic_quota(quota)),
            temporary_adjustment: raw
                .temporary_adjustment
                .as_ref()
                .map(|adjustment| self.temporary_adjustment(adjustment.get_ref())),
            peak_load: raw.peak_load.as_ref().map(|peak| self.peak_load(peak, profile)),
            insufficient_quota: self.insufficient_quota(raw, profile),
            priority_ramp: tpm.map(|tpm| self.priority_ramp(raw, tpm)),
        }))
    }

    /// Keys of provisioned throughput in a pay-as-you-go deployment.
    fn nothing_provisioned(&mut self, raw: &raw::Deployment, sku: Sku) {
        let why = format!("a `{}` deployment is limited by `tpm`", sku.name());
        let help = "for provisioned throughput write `sku = \"provisioned_managed\"`";
        let spans =
            [raw.ptu.as_ref().map(Spanned::span), raw.ptu_settings.as_ref().map(Spanned::span)];
        for span in spans.into_iter().flatten() {
            self.report(self.error(span, format!("{why}, not by `ptu`")).help(help));
        }
        let spans = [
            ("spillover_deployment", raw.spillover_deployment.as_ref().map(Spanned::span)),
            ("spillover_responses", raw.spillover_responses.as_ref().map(Spanned::span)),
        ];
        for (key, span) in spans {
            if let Some(span) = span {
                let message = format!("`{key}` is for provisioned deployments");
                self.report(self.error(span, message).help(help));
            }
        }
    }

    /// The limit of tokens; `None` inside for models without one, outside when it
    /// is missing.
    fn tpm(
        &mut self,
        raw: &raw::Deployment,
        sku: Sku,
        model: Option<&Model>,
        alone: Option<RequestLimited>,
    ) -> Option<Option<u64>> {
        if let Some(tpm) = &raw.tpm {
            return Some(Some(self.whole(Some(tpm.clone()), "tpm", 0, 1..=MOST_TPM)));
        }
        if alone.is_some() {
            return Some(None);
        }
        if let Some(tpm) = model.and_then(|model| default_tpm(model.facts.name, sku)) {
            return Some(Some(tpm));
        }
        if raw.ptu.is_none() && model.is_some() {
            let why = format!("a `{}` deployment is limited by `tpm`", sku.name());
            self.report(
                self.error(raw.name.span(), format!("deployment has no `tpm`: {why}"))
                    .help("write `tpm = 60000`; no default quota is published for this model"),
            );
        }
        None
    }

    fn requests(
        &mut self,
        raw: &raw::Deployment,
        azure_2024: bool,
        model: Option<&Model>,
        alone: Option<RequestLimited>,
    ) -> RequestQuota {
        if let (Some(rpm), Some(ratio)) = (&raw.rpm, &raw.rpm_per_1k_tpm) {
            self.report(
                self.error(rpm.span(), "`rpm` and `rpm_per_1k_tpm` say the same thing twice")
                    .label("absolute")
                    .also(ratio.span(), "relative to `tpm`")
                    .help("remove one of them"),
            );
        }
        if let Some(rpm) = &raw.rpm {
            let rpm = self.whole(Some(rpm.clone()), "rpm", 0, 1..=MOST_TPM);
            return RequestQuota::PerMinute(rpm);
        }
        let default = match (alone, model) {
            (Some(RequestLimited::PerMinute(rpm)), _) if raw.rpm_per_1k_tpm.is_none() => {
                return RequestQuota::PerMinute(rpm);
            }
            (Some(RequestLimited::AtOnce(_)), _) if raw.rpm_per_1k_tpm.is_none() => {
                return RequestQuota::Unlimited;
            }
            // The era's simulator has ceil(TPM/1000) per 10 s for every model.
            (_, Some(model)) if !azure_2024 => model.facts.rpm_per_1k_tpm,
            _ => 6.0,
        };
        let ratio = raw.rpm_per_1k_tpm.as_ref();
        RequestQuota::PerTokens(self.number(ratio, "rpm_per_1k_tpm", default, 1e-6, 1e6))
    }

    fn request_window(
        &mut self,
        raw: Option<&Spanned<HumanDuration>>,
        limiter: LimiterKind,
    ) -> Duration {
        let Some(raw) = raw else { return DEFAULT_REQUEST_WINDOW };
        if limiter == LimiterKind::Refill {
            self.report(
                self.error(raw.span(), "a refilling bucket has no `request_window`")
                    .help("remove the line, or write `limiter = \"fixed_window\"`"),
            );
        }
        let window = raw.get_ref().0;
        if window != Duration::from_secs(1) && window != Duration::from_secs(10) {
            self.report(
                self.error(raw.span(), "`request_window` is neither \"1s\" nor \"10s\"")
                    .help("the service evaluates requests over 1 or 10 seconds"),
            );
        }
        window
    }

    fn dynamic_quota(&mut self, raw: &Spanned<raw::DynamicQuota>) -> DynamicQuota {
        let raw = raw.get_ref();
        let second = Duration::from_secs(1);
        DynamicQuota {
            cap: self.number(raw.cap.as_ref(), "cap", 2.0, 1.0, 100.0),
            step: self.time(raw.step.as_ref(), "step", Duration::from_secs(60), second..=LONGEST),
            spread: self.number(raw.spread.as_ref(), "spread", 0.05, 0.0, 1.0),
        }
    }

    fn temporary_adjustment(&mut self, raw: &raw::TemporaryAdjustment) -> TemporaryAdjustment {
        let any = Duration::ZERO..=LONGEST * 365;
        TemporaryAdjustment {
            factor: self.number(Some(&raw.factor), "factor", 1.0, 0.000_001, 1.0),
            start: self.time(raw.start.as_ref(), "start", Duration::ZERO, any.clone()),
            duration: self.time(raw.duration.as_ref(), "duration", DEFAULT_ADJUSTMENT, any),
        }
    }

    fn peak_load(
        &mut self,
        raw: &Spanned<raw::PeakLoad>,
        profile: Option<WireProfile>,
    ) -> PeakLoad {
        if profile == Some(WireProfile::OpenAi) {
            self.report(
                self.error(raw.span(), "OpenAI has no refusal for peak load")
                    .help("remove it, or choose a wire profile of Azure"),
            );
        }
        let raw = raw.get_ref();
        let second = Duration::from_secs(1);
        let wait = raw.retry_after.as_ref();
        let most = Some(raw.max_request_tokens.clone());
        PeakLoad {
            max_request_tokens: self.whole(most, "max_request_tokens", 0, 0..=MOST_TPM),
            retry_after: self.time(wait, "retry_after", DEFAULT_PEAK_WAIT, second..=LONGEST),
        }
    }

    fn insufficient_quota(&mut self, raw: &raw::Deployment, profile: Option<WireProfile>) -> bool {
        let Some(insufficient) = &raw.insufficient_quota else { return false };
        if *insufficient.get_ref() && profile.is_some_and(|one| one != WireProfile::OpenAi) {
            self.report(
                self.error(insufficient.span(), "Azure has no `insufficient_quota`")
                    .help("write `wire_profile = \"openai\"`"),
            );
        }
        *insufficient.get_ref()
    }

    fn priority_ramp(&mut self, raw: &raw::Deployment, tpm: u64) -> PriorityRamp {
        let ramp = raw.priority_ramp.as_ref().map(Spanned::get_ref);
        let increase = ramp.and_then(|ramp| ramp.increase.as_ref());
        let floor = ramp.and_then(|ramp| ramp.floor_tpm.clone());
        PriorityRamp {
            increase: self.number(increase, "increase", 0.5, 0.0, 1e6),
            floor_tpm: self.whole(floor, "floor_tpm", tpm / 2, 0..=MOST_TPM),
        }
    }

    pub(super) fn ptu(
        &mut self,
        raw: &raw::Deployment,
        sku: Sku,
        model: Option<&Model>,
    ) -> Option<Capacity> {
        self.nothing_paid_as_you_go(raw, sku);
        let why = format!("a `{}` deployment is limited by `ptu`", sku.name());
        let ptu = match &raw.ptu {
            Some(ptu) => self.whole(Some(ptu.clone()), "ptu", 0, 1..=MOST_PTU),
            None => {
                if raw.tpm.is_none() {
                    self.report(
                        self.error(raw.name.span(), format!("deployment has no `ptu`: {why}"))
                            .help("write `ptu = 50`"),
                    );
                }
                return None;
            }
        };
        let settings = raw.ptu_settings.as_ref().map(Spanned::get_ref);
        let (rate, ratio) = (
            settings.and_then(|s| s.input_tpm_per_ptu.as_ref()),
            settings.and_then(|s| s.output_ratio.as_ref()),
        );
        let model = model?;
        let row = ptu_facts(model.facts.name);
        if row.is_none() && (rate.is_none() || ratio.is_none()) {
            self.report(
                self.error(
                    raw.model.span(),
                    format!("no provisioned throughput is published for `{}`", model.facts.name),
                )
                .label("needs explicit numbers")
                .help("write `ptu_settings = { input_tpm_per_ptu = 2500, output_ratio = 3 }`"),
            );
        }
        let (row_rate, row_ratio) = row.map_or((1.0, 1.0), |row| (row.input_tpm, row.output_ratio));
        let cap = settings.and_then(|s| s.max_prompt_tokens.clone());
        let max_prompt_tokens = match cap {
            Some(cap) => Some(self.whole(Some(cap), "max_prompt_tokens", 0, 1..=MOST_TPM)),
            None => model.facts.ptu_prompt_tokens,
        };
        Some(Capacity::Ptu(PtuSettings {
            ptu,
            input_tpm_per_ptu: self.number(rate, "input_tpm_per_ptu", row_rate, 1.0, 1e9),
            output_ratio: self.number(ratio, "output_ratio", row_ratio, 0.01, 1_000.0),
            window: self.ptu_window(settings.and_then(|s| s.window.as_ref())),
            default_max_tokens: self.whole(
                raw.default_max_tokens.clone(),
                "default_max_tokens",
                DEFAULT_MAX_TOKENS_PTU,
                0..=1_000_000,
            ),
            default_max_tokens_alpha: self.number(
                settings.and_then(|s| s.default_max_tokens_alpha.as_ref()),
                "default_max_tokens_alpha",
                DEFAULT_ALPHA,
                0.0,
                1.0,
            ),
            output_cap: model.facts.output_tokens,
            estimate_choices: settings.and_then(|s| s.estimate_choices).unwrap_or(true),
            large_call_tokens: self.whole(
                settings.and_then(|s| s.large_call_tokens.clone()),
                "large_call_tokens",
                DEFAULT_LARGE_CALL_TOKENS,
                0..=MOST_TPM,
            ),
            large_call_multiplier: self.number(
                settings.and_then(|s| s.large_call_multiplier.as_ref()),
                "large_call_multiplier",
                1.0,
                1.0,
                1_000.0,
            ),
            max_prompt_tokens,
            charge_filtered_prompts: settings
                .and_then(|s| s.charge_filtered_prompts)
                .unwrap_or(true),
        }))
    }

    fn ptu_window(&mut self, raw: Option<&Spanned<HumanDuration>>) -> Duration {
        let Some(window) = raw else { return DEFAULT_PTU_WINDOW };
        let length = window.get_ref().0;
        if length < Duration::from_secs(1) || Duration::from_secs(60) < length {
            self.report(
                self.error(window.span(), "`window` is outside 1 s to 60 s")
                    .help("write `window = \"10s\"`"),
            );
        }
        length
    }

    /// Keys of pay-as-you-go in a provisioned deployment.
    fn nothing_paid_as_you_go(&mut self, raw: &raw::Deployment, sku: Sku) {
        let why = format!("a `{}` deployment is limited by `ptu`", sku.name());
        let spans = [
            ("tpm", raw.tpm.as_ref().map(Spanned::span)),
            ("rpm", raw.rpm.as_ref().map(Spanned::span)),
            ("rpm_per_1k_tpm", raw.rpm_per_1k_tpm.as_ref().map(Spanned::span)),
            ("rpd", raw.rpd.as_ref().map(Spanned::span)),
            ("concurrent_requests", raw.concurrent_requests.as_ref().map(Spanned::span)),
            ("limiter", raw.limiter.as_ref().map(Spanned::span)),
            ("request_window", raw.request_window.as_ref().map(Spanned::span)),
            ("strict", raw.strict.as_ref().map(Spanned::span)),
            ("count_rejected_requests", raw.count_rejected_requests.as_ref().map(Spanned::span)),
            ("dynamic_quota", raw.dynamic_quota.as_ref().map(Spanned::span)),
            ("temporary_adjustment", raw.temporary_adjustment.as_ref().map(Spanned::span)),
            ("peak_load", raw.peak_load.as_ref().map(Spanned::span)),
            ("insufficient_quota", raw.insufficient_quota.as_ref().map(Spanned::span)),
            ("service_tier", raw.service_tier.as_ref().map(Spanned::span)),
            ("priority_ramp", raw.priority_ramp.as_ref().map(Spanned::span)),
            ("flex", raw.flex.as_ref().map(Spanned::span)),
        ];
        for (key, span) in spans {
            if let Some(span) = span {
                self.report(
                    self.error(span, format!("{why}: `{key}` has no meaning here"))
                        .help("for pay-as-you-go write `sku = \"standard\"`"),
                );
            }
        }
    }

    pub(super) fn time(
        &mut self,
        raw: Option<&Spanned<HumanDuration>>,
        key: &str,
        default: Duration,
        range: std::ops::RangeInclusive<Duration>,
    ) -> Duration {
        let Some(raw) = raw else { return default };
        let value = raw.get_ref().0;
        if !range.contains(&value) {
            let (least, most) = (range.start(), range.end());
            self.report(
                self.error(raw.span(), format!("`{key}` is outside {least:?} to {most:?}"))
                    .label(format!("found {value:?}")),
            );
        }
        value
    }

    /// A spillover target is a standard deployment of the same resource, on the
    /// same level of data processing, and not enabled for priority.
    pub(super) fn spillovers(
        &mut self,
        resource: &str,
        deployments: &[DeploymentConfig],
        own: &[Spanned<raw::Deployment>],
        shared: &[Spanned<raw::Deployment>],
    ) {
        let spans: BTreeMap<&str, std::ops::Range<usize>> = shared
            .iter()
            .chain(own)
            .map(Spanned::get_ref)
            .filter_map(|raw| {
                let target = raw.spillover_deployment.as_ref()?;
                Some((raw.name.get_ref().as_str(), target.span()))
            })
            .collect();
        for deployment in deployments {
            let (Some(name), Some(span)) =
                (&deployment.spillover.deployment, spans.get(deployment.name.as_str()))
            else {
                continue;
            };
            let target = deployments.iter().find(|target| target.name == *name);
            let problem = match target {
                None => {
                    let message = format!("resource `{resource}` has no deployment `{name}`");
                    let names = deployments.iter().map(|one| one.name.as_str());
                    Some(self.error(span.clone(), message).did_you_mean(name, names))
                }
                Some(target) => spillover_problem(deployment, target).map(|(message, help)| {
                    Diagnostic::error(self.source, span.clone(), message).help(help)
                }),
            };
            if let Some(problem) = problem {
                self.report(problem);
            }
        }
    }
}

/// Why a deployment cannot take what another refuses, and what to do.
fn spillover_problem(
    from: &DeploymentConfig,
    target: &DeploymentConfig,
) -> Option<(String, &'static str)> {
    let name = &target.name;
    if target.sku.is_provisioned() {
        let message = format!("`{name}` is provisioned: spillover goes to a standard deployment");
        Some((message, "name a deployment with `tpm`"))
    } else if target.sku.level() != from.sku.level() {
        let (here, there) = (from.sku.level(), target.sku.level());
        let message = format!("`{name}` processes data on another level: {there}, not {here}");
        Some((message, "spillover needs, say, `global_standard` for `global_provisioned_managed`"))
    } else if target.tiers.own == Tier::Priority {
        let message = format!("`{name}` is enabled for priority processing");
        Some((message, "name a deployment without `service_tier = \"priority\"`"))
    } else {
        None
    }
}
