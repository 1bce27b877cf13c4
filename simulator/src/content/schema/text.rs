//! Texts: formats, plausible words for a field's name, lengths.

use rand::{Rng, RngExt as _};

use super::super::filler;
use super::super::json::Json;
use super::parts::Parts;
use super::pattern;

/// No text is longer, whatever `minLength` says.
const MOST_CHARS: usize = 16 << 10;

/// Plausible texts by a word in the field's name; the first row that matches.
const PLAUSIBLE: &[(&[&str], &[&str])] = &[
    (&["email", "mail"], &["ada@example.com", "sam.lee@example.org", "info@contoso.com"]),
    (&["phone", "mobile", "fax"], &["+1-425-555-0100", "+44 20 7946 0958", "+49 30 901820"]),
    (
        &["url", "uri", "link", "website", "homepage"],
        &["https://example.com/", "https://contoso.com/news", "https://example.org/docs/start"],
    ),
    (
        &["city", "location", "place", "destination", "origin", "town"],
        &["San Francisco", "Paris", "Tokyo", "Seattle", "Berlin", "London"],
    ),
    (&["country", "nation"], &["France", "Japan", "Germany", "Canada", "Brazil"]),
    (&["state", "province", "region"], &["California", "Washington", "Bavaria", "Ontario"]),
    (&["street", "address"], &["1 Main Street", "42 Oak Avenue", "7 Harbour Road"]),
    (&["zip", "postal", "postcode"], &["98052", "94105", "10115"]),
    (&["unit", "units"], &["celsius", "fahrenheit", "metric"]),
    (&["currency"], &["USD", "EUR", "JPY"]),
    (&["language", "lang", "locale"], &["en", "fr", "de", "ja"]),
    (&["color", "colour"], &["blue", "green", "red"]),
    (&["date", "day", "birthday", "deadline"], &["2026-03-14", "2026-07-01", "2025-11-30"]),
    (&["time"], &["09:30", "14:00", "18:45"]),
    (&["timestamp"], &["2026-03-14T09:30:00Z", "2026-07-01T14:00:00Z"]),
    (
        &["company", "organization", "organisation", "employer"],
        &["Contoso", "Fabrikam", "Northwind Traders"],
    ),
    (&["job", "occupation", "profession"], &["engineer", "teacher", "nurse"]),
    (&["file", "filename", "path"], &["report.txt", "data/input.csv", "README.md"]),
    (
        &["query", "search", "question", "keyword", "keywords"],
        &["weather today", "best route to the station", "open tasks"],
    ),
    (&["status"], &["open", "done", "active"]),
    (&["sentiment"], &["positive", "neutral", "negative"]),
    (&["firstname", "first"], &["Ada", "Sam", "Mina"]),
    (&["lastname", "last", "surname"], &["Lovelace", "Lee", "Okafor"]),
    (
        &[
            "name",
            "user",
            "username",
            "author",
            "person",
            "customer",
            "participant",
            "participants",
            "attendees",
        ],
        &["Ada Lovelace", "Sam Lee", "Mina Okafor", "Alice", "Bob"],
    ),
];

/// Names of fields that hold sentences.
const PROSE: &[&str] = &[
    "answer",
    "body",
    "comment",
    "content",
    "description",
    "details",
    "explanation",
    "message",
    "notes",
    "point",
    "points",
    "reason",
    "reasoning",
    "response",
    "step",
    "steps",
    "summary",
    "text",
    "thought",
    "output",
];

const WORDS: &[&str] = &[
    "river", "garden", "letter", "window", "morning", "summer", "market", "school", "system",
    "service", "network", "bridge", "forest", "island", "picture", "answer",
];

/// A text that meets the demands, plausible for a field of this name.
pub(super) fn text(parts: &Parts<'_>, name: &str, rng: &mut impl Rng) -> String {
    let least = parts.at_least("minLength").min(MOST_CHARS);
    let most = parts.at_most("maxLength").unwrap_or(MOST_CHARS).min(MOST_CHARS);
    let fits = |text: &str| (least..=most).contains(&text.chars().count());
    let patterns: Vec<&str> = parts.each("pattern").filter_map(Json::as_str).collect();
    let matches = |text: &str| patterns.iter().all(|pattern| pattern::matches(pattern, text));
    let format = parts.each("format").find_map(Json::as_str);
    if let Some(made) = format.and_then(|format| of_format(format, rng))
        && fits(&made)
        && matches(&made)
    {
        return made;
    }
    for pattern in &patterns {
        // Longer repetitions by and by, for a minimal length.
        let longer = [1, 4, 8, 0, 16, 32, 64, 256, 2_048].into_iter();
        for more in longer.flat_map(|more| [more; 8]) {
            match pattern::sample(pattern, more, rng) {
                Some(made) if fits(&made) && matches(&made) => return made,
                Some(_) => {}
                None => break,
            }
        }
    }
    let usual = plausible(name, rng);
    if fits(&usual) { usual } else { fit(usual, least, most, rng) }
}

/// Cuts or continues a text to a length in characters.
fn fit(mut text: String, least: usize, most: usize, rng: &mut impl Rng) -> String {
    let mut length = text.chars().count();
    while length < least {
        let word = pick(WORDS, rng);
        text.push(' ');
        text.push_str(word);
        length += 1 + word.len();
    }
    match text.char_indices().nth(most) {
        Some((end, _)) => {
            text.truncate(end);
            let trimmed = text.trim_end().len();
            if least <= text.get(..trimmed).map_or(0, |kept| kept.chars().count()) {
                text.truncate(trimmed);
            }
            text
        }
        None => text,
    }
}

fn plausible(name: &str, rng: &mut impl Rng) -> String {
    let words = words_of(name);
    let named = |names: &[&str]| names.iter().any(|name| words.iter().any(|word| word == name));
    if words.iter().any(|word| word == "id" || word == "uuid") {
        return format!("{}-{}", pick(WORDS, rng), rng.random_range(100..1000));
    }
    if let Some((_, texts)) = PLAUSIBLE.iter().find(|(names, _)| named(names)) {
        return pick(texts, rng).to_owned();
    }
    if named(PROSE) {
        let tokens = rng.random_range(8..20);
        return filler::sentences(tokens, rng);
    }
    let first = pick(WORDS, rng);
    match rng.random_range(0..3) {
        0 => first.to_owned(),
        _ => format!("{first} {}", pick(WORDS, rng)),
    }
}

/// A text of a format that the specification of JSON schema defines, or that
/// people use; `None` for others.
fn of_format(format: &str, rng: &mut impl Rng) -> Option<String> {
    let (year, month, day) =
        (rng.random_range(2020..=2026), rng.random_range(1..=12), rng.random_range(1..=28));
    let (hour, minute, second) =
        (rng.random_range(0..24), rng.random_range(0..60), rng.random_range(0..60));
    let date = format!("{year}-{month:02}-{day:02}");
    let time = format!("{hour:02}:{minute:02}:{second:02}Z");
    let word = pick(WORDS, rng);
    Some(match format {
        "date" => date,
        "time" => time,
        "date-time" => format!("{date}T{time}"),
        "duration" => format!("P{}DT{hour}H{minute}M", rng.random_range(1..10)),
        "email" | "idn-email" => format!("{word}@example.com"),
        "hostname" | "idn-hostname" => format!("{word}.example.com"),
        "ipv4" => format!("192.0.2.{}", rng.random_range(1..255)),
        "ipv6" => format!("2001:db8::{:x}", rng.random_range(1..0xffff)),
        "uri" | "iri" | "url" => format!("https://example.com/{word}"),
        "uri-reference" | "iri-reference" => format!("/{word}"),
        "uri-template" => format!("/{word}/{{id}}"),
        "json-pointer" => format!("/{word}/0"),
        "relative-json-pointer" => format!("0/{word}"),
        "regex" => format!("^{word}$"),
        "uuid" => uuid(rng),
        _ => return None,
    })
}

fn uuid(rng: &mut impl Rng) -> String {
    let bits: u128 = rng.random();
    let hex = format!("{bits:032x}");
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default();
    format!("{}-{}-4{}-a{}-{}", part(0..8), part(8..12), part(13..16), part(17..20), part(20..32))
}

/// The words of a field's name in lower case: `first_name`, `firstName`.
pub(super) fn words_of(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut fresh = true;
    let mut lower = false;
    for c in name.chars().take(200) {
        if !c.is_alphanumeric() {
            fresh = true;
            continue;
        }
        if fresh || lower && c.is_uppercase() {
            words.push(String::new());
        }
        fresh = false;
        lower = c.is_lowercase();
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
    }
    words
}

/// A word for the key of a free map.
pub(super) fn key(rng: &mut impl Rng) -> &'static str {
    pick(WORDS, rng)
}

fn pick(list: &[&'static str], rng: &mut impl Rng) -> &'static str {
    list.get(rng.random_range(0..list.len().max(1))).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fall_into_words() {
        assert_eq!(words_of("first_name"), ["first", "name"]);
        assert_eq!(words_of("firstName2"), ["first", "name2"]);
        assert_eq!(words_of("zip-code"), ["zip", "code"]);
        assert_eq!(words_of("URL"), ["url"]);
        assert!(words_of("--").is_empty());
    }
}
