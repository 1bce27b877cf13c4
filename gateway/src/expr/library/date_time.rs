//! `DateTime`, `DateTimeOffset`, `TimeSpan`. The present is the request's clock.

use super::{Call, Entry, TypeDef};
use crate::expr::Culture;
use crate::expr::dates::{
    DAY, DateKind, DateTime, DateTimeOffset, MAX_TICKS, SECOND, TimeSpan, UNIX_EPOCH,
    days_in_month, is_leap, parse_date, parse_exact, parse_span, ticks_of,
};
use crate::expr::eval::{bad_date, change_type, compare_values, date_range};
use crate::expr::exception::Exception;
use crate::expr::types::Type;
use crate::expr::value::Value;

pub(super) const TYPES: &[TypeDef] = &[
    TypeDef::new("System", "DateTime").members(&[
        Entry("static DateTime UtcNow", |c| Ok(date(now(c), DateKind::Utc))),
        Entry("static DateTime Now", |c| Ok(date(now(c), DateKind::Local))),
        Entry("static DateTime Today", |c| {
            let ticks = now(c);
            Ok(date(ticks - ticks % DAY, DateKind::Local))
        }),
        Entry("static DateTime MinValue", |_| Ok(date(0, DateKind::Unspecified))),
        Entry("static DateTime MaxValue", |_| Ok(date(MAX_TICKS, DateKind::Unspecified))),
        Entry("static DateTime UnixEpoch", |_| Ok(date(UNIX_EPOCH, DateKind::Utc))),
        Entry("new(long ticks)", |c| {
            DateTime::new(c.long(0), DateKind::Unspecified).map(Value::DateTime).ok_or_else(bad_parts)
        }),
        Entry("new(int year, int month, int day)", |c| {
            from_parts((c.long(0), c.long(1), c.long(2)), (0, 0, 0), DateKind::Unspecified)
        }),
        Entry("new(int year, int month, int day, int hour, int minute, int second)", |c| {
            let (day, time) = ((c.long(0), c.long(1), c.long(2)), (c.long(3), c.long(4), c.long(5)));
            from_parts(day, time, DateKind::Unspecified)
        }),
        Entry(
            "new(int year, int month, int day, int hour, int minute, int second, DateTimeKind kind)",
            |c| {
                let day = (c.long(0), c.long(1), c.long(2));
                from_parts(day, (c.long(3), c.long(4), c.long(5)), kind(c.flag(6)))
            },
        ),
        Entry("static DateTime Parse(string s)", parse),
        Entry("static DateTime Parse(string s, CultureInfo provider)", parse),
        Entry("static DateTime ParseExact(string s, string format, CultureInfo provider)", |c| {
            let (text, format) = (c.str(0, "s")?, c.str(1, "format")?);
            parse_exact(&text, &format)
                .and_then(crate::expr::dates::Parsed::to_date_time)
                .map(Value::DateTime)
                .ok_or_else(bad_date)
        }),
        Entry("static bool TryParse(string s, out DateTime result)", |c| {
            let parsed = c
                .opt_str(0)
                .and_then(|text| parse_date(&text)?.to_date_time())
                .map(Value::DateTime);
            Ok(c.out(1, parsed, date(0, DateKind::Unspecified)))
        }),
        Entry("static DateTime SpecifyKind(DateTime value, DateTimeKind kind)", |c| {
            match c.arg(0) {
                Value::DateTime(value) => Ok(date(value.ticks, kind(c.flag(1)))),
                _ => Err(Exception::null_reference()),
            }
        }),
        Entry("static int DaysInMonth(int year, int month)", |c| {
            if (1..=9999).contains(&c.int(0)) && (1..=12).contains(&c.int(1)) {
                return Ok(int(days_in_month(c.long(0), c.long(1))));
            }
            Err(bad_parts())
        }),
        Entry("static bool IsLeapYear(int year)", |c| Ok(Value::Bool(is_leap(c.long(0))))),
        Entry("static int Compare(DateTime t1, DateTime t2)", |c| {
            Ok(Value::Int(compare_values(c.arg(0), c.arg(1)).map_or(0, |order| order as i32)))
        }),
        Entry("DateTime AddTicks(long value)", |c| add(c, c.long(0).into())),
        Entry("DateTime AddMilliseconds(double value)", |c| units(c, SECOND / 1000)),
        Entry("DateTime AddSeconds(double value)", |c| units(c, SECOND)),
        Entry("DateTime AddMinutes(double value)", |c| units(c, 60 * SECOND)),
        Entry("DateTime AddHours(double value)", |c| units(c, 3600 * SECOND)),
        Entry("DateTime AddDays(double value)", |c| units(c, DAY)),
        Entry("DateTime AddMonths(int months)", |c| {
            this(c)?.add_months(c.long(0)).map(Value::DateTime).ok_or_else(date_range)
        }),
        Entry("DateTime AddYears(int value)", |c| {
            this(c)?.add_months(c.long(0) * 12).map(Value::DateTime).ok_or_else(date_range)
        }),
        Entry("DateTime Add(TimeSpan value)", |c| add(c, span(c.arg(0)).into())),
        Entry("DateTime Subtract(TimeSpan value)", |c| add(c, -i128::from(span(c.arg(0))))),
        Entry("TimeSpan Subtract(DateTime value)", |c| match c.arg(0) {
            Value::DateTime(other) => Ok(Value::TimeSpan(TimeSpan(this(c)?.ticks - other.ticks))),
            _ => Err(Exception::null_reference()),
        }),
        Entry("DateTime ToUniversalTime()", |c| Ok(date(this(c)?.ticks, DateKind::Utc))),
        Entry("DateTime ToLocalTime()", |c| Ok(date(this(c)?.ticks, DateKind::Local))),
        Entry("DateTime Date", |c| {
            let value = this(c)?;
            Ok(date(value.ticks - value.ticks % DAY, value.kind))
        }),
        Entry("long Ticks", |c| Ok(Value::Long(this(c)?.ticks))),
        Entry("int Year", |c| Ok(int(this(c)?.fields().year))),
        Entry("int Month", |c| Ok(int(this(c)?.fields().month))),
        Entry("int Day", |c| Ok(int(this(c)?.fields().day))),
        Entry("int Hour", |c| Ok(int(this(c)?.fields().hour))),
        Entry("int Minute", |c| Ok(int(this(c)?.fields().minute))),
        Entry("int Second", |c| Ok(int(this(c)?.fields().second))),
        Entry("int Millisecond", |c| Ok(int(this(c)?.fields().fraction / 10_000))),
        Entry("int DayOfYear", |c| Ok(int(this(c)?.fields().day_of_year))),
        Entry("DayOfWeek DayOfWeek", |c| {
            let day = this(c)?.fields().day_of_week;
            Ok(super::enums::numbered("DayOfWeek", i32::try_from(day).unwrap_or(0)))
        }),
        Entry("DateTimeKind Kind", |c| {
            let number = match this(c)?.kind {
                DateKind::Unspecified => 0,
                DateKind::Utc => 1,
                DateKind::Local => 2,
            };
            Ok(super::enums::numbered("DateTimeKind", number))
        }),
        Entry("TimeSpan TimeOfDay", |c| Ok(Value::TimeSpan(TimeSpan(this(c)?.ticks % DAY)))),
        Entry("string ToString(string format)", super::primitives::formatted),
        Entry("string ToString(string format, CultureInfo provider)", super::primitives::formatted),
        Entry("int CompareTo(DateTime value)", super::primitives::compare_to),
    ]),
    TypeDef::new("System", "DateTimeOffset").members(&[
        Entry("static DateTimeOffset UtcNow", |c| Ok(offset(now(c), 0))),
        Entry("static DateTimeOffset Now", |c| Ok(offset(now(c), 0))),
        Entry("static DateTimeOffset MinValue", |_| Ok(offset(0, 0))),
        Entry("new(DateTime dateTime)", |c| match c.arg(0) {
            Value::DateTime(value) => Ok(offset(value.ticks, 0)),
            _ => Err(Exception::null_reference()),
        }),
        Entry("static DateTimeOffset Parse(string input)", |c| {
            let text = c.str(0, "input")?;
            change_type(&Value::String(text), &Type::named("DateTimeOffset"))
        }),
        Entry("static DateTimeOffset FromUnixTimeSeconds(long seconds)", |c| {
            from_unix(c.long(0), SECOND)
        }),
        Entry("static DateTimeOffset FromUnixTimeMilliseconds(long milliseconds)", |c| {
            from_unix(c.long(0), SECOND / 1000)
        }),
        Entry("long ToUnixTimeSeconds()", |c| {
            Ok(Value::Long((this_offset(c)?.utc_ticks() - UNIX_EPOCH).div_euclid(SECOND)))
        }),
        Entry("long ToUnixTimeMilliseconds()", |c| {
            Ok(Value::Long((this_offset(c)?.utc_ticks() - UNIX_EPOCH).div_euclid(SECOND / 1000)))
        }),
        Entry("DateTime UtcDateTime", |c| Ok(date(this_offset(c)?.utc_ticks(), DateKind::Utc))),
        Entry("DateTime DateTime", |c| Ok(date(this_offset(c)?.ticks, DateKind::Unspecified))),
        Entry("long Ticks", |c| Ok(Value::Long(this_offset(c)?.ticks))),
        Entry("DateTimeOffset AddSeconds(double seconds)", |c| units(c, SECOND)),
        Entry("DateTimeOffset AddMinutes(double minutes)", |c| units(c, 60 * SECOND)),
        Entry("DateTimeOffset AddHours(double hours)", |c| units(c, 3600 * SECOND)),
        Entry("DateTimeOffset AddDays(double days)", |c| units(c, DAY)),
        Entry("string ToString(string format)", super::primitives::formatted),
    ]),
    TypeDef::new("System", "TimeSpan").members(&[
        Entry("static TimeSpan Zero", |_| Ok(Value::TimeSpan(TimeSpan(0)))),
        Entry("static TimeSpan FromTicks(long value)", |c| Ok(Value::TimeSpan(TimeSpan(c.long(0))))),
        Entry("static TimeSpan FromMilliseconds(double value)", |c| from(c, SECOND / 1000)),
        Entry("static TimeSpan FromSeconds(double value)", |c| from(c, SECOND)),
        Entry("static TimeSpan FromMinutes(double value)", |c| from(c, 60 * SECOND)),
        Entry("static TimeSpan FromHours(double value)", |c| from(c, 3600 * SECOND)),
        Entry("static TimeSpan FromDays(double value)", |c| from(c, DAY)),
        Entry("static TimeSpan Parse(string s)", |c| {
            let text = c.str(0, "s")?;
            change_type(&Value::String(text), &Type::named("TimeSpan"))
        }),
        Entry("static bool TryParse(string s, out TimeSpan result)", |c| {
            let parsed = c.opt_str(0).and_then(|text| parse_span(&text)).map(Value::TimeSpan);
            Ok(c.out(1, parsed, Value::TimeSpan(TimeSpan(0))))
        }),
        Entry("new(int hours, int minutes, int seconds)", |c| {
            let seconds = c.long(0) * 3600 + c.long(1) * 60 + c.long(2);
            Ok(Value::TimeSpan(TimeSpan(seconds.saturating_mul(SECOND))))
        }),
        Entry("new(int days, int hours, int minutes, int seconds)", |c| {
            let seconds = c.long(0) * 86_400 + c.long(1) * 3600 + c.long(2) * 60 + c.long(3);
            Ok(Value::TimeSpan(TimeSpan(seconds.saturating_mul(SECOND))))
        }),
        Entry("double TotalMilliseconds", |c| total(c, SECOND / 1000)),
        Entry("double TotalSeconds", |c| total(c, SECOND)),
        Entry("double TotalMinutes", |c| total(c, 60 * SECOND)),
        Entry("double TotalHours", |c| total(c, 3600 * SECOND)),
        Entry("double TotalDays", |c| total(c, DAY)),
        Entry("int Milliseconds", |c| Ok(int(span(&c.this) / 10_000 % 1000))),
        Entry("int Seconds", |c| Ok(int(span(&c.this) / SECOND % 60))),
        Entry("int Minutes", |c| Ok(int(span(&c.this) / (60 * SECOND) % 60))),
        Entry("int Hours", |c| Ok(int(span(&c.this) / (3600 * SECOND) % 24))),
        Entry("int Days", |c| Ok(int(span(&c.this) / DAY))),
        Entry("long Ticks", |c| Ok(Value::Long(span(&c.this)))),
        Entry("TimeSpan Add(TimeSpan ts)", |c| {
            let ticks = span(&c.this).saturating_add(span(c.arg(0)));
            Ok(Value::TimeSpan(TimeSpan(ticks)))
        }),
        Entry("TimeSpan Subtract(TimeSpan ts)", |c| {
            let ticks = span(&c.this).saturating_sub(span(c.arg(0)));
            Ok(Value::TimeSpan(TimeSpan(ticks)))
        }),
        Entry("TimeSpan Negate()", |c| Ok(Value::TimeSpan(TimeSpan(span(&c.this).wrapping_neg())))),
        Entry("TimeSpan Duration()", |c| Ok(Value::TimeSpan(TimeSpan(span(&c.this).wrapping_abs())))),
        Entry("string ToString(string format)", super::primitives::formatted),
        Entry("int CompareTo(TimeSpan value)", super::primitives::compare_to),
    ]),
    TypeDef::new("System.Globalization", "CultureInfo").members(&[
        Entry("static CultureInfo InvariantCulture", |_| Ok(Value::from("Invariant"))),
        Entry("static CultureInfo CurrentCulture", |c| {
            Ok(Value::from(match c.vm.style.culture {
                Culture::Invariant => "Invariant",
                Culture::EnUs => super::primitives::AMERICAN,
            }))
        }),
    ]),
];

fn now(c: &Call<'_, '_>) -> i64 {
    ticks_at(c.vm.context.clock.now().since_epoch())
}

/// Ticks of a time since the Unix epoch.
pub(super) fn ticks_at(since_epoch: std::time::Duration) -> i64 {
    let ticks = i64::try_from(since_epoch.as_nanos() / 100).unwrap_or(MAX_TICKS);
    UNIX_EPOCH.saturating_add(ticks).min(MAX_TICKS)
}

fn date(ticks: i64, kind: DateKind) -> Value {
    Value::DateTime(DateTime { ticks, kind })
}

fn offset(ticks: i64, offset_minutes: i32) -> Value {
    Value::DateTimeOffset(DateTimeOffset { ticks, offset_minutes })
}

fn int(n: i64) -> Value {
    Value::Int(i32::try_from(n).unwrap_or(i32::MAX))
}

fn kind(number: i32) -> DateKind {
    match number {
        1 => DateKind::Utc,
        2 => DateKind::Local,
        _ => DateKind::Unspecified,
    }
}

fn bad_parts() -> Exception {
    Exception::new(
        "System.ArgumentOutOfRangeException",
        "Year, Month, and Day parameters describe an un-representable DateTime.",
    )
}

fn from_parts(
    day: (i64, i64, i64),
    time: (i64, i64, i64),
    kind: DateKind,
) -> Result<Value, Exception> {
    ticks_of(day, time, 0).map(|ticks| date(ticks, kind)).ok_or_else(bad_parts)
}

fn this(c: &Call<'_, '_>) -> Result<DateTime, Exception> {
    match c.this {
        Value::DateTime(date) => Ok(date),
        _ => Err(Exception::invalid_cast(&c.this.type_name(), "System.DateTime")),
    }
}

fn this_offset(c: &Call<'_, '_>) -> Result<DateTimeOffset, Exception> {
    match c.this {
        Value::DateTimeOffset(date) => Ok(date),
        _ => Err(Exception::invalid_cast(&c.this.type_name(), "System.DateTimeOffset")),
    }
}

fn span(value: &Value) -> i64 {
    match value {
        Value::TimeSpan(span) => span.0,
        _ => 0,
    }
}

fn parse(c: &mut Call<'_, '_>) -> Result<Value, Exception> {
    let text = c.str(0, "s")?;
    parse_date(&text)
        .and_then(crate::expr::dates::Parsed::to_date_time)
        .map(Value::DateTime)
        .ok_or_else(bad_date)
}

fn add(c: &mut Call<'_, '_>, ticks: i128) -> Result<Value, Exception> {
    let ticks = i64::try_from(ticks).map_err(|_| date_range())?;
    match c.this {
        Value::DateTimeOffset(own) => DateTime { ticks: own.ticks, kind: DateKind::Utc }
            .add(ticks)
            .map(|moved| offset(moved.ticks, own.offset_minutes))
            .ok_or_else(date_range),
        _ => this(c)?.add(ticks).map(Value::DateTime).ok_or_else(date_range),
    }
}

fn units(c: &mut Call<'_, '_>, unit: i64) -> Result<Value, Exception> {
    let span = TimeSpan::from_units(c.double(0), unit).ok_or_else(date_range)?;
    add(c, span.0.into())
}

fn from(c: &mut Call<'_, '_>, unit: i64) -> Result<Value, Exception> {
    TimeSpan::from_units(c.double(0), unit)
        .map(Value::TimeSpan)
        .ok_or_else(|| Exception::overflow("TimeSpan overflowed because the duration is too long."))
}

fn total(c: &mut Call<'_, '_>, unit: i64) -> Result<Value, Exception> {
    Ok(Value::Double(TimeSpan(span(&c.this)).total(unit)))
}

fn from_unix(number: i64, unit: i64) -> Result<Value, Exception> {
    let ticks = number.checked_mul(unit).and_then(|ticks| ticks.checked_add(UNIX_EPOCH));
    match ticks.filter(|ticks| (0..=MAX_TICKS).contains(ticks)) {
        Some(ticks) => Ok(offset(ticks, 0)),
        None => Err(bad_parts()),
    }
}
