use proptest::prelude::*;
use rand::RngExt as _;
use seam::diagnostic::Source;
use seam::rng::Seed;

use super::fit::{LEAST_ROWS, Options, fit};
use super::read::{Row, read};
use super::{assess, render};
use crate::catalogue::Operation;
use crate::config::{measured_profile, raw::ProfileName};
use crate::latency::{self, Conditions, Latency, Measured, Shape, Work};

fn start() -> Measured {
    measured_profile(ProfileName::PaygGpt4o).unwrap()
}

/// What somebody would measure at a deployment of this profile.
fn measure(profile: &Measured, rows: u64, seed: u64) -> Vec<Row> {
    let latency = Latency { shape: Shape::Measured(profile.clone()), refusal_ms: (0.0, 0.0) };
    (0..rows)
        .map(|number| {
            let mut rng = Seed(seed).numbered("measure", number);
            let prompt_tokens = rng.random_range(50..8_000_u64);
            let visible = rng.random_range(4..200_usize);
            let work = Work {
                operation: Operation::Chat,
                prompt_tokens,
                inputs: 1,
                reasoning_tokens: 0,
                choices: &[visible],
            };
            let conditions = Conditions { utilization: None, utc_hour: 0.0 };
            let schedule = latency::draw(&latency, work, conditions, &mut rng);
            Row {
                ttft_ms: schedule.first().as_secs_f64() * 1_000.0,
                total_ms: schedule.end().as_secs_f64() * 1_000.0,
                completion_tokens: visible as u64,
                uncached_tokens: Some(prompt_tokens),
                itl_std_dev_ms: None,
            }
        })
        .collect()
}

#[track_caller]
fn near(name: &str, found: f64, known: f64, relative: f64, absolute: f64) {
    let room = (known.abs() * relative).max(absolute);
    assert!((found - known).abs() <= room, "{name}: {found} is not within {room} of {known}");
}

proptest! {
    // One case is a thousand requests and half a million pairs.
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// A profile is found again in what was drawn from it. The bounds are some four
    /// standard errors of 1,000 rows.
    #[test]
    fn a_known_profile_is_recovered(
        base_ms in 150.0..900.0_f64,
        sigma in 0.15..0.7_f64,
        prefill_ms_per_1k in 20.0..90.0_f64,
        itl_ms in 8.0..25.0_f64,
        itl_shape in 1.0..8.0_f64,
        speed_sigma in 0.05..0.45_f64,
        seed in 0..1_000_u64,
    ) {
        let known = Measured {
            overhead_ms: 60.0, base_ms, sigma, prefill_ms_per_1k, itl_ms, itl_shape, speed_sigma,
            tail_probability: 0.0, ..start()
        };
        let rows = measure(&known, 1_000, seed);
        let options = Options { start: start(), overhead_ms: Some(60.0) };
        let found = fit(&rows, &options).unwrap().measured;
        near("base_ms", found.base_ms, base_ms, 0.17 * sigma + 0.05, 0.0);
        near("sigma", found.sigma, sigma, 0.2, 0.0);
        // An error of the slope is worth its share of the spread.
        near("prefill", found.prefill_ms_per_1k, prefill_ms_per_1k, 0.1, 0.06 * base_ms * sigma);
        near("itl_ms", found.itl_ms, itl_ms, 0.17 * speed_sigma + 0.03, 0.0);
        near("speed_sigma", found.speed_sigma, speed_sigma, 0.2, 0.05);
        prop_assert!(found.tail_probability < 0.004);
        // Where the lengths show it at all.
        if speed_sigma < 0.15 {
            prop_assert!((0.4..2.5).contains(&(found.itl_shape / itl_shape)));
        }
        // Left to itself it may begin elsewhere, but draws the same times.
        let alone = fit(&rows, &Options { overhead_ms: None, ..options }).unwrap();
        let compared = assess(&rows[..200], &alone);
        for one in compared {
            prop_assert!(one.distance < 0.15, "{} is {} away", one.name, one.distance);
        }
    }
}

#[test]
fn a_slow_tail_is_found_and_moves_nothing_else() {
    let known = Measured { tail_probability: 0.03, speed_sigma: 0.2, ..start() };
    let rows = measure(&known, 3_000, 7);
    let options = Options { start: start(), overhead_ms: Some(known.overhead_ms) };
    let found = fit(&rows, &options).unwrap().measured;
    near("tail", found.tail_probability, 0.03, 0.4, 0.0);
    near("base_ms", found.base_ms, known.base_ms, 0.1, 0.0);
    near("itl_ms", found.itl_ms, known.itl_ms, 0.07, 0.0);
    near("speed_sigma", found.speed_sigma, known.speed_sigma, 0.25, 0.0);
}

#[test]
fn the_shape_is_found_by_moments() {
    let known = Measured { itl_shape: 5.0, ..start() };
    let mut rows = measure(&known, 200, 3);
    for row in &mut rows {
        let gaps = (row.completion_tokens - 1) as f64;
        row.itl_std_dev_ms = Some((row.total_ms - row.ttft_ms) / gaps / 5.0_f64.sqrt());
    }
    let options = Options { start: start(), overhead_ms: None };
    near("shape", fit(&rows, &options).unwrap().measured.itl_shape, 5.0, 0.01, 0.0);
}

#[test]
fn what_the_rows_cannot_tell_is_said() {
    let mut rows = measure(&start(), 60, 1);
    for row in &mut rows {
        row.uncached_tokens = None;
        row.completion_tokens = 1;
        row.total_ms = row.ttft_ms;
    }
    let options = Options { start: start(), overhead_ms: None };
    let fitted = fit(&rows, &options).unwrap();
    insta::assert_snapshot!(fitted.notes.join("\n"));
    assert!(fitted.measured.itl_ms.abs() < 1e-9 && fitted.measured.prefill_ms_per_1k.abs() < 1e-9);
    let error = fit(&rows[..LEAST_ROWS - 1], &options).unwrap_err();
    assert!(error.contains("19 measurements are too few"), "{error}");
    let above = Options { start: start(), overhead_ms: Some(1e5) };
    assert!(fit(&rows, &above).unwrap_err().contains("above one in twenty"));
}

#[test]
fn constant_rows_are_no_trouble() {
    let row = Row {
        ttft_ms: 100.0,
        total_ms: 100.0,
        completion_tokens: 5,
        uncached_tokens: Some(10),
        itl_std_dev_ms: Some(0.0),
    };
    for row in [row, Row { ttft_ms: 0.0, total_ms: 500.0, ..row }] {
        let rows = vec![row; 150];
        let options = Options { start: start(), overhead_ms: None };
        // Whatever comes out, it is a number, or a reason.
        if let Ok(fit) = fit(&rows, &options) {
            let m = fit.measured;
            for value in [m.overhead_ms, m.base_ms, m.sigma, m.itl_ms, m.itl_shape, m.speed_sigma] {
                assert!(value.is_finite() && 0.0 <= value, "{value}");
            }
        }
    }
}

fn as_csv(rows: &[Row]) -> String {
    let mut text = "ttft_ms,completion_tokens,total_ms,prompt_tokens,region\n".to_owned();
    for row in rows {
        let prompt = row.uncached_tokens.unwrap_or_default();
        let Row { ttft_ms, completion_tokens, total_ms, .. } = row;
        text += &format!("{ttft_ms:.3},{completion_tokens},{total_ms:.3},{prompt},eastus2\n");
    }
    text
}

#[test]
fn what_is_printed_can_be_pasted() {
    let source = Source::new("measured.csv", as_csv(&measure(&start(), 400, 42)));
    let measurements = read(&source).unwrap();
    let options = Options { start: start(), overhead_ms: None };
    let fitted = fit(&measurements.rows, &options).unwrap();
    let compared = assess(&measurements.rows, &fitted);
    let text = render("measured.csv", &measurements, &fitted, &compared);
    insta::assert_snapshot!(text);
    let config = format!(
        "version = 1\n[[resources]]\nname = \"r\"\nport = 1\nkeys = [\"k\"]\n[[deployments]]\nname = \"d\"\nmodel = \"gpt-4o\"\ntpm = 1000\n{text}"
    );
    let loaded = crate::load(&Source::new("pasted.toml", config), &seam::env::Env::empty());
    loaded.map(|_| ()).unwrap_or_else(|problems| panic!("{problems:?}"));
}

#[test]
fn both_forms_say_the_same() {
    let csv = "\u{feff}\"total_ms\";ttft_ms;completion_tokens;prompt_tokens;cached_tokens\r\n\r\n500;100;20;3000;1024\r\n 600 ;\"110\";30;;\r\n";
    let json = r#"{"ttft_ms": 100, "total_ms": 500, "completion_tokens": 20, "prompt_tokens": 3000, "cached_tokens": 1024}

{"ttft_ms": 110.0, "total_ms": 600, "completion_tokens": 30, "prompt_tokens": null, "model": "x"}"#;
    let rows = read(&Source::new("a.csv", csv)).unwrap().rows;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].uncached_tokens, Some(1976));
    assert_eq!(rows[1].uncached_tokens, None);
    let other = read(&Source::new("a.jsonl", json)).unwrap();
    assert_eq!((rows, vec!["model".to_owned()]), (other.rows, other.ignored));
}

#[track_caller]
fn problems(name: &str, text: &str) -> String {
    let problems = read(&Source::new(name, text)).unwrap_err();
    problems.iter().map(|problem| problem.render(false)).collect::<Vec<_>>().join("\n")
}

#[test]
fn problems_have_their_place() {
    insta::assert_snapshot!(problems("bad.csv", "ttft,completion_tokens,total_ms\n1,2,3\n"));
    insta::assert_snapshot!(problems(
        "bad.csv",
        "ttft_ms,completion_tokens,total_ms,prompt_tokens,cached_tokens\n\
         100,20,500,10,0\n\
         100,twenty,500,10,0\n\
         100,20\n\
         600,20,500,10,0\n\
         ,2.5,500,10,11\n\
         100,20,-1,10,0\n"
    ));
    insta::assert_snapshot!(problems(
        "bad.jsonl",
        "{\"ttft_ms\": 1, \"completion_tokens\": 1, \"total_ms\": 2}\n\
         {\"ttft_ms\": \"1\", \"completion_tokens\": 1, \"total_ms\": 2}\n\
         {\"ttft_ms\": 1, \"completion_tokens\": 1}\n\
         {\"ttft_ms\": 1, \"completion_tokens\" 1}\n\
         [1, 2]\n"
    ));
    insta::assert_snapshot!(problems("empty.csv", "\n"));
    let many = "ttft_ms,completion_tokens,total_ms\n".to_owned() + &"x,1,1\n".repeat(50);
    assert!(problems("many.csv", &many).contains("and 30 more problems"));
}

proptest! {
    #[test]
    fn no_text_is_too_much(text in "\\PC{0,40}(\n\\PC{0,40}){0,4}") {
        let _ = read(&Source::new("x", text.clone()));
        let _ = read(&Source::new("x", format!("{{{text}")));
        let _ = read(&Source::new("x", format!("ttft_ms,completion_tokens,total_ms\n{text}")));
    }
}
