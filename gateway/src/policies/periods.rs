//! The fixed windows of quotas, and how refusals tell the time until the next.

use std::time::Duration;

use tokio::time::Instant;

use crate::config::settings::Weekday;
use crate::expr::dates::{self, DAY, SECOND, UNIX_EPOCH};
use crate::pipeline::exchange::Exchange;

/// How windows follow each other. Dates are ticks: 100 ns since 0001-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Period {
    /// One for ever.
    Endless,
    /// Of so many ticks, one of them starting at a date.
    Fixed { start: i64, ticks: i64 },
    /// Of the calendar, UTC.
    Calendar(Unit),
}

/// A unit of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Hour,
    Day,
    /// From Monday, or as the settings say: see [`Unit::period`].
    Week,
    Month,
    Year,
}

impl Unit {
    /// As `token-quota-period` names them.
    pub(super) const NAMES: &[&str] = &["Hourly", "Daily", "Weekly", "Monthly", "Yearly"];

    pub(super) fn from_name(name: &str) -> Option<Self> {
        let units = [Self::Hour, Self::Day, Self::Week, Self::Month, Self::Year];
        Self::NAMES.iter().zip(units).find(|(known, _)| **known == name).map(|(_, unit)| unit)
    }
}

impl Unit {
    /// Windows of this unit.
    pub(super) fn period(self, first_day: Weekday) -> Period {
        match (self, first_day) {
            // 0001-01-01 was a Monday.
            (Self::Week, Weekday::Sunday) => Period::Fixed { start: 6 * DAY, ticks: 7 * DAY },
            (unit, _) => Period::Calendar(unit),
        }
    }
}

impl Period {
    /// A period of so many seconds; 0 has no end.
    pub(super) fn of_seconds(seconds: i64, start: i64) -> Self {
        match seconds {
            0 => Self::Endless,
            seconds => Self::Fixed { start, ticks: seconds.saturating_mul(SECOND) },
        }
    }

    /// The end of the window in which a date lies.
    fn end(self, now: i64) -> Option<i64> {
        let after = |start: i64, ticks: i64| {
            let into = now.saturating_sub(start).rem_euclid(ticks.max(1));
            now.checked_add(ticks - into)
        };
        match self {
            Self::Endless => None,
            Self::Fixed { start, ticks } => after(start, ticks),
            Self::Calendar(Unit::Hour) => after(0, 3_600 * SECOND),
            Self::Calendar(Unit::Day) => after(0, DAY),
            // 0001-01-01 was a Monday.
            Self::Calendar(Unit::Week) => after(0, 7 * DAY),
            Self::Calendar(unit) => {
                let date = dates::fields(now);
                let next = match (unit, date.month) {
                    (Unit::Month, 1..=11) => (date.year, date.month + 1, 1),
                    _ => (date.year + 1, 1, 1),
                };
                dates::ticks_of(next, (0, 0, 0), 0)
            }
        }
    }

    /// The same on tokio's clock, for now. `None`: it never ends, or not as
    /// long as the clock goes.
    pub(super) fn ends(self, exchange: &Exchange) -> Option<Instant> {
        let now = Instant::now();
        let since_epoch = exchange.context.clock.at(now).since_epoch().as_nanos();
        let ticks = UNIX_EPOCH.checked_add(i64::try_from(since_epoch / 100).ok()?)?;
        let whole = u64::try_from(self.end(ticks)? - ticks).ok()?;
        let within = u64::try_from(since_epoch % 100).unwrap_or_default();
        now.checked_add(Duration::from_nanos(whole.checked_mul(100)?.saturating_sub(within)))
    }
}

/// When this gateway's clock was anchored: where the documentation says "the
/// start time of the subscription".
pub(super) fn gateway_start(exchange: &Exchange) -> i64 {
    let clock = exchange.context.clock;
    let nanoseconds = clock.at(clock.anchor()).since_epoch().as_nanos();
    UNIX_EPOCH.saturating_add(i64::try_from(nanoseconds / 100).unwrap_or(i64::MAX))
}

/// `hh:mm:ss`, with days in front where there are any, as .NET writes spans.
pub(super) fn clock_text(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let time = format!("{:02}:{:02}:{:02}", rest / 3_600, rest / 60 % 60, rest % 60);
    match days {
        0 => time,
        days => format!("{days}.{time}"),
    }
}

/// `21 minutes and 33 seconds`.
pub(super) fn words(seconds: u64) -> String {
    let rest = seconds % 86_400;
    let units = [
        (seconds / 86_400, "day"),
        (rest / 3_600, "hour"),
        (rest / 60 % 60, "minute"),
        (rest % 60, "second"),
    ];
    let parts: Vec<String> = units
        .iter()
        .filter(|(count, _)| 0 < *count)
        .map(|(count, unit)| format!("{count} {unit}{}", if *count == 1 { "" } else { "s" }))
        .collect();
    match parts.split_last() {
        None => "0 seconds".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(year: i64, month: i64, day: i64, hour: i64, minute: i64) -> i64 {
        dates::ticks_of((year, month, day), (hour, minute, 0), 0).unwrap()
    }

    #[test]
    fn windows_end_where_the_calendar_says() {
        let now = date(2026, 12, 31, 23, 30);
        let end = |unit| Period::Calendar(unit).end(now).unwrap();
        let new_year = date(2027, 1, 1, 0, 0);
        assert_eq!([Unit::Hour, Unit::Day, Unit::Month, Unit::Year].map(end), [new_year; 4]);
        // 2026-12-31 is a Thursday.
        assert_eq!(end(Unit::Week), date(2027, 1, 4, 0, 0));
        let sunday = Unit::Week.period(Weekday::Sunday).end(now);
        assert_eq!(sunday, Some(date(2027, 1, 3, 0, 0)));
        assert_eq!(Period::Calendar(Unit::Month).end(new_year), Some(date(2027, 2, 1, 0, 0)));
        assert_eq!(Period::Calendar(Unit::Hour).end(new_year), Some(date(2027, 1, 1, 1, 0)));
        let start = date(2027, 6, 1, 0, 0);
        let period = Period::of_seconds(3_600 * 7, start);
        let end = period.end(now).unwrap();
        assert!(now < end && end <= now + 7 * 3_600 * SECOND);
        assert_eq!((start - end) % (7 * 3_600 * SECOND), 0);
        assert_eq!(Period::of_seconds(0, start).end(now), None);
        assert_eq!(Unit::from_name("Weekly"), Some(Unit::Week));
        assert_eq!(Unit::from_name("weekly"), None);
    }

    #[test]
    fn times_are_told_as_the_platform_tells_them() {
        assert_eq!([3_661, 86_399, 90_061].map(clock_text), ["01:01:01", "23:59:59", "1.01:01:01"]);
        assert_eq!(
            [1_293, 60, 1, 0, 176_461].map(words),
            [
                "21 minutes and 33 seconds",
                "1 minute",
                "1 second",
                "0 seconds",
                "2 days, 1 hour, 1 minute and 1 second"
            ]
        );
    }
}
