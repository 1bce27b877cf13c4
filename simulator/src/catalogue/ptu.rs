//! What a provisioned throughput unit buys, by model (specification, section
//! 4.1; the published table in the edition of 2026-05).

use super::dated;

/// One row of the published table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PtuFacts {
    /// Models, as Azure spells them.
    pub models: &'static [&'static str],
    /// Input tokens a minute for each PTU.
    pub input_tpm: f64,
    /// Input tokens that an output token weighs.
    pub output_ratio: f64,
    /// Global and data zone deployments.
    pub global: Steps,
    /// Regional ones, where the model has them.
    pub regional: Option<Steps>,
    /// Tokens a second that 99 % of the time are exceeded.
    pub target_tokens_per_second: f64,
}

/// Sizes that can be bought, in PTU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Steps {
    pub least: u64,
    pub step: u64,
}

const fn row(
    models: &'static [&'static str],
    input_tpm: f64,
    output_ratio: f64,
    regional: (u64, u64),
    target_tokens_per_second: f64,
) -> PtuFacts {
    let regional = Some(Steps { least: regional.0, step: regional.1 });
    let global = Steps { least: 15, step: 5 };
    PtuFacts { models, input_tpm, output_ratio, global, regional, target_tokens_per_second }
}

/// Models of other makers: in large steps, global only.
const fn other(
    models: &'static [&'static str],
    input_tpm: f64,
    target_tokens_per_second: f64,
) -> PtuFacts {
    let global = Steps { least: 100, step: 100 };
    PtuFacts {
        models,
        input_tpm,
        output_ratio: 4.0,
        global,
        regional: None,
        target_tokens_per_second,
    }
}

const ROWS: &[PtuFacts] = &[
    row(&["gpt-5.5"], 1_200.0, 6.0, (50, 50), 100.0),
    row(&["gpt-5.4"], 2_400.0, 6.0, (50, 50), 50.0),
    row(&["gpt-5.2", "gpt-5.2-codex", "gpt-5.3-codex"], 3_400.0, 8.0, (50, 50), 50.0),
    row(&["gpt-5.1", "gpt-5.1-codex", "gpt-5"], 4_750.0, 8.0, (50, 50), 50.0),
    row(&["gpt-5-mini"], 23_750.0, 8.0, (25, 25), 80.0),
    row(&["gpt-4.1"], 3_000.0, 4.0, (50, 50), 80.0),
    row(&["gpt-4.1-mini"], 14_900.0, 4.0, (25, 25), 90.0),
    row(&["gpt-4.1-nano"], 59_400.0, 4.0, (25, 25), 100.0),
    row(&["o3"], 3_000.0, 4.0, (50, 50), 80.0),
    row(&["o4-mini"], 5_400.0, 4.0, (25, 25), 90.0),
    // Pages of 2024-25 and their worked examples have a ratio of 3 here.
    row(&["gpt-4o"], 2_500.0, 4.0, (50, 50), 25.0),
    row(&["gpt-4o-mini"], 37_000.0, 4.0, (25, 25), 33.0),
    row(&["o3-mini"], 2_500.0, 4.0, (25, 25), 66.0),
    row(&["o1"], 230.0, 4.0, (25, 50), 25.0),
    other(&["DeepSeek-R1", "DeepSeek-V3-0324"], 4_000.0, 50.0),
    other(&["Llama-3.3-70B"], 8_450.0, 50.0),
];

/// The row of a model, dated or not.
pub(crate) fn ptu_facts(name: &str) -> Option<&'static PtuFacts> {
    let is = |model: &&&str| model.eq_ignore_ascii_case(name) || dated(name, model);
    ROWS.iter().find(|row| row.models.iter().any(|model| is(&model)))
}

/// Every model of the table, for "did you mean".
pub(crate) fn ptu_models() -> impl Iterator<Item = &'static str> {
    ROWS.iter().flat_map(|row| row.models.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_rows_by_name_dated_or_not() {
        let rate = |name| ptu_facts(name).map(|row| row.input_tpm);
        assert_eq!(rate("gpt-4o"), Some(2_500.0));
        assert_eq!(rate("gpt-4o-2024-11-20"), Some(2_500.0));
        assert_eq!(rate("gpt-4o-mini"), Some(37_000.0));
        assert_eq!(rate("gpt-5.3-codex"), Some(3_400.0));
        assert_eq!(rate("llama-3.3-70b"), Some(8_450.0));
        assert_eq!(rate("gpt-35-turbo"), None);
    }
}
