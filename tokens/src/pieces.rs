//! Cutting text where a byte-pair encoding cuts it first.
//!
//! The encodings define a regular expression whose matches are encoded one by one.
//! Running it takes ten times as long as everything else about a request, so ASCII is
//! cut by hand here; the rest is left to the expression, in stretches that end where
//! every match ends. A property test holds both against each other.

use crate::Encoding;

/// The stretches of a text; `None` for an encoding with rules of another kind.
pub(crate) fn stretches(encoding: Encoding, text: &str) -> Option<Stretches<'_>> {
    let rules = match encoding {
        Encoding::Cl100kBase => Rules::Cl100k,
        Encoding::O200kBase => Rules::O200k,
        Encoding::P50kBase => return None,
    };
    Some(Stretches { rules, rest: text })
}

/// Iterates over stretches: parts of a text that are encoded apart from their
/// neighbours. One is one match of the expression or, with text in it that is not
/// ASCII, several.
pub(crate) struct Stretches<'a> {
    rules: Rules,
    rest: &'a str,
}

impl<'a> Stretches<'a> {
    /// The text from the next stretch on.
    pub(crate) fn rest(&self) -> &'a str {
        self.rest
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rules {
    Cl100k,
    O200k,
}

impl<'a> Iterator for Stretches<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        let bytes = self.rest.as_bytes();
        let end = first_match(self.rules, bytes).unwrap_or_else(|| clear_end(bytes));
        let (stretch, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        Some(stretch)
    }
}

/// What a byte is to the expressions.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    Upper,
    Lower,
    Digit,
    Space,
    /// Anything else in ASCII.
    Other,
    /// Part of a character beyond ASCII.
    Beyond,
    End,
}

/// The kind of each byte: every byte of a prompt is looked up once or twice.
static KINDS: [Kind; 256] = {
    let mut kinds = [Kind::Other; 256];
    let mut byte = 0;
    while byte < kinds.len() {
        kinds[byte] = match byte as u8 {
            b'a'..=b'z' => Kind::Lower,
            b'A'..=b'Z' => Kind::Upper,
            b'0'..=b'9' => Kind::Digit,
            // As `\s`: the vertical tab is white space too.
            b'\t'..=b'\r' | b' ' => Kind::Space,
            0x80.. => Kind::Beyond,
            _ => Kind::Other,
        };
        byte += 1;
    }
    kinds
};

fn of_byte(byte: u8) -> Kind {
    KINDS.get(usize::from(byte)).copied().unwrap_or(Kind::Other)
}

fn kind(bytes: &[u8], at: usize) -> Kind {
    bytes.get(at).map_or(Kind::End, |byte| of_byte(*byte))
}

/// Where bytes of this kind end that begin at `from`.
fn run(bytes: &[u8], from: usize, belongs: impl Fn(Kind) -> bool) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + rest.iter().position(|byte| !belongs(of_byte(*byte))).unwrap_or(rest.len())
}

fn is_letter(kind: Kind) -> bool {
    matches!(kind, Kind::Upper | Kind::Lower)
}

/// Where the first match ends; `None` when a character beyond ASCII may be part of
/// it, or decides about it.
fn first_match(rules: Rules, bytes: &[u8]) -> Option<usize> {
    if let Some(end) = plain_word(bytes) {
        return Some(end);
    }
    let first = bytes.first()?;
    let newline = matches!(first, b'\r' | b'\n');
    if rules == Rules::Cl100k
        && let Some(end) = contraction(bytes, 0)
    {
        return Some(end);
    }
    // A word, with one character before it that is no letter, digit or line end.
    let word = match kind(bytes, 0) {
        Kind::Upper | Kind::Lower => Some(0),
        Kind::Space | Kind::Other if !newline && is_letter(kind(bytes, 1)) => Some(1),
        _ => None,
    };
    let end = match (word, rules) {
        (Some(from), Rules::Cl100k) => run(bytes, from, is_letter),
        (Some(from), Rules::O200k) => return cased_word(bytes, from),
        (None, _) if kind(bytes, 0) == Kind::Digit => {
            run(bytes, 0, |kind| kind == Kind::Digit).min(3)
        }
        (None, _) => match symbols(rules, bytes) {
            Some(end) => return end,
            None => return white_space(rules, bytes),
        },
    };
    known(bytes, end)
}

/// The end of small letters, with or without a space before them, where what follows
/// is no part of any word: most of prose, and the same for all rules.
fn plain_word(bytes: &[u8]) -> Option<usize> {
    let from = usize::from(bytes.first() == Some(&b' '));
    let end = run(bytes, from, |kind| kind == Kind::Lower);
    let apart = match kind(bytes, end) {
        Kind::Space | Kind::Digit | Kind::End => true,
        Kind::Other => bytes.get(end) != Some(&b'\''),
        Kind::Upper | Kind::Lower | Kind::Beyond => false,
    };
    (from < end && apart).then_some(end)
}

/// An end, when what follows cannot move it.
fn known(bytes: &[u8], end: usize) -> Option<usize> {
    (kind(bytes, end) != Kind::Beyond).then_some(end)
}

/// A word ends before the next capital after small letters, and takes a contraction
/// with it.
fn cased_word(bytes: &[u8], from: usize) -> Option<usize> {
    let capitals = run(bytes, from, |kind| kind == Kind::Upper);
    let end = run(bytes, capitals, |kind| kind == Kind::Lower);
    // U+017F is an s to a case-insensitive expression.
    if bytes.get(end) == Some(&b'\'') && kind(bytes, end + 1) == Kind::Beyond {
        return None;
    }
    known(bytes, contraction(bytes, end).unwrap_or(end))
}

/// The end of `'s`, `'ll` and the like, in any case.
fn contraction(bytes: &[u8], at: usize) -> Option<usize> {
    let [b'\'', rest @ ..] = bytes.get(at..)? else { return None };
    let letter = |index: usize| rest.get(index).map(u8::to_ascii_lowercase);
    match (letter(0)?, letter(1)) {
        (b's' | b'd' | b'm' | b't', _) => Some(at + 2),
        (b'l', Some(b'l')) | (b'v' | b'r', Some(b'e')) => Some(at + 3),
        _ => None,
    }
}

/// Symbols, with a space before them and line ends after them. The outer `None`: here
/// are none; the inner one: their end is not known.
fn symbols(rules: Rules, bytes: &[u8]) -> Option<Option<usize>> {
    let from = usize::from(bytes.first() == Some(&b' '));
    let end = run(bytes, from, |kind| kind == Kind::Other);
    if kind(bytes, end) == Kind::Beyond {
        // Also after a space alone: what follows may be a symbol.
        return (from < end || from == 1).then_some(None);
    }
    if end == from {
        return None;
    }
    let ends = |byte: &&u8| match byte {
        b'\r' | b'\n' => true,
        b'/' => rules == Rules::O200k,
        _ => false,
    };
    let line_ends = bytes.get(end..)?.iter().take_while(ends).count();
    Some(Some(end + line_ends))
}

/// White space up to its last line end; without one, all of it but the character that
/// goes with what follows.
fn white_space(rules: Rules, bytes: &[u8]) -> Option<usize> {
    let end = known(bytes, run(bytes, 0, |kind| kind == Kind::Space))?;
    let at_end = kind(bytes, end) == Kind::End;
    if at_end && rules == Rules::Cl100k {
        return (0 < end).then_some(end);
    }
    let lines = bytes.get(..end)?.iter().rposition(|byte| matches!(byte, b'\r' | b'\n'));
    match (lines, end) {
        (Some(last), _) => Some(last + 1),
        // Not white space: what begins beyond ASCII.
        (None, 0) => None,
        (None, end) if at_end => Some(end),
        (None, end) => Some((end - 1).max(1)),
    }
}

/// Where a match ends for certain after the first character beyond ASCII: before a
/// space that follows visible ASCII. No match has a space after anything but white
/// space, and none of them looks back.
fn clear_end(bytes: &[u8]) -> usize {
    let beyond = bytes.iter().position(|byte| !byte.is_ascii()).unwrap_or(bytes.len());
    let after = bytes.get(beyond..).unwrap_or_default();
    let clear = |pair: &[u8]| matches!(pair, [before, b' '] if before.is_ascii_graphic());
    let clear = after.windows(2).position(clear);
    clear.map_or(bytes.len(), |at| beyond + at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(encoding: Encoding, text: &str, expected: &[&str]) {
        let found: Vec<&str> = stretches(encoding, text).unwrap().collect();
        assert_eq!(found, expected, "{}", encoding.name());
    }

    #[test]
    fn words_take_what_stands_before_them() {
        for encoding in [Encoding::Cl100kBase, Encoding::O200kBase] {
            check(
                encoding,
                "It is  1234 (so)!",
                &["It", " is", " ", " ", "123", "4", " (", "so", ")!"],
            );
            check(encoding, "a\n\n  b \n", &["a", "\n\n", " ", " b", " \n"]);
        }
    }

    #[test]
    fn the_encodings_differ_in_case_contractions_and_ends() {
        check(Encoding::Cl100kBase, "HelloWorld's", &["HelloWorld", "'s"]);
        check(Encoding::O200kBase, "HelloWorld's", &["Hello", "World's"]);
        check(Encoding::Cl100kBase, "a \n ", &["a", " \n "]);
        check(Encoding::O200kBase, "a \n ", &["a", " \n", " "]);
        check(Encoding::Cl100kBase, ".\n/x", &[".\n", "/x"]);
        check(Encoding::O200kBase, ".\n/x", &[".\n/", "x"]);
    }

    #[test]
    fn what_is_not_ascii_is_left_to_the_expression_up_to_a_clear_end() {
        let text = "We saw \u{201c}the caf\u{e9}\u{201d}, then left";
        let expected = ["We", " saw", " \u{201c}the", " caf\u{e9}\u{201d},", " then", " left"];
        check(Encoding::O200kBase, text, &expected);
        check(Encoding::Cl100kBase, text, &expected);
    }
}
