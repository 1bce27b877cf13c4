//! `Math`.

use super::decimal::{away, rounded};
use super::{Call, Entry, TypeDef};
use crate::expr::eval::compare_values;
use crate::expr::exception::Exception;
use crate::expr::value::Value;

pub(super) const TYPES: &[TypeDef] = &[TypeDef::new("System", "Math").members(&[
    Entry("static int Max(int val1, int val2)", max),
    Entry("static long Max(long val1, long val2)", max),
    Entry("static uint Max(uint val1, uint val2)", max),
    Entry("static ulong Max(ulong val1, ulong val2)", max),
    Entry("static float Max(float val1, float val2)", max),
    Entry("static double Max(double val1, double val2)", max),
    Entry("static decimal Max(decimal val1, decimal val2)", max),
    Entry("static int Min(int val1, int val2)", min),
    Entry("static long Min(long val1, long val2)", min),
    Entry("static uint Min(uint val1, uint val2)", min),
    Entry("static ulong Min(ulong val1, ulong val2)", min),
    Entry("static float Min(float val1, float val2)", min),
    Entry("static double Min(double val1, double val2)", min),
    Entry("static decimal Min(decimal val1, decimal val2)", min),
    Entry("static int Abs(int value)", |c| match c.int(0).checked_abs() {
        Some(n) => Ok(Value::Int(n)),
        None => Err(Exception::overflow(
            "Negating the minimum value of a twos complement number is invalid.",
        )),
    }),
    Entry("static long Abs(long value)", |c| Ok(Value::Long(c.long(0).wrapping_abs()))),
    Entry("static decimal Abs(decimal value)", |c| Ok(Value::Decimal(c.decimal(0).abs()))),
    Entry("static decimal Ceiling(decimal d)", |c| Ok(Value::Decimal(c.decimal(0).ceil()))),
    Entry("static decimal Floor(decimal d)", |c| Ok(Value::Decimal(c.decimal(0).floor()))),
    Entry("static decimal Truncate(decimal d)", |c| Ok(Value::Decimal(c.decimal(0).trunc()))),
    Entry("static decimal Round(decimal d)", |c| rounded(c, 0, false)),
    Entry("static decimal Round(decimal d, int decimals)", |c| rounded(c, c.int(1), false)),
    Entry("static decimal Round(decimal d, MidpointRounding mode)", |c| rounded(c, 0, away(c, 1))),
    Entry("static decimal Round(decimal d, int decimals, MidpointRounding mode)", |c| {
        rounded(c, c.int(1), away(c, 2))
    }),
    Entry("static int Sign(decimal value)", |c| {
        let n = c.decimal(0);
        Ok(Value::Int(match () {
            () if n.is_zero() => 0,
            () if n.is_sign_negative() => -1,
            () => 1,
        }))
    }),
    Entry("static double Abs(double value)", |c| Ok(Value::Double(c.double(0).abs()))),
    Entry("static double Ceiling(double a)", |c| Ok(Value::Double(c.double(0).ceil()))),
    Entry("static double Floor(double d)", |c| Ok(Value::Double(c.double(0).floor()))),
    Entry("static double Truncate(double d)", |c| Ok(Value::Double(c.double(0).trunc()))),
    Entry("static double Round(double a)", |c| Ok(Value::Double(c.double(0).round_ties_even()))),
    Entry("static double Round(double value, int digits)", |c| round(c, c.int(1), false)),
    Entry("static double Round(double value, MidpointRounding mode)", |c| round(c, 0, away(c, 1))),
    Entry("static double Round(double value, int digits, MidpointRounding mode)", |c| {
        round(c, c.int(1), away(c, 2))
    }),
    Entry("static double Pow(double x, double y)", |c| {
        Ok(Value::Double(c.double(0).powf(c.double(1))))
    }),
    Entry("static double Sqrt(double d)", |c| Ok(Value::Double(c.double(0).sqrt()))),
    Entry("static double Log(double d)", |c| Ok(Value::Double(c.double(0).ln()))),
    Entry("static double Log(double a, double newBase)", |c| {
        Ok(Value::Double(c.double(0).log(c.double(1))))
    }),
    Entry("static double Log10(double d)", |c| Ok(Value::Double(c.double(0).log10()))),
    Entry("static double Exp(double d)", |c| Ok(Value::Double(c.double(0).exp()))),
    Entry("static int Sign(double value)", |c| {
        let n = c.double(0);
        Ok(Value::Int(i32::from(0.0 < n) - i32::from(n < 0.0)))
    }),
    Entry("static double PI", |_| Ok(Value::Double(std::f64::consts::PI))),
])];

fn round(c: &mut Call<'_, '_>, digits: i32, away: bool) -> Result<Value, Exception> {
    if !(0..=15).contains(&digits) {
        return Err(Exception::out_of_range(
            "Rounding digits must be between 0 and 15, inclusive.",
            "digits",
        ));
    }
    let scale = 10_f64.powi(digits);
    let scaled = c.double(0) * scale;
    Ok(Value::Double(if away { scaled.round() } else { scaled.round_ties_even() } / scale))
}

fn max(c: &mut Call<'_, '_>) -> Result<Value, Exception> {
    let less = compare_values(c.arg(0), c.arg(1)) == Some(std::cmp::Ordering::Less);
    Ok(c.arg(usize::from(less)).clone())
}

fn min(c: &mut Call<'_, '_>) -> Result<Value, Exception> {
    let greater = compare_values(c.arg(0), c.arg(1)) == Some(std::cmp::Ordering::Greater);
    Ok(c.arg(usize::from(greater)).clone())
}
