//! The reference types that are neither collections nor JSON: enumeration
//! members, parts of `context`, and the few library objects.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use bytes::Bytes;

use super::TypeDef;
use super::random::RandomState;
use super::regex::{MatchValue, RegexValue};
use crate::expr::Style;
use crate::expr::dates::format_date;
use crate::expr::exception::Exception;
use crate::expr::numbers;
use crate::expr::value::Value;
use crate::pipeline::context::Context;

/// A member of an enumeration.
#[derive(Clone, Copy)]
pub struct EnumValue {
    pub(crate) of: &'static TypeDef,
    pub(crate) number: i32,
}

impl EnumValue {
    /// The member's name; flags joined; a number that is no member.
    pub(crate) fn to_text(self) -> String {
        if let Some((name, _)) = self.of.values.iter().find(|(_, number)| *number == self.number) {
            return (*name).to_owned();
        }
        let mut rest = self.number;
        let mut names = Vec::new();
        for (name, number) in self.of.values {
            if *number != 0 && rest & number == *number {
                names.push(*name);
                rest &= !number;
            }
        }
        if rest == 0 && !names.is_empty() { names.join(", ") } else { self.number.to_string() }
    }
}

impl PartialEq for EnumValue {
    fn eq(&self, other: &Self) -> bool {
        self.of.name == other.of.name && self.number == other.number
    }
}

impl Eq for EnumValue {}

impl fmt::Debug for EnumValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.of.name, self.to_text())
    }
}

/// The request's or the response's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// `context.Request`.
    Request,
    /// `context.Response`.
    Response,
    /// An answer of `send-request`, by its number.
    Stored(usize),
}

/// Which URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlOf {
    /// `context.Request.Url`.
    Rewritten,
    /// `context.Request.OriginalUrl`.
    Original,
    /// `context.Api.ServiceUrl`.
    Service,
}

/// A part of `context`, read when a member is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// `context`.
    Context,
    /// `context.Request`.
    Request,
    /// `context.Response`.
    Response,
    /// An answer of `send-request`, by its number in the context.
    StoredResponse(usize),
    /// `context.Variables`.
    Variables,
    /// `….Headers`.
    Headers(Message),
    /// `….Body`.
    Body(Message),
    /// A URL.
    Url(UrlOf),
    /// `….Url.Query`.
    Query(UrlOf),
    /// `context.Request.MatchedParameters`.
    MatchedParameters,
    /// `context.Api`.
    Api,
    /// `context.Api.SubscriptionKeyParameterNames`.
    KeyNames,
    /// `context.Operation`.
    Operation,
    /// `context.Product`.
    Product,
    /// `context.Subscription`.
    Subscription,
    /// `context.Deployment`.
    Deployment,
    /// `context.Deployment.Gateway`.
    Gateway,
    /// `context.Backend`.
    Backend,
    /// `context.LastError`.
    LastError,
}

impl Host {
    pub(crate) fn type_name(self) -> &'static str {
        match self {
            Self::Context => "IProxyRequestContext",
            Self::Request => "IRequest",
            Self::Response | Self::StoredResponse(_) => "IResponse",
            Self::Variables => "Variables",
            Self::Headers(_) => "Headers",
            Self::Body(_) => "IMessageBody",
            Self::Url(_) => "IUrl",
            Self::Query(_) => "Query",
            Self::MatchedParameters => "MatchedParameters",
            Self::Api => "IApi",
            Self::KeyNames => "ISubscriptionKeyParameterNames",
            Self::Operation => "IOperation",
            Self::Product => "IProduct",
            Self::Subscription => "ISubscription",
            Self::Deployment => "IDeployment",
            Self::Gateway => "IGateway",
            Self::Backend => "IBackend",
            Self::LastError => "ILastError",
        }
    }
}

/// What `foreach` and LINQ get of a part of `context`.
pub(crate) fn host_items(host: Host, context: &Context) -> Result<Vec<Value>, Exception> {
    match host {
        Host::Variables => Ok(super::context::variable_pairs(context)),
        Host::Headers(message) => Ok(super::message::header_pairs(context, message)),
        Host::Query(of) => Ok(super::message::query_pairs(context, of)),
        Host::MatchedParameters => Ok(super::message::parameter_pairs(context)),
        other => Err(Exception::invalid_cast(
            &super::full_name(other.type_name()),
            "System.Collections.IEnumerable",
        )),
    }
}

/// Character encodings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodingKind {
    /// `Encoding.UTF8`.
    Utf8,
    /// `Encoding.ASCII`.
    Ascii,
    /// `Encoding.Unicode`: UTF-16, little end first.
    Utf16,
}

/// A library object.
#[derive(Clone)]
pub enum Object {
    /// `System.Random`.
    Random(RandomHandle),
    /// `Regex`.
    Regex(RegexHandle),
    /// `Match`, also a `Group` or `Capture` of one.
    Match(MatchHandle),
    /// `StringBuilder`.
    Builder(Arc<Mutex<String>>),
    /// `Uri`.
    Uri(Arc<super::text::UriParts>),
    /// `Encoding`.
    Encoding(EncodingKind),
    /// `StringComparer`; whether it ignores case.
    Comparer(bool),
    /// `GetType()`: the full name.
    Type(Arc<str>),
    /// `Jwt`.
    Jwt(Arc<super::credentials::JwtParts>),
    /// `Jwt.Claims`.
    Claims(Arc<super::credentials::JwtParts>),
    /// `BasicAuthCredentials`: user and password.
    Basic(Arc<(String, String)>),
    /// `SHA256`, `HMACSHA256` and the like.
    Hasher(Arc<super::cryptography::Hasher>),
    /// `System.Xml.Linq`.
    Xml(super::xml::XmlValue),
    /// `TimeZoneInfo`.
    Zone(ZoneHandle),
}

/// A time zone; opaque outside.
#[derive(Clone, Copy)]
pub struct ZoneHandle(pub(crate) &'static crate::expr::dates::Zone);

/// A `Random`; opaque outside.
#[derive(Clone)]
pub struct RandomHandle(pub(crate) Arc<Mutex<RandomState>>);
/// A `Regex`; opaque outside.
#[derive(Clone)]
pub struct RegexHandle(pub(crate) Arc<RegexValue>);
/// A `Match`; opaque outside.
#[derive(Clone)]
pub struct MatchHandle(pub(crate) Arc<MatchValue>);

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.type_name())
    }
}

impl Object {
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Random(_) => "Random",
            Self::Regex(_) => "Regex",
            Self::Match(value) => value.0.type_name(),
            Self::Builder(_) => "StringBuilder",
            Self::Uri(_) => "Uri",
            Self::Encoding(_) => "Encoding",
            Self::Comparer(_) => "StringComparer",
            Self::Type(_) => "Type",
            Self::Jwt(_) => "Jwt",
            Self::Claims(_) => "Claims",
            Self::Basic(_) => "BasicAuthCredentials",
            Self::Hasher(hasher) => hasher.type_name(),
            Self::Xml(value) => value.type_name(),
            Self::Zone(_) => "TimeZoneInfo",
        }
    }

    pub(crate) fn to_text(&self, style: Style) -> String {
        match self {
            Self::Xml(value) => value.to_text(style.newline.text()),
            Self::Zone(zone) => super::time_zone::display_name(zone.0),
            Self::Builder(text) => text.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            Self::Uri(uri) => uri.to_text(),
            Self::Regex(regex) => regex.0.pattern.clone(),
            Self::Match(value) => value.0.text.to_string(),
            Self::Type(name) => name.to_string(),
            other => super::full_name(other.type_name()),
        }
    }

    pub(crate) fn same(&self, other: &Object) -> bool {
        match (self, other) {
            (Self::Random(a), Self::Random(b)) => Arc::ptr_eq(&a.0, &b.0),
            (Self::Regex(a), Self::Regex(b)) => Arc::ptr_eq(&a.0, &b.0),
            (Self::Match(a), Self::Match(b)) => Arc::ptr_eq(&a.0, &b.0),
            (Self::Builder(a), Self::Builder(b)) => Arc::ptr_eq(a, b),
            (Self::Uri(a), Self::Uri(b)) => a == b,
            (Self::Encoding(a), Self::Encoding(b)) => a == b,
            (Self::Comparer(a), Self::Comparer(b)) => a == b,
            (Self::Type(a), Self::Type(b)) => a == b,
            (Self::Jwt(a), Self::Jwt(b)) | (Self::Claims(a), Self::Claims(b)) => Arc::ptr_eq(a, b),
            (Self::Basic(a), Self::Basic(b)) => Arc::ptr_eq(a, b),
            (Self::Hasher(a), Self::Hasher(b)) => Arc::ptr_eq(a, b),
            (Self::Xml(a), Self::Xml(b)) => a.same(b),
            (Self::Zone(a), Self::Zone(b)) => std::ptr::eq(a.0, b.0),
            _ => false,
        }
    }
}

/// `IFormattable.ToString(format)`.
pub(crate) fn format(value: &Value, format: &str, style: Style) -> Result<String, Exception> {
    let culture = style.culture;
    let formatted = match value {
        Value::DateTime(date) => format_date(date.ticks, date.kind, 0, format, culture),
        Value::DateTimeOffset(date) => {
            let kind = crate::expr::dates::DateKind::Local;
            format_date(date.ticks, kind, date.offset_minutes, format, culture)
        }
        Value::TimeSpan(span) => format_span(*span, format),
        Value::Guid(guid) => {
            let text = numbers::guid_to_text(*guid);
            match format {
                "D" | "d" => Some(text),
                "N" | "n" => Some(text.replace('-', "")),
                "B" | "b" => Some(format!("{{{text}}}")),
                "P" | "p" => Some(format!("({text})")),
                _ => None,
            }
        }
        Value::Enum(value) => match format {
            "D" | "d" => Some(value.number.to_string()),
            "G" | "g" | "F" | "f" => Some(value.to_text()),
            _ => None,
        },
        Value::Json(node) => match node.scalar() {
            Some(scalar @ (Value::Null | Value::Json(_))) => Some(scalar.to_text()),
            Some(scalar) => return self::format(&scalar, format, style),
            None => Some(node.to_text(style)),
        },
        other => match other.as_number() {
            Some(_) if matches!(other, Value::Char(_)) => Some(other.to_text()),
            // A small negative number has as many hexadecimal digits as its type.
            Some(_) if format.starts_with(['x', 'X']) => {
                let bits = match other {
                    Value::SByte(n) => numbers::Number::UInt(n.cast_unsigned().into()),
                    Value::Short(n) => numbers::Number::UInt(n.cast_unsigned().into()),
                    other => other.as_number().unwrap_or(numbers::Number::Int(0)),
                };
                numbers::format_number(bits, format, culture)
            }
            Some(number) => numbers::format_number(number, format, culture),
            None => Some(other.to_text_with(style)),
        },
    };
    formatted.ok_or_else(|| match value {
        Value::DateTime(_) | Value::DateTimeOffset(_) | Value::TimeSpan(_) => {
            Exception::input_string()
        }
        _ => Exception::format("Format specifier was invalid."),
    })
}

fn format_span(span: crate::expr::dates::TimeSpan, format: &str) -> Option<String> {
    if matches!(format, "c" | "t" | "T") {
        return Some(span.to_text());
    }
    if format.len() == 1 {
        return None;
    }
    let ticks = span.0.unsigned_abs();
    let number = |value: u64, width: usize| format!("{value:0width$}");
    let mut text = String::new();
    let pattern: Vec<char> = format.chars().collect();
    let mut at = 0;
    while let Some(&letter) = pattern.get(at) {
        let run = pattern.iter().skip(at).take_while(|&&c| c == letter).count();
        at += run;
        match letter {
            'd' => text += &number(ticks / 864_000_000_000, run),
            'h' => text += &number(ticks / 36_000_000_000 % 24, run),
            'm' => text += &number(ticks / 600_000_000 % 60, run),
            's' => text += &number(ticks / 10_000_000 % 60, run),
            'f' if run <= 7 => text += number(ticks % 10_000_000, 7).get(..run)?,
            '\\' => {
                text.push(*pattern.get(at + 1 - run)?);
                at = at + 2 - run;
            }
            '\'' => {
                let close = pattern.iter().skip(at).position(|&c| c == '\'')?;
                text.extend(pattern.iter().skip(at).take(close));
                at += close + 1;
            }
            _ => return None,
        }
    }
    Some(text)
}

/// `Convert.FromBase64String`: white space is skipped.
pub(crate) fn from_base64(text: &str) -> Result<Bytes, Exception> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    base64::engine::general_purpose::STANDARD.decode(text).map(Bytes::from).map_err(|_| {
        Exception::format(
            "The input is not a valid Base-64 string as it contains a non-base 64 character, more than two padding characters, or an illegal character among the padding characters. ",
        )
    })
}
