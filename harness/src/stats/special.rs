//! The few special functions intervals need. Inverses are found by bisection:
//! slow beside a rational approximation, and free of coefficients to mistype.

use std::f64::consts::PI;

/// Natural logarithm of the gamma function for `x > 0`: Stirling's series
/// (Abramowitz & Stegun 6.1.41) after shifting `x` above 15 by Γ(x+1) = xΓ(x).
fn ln_gamma(x: f64) -> f64 {
    let mut shifted = x;
    let mut below = 0.0;
    while shifted < 15.0 {
        below += shifted.ln();
        shifted += 1.0;
    }
    let inverse = 1.0 / shifted;
    let square = inverse * inverse;
    let series =
        inverse * (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square / 1680.0)));
    (shifted - 0.5) * shifted.ln() - shifted + 0.5 * (2.0 * PI).ln() + series - below
}

/// Regularised incomplete beta function `I_x(a, b)`, the distribution function
/// of Beta(a, b), for `a, b > 0` and `x` in [0, 1].
///
/// By the continued fraction DLMF 8.17.22 with the modified Lentz algorithm
/// (Thompson & Barnett 1986), on the side of the mean where it converges fast.
#[must_use]
pub fn regularised_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if 1.0 <= x {
        return 1.0;
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p()).exp();
    let value = if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(x, a, b) / a
    } else {
        1.0 - front * beta_fraction(1.0 - x, b, a) / b
    };
    value.clamp(0.0, 1.0)
}

/// Continued fraction of [`regularised_beta`].
fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away_from_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    // Converges within O(√max(a, b)) steps; the bound serves a million.
    for step in 1..5_000 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away_from_zero(1.0 + even * d);
        c = away_from_zero(1.0 + even / c);
        fraction *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away_from_zero(1.0 + odd * d);
        c = away_from_zero(1.0 + odd / c);
        let change = d * c;
        fraction *= change;
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    fraction
}

/// The `x` with `I_x(a, b) = p`.
#[must_use]
pub fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    if p <= 0.0 {
        return 0.0;
    }
    if 1.0 <= p {
        return 1.0;
    }
    bisect(0.0, 1.0, |x| regularised_beta(x, a, b) < p)
}

/// Upper quantile of the standard normal: the `z` with `P(Z > z) = tail`.
#[must_use]
pub fn normal_quantile(tail: f64) -> f64 {
    let tail = tail.clamp(1e-300, 1.0 - 1e-16);
    if 0.5 < tail {
        return -normal_quantile(1.0 - tail);
    }
    bisect(0.0, 40.0, |z| tail < normal_upper_tail(z))
}

/// `P(Z > z)` of the standard normal for `z ≥ 0`: the Taylor series of the
/// distribution function near zero (Abramowitz & Stegun 26.2.11), the continued
/// fraction of Mills' ratio (26.2.14) further out.
fn normal_upper_tail(z: f64) -> f64 {
    let density = (-0.5 * z * z).exp() / (2.0 * PI).sqrt();
    if z < 3.0 {
        let mut term = z;
        let mut sum = z;
        let mut denominator = 1.0;
        while 1e-17 * sum < term {
            denominator += 2.0;
            term *= z * z / denominator;
            sum += term;
        }
        return 0.5 - density * sum;
    }
    let fraction = (1..=200_u32).rev().fold(z, |below, k| z + f64::from(k) / below);
    density / fraction
}

/// Upper quantile of Student's t with `freedom` degrees: `P(T > t) = tail`, from
/// `P(|T| > t) = I_{ν/(ν+t²)}(ν/2, 1/2)` (Abramowitz & Stegun 26.7.1, 26.5.27).
#[must_use]
pub fn student_quantile(tail: f64, freedom: f64) -> f64 {
    if 0.5 <= tail {
        return if tail == 0.5 { 0.0 } else { -student_quantile(1.0 - tail, freedom) };
    }
    let x = beta_quantile(2.0 * tail, freedom / 2.0, 0.5).max(1e-300);
    (freedom * (1.0 - x) / x).sqrt()
}

/// The point of `[low, high]` where `below` turns from true to false.
fn bisect(mut low: f64, mut high: f64, below: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || high <= middle {
            break;
        }
        if below(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn close(got: f64, want: f64, tolerance: f64) {
        assert!((got - want).abs() <= tolerance, "got {got}, want {want}");
    }

    #[test]
    fn gamma_of_known_arguments() {
        close(ln_gamma(1.0), 0.0, 1e-13);
        close(ln_gamma(0.5), PI.sqrt().ln(), 1e-13);
        close(ln_gamma(11.0), 3_628_800_f64.ln(), 1e-12);
    }

    #[test]
    fn beta_of_known_arguments() {
        // I_x(1, b) = 1 - (1-x)^b, I_x(a, 1) = x^a, I_½(a, a) = ½.
        close(regularised_beta(0.3, 1.0, 5.0), 1.0 - 0.7_f64.powi(5), 1e-14);
        close(regularised_beta(0.3, 4.0, 1.0), 0.3_f64.powi(4), 1e-14);
        close(regularised_beta(0.5, 777.0, 777.0), 0.5, 1e-12);
        // P(Bin(10, 0.3) ≥ 4) = I_0.3(4, 7), by summing the binomial.
        close(regularised_beta(0.3, 4.0, 7.0), 0.350_389_281_6, 1e-10);
    }

    #[test]
    fn quantiles_of_tables() {
        close(normal_quantile(0.025), 1.959_963_984_540_054, 1e-10);
        close(normal_quantile(0.0005), 3.290_526_731_491_926, 1e-9);
        close(normal_quantile(0.01), 2.326_347_874_040_841, 1e-10);
        close(normal_quantile(0.5), 0.0, 1e-12);
        close(normal_quantile(0.9), -1.281_551_565_544_6, 1e-9);
        close(student_quantile(0.025, 10.0), 2.228_138_852, 1e-8);
        close(student_quantile(0.0005, 19.0), 3.883_405_853, 1e-7);
        // One degree of freedom is the Cauchy distribution.
        close(student_quantile(0.01, 1.0), 31.820_515_95, 1e-5);
    }

    proptest! {
        #[test]
        fn beta_rises_from_zero_to_one(a in 0.1_f64..500.0, b in 0.1_f64..500.0, x in 0.0_f64..1.0, y in 0.0_f64..1.0) {
            let (low, high) = (x.min(y), x.max(y));
            let (at_low, at_high) = (regularised_beta(low, a, b), regularised_beta(high, a, b));
            prop_assert!((0.0..=1.0).contains(&at_low) && (0.0..=1.0).contains(&at_high));
            prop_assert!(at_low <= at_high + 1e-12);
        }

        #[test]
        fn beta_quantile_inverts(a in 0.5_f64..500.0, b in 0.5_f64..500.0, p in 0.0001_f64..0.9999) {
            let x = beta_quantile(p, a, b);
            prop_assert!((regularised_beta(x, a, b) - p).abs() < 1e-9);
        }

        #[test]
        fn student_approaches_the_normal_from_above(tail in 0.0001_f64..0.4, freedom in 2.0_f64..2_000.0) {
            prop_assert!(normal_quantile(tail) < student_quantile(tail, freedom) + 1e-9);
        }
    }
}
