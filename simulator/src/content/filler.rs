//! Filler text with an exact number of tokens.
//!
//! The text is put together from pieces that are one token each in every
//! encoding, alone and next to each other (a test holds that), so N pieces are
//! N tokens and each piece is one streamed chunk. No encoder runs here, except
//! when a stop sequence cuts a piece in two.

use std::borrow::Cow;

use rand::{Rng, RngExt as _};
use rand_distr::{Distribution as _, StandardNormal};
use tokens::Encoding;

use crate::config::CompletionLength;
use crate::filter::{Filters, Findings};

/// Sentence openings, written after a space or at the start of the text.
const OPENERS: &[&str] = &[
    " The", " A", " This", " Each", " Some", " Many", " When", " While", " After", " Before",
    " In", " On", " With", " Most", " Every", " One", " Two", " They", " We", " It",
];

/// Words inside a sentence.
const WORDS: &[&str] = &[
    " time",
    " people",
    " water",
    " light",
    " house",
    " world",
    " story",
    " music",
    " river",
    " garden",
    " letter",
    " window",
    " morning",
    " evening",
    " summer",
    " winter",
    " city",
    " country",
    " market",
    " school",
    " teacher",
    " friend",
    " family",
    " question",
    " answer",
    " number",
    " system",
    " service",
    " model",
    " network",
    " table",
    " paper",
    " picture",
    " road",
    " bridge",
    " village",
    " forest",
    " mountain",
    " island",
    " ship",
    " train",
    " car",
    " small",
    " large",
    " quiet",
    " bright",
    " early",
    " late",
    " simple",
    " common",
    " local",
    " public",
    " open",
    " strong",
    " warm",
    " cold",
    " young",
    " old",
    " new",
    " long",
    " short",
    " high",
    " deep",
    " found",
    " made",
    " kept",
    " took",
    " gave",
    " held",
    " moved",
    " turned",
    " began",
    " ended",
    " followed",
    " carried",
    " opened",
    " closed",
    " built",
    " and",
    " or",
    " but",
    " with",
    " from",
    " into",
    " over",
    " under",
    " near",
    " beyond",
    " about",
    " between",
    " through",
    " the",
    " a",
    " its",
    " their",
    " our",
    " every",
    " another",
    " several",
    " few",
];

/// Why a completion ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Finish {
    /// By itself, or at a stop sequence.
    #[default]
    Stop,
    /// At the maximum of tokens.
    Length,
    /// In calls of tools.
    ToolCalls,
    /// In the call of a function, before there were tools.
    FunctionCall,
    /// Where a content filter stopped it.
    ContentFilter,
}

impl Finish {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Finish::Stop => "stop",
            Finish::Length => "length",
            Finish::ToolCalls => "tool_calls",
            Finish::FunctionCall => "function_call",
            Finish::ContentFilter => "content_filter",
        }
    }
}

/// What the pieces of a choice are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Said {
    /// The content.
    #[default]
    Text,
    /// The text of a refusal.
    Refusal,
    /// The arguments of calls, one after the other.
    Calls(Vec<Call>),
}

/// A call, whose arguments are pieces up to those of the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub name: String,
    /// Its first piece.
    pub from: usize,
}

/// One generated choice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Completion {
    /// What is streamed, a chunk each: one token, or the tokens of one character.
    pub pieces: Vec<Cow<'static, str>>,
    pub said: Said,
    pub finish: Finish,
    /// Tokens thought before the text; part of the completion tokens.
    pub reasoning_tokens: u64,
    /// Tokens billed beside one for each piece.
    pub extra_tokens: u64,
    /// What content filters found in it.
    pub findings: Findings,
}

impl Completion {
    /// Looks at it with content filters, and stops it where they do. Calls are not
    /// filtered.
    pub(crate) fn filter(&mut self, filters: &Filters, rng: &mut impl Rng) {
        if matches!(self.said, Said::Calls(_)) {
            return;
        }
        let judged = filters.judge_completion(&self.pieces, rng);
        if let Some(shown) = judged.shown {
            self.pieces.truncate(shown);
            self.finish = Finish::ContentFilter;
        }
        self.findings = judged.findings;
    }

    pub(crate) fn text(&self) -> String {
        let length = self.pieces.iter().map(|piece| piece.len()).sum();
        let mut text = String::with_capacity(length);
        for piece in &self.pieces {
            text.push_str(piece);
        }
        text
    }

    /// As `usage.completion_tokens` counts.
    pub(crate) fn tokens(&self) -> u64 {
        self.pieces.len() as u64 + self.extra_tokens + self.reasoning_tokens
    }

    /// The arguments of a call, by its place.
    pub(crate) fn arguments(&self, call: usize) -> String {
        let Said::Calls(calls) = &self.said else { return String::new() };
        let from = calls.get(call).map_or(0, |call| call.from);
        let to = calls.get(call + 1).map_or(self.pieces.len(), |next| next.from);
        self.pieces.get(from..to).unwrap_or_default().concat()
    }
}

/// What bounds a completion.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lengths<'a> {
    pub settings: &'a CompletionLength,
    /// The stated maximum.
    pub max_tokens: Option<u64>,
    /// The model's own cap, and what the context leaves.
    pub cap: u64,
    pub stop: &'a [String],
    pub encoding: Encoding,
}

impl Lengths<'_> {
    /// The most tokens of a choice.
    pub(super) fn limit(&self) -> u64 {
        self.max_tokens.unwrap_or(self.cap).min(self.cap)
    }

    /// Draws the reasoning before an answer.
    pub(super) fn reasoning(&self, rng: &mut impl Rng) -> u64 {
        reasoning(self.settings.mean_reasoning, rng).min(self.limit())
    }

    /// Draws how long a text is by itself.
    pub(super) fn natural(&self, rng: &mut impl Rng) -> u64 {
        natural(self.settings, rng)
    }
}

/// Generates one choice of filler text.
pub(crate) fn completion(lengths: Lengths<'_>, rng: &mut impl Rng) -> Completion {
    let limit = lengths.limit();
    let reasoning = lengths.reasoning(rng);
    let natural = lengths.natural(rng);
    let wanted = match lengths.max_tokens {
        Some(_) if lengths.settings.fill_max_tokens => limit - reasoning,
        _ => natural.min(limit - reasoning),
    };
    let finish = if wanted + reasoning == limit
        && (wanted < natural || lengths.max_tokens.is_some() && lengths.settings.fill_max_tokens)
    {
        Finish::Length
    } else {
        Finish::Stop
    };
    let pieces = words(wanted, rng);
    let completion =
        Completion { pieces, finish, reasoning_tokens: reasoning, ..Completion::default() };
    cut_at_stop(completion, lengths.stop, lengths.encoding)
}

/// Multiples of 64, as most recorded replies have.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "settings bound the mean by a million"
)]
fn reasoning(mean: f64, rng: &mut impl Rng) -> u64 {
    if mean <= 0.0 {
        return 0;
    }
    let z: f64 = StandardNormal.sample(rng);
    let drawn = mean * (0.5 * z - 0.125).exp();
    (drawn / 64.0).round().clamp(0.0, 1e6) as u64 * 64
}

/// Log-normal with the given mean, at least one token.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a million")]
fn natural(settings: &CompletionLength, rng: &mut impl Rng) -> u64 {
    let z: f64 = StandardNormal.sample(rng);
    let sigma = settings.sigma;
    (settings.mean * (sigma * z - sigma * sigma / 2.0).exp()).round().clamp(1.0, 1e6) as u64
}

/// Filler text of `count` tokens, ending in a full stop.
pub(super) fn sentences(count: u64, rng: &mut impl Rng) -> String {
    let mut pieces = words(count.max(2) - 1, rng);
    if pieces.last().is_some_and(|last| last == ".") {
        pieces.pop();
    }
    pieces.push(Cow::Borrowed("."));
    pieces.concat()
}

/// `count` pieces: sentences of 6 to 16 tokens.
/// Filler of exactly this many tokens, one a piece.
pub(crate) fn words(count: u64, rng: &mut impl Rng) -> Vec<Cow<'static, str>> {
    let mut pieces = Vec::with_capacity(usize::try_from(count).unwrap_or_default());
    let mut left_in_sentence = 0_u32;
    for index in 0..count {
        let piece = if left_in_sentence == 0 {
            left_in_sentence = rng.random_range(5..=15);
            let opener = pick(OPENERS, rng);
            if index == 0 { opener.trim_start() } else { opener }
        } else {
            left_in_sentence -= 1;
            if left_in_sentence == 0 { "." } else { pick(WORDS, rng) }
        };
        pieces.push(Cow::Borrowed(piece));
    }
    pieces
}

fn pick(list: &'static [&'static str], rng: &mut impl Rng) -> &'static str {
    list.get(rng.random_range(0..list.len())).copied().unwrap_or(" the")
}

/// Ends the text before the first stop sequence in it. The cut text is encoded
/// anew, so that its pieces are tokens again.
pub(super) fn cut_at_stop(
    completion: Completion,
    stop: &[String],
    encoding: Encoding,
) -> Completion {
    if stop.is_empty() {
        return completion;
    }
    let text = completion.text();
    let first = stop.iter().filter(|s| !s.is_empty()).filter_map(|s| text.find(s.as_str())).min();
    let Some(kept) = first.and_then(|at| text.get(..at)) else { return completion };
    let split = encoding.split(kept);
    let extra_tokens = split.iter().map(|piece| piece.tokens as u64 - 1).sum();
    let pieces = split.into_iter().map(|piece| Cow::Owned(piece.text.to_owned())).collect();
    Completion { pieces, extra_tokens, finish: Finish::Stop, ..completion }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use seam::rng::Seed;

    use super::*;

    fn settings() -> CompletionLength {
        CompletionLength { fill_max_tokens: false, mean: 60.0, sigma: 0.5, mean_reasoning: 0.0 }
    }

    fn lengths(settings: &CompletionLength, max_tokens: Option<u64>) -> Lengths<'_> {
        let encoding = Encoding::Cl100kBase;
        Lengths { settings, max_tokens, cap: 4_096, stop: &[], encoding }
    }

    #[test]
    fn every_piece_is_one_token_in_every_encoding() {
        for encoding in Encoding::ALL {
            for piece in OPENERS.iter().chain(WORDS) {
                assert_eq!(encoding.count(piece), 1, "`{piece}` in {}", encoding.name());
            }
            for opener in OPENERS {
                assert_eq!(encoding.count(opener.trim_start()), 1, "`{opener}`");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn n_pieces_are_n_tokens(count in 0_u64..400, seed: u64) {
            let text = words(count, &mut Seed(seed).stream("x")).concat();
            for encoding in Encoding::ALL {
                prop_assert_eq!(encoding.count(&text) as u64, count);
            }
        }

        #[test]
        fn a_stop_sequence_never_appears_and_the_pieces_stay_tokens(
            seed: u64, stop in prop::collection::vec("[a-z. ]{1,3}", 0..3),
        ) {
            let settings = settings();
            let lengths = Lengths { stop: &stop, ..lengths(&settings, None) };
            let completion = completion(lengths, &mut Seed(seed).stream("x"));
            let text = completion.text();
            prop_assert!(stop.iter().all(|s| !text.contains(s.as_str())));
            prop_assert_eq!(Encoding::Cl100kBase.count(&text), completion.pieces.len());
        }

        #[test]
        fn no_completion_exceeds_its_maximum(seed: u64, max in 1_u64..200, fill: bool, thinks: bool) {
            let mean_reasoning = if thinks { 192.0 } else { 0.0 };
            let settings = CompletionLength { fill_max_tokens: fill, mean_reasoning, ..settings() };
            let completion = completion(lengths(&settings, Some(max)), &mut Seed(seed).stream("x"));
            prop_assert!(completion.tokens() <= max);
            if fill {
                prop_assert_eq!(completion.tokens(), max);
            }
            if completion.tokens() < max {
                prop_assert_eq!(completion.finish, Finish::Stop);
            }
        }
    }

    #[test]
    fn filling_ends_by_length_and_nature_by_itself() {
        let mut rng = Seed(1).stream("x");
        let fill = CompletionLength { fill_max_tokens: true, ..settings() };
        let filled = completion(lengths(&fill, Some(10)), &mut rng);
        assert_eq!((filled.tokens(), filled.finish), (10, Finish::Length));
        let open = completion(lengths(&fill, None), &mut rng);
        assert_eq!(open.finish, Finish::Stop);
        let cut = completion(lengths(&settings(), Some(2)), &mut rng);
        assert_eq!((cut.tokens(), cut.finish), (2, Finish::Length));
    }

    #[test]
    fn natural_lengths_have_the_mean_they_are_given() {
        let settings = settings();
        let mut rng = Seed(5).stream("x");
        let total: u64 = (0..4_000).map(|_| natural(&settings, &mut rng)).sum();
        // The standard error is 0.5 tokens; four of them either way.
        assert!((58.0..62.0).contains(&(total as f64 / 4_000.0)), "{total}");
    }
}
