//! The encodings and which model uses which.
//!
//! Vocabularies come from tiktoken-rs and are built once per process, on first
//! use or by [`Encoding::warm`]. Text is always encoded as ordinary text:
//! `<|endoftext|>` in a prompt is seven characters more, not one special token.

use tiktoken_rs::CoreBPE;

use crate::memo::with_memory;
use crate::pieces::stretches;

/// A byte-pair encoding, as in the specification's table of models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Encoding {
    /// gpt-4o, gpt-4.1, gpt-4.5, gpt-5, o-series, gpt-oss.
    O200kBase,
    /// gpt-4, gpt-4-turbo, gpt-35-turbo, text-embedding-*.
    Cl100kBase,
    /// text-davinci-* and the models of its time.
    P50kBase,
}

/// A part of a text that can stand alone: one token, or the few that make up one
/// character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Whole characters.
    pub text: &'a str,
    /// How many tokens it is.
    pub tokens: usize,
}

/// Token ids that stand for no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError;

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the tokens are outside the vocabulary or do not form UTF-8 text")
    }
}

impl std::error::Error for DecodeError {}

/// Model families by the start of their name. The first match decides, so the
/// longer names come first; a start only matches a whole name part.
const FAMILIES: &[(&str, Encoding)] = &[
    ("gpt-4o", Encoding::O200kBase),
    ("chatgpt-4o", Encoding::O200kBase),
    ("gpt-4.1", Encoding::O200kBase),
    ("gpt-4.5", Encoding::O200kBase),
    ("gpt-5", Encoding::O200kBase),
    ("gpt-oss", Encoding::O200kBase),
    ("o1", Encoding::O200kBase),
    ("o3", Encoding::O200kBase),
    ("o4", Encoding::O200kBase),
    ("gpt-4", Encoding::Cl100kBase),
    ("gpt-3.5-turbo", Encoding::Cl100kBase),
    ("gpt-35-turbo", Encoding::Cl100kBase),
    ("text-embedding-ada-002", Encoding::Cl100kBase),
    ("text-embedding-3-small", Encoding::Cl100kBase),
    ("text-embedding-3-large", Encoding::Cl100kBase),
    ("text-davinci", Encoding::P50kBase),
];

impl Encoding {
    /// All encodings.
    pub const ALL: [Encoding; 3] = [Encoding::O200kBase, Encoding::Cl100kBase, Encoding::P50kBase];

    /// The encoding of a model, by its name as OpenAI or Azure spells it, with
    /// or without a snapshot's date; `None` for a model nobody knows.
    #[must_use]
    pub fn for_model(model: &str) -> Option<Self> {
        let model = model.to_ascii_lowercase();
        FAMILIES.iter().find(|(family, _)| names_family(&model, family)).map(|&(_, found)| found)
    }

    /// The encoding's own name: `o200k_base`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Encoding::O200kBase => "o200k_base",
            Encoding::Cl100kBase => "cl100k_base",
            Encoding::P50kBase => "p50k_base",
        }
    }

    /// Builds the vocabulary now, so that the first request does not wait for it.
    pub fn warm(self) {
        let _ = self.vocabulary();
    }

    /// How many tokens `text` has.
    #[must_use]
    pub fn count(self, text: &str) -> usize {
        let whole = |text: &str| self.vocabulary().count_ordinary(text);
        let Some(mut stretches) = stretches(self, text) else {
            return if text.is_empty() { 0 } else { whole(text) };
        };
        with_memory(|memory| {
            let mut tokens = 0;
            loop {
                let rest = stretches.rest().as_bytes();
                let Some(piece) = stretches.next() else { return tokens };
                tokens += memory.count(self, rest, piece.len(), || whole(piece));
            }
        })
    }

    /// The tokens of `text`.
    #[must_use]
    pub fn encode(self, text: &str) -> Vec<u32> {
        self.vocabulary().encode_ordinary(text)
    }

    /// The text of `tokens`.
    pub fn decode(self, tokens: &[u32]) -> Result<String, DecodeError> {
        self.vocabulary().decode(tokens).map_err(|_| DecodeError)
    }

    /// `text`, cut at the ends of its tokens: one slice of bytes a token. A
    /// character of several bytes may lie in several tokens, so a slice alone
    /// need not be UTF-8; together they are `text`.
    #[must_use]
    pub fn slices(self, text: &str) -> Vec<&[u8]> {
        let vocabulary = self.vocabulary();
        let mut rest = text.as_bytes();
        let mut slices = Vec::new();
        for token in vocabulary.encode_ordinary(text) {
            let length = vocabulary.decode_bytes(&[token]).map_or(0, |bytes| bytes.len());
            let (slice, left) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            slices.push(slice);
            rest = left;
        }
        slices
    }

    /// `text` as a stream delivers it: one piece a token, except that tokens
    /// which are no whole characters are joined with those that complete them.
    #[must_use]
    pub fn split(self, text: &str) -> Vec<Piece<'_>> {
        let mut pieces = Vec::new();
        let (mut from, mut to, mut tokens) = (0, 0, 0);
        for slice in self.slices(text) {
            to += slice.len();
            tokens += 1;
            if let Some(whole) = text.get(from..to).filter(|_| text.is_char_boundary(to)) {
                pieces.push(Piece { text: whole, tokens });
                (from, tokens) = (to, 0);
            }
        }
        pieces
    }

    fn vocabulary(self) -> &'static CoreBPE {
        match self {
            Encoding::O200kBase => tiktoken_rs::o200k_base_singleton(),
            Encoding::Cl100kBase => tiktoken_rs::cl100k_base_singleton(),
            Encoding::P50kBase => tiktoken_rs::p50k_base_singleton(),
        }
    }
}

/// Whether `model` is `family` or continues it after a `-` or `.`.
fn names_family(model: &str, family: &str) -> bool {
    match model.strip_prefix(family) {
        // "gpt-4.2" is no gpt-4: a minor version may have another vocabulary.
        Some(rest) if family == "gpt-4" => rest.is_empty() || rest.starts_with('-'),
        Some(rest) => rest.is_empty() || rest.starts_with(['-', '.']),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(model: &str, expected: Option<Encoding>) {
        assert_eq!(Encoding::for_model(model), expected, "{model}");
    }

    #[test]
    fn models_have_the_encoding_of_their_family() {
        check("gpt-4o", Some(Encoding::O200kBase));
        check("gpt-4o-mini-2024-07-18", Some(Encoding::O200kBase));
        check("gpt-4.1-nano", Some(Encoding::O200kBase));
        check("gpt-5.1-codex", Some(Encoding::O200kBase));
        check("GPT-5", Some(Encoding::O200kBase));
        check("o3-mini-2025-01-31", Some(Encoding::O200kBase));
        check("gpt-4", Some(Encoding::Cl100kBase));
        check("gpt-4-32k-0613", Some(Encoding::Cl100kBase));
        check("gpt-4-turbo-2024-04-09", Some(Encoding::Cl100kBase));
        check("gpt-35-turbo-0125", Some(Encoding::Cl100kBase));
        check("gpt-3.5-turbo-instruct", Some(Encoding::Cl100kBase));
        check("gpt-35-turbo-instruct", Some(Encoding::Cl100kBase));
        check("text-embedding-3-large", Some(Encoding::Cl100kBase));
        check("text-embedding-ada-002", Some(Encoding::Cl100kBase));
        check("text-davinci-003", Some(Encoding::P50kBase));
        check("gpt-4.2", None);
        check("gpt-4omg", None);
        check("o12", None);
        check("llama", None);
        check("", None);
    }

    #[test]
    fn counts_known_texts() {
        assert_eq!(Encoding::Cl100kBase.count("What is the capital of France?"), 7);
        assert_eq!(Encoding::O200kBase.count("What is the capital of France?"), 7);
        assert_eq!(Encoding::O200kBase.count("Count r's in strawberry"), 5);
        // Recorded embeddings usage: 8 tokens (dd/traceloop cassette).
        assert_eq!(Encoding::Cl100kBase.count("Tell me a joke about opentelemetry"), 8);
        assert_eq!(Encoding::P50kBase.count("hello world"), 2);
        assert_eq!(Encoding::O200kBase.count(""), 0);
    }

    #[test]
    fn special_tokens_are_ordinary_text() {
        for encoding in Encoding::ALL {
            assert!(encoding.count("<|endoftext|>") > 1, "{}", encoding.name());
            let tokens = encoding.encode("<|endoftext|>");
            assert_eq!(encoding.decode(&tokens).unwrap(), "<|endoftext|>");
        }
    }

    /// The fragments of a recorded stream of tool call arguments (gpt-4o-mini, 2026-01).
    #[test]
    fn arguments_split_as_the_service_streams_them() {
        let pieces = Encoding::O200kBase.split(r#"{"city":"San Francisco"}"#);
        let texts: Vec<&str> = pieces.iter().map(|piece| piece.text).collect();
        assert_eq!(texts, [r#"{""#, "city", r#"":""#, "San", " Francisco", r#""}"#]);
        assert!(pieces.iter().all(|piece| piece.tokens == 1));
    }

    #[test]
    fn a_character_of_several_tokens_is_one_piece() {
        let pieces = Encoding::Cl100kBase.split("a\u{1f9ff}b");
        let texts: Vec<&str> = pieces.iter().map(|piece| piece.text).collect();
        assert_eq!(texts, ["a", "\u{1f9ff}", "b"]);
        assert!(1 < pieces[1].tokens, "{pieces:?}");
        assert!(Encoding::Cl100kBase.split("").is_empty());
    }

    #[test]
    fn unknown_tokens_do_not_decode() {
        assert_eq!(Encoding::Cl100kBase.decode(&[u32::MAX]), Err(DecodeError));
    }

    /// Text in which words, symbols, white space and a few characters beyond ASCII
    /// stand next to each other in every way.
    fn mixed() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            4 => "[ \t\n\r\u{b}]{1,3}",
            4 => "[a-z]{1,4}|[A-Z]{1,3}|[A-Z][a-z]{1,3}",
            3 => "'(s|S|ll|Ve|re|d|m|T|x|l)",
            2 => "[0-9]{1,5}",
            3 => "[!-/:-@\\[-`{-~]{1,3}",
            1 => "[\u{0}-\u{1f}]",
            2 => "[\u{e9}\u{17f}\u{2003}\u{201c}\u{301}\u{4e2d}\u{661}\u{1f9ff}\u{c9}\u{2028}]",
        ];
        prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]
        #[test]
        fn counting_by_hand_is_counting_by_the_expression(text in mixed()) {
            for encoding in Encoding::ALL {
                prop_assert_eq!(encoding.count(&text), encoding.encode(&text).len());
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn encoding_keeps_the_text_and_the_count(text in "\\PC{0,60}") {
            for encoding in Encoding::ALL {
                let tokens = encoding.encode(&text);
                prop_assert_eq!(tokens.len(), encoding.count(&text));
                prop_assert_eq!(encoding.decode(&tokens).unwrap(), text.clone());
                let pieces = encoding.split(&text);
                prop_assert_eq!(pieces.iter().map(|p| p.tokens).sum::<usize>(), tokens.len());
                prop_assert_eq!(pieces.iter().map(|p| p.text).collect::<String>(), text.clone());
                prop_assert_eq!(encoding.slices(&text).concat(), text.as_bytes());
            }
        }
    }
}
