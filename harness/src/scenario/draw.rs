//! What varies from request to request of one workload: named draws, and the
//! places of the template where `"$name"` stands for what was drawn.
//!
//! A draw is keyed by the request's number (a cycle by how many requests of the
//! workload came before), never by which task came first.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rand::RngExt as _;
use seam::rng::Seed;
use serde_json::Value;

use super::model::RequestTemplate;

/// RFC 3986's unreserved characters stay as they are.
pub(super) const UNRESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A named draw of a workload.
#[derive(Debug, Clone, PartialEq)]
pub struct Draw {
    /// Name: `$name` stands for it.
    pub name: String,
    /// From what.
    pub from: DrawFrom,
}

/// What a draw takes its values from.
#[derive(Debug, Clone, PartialEq)]
pub enum DrawFrom {
    /// Any integer from the first to the second, each as likely.
    Uniform(i64, i64),
    /// One of these, by weight (as likely where all weights are equal).
    OneOf(Vec<Choice>),
    /// These in turn, from the start again after the last.
    Cycle(Vec<Choice>),
}

/// A value to be drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// What is sent.
    pub value: Value,
    /// What assertions and reports call it; the value itself unless `labels` says otherwise.
    pub label: Value,
    /// Its weight among the others.
    pub weight: f64,
}

/// What one draw gave.
struct Drawn {
    value: Value,
    label: Value,
}

impl Draw {
    /// Whether assertions can ask for this label.
    pub(crate) fn can_be(&self, label: &Value) -> bool {
        match &self.from {
            DrawFrom::Uniform(least, most) => {
                label.as_i64().is_some_and(|value| (*least..=*most).contains(&value))
            }
            DrawFrom::OneOf(all) | DrawFrom::Cycle(all) => {
                all.iter().any(|choice| choice.label == *label)
            }
        }
    }

    /// Every value as text, unless one is a list or a table, which is no text; of
    /// a range its ends.
    pub(super) fn texts(&self) -> Option<Vec<String>> {
        match &self.from {
            DrawFrom::Uniform(least, most) => Some(vec![least.to_string(), most.to_string()]),
            DrawFrom::OneOf(all) | DrawFrom::Cycle(all) => {
                all.iter().map(|choice| text(&choice.value)).collect()
            }
        }
    }

    fn draw(&self, seed: u64, workload: &str, number: u64, earlier: u64) -> Drawn {
        let mut rng =
            Seed(seed).numbered(&format!("harness/draw/{workload}/{}", self.name), number);
        let of = |choice: Option<&Choice>| match choice {
            Some(choice) => Drawn { value: choice.value.clone(), label: choice.label.clone() },
            None => Drawn { value: Value::Null, label: Value::Null },
        };
        match &self.from {
            DrawFrom::Uniform(least, most) => {
                let value = Value::from(rng.random_range(*least..=*most));
                Drawn { label: value.clone(), value }
            }
            DrawFrom::OneOf(all) => {
                let weights: Vec<f64> = all.iter().map(|choice| choice.weight).collect();
                of(all.get(weighted(&weights, rng.random())))
            }
            DrawFrom::Cycle(all) => {
                let turn = earlier.checked_rem(all.len() as u64).unwrap_or_default();
                of(usize::try_from(turn).ok().and_then(|turn| all.get(turn)))
            }
        }
    }
}

/// The index that a number from 0 to 1 (exclusive) chooses among weights.
pub(crate) fn weighted(weights: &[f64], at: f64) -> usize {
    let mut rest = at * weights.iter().sum::<f64>();
    let mut chosen = 0;
    for (index, weight) in weights.iter().enumerate() {
        if 0.0 < *weight {
            chosen = index;
            if rest < *weight {
                break;
            }
            rest -= weight;
        }
    }
    chosen
}

/// A string of a template: itself, or a draw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// This text.
    Text(String),
    /// The draw of this index.
    Draw(usize),
}

/// What a string of a template means: `$name` a draw, `$$name` the text `$name`,
/// anything else itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning<'a> {
    Draw(&'a str),
    Escaped(&'a str),
    Plain,
}

impl<'a> Meaning<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let Some(rest) = text.strip_prefix('$') else { return Meaning::Plain };
        if is_name(rest) {
            Meaning::Draw(rest)
        } else if is_name(rest.trim_start_matches('$')) {
            Meaning::Escaped(rest)
        } else {
            Meaning::Plain
        }
    }
}

/// Letters, digits, `_` and `-`, not beginning with a digit or `-`.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

/// The places of a template that vary.
#[derive(Debug, Clone, PartialEq)]
pub struct Varying {
    /// Segments of the path, without the slashes between them.
    pub path: Vec<Part>,
    /// Query parameters.
    pub query: Vec<(String, Part)>,
    /// Headers that vary; the others stay as in the template.
    pub headers: Vec<(HeaderName, Part)>,
    /// The body before draws are put in, if it holds any.
    pub body: Option<Value>,
}

/// Draws for one request and puts them into the template.
///
/// # Errors
/// When a drawn text cannot stand where it should; checked scenarios have none.
pub(crate) fn fill(
    template: &RequestTemplate,
    varying: Option<&Varying>,
    draws: &[Draw],
    key: DrawKey<'_>,
) -> Result<(RequestTemplate, BTreeMap<String, Value>), String> {
    let drawn: Vec<Drawn> = draws
        .iter()
        .map(|draw| draw.draw(key.seed, key.workload, key.number, key.earlier))
        .collect();
    let labels = draws.iter().map(|draw| draw.name.clone());
    let labels = labels.zip(drawn.iter().map(|one| one.label.clone())).collect();
    let mut request = template.clone();
    if let Some(varying) = varying {
        let said = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Draw(index) => {
                drawn.get(*index).and_then(|one| text(&one.value)).unwrap_or_default()
            }
        };
        // Text was checked as it stands in the file: only what is drawn is encoded.
        let segment = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Draw(_) => utf8_percent_encode(&said(part), UNRESERVED).to_string(),
        };
        request.path_and_query =
            varying.path.iter().map(segment).collect::<Vec<String>>().join("/");
        for (index, (name, part)) in varying.query.iter().enumerate() {
            request.path_and_query.push(if index == 0 { '?' } else { '&' });
            request.path_and_query.extend(utf8_percent_encode(name, UNRESERVED));
            request.path_and_query.push('=');
            request.path_and_query.extend(utf8_percent_encode(&said(part), UNRESERVED));
        }
        for (name, part) in &varying.headers {
            let value = HeaderValue::try_from(said(part))
                .map_err(|_| format!("what was drawn for header `{name}` cannot be sent"))?;
            request.headers.insert(name.clone(), value);
        }
        if let Some(body) = &varying.body {
            request.body = Bytes::from(replaced(body, draws, &drawn).to_string());
        }
    }
    Ok((request, labels))
}

/// What a request's draws depend on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DrawKey<'a> {
    pub seed: u64,
    pub workload: &'a str,
    /// The request's number in the run.
    pub number: u64,
    /// Requests of the workload before it.
    pub earlier: u64,
}

fn replaced(value: &Value, draws: &[Draw], drawn: &[Drawn]) -> Value {
    match value {
        Value::String(text) => match Meaning::of(text) {
            Meaning::Plain => value.clone(),
            Meaning::Escaped(rest) => Value::from(rest),
            Meaning::Draw(name) => {
                let index = draws.iter().position(|draw| draw.name == name);
                let one = index.and_then(|index| drawn.get(index));
                one.map_or(Value::Null, |one| one.value.clone())
            }
        },
        Value::Array(items) => items.iter().map(|item| replaced(item, draws, drawn)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, field)| (name.clone(), replaced(field, draws, drawn)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// A scalar as it stands in a header or a path.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{HeaderMap, Method};
    use serde_json::json;

    use super::*;

    fn choices(values: &[(&str, f64)]) -> Vec<Choice> {
        let choice = |(value, weight): &(&str, f64)| Choice {
            value: json!(value),
            label: json!(value),
            weight: *weight,
        };
        values.iter().map(choice).collect()
    }

    fn draws() -> Vec<Draw> {
        vec![
            Draw { name: "tokens".into(), from: DrawFrom::Uniform(5, 20) },
            Draw {
                name: "key".into(),
                from: DrawFrom::OneOf(choices(&[("a b", 3.0), ("c", 1.0), ("never", 0.0)])),
            },
            Draw { name: "turn".into(), from: DrawFrom::Cycle(choices(&[("x", 1.0), ("y", 1.0)])) },
        ]
    }

    fn template() -> RequestTemplate {
        RequestTemplate {
            method: Method::POST,
            path_and_query: "/m/$key/x?q=$turn".into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            timeout: Duration::from_secs(1),
        }
    }

    fn varying() -> Varying {
        Varying {
            path: vec![Part::Text(String::new()), Part::Text("m".into()), Part::Draw(1)],
            query: vec![("q".into(), Part::Draw(2))],
            headers: vec![(HeaderName::from_static("api-key"), Part::Draw(1))],
            body: Some(json!({ "max_tokens": "$tokens", "text": ["$$key", "cost: $key", "$5"] })),
        }
    }

    fn filled(number: u64) -> (RequestTemplate, BTreeMap<String, Value>) {
        let key = DrawKey { seed: 7, workload: "w", number, earlier: number - 1 };
        fill(&template(), Some(&varying()), &draws(), key).unwrap()
    }

    #[test]
    fn draws_depend_on_the_number_only_and_stand_where_they_should() {
        let mut tokens = std::collections::BTreeSet::new();
        let mut first = 0;
        for number in 1..=4_000 {
            let (request, labels) = filled(number);
            let again = filled(number);
            assert_eq!((&request.body, &labels), (&again.0.body, &again.1));
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            assert_eq!(body["text"], json!(["$key", "cost: $key", "$5"]));
            assert_eq!(body["max_tokens"], labels["tokens"]);
            tokens.insert(body["max_tokens"].as_i64().unwrap());
            let turn = if number % 2 == 1 { "x" } else { "y" };
            let (encoded, key) = match labels["key"].as_str().unwrap() {
                "a b" => ("a%20b", "a b"),
                other => (other, other),
            };
            assert_eq!(request.path_and_query, format!("/m/{encoded}?q={turn}"));
            assert_eq!(request.headers["api-key"], key);
            assert_ne!(key, "never");
            first += usize::from(key == "a b");
        }
        assert_eq!(tokens, (5..=20).collect());
        // Seed fixed; 3 of 4 expected, 5 sigma are 137.
        assert!((2_863..3_137).contains(&first), "{first}");
    }

    #[test]
    fn says_what_a_string_means() {
        assert_eq!(Meaning::of("$max_tokens"), Meaning::Draw("max_tokens"));
        assert_eq!(Meaning::of("$$x"), Meaning::Escaped("$x"));
        assert_eq!(Meaning::of("$$$x"), Meaning::Escaped("$$x"));
        for plain in ["", "$", "$$", "$5", "x$y", "$a b", "$x$y", "${x}"] {
            assert_eq!(Meaning::of(plain), Meaning::Plain, "{plain}");
        }
        assert_eq!(weighted(&[0.0, 0.0, 2.0, 0.0], 0.999_999), 2);
        assert_eq!([0.0, 0.49, 0.51].map(|at| weighted(&[1.0, 1.0], at)), [0, 0, 1]);
    }
}
