//! Which API and operation a request is for (specification 1.1).
//!
//! The longest API path wins, letters of either case; then, among the
//! operations with the request's method, the first whose template fits. They are
//! sorted at load: a literal segment beats a parameter, a parameter beats the
//! rest.

use super::url::{decode, decoded};

/// An operation's `url_template`, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Parameter(String),
    /// `{*name}` or `*`: this segment and all after it, also none.
    Rest(Option<String>),
}

impl Template {
    /// Takes a template apart; the error is a message.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let path = text.split('?').next().unwrap_or_default();
        if !path.starts_with('/') {
            return Err(format!("the URL template `{text}` does not begin with `/`"));
        }
        let mut segments = Vec::new();
        let mut parts = segments_of(path).peekable();
        while let Some(part) = parts.next() {
            let segment = match part.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                Some(name) => match name.strip_prefix('*') {
                    Some(rest) => Segment::Rest(Some(rest.to_owned())),
                    None => Segment::Parameter(name.to_owned()),
                },
                None if part == "*" => Segment::Rest(None),
                None => Segment::Literal(part.to_owned()),
            };
            let name = match &segment {
                Segment::Parameter(name) | Segment::Rest(Some(name)) => name,
                Segment::Literal(text) => text,
                Segment::Rest(None) => "rest",
            };
            if name.is_empty() || name.contains(['{', '}', '*']) {
                return Err(format!(
                    "`{part}` in the URL template is not one literal or one `{{parameter}}`"
                ));
            }
            if matches!(segment, Segment::Rest(_)) && parts.peek().is_some() {
                return Err(format!("`{part}` must be the last segment of the URL template"));
            }
            segments.push(segment);
        }
        Ok(Self { segments })
    }

    /// The parameters' values when `path` fits.
    pub(crate) fn matches(&self, path: &str) -> Option<Vec<(String, String)>> {
        let mut parameters = Vec::new();
        let mut rest = path.trim_start_matches('/');
        for segment in &self.segments {
            if let Segment::Rest(name) = segment {
                if let Some(name) = name {
                    parameters.push((name.clone(), decode(rest)));
                }
                return Some(parameters);
            }
            let (part, after) = rest.split_once('/').unwrap_or((rest, ""));
            if part.is_empty() {
                return None;
            }
            match segment {
                Segment::Literal(text) => {
                    if !decoded(part).eq_ignore_ascii_case(text) {
                        return None;
                    }
                }
                Segment::Parameter(name) => parameters.push((name.clone(), decode(part))),
                Segment::Rest(_) => {}
            }
            rest = after;
        }
        rest.is_empty().then_some(parameters)
    }

    /// Orders templates that fit the same path: smaller is more specific.
    pub(crate) fn rank(&self) -> Vec<u8> {
        self.segments
            .iter()
            .map(|segment| match segment {
                Segment::Literal(_) => 0,
                Segment::Parameter(_) => 1,
                Segment::Rest(_) => 2,
            })
            .collect()
    }

    /// The template with parameter names and case taken out: two operations
    /// with one method must differ in it.
    pub(crate) fn shape(&self) -> String {
        let parts: Vec<String> = self
            .segments
            .iter()
            .map(|segment| match segment {
                Segment::Literal(text) => text.to_ascii_lowercase(),
                Segment::Parameter(_) => "{}".to_owned(),
                Segment::Rest(_) => "*".to_owned(),
            })
            .collect();
        parts.join("/")
    }
}

/// The path below an API's path, when it lies below: `/openai` of
/// `/latency-routing/openai` below `latency-routing`.
pub(crate) fn below<'p>(path: &'p str, api_path: &str) -> Option<&'p str> {
    let mut rest = path;
    for segment in segments_of(api_path) {
        let from = rest.strip_prefix('/')?;
        let end = from.find('/').unwrap_or(from.len());
        if !decoded(&from[..end]).eq_ignore_ascii_case(segment) {
            return None;
        }
        rest = &from[end..];
    }
    Some(rest)
}

/// The segments of a path, without empty ones at either end.
pub(crate) fn segments_of(path: &str) -> impl Iterator<Item = &str> {
    let trimmed = path.trim_matches('/');
    trimmed.split('/').filter(move |_| !trimmed.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(template: &str, path: &str, expected: Option<&[(&str, &str)]>) {
        let found = Template::parse(template).unwrap().matches(path);
        let expected = expected.map(|pairs| {
            pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect::<Vec<_>>()
        });
        assert_eq!(found, expected, "{template} {path}");
    }

    #[test]
    fn matches_segments() {
        let chat = "/deployments/{deployment-id}/chat/completions";
        check(chat, "/deployments/my%20d/Chat/completions", Some(&[("deployment-id", "my d")]));
        check(chat, "/deployments/d/completions", None);
        check(chat, "/deployments/d/chat/completions/x", None);
        check(chat, "/deployments//chat/completions", None);
        check("/", "/", Some(&[]));
        check("/", "", Some(&[]));
        check("/x", "/x/", Some(&[]));
        check("/*", "/a/b", Some(&[]));
        check("/a/{*rest}", "/a/b/c", Some(&[("rest", "b/c")]));
        check("/a/{*rest}", "/a", Some(&[("rest", "")]));
        check("/a?x={x}", "/a", Some(&[]));
    }

    #[test]
    fn a_literal_is_more_specific_than_a_parameter() {
        let rank = |text| Template::parse(text).unwrap().rank();
        assert!(rank("/a/b") < rank("/a/{x}"));
        assert!(rank("/a/{x}") < rank("/a/{*x}"));
        assert!(rank("/a/{x}/c") < rank("/{y}/b/c"));
    }

    #[test]
    fn finds_the_path_below_an_api() {
        assert_eq!(below("/Latency-Routing/openai/x/y", "latency-routing/openai"), Some("/x/y"));
        assert_eq!(below("/latency-routing/openaix", "latency-routing/openai"), None);
        assert_eq!(below("/latency-routing", "latency-routing/openai"), None);
        assert_eq!(below("/a", ""), Some("/a"));
        assert_eq!(below("/a", "/a/"), Some(""));
    }

    #[test]
    fn refuses_odd_templates() {
        for text in ["", "x", "/a{b}", "/{}", "/{*rest}/x", "/{a}{b}"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
