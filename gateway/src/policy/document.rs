//! A compiled policy document: what the pipeline runs.

use std::fmt;
use std::sync::Arc;

use super::spec::Section;
use crate::expr::Expression;
use crate::pipeline::exchange::Policy;

/// The four sections, compiled. A missing section is empty and inherits nothing.
#[derive(Debug, Default)]
pub(crate) struct PolicyDocument {
    inbound: Vec<Step>,
    backend: Vec<Step>,
    outbound: Vec<Step>,
    on_error: Vec<Step>,
}

impl PolicyDocument {
    /// A section's steps.
    pub(crate) fn section(&self, section: Section) -> &[Step] {
        match section {
            Section::Inbound => &self.inbound,
            Section::Backend => &self.backend,
            Section::Outbound => &self.outbound,
            Section::OnError => &self.on_error,
        }
    }

    /// Sets a section's steps.
    pub(crate) fn set_section(&mut self, section: Section, steps: Vec<Step>) {
        match section {
            Section::Inbound => self.inbound = steps,
            Section::Backend => self.backend = steps,
            Section::Outbound => self.outbound = steps,
            Section::OnError => self.on_error = steps,
        }
    }
}

/// The scope a document belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// All APIs.
    Global,
    /// Calls under a subscription of a product.
    Product,
    /// One API.
    Api,
    /// One operation.
    Operation,
}

impl Scope {
    /// As `LastError.Scope` names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Product => "product",
            Self::Api => "api",
            Self::Operation => "operation",
        }
    }
}

/// A policy in its place.
pub(crate) struct Step {
    /// Where it stands, for `LastError` and traces.
    pub(crate) info: Arc<StepInfo>,
    /// What it does.
    pub(crate) policy: Box<dyn Policy>,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.info.path)
    }
}

/// Where a policy stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StepInfo {
    /// Its element name: `LastError.Source`.
    pub(crate) policy: &'static str,
    /// Its `id` attribute: `LastError.PolicyId`.
    pub(crate) id: String,
    /// `choose[3]/when[2]/set-variable[1]`: `LastError.Path`.
    pub(crate) path: String,
}

/// A checked attribute or text.
#[derive(Clone, Debug)]
pub(crate) enum PolicyValue {
    /// Always this text.
    Literal(Arc<str>),
    /// Evaluated each time.
    Expression(Arc<Expression>),
}

impl PolicyValue {
    /// The text, when it is a literal.
    pub(crate) fn literal(&self) -> Option<&str> {
        match self {
            Self::Literal(text) => Some(text),
            Self::Expression(_) => None,
        }
    }
}
