//! What became of each product's events, day by day, added up from the lines that dispatch writes per batch.

use std::collections::BTreeMap;

use adrelay_core::config::Source;
use adrelay_core::ids::{SourceId, TenantId};
use adrelay_core::ports::admin::MAX_PAGE;
use adrelay_core::ports::receipts::{DaySummary, ReceiptReader as _};
use adrelay_core::receipt::Status;
use adrelay_lambda::problem::Problem;
use futures_util::stream::{self, StreamExt as _};
use serde::Serialize;
use time::{Date, Duration};

use crate::answer::{Answer, ok, store};
use crate::api::{AdminApi, Call};
use crate::day;
use crate::fields::invalid_field;
use crate::ports::Ports;
use crate::query::Query;
use crate::sources;

/// Days of one summary.
const MAX_DAYS: i64 = 31;

/// Days of a summary that names none.
const DEFAULT_DAYS: i64 = 7;

/// Pages of the table that the tenant's sources are read from.
const MAX_SOURCE_PAGES: usize = 5;

/// Days of sources that one summary looks at.
const MAX_LOOKS: usize = 1_000;

/// Pages of lines, ≤ 1 MB each, that a day of a source may have, and that one summary reads.
const MAX_PAGES_PER_LOOK: usize = 40;
const MAX_PAGES_READ: usize = 400;

/// Days of sources that are read at the same time.
const CONCURRENT_LOOKS: usize = 8;

/// What became of products' events.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = ProductsSummary))]
pub(crate) struct SummaryView {
    /// By day, then source; a day without events has no row.
    days: Vec<DayView>,
    /// Whether there was more than one summary reads: rows are missing then, or too low.
    truncated: bool,
}

/// What became of a product's events on a day.
#[derive(Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = ProductDay))]
struct DayView {
    /// The UTC day on which it was decided.
    #[cfg_attr(test, schema(format = Date))]
    day: String,
    /// The product.
    source_id: String,
    /// Events that came to an end: the sum of those below.
    events: u64,
    /// Those that Meta took.
    forwarded: u64,
    /// Those that Meta refused for good.
    rejected: u64,
    /// Those that were not to be sent.
    skipped: u64,
    /// Those that grew too old.
    expired: u64,
    /// Those whose person was erased.
    erased: u64,
    /// How often events were noted as waiting; absent where none were.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_lines: Option<u64>,
    /// How many of those forwarded had each key of user_data.
    match_keys: BTreeMap<String, CoverageView>,
}

/// How many events had a key.
#[derive(Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = KeyCoverage))]
struct CoverageView {
    /// Events with the key.
    events: u64,
    /// In percent of the forwarded ones, to one decimal.
    #[cfg_attr(test, schema(value_type = f64))]
    percent: Tenths,
}

/// Tenths of a unit, shown as a decimal.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Tenths(u32);

impl Serialize for Tenths {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(f64::from(self.0) / 10.0)
    }
}

impl CoverageView {
    fn new(events: u64, of: u64) -> Self {
        let tenths = (u128::from(events) * 1_000 + u128::from(of) / 2) / u128::from(of.max(1));
        Self { events, percent: Tenths(u32::try_from(tenths).unwrap_or(u32::MAX)) }
    }
}

impl DayView {
    /// `None` where nothing is known of the day.
    fn new(day: Date, source: &SourceId, summary: DaySummary) -> Option<Self> {
        let count = |status| summary.by_status.get(&status).copied().unwrap_or(0);
        let forwarded = count(Status::Sent);
        let [rejected, skipped, expired, erased] =
            [Status::Rejected, Status::Skipped, Status::Expired, Status::Erased].map(count);
        let events = forwarded + rejected + skipped + expired + erased;
        if events == 0 && summary.waiting_lines == 0 {
            return None;
        }
        let coverage = |(key, events)| (key, CoverageView::new(events, forwarded));
        Some(Self {
            day: day.to_string(),
            source_id: source.to_string(),
            events,
            forwarded,
            rejected,
            skipped,
            expired,
            erased,
            waiting_lines: (summary.waiting_lines > 0).then_some(summary.waiting_lines),
            match_keys: summary.sent_keys.into_iter().map(coverage).collect(),
        })
    }
}

/// Takes the days out of a query, the newest first.
fn days(query: &mut Query, today: Date) -> Result<Vec<Date>, Problem> {
    let from = day::take_date(query, "from")?;
    let to = day::take_date(query, "to")?.unwrap_or(today);
    let from = from.unwrap_or_else(|| to.saturating_sub(Duration::days(DEFAULT_DAYS - 1)));
    let count = (to - from).whole_days() + 1;
    if count < 1 {
        return Err(invalid_field("from", "invalid", "must not be after to"));
    }
    if count > MAX_DAYS {
        return Err(invalid_field("from", "too_many_days", format!("at most {MAX_DAYS} days")));
    }
    Ok((0..count).map(|back| to.saturating_sub(Duration::days(back))).collect())
}

impl<P: Ports> AdminApi<P> {
    pub(crate) async fn summarize_products(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let source: Option<SourceId> = call.query.id("source_id")?;
        let days = days(&mut call.query, day::of(self.now()))?;
        call.query.finish()?;
        let (sources, mut truncated) = match source {
            Some(id) => {
                self.get::<Source>(&tenant, &id, sources::UNKNOWN).await?;
                (vec![id], false)
            }
            None => self.source_ids(&tenant).await?,
        };
        truncated |= days.len() * sources.len() > MAX_LOOKS;
        let mut looks = Vec::new();
        // Newest days first, so that what is left out is the oldest.
        for day in days {
            looks.extend(sources.iter().map(|source| self.look(&tenant, day, source.clone())));
        }
        looks.truncate(MAX_LOOKS);
        let mut found = stream::iter(looks).buffered(CONCURRENT_LOOKS);
        let mut rows = Vec::new();
        let mut pages = 0;
        while let Some((day, source, summary)) = found.next().await.transpose()? {
            // A look costs a page at least, but those without lines cost next to nothing.
            pages += summary.pages - 1;
            truncated |= summary.truncated;
            rows.extend(DayView::new(day, &source, summary));
            if pages >= MAX_PAGES_READ {
                truncated = true;
                break;
            }
        }
        rows.sort_unstable();
        ok(&SummaryView { days: rows, truncated })
    }

    async fn look(
        &self,
        tenant: &TenantId,
        day: Date,
        source: SourceId,
    ) -> Result<(Date, SourceId, DaySummary), Problem> {
        let receipts = self.ports.receipts();
        let summary = receipts.day_summary(tenant, &source, &day.to_string(), MAX_PAGES_PER_LOOK).await;
        Ok((day, source, summary.map_err(store)?))
    }

    /// The tenant's sources, and whether there are more.
    async fn source_ids(&self, tenant: &TenantId) -> Result<(Vec<SourceId>, bool), Problem> {
        let mut ids: Vec<SourceId> = Vec::new();
        for _ in 0..MAX_SOURCE_PAGES {
            let page = self.list::<Source>(tenant, ids.last(), MAX_PAGE).await?;
            ids.extend(page.items.into_iter().map(|source| source.id));
            if page.next_cursor.is_none() {
                return Ok((ids, false));
            }
        }
        Ok((ids, true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days_of(query: &str) -> Result<Vec<String>, String> {
        let today = Date::from_calendar_date(2026, time::Month::March, 2).unwrap();
        let days = days(&mut Query::parse(query).unwrap(), today);
        days.map(|days| days.iter().map(ToString::to_string).collect()).map_err(|e| e.errors[0].code.clone())
    }

    #[test]
    fn days_default_to_the_last_seven_and_are_at_most_31() {
        let week = days_of("").unwrap();
        assert_eq!((week.len(), week[0].as_str(), week[6].as_str()), (7, "2026-03-02", "2026-02-24"));
        assert_eq!(days_of("to=2026-01-01").unwrap()[6], "2025-12-26");
        assert_eq!(days_of("from=2026-03-02").unwrap(), ["2026-03-02"]);
        assert_eq!(days_of("from=2026-01-31").unwrap().len(), 31);
        assert_eq!(days_of("from=2026-01-30"), Err("too_many_days".to_owned()));
        assert_eq!(days_of("from=2026-03-03"), Err("invalid".to_owned()));
        assert_eq!(days_of("from=9999-12-31&to=0001-01-01"), Err("invalid".to_owned()));
        assert_eq!(days_of("to=0001-01-01").map(|days| days.len()), Ok(7));
    }

    #[test]
    fn coverage_is_to_one_decimal() {
        let percent = |events, of| serde_json::to_string(&CoverageView::new(events, of).percent).unwrap();
        assert_eq!(percent(1, 3), "33.3");
        assert_eq!(percent(2, 3), "66.7");
        assert_eq!(percent(5, 5), "100.0");
        assert_eq!(percent(0, 0), "0.0");
    }
}
