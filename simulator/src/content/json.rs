//! JSON that keeps the order of its keys. Structured answers have the order of
//! their schema, as the service documents, and `serde_json`'s map sorts.

use std::fmt;

use indexmap::IndexMap;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Number;

/// The members of an object, in order.
pub(crate) type Members = IndexMap<String, Json>;

/// A JSON value. Reading one is bounded in depth by `serde_json`.
#[derive(Debug, Clone)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Json>),
    Object(Members),
}

impl Json {
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Json::String(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_array(&self) -> Option<&[Json]> {
        match self {
            Json::Array(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn as_object(&self) -> Option<&Members> {
        match self {
            Json::Object(members) => Some(members),
            _ => None,
        }
    }

    pub(crate) fn as_f64(&self) -> Option<f64> {
        match self {
            Json::Number(number) => number.as_f64(),
            _ => None,
        }
    }

    /// A count: a whole number from zero on, also when written `3.0`.
    pub(crate) fn as_count(&self) -> Option<usize> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to be whole and not negative; saturates"
        )]
        let whole = |value: f64| (0.0 <= value && value.fract() == 0.0).then_some(value as usize);
        match self {
            Json::Number(number) => match number.as_u64() {
                Some(count) => usize::try_from(count).ok(),
                None => number.as_f64().and_then(whole),
            },
            _ => None,
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Json> {
        self.as_object()?.get(key)
    }

    /// One line without spaces, as single tool calls and structured answers are.
    pub(crate) fn compact(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// One line with a space after each comma and colon, as the arguments of
    /// parallel tool calls are (public recordings of gpt-4o, 2024-25).
    pub(crate) fn spaced(&self) -> String {
        let mut out = Vec::new();
        let mut serializer = serde_json::Serializer::with_formatter(&mut out, Spaced);
        match self.serialize(&mut serializer) {
            Ok(()) => String::from_utf8(out).unwrap_or_default(),
            Err(_) => String::new(),
        }
    }
}

/// The members of a JSON object's text that have one of these names, their own
/// keys in order; none when the text is no object.
pub(crate) fn members_of(text: &[u8], keys: &[&str]) -> Members {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    deserializer.deserialize_map(Selected(keys)).unwrap_or_default()
}

struct Selected<'k>(&'k [&'k str]);

impl<'de> Visitor<'de> for Selected<'_> {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Members, A::Error> {
        let mut members = Members::new();
        while let Some(key) = access.next_key::<String>()? {
            if self.0.contains(&key.as_str()) {
                members.insert(key, access.next_value()?);
            } else {
                access.next_value::<IgnoredAny>()?;
            }
        }
        Ok(members)
    }
}

/// Equality as JSON schema means it: 1 is 1.0, and the order of keys is nothing.
impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Json::Null, Json::Null) => true,
            (Json::Bool(a), Json::Bool(b)) => a == b,
            (Json::Number(a), Json::Number(b)) => a == b || a.as_f64() == b.as_f64(),
            (Json::String(a), Json::String(b)) => a == b,
            (Json::Array(a), Json::Array(b)) => a == b,
            (Json::Object(a), Json::Object(b)) => a == b,
            _ => false,
        }
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Json::Null => serializer.serialize_unit(),
            Json::Bool(value) => serializer.serialize_bool(*value),
            Json::Number(number) => number.serialize(serializer),
            Json::String(text) => serializer.serialize_str(text),
            Json::Array(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Json::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (key, value) in members {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyJson)
    }
}

struct AnyJson;

impl<'de> Visitor<'de> for AnyJson {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Number::from_f64(value).map_or(Json::Null, Json::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut members = Members::new();
        while let Some((key, value)) = access.next_entry()? {
            members.insert(key, value);
        }
        Ok(Json::Object(members))
    }
}

struct Spaced;

impl serde_json::ser::Formatter for Spaced {
    fn begin_array_value<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
    ) -> std::io::Result<()> {
        writer.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_and_makes_no_difference() {
        let text = r#"{"z":[1,2.5,null,true],"a":{"y":"\"","b":-3}}"#;
        let json: Json = serde_json::from_str(text).unwrap();
        assert_eq!(json.compact(), text);
        assert_eq!(json.spaced(), r#"{"z": [1, 2.5, null, true], "a": {"y": "\"", "b": -3}}"#);
        let other: Json =
            serde_json::from_str(r#"{"a":{"b":-3.0,"y":"\""},"z":[1.0,2.5,null,true]}"#).unwrap();
        assert_eq!(json, other);
        assert_eq!(json.get("z").and_then(Json::as_array).map(<[Json]>::len), Some(4));
    }

    #[test]
    fn some_members_are_read_and_others_passed_over() {
        let text = br#"{"a":{"z":1,"b":2},"skip":[{"a":1}],"c":3,"a":{"y":1,"x":2}}"#;
        let members = members_of(text, &["a", "missing"]);
        assert_eq!(Json::Object(members).compact(), r#"{"a":{"y":1,"x":2}}"#);
        assert!(members_of(b"[1]", &["a"]).is_empty());
        assert!(members_of(b"{", &["a"]).is_empty());
    }

    #[test]
    fn counts_are_whole() {
        let count = |text: &str| serde_json::from_str::<Json>(text).unwrap().as_count();
        assert_eq!(
            [count("3"), count("3.0"), count("3.5"), count("-1"), count("\"3\"")],
            [Some(3), Some(3), None, None, None]
        );
    }

    #[test]
    fn deep_json_is_refused_not_followed() {
        let deep = "[".repeat(100_000);
        assert!(serde_json::from_str::<Json>(&deep).is_err());
    }
}
