//! `action_answer`: what the gateway answered to actions.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_spanned::Spanned;

use crate::scenario::assertion::validate::Checker;
use crate::scenario::assertion::{LooksAt, RawKind};

/// What the gateway answered to calls that actions made. Give one of `action`,
/// `actions`, `all`, and at least one of `status`, `content_type`, `body`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawActionAnswer {
    /// The action.
    #[schemars(with = "Option<String>")]
    pub action: Option<Spanned<String>>,
    /// Several actions; each must have got this answer.
    #[schemars(with = "Option<Vec<String>>")]
    pub actions: Option<Spanned<Vec<Spanned<String>>>>,
    /// `true`: every action that called the gateway.
    #[schemars(with = "Option<bool>")]
    pub all: Option<Spanned<bool>>,
    /// Status.
    #[schemars(with = "Option<u16>")]
    pub status: Option<Spanned<u16>>,
    /// Media type. Parameters such as `charset` are compared only when given here.
    #[schemars(with = "Option<String>")]
    pub content_type: Option<Spanned<String>>,
    /// The body, to the letter.
    #[schemars(with = "Option<String>")]
    pub body: Option<Spanned<String>>,
}

/// What actions must have been answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionAnswer {
    /// Whose answers.
    pub actions: ActionChoice,
    /// What each must be.
    pub expected: ExpectedAnswer,
}

/// Which actions an answer is asked of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionChoice {
    /// These, by name.
    Named(Vec<String>),
    /// Every one that called the gateway.
    All,
}

/// What an action's answer must be; unset parts may be anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExpectedAnswer {
    /// Status.
    pub status: Option<u16>,
    /// Media type.
    pub content_type: Option<String>,
    /// Body to the letter.
    pub body: Option<String>,
}

impl RawKind for RawActionAnswer {
    type Checked = ActionAnswer;
    const LOOKS_AT: LooksAt = LooksAt::Actions;

    fn check(checker: &mut Checker<'_>, table: &Spanned<Self>) -> Option<Self::Checked> {
        let raw = table.get_ref();
        let before = checker.problems();
        let known = checker.names.actions.clone();
        let mut named = Vec::new();
        let several = raw.actions.as_ref().map(Spanned::get_ref);
        for name in raw.action.iter().chain(several.into_iter().flatten()) {
            checker.known("action", name, &known);
            named.push(name.get_ref().clone());
        }
        let given = [
            raw.action.as_ref().map(Spanned::span),
            raw.actions.as_ref().map(Spanned::span),
            raw.all.as_ref().map(Spanned::span),
        ];
        let given: Vec<_> = given.into_iter().flatten().collect();
        match given.as_slice() {
            [_] => {}
            [] => {
                let diagnostic = checker
                    .at(table.span(), "no action is named")
                    .label("give `action`, `actions` or `all = true`");
                checker.report(diagnostic);
            }
            [first, second, ..] => {
                let diagnostic = checker
                    .at(second.clone(), "the actions are chosen twice")
                    .label("give one of `action`, `actions`, `all`")
                    .also(first.clone(), "chosen here already");
                checker.report(diagnostic);
            }
        }
        if let Some(several) = &raw.actions
            && several.get_ref().is_empty()
        {
            checker.error(several.span(), "`actions` is empty", "no answer would be looked at");
        }
        if let Some(all) = &raw.all
            && !*all.get_ref()
        {
            checker.error(all.span(), "`all = false` chooses no action", "name them in `actions`");
        }
        if let Some(status) = &raw.status {
            checker.status_code(*status.get_ref(), status.span());
        }
        let expected = ExpectedAnswer {
            status: raw.status.as_ref().map(|status| *status.get_ref()),
            content_type: raw.content_type.as_ref().map(|value| value.get_ref().clone()),
            body: raw.body.as_ref().map(|value| value.get_ref().clone()),
        };
        if expected == ExpectedAnswer::default() {
            let diagnostic = checker
                .at(table.span(), "nothing is asked of the answer")
                .label("give `status`, `content_type` or `body`");
            checker.report(diagnostic);
        }
        let actions =
            if raw.all.is_some() { ActionChoice::All } else { ActionChoice::Named(named) };
        (before == checker.problems()).then_some(ActionAnswer { actions, expected })
    }
}
