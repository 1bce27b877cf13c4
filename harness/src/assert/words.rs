//! Numbers as people read them. The same words serve messages and reports.

use crate::record::RunTime;

/// `341`, `12,345`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if 0 < index && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 request`, `12 requests`.
pub(crate) fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// `85.7 %`, `100 %`, `0.03 %`; never rounds up to all or down to nothing.
pub(crate) fn percent(share: f64) -> String {
    let value = share * 100.0;
    let rounded = if share <= 0.0 || 1.0 <= share {
        format!("{value:.0}")
    } else if value < 0.095 {
        format!("{value:.2}")
    } else if value <= 99.9 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    };
    let plain = rounded.strip_suffix(".0").unwrap_or(&rounded);
    match plain {
        "100" | "100.00" if share < 1.0 => "almost 100 %".to_owned(),
        "0.00" if 0.0 < share => "almost 0 %".to_owned(),
        plain => format!("{plain} %"),
    }
}

/// A part of a whole as [`percent`]; `–` of nothing.
#[expect(clippy::cast_precision_loss, reason = "counts of requests stay far below 2^52")]
pub(crate) fn share(part: u64, whole: u64) -> String {
    if whole == 0 { "–".to_owned() } else { percent(part as f64 / whole as f64) }
}

/// A latency with three significant digits: `0.52 ms`, `132 ms`, `1.02 s`, `61.2 s`.
pub(crate) fn latency(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "no answer".to_owned();
    }
    let millis = seconds * 1e3;
    let (value, unit) = if millis.abs() < 999.5 { (millis, "ms") } else { (seconds, "s") };
    let text = match value.abs() {
        value if value < 0.9995 => format!("{value:.2}"),
        value if value < 9.995 => format!("{value:.2}"),
        value if value < 99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    };
    let sign = if value < 0.0 { "-" } else { "" };
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    };
    format!("{sign}{text} {unit}")
}

/// A time of the run: `61.2s`, `180s`, `-1s`.
pub(crate) fn moment(time: RunTime) -> String {
    let text = format!("{:.1}", time.as_secs_f64());
    format!("{}s", text.strip_suffix(".0").unwrap_or(&text))
}

/// A ratio: `9.87`, `0.98`, `5`, `123`.
pub(crate) fn ratio(value: f64) -> String {
    let text = match value.abs() {
        size if size < 9.995 => format!("{value:.2}"),
        size if size < 99.95 => format!("{value:.1}"),
        _ => return format!("{value:.0}"),
    };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [start @ .., last] => format!("{} and {last}", start.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(999), "999");
        assert_eq!(counted(1, "request", "requests"), "1 request");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(0.857_3), "85.7 %");
        assert_eq!(percent(0.95), "95 %");
        assert_eq!(percent(0.999_9), "99.99 %");
        assert_eq!(percent(0.999_999_9), "almost 100 %");
        assert_eq!(percent(0.000_3), "0.03 %");
        assert_eq!(latency(0.000_52), "0.52 ms");
        assert_eq!(latency(0.1), "100 ms");
        assert_eq!(latency(1.017), "1.02 s");
        assert_eq!(latency(61.23), "61.2 s");
        assert_eq!(latency(0.0), "0 ms");
        assert_eq!(latency(f64::INFINITY), "no answer");
        assert_eq!(moment(RunTime::from(Duration::from_millis(61_240))), "61.2s");
        assert_eq!(moment(RunTime { nanos: -1_000_000_000 }), "-1s");
        assert_eq!(
            (ratio(5.0), ratio(10.24), ratio(0.7)),
            ("5".into(), "10.2".into(), "0.7".into())
        );
        assert_eq!(list(&["a".into(), "b".into(), "c".into()]), "a, b and c");
    }
}
