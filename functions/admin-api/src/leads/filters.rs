//! Which leads a list, a search or an export is about.

use adrelay_core::ids::{AdObjectId, FormId, PageId, SourceId, TenantId};
use adrelay_core::leads::{LeadQuery, Status};
use adrelay_core::people::LinkHash;
use adrelay_lambda::problem::Problem;
use serde_json::Value;
use time::format_description::well_known::{Iso8601, Rfc3339};
use time::{Date, OffsetDateTime};

use super::read::{MAX_WHO, STATUSES};
use crate::fields::{Fields, Wrong, invalid_field};
use crate::query::Query;
use crate::rules;

/// Seconds of a day.
const DAY_S: i64 = 86_400;

/// What leads must meet, all of it.
#[derive(Debug, Default)]
pub(super) struct Filters {
    status: Option<Status>,
    pub(super) form: Option<FormId>,
    page: Option<PageId>,
    campaign: Option<AdObjectId>,
    ad: Option<AdObjectId>,
    source: Option<SourceId>,
    assignee: Option<String>,
    from_s: Option<i64>,
    until_s: Option<i64>,
    test: bool,
}

impl Filters {
    /// Takes filters out of a query.
    ///
    /// # Errors
    /// 422 where one can't be read.
    pub(super) fn take(query: &mut Query) -> Result<Self, Problem> {
        Ok(Self {
            status: parameter(query, "status", rules::word(STATUSES))?,
            form: query.id("form_id")?,
            page: query.id("page_id")?,
            campaign: query.id("campaign_id")?,
            ad: query.id("ad_id")?,
            source: query.id("source_id")?,
            assignee: parameter(query, "assignee", rules::text(MAX_WHO))?,
            from_s: parameter(query, "from", from)?,
            until_s: parameter(query, "to", until)?,
            test: parameter(query, "test", flag)?.unwrap_or(false),
        })
    }

    /// Reads the same filters from a body.
    pub(super) fn read(fields: &mut Fields) -> Self {
        Self {
            status: fields.optional("status", rules::word(STATUSES)),
            form: fields.optional("form_id", rules::id),
            page: fields.optional("page_id", rules::id),
            campaign: fields.optional("campaign_id", rules::id),
            ad: fields.optional("ad_id", rules::id),
            source: fields.optional("source_id", rules::id),
            assignee: fields.optional("assignee", rules::text(MAX_WHO)),
            from_s: fields.optional("from", from),
            until_s: fields.optional("to", until),
            test: fields.optional("test", rules::boolean).unwrap_or(false),
        }
    }

    /// The store's query.
    pub(super) fn query(
        self,
        tenant: TenantId,
        text: Option<LinkHash>,
        limit: usize,
        cursor: Option<String>,
    ) -> LeadQuery {
        let Self { status, form, page, campaign, ad, source, assignee, from_s, until_s, test } = self;
        LeadQuery {
            tenant,
            test,
            status,
            page,
            form,
            campaign,
            ad,
            source,
            assignee,
            text,
            from_s,
            until_s,
            limit,
            cursor,
        }
    }
}

/// Takes a parameter out of a query and reads it by the rule that bodies are read by.
fn parameter<T>(
    query: &mut Query,
    name: &str,
    rule: impl FnOnce(&Value) -> Result<T, Wrong>,
) -> Result<Option<T>, Problem> {
    let Some(text) = query.text(name)? else { return Ok(None) };
    match rule(&Value::String(text)) {
        Ok(read) => Ok(Some(read)),
        Err(Wrong { code, message }) => Err(invalid_field(name, code, message)),
    }
}

fn flag(value: &Value) -> Result<bool, Wrong> {
    match value.as_str() {
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        _ => Err(Wrong::new("invalid", "must be true or false")),
    }
}

/// The first unix second of a day, or an instant.
fn from(value: &Value) -> Result<i64, Wrong> {
    moment(value, 0)
}

/// The first unix second after a day, or an instant.
fn until(value: &Value) -> Result<i64, Wrong> {
    moment(value, DAY_S)
}

fn moment(value: &Value, after_day_s: i64) -> Result<i64, Wrong> {
    let text = value.as_str().ok_or_else(|| Wrong::new("wrong_type", "must be a string"))?;
    let dashed = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if dashed && let Ok(day) = Date::parse(text, &Iso8601::DATE) {
        return Ok(day.midnight().assume_utc().unix_timestamp() + after_day_s);
    }
    let instant = OffsetDateTime::parse(text, &Rfc3339);
    let wrong = || Wrong::new("invalid", "must be a day such as 2026-11-21, or an instant by RFC 3339");
    instant.map(OffsetDateTime::unix_timestamp).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_day_counts_as_a_whole_and_an_instant_as_itself() {
        let midnight = 1_795_219_200;
        assert_eq!(from(&json!("2026-11-21")), Ok(midnight));
        assert_eq!(until(&json!("2026-11-21")), Ok(midnight + DAY_S));
        for same in ["2026-11-21T01:00:00Z", "2026-11-21T02:00:00+01:00"] {
            assert_eq!(from(&json!(same)), Ok(midnight + 3_600));
            assert_eq!(until(&json!(same)), Ok(midnight + 3_600));
        }
        for bad in ["2026-02-29", "20261121", "yesterday", "2026-11-21T01:00:00", ""] {
            assert_eq!(from(&json!(bad)).unwrap_err().code, "invalid", "{bad}");
        }
        assert_eq!(from(&json!(7)).unwrap_err().code, "wrong_type");
    }
}
