//! Who gets which answer.

use std::sync::Arc;

use rand::{Rng, RngExt as _};
use serde_json::{Map, Value};

use super::template::Template;
use crate::filter::Matcher;

/// What is known of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// Text of the last message, or the prompt.
    pub prompt: &'a str,
    pub deployment: &'a str,
    pub model: &'a str,
    pub body: &'a Map<String, Value>,
}

impl<'a> Asked<'a> {
    /// A value of the body by its JSON pointer (RFC 6901).
    pub(super) fn value(&self, pointer: &str) -> Option<&'a Value> {
        let mut names = pointer.strip_prefix('/')?.split('/').map(unescape);
        let first = self.body.get(&names.next()?)?;
        names.try_fold(first, |value, name| match value {
            Value::Object(object) => object.get(&name),
            Value::Array(items) => items.get(name.parse::<usize>().ok()?),
            _ => None,
        })
    }
}

fn unescape(name: &str) -> String {
    name.replace("~1", "/").replace("~0", "~")
}

/// A place in the body, and what must be there.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Place {
    pub pointer: String,
    /// `None`: anything but nothing.
    pub equals: Option<Value>,
}

/// What is said.
#[derive(Debug, Clone)]
pub(crate) enum Say {
    Text(Template),
    Refusal(Template),
    /// A call of an offered function, with its arguments as JSON.
    Call {
        name: String,
        arguments: Template,
    },
}

/// One rule: all that it states must hold.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub deployment: Option<String>,
    pub model: Option<String>,
    pub matcher: Matcher,
    pub place: Option<Place>,
    /// That it applies where it matches.
    pub probability: f64,
    pub say: Say,
    /// The rule as it was written: what a live change can send back.
    pub written: Value,
}

/// An answer that somebody has given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Given {
    Text(String),
    Refusal(String),
    Call { name: String, arguments: String },
}

/// Rules in their order: the first that applies is it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules(pub Arc<[Rule]>);

impl Rules {
    /// The answers to `choices` choices of a request, if it has a rule.
    pub(crate) fn answers(
        &self,
        asked: &Asked<'_>,
        choices: u64,
        rng: &mut impl Rng,
    ) -> Option<Vec<Given>> {
        let rule = self.0.iter().find(|rule| rule.applies(asked, rng))?;
        let groups = rule.matcher.groups(asked.prompt);
        let fill = |template: &Template, choice| template.fill(asked, &groups, choice);
        let given = |choice| match &rule.say {
            Say::Text(text) => Given::Text(fill(text, choice)),
            Say::Refusal(text) => Given::Refusal(fill(text, choice)),
            Say::Call { name, arguments } => {
                Given::Call { name: name.clone(), arguments: fill(arguments, choice) }
            }
        };
        Some((0..choices).map(given).collect())
    }
}

impl Rule {
    fn applies(&self, asked: &Asked<'_>, rng: &mut impl Rng) -> bool {
        let named = |wanted: &Option<String>, name| wanted.as_deref().is_none_or(|own| own == name);
        let there = |place: &Place| {
            let found = asked.value(&place.pointer).filter(|value| !value.is_null());
            match &place.equals {
                None => found.is_some(),
                Some(wanted) => found == Some(wanted),
            }
        };
        named(&self.deployment, asked.deployment)
            && named(&self.model, asked.model)
            && self.place.as_ref().is_none_or(there)
            && self.matcher.find(asked.prompt).is_some()
            // Drawn only where it matters, so that other requests' draws stay.
            && (1.0 <= self.probability || rng.random_bool(self.probability.clamp(0.0, 1.0)))
    }
}

#[cfg(test)]
mod tests {
    use seam::rng::Seed;
    use serde_json::json;

    use super::*;

    fn rule(matcher: Matcher, text: &str) -> Rule {
        Rule {
            deployment: None,
            model: None,
            matcher,
            place: None,
            probability: 1.0,
            say: Say::Text(Template::parse(text).unwrap()),
            written: json!({ "text": text }),
        }
    }

    #[track_caller]
    fn check(rules: Vec<Rule>, prompt: &str, expected: Option<&str>) {
        let body = json!({"metadata": {"case": 3}, "list": [{"a/b": "x"}], "none": null});
        let body = body.as_object().unwrap();
        let asked = Asked { prompt, deployment: "chat", model: "gpt-4o", body };
        let given = Rules(rules.into()).answers(&asked, 1, &mut Seed(1).stream("x"));
        let text = given.map(|given| match given.as_slice() {
            [Given::Text(text)] => text.clone(),
            other => panic!("{other:?}"),
        });
        assert_eq!(text.as_deref(), expected);
    }

    #[test]
    fn the_first_rule_that_holds_answers() {
        let weather = || rule(Matcher::Contains("weather".into()), "rain");
        check(vec![weather(), rule(Matcher::Any, "else")], "The Weather?", Some("rain"));
        check(vec![weather(), rule(Matcher::Any, "else")], "The time?", Some("else"));
        check(vec![weather()], "The time?", None);
        let regex = fancy_regex::Regex::new(r"in (\w+)").unwrap();
        check(
            vec![rule(Matcher::Regex(Arc::new(regex)), "{{match.1}}!")],
            "in Oslo",
            Some("Oslo!"),
        );
        let never = Rule { probability: 0.0, ..rule(Matcher::Any, "never") };
        check(vec![never], "x", None);
    }

    #[test]
    fn deployments_models_and_places_are_conditions() {
        let any = || rule(Matcher::Any, "yes");
        let name = |name: &str| Some(name.to_owned());
        check(vec![Rule { deployment: name("chat"), ..any() }], "x", Some("yes"));
        check(vec![Rule { deployment: name("other"), ..any() }], "x", None);
        check(vec![Rule { model: name("gpt-4"), ..any() }], "x", None);
        for (pointer, equals, holds) in [
            ("/metadata/case", Some(json!(3)), true),
            ("/metadata/case", Some(json!(4)), false),
            ("/metadata/case", None, true),
            ("/list/0/a~1b", Some(json!("x")), true),
            ("/none", None, false),
            ("/list/9", None, false),
            ("/metadata/case/deeper", None, false),
        ] {
            let place = Some(Place { pointer: pointer.to_owned(), equals });
            check(vec![Rule { place, ..any() }], "x", holds.then_some("yes"));
        }
    }
}
