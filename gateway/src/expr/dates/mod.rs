//! Dates and spans in .NET's ticks of 100 ns since 0001-01-01.
//!
//! Pure arithmetic: the present comes from the request's clock, elsewhere.
//! Local time is UTC, as on the platform.

use crate::expr::Culture;

mod exact;
mod format;
mod parse;
mod zones;

pub(crate) use exact::parse_exact;
pub(crate) use format::format_date;
pub(crate) use parse::{Parsed, parse_date, parse_iso, parse_span};
pub(crate) use zones::{Zone, find_zone, utc_zone};

/// Ticks in a second.
pub(crate) const SECOND: i64 = 10_000_000;
/// Ticks in a day.
pub(crate) const DAY: i64 = 86_400 * SECOND;
/// `DateTime.MaxValue.Ticks`.
pub(crate) const MAX_TICKS: i64 = 3_155_378_975_999_999_999;
/// Ticks at 1970-01-01.
pub(crate) const UNIX_EPOCH: i64 = 719_162 * DAY;

/// `DateTimeKind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateKind {
    /// Written without a zone.
    Unspecified,
    /// Written with `Z`, or `UtcNow`.
    Utc,
    /// `Now`, or written with an offset; UTC here.
    Local,
}

/// `System.DateTime`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime {
    /// 100 ns since 0001-01-01, never negative.
    pub ticks: i64,
    /// What its zone is.
    pub kind: DateKind,
}

/// `System.DateTimeOffset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTimeOffset {
    /// Clock time in ticks.
    pub ticks: i64,
    /// Minutes ahead of UTC.
    pub offset_minutes: i32,
}

/// `System.TimeSpan`, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeSpan(
    /// 100 ns each.
    pub i64,
);

/// Calendar fields of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fields {
    pub(crate) year: i64,
    pub(crate) month: i64,
    pub(crate) day: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
    /// Ticks within the second.
    pub(crate) fraction: i64,
    pub(crate) day_of_week: i64,
    pub(crate) day_of_year: i64,
}

impl DateTime {
    /// A date inside .NET's range.
    pub(crate) fn new(ticks: i64, kind: DateKind) -> Option<Self> {
        (0..=MAX_TICKS).contains(&ticks).then_some(Self { ticks, kind })
    }

    pub(crate) fn add(self, ticks: i64) -> Option<Self> {
        Self::new(self.ticks.checked_add(ticks)?, self.kind)
    }

    pub(crate) fn fields(self) -> Fields {
        fields(self.ticks)
    }

    /// `ToString()`; invariant: `MM/dd/yyyy HH:mm:ss`.
    pub(crate) fn to_text(self, culture: Culture) -> String {
        format_date(self.ticks, self.kind, 0, "G", culture).unwrap_or_default()
    }

    /// As Newtonsoft writes it: the round-trip format without trailing zeros.
    pub(crate) fn to_json(self) -> String {
        let f = self.fields();
        let mut text = format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            f.year, f.month, f.day, f.hour, f.minute, f.second
        );
        if f.fraction != 0 {
            text += format!(".{:07}", f.fraction).trim_end_matches('0');
        }
        match self.kind {
            DateKind::Unspecified => {}
            DateKind::Utc => text.push('Z'),
            DateKind::Local => text += "+00:00",
        }
        text
    }

    /// The same day with other months; the day is cut to the month's length.
    pub(crate) fn add_months(self, months: i64) -> Option<Self> {
        let f = self.fields();
        let month = (f.year * 12 + f.month - 1).checked_add(months)?;
        let (year, month) = (month.div_euclid(12), month.rem_euclid(12) + 1);
        if !(1..=9999).contains(&year) {
            return None;
        }
        let day = f.day.min(days_in_month(year, month));
        Self::new(days_from_civil(year, month, day) * DAY + self.ticks % DAY, self.kind)
    }
}

impl DateTimeOffset {
    pub(crate) fn utc_ticks(self) -> i64 {
        self.ticks - i64::from(self.offset_minutes) * 60 * SECOND
    }

    pub(crate) fn to_text(self, culture: Culture) -> String {
        let kind = DateKind::Unspecified;
        let date = format_date(self.ticks, kind, self.offset_minutes, "G", culture);
        format!("{} {}", date.unwrap_or_default(), offset_text(self.offset_minutes))
    }

    pub(crate) fn to_json(self) -> String {
        let date = DateTime { ticks: self.ticks, kind: DateKind::Unspecified };
        format!("{}{}", date.to_json(), offset_text(self.offset_minutes))
    }
}

impl TimeSpan {
    /// `ToString()`, the constant format: `[-][d.]hh:mm:ss[.fffffff]`.
    pub(crate) fn to_text(self) -> String {
        let ticks = self.0.unsigned_abs();
        let second = SECOND.unsigned_abs();
        let (days, rest) = (ticks / DAY.unsigned_abs(), ticks % DAY.unsigned_abs());
        let sign = if self.0 < 0 { "-" } else { "" };
        let day = if days == 0 { String::new() } else { format!("{days}.") };
        let (hours, minutes) = (rest / (3600 * second), rest / (60 * second) % 60);
        let fraction = match rest % second {
            0 => String::new(),
            ticks => format!(".{ticks:07}"),
        };
        format!("{sign}{day}{hours:02}:{minutes:02}:{:02}{fraction}", rest / second % 60)
    }

    /// Whole and fractional units of this many ticks.
    #[expect(clippy::cast_precision_loss, reason = "as .NET's TotalSeconds")]
    pub(crate) fn total(self, unit: i64) -> f64 {
        self.0 as f64 / unit as f64
    }

    /// From a number of units, rounded to milliseconds as the .NET Framework does.
    #[expect(clippy::cast_possible_truncation, reason = "checked against the range")]
    #[expect(clippy::cast_precision_loss, reason = "as .NET's FromSeconds")]
    pub(crate) fn from_units(number: f64, unit: i64) -> Option<Self> {
        let milliseconds = number * (unit as f64 / 10_000.0);
        let rounded = (milliseconds + if milliseconds < 0.0 { -0.5 } else { 0.5 }).trunc();
        (rounded.abs() < 9.2e14).then_some(Self(rounded as i64 * 10_000))
    }
}

pub(crate) fn offset_text(minutes: i32) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

pub(crate) fn is_leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

pub(crate) fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 0001-01-01 of a proleptic Gregorian date (Howard Hinnant's
/// `days_from_civil`, shifted).
pub(crate) fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 306
}

/// Ticks of a date and time of day; `None` when there is no such date.
pub(crate) fn ticks_of(date: (i64, i64, i64), time: (i64, i64, i64), fraction: i64) -> Option<i64> {
    let (year, month, day) = date;
    let (hour, minute, second) = time;
    let valid = (1..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..60).contains(&second)
        && (0..SECOND).contains(&fraction);
    valid.then(|| {
        days_from_civil(year, month, day) * DAY
            + (hour * 3600 + minute * 60 + second) * SECOND
            + fraction
    })
}

pub(crate) fn fields(ticks: i64) -> Fields {
    let days = ticks.div_euclid(DAY);
    let time = ticks.rem_euclid(DAY);
    let shifted = days + 306;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    Fields {
        year,
        month,
        day,
        hour: time / (3600 * SECOND),
        minute: time / (60 * SECOND) % 60,
        second: time / SECOND % 60,
        fraction: time % SECOND,
        day_of_week: (days + 1).rem_euclid(7),
        day_of_year: days - days_from_civil(year, 1, 1) + 1,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_dates() {
        assert_eq!(days_from_civil(1, 1, 1), 0);
        assert_eq!(days_from_civil(1970, 1, 1) * DAY, UNIX_EPOCH);
        let f = fields(UNIX_EPOCH);
        assert_eq!((f.year, f.month, f.day, f.day_of_week, f.day_of_year), (1970, 1, 1, 4, 1));
        assert_eq!(fields(MAX_TICKS).year, 9999);
    }

    #[test]
    fn spans() {
        assert_eq!(TimeSpan(90 * SECOND).to_text(), "00:01:30");
        assert_eq!(TimeSpan(-DAY - 15_000_000).to_text(), "-1.00:00:01.5000000");
    }

    proptest! {
        #[test]
        fn fields_and_ticks_agree(ticks in 0..=MAX_TICKS) {
            let f = fields(ticks);
            let back = ticks_of((f.year, f.month, f.day), (f.hour, f.minute, f.second), f.fraction);
            prop_assert_eq!(back, Some(ticks));
        }
    }
}
