//! What the service refuses about a schema before it generates.
//!
//! Texts as the service sends them (public reports of 2024-26). The checks walk
//! the schema from the outside in, and the first fault is the answer.

use std::collections::HashSet;
use std::fmt::Write as _;

use super::super::json::{Json, Members};
use super::parts::{Types, list, members_of, resolve};

/// Levels below the root.
const MOST_LEVELS: usize = 10;
/// Properties of all objects together.
const MOST_PROPERTIES: usize = 5_000;

/// How closely a schema is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// `strict: true`: structured outputs.
    Strict,
    /// A function's parameters without `strict`.
    Function,
    /// A response format without `strict`.
    Loose,
}

/// Keywords that structured outputs do not take.
const NOT_PERMITTED: &[&str] = &[
    "allOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "default",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
    "patternProperties",
    "propertyNames",
    "minProperties",
    "maxProperties",
    "unevaluatedProperties",
    "unevaluatedItems",
    "prefixItems",
    "additionalItems",
    "contains",
    "minContains",
    "maxContains",
    "uniqueItems",
    "minLength",
    "maxLength",
];

/// Formats that structured outputs take.
const FORMATS: &[&str] =
    &["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"];

/// The service's complaint about a schema, as it stands after `Invalid schema for
/// response_format 'NAME': `; `None` when it takes the schema.
pub(crate) fn complaint(schema: &Json, strictness: Strictness) -> Option<String> {
    let Some(root) = schema.as_object() else {
        return Some(format!("{} is not of type 'object', 'boolean'.", python(schema)));
    };
    match root.get("type") {
        Some(Json::String(name)) if name == "object" => {}
        stated => {
            let stated = match stated {
                None => "None".to_owned(),
                Some(Json::String(name)) => name.clone(),
                Some(other) => python(other),
            };
            return Some(format!(
                "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{stated}\"'."
            ));
        }
    }
    let mut check =
        Check { root: schema, strictness, context: Vec::new(), properties: 0, levels: 0 };
    if strictness == Strictness::Strict && root.contains_key("anyOf") {
        return Some(
            "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level."
                .to_owned(),
        );
    }
    if let Err(fault) = check.schema(schema, 0) {
        return Some(fault);
    }
    if strictness == Strictness::Strict {
        if MOST_LEVELS < check.levels {
            return Some(format!(
                "{} levels of nesting exceeds limit of {MOST_LEVELS}.",
                check.levels
            ));
        }
        if MOST_PROPERTIES < check.properties {
            return Some(format!(
                "{} parameters exceeds limit of {MOST_PROPERTIES}.",
                check.properties
            ));
        }
    }
    None
}

struct Check<'a> {
    root: &'a Json,
    strictness: Strictness,
    /// Where we are, as the service names it.
    context: Vec<String>,
    properties: usize,
    levels: usize,
}

impl<'a> Check<'a> {
    fn schema(&mut self, schema: &'a Json, level: usize) -> Result<(), String> {
        let Some(part) = schema.as_object() else { return Ok(()) };
        self.levels = self.levels.max(level);
        self.known_types(part)?;
        if self.strictness == Strictness::Strict {
            self.strictly(part)?;
        }
        let types = part.get("type").map_or(Types::ANY, Types::read);
        let is_array = part.contains_key("type") && types.has(Types::ARRAY);
        if is_array && !part.contains_key("items") && self.strictness != Strictness::Loose {
            return Err(self.fault("array schema missing items."));
        }
        if self.strictness == Strictness::Function
            && self.context.is_empty()
            && !part.contains_key("properties")
        {
            return Err(self.fault("object schema missing properties."));
        }
        self.children(part, level)
    }

    fn children(&mut self, part: &'a Members, level: usize) -> Result<(), String> {
        for (name, schema) in members_of(part, "properties") {
            self.properties += 1;
            self.within(&["properties", name], schema, level + 1)?;
        }
        match part.get("items") {
            Some(items @ Json::Object(_)) => self.within(&["items"], items, level + 1)?,
            Some(Json::Array(items)) => {
                for (index, schema) in items.iter().enumerate() {
                    self.within(&["items", &index.to_string()], schema, level + 1)?;
                }
            }
            _ => {}
        }
        if let Some(schema) = part.get("additionalProperties") {
            self.within(&["additionalProperties"], schema, level + 1)?;
        }
        for key in ["anyOf", "oneOf", "allOf"] {
            for (index, schema) in list(part, key).iter().enumerate() {
                self.within(&[key, &index.to_string()], schema, level)?;
            }
        }
        for key in ["$defs", "definitions"] {
            for (name, schema) in members_of(part, key) {
                self.within(&[key, name], schema, level)?;
            }
        }
        Ok(())
    }

    fn within(&mut self, steps: &[&str], schema: &'a Json, level: usize) -> Result<(), String> {
        let outside = self.context.len();
        self.context.extend(steps.iter().map(|step| (*step).to_owned()));
        let checked = self.schema(schema, level);
        self.context.truncate(outside);
        checked
    }

    fn known_types(&self, part: &Members) -> Result<(), String> {
        let unknown = |name: &Json| match name.as_str() {
            Some(name) => Types::named(name).is_none(),
            None => true,
        };
        let wrong = match part.get("type") {
            None => None,
            Some(value @ Json::Array(names)) => names.iter().any(unknown).then_some(value),
            Some(name) => unknown(name).then_some(name),
        };
        match wrong {
            // This one has no context in front.
            Some(value) => {
                Err(format!("{} is not valid under any of the given schemas.", python(value)))
            }
            None => Ok(()),
        }
    }

    /// What `strict: true` demands at one place.
    fn strictly(&self, part: &Members) -> Result<(), String> {
        if let Some(target) = part.get("$ref") {
            return self.reference(part, target);
        }
        if let Some(keyword) = NOT_PERMITTED.iter().find(|keyword| part.contains_key(**keyword)) {
            return Err(self.fault(&format!("'{keyword}' is not permitted.")));
        }
        let typed = ["type", "anyOf", "enum", "const"].iter().any(|key| part.contains_key(*key));
        if !typed {
            return Err(self.fault("schema must have a 'type' key."));
        }
        let types = part.get("type").map_or(Types::ANY, Types::read);
        if part.contains_key("type") && types.has(Types::OBJECT) {
            self.object(part)?;
        }
        match part.get("format").and_then(Json::as_str) {
            Some(format) if !FORMATS.contains(&format) => {
                Err(self.fault(&format!("'{format}' is not a valid format.")))
            }
            _ => Ok(()),
        }
    }

    fn object(&self, part: &Members) -> Result<(), String> {
        if !matches!(part.get("additionalProperties"), Some(Json::Bool(false))) {
            return Err(
                self.fault("'additionalProperties' is required to be supplied and to be false.")
            );
        }
        let incomplete = |detail: &str| {
            Err(self.fault(&format!(
                "'required' is required to be supplied and to be an array including every key in properties. {detail}"
            )))
        };
        // A set to look names up in, never to iterate.
        let required: HashSet<&str> =
            list(part, "required").iter().filter_map(Json::as_str).collect();
        let missing = members_of(part, "properties").find(|(name, _)| !required.contains(name));
        if let Some((name, _)) = missing {
            return incomplete(&format!("Missing {}.", quoted(name)));
        }
        let properties = part.get("properties").and_then(Json::as_object);
        let known = |name: &str| properties.is_some_and(|all| all.contains_key(name));
        let mut stated = list(part, "required").iter().filter_map(Json::as_str);
        match stated.find(|name| !known(name)) {
            Some(name) => incomplete(&format!("Extra required key {} supplied.", quoted(name))),
            None => Ok(()),
        }
    }

    fn reference(&self, part: &Members, target: &Json) -> Result<(), String> {
        if let Some(keyword) = part.keys().find(|key| *key != "$ref" && *key != "$defs") {
            // The service writes this one with a small letter.
            return Err(format!(
                "context={}, $ref cannot have keywords {{{}}}.",
                self.place(),
                quoted(keyword)
            ));
        }
        let found = target
            .as_str()
            .and_then(|target| target.strip_prefix('#'))
            .and_then(|pointer| resolve(self.root, pointer));
        match found {
            Some(_) => Ok(()),
            None => Err(self.fault(&format!(
                "reference to component {} which was not found in the schema.",
                python(target)
            ))),
        }
    }

    fn fault(&self, text: &str) -> String {
        format!("In context={}, {text}", self.place())
    }

    /// The context as Python writes a tuple.
    fn place(&self) -> String {
        let mut out = "(".to_owned();
        for (index, step) in self.context.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            let _ = write!(out, "{comma}{}", quoted(step));
        }
        if self.context.len() == 1 {
            out.push(',');
        }
        out.push(')');
        out
    }
}

/// A text as Python writes it.
fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

/// A value as Python writes it.
fn python(value: &Json) -> String {
    match value {
        Json::Null => "None".to_owned(),
        Json::Bool(true) => "True".to_owned(),
        Json::Bool(false) => "False".to_owned(),
        Json::Number(number) => number.to_string(),
        Json::String(text) => quoted(text),
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(python).collect();
            format!("[{}]", items.join(", "))
        }
        Json::Object(members) => {
            let pairs =
                members.iter().map(|(key, value)| format!("{}: {}", quoted(key), python(value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
    }
}
