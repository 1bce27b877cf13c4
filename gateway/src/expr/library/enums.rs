//! Enumerations and `StringComparer`.

use super::objects::{EnumValue, Object};
use super::{Call, Entry, TypeDef, find};
use crate::expr::exception::Exception;
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
    TypeDef::new("System", "MidpointRounding").values(&[("ToEven", 0), ("AwayFromZero", 1)]),
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
    TypeDef::new("System", "Enum").members(&[
        Entry("static object Parse(Type enumType, string value, bool ignoreCase = false)", |c| {
            let (name, text) = (c.arg(0).to_text(), c.str(1, "value")?);
            let of = super::find(name.rsplit('.').next().unwrap_or_default())
                .filter(|def| !def.values.is_empty())
                .ok_or_else(|| Exception::argument("Type provided must be an Enum."))?;
            parse(of, &text, c.bool(2)).ok_or_else(|| {
                Exception::argument(format!("Requested value '{text}' was not found."))
            })
        }),
        Entry("static bool TryParse<T>(string value, out T result)", |c| {
            let parsed = try_parse(c, false)?;
            let default = crate::expr::check::default_of(&c.type_arg(0));
            Ok(c.out(1, parsed, default))
        }),
        Entry("static bool TryParse<T>(string value, bool ignoreCase, out T result)", |c| {
            let parsed = try_parse(c, c.bool(1))?;
            let default = crate::expr::check::default_of(&c.type_arg(0));
            Ok(c.out(2, parsed, default))
        }),
        Entry("static string GetName(Type enumType, object value)", |c| {
            let name = c.arg(0).to_text();
            let number = match c.arg(1) {
                Value::Enum(value) => i64::from(value.number),
                other => other.to_integer().unwrap_or(i64::MIN),
            };
            let of = super::find(name.rsplit('.').next().unwrap_or_default());
            let found = of.and_then(|of| {
                of.values.iter().find(|(_, own)| i64::from(*own) == number).map(|(name, _)| *name)
            });
            Ok(found.map_or(Value::Null, Value::from))
        }),
    ]),
    TypeDef::new("System", "StringComparer").members(&[
        Entry("static StringComparer OrdinalIgnoreCase", |_| Ok(comparer(true))),
        Entry("static StringComparer InvariantCultureIgnoreCase", |_| Ok(comparer(true))),
        Entry("static StringComparer CurrentCultureIgnoreCase", |_| Ok(comparer(true))),
        Entry("static StringComparer Ordinal", |_| Ok(comparer(false))),
        Entry("static StringComparer InvariantCulture", |_| Ok(comparer(false))),
    ]),
];

fn try_parse(c: &Call<'_, '_>, ignore_case: bool) -> Result<Option<Value>, Exception> {
    let of = super::find(c.type_arg(0).name()).filter(|def| !def.values.is_empty());
    let Some(of) = of else {
        return Err(Exception::argument("Type provided must be an Enum."));
    };
    Ok(c.opt_str(0).and_then(|text| parse(of, &text, ignore_case)))
}

/// Names joined by commas, or a number.
fn parse(of: &'static TypeDef, text: &str, ignore_case: bool) -> Option<Value> {
    let mut number = 0;
    for part in text.split(',') {
        let part = part.trim();
        number |= match part.parse::<i32>() {
            Ok(number) => number,
            Err(_) => {
                let named =
                    |name: &&str| *name == part || (ignore_case && name.eq_ignore_ascii_case(part));
                of.values.iter().find(|(name, _)| named(name))?.1
            }
        };
    }
    Some(Value::Enum(EnumValue { of, number }))
}

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
