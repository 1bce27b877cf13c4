//! A text with holes, `{{…}}`, that a request fills.

use std::fmt::Write as _;

use serde_json::Value;

use super::rule::Asked;

/// The holes by name, for people.
const HOLES: &str = "`prompt`, `deployment`, `model`, `choice`, `match`, `match.1` … `match.9`, or a JSON pointer such as `/user`";

/// A text in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// The text of the last message, or the prompt.
    Prompt,
    Deployment,
    Model,
    /// The choice's index.
    Choice,
    /// What the pattern matched, or one of its groups.
    Match(usize),
    /// A value of the request's body.
    Pointer(String),
}

/// Why a text is no template.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadTemplate {
    #[error("`{{{{` without `}}}}`")]
    Open,
    #[error("unknown hole `{{{{{0}}}}}`: expected {HOLES}")]
    Unknown(String),
}

impl Template {
    /// Reads a text. `{{{{` stands for a literal `{{`.
    pub(crate) fn parse(text: &str) -> Result<Self, BadTemplate> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            plain.push_str(before);
            if let Some(after) = after.strip_prefix("{{") {
                plain.push_str("{{");
                rest = after;
                continue;
            }
            let (hole, after) = after.split_once("}}").ok_or(BadTemplate::Open)?;
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(part(hole.trim())?);
            rest = after;
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self { parts })
    }

    /// Fills the holes. What the request does not have is left empty.
    pub(crate) fn fill(&self, asked: &Asked<'_>, groups: &[String], choice: u64) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Prompt => out.push_str(asked.prompt),
                Part::Deployment => out.push_str(asked.deployment),
                Part::Model => out.push_str(asked.model),
                Part::Choice => {
                    let _ = write!(out, "{choice}");
                }
                Part::Match(group) => {
                    out.push_str(groups.get(*group).map_or("", String::as_str));
                }
                Part::Pointer(pointer) => match asked.value(pointer) {
                    None | Some(Value::Null) => {}
                    Some(Value::String(text)) => out.push_str(text),
                    Some(other) => {
                        let _ = write!(out, "{other}");
                    }
                },
            }
        }
        out
    }
}

fn part(hole: &str) -> Result<Part, BadTemplate> {
    let group = |digit: &str| digit.parse().ok().filter(|group| (1..=9).contains(group));
    Ok(match hole {
        "prompt" => Part::Prompt,
        "deployment" => Part::Deployment,
        "model" => Part::Model,
        "choice" => Part::Choice,
        "match" => Part::Match(0),
        _ if hole.starts_with('/') => Part::Pointer(hole.to_owned()),
        _ => match hole.strip_prefix("match.").and_then(group) {
            Some(group) => Part::Match(group),
            None => return Err(BadTemplate::Unknown(hole.to_owned())),
        },
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn fill(text: &str) -> String {
        let body = json!({"user": "ada", "metadata": {"n": 7}, "x": null});
        let body = body.as_object().unwrap();
        let asked = Asked { prompt: "Hello", deployment: "chat", model: "gpt-4o", body };
        Template::parse(text).unwrap().fill(&asked, &["ab".into(), "b".into()], 2)
    }

    #[test]
    fn holes_are_filled_from_the_request() {
        assert_eq!(fill("plain"), "plain");
        assert_eq!(fill("{{prompt}}, {{ model }} at {{deployment}}!"), "Hello, gpt-4o at chat!");
        assert_eq!(fill("{{match}} {{match.1}} {{match.2}} {{choice}}"), "ab b  2");
        assert_eq!(
            fill("{{/user}} {{/metadata/n}} {{/metadata}} {{/x}}{{/no}}"),
            "ada 7 {\"n\":7} "
        );
        assert_eq!(fill("{{{{prompt}} }}"), "{{prompt}} }}");
    }

    #[test]
    fn what_is_no_hole_is_named() {
        let bad = |text: &str| Template::parse(text).unwrap_err().to_string();
        assert_eq!(bad("{{prompt"), "`{{` without `}}`");
        assert!(bad("{{promt}}").starts_with("unknown hole `{{promt}}`: expected `prompt`"));
        assert!(bad("{{match.0}}").contains("match.0") && bad("{{match.10}}").contains("match.10"));
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in "[{}a/. ]{0,24}") {
            let _ = Template::parse(&text);
        }
    }
}
