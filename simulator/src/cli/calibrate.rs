//! `simulator calibrate`: arguments, and the profile as text.

use std::fmt::Write as _;
use std::path::PathBuf;

use seam::diagnostic::Diagnostic;
use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error, StrDeserializer};

use crate::calibration::{Comparison, Fit, Measurement, Offer, Unit, compare, fit, read};
use crate::config::raw::{Latency as Settings, ProfileName};
use crate::config::{WireProfile, latency_from};
use crate::latency::{Latency, Measured, Shape};

pub(super) const EXAMPLES: &str = "\
Examples:
  simulator calibrate gpt-4o.csv
      gpt-4o.csv:
        ttft,tokens,total
        412.5,120,1930.2
        388.0,64,1201.7

  simulator calibrate ptu.jsonl --profile ptu-gpt-4o --unit s
      ptu.jsonl:
        {\"ttft\": 0.398, \"tokens\": 120, \"total\": 2.31}

Exit codes: 0 fitted, 2 the file cannot be used.";

/// Measurements to fit a profile to.
#[derive(Debug, clap::Args)]
pub(super) struct Calibrate {
    /// CSV or JSON lines; at least 20 measurements, better some hundreds.
    file: PathBuf,
    /// Profile to build on. It says how the deployment is sold (those of PTU have no
    /// slow tail), and what the measurements do not tell.
    #[arg(long, value_name = "NAME", default_value = "payg-gpt-4o")]
    profile: String,
    /// What `ttft` and `total` are given in.
    #[arg(long, value_name = "UNIT", value_enum, default_value = "ms")]
    unit: Unit,
}

/// The profile as TOML, or what is wrong with the file.
pub(super) fn answer(asked: &Calibrate) -> Result<String, Vec<Diagnostic>> {
    let (name, built_on) = profile(&asked.profile).map_err(|problem| vec![problem])?;
    let source = seam::config::read(&asked.file).map_err(|problem| vec![problem])?;
    let rows = read(&source, asked.unit)?;
    let provisioned = asked.profile.starts_with("ptu-");
    let offer = if provisioned { Offer::Provisioned } else { Offer::Payg };
    let found = fit(&rows, offer, built_on.itl_shape);
    let latency = latency(&found.raw(name)).map_err(|problem| vec![problem])?;
    let quality = compare(&rows, &latency, provisioned.then_some(0.0));
    let file = asked.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(text(&file, &asked.profile, &rows, &found, &quality))
}

/// The profile of this name, if it is one of answers in tokens.
fn profile(text: &str) -> Result<(ProfileName, Measured), Diagnostic> {
    let named = |text: &str| {
        let text: StrDeserializer<'_, Error> = text.into_deserializer();
        let name = ProfileName::deserialize(text).ok()?;
        match latency(&Settings { profile: Some(name), ..Settings::default() }).ok()?.shape {
            Shape::Measured(measured) if 0.0 < measured.itl_ms => Some((name, measured)),
            _ => None,
        }
    };
    named(text).ok_or_else(|| {
        Diagnostic::without_source(format!("`{text}` is no profile of streamed answers"))
            .did_you_mean(text, PROFILES)
            .help(format!("known: {}", PROFILES.join(", ")))
    })
}

const PROFILES: [&str; 10] = [
    "payg-gpt-4o",
    "payg-gpt-4o-mini",
    "payg-gpt-4.1",
    "payg-gpt-4.1-mini",
    "payg-gpt-35-turbo",
    "payg-gpt-5",
    "ptu-gpt-4o",
    "ptu-gpt-4o-mini",
    "ptu-gpt-4.1",
    "ptu-gpt-35-turbo",
];

fn latency(settings: &Settings) -> Result<Latency, Diagnostic> {
    let zero = Latency { shape: Shape::Zero, refusal_ms: (0.0, 0.0) };
    latency_from(settings, &zero, WireProfile::Documented).map_err(|problems| {
        let texts: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
        Diagnostic::without_source(format!("the fit is no profile: {}", texts.join("; ")))
    })
}

fn text(
    file: &str,
    profile: &str,
    rows: &[Measurement],
    found: &Fit,
    quality: &[Comparison],
) -> String {
    let mut text = format!("# Fitted to the {} measurements of {file}. ", rows.len());
    text.push_str("Times in ms, measured beside\n# drawn from the profile:\n#\n");
    let _ = writeln!(
        text,
        "# {:<15}{:>8}{:>18}{:>18}{:>8}{:>8}",
        "", "n", "p50", "p95", "KS", "chance"
    );
    for row in quality {
        let [[m50, m95], [f50, f95]] = [row.measured_p50_p95, row.fitted_p50_p95];
        let pair = |measured: f64, fitted: f64| format!("{measured:.1} / {fitted:.1}");
        let _ = writeln!(
            text,
            "# {:<15}{:>8}{:>18}{:>18}{:>8.3}{:>8.3}",
            row.name,
            row.measured,
            pair(m50, f50),
            pair(m95, f95),
            row.distance,
            row.chance,
        );
    }
    text.push_str(
        "#\n# KS is the greatest difference between the two distribution functions; \"chance\" is\n\
         # what a right profile exceeds once in twenty times.\n",
    );
    for row in quality.iter().filter(|row| 2.0 * row.chance < row.distance) {
        let _ = writeln!(text, "# NOTE: {} has another form than the profile can draw.", row.name);
    }
    if !found.shape_known {
        text.push_str(
            "# NOTE: itl_shape is the profile's; answers of more different lengths would tell it.\n",
        );
    }
    let settings = found.settings().map(|(key, value)| format!(", {key} = {value:?}"));
    let _ = writeln!(text, "latency = {{ profile = \"{profile}\"{} }}", settings.concat());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_in_tokens_can_be_built_on() {
        assert!(PROFILES.iter().all(|name| profile(name).is_ok()));
        for name in ["zero", "aoai_simulator_compat", "embedding-3-small", "payg-gpt-4p"] {
            assert!(profile(name).is_err(), "{name}");
        }
    }
}
