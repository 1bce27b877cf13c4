//! Problems, and the mending of those for which the run knows what is right.

use std::ops::Range;
use std::path::PathBuf;

use seam::diagnostic::Diagnostic;

/// Something that is not as the run gives it.
#[derive(Debug)]
pub(super) struct Problem {
    pub diagnostic: Diagnostic,
    pub fix: Option<Fix>,
}

/// What `--write` does about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fix {
    /// Other text at a place of the README; an empty place is an insertion.
    Text(Range<usize>, String),
    /// Another content of a file beside it.
    File(PathBuf, String),
}

impl From<Diagnostic> for Problem {
    fn from(diagnostic: Diagnostic) -> Self {
        Self { diagnostic, fix: None }
    }
}

impl Problem {
    pub(super) fn with_fix(diagnostic: Diagnostic, fix: Fix) -> Self {
        Self { diagnostic, fix: Some(fix) }
    }
}

/// The text with all changes made, insertions at one place in their order.
pub(super) fn apply(text: &str, problems: &[Problem]) -> String {
    let mut changes: Vec<(&Range<usize>, &String)> = Vec::new();
    for problem in problems {
        if let Some(Fix::Text(span, new)) = &problem.fix
            && (span.is_empty() || !changes.contains(&(span, new)))
        {
            changes.push((span, new));
        }
    }
    // Stable: what is inserted at one place stays in its order, after a
    // replacement that ends there.
    changes.sort_by_key(|(span, _)| (span.start, span.end));
    let mut out = String::with_capacity(text.len() + 256);
    let mut done = 0;
    for (span, new) in changes {
        if span.start < done {
            continue;
        }
        out.push_str(text.get(done..span.start).unwrap_or_default());
        out.push_str(new);
        done = span.end;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}
