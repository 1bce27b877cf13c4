//! From assertions as written to checked ones: one diagnostic a problem, all of them.

use std::time::Duration;

use seam::diagnostic::{Diagnostic, Source};
use serde_spanned::Spanned;

use super::{Assertion, RawAssertion};

/// What assertions may refer to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    /// Stages: name, start, end.
    pub stages: Vec<(String, Duration, Duration)>,
    /// Workloads.
    pub workloads: Vec<String>,
    /// Simulators (resources).
    pub simulators: Vec<String>,
    /// Actions.
    pub actions: Vec<String>,
}

/// Checks assertions as written; problems go to `out`.
pub(crate) fn validate(
    _raw: Vec<Spanned<RawAssertion>>,
    _names: &Names,
    _source: &Source,
    _out: &mut Vec<Diagnostic>,
) -> Vec<Assertion> {
    Vec::new()
}
