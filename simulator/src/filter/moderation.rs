//! What OpenAI's moderation endpoint looks for (specification, section 2.7).

use super::rule::Matcher;

/// A category of moderation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Harm {
    pub name: &'static str,
    /// Whether images are looked at for it.
    pub images: bool,
}

/// All of them, in the recorded order.
pub(crate) const CATEGORIES: [Harm; 13] = [
    text("harassment"),
    text("harassment/threatening"),
    image("sexual"),
    text("hate"),
    text("hate/threatening"),
    text("illicit"),
    text("illicit/violent"),
    image("self-harm/intent"),
    image("self-harm/instructions"),
    image("self-harm"),
    text("sexual/minors"),
    image("violence"),
    image("violence/graphic"),
];

const fn text(name: &'static str) -> Harm {
    Harm { name, images: false }
}

const fn image(name: &'static str) -> Harm {
    Harm { name, images: true }
}

/// Something that is flagged.
#[derive(Debug, Clone)]
pub(crate) struct Flag {
    pub matcher: Matcher,
    /// Names out of [`CATEGORIES`].
    pub categories: Vec<&'static str>,
    /// 0 to 1.
    pub score: f64,
}

/// A few phrases that are flagged without any rule, so that a client's way with
/// flagged texts can be tried out at once. No model stands behind them.
const KNOWN_WORDS: &[(&str, &[&str])] = &[
    ("i will kill you", &["harassment", "harassment/threatening", "violence"]),
    ("kill", &["violence"]),
    ("murder", &["violence"]),
    ("gore", &["violence", "violence/graphic"]),
    ("kill myself", &["self-harm", "self-harm/intent"]),
    ("suicide", &["self-harm"]),
    ("how to hurt myself", &["self-harm", "self-harm/instructions"]),
    ("build a bomb", &["illicit", "illicit/violent"]),
    ("steal a car", &["illicit"]),
    ("you are an idiot", &["harassment"]),
    ("porn", &["sexual"]),
];

/// What the known words say of a text.
pub(crate) fn known_words(text: &str) -> impl Iterator<Item = &'static str> {
    let lower = text.to_lowercase();
    KNOWN_WORDS
        .iter()
        .filter(move |(words, _)| lower.contains(words))
        .flat_map(|(_, categories)| categories.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_words_name_categories_that_exist() {
        for (_, categories) in KNOWN_WORDS {
            for name in *categories {
                assert!(CATEGORIES.iter().any(|harm| harm.name == *name), "{name}");
            }
        }
        assert_eq!(known_words("a MURDER").collect::<Vec<_>>(), ["violence"]);
    }
}
