//! Texts that match a regular expression.
//!
//! JSON schema's patterns are ECMAScript's. What `regex-syntax` does not know
//! (look-around, back references) has no sample; the caller then writes some text.

use rand::{Rng, RngExt as _};
use regex_syntax::hir::{Class, Hir, HirKind};

/// A sample is no longer than this, whatever its repetitions demand.
const MOST_CHARS: usize = 4_096;
/// Patterns longer than this are not compiled.
const MOST_PATTERN: usize = 2_048;

/// Whether `text` matches; a pattern that cannot be read or is too costly forbids
/// nothing.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    if MOST_PATTERN < pattern.len() {
        return true;
    }
    let compiled = fancy_regex::RegexBuilder::new(pattern)
        .backtrack_limit(10_000)
        .delegate_size_limit(256 << 10)
        .build();
    compiled.map_or(true, |regex| regex.is_match(text).unwrap_or(true))
}

/// A text that matches. `more` is how many times beyond its least a repetition
/// without end may repeat.
pub(super) fn sample(pattern: &str, more: u32, rng: &mut impl Rng) -> Option<String> {
    if MOST_PATTERN < pattern.len() {
        return None;
    }
    let hir = regex_syntax::ParserBuilder::new().nest_limit(64).build().parse(pattern).ok()?;
    let mut out = String::new();
    write(&hir, more, rng, &mut out);
    Some(out)
}

fn write(hir: &Hir, more: u32, rng: &mut impl Rng, out: &mut String) {
    if MOST_CHARS < out.len() {
        return;
    }
    match hir.kind() {
        // Assertions about what stands around: the check afterwards sees them.
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(class) => out.extend(one_of(class, rng)),
        HirKind::Repetition(repetition) => {
            let most = repetition.max.unwrap_or(u32::MAX).min(repetition.min.saturating_add(more));
            for _ in 0..rng.random_range(repetition.min..=most.max(repetition.min)) {
                if MOST_CHARS < out.len() {
                    return;
                }
                let before = out.len();
                write(&repetition.sub, more, rng, out);
                if out.len() == before {
                    // Repeating nothing stays nothing.
                    return;
                }
            }
        }
        HirKind::Capture(capture) => write(&capture.sub, more, rng, out),
        HirKind::Concat(parts) => parts.iter().for_each(|part| write(part, more, rng, out)),
        HirKind::Alternation(branches) => {
            if let Some(branch) = branches.get(rng.random_range(0..branches.len().max(1))) {
                write(branch, more, rng, out);
            }
        }
    }
}

/// A character of a class: a letter or digit if it has one, else something
/// printable, else its first.
fn one_of(class: &Class, rng: &mut impl Rng) -> Option<char> {
    let has = |c: char| match class {
        Class::Unicode(class) => class.ranges().iter().any(|r| r.start() <= c && c <= r.end()),
        Class::Bytes(class) => class
            .ranges()
            .iter()
            .any(|r| u32::from(r.start()) <= u32::from(c) && u32::from(c) <= u32::from(r.end())),
    };
    let printable = ' '..='~';
    let usual: Vec<char> =
        printable.clone().filter(|c| c.is_ascii_alphanumeric() && has(*c)).collect();
    let choice = if usual.is_empty() { printable.filter(|c| has(*c)).collect() } else { usual };
    if choice.is_empty() {
        return match class {
            Class::Unicode(class) => class.ranges().first().map(|range| range.start()),
            Class::Bytes(class) => class.ranges().first().map(|range| char::from(range.start())),
        };
    }
    choice.get(rng.random_range(0..choice.len())).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use seam::rng::Seed;

    use super::*;

    #[test]
    fn samples_match_their_patterns() {
        let patterns = [
            "^[A-Z]{3}-\\d{4}$",
            "^\\+?[1-9]\\d{1,14}$",
            "^(red|green|blue)$",
            "^#[0-9a-fA-F]{6}$",
            "^\\d{5}(-\\d{4})?$",
            "[a-z]+@[a-z]+\\.com",
            "^https?:\\/\\/[^\\s]+$",
            "^\\p{Lu}\\w*$",
            "^[^a-zA-Z0-9]$",
            "^[\\u00e0-\\u00ff]{2}$",
            "x*",
            "",
        ];
        let mut rng = Seed(3).stream("x");
        for pattern in patterns {
            for more in [0, 1, 8] {
                let text = sample(pattern, more, &mut rng).unwrap();
                assert!(matches(pattern, &text), "{pattern}: {text}");
            }
        }
        assert_eq!(sample("^(?=.*x).*$", 3, &mut rng), None);
        assert!(matches("(unclosed", "anything"));
    }

    #[test]
    fn great_repetitions_are_cut() {
        let mut rng = Seed(3).stream("x");
        for pattern in
            ["a{1000000}", "((a{0,60000}){0,60000}){0,60000}", "((((a*)*)*)*)*", "(){99999}"]
        {
            let text = sample(pattern, 1_000, &mut rng).unwrap_or_default();
            assert!(text.len() <= MOST_CHARS + 4, "{pattern}: {}", text.len());
        }
    }

    proptest! {
        #[test]
        fn any_pattern_is_harmless(pattern in "[\\[\\]()a-c*+?{}0-9,^$.|\\\\dws-]{0,24}", seed: u64) {
            if let Some(text) = sample(&pattern, 3, &mut Seed(seed).stream("x")) {
                let _ = matches(&pattern, &text);
            }
        }
    }
}
