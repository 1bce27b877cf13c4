//! Numbers and their texts, invariant culture.

use std::cmp::Ordering;

/// A numeric value after widening to what arithmetic knows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Number {
    Int(i32),
    Long(i64),
    Double(f64),
}

impl Number {
    #[expect(clippy::cast_precision_loss, reason = "C#'s own widening")]
    pub(crate) fn as_double(self) -> f64 {
        match self {
            Self::Int(n) => f64::from(n),
            Self::Long(n) => n as f64,
            Self::Double(n) => n,
        }
    }
}

/// Order of two numbers; `None` when one is not a number.
pub(crate) fn compare(a: Number, b: Number) -> Option<Ordering> {
    match (a, b) {
        (Number::Double(_), _) | (_, Number::Double(_)) => {
            a.as_double().partial_cmp(&b.as_double())
        }
        (a, b) => Some(as_long(a).cmp(&as_long(b))),
    }
}

fn as_long(n: Number) -> i64 {
    match n {
        Number::Int(n) => i64::from(n),
        Number::Long(n) => n,
        #[expect(clippy::cast_possible_truncation, reason = "doubles are compared as doubles")]
        Number::Double(n) => n as i64,
    }
}

/// `double.ToString()`: shortest round trip, exponents as .NET writes them.
pub(crate) fn double_to_text(n: f64) -> String {
    if n.is_nan() {
        return "NaN".into();
    }
    if n.is_infinite() {
        return if n > 0.0 { "Infinity".into() } else { "-Infinity".into() };
    }
    let magnitude = n.abs();
    if n == 0.0 || (1e-4..1e15).contains(&magnitude) {
        return format!("{n}");
    }
    let text = format!("{n:e}");
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
pub(crate) fn format_number(n: Number, format: &str) -> Option<String> {
    let mut chars = format.chars();
    let Some(letter) = chars.next() else { return Some(general(n)) };
    let digits = chars.as_str();
    let precision: Option<usize> = if digits.is_empty() {
        None
    } else {
        digits.parse().ok().filter(|&p| p <= 99 && digits.len() <= 2)
    };
    if letter.is_ascii_alphabetic() && (digits.is_empty() || precision.is_some()) {
        return standard(n, letter, precision);
    }
    Some(custom(n, format))
}

fn general(n: Number) -> String {
    match n {
        Number::Int(n) => n.to_string(),
        Number::Long(n) => n.to_string(),
        Number::Double(n) => double_to_text(n),
    }
}

fn standard(n: Number, letter: char, precision: Option<usize>) -> Option<String> {
    let value = n.as_double();
    Some(match letter.to_ascii_uppercase() {
        'D' | 'X' if matches!(n, Number::Double(_)) => return None,
        'D' => {
            let n = as_long(n);
            let digits = format!("{:0width$}", n.unsigned_abs(), width = precision.unwrap_or(0));
            if n < 0 { format!("-{digits}") } else { digits }
        }
        'X' => {
            let width = precision.unwrap_or(0);
            let hex = match n {
                Number::Int(n) => format!("{n:0width$X}"),
                n => format!("{:0width$X}", as_long(n)),
            };
            if letter == 'x' { hex.to_ascii_lowercase() } else { hex }
        }
        'F' => fixed(value, precision.unwrap_or(2)),
        'N' => group(&fixed(value, precision.unwrap_or(2))),
        'P' => format!("{} %", group(&fixed(value * 100.0, precision.unwrap_or(2)))),
        'C' => {
            let text = group(&fixed(value.abs(), precision.unwrap_or(2)));
            if value < 0.0 { format!("(¤{text})") } else { format!("¤{text}") }
        }
        'E' => {
            let text = format!("{value:.*e}", precision.unwrap_or(6));
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let exponent: i32 = exponent.parse().unwrap_or_default();
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{mantissa}{letter}{sign}{:03}", exponent.abs())
        }
        'G' | 'R' => match (precision, n) {
            (Some(digits @ 1..), Number::Double(value)) => significant(value, digits),
            _ => general(n),
        },
        _ => return None,
    })
}

/// Fixed digits, halves away from zero as .NET prints them.
fn fixed(value: f64, digits: usize) -> String {
    let text = format!("{:.*}", digits, round_half_away(value, digits));
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
    let value = n.as_double();
    let percent = format.contains('%');
    let value = if percent { value * 100.0 } else { value };
    let is_pattern = |c: char| matches!(c, '0' | '#' | '.' | ',');
    let Some(start) = format.find(is_pattern) else { return format.to_owned() };
    let end = format.rfind(is_pattern).map_or(format.len(), |at| at + 1);
    let pattern = format.get(start..end).unwrap_or_default();
    let (whole, fraction) = pattern.split_once('.').unwrap_or((pattern, ""));
    let most = fraction.chars().filter(|c| matches!(c, '0' | '#')).count();
    let least = fraction.chars().filter(|&c| c == '0').count();
    let least_whole = whole.chars().filter(|&c| c == '0').count();
    let mut text = fixed(value.abs(), most.min(15));
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
    let sign = if value < 0.0 && !(digits.clone() + &rest).bytes().all(|b| matches!(b, b'0' | b'.'))
    {
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
        let double = |n, format| format_number(Number::Double(n), format);
        assert_eq!(double(2.675, "F2").as_deref(), Some("2.68"));
        assert_eq!(double(1234.5, "N1").as_deref(), Some("1,234.5"));
        assert_eq!(double(0.256, "P1").as_deref(), Some("25.6 %"));
        assert_eq!(double(1234.5, "0.00").as_deref(), Some("1234.50"));
        assert_eq!(double(1234.5, "#,##0.##").as_deref(), Some("1,234.5"));
        assert_eq!(double(-0.001, "F2").as_deref(), Some("0.00"));
        assert_eq!(double(1.5, "D"), None);
        assert_eq!(format_number(Number::Int(7), "D3").as_deref(), Some("007"));
        assert_eq!(format_number(Number::Int(-1), "x2").as_deref(), Some("ffffffff"));
        assert_eq!(format_number(Number::Int(5), "00").as_deref(), Some("05"));
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
