use proptest::prelude::*;
use seam::rng::Seed;

use super::*;
use crate::catalogue::Operation;
use crate::config::raw::{Latency as Settings, ProfileName};
use crate::config::{WireProfile, latency_from};
use crate::latency::{Conditions, Latency, Shape, Work, draw};

fn latency(settings: &Settings) -> Latency {
    let zero = Latency { shape: Shape::Zero, refusal_ms: (0.0, 0.0) };
    latency_from(settings, &zero, WireProfile::Documented).unwrap()
}

/// Answers of 2 to 400 tokens at night.
fn measure(settings: &Settings, seed: u64, n: u64) -> Vec<Measurement> {
    let latency = latency(settings);
    let conditions = Conditions { utilization: None, utc_hour: 0.0 };
    let measure = |number: u64| {
        let tokens = 2 + (number * number * 7_919 + number) % 399;
        let choices = [tokens as usize];
        let work = Work {
            operation: Operation::Chat,
            prompt_tokens: 0,
            inputs: 1,
            file_bytes: 0,
            reasoning_tokens: 0,
            choices: &choices,
        };
        let schedule = draw(&latency, work, conditions, &mut Seed(seed).numbered("real", number));
        Measurement {
            ttft_ms: schedule.first().as_secs_f64() * 1e3,
            tokens: tokens as u32,
            total_ms: schedule.end().as_secs_f64() * 1e3,
        }
    };
    (0..n).map(measure).collect()
}

prop_compose! {
    /// What a deployment may be like.
    fn truth()(
        overhead in 0.0..150.0, base in 150.0..900.0, sigma in 0.2..0.8, itl in 6.0..40.0,
        shape in 1.0..8.0, speed in 0.05..0.5, tail in 0.0..0.04,
    ) -> Fit {
        Fit {
            overhead_ms: overhead, base_ms: base, sigma, itl_ms: itl, itl_shape: shape,
            shape_known: true, speed_sigma: speed, tail_probability: tail,
        }
    }
}

const ROWS: u64 = 900;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    /// Measurements drawn from a profile give the profile back. Five standard errors
    /// of each parameter are allowed; overhead and base are told apart by the skew
    /// alone, so their sum is what is held to be known well.
    #[test]
    fn a_known_profile_is_found_again(truth in truth(), seed in any::<u64>()) {
        let rows = measure(&truth.raw(ProfileName::PaygGpt4o), seed, ROWS);
        let found = fit(&rows, Offer::Payg, 2.0);
        let n = (ROWS as f64).sqrt();
        let near = |name: &str, found: f64, real: f64, error: f64| {
            prop_assert!((found - real).abs() <= 5.0 * error, "{name}: {found} for {real}, standard error {error}");
            Ok(())
        };
        let median = |fit: &Fit| fit.overhead_ms + fit.base_ms;
        near("median", median(&found), median(&truth), 1.5 * truth.sigma * truth.base_ms / n)?;
        let width = |fit: &Fit| fit.base_ms * fit.sigma;
        near("width", width(&found), width(&truth), 1.5 * width(&truth) / n)?;
        near("itl", found.itl_ms / truth.itl_ms, 1.0, (truth.speed_sigma + 0.1) / n)?;
        // The gaps' own noise hides a small spread of speeds.
        let gaps = 0.05 + 0.15 / truth.itl_shape.sqrt();
        near("speed", found.speed_sigma, truth.speed_sigma, (truth.speed_sigma + gaps) / n)?;
        near("tail", found.tail_probability, truth.tail_probability, (truth.tail_probability + 0.002).sqrt() / n)?;
        // Its noise may be a small part of the spread: then little is known of it.
        if found.shape_known {
            prop_assert!((0.2..5.0).contains(&(found.itl_shape / truth.itl_shape)), "shape: {found:?} for {truth:?}");
        }
        for quantity in compare(&rows, &latency(&found.raw(ProfileName::PaygGpt4o)), None) {
            prop_assert!(quantity.distance < 1.5 * quantity.chance, "{quantity:?} for {truth:?}, found {found:?}");
        }
    }
}

/// A provisioned deployment has no slow tail to fit, and a fit that is wrong says so.
#[test]
fn a_wrong_profile_is_seen() {
    let truth = Fit {
        overhead_ms: 60.0,
        base_ms: 400.0,
        sigma: 0.3,
        itl_ms: 12.0,
        itl_shape: 4.0,
        shape_known: true,
        speed_sigma: 0.1,
        tail_probability: 0.0,
    };
    let rows = measure(&truth.raw(ProfileName::PtuGpt4o), 3, ROWS);
    let found = fit(&rows, Offer::Provisioned, 8.0);
    assert_eq!(found.tail_probability, 0.0);
    let slower = Fit { base_ms: 1.2 * found.base_ms, ..found };
    let distances = |fit: &Fit| {
        let compared = compare(&rows, &latency(&fit.raw(ProfileName::PtuGpt4o)), Some(0.0));
        compared
            .into_iter()
            .map(|quantity| (quantity.distance, quantity.chance))
            .collect::<Vec<_>>()
    };
    assert!(distances(&found).iter().all(|(distance, chance)| distance < chance));
    let (distance, chance) = distances(&slower)[0];
    assert!(4.0 * chance < distance, "{distance} and {chance}");
}

/// Answers of one length do not tell the gaps' steadiness from the requests' speed.
#[test]
fn what_the_measurements_do_not_tell_stays_the_profiles() {
    let row = |n: u32| Measurement {
        ttft_ms: 300.0 + f64::from(n),
        tokens: 101,
        total_ms: 1_300.0 + f64::from(3 * n),
    };
    let rows: Vec<Measurement> = (0..40).map(row).collect();
    let found = fit(&rows, Offer::Payg, 2.0);
    assert!(!found.shape_known);
    assert_eq!(found.itl_shape, 2.0);
    // One token each, or all at once: nothing is known of the pace.
    let at_once: Vec<Measurement> =
        rows.iter().map(|row| Measurement { total_ms: row.ttft_ms, ..*row }).collect();
    let found = fit(&at_once, Offer::Payg, 2.0);
    assert_eq!((found.itl_ms, found.speed_sigma), (0.0, 0.0));
    assert!((310.0..330.0).contains(&(found.base_ms + found.overhead_ms)), "{found:?}");
}

proptest! {
    /// Whatever stands in a file, the answer is measurements or places in it.
    #[test]
    fn no_file_breaks_the_reader(text in "(ttft,tokens,total\n)?[ -~\n\"é,0-9]{0,80}", lines in any::<bool>()) {
        let source = Source::new(if lines { "m.jsonl" } else { "m.csv" }, text);
        match read(&source, Unit::Ms) {
            Ok(rows) => prop_assert!(FEWEST <= rows.len()),
            Err(problems) => prop_assert!(problems.iter().all(|problem| !problem.render(false).is_empty())),
        }
    }
}
