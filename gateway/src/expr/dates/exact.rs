//! `DateTime.ParseExact`: a text that must look as a format says.

use crate::expr::Culture;

use super::format::{DAYS, MONTHS, pattern_of};
use super::parse::Parsed;
use super::{SECOND, ticks_of};

/// Reads a text; `None` when it does not fit, or the format is none.
pub(crate) fn parse_exact(text: &str, format: &str) -> Option<Parsed> {
    let utc = matches!(format, "r" | "R" | "u");
    let pattern: Vec<char> = pattern_of(format, Culture::Invariant)?.chars().collect();
    let mut reader = Reader { text: text.chars().collect(), at: 0, found: Found::default() };
    let mut at = 0;
    while let Some(&letter) = pattern.get(at) {
        let run = pattern.iter().skip(at).take_while(|&&c| c == letter).count();
        let mut width = run;
        match letter {
            '\'' | '"' => {
                let close = pattern.iter().skip(at + 1).position(|&c| c == letter)?;
                for &c in pattern.iter().skip(at + 1).take(close) {
                    reader.literal(c)?;
                }
                width = close + 2;
            }
            '\\' => {
                reader.literal(*pattern.get(at + 1)?)?;
                width = 2;
            }
            // One letter behind `%` is itself, not a standard format.
            '%' => width = 1,
            _ if "yMdHhmsfFtzKg".contains(letter) => reader.field(letter, run)?,
            _ => {
                for _ in 0..run {
                    reader.literal(letter)?;
                }
            }
        }
        at += width;
    }
    if reader.at != reader.text.len() {
        return None;
    }
    reader.found.parsed(utc)
}

/// What the text said so far.
#[derive(Default)]
struct Found {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    day_of_week: Option<i64>,
    hour: i64,
    /// An hour of twelve.
    half_day: bool,
    afternoon: Option<bool>,
    minute: i64,
    second: i64,
    fraction: i64,
    offset: Option<i32>,
    utc: bool,
}

impl Found {
    fn parsed(self, utc: bool) -> Option<Parsed> {
        let hour = match (self.half_day, self.afternoon) {
            (true, afternoon) => self.hour % 12 + if afternoon == Some(true) { 12 } else { 0 },
            (false, _) => self.hour,
        };
        // .NET takes today for what is missing; a run's result must not depend
        // on the day, and such formats name a time only.
        let date = (self.year.unwrap_or(1), self.month.unwrap_or(1), self.day.unwrap_or(1));
        let ticks = ticks_of(date, (hour, self.minute, self.second), self.fraction)?;
        if self.day_of_week.is_some_and(|day| super::fields(ticks).day_of_week != day) {
            return None;
        }
        let utc = utc || self.utc;
        let offset_minutes = if utc { Some(0) } else { self.offset };
        Some(Parsed { ticks, offset_minutes, utc })
    }
}

struct Reader {
    text: Vec<char>,
    at: usize,
    found: Found,
}

impl Reader {
    fn literal(&mut self, expected: char) -> Option<()> {
        (self.text.get(self.at) == Some(&expected)).then(|| self.at += 1)
    }

    fn digits(&mut self, least: usize, most: usize) -> Option<i64> {
        let count =
            self.text.iter().skip(self.at).take(most).take_while(|c| c.is_ascii_digit()).count();
        if count < least {
            return None;
        }
        let digits: String = self.text.iter().skip(self.at).take(count).collect();
        self.at += count;
        digits.parse().ok()
    }

    /// One or two digits for a single letter, exactly two for more.
    fn number(&mut self, run: usize) -> Option<i64> {
        self.digits(run.min(2), 2)
    }

    /// A name of the list; its number.
    fn name(&mut self, names: &[&str], short: bool) -> Option<i64> {
        for (number, name) in names.iter().enumerate() {
            let name = if short { name.get(..3)? } else { name };
            let count = name.chars().count();
            let found: String = self.text.iter().skip(self.at).take(count).collect();
            if found.eq_ignore_ascii_case(name) {
                self.at += count;
                return i64::try_from(number).ok();
            }
        }
        None
    }

    fn field(&mut self, letter: char, run: usize) -> Option<()> {
        match letter {
            'y' if run <= 2 => {
                let year = self.digits(run, 2)?;
                // The calendar's window of two-digit years ends in 2029.
                self.found.year = Some(if year < 30 { 2000 + year } else { 1900 + year });
            }
            'y' => self.found.year = Some(self.digits(run.min(4), run.max(4))?),
            'M' if run <= 2 => self.found.month = Some(self.number(run)?),
            'M' => self.found.month = Some(self.name(&MONTHS, run == 3)? + 1),
            'd' if run <= 2 => self.found.day = Some(self.number(run)?),
            'd' => self.found.day_of_week = Some(self.name(&DAYS, run == 3)?),
            'H' => self.found.hour = self.number(run).filter(|&hour| hour < 24)?,
            'h' => {
                self.found.hour = self.number(run).filter(|hour| (1..=12).contains(hour))?;
                self.found.half_day = true;
            }
            'm' => self.found.minute = self.number(run).filter(|&minute| minute < 60)?,
            's' => self.found.second = self.number(run).filter(|&second| second < 60)?,
            'f' | 'F' if run <= 7 => {
                let from = self.at;
                let least = if letter == 'f' { run } else { 0 };
                let digits = self.text.iter().skip(from).take(run);
                let digits: String = digits.take_while(|c| c.is_ascii_digit()).collect();
                if digits.len() < least {
                    return None;
                }
                self.at += digits.len();
                self.found.fraction = format!("{digits:0<7}").parse().ok()?;
            }
            't' => {
                let first = self.text.get(self.at)?.to_ascii_uppercase();
                self.found.afternoon = match first {
                    'A' => Some(false),
                    'P' => Some(true),
                    _ => return None,
                };
                self.at += 1;
                if 1 < run {
                    let second = self.text.get(self.at)?;
                    second.eq_ignore_ascii_case(&'m').then(|| self.at += 1)?;
                }
            }
            'z' => self.offset(run)?,
            'K' => match self.text.get(self.at) {
                Some('Z') => {
                    self.at += 1;
                    self.found.utc = true;
                }
                Some('+' | '-') => self.offset(3)?,
                _ => {}
            },
            'g' => {
                for c in "A.D.".chars() {
                    self.literal(c)?;
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn offset(&mut self, run: usize) -> Option<()> {
        let sign = match self.text.get(self.at)? {
            '+' => 1,
            '-' => -1,
            _ => return None,
        };
        self.at += 1;
        let hours = self.digits(run.min(2), 2)?;
        let minutes = if 2 < run {
            self.literal(':')?;
            self.digits(2, 2)?
        } else {
            0
        };
        let total = i32::try_from(hours * 60 + minutes).ok().filter(|&total| total <= 14 * 60)?;
        self.found.offset = Some(sign * total);
        Some(())
    }
}

/// A second as ticks is what the sums above assume.
const _: () = assert!(SECOND == 10_000_000);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::dates::DateTime;

    #[test]
    fn texts_must_look_as_the_format_says() {
        for (text, format, expect) in [
            ("2026-01-02", "yyyy-MM-dd", Some("2026-01-02T00:00:00")),
            ("02/01/26 3:04 PM", "dd/MM/yy h:mm tt", Some("2026-01-02T15:04:00")),
            ("20260102T030405Z", "yyyyMMdd'T'HHmmssK", Some("2026-01-02T03:04:05Z")),
            (
                "2026-01-02T03:04:05.12+02:00",
                "yyyy-MM-ddTHH:mm:ss.FFFFFFFzzz",
                Some("2026-01-02T01:04:05.12+00:00"),
            ),
            ("Fri, 02 Jan 2026 03:04:05 GMT", "r", Some("2026-01-02T03:04:05Z")),
            ("2026-01-02T03:04:05.0000000Z", "o", Some("2026-01-02T03:04:05Z")),
            ("2026-01-02 03:04:05Z", "u", Some("2026-01-02T03:04:05Z")),
            ("2026-01-02T03:04:05", "s", Some("2026-01-02T03:04:05")),
            ("January 2, 2026", "MMMM d, yyyy", Some("2026-01-02T00:00:00")),
            ("5", "%d", Some("0001-01-05T00:00:00")),
            // The 2nd of January 2026 was a Friday.
            ("Sat 2026-01-02", "ddd yyyy-MM-dd", None),
            ("2026-1-02", "yyyy-MM-dd", None),
            ("2026-01-02 ", "yyyy-MM-dd", None),
            ("2026-13-02", "yyyy-MM-dd", None),
            ("13:00 PM", "h:mm tt", None),
            ("2026-01-02", "MM/dd/yyyy", None),
            ("x", "q", None),
            ("", "", None),
            ("2026", "'yyyy", None),
        ] {
            let date = parse_exact(text, format).and_then(Parsed::to_date_time);
            assert_eq!(date.map(DateTime::to_json).as_deref(), expect, "{text} as {format}");
        }
    }
}
