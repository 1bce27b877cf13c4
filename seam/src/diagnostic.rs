//! Problems in files people write: file, line, column, the line with a caret,
//! the reason, and help where there is one.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

/// A named text, shared by the diagnostics that point into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    name: Arc<str>,
    text: Arc<str>,
}

impl Source {
    /// A source by the name to print (usually its path) and its text.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// The name to print.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line and column (both from 1, the column in characters) of a byte offset.
    #[must_use]
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..self.floor(offset)).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// The nearest character boundary at or before `offset`.
    fn floor(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Works, but a reader should look at it.
    Warning,
    /// The file cannot be used.
    Error,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Label {
    span: Range<usize>,
    text: String,
}

/// One problem. Built in a chain: `Diagnostic::error(&source, span, "…").label("…").help("…")`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    severity: Severity,
    code: Option<&'static str>,
    subject: Option<&'static str>,
    message: String,
    source: Option<Source>,
    primary: Label,
    secondary: Vec<Label>,
    help: Vec<String>,
}

impl Diagnostic {
    /// An error at a byte range of `source`.
    #[must_use]
    pub fn error(source: &Source, span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code: None,
            subject: None,
            message: message.into(),
            source: Some(source.clone()),
            primary: Label { span, text: String::new() },
            secondary: Vec::new(),
            help: Vec::new(),
        }
    }

    /// A warning at a byte range of `source`.
    #[must_use]
    pub fn warning(source: &Source, span: Range<usize>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(source, span, message) }
    }

    /// An error that is about no text: a file that cannot be read, say.
    #[must_use]
    pub fn without_source(message: impl Into<String>) -> Self {
        Self { source: None, ..Self::error(&Source::new("", ""), 0..0, message) }
    }

    /// A rule's stable name, printed as `error[CODE]`.
    #[must_use]
    pub fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// What kind of thing the problem is about, for those who count problems;
    /// it is not printed.
    #[must_use]
    pub fn about(mut self, subject: &'static str) -> Self {
        self.subject = Some(subject);
        self
    }

    /// Text beside the caret: what was expected.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    /// A second place in the same source that has to do with the problem.
    #[must_use]
    pub fn also(mut self, span: Range<usize>, text: impl Into<String>) -> Self {
        self.secondary.push(Label { span, text: text.into() });
        self
    }

    /// How to mend it.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// Adds "did you mean …" when a candidate is near to `wrong`.
    #[must_use]
    pub fn did_you_mean<'a>(
        self,
        wrong: &str,
        candidates: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        match nearest(wrong, candidates) {
            Some(near) => self.help(format!("did you mean `{near}`?")),
            None => self,
        }
    }

    /// Message and help in one sentence, for those who do not see the place.
    #[must_use]
    pub fn words(&self) -> String {
        match self.help.as_slice() {
            [] => self.message.clone(),
            help => format!("{} ({})", self.message, help.join("; ")),
        }
    }

    /// How bad it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// The message alone.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What [`Diagnostic::about`] said.
    #[must_use]
    pub fn subject(&self) -> Option<&'static str> {
        self.subject
    }

    /// The primary place as a byte range of its source; empty without one.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.primary.span.clone()
    }

    /// The primary place: file name, line, column (from 1).
    #[must_use]
    pub fn location(&self) -> Option<(&str, usize, usize)> {
        let source = self.source.as_ref()?;
        let (line, column) = source.line_column(self.primary.span.start);
        Some((source.name(), line, column))
    }

    /// The whole diagnostic as text, in the style of rustc; ends with a newline.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut title = level.primary_title(self.message.as_str());
        if let Some(code) = self.code {
            title = title.id(code);
        }
        let mut group = match &self.source {
            None => Group::with_title(title),
            Some(source) => {
                let mut snippet = Snippet::source(source.text()).path(source.name());
                snippet = snippet.annotation(
                    AnnotationKind::Primary
                        .span(self.clamp(source, &self.primary.span))
                        .label(self.primary.text.as_str()),
                );
                for label in &self.secondary {
                    snippet = snippet.annotation(
                        AnnotationKind::Context
                            .span(self.clamp(source, &label.span))
                            .label(label.text.as_str()),
                    );
                }
                title.element(snippet)
            }
        };
        for help in &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let mut text = renderer.decor_style(DecorStyle::Ascii).term_width(100).render(&[group]);
        text.push('\n');
        text
    }

    /// Keeps a span inside the text and on character boundaries; a span over
    /// several lines is cut to its first, where the caret belongs.
    fn clamp(&self, source: &Source, span: &Range<usize>) -> Range<usize> {
        let start = source.floor(span.start);
        let line_end = source.text[start..].find('\n').map_or(source.text.len(), |at| start + at);
        start..source.floor(span.end).clamp(start, line_end.max(start))
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl Serialize for Diagnostic {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Flat<'a> {
            severity: Severity,
            #[serde(skip_serializing_if = "Option::is_none")]
            code: Option<&'a str>,
            message: &'a str,
            file: Option<&'a str>,
            line: Option<usize>,
            column: Option<usize>,
            help: &'a [String],
        }
        let location = self.location();
        Flat {
            severity: self.severity,
            code: self.code,
            message: &self.message,
            file: location.map(|l| l.0),
            line: location.map(|l| l.1),
            column: location.map(|l| l.2),
            help: &self.help,
        }
        .serialize(serializer)
    }
}

/// The candidate nearest to `wrong` by edit distance (case folded), if near
/// enough to be a slip: at most a third of its length, and at least one.
#[must_use]
pub fn nearest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = wrong.to_lowercase();
    let limit = (folded.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (edit_distance(&folded, &candidate.to_lowercase()), candidate))
        .filter(|&(distance, _)| distance <= limit)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// Damerau-Levenshtein distance (optimal string alignment).
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let substitution = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = substitution.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn finds_the_nearest_name() {
        let names = ["duration", "users", "think_time"];
        assert_eq!(nearest("duraton", names), Some("duration"));
        assert_eq!(nearest("thinktime", names), Some("think_time"));
        assert_eq!(nearest("Users", names), Some("users"));
        assert_eq!(nearest("banana", names), None);
    }

    #[test]
    fn renders_both_places() {
        let source = Source::new("a.toml", "name = \"x\"\nname = \"y\"\n");
        let diagnostic = Diagnostic::error(&source, 11..15, "duplicate name")
            .label("second")
            .also(0..4, "first")
            .help("remove one");
        insta::assert_snapshot!(diagnostic.render(false));
        assert_eq!(diagnostic.location(), Some(("a.toml", 2, 1)));
    }

    proptest! {
        #[test]
        fn rendering_never_panics(text in ".{0,40}(\n.{0,10}){0,3}", start in 0_usize..80, length in 0_usize..80) {
            let source = Source::new("x", text);
            let _ = Diagnostic::error(&source, start..start + length, "m").also(length..start, "n").render(false);
        }
    }
}
