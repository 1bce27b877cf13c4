//! `Regex`, `Match`, `Group`, over a backtracking engine with a step limit.

use std::sync::Arc;

use fancy_regex::RegexBuilder;

use super::objects::{MatchHandle, Object, RegexHandle};
use super::{Call, Entry, TypeDef};
use crate::expr::collection::{Collection, Kind};
use crate::expr::exception::Exception;
use crate::expr::types::Type;
use crate::expr::value::Value;

const NAMESPACE: &str = "System.Text.RegularExpressions";
/// Steps of the engine for one search.
const BACKTRACKS: usize = 50_000;
/// What one search costs of the evaluation's steps, since it may backtrack.
const SEARCH: usize = 200;

pub(super) const TYPES: &[TypeDef] = &[
    TypeDef::new(NAMESPACE, "Regex").members(&[
        Entry("new(string pattern)", |c| {
            let pattern = c.str(0, "pattern")?;
            regex(&pattern, 0).map(handle)
        }),
        Entry("new(string pattern, RegexOptions options)", |c| {
            let pattern = c.str(0, "pattern")?;
            regex(&pattern, c.flag(1)).map(handle)
        }),
        Entry("bool IsMatch(string input)", |c| {
            let input = c.str(0, "input")?;
            with_own(c, |c, regex| is_match(c, regex, &input))
        }),
        Entry("Match Match(string input)", |c| {
            let input = c.str(0, "input")?;
            let found = with_own(c, |c, regex| find(c, regex, &input, 1))?;
            Ok(found.into_iter().next().unwrap_or_else(no_match))
        }),
        Entry("MatchCollection Matches(string input)", |c| {
            let input = c.str(0, "input")?;
            with_own(c, |c, regex| find(c, regex, &input, usize::MAX)).map(collection)
        }),
        Entry("string Replace(string input, string replacement)", |c| {
            let (input, with) = (c.str(0, "input")?, c.str(1, "replacement")?);
            with_own(c, |c, regex| replace(c, regex, &input, &with))
        }),
        Entry("string[] Split(string input)", |c| {
            let input = c.str(0, "input")?;
            with_own(c, |c, regex| split(c, regex, &input))
        }),
        Entry("static bool IsMatch(string input, string pattern)", |c| {
            let (input, regex) = given(c, 0)?;
            is_match(c, &regex, &input)
        }),
        Entry("static bool IsMatch(string input, string pattern, RegexOptions options)", |c| {
            let (input, regex) = given(c, c.flag(2))?;
            is_match(c, &regex, &input)
        }),
        Entry("static Match Match(string input, string pattern)", |c| {
            let (input, regex) = given(c, 0)?;
            Ok(find(c, &regex, &input, 1)?.into_iter().next().unwrap_or_else(no_match))
        }),
        Entry("static Match Match(string input, string pattern, RegexOptions options)", |c| {
            let (input, regex) = given(c, c.flag(2))?;
            Ok(find(c, &regex, &input, 1)?.into_iter().next().unwrap_or_else(no_match))
        }),
        Entry("static MatchCollection Matches(string input, string pattern)", |c| {
            let (input, regex) = given(c, 0)?;
            find(c, &regex, &input, usize::MAX).map(collection)
        }),
        Entry(
            "static MatchCollection Matches(string input, string pattern, RegexOptions options)",
            |c| {
                let (input, regex) = given(c, c.flag(2))?;
                find(c, &regex, &input, usize::MAX).map(collection)
            },
        ),
        Entry("static string Replace(string input, string pattern, string replacement)", |c| {
            let (input, regex) = given(c, 0)?;
            let with = c.str(2, "replacement")?;
            replace(c, &regex, &input, &with)
        }),
        Entry(
            "static string Replace(string input, string pattern, string replacement, RegexOptions options)",
            |c| {
                let (input, regex) = given(c, c.flag(3))?;
                let with = c.str(2, "replacement")?;
                replace(c, &regex, &input, &with)
            },
        ),
        Entry("static string[] Split(string input, string pattern)", |c| {
            let (input, regex) = given(c, 0)?;
            split(c, &regex, &input)
        }),
        Entry("static string Escape(string str)", |c| {
            let text = c.str(0, "str")?;
            let mut escaped = String::new();
            for letter in text.chars() {
                if "\\*+?|{[()^$.# ".contains(letter) {
                    escaped.push('\\');
                }
                escaped.push(letter);
            }
            c.give(escaped)
        }),
    ]),
    TypeDef::new(NAMESPACE, "MatchCollection").bases(&["IEnumerable<Match>", "object"]).members(&[
        Entry("int Count", super::collections::count),
        Entry("Match this[int i]", super::collections::item),
    ]),
    TypeDef::new(NAMESPACE, "Capture").members(&[
        Entry("string Value", |c| Ok(Value::String(this(c)?.text.clone()))),
        Entry("int Index", |c| Ok(int(this(c)?.index))),
        Entry("int Length", |c| Ok(int(this(c)?.text.encode_utf16().count()))),
    ]),
    TypeDef::new(NAMESPACE, "Group").bases(&["Capture"]).members(&[
        Entry("bool Success", |c| Ok(Value::Bool(this(c)?.success))),
    ]),
    TypeDef::new(NAMESPACE, "Match").bases(&["Group"]).members(&[
        Entry("GroupCollection Groups", |c| {
            let value = this(c)?;
            let groups = (0..value.groups.len()).map(|at| group(&value, at)).collect();
            let names = value.names.iter().map(|name| name.clone().map_or(Value::Null, Value::from));
            let items = vec![
                Collection::lazy(groups),
                Collection::lazy(names.collect()),
            ];
            let ty = Type::named("GroupCollection");
            Ok(Value::Collection(Collection::sequence(Kind::Pair, ty, items)))
        }),
    ]),
    TypeDef::new(NAMESPACE, "GroupCollection").members(&[
        Entry("int Count", |c| {
            let groups = groups(c, 0)?;
            Ok(int(groups.len()))
        }),
        Entry("Group this[int groupnum]", |c| {
            let groups = groups(c, 0)?;
            let at = usize::try_from(c.int(0)).ok();
            Ok(at.and_then(|at| groups.get(at).cloned()).unwrap_or_else(no_group))
        }),
        Entry("Group this[string groupname]", |c| {
            let name = c.arg(0).clone();
            let at = groups(c, 1)?.iter().position(|own| own.equals(&name));
            let at = at.or_else(|| name.to_integer().and_then(|n| usize::try_from(n).ok()));
            let groups = groups(c, 0)?;
            Ok(at.and_then(|at| groups.get(at).cloned()).unwrap_or_else(no_group))
        }),
    ]),
];

/// A compiled pattern.
pub(crate) struct RegexValue {
    pub(crate) pattern: String,
    regex: fancy_regex::Regex,
}

/// A match or one of its groups.
pub(crate) struct MatchValue {
    pub(crate) text: Arc<str>,
    index: usize,
    success: bool,
    /// Text and position of each group; empty in a group.
    groups: Vec<Option<(Arc<str>, usize)>>,
    names: Vec<Option<String>>,
}

impl MatchValue {
    pub(crate) fn type_name(&self) -> &'static str {
        if self.groups.is_empty() && !self.success {
            "Match"
        } else if self.groups.is_empty() {
            "Group"
        } else {
            "Match"
        }
    }
}

fn int(n: usize) -> Value {
    Value::Int(i32::try_from(n).unwrap_or(i32::MAX))
}

fn handle(regex: Arc<RegexValue>) -> Value {
    Value::Object(Object::Regex(RegexHandle(regex)))
}

fn matched(value: MatchValue) -> Value {
    Value::Object(Object::Match(MatchHandle(Arc::new(value))))
}

fn no_match() -> Value {
    matched(MatchValue {
        text: "".into(),
        index: 0,
        success: false,
        groups: vec![None],
        names: vec![None],
    })
}

fn no_group() -> Value {
    matched(MatchValue {
        text: "".into(),
        index: 0,
        success: false,
        groups: Vec::new(),
        names: Vec::new(),
    })
}

fn group(of: &MatchValue, at: usize) -> Value {
    match of.groups.get(at) {
        Some(Some((text, index))) => matched(MatchValue {
            text: text.clone(),
            index: *index,
            success: true,
            groups: Vec::new(),
            names: Vec::new(),
        }),
        _ => no_group(),
    }
}

fn this(c: &Call<'_, '_>) -> Result<Arc<MatchValue>, Exception> {
    match &c.this {
        Value::Object(Object::Match(value)) => Ok(Arc::clone(&value.0)),
        _ => Err(Exception::null_reference()),
    }
}

fn own(c: &Call<'_, '_>) -> Result<Arc<RegexValue>, Exception> {
    match &c.this {
        Value::Object(Object::Regex(regex)) => Ok(Arc::clone(&regex.0)),
        _ => Err(Exception::null_reference()),
    }
}

/// Borrows the receiver's pattern apart from the call.
fn with_own<T>(
    c: &mut Call<'_, '_>,
    run: impl FnOnce(&mut Call<'_, '_>, &RegexValue) -> Result<T, Exception>,
) -> Result<T, Exception> {
    let regex = own(c)?;
    run(c, &regex)
}

fn groups(c: &mut Call<'_, '_>, part: usize) -> Result<Vec<Value>, Exception> {
    match &c.this {
        Value::Collection(parts) => {
            let part = parts.at(part).unwrap_or(Value::Null);
            c.vm.enumerate(&part)
        }
        _ => Err(Exception::null_reference()),
    }
}

fn given(c: &mut Call<'_, '_>, options: i32) -> Result<(Arc<str>, Arc<RegexValue>), Exception> {
    let input = c.str(0, "input")?;
    let pattern = c.str(1, "pattern")?;
    Ok((input, regex(&pattern, options)?))
}

fn regex(pattern: &str, options: i32) -> Result<Arc<RegexValue>, Exception> {
    let mut flags = String::new();
    for (bit, flag) in [(1, 'i'), (2, 'm'), (16, 's'), (32, 'x')] {
        if options & bit != 0 {
            flags.push(flag);
        }
    }
    let text = if flags.is_empty() { pattern.to_owned() } else { format!("(?{flags}){pattern}") };
    match RegexBuilder::new(&text).backtrack_limit(BACKTRACKS).build() {
        Ok(regex) => Ok(Arc::new(RegexValue { pattern: pattern.to_owned(), regex })),
        Err(error) => Err(Exception::argument(format!("parsing \"{pattern}\" - {error}"))),
    }
}

fn too_long(_: fancy_regex::Error) -> Exception {
    Exception::new(
        "System.Text.RegularExpressions.RegexMatchTimeoutException",
        "The Regex engine has timed out while trying to match a pattern to an input string.",
    )
}

fn is_match(c: &mut Call<'_, '_>, regex: &RegexValue, input: &str) -> Result<Value, Exception> {
    c.vm.charge(SEARCH + input.len() / 64)?;
    regex.regex.is_match(input).map(Value::Bool).map_err(too_long)
}

fn find(
    c: &mut Call<'_, '_>,
    regex: &RegexValue,
    input: &str,
    most: usize,
) -> Result<Vec<Value>, Exception> {
    let names: Vec<Option<String>> =
        regex.regex.capture_names().map(|name| name.map(str::to_owned)).collect();
    let mut found = Vec::new();
    for captures in regex.regex.captures_iter(input).take(most) {
        c.vm.charge(SEARCH)?;
        let captures = captures.map_err(too_long)?;
        let groups: Vec<Option<(Arc<str>, usize)>> = captures
            .iter()
            .map(|part| {
                part.map(|part| {
                    let before = input.get(..part.start()).unwrap_or_default();
                    (Arc::from(part.as_str()), before.encode_utf16().count())
                })
            })
            .collect();
        let (text, index) = groups.first().cloned().flatten().unwrap_or(("".into(), 0));
        c.vm.charge(index / 64)?;
        found.push(matched(MatchValue {
            text,
            index,
            success: true,
            groups,
            names: names.clone(),
        }));
    }
    Ok(found)
}

fn collection(items: Vec<Value>) -> Value {
    let ty = Type::named("MatchCollection");
    Value::Collection(Collection::sequence(Kind::List, ty, items))
}

/// Appends a replacement pattern with its `$1`, `${name}`, `$&` and `$$`
/// replaced. As in .NET, a number takes all its digits, a group that did not
/// take part is empty, and a `$` before anything else stands for itself.
fn substitute(
    with: &str,
    captures: &fancy_regex::Captures<'_, str>,
    whole: &str,
    text: &mut String,
) {
    let mut rest = with;
    while let Some(at) = rest.find('$') {
        text.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let group = |name: &str| match name.parse::<usize>() {
            Ok(number) if number < captures.len() => Some(captures.get(number)),
            Ok(_) => None,
            Err(_) => captures.name(name).map(Some),
        };
        let braced = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let (taken, length) = if let Some(found) = group(&after[..digits]).filter(|_| 0 < digits) {
            (found.map_or("", |group| group.as_str()), digits)
        } else if let Some((name, found)) = braced.and_then(|(name, _)| Some((name, group(name)?)))
        {
            (found.map_or("", |group| group.as_str()), name.len() + 2)
        } else if after.starts_with('&') {
            (whole, 1)
        } else if after.starts_with('$') {
            ("$", 1)
        } else {
            ("$", 0)
        };
        text.push_str(taken);
        rest = &after[length..];
    }
    text.push_str(rest);
}

fn replace(
    c: &mut Call<'_, '_>,
    regex: &RegexValue,
    input: &str,
    with: &str,
) -> Result<Value, Exception> {
    let mut text = String::new();
    let mut last = 0;
    for captures in regex.regex.captures_iter(input) {
        c.vm.charge(SEARCH)?;
        let captures = captures.map_err(too_long)?;
        let Some(whole) = captures.get(0) else { continue };
        text.push_str(input.get(last..whole.start()).unwrap_or_default());
        substitute(with, &captures, whole.as_str(), &mut text);
        if crate::expr::eval::MAX_TEXT < text.len() {
            return Err(Exception::limit("bytes in a text"));
        }
        last = whole.end();
    }
    text.push_str(input.get(last..).unwrap_or_default());
    c.give(text)
}

fn split(c: &mut Call<'_, '_>, regex: &RegexValue, input: &str) -> Result<Value, Exception> {
    let mut parts = Vec::new();
    for part in regex.regex.split(input) {
        c.vm.charge(SEARCH)?;
        parts.push(part.map_err(too_long)?.to_owned());
    }
    Ok(Collection::strings(parts))
}
