//! Enumerations and `StringComparer`.

use super::objects::{EnumValue, Object};
use super::{Entry, TypeDef, find};
use crate::expr::value::Value;

pub(super) const TYPES: &[TypeDef] = &[
    TypeDef::new("System", "StringComparison").values(&[
        ("CurrentCulture", 0),
        ("CurrentCultureIgnoreCase", 1),
        ("InvariantCulture", 2),
        ("InvariantCultureIgnoreCase", 3),
        ("Ordinal", 4),
        ("OrdinalIgnoreCase", 5),
    ]),
    TypeDef::new("System", "StringSplitOptions").values(&[
        ("None", 0),
        ("RemoveEmptyEntries", 1),
        ("TrimEntries", 2),
    ]),
    TypeDef::new("System", "DateTimeKind").values(&[("Unspecified", 0), ("Utc", 1), ("Local", 2)]),
    TypeDef::new("System", "DayOfWeek").values(&[
        ("Sunday", 0),
        ("Monday", 1),
        ("Tuesday", 2),
        ("Wednesday", 3),
        ("Thursday", 4),
        ("Friday", 5),
        ("Saturday", 6),
    ]),
    TypeDef::new("Newtonsoft.Json", "Formatting").values(&[("None", 0), ("Indented", 1)]),
    TypeDef::new("Newtonsoft.Json.Linq", "JTokenType").values(&[
        ("None", 0),
        ("Object", 1),
        ("Array", 2),
        ("Constructor", 3),
        ("Property", 4),
        ("Comment", 5),
        ("Integer", 6),
        ("Float", 7),
        ("String", 8),
        ("Boolean", 9),
        ("Null", 10),
        ("Undefined", 11),
        ("Date", 12),
        ("Raw", 13),
        ("Bytes", 14),
        ("Guid", 15),
        ("Uri", 16),
        ("TimeSpan", 17),
    ]),
    TypeDef::new("System.Text.RegularExpressions", "RegexOptions").values(&[
        ("None", 0),
        ("IgnoreCase", 1),
        ("Multiline", 2),
        ("ExplicitCapture", 4),
        ("Compiled", 8),
        ("Singleline", 16),
        ("IgnorePatternWhitespace", 32),
        ("CultureInvariant", 512),
    ]),
    TypeDef::new("System", "StringComparer").members(&[
        Entry("static StringComparer OrdinalIgnoreCase", |_| Ok(comparer(true))),
        Entry("static StringComparer InvariantCultureIgnoreCase", |_| Ok(comparer(true))),
        Entry("static StringComparer CurrentCultureIgnoreCase", |_| Ok(comparer(true))),
        Entry("static StringComparer Ordinal", |_| Ok(comparer(false))),
        Entry("static StringComparer InvariantCulture", |_| Ok(comparer(false))),
    ]),
];

fn comparer(ignore_case: bool) -> Value {
    Value::Object(Object::Comparer(ignore_case))
}

/// A member by name.
pub(super) fn member(of: &str, name: &str) -> Value {
    let number = find(of)
        .and_then(|def| def.values.iter().find(|(own, _)| *own == name))
        .map_or(0, |(_, number)| *number);
    numbered(of, number)
}

/// A member by number.
pub(super) fn numbered(of: &str, number: i32) -> Value {
    find(of).map_or(Value::Int(number), |of| Value::Enum(EnumValue { of, number }))
}
