//! `Random`. Without a seed it draws from the request's own stream; with one it
//! is .NET Framework's generator, number for number.

use std::sync::{Arc, Mutex, PoisonError};

use rand::Rng as _;

use super::objects::{Object, RandomHandle};
use super::{Call, Entry, TypeDef};
use crate::expr::exception::Exception;
use crate::expr::value::Value;

pub(super) const TYPES: &[TypeDef] = &[TypeDef::new("System", "Random").members(&[
    Entry("new()", |_| Ok(handle(RandomState(None)))),
    Entry("new(int Seed)", |c| Ok(handle(RandomState(Some(Box::new(Subtractive::new(c.int(0)))))))),
    Entry("int Next()", |c| {
        let sample = sample(c)?;
        Ok(Value::Int(scale(sample, 0, i64::from(i32::MAX))))
    }),
    Entry("int Next(int maxValue)", |c| {
        if c.int(0) < 0 {
            return Err(Exception::out_of_range(
                "'maxValue' must be greater than zero.",
                "maxValue",
            ));
        }
        let sample = sample(c)?;
        Ok(Value::Int(scale(sample, 0, c.long(0))))
    }),
    Entry("int Next(int minValue, int maxValue)", |c| {
        if c.int(1) < c.int(0) {
            return Err(Exception::out_of_range(
                "'minValue' cannot be greater than maxValue.",
                "minValue",
            ));
        }
        let sample = sample(c)?;
        Ok(Value::Int(scale(sample, c.long(0), c.long(1) - c.long(0))))
    }),
    Entry("double NextDouble()", |c| sample(c).map(Value::Double)),
])];

/// `None` draws from the request's stream.
pub(crate) struct RandomState(Option<Box<Subtractive>>);

fn handle(state: RandomState) -> Value {
    Value::Object(Object::Random(RandomHandle(Arc::new(Mutex::new(state)))))
}

#[expect(clippy::cast_possible_truncation, reason = "the sample is below one")]
#[expect(clippy::cast_precision_loss, reason = "ranges of int are exact")]
fn scale(sample: f64, from: i64, range: i64) -> i32 {
    let n = from + (sample * range as f64) as i64;
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// A number in [0, 1).
#[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
fn sample(c: &mut Call<'_, '_>) -> Result<f64, Exception> {
    let Value::Object(Object::Random(RandomHandle(state))) = &c.this else {
        return Err(Exception::null_reference());
    };
    match &mut state.lock().unwrap_or_else(PoisonError::into_inner).0 {
        Some(generator) => Ok(f64::from(generator.next()) * (1.0 / f64::from(i32::MAX))),
        None => {
            let bits = c.vm.context.random.next_u64() >> 11;
            Ok(bits as f64 / (1_u64 << 53) as f64)
        }
    }
}

/// Knuth's subtractive generator as the .NET Framework has it, its slip in the
/// second index included.
struct Subtractive {
    seeds: [i32; 56],
    next: usize,
    next_p: usize,
}

impl Subtractive {
    fn new(seed: i32) -> Self {
        let mut seeds = [0_i32; 56];
        let magnitude = if seed == i32::MIN { i32::MAX } else { seed.abs() };
        let mut mj = 161_803_398_i32.wrapping_sub(magnitude);
        seeds[55] = mj;
        let mut mk = 1_i32;
        for i in 1..55 {
            let at = (21 * i) % 55;
            seeds[at] = mk;
            mk = mj.wrapping_sub(mk);
            if mk < 0 {
                mk = mk.wrapping_add(i32::MAX);
            }
            mj = seeds[at];
        }
        for _ in 1..5 {
            for i in 1..56 {
                let mut n = seeds[i].wrapping_sub(seeds[1 + (i + 30) % 55]);
                if n < 0 {
                    n = n.wrapping_add(i32::MAX);
                }
                seeds[i] = n;
            }
        }
        Self { seeds, next: 0, next_p: 21 }
    }

    fn next(&mut self) -> i32 {
        self.next = if 55 <= self.next { 1 } else { self.next + 1 };
        self.next_p = if 55 <= self.next_p { 1 } else { self.next_p + 1 };
        let mut n = self.seeds[self.next].wrapping_sub(self.seeds[self.next_p]);
        if n == i32::MAX {
            n -= 1;
        }
        if n < 0 {
            n = n.wrapping_add(i32::MAX);
        }
        self.seeds[self.next] = n;
        n
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeded_numbers_are_dotnets() {
        // `new Random(42)` on the .NET Framework: 1434747710, 302596119, 269548474.
        let mut random = Subtractive::new(42);
        assert_eq!(
            [random.next(), random.next(), random.next()],
            [1_434_747_710, 302_596_119, 269_548_474]
        );
    }
}
