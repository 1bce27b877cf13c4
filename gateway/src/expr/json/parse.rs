//! Text to tokens, as lenient as Newtonsoft's reader: comments, apostrophes
//! for quotes, bare names, a comma at the end. ISO dates become dates.

use std::sync::Arc;

use indexmap::IndexMap;

use super::{Kind, MAX_DEPTH, Node};
use crate::expr::dates::{Parsed, parse_iso};
use crate::expr::exception::Exception;
use crate::expr::value::Value;

/// Parses one token; nothing but blanks and comments may follow.
pub(crate) fn parse(text: &str) -> Result<Node, Exception> {
    let mut reader = Reader { text, at: 0, depth: 0, path: Vec::new() };
    reader.blanks()?;
    if reader.peek().is_none() {
        return Err(reader.error("Error reading JToken from JsonReader."));
    }
    let node = reader.value()?;
    reader.blanks()?;
    match reader.peek() {
        None => Ok(node),
        Some(c) => Err(reader.error(&format!(
            "Additional text encountered after finished reading JSON content: {c}."
        ))),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    path: Vec<String>,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        if found {
            self.at += c.len_utf8();
        }
        found
    }

    fn error(&self, message: &str) -> Exception {
        let before = self.text.get(..self.at).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().encode_utf16().count();
        let mut path = String::new();
        for step in &self.path {
            if !path.is_empty() && !step.starts_with('[') {
                path.push('.');
            }
            path += step;
        }
        let line = if before.is_empty() { 0 } else { line };
        Exception::json_reader(format!("{message} Path '{path}', line {line}, position {column}."))
    }

    fn blanks(&mut self) -> Result<(), Exception> {
        loop {
            while self.peek().is_some_and(|c| c.is_whitespace() || c == '\u{feff}') {
                self.next();
            }
            let length = match self.rest() {
                rest if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
                rest if rest.starts_with("/*") => match rest.find("*/") {
                    Some(length) => length + 2,
                    None => return Err(self.error("Unexpected end while parsing comment.")),
                },
                _ => return Ok(()),
            };
            self.at += length;
        }
    }

    fn value(&mut self) -> Result<Node, Exception> {
        match self.peek() {
            Some('{') => self.container(Self::object),
            Some('[') => self.container(Self::array),
            Some(quote @ ('"' | '\'')) => {
                let text = self.string(quote)?;
                Ok(string_token(text))
            }
            Some(c) if c.is_ascii_digit() || matches!(c, '-' | '.') => self.number(),
            Some(c) if c.is_ascii_alphabetic() => self.word(),
            Some(c) => {
                Err(self
                    .error(&format!("Unexpected character encountered while parsing value: {c}.")))
            }
            None => Err(self.error("Unexpected end of content while loading JToken.")),
        }
    }

    fn container(
        &mut self,
        read: fn(&mut Self) -> Result<Node, Exception>,
    ) -> Result<Node, Exception> {
        if self.depth == MAX_DEPTH - 2 {
            let message = format!("The reader's MaxDepth of {MAX_DEPTH} has been exceeded.");
            return Err(self.error(&message));
        }
        self.depth += 1;
        self.next();
        let node = read(self)?;
        self.depth -= 1;
        node.own_children();
        Ok(node)
    }

    fn object(&mut self) -> Result<Node, Exception> {
        let mut members: IndexMap<Arc<str>, Node> = IndexMap::new();
        loop {
            self.blanks()?;
            if self.eat('}') {
                return Ok(Node::new(Kind::Object(members)));
            }
            let name = match self.peek() {
                Some(quote @ ('"' | '\'')) => self.string(quote)?,
                Some(c) if c.is_alphanumeric() || matches!(c, '_' | '$') => self.bare_name(),
                Some(c) => {
                    return Err(self.error(&format!("Invalid property identifier character: {c}.")));
                }
                None => {
                    return Err(self.error("Unexpected end of content while loading JObject."));
                }
            };
            self.blanks()?;
            self.path.push(name.clone());
            if !self.eat(':') {
                let found = self.peek().map(String::from).unwrap_or_default();
                return Err(self.error(&format!(
                    "Invalid character after parsing property name. Expected ':' but got: {found}."
                )));
            }
            self.blanks()?;
            let value = self.value()?;
            // A duplicate's last value wins, at the first one's place.
            members.insert(name.into(), value);
            self.blanks()?;
            if !self.eat(',') && self.peek() != Some('}') {
                return Err(self.after_value("JObject"));
            }
            self.path.pop();
        }
    }

    fn array(&mut self) -> Result<Node, Exception> {
        let mut items = Vec::new();
        loop {
            self.blanks()?;
            if self.eat(']') {
                return Ok(Node::new(Kind::Array(items)));
            }
            self.path.push(format!("[{}]", items.len()));
            if self.peek().is_none() {
                return Err(self.error("Unexpected end of content while loading JArray."));
            }
            items.push(self.value()?);
            self.blanks()?;
            if !self.eat(',') && self.peek() != Some(']') {
                return Err(self.after_value("JArray"));
            }
            self.path.pop();
        }
    }

    fn after_value(&self, container: &str) -> Exception {
        match self.peek() {
            Some(c) => self.error(&format!(
                "After parsing a value an unexpected character was encountered: {c}."
            )),
            None => self.error(&format!("Unexpected end of content while loading {container}.")),
        }
    }

    fn bare_name(&mut self) -> String {
        let name: String = self
            .rest()
            .chars()
            .take_while(|&c| c.is_alphanumeric() || matches!(c, '_' | '$'))
            .collect();
        self.at += name.len();
        name
    }

    fn string(&mut self, quote: char) -> Result<String, Exception> {
        self.next();
        let mut units: Vec<u16> = Vec::new();
        let mut text = String::new();
        let flush = |units: &mut Vec<u16>, text: &mut String| {
            text.push_str(&String::from_utf16_lossy(units));
            units.clear();
        };
        loop {
            let c = match self.next() {
                None => {
                    return Err(
                        self.error(&format!("Unterminated string. Expected delimiter: {quote}."))
                    );
                }
                Some(c) if c == quote => {
                    flush(&mut units, &mut text);
                    return Ok(text);
                }
                Some('\\') => match self.next() {
                    Some('b') => '\u{8}',
                    Some('t') => '\t',
                    Some('n') => '\n',
                    Some('f') => '\u{c}',
                    Some('r') => '\r',
                    Some(c @ ('"' | '\'' | '\\' | '/')) => c,
                    Some('u') => {
                        let digits = self.rest().get(..4).unwrap_or_default().to_owned();
                        let Ok(unit) = u16::from_str_radix(&digits, 16) else {
                            return Err(
                                self.error("Could not convert string to integer for an escape.")
                            );
                        };
                        self.at += 4;
                        // Surrogates come in pairs of escapes.
                        units.push(unit);
                        continue;
                    }
                    other => {
                        let found = other.map(String::from).unwrap_or_default();
                        return Err(self.error(&format!("Bad JSON escape sequence: \\{found}.")));
                    }
                },
                Some(c) => c,
            };
            if !units.is_empty() {
                flush(&mut units, &mut text);
            }
            text.push(c);
        }
    }

    fn number(&mut self) -> Result<Node, Exception> {
        let digits: String = self
            .rest()
            .chars()
            .take_while(|&c| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.'))
            .collect();
        self.at += digits.len();
        if digits == "-Infinity" {
            return Ok(Node::from_scalar(Value::Double(f64::NEG_INFINITY)));
        }
        let whole = !digits.contains(['.', 'e', 'E']);
        if whole && let Ok(n) = digits.parse::<i64>() {
            return Ok(Node::from_scalar(Value::Long(n)));
        }
        match digits.parse::<f64>() {
            Ok(n) if digits.bytes().any(|b| b.is_ascii_digit()) => {
                Ok(Node::from_scalar(Value::Double(n)))
            }
            _ => Err(self.error(&format!("Input string '{digits}' is not a valid number."))),
        }
    }

    fn word(&mut self) -> Result<Node, Exception> {
        let start = self.at;
        let word = self.bare_name();
        let value = match word.as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" | "undefined" => Value::Null,
            "NaN" => Value::Double(f64::NAN),
            "Infinity" => Value::Double(f64::INFINITY),
            _ => {
                self.at = start;
                let c = self.peek().map(String::from).unwrap_or_default();
                return Err(self.error(&format!(
                    "Unexpected character encountered while parsing value: {c}."
                )));
            }
        };
        Ok(Node::from_scalar(value))
    }
}

/// Newtonsoft's default `DateParseHandling` turns ISO texts into dates.
fn string_token(text: String) -> Node {
    let date = if (19..=40).contains(&text.len()) { parse_iso(&text) } else { None };
    match date.and_then(Parsed::to_date_time) {
        Some(date) => Node::from_scalar(Value::DateTime(date)),
        None => Node::from_scalar(Value::from(text)),
    }
}
