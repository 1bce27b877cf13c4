//! Reading policy files: size limits, named values, scanning.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use seam::diagnostic::{Diagnostic, Source};

use super::named_values::{self, NamedValues, Pasted};
use super::scanner;
use super::tree::{DocumentText, Element};
use crate::config::settings::{Settings, UnknownNamedValue};
use crate::expr;

/// The platform takes documents of up to 512 KiB; named values may double it.
const MAX_DOCUMENT_BYTES: usize = 512 * 1024;

/// A scanned document.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    /// Its text.
    pub(crate) text: Arc<DocumentText>,
    /// Its top element.
    pub(crate) root: Element,
}

/// What documents may refer to by name.
#[derive(Debug, Default)]
pub(crate) struct Library {
    /// Fragments by id; `None` for one whose file has a problem of its own.
    pub(crate) fragments: BTreeMap<String, Option<Document>>,
    /// Ids of backends and pools.
    pub(crate) backends: BTreeSet<String>,
    /// Logger ids.
    pub(crate) loggers: BTreeSet<String>,
    /// Issuers of tokens by the URL of their OpenID configuration.
    pub(crate) issuers: BTreeMap<String, std::sync::Arc<crate::jwt::Issuer>>,
    /// Pools by id, with their numbers of members.
    pub(crate) pools: BTreeMap<String, usize>,
    /// The gateway's settings, where they decide what documents say.
    pub(crate) settings: Settings,
    /// How expressions of this gateway write texts.
    pub(crate) expressions: expr::Style,
}

/// What `{{name}}` in a document stands for.
pub(crate) struct Values<'v> {
    /// The named values there are.
    pub(crate) known: &'v NamedValues,
    /// What becomes of other names.
    pub(crate) unknown: UnknownNamedValue,
}

impl Values<'static> {
    /// There are none.
    pub(crate) fn none() -> Self {
        static NONE: NamedValues = NamedValues::new();
        Self { known: &NONE, unknown: UnknownNamedValue::Error }
    }
}

/// Which element must be on top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `<policies>`.
    Policies,
    /// `<fragment>`.
    Fragment,
}

/// Scans a document with this element on top. Problems go to `out`.
pub(crate) fn scan(
    source: &Source,
    kind: Kind,
    values: &Values<'_>,
    out: &mut Vec<Diagnostic>,
) -> Option<Document> {
    let document = scan_any(source, values, out)?;
    let Document { text, root } = &document;
    let (expected, other) = match kind {
        Kind::Policies => ("policies", "fragment"),
        Kind::Fragment => ("fragment", "policies"),
    };
    if root.name != expected {
        let mut problem = text
            .error(
                root.name_span.clone(),
                format!("expected `<{expected}>`, found `<{}>`", root.name),
            )
            .about("document");
        if root.name == other {
            problem = problem.help(
                "a policy document is `<policies>`, a fragment is `<fragment>`: is the file named in the right place?",
            );
        }
        out.push(problem);
        return None;
    }
    Some(document)
}

/// Scans a document, whatever its top element. Problems go to `out`.
pub(crate) fn scan_any(
    source: &Source,
    values: &Values<'_>,
    out: &mut Vec<Diagnostic>,
) -> Option<Document> {
    if too_large(source, source.text().len(), out) {
        return None;
    }
    let Pasted { document: text, ranges, unknown } = named_values::paste(source, values.known);
    if too_large(source, text.text.len() / 2, out) {
        return None;
    }
    let root = match scanner::scan_pasted(&text.text, &ranges) {
        Ok(root) => root,
        Err(problem) => {
            let mut diagnostic = text.error(problem.span, problem.message).about("document");
            if let Some(label) = problem.label {
                diagnostic = diagnostic.label(label);
            }
            if let Some((span, label)) = problem.also {
                diagnostic = diagnostic.also(text.map.to_source(span), label);
            }
            if let Some(help) = problem.help {
                diagnostic = diagnostic.help(help);
            }
            out.push(diagnostic);
            return None;
        }
    };
    if values.unknown == UnknownNamedValue::Error {
        named_values::report_unknown(&text, &root, &unknown, values.known, out);
    }
    Some(Document { text: Arc::new(text), root })
}

fn too_large(source: &Source, size: usize, out: &mut Vec<Diagnostic>) -> bool {
    let large = MAX_DOCUMENT_BYTES < size;
    if large {
        let message = format!("the document is larger than {} KiB", MAX_DOCUMENT_BYTES / 1024);
        out.push(Diagnostic::error(source, 0..0, message).about("document"));
    }
    large
}
