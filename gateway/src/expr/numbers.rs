//! Numbers and their texts.

use std::cmp::Ordering;

use rust_decimal::Decimal;

use super::numeric::Numeric;
use super::{Culture, decimal};

/// A numeric value after widening to what arithmetic knows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Number {
    Int(i32),
    UInt(u32),
    Long(i64),
    ULong(u64),
    Float(f32),
    Double(f64),
    Decimal(Decimal),
}

impl Number {
    #[expect(clippy::cast_precision_loss, reason = "C#'s own widening")]
    pub(crate) fn as_double(self) -> f64 {
        match self {
            Self::Int(n) => f64::from(n),
            Self::UInt(n) => f64::from(n),
            Self::Long(n) => n as f64,
            Self::ULong(n) => n as f64,
            Self::Float(n) => f64::from(n),
            Self::Double(n) => n,
            Self::Decimal(n) => decimal::to_double(n),
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "C#'s own widening and narrowing"
    )]
    pub(crate) fn as_float(self) -> f32 {
        match self {
            Self::Int(n) => n as f32,
            Self::UInt(n) => n as f32,
            Self::Long(n) => n as f32,
            Self::ULong(n) => n as f32,
            Self::Float(n) => n,
            other => other.as_double() as f32,
        }
    }

    /// Without its fraction.
    #[expect(clippy::cast_possible_truncation, reason = "saturates, which callers allow for")]
    pub(crate) fn truncated(self) -> i128 {
        match self {
            Self::Int(n) => i128::from(n),
            Self::UInt(n) => i128::from(n),
            Self::Long(n) => i128::from(n),
            Self::ULong(n) => i128::from(n),
            Self::Float(n) => n as i128,
            Self::Double(n) => n as i128,
            Self::Decimal(n) => decimal::to_whole(n),
        }
    }

    /// A whole number that fits a long.
    pub(crate) fn as_whole(self) -> Option<i64> {
        match self {
            Self::Float(n) if n.fract() != 0.0 || !n.is_finite() => None,
            Self::Double(n) if n.fract() != 0.0 || 9.0e18 <= n.abs() || n.is_nan() => None,
            Self::Decimal(n) if !n.fract().is_zero() => None,
            other => i64::try_from(other.truncated()).ok(),
        }
    }

    /// Exactly, if it is not a binary fraction.
    pub(crate) fn as_decimal(self) -> Option<Decimal> {
        match self {
            Self::Int(n) => Some(n.into()),
            Self::UInt(n) => Some(n.into()),
            Self::Long(n) => Some(n.into()),
            Self::ULong(n) => Some(n.into()),
            Self::Decimal(n) => Some(n),
            Self::Float(_) | Self::Double(_) => None,
        }
    }

    pub(crate) fn kind(self) -> Numeric {
        match self {
            Self::Int(_) => Numeric::Int,
            Self::UInt(_) => Numeric::UInt,
            Self::Long(_) => Numeric::Long,
            Self::ULong(_) => Numeric::ULong,
            Self::Float(_) => Numeric::Float,
            Self::Double(_) => Numeric::Double,
            Self::Decimal(_) => Numeric::Decimal,
        }
    }
}

/// Order of two numbers; `None` when one is not a number.
pub(crate) fn compare(a: Number, b: Number) -> Option<Ordering> {
    if let (Number::Float(a), Number::Float(b)) = (a, b) {
        return a.partial_cmp(&b);
    }
    match (a.as_decimal(), b.as_decimal()) {
        _ if a.kind() < Numeric::Float && b.kind() < Numeric::Float => {
            Some(a.truncated().cmp(&b.truncated()))
        }
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        _ => a.as_double().partial_cmp(&b.as_double()),
    }
}

/// `float.ToString()`: shortest round trip.
pub(crate) fn float_to_text(n: f32) -> String {
    shortest(f64::from(n), 1e7, || format!("{n}"), || format!("{n:e}"))
}

/// `double.ToString()`: shortest round trip, exponents as .NET writes them.
pub(crate) fn double_to_text(n: f64) -> String {
    shortest(n, 1e15, || format!("{n}"), || format!("{n:e}"))
}

/// From `limit` on with an exponent.
fn shortest(
    n: f64,
    limit: f64,
    plain: impl Fn() -> String,
    scientific: impl Fn() -> String,
) -> String {
    if n.is_nan() {
        return "NaN".into();
    }
    if n.is_infinite() {
        return if n > 0.0 { "Infinity".into() } else { "-Infinity".into() };
    }
    let magnitude = n.abs();
    if n == 0.0 || (1e-4..limit).contains(&magnitude) {
        return plain();
    }
    let text = scientific();
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}E{sign}{:02}", exponent.abs())
}

/// `Guid.ToString("D")`.
pub(crate) fn guid_to_text(guid: u128) -> String {
    let hex = format!("{guid:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().to_owned();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// Parses a GUID with or without dashes and braces.
pub(crate) fn parse_guid(text: &str) -> Option<u128> {
    let text = text.trim();
    let inner = text
        .strip_prefix('{')
        .and_then(|t| t.strip_suffix('}'))
        .or_else(|| text.strip_prefix('(').and_then(|t| t.strip_suffix(')')))
        .unwrap_or(text);
    let hex: String = match inner.len() {
        32 => inner.to_owned(),
        36 => {
            let dashes: Vec<usize> = inner.match_indices('-').map(|(at, _)| at).collect();
            if dashes != [8, 13, 18, 23] {
                return None;
            }
            inner.replace('-', "")
        }
        _ => return None,
    };
    if !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(&hex, 16).ok()
}

/// `int.Parse` and `long.Parse`: blanks around, a sign, digits.
pub(crate) fn parse_integer(text: &str) -> Option<i128> {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || 30 < digits.len() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// `double.Parse`: also thousands separators and exponents.
pub(crate) fn parse_double(text: &str) -> Option<f64> {
    let text = text.trim();
    match text {
        "NaN" => return Some(f64::NAN),
        "Infinity" => return Some(f64::INFINITY),
        "-Infinity" => return Some(f64::NEG_INFINITY),
        _ => {}
    }
    let plain = text.replace(',', "");
    let valid = plain.bytes().any(|b| b.is_ascii_digit())
        && plain
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'+' | b'-' | b'e' | b'E'));
    if valid { plain.parse().ok() } else { None }
}

/// `ToString(format)` for numbers: the standard letters and the common custom
/// patterns. `None` for a format that .NET refuses.
pub(crate) fn format_number(n: Number, format: &str, culture: Culture) -> Option<String> {
    let mut chars = format.chars();
    let Some(letter) = chars.next() else { return Some(general(n)) };
    let digits = chars.as_str();
    let precision: Option<usize> = if digits.is_empty() {
        None
    } else {
        digits.parse().ok().filter(|&p| p <= 99 && digits.len() <= 2)
    };
    if letter.is_ascii_alphabetic() && (digits.is_empty() || precision.is_some()) {
        return standard(n, letter, precision, culture);
    }
    Some(custom(n, format))
}

fn general(n: Number) -> String {
    match n {
        Number::Float(n) => float_to_text(n),
        Number::Double(n) => double_to_text(n),
        Number::Decimal(n) => n.to_string(),
        whole => whole.truncated().to_string(),
    }
}

fn standard(n: Number, letter: char, precision: Option<usize>, culture: Culture) -> Option<String> {
    let value = n.as_double();
    Some(match letter.to_ascii_uppercase() {
        'D' | 'X' if !n.kind().is_whole() => return None,
        'D' => {
            let n = n.truncated();
            let digits = format!("{:0width$}", n.unsigned_abs(), width = precision.unwrap_or(0));
            if n < 0 { format!("-{digits}") } else { digits }
        }
        'X' => {
            let width = precision.unwrap_or(0);
            let hex = match n {
                Number::Int(n) => format!("{n:0width$X}"),
                Number::Long(n) => format!("{n:0width$X}"),
                n => format!("{:0width$X}", n.truncated()),
            };
            if letter == 'x' { hex.to_ascii_lowercase() } else { hex }
        }
        'F' => fixed(n, 0, precision.unwrap_or(2)),
        'N' => group(&fixed(n, 0, precision.unwrap_or(2))),
        'P' => {
            let blank = if culture == Culture::EnUs { "" } else { " " };
            format!("{}{blank}%", group(&fixed(n, 2, precision.unwrap_or(2))))
        }
        'C' => {
            let text = group(&fixed(n, 0, precision.unwrap_or(2)));
            let text = text.trim_start_matches('-');
            let sign = if culture == Culture::EnUs { '$' } else { '¤' };
            if value < 0.0 { format!("({sign}{text})") } else { format!("{sign}{text}") }
        }
        'E' => {
            let text = format!("{value:.*e}", precision.unwrap_or(6));
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let exponent: i32 = exponent.parse().unwrap_or_default();
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{mantissa}{letter}{sign}{:03}", exponent.abs())
        }
        'R' if matches!(n, Number::Decimal(_)) => return None,
        'G' | 'R' => match (precision, n) {
            (Some(digits @ 1..), Number::Float(_) | Number::Double(_)) => {
                significant(value, digits)
            }
            _ => general(n),
        },
        _ => return None,
    })
}

/// The number times ten to the `shift` with fixed digits, halves away from zero
/// as .NET prints them.
fn fixed(n: Number, shift: u32, digits: usize) -> String {
    let scale = 10_i64.pow(shift);
    let exact = n.as_decimal().and_then(|n| n.checked_mul(scale.into()));
    let text = match exact {
        Some(n) => {
            let n = decimal::rounded_away(n, u32::try_from(digits).unwrap_or(u32::MAX)).to_string();
            let (whole, fraction) = n.split_once('.').unwrap_or((&n, ""));
            match digits {
                0 => whole.to_owned(),
                _ => format!("{whole}.{fraction:0<digits$}"),
            }
        }
        None => {
            let value = n.as_double() * 10_f64.powi(i32::try_from(shift).unwrap_or(0));
            format!("{:.*}", digits, round_half_away(value, digits))
        }
    };
    // "-0.00" is printed without its sign by the .NET Framework.
    if text.bytes().all(|b| matches!(b, b'-' | b'0' | b'.')) {
        return text.trim_start_matches('-').to_owned();
    }
    text
}

fn round_half_away(value: f64, digits: usize) -> f64 {
    // Decide on the shortest decimal text: 2.675 is meant as 2.675.
    let text = format!("{value}");
    let Some((whole, fraction)) = text.split_once('.') else { return value };
    if fraction.len() <= digits || 15 < digits {
        return value;
    }
    let up = fraction.as_bytes().get(digits).is_some_and(|&b| b'5' <= b);
    let kept = format!("{whole}.{}", fraction.get(..digits).unwrap_or_default());
    let kept: f64 = kept.trim_end_matches('.').parse().unwrap_or(value);
    if !up {
        return kept;
    }
    let step = 10_f64.powi(-i32::try_from(digits).unwrap_or(0));
    if value < 0.0 { kept - step } else { kept + step }
}

fn significant(value: f64, digits: usize) -> String {
    if value == 0.0 || !value.is_finite() {
        return double_to_text(value);
    }
    let text = format!("{value:.*e}", digits - 1);
    text.parse().map_or(text, double_to_text)
}

/// Thousands separators.
fn group(text: &str) -> String {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index != 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    match fraction {
        Some(fraction) => format!("{sign}{grouped}.{fraction}"),
        None => format!("{sign}{grouped}"),
    }
}

/// Custom patterns of `0`, `#`, `.`, `,`, `%` and literal text around them.
fn custom(n: Number, format: &str) -> String {
    let negative = n.as_double() < 0.0;
    let shift = if format.contains('%') { 2 } else { 0 };
    let is_pattern = |c: char| matches!(c, '0' | '#' | '.' | ',');
    let Some(start) = format.find(is_pattern) else { return format.to_owned() };
    let end = format.rfind(is_pattern).map_or(format.len(), |at| at + 1);
    let pattern = format.get(start..end).unwrap_or_default();
    let (whole, fraction) = pattern.split_once('.').unwrap_or((pattern, ""));
    let most = fraction.chars().filter(|c| matches!(c, '0' | '#')).count();
    let least = fraction.chars().filter(|&c| c == '0').count();
    let least_whole = whole.chars().filter(|&c| c == '0').count();
    let most = if n.as_decimal().is_some() { most.min(28) } else { most.min(15) };
    let text = fixed(n, shift, most);
    let mut text = text.trim_start_matches('-').to_owned();
    if let Some(point) = text.find('.') {
        while text.len() - point - 1 > least && text.ends_with('0') {
            text.pop();
        }
        if text.ends_with('.') {
            text.pop();
        }
    }
    let (mut digits, rest) = match text.split_once('.') {
        Some((digits, rest)) => (digits.to_owned(), format!(".{rest}")),
        None => (text, String::new()),
    };
    if least_whole == 0 && digits == "0" {
        digits.clear();
    }
    let digits = format!("{digits:0>least_whole$}");
    let digits = if whole.contains(',') { group(&digits) } else { digits };
    let sign = if negative && !(digits.clone() + &rest).bytes().all(|b| matches!(b, b'0' | b'.')) {
        "-"
    } else {
        ""
    };
    let strip = |text: &str| text.replace(['"', '\'', '\\'], "");
    let before = strip(format.get(..start).unwrap_or_default());
    let after = strip(format.get(end..).unwrap_or_default());
    format!("{sign}{before}{digits}{rest}{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_as_dotnet_prints_them() {
        for (n, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (0.1, "0.1"),
            (-2.5, "-2.5"),
            (1e15, "1E+15"),
            (1.5e-7, "1.5E-07"),
            (123_456_789_012.5, "123456789012.5"),
        ] {
            assert_eq!(double_to_text(n), text);
        }
    }

    #[test]
    fn formats() {
        let whole = |n, format| format_number(Number::Int(n), format, Culture::Invariant);
        let double = |n, format| format_number(Number::Double(n), format, Culture::Invariant);
        assert_eq!(double(2.675, "F2").as_deref(), Some("2.68"));
        assert_eq!(double(1234.5, "N1").as_deref(), Some("1,234.5"));
        assert_eq!(double(0.256, "P1").as_deref(), Some("25.6 %"));
        assert_eq!(double(1234.5, "0.00").as_deref(), Some("1234.50"));
        assert_eq!(double(1234.5, "#,##0.##").as_deref(), Some("1,234.5"));
        assert_eq!(double(-0.001, "F2").as_deref(), Some("0.00"));
        assert_eq!(double(1.5, "D"), None);
        assert_eq!(whole(7, "D3").as_deref(), Some("007"));
        assert_eq!(whole(-1, "x2").as_deref(), Some("ffffffff"));
        assert_eq!(whole(5, "00").as_deref(), Some("05"));
    }

    #[test]
    fn guids_round_trip() {
        let text = "0123abcd-4567-89ab-cdef-0123456789ab";
        let guid = parse_guid(text).unwrap();
        assert_eq!(guid_to_text(guid), text);
        assert_eq!(parse_guid(&format!("{{{text}}}")), Some(guid));
        assert_eq!(parse_guid("no"), None);
    }
}
