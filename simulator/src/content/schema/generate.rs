//! Values for a schema, drawn from top to bottom.

use std::collections::BTreeMap;

use indexmap::IndexSet;
use rand::{Rng, RngExt as _};
use serde_json::Number;

use super::super::json::{Json, Members};
use super::accept::Acceptor;
use super::number::number;
use super::parts::{Parts, Types, list, members_of, names, reference, tuple};
use super::pattern;
use super::text::{key, text};

/// Values of one answer; past them every value is null.
const MOST_VALUES: u32 = 8_192;
/// From this depth on only what is required is written, the shortest way.
const GENEROUS_DEPTH: usize = 4;
/// Deeper values than this are null.
const MOST_DEPTH: usize = 64;
/// Items of an array and extra members of an object.
const MOST_ITEMS: usize = 256;
/// Draws of a value that combinators then refuse.
const TRIES: usize = 32;
/// Heights are looked for up to here; schemas that need more are endless.
const MOST_HEIGHT: u32 = 40;
/// Steps of the search for the heights of one schema.
const HEIGHT_STEPS: u32 = 20_000;

/// A value that is valid against `schema`, if there is one that the bounds allow;
/// otherwise a value of the right outline. Keys are in the schema's order.
pub(crate) fn generate(schema: &Json, rng: &mut impl Rng) -> Json {
    let mut generator = Generator {
        root: schema,
        rng,
        acceptor: Acceptor::new(schema),
        left: MOST_VALUES,
        heights: BTreeMap::new(),
        height_steps: HEIGHT_STEPS,
    };
    generator.value(&[schema], "", 0)
}

struct Generator<'a, 'r, R> {
    root: &'a Json,
    rng: &'r mut R,
    acceptor: Acceptor<'a>,
    /// Values that may still be made.
    left: u32,
    /// Whether a schema can end within a height, by its address.
    heights: BTreeMap<(usize, u32), bool>,
    height_steps: u32,
}

impl<'a, R: Rng> Generator<'a, '_, R> {
    /// A value that all `schemas` accept.
    fn value(&mut self, schemas: &[&'a Json], name: &str, depth: usize) -> Json {
        let mut value = Json::Null;
        for _ in 0..TRIES {
            let open;
            (value, open) = self.attempt(schemas, name, depth);
            if !open || schemas.iter().all(|schema| self.acceptor.accepts(schema, &value)) {
                return value;
            }
            if self.left == 0 {
                break;
            }
        }
        value
    }

    /// One draw, and whether it must be checked.
    fn attempt(&mut self, schemas: &[&'a Json], name: &str, depth: usize) -> (Json, bool) {
        if self.left == 0 {
            return (Json::Null, false);
        }
        let brief = GENEROUS_DEPTH <= depth || self.left < MOST_VALUES / 4;
        let root = self.root;
        let mut choose = |branches: &'a [Json]| self.branch(branches, brief);
        let parts = Parts::collect(root, schemas, &mut choose);
        self.left -= 1;
        if parts.impossible || MOST_DEPTH < depth {
            return (Json::Null, false);
        }
        if let Some(fixed) = self.fixed(&parts) {
            return (fixed, parts.open);
        }
        let value = match self.of_types(&parts, brief) {
            Types::BOOLEAN => Json::Bool(self.rng.random_bool(0.5)),
            Types::INTEGER => number(&parts, true, name, self.rng),
            Types::NUMBER => number(&parts, false, name, self.rng),
            Types::STRING => Json::String(text(&parts, name, self.rng)),
            Types::ARRAY => self.array(&parts, name, brief, depth),
            Types::OBJECT => self.object(&parts, brief, depth),
            _ => Json::Null,
        };
        (value, parts.open)
    }

    /// One of the values that `const` or `enum` list: null when the demands leave
    /// none, `None` when nothing is listed.
    fn fixed(&mut self, parts: &Parts<'a>) -> Option<Json> {
        if !parts.any(&["const", "enum"]) {
            return None;
        }
        let accepted = |value: &&Json| {
            parts.all.iter().all(|part| {
                let listed = part.get("enum").and_then(Json::as_array);
                part.get("const").is_none_or(|constant| constant == *value)
                    && listed.is_none_or(|all| all.contains(value))
                    && part.get("type").is_none_or(|types| Types::read(types).has(Types::of(value)))
            })
        };
        let listed = parts.each("enum").filter_map(Json::as_array).flatten();
        let fixed: Vec<&Json> = parts.each("const").chain(listed).filter(accepted).collect();
        let drawn = fixed.get(self.rng.random_range(0..fixed.len().max(1)));
        Some(drawn.map_or(Json::Null, |value| (*value).clone()))
    }

    /// The type to write. Null only now and then, when something else is allowed:
    /// a model rather fills a field.
    fn of_types(&mut self, parts: &Parts<'a>, brief: bool) -> Types {
        let allowed = parts.types();
        let allowed = if parts.any(&["type"]) { allowed } else { allowed.and(implied(parts)) };
        let number = if allowed.and(Types::NUMBER) == Types::NUMBER {
            Types::NUMBER
        } else {
            Types::INTEGER
        };
        let scalars = [Types::BOOLEAN, number, Types::STRING];
        let others = [Types::ARRAY, Types::OBJECT];
        let among = |types: &[Types]| -> Vec<Types> {
            types.iter().copied().filter(|one| allowed.has(*one)).collect()
        };
        let null = allowed.has(Types::NULL);
        if null && (brief || self.rng.random_bool(0.2)) {
            return Types::NULL;
        }
        let mut choice = among(&scalars);
        if choice.is_empty() || !brief {
            choice.extend(among(&others));
        }
        if choice.is_empty() {
            return Types::NULL;
        }
        choice.get(self.rng.random_range(0..choice.len())).copied().unwrap_or(Types::NULL)
    }

    /// Which branch of an alternative to take: of those that end, any (null
    /// seldom); when brief, the one that ends soonest.
    fn branch(&mut self, branches: &'a [Json], brief: bool) -> usize {
        let heights: Vec<u32> = branches.iter().map(|branch| self.height(branch)).collect();
        let least = heights.iter().copied().min().unwrap_or(0);
        let fits = |(index, height): (usize, &u32)| {
            let soon = if brief {
                *height == least
            } else {
                *height <= MOST_HEIGHT || least > MOST_HEIGHT
            };
            soon.then_some(index)
        };
        let open: Vec<usize> = heights.iter().enumerate().filter_map(fits).collect();
        let is_null = |index: &&usize| {
            branches
                .get(**index)
                .is_some_and(|branch| branch.get("type").and_then(Json::as_str) == Some("null"))
        };
        let filled: Vec<usize> = open.iter().filter(|index| !is_null(index)).copied().collect();
        let choice = if filled.is_empty() || filled.len() < open.len() && self.rng.random_bool(0.2)
        {
            open
        } else {
            filled
        };
        choice.get(self.rng.random_range(0..choice.len().max(1))).copied().unwrap_or(0)
    }

    fn object(&mut self, parts: &Parts<'a>, brief: bool, depth: usize) -> Json {
        let mut required: IndexSet<&str> = IndexSet::new();
        let mut known: IndexSet<&str> = IndexSet::new();
        for part in &parts.all {
            required.extend(names(part, "required"));
            known.extend(members_of(part, "properties").map(|(name, _)| name));
        }
        known.extend(required.iter().copied());
        // Looking through many names costs as much as writing some values.
        self.left = self.left.saturating_sub(u32::try_from(known.len() / 8).unwrap_or(u32::MAX));
        let most = parts.at_most("maxProperties").unwrap_or(usize::MAX);
        let mut optional = most.saturating_sub(required.len());
        let mut members = Members::new();
        for name in &known {
            if self.left == 0 {
                break;
            }
            let schemas = parts.of_property(name);
            if !required.contains(name) {
                let forbidden = schemas.iter().any(|schema| matches!(schema, Json::Bool(false)));
                let ends = schemas.iter().all(|schema| self.height(schema) <= MOST_HEIGHT);
                if forbidden || brief || !ends || optional == 0 || self.rng.random_bool(0.5) {
                    continue;
                }
                optional -= 1;
            }
            let value = self.value(&schemas, name, depth + 1);
            members.insert((*name).to_owned(), value);
        }
        self.depend(parts, &mut members, depth);
        self.extend(parts, &known, brief, depth, &mut members);
        Json::Object(members)
    }

    /// Members that other members demand.
    fn depend(&mut self, parts: &Parts<'a>, members: &mut Members, depth: usize) {
        for key in ["dependentRequired", "dependencies"] {
            for part in &parts.all {
                for (name, needed) in members_of(part, key) {
                    if !members.contains_key(name) {
                        continue;
                    }
                    for needed in
                        needed.as_array().unwrap_or_default().iter().filter_map(Json::as_str)
                    {
                        if !members.contains_key(needed) && self.left != 0 {
                            let value = self.value(&parts.of_property(needed), needed, depth + 1);
                            members.insert(needed.to_owned(), value);
                        }
                    }
                }
            }
        }
    }

    /// Members beyond the known ones: up to `minProperties`, and one or two for a
    /// free map.
    fn extend(
        &mut self,
        parts: &Parts<'a>,
        known: &IndexSet<&str>,
        brief: bool,
        depth: usize,
        members: &mut Members,
    ) {
        let least = parts.at_least("minProperties").min(MOST_ITEMS);
        let most = parts.at_most("maxProperties").unwrap_or(usize::MAX);
        let patterned: Vec<&str> = parts
            .all
            .iter()
            .flat_map(|part| members_of(part, "patternProperties").map(|(pattern, _)| pattern))
            .collect();
        let is_map = known.is_empty()
            && (!patterned.is_empty()
                || parts.each("additionalProperties").any(|schema| schema.as_object().is_some()));
        let wanted = if is_map && !brief { self.rng.random_range(1..=2) } else { 0 };
        let wanted = wanted.max(least).min(most);
        // Known members that were left out come before invented ones.
        for name in known {
            if self.left == 0 || wanted <= members.len() {
                break;
            }
            if !members.contains_key(*name) {
                let value = self.value(&parts.of_property(name), name, depth + 1);
                members.insert((*name).to_owned(), value);
            }
        }
        let mut tries = 4 * wanted;
        while members.len() < wanted && 0 < tries && self.left != 0 {
            tries -= 1;
            let name = match patterned.get(self.rng.random_range(0..patterned.len().max(1))) {
                Some(pattern) => pattern::sample(pattern, 4, self.rng).unwrap_or_default(),
                None => {
                    let demand: Vec<&'a Json> = parts.each("propertyNames").collect();
                    match (demand.is_empty(), members.len()) {
                        (true, 0) => key(self.rng).to_owned(),
                        (true, count) => format!("{}_{count}", key(self.rng)),
                        (false, _) => self
                            .value(&demand, "", depth + 1)
                            .as_str()
                            .unwrap_or_default()
                            .to_owned(),
                    }
                }
            };
            if !members.contains_key(&name) {
                let value = self.value(&parts.of_property(&name), &name, depth + 1);
                members.insert(name, value);
            }
        }
    }

    fn array(&mut self, parts: &Parts<'a>, name: &str, brief: bool, depth: usize) -> Json {
        let least = parts.at_least("minItems").min(MOST_ITEMS);
        let tuple = parts.tuple_length();
        let contained: Vec<&'a Json> = parts.each("contains").collect();
        let wanted_contained = match contained.is_empty() {
            true => 0,
            false => parts.at_least("minContains").clamp(1, MOST_ITEMS),
        };
        // Items after the tuple may be forbidden.
        let closed = parts.of_item(tuple).iter().any(|schema| matches!(schema, Json::Bool(false)));
        let most = parts.at_most("maxItems").unwrap_or(MOST_ITEMS).min(if closed {
            tuple
        } else {
            MOST_ITEMS
        });
        let ends = parts.of_item(tuple).iter().all(|schema| self.height(schema) <= MOST_HEIGHT);
        let usual = match depth {
            _ if brief || !ends => 0,
            0..=2 => self.rng.random_range(1..=3),
            _ => self.rng.random_range(0..=1),
        };
        let usual = if 0 < tuple { tuple } else { usual };
        let count = usual.max(wanted_contained).max(least).min(most);
        let unique = parts.each("uniqueItems").any(|unique| matches!(unique, Json::Bool(true)));
        let mut items: Vec<Json> = Vec::new();
        for index in 0..count {
            if self.left == 0 {
                break;
            }
            let mut schemas = parts.of_item(index);
            if index < wanted_contained {
                schemas.extend(&contained);
            }
            let mut item = self.value(&schemas, name, depth + 1);
            let mut tries = TRIES;
            while unique && 0 < tries && self.left != 0 && items.contains(&item) {
                item = self.value(&schemas, name, depth + 1);
                tries -= 1;
            }
            if unique && items.contains(&item) {
                item = match another(&items, &schemas, &self.acceptor) {
                    Some(other) => other,
                    None if least <= items.len() => break,
                    None => item,
                };
            }
            items.push(item);
        }
        Json::Array(items)
    }

    /// How many levels the least value of a schema has; more than `MOST_HEIGHT`
    /// for one that never ends.
    fn height(&mut self, schema: &'a Json) -> u32 {
        (0..=MOST_HEIGHT).find(|most| self.ends(schema, *most)).unwrap_or(MOST_HEIGHT + 1)
    }

    /// Whether a value of at most this height exists, as far as references,
    /// required members and least counts tell.
    fn ends(&mut self, schema: &'a Json, most: u32) -> bool {
        let part = match schema {
            Json::Object(part) => part,
            Json::Bool(allowed) => return *allowed,
            _ => return true,
        };
        let place = (std::ptr::from_ref(part).addr(), most);
        if let Some(known) = self.heights.get(&place) {
            return *known;
        }
        if self.height_steps == 0 {
            return true;
        }
        self.height_steps -= 1;
        let below = most.checked_sub(1);
        let root = self.root;
        let mut within = |schema: &'a Json| below.is_some_and(|most| self.ends(schema, most));
        let types = part.get("type").map_or(Types::ANY, Types::read);
        let alternatives =
            ["anyOf", "oneOf"].iter().map(|key| list(part, key)).filter(|all| !all.is_empty());
        let mut ends = reference(root, part).is_none_or(&mut within)
            && list(part, "allOf").iter().all(&mut within)
            && alternatives.into_iter().all(|all| all.iter().any(&mut within));
        if ends && types.and(implied_by(part)).has(Types::OBJECT) && only_composite(types, part) {
            let properties = part.get("properties");
            ends = names(part, "required")
                .all(|name| properties.and_then(|all| all.get(name)).is_none_or(&mut within));
        }
        if ends && types.and(implied_by(part)).has(Types::ARRAY) && only_composite(types, part) {
            let least = part.get("minItems").and_then(Json::as_count).unwrap_or(0);
            let fixed = tuple(part);
            ends = fixed.iter().take(least).all(&mut within);
            if ends
                && fixed.len() < least
                && let Some(items) = part.get("items")
            {
                ends = within(items);
            }
        }
        self.heights.insert(place, ends);
        ends
    }
}

/// Whether a value can be nothing but an object or an array.
fn only_composite(types: Types, part: &Members) -> bool {
    let types = if part.contains_key("type") { types } else { implied_by(part) };
    !types.has(Types::NULL)
        && !types.has(Types::BOOLEAN)
        && !types.has(Types::NUMBER)
        && !types.has(Types::STRING)
}

/// The types that keywords speak of, when no `type` does.
fn implied(parts: &Parts<'_>) -> Types {
    let implied = parts.all.iter().map(|part| implied_by(part)).fold(Types::ANY, Types::and);
    if implied == Types::ANY { Types::STRING } else { implied }
}

fn implied_by(part: &Members) -> Types {
    let has = |keys: &[&str]| keys.iter().any(|key| part.contains_key(*key));
    if part.contains_key("type") {
        Types::ANY
    } else if has(&[
        "properties",
        "required",
        "additionalProperties",
        "patternProperties",
        "minProperties",
        "propertyNames",
        "dependentRequired",
    ]) {
        Types::OBJECT
    } else if has(&["items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"]) {
        Types::ARRAY
    } else if has(&["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]) {
        Types::NUMBER
    } else if has(&["minLength", "maxLength", "pattern", "format"]) {
        Types::STRING
    } else {
        Types::ANY
    }
}

/// An item unlike the others where draws keep repeating: small spaces of numbers,
/// booleans and enums, tried through.
fn another<'a>(items: &[Json], schemas: &[&'a Json], acceptor: &Acceptor<'a>) -> Option<Json> {
    let listed =
        schemas.iter().filter_map(|schema| schema.get("enum")?.as_array()).flatten().cloned();
    let base = items.iter().filter_map(Json::as_f64).fold(0.0, f64::max);
    #[expect(clippy::cast_possible_truncation, reason = "saturates")]
    let base = base as i64;
    let counted = (-300..300).map(|step| Json::Number(Number::from(base.saturating_add(step))));
    let others = [Json::Bool(true), Json::Bool(false), Json::Null];
    listed
        .chain(others)
        .chain(counted)
        .filter(|value| !items.contains(value))
        .find(|value| schemas.iter().all(|schema| acceptor.accepts(schema, value)))
}
