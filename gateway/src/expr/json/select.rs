//! `SelectToken` and `SelectTokens`: the usual part of JSONPath: names,
//! indices, wildcards, any depth, and filters comparing one member to a
//! constant.

use super::{Kind, Node};
use crate::expr::exception::Exception;

#[derive(Debug)]
enum Step {
    Name(String),
    Index(usize),
    Wildcard,
    /// `..name`, or `..*` without one.
    Descend(Option<String>),
    /// `[?(@.a.b == 'x')]`; only existence when there is no comparison.
    Filter(Vec<String>, Option<(Comparison, String)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    Greater,
}

impl Node {
    /// All tokens a path finds.
    pub(crate) fn select(&self, path: &str) -> Result<Vec<Node>, Exception> {
        let mut found = vec![self.clone()];
        for step in steps(path)? {
            let mut next = Vec::new();
            for node in &found {
                apply(node, &step, &mut next);
            }
            if super::super::collection::MAX_ITEMS < next.len() {
                return Err(Exception::limit("tokens found by a path"));
            }
            found = next;
        }
        Ok(found)
    }
}

fn apply(node: &Node, step: &Step, found: &mut Vec<Node>) {
    match step {
        Step::Name(name) => found.extend(node.get(name)),
        Step::Index(index) => {
            if let Kind::Array(items) = node.kind() {
                found.extend(items.get(*index).cloned());
            }
        }
        Step::Wildcard => found.extend(values(node)),
        Step::Descend(name) => {
            let mut pending = vec![node.clone()];
            while let Some(node) = pending.pop() {
                match name {
                    Some(name) => found.extend(node.get(name)),
                    None => found.extend(values(&node)),
                }
                pending.extend(values(&node).into_iter().rev());
            }
        }
        Step::Filter(path, comparison) => found.extend(
            values(node).into_iter().filter(|candidate| matches(candidate, path, comparison)),
        ),
    }
}

fn values(node: &Node) -> Vec<Node> {
    match node.kind() {
        Kind::Object(members) => members.into_values().collect(),
        Kind::Array(items) => items,
        _ => Vec::new(),
    }
}

fn matches(node: &Node, path: &[String], comparison: &Option<(Comparison, String)>) -> bool {
    let mut node = node.clone();
    for name in path {
        match node.get(name) {
            Some(next) => node = next,
            None => return false,
        }
    }
    let Some((comparison, constant)) = comparison else { return true };
    let text = match node.scalar() {
        Some(crate::expr::value::Value::Bool(b)) => b.to_string(),
        Some(value) => value.to_text(),
        None => return false,
    };
    let order = match (text.parse::<f64>(), constant.parse::<f64>()) {
        (Ok(a), Ok(b)) => a.partial_cmp(&b),
        _ => Some(text.as_str().cmp(constant)),
    };
    match comparison {
        Comparison::Equal => order == Some(std::cmp::Ordering::Equal),
        Comparison::NotEqual => order != Some(std::cmp::Ordering::Equal),
        Comparison::Less => order == Some(std::cmp::Ordering::Less),
        Comparison::Greater => order == Some(std::cmp::Ordering::Greater),
    }
}

fn steps(path: &str) -> Result<Vec<Step>, Exception> {
    let bad = |what: &str| {
        Err(Exception::new("Newtonsoft.Json.JsonException", format!("{what} in path '{path}'.")))
    };
    let mut rest = path.trim();
    let mut steps = Vec::new();
    rest = rest.strip_prefix('$').unwrap_or(rest);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("..") {
            let (name, after) = name(after);
            match name {
                "*" => steps.push(Step::Descend(None)),
                "" => return bad("Unexpected end"),
                name => steps.push(Step::Descend(Some(name.to_owned()))),
            }
            rest = after;
        } else if rest.starts_with('[') {
            let Some(close) = closing(rest) else { return bad("Path ended with open indexer") };
            let inner = rest.get(1..close).unwrap_or_default().trim();
            let quoted = inner
                .strip_prefix('\'')
                .and_then(|t| t.strip_suffix('\''))
                .or_else(|| inner.strip_prefix('"').and_then(|t| t.strip_suffix('"')));
            steps.push(match (quoted, inner.parse::<usize>()) {
                (Some(name), _) => Step::Name(name.replace("\\'", "'")),
                (None, Ok(index)) => Step::Index(index),
                (None, Err(_)) if inner == "*" => Step::Wildcard,
                (None, Err(_)) => match filter(inner) {
                    Some(step) => step,
                    None => return bad("Unexpected character while parsing path indexer"),
                },
            });
            rest = rest.get(close + 1..).unwrap_or_default();
        } else {
            let (name, after) = name(rest.strip_prefix('.').unwrap_or(rest));
            match name {
                "*" => steps.push(Step::Wildcard),
                "" => return bad("Unexpected end"),
                name => steps.push(Step::Name(name.to_owned())),
            }
            rest = after;
        }
    }
    Ok(steps)
}

/// The closing bracket of the indexer at the start, not one in quotes.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if open == c => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, ']') => return Some(at),
            _ => {}
        }
    }
    None
}

fn name(text: &str) -> (&str, &str) {
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    (name.trim(), rest)
}

fn filter(inner: &str) -> Option<Step> {
    let inner = inner.strip_prefix("?(")?.strip_suffix(')')?.trim();
    let operators = [
        ("==", Comparison::Equal),
        ("!=", Comparison::NotEqual),
        ("<", Comparison::Less),
        (">", Comparison::Greater),
    ];
    let found = operators.iter().find_map(|(symbol, comparison)| {
        let (left, right) = inner.split_once(symbol)?;
        Some((left.trim(), *comparison, right.trim()))
    });
    let path = |text: &str| -> Option<Vec<String>> {
        let rest = text.strip_prefix('@')?;
        Some(rest.split('.').filter(|name| !name.is_empty()).map(str::to_owned).collect())
    };
    match found {
        None => Some(Step::Filter(path(inner)?, None)),
        // `<=` and `>=` are not taken.
        Some((_, _, right)) if right.starts_with('=') => None,
        Some((left, comparison, right)) => {
            let constant = right.trim_matches(['\'', '"']).to_owned();
            Some(Step::Filter(path(left)?, Some((comparison, constant))))
        }
    }
}
