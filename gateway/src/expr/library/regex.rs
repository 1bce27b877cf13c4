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
/// What making a pattern's program costs, and its bytes' bound: repeated
/// classes of Unicode letters are large.
const COMPILE: usize = 20_000;
const PROGRAM_BYTES: usize = 1 << 20;
/// Patterns one evaluation keeps; .NET keeps 15.
const KEPT: usize = 16;

pub(super) const TYPES: &[TypeDef] = &[
    TypeDef::new(NAMESPACE, "Regex").members(&[
        Entry("new(string pattern)", |c| {
            let pattern = c.str(0, "pattern")?;
            regex(c, &pattern, 0).map(handle)
        }),
        Entry("new(string pattern, RegexOptions options)", |c| {
            let pattern = c.str(0, "pattern")?;
            let options = c.flag(1);
            regex(c, &pattern, options).map(handle)
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
    options: i32,
    regex: fancy_regex::Regex,
    price: Price,
}

/// What searching costs. The engine is linear in the text unless the pattern
/// looks around or back; then each place may cost a look at all the rest.
#[derive(Clone, Copy)]
struct Price {
    /// For each 16 bytes of the text, once.
    text: usize,
    /// Bytes of what is left of the text a step pays for, for each match.
    bytes_a_step: usize,
}

impl Price {
    fn of(pattern: &str) -> Self {
        let looks = ["(?=", "(?!", "(?<=", "(?<!", "(?>", "(?(", "\\k", "\\g", "\\K", "\\G"];
        let digit = |pair: &[u8]| matches!(pair, [b'\\', b'1'..=b'9']);
        if looks.iter().any(|look| pattern.contains(look))
            || pattern.as_bytes().windows(2).any(digit)
        {
            return Self { text: 32, bytes_a_step: 4 };
        }
        Self { text: 1 + atoms(pattern) / 128, bytes_a_step: 4096 }
    }

    fn start(self, input: &str) -> usize {
        SEARCH.saturating_add((input.len() / 16).saturating_mul(self.text))
    }

    fn again(self, rest: usize) -> usize {
        SEARCH + rest / self.bytes_a_step
    }
}

/// About how many letters a pattern has, counted repetitions written out: the
/// linear engine may have to follow each of them at every byte.
fn atoms(pattern: &str) -> usize {
    // The sum so far and the last item of each open group.
    let mut groups = vec![(0_usize, 0_usize)];
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        let item = match letter {
            '(' => {
                groups.push((0, 0));
                continue;
            }
            ')' if 1 < groups.len() => groups.pop().map_or(1, |(sum, _)| sum.max(1)),
            '{' => {
                let count = letters.as_str().split_once('}').map_or("", |(count, _)| count);
                let most = count.rsplit(',').find_map(|n| n.trim().parse::<usize>().ok());
                if let Some((sum, last)) = groups.last_mut() {
                    let more = last.saturating_mul(most.unwrap_or(1).saturating_sub(1));
                    *last = last.saturating_add(more);
                    *sum = sum.saturating_add(more);
                }
                continue;
            }
            '\\' => {
                letters.next();
                1
            }
            '[' => {
                letters.find(|letter| *letter == ']');
                1
            }
            _ => 1,
        };
        if let Some((sum, last)) = groups.last_mut() {
            *sum = sum.saturating_add(item);
            *last = item;
        }
    }
    groups.iter().fold(0, |all, (sum, _)| all.saturating_add(*sum))
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
    Ok((input, regex(c, &pattern, options)?))
}

fn regex(c: &mut Call<'_, '_>, pattern: &str, options: i32) -> Result<Arc<RegexValue>, Exception> {
    let known = |regex: &&Arc<RegexValue>| regex.pattern == pattern && regex.options == options;
    if let Some(regex) = c.vm.patterns.iter().find(known) {
        return Ok(Arc::clone(regex));
    }
    c.vm.charge(COMPILE.saturating_add(pattern.len().saturating_mul(8)))?;
    let mut flags = String::new();
    for (bit, flag) in [(1, 'i'), (2, 'm'), (16, 's'), (32, 'x')] {
        if options & bit != 0 {
            flags.push(flag);
        }
    }
    let text = if flags.is_empty() { pattern.to_owned() } else { format!("(?{flags}){pattern}") };
    let mut builder = RegexBuilder::new(&text);
    builder.backtrack_limit(BACKTRACKS).delegate_size_limit(PROGRAM_BYTES);
    let regex = builder
        .build()
        .map_err(|error| Exception::argument(format!("parsing \"{pattern}\" - {error}")))?;
    let pattern = pattern.to_owned();
    let price = Price::of(&pattern);
    let regex = Arc::new(RegexValue { pattern, options, regex, price });
    if KEPT <= c.vm.patterns.len() {
        c.vm.patterns.remove(0);
    }
    c.vm.patterns.push(Arc::clone(&regex));
    Ok(regex)
}

fn too_long(_: fancy_regex::Error) -> Exception {
    Exception::new(
        "System.Text.RegularExpressions.RegexMatchTimeoutException",
        "The Regex engine has timed out while trying to match a pattern to an input string.",
    )
}

fn is_match(c: &mut Call<'_, '_>, regex: &RegexValue, input: &str) -> Result<Value, Exception> {
    c.vm.charge(regex.price.start(input))?;
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
    // Bytes, and UTF-16 units in them.
    let mut counted = (0, 0);
    c.vm.charge(regex.price.start(input))?;
    for captures in regex.regex.captures_iter(input).take(most) {
        let captures = captures.map_err(too_long)?;
        let end = captures.get(0).map_or(0, |whole| whole.end());
        c.vm.charge(regex.price.again(input.len().saturating_sub(end)))?;
        let mut groups: Vec<Option<(Arc<str>, usize)>> = Vec::new();
        for part in captures.iter() {
            let Some(part) = part else {
                groups.push(None);
                continue;
            };
            // Counted from the match before, unless a look behind went further.
            let from = if part.start() < counted.0 { (0, 0) } else { counted };
            let between = input.get(from.0..part.start()).unwrap_or_default();
            c.vm.charge(between.len() / 64)?;
            let index = from.1 + between.encode_utf16().count();
            if groups.is_empty() {
                counted = (part.start(), index);
            }
            groups.push(Some((Arc::from(part.as_str()), index)));
        }
        let (text, index) = groups.first().cloned().flatten().unwrap_or(("".into(), 0));
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

/// Appends a replacement pattern with its substitutions replaced: `$1`,
/// `${name}`, `$&`, `$$`, `` $` ``, `$'`, `$+`, `$_`. As in .NET, a number takes
/// all its digits, a group that did not take part is empty, and a `$` before
/// anything else stands for itself.
fn substitute(
    with: &str,
    captures: &fancy_regex::Captures<'_, str>,
    input: &str,
    whole: fancy_regex::Match<'_>,
    text: &mut String,
) -> Result<(), Exception> {
    let mut rest = with;
    while let Some((before, after)) = rest.split_once('$') {
        text.push_str(before);
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let group = |name: &str| match name.parse::<usize>() {
            Ok(number) if number < captures.len() => Some(captures.get(number)),
            Ok(_) => None,
            Err(_) => captures.name(name).map(Some),
        };
        let numbered = after.get(..digits).filter(|digits| !digits.is_empty()).and_then(group);
        let braced = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let (taken, length) = if let Some(found) = numbered {
            (found.map_or("", |group| group.as_str()), digits)
        } else if let Some((name, found)) = braced.and_then(|(name, _)| Some((name, group(name)?)))
        {
            (found.map_or("", |group| group.as_str()), name.len() + 2)
        } else {
            match after.bytes().next() {
                Some(b'&') => (whole.as_str(), 1),
                Some(b'$') => ("$", 1),
                Some(b'`') => (input.get(..whole.start()).unwrap_or_default(), 1),
                Some(b'\'') => (input.get(whole.end()..).unwrap_or_default(), 1),
                Some(b'_') => (input, 1),
                Some(b'+') => {
                    let last = captures.len().saturating_sub(1);
                    (captures.get(last).map_or("", |group| group.as_str()), 1)
                }
                _ => ("$", 0),
            }
        };
        text.push_str(taken);
        // One replacement may hold the input many times over.
        if crate::expr::eval::MAX_TEXT < text.len() {
            return Err(Exception::limit("bytes in a text"));
        }
        rest = after.get(length..).unwrap_or_default();
    }
    text.push_str(rest);
    Ok(())
}

fn replace(
    c: &mut Call<'_, '_>,
    regex: &RegexValue,
    input: &str,
    with: &str,
) -> Result<Value, Exception> {
    let mut text = String::new();
    let mut last = 0;
    c.vm.charge(regex.price.start(input))?;
    for captures in regex.regex.captures_iter(input) {
        let captures = captures.map_err(too_long)?;
        let Some(whole) = captures.get(0) else { continue };
        c.vm.charge(regex.price.again(input.len().saturating_sub(whole.end())))?;
        text.push_str(input.get(last..whole.start()).unwrap_or_default());
        let from = text.len();
        substitute(with, &captures, input, whole, &mut text)?;
        c.vm.charge(text.len().saturating_sub(from) / 256)?;
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
    let mut rest = input.len();
    c.vm.charge(regex.price.start(input))?;
    for part in regex.regex.split(input) {
        let part = part.map_err(too_long)?;
        rest = rest.saturating_sub(part.len());
        c.vm.charge(regex.price.again(rest))?;
        parts.push(part.to_owned());
    }
    Ok(Collection::strings(parts))
}
