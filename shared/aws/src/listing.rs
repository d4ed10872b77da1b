//! Receipts as admin-api reads them: by event id, and by source and day.

use std::collections::HashMap;

use adrelay_core::ids::{EventId, EventName, MessageId, PixelId, SourceId, TenantId};
use adrelay_core::message::Held;
use adrelay_core::ports::StoreError;
use adrelay_core::ports::receipts::{DayCounts, DayQuery, DaySummary, Page, ReceiptReader};
use adrelay_core::receipt::{Receipt, Status, Trust};
use adrelay_core::time::UnixMillis;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::events::DynamoEvents;
use crate::index::{Line, day_pk};
use crate::item::{Item, number, optional_number, optional_text, s, store_error, text};
use crate::receipts::count;

/// Receipts of one event id that are shown.
const RECEIPTS_PER_EVENT: i32 = 100;

/// Pages of the index, ≤ 1 MB each, that one count reads.
const COUNT_PAGES: usize = 5;

/// Lines that one step of a list reads, and steps that one list takes at most.
const LINES_PER_STEP: i32 = 20;
const STEPS_PER_LIST: usize = 50;

const ALL: &str = "pk, sk, #status, message, #source, reason, code, subcode, fbtrace_id, attempts, copies, event_time, queued_at, updated_at, next_try_at, user_data_keys, held_since, keys_before";

/// Receipts that are looked at together.
const LOOKS_PER_READ: usize = 100;

/// Receipts that one list looks at, at most: most of them may have another status by now.
const LOOKS_PER_LIST: usize = 2_000;

/// Where a list goes on: within the line with this sort key, after this many of its events.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    line: String,
    done: usize,
}

impl ReceiptReader for DynamoEvents {
    async fn by_event_id(&self, tenant: &TenantId, event_id: &EventId) -> Result<Vec<Receipt>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(format!("T#{tenant}#E#{event_id}")))
            .limit(RECEIPTS_PER_EVENT);
        let found = query.send().await.map_err(|error| store_error(&error))?;
        found.items.unwrap_or_default().iter().map(receipt).collect()
    }

    async fn by_day(&self, query: &DayQuery) -> Result<Page<Receipt>, StoreError> {
        let mut found = Found { receipts: Vec::new(), looks: 0, limit: query.limit };
        let mut cursor = query.cursor.as_deref().map(|text| parse_cursor(text, query)).transpose()?;
        for _ in 0..STEPS_PER_LIST {
            let lines = self.lines(query, cursor.as_ref()).await?;
            let Some(last) = lines.last().map(|line| line.sk.clone()) else {
                return Ok(Page { items: found.receipts, next_cursor: None });
            };
            for line in lines {
                let done = cursor.as_ref().filter(|c| c.line == line.sk).map_or(0, |c| c.done);
                if let Some(stopped) = self.walk(query, &line, done, &mut found).await? {
                    let next_cursor = Some(write_cursor(&Cursor { line: line.sk, done: stopped })?);
                    return Ok(Page { items: found.receipts, next_cursor });
                }
            }
            cursor = Some(Cursor { line: last, done: usize::MAX });
        }
        let next_cursor = cursor.as_ref().map(write_cursor).transpose()?;
        Ok(Page { items: found.receipts, next_cursor })
    }

    async fn day_counts(
        &self,
        tenant: &TenantId,
        source: &SourceId,
        day: &str,
    ) -> Result<DayCounts, StoreError> {
        let mut counts = DayCounts::default();
        let mut start: Option<Item> = None;
        for _ in 0..COUNT_PAGES {
            let query = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", s(day_pk(tenant, source, day)))
                .set_exclusive_start_key(start.take());
            let found = query.send().await.map_err(|error| store_error(&error))?;
            for item in found.items.unwrap_or_default() {
                let line = Line::read(&item)?;
                for (name, ids) in line.events {
                    let by_status: &mut HashMap<Status, u64> = counts.by_name.entry(name).or_default();
                    *by_status.entry(line.status).or_default() += ids.len() as u64;
                }
            }
            start = found.last_evaluated_key;
            if start.is_none() {
                return Ok(counts);
            }
        }
        counts.truncated = true;
        Ok(counts)
    }

    async fn day_summary(
        &self,
        tenant: &TenantId,
        source: &SourceId,
        day: &str,
        pages_max: usize,
    ) -> Result<DaySummary, StoreError> {
        self.add_up(tenant, source, day, pages_max).await
    }
}

/// What a list has found so far.
struct Found {
    receipts: Vec<Receipt>,
    looks: usize,
    limit: usize,
}

impl DynamoEvents {
    /// Adds a line's receipts from the one at `done` on. Gives the place where the page was full, if it was.
    async fn walk(
        &self,
        query: &DayQuery,
        line: &Line,
        done: usize,
        found: &mut Found,
    ) -> Result<Option<usize>, StoreError> {
        let keys = line.keys(&query.tenant);
        let mut at = done.min(keys.len());
        while at < keys.len() {
            if found.looks >= LOOKS_PER_LIST {
                return Ok(Some(at));
            }
            let part = &keys[at..keys.len().min(at + LOOKS_PER_READ)];
            found.looks += part.len();
            let stored = self.receipts_of(part, ALL).await?;
            for key in part {
                if found.receipts.len() == found.limit {
                    return Ok(Some(at));
                }
                at += 1;
                let shown = stored.get(key).map(receipt).transpose()?;
                // Each receipt is shown by the one line that tells its present status.
                found.receipts.extend(shown.filter(|r| r.status == line.status && r.updated_at == line.at));
            }
        }
        Ok(None)
    }

    /// The next lines of a list, newest first within a status; the cursor's own line first, where it is not done.
    async fn lines(&self, query: &DayQuery, cursor: Option<&Cursor>) -> Result<Vec<Line>, StoreError> {
        let (from, to) = bounds(query);
        let to = cursor.map_or(to, |cursor| cursor.line.clone());
        let request = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .scan_index_forward(false)
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
            .expression_attribute_values(":pk", s(day_pk(&query.tenant, &query.source, &query.day)))
            .expression_attribute_values(":from", s(from))
            .expression_attribute_values(":to", s(to))
            .limit(LINES_PER_STEP);
        let found = request.send().await.map_err(|error| store_error(&error))?;
        let lines = found.items.unwrap_or_default();
        let lines: Vec<Line> = lines.iter().map(Line::read).collect::<Result<_, _>>()?;
        let finished = |line: &Line| cursor.is_some_and(|c| c.line == line.sk && c.done == usize::MAX);
        Ok(lines.into_iter().filter(|line| !finished(line)).collect())
    }
}

fn write_cursor(cursor: &Cursor) -> Result<String, StoreError> {
    serde_json::to_vec(cursor).map(|json| URL_SAFE_NO_PAD.encode(json)).map_err(crate::item::corrupt)
}

/// Sort keys of the lines that a list reads.
fn bounds(query: &DayQuery) -> (String, String) {
    match query.status {
        Some(status) => (format!("{}#", status.as_str()), format!("{}$", status.as_str())),
        None => ("!".to_owned(), "~".to_owned()),
    }
}

/// A cursor that nobody of us wrote, or that belongs to a list of another status, is a conflict with what the caller
/// asks for. It can't lead out of the tenant, source and day: those come from the query.
fn parse_cursor(text: &str, query: &DayQuery) -> Result<Cursor, StoreError> {
    let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| StoreError::Conflict)?;
    let cursor: Cursor = serde_json::from_slice(&json).map_err(|_| StoreError::Conflict)?;
    let (from, to) = bounds(query);
    if (from..=to).contains(&cursor.line) { Ok(cursor) } else { Err(StoreError::Conflict) }
}

/// Names that an attribute lists; none where it is absent.
fn names(item: &Item, attribute: &str) -> Vec<Box<str>> {
    let list = optional_text(item, attribute).unwrap_or_default();
    list.split(',').filter(|name| !name.is_empty()).map(Into::into).collect()
}

fn receipt(item: &Item) -> Result<Receipt, StoreError> {
    let malformed = |what: &str| StoreError::Corrupt(what.to_owned());
    let event_id = text(item, "pk")?.splitn(4, '#').nth(3).ok_or_else(|| malformed("pk"))?;
    let mut sk = text(item, "sk")?.splitn(3, '#');
    let (Some(trust), Some(pixel), Some(name)) = (sk.next(), sk.next(), sk.next()) else {
        return Err(malformed("sk"));
    };
    let held = optional_number(item, "held_since");
    Ok(Receipt {
        event_id: EventId::parse(event_id).map_err(|_| malformed("event id"))?,
        event_name: EventName::parse(name).map_err(|_| malformed("event name"))?,
        pixel_id: PixelId::parse(pixel).map_err(|_| malformed("pixel"))?,
        trust: if trust == "p" { Trust::Public } else { Trust::Server },
        source_id: SourceId::parse(text(item, "source")?).map_err(|_| malformed("source"))?,
        status: Status::parse(text(item, "status")?).ok_or_else(|| malformed("status"))?,
        reason: optional_text(item, "reason").map(str::to_owned),
        code: optional_number(item, "code"),
        subcode: optional_number(item, "subcode"),
        fbtrace_id: optional_text(item, "fbtrace_id").map(str::to_owned),
        attempts: count(item, "attempts"),
        repeats: count(item, "copies").saturating_sub(1),
        event_time: number(item, "event_time")?,
        queued_at: UnixMillis(number(item, "queued_at")?),
        updated_at: UnixMillis(number(item, "updated_at")?),
        next_try_at: optional_number(item, "next_try_at").map(UnixMillis),
        user_data_keys: names(item, "user_data_keys"),
        held: held.map(|since| Held { since: UnixMillis(since), keys_before: names(item, "keys_before") }),
        message: optional_text(item, "message").and_then(|text| MessageId::parse(text).ok()),
    })
}
