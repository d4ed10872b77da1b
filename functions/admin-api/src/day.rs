//! UTC days, as receipts are listed by.

use adrelay_core::time::UnixMillis;
use adrelay_lambda::problem::Problem;
use time::format_description::well_known::Iso8601;
use time::{Date, OffsetDateTime};

use crate::fields::invalid_field;
use crate::query::Query;

/// Takes `day` out of a query: `2026-11-21`.
///
/// # Errors
/// 422 where it is no day of the calendar.
pub(crate) fn take(query: &mut Query) -> Result<Option<String>, Problem> {
    Ok(take_date(query, "day")?.map(|day| day.to_string()))
}

/// Takes a day out of a query.
///
/// # Errors
/// 422 where it is no day of the calendar.
pub(crate) fn take_date(query: &mut Query, name: &str) -> Result<Option<Date>, Problem> {
    let Some(day) = query.text(name)? else { return Ok(None) };
    let dashed = day.len() == 10 && day.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    match Date::parse(&day, &Iso8601::DATE) {
        Ok(day) if dashed => Ok(Some(day)),
        _ => Err(invalid_field(name, "invalid", "must be a day such as 2026-11-21")),
    }
}

/// The UTC day of an instant.
pub(crate) fn of(at: UnixMillis) -> Date {
    OffsetDateTime::from_unix_timestamp(at.secs()).unwrap_or(OffsetDateTime::UNIX_EPOCH).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_of_an_instant_is_the_one_that_receipts_are_listed_by() {
        for ms in [0, 1_790_000_000_000, 1_789_948_799_999, 1_789_948_800_000] {
            assert_eq!(of(UnixMillis(ms)).to_string(), UnixMillis(ms).utc_day());
        }
    }

    #[test]
    fn a_day_is_one_of_the_calendar() {
        let day = |text: &str| take(&mut Query::parse(&format!("day={text}")).unwrap()).ok().flatten();
        assert_eq!(day("2028-02-29").as_deref(), Some("2028-02-29"));
        assert_eq!(day("0001-01-01").as_deref(), Some("0001-01-01"));
        for bad in
            ["2026-02-29", "2026-13-01", "20261121", "2026-325", "2026-W47-6", "today", "2026-11-21T00"]
        {
            assert_eq!(day(bad), None, "{bad}");
        }
    }
}
