//! `TimeZoneInfo`. The platform's own zone is UTC.

use super::objects::{Object, ZoneHandle};
use super::{Call, Entry, TypeDef};
use crate::expr::dates::{
    DateKind, DateTime, DateTimeOffset, SECOND, TimeSpan, Zone, find_zone, utc_zone,
};
use crate::expr::eval::date_range;
use crate::expr::exception::Exception;
use crate::expr::value::Value;

pub(super) const TYPES: &[TypeDef] = &[TypeDef::new("System", "TimeZoneInfo").members(&[
    Entry("static TimeZoneInfo Utc", |_| Ok(zone_value(utc_zone()))),
    Entry("static TimeZoneInfo Local", |_| Ok(zone_value(utc_zone()))),
    Entry("static TimeZoneInfo FindSystemTimeZoneById(string id)", |c| {
        let id = c.str(0, "id")?;
        named(&id).map(zone_value)
    }),
    Entry("static DateTime ConvertTimeFromUtc(DateTime dateTime, TimeZoneInfo destinationTimeZone)", |c| {
        let date = date(c, 0)?;
        if date.kind == DateKind::Local {
            return Err(wrong_kind());
        }
        to_zone(date.ticks, zone(c, 1)?)
    }),
    Entry("static DateTime ConvertTimeToUtc(DateTime dateTime)", |c| {
        let date = date(c, 0)?;
        Ok(Value::DateTime(DateTime { kind: DateKind::Utc, ..date }))
    }),
    Entry("static DateTime ConvertTimeToUtc(DateTime dateTime, TimeZoneInfo sourceTimeZone)", |c| {
        let utc = utc_of(date(c, 0)?, zone(c, 1)?)?;
        DateTime::new(utc, DateKind::Utc).map(Value::DateTime).ok_or_else(date_range)
    }),
    Entry("static DateTime ConvertTime(DateTime dateTime, TimeZoneInfo destinationTimeZone)", |c| {
        to_zone(date(c, 0)?.ticks, zone(c, 1)?)
    }),
    Entry(
        "static DateTime ConvertTime(DateTime dateTime, TimeZoneInfo sourceTimeZone, TimeZoneInfo destinationTimeZone)",
        |c| to_zone(utc_of(date(c, 0)?, zone(c, 1)?)?, zone(c, 2)?),
    ),
    Entry(
        "static DateTimeOffset ConvertTime(DateTimeOffset dateTimeOffset, TimeZoneInfo destinationTimeZone)",
        |c| {
            let Value::DateTimeOffset(date) = c.arg(0) else {
                return Err(Exception::null_reference());
            };
            offset_in(date.utc_ticks(), zone(c, 1)?)
        },
    ),
    Entry(
        "static DateTime ConvertTimeBySystemTimeZoneId(DateTime dateTime, string destinationTimeZoneId)",
        |c| {
            let id = c.str(1, "destinationTimeZoneId")?;
            to_zone(date(c, 0)?.ticks, named(&id)?)
        },
    ),
    Entry(
        "static DateTime ConvertTimeBySystemTimeZoneId(DateTime dateTime, string sourceTimeZoneId, string destinationTimeZoneId)",
        |c| {
            let (from, to) = (c.str(1, "sourceTimeZoneId")?, c.str(2, "destinationTimeZoneId")?);
            to_zone(utc_of(date(c, 0)?, named(&from)?)?, named(&to)?)
        },
    ),
    Entry("string Id", |c| Ok(Value::from(this(c)?.id()))),
    Entry("string StandardName", |c| Ok(Value::from(this(c)?.id()))),
    Entry("string DisplayName", |c| Ok(Value::from(display_name(this(c)?)))),
    Entry("TimeSpan BaseUtcOffset", |c| {
        Ok(Value::TimeSpan(TimeSpan(i64::from(this(c)?.minutes) * 60 * SECOND)))
    }),
    Entry("bool SupportsDaylightSavingTime", |c| Ok(Value::Bool(this(c)?.has_summer()))),
    Entry("TimeSpan GetUtcOffset(DateTime dateTime)", |c| {
        Ok(Value::TimeSpan(TimeSpan(offset(date(c, 0)?, this(c)?))))
    }),
    Entry("bool IsDaylightSavingTime(DateTime dateTime)", |c| {
        let zone = this(c)?;
        let standard = i64::from(zone.minutes) * 60 * SECOND;
        Ok(Value::Bool(offset(date(c, 0)?, zone) != standard))
    }),
])];

/// `(UTC+01:00) W. Europe Standard Time`; .NET lists cities there.
pub(crate) fn display_name(zone: &Zone) -> String {
    if zone.minutes == 0 && !zone.has_summer() {
        return format!("(UTC) {}", zone.id());
    }
    let (sign, minutes) = (if zone.minutes < 0 { '-' } else { '+' }, zone.minutes.abs());
    format!("(UTC{sign}{:02}:{:02}) {}", minutes / 60, minutes % 60, zone.id())
}

fn zone_value(zone: &'static Zone) -> Value {
    Value::Object(Object::Zone(ZoneHandle(zone)))
}

fn named(id: &str) -> Result<&'static Zone, Exception> {
    find_zone(id).ok_or_else(|| {
        let shown: String = id.chars().take(80).collect();
        Exception::new(
            "System.TimeZoneNotFoundException",
            format!("The time zone ID '{shown}' was not found on the local computer."),
        )
    })
}

fn wrong_kind() -> Exception {
    Exception::argument(
        "The conversion could not be completed because the supplied DateTime did not have the Kind property set correctly.",
    )
}

fn this(c: &Call<'_, '_>) -> Result<&'static Zone, Exception> {
    match &c.this {
        Value::Object(Object::Zone(zone)) => Ok(zone.0),
        _ => Err(Exception::null_reference()),
    }
}

fn zone(c: &Call<'_, '_>, index: usize) -> Result<&'static Zone, Exception> {
    match c.arg(index) {
        Value::Object(Object::Zone(zone)) => Ok(zone.0),
        _ => Err(Exception::argument_null("destinationTimeZone")),
    }
}

fn date(c: &Call<'_, '_>, index: usize) -> Result<DateTime, Exception> {
    match c.arg(index) {
        Value::DateTime(date) => Ok(*date),
        _ => Err(Exception::null_reference()),
    }
}

/// A clock time of a zone as UTC; a date that says it is UTC is.
fn utc_of(date: DateTime, zone: &Zone) -> Result<i64, Exception> {
    match date.kind {
        DateKind::Unspecified => Ok(date.ticks - zone.offset_of_local(date.ticks)),
        // Local is UTC here, too.
        _ if zone.minutes == 0 && !zone.has_summer() => Ok(date.ticks),
        _ => Err(wrong_kind()),
    }
}

fn offset(date: DateTime, zone: &Zone) -> i64 {
    match date.kind {
        DateKind::Unspecified => zone.offset_of_local(date.ticks),
        _ => zone.offset_at(date.ticks),
    }
}

fn to_zone(utc: i64, zone: &Zone) -> Result<Value, Exception> {
    let kind = if std::ptr::eq(zone, utc_zone()) { DateKind::Utc } else { DateKind::Unspecified };
    DateTime::new(utc.saturating_add(zone.offset_at(utc)), kind)
        .map(Value::DateTime)
        .ok_or_else(date_range)
}

fn offset_in(utc: i64, zone: &Zone) -> Result<Value, Exception> {
    let offset = zone.offset_at(utc);
    let local = DateTime::new(utc.saturating_add(offset), DateKind::Unspecified);
    let offset_minutes = i32::try_from(offset / (60 * SECOND)).unwrap_or(0);
    local
        .map(|local| Value::DateTimeOffset(DateTimeOffset { ticks: local.ticks, offset_minutes }))
        .ok_or_else(date_range)
}
