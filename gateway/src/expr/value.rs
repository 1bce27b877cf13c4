//! Values at run time, with .NET's reference semantics where .NET has them.
//!
//! Numbers, texts and dates are plain; collections, JSON tokens and the few
//! library objects are shared, so that a change through one variable is seen
//! through another. [`Value::deep_copy`] cuts that at the cache's border.

use std::sync::Arc;

use bytes::Bytes;
use rust_decimal::Decimal;

use super::Style;
use super::collection::{Collection, Kind};
use super::dates::{DateTime, DateTimeOffset, TimeSpan};
use super::exception::Exception;
use super::ir::Lambda;
use super::json;
use super::library::objects::{EnumValue, Host, Object};
use super::types::Type;

/// A value of the expression language.
#[derive(Clone, Debug)]
pub enum Value {
    /// `null`.
    Null,
    /// `System.Boolean`.
    Bool(bool),
    /// `System.SByte`.
    SByte(i8),
    /// `System.Byte`.
    Byte(u8),
    /// `System.Int16`.
    Short(i16),
    /// `System.UInt16`.
    UShort(u16),
    /// `System.Int32`.
    Int(i32),
    /// `System.UInt32`.
    UInt(u32),
    /// `System.Int64`.
    Long(i64),
    /// `System.UInt64`.
    ULong(u64),
    /// `System.Single`.
    Float(f32),
    /// `System.Double`.
    Double(f64),
    /// `System.Decimal`.
    Decimal(Decimal),
    /// `System.Char`: one UTF-16 unit.
    Char(u16),
    /// `System.String`. Kept as UTF-8; members count UTF-16 units.
    String(Arc<str>),
    /// `System.Byte[]`, immutable here.
    Bytes(Bytes),
    /// `System.DateTime`.
    DateTime(DateTime),
    /// `System.DateTimeOffset`.
    DateTimeOffset(DateTimeOffset),
    /// `System.TimeSpan`.
    TimeSpan(TimeSpan),
    /// `System.Guid`.
    Guid(u128),
    /// A Newtonsoft token: `JObject`, `JArray`, `JValue`, `JProperty`.
    Json(json::Node),
    /// Arrays, lists, dictionaries, sets, sequences, tuples, anonymous objects.
    Collection(Arc<Collection>),
    /// A member of an enumeration.
    Enum(EnumValue),
    /// An exception caught or made by `new`.
    Exception(Arc<Exception>),
    /// A library object: `Random`, `Regex`, `StringBuilder`, …
    Object(Object),
    /// A part of `context`, read when a member is asked for.
    Host(Host),
    /// A function written in the expression; never leaves it.
    Lambda(LambdaValue),
}

/// A function value: opaque outside this language.
#[derive(Clone, Debug)]
pub struct LambdaValue(pub(crate) Arc<Lambda>);

impl Value {
    /// `ToString()` as attributes and text need it: null is empty, booleans
    /// `True`/`False`, JSON indented (specification 5.2) with `\r\n`, as on the
    /// classic gateways.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.to_text_with(Style::default())
    }

    /// The same in another style.
    #[must_use]
    pub fn to_text_with(&self, style: Style) -> String {
        match self {
            Value::Null => String::new(),
            Value::Bool(true) => "True".into(),
            Value::Bool(false) => "False".into(),
            Value::SByte(n) => n.to_string(),
            Value::Byte(n) => n.to_string(),
            Value::Short(n) => n.to_string(),
            Value::UShort(n) => n.to_string(),
            Value::Int(n) => n.to_string(),
            Value::UInt(n) => n.to_string(),
            Value::Long(n) => n.to_string(),
            Value::ULong(n) => n.to_string(),
            Value::Float(n) => super::numbers::float_to_text(*n),
            Value::Double(n) => super::numbers::double_to_text(*n),
            Value::Decimal(n) => n.to_string(),
            Value::Char(unit) => String::from_utf16_lossy(&[*unit]),
            Value::String(text) => text.to_string(),
            Value::Bytes(_) => "System.Byte[]".into(),
            Value::DateTime(date) => date.to_text(style.culture),
            Value::DateTimeOffset(date) => date.to_text(style.culture),
            Value::TimeSpan(span) => span.to_text(),
            Value::Guid(guid) => super::numbers::guid_to_text(*guid),
            Value::Json(node) => node.to_text(style),
            Value::Collection(items) => items.to_text(style),
            Value::Enum(value) => value.to_text(),
            Value::Exception(exception) => exception.to_string(),
            Value::Object(object) => object.to_text(style),
            Value::Host(host) => Type::named(host.type_name()).full_name(),
            Value::Lambda(_) => "System.Func".into(),
        }
    }

    /// A condition: a bool, or a string `true`/`false` in any case.
    #[must_use]
    pub fn to_condition(&self) -> Option<bool> {
        let text = match self {
            Value::Bool(condition) => return Some(*condition),
            Value::String(text) => text.trim().to_owned(),
            Value::Json(node) => node.to_text(Style::default()),
            _ => return None,
        };
        match () {
            () if text.eq_ignore_ascii_case("true") => Some(true),
            () if text.eq_ignore_ascii_case("false") => Some(false),
            () => None,
        }
    }

    /// An integer attribute: an integer, a double without fraction, a numeric string.
    #[must_use]
    pub fn to_integer(&self) -> Option<i64> {
        match self {
            Value::String(text) => text.trim().parse().ok(),
            Value::Json(node) => node.scalar().and_then(|value| value.to_integer()),
            Value::Char(_) => None,
            other => other.as_number()?.as_whole(),
        }
    }

    /// A number attribute: a number, or a text that reads as one.
    #[must_use]
    pub fn to_double(&self) -> Option<f64> {
        let number = match self {
            Value::String(text) => text.trim().parse().ok()?,
            Value::Json(node) => node.scalar()?.to_double()?,
            Value::Char(_) => return None,
            other => other.as_number()?.as_double(),
        };
        number.is_finite().then_some(number)
    }

    /// What a `set-body` writes: a string's UTF-8, a byte array as it is, JSON
    /// text, nothing for null.
    #[must_use]
    pub fn to_body_bytes(&self, style: Style) -> Bytes {
        match self {
            Value::Bytes(bytes) => bytes.clone(),
            other => Bytes::from(other.to_text_with(style)),
        }
    }

    /// An object's or array's JSON without white space; `None` for other values,
    /// whose text has none of its own.
    pub(crate) fn to_compact_json(&self) -> Option<String> {
        match self {
            Value::Json(node) if node.scalar().is_none() => Some(node.print_compact()),
            _ => None,
        }
    }

    /// A literal attribute's value: always a string.
    #[must_use]
    pub fn from_literal(text: &str) -> Value {
        Value::String(text.into())
    }

    /// Whether a `set-variable` may hold it (specification 4.1).
    #[must_use]
    pub fn is_storable(&self) -> bool {
        !matches!(
            self,
            Value::Collection(_)
                | Value::Exception(_)
                | Value::Object(_)
                | Value::Host(_)
                | Value::Lambda(_)
        )
    }

    /// Whether it can outlive its expression at all: all but parts of `context`,
    /// which belong to a request's moment, and functions.
    pub(crate) fn may_leave(&self) -> bool {
        !matches!(self, Value::Host(_) | Value::Lambda(_))
    }

    /// A token as a `Jwt`; `None` if it is none.
    pub(crate) fn jwt(text: &str) -> Option<Value> {
        super::library::credentials::jwt(text)
    }

    /// An answer of `send-request`, by its number in the context.
    pub(crate) fn stored_response(at: usize) -> Value {
        Value::Host(Host::StoredResponse(at))
    }

    /// The number of an answer of `send-request`.
    pub(crate) fn as_stored_response(&self) -> Option<usize> {
        match self {
            Value::Host(Host::StoredResponse(at)) => Some(*at),
            _ => None,
        }
    }

    /// A copy that shares nothing with this value: for the cache's border.
    #[must_use]
    pub fn deep_copy(&self) -> Value {
        match self {
            Value::Json(node) => Value::Json(node.deep_clone()),
            Value::Collection(items) => Value::Collection(items.deep_copy()),
            other => other.clone(),
        }
    }

    /// The .NET type's full name, as error messages print it; null has none
    /// and gives `System.Object`.
    #[must_use]
    pub fn type_name(&self) -> String {
        self.type_of().full_name()
    }

    /// The type this value has at run time.
    pub(crate) fn type_of(&self) -> Type {
        match self {
            Value::Null => Type::Null,
            Value::Bool(_) => Type::BOOL,
            Value::SByte(_) => Type::named("SByte"),
            Value::Byte(_) => Type::BYTE,
            Value::Short(_) => Type::named("Int16"),
            Value::UShort(_) => Type::named("UInt16"),
            Value::Int(_) => Type::INT,
            Value::UInt(_) => Type::named("UInt32"),
            Value::Long(_) => Type::LONG,
            Value::ULong(_) => Type::named("UInt64"),
            Value::Float(_) => Type::named("Single"),
            Value::Double(_) => Type::DOUBLE,
            Value::Decimal(_) => Type::named("Decimal"),
            Value::Char(_) => Type::CHAR,
            Value::String(_) => Type::STRING,
            Value::Bytes(_) => Type::array(Type::BYTE),
            Value::DateTime(_) => Type::named("DateTime"),
            Value::DateTimeOffset(_) => Type::named("DateTimeOffset"),
            Value::TimeSpan(_) => Type::named("TimeSpan"),
            Value::Guid(_) => Type::named("Guid"),
            Value::Json(node) => Type::named(node.type_name()),
            Value::Collection(items) => items.ty.clone(),
            Value::Enum(value) => Type::named(value.of.name),
            Value::Exception(exception) => Type::named(super::library::exception_type(exception)),
            Value::Object(object) => Type::named(object.type_name()),
            Value::Host(host) => Type::named(host.type_name()),
            Value::Lambda(_) => Type::named("Func"),
        }
    }

    /// `Equals`: by value for values, texts and tuples, by reference otherwise.
    pub(crate) fn equals(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::String(a), Value::String(b)) => a == b,
            (Value::DateTime(a), Value::DateTime(b)) => a.ticks == b.ticks,
            (Value::DateTimeOffset(a), Value::DateTimeOffset(b)) => a.utc_ticks() == b.utc_ticks(),
            (Value::TimeSpan(a), Value::TimeSpan(b)) => a == b,
            (Value::Guid(a), Value::Guid(b)) => a == b,
            (Value::Enum(a), Value::Enum(b)) => a == b,
            (Value::Json(a), Value::Json(b)) => a.same(b) || a.value_equals(b),
            (Value::Collection(a), Value::Collection(b)) => {
                Arc::ptr_eq(a, b)
                    || (matches!(a.kind, Kind::Pair | Kind::Tuple | Kind::Anonymous)
                        && a.kind == b.kind
                        && a.member_equals(b))
            }
            (Value::Bytes(a), Value::Bytes(b)) => a.as_ptr() == b.as_ptr() && a.len() == b.len(),
            (Value::Exception(a), Value::Exception(b)) => Arc::ptr_eq(a, b),
            (Value::Object(a), Value::Object(b)) => a.same(b),
            (Value::Host(a), Value::Host(b)) => a == b,
            _ => match (self.as_number(), other.as_number()) {
                (Some(a), Some(b)) => {
                    super::numbers::compare(a, b) == Some(std::cmp::Ordering::Equal)
                }
                _ => false,
            },
        }
    }

    /// `object.ReferenceEquals`, and what `==` does when a static type is
    /// `object`: boxed values are never the same, texts only when they are one
    /// object.
    pub(crate) fn same_reference(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::String(a), Value::String(b)) => Arc::ptr_eq(a, b),
            (Value::Json(a), Value::Json(b)) => a.same(b),
            (Value::Collection(a), Value::Collection(b)) => Arc::ptr_eq(a, b),
            (Value::Exception(a), Value::Exception(b)) => Arc::ptr_eq(a, b),
            (Value::Object(a), Value::Object(b)) => a.same(b),
            (Value::Host(a), Value::Host(b)) => a == b,
            _ => false,
        }
    }

    /// A numeric value, characters included.
    pub(crate) fn as_number(&self) -> Option<super::numbers::Number> {
        use super::numbers::Number;
        match self {
            Value::SByte(n) => Some(Number::Int(i32::from(*n))),
            Value::Byte(n) => Some(Number::Int(i32::from(*n))),
            Value::Short(n) => Some(Number::Int(i32::from(*n))),
            Value::UShort(n) | Value::Char(n) => Some(Number::Int(i32::from(*n))),
            Value::Int(n) => Some(Number::Int(*n)),
            Value::UInt(n) => Some(Number::UInt(*n)),
            Value::Long(n) => Some(Number::Long(*n)),
            Value::ULong(n) => Some(Number::ULong(*n)),
            Value::Float(n) => Some(Number::Float(*n)),
            Value::Double(n) => Some(Number::Double(*n)),
            Value::Decimal(n) => Some(Number::Decimal(*n)),
            _ => None,
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Value::Int(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Long(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Value::Double(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::String(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Value::String(value.into())
    }
}
