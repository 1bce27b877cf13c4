//! What content filters say in a stream: with the text in the default mode, in
//! events of their own in the asynchronous one (specification, section 2.4).

use std::fmt::Write as _;

use super::answer::Answer;
use crate::config::{DeploymentConfig, Layout, WireProfile};
use crate::filter::{Findings, Mode};

/// How many characters an asynchronous annotation waits for.
const STRIDE: usize = 200;

/// What filters say of the choices of one stream.
pub(super) struct Annotations {
    mode: Mode,
    /// Of a token, in the default mode.
    token: &'static str,
    choices: Vec<Annotated>,
}

struct Annotated {
    /// Results of the whole choice.
    results: String,
    blocked: bool,
    /// Where the text told so far, and the text checked so far, end: characters
    /// after the prompt's.
    told: usize,
    checked: usize,
}

impl Annotations {
    /// `before` is the length of the prompt, in characters: offsets count from its
    /// start.
    pub(super) fn new<'f>(
        answer: &Answer<'_>,
        mode: Mode,
        findings: impl IntoIterator<Item = &'f Findings>,
        before: usize,
    ) -> Self {
        let choices = findings
            .into_iter()
            .map(|findings| Annotated {
                results: answer.completion_filters(findings).into_owned(),
                blocked: findings.blocked(),
                told: before,
                checked: before,
            })
            .collect();
        // OpenAI has no filters, and nothing to say after the text.
        let mode = if answer.layout() == Layout::OpenAi { Mode::Buffered } else { mode };
        Self { mode, token: answer.chunk_filters(), choices }
    }

    /// `content_filter_results` of an event that has no text; `None`: it has none.
    pub(super) fn of_nothing(&self) -> Option<&'static str> {
        self.of_token().map(|_| "{}")
    }

    /// `content_filter_results` of a token; `None`: it has none.
    pub(super) fn of_token(&self) -> Option<&'static str> {
        (self.mode == Mode::Buffered).then_some(self.token)
    }

    /// `content_filter_results` of the event that ends a choice.
    pub(super) fn of_end(&self, choice: usize) -> Option<&str> {
        let annotated = self.choices.get(choice).filter(|annotated| annotated.blocked);
        match (annotated, self.mode) {
            (Some(annotated), _) => Some(&annotated.results),
            (None, Mode::Buffered) => Some("{}"),
            (None, Mode::Asynchronous) => None,
        }
    }

    /// Takes note of text that left, and annotates when enough has.
    pub(super) fn told(&mut self, choice: usize, text: &str, out: &mut String) {
        let Some(annotated) = self.choices.get_mut(choice) else { return };
        annotated.told = annotated.told.saturating_add(text.chars().count());
        if self.mode == Mode::Asynchronous && STRIDE <= annotated.told - annotated.checked {
            self.annotate(choice, out);
        }
    }

    /// The last annotation of a choice: it comes after its end.
    pub(super) fn ended(&mut self, choice: usize, out: &mut String) {
        if self.mode == Mode::Asynchronous {
            self.annotate(choice, out);
        }
    }

    fn annotate(&mut self, choice: usize, out: &mut String) {
        let Some(annotated) = self.choices.get_mut(choice) else { return };
        let Annotated { results, told, checked, .. } = annotated;
        let _ = write!(
            out,
            "data: {{\"choices\":[{{\"content_filter_offsets\":{{\"check_offset\":{told},\"start_offset\":{checked},\"end_offset\":{told}}},\"content_filter_results\":{results},\"finish_reason\":null,\"index\":{choice}}}],\"created\":0,\"id\":\"\",\"model\":\"\",\"object\":\"\"}}\n\n"
        );
        annotated.checked = annotated.told;
    }
}

/// The length of a prompt in characters, where anybody needs it.
pub(super) fn prompt_chars(texts: &[&str], deployment: &DeploymentConfig) -> usize {
    match deployment.filters.mode {
        Mode::Asynchronous if deployment.wire_profile != WireProfile::OpenAi => {
            texts.iter().map(|text| text.chars().count()).sum()
        }
        Mode::Asynchronous | Mode::Buffered => 0,
    }
}
