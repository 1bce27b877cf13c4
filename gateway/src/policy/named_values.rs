//! Named values: `{{name}}` in a document is replaced before it is scanned.
//!
//! The same two braces are a literal brace in C#'s interpolated strings and a
//! hole in Liquid templates. So only a known name is replaced; an unknown one
//! is an error unless it stands in one of those two places
//! (specification 1). Positions survive through the offset map.

use std::collections::BTreeMap;
use std::ops::Range;

use seam::diagnostic::{Diagnostic, Source};

use super::text::Mapped;
use super::tree::{Child, Content, DocumentText, Element, Text};

/// Names in braces that are no named values: a document has at most so many.
const MAX_UNKNOWN: usize = 1_000;

/// Named values by name.
pub(crate) type NamedValues = BTreeMap<String, String>;

/// A `{{name}}` nobody defines, with its place in the document's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unknown {
    name: String,
    span: Range<usize>,
}

/// What pasting leaves behind.
pub(crate) struct Pasted {
    /// The text with the values in it.
    pub(crate) document: DocumentText,
    /// Where in it they are.
    pub(crate) ranges: Vec<Range<usize>>,
    /// Names nobody defines.
    pub(crate) unknown: Vec<Unknown>,
}

/// Pastes named values into a file's text.
pub(crate) fn paste(source: &Source, values: &NamedValues) -> Pasted {
    let text = source.text();
    let mut out = Mapped::default();
    let mut unknown = Vec::new();
    let mut ranges = Vec::new();
    let mut copied = 0;
    for Range { start, end } in places(text) {
        let name = &text[start + 2..end - 2];
        out.push_verbatim(&text[copied..start], copied);
        copied = end;
        match values.get(name) {
            Some(value) => {
                ranges.push(out.text.len()..out.text.len() + value.len());
                out.push_replaced(value, start..end);
            }
            None => {
                let span = out.text.len()..out.text.len() + (end - start);
                unknown.push(Unknown { name: name.to_owned(), span });
                out.push_verbatim(&text[start..end], start);
            }
        }
    }
    out.push_verbatim(&text[copied..], copied);
    let document = DocumentText { source: source.clone(), text: out.text, map: out.map };
    Pasted { document, ranges, unknown }
}

/// Where a text names a value: the places of `{{name}}`, braces included.
pub(crate) fn places(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = text[at..].find("{{") {
        let start = at + next;
        at = match name_length(&text[start + 2..]) {
            Some(length) => {
                let end = start + 2 + length + 2;
                found.push(start..end);
                end
            }
            None => start + 1,
        };
    }
    found
}

/// The length of a name that `}}` follows.
fn name_length(text: &str) -> Option<usize> {
    let length = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_')))
        .filter(|&length| 0 < length)?;
    text[length..].starts_with("}}").then_some(length)
}

/// Errors for those unknown names that can be nothing else.
pub(crate) fn report_unknown(
    document: &DocumentText,
    root: &Element,
    unknown: &[Unknown],
    values: &NamedValues,
    out: &mut Vec<Diagnostic>,
) {
    // Each is looked for in the whole tree; a document is not made of them.
    if let Some(Unknown { span, .. }) = unknown.get(MAX_UNKNOWN) {
        let message = format!("more than {MAX_UNKNOWN} `{{{{…}}}}` in this document name nothing");
        out.push(document.error(span.clone(), message));
    }
    for Unknown { name, span } in unknown.iter().take(MAX_UNKNOWN) {
        if stands_for_named_value(root, name, span) == Some(true) {
            out.push(
                document
                    .error(span.clone(), format!("unknown named value `{name}`"))
                    .did_you_mean(name, values.keys().map(String::as_str))
                    .help("define it in the gateway's configuration: `[[named_values]]` with `name` and `value`"),
            );
        }
    }
}

/// `None` where nothing reads the text: in a comment, say.
fn stands_for_named_value(element: &Element, name: &str, span: &Range<usize>) -> Option<bool> {
    // A text's span may run across a comment, which its content leaves out.
    let within = |text: &Text| {
        let read = match &text.content {
            Content::Literal(literal) => literal.contains(&format!("{{{{{name}}}}}")),
            Content::Expression(_) => true,
        };
        read && text.span.start <= span.start && span.end <= text.span.end
    };
    for attribute in &element.attributes {
        if within(&attribute.value) {
            return Some(!is_interpolation(&attribute.value, span));
        }
    }
    let liquid = element.attribute("template").is_some();
    element.children.iter().find_map(|child| match child {
        Child::Element(element) => stands_for_named_value(element, name, span),
        Child::Text(text) if within(text) => Some(!liquid && !is_interpolation(text, span)),
        Child::Text(_) => None,
    })
}

fn is_interpolation(text: &Text, span: &Range<usize>) -> bool {
    match &text.content {
        Content::Literal(_) => false,
        Content::Expression(mapped) => {
            let at = mapped.map.to_output(span.start);
            interpolated_strings(&mapped.text).iter().any(|string| string.contains(&at))
        }
    }
}

/// The interpolated strings of a C# text, quotes included.
fn interpolated_strings(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let start = at;
        match skip_token(text, at) {
            Token::Interpolated(end) => {
                found.push(start..end);
                at = end;
            }
            Token::Other(end) => at = end,
        }
    }
    found
}

enum Token {
    Interpolated(usize),
    Other(usize),
}

/// The end of the token at `at`: a string, a comment, or one character.
fn skip_token(text: &str, at: usize) -> Token {
    let rest = &text[at..];
    let past = |end: &str, from: usize| {
        rest[from..].find(end).map_or(text.len(), |found| at + from + found + end.len())
    };
    if rest.starts_with("//") {
        Token::Other(past("\n", 2))
    } else if rest.starts_with("/*") {
        Token::Other(past("*/", 2))
    } else if rest.starts_with("$@\"") || rest.starts_with("@$\"") {
        Token::Interpolated(string_end(text, at + 3, true, true))
    } else if rest.starts_with("$\"") {
        Token::Interpolated(string_end(text, at + 2, false, true))
    } else if rest.starts_with("@\"") {
        Token::Other(string_end(text, at + 2, true, false))
    } else if rest.starts_with('"') {
        Token::Other(string_end(text, at + 1, false, false))
    } else if rest.starts_with("'\"'") {
        Token::Other(at + 3)
    } else {
        Token::Other(at + rest.chars().next().map_or(1, char::len_utf8))
    }
}

/// The offset behind the string whose text begins at `at`.
fn string_end(text: &str, mut at: usize, verbatim: bool, interpolated: bool) -> usize {
    while at < text.len() {
        let rest = &text[at..];
        if verbatim && rest.starts_with("\"\"") || interpolated && rest.starts_with("{{") {
            at += 2;
        } else if !verbatim && rest.starts_with('\\') {
            at += 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
        } else if rest.starts_with('"') {
            return at + 1;
        } else if interpolated && rest.starts_with('{') {
            at = hole_end(text, at + 1);
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The offset behind the hole of an interpolated string. Nested strings are
/// plain ones here: C# 7 allows no more inside a hole worth following.
fn hole_end(text: &str, mut at: usize) -> usize {
    let mut depth = 1_usize;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with('"') {
            at = string_end(text, at + 1, false, false);
            continue;
        }
        if rest.starts_with('{') {
            depth += 1;
        } else if rest.starts_with('}') {
            depth -= 1;
            if depth == 0 {
                return at + 1;
            }
        }
        at += rest.chars().next().map_or(1, char::len_utf8);
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> NamedValues {
        BTreeMap::from([("key".to_owned(), "a<b".to_owned()), ("x.y-z".to_owned(), String::new())])
    }

    #[test]
    fn replaces_known_names_and_maps_back() {
        let source =
            Source::new("p.xml", "<a k=\"{{key}}\">{{x.y-z}}{{nope}} {{ key }} {{{key}}}</a>");
        let Pasted { document, unknown, .. } = paste(&source, &values());
        assert_eq!(document.text, "<a k=\"a<b\">{{nope}} {{ key }} {a<b}</a>");
        assert_eq!(unknown, [Unknown { name: "nope".into(), span: 11..19 }]);
        assert_eq!(document.map.to_source(6..9), 6..13);
        assert_eq!(document.map.to_source(11..19), 24..32);
    }

    #[test]
    fn finds_interpolated_strings() {
        let text = r#"@("{{a}}" + $"{{b}} {x.Get("q")} {{c}}" + @"""{{d}}" /* $"{{e}}" */)"#;
        let strings: Vec<_> = interpolated_strings(text).into_iter().map(|r| &text[r]).collect();
        assert_eq!(strings, [r#"$"{{b}} {x.Get("q")} {{c}}""#]);
    }
}
