//! What kinds about rates and limits count: requests, attempts or tokens.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_spanned::Spanned;

use super::validate::{Checker, StatusKeys};
use super::values::{SeenBy, Statuses};

/// What is counted among the requests of the assertion's span, `workload` and
/// `where`. With nothing in it, every request counts as one.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawCounted {
    /// Only those with this status.
    #[schemars(with = "Option<u16>")]
    pub code: Option<Spanned<u16>>,
    /// Only those with any of these statuses.
    #[schemars(with = "Option<Vec<u16>>")]
    pub codes: Option<Spanned<Vec<u16>>>,
    /// Only those with a status of this class: `2xx`, `3xx`, `4xx` or `5xx`.
    #[schemars(with = "Option<String>")]
    pub class: Option<Spanned<String>>,
    /// Who saw it: `clients` (the default), or the name of a simulator, for the
    /// attempts of these requests that reached it, at the time it recorded.
    #[schemars(with = "Option<String>")]
    pub seen_by: Option<Spanned<String>>,
    /// Only those whose answer this simulator gave, by the simulators' journals.
    #[schemars(with = "Option<String>")]
    pub answered_by: Option<Spanned<String>>,
    /// Each counts as so many.
    #[schemars(with = "Option<u64>")]
    pub weight: Option<Spanned<u64>>,
    /// Each counts as its tokens: `total`, `prompt` or `completion`, by the usage
    /// of the answer (at a simulator: by its journal). Without usage it counts as none.
    #[schemars(with = "Option<String>")]
    pub tokens: Option<Spanned<String>>,
}

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Only these statuses; `None` is any, or none at all.
    pub statuses: Option<Statuses>,
    /// Requests, or the attempts at a simulator.
    pub seen_by: SeenBy,
    /// Only those answered by this simulator.
    pub answered_by: Option<String>,
    /// What each counts as.
    pub weight: Weight,
}

/// What one request counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// A fixed number; 1 counts requests.
    Fixed(u64),
    /// `total_tokens` of its usage.
    TotalTokens,
    /// `prompt_tokens` of its usage.
    PromptTokens,
    /// `completion_tokens` of its usage.
    CompletionTokens,
}

impl Checker<'_> {
    /// What is counted; every request when the table is absent.
    pub(super) fn counted(&mut self, table: Option<&Spanned<RawCounted>>) -> Option<Counted> {
        let Some(table) = table else {
            return Some(Counted {
                statuses: None,
                seen_by: SeenBy::Clients,
                answered_by: None,
                weight: Weight::Fixed(1),
            });
        };
        let before = self.problems();
        let raw = table.get_ref();
        let statuses =
            (raw.code.is_some() || raw.codes.is_some() || raw.class.is_some()).then(|| {
                self.statuses(&StatusKeys {
                    code: raw.code.as_ref(),
                    codes: raw.codes.as_ref(),
                    class: raw.class.as_ref(),
                    table: table.span(),
                })
            });
        let seen_by = self.seen_by(raw.seen_by.as_ref());
        if let (SeenBy::Simulator(_), Some(answered_by)) = (&seen_by, &raw.answered_by) {
            self.error(
                answered_by.span(),
                "`answered_by` contradicts `seen_by`",
                "attempts at a simulator are its own",
            );
        }
        let answered_by = raw.answered_by.as_ref().map(|name| self.simulator(name));
        if let (Some(weight), Some(tokens)) = (&raw.weight, &raw.tokens) {
            let diagnostic = self
                .at(tokens.span(), "`tokens` contradicts `weight`")
                .label("counts what was used")
                .also(weight.span(), "counts a fixed number");
            self.report(diagnostic);
        }
        let mut weight = Weight::Fixed(1);
        if let Some(fixed) = &raw.weight {
            if *fixed.get_ref() == 0 {
                self.error(fixed.span(), "a weight of zero counts nothing", "1 counts requests");
            }
            weight = Weight::Fixed(*fixed.get_ref());
        }
        if let Some(tokens) = &raw.tokens {
            weight = match tokens.get_ref().as_str() {
                "total" => Weight::TotalTokens,
                "prompt" => Weight::PromptTokens,
                "completion" => Weight::CompletionTokens,
                other => {
                    let known = ["total", "prompt", "completion"];
                    let diagnostic = self
                        .at(tokens.span(), format!("unknown tokens `{other}`"))
                        .label("one of `total`, `prompt`, `completion`")
                        .did_you_mean(other, known);
                    self.report(diagnostic);
                    weight
                }
            };
        }
        let statuses = match statuses {
            None => None,
            Some(checked) => Some(checked?),
        };
        (before == self.problems()).then_some(Counted { statuses, seen_by, answered_by, weight })
    }

    /// `clients`, which is the default, or a simulator's name.
    pub(super) fn seen_by(&mut self, name: Option<&Spanned<String>>) -> SeenBy {
        match name {
            None => SeenBy::Clients,
            Some(name) if name.get_ref() == "clients" => SeenBy::Clients,
            Some(name) => {
                let mut known = self.names.simulators.clone();
                known.push("clients".to_owned());
                self.known("observer", name, &known);
                SeenBy::Simulator(name.get_ref().clone())
            }
        }
    }
}
