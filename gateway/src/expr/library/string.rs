//! `string`. Positions and lengths are UTF-16 units.

use std::cmp::Ordering;

use super::{Call, Entry, TypeDef, credentials};
use crate::expr::collection::Collection;
use crate::expr::eval::{align, compare_texts};
use crate::expr::exception::Exception;
use crate::expr::value::Value;

pub(super) const TYPES: &[TypeDef] =
    &[TypeDef::new("System", "String").bases(&["IEnumerable<char>", "object"]).members(&[
        Entry("static string Empty", |_| Ok(Value::from(""))),
        Entry("int Length", |c| Ok(length(c.this_str().encode_utf16().count()))),
        Entry("char this[int index]", |c| {
            let text = c.this_str();
            let unit = usize::try_from(c.int(0)).ok().and_then(|at| text.encode_utf16().nth(at));
            unit.map(Value::Char).ok_or_else(Exception::index_out_of_range)
        }),
        Entry("new(char c, int count)", |c| {
            let Value::Char(unit) = *c.arg(0) else { return Ok(Value::from("")) };
            let count = usize::try_from(c.int(1)).unwrap_or(0);
            c.vm.items(count)?;
            c.give(String::from_utf16_lossy(&vec![unit; count]))
        }),
        Entry("new(char[] value)", |c| {
            let units = c.items(0, "value")?;
            c.give(units.iter().map(Value::to_text).collect::<String>())
        }),
        Entry("string ToString()", |c| Ok(c.this.clone())),
        // Extension methods of the platform.
        Entry("Jwt AsJwt()", |c| Ok(credentials::jwt(&c.this_str()).unwrap_or(Value::Null))),
        Entry("bool TryParseJwt(out Jwt result)", |c| {
            let found = credentials::jwt(&c.this_str());
            Ok(c.out(0, found, Value::Null))
        }),
        Entry("BasicAuthCredentials AsBasic()", |c| {
            Ok(credentials::basic(&c.this_str()).unwrap_or(Value::Null))
        }),
        Entry("bool TryParseBasic(out BasicAuthCredentials result)", |c| {
            let found = credentials::basic(&c.this_str());
            Ok(c.out(0, found, Value::Null))
        }),
        Entry("bool Contains(string value)", |c| {
            let value = c.str(0, "value")?;
            Ok(Value::Bool(c.this_str().contains(&*value)))
        }),
        Entry("bool Contains(char value)", |c| {
            Ok(Value::Bool(c.this_str().contains(&*c.arg(0).to_text())))
        }),
        Entry("bool Contains(string value, StringComparison comparisonType)", |c| {
            let value = folded(&c.str(0, "value")?, c.flag(1));
            Ok(Value::Bool(folded(&c.this_str(), c.flag(1)).contains(&value)))
        }),
        Entry("bool StartsWith(string value)", |c| {
            let value = c.str(0, "value")?;
            Ok(Value::Bool(c.this_str().starts_with(&*value)))
        }),
        Entry("bool StartsWith(string value, StringComparison comparisonType)", |c| {
            let value = folded(&c.str(0, "value")?, c.flag(1));
            Ok(Value::Bool(folded(&c.this_str(), c.flag(1)).starts_with(&value)))
        }),
        Entry("bool EndsWith(string value)", |c| {
            let value = c.str(0, "value")?;
            Ok(Value::Bool(c.this_str().ends_with(&*value)))
        }),
        Entry("bool EndsWith(string value, StringComparison comparisonType)", |c| {
            let value = folded(&c.str(0, "value")?, c.flag(1));
            Ok(Value::Bool(folded(&c.this_str(), c.flag(1)).ends_with(&value)))
        }),
        Entry("bool Equals(string value)", |c| Ok(Value::Bool(c.this.equals(c.arg(0))))),
        Entry("bool Equals(string value, StringComparison comparisonType)", |c| {
            Ok(Value::Bool(equals(Some(&c.this_str()), c.opt_str(0).as_deref(), c.flag(1))))
        }),
        Entry("static bool Equals(string a, string b)", |c| {
            Ok(Value::Bool(c.opt_str(0) == c.opt_str(1)))
        }),
        Entry("static bool Equals(string a, string b, StringComparison comparisonType)", |c| {
            Ok(Value::Bool(equals(c.opt_str(0).as_deref(), c.opt_str(1).as_deref(), c.flag(2))))
        }),
        Entry("static bool IsNullOrEmpty(string value)", |c| {
            Ok(Value::Bool(c.opt_str(0).is_none_or(|text| text.is_empty())))
        }),
        Entry("static bool IsNullOrWhiteSpace(string value)", |c| {
            Ok(Value::Bool(c.opt_str(0).is_none_or(|text| text.trim().is_empty())))
        }),
        Entry("string Trim()", |c| {
            let text = c.this_str();
            c.give(text.trim())
        }),
        Entry("string Trim(params char[] trimChars)", |c| trim(c, true, true)),
        Entry("string TrimStart(params char[] trimChars)", |c| trim(c, true, false)),
        Entry("string TrimEnd(params char[] trimChars)", |c| trim(c, false, true)),
        Entry("string ToLower()", |c| c.give(c.this_str().to_lowercase())),
        Entry("string ToLowerInvariant()", |c| c.give(c.this_str().to_lowercase())),
        Entry("string ToUpper()", |c| c.give(c.this_str().to_uppercase())),
        Entry("string ToUpperInvariant()", |c| c.give(c.this_str().to_uppercase())),
        Entry("string Replace(string oldValue, string newValue)", |c| {
            let old = c.str(0, "oldValue")?;
            if old.is_empty() {
                return Err(Exception::argument(
                    "String cannot be of zero length.\r\nParameter name: oldValue",
                ));
            }
            let new = c.opt_str(1).unwrap_or_default();
            let this = c.this_str();
            // Refuse before a small text is made a huge one.
            let count = this.matches(&*old).count();
            c.vm.charge(count / 16)?;
            if crate::expr::eval::MAX_TEXT < this.len() + count.saturating_mul(new.len()) {
                return Err(Exception::limit("bytes in a text"));
            }
            c.give(this.replace(&*old, &new))
        }),
        Entry("string Replace(char oldChar, char newChar)", |c| {
            let (old, new) = (c.arg(0).to_text(), c.arg(1).to_text());
            c.give(c.this_str().replace(&old, &new))
        }),
        Entry("string Substring(int startIndex)", |c| {
            let units: Vec<u16> = c.this_str().encode_utf16().collect();
            let start = c.int(0);
            let rest = usize::try_from(start).ok().and_then(|start| units.get(start..));
            match rest {
                Some(rest) => c.give(String::from_utf16_lossy(rest)),
                None if start < 0 => Err(Exception::out_of_range(
                    "StartIndex cannot be less than zero.",
                    "startIndex",
                )),
                None => Err(Exception::out_of_range(
                    "startIndex cannot be larger than length of string.",
                    "startIndex",
                )),
            }
        }),
        Entry("string Substring(int startIndex, int length)", |c| {
            let units: Vec<u16> = c.this_str().encode_utf16().collect();
            let part = usize::try_from(c.int(0))
                .ok()
                .zip(usize::try_from(c.int(1)).ok())
                .and_then(|(start, length)| units.get(start..start.checked_add(length)?));
            match part {
                Some(part) => c.give(String::from_utf16_lossy(part)),
                None if c.int(1) < 0 => {
                    Err(Exception::out_of_range("Length cannot be less than zero.", "length"))
                }
                None => Err(Exception::out_of_range(
                    "Index and length must refer to a location within the string.",
                    "length",
                )),
            }
        }),
        Entry("string Remove(int startIndex)", |c| {
            let units: Vec<u16> = c.this_str().encode_utf16().collect();
            match usize::try_from(c.int(0)).ok().and_then(|start| units.get(..start)) {
                Some(kept) => c.give(String::from_utf16_lossy(kept)),
                None => Err(Exception::list_index()),
            }
        }),
        Entry("string Remove(int startIndex, int count)", |c| {
            let mut units: Vec<u16> = c.this_str().encode_utf16().collect();
            let range = usize::try_from(c.int(0)).ok().zip(usize::try_from(c.int(1)).ok());
            match range.and_then(|(start, count)| Some(start..start.checked_add(count)?)) {
                Some(range) if range.end <= units.len() => {
                    units.drain(range);
                    c.give(String::from_utf16_lossy(&units))
                }
                _ => Err(Exception::list_index()),
            }
        }),
        Entry("string Insert(int startIndex, string value)", |c| {
            let mut units: Vec<u16> = c.this_str().encode_utf16().collect();
            let value = c.str(1, "value")?;
            match usize::try_from(c.int(0)) {
                Ok(at) if at <= units.len() => {
                    units.splice(at..at, value.encode_utf16());
                    c.give(String::from_utf16_lossy(&units))
                }
                _ => Err(Exception::list_index()),
            }
        }),
        Entry("int IndexOf(string value)", |c| {
            let value = c.str(0, "value")?;
            Ok(position(&c.this_str(), c.this_str().find(&*value)))
        }),
        Entry("int IndexOf(char value)", |c| {
            let value = c.arg(0).to_text();
            Ok(position(&c.this_str(), c.this_str().find(&value)))
        }),
        Entry("int IndexOf(string value, int startIndex)", index_from),
        Entry("int IndexOf(char value, int startIndex)", index_from),
        Entry("int IndexOf(string value, StringComparison comparisonType)", |c| {
            let value = folded(&c.str(0, "value")?, c.flag(1));
            let this = folded(&c.this_str(), c.flag(1));
            Ok(position(&this, this.find(&value)))
        }),
        Entry("int LastIndexOf(string value)", |c| {
            let value = c.str(0, "value")?;
            Ok(position(&c.this_str(), c.this_str().rfind(&*value)))
        }),
        Entry("int LastIndexOf(char value)", |c| {
            let value = c.arg(0).to_text();
            Ok(position(&c.this_str(), c.this_str().rfind(&value)))
        }),
        Entry("int IndexOfAny(char[] anyOf)", |c| {
            let any: Vec<Value> = c.items(0, "anyOf")?;
            let found = c
                .this_str()
                .encode_utf16()
                .position(|unit| any.iter().any(|value| value.equals(&Value::Char(unit))));
            Ok(found.map_or(Value::Int(-1), length))
        }),
        Entry("string PadLeft(int totalWidth)", |c| pad(c, true)),
        Entry("string PadLeft(int totalWidth, char paddingChar)", |c| pad(c, true)),
        Entry("string PadRight(int totalWidth)", |c| pad(c, false)),
        Entry("string PadRight(int totalWidth, char paddingChar)", |c| pad(c, false)),
        Entry("string[] Split(params char[] separator)", split),
        Entry("string[] Split(char[] separator, StringSplitOptions options)", split),
        Entry("string[] Split(char[] separator, int count)", split),
        Entry("string[] Split(char[] separator, int count, StringSplitOptions options)", split),
        Entry("string[] Split(string[] separator, StringSplitOptions options)", split),
        Entry("string[] Split(string[] separator, int count, StringSplitOptions options)", split),
        Entry("string[] Split(char separator, StringSplitOptions options)", split),
        Entry("string[] Split(char separator, int count)", split),
        Entry("string[] Split(string separator)", split),
        Entry("string[] Split(string separator, StringSplitOptions options)", split),
        Entry("char[] ToCharArray()", |c| {
            let units = c.this_items()?;
            Ok(Collection::array(crate::expr::types::Type::CHAR, units))
        }),
        Entry("int CompareTo(string value)", |c| {
            let other = c.opt_str(0).unwrap_or_default();
            Ok(order(compare_texts(&c.this_str(), &other)))
        }),
        Entry("static int Compare(string a, string b)", |c| {
            let (a, b) = (c.opt_str(0).unwrap_or_default(), c.opt_str(1).unwrap_or_default());
            Ok(order(compare_texts(&a, &b)))
        }),
        Entry("static int Compare(string a, string b, bool ignoreCase)", |c| {
            let (a, b) = (c.opt_str(0).unwrap_or_default(), c.opt_str(1).unwrap_or_default());
            Ok(order(if c.bool(2) {
                a.to_lowercase().cmp(&b.to_lowercase())
            } else {
                compare_texts(&a, &b)
            }))
        }),
        Entry("static int Compare(string a, string b, StringComparison comparisonType)", |c| {
            let (a, b) = (c.opt_str(0).unwrap_or_default(), c.opt_str(1).unwrap_or_default());
            Ok(order(folded(&a, c.flag(2)).cmp(&folded(&b, c.flag(2)))))
        }),
        Entry("static int CompareOrdinal(string a, string b)", |c| {
            Ok(order(c.opt_str(0).cmp(&c.opt_str(1))))
        }),
        Entry("static string Concat(params object[] args)", |c| {
            let items = c.items(0, "args")?;
            concat(c, items)
        }),
        Entry("static string Concat<T>(IEnumerable<T> values)", |c| {
            let items = c.items(0, "values")?;
            concat(c, items)
        }),
        Entry("static string Join(string separator, params object[] values)", join),
        Entry("static string Join(string separator, params string[] values)", join),
        Entry("static string Join<T>(string separator, IEnumerable<T> values)", join),
        Entry("static string Format(string format, params object[] args)", |c| {
            let format = c.str(0, "format")?;
            let args = c.items(1, "args")?;
            let text = composite(c, &format, &args)?;
            c.give(text)
        }),
    ])];

fn length(count: usize) -> Value {
    Value::Int(i32::try_from(count).unwrap_or(i32::MAX))
}

fn order(order: Ordering) -> Value {
    Value::Int(order as i32)
}

/// Odd members of `StringComparison` ignore case.
fn folded(text: &str, comparison: i32) -> String {
    if comparison % 2 == 1 { text.to_lowercase() } else { text.to_owned() }
}

fn equals(a: Option<&str>, b: Option<&str>, comparison: i32) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => folded(a, comparison) == folded(b, comparison),
        (None, None) => true,
        _ => false,
    }
}

/// A byte offset as a position in UTF-16 units.
fn position(text: &str, found: Option<usize>) -> Value {
    match found.and_then(|at| text.get(..at)) {
        Some(before) => length(before.encode_utf16().count()),
        None => Value::Int(-1),
    }
}

fn index_from(c: &mut Call<'_, '_>) -> Result<Value, Exception> {
    let value = c.str(0, "value")?;
    let units: Vec<u16> = c.this_str().encode_utf16().collect();
    let Some(start) = usize::try_from(c.int(1)).ok().filter(|&start| start <= units.len()) else {
        return Err(Exception::list_index());
    };
    let rest = String::from_utf16_lossy(units.get(start..).unwrap_or_default());
    Ok(match position(&rest, rest.find(&*value)) {
        Value::Int(at) if 0 <= at => Value::Int(at + i32::try_from(start).unwrap_or(0)),
        other => other,
    })
}

fn trim(c: &mut Call<'_, '_>, start: bool, end: bool) -> Result<Value, Exception> {
    let chars: Vec<char> = match c.arg(0) {
        Value::Null => Vec::new(),
        _ => c.items(0, "trimChars")?.iter().filter_map(|v| v.to_text().chars().next()).collect(),
    };
    let unwanted = |c: char| if chars.is_empty() { c.is_whitespace() } else { chars.contains(&c) };
    let text = c.this_str();
    let mut rest = &*text;
    if start {
        rest = rest.trim_start_matches(unwanted);
    }
    if end {
        rest = rest.trim_end_matches(unwanted);
    }
    c.give(rest)
}

fn pad(c: &mut Call<'_, '_>, left: bool) -> Result<Value, Exception> {
    let width = c.int(0);
    c.vm.items(usize::try_from(width).unwrap_or(0))?;
    let fill = match c.arg(1) {
        Value::Null => " ".to_owned(),
        other => other.to_text(),
    };
    let text = c.this_str();
    let missing = usize::try_from(width).unwrap_or(0).saturating_sub(text.encode_utf16().count());
    let padding = fill.repeat(missing);
    c.give(if left { format!("{padding}{text}") } else { format!("{text}{padding}") })
}

fn split(c: &mut Call<'_, '_>) -> Result<Value, Exception> {
    let text = c.this_str();
    let separators: Vec<String> = match c.arg(0).clone() {
        Value::Null => Vec::new(),
        Value::String(text) => vec![text.to_string()],
        Value::Char(unit) => vec![Value::Char(unit).to_text()],
        items => c.vm.enumerate(&items)?.iter().map(Value::to_text).collect(),
    };
    let separators: Vec<String> = separators.into_iter().filter(|s| !s.is_empty()).collect();
    let mut most = usize::MAX;
    let mut options = 0;
    for arg in c.args.iter().skip(1) {
        match arg {
            Value::Enum(value) => options = value.number,
            other => {
                most = other.to_integer().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
            }
        }
    }
    let (drop_empty, trim) = (options & 1 != 0, options & 2 != 0);
    let mut parts: Vec<String> = Vec::new();
    let mut rest = &*text;
    let keep = |part: &str, parts: &mut Vec<String>| {
        let part = if trim { part.trim() } else { part };
        if !(drop_empty && part.is_empty()) {
            parts.push(part.to_owned());
        }
    };
    if most != 0 {
        while parts.len() + 1 < most {
            let found = if separators.is_empty() {
                rest.char_indices()
                    .find(|(_, c)| c.is_whitespace())
                    .map(|(at, c)| (at, c.len_utf8()))
            } else {
                separators
                    .iter()
                    .filter_map(|separator| Some((rest.find(separator.as_str())?, separator.len())))
                    .min_by_key(|&(at, length)| (at, usize::MAX - length))
            };
            let Some((at, length)) = found else { break };
            keep(rest.get(..at).unwrap_or_default(), &mut parts);
            rest = rest.get(at + length..).unwrap_or_default();
        }
        keep(rest, &mut parts);
    }
    c.vm.items(parts.len().saturating_mul(separators.len().max(1)))?;
    c.vm.charge(text.len() / 64)?;
    Ok(Collection::strings(parts))
}

fn concat(c: &mut Call<'_, '_>, items: Vec<Value>) -> Result<Value, Exception> {
    let mut text = String::new();
    for item in items {
        append(c, &mut text, &item)?;
    }
    c.give(text)
}

fn append(c: &mut Call<'_, '_>, text: &mut String, item: &Value) -> Result<(), Exception> {
    let item = c.vm.to_text(item);
    c.vm.charge(item.len() / 256)?;
    if crate::expr::eval::MAX_TEXT < text.len() + item.len() {
        return Err(Exception::limit("bytes in a text"));
    }
    text.push_str(&item);
    Ok(())
}

fn join(c: &mut Call<'_, '_>) -> Result<Value, Exception> {
    let separator = c.opt_str(0).unwrap_or_default();
    let items = c.items(1, "values")?;
    let mut text = String::new();
    for (index, item) in items.iter().enumerate() {
        if index != 0 {
            append(c, &mut text, &Value::String(separator.clone()))?;
        }
        append(c, &mut text, item)?;
    }
    c.give(text)
}

/// `string.Format`.
pub(super) fn composite(
    c: &mut Call<'_, '_>,
    format: &str,
    args: &[Value],
) -> Result<String, Exception> {
    let mut text = String::new();
    let mut rest = format;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(rest.get(..at).unwrap_or_default());
        let tail = rest.get(at..).unwrap_or_default();
        if tail.starts_with("{{") || tail.starts_with("}}") {
            text.push_str(tail.get(..1).unwrap_or_default());
            rest = tail.get(2..).unwrap_or_default();
            continue;
        }
        let Some(end) = tail.find('}').filter(|_| tail.starts_with('{')) else {
            return Err(Exception::input_string());
        };
        let inner = tail.get(1..end).unwrap_or_default();
        let (head, pattern) = match inner.split_once(':') {
            Some((head, pattern)) => (head, Some(pattern)),
            None => (inner, None),
        };
        let (index, width) = head.split_once(',').unwrap_or((head, "0"));
        let index: usize = index.trim().parse().map_err(|_| Exception::input_string())?;
        let width: i32 = width.trim().parse().map_err(|_| Exception::input_string())?;
        if 1000 < width.abs() {
            return Err(Exception::input_string());
        }
        let Some(value) = args.get(index) else {
            return Err(Exception::format(
                "Index (zero based) must be greater than or equal to zero and less than the size of the argument list.",
            ));
        };
        let hole = c.vm.format(value, pattern)?;
        c.vm.charge(1 + hole.len() / 256)?;
        align(&hole, width, &mut text);
        if crate::expr::eval::MAX_TEXT < text.len() {
            return Err(Exception::limit("bytes in a text"));
        }
        rest = tail.get(end + 1..).unwrap_or_default();
    }
    text.push_str(rest);
    Ok(text)
}
