//! `decimal`.

use rust_decimal::{Decimal, RoundingStrategy};

use super::primitives::{compare_to, formatted};
use super::{Call, Entry, TypeDef};
use crate::expr::decimal::{MAX_SCALE, divide, parse, too_large};
use crate::expr::eval::change_type;
use crate::expr::exception::Exception;
use crate::expr::types::Type;
use crate::expr::value::Value;

pub(super) const TYPES: &[TypeDef] = &[TypeDef::new("System", "Decimal").members(&[
    Entry("static decimal MaxValue", |_| Ok(Value::Decimal(Decimal::MAX))),
    Entry("static decimal MinValue", |_| Ok(Value::Decimal(Decimal::MIN))),
    Entry("static decimal Zero", |_| Ok(Value::Decimal(Decimal::ZERO))),
    Entry("static decimal One", |_| Ok(Value::Decimal(Decimal::ONE))),
    Entry("static decimal MinusOne", |_| Ok(Value::Decimal(Decimal::NEGATIVE_ONE))),
    Entry("static decimal Parse(string s)", |c| {
        let text = c.str(0, "s")?;
        parse(&text).map(Value::Decimal).ok_or_else(Exception::input_string)
    }),
    Entry("static bool TryParse(string s, out decimal result)", |c| {
        let parsed = c.opt_str(0).and_then(|text| parse(&text)).map(Value::Decimal);
        Ok(c.out(1, parsed, Value::Decimal(Decimal::ZERO)))
    }),
    Entry("static decimal Add(decimal d1, decimal d2)", |c| checked(c, Decimal::checked_add)),
    Entry("static decimal Subtract(decimal d1, decimal d2)", |c| checked(c, Decimal::checked_sub)),
    Entry("static decimal Multiply(decimal d1, decimal d2)", |c| checked(c, Decimal::checked_mul)),
    Entry("static decimal Divide(decimal d1, decimal d2)", |c| {
        if c.decimal(1).is_zero() {
            return Err(Exception::divide_by_zero());
        }
        checked(c, divide)
    }),
    Entry("static decimal Negate(decimal d)", |c| Ok(Value::Decimal(-c.decimal(0)))),
    Entry("static decimal Round(decimal d)", |c| rounded(c, 0, false)),
    Entry("static decimal Round(decimal d, int decimals)", |c| rounded(c, c.int(1), false)),
    Entry("static decimal Round(decimal d, int decimals, MidpointRounding mode)", |c| {
        rounded(c, c.int(1), away(c, 2))
    }),
    Entry("static decimal Truncate(decimal d)", |c| Ok(Value::Decimal(c.decimal(0).trunc()))),
    Entry("static decimal Floor(decimal d)", |c| Ok(Value::Decimal(c.decimal(0).floor()))),
    Entry("static decimal Ceiling(decimal d)", |c| Ok(Value::Decimal(c.decimal(0).ceil()))),
    Entry("static int Compare(decimal d1, decimal d2)", |c| {
        Ok(Value::Int(c.decimal(0).cmp(&c.decimal(1)) as i32))
    }),
    Entry("static int ToInt32(decimal d)", |c| {
        change_type(&Value::Decimal(c.decimal(0).trunc()), &Type::INT)
    }),
    Entry("static long ToInt64(decimal d)", |c| {
        change_type(&Value::Decimal(c.decimal(0).trunc()), &Type::LONG)
    }),
    Entry("static double ToDouble(decimal d)", |c| change_type(c.arg(0), &Type::DOUBLE)),
    Entry("string ToString(string format)", formatted),
    Entry("int CompareTo(decimal value)", compare_to),
    Entry("bool Equals(decimal value)", |c| Ok(Value::Bool(c.this.equals(c.arg(0))))),
])];

impl Call<'_, '_> {
    pub(super) fn decimal(&self, index: usize) -> Decimal {
        match self.arg(index) {
            Value::Decimal(n) => *n,
            _ => Decimal::ZERO,
        }
    }
}

fn checked(
    c: &Call<'_, '_>,
    operate: fn(Decimal, Decimal) -> Option<Decimal>,
) -> Result<Value, Exception> {
    operate(c.decimal(0), c.decimal(1)).map(Value::Decimal).ok_or_else(too_large)
}

/// Rounds the first argument; halves to even unless `away` from zero.
pub(super) fn rounded(c: &Call<'_, '_>, digits: i32, away: bool) -> Result<Value, Exception> {
    let digits = u32::try_from(digits).ok().filter(|&digits| digits <= MAX_SCALE);
    let Some(digits) = digits else {
        return Err(Exception::out_of_range(
            "Decimal can only round to between 0 and 28 digits of precision.",
            "decimals",
        ));
    };
    let strategy = if away {
        RoundingStrategy::MidpointAwayFromZero
    } else {
        RoundingStrategy::MidpointNearestEven
    };
    Ok(Value::Decimal(c.decimal(0).round_dp_with_strategy(digits, strategy)))
}

/// Whether a `MidpointRounding` is `AwayFromZero`.
pub(super) fn away(c: &Call<'_, '_>, index: usize) -> bool {
    c.flag(index) == 1
}
