//! UTC days, as receipts are listed by.

use adrelay_lambda::problem::Problem;
use time::Date;
use time::format_description::well_known::Iso8601;

use crate::fields::invalid_field;
use crate::query::Query;

/// Takes `day` out of a query: `2026-11-21`.
///
/// # Errors
/// 422 where it is no day of the calendar.
pub(crate) fn take(query: &mut Query) -> Result<Option<String>, Problem> {
    let Some(day) = query.text("day")? else { return Ok(None) };
    let dashed = day.len() == 10 && day.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if dashed && Date::parse(&day, &Iso8601::DATE).is_ok() {
        Ok(Some(day))
    } else {
        Err(invalid_field("day", "invalid", "must be a day such as 2026-11-21"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_one_of_the_calendar() {
        let day = |text: &str| take(&mut Query::parse(&format!("day={text}")).unwrap()).ok().flatten();
        assert_eq!(day("2028-02-29").as_deref(), Some("2028-02-29"));
        for bad in
            ["2026-02-29", "2026-13-01", "20261121", "2026-325", "2026-W47-6", "today", "2026-11-21T00"]
        {
            assert_eq!(day(bad), None, "{bad}");
        }
    }
}
