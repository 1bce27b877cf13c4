//! `AsJwt`, `AsBasic`: reading what an `Authorization` header holds. Signatures
//! are not looked at, here as on the platform.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::objects::Object;
use super::{Call, Entry, TypeDef};
use crate::expr::collection::Collection;
use crate::expr::dates::{DateKind, DateTime};
use crate::expr::exception::Exception;
use crate::expr::value::Value;

const NAMESPACE: &str = "Microsoft.WindowsAzure.ApiManagement.Proxy.Gateway";

pub(super) const TYPES: &[TypeDef] = &[
    TypeDef::new(NAMESPACE, "Jwt").members(&[
        Entry("string Algorithm", |c| Ok(header(c, "alg"))),
        Entry("string Type", |c| Ok(header(c, "typ"))),
        Entry("string Id", |c| Ok(first(c, "jti"))),
        Entry("string Issuer", |c| Ok(first(c, "iss"))),
        Entry("string Subject", |c| Ok(first(c, "sub"))),
        Entry("IEnumerable<string> Audiences", |c| Ok(Collection::strings(claim(c, "aud")))),
        Entry("DateTime? ExpirationTime", |c| Ok(date(c, "exp"))),
        Entry("DateTime? IssuedAt", |c| Ok(date(c, "iat"))),
        Entry("DateTime? NotBefore", |c| Ok(date(c, "nbf"))),
        Entry("Claims Claims", |c| match &c.this {
            Value::Object(Object::Jwt(token)) => {
                Ok(Value::Object(Object::Claims(Arc::clone(token))))
            }
            _ => Err(Exception::null_reference()),
        }),
    ]),
    TypeDef::new(NAMESPACE, "Claims").members(&[
        Entry("int Count", |c| {
            let count = token(c).map_or(0, |token| token.claims.len());
            Ok(Value::Int(i32::try_from(count).unwrap_or(i32::MAX)))
        }),
        Entry("string[] this[string key]", |c| {
            let name = c.str(0, "key")?;
            match claim(c, &name) {
                values if values.is_empty() => Err(Exception::key_not_found()),
                values => Ok(Collection::strings(values)),
            }
        }),
        Entry("bool ContainsKey(string key)", |c| {
            let name = c.str(0, "key")?;
            Ok(Value::Bool(!claim(c, &name).is_empty()))
        }),
        Entry("bool TryGetValue(string key, out string[] value)", |c| {
            let name = c.str(0, "key")?;
            let values = claim(c, &name);
            let found = (!values.is_empty()).then(|| Collection::strings(values));
            Ok(c.out(1, found, Value::Null))
        }),
        Entry("string GetValueOrDefault(string claimName, string defaultValue = null)", |c| {
            let name = c.str(0, "claimName")?;
            let values = claim(c, &name);
            Ok(if values.is_empty() { c.arg(1).clone() } else { Value::from(values.join(",")) })
        }),
        Entry("string[] GetValueOrDefault(string key, string[] defaultValue)", |c| {
            let name = c.str(0, "key")?;
            let values = claim(c, &name);
            Ok(if values.is_empty() { c.arg(1).clone() } else { Collection::strings(values) })
        }),
        Entry("IEnumerable<string> Keys", |c| {
            let names = token(c).map(|token| token.claims.iter().map(|(name, _)| name.clone()));
            Ok(Collection::strings(names.into_iter().flatten()))
        }),
    ]),
    TypeDef::new(NAMESPACE, "BasicAuthCredentials").members(&[
        Entry("string UserId", |c| match &c.this {
            Value::Object(Object::Basic(pair)) => Ok(Value::from(pair.0.as_str())),
            _ => Err(Exception::null_reference()),
        }),
        Entry("string Password", |c| match &c.this {
            Value::Object(Object::Basic(pair)) => Ok(Value::from(pair.1.as_str())),
            _ => Err(Exception::null_reference()),
        }),
    ]),
];

/// A token taken apart.
#[derive(Debug)]
pub struct JwtParts {
    header: serde_json::Map<String, serde_json::Value>,
    claims: Vec<(String, Vec<String>)>,
    dates: serde_json::Map<String, serde_json::Value>,
}

/// `AsJwt()`: with or without `Bearer` in front; null when it is no token.
pub(crate) fn jwt(text: &str) -> Option<Value> {
    let text = without_scheme(text, "bearer");
    let mut parts = text.split('.');
    let (header, claims) = (part(parts.next()?)?, part(parts.next()?)?);
    // A signature, possibly empty, and no more.
    if parts.next().is_none() || parts.next().is_some() {
        return None;
    }
    let texts = |value: &serde_json::Value| match value {
        serde_json::Value::Array(items) => items.iter().map(as_text).collect(),
        other => vec![as_text(other)],
    };
    let all = claims.iter().map(|(name, value)| (name.clone(), texts(value))).collect();
    let parts = JwtParts { header, claims: all, dates: claims };
    Some(Value::Object(Object::Jwt(Arc::new(parts))))
}

/// `AsBasic()`; null when it is none.
pub(super) fn basic(text: &str) -> Option<Value> {
    let text = without_scheme(text, "basic");
    let bytes = STANDARD.decode(text).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (user, password) = text.split_once(':')?;
    let pair = (user.to_owned(), password.to_owned());
    Some(Value::Object(Object::Basic(Arc::new(pair))))
}

fn without_scheme<'t>(text: &'t str, scheme: &str) -> &'t str {
    let text = text.trim();
    match text.split_once(' ') {
        Some((first, rest)) if first.eq_ignore_ascii_case(scheme) => rest.trim(),
        _ => text,
    }
}

fn part(text: &str) -> Option<serde_json::Map<String, serde_json::Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn as_text(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn token<'c>(c: &'c Call<'_, '_>) -> Option<&'c JwtParts> {
    match &c.this {
        Value::Object(Object::Jwt(token) | Object::Claims(token)) => Some(token),
        _ => None,
    }
}

fn header(c: &Call<'_, '_>, name: &str) -> Value {
    let found = token(c).and_then(|token| token.header.get(name));
    found.map_or(Value::Null, |value| Value::from(as_text(value)))
}

fn claim(c: &Call<'_, '_>, name: &str) -> Vec<String> {
    let found = token(c).and_then(|token| token.claims.iter().find(|(own, _)| own == name));
    found.map(|(_, values)| values.clone()).unwrap_or_default()
}

fn first(c: &Call<'_, '_>, name: &str) -> Value {
    claim(c, name).into_iter().next().map_or(Value::Null, Value::from)
}

fn date(c: &Call<'_, '_>, name: &str) -> Value {
    let seconds = token(c).and_then(|token| token.dates.get(name)?.as_u64());
    seconds.map_or(Value::Null, |seconds| {
        let ticks = super::date_time::ticks_at(Duration::from_secs(seconds));
        Value::DateTime(DateTime { ticks, kind: DateKind::Utc })
    })
}
