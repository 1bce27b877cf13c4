//! Default quotas by model and SKU, and models that requests alone limit
//! (specification, section 3.1).

use crate::config::Sku;

/// Tokens a minute of the default tier, where published: regional, global, data
/// zone.
const DEFAULT_TPM: &[(&str, [Option<u64>; 3])] = &[
    ("gpt-4o", [Some(150_000), Some(450_000), Some(300_000)]),
    ("gpt-4o-mini", [Some(450_000), Some(2_000_000), Some(1_000_000)]),
    ("gpt-4.1", [None, Some(1_000_000), Some(300_000)]),
    ("gpt-4.1-mini", [None, Some(5_000_000), None]),
    ("gpt-4.1-nano", [None, Some(5_000_000), None]),
];

/// The published default quota of a model, in tokens a minute.
pub(crate) fn default_tpm(model: &str, sku: Sku) -> Option<u64> {
    let (_, [regional, global, zone]) = DEFAULT_TPM.iter().find(|(name, _)| *name == model)?;
    match sku {
        Sku::Standard => *regional,
        Sku::GlobalStandard => *global,
        Sku::DataZoneStandard => *zone,
        _ => None,
    }
}

/// What limits a model that has no quota of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestLimited {
    /// Requests a minute.
    PerMinute(u64),
    /// Requests at the same time.
    AtOnce(u64),
}

/// How requests alone limit a model; `None` for models with a quota of tokens.
/// Speech synthesis is taken to be like recognition.
pub(crate) fn request_limited(model: &str) -> Option<RequestLimited> {
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| model.starts_with(prefix));
    if model == "dall-e-2" {
        Some(RequestLimited::AtOnce(2))
    } else if starts(&["dall-e-3", "gpt-image-1"]) {
        Some(RequestLimited::PerMinute(6))
    } else if starts(&["whisper", "tts", "gpt-4o-transcribe", "gpt-4o-mini-transcribe"]) {
        Some(RequestLimited::PerMinute(3))
    } else {
        None
    }
}

/// Whether OpenAI's flex tier has the model.
pub(crate) fn has_flex(model: &str) -> bool {
    ["o3", "o4-mini", "gpt-5"].iter().any(|family| {
        let rest = model.strip_prefix(family);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']))
    }) && !model.starts_with("o3-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_are_those_of_the_tables() {
        assert_eq!(default_tpm("gpt-4o", Sku::Standard), Some(150_000));
        assert_eq!(default_tpm("gpt-4o-mini", Sku::GlobalStandard), Some(2_000_000));
        assert_eq!(default_tpm("gpt-4.1", Sku::DataZoneStandard), Some(300_000));
        assert_eq!(default_tpm("gpt-4.1", Sku::Standard), None);
        assert_eq!(default_tpm("gpt-4o", Sku::ProvisionedManaged), None);
        assert_eq!(request_limited("whisper"), Some(RequestLimited::PerMinute(3)));
        assert_eq!(request_limited("dall-e-2"), Some(RequestLimited::AtOnce(2)));
        assert_eq!(request_limited("gpt-image-1"), Some(RequestLimited::PerMinute(6)));
        assert_eq!(request_limited("gpt-4o"), None);
    }

    #[test]
    fn families_do_not_swallow_their_neighbours() {
        let flex = ["o3", "o4-mini", "gpt-5", "gpt-5.2", "gpt-5-mini"];
        assert!(flex.iter().all(|model| has_flex(model)));
        assert!(!["o3-mini", "o3-pro", "gpt-4o", "gpt-50"].iter().any(|model| has_flex(model)));
    }
}
