//! Conversions at run time: casts, unboxing, and `Convert.ChangeType`.

use crate::expr::collection::{Kind, MAX_ITEMS};
use crate::expr::dates::{DateKind, DateTimeOffset, parse_date, parse_span};
use crate::expr::decimal;
use crate::expr::exception::Exception;
use crate::expr::ir::Mode;
use crate::expr::json::Node;
use crate::expr::library;
use crate::expr::library::objects::{EnumValue, Object};
use crate::expr::numbers::{self, Number};
use crate::expr::numeric::Numeric;
use crate::expr::types::Type;
use crate::expr::value::Value;

/// Whether `value is T`.
pub(crate) fn is_instance(value: &Value, ty: &Type) -> bool {
    if matches!(value, Value::Null) {
        return false;
    }
    let ty = ty.without_null();
    if ty.is_unknown() || ty.is_object() {
        return true;
    }
    let own = value.type_of();
    match (own.name(), ty.name()) {
        ("Array", "Array") => {
            let (own, wanted) = (own.argument(0), ty.argument(0));
            own == wanted
                || own.is_unknown()
                || wanted.is_unknown()
                || (!own.is_value_type() && library::implicit_cost(&own, &wanted).is_some())
        }
        (own, "Func") => own == "Func",
        // What an anonymous or unknown sequence holds was never written down.
        (own, wanted) => library::derives(own, wanted),
    }
}

/// Converts a value, or says with .NET's exception why not.
pub(crate) fn convert(value: &Value, to: &Type, mode: Mode) -> Result<Value, Exception> {
    if to.is_unknown() || to.is_object() || *to == Type::Null || *to == Type::Void {
        return Ok(value.clone());
    }
    if matches!(value, Value::Null) {
        return match (to.is_value_type() && to.underlying().is_none(), mode) {
            (false, _) => Ok(Value::Null),
            (true, Mode::Explicit) => Err(Exception::argument_null("value")),
            (true, _) => Err(Exception::null_reference()),
        };
    }
    let to = to.without_null();
    if is_instance(value, to) {
        return Ok(value.clone());
    }
    if let Value::Json(node) = value
        && matches!(mode, Mode::Explicit | Mode::Dynamic)
        && !to.is_json()
    {
        return from_token(node, to);
    }
    if let Value::Object(Object::Xml(xml)) = value
        && matches!(mode, Mode::Explicit | Mode::Dynamic)
        && let Some(text) = xml.content()
    {
        let text = if to.is_string() { &text } else { text.trim() };
        return change_type(&Value::from(text), to);
    }
    if mode == Mode::Unbox {
        return Err(refused(value, to));
    }
    match (to.name(), value) {
        ("XName", Value::String(text)) => library::xml::name_of(text),
        ("XNamespace", Value::String(text)) => Ok(library::xml::namespace_of(text)),
        ("JToken" | "JValue", value) => to_token(value).map(Value::Json),
        ("DateTimeOffset", Value::DateTime(date)) => {
            Ok(Value::DateTimeOffset(DateTimeOffset { ticks: date.ticks, offset_minutes: 0 }))
        }
        (name, Value::Enum(value)) if to.numeric().is_some() && name != "Char" => {
            numeric(Number::Int(value.number), to)
        }
        (name, value) => match value.as_number() {
            Some(number) if to.numeric().is_some() => numeric(number, to),
            Some(Number::Int(number)) if library::is_enum(name) => match library::find(name) {
                Some(of) => Ok(Value::Enum(EnumValue { of, number })),
                None => Err(refused(value, to)),
            },
            _ => Err(refused(value, to)),
        },
    }
}

/// The two texts of a failed cast: value types only say that it is not valid.
fn refused(value: &Value, to: &Type) -> Exception {
    if value.type_of().is_value_type() && to.is_value_type() {
        return Exception::new("System.InvalidCastException", "Specified cast is not valid.");
    }
    Exception::invalid_cast(&value.type_name(), &to.full_name())
}

/// A cast between numbers: unchecked, but for decimals.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "C#'s unchecked casts wrap and truncate"
)]
fn numeric(number: Number, to: &Type) -> Result<Value, Exception> {
    let Some(kind) = to.numeric() else {
        return Err(Exception::unsupported(format!("a conversion to {to}")));
    };
    if let (Number::Decimal(_), true) = (number, kind.is_whole()) {
        return narrow(number.truncated(), kind);
    }
    // Of a real number out of range a long is made first, as the usual
    // processor does; what C# leaves open.
    let whole = || match number {
        Number::Float(_) | Number::Double(_) => i128::from(number.as_double() as i64),
        other => other.truncated(),
    };
    Ok(match kind {
        Numeric::Decimal => Value::Decimal(match number {
            Number::Float(n) => decimal::from_double(f64::from(n), 7)?,
            Number::Double(n) => decimal::from_double(n, 15)?,
            other => other.as_decimal().ok_or_else(decimal::too_large)?,
        }),
        Numeric::Double => Value::Double(number.as_double()),
        Numeric::Float => Value::Float(number.as_float()),
        Numeric::Int => Value::Int(match number {
            // Out of range is unspecified in C#; the usual processor gives this.
            Number::Double(n) if !(-2_147_483_649.0 < n && n < 2_147_483_648.0) => i32::MIN,
            _ => whole() as i32,
        }),
        Numeric::UInt => Value::UInt(whole() as u32),
        Numeric::Long => Value::Long(whole() as i64),
        Numeric::ULong => Value::ULong(match number {
            Number::Float(_) | Number::Double(_) => number.truncated() as u64,
            _ => whole() as u64,
        }),
        Numeric::Char => Value::Char(whole() as u16),
        Numeric::UShort => Value::UShort(whole() as u16),
        Numeric::Short => Value::Short(whole() as i16),
        Numeric::Byte => Value::Byte(whole() as u8),
        Numeric::SByte => Value::SByte(whole() as i8),
    })
}

/// A whole number that must fit.
fn narrow(n: i128, kind: Numeric) -> Result<Value, Exception> {
    fn fit<T: TryFrom<i128>>(
        n: i128,
        made: impl Fn(T) -> Value,
        name: &str,
    ) -> Result<Value, Exception> {
        T::try_from(n).map(made).map_err(|_| too_large(name))
    }
    match kind {
        Numeric::SByte => fit(n, Value::SByte, "a signed byte"),
        Numeric::Byte => fit(n, Value::Byte, "an unsigned byte"),
        Numeric::Short => fit(n, Value::Short, "an Int16"),
        Numeric::UShort => fit(n, Value::UShort, "a UInt16"),
        Numeric::Char => fit(n, Value::Char, "a character"),
        Numeric::Int => fit(n, Value::Int, "an Int32"),
        Numeric::UInt => fit(n, Value::UInt, "a UInt32"),
        Numeric::ULong => fit(n, Value::ULong, "a UInt64"),
        _ => fit(n, Value::Long, "an Int64"),
    }
}

/// A cast of a token: `(int)token`.
fn from_token(node: &Node, to: &Type) -> Result<Value, Exception> {
    let Some(scalar) = node.scalar() else {
        if is_instance(&Value::Json(node.clone()), to) {
            return Ok(Value::Json(node.clone()));
        }
        return Err(Exception::argument(format!(
            "Can not convert {} to {}.",
            node.token_type(),
            to.name()
        )));
    };
    if matches!(scalar, Value::Null) {
        if to.is_value_type() {
            return Err(Exception::argument(format!("Can not convert Null to {}.", to.name())));
        }
        return Ok(Value::Null);
    }
    change_type(&scalar, to)
}

/// The token an implicit conversion makes; collections as `JToken.FromObject`.
pub(crate) fn to_token(value: &Value) -> Result<Node, Exception> {
    let mut left = MAX_ITEMS;
    to_token_at(value, 0, &mut left)
}

/// `left` bounds the tokens made: the same list may be in many places.
fn to_token_at(value: &Value, depth: usize, left: &mut usize) -> Result<Node, Exception> {
    if crate::expr::json::MAX_DEPTH <= depth {
        return Err(Exception::limit("nested collections"));
    }
    let tokens = match value {
        Value::Json(node) if 0 < depth => node.count(*left + 1),
        _ => 1,
    };
    *left = left
        .checked_sub(tokens)
        .ok_or_else(|| Exception::limit(format_args!("{MAX_ITEMS} tokens made of a collection")))?;
    match value {
        Value::Json(node) => Ok(node.clone()),
        Value::Collection(items) => match items.kind {
            Kind::Dictionary | Kind::Anonymous => {
                let object = Node::object();
                for (key, value) in items.keys().iter().zip(items.values()) {
                    object.set(&key.to_text(), to_token_at(&value, depth + 1, left)?)?;
                }
                Ok(object)
            }
            Kind::Pair => {
                let object = Node::object();
                for (name, value) in ["Key", "Value"].into_iter().zip(items.items()) {
                    object.set(name, to_token_at(&value, depth + 1, left)?)?;
                }
                Ok(object)
            }
            Kind::Tuple => {
                let object = Node::object();
                for (at, value) in items.items().into_iter().enumerate() {
                    object
                        .set(&format!("Item{}", at + 1), to_token_at(&value, depth + 1, left)?)?;
                }
                Ok(object)
            }
            _ => {
                let array = Node::array();
                for value in items.items() {
                    array.push(to_token_at(&value, depth + 1, left)?)?;
                }
                Ok(array)
            }
        },
        Value::Object(object) => {
            Ok(Node::from_scalar(Value::from(object.to_text(crate::expr::Style::default()))))
        }
        Value::Lambda(_) | Value::Host(_) | Value::Exception(_) => Err(Exception::argument(
            format!("Could not determine JSON object type for type {}.", value.type_name()),
        )),
        scalar => Ok(Node::from_scalar(scalar.clone())),
    }
}

/// `Convert.ChangeType`, invariant culture.
pub(crate) fn change_type(value: &Value, to: &Type) -> Result<Value, Exception> {
    if let Value::Json(node) = value
        && !to.is_json()
        && !to.is_object()
    {
        return from_token(node, to);
    }
    if to.is_unknown() || to.is_object() {
        return Ok(value.clone());
    }
    if let (Value::Null, true) = (value, to.is_value_type()) {
        return if to.underlying().is_some() {
            Ok(Value::Null)
        } else {
            Err(Exception::new(
                "System.InvalidCastException",
                "Null object cannot be converted to a value type.",
            ))
        };
    }
    let to = to.without_null();
    if matches!(value, Value::Null) || is_instance(value, to) {
        return Ok(value.clone());
    }
    if let Some(kind) = to.numeric().filter(|kind| kind.is_whole() && *kind != Numeric::Char) {
        return narrow(to_whole(value, to)?, kind);
    }
    match to.name() {
        "String" => Ok(Value::from(value.to_text())),
        "Decimal" => match value {
            Value::String(text) => {
                decimal::parse(text).map(Value::Decimal).ok_or_else(Exception::input_string)
            }
            Value::Bool(b) => Ok(Value::Decimal(i32::from(*b).into())),
            other => match other.as_number() {
                Some(n) => numeric(n, to),
                None => Err(refused(value, to)),
            },
        },
        "Single" => match change_type(value, &Type::DOUBLE)? {
            Value::Double(n) => numeric(Number::Double(n), to),
            other => Ok(other),
        },
        "Double" => match value {
            Value::String(text) => {
                numbers::parse_double(text).map(Value::Double).ok_or_else(Exception::input_string)
            }
            Value::Bool(b) => Ok(Value::Double(f64::from(u8::from(*b)))),
            other => match other.as_number() {
                Some(n) => Ok(Value::Double(n.as_double())),
                None => Err(refused(value, to)),
            },
        },
        "Boolean" => match value {
            Value::String(text) => parse_bool(text),
            other => match other.as_number() {
                Some(n) => Ok(Value::Bool(n.as_double() != 0.0)),
                None => Err(refused(value, to)),
            },
        },
        "Char" => match value {
            Value::String(text) => {
                let mut units = text.encode_utf16();
                match (units.next(), units.next()) {
                    (Some(unit), None) => Ok(Value::Char(unit)),
                    _ => Err(Exception::format("String must be exactly one character long.")),
                }
            }
            other => match other.as_number() {
                Some(n) if n.kind().is_whole() => numeric(n, to),
                _ => Err(refused(value, to)),
            },
        },
        "DateTime" => match value {
            Value::String(text) => parse_date(text)
                .and_then(crate::expr::dates::Parsed::to_date_time)
                .map(Value::DateTime)
                .ok_or_else(bad_date),
            Value::DateTimeOffset(date) => {
                crate::expr::dates::DateTime::new(date.utc_ticks(), DateKind::Local)
                    .map(Value::DateTime)
                    .ok_or_else(bad_date)
            }
            _ => Err(refused(value, to)),
        },
        "DateTimeOffset" => match value {
            Value::String(text) => parse_date(text)
                .map(|parsed| {
                    Value::DateTimeOffset(DateTimeOffset {
                        ticks: parsed.ticks,
                        offset_minutes: parsed.offset_minutes.unwrap_or(0),
                    })
                })
                .ok_or_else(bad_date),
            other => convert(other, to, Mode::Implicit),
        },
        "TimeSpan" => match value {
            Value::String(text) => parse_span(text)
                .map(Value::TimeSpan)
                .ok_or_else(|| Exception::format("String was not recognized as a valid TimeSpan.")),
            _ => Err(refused(value, to)),
        },
        "Guid" => match value {
            Value::String(text) => numbers::parse_guid(text).map(Value::Guid).ok_or_else(bad_guid),
            _ => Err(refused(value, to)),
        },
        "Array" if to.argument(0) == Type::BYTE => match value {
            Value::String(text) => library::objects::from_base64(text).map(Value::Bytes),
            _ => Err(refused(value, to)),
        },
        _ => convert(value, to, Mode::Implicit),
    }
}

pub(crate) fn bad_date() -> Exception {
    Exception::format("String was not recognized as a valid DateTime.")
}

pub(crate) fn bad_guid() -> Exception {
    Exception::format(
        "Guid should contain 32 digits with 4 dashes (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx).",
    )
}

pub(crate) fn parse_bool(text: &str) -> Result<Value, Exception> {
    match text.trim() {
        text if text.eq_ignore_ascii_case("true") => Ok(Value::Bool(true)),
        text if text.eq_ignore_ascii_case("false") => Ok(Value::Bool(false)),
        _ => Err(Exception::format("String was not recognized as a valid Boolean.")),
    }
}

pub(crate) fn too_large(what: &str) -> Exception {
    Exception::overflow(format!("Value was either too large or too small for {what}."))
}

/// `Convert.ToInt64` and its like before the range check; halves to even.
#[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
fn to_whole(value: &Value, to: &Type) -> Result<i128, Exception> {
    match value {
        Value::String(text) => numbers::parse_integer(text).ok_or_else(Exception::input_string),
        Value::Bool(b) => Ok(i128::from(*b)),
        Value::Enum(value) => Ok(i128::from(value.number)),
        other => match other.as_number() {
            Some(Number::Float(n)) if n.abs() < 1e19 => Ok(f64::from(n).round_ties_even() as i128),
            Some(Number::Double(n)) if n.abs() < 1e19 => Ok(n.round_ties_even() as i128),
            Some(Number::Float(_) | Number::Double(_)) => {
                Err(too_large(&format!("an {}", to.name())))
            }
            Some(Number::Decimal(n)) => Ok(decimal::to_whole(n.round())),
            Some(n) => Ok(n.truncated()),
            None => Err(refused(value, to)),
        },
    }
}
