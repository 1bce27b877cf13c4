//! How many provisioned throughput units a load needs (specification, section
//! 4.1): the published formula, rounded up to what can be bought.

use serde::Serialize;

use crate::catalogue::{PtuFacts, Steps};

/// A load on one model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Load {
    /// Requests a minute.
    pub rpm: f64,
    /// Tokens of a prompt.
    pub prompt: f64,
    /// Tokens of a completion.
    pub completion: f64,
    /// Share of prompt tokens that the prompt cache holds, 0 to 1.
    pub cache: f64,
}

/// What the units are worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Worth {
    /// Input tokens a minute for each unit.
    pub input_tpm_per_ptu: f64,
    /// Input tokens that an output token weighs.
    pub output_ratio: f64,
    pub steps: Steps,
}

/// Where a deployment processes its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Processing {
    /// Global or in a data zone.
    Global,
    Regional,
}

/// The answer of the calculator.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Sizing {
    /// Normalised tokens a minute: uncached input and weighted output.
    pub normalized_tpm: f64,
    /// Of them input tokens.
    pub input_tpm: f64,
    /// Of them output tokens, weighted.
    pub output_tpm: f64,
    pub input_tpm_per_ptu: f64,
    pub output_ratio: f64,
    /// Before rounding.
    pub exact_ptu: f64,
    /// What to buy.
    pub ptu: u64,
    /// Least size and step of the offer.
    pub least_ptu: u64,
    pub step_ptu: u64,
    /// How much of it the load uses, in percent.
    pub utilization_percent: f64,
    /// Whether one deployment can be this large.
    pub fits_one_deployment: bool,
}

/// The most PTUs one deployment can have.
const MOST: u64 = 100_000;

impl Worth {
    /// The published numbers; `None` when the model is not offered there.
    pub(crate) fn published(facts: &PtuFacts, processing: Processing) -> Option<Self> {
        let steps = match processing {
            Processing::Global => facts.global,
            Processing::Regional => facts.regional?,
        };
        Some(Self { input_tpm_per_ptu: facts.input_tpm, output_ratio: facts.output_ratio, steps })
    }
}

/// Sizes a deployment.
pub(crate) fn size(load: Load, worth: Worth) -> Sizing {
    let input_tpm = load.rpm * load.prompt * (1.0 - load.cache);
    let output_tpm = load.rpm * load.completion * worth.output_ratio;
    let normalized_tpm = input_tpm + output_tpm;
    let exact_ptu = normalized_tpm / worth.input_tpm_per_ptu;
    let ptu = round_up(exact_ptu, worth.steps);
    Sizing {
        normalized_tpm,
        input_tpm,
        output_tpm,
        input_tpm_per_ptu: worth.input_tpm_per_ptu,
        output_ratio: worth.output_ratio,
        exact_ptu,
        ptu,
        least_ptu: worth.steps.least,
        step_ptu: worth.steps.step,
        utilization_percent: exact_ptu / ptu as f64 * 100.0,
        fits_one_deployment: ptu <= MOST,
    }
}

/// The least size that can be bought and is enough: multiples of the step from the
/// least size on.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "loads are positive; the cast saturates"
)]
fn round_up(exact: f64, steps: Steps) -> u64 {
    // Forgives the last bits of the division: 140 exactly is not 145.
    let enough = (exact - 1e-9).ceil().max(0.0) as u64;
    let beyond = enough.saturating_sub(steps.least).div_ceil(steps.step.max(1));
    steps.least.saturating_add(beyond.saturating_mul(steps.step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::ptu_facts;

    fn sized(
        model: &str,
        load: (f64, f64, f64, f64),
        processing: Processing,
        ratio: Option<f64>,
    ) -> Sizing {
        let (rpm, prompt, completion, cache) = load;
        let mut worth = Worth::published(ptu_facts(model).unwrap(), processing).unwrap();
        worth.output_ratio = ratio.unwrap_or(worth.output_ratio);
        size(Load { rpm, prompt, completion, cache }, worth)
    }

    /// Conformance check 7: the documented worked examples.
    #[test]
    fn conformance_7_worked_examples() {
        use Processing::{Global, Regional};
        let close = |a: f64, b: f64| (a - b).abs() < 0.005;
        let plain = sized("gpt-5.2", (1_000.0, 200.0, 20.0, 0.0), Regional, None);
        assert!(close(plain.exact_ptu, 105.88), "{}", plain.exact_ptu);
        assert_eq!(plain.ptu, 150);
        let cached = sized("gpt-5.2", (1_000.0, 200.0, 20.0, 0.5), Regional, None);
        assert!(close(cached.exact_ptu, 76.47), "{}", cached.exact_ptu);
        assert_eq!(cached.ptu, 100);
        // The latency page's, for gpt-4o-mini, with the ratio of its time.
        let large = sized("gpt-4o-mini", (1_000.0, 5_000.0, 50.0, 0.0), Global, Some(3.0));
        assert_eq!(large.ptu, 140);
        let small = sized("gpt-4o-mini", (500.0, 1_000.0, 300.0, 0.0), Global, Some(3.0));
        assert_eq!(small.ptu, 30);
    }

    #[test]
    fn sizes_are_those_that_can_be_bought() {
        let steps = |least, step| Steps { least, step };
        for (exact, least, step, expected) in [
            (0.1, 15, 5, 15),
            (15.0, 15, 5, 15),
            (15.01, 15, 5, 20),
            (140.000_000_000_1, 15, 5, 140),
            (25.1, 25, 50, 75),
            (101.0, 50, 50, 150),
        ] {
            assert_eq!(round_up(exact, steps(least, step)), expected, "{exact}");
        }
        let facts = ptu_facts("Llama-3.3-70B").unwrap();
        assert!(Worth::published(facts, Processing::Regional).is_none());
        let huge = sized("o1", (1e9, 1e6, 0.0, 0.0), Processing::Global, None);
        assert!(!huge.fits_one_deployment);
    }
}
