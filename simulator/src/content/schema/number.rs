//! Numbers within bounds and steps.

use rand::{Rng, RngExt as _};
use serde_json::Number;

use super::super::json::Json;
use super::accept::is_multiple;
use super::parts::Parts;
use super::text::words_of;

/// How many steps a number is drawn from when a bound is missing.
const SPREAD: i128 = 100;
/// Tries for a step that further demands narrow.
const TRIES: usize = 64;

/// Plausible whole numbers by a word in the field's name.
const PLAUSIBLE: &[(&[&str], i64, i64)] = &[
    (&["year"], 1990, 2026),
    (&["month"], 1, 12),
    (&["day"], 1, 28),
    (&["hour", "hours"], 0, 23),
    (&["minute", "minutes", "second", "seconds"], 0, 59),
    (&["age"], 18, 80),
    (&["temperature", "temp"], -5, 35),
    (&["percent", "percentage", "humidity", "score"], 0, 100),
    (&["rating", "priority", "level", "quantity", "count", "limit"], 1, 10),
    (&["latitude", "lat", "longitude", "lon", "lng"], -90, 90),
    (&["confidence", "probability", "likelihood"], 0, 1),
];

/// The bounds of a number, all inclusive or not.
#[derive(Debug, Clone, Copy, Default)]
struct Bounds {
    least: Option<Bound>,
    most: Option<Bound>,
}

#[derive(Debug, Clone, Copy)]
struct Bound {
    value: f64,
    /// Exact, when it is whole and no float.
    whole: Option<i128>,
    exclusive: bool,
}

impl Bound {
    fn read(value: &Json, exclusive: bool) -> Option<Self> {
        let Json::Number(number) = value else { return None };
        let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
        Some(Self { value: number.as_f64()?, whole, exclusive })
    }

    /// The least whole number that a lower bound allows.
    fn first(&self) -> i128 {
        let whole = self.whole.unwrap_or_else(|| whole(self.value.ceil()));
        let excluded = self.exclusive && self.value.fract() == 0.0;
        if excluded { whole.saturating_add(1) } else { whole }
    }

    /// The greatest whole number that an upper bound allows.
    fn last(&self) -> i128 {
        let whole = self.whole.unwrap_or_else(|| whole(self.value.floor()));
        let excluded = self.exclusive && self.value.fract() == 0.0;
        if excluded { whole.saturating_sub(1) } else { whole }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "saturates, which is what a bound needs")]
fn whole(value: f64) -> i128 {
    value as i128
}

impl Bounds {
    fn read(parts: &Parts<'_>) -> Self {
        let mut bounds = Self::default();
        for part in &parts.all {
            let bound = |key: &str, exclusive: &str| {
                // Draft 4: a flag beside the bound.
                let flag = matches!(part.get(exclusive), Some(Json::Bool(true)));
                let inclusive = part.get(key).and_then(|value| Bound::read(value, flag));
                let own = part.get(exclusive).and_then(|value| Bound::read(value, true));
                [inclusive, own]
            };
            for least in bound("minimum", "exclusiveMinimum").into_iter().flatten() {
                let tighter = |known: Bound| {
                    known.value < least.value || known.value == least.value && least.exclusive
                };
                if bounds.least.is_none_or(tighter) {
                    bounds.least = Some(least);
                }
            }
            for most in bound("maximum", "exclusiveMaximum").into_iter().flatten() {
                let tighter = |known: Bound| {
                    most.value < known.value || known.value == most.value && most.exclusive
                };
                if bounds.most.is_none_or(tighter) {
                    bounds.most = Some(most);
                }
            }
        }
        bounds
    }

    fn allow(&self, value: f64) -> bool {
        let above = |least: Bound| least.value < value || least.value == value && !least.exclusive;
        let below = |most: Bound| value < most.value || value == most.value && !most.exclusive;
        self.least.is_none_or(above) && self.most.is_none_or(below)
    }
}

/// A number that meets the demands, plausible for a field of this name.
pub(super) fn number(parts: &Parts<'_>, integer: bool, name: &str, rng: &mut impl Rng) -> Json {
    let bounds = Bounds::read(parts);
    let positive = |step: &f64| 0.0 < *step && step.is_finite();
    let steps: Vec<f64> =
        parts.each("multipleOf").filter_map(Json::as_f64).filter(positive).collect();
    let mut drawn = draw(&bounds, &steps, integer, name, rng);
    // One step is drawn exactly; several, or a broken step of a whole number, by luck.
    for _ in 0..TRIES {
        let value = drawn.as_f64().unwrap_or_default();
        let whole = !integer || value.fract() == 0.0;
        if whole && bounds.allow(value) && steps.iter().all(|step| is_multiple(value, *step)) {
            break;
        }
        drawn = draw(&bounds, &steps, integer, name, rng);
    }
    drawn
}

fn draw(bounds: &Bounds, steps: &[f64], integer: bool, name: &str, rng: &mut impl Rng) -> Json {
    let fractional = steps.iter().any(|step| step.fract() != 0.0);
    if !fractional && (integer || !steps.is_empty()) {
        let step = steps.iter().map(|step| whole(*step)).fold(1, common_multiple);
        let first = bounds.least.map(|bound| bound.first());
        let last = bounds.most.map(|bound| bound.last());
        return integral(multiple(first, last, step, plausible(name), rng));
    }
    match steps.iter().copied().reduce(f64::max) {
        Some(step) => stepped(bounds, step, name, rng),
        None => fraction(bounds, name, rng),
    }
}

/// A multiple of `step` between `first` and `last`.
fn multiple(
    first: Option<i128>,
    last: Option<i128>,
    step: i128,
    plausible: Option<(i64, i64)>,
    rng: &mut impl Rng,
) -> i128 {
    let step = step.max(1);
    let up = |value: i128| value.div_euclid(step) + i128::from(value.rem_euclid(step) != 0);
    let down = |value: i128| value.div_euclid(step);
    let low = first.map(up);
    let high = last.map(down);
    // A plausible number, if the bounds have one.
    if let Some((from, to)) = plausible {
        let from = low.map_or(up(from.into()), |low| low.max(up(from.into())));
        let to = high.map_or(down(to.into()), |high| high.min(down(to.into())));
        if from <= to {
            return rng.random_range(from..=to).saturating_mul(step);
        }
    }
    let (low, high) = match (low, high) {
        (Some(low), Some(high)) => (low, high),
        (Some(low), None) => (low, low.saturating_add(SPREAD)),
        // Small and positive, if it may be.
        (None, Some(high)) if 0 < high => (1, high.min(SPREAD)),
        (None, Some(high)) => (high.saturating_sub(SPREAD), high),
        (None, None) => (1, SPREAD),
    };
    // Near the lower end: nobody means a number between 0 and 2^63.
    let high = high.min(low.saturating_add(10 * SPREAD)).max(low);
    rng.random_range(low..=high).saturating_mul(step)
}

fn integral(value: i128) -> Json {
    let number = match (i64::try_from(value), u64::try_from(value)) {
        (Ok(value), _) => Some(Number::from(value)),
        (_, Ok(value)) => Some(Number::from(value)),
        _ => Number::from_f64(value as f64),
    };
    number.map_or(Json::Null, Json::Number)
}

/// A multiple of a step that is not whole: counted in units of its last decimal,
/// so that 0.1 × 3 is written 0.3.
fn stepped(bounds: &Bounds, step: f64, name: &str, rng: &mut impl Rng) -> Json {
    let decimals = decimals(step);
    let scale = 10_f64.powi(i32::try_from(decimals).unwrap_or(0));
    let unit = whole((step * scale).round()).max(1);
    let scaled = |bound: Bound, up: bool| {
        let exact = bound.value * scale;
        let nearest = exact.round();
        let rounded = match (exact - nearest).abs() < 1e-6 * exact.abs().max(1.0) {
            true => nearest,
            false if up => exact.ceil(),
            false => exact.floor(),
        };
        let at_bound = bound.exclusive && (exact - rounded).abs() < 1e-6 * exact.abs().max(1.0);
        whole(rounded)
            + if !at_bound {
                0
            } else if up {
                1
            } else {
                -1
            }
    };
    let low = bounds.least.map(|bound| scaled(bound, true));
    let high = bounds.most.map(|bound| scaled(bound, false));
    let factor = 10_i64.saturating_pow(u32::try_from(decimals).unwrap_or(0));
    let plausible =
        plausible(name).map(|(from, to)| (from.saturating_mul(factor), to.saturating_mul(factor)));
    let value = multiple(low, high, unit, plausible, rng);
    let value = format!("{:.decimals$}", value as f64 / scale).parse::<f64>();
    value.ok().and_then(Number::from_f64).map_or(Json::Null, Json::Number)
}

/// Digits after the point, at most 12.
fn decimals(step: f64) -> usize {
    (0..12)
        .find(|digits| {
            let text = format!("{step:.digits$}");
            text.parse::<f64>().is_ok_and(|rounded| rounded == step)
        })
        .unwrap_or(12)
}

fn fraction(bounds: &Bounds, name: &str, rng: &mut impl Rng) -> Json {
    let plausible =
        plausible(name).map(|(from, to)| (from as f64, to as f64)).filter(|(from, to)| {
            bounds.least.is_none_or(|least| least.value <= *from)
                && bounds.most.is_none_or(|most| *to <= most.value)
        });
    let span = 100.0;
    let (low, high) = match (bounds.least, bounds.most, plausible) {
        (_, _, Some(plausible)) => plausible,
        (Some(least), Some(most), _) => (least.value, most.value),
        (Some(least), None, _) => {
            (least.value, (least.value + least.value.abs().max(span)).min(f64::MAX))
        }
        (None, Some(most), _) if 0.0 < most.value => (0.0, most.value.min(span)),
        (None, Some(most), _) => {
            ((most.value - most.value.abs().max(span)).max(f64::MIN), most.value)
        }
        (None, None, _) => (0.0, span),
    };
    let drawn = low + (high - low) * rng.random::<f64>();
    let rounded = (drawn * 100.0).round() / 100.0;
    let middle = low / 2.0 + high / 2.0;
    let value = [rounded, drawn, middle, low, high]
        .into_iter()
        .find(|value| value.is_finite() && bounds.allow(*value));
    Number::from_f64(value.unwrap_or(middle)).map_or(Json::Null, Json::Number)
}

fn plausible(name: &str) -> Option<(i64, i64)> {
    let words = words_of(name);
    let known = |known: &str| words.iter().any(|word| word == known);
    PLAUSIBLE
        .iter()
        .find(|(names, ..)| names.iter().any(|name| known(name)))
        .map(|&(_, from, to)| (from, to))
}

fn common_multiple(a: i128, b: i128) -> i128 {
    let (mut x, mut y) = (a.max(1), b.max(1));
    while y != 0 {
        (x, y) = (y, x % y);
    }
    (a.max(1) / x).saturating_mul(b.max(1))
}
