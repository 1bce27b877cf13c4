//! `DateTime.ToString(format)`: a culture's standard letters, and custom patterns.

use crate::expr::Culture;

use super::{DateKind, SECOND, fields, offset_text};

pub(super) const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Formats a date; `None` for a format .NET refuses.
pub(crate) fn format_date(
    ticks: i64,
    kind: DateKind,
    offset_minutes: i32,
    format: &str,
    culture: Culture,
) -> Option<String> {
    let pattern = pattern_of(if format.is_empty() { "G" } else { format }, culture)?;
    custom(ticks, kind, offset_minutes, pattern)
}

/// The pattern behind a standard letter, or the pattern itself.
pub(super) fn pattern_of(format: &str, culture: Culture) -> Option<&str> {
    let mut chars = format.chars();
    Some(match (chars.next(), chars.next()) {
        (None, _) => return None,
        (Some(letter), None) => match (letter, culture) {
            ('d', Culture::EnUs) => "M/d/yyyy",
            ('D', Culture::EnUs) => "dddd, MMMM d, yyyy",
            ('f', Culture::EnUs) => "dddd, MMMM d, yyyy h:mm tt",
            ('F' | 'U', Culture::EnUs) => "dddd, MMMM d, yyyy h:mm:ss tt",
            ('g', Culture::EnUs) => "M/d/yyyy h:mm tt",
            ('G', Culture::EnUs) => "M/d/yyyy h:mm:ss tt",
            ('m' | 'M', Culture::EnUs) => "MMMM d",
            ('t', Culture::EnUs) => "h:mm tt",
            ('T', Culture::EnUs) => "h:mm:ss tt",
            ('y' | 'Y', Culture::EnUs) => "MMMM yyyy",
            ('d', _) => "MM/dd/yyyy",
            ('D', _) => "dddd, dd MMMM yyyy",
            ('f', _) => "dddd, dd MMMM yyyy HH:mm",
            ('F' | 'U', _) => "dddd, dd MMMM yyyy HH:mm:ss",
            ('g', _) => "MM/dd/yyyy HH:mm",
            ('G', _) => "MM/dd/yyyy HH:mm:ss",
            ('m' | 'M', _) => "MMMM dd",
            ('o' | 'O', _) => "yyyy-MM-dd'T'HH:mm:ss.fffffffK",
            ('r' | 'R', _) => "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
            ('s', _) => "yyyy-MM-dd'T'HH:mm:ss",
            ('t', _) => "HH:mm",
            ('T', _) => "HH:mm:ss",
            ('u', _) => "yyyy-MM-dd HH:mm:ss'Z'",
            ('y' | 'Y', _) => "yyyy MMMM",
            _ => return None,
        },
        _ => format,
    })
}

fn custom(ticks: i64, kind: DateKind, offset_minutes: i32, pattern: &str) -> Option<String> {
    let f = fields(ticks);
    let pattern: Vec<char> = pattern.chars().collect();
    let mut text = String::new();
    let mut at = 0;
    while let Some(&letter) = pattern.get(at) {
        let run = pattern.iter().skip(at).take_while(|&&c| c == letter).count();
        let mut width = run;
        let number = |value: i64, width: usize| format!("{value:0width$}");
        let twelve = if f.hour % 12 == 0 { 12 } else { f.hour % 12 };
        match letter {
            'y' if run <= 2 => text += &number(f.year % 100, run),
            'y' => text += &number(f.year, run),
            'M' if run <= 2 => text += &number(f.month, run),
            'M' => text += name(&MONTHS, f.month - 1, run == 3),
            'd' if run <= 2 => text += &number(f.day, run),
            'd' => text += name(&DAYS, f.day_of_week, run == 3),
            'H' => text += &number(f.hour, run.min(2)),
            'h' => text += &number(twelve, run.min(2)),
            'm' => text += &number(f.minute, run.min(2)),
            's' => text += &number(f.second, run.min(2)),
            'f' | 'F' => {
                if 7 < run {
                    return None;
                }
                let digits = number(f.fraction, 7);
                let digits = digits.get(..run).unwrap_or_default();
                if letter == 'f' {
                    text += digits;
                } else {
                    let digits = digits.trim_end_matches('0');
                    if digits.is_empty() && text.ends_with('.') {
                        text.pop();
                    }
                    text += digits;
                }
            }
            't' => {
                let half = if f.hour < 12 { "AM" } else { "PM" };
                text += half.get(..run.min(2)).unwrap_or_default();
            }
            'z' => {
                let offset = offset_text(offset_minutes);
                match run {
                    1 => {
                        let hours = offset_minutes.abs() / 60;
                        let sign = if offset_minutes < 0 { '-' } else { '+' };
                        text += &format!("{sign}{hours}");
                    }
                    2 => text += offset.get(..3).unwrap_or_default(),
                    _ => text += &offset,
                }
            }
            'K' => {
                width = 1;
                match kind {
                    DateKind::Utc => text.push('Z'),
                    DateKind::Local => text += &offset_text(offset_minutes),
                    DateKind::Unspecified => {}
                }
            }
            'g' => text += "A.D.",
            '\'' | '"' => {
                let close = pattern.iter().skip(at + 1).position(|&c| c == letter)?;
                text.extend(pattern.iter().skip(at + 1).take(close));
                width = close + 2;
            }
            '\\' => {
                text.push(*pattern.get(at + 1)?);
                width = 2;
            }
            '%' => width = 1,
            other => {
                text.push(other);
                width = 1;
            }
        }
        at += width;
    }
    debug_assert!(f.fraction < SECOND);
    Some(text)
}

fn name(names: &'static [&'static str], index: i64, short: bool) -> &'static str {
    let name = usize::try_from(index).ok().and_then(|index| names.get(index)).copied();
    let name = name.unwrap_or_default();
    if short { name.get(..3).unwrap_or(name) } else { name }
}

#[cfg(test)]
mod tests {
    use super::super::ticks_of;
    use super::*;

    #[test]
    fn standard_and_custom_formats() {
        let ticks = ticks_of((2026, 1, 2), (15, 4, 5), 1_230_000).unwrap();
        let check = |format: &str, expect: &str| {
            let found = format_date(ticks, DateKind::Utc, 0, format, Culture::Invariant);
            assert_eq!(found.as_deref(), Some(expect), "{format}");
        };
        check("o", "2026-01-02T15:04:05.1230000Z");
        check("s", "2026-01-02T15:04:05");
        check("u", "2026-01-02 15:04:05Z");
        check("R", "Fri, 02 Jan 2026 15:04:05 GMT");
        check("", "01/02/2026 15:04:05");
        check("yyyy-MM-ddTHH:mm:ss.fffZ", "2026-01-02T15:04:05.123Z");
        check("yyyyMMddHHmmss", "20260102150405");
        check("h:mm tt", "3:04 PM");
        check("dddd d MMM yy", "Friday 2 Jan 26");
        check("ss.FFFF", "05.123");
        check("%d", "2");
        check("HH 'o''clock'", "15 oclock");
        let american =
            |format| format_date(ticks, DateKind::Utc, 0, format, Culture::EnUs).unwrap();
        assert_eq!(
            ["d", "D", "t", "", "s"].map(american),
            [
                "1/2/2026",
                "Friday, January 2, 2026",
                "3:04 PM",
                "1/2/2026 3:04:05 PM",
                "2026-01-02T15:04:05",
            ]
        );
        assert_eq!(format_date(ticks, DateKind::Utc, 0, "q", Culture::Invariant), None);
    }
}
