//! What a fit is worth: requests like the measured ones are drawn from it, by the
//! simulator's own draws, and compared.

use seam::rng::Seed;

use super::fit::Fit;
use super::read::Row;
use super::statistics::{ks_critical, ks_distance, quantile, sorted};
use crate::catalogue::Operation;
use crate::latency::{self, Conditions, Latency, Shape, Work};

/// The quantiles of a table.
pub(crate) const QUANTILES: [f64; 5] = [0.1, 0.5, 0.9, 0.95, 0.99];
/// Gaps drawn at most: some seconds of work.
const MOST_GAPS: u64 = 20_000_000;
const MOST_DRAWS: u64 = 50_000;

/// One quantity, measured and drawn.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Comparison {
    pub name: &'static str,
    pub measured: [f64; 5],
    pub fitted: [f64; 5],
    /// Kolmogorov-Smirnov distance, and the one that chance exceeds 1 in 20 times.
    pub distance: f64,
    pub critical: f64,
}

/// Compares measured requests with drawn ones.
pub(crate) fn assess(rows: &[Row], fit: &Fit) -> Vec<Comparison> {
    let latency = Latency { shape: Shape::Measured(fit.measured.clone()), refusal_ms: (0.0, 0.0) };
    let known = sorted(rows.iter().filter_map(|row| Some(row.uncached_tokens? as f64)).collect());
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a median of token counts"
    )]
    let usual = quantile(&known, 0.5) as u64;
    let tokens: u64 = rows.iter().map(|row| row.completion_tokens).sum();
    let rounds = (MOST_GAPS / tokens.max(1))
        .min(MOST_DRAWS / (rows.len() as u64).max(1))
        .clamp(1, 50);
    // Provisioned and idle: no slow tail, no hour.
    let provisioned = crate::config::profile_text(fit.measured.profile).starts_with("ptu-");
    let conditions = Conditions { utilization: provisioned.then_some(0.0), utc_hour: 0.0 };
    let mut drawn = [Vec::new(), Vec::new(), Vec::new()];
    for round in 0..rounds {
        for (number, row) in rows.iter().enumerate() {
            let key = round * rows.len() as u64 + number as u64;
            let mut rng = Seed(1).numbered("calibrate/draws", key);
            let visible = usize::try_from(row.completion_tokens).unwrap_or(usize::MAX);
            let work = Work {
                operation: Operation::Chat,
                prompt_tokens: row.uncached_tokens.unwrap_or(usual),
                inputs: 1,
                reasoning_tokens: 0,
                choices: &[visible],
            };
            let schedule = latency::draw(&latency, work, conditions, &mut rng);
            let millis = |time: std::time::Duration| time.as_secs_f64() * 1_000.0;
            let (first, end) = (millis(schedule.first()), millis(schedule.end()));
            push(&mut drawn, row.completion_tokens, first, end);
        }
    }
    let mut measured = [Vec::new(), Vec::new(), Vec::new()];
    for row in rows {
        push(&mut measured, row.completion_tokens, row.ttft_ms, row.total_ms);
    }
    ["ttft", "itl", "total"]
        .into_iter()
        .zip(measured.into_iter().zip(drawn))
        .filter(|(_, (measured, _))| !measured.is_empty())
        .map(|(name, (measured, drawn))| {
            let (measured, drawn) = (sorted(measured), sorted(drawn));
            Comparison {
                name,
                measured: QUANTILES.map(|p| quantile(&measured, p)),
                fitted: QUANTILES.map(|p| quantile(&drawn, p)),
                distance: ks_distance(&measured, &drawn),
                critical: ks_critical(measured.len(), drawn.len()),
            }
        })
        .collect()
}

fn push(into: &mut [Vec<f64>; 3], tokens: u64, first: f64, end: f64) {
    let [ttft, itl, total] = into;
    ttft.push(first);
    total.push(end);
    if let Some(gaps) = tokens.checked_sub(1).filter(|gaps| 0 < *gaps) {
        itl.push((end - first) / gaps as f64);
    }
}
