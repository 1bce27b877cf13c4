//! Texts to dates: ISO 8601, RFC 1123 and the invariant culture's own forms.

use super::{DAY, DateKind, DateTime, SECOND, TimeSpan, ticks_of};

/// What a text said: clock time, and its offset if it had one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parsed {
    pub(crate) ticks: i64,
    /// `Some(0)` for `Z`.
    pub(crate) offset_minutes: Option<i32>,
    pub(crate) utc: bool,
}

impl Parsed {
    /// As a `DateTime`: with an offset it becomes local time, which is UTC.
    pub(crate) fn to_date_time(self) -> Option<DateTime> {
        let kind = match (self.utc, self.offset_minutes) {
            (true, _) => DateKind::Utc,
            (false, Some(_)) => DateKind::Local,
            (false, None) => DateKind::Unspecified,
        };
        let offset = i64::from(self.offset_minutes.unwrap_or(0)) * 60 * SECOND;
        DateTime::new(self.ticks - offset, kind)
    }
}

struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn digits(&mut self, least: usize, most: usize) -> Option<i64> {
        let count = self.rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        if count < least {
            return None;
        }
        let (digits, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        digits.parse().ok()
    }

    fn eat(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn word(&mut self) -> &'a str {
        let count = self.rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (word, rest) = self.rest.split_at_checked(count).unwrap_or(("", self.rest));
        self.rest = rest;
        word
    }

    /// `.` and up to seven digits that count.
    fn fraction(&mut self) -> Option<i64> {
        let count = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        if digits.is_empty() {
            return None;
        }
        format!("{:0<7}", digits.get(..7.min(digits.len()))?).parse().ok()
    }

    /// `HH:mm[:ss[.fffffff]]`.
    fn time(&mut self) -> Option<((i64, i64, i64), i64)> {
        let hour = self.digits(1, 2)?;
        if !self.eat(":") {
            return None;
        }
        let minute = self.digits(2, 2)?;
        let (mut second, mut fraction) = (0, 0);
        if self.eat(":") {
            second = self.digits(2, 2)?;
            if self.eat(".") {
                fraction = self.fraction()?;
            }
        }
        Some(((hour, minute, second), fraction))
    }

    /// `Z`, `+hh:mm`, or nothing.
    fn zone(&mut self) -> Option<(Option<i32>, bool)> {
        if self.eat("Z") || self.eat("z") {
            return Some((Some(0), true));
        }
        let sign = match () {
            () if self.eat("+") => 1,
            () if self.eat("-") => -1,
            () => return Some((None, false)),
        };
        let hours = self.digits(2, 2)?;
        self.eat(":");
        let minutes = if self.rest.is_empty() { 0 } else { self.digits(2, 2)? };
        let total = i32::try_from(hours * 60 + minutes).ok().filter(|&t| t <= 14 * 60)?;
        Some((Some(sign * total), false))
    }
}

/// The strict form that Newtonsoft takes for a date:
/// `yyyy-MM-ddTHH:mm:ss[.fffffff][Z|±hh:mm]`.
pub(crate) fn parse_iso(text: &str) -> Option<Parsed> {
    let mut cursor = Cursor { rest: text };
    let year = cursor.digits(4, 4)?;
    let month = cursor.eat("-").then(|| cursor.digits(2, 2))??;
    let day = cursor.eat("-").then(|| cursor.digits(2, 2))??;
    if !cursor.eat("T") {
        return None;
    }
    let before = cursor.rest.len();
    let (time, fraction) = cursor.time()?;
    // Newtonsoft wants all of hh:mm:ss.
    if before - cursor.rest.len() < 8 {
        return None;
    }
    let (offset_minutes, utc) = cursor.zone()?;
    if !cursor.rest.is_empty() {
        return None;
    }
    let ticks = ticks_of((year, month, day), time, fraction)?;
    Some(Parsed { ticks, offset_minutes, utc })
}

/// `DateTime.Parse`: the common forms.
pub(crate) fn parse_date(text: &str) -> Option<Parsed> {
    let text = text.trim();
    let starts_with_letter = text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
    if starts_with_letter { rfc1123(text) } else { numeric(text) }
}

/// `ddd, dd MMM yyyy HH:mm:ss GMT`, the day's name optional.
fn rfc1123(text: &str) -> Option<Parsed> {
    let mut cursor = Cursor { rest: text };
    cursor.word();
    cursor.eat(",");
    cursor.blanks();
    let day = cursor.digits(1, 2)?;
    cursor.blanks();
    let month = month(cursor.word())?;
    cursor.blanks();
    let year = cursor.digits(4, 4)?;
    cursor.blanks();
    let (time, fraction) = cursor.time()?;
    cursor.blanks();
    let utc = matches!(cursor.word(), "GMT" | "UTC");
    if !cursor.rest.is_empty() {
        return None;
    }
    let ticks = ticks_of((year, month, day), time, fraction)?;
    Some(Parsed { ticks, offset_minutes: utc.then_some(0), utc })
}

fn month(name: &str) -> Option<i64> {
    const NAMES: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let name = name.to_ascii_lowercase();
    let index = NAMES.iter().position(|short| name.starts_with(short))?;
    i64::try_from(index + 1).ok()
}

/// `yyyy-MM-dd…`, `yyyy/MM/dd…`, `MM/dd/yyyy…`, with or without a time.
fn numeric(text: &str) -> Option<Parsed> {
    let mut cursor = Cursor { rest: text };
    let first = cursor.digits(1, 4)?;
    let separator = match () {
        () if cursor.eat("-") => "-",
        () if cursor.eat("/") => "/",
        () => return None,
    };
    let second = cursor.digits(1, 2)?;
    let mut third = 1;
    if cursor.eat(separator) {
        third = cursor.digits(1, 4)?;
    } else if first < 1000 {
        return None;
    }
    let date = if 1000 <= first { (first, second, third) } else { (third, first, second) };
    let (mut time, mut fraction) = ((0, 0, 0), 0);
    if cursor.eat("T") || cursor.rest.starts_with(' ') {
        cursor.blanks();
        (time, fraction) = cursor.time()?;
        cursor.blanks();
        let half = cursor.rest.get(..2).unwrap_or_default().to_ascii_uppercase();
        if matches!(half.as_str(), "AM" | "PM") {
            if !(1..=12).contains(&time.0) {
                return None;
            }
            time.0 = time.0 % 12 + if half == "PM" { 12 } else { 0 };
            cursor.word();
            cursor.blanks();
        }
    }
    let (offset_minutes, utc) = cursor.zone()?;
    if !cursor.rest.is_empty() {
        return None;
    }
    let ticks = ticks_of(date, time, fraction)?;
    Some(Parsed { ticks, offset_minutes, utc })
}

/// `TimeSpan.Parse`: `[-][d.]hh:mm[:ss[.fffffff]]` or days alone.
pub(crate) fn parse_span(text: &str) -> Option<TimeSpan> {
    let text = text.trim();
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let mut cursor = Cursor { rest };
    let mut days = 0;
    if let Some((before, after)) = rest.split_once('.')
        && before.bytes().all(|b| b.is_ascii_digit())
        && after.contains(':')
    {
        days = cursor.digits(1, 8)?;
        cursor.eat(".");
    }
    if !cursor.rest.contains(':') {
        let days = cursor.digits(1, 8)?;
        return (cursor.rest.is_empty() && days <= 10_675_199)
            .then_some(TimeSpan(sign * days * DAY));
    }
    let ((hours, minutes, seconds), fraction) = cursor.time()?;
    let valid =
        cursor.rest.is_empty() && hours < 24 && minutes < 60 && seconds < 60 && days <= 10_675_198;
    let ticks = days * DAY + (hours * 3600 + minutes * 60 + seconds) * SECOND + fraction;
    valid.then_some(TimeSpan(sign * ticks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_common_forms() {
        for (text, expect) in [
            ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
            ("2026-01-02T03:04:05.12", "2026-01-02T03:04:05.12"),
            ("2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05+00:00"),
            ("2026-01-02", "2026-01-02T00:00:00"),
            ("01/02/2026 03:04:05", "2026-01-02T03:04:05"),
            ("1/2/2026 3:04 PM", "2026-01-02T15:04:00"),
            ("Fri, 02 Jan 2026 03:04:05 GMT", "2026-01-02T03:04:05Z"),
        ] {
            let date = parse_date(text).and_then(Parsed::to_date_time);
            assert_eq!(date.map(DateTime::to_json).as_deref(), Some(expect), "{text}");
        }
        for text in ["", "x", "2026-13-01", "2026-02-30", "12:00", "2026-01-02T"] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }

    #[test]
    fn json_dates_are_strict() {
        assert!(parse_iso("2026-01-02T03:04:05").is_some());
        assert_eq!(parse_iso("2026-01-02"), None);
        assert_eq!(parse_iso("2026-01-02T03:04"), None);
        assert_eq!(parse_iso("2026-01-02 03:04:05"), None);
    }

    #[test]
    fn reads_spans() {
        assert_eq!(parse_span("00:01:30"), Some(TimeSpan(90 * SECOND)));
        assert_eq!(parse_span("1.02:00"), Some(TimeSpan(26 * 3600 * SECOND)));
        assert_eq!(parse_span("-5"), Some(TimeSpan(-5 * DAY)));
        assert_eq!(parse_span("25:00"), None);
    }
}
