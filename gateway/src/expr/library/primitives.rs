//! `bool`, `char`, the whole and binary numbers, `Guid`, arrays.

use rand::Rng as _;

use super::{Call, Entry, TypeDef};
use crate::expr::collection::Collection;
use crate::expr::eval::{bad_guid, change_type, compare_values, parse_bool};
use crate::expr::exception::Exception;
use crate::expr::numbers::{parse_double, parse_guid, parse_integer};
use crate::expr::types::Type;
use crate::expr::value::Value;
use crate::expr::{Culture, Style};

/// A whole type beside `int` and `long`.
macro_rules! whole_type {
    ($name:literal, $word:literal, $own:ty, $value:ident) => {
        TypeDef::new("System", $name).members(&[
            Entry(concat!("static ", $word, " MaxValue"), |_| Ok(Value::$value(<$own>::MAX))),
            Entry(concat!("static ", $word, " MinValue"), |_| Ok(Value::$value(<$own>::MIN))),
            Entry(concat!("static ", $word, " Parse(string s)"), |c| {
                parse_to(c, &Type::named($name))
            }),
            Entry(concat!("static bool TryParse(string s, out ", $word, " result)"), |c| {
                let parsed = try_parse(c, &Type::named($name));
                Ok(c.out(1, parsed, Value::$value(0)))
            }),
            Entry("string ToString(string format)", formatted),
            Entry(concat!("int CompareTo(", $word, " value)"), compare_to),
        ])
    };
}

pub(super) const TYPES: &[TypeDef] = &[
    TypeDef::new("System", "Boolean").members(&[
        Entry("static bool Parse(string value)", |c| parse_bool(&c.str(0, "value")?)),
        Entry("static bool TryParse(string value, out bool result)", |c| {
            let parsed = c.opt_str(0).and_then(|text| parse_bool(&text).ok());
            Ok(c.out(1, parsed, Value::Bool(false)))
        }),
        Entry("static string TrueString", |_| Ok(Value::from("True"))),
        Entry("static string FalseString", |_| Ok(Value::from("False"))),
    ]),
    whole_type!("SByte", "sbyte", i8, SByte),
    whole_type!("Byte", "byte", u8, Byte),
    whole_type!("Int16", "short", i16, Short),
    whole_type!("UInt16", "ushort", u16, UShort),
    whole_type!("UInt32", "uint", u32, UInt),
    whole_type!("UInt64", "ulong", u64, ULong),
    TypeDef::new("System", "Int32").members(&[
        Entry("static int MaxValue", |_| Ok(Value::Int(i32::MAX))),
        Entry("static int MinValue", |_| Ok(Value::Int(i32::MIN))),
        Entry("static int Parse(string s)", |c| parse_to(c, &Type::INT)),
        Entry("static bool TryParse(string s, out int result)", |c| {
            let parsed = c
                .opt_str(0)
                .and_then(|text| i32::try_from(parse_integer(&text)?).ok())
                .map(Value::Int);
            Ok(c.out(1, parsed, Value::Int(0)))
        }),
        Entry("string ToString(string format)", formatted),
        Entry("int CompareTo(int value)", compare_to),
        Entry("bool Equals(int obj)", |c| Ok(Value::Bool(c.this.equals(c.arg(0))))),
    ]),
    TypeDef::new("System", "Int64").members(&[
        Entry("static long MaxValue", |_| Ok(Value::Long(i64::MAX))),
        Entry("static long MinValue", |_| Ok(Value::Long(i64::MIN))),
        Entry("static long Parse(string s)", |c| parse_to(c, &Type::LONG)),
        Entry("static bool TryParse(string s, out long result)", |c| {
            let parsed = c
                .opt_str(0)
                .and_then(|text| i64::try_from(parse_integer(&text)?).ok())
                .map(Value::Long);
            Ok(c.out(1, parsed, Value::Long(0)))
        }),
        Entry("string ToString(string format)", formatted),
        Entry("int CompareTo(long value)", compare_to),
    ]),
    TypeDef::new("System", "Double").members(&[
        Entry("static double MaxValue", |_| Ok(Value::Double(f64::MAX))),
        Entry("static double MinValue", |_| Ok(Value::Double(f64::MIN))),
        Entry("static double NaN", |_| Ok(Value::Double(f64::NAN))),
        Entry("static double PositiveInfinity", |_| Ok(Value::Double(f64::INFINITY))),
        Entry("static double NegativeInfinity", |_| Ok(Value::Double(f64::NEG_INFINITY))),
        Entry("static bool IsInfinity(double d)", |c| Ok(Value::Bool(c.double(0).is_infinite()))),
        Entry("static double Parse(string s)", |c| {
            let text = c.str(0, "s")?;
            parse_double(&text).map(Value::Double).ok_or_else(Exception::input_string)
        }),
        Entry("static bool TryParse(string s, out double result)", |c| {
            let parsed = c.opt_str(0).and_then(|text| parse_double(&text)).map(Value::Double);
            Ok(c.out(1, parsed, Value::Double(0.0)))
        }),
        Entry("static bool IsNaN(double d)", |c| Ok(Value::Bool(c.double(0).is_nan()))),
        Entry("string ToString(string format)", formatted),
        Entry("int CompareTo(double value)", compare_to),
    ]),
    TypeDef::new("System", "Single").members(&[
        Entry("static float MaxValue", |_| Ok(Value::Float(f32::MAX))),
        Entry("static float MinValue", |_| Ok(Value::Float(f32::MIN))),
        Entry("static float NaN", |_| Ok(Value::Float(f32::NAN))),
        Entry("static float Parse(string s)", |c| parse_to(c, &Type::named("Single"))),
        Entry("static bool TryParse(string s, out float result)", |c| {
            let parsed = try_parse(c, &Type::named("Single"));
            Ok(c.out(1, parsed, Value::Float(0.0)))
        }),
        Entry("static bool IsNaN(float f)", |c| Ok(Value::Bool(c.double(0).is_nan()))),
        Entry("string ToString(string format)", formatted),
        Entry("int CompareTo(float value)", compare_to),
    ]),
    TypeDef::new("System", "Char").members(&[
        Entry("static char Parse(string s)", |c| parse_to(c, &Type::CHAR)),
        Entry("static double GetNumericValue(char c)", |c| {
            let digit = c.arg(0).to_text().chars().next().and_then(|c| c.to_digit(10));
            Ok(Value::Double(digit.map_or(-1.0, f64::from)))
        }),
        Entry("static bool IsDigit(char c)", |c| is(c, |c| c.is_numeric())),
        Entry("static bool IsLetter(char c)", |c| is(c, char::is_alphabetic)),
        Entry("static bool IsLetterOrDigit(char c)", |c| is(c, char::is_alphanumeric)),
        Entry("static bool IsWhiteSpace(char c)", |c| is(c, char::is_whitespace)),
        Entry("static bool IsUpper(char c)", |c| is(c, char::is_uppercase)),
        Entry("static bool IsLower(char c)", |c| is(c, char::is_lowercase)),
        Entry("static bool IsPunctuation(char c)", |c| is(c, |c| c.is_ascii_punctuation())),
        Entry("static char ToLower(char c)", |c| recase(c, str::to_lowercase)),
        Entry("static char ToLowerInvariant(char c)", |c| recase(c, str::to_lowercase)),
        Entry("static char ToUpper(char c)", |c| recase(c, str::to_uppercase)),
        Entry("static char ToUpperInvariant(char c)", |c| recase(c, str::to_uppercase)),
    ]),
    TypeDef::new("System", "Guid").members(&[
        Entry("static Guid NewGuid()", |c| {
            // Version 4, variant 1.
            let random = u128::from(c.vm.context.random.next_u64()) << 64
                | u128::from(c.vm.context.random.next_u64());
            let version = (random & !(0xf << 76)) | (4 << 76);
            Ok(Value::Guid((version & !(3 << 62)) | (2 << 62)))
        }),
        Entry("static Guid Empty", |_| Ok(Value::Guid(0))),
        Entry("new(string g)", |c| guid(&c.str(0, "g")?)),
        Entry("static Guid Parse(string input)", |c| guid(&c.str(0, "input")?)),
        Entry("static bool TryParse(string input, out Guid result)", |c| {
            let parsed = c.opt_str(0).and_then(|text| parse_guid(&text)).map(Value::Guid);
            Ok(c.out(1, parsed, Value::Guid(0)))
        }),
        Entry("string ToString(string format)", formatted),
        Entry("byte[] ToByteArray()", |c| {
            let Value::Guid(guid) = c.this else { return Ok(Value::Null) };
            let mut bytes = guid.to_be_bytes();
            // The first three parts are little-endian.
            bytes[0..4].reverse();
            bytes[4..6].reverse();
            bytes[6..8].reverse();
            Ok(Value::Bytes(bytes.to_vec().into()))
        }),
    ]),
    TypeDef::new("System", "Array").generic(&["T"]).bases(&["IEnumerable<T>", "object"]).members(
        &[
            Entry("int Length", super::collections::count),
            Entry("T this[int index]", super::collections::item),
            Entry("set T this[int index]", super::collections::set_item),
            Entry("static int IndexOf<U>(U[] array, U value)", |c| {
                let items = c.items(0, "array")?;
                let found = items.iter().position(|item| item.equals(c.arg(1)));
                Ok(Value::Int(found.and_then(|at| i32::try_from(at).ok()).unwrap_or(-1)))
            }),
            Entry("static bool Exists<U>(U[] array, Func<U, bool> match)", |c| {
                let items = c.items(0, "array")?;
                for item in items {
                    if c.test(1, &[item])? {
                        return Ok(Value::Bool(true));
                    }
                }
                Ok(Value::Bool(false))
            }),
            Entry("static U[] Empty<U>()", |c| Ok(Collection::array(c.type_arg(0), Vec::new()))),
            Entry("static void Reverse<U>(U[] array)", |c| {
                if let Value::Collection(items) = c.arg(0).clone() {
                    c.vm.items(items.len())?;
                }
                if let Value::Collection(items) = c.arg(0)
                    && let crate::expr::collection::Items::Sequence(items) = &mut *items.lock()
                {
                    items.reverse();
                }
                Ok(Value::Null)
            }),
        ],
    ),
];

impl Call<'_, '_> {
    /// `TryParse`: sets the `out` argument and answers.
    pub(super) fn out(&mut self, index: usize, parsed: Option<Value>, default: Value) -> Value {
        let found = parsed.is_some();
        if let Some(place) = self.args.get_mut(index) {
            *place = parsed.unwrap_or(default);
        }
        Value::Bool(found)
    }
}

/// `ToString(format)`.
pub(super) fn formatted(c: &mut Call<'_, '_>) -> Result<Value, Exception> {
    let format = c.opt_str(0);
    // A culture that is given is the one; see `CultureInfo`.
    let culture = match c.opt_str(1).as_deref() {
        Some(AMERICAN) => Culture::EnUs,
        Some(_) => Culture::Invariant,
        None => c.vm.style.culture,
    };
    let style = Style { culture, ..c.vm.style };
    let text = crate::expr::eval::format_as(&c.this, format.as_deref(), style)?;
    c.give(text)
}

/// What a `CultureInfo` of the United States holds; the other one is invariant.
pub(super) const AMERICAN: &str = "en-US";

/// `CompareTo`.
pub(super) fn compare_to(c: &mut Call<'_, '_>) -> Result<Value, Exception> {
    match compare_values(&c.this, c.arg(0)) {
        Some(order) => Ok(Value::Int(order as i32)),
        None => Err(Exception::argument("Object must be of the same type.")),
    }
}

fn parse_to(c: &mut Call<'_, '_>, to: &Type) -> Result<Value, Exception> {
    let text = c.str(0, "s")?;
    change_type(&Value::String(text), to)
}

/// The argument as a number of this type.
fn try_parse(c: &Call<'_, '_>, to: &Type) -> Option<Value> {
    change_type(&Value::String(c.opt_str(0)?), to).ok()
}

fn guid(text: &str) -> Result<Value, Exception> {
    parse_guid(text).map(Value::Guid).ok_or_else(bad_guid)
}

fn is(c: &mut Call<'_, '_>, test: fn(char) -> bool) -> Result<Value, Exception> {
    let text = c.arg(0).to_text();
    Ok(Value::Bool(text.chars().next().is_some_and(test)))
}

fn recase(c: &mut Call<'_, '_>, change: fn(&str) -> String) -> Result<Value, Exception> {
    let text = change(&c.arg(0).to_text());
    let mut units = text.encode_utf16();
    // A letter whose other case is two letters stays.
    match (units.next(), units.next()) {
        (Some(unit), None) => Ok(Value::Char(unit)),
        _ => Ok(c.arg(0).clone()),
    }
}
