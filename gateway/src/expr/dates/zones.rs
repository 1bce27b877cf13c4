//! Time zones by the platform's names (those of Windows) and a few of the IANA's,
//! with the daylight saving rules in force today.

use super::{DAY, SECOND, ticks_of};

const HOUR: i64 = 3600 * SECOND;

/// When clocks go forward and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Summer {
    Never,
    /// Last Sundays of March and October, 01:00 UTC.
    Europe,
    /// Second Sunday of March and first of November, 02:00 local.
    America,
    /// First Sundays of October and April, 02:00 standard time.
    Australia,
    /// Last Sunday of September and first of April, 02:00 standard time.
    NewZealand,
}

/// A zone.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Zone {
    /// Names it is found by; the first is `Id`.
    pub(crate) names: &'static [&'static str],
    /// Minutes ahead of UTC in winter.
    pub(crate) minutes: i32,
    summer: Summer,
}

const fn zone(names: &'static [&'static str], minutes: i32, summer: Summer) -> Zone {
    Zone { names, minutes, summer }
}

use Summer::{America, Australia, Europe, Never, NewZealand};

static ZONES: &[Zone] = &[
    zone(&["UTC", "Etc/UTC", "Coordinated Universal Time"], 0, Never),
    zone(&["Greenwich Standard Time", "Atlantic/Reykjavik"], 0, Never),
    zone(&["GMT Standard Time", "Europe/London"], 0, Europe),
    zone(&["W. Europe Standard Time", "Europe/Berlin"], 60, Europe),
    zone(&["Romance Standard Time", "Europe/Paris"], 60, Europe),
    zone(&["Central Europe Standard Time", "Europe/Budapest"], 60, Europe),
    zone(&["Central European Standard Time", "Europe/Warsaw"], 60, Europe),
    zone(&["FLE Standard Time", "Europe/Kiev"], 120, Europe),
    zone(&["GTB Standard Time", "Europe/Bucharest"], 120, Europe),
    zone(&["South Africa Standard Time", "Africa/Johannesburg"], 120, Never),
    zone(&["Turkey Standard Time", "Europe/Istanbul"], 180, Never),
    zone(&["Russian Standard Time", "Europe/Moscow"], 180, Never),
    zone(&["Arab Standard Time", "Asia/Riyadh"], 180, Never),
    zone(&["Arabian Standard Time", "Asia/Dubai"], 240, Never),
    zone(&["Pakistan Standard Time", "Asia/Karachi"], 300, Never),
    zone(&["India Standard Time", "Asia/Calcutta", "Asia/Kolkata"], 330, Never),
    zone(&["SE Asia Standard Time", "Asia/Bangkok"], 420, Never),
    zone(&["China Standard Time", "Asia/Shanghai"], 480, Never),
    zone(&["Singapore Standard Time", "Asia/Singapore"], 480, Never),
    zone(&["Taipei Standard Time", "Asia/Taipei"], 480, Never),
    zone(&["W. Australia Standard Time", "Australia/Perth"], 480, Never),
    zone(&["Tokyo Standard Time", "Asia/Tokyo"], 540, Never),
    zone(&["Korea Standard Time", "Asia/Seoul"], 540, Never),
    zone(&["E. Australia Standard Time", "Australia/Brisbane"], 600, Never),
    zone(&["AUS Eastern Standard Time", "Australia/Sydney"], 600, Australia),
    zone(&["New Zealand Standard Time", "Pacific/Auckland"], 720, NewZealand),
    zone(&["E. South America Standard Time", "America/Sao_Paulo"], -180, Never),
    zone(&["Argentina Standard Time", "America/Buenos_Aires"], -180, Never),
    zone(&["Atlantic Standard Time", "America/Halifax"], -240, America),
    zone(&["Eastern Standard Time", "America/New_York"], -300, America),
    zone(&["SA Pacific Standard Time", "America/Bogota"], -300, Never),
    zone(&["Central Standard Time", "America/Chicago"], -360, America),
    zone(&["Mountain Standard Time", "America/Denver"], -420, America),
    zone(&["US Mountain Standard Time", "America/Phoenix"], -420, Never),
    zone(&["Pacific Standard Time", "America/Los_Angeles"], -480, America),
    zone(&["Alaskan Standard Time", "America/Anchorage"], -540, America),
    zone(&["Hawaiian Standard Time", "Pacific/Honolulu"], -600, Never),
];

/// The zone of a name, in any case.
pub(crate) fn find_zone(name: &str) -> Option<&'static Zone> {
    ZONES.iter().find(|zone| zone.names.iter().any(|own| own.eq_ignore_ascii_case(name)))
}

/// `TimeZoneInfo.Utc`, which the platform's local zone is, too.
pub(crate) fn utc_zone() -> &'static Zone {
    static UTC: Zone = zone(&["UTC"], 0, Never);
    ZONES.first().unwrap_or(&UTC)
}

impl Zone {
    pub(crate) fn id(&self) -> &'static str {
        self.names.first().copied().unwrap_or("UTC")
    }

    pub(crate) fn has_summer(&self) -> bool {
        self.summer != Never
    }

    fn standard(&self) -> i64 {
        i64::from(self.minutes) * 60 * SECOND
    }

    /// Ticks ahead of UTC at a moment given in UTC.
    pub(crate) fn offset_at(&self, utc: i64) -> i64 {
        let local = utc.saturating_add(self.standard());
        self.standard() + if self.is_summer(utc, local) { HOUR } else { 0 }
    }

    /// The same for a clock time of the zone. A time that is skipped or shown
    /// twice counts as standard time, as in .NET.
    pub(crate) fn offset_of_local(&self, local: i64) -> i64 {
        let standard = self.standard();
        let summer = local - standard - HOUR;
        let twice = !self.is_summer(local - standard, local);
        if !twice && self.is_summer(summer, summer + standard) { standard + HOUR } else { standard }
    }

    /// `local` is standard time.
    fn is_summer(&self, utc: i64, local: i64) -> bool {
        let year = super::fields(local.clamp(0, super::MAX_TICKS)).year;
        let sunday = |month, nth| nth_sunday(year, month, nth);
        match self.summer {
            Never => false,
            Europe => (sunday(3, -1) + HOUR..sunday(10, -1) + HOUR).contains(&utc),
            America => (sunday(3, 2) + 2 * HOUR..sunday(11, 1) + HOUR).contains(&local),
            Australia => !(sunday(4, 1) + 2 * HOUR..sunday(10, 1) + 2 * HOUR).contains(&local),
            NewZealand => !(sunday(4, 1) + 2 * HOUR..sunday(9, -1) + 2 * HOUR).contains(&local),
        }
    }
}

/// Midnight of a month's n-th Sunday; -1 is its last.
fn nth_sunday(year: i64, month: i64, nth: i64) -> i64 {
    let at = |day| ticks_of((year, month, day), (0, 0, 0), 0).unwrap_or(0);
    if nth < 0 {
        let last = at(super::days_in_month(year, month));
        return last - super::fields(last).day_of_week * DAY;
    }
    let first = at(1);
    let ahead = (7 - super::fields(first).day_of_week) % 7;
    first + (ahead + 7 * (nth - 1)) * DAY
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::dates::parse_iso;

    #[track_caller]
    fn hours(zone: &str, utc: &str) -> i64 {
        let ticks = parse_iso(utc).unwrap().ticks;
        let offset = find_zone(zone).unwrap().offset_at(ticks);
        let local = find_zone(zone).unwrap().offset_of_local(ticks + offset);
        // Both ways agree but in the hour that is shown twice.
        assert!(local == offset || offset - local == HOUR, "{zone} {utc}");
        offset / HOUR
    }

    #[test]
    fn clocks_change_when_they_should() {
        for (zone, utc, expect) in [
            ("UTC", "2026-07-01T00:00:00", 0),
            ("W. Europe Standard Time", "2026-03-29T00:59:59", 1),
            ("W. Europe Standard Time", "2026-03-29T01:00:00", 2),
            ("Europe/Berlin", "2026-10-25T00:59:59", 2),
            ("Europe/Berlin", "2026-10-25T01:00:00", 1),
            ("Pacific Standard Time", "2026-03-08T09:59:59", -8),
            ("Pacific Standard Time", "2026-03-08T10:00:00", -7),
            ("Pacific Standard Time", "2026-11-01T08:59:59", -7),
            ("Pacific Standard Time", "2026-11-01T09:00:00", -8),
            ("AUS Eastern Standard Time", "2026-01-01T00:00:00", 11),
            ("AUS Eastern Standard Time", "2026-07-01T00:00:00", 10),
            ("New Zealand Standard Time", "2026-09-26T14:00:00", 13),
            ("New Zealand Standard Time", "2026-09-26T13:59:59", 12),
            ("tokyo standard time", "2026-07-01T00:00:00", 9),
        ] {
            assert_eq!(hours(zone, utc), expect, "{zone} {utc}");
        }
        assert_eq!(find_zone("India Standard Time").unwrap().minutes, 330);
        assert_eq!(find_zone("Mars"), None);
    }
}
