//! Raw types → checked types. Every problem becomes a diagnostic; none stops
//! the search for the next.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::Range;

use seam::diagnostic::{Diagnostic, Source};
use serde_spanned::Spanned;

use super::answers::GivenAnswer;
use super::model::{CompletionLength, DeploymentConfig, ResourceConfig, Sku, WireProfile, Written};
use super::{
    SimulatorConfig, answers, entra, filter, forms, https, latency, moderation, raw, recording,
};
use crate::answer::{Rule, Rules};
use crate::catalogue::{self, Kind, Model};
use crate::latency::Latency;

const DEFAULT_STORED_RESPONSES: u64 = 1_000;
const DEFAULT_JOURNAL_CAPACITY: u64 = 100_000;
const DEFAULT_MAX_BODY_BYTES: u64 = 16 << 20;
const DEFAULT_NEWEST_API_VERSION: &str = "2026-12-31";
const DEFAULT_REGION: &str = "East US 2";

type Checked = Result<(SimulatorConfig, Vec<Diagnostic>), Vec<Diagnostic>>;

pub(super) fn check(source: &Source, file: raw::File) -> Checked {
    let mut checker = Checker { source, problems: Vec::new(), warnings: Vec::new() };
    let config = checker.file(file);
    match config {
        Some(config) if checker.problems.is_empty() => Ok((config, checker.warnings)),
        _ => {
            checker.problems.append(&mut checker.warnings);
            Err(checker.problems)
        }
    }
}

pub(super) struct Checker<'a> {
    pub(super) source: &'a Source,
    problems: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
}

impl Checker<'_> {
    pub(super) fn error(&self, span: Range<usize>, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(self.source, span, message)
    }

    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.problems.push(diagnostic);
    }

    fn file(&mut self, file: raw::File) -> Option<SimulatorConfig> {
        if *file.version.get_ref() != 1 {
            self.report(
                self.error(file.version.span(), "unknown format version")
                    .help("write `version = 1`"),
            );
        }
        let journal_capacity = self.whole(
            file.journal_capacity,
            "journal_capacity",
            DEFAULT_JOURNAL_CAPACITY,
            1..=10_000_000,
        );
        let stored_responses = self.whole(
            file.stored_responses,
            "stored_responses",
            DEFAULT_STORED_RESPONSES,
            0..=1_000_000,
        );
        let max_body_bytes = self.whole(
            file.max_body_bytes,
            "max_body_bytes",
            DEFAULT_MAX_BODY_BYTES,
            1_024..=1 << 30,
        );
        let newest_api_version = match file.newest_api_version {
            None => DEFAULT_NEWEST_API_VERSION.to_owned(),
            Some(version) if is_date(version.get_ref()) => version.into_inner(),
            Some(version) => {
                self.report(
                    self.error(version.span(), "`newest_api_version` is not a date")
                        .help("write a date such as \"2026-12-31\""),
                );
                String::new()
            }
        };
        if file.resources.is_empty() {
            self.report(
                self.error(0..0, "no resources")
                    .help("add a `[[resources]]` table with a name, a port and keys"),
            );
        }
        let shared = self.deployments(&file.deployments);
        let mut used = vec![false; shared.len()];
        let given = answers::check(self.source, &file.answers, &mut self.problems);
        let resources =
            self.resources(file.resources, &shared, &file.deployments, &mut used, &given);
        let all: Vec<_> = resources.iter().flat_map(|own| own.deployments.clone()).collect();
        self.answered_names(&file.answers, &all);
        for ((name, span, _), used) in shared.iter().zip(used) {
            if !used && !resources.is_empty() {
                self.warnings.push(
                    Diagnostic::warning(
                        self.source,
                        span.clone(),
                        format!("deployment `{name}` is used by no resource"),
                    )
                    .help("every resource defines one of that name itself"),
                );
            }
        }
        Some(SimulatorConfig {
            journal_capacity: usize::try_from(journal_capacity).ok()?,
            stored_responses: usize::try_from(stored_responses).ok()?,
            max_body_bytes: usize::try_from(max_body_bytes).ok()?,
            newest_api_version,
            resources,
        })
    }

    fn resources(
        &mut self,
        resources: Vec<Spanned<raw::Resource>>,
        shared: &[Named],
        shared_raw: &[Spanned<raw::Deployment>],
        used: &mut [bool],
        given: &[Rule],
    ) -> Vec<ResourceConfig> {
        let mut names = BTreeMap::new();
        let mut ports = BTreeMap::new();
        let mut checked = Vec::new();
        for resource in resources {
            let resource = resource.into_inner();
            let (name, span) = (resource.name.get_ref().clone(), resource.name.span());
            self.identifier(&name, span.clone(), "resource");
            self.unique(&mut names, name.clone(), span, "resource name");
            let port = *resource.port.get_ref();
            if port != 0 {
                self.unique(&mut ports, port, resource.port.span(), "port");
            }
            let keys_span = resource.keys.span();
            let keys = resource.keys.into_inner();
            if keys.is_empty() {
                self.report(self.error(keys_span, "a resource needs at least one key").help(
                    "write `keys = [\"any-text\"]`; clients send it in the `api-key` header",
                ));
            }
            for key in &keys {
                let text = key.get_ref();
                if text.is_empty() || !text.bytes().all(|b| (0x21..0x7f).contains(&b)) {
                    self.report(
                        self.error(key.span(), "a key must be printable ASCII without spaces")
                            .label("cannot be sent in a header"),
                    );
                }
            }
            let https = resource.https.and_then(|raw| {
                let raw = raw.into_inner();
                let port = *raw.port.get_ref();
                if port != 0 {
                    self.unique(&mut ports, port, raw.port.span(), "port");
                }
                https::check(self.source, raw, &mut self.problems)
            });
            let recording = resource.recording.and_then(|raw| {
                recording::check(self.source, raw.into_inner(), &mut self.problems)
            });
            let entra = entra::check(self.source, resource.entra, &mut self.problems);
            let moderation =
                moderation::check(self.source, &resource.moderation_rules, &mut self.problems);
            let mut answers = answers::check(self.source, &resource.answers, &mut self.problems);
            answers.extend_from_slice(given);
            let own = self.deployments(&resource.deployments);
            let mut inherited: Vec<DeploymentConfig> = Vec::new();
            for ((shared_name, _, shared), used) in shared.iter().zip(used.iter_mut()) {
                if own.iter().all(|(own_name, ..)| own_name != shared_name) {
                    *used = true;
                    inherited.extend(shared.clone());
                }
            }
            let mut deployments: Vec<DeploymentConfig> =
                own.into_iter().filter_map(|(_, _, deployment)| deployment).collect();
            deployments.extend(inherited);
            if let Some(settings) = &resource.latency {
                for deployment in &mut deployments {
                    deployment.latency = self.latency(deployment, Some(settings));
                }
            }
            self.answered_names(&resource.answers, &deployments);
            let faults = super::fault::check(
                self.source,
                &resource.faults,
                &deployments,
                &mut self.problems,
            );
            self.spillovers(&name, &deployments, &resource.deployments, shared_raw);
            if deployments.is_empty() && self.problems.is_empty() {
                self.warnings.push(
                    Diagnostic::warning(
                        self.source,
                        resource.name.span(),
                        format!("resource `{name}` has no deployments"),
                    )
                    .help("add `[[deployments]]` for all resources, or `deployments = […]` here"),
                );
            }
            let undefined = resource.undefined_deployments.unwrap_or_default();
            for wanted in &undefined {
                let known: Vec<_> = deployments.iter().map(|own| own.name.as_str()).collect();
                if !known.contains(&wanted.get_ref().as_str()) && self.problems.is_empty() {
                    let message = format!("resource `{name}` has no such deployment");
                    self.report(
                        self.error(wanted.span(), message).did_you_mean(wanted.get_ref(), known),
                    );
                }
            }
            checked.push(ResourceConfig {
                name,
                port,
                keys: keys.into_iter().map(Spanned::into_inner).collect(),
                https,
                recording,
                region: resource.region.unwrap_or_else(|| DEFAULT_REGION.to_owned()),
                entra,
                faults,
                fault_header: resource.fault_header.unwrap_or(false),
                undefined_deployments: undefined.into_iter().map(Spanned::into_inner).collect(),
                unreachable_images: resource.unreachable_images,
                moderation,
                answers: Rules(answers.into()),
                deployments,
            });
        }
        checked
    }

    /// Given answers name deployments that are there, and models.
    fn answered_names(&mut self, given: &[Spanned<GivenAnswer>], deployments: &[DeploymentConfig]) {
        let known: Vec<&str> = deployments.iter().map(|own| own.name.as_str()).collect();
        for answer in given.iter().map(Spanned::get_ref) {
            self.problems.extend(answers::unknown_names(self.source, answer, &known));
        }
    }

    /// Checks a list of deployments whose names must differ. One that cannot be
    /// used keeps its name, so that a resource's own still hides a shared one.
    fn deployments(&mut self, list: &[Spanned<raw::Deployment>]) -> Vec<Named> {
        let mut names = BTreeMap::new();
        list.iter()
            .map(|deployment| {
                let deployment = deployment.get_ref();
                let (name, span) = (deployment.name.get_ref().clone(), deployment.name.span());
                self.identifier(&name, span.clone(), "deployment");
                self.unique(&mut names, name.clone(), span.clone(), "deployment name");
                (name, span, self.deployment(deployment))
            })
            .collect()
    }

    fn deployment(&mut self, raw: &raw::Deployment) -> Option<DeploymentConfig> {
        let sku = raw.sku.as_ref().map_or(Sku::Standard, |sku| *sku.get_ref());
        let wire_profile = self.wire_profile(raw.wire_profile.as_ref());
        let model = self.model(&raw.model);
        let capacity = if sku.is_provisioned() {
            self.ptu(raw, sku, model.as_ref())
        } else {
            self.payg(raw, sku, wire_profile, model.as_ref())
        };
        let lengths = self.lengths(raw, wire_profile, model.as_ref());
        let forms = forms::check(self.source, raw, &mut self.problems);
        let raw_size = raw.url_image_size.as_ref();
        let url_image = forms::url_image(self.source, raw_size, &mut self.problems);
        let offer = self.offer(raw, sku, wire_profile, model.as_ref());
        let profile = wire_profile?;
        let model = match profile {
            WireProfile::OpenAi => model?.named_by_openai(),
            _ => model?,
        };
        let model = Model { url_image, ..model };
        let mut deployment = DeploymentConfig {
            name: raw.name.get_ref().clone(),
            latency: latency::default_latency(&model, sku, profile),
            model,
            sku,
            wire_profile: profile,
            capacity: capacity?,
            token_estimate: offer.token_estimate,
            tiers: offer.tiers,
            prompt_cache: offer.prompt_cache,
            spillover: offer.spillover,
            refusals: offer.refusals,
            headers: offer.headers,
            header_anomaly: offer.header_anomaly,
            lengths,
            forms,
            filters: filter::check(self.source, raw, profile, &mut self.problems),
            written: Written { latency: raw.latency.clone(), faults: raw.faults.clone() },
        };
        deployment.latency = self.latency(&deployment, None);
        Some(deployment)
    }

    /// The latency of a deployment: its model's, changed by what its resource says,
    /// then by what it says itself.
    fn latency(
        &mut self,
        deployment: &DeploymentConfig,
        of_resource: Option<&Spanned<raw::Latency>>,
    ) -> Latency {
        let DeploymentConfig { model, sku, wire_profile, written, .. } = deployment;
        let mut settings = latency::default_latency(model, *sku, *wire_profile);
        for raw in [of_resource, written.latency.as_ref()].into_iter().flatten() {
            match latency::latency_from(raw.get_ref(), &settings, *wire_profile) {
                Ok(latency) => settings = latency,
                Err(problems) => {
                    for problem in problems {
                        let mut diagnostic = self.error(raw.span(), problem.message);
                        if let Some(help) = problem.help {
                            diagnostic = diagnostic.help(help);
                        }
                        // A resource's own settings meet each of its deployments.
                        if !self.problems.contains(&diagnostic) {
                            self.report(diagnostic);
                        }
                    }
                }
            }
        }
        settings
    }

    fn wire_profile(&mut self, raw: Option<&Spanned<String>>) -> Option<WireProfile> {
        let Some(raw) = raw else { return Some(WireProfile::Documented) };
        let name = raw.get_ref().as_str();
        let found = WireProfile::ALL.into_iter().find(|profile| profile.name() == name);
        if found.is_none() {
            let names = WireProfile::ALL.map(WireProfile::name);
            self.report(
                self.error(raw.span(), format!("unknown wire profile `{name}`"))
                    .label(format!("expected {}", names.join(", ")))
                    .did_you_mean(name, names),
            );
        }
        found
    }

    fn model(&mut self, raw: &Spanned<String>) -> Option<Model> {
        let found = Model::find(raw.get_ref());
        if found.is_none() {
            self.report(unknown_model(self.source, raw));
        }
        found
    }

    fn lengths(
        &mut self,
        raw: &raw::Deployment,
        profile: Option<WireProfile>,
        model: Option<&Model>,
    ) -> CompletionLength {
        let reasons = model.is_some_and(|model| model.facts.kind == Kind::Reasoning);
        if let Some(mean) = &raw.mean_reasoning_tokens
            && model.is_some()
            && !reasons
        {
            self.report(
                self.error(mean.span(), format!("`{}` does not reason", raw.model.get_ref()))
                    .help("remove `mean_reasoning_tokens`, or choose a reasoning model"),
            );
        }
        let fill_max_tokens = match raw.completion_tokens.as_ref().map(Spanned::get_ref) {
            Some(choice) => *choice == raw::CompletionTokens::MaxTokens,
            None => profile == Some(WireProfile::Azure2024),
        };
        let reasoning_default = if reasons { 192.0 } else { 0.0 };
        CompletionLength {
            fill_max_tokens,
            mean: self.number(
                raw.mean_completion_tokens.as_ref(),
                "mean_completion_tokens",
                128.0,
                1.0,
                1e6,
            ),
            sigma: self.number(
                raw.completion_tokens_sigma.as_ref(),
                "completion_tokens_sigma",
                0.5,
                0.0,
                3.0,
            ),
            mean_reasoning: self.number(
                raw.mean_reasoning_tokens.as_ref(),
                "mean_reasoning_tokens",
                reasoning_default,
                0.0,
                1e6,
            ),
        }
    }

    fn identifier(&mut self, name: &str, span: Range<usize>, what: &str) {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || 64 < name.len() || !name.chars().all(allowed) {
            self.report(
                self.error(span, format!("`{name}` is not a {what} name"))
                    .help("use 1 to 64 of the letters a-z, A-Z, digits, `-`, `_` and `.`"),
            );
        }
    }

    fn unique<K: Ord + Display>(
        &mut self,
        seen: &mut BTreeMap<K, Range<usize>>,
        key: K,
        span: Range<usize>,
        what: &str,
    ) {
        match seen.get(&key) {
            Some(first) => self.report(
                self.error(span, format!("duplicate {what} `{key}`"))
                    .label("used again")
                    .also(first.clone(), "first used here"),
            ),
            None => {
                seen.insert(key, span);
            }
        }
    }

    pub(super) fn whole(
        &mut self,
        raw: Option<Spanned<u64>>,
        key: &str,
        default: u64,
        range: std::ops::RangeInclusive<u64>,
    ) -> u64 {
        let Some(raw) = raw else { return default };
        let value = *raw.get_ref();
        if !range.contains(&value) {
            let (least, most) = (range.start(), range.end());
            self.report(
                self.error(raw.span(), format!("`{key}` is outside {least} to {most}"))
                    .label(format!("found {value}")),
            );
        }
        value
    }

    pub(super) fn number(
        &mut self,
        raw: Option<&Spanned<f64>>,
        key: &str,
        default: f64,
        least: f64,
        most: f64,
    ) -> f64 {
        let Some(raw) = raw else { return default };
        let value = *raw.get_ref();
        if !(least..=most).contains(&value) {
            self.report(
                self.error(raw.span(), format!("`{key}` is outside {least} to {most}"))
                    .label(format!("found {value}")),
            );
        }
        value
    }
}

/// A deployment's name, where it stands, and what it is if it can be used.
type Named = (String, Range<usize>, Option<DeploymentConfig>);

fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

/// A model that nobody knows.
pub(super) fn unknown_model(source: &Source, written: &Spanned<String>) -> Diagnostic {
    let name = written.get_ref();
    let known = catalogue::names().collect::<Vec<_>>().join(", ");
    Diagnostic::error(source, written.span(), format!("unknown model `{name}`"))
        .did_you_mean(name, catalogue::names())
        .help(format!("known: {known}"))
}
