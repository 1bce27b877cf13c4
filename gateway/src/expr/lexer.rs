//! Text to tokens, with byte spans.
//!
//! C# 7's tokens, and one thing that is not C#: a quoted text in apostrophes
//! longer than one character is a string, as the platform takes it
//! (specification 5.1). Interpolated strings become one token holding their
//! parts; the holes' texts are lexed again by the parser.

use std::ops::Range;

use rust_decimal::Decimal;

/// Byte range in the expression's text.
pub(crate) type Span = Range<usize>;

/// One token.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    /// Identifier or keyword; `@name` without the `@`.
    Word(String),
    Int(i32),
    Long(i64),
    UInt(u32),
    ULong(u64),
    Float(f32),
    Double(f64),
    Decimal(Decimal),
    /// One UTF-16 unit.
    Char(u16),
    String(String),
    Interpolated(Vec<Part>),
    /// Operator or punctuation, the longest that matches.
    Symbol(&'static str),
    End,
}

impl Token {
    pub(crate) fn is_number(&self) -> bool {
        matches!(
            self,
            Self::Int(_)
                | Self::UInt(_)
                | Self::Long(_)
                | Self::ULong(_)
                | Self::Float(_)
                | Self::Double(_)
                | Self::Decimal(_)
        )
    }
}

/// A piece of an interpolated string.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    Text(String),
    /// A hole: the span of its expression, and what stands behind `,` and `:`.
    Hole {
        span: Span,
        alignment: Option<i32>,
        format: Option<String>,
    },
}

/// A token and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lexeme {
    pub(crate) token: Token,
    pub(crate) span: Span,
}

/// A text that is no token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LexError {
    pub(crate) span: Span,
    pub(crate) message: String,
}

/// Longest first, so that the first match is the right one. `>>` is left to
/// the parser, since `List<List<int>>` closes two brackets.
const SYMBOLS: &[&str] = &[
    "<<=", "??", "?.", "=>", "==", "!=", "<=", ">=", "&&", "||", "++", "--", "+=", "-=", "*=",
    "/=", "%=", "&=", "|=", "^=", "<<", "(", ")", "[", "]", "{", "}", ",", ";", ".", "?", ":", "=",
    "<", ">", "+", "-", "*", "/", "%", "!", "~", "&", "|", "^",
];

/// All tokens of `text[range]`, ending with [`Token::End`].
pub(crate) fn lex(text: &str, range: Span) -> Result<Vec<Lexeme>, LexError> {
    let end = range.end.min(text.len());
    let mut lexer = Lexer { text: text.get(..end).unwrap_or_default(), at: range.start };
    let mut lexemes = Vec::new();
    loop {
        lexer.skip_blank()?;
        let start = lexer.at;
        let token = lexer.token()?;
        let done = token == Token::End;
        lexemes.push(Lexeme { token, span: start..lexer.at });
        if done {
            return Ok(lexemes);
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl Lexer<'_> {
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

    fn error<T>(&self, start: usize, message: impl Into<String>) -> Result<T, LexError> {
        Err(LexError { span: start..self.at.max(start), message: message.into() })
    }

    fn take_while(&mut self, accept: impl Fn(char) -> bool) -> String {
        let taken: String = self.rest().chars().take_while(|&c| accept(c)).collect();
        self.at += taken.len();
        taken
    }

    fn skip_blank(&mut self) -> Result<(), LexError> {
        loop {
            let start = self.at;
            self.take_while(|c| c.is_whitespace() || c == '\u{feff}');
            if self.rest().starts_with("//") {
                self.take_while(|c| c != '\n' && c != '\r');
            } else if self.rest().starts_with("/*") {
                match self.rest().find("*/") {
                    Some(length) => self.at += length + 2,
                    None => {
                        self.at += 2;
                        return self.error(start, "this comment is never closed");
                    }
                }
            } else if self.at == start {
                return Ok(());
            }
        }
    }

    fn token(&mut self) -> Result<Token, LexError> {
        let start = self.at;
        let Some(first) = self.peek() else { return Ok(Token::End) };
        let rest = self.rest();
        if rest.starts_with("$\"") {
            self.at += 2;
            return self.interpolated(start, false);
        }
        if rest.starts_with("$@\"") || rest.starts_with("@$\"") {
            self.at += 3;
            return self.interpolated(start, true);
        }
        if rest.starts_with("@\"") {
            self.at += 2;
            return self.verbatim(start);
        }
        if first == '"' {
            self.at += 1;
            return self.quoted(start, '"').map(Token::String);
        }
        if first == '\'' {
            self.at += 1;
            let text = self.quoted(start, '\'')?;
            let mut units = text.encode_utf16();
            return match (units.next(), units.next()) {
                (Some(unit), None) => Ok(Token::Char(unit)),
                (None, _) => self.error(start, "an empty character literal"),
                _ => Ok(Token::String(text)),
            };
        }
        if first.is_ascii_digit()
            || (first == '.' && rest.chars().nth(1).is_some_and(|c| c.is_ascii_digit()))
        {
            return self.number(start);
        }
        if first == '@' {
            self.at += 1;
            let word = self.take_while(is_word);
            if word.is_empty() {
                self.at = start + 1;
                return self.error(start, "`@` stands only at the start of an expression");
            }
            return Ok(Token::Word(word));
        }
        if first.is_alphabetic() || first == '_' {
            return Ok(Token::Word(self.take_while(is_word)));
        }
        match SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
            // `a ?.5 : 1` is a condition, not a member access.
            Some(&"?.") if rest.chars().nth(2).is_some_and(|c| c.is_ascii_digit()) => {
                self.at += 1;
                Ok(Token::Symbol("?"))
            }
            Some(symbol) => {
                self.at += symbol.len();
                Ok(Token::Symbol(symbol))
            }
            None => {
                self.next();
                self.error(start, format!("`{first}` has no meaning in an expression"))
            }
        }
    }

    fn number(&mut self, start: usize) -> Result<Token, LexError> {
        if self.rest().starts_with("0x") || self.rest().starts_with("0X") {
            self.at += 2;
            let digits = self.take_while(|c| c.is_ascii_hexdigit() || c == '_').replace('_', "");
            let number = u64::from_str_radix(&digits, 16).ok();
            return self.whole(start, number);
        }
        let mut digits = self.take_while(|c| c.is_ascii_digit() || c == '_');
        let mut real = false;
        let mut after = self.rest().chars();
        if after.next() == Some('.') && after.next().is_some_and(|c| c.is_ascii_digit()) {
            real = true;
            self.at += 1;
            digits.push('.');
            digits += &self.take_while(|c| c.is_ascii_digit() || c == '_');
        }
        let mut after = self.rest().chars();
        if matches!(after.next(), Some('e' | 'E')) {
            let next = after.next();
            let signed = matches!(next, Some('+' | '-'));
            let digit = if signed { after.next() } else { next };
            if digit.is_some_and(|c| c.is_ascii_digit()) {
                real = true;
                self.at += 1;
                digits.push('e');
                if signed {
                    digits.extend(self.next());
                }
                digits += &self.take_while(|c| c.is_ascii_digit());
            }
        }
        let digits = digits.replace('_', "");
        if self.suffix(&['m', 'M']) {
            return match super::decimal::literal(&digits) {
                Some(n) => Ok(Token::Decimal(n)),
                None => self.error(start, "this number is too large for a decimal"),
            };
        }
        if self.suffix(&['f', 'F']) {
            return match digits.parse() {
                Ok(n) => Ok(Token::Float(n)),
                Err(_) => self.error(start, "this is no number"),
            };
        }
        let double = self.suffix(&['d', 'D']);
        if real || double {
            return match digits.parse() {
                Ok(n) => Ok(Token::Double(n)),
                Err(_) => self.error(start, "this is no number"),
            };
        }
        // The one number that has no positive twin; unary minus wraps it back.
        if digits == "9223372036854775808" && !self.peek().is_some_and(|c| "uU".contains(c)) {
            self.suffix(&['l', 'L']);
            return Ok(Token::Long(i64::MIN));
        }
        let number = digits.parse().ok();
        self.whole(start, number)
    }

    /// The suffix, and the first type of int, uint, long, ulong that fits.
    fn whole(&mut self, start: usize, number: Option<u64>) -> Result<Token, LexError> {
        let mut unsigned = self.suffix(&['u', 'U']);
        let long = self.suffix(&['l', 'L']);
        unsigned |= long && self.suffix(&['u', 'U']);
        let Some(n) = number else { return self.error(start, "this number is too large") };
        Ok(match (i32::try_from(n), u32::try_from(n), i64::try_from(n)) {
            (Ok(n), _, _) if !unsigned && !long => Token::Int(n),
            (_, Ok(n), _) if !long => Token::UInt(n),
            (_, _, Ok(n)) if !unsigned => Token::Long(n),
            _ => Token::ULong(n),
        })
    }

    fn suffix(&mut self, letters: &[char]) -> bool {
        let found = self.peek().is_some_and(|c| letters.contains(&c));
        if found {
            self.at += 1;
        }
        found
    }

    fn quoted(&mut self, start: usize, quote: char) -> Result<String, LexError> {
        let mut units: Vec<u16> = Vec::new();
        loop {
            match self.next() {
                None => {
                    self.at = (start + 1).min(self.text.len());
                    return self.error(start, "this text is never closed");
                }
                Some('\\') => self.escape(&mut units)?,
                Some(c) if c == quote => return Ok(String::from_utf16_lossy(&units)),
                Some(c) => units.extend(c.encode_utf16(&mut [0; 2]).iter()),
            }
        }
    }

    fn escape(&mut self, units: &mut Vec<u16>) -> Result<(), LexError> {
        let start = self.at - 1;
        let simple = match self.next() {
            Some(c @ ('\'' | '"' | '\\')) => c,
            Some('0') => '\0',
            Some('a') => '\u{7}',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('v') => '\u{b}',
            Some('u') => return self.hexadecimal(start, 4, 4, units),
            Some('U') => return self.hexadecimal(start, 8, 8, units),
            Some('x') => return self.hexadecimal(start, 1, 4, units),
            _ => return self.error(start, "unknown escape sequence"),
        };
        units.extend(simple.encode_utf16(&mut [0; 2]).iter());
        Ok(())
    }

    fn hexadecimal(
        &mut self,
        start: usize,
        least: usize,
        most: usize,
        units: &mut Vec<u16>,
    ) -> Result<(), LexError> {
        let digits: String =
            self.rest().chars().take(most).take_while(char::is_ascii_hexdigit).collect();
        self.at += digits.len();
        let number = u32::from_str_radix(&digits, 16).ok().filter(|_| least <= digits.len());
        match number {
            Some(n) => match (u16::try_from(n), char::from_u32(n)) {
                // A half of a surrogate pair is a unit of its own.
                (Ok(unit), _) => units.push(unit),
                (Err(_), Some(c)) => units.extend(c.encode_utf16(&mut [0; 2]).iter()),
                (Err(_), None) => return self.error(start, "no such character"),
            },
            None => return self.error(start, "an escape needs hexadecimal digits"),
        }
        Ok(())
    }

    fn verbatim(&mut self, start: usize) -> Result<Token, LexError> {
        let mut text = String::new();
        loop {
            match self.next() {
                None => {
                    self.at = (start + 2).min(self.text.len());
                    return self.error(start, "this text is never closed");
                }
                Some('"') if self.peek() == Some('"') => {
                    self.at += 1;
                    text.push('"');
                }
                Some('"') => return Ok(Token::String(text)),
                Some(c) => text.push(c),
            }
        }
    }

    fn interpolated(&mut self, start: usize, verbatim: bool) -> Result<Token, LexError> {
        let mut parts = Vec::new();
        let mut units: Vec<u16> = Vec::new();
        let flush = |units: &mut Vec<u16>, parts: &mut Vec<Part>| {
            if !units.is_empty() {
                parts.push(Part::Text(String::from_utf16_lossy(units)));
                units.clear();
            }
        };
        loop {
            match (self.next(), self.peek()) {
                (None, _) => {
                    self.at = (start + 2).min(self.text.len());
                    return self.error(start, "this text is never closed");
                }
                (Some('{'), Some('{')) | (Some('}'), Some('}')) => {
                    let brace = self.next().unwrap_or('{');
                    units.push(brace as u16);
                }
                (Some('{'), _) => {
                    flush(&mut units, &mut parts);
                    parts.push(self.hole()?);
                }
                (Some('}'), _) => {
                    return self
                        .error(self.at - 1, "write `}}` for a brace in an interpolated text");
                }
                (Some('"'), Some('"')) if verbatim => {
                    self.at += 1;
                    units.push(u16::from(b'"'));
                }
                (Some('"'), _) => {
                    flush(&mut units, &mut parts);
                    return Ok(Token::Interpolated(parts));
                }
                (Some('\\'), _) if !verbatim => self.escape(&mut units)?,
                (Some(c), _) => units.extend(c.encode_utf16(&mut [0; 2]).iter()),
            }
        }
    }

    /// Behind `{`: up to and including `}`.
    fn hole(&mut self) -> Result<Part, LexError> {
        let open = self.at - 1;
        // The scanner for brackets knows strings and nested interpolation.
        let Some(after) = super::scan::closing_bracket(self.text, open) else {
            return self.error(open, "this `{` is never closed");
        };
        let end = after - 1;
        let inner = self.text.get(self.at..end).unwrap_or_default();
        let (code, alignment, format) = split_hole(inner);
        let span = self.at..self.at + code;
        let alignment = match alignment.map(|text| text.trim().parse::<i32>()) {
            None => None,
            Some(Ok(width)) if width.abs() <= 1000 => Some(width),
            Some(_) => {
                self.at = end;
                return self.error(open, "an alignment is a whole number up to 1000");
            }
        };
        let format = format.map(str::to_owned);
        self.at = end + 1;
        Ok(Part::Hole { span, alignment, format })
    }
}

/// Splits a hole at its outermost `,` and `:`: the length of its code, its
/// alignment, its format.
fn split_hole(inner: &str) -> (usize, Option<&str>, Option<&str>) {
    let bytes = inner.as_bytes();
    let (mut depth, mut index, mut quote) = (0_usize, 0, None);
    let mut comma = None;
    while let Some(&byte) = bytes.get(index) {
        match (quote, byte) {
            (Some(_), b'\\') => index += 1,
            (Some(open), close) if open == close => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'(' | b'[' | b'{') => depth += 1,
            (None, b')' | b']' | b'}') => depth = depth.saturating_sub(1),
            (None, b',') if depth == 0 && comma.is_none() && alignment_follows(inner, index) => {
                comma = Some(index);
            }
            (None, b':') if depth == 0 => {
                let format = inner.get(index + 1..);
                let code = comma.unwrap_or(index);
                return (code, comma.and_then(|comma| inner.get(comma + 1..index)), format);
            }
            _ => {}
        }
        index += 1;
    }
    (comma.unwrap_or(inner.len()), comma.and_then(|comma| inner.get(comma + 1..)), None)
}

/// A comma before a number and the hole's end or its format; `a<b,c>()` has
/// commas that are no alignment.
fn alignment_follows(inner: &str, comma: usize) -> bool {
    let rest = inner.get(comma + 1..).unwrap_or_default();
    let number = rest.split(':').next().unwrap_or_default().trim();
    let digits = number.strip_prefix('-').unwrap_or(number);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<Token> {
        lex(text, 0..text.len()).unwrap().into_iter().map(|l| l.token).collect()
    }

    #[track_caller]
    fn check(text: &str, expect: &[Token]) {
        let mut found = tokens(text);
        assert_eq!(found.pop(), Some(Token::End));
        assert_eq!(found, expect, "{text}");
    }

    #[test]
    fn numbers() {
        check("12 1_000 0xFF", &[Token::Int(12), Token::Int(1000), Token::Int(255)]);
        check("2147483648 5L", &[Token::UInt(2_147_483_648), Token::Long(5)]);
        check("5u 5UL 5lu", &[Token::UInt(5), Token::ULong(5), Token::ULong(5)]);
        check("4294967296 18446744073709551615", &[Token::Long(1 << 32), Token::ULong(u64::MAX)]);
        check("0xFFFFFFFF 1.5f", &[Token::UInt(u32::MAX), Token::Float(1.5)]);
        check("1.50m", &[Token::Decimal("1.50".parse().unwrap())]);
        check("1.5 .5 2d 1e3", &[1.5, 0.5, 2.0, 1000.0].map(Token::Double));
        check("1.ToString", &[Token::Int(1), Token::Symbol("."), Token::Word("ToString".into())]);
    }

    #[test]
    fn apostrophes_hold_a_character_or_a_text() {
        check("'/'", &[Token::Char(u16::from(b'/'))]);
        check(r"'\''", &[Token::Char(u16::from(b'\''))]);
        check("'text'", &[Token::String("text".into())]);
    }

    #[test]
    fn texts() {
        check(r#""a\n\u0041\\""#, &[Token::String("a\nA\\".into())]);
        check(r#"@"a\""b""#, &[Token::String("a\\\"b".into())]);
        check("// don't\n1 /* ' */", &[Token::Int(1)]);
    }

    #[test]
    fn interpolation_has_alignment_and_format() {
        let hole = |span, alignment, format: Option<&str>| Part::Hole {
            span,
            alignment,
            format: format.map(str::to_owned),
        };
        check(
            r#"$"a{{{x,5:F2}b{y:HH:mm}""#,
            &[Token::Interpolated(vec![
                Part::Text("a{".into()),
                hole(6..7, Some(5), Some("F2")),
                Part::Text("b".into()),
                hole(15..16, None, Some("HH:mm")),
            ])],
        );
        check(r#"$"{f(a, 1)}""#, &[Token::Interpolated(vec![hole(3..10, None, None)])]);
    }
}
