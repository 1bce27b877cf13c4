//! Whether a value is valid: the check behind alternatives, `not` and enums that
//! other demands narrow. Formats are not checked; the generator makes them.

use std::cell::Cell;

use super::super::json::{Json, Members};
use super::parts::{self, Types, list, members_of, names};
use super::pattern;

/// Schemas within schemas and references without a value between them.
const MOST_DEPTH: usize = 192;

/// Checks values against one document's schemas, with a bounded number of steps;
/// when they are used up, everything is accepted.
pub(super) struct Acceptor<'a> {
    root: &'a Json,
    steps: Cell<u32>,
}

impl<'a> Acceptor<'a> {
    pub(super) fn new(root: &'a Json) -> Self {
        Self { root, steps: Cell::new(200_000) }
    }

    pub(super) fn accepts(&self, schema: &'a Json, value: &Json) -> bool {
        self.at(schema, value, 0)
    }

    fn at(&self, schema: &'a Json, value: &Json, depth: usize) -> bool {
        let left = self.steps.get();
        if left == 0 || MOST_DEPTH < depth {
            return true;
        }
        self.steps.set(left - 1);
        let part = match schema {
            Json::Object(part) => part,
            Json::Bool(allowed) => return *allowed,
            _ => return true,
        };
        let referred = parts::reference(self.root, part);
        let valid = |schema: &'a Json| self.at(schema, value, depth + 1);
        referred.is_none_or(valid)
            && part.get("type").is_none_or(|types| Types::read(types).has(Types::of(value)))
            && part.get("const").is_none_or(|constant| constant == value)
            && part.get("enum").and_then(Json::as_array).is_none_or(|all| all.contains(value))
            && list(part, "allOf").iter().all(valid)
            && (list(part, "anyOf").is_empty() || list(part, "anyOf").iter().any(valid))
            && (list(part, "oneOf").is_empty()
                || list(part, "oneOf").iter().filter(|schema| valid(schema)).count() == 1)
            && part.get("not").is_none_or(|schema| !valid(schema))
            && self.conditional(part, value, depth)
            && match value {
                Json::Number(_) => number(part, value),
                Json::String(text) => string(part, text),
                Json::Array(items) => self.array(part, items, depth),
                Json::Object(members) => self.object(part, members, value, depth),
                Json::Null | Json::Bool(_) => true,
            }
    }

    fn conditional(&self, part: &'a Members, value: &Json, depth: usize) -> bool {
        let Some(condition) = part.get("if") else { return true };
        let branch = if self.at(condition, value, depth + 1) { "then" } else { "else" };
        part.get(branch).is_none_or(|schema| self.at(schema, value, depth + 1))
    }

    fn array(&self, part: &'a Members, items: &[Json], depth: usize) -> bool {
        let count = |key: &str| part.get(key).and_then(Json::as_count);
        let tuple = parts::tuple(part);
        let rest = match part.get("items") {
            Some(Json::Array(_)) => part.get("additionalItems"),
            items => items,
        };
        let contained = |schema: &'a Json| {
            let found = items.iter().filter(|item| self.at(schema, item, depth + 1)).count();
            let most = count("maxContains").unwrap_or(usize::MAX);
            (count("minContains").unwrap_or(1)..=most).contains(&found)
        };
        count("minItems").is_none_or(|least| least <= items.len())
            && count("maxItems").is_none_or(|most| items.len() <= most)
            && items.iter().enumerate().all(|(index, item)| {
                let schema = tuple.get(index).or(rest);
                schema.is_none_or(|schema| self.at(schema, item, depth + 1))
            })
            && part.get("contains").is_none_or(contained)
            && (!matches!(part.get("uniqueItems"), Some(Json::Bool(true))) || distinct(items))
    }

    fn object(&self, part: &'a Members, members: &Members, value: &Json, depth: usize) -> bool {
        let count = |key: &str| part.get(key).and_then(Json::as_count);
        let each = |(name, value): (&String, &Json)| {
            let mut named = false;
            let own = part.get("properties").and_then(|all| all.get(name));
            let by_pattern = members_of(part, "patternProperties")
                .filter(|(pattern, _)| pattern::matches(pattern, name))
                .map(|(_, schema)| schema);
            let valid = own.into_iter().chain(by_pattern).all(|schema| {
                named = true;
                self.at(schema, value, depth + 1)
            });
            valid
                && (named
                    || part
                        .get("additionalProperties")
                        .is_none_or(|schema| self.at(schema, value, depth + 1)))
        };
        let name_is_valid = |schema: &'a Json| {
            members.keys().all(|name| self.at(schema, &Json::String(name.clone()), depth + 1))
        };
        names(part, "required").all(|name| members.contains_key(name))
            && count("minProperties").is_none_or(|least| least <= members.len())
            && count("maxProperties").is_none_or(|most| members.len() <= most)
            && members.iter().all(each)
            && part.get("propertyNames").is_none_or(name_is_valid)
            && ["dependentRequired", "dependentSchemas", "dependencies"].iter().all(|key| {
                members_of(part, key).filter(|(name, _)| members.contains_key(*name)).all(
                    |(_, then)| match then {
                        Json::Array(needed) => {
                            let mut needed = needed.iter().filter_map(Json::as_str);
                            needed.all(|name| members.contains_key(name))
                        }
                        schema => self.at(schema, value, depth + 1),
                    },
                )
            })
    }
}

fn number(part: &Members, value: &Json) -> bool {
    let Some(value) = value.as_f64() else { return true };
    let bound = |key: &str| part.get(key).and_then(Json::as_f64);
    // Draft 4 writes `exclusiveMinimum: true` beside `minimum`.
    let exclusive = |key: &str| matches!(part.get(key), Some(Json::Bool(true)));
    bound("minimum")
        .is_none_or(|least| least < value || least == value && !exclusive("exclusiveMinimum"))
        && bound("maximum")
            .is_none_or(|most| value < most || value == most && !exclusive("exclusiveMaximum"))
        && bound("exclusiveMinimum").is_none_or(|least| least < value)
        && bound("exclusiveMaximum").is_none_or(|most| value < most)
        && bound("multipleOf").is_none_or(|step| is_multiple(value, step))
}

/// Forgives the last bits: 0.3 is a multiple of 0.1.
pub(super) fn is_multiple(value: f64, step: f64) -> bool {
    if !(0.0 < step && step.is_finite()) {
        return true;
    }
    let times = value / step;
    (times - times.round()).abs() <= 1e-9 * times.abs().max(1.0)
}

fn string(part: &Members, text: &str) -> bool {
    let count = |key: &str| part.get(key).and_then(Json::as_count);
    let length = text.chars().count();
    count("minLength").is_none_or(|least| least <= length)
        && count("maxLength").is_none_or(|most| length <= most)
        && part
            .get("pattern")
            .and_then(Json::as_str)
            .is_none_or(|pattern| pattern::matches(pattern, text))
}

fn distinct(items: &[Json]) -> bool {
    items
        .iter()
        .enumerate()
        .all(|(index, item)| !items.iter().take(index).any(|other| other == item))
}
