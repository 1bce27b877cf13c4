//! `System.Decimal`: 96 bits and a scale, exact, trailing zeros kept.

use rust_decimal::{Decimal, RoundingStrategy};

use super::exception::Exception;

/// Digits behind the point that a decimal can hold.
pub(crate) const MAX_SCALE: u32 = 28;

pub(crate) fn too_large() -> Exception {
    Exception::overflow("Value was either too large or too small for a Decimal.")
}

/// `decimal.Parse`: blanks around, a sign, thousands separators, one point.
pub(crate) fn parse(text: &str) -> Option<Decimal> {
    let text = text.trim();
    let plain: String = text.chars().filter(|&c| c != ',').collect();
    let digits = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if digits.trim_matches('.').is_empty()
        || !all_digits(whole)
        || !all_digits(fraction)
        // A separator behind the point is no number.
        || text.split_once('.').is_some_and(|(_, rest)| rest.contains(','))
    {
        return None;
    }
    // More digits than fit are rounded; leading zeros are none.
    let sign = if plain.starts_with('-') { "-" } else { "" };
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let plain = match fraction {
        "" => format!("{sign}{whole}"),
        fraction => format!("{sign}{whole}.{fraction}"),
    };
    plain.parse().ok()
}

/// A literal's digits without its `m`.
pub(crate) fn literal(digits: &str) -> Option<Decimal> {
    if digits.contains('e') { Decimal::from_scientific(digits).ok() } else { digits.parse().ok() }
}

/// `(decimal)double`: 15 significant digits; of a float 7.
pub(crate) fn from_double(n: f64, significant: usize) -> Result<Decimal, Exception> {
    if !n.is_finite() {
        return Err(too_large());
    }
    let text = format!("{n:.*e}", significant - 1);
    let (_, exponent) = text.split_once('e').unwrap_or(("", "0"));
    match exponent.parse::<i32>() {
        // Too small to be seen.
        Ok(exponent) if exponent < -28 => Ok(Decimal::ZERO),
        Ok(exponent) if exponent <= 28 => {
            Decimal::from_scientific(&text).map(|n| n.normalize()).map_err(|_| too_large())
        }
        _ => Err(too_large()),
    }
}

/// The quotient, with no more zeros at its end than the operands had.
pub(crate) fn divide(a: Decimal, b: Decimal) -> Option<Decimal> {
    let mut quotient = a.checked_div(b)?.normalize();
    let preferred = a.scale().saturating_sub(b.scale());
    if quotient.scale() < preferred {
        quotient.rescale(preferred);
    }
    Some(quotient)
}

/// The nearest double.
pub(crate) fn to_double(n: Decimal) -> f64 {
    n.to_string().parse().unwrap_or(0.0)
}

/// The whole part.
pub(crate) fn to_whole(n: Decimal) -> i128 {
    // A decimal without its fraction has 96 bits at most.
    let whole = n.trunc();
    whole.mantissa() / 10_i128.pow(whole.scale().min(MAX_SCALE))
}

/// Rounded to some digits, halves away from zero as numbers are printed.
pub(crate) fn rounded_away(n: Decimal, digits: u32) -> Decimal {
    n.round_dp_with_strategy(digits.min(MAX_SCALE), RoundingStrategy::MidpointAwayFromZero)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_dotnet_reads() {
        for (text, expect) in [
            ("1.50", Some("1.50")),
            (" -1,234.5 ", Some("-1234.5")),
            ("+.5", Some("0.5")),
            ("5.", Some("5")),
            ("000000000000000000000000000000000007", Some("7")),
            ("79228162514264337593543950335", Some("79228162514264337593543950335")),
            ("79228162514264337593543950336", None),
            ("1e3", None),
            ("", None),
            (".", None),
            ("1.2,3", None),
            ("1.2.3", None),
        ] {
            assert_eq!(parse(text).map(|n| n.to_string()).as_deref(), expect, "{text}");
        }
    }

    #[test]
    fn quotients_keep_the_zeros_of_their_operands() {
        let divide = |a: &str, b: &str| {
            divide(a.parse().unwrap(), b.parse().unwrap()).map(|n| n.to_string())
        };
        assert_eq!(divide("10", "4").as_deref(), Some("2.5"));
        assert_eq!(divide("1.00", "2").as_deref(), Some("0.50"));
        assert_eq!(divide("3.00", "1.5").as_deref(), Some("2.0"));
        assert_eq!(divide("1", "3").as_deref(), Some("0.3333333333333333333333333333"));
        assert_eq!(divide("1", "0"), None);
    }

    #[test]
    fn doubles_become_what_they_print() {
        let text = |n| from_double(n, 15).map(|n| n.to_string()).ok();
        assert_eq!(text(0.1).as_deref(), Some("0.1"));
        assert_eq!(text(0.1 + 0.2).as_deref(), Some("0.3"));
        assert_eq!(text(1e-30).as_deref(), Some("0"));
        assert_eq!(text(1e28).as_deref(), Some("10000000000000000000000000000"));
        assert_eq!(text(1e29), None);
        assert_eq!(text(f64::NAN), None);
        assert_eq!(to_whole(Decimal::MAX), 79_228_162_514_264_337_593_543_950_335);
        assert_eq!(to_whole(literal("-3.99").unwrap()), -3);
    }
}
