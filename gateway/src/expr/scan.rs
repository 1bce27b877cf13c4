//! Where an expression ends, without parsing it.
//!
//! The document's scanner meets `@(` or `@{` in an attribute or in element text
//! and must know where the C# stops: at the bracket that closes the first one,
//! not counting brackets in strings, characters and comments. An apostrophe in
//! a comment ("don't") opens nothing.

/// Interpolated strings nested deeper than this are not followed.
const MAX_NESTING: usize = 32;

/// The length in bytes of the expression at the start of `text` (which begins
/// with `@(` or `@{`), brackets included: where the document's scanner goes on.
/// `None` when the bracket is never closed, or the text does not begin so.
#[must_use]
pub fn expression_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    match (bytes.first(), bytes.get(1)) {
        (Some(b'@'), Some(b'(' | b'{')) => {
            Scan { bytes }.brackets(1, 0).filter(|&end| text.is_char_boundary(end))
        }
        _ => None,
    }
}

/// The index after the bracket that closes the one at `open`.
pub(crate) fn closing_bracket(text: &str, open: usize) -> Option<usize> {
    Scan { bytes: text.as_bytes() }.brackets(open, 1).filter(|&end| text.is_char_boundary(end))
}

struct Scan<'a> {
    bytes: &'a [u8],
}

impl Scan<'_> {
    fn at(&self, index: usize) -> Option<u8> {
        self.bytes.get(index).copied()
    }

    /// `index` is at an opening bracket: the index after the one closing it.
    fn brackets(&self, mut index: usize, nesting: usize) -> Option<usize> {
        let mut depth = 0_usize;
        loop {
            match self.at(index)? {
                b'(' | b'[' | b'{' => {
                    depth += 1;
                    index += 1;
                }
                b')' | b']' | b'}' => {
                    depth = depth.checked_sub(1)?;
                    index += 1;
                    if depth == 0 {
                        return Some(index);
                    }
                }
                _ => index = self.skip_one(index, nesting)?,
            }
        }
    }

    /// Skips one string, character, comment or other byte.
    fn skip_one(&self, index: usize, nesting: usize) -> Option<usize> {
        let (next, after) = (self.at(index + 1), self.at(index + 2));
        match (self.at(index)?, next, after) {
            (b'/', Some(b'/'), _) => self.after_line(index + 2),
            (b'/', Some(b'*'), _) => self.after_block_comment(index + 2),
            (b'$', Some(b'@'), Some(b'"')) | (b'@', Some(b'$'), Some(b'"')) => {
                self.after_interpolated(index + 3, true, nesting)
            }
            (b'$', Some(b'"'), _) => self.after_interpolated(index + 2, false, nesting),
            (b'@', Some(b'"'), _) => self.after_verbatim(index + 2),
            (b'"', ..) => self.after_quoted(index + 1, b'"'),
            (b'\'', ..) => self.after_quoted(index + 1, b'\''),
            _ => Some(index + 1),
        }
    }

    fn after_line(&self, mut index: usize) -> Option<usize> {
        while !matches!(self.at(index)?, b'\n' | b'\r') {
            index += 1;
        }
        Some(index)
    }

    fn after_block_comment(&self, mut index: usize) -> Option<usize> {
        loop {
            match (self.at(index)?, self.at(index + 1)) {
                (b'*', Some(b'/')) => return Some(index + 2),
                _ => index += 1,
            }
        }
    }

    fn after_quoted(&self, mut index: usize, quote: u8) -> Option<usize> {
        loop {
            match self.at(index)? {
                b'\\' => index += 2,
                byte if byte == quote => return Some(index + 1),
                _ => index += 1,
            }
        }
    }

    fn after_verbatim(&self, mut index: usize) -> Option<usize> {
        loop {
            match (self.at(index)?, self.at(index + 1)) {
                (b'"', Some(b'"')) => index += 2,
                (b'"', _) => return Some(index + 1),
                _ => index += 1,
            }
        }
    }

    fn after_interpolated(
        &self,
        mut index: usize,
        verbatim: bool,
        nesting: usize,
    ) -> Option<usize> {
        if nesting == MAX_NESTING {
            return None;
        }
        loop {
            match (self.at(index)?, self.at(index + 1)) {
                (b'{', Some(b'{')) => index += 2,
                (b'{', _) => index = self.brackets(index, nesting + 1)?,
                (b'\\', _) if !verbatim => index += 2,
                (b'"', Some(b'"')) if verbatim => index += 2,
                (b'"', _) => return Some(index + 1),
                _ => index += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expression: &str) {
        let text = format!("{expression} /> )}}\"");
        assert_eq!(expression_end(&text), Some(expression.len()), "{expression}");
        let cut = &expression[..expression.len() - 1];
        assert_eq!(expression_end(cut), None, "{cut}");
    }

    #[test]
    fn stops_at_the_closing_bracket() {
        check("@(1 + 2)");
        check("@{ return 1; }");
        check("@(f(a[1], new { b = 2 }))");
        check("@(context.Request.Body.As<JObject>())");
    }

    #[test]
    fn brackets_in_strings_characters_and_comments_do_not_count() {
        check(r#"@(")")"#);
        check(r#"@("\")")"#);
        check(r#"@(@"c:\)" + "x")"#);
        check(r#"@(@"a"")b")"#);
        check("@(')')");
        check(r"@('\'' + ')')");
        check("@('a longer text)')");
        check("@{ /* ) } */ return 1; }");
        check("@{ // don't stop here }\n return 1; }");
    }

    #[test]
    fn follows_interpolated_strings() {
        check(r#"@($"{a}")"#);
        check(r#"@($"{{ ) {a[")"]} }} )")"#);
        check(r#"@($@"\{a}"")")"#);
        check(r#"@($"{d:HH:mm} {n,5:F2}")"#);
    }

    #[test]
    fn needs_an_expression_at_the_start() {
        for text in ["", "@", "x@(1)", "@[1]", "(1)", "@("] {
            assert_eq!(expression_end(text), None, "{text}");
        }
    }
}
