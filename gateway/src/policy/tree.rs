//! The tree a document scans into. Offsets are bytes of the scanned text; the
//! document they belong to translates them to places in the file.

use std::ops::Range;

use seam::diagnostic::{Diagnostic, Severity, Source};

use super::text::{Mapped, OffsetMap};

/// An element with everything in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// Its name, prefix included.
    pub name: String,
    /// Where the name stands in the start tag.
    pub name_span: Range<usize>,
    /// From the end of the start tag to the start of the end tag.
    pub inner: Range<usize>,
    /// Attributes in order.
    pub attributes: Vec<Attribute>,
    /// Elements and text in order; comments are gone.
    pub children: Vec<Child>,
}

/// Something inside an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Child {
    /// An element.
    Element(Element),
    /// Text, white space included.
    Text(Text),
}

/// `name="value"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Where the name stands.
    pub name_span: Range<usize>,
    /// Its value without quotes.
    pub value: Text,
}

/// An attribute's value or an element's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Where it stands, quotes excluded.
    pub span: Range<usize>,
    /// What it says.
    pub content: Content,
}

/// A text is a literal or one expression, never a mixture (specification 0).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Entities decoded, line ends and (in attributes) white space normalised
    /// as XML demands.
    Literal(String),
    /// `@( … )` or `@{ … }`, entities decoded, with the way back.
    Expression(Mapped),
}

impl Element {
    /// Child elements.
    pub fn elements(&self) -> impl Iterator<Item = &Element> {
        self.children.iter().filter_map(|child| match child {
            Child::Element(element) => Some(element),
            Child::Text(_) => None,
        })
    }

    /// Texts that are more than white space.
    pub fn texts(&self) -> impl Iterator<Item = &Text> {
        self.children.iter().filter_map(|child| match child {
            Child::Text(text) if !text.is_blank() => Some(text),
            _ => None,
        })
    }

    /// An attribute by name.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }
}

impl Text {
    /// What it says, unless it is an expression.
    #[must_use]
    pub fn literal(&self) -> Option<&str> {
        match &self.content {
            Content::Literal(text) => Some(text),
            Content::Expression(_) => None,
        }
    }

    /// A literal of white space only.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        matches!(&self.content, Content::Literal(text) if text.trim().is_empty())
    }
}

/// A document's text after named values were pasted in, and the file it came from.
#[derive(Clone, Debug)]
pub struct DocumentText {
    /// The file as written.
    pub source: Source,
    /// What the scanner reads.
    pub text: String,
    /// From `text` to the file.
    pub map: OffsetMap,
}

impl DocumentText {
    /// An error at a range of the scanned text.
    #[must_use]
    pub fn error(&self, span: Range<usize>, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(&self.source, self.map.to_source(span), message)
    }

    /// A warning at a range of the scanned text.
    #[must_use]
    pub fn warning(&self, span: Range<usize>, message: impl Into<String>) -> Diagnostic {
        Diagnostic::warning(&self.source, self.map.to_source(span), message)
    }

    /// A problem of the given severity at a range of the scanned text.
    #[must_use]
    pub fn problem(
        &self,
        severity: Severity,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> Diagnostic {
        match severity {
            Severity::Error => self.error(span, message),
            Severity::Warning => self.warning(span, message),
        }
    }
}
