//! A fit as TOML to paste, with its quality in comments.

use std::fmt::Write as _;

use super::fit::Fit;
use super::quality::{Comparison, QUANTILES};
use super::read::Measurements;
use crate::config::profile_text;

/// The text: comments, then a `latency` line for a deployment or a resource.
pub(crate) fn render(
    name: &str,
    measurements: &Measurements,
    fit: &Fit,
    compared: &[Comparison],
) -> String {
    let Measurements { rows, ignored } = measurements;
    let mut text = String::new();
    let _ = writeln!(text, "# simulator calibrate {name}: {} requests", rows.len());
    if !ignored.is_empty() {
        let _ = writeln!(text, "# columns not used: {}", ignored.join(", "));
    }
    for note in &fit.notes {
        let _ = writeln!(text, "# {note}");
    }
    let _ = writeln!(text, "#");
    let _ = write!(text, "# {:<16}", "ms");
    for p in QUANTILES {
        let _ = write!(text, "{:>9}", format!("p{:.0}", p * 100.0));
    }
    let _ = writeln!(text, "   KS (chance: 5 % above)");
    for one in compared {
        let line = |text: &mut String, what: &str, values: &[f64; 5]| {
            let _ = write!(text, "# {:<16}", format!("{} {what}", one.name));
            for value in values {
                let _ = write!(text, "{value:>9.1}");
            }
        };
        line(&mut text, "measured", &one.measured);
        text.push('\n');
        line(&mut text, "fitted", &one.fitted);
        let _ = writeln!(text, "   {:.3} ({:.3})", one.distance, one.critical);
    }
    let _ = writeln!(
        text,
        "# Load and hour of the measurement are in the numbers: the slowdowns are 0."
    );
    let m = &fit.measured;
    let mut line = format!("latency = {{ profile = \"{}\"", profile_text(m.profile));
    let values = [
        ("overhead_ms", m.overhead_ms),
        ("base_ms", m.base_ms),
        ("sigma", m.sigma),
        ("prefill_ms_per_1k", m.prefill_ms_per_1k),
        ("itl_ms", m.itl_ms),
        ("itl_shape", m.itl_shape),
        ("speed_sigma", m.speed_sigma),
        ("tail_probability", m.tail_probability),
        ("load_slowdown", m.load_slowdown),
        ("daytime_slowdown", m.daytime_slowdown),
    ];
    for (key, value) in values {
        let _ = write!(line, ", {key} = {}", four_digits(value));
    }
    line.push_str(" }\n");
    text + &line
}

/// Four significant digits, no exponent, no trailing zeros.
fn four_digits(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return "0".to_owned();
    }
    #[expect(clippy::cast_possible_truncation, reason = "a logarithm of a double")]
    let magnitude = value.abs().log10().floor() as i32;
    let decimals = usize::try_from(3 - magnitude).unwrap_or(0).min(12);
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_digits_are_enough() {
        for (value, expected) in [
            (0.0, "0"),
            (412.345_6, "412.3"),
            (12.5, "12.5"),
            (0.012_345, "0.01235"),
            (98_765.4, "98765"),
            (2.0, "2"),
            (1e-9, "0.000000001"),
        ] {
            assert_eq!(four_digits(value), expected);
        }
    }
}
