//! Receipts: what became of events.

use adrelay_core::config::{Scope, Source};
use adrelay_core::ids::{EventId, EventName, PixelId, SourceId};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::admin::Revised;
use adrelay_core::ports::receipts::{DayQuery, ReceiptReader as _};
use adrelay_core::receipt::{Receipt, Status, Trust};
use adrelay_core::time::UnixMillis;
use adrelay_lambda::problem::Problem;
use serde::Serialize;

use crate::answer::{Answer, List, ok, store};
use crate::api::{AdminApi, Call};
use crate::fields::invalid_field;
use crate::page::{Asked, bad_cursor};
use crate::ports::Ports;
use crate::{day, sources};

const UNKNOWN: &str = "event_unknown";

/// What became of an event at one pixel.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Receipt))]
pub(crate) struct ReceiptView {
    /// Its id.
    event_id: String,
    /// Its name.
    event_name: String,
    /// Where it went.
    pixel_id: String,
    /// Whether it came from a `server` or with a `public` key.
    #[cfg_attr(test, schema(pattern = "^(server|public)$"))]
    trust: &'static str,
    /// The source that posted it.
    source_id: String,
    /// `sent`, `rejected`, `expired`, `skipped`, `waiting` or `erased`.
    #[cfg_attr(test, schema(pattern = "^(sent|rejected|expired|skipped|waiting|erased)$"))]
    status: &'static str,
    /// Why, by a stable code.
    reason: Option<String>,
    /// Meta's error code.
    code: Option<i64>,
    /// Meta's error subcode.
    subcode: Option<i64>,
    /// Meta's trace of the call that decided.
    fbtrace_id: Option<String>,
    /// How often it had been sent anew when this was decided.
    attempts: u32,
    /// Copies of it that came after the first.
    repeats: u32,
    /// When the event happened, in unix seconds.
    event_time: i64,
    /// When it was queued first.
    #[cfg_attr(test, schema(format = DateTime))]
    queued_at: String,
    /// When its status was last written.
    #[cfg_attr(test, schema(format = DateTime))]
    updated_at: String,
    /// When it is tried next, while it waits.
    #[cfg_attr(test, schema(format = DateTime))]
    next_try_at: Option<String>,
    /// Names of the user_data keys that were present; never values.
    #[cfg_attr(test, schema(value_type = Vec<String>))]
    user_data_keys: Vec<Box<str>>,
    /// Since when it was held before it was queued, for an identify call or for consent; absent where it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(format = DateTime))]
    held_since: Option<String>,
    /// Names of the user_data keys that were known when the hold began: what `user_data_keys` has beyond them came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(value_type = Option<Vec<String>>))]
    keys_before: Option<Vec<Box<str>>>,
}

impl From<Receipt> for ReceiptView {
    fn from(receipt: Receipt) -> Self {
        let (held_since, keys_before) =
            receipt.held.map(|held| (held.since.rfc3339(), held.keys_before)).unzip();
        Self {
            event_id: receipt.event_id.to_string(),
            event_name: receipt.event_name.to_string(),
            pixel_id: receipt.pixel_id.to_string(),
            trust: match receipt.trust {
                Trust::Server => "server",
                Trust::Public => "public",
            },
            source_id: receipt.source_id.to_string(),
            status: receipt.status.as_str(),
            reason: receipt.reason,
            code: receipt.code,
            subcode: receipt.subcode,
            fbtrace_id: receipt.fbtrace_id,
            attempts: receipt.attempts,
            repeats: receipt.repeats,
            event_time: receipt.event_time,
            queued_at: receipt.queued_at.rfc3339(),
            updated_at: receipt.updated_at.rfc3339(),
            next_try_at: receipt.next_try_at.map(UnixMillis::rfc3339),
            user_data_keys: receipt.user_data_keys,
            held_since,
            keys_before,
        }
    }
}

impl<P: Ports> AdminApi<P> {
    pub(crate) async fn get_event(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let pixel: Option<PixelId> = call.query.id("pixel_id")?;
        let name: Option<EventName> = call.query.id("event_name")?;
        call.query.finish()?;
        let id: EventId = call.id(UNKNOWN)?;
        let receipts = self.ports.receipts().by_event_id(&tenant, &id).await.map_err(store)?;
        // An ingest key sees what its own source sent.
        let bound = (call.who.scope == Scope::Ingest).then_some(call.who.source);
        let shown = |receipt: &Receipt| {
            bound.as_ref().is_none_or(|source| source.as_ref() == Some(&receipt.source_id))
                && pixel.as_ref().is_none_or(|pixel| *pixel == receipt.pixel_id)
                && name.as_ref().is_none_or(|name| *name == receipt.event_name)
        };
        let items: Vec<ReceiptView> = receipts.into_iter().filter(shown).map(ReceiptView::from).collect();
        if items.is_empty() {
            let detail = "Nothing is known of such an event. It may still be on the queue.";
            return Err(Problem::new(404, UNKNOWN, detail));
        }
        ok(&List { items, next_cursor: None })
    }

    pub(crate) async fn list_events(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let source: Option<SourceId> = call.query.id("source_id")?;
        let source = source.ok_or_else(|| invalid_field("source_id", "required", "name a source"))?;
        let status = call.query.text("status")?.map(|text| {
            Status::parse(&text).ok_or_else(|| {
                let all: Vec<&str> = Status::ALL.iter().map(|status| status.as_str()).collect();
                invalid_field("status", "invalid", format!("must be one of {}", all.join(", ")))
            })
        });
        let status = status.transpose()?;
        let day = day::take(&mut call.query)?.unwrap_or_else(|| self.now().utc_day());
        let Asked { limit, cursor } = Asked::take(&mut call.query)?;
        call.query.finish()?;
        let _: Revised<Source> = self.get(&tenant, &source, sources::UNKNOWN).await?;
        let query = DayQuery { tenant, source, day, status, limit, cursor };
        let page = self.ports.receipts().by_day(&query).await.map_err(|error| match error {
            // The only condition of a read is that its cursor is one of ours.
            StoreError::Conflict => bad_cursor(),
            other => store(other),
        })?;
        let items = page.items.into_iter().map(ReceiptView::from).collect();
        ok(&List { items, next_cursor: page.next_cursor })
    }
}
