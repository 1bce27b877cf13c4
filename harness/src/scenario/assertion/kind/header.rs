//! `header`: a response header as clients saw it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_spanned::Spanned;

use crate::scenario::assertion::RawKind;
use crate::scenario::assertion::validate::Checker;

/// What every 2xx answer of the span has, or has not, in one header. Give exactly
/// one of `present`, `absent`, `equals`, `by_simulator`.
///
/// Kept of an answer, and so fit for this, are `content-type`,
/// `azure-openai-deployment-utilization` and all headers that begin with
/// `x-ratelimit`, `retry-after`, `x-apim-` or `x-gw-`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawHeader {
    /// The header's name, in any case.
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// `true`: it is there, whatever its value.
    #[schemars(with = "Option<bool>")]
    pub present: Option<Spanned<bool>>,
    /// `true`: it is not there.
    #[schemars(with = "Option<bool>")]
    pub absent: Option<Spanned<bool>>,
    /// Its value, to the letter.
    #[schemars(with = "Option<String>")]
    pub equals: Option<Spanned<String>>,
    /// Its value by the simulator that gave the answer, by the journals: for a
    /// header in which the gateway names the backend. An answer from a simulator
    /// that is not named here fails.
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    pub by_simulator: Option<Spanned<BTreeMap<Spanned<String>, String>>>,
}

/// What a response header must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Lower-case name.
    pub name: String,
    /// Its value.
    pub expected: ExpectedHeader,
}

/// The value of a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpectedHeader {
    /// Any.
    Present,
    /// None: the header is not there.
    Absent,
    /// This.
    Equals(String),
    /// One for each simulator that may answer.
    BySimulator(BTreeMap<String, String>),
}

/// Whether the harness keeps a response header, by lower-case name: others are
/// forgotten with the answer.
pub(crate) fn is_kept_header(name: &str) -> bool {
    matches!(name, "content-type" | "azure-openai-deployment-utilization")
        || ["x-ratelimit", "retry-after", "x-apim-", "x-gw-"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

impl RawKind for RawHeader {
    type Checked = Header;

    fn check(checker: &mut Checker<'_>, table: &Spanned<Self>) -> Option<Self::Checked> {
        let raw = table.get_ref();
        let before = checker.problems();
        let name = raw.name.get_ref().to_ascii_lowercase();
        if !is_kept_header(&name) {
            let diagnostic = checker
                .at(raw.name.span(), format!("header `{name}` is not kept"))
                .label("the harness would never see it")
                .help(
                    "kept are `content-type`, `x-ratelimit…`, `retry-after…`, `x-apim-…`, `x-gw-…`",
                );
            checker.report(diagnostic);
        }
        for (key, flag) in [("present", &raw.present), ("absent", &raw.absent)] {
            if let Some(flag) = flag
                && !*flag.get_ref()
            {
                let other = if key == "present" { "absent" } else { "present" };
                checker.error(
                    flag.span(),
                    format!("`{key} = false` says too little"),
                    format!("write `{other} = true`"),
                );
            }
        }
        let given = [
            ("present", raw.present.as_ref().map(Spanned::span)),
            ("absent", raw.absent.as_ref().map(Spanned::span)),
            ("equals", raw.equals.as_ref().map(Spanned::span)),
            ("by_simulator", raw.by_simulator.as_ref().map(Spanned::span)),
        ];
        let given: Vec<_> =
            given.into_iter().filter_map(|(key, span)| span.map(|span| (key, span))).collect();
        match given.as_slice() {
            [_] => {}
            [] => {
                let diagnostic = checker
                    .at(table.span(), "nothing is asked of the header")
                    .label("give `present`, `absent`, `equals` or `by_simulator`");
                checker.report(diagnostic);
            }
            [(first, first_span), (second, second_span), ..] => {
                let diagnostic = checker
                    .at(second_span.clone(), format!("`{second}` contradicts `{first}`"))
                    .label("asks again")
                    .also(first_span.clone(), "asks already");
                checker.report(diagnostic);
            }
        }
        if let Some(names) = &raw.by_simulator {
            if names.get_ref().is_empty() {
                checker.error(names.span(), "`by_simulator` is empty", "every answer would fail");
            }
            for simulator in names.get_ref().keys() {
                checker.simulator(simulator);
            }
        }
        if before < checker.problems() {
            return None;
        }
        let expected = match (&raw.equals, &raw.by_simulator) {
            (Some(value), _) => ExpectedHeader::Equals(value.get_ref().clone()),
            (_, Some(names)) => ExpectedHeader::BySimulator(
                names
                    .get_ref()
                    .iter()
                    .map(|(simulator, value)| (simulator.get_ref().clone(), value.clone()))
                    .collect(),
            ),
            _ if raw.absent.is_some() => ExpectedHeader::Absent,
            _ => ExpectedHeader::Present,
        };
        Some(Header { name, expected })
    }
}
