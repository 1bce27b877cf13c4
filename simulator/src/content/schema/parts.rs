//! What is demanded at one place of a value: the keyword objects that all hold
//! there, with references followed and one branch of each alternative taken.

use super::super::json::{Json, Members};

/// More objects than this at one place are no schema of a person.
const MOST_PARTS: usize = 256;
/// References and combinators in one another without a value between them.
const MOST_HOPS: usize = 64;

/// The demands at one place.
#[derive(Debug, Default)]
pub(super) struct Parts<'a> {
    pub all: Vec<&'a Members>,
    /// `false` is among them: no value is valid.
    pub impossible: bool,
    /// Whether a value that fits the parts may still be invalid.
    pub open: bool,
}

/// Keywords whose demand the generator meets by luck, or only together with others.
const OPEN: &[&str] = &[
    "oneOf",
    "anyOf",
    "allOf",
    "not",
    "if",
    "contains",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
    "propertyNames",
    "patternProperties",
    "minProperties",
    "maxProperties",
    "uniqueItems",
    "pattern",
    "multipleOf",
];

impl<'a> Parts<'a> {
    /// Collects the demands of `schemas`, which all hold. `choose` takes a branch
    /// of an alternative.
    pub(super) fn collect(
        root: &'a Json,
        schemas: &[&'a Json],
        choose: &mut dyn FnMut(&'a [Json]) -> usize,
    ) -> Self {
        let mut parts = Self { open: 1 < schemas.len(), ..Self::default() };
        for schema in schemas {
            parts.add(root, schema, choose, 0);
        }
        parts
    }

    fn add(
        &mut self,
        root: &'a Json,
        schema: &'a Json,
        choose: &mut dyn FnMut(&'a [Json]) -> usize,
        hops: usize,
    ) {
        let members = match schema {
            Json::Object(members) => members,
            Json::Bool(false) => {
                self.impossible = true;
                return;
            }
            _ => return,
        };
        // A part twice is a circle of references.
        let known = self.all.iter().any(|part| std::ptr::eq(*part, members));
        if known || MOST_PARTS <= self.all.len() || MOST_HOPS < hops {
            return;
        }
        self.all.push(members);
        self.open |= OPEN.iter().any(|key| members.contains_key(*key));
        if let Some(target) = reference(root, members) {
            self.add(root, target, choose, hops + 1);
        }
        for part in list(members, "allOf") {
            self.add(root, part, choose, hops + 1);
        }
        for key in ["anyOf", "oneOf"] {
            let branches = list(members, key);
            if !branches.is_empty()
                && let Some(branch) = branches.get(choose(branches))
            {
                self.add(root, branch, choose, hops + 1);
            }
        }
    }

    /// Every value that the parts give a keyword.
    pub(super) fn each(&self, key: &'static str) -> impl Iterator<Item = &'a Json> {
        self.all.iter().filter_map(move |part| part.get(key))
    }

    pub(super) fn any(&self, keys: &[&str]) -> bool {
        self.all.iter().any(|part| keys.iter().any(|key| part.contains_key(*key)))
    }

    /// The greatest lower bound of a count.
    pub(super) fn at_least(&self, key: &'static str) -> usize {
        self.each(key).filter_map(Json::as_count).max().unwrap_or(0)
    }

    /// The least upper bound of a count.
    pub(super) fn at_most(&self, key: &'static str) -> Option<usize> {
        self.each(key).filter_map(Json::as_count).min()
    }

    /// The types that all parts allow; all of them when none says.
    pub(super) fn types(&self) -> Types {
        self.each("type").fold(Types::ANY, |types, stated| types.and(Types::read(stated)))
    }

    /// What a property's value must be.
    pub(super) fn of_property(&self, name: &str) -> Vec<&'a Json> {
        let mut schemas = Vec::new();
        for part in &self.all {
            let mut named = false;
            if let Some(schema) = part.get("properties").and_then(|all| all.get(name)) {
                schemas.push(schema);
                named = true;
            }
            for (pattern, schema) in members_of(part, "patternProperties") {
                if super::pattern::matches(pattern, name) {
                    schemas.push(schema);
                    named = true;
                }
            }
            if !named && let Some(schema) = part.get("additionalProperties") {
                schemas.push(schema);
            }
        }
        schemas
    }

    /// What the item at `index` must be.
    pub(super) fn of_item(&self, index: usize) -> Vec<&'a Json> {
        let of_part = |part: &&'a Members| match (tuple(part).get(index), part.get("items")) {
            (Some(schema), _) => Some(schema),
            // Draft 7 writes the tuple as `items`.
            (None, Some(Json::Array(_))) => part.get("additionalItems"),
            (None, items) => items,
        };
        self.all.iter().filter_map(of_part).collect()
    }

    /// The length of the longest tuple.
    pub(super) fn tuple_length(&self) -> usize {
        self.all.iter().map(|part| tuple(part).len()).max().unwrap_or(0)
    }
}

/// The schemas of an array's first items.
pub(super) fn tuple(part: &Members) -> &[Json] {
    match (part.get("prefixItems"), part.get("items")) {
        (Some(Json::Array(items)), _) | (None, Some(Json::Array(items))) => items,
        _ => &[],
    }
}

/// The schemas of `anyOf` and its like; none when it is no list.
pub(super) fn list<'a>(part: &'a Members, key: &str) -> &'a [Json] {
    part.get(key).and_then(Json::as_array).unwrap_or_default()
}

/// The members of `properties` and its like.
pub(super) fn members_of<'a>(
    part: &'a Members,
    key: &str,
) -> impl Iterator<Item = (&'a str, &'a Json)> {
    let members = part.get(key).and_then(Json::as_object);
    members.into_iter().flatten().map(|(name, schema)| (name.as_str(), schema))
}

/// The names in `required` and its like.
pub(super) fn names<'a>(part: &'a Members, key: &str) -> impl Iterator<Item = &'a str> {
    list(part, key).iter().filter_map(Json::as_str)
}

/// What a part's `$ref` points to in this document: `#`, `#/$defs/…`.
pub(super) fn reference<'a>(root: &'a Json, part: &'a Members) -> Option<&'a Json> {
    let pointer = part.get("$ref")?.as_str()?.strip_prefix('#')?;
    resolve(root, pointer)
}

/// A JSON pointer's target.
pub(super) fn resolve<'a>(root: &'a Json, pointer: &str) -> Option<&'a Json> {
    if pointer.is_empty() {
        return Some(root);
    }
    pointer.strip_prefix('/')?.split('/').try_fold(root, |at, token| {
        let token = token.replace("~1", "/").replace("~0", "~");
        match at {
            Json::Object(members) => members.get(&token),
            Json::Array(items) => items.get(token.parse::<usize>().ok()?),
            _ => None,
        }
    })
}

/// A set of JSON types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Types(u8);

impl Types {
    pub(super) const NULL: Types = Types(1);
    pub(super) const BOOLEAN: Types = Types(2);
    pub(super) const INTEGER: Types = Types(4);
    /// Numbers with a fraction.
    const FRACTION: Types = Types(8);
    pub(super) const NUMBER: Types = Types(4 | 8);
    pub(super) const STRING: Types = Types(16);
    pub(super) const ARRAY: Types = Types(32);
    pub(super) const OBJECT: Types = Types(64);
    pub(super) const ANY: Types = Types(127);

    pub(super) fn read(stated: &Json) -> Self {
        match stated {
            Json::String(name) => Self::named(name).unwrap_or(Types(0)),
            Json::Array(names) => names
                .iter()
                .filter_map(|name| Self::named(name.as_str()?))
                .fold(Types(0), |types, named| Types(types.0 | named.0)),
            _ => Types::ANY,
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "null" => Types::NULL,
            "boolean" => Types::BOOLEAN,
            "integer" => Types::INTEGER,
            "number" => Types::NUMBER,
            "string" => Types::STRING,
            "array" => Types::ARRAY,
            "object" => Types::OBJECT,
            _ => return None,
        })
    }

    pub(super) fn of(value: &Json) -> Self {
        match value {
            Json::Null => Types::NULL,
            Json::Bool(_) => Types::BOOLEAN,
            Json::Number(number) if number.is_f64() => match number.as_f64() {
                Some(value) if value.fract() == 0.0 => Types::INTEGER,
                _ => Types::FRACTION,
            },
            Json::Number(_) => Types::INTEGER,
            Json::String(_) => Types::STRING,
            Json::Array(_) => Types::ARRAY,
            Json::Object(_) => Types::OBJECT,
        }
    }

    pub(super) fn and(self, other: Self) -> Self {
        Types(self.0 & other.0)
    }

    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}
