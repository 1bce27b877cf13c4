//! Holm's division of one error probability over several checks.

/// Holm's step-down (1979): every check is first tried at `alpha / m`; each
/// time some are decided, the undecided ones are tried again at `alpha` over
/// their number. `decide(check, level)` says whether the check comes to a
/// verdict at that level, and must not change its mind at a larger one. Returns
/// the level at which each check was last tried.
///
/// Of all verdicts together one or more is wrong with probability at most
/// `alpha`; for two-way verdicts (passed or failed) this is proved for
/// independent checks (Shaffer 1980) and plain `alpha / m` bounds any others.
#[must_use]
pub fn step_down(
    alpha: f64,
    checks: usize,
    mut decide: impl FnMut(usize, f64) -> bool,
) -> Vec<f64> {
    let mut levels = vec![alpha; checks];
    let mut open: Vec<usize> = (0..checks).collect();
    while let Ok(remaining @ 1..) = u32::try_from(open.len()) {
        let level = alpha / f64::from(remaining);
        open.retain(|&check| {
            if let Some(slot) = levels.get_mut(check) {
                *slot = level;
            }
            !decide(check, level)
        });
        if u32::try_from(open.len()) == Ok(remaining) {
            break;
        }
    }
    levels
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(p_values: &[f64], rejected: &[usize]) {
        let levels = step_down(0.05, p_values.len(), |i, level| p_values[i] <= level);
        let got: Vec<usize> = (0..p_values.len()).filter(|&i| p_values[i] <= levels[i]).collect();
        assert_eq!(got, rejected, "levels {levels:?}");
    }

    #[test]
    fn rejects_as_in_holm_1979() {
        check(&[0.01, 0.04, 0.03, 0.005], &[0, 3]);
        check(&[0.01, 0.02, 0.024], &[0, 1, 2]);
        check(&[0.06, 0.02, 0.03], &[]);
        check(&[0.04], &[0]);
        check(&[], &[]);
    }

    proptest! {
        #[test]
        fn lies_between_bonferroni_and_nothing(p_values in proptest::collection::vec(0.0_f64..0.2, 1..12)) {
            let m = p_values.len();
            let levels = step_down(0.05, m, |i, level| p_values[i] <= level);
            for (p, level) in p_values.iter().zip(&levels) {
                prop_assert!(0.05 / m as f64 <= *level && *level <= 0.05);
                if *p <= 0.05 / m as f64 {
                    prop_assert!(p <= level);
                }
            }
        }
    }
}
