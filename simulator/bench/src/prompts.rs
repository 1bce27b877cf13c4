//! Prompts of about one length, each with other words: no server can know the count
//! of one from the count of another.

use rand::{Rng, RngExt as _};
use serde_json::json;
use tokens::Encoding;

/// Prose, lists, tables, code and numbers.
const TEXTS: &[&str] = &[
    include_str!("../../../docs/simulator.md"),
    include_str!("../../../docs/gateway.md"),
    include_str!("../../../docs/scenarios.md"),
];

/// Bodies of chat requests whose text has about `tokens` tokens.
pub(crate) fn bodies(
    count: usize,
    tokens: usize,
    more: &serde_json::Value,
    rng: &mut impl Rng,
) -> Vec<String> {
    let words: Vec<&str> =
        TEXTS.iter().flat_map(|text| text.split_inclusive(char::is_whitespace)).collect();
    let body = |_| {
        let start = rng.random_range(0..words.len());
        let mut text = String::new();
        let mut counted = 0;
        for word in words.iter().cycle().skip(start) {
            counted += Encoding::O200kBase.count(word);
            if tokens < counted {
                break;
            }
            text.push_str(word);
        }
        let mut body = json!({ "messages": [{ "role": "user", "content": text }] });
        if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
            body.extend(more.clone());
        }
        body.to_string()
    };
    (0..count).map(body).collect()
}
