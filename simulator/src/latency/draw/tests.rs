use seam::rng::Seed;

use super::*;
use crate::config::raw::{Latency as Raw, ProfileName};
use crate::config::{WireProfile, latency_from};

fn profile(name: ProfileName) -> Latency {
    let zero = Latency { shape: Shape::Zero, refusal_ms: (0.0, 0.0) };
    let raw = Raw { profile: Some(name), ..Raw::default() };
    latency_from(&raw, &zero, WireProfile::Documented).unwrap()
}

fn work(operation: Operation, choices: &[usize]) -> Work<'_> {
    Work { operation, prompt_tokens: 0, inputs: 1, file_bytes: 0, reasoning_tokens: 0, choices }
}

const NIGHT: Conditions = Conditions { utilization: None, utc_hour: 0.0 };

/// Median of a statistic over 2,000 requests.
fn median(statistic: impl Fn(&mut rand_chacha::ChaCha8Rng) -> f64) -> f64 {
    let mut values: Vec<f64> =
        (0..2_000).map(|n| statistic(&mut Seed(7).numbered("test", n))).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[test]
fn a_measured_profile_has_the_tables_medians() {
    let latency = profile(ProfileName::PaygGpt4o);
    let ttft = |rng: &mut rand_chacha::ChaCha8Rng| {
        let work = Work { prompt_tokens: 1_000, ..work(Operation::Chat, &[1]) };
        draw(&latency, work, NIGHT, rng).first().as_secs_f64() * 1000.0
    };
    // 60 + 400 + 60; the tolerance is over 4 standard errors of a median of 2,000.
    assert!((495.0..=545.0).contains(&median(ttft)), "{}", median(ttft));
    let per_token = |rng: &mut rand_chacha::ChaCha8Rng| {
        let schedule = draw(&latency, work(Operation::Chat, &[201]), NIGHT, rng);
        (schedule.end() - schedule.first()).as_secs_f64() * 1000.0 / 200.0
    };
    assert!((11.7..=13.3).contains(&median(per_token)), "{}", median(per_token));
}

#[test]
fn load_slows_a_provisioned_deployments_tokens() {
    let latency = profile(ProfileName::PtuGpt4o);
    let total = |utilization: f64| {
        let conditions = Conditions { utilization: Some(utilization), utc_hour: 14.0 };
        let work = work(Operation::Chat, &[101]);
        let schedule = draw(&latency, work, conditions, &mut Seed(1).stream("x"));
        (schedule.end() - schedule.first()).as_secs_f64()
    };
    assert!((total(1.0) / total(0.0) - 1.3).abs() < 1e-6);
    assert!((total(5.0) / total(1.0) - 1.0).abs() < 1e-9, "capped at full utilisation");
}

#[test]
fn daytime_slows_pay_as_you_go() {
    let latency = profile(ProfileName::PaygGpt41Mini);
    let total = |utc_hour: f64| {
        let conditions = Conditions { utilization: None, utc_hour };
        let work = work(Operation::Chat, &[101]);
        let schedule = draw(&latency, work, conditions, &mut Seed(1).stream("x"));
        (schedule.end() - schedule.first()).as_secs_f64()
    };
    assert!((total(14.0) / total(3.0) - 1.4).abs() < 1e-6);
    assert!((total(20.0) / total(3.0) - 1.0).abs() < 1e-6);
}

#[test]
fn compat_multiplies_one_draw_by_the_tokens() {
    let mut latency = profile(ProfileName::AoaiSimulatorCompat);
    if let Shape::Compat(compat) = &mut latency.shape {
        compat.completions = Spread { mean: 10.0, std_dev: 0.0 };
    }
    let mut rng = Seed(1).stream("x");
    let schedule = draw(&latency, work(Operation::Completions, &[10]), NIGHT, &mut rng);
    assert_eq!(schedule.end(), Duration::from_millis(100));
    assert_eq!(schedule.first(), Duration::from_millis(10));
    assert_eq!(schedule.token(0, 4), Duration::from_millis(50));
    let schedule = draw(&latency, work(Operation::Embeddings, &[]), NIGHT, &mut rng);
    assert!(Duration::ZERO < schedule.end());
}

#[test]
fn compat_translates_by_the_megabyte() {
    let mut latency = profile(ProfileName::AoaiSimulatorCompat);
    let sound = Work { file_bytes: 3 << 19, ..work(Operation::Translations, &[40]) };
    let seconds = |latency: &Latency, n| {
        draw(latency, sound, NIGHT, &mut Seed(7).numbered("test", n)).end().as_secs_f64()
    };
    let mean = (0..2_000).map(|n| seconds(&latency, n)).sum::<f64>() / 2_000.0;
    // 15 ± 1 s a megabyte; four standard errors are 0.14 s.
    assert!((mean - 22.5).abs() < 0.14, "{mean}");
    if let Shape::Compat(compat) = &mut latency.shape {
        compat.translations = Spread { mean: 2_000.0, std_dev: 0.0 };
    }
    assert!((seconds(&latency, 0) - 3.0).abs() < 1e-6);
}

#[test]
fn a_new_mean_keeps_the_deviations_share() {
    let mut spread = Spread { mean: 19.0, std_dev: 6.0 };
    spread.move_mean(1.0);
    assert!((spread.std_dev - 6.0 / 19.0).abs() < 1e-12);
    spread.move_mean(0.0);
    spread.move_mean(10.0);
    assert_eq!(spread, Spread { mean: 10.0, std_dev: 0.0 });
}

#[test]
fn reasoning_delays_the_first_visible_token() {
    let latency = profile(ProfileName::PaygGpt5);
    let run = |reasoning_tokens| {
        let work = Work { reasoning_tokens, ..work(Operation::Chat, &[5]) };
        draw(&latency, work, NIGHT, &mut Seed(3).stream("x"))
    };
    assert!(run(0).first() + Duration::from_millis(300) < run(192).first());
    assert_eq!(run(64).produced(Duration::from_secs(3_600)), 69);
}

#[test]
fn refusals_are_fast() {
    let mut rng = Seed(1).stream("x");
    for _ in 0..100 {
        let delay = refusal_delay(&profile(ProfileName::PaygGpt4o), &mut rng);
        assert!((Duration::from_millis(5)..=Duration::from_millis(30)).contains(&delay));
        assert_eq!(refusal_delay(&profile(ProfileName::Zero), &mut rng), Duration::ZERO);
    }
}
