//! The tolerant scanner of policy documents.
//!
//! More than half of the public documents are not well-formed XML: C# stands
//! raw inside attributes and text, with its quotes, `<` and `&&`. This scanner
//! reads XML, and where a value or a text begins with `@(` or `@{` it lets the
//! expression language say where the expression ends
//! ([`crate::expr::expression_end`]). A well-formed document gives the tree an
//! XML parser gives. It stops at its first problem: what follows a broken tag
//! means nothing.

use std::ops::Range;

use super::text::{Mapped, decode_entities};
use super::tree::{Attribute, Child, Content, Element, Text};
use crate::expr::expression_end;

/// Elements may nest this deep; the platform's own documents stay below 20.
pub const MAX_DEPTH: usize = 64;

/// An element may have this many attributes; the platform's have fewer than 20.
const MAX_ATTRIBUTES: usize = 100;

/// Why a text is no document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// Beside the caret.
    pub label: Option<&'static str>,
    /// How to mend it.
    pub help: Option<&'static str>,
    /// Another place that has to do with it.
    pub also: Option<(Range<usize>, &'static str)>,
}

impl Problem {
    fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), label: None, help: None, also: None }
    }

    fn label(mut self, label: &'static str) -> Self {
        self.label = Some(label);
        self
    }

    fn help(mut self, help: &'static str) -> Self {
        self.help = Some(help);
        self
    }

    fn also(mut self, span: Range<usize>, text: &'static str) -> Self {
        self.also = Some((span, text));
        self
    }
}

/// Scans a document: its top element. Text, comments and declarations around
/// it are ignored.
pub fn scan(text: &str) -> Result<Element, Problem> {
    scan_pasted(text, &[])
}

/// The same for a text into which named values were pasted, at these ranges in
/// order. A quote from a named value does not end a literal attribute: public
/// policies hold whole JSON documents in one.
pub(crate) fn scan_pasted(text: &str, pasted: &[Range<usize>]) -> Result<Element, Problem> {
    let decoded = decode_entities(text, 0);
    Scanner { text, pasted, at: 0, decoded, open: Vec::new(), root: None }.document()
}

struct Scanner<'a> {
    text: &'a str,
    pasted: &'a [Range<usize>],
    at: usize,
    /// The whole text with entities decoded: expressions are measured here, as
    /// `&quot;` opens a string just as `"` does.
    decoded: Mapped,
    open: Vec<Element>,
    root: Option<Element>,
}

impl<'a> Scanner<'a> {
    fn document(mut self) -> Result<Element, Problem> {
        while self.at < self.text.len() {
            if self.open.is_empty() {
                match self.rest().find('<') {
                    Some(found) => self.at += found,
                    None => break,
                }
            } else {
                self.content()?;
            }
            self.markup()?;
        }
        if let Some(open) = self.open.last() {
            let message = format!("`<{}>` is never closed", open.name);
            return Err(Problem::new(open.name_span.clone(), message)
                .help("add its end tag, or write it as an empty element: `<name />`"));
        }
        self.root.ok_or_else(|| {
            Problem::new(0..self.text.len(), "the file holds no element")
                .help("a policy document is `<policies>…</policies>`, a fragment `<fragment>…</fragment>`")
        })
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn skip_past(&mut self, end: &str, what: &'static str) -> Result<Range<usize>, Problem> {
        let start = self.at;
        match self.rest().find(end) {
            Some(found) => {
                self.at += found + end.len();
                Ok(start..start + found)
            }
            None => {
                let message = format!("{what} is never closed");
                let shown =
                    self.rest().char_indices().nth(4).map_or(self.rest().len(), |(at, _)| at);
                Err(Problem::new(start..start + shown, message))
            }
        }
    }

    /// Text up to the next markup, inside an element.
    fn content(&mut self) -> Result<(), Problem> {
        let start = self.at;
        self.skip_space();
        if starts_expression(self.rest()) {
            let text = self.expression()?;
            self.push(Child::Text(text));
            let after = self.at;
            let gap = self.rest().find('<').unwrap_or(self.rest().len());
            let trailing = &self.rest()[..gap];
            if !trailing.trim().is_empty() {
                let from = after + trailing.len() - trailing.trim_start().len();
                let span = from..from + trailing.trim().len();
                return Err(Problem::new(span, "text after an expression")
                    .help("an expression is the whole text of its element: put the rest inside it, as a C# string"));
            }
            self.at += gap;
            return Ok(());
        }
        let end = self.rest().find('<').map_or(self.text.len(), |found| self.at + found);
        if start < end {
            let literal = decode_entities(&normal_lines(&self.text[start..end]), 0).text;
            self.push_literal(literal, start..end);
        }
        self.at = end;
        Ok(())
    }

    /// An expression at the present place; moves behind it.
    fn expression(&mut self) -> Result<Text, Problem> {
        let start = self.at;
        let from = self.decoded.map.to_output(start);
        let decoded = self.decoded.text.get(from..).unwrap_or_default();
        let Some(length) = expression_end(decoded) else {
            return Err(Problem::new(start..start + 2, "the expression is never closed")
                .label("no bracket closes this one")
                .help("count the brackets and quotes of the expression"));
        };
        let end = self.decoded.map.to_source(from..from + length).end.max(start);
        self.at = end;
        let mapped = decode_entities(&self.text[start..end], start);
        Ok(Text { span: start..end, content: Content::Expression(mapped) })
    }

    /// A tag, comment, CDATA section or declaration; `at` is on its `<`.
    fn markup(&mut self) -> Result<(), Problem> {
        let rest = self.rest();
        if rest.is_empty() {
            Ok(())
        } else if rest.starts_with("<!--") {
            self.at += 4;
            self.skip_past("-->", "the comment").map(drop)
        } else if rest.starts_with("<![CDATA[") {
            self.at += 9;
            let span = self.skip_past("]]>", "the CDATA section")?;
            self.character_data(span);
            Ok(())
        } else if rest.starts_with("<?") {
            self.skip_past("?>", "the processing instruction").map(drop)
        } else if rest.starts_with("<!") {
            self.skip_past(">", "the declaration").map(drop)
        } else if rest.starts_with("</") {
            self.end_tag()
        } else {
            self.start_tag()
        }
    }

    /// CDATA may hold an expression, too; nothing in it is an entity.
    fn character_data(&mut self, span: Range<usize>) {
        let raw = &self.text[span.clone()];
        let trimmed = raw.trim();
        let whole = starts_expression(trimmed) && expression_end(trimmed) == Some(trimmed.len());
        let first = self.open.last().is_some_and(|element| element.texts().next().is_none());
        if whole && first {
            let start = span.start + raw.len() - raw.trim_start().len();
            let mut mapped = Mapped::default();
            mapped.push_verbatim(trimmed, start);
            let span = start..start + trimmed.len();
            self.push(Child::Text(Text { span, content: Content::Expression(mapped) }));
        } else {
            self.push_literal(normal_lines(raw), span);
        }
    }

    fn end_tag(&mut self) -> Result<(), Problem> {
        let start = self.at;
        self.at += 2;
        let (name, span) = self.name();
        self.skip_space();
        let closed = self.rest().starts_with('>');
        let Some(mut element) = self.open.pop() else {
            let message = format!("`</{name}>` closes nothing");
            return Err(Problem::new(span, message));
        };
        if element.name != name {
            let message = format!("`</{name}>` closes `<{}>`", element.name);
            return Err(Problem::new(span, message)
                .label("not the name of the element that is open")
                .also(element.name_span, "opened here"));
        }
        if !closed {
            return Err(Problem::new(self.here(), "expected `>` after the end tag's name"));
        }
        self.at += 1;
        element.inner.end = start;
        self.close(element);
        Ok(())
    }

    fn start_tag(&mut self) -> Result<(), Problem> {
        let start = self.at;
        self.at += 1;
        let (name, name_span) = self.name();
        if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            return Err(Problem::new(start..start + 1, "this `<` begins no tag").help(
                "in literal text write `&lt;`; inside an expression `<` is fine, when the whole text or value is the expression",
            ));
        }
        if self.root.is_some() && self.open.is_empty() {
            return Err(Problem::new(name_span, format!("`<{name}>` follows the document's end"))
                .help("a document has one top element"));
        }
        if MAX_DEPTH <= self.open.len() {
            let message = format!("elements nest deeper than {MAX_DEPTH}");
            return Err(Problem::new(name_span, message));
        }
        let mut element = Element {
            name: name.to_owned(),
            name_span,
            inner: 0..0,
            attributes: Vec::new(),
            children: Vec::new(),
        };
        loop {
            self.skip_space();
            if self.rest().starts_with("/>") {
                self.at += 2;
                element.inner = self.at..self.at;
                self.close(element);
                return Ok(());
            }
            if self.rest().starts_with('>') {
                self.at += 1;
                element.inner = self.at..self.at;
                self.open.push(element);
                return Ok(());
            }
            if self.rest().is_empty() {
                let message = format!("the start tag of `<{}>` is never closed", element.name);
                return Err(Problem::new(element.name_span, message));
            }
            let attribute = self.attribute()?;
            if let Some(first) = element.attribute(&attribute.name) {
                let message = format!("attribute `{}` is given twice", attribute.name);
                return Err(Problem::new(attribute.name_span, message)
                    .also(first.name_span.clone(), "first here"));
            }
            if MAX_ATTRIBUTES <= element.attributes.len() {
                let message =
                    format!("`<{}>` has more than {MAX_ATTRIBUTES} attributes", element.name);
                return Err(Problem::new(attribute.name_span, message));
            }
            element.attributes.push(attribute);
        }
    }

    fn attribute(&mut self) -> Result<Attribute, Problem> {
        let (name, name_span) = self.name();
        if name.is_empty() {
            return Err(Problem::new(self.here(), "expected an attribute, `>` or `/>`")
                .help("is a quote missing or too many in this tag?"));
        }
        self.skip_space();
        if !self.rest().starts_with('=') {
            return Err(Problem::new(name_span, format!("expected `=` after `{name}`"))
                .help("is a quote missing or too many before it?"));
        }
        self.at += 1;
        self.skip_space();
        let quote = match self.rest().chars().next() {
            Some(quote @ ('"' | '\'')) => quote,
            _ => {
                let message = format!("the value of `{name}` is not quoted");
                return Err(Problem::new(self.here(), message));
            }
        };
        let opened = self.at;
        self.at += 1;
        let start = self.at;
        self.skip_space();
        if starts_expression(self.rest()) {
            let value = self.expression()?;
            self.skip_space();
            if !self.rest().starts_with(quote) {
                let message = format!("expected {quote} after the expression of `{name}`");
                return Err(Problem::new(self.here(), message)
                    .also(opened..opened + 1, "the value opens here")
                    .help("an expression is a whole attribute value: put the rest inside it, as a C# string"));
            }
            self.at += 1;
            return Ok(Attribute { name: name.to_owned(), name_span, value });
        }
        self.at = start;
        let mut quotes = self.rest().match_indices(quote).map(|(found, _)| found);
        let Some(length) = quotes.find(|&found| !self.was_pasted(start + found)) else {
            let message = format!("the value of `{name}` is never closed");
            return Err(Problem::new(opened..opened + 1, message));
        };
        let span = start..start + length;
        self.at = span.end + 1;
        // XML normalises white space in attributes, but not what entities wrote.
        let spaced = normal_lines(&self.text[span.clone()]).replace(['\n', '\t', '\r'], " ");
        let literal = decode_entities(&spaced, 0).text;
        let value = Text { span, content: Content::Literal(literal) };
        Ok(Attribute { name: name.to_owned(), name_span, value })
    }

    fn was_pasted(&self, at: usize) -> bool {
        let next = self.pasted.partition_point(|range| range.end <= at);
        self.pasted.get(next).is_some_and(|range| range.contains(&at))
    }

    fn name(&mut self) -> (&'a str, Range<usize>) {
        let rest = self.rest();
        let end = rest
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '>' | '<' | '=' | '"' | '\''))
            .unwrap_or(rest.len());
        let span = self.at..self.at + end;
        self.at = span.end;
        (&rest[..end], span)
    }

    fn here(&self) -> Range<usize> {
        let length = self.rest().chars().next().map_or(0, char::len_utf8);
        self.at..self.at + length
    }

    fn push(&mut self, child: Child) {
        if let Some(parent) = self.open.last_mut() {
            parent.children.push(child);
        }
    }

    /// Adds literal text, joined with literal text before it (across comments).
    fn push_literal(&mut self, literal: String, span: Range<usize>) {
        let Some(parent) = self.open.last_mut() else { return };
        match parent.children.last_mut() {
            Some(Child::Text(Text { span: whole, content: Content::Literal(text) })) => {
                text.push_str(&literal);
                whole.end = span.end;
            }
            _ => {
                parent.children.push(Child::Text(Text { span, content: Content::Literal(literal) }))
            }
        }
    }

    fn close(&mut self, element: Element) {
        match self.open.last_mut() {
            Some(parent) => parent.children.push(Child::Element(element)),
            None => self.root = Some(element),
        }
    }
}

/// Whether a text is an expression (after white space).
#[must_use]
pub fn starts_expression(text: &str) -> bool {
    text.starts_with("@(") || text.starts_with("@{")
}

/// XML reads `\r\n` and a lone `\r` as `\n`.
fn normal_lines(text: &str) -> String {
    if text.contains('\r') {
        text.replace("\r\n", "\n").replace('\r', "\n")
    } else {
        text.to_owned()
    }
}
