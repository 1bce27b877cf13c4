//! One document without a configuration: what it names is taken as there.
//!
//! Named values are `1`, which fits most attributes that hold one; fragments
//! are empty; backends and loggers exist. A problem that the stand-in for a named value may
//! have caused is not reported.

use std::ops::Range;
use std::sync::Arc;

use seam::diagnostic::{Diagnostic, Severity, Source};

use super::compile::{Findings, check_fragment, compile_document};
use super::lint;
use super::load::{Document, Library, Values, scan_any};
use super::named_values::{self, NamedValues};
use super::tree::{DocumentText, Element};
use crate::config::load::without_doubles;
use crate::config::settings::UnknownNamedValue;

/// What stands for every named value.
const STAND_IN: &str = "1";

/// See [`crate::check_document`].
pub(crate) fn check(source: &Source) -> Vec<Diagnostic> {
    let text = source.text();
    let places = named_values::places(text);
    let values: NamedValues = places
        .iter()
        .map(|place| (text[place.start + 2..place.end - 2].to_owned(), STAND_IN.to_owned()))
        .collect();
    let mut problems = Vec::new();
    let values = Values { known: &values, unknown: UnknownNamedValue::Error };
    if let Some(document) = scan_any(source, &values, &mut problems) {
        let mut findings = Findings::default();
        let mut library = Library::default();
        declare(&document.root, &mut library);
        match document.root.name.as_str() {
            "policies" => drop(compile_document(&document, &library, &mut findings)),
            "fragment" => check_fragment("", &document, &library, &mut findings),
            other => {
                let message = format!("expected `<policies>` or `<fragment>`, found `<{other}>`");
                let span = document.root.name_span.clone();
                problems.push(document.text.error(span, message).about("document"));
            }
        }
        problems.extend(findings.diagnostics);
        lint::check(&findings.facts, &mut problems);
    }
    problems.retain(|problem| !caused_by_stand_in(problem, text, &places));
    without_doubles(problems)
}

/// Declares what the elements name, as the configuration would.
fn declare(element: &Element, library: &mut Library) {
    if element.name == "openid-config"
        && let Some(url) = element.attribute("url").and_then(|found| found.value.literal())
    {
        let issuer = crate::jwt::Issuer::entra("common");
        library.issuers.insert(url.trim().to_owned(), Arc::new(issuer));
    }
    for (policy, attribute) in [
        ("include-fragment", "fragment-id"),
        ("set-backend-service", "backend-id"),
        ("log-to-eventhub", "logger-id"),
    ] {
        let literal = element.attribute(attribute).and_then(|found| found.value.literal());
        let Some(name) = literal.filter(|_| element.name == policy) else { continue };
        match policy {
            "log-to-eventhub" => {
                library.loggers.insert(name.to_owned());
            }
            "include-fragment" => {
                library.fragments.insert(name.trim().to_owned(), Some(empty_fragment()));
            }
            _ => {
                library.backends.insert(name.to_owned());
            }
        }
    }
    for child in element.elements() {
        declare(child, library);
    }
}

fn empty_fragment() -> Document {
    let source = Source::new("fragment", "");
    let text = DocumentText { source, text: String::new(), map: super::text::OffsetMap::default() };
    let root = Element {
        name: "fragment".to_owned(),
        name_span: 0..0,
        inner: 0..0,
        attributes: Vec::new(),
        children: Vec::new(),
    };
    Document { text: Arc::new(text), root }
}

/// An error about the stand-in itself, or about a literal it is part of. One
/// about an expression around it is the expression's.
fn caused_by_stand_in(problem: &Diagnostic, text: &str, places: &[Range<usize>]) -> bool {
    if problem.severity() == Severity::Warning {
        return false;
    }
    let span = problem.span();
    let literal =
        || text.get(span.clone()).is_some_and(|text| !text.contains("@(") && !text.contains("@{"));
    places.iter().any(|place| {
        place.start <= span.start && span.end <= place.end && span.start < span.end
            || span.start <= place.start && place.end <= span.end && literal()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(text: &str) -> Vec<String> {
        let problems = check(&Source::new("p.xml", text));
        let errors = problems.iter().filter(|problem| problem.severity() == Severity::Error);
        errors.map(|problem| problem.message().to_owned()).collect()
    }

    #[test]
    fn what_a_document_names_is_taken_as_there() {
        let fragment = r#"<fragment>
            <include-fragment fragment-id="elsewhere" />
            <set-backend-service backend-id="a-pool" />
            <set-backend-service backend-id="{{backend}}" />
            <set-backend-service base-url="{{url}}/openai" />
            <retry condition="@({{flag}})" count="{{count}}" interval="{{a}}{{b}}" first-fast-retry="{{fast}}" />
            <set-variable name="x" value="@("{{list}}" + {{number}})" />
        </fragment>"#;
        assert_eq!(errors(fragment), <[String; 0]>::default());
        let policies = r#"<policies><inbound><include-fragment fragment-id="elsewhere" /></inbound></policies>"#;
        assert_eq!(errors(policies), <[String; 0]>::default());
    }

    #[test]
    fn what_is_wrong_without_the_names_is_wrong_still() {
        for (text, expected) in [
            ("<fragment><jump to=\"{{x}}\" /></fragment>", "unknown policy `jump`"),
            ("<fragment><base x=\"{{x}}\" /></fragment>", "`base` has no attribute `x`"),
            (
                "<fragment><set-variable name=\"x\" value=\"@({{x}} + Foo.Bar)\" /></fragment>",
                "unknown name `Foo`",
            ),
            (
                "<fragment><set-variable name=\"x\" value=\"@({{x}} + )\" /></fragment>",
                "expected a value, the expression ends",
            ),
            ("<project />", "expected `<policies>` or `<fragment>`, found `<project>`"),
            ("<fragment>", "`<fragment>` is never closed"),
            (
                "<fragment><retry condition=\"false\" count=\"none\" interval=\"1\" /></fragment>",
                "`none` is no value for `count`",
            ),
        ] {
            assert_eq!(errors(text), [expected], "{text}");
        }
    }
}
