//! `Math`.

use super::{Call, Entry, TypeDef};
use crate::expr::eval::compare_values;
use crate::expr::exception::Exception;
use crate::expr::value::Value;

pub(super) const TYPES: &[TypeDef] = &[TypeDef::new("System", "Math").members(&[
    Entry("static int Max(int val1, int val2)", max),
    Entry("static long Max(long val1, long val2)", max),
    Entry("static double Max(double val1, double val2)", max),
    Entry("static int Min(int val1, int val2)", min),
    Entry("static long Min(long val1, long val2)", min),
    Entry("static double Min(double val1, double val2)", min),
    Entry("static int Abs(int value)", |c| match c.int(0).checked_abs() {
        Some(n) => Ok(Value::Int(n)),
        None => Err(Exception::overflow(
            "Negating the minimum value of a twos complement number is invalid.",
        )),
    }),
    Entry("static long Abs(long value)", |c| Ok(Value::Long(c.long(0).wrapping_abs()))),
    Entry("static double Abs(double value)", |c| Ok(Value::Double(c.double(0).abs()))),
    Entry("static double Ceiling(double a)", |c| Ok(Value::Double(c.double(0).ceil()))),
    Entry("static double Floor(double d)", |c| Ok(Value::Double(c.double(0).floor()))),
    Entry("static double Truncate(double d)", |c| Ok(Value::Double(c.double(0).trunc()))),
    Entry("static double Round(double a)", |c| Ok(Value::Double(c.double(0).round_ties_even()))),
    Entry("static double Round(double value, int digits)", |c| {
        let digits = c.int(1);
        if !(0..=15).contains(&digits) {
            return Err(Exception::out_of_range(
                "Rounding digits must be between 0 and 15, inclusive.",
                "digits",
            ));
        }
        let scale = 10_f64.powi(digits);
        Ok(Value::Double((c.double(0) * scale).round_ties_even() / scale))
    }),
    Entry("static double Pow(double x, double y)", |c| {
        Ok(Value::Double(c.double(0).powf(c.double(1))))
    }),
    Entry("static double Sqrt(double d)", |c| Ok(Value::Double(c.double(0).sqrt()))),
    Entry("static double Log(double d)", |c| Ok(Value::Double(c.double(0).ln()))),
    Entry("static double Log10(double d)", |c| Ok(Value::Double(c.double(0).log10()))),
    Entry("static double Exp(double d)", |c| Ok(Value::Double(c.double(0).exp()))),
    Entry("static int Sign(double value)", |c| {
        let n = c.double(0);
        Ok(Value::Int(i32::from(0.0 < n) - i32::from(n < 0.0)))
    }),
    Entry("static double PI", |_| Ok(Value::Double(std::f64::consts::PI))),
])];

fn max(c: &mut Call<'_, '_>) -> Result<Value, Exception> {
    let less = compare_values(c.arg(0), c.arg(1)) == Some(std::cmp::Ordering::Less);
    Ok(c.arg(usize::from(less)).clone())
}

fn min(c: &mut Call<'_, '_>) -> Result<Value, Exception> {
    let greater = compare_values(c.arg(0), c.arg(1)) == Some(std::cmp::Ordering::Greater);
    Ok(c.arg(usize::from(greater)).clone())
}
