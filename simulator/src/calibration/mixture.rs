//! The likeliest base, pace and slow tail for a given overhead, by expectation
//! maximisation.
//!
//! With the overhead taken off, the logarithm of a time to first token is normal;
//! the logarithm of the mean of `n` gaps is nearly so, with variance
//! `speed_sigma² + 1 / (shape × n)`. A slow request moves both by the same factor.

use std::f64::consts::TAU;

use super::Measurement;

/// Fewer gaps tell more of their own chance than of the request's speed, and their
/// logarithm is not normal.
const FEWEST_GAPS: u32 = 4;

/// A slow factor is uniform in 3 to 8 (specification, section 5.3); the fit sums over
/// the middles of ten parts.
const PARTS: u32 = 10;

/// Of a slow request.
fn factor_logs() -> impl Iterator<Item = f64> {
    (0..PARTS).map(|part| (3.25 + 0.5 * f64::from(part)).ln())
}

/// One measurement as the mixture sees it.
#[derive(Debug, Clone, Copy)]
struct Point {
    base: f64,
    /// Logarithm of the mean gap, and one over their number.
    gap: Option<(f64, f64)>,
}

/// Logarithms of the model's parameters, and their likelihood.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mixture {
    pub base: f64,
    pub base_variance: f64,
    pub gap: f64,
    pub speed_variance: f64,
    /// One over the shape of the gaps' distribution.
    pub roughness: f64,
    /// Whether the data tell the roughness from the speed's variance.
    pub roughness_known: bool,
    pub tail: f64,
    pub likelihood: f64,
}

impl Mixture {
    /// Medians and quartiles, which a slow tail hardly moves.
    pub(super) fn begin(rows: &[Measurement], roughness: f64, tail: f64) -> Self {
        let mut bases: Vec<f64> = rows.iter().map(|row| row.ttft_ms.ln()).collect();
        let points = rows.iter().map(|row| point(row, 0.0));
        let mut gaps: Vec<f64> = points.filter_map(|point| Some(point.gap?.0)).collect();
        let (base, base_variance) = robust(&mut bases);
        let (gap, speed_variance) = robust(&mut gaps);
        let likelihood = f64::NEG_INFINITY;
        let roughness_known = false;
        Self {
            base,
            base_variance,
            gap,
            speed_variance,
            roughness,
            roughness_known,
            tail,
            likelihood,
        }
    }

    /// Better parameters for this overhead, after some rounds.
    pub(super) fn improve(mut self, rows: &[Measurement], overhead: f64, rounds: usize) -> Self {
        let points: Vec<Point> = rows.iter().map(|row| point(row, overhead)).collect();
        for _ in 0..rounds {
            self = self.round(&points);
        }
        // The density of the time itself, not of its logarithm: comparable between
        // overheads.
        self.likelihood -= points.iter().map(|point| point.base).sum::<f64>();
        self
    }

    fn round(self, points: &[Point]) -> Self {
        let mut sums = Sums::default();
        let logs: Vec<f64> = factor_logs().collect();
        let mut weights = Vec::with_capacity(logs.len());
        for point in points {
            let normal = (1.0 - self.tail) * self.density(point, 0.0);
            weights.clear();
            if 0.0 < self.tail {
                let share = self.tail / f64::from(PARTS);
                weights.extend(logs.iter().map(|&log| share * self.density(point, log)));
            }
            let all = normal + weights.iter().sum::<f64>();
            if all <= 0.0 || !all.is_finite() {
                // Further out than numbers reach: slow, and no measure of anything else.
                sums.lost += 1.0;
                sums.likelihood -= 700.0;
                continue;
            }
            sums.likelihood += all.ln();
            sums.tail += 1.0 - normal / all;
            sums.add(point, 0.0, normal / all, &self);
            for (&log, weight) in logs.iter().zip(&weights) {
                sums.add(point, log, weight / all, &self);
            }
        }
        self.after(&sums)
    }

    /// How likely a point is, its request being slower by this.
    fn density(&self, point: &Point, slower: f64) -> f64 {
        let base = normal(point.base - slower - self.base, self.base_variance);
        let gap = point.gap.map_or(1.0, |(gap, per_gap)| {
            normal(gap - slower - self.expected(per_gap), self.variance(per_gap))
        });
        base * gap
    }

    /// Of a mean gap's logarithm: below the mean's, by half the variance of the mean.
    fn expected(&self, per_gap: f64) -> f64 {
        self.gap - 0.5 * self.roughness * per_gap
    }

    fn variance(&self, per_gap: f64) -> f64 {
        (self.speed_variance + self.roughness * per_gap).max(LEAST_VARIANCE)
    }

    fn after(self, sums: &Sums) -> Self {
        let mut next = self;
        next.likelihood = sums.likelihood;
        if 0.0 < sums.weight {
            next.base = sums.base / sums.weight;
            // Around the former mean; the step to the new one is taken off.
            let step = next.base - self.base;
            next.base_variance =
                (sums.base_squares / sums.weight - step * step).max(LEAST_VARIANCE);
        }
        if 0.0 < self.tail {
            // Never back to nothing while it is searched for.
            next.tail = ((sums.tail + sums.lost) / (sums.weight + sums.lost)).clamp(1e-6, 0.5);
        }
        if 0.0 < sums.gap_weight {
            next.gap = sums.gap / sums.gap_weight;
        }
        sums.squares.solve(&mut next);
        next
    }
}

const LEAST_VARIANCE: f64 = 1e-6;

/// What a round adds up.
#[derive(Default)]
struct Sums {
    likelihood: f64,
    weight: f64,
    lost: f64,
    tail: f64,
    base: f64,
    base_squares: f64,
    gap_weight: f64,
    gap: f64,
    squares: Squares,
}

impl Sums {
    fn add(&mut self, point: &Point, slower: f64, weight: f64, now: &Mixture) {
        let base = point.base - slower;
        self.weight += weight;
        self.base += weight * base;
        self.base_squares += weight * (base - now.base).powi(2);
        let Some((gap, per_gap)) = point.gap else { return };
        let precision = weight / now.variance(per_gap);
        let level = gap - slower + 0.5 * now.roughness * per_gap;
        self.gap_weight += precision;
        self.gap += precision * level;
        let square = (gap - slower - now.expected(per_gap)).powi(2);
        self.squares.add(weight / (2.0 * now.variance(per_gap).powi(2)), per_gap, square);
    }
}

/// A weighted line through squared deviations: where it starts is the variance of
/// speeds, how it rises with one over the number of gaps their roughness.
#[derive(Default)]
struct Squares {
    one: f64,
    x: f64,
    xx: f64,
    y: f64,
    xy: f64,
}

impl Squares {
    fn add(&mut self, weight: f64, x: f64, y: f64) {
        self.one += weight;
        self.x += weight * x;
        self.xx += weight * x * x;
        self.y += weight * y;
        self.xy += weight * x * y;
    }

    fn solve(&self, next: &mut Mixture) {
        if self.one <= 0.0 {
            return;
        }
        let determinant = self.one * self.xx - self.x * self.x;
        let slope = (self.one * self.xy - self.x * self.y) / determinant;
        // The slope's own variance, the weights being one over the squares' variance.
        let error = (self.one / determinant).sqrt();
        next.roughness_known = slope.is_finite() && error.is_finite() && 3.0 * error < slope;
        if next.roughness_known {
            next.roughness = slope.clamp(1e-3, 10.0);
        }
        let mean = self.x / self.one;
        next.speed_variance = (self.y / self.one - next.roughness * mean).max(LEAST_VARIANCE);
    }
}

fn point(row: &Measurement, overhead: f64) -> Point {
    let gap = row.mean_gap().filter(|_| FEWEST_GAPS <= row.gaps());
    Point {
        base: (row.ttft_ms - overhead).ln(),
        gap: gap.map(|gap| (gap.ln(), 1.0 / f64::from(row.gaps()))),
    }
}

fn normal(distance: f64, variance: f64) -> f64 {
    (-distance * distance / (2.0 * variance)).exp() / (TAU * variance).sqrt()
}

/// Median, and the variance that the quartiles of a normal distribution show.
fn robust(values: &mut [f64]) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| super::quality::quantile(values, share).unwrap_or_default();
    let deviation = (at(0.75) - at(0.25)) / 1.349;
    (at(0.5), (deviation * deviation).max(LEAST_VARIANCE))
}
