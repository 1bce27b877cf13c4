//! `Encoding`, `WebUtility`, `Uri`, `StringBuilder`.

use std::sync::{Arc, Mutex, PoisonError};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::objects::{EncodingKind, Object};
use super::{Call, Entry, TypeDef};
use crate::expr::exception::Exception;
use crate::expr::value::Value;

/// What `Uri.EscapeDataString` leaves.
const DATA: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// What `WebUtility.UrlEncode` leaves; a blank becomes `+`.
const FORM: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'*')
    .remove(b'(')
    .remove(b')')
    .remove(b' ');

pub(super) const TYPES: &[TypeDef] = &[
    TypeDef::new("System.Text", "Encoding").members(&[
        Entry("static Encoding UTF8", |_| Ok(encoding(EncodingKind::Utf8))),
        Entry("static Encoding ASCII", |_| Ok(encoding(EncodingKind::Ascii))),
        Entry("static Encoding Unicode", |_| Ok(encoding(EncodingKind::Utf16))),
        Entry("byte[] GetBytes(string s)", |c| {
            let text = c.str(0, "s")?;
            c.vm.charge(text.len() / 128)?;
            let bytes: Vec<u8> = match this(c) {
                EncodingKind::Utf8 => text.as_bytes().to_vec(),
                EncodingKind::Ascii => text
                    .chars()
                    .map(|c| u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(b'?'))
                    .collect(),
                EncodingKind::Utf16 => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            };
            Ok(Value::Bytes(bytes.into()))
        }),
        Entry("string GetString(byte[] bytes)", |c| {
            let Value::Bytes(bytes) = c.arg(0).clone() else {
                return Err(Exception::argument_null("bytes"));
            };
            let text = match this(c) {
                EncodingKind::Utf8 => String::from_utf8_lossy(&bytes).into_owned(),
                EncodingKind::Ascii => bytes
                    .iter()
                    .map(|byte| if byte.is_ascii() { char::from(*byte) } else { '?' })
                    .collect(),
                EncodingKind::Utf16 => {
                    let units: Vec<u16> = bytes
                        .chunks_exact(2)
                        .map(|pair| {
                            pair.iter().rev().fold(0, |unit, byte| unit << 8 | u16::from(*byte))
                        })
                        .collect();
                    String::from_utf16_lossy(&units)
                }
            };
            c.give(text)
        }),
        Entry("int GetByteCount(string s)", |c| {
            let count = c.str(0, "s")?.len();
            Ok(Value::Int(i32::try_from(count).unwrap_or(i32::MAX)))
        }),
    ]),
    TypeDef::new("System.Net", "WebUtility").members(&[
        Entry("static string UrlEncode(string value)", |c| match c.opt_str(0) {
            None => Ok(Value::Null),
            Some(text) => {
                let encoded = utf8_percent_encode(&text, FORM).to_string();
                c.give(encoded.replace(' ', "+"))
            }
        }),
        Entry("static string UrlDecode(string encodedValue)", |c| match c.opt_str(0) {
            None => Ok(Value::Null),
            Some(text) => {
                let spaced = text.replace('+', " ");
                let decoded = percent_decode_str(&spaced).decode_utf8_lossy().into_owned();
                c.give(decoded)
            }
        }),
        Entry("static string HtmlEncode(string value)", |c| match c.opt_str(0) {
            None => Ok(Value::Null),
            Some(text) => {
                let mut encoded = String::new();
                for letter in text.chars() {
                    match letter {
                        '<' => encoded.push_str("&lt;"),
                        '>' => encoded.push_str("&gt;"),
                        '&' => encoded.push_str("&amp;"),
                        '"' => encoded.push_str("&quot;"),
                        '\'' => encoded.push_str("&#39;"),
                        c if (0xa0..=0xff).contains(&u32::from(c)) || 0xffff < u32::from(c) => {
                            encoded.push_str(&format!("&#{};", u32::from(c)));
                        }
                        c => encoded.push(c),
                    }
                }
                c.give(encoded)
            }
        }),
        Entry("static string HtmlDecode(string value)", |c| match c.opt_str(0) {
            None => Ok(Value::Null),
            Some(text) => {
                let decoded = text
                    .replace("&lt;", "<")
                    .replace("&gt;", ">")
                    .replace("&quot;", "\"")
                    .replace("&#39;", "'")
                    .replace("&nbsp;", "\u{a0}")
                    .replace("&amp;", "&");
                c.give(decoded)
            }
        }),
    ]),
    TypeDef::new("System", "Uri").members(&[
        Entry("new(string uriString)", |c| {
            let text = c.str(0, "uriString")?;
            match UriParts::parse(&text) {
                Some(uri) => Ok(Value::Object(Object::Uri(Arc::new(uri)))),
                None => Err(Exception::new(
                    "System.UriFormatException",
                    "Invalid URI: The format of the URI could not be determined.",
                )),
            }
        }),
        Entry("static string EscapeDataString(string stringToEscape)", |c| {
            let text = c.str(0, "stringToEscape")?;
            c.give(utf8_percent_encode(&text, DATA).to_string())
        }),
        Entry("static string UnescapeDataString(string stringToUnescape)", |c| {
            let text = c.str(0, "stringToUnescape")?;
            c.give(percent_decode_str(&text).decode_utf8_lossy())
        }),
        Entry("string Scheme", |c| Ok(Value::from(uri(c)?.scheme.as_str()))),
        Entry("string Host", |c| Ok(Value::from(uri(c)?.host.as_str()))),
        Entry("int Port", |c| Ok(Value::Int(uri(c)?.port.map_or(-1, i32::from)))),
        Entry("string Authority", |c| Ok(Value::from(uri(c)?.authority()))),
        Entry("string AbsolutePath", |c| Ok(Value::from(uri(c)?.path.as_str()))),
        Entry("string LocalPath", |c| {
            let path = uri(c)?.path.clone();
            c.give(percent_decode_str(&path).decode_utf8_lossy())
        }),
        Entry("string Query", |c| Ok(Value::from(uri(c)?.query.as_str()))),
        Entry("string Fragment", |c| Ok(Value::from(uri(c)?.fragment.as_str()))),
        Entry("string PathAndQuery", |c| {
            let uri = uri(c)?;
            Ok(Value::from(format!("{}{}", uri.path, uri.query)))
        }),
        Entry("string AbsoluteUri", |c| Ok(Value::from(uri(c)?.to_text()))),
        Entry("string OriginalString", |c| Ok(Value::from(uri(c)?.to_text()))),
    ]),
    TypeDef::new("System.Text", "StringBuilder").members(&[
        Entry("new()", |_| Ok(builder(String::new()))),
        Entry("new(string value)", |c| Ok(builder(c.opt_str(0).unwrap_or_default().to_string()))),
        Entry("new(int capacity)", |_| Ok(builder(String::new()))),
        Entry("StringBuilder Append(object value)", |c| {
            let text = c.vm.to_text(c.arg(0));
            append(c, &text)
        }),
        Entry("StringBuilder AppendLine()", |c| append(c, c.vm.style.newline.text())),
        Entry("StringBuilder AppendLine(string value)", |c| {
            let text = format!("{}{}", c.opt_str(0).unwrap_or_default(), c.vm.style.newline.text());
            append(c, &text)
        }),
        Entry("StringBuilder AppendFormat(string format, params object[] args)", |c| {
            let format = c.str(0, "format")?;
            let args = c.items(1, "args")?;
            let text = super::string::composite(c, &format, &args)?;
            append(c, &text)
        }),
        Entry("StringBuilder Clear()", |c| {
            change(c, String::clear)?;
            Ok(c.this.clone())
        }),
        Entry("StringBuilder Replace(string oldValue, string newValue)", |c| {
            let (old, new) = (c.str(0, "oldValue")?, c.opt_str(1).unwrap_or_default());
            if old.is_empty() {
                return Err(Exception::argument("Empty name is not legal."));
            }
            let text = c.this.to_text();
            let count = text.matches(&*old).count();
            c.vm.charge(count / 16 + text.len() / 256)?;
            if crate::expr::eval::MAX_TEXT < text.len() + count.saturating_mul(new.len()) {
                return Err(Exception::limit("bytes in a text"));
            }
            change(c, |own| *own = text.replace(&*old, &new))?;
            Ok(c.this.clone())
        }),
        Entry("int Length", |c| {
            let count = c.this.to_text().encode_utf16().count();
            Ok(Value::Int(i32::try_from(count).unwrap_or(i32::MAX)))
        }),
    ]),
];

fn encoding(kind: EncodingKind) -> Value {
    Value::Object(Object::Encoding(kind))
}

fn this(c: &Call<'_, '_>) -> EncodingKind {
    match c.this {
        Value::Object(Object::Encoding(kind)) => kind,
        _ => EncodingKind::Utf8,
    }
}

fn builder(text: String) -> Value {
    Value::Object(Object::Builder(Arc::new(Mutex::new(text))))
}

fn change(c: &Call<'_, '_>, change: impl FnOnce(&mut String)) -> Result<(), Exception> {
    match &c.this {
        Value::Object(Object::Builder(text)) => {
            change(&mut text.lock().unwrap_or_else(PoisonError::into_inner));
            Ok(())
        }
        _ => Err(Exception::null_reference()),
    }
}

fn append(c: &mut Call<'_, '_>, text: &str) -> Result<Value, Exception> {
    c.vm.charge(text.len() / 256)?;
    let mut full = false;
    change(c, |own| {
        full = crate::expr::eval::MAX_TEXT < own.len() + text.len();
        if !full {
            own.push_str(text);
        }
    })?;
    if full { Err(Exception::limit("bytes in a text")) } else { Ok(c.this.clone()) }
}

/// An absolute URI in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UriParts {
    scheme: String,
    host: String,
    port: Option<u16>,
    default_port: bool,
    path: String,
    /// With its `?`, or empty.
    query: String,
    /// With its `#`, or empty.
    fragment: String,
}

impl UriParts {
    fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.trim().split_once("://")?;
        if scheme.is_empty()
            || !scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
        {
            return None;
        }
        let scheme = scheme.to_ascii_lowercase();
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let authority = authority.rsplit('@').next().unwrap_or_default();
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse::<u16>().ok()?)),
            _ => (authority, None),
        };
        if host.is_empty() || host.contains(char::is_whitespace) {
            return None;
        }
        let default = match scheme.as_str() {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        };
        let (before, fragment) = match rest.find('#') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let (path, query) = match before.find('?') {
            Some(at) => before.split_at(at),
            None => (before, ""),
        };
        Some(Self {
            scheme,
            host: host.to_ascii_lowercase(),
            port: port.or(default),
            default_port: port.is_none() || port == default,
            path: if path.is_empty() { "/".into() } else { path.to_owned() },
            query: query.to_owned(),
            fragment: fragment.to_owned(),
        })
    }

    fn authority(&self) -> String {
        match self.port {
            Some(port) if !self.default_port => format!("{}:{port}", self.host),
            _ => self.host.clone(),
        }
    }

    pub(crate) fn to_text(&self) -> String {
        let Self { scheme, path, query, fragment, .. } = self;
        format!("{scheme}://{}{path}{query}{fragment}", self.authority())
    }
}

fn uri<'c>(c: &'c Call<'_, '_>) -> Result<&'c UriParts, Exception> {
    match &c.this {
        Value::Object(Object::Uri(uri)) => Ok(uri),
        _ => Err(Exception::null_reference()),
    }
}
