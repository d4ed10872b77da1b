//! How complete each of a form's days is, and by which way its leads came.

use adrelay_core::ids::FormId;
use adrelay_core::leads::FormDay;
use adrelay_core::ports::leads::FormStore as _;
use serde::Serialize;
use time::Duration;

use super::forms::UNKNOWN;
use crate::answer::{Answer, ok, store};
use crate::api::{AdminApi, Call};
use crate::day;
use crate::fields::invalid_field;
use crate::ports::Ports;

/// Days where the caller names none.
const DEFAULT_DAYS: i64 = 7;

/// Days of one answer.
const MAX_DAYS: i64 = 100;

/// How complete a form's days are (UTC, by when leads were submitted). Test leads don't count.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Completeness))]
pub(crate) struct CompletenessView {
    /// The form.
    form_id: String,
    /// The first day.
    #[cfg_attr(test, schema(format = Date))]
    from: String,
    /// The last day.
    #[cfg_attr(test, schema(format = Date))]
    to: String,
    /// Days with anything to tell.
    days: Vec<DayView>,
    /// All of them.
    totals: FiguresView,
}

/// A day of a form.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = CompletenessDay))]
struct DayView {
    /// The day.
    #[cfg_attr(test, schema(format = Date))]
    day: String,
    /// When Meta's list was last looked through for it; null where it was not yet.
    #[cfg_attr(test, schema(format = DateTime))]
    checked_at: Option<String>,
    /// Its figures.
    #[serde(flatten)]
    figures: FiguresView,
}

/// How many leads there are, and by which way they came.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = CompletenessFigures))]
struct FiguresView {
    /// Leads that Meta announced.
    by_webhook: u64,
    /// Leads that were found by looking through the form.
    by_poll: u64,
    /// Leads older than 2 hours that Meta listed at the last look; null where there was none.
    at_meta: Option<u64>,
    /// Those of them that are stored.
    stored: Option<u64>,
    /// `stored` ÷ `at_meta`, to 4 decimals; 1 where Meta listed none, null where there was no look.
    completeness: Option<f64>,
    /// The share of leads that came by webhook, to 4 decimals; null where there are none.
    webhook_share: Option<f64>,
}

impl FiguresView {
    fn new(by_webhook: u64, by_poll: u64, check: Option<(u64, u64)>) -> Self {
        let completeness = check.map(|(at_meta, stored)| share(stored, at_meta).unwrap_or(1.0));
        Self {
            by_webhook,
            by_poll,
            at_meta: check.map(|(at_meta, _)| at_meta),
            stored: check.map(|(_, stored)| stored),
            completeness,
            webhook_share: share(by_webhook, by_webhook + by_poll),
        }
    }
}

/// A share to 4 decimals, rounded down, so that 1 means all.
fn share(part: u64, whole: u64) -> Option<f64> {
    let tenthousandths = u128::from(part) * 10_000;
    let share = tenthousandths.checked_div(u128::from(whole))?;
    Some(f64::from(u32::try_from(share).unwrap_or(u32::MAX)) / 10_000.0)
}

fn looked(day: &FormDay) -> Option<(u64, u64)> {
    day.check.map(|check| (check.at_meta, check.stored))
}

fn totals(days: &[FormDay]) -> FiguresView {
    let sum = |of: fn(&FormDay) -> u64| days.iter().map(of).sum();
    let looks = days.iter().filter_map(looked);
    let look = looks.reduce(|(at_meta, stored), (more, more_stored)| (at_meta + more, stored + more_stored));
    FiguresView::new(sum(|day| day.by_webhook), sum(|day| day.by_poll), look)
}

impl<P: Ports> AdminApi<P> {
    pub(crate) async fn get_completeness(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let to = day::take_date(&mut call.query, "to")?.unwrap_or_else(|| day::of(self.now()));
        let from = match day::take_date(&mut call.query, "from")? {
            Some(from) => from,
            None => to.checked_sub(Duration::days(DEFAULT_DAYS - 1)).unwrap_or(to),
        };
        call.query.finish()?;
        if from > to || (to - from).whole_days() >= MAX_DAYS {
            let message = format!("at most {MAX_DAYS} days, none after `to`");
            return Err(invalid_field("from", "invalid", message));
        }
        let id: FormId = call.id(UNKNOWN)?;
        self.form(&tenant, &id).await?;
        let (from, to) = (from.to_string(), to.to_string());
        let days = self.ports.leads().days(&tenant, &id, &from, &to).await.map_err(store)?;
        let totals = totals(&days);
        let days = days.into_iter().map(|day| DayView {
            figures: FiguresView::new(day.by_webhook, day.by_poll, looked(&day)),
            checked_at: day.check.map(|check| check.checked_at.rfc3339()),
            day: day.day,
        });
        ok(&CompletenessView { form_id: id.to_string(), from, to, days: days.collect(), totals })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_lead_missing_never_shows_as_complete() {
        assert_eq!(share(0, 0), None);
        assert_eq!(share(99_999, 100_000), Some(0.9999));
        assert_eq!(share(2, 3), Some(0.6666));
        assert_eq!(share(5, 5), Some(1.0));
        let none_at_meta = FiguresView::new(0, 0, Some((0, 0)));
        assert_eq!((none_at_meta.completeness, none_at_meta.webhook_share), (Some(1.0), None));
        let not_looked = FiguresView::new(3, 1, None);
        assert_eq!((not_looked.completeness, not_looked.webhook_share), (None, Some(0.75)));
    }
}
