//! `ledger`: several books of the same requests agree, entry by entry.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use serde_spanned::Spanned;

use crate::scenario::assertion::RawKind;
use crate::scenario::assertion::validate::Checker;
use crate::scenario::draw::DrawFrom;

/// What the gateway's metrics and events say of each request is what clients and
/// simulators say: one entry a booked request, with its worth, none for any other.
/// Compared request by request, so all sums agree too. Needs the gateway's journal.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawLedger {
    /// What a request is worth: its `total`, `prompt` or `completion` tokens, by the
    /// usage in its answer. The simulators' journals must say the same.
    #[schemars(with = "Option<String>")]
    pub tokens: Option<Spanned<String>>,
    /// Instead: every request is worth so much. With neither only entries count.
    #[schemars(with = "Option<u64>")]
    pub weight: Option<Spanned<u64>>,
    /// Which requests are booked: `answered` with 2xx (the default), or `forwarded`,
    /// those that reached a simulator.
    #[schemars(with = "Option<String>")]
    pub booked: Option<Spanned<String>>,
    /// Metrics of the gateway.
    #[schemars(with = "Option<RawLedgerMetric>")]
    pub metric: Option<Spanned<RawLedgerMetric>>,
    /// Events of the gateway.
    #[schemars(with = "Option<RawLedgerEvent>")]
    pub event: Option<Spanned<RawLedgerEvent>>,
    /// Whose entries they must be.
    #[schemars(with = "Option<RawLedgerOwner>")]
    pub owner: Option<Spanned<RawLedgerOwner>>,
}

/// Metrics as `emit-metric` and the token metrics leave them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawLedgerMetric {
    /// Their namespace.
    pub namespace: String,
    /// Their names: one of each for a request, and their sum is its worth.
    #[schemars(with = "Vec<String>")]
    pub names: Spanned<Vec<String>>,
    /// The dimension that names the owner.
    #[schemars(with = "Option<String>")]
    pub owner: Option<Spanned<String>>,
}

/// Events as `log-to-eventhub` sends them: JSON objects, one for a request.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawLedgerEvent {
    /// The logger's id.
    pub logger: String,
    /// The field that holds the worth, a number or text.
    #[schemars(with = "Option<String>")]
    pub field: Option<Spanned<String>>,
    /// The field that names the owner.
    #[schemars(with = "Option<String>")]
    pub owner: Option<Spanned<String>>,
}

/// Who owns an entry, by what was drawn for the request.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawLedgerOwner {
    /// The draw.
    #[schemars(with = "String")]
    pub draw: Spanned<String>,
    /// The owner for each of its labels.
    #[schemars(with = "BTreeMap<String, String>")]
    pub by_label: Spanned<BTreeMap<Spanned<String>, String>>,
}

/// Books that must agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    /// What a booked request is worth.
    pub worth: Worth,
    /// Which requests are booked.
    pub booked: Booked,
    /// Metrics of the gateway.
    pub metric: Option<LedgerMetric>,
    /// Events of the gateway.
    pub event: Option<LedgerEvent>,
    /// The draw, and the owner for each of its labels.
    pub owner: Option<(String, BTreeMap<String, String>)>,
}

/// What a request is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth {
    /// `total_tokens`.
    TotalTokens,
    /// `prompt_tokens`.
    PromptTokens,
    /// `completion_tokens`.
    CompletionTokens,
    /// This.
    Fixed(u64),
    /// Only the number of entries is compared.
    Entry,
}

/// Which requests are booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Booked {
    /// Those answered 2xx.
    Answered,
    /// Those that reached a simulator.
    Forwarded,
}

/// Metrics, see `RawLedgerMetric`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerMetric {
    /// Namespace.
    pub namespace: String,
    /// Names.
    pub names: Vec<String>,
    /// Dimension of the owner.
    pub owner: Option<String>,
}

/// Events, see `RawLedgerEvent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEvent {
    /// Logger.
    pub logger: String,
    /// Field of the worth.
    pub field: Option<String>,
    /// Field of the owner.
    pub owner: Option<String>,
}

impl RawKind for RawLedger {
    type Checked = Ledger;

    fn check(checker: &mut Checker<'_>, table: &Spanned<Self>) -> Option<Self::Checked> {
        let raw = table.get_ref();
        let before = checker.problems();
        let worth = worth(checker, raw);
        let booked = booked(checker, raw);
        if raw.metric.is_none() && raw.event.is_none() {
            let diagnostic = checker
                .at(table.span(), "a ledger of no books")
                .label("give `metric`, `event` or both");
            checker.report(diagnostic);
        }
        if let Some(metric) = &raw.metric {
            let names = &metric.get_ref().names;
            let empty = names.get_ref().is_empty();
            let single = names.get_ref().iter().collect::<std::collections::BTreeSet<_>>();
            if empty {
                checker.error(names.span(), "`names` is empty", "no metric would be read");
            } else if single.len() < names.get_ref().len() {
                checker.error(names.span(), "a metric is named twice", "its value counts once");
            }
        }
        owners(checker, table);
        if let (Some(event), Worth::Entry) = (&raw.event, worth)
            && let Some(field) = &event.get_ref().field
        {
            let why = "give `tokens` or `weight`, what it must be";
            checker.error(field.span(), "`field` has nothing to agree with", why);
        }
        let metric = raw.metric.as_ref().map(Spanned::get_ref);
        let event = raw.event.as_ref().map(Spanned::get_ref);
        let text = |text: &Option<Spanned<String>>| text.as_ref().map(|one| one.get_ref().clone());
        (before == checker.problems()).then(|| Ledger {
            worth,
            booked,
            metric: metric.map(|metric| LedgerMetric {
                namespace: metric.namespace.clone(),
                names: metric.names.get_ref().clone(),
                owner: text(&metric.owner),
            }),
            event: event.map(|event| LedgerEvent {
                logger: event.logger.clone(),
                field: text(&event.field),
                owner: text(&event.owner),
            }),
            owner: raw.owner.as_ref().map(|owner| {
                let owner = owner.get_ref();
                let labels = owner.by_label.get_ref().iter();
                let by_label = labels.map(|(label, id)| (label.get_ref().clone(), id.clone()));
                (owner.draw.get_ref().clone(), by_label.collect())
            }),
        })
    }
}

fn worth(checker: &mut Checker<'_>, raw: &RawLedger) -> Worth {
    if let (Some(tokens), Some(weight)) = (&raw.tokens, &raw.weight) {
        let diagnostic = checker
            .at(tokens.span(), "`tokens` contradicts `weight`")
            .label("worth what was used")
            .also(weight.span(), "worth a fixed number");
        checker.report(diagnostic);
    }
    if let Some(weight) = &raw.weight {
        if *weight.get_ref() == 0 {
            checker.error(weight.span(), "a worth of zero", "every sum would agree");
        }
        return Worth::Fixed(*weight.get_ref());
    }
    let Some(tokens) = &raw.tokens else { return Worth::Entry };
    match tokens.get_ref().as_str() {
        "total" => Worth::TotalTokens,
        "prompt" => Worth::PromptTokens,
        "completion" => Worth::CompletionTokens,
        other => {
            let diagnostic = checker
                .at(tokens.span(), format!("unknown tokens `{other}`"))
                .label("one of `total`, `prompt`, `completion`")
                .did_you_mean(other, ["total", "prompt", "completion"]);
            checker.report(diagnostic);
            Worth::Entry
        }
    }
}

fn booked(checker: &mut Checker<'_>, raw: &RawLedger) -> Booked {
    let Some(booked) = &raw.booked else { return Booked::Answered };
    match booked.get_ref().as_str() {
        "answered" => Booked::Answered,
        "forwarded" => {
            if let Some(tokens) = &raw.tokens {
                let diagnostic = checker
                    .at(booked.span(), "`forwarded` contradicts `tokens`")
                    .label("a request may reach a simulator that refuses it")
                    .also(tokens.span(), "only a 2xx answer states usage");
                checker.report(diagnostic);
            }
            Booked::Forwarded
        }
        other => {
            let diagnostic = checker
                .at(booked.span(), format!("unknown requests `{other}`"))
                .label("`answered` or `forwarded`")
                .did_you_mean(other, ["answered", "forwarded"]);
            checker.report(diagnostic);
            Booked::Answered
        }
    }
}

/// `owner` of the table and of its books belong together; labels are those drawn.
fn owners(checker: &mut Checker<'_>, table: &Spanned<RawLedger>) {
    let raw = table.get_ref();
    let told = [
        raw.metric.as_ref().and_then(|metric| metric.get_ref().owner.as_ref()),
        raw.event.as_ref().and_then(|event| event.get_ref().owner.as_ref()),
    ];
    let Some(owner) = &raw.owner else {
        for place in told.into_iter().flatten() {
            let why = "say in `owner` of the ledger who owns which request";
            checker.error(place.span(), "whose entries must they be?", why);
        }
        return;
    };
    if told.iter().all(Option::is_none) {
        let why = "give `metric.owner` (a dimension) or `event.owner` (a field)";
        checker.error(owner.span(), "no book tells the owner", why);
    }
    let draw = &owner.get_ref().draw;
    let draws: Vec<_> = checker.names.draws.iter().flat_map(|(_, draws)| draws).cloned().collect();
    let known: Vec<String> = draws.iter().map(|one| one.name.clone()).collect();
    checker.known("draw", draw, &known);
    let by_label = &owner.get_ref().by_label;
    let named: Vec<_> = draws.iter().filter(|one| one.name == *draw.get_ref()).collect();
    for label in by_label.get_ref().keys() {
        let value = Value::from(label.get_ref().as_str());
        if !named.is_empty() && !named.iter().any(|draw| draw.can_be(&value)) {
            let text = format!("`{}` is never drawn so", draw.get_ref());
            checker.error(label.span(), text, "no request would have this owner");
        }
    }
    for choice in named.iter().flat_map(|draw| match &draw.from {
        DrawFrom::OneOf(choices) | DrawFrom::Cycle(choices) => choices.as_slice(),
        DrawFrom::Uniform(..) => &[],
    }) {
        let known = by_label.get_ref().keys().any(|label| choice.label == *label.get_ref());
        if !known {
            let text = format!("who owns the requests with {}?", choice.label);
            checker.error(by_label.span(), text, "has no entry here");
        }
    }
}
