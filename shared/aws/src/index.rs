//! Lines of the day's index: one item a dispatched batch, or a few where it is large. The first of them carries the
//! batch's rollup; [`crate::rollup`] adds those up.

use std::collections::BTreeMap;

use adrelay_core::ids::{EventId, EventName, PixelId, SourceId, TenantId};
use adrelay_core::ports::StoreError;
use adrelay_core::receipt::{BatchIndexEntry, RECEIPT_TTL_DAYS, ReceiptKey, Status, Trust};
use adrelay_core::time::UnixMillis;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::item::{ITEM_VERSION, Item, corrupt, key, n, number, s, text};
use crate::receipts::trust_letter;

/// Bytes of a line's JSON; an item may have 400 KB (AWS: DynamoDB quotas).
const LINE_BYTES_MAX: usize = 300_000;

pub(crate) fn day_pk(tenant: &TenantId, source: &SourceId, day: &str) -> String {
    format!("T#{tenant}#S#{source}#D#{day}")
}

/// Milliseconds always shown, so that texts sort as times do.
fn sortable(at: UnixMillis) -> String {
    let mut text = UnixMillis::from_secs(at.secs()).rfc3339();
    text.truncate(19);
    format!("{text}.{:03}Z", at.0.rem_euclid(1000))
}

/// The items of a line.
pub(crate) fn items(entry: &BatchIndexEntry) -> Vec<Result<Item, StoreError>> {
    let mut parts: Vec<BTreeMap<&EventName, Vec<&EventId>>> = vec![BTreeMap::new()];
    let mut bytes = 0;
    for (name, ids) in &entry.events {
        for id in ids {
            let name_bytes = json_bytes(name.as_str()) + "[]:".len();
            let id_bytes = json_bytes(id.as_str());
            // The name counts with each id: it does so in the worst case, where no two events share one.
            bytes += name_bytes + id_bytes;
            if bytes > LINE_BYTES_MAX {
                parts.push(BTreeMap::new());
                bytes = name_bytes + id_bytes;
            }
            if let Some(part) = parts.last_mut() {
                part.entry(name).or_default().push(id);
            }
        }
    }
    parts.iter().enumerate().map(|(nth, part)| item(entry, nth, part)).collect()
}

/// Bytes of a text in JSON, with quotes and a comma. Names and ids hold no control characters.
fn json_bytes(text: &str) -> usize {
    text.len() + text.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count() + 3
}

fn item(
    entry: &BatchIndexEntry,
    nth: usize,
    events: &BTreeMap<&EventName, Vec<&EventId>>,
) -> Result<Item, StoreError> {
    let by_name: BTreeMap<&str, &Vec<&EventId>> =
        events.iter().map(|(name, ids)| (name.as_str(), ids)).collect();
    let sk = format!("{}#{}#{}.{nth}", entry.status.as_str(), sortable(entry.at), entry.batch);
    let mut item = key(&day_pk(&entry.tenant, &entry.source, &entry.at.utc_day()), &sk);
    // Each event is counted once, whatever the number of items.
    let count = if nth == 0 { entry.count } else { 0 };
    if nth == 0 && !entry.keys.is_empty() {
        let keys = entry.keys.iter().map(|(key, count)| (key.to_string(), n(count))).collect();
        item.insert("keys".to_owned(), AttributeValue::M(keys));
    }
    item.extend([
        ("v".to_owned(), n(ITEM_VERSION)),
        ("at".to_owned(), n(entry.at.0)),
        ("pixel".to_owned(), s(entry.pixel_id.as_str())),
        ("trust".to_owned(), s(trust_letter(entry.trust))),
        ("count".to_owned(), n(count)),
        ("events".to_owned(), s(serde_json::to_string(&by_name).map_err(corrupt)?)),
        ("expires_at".to_owned(), n(entry.at.secs() + RECEIPT_TTL_DAYS * 86_400)),
    ]);
    Ok(item)
}

/// A line, read back.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) sk: String,
    pub(crate) status: Status,
    pub(crate) at: UnixMillis,
    pub(crate) pixel: PixelId,
    pub(crate) trust: Trust,
    pub(crate) events: BTreeMap<String, Vec<EventId>>,
}

impl Line {
    pub(crate) fn read(item: &Item) -> Result<Self, StoreError> {
        let malformed = |what: &str| StoreError::Corrupt(what.to_owned());
        let sk = text(item, "sk")?;
        let status = sk.split('#').next().and_then(Status::parse).ok_or_else(|| malformed("status"))?;
        Ok(Self {
            status,
            at: UnixMillis(number(item, "at")?),
            pixel: PixelId::parse(text(item, "pixel")?).map_err(|_| malformed("pixel"))?,
            trust: if text(item, "trust")? == "p" { Trust::Public } else { Trust::Server },
            events: serde_json::from_str(text(item, "events")?).map_err(corrupt)?,
            sk: sk.to_owned(),
        })
    }

    /// The receipts that the line names, in a stable order.
    pub(crate) fn keys(&self, tenant: &TenantId) -> Vec<ReceiptKey> {
        let mut keys = Vec::new();
        for (name, ids) in &self.events {
            let Ok(event_name) = EventName::parse(name) else { continue };
            keys.extend(ids.iter().map(|event_id| ReceiptKey {
                tenant: tenant.clone(),
                event_id: event_id.clone(),
                pixel_id: self.pixel.clone(),
                event_name: event_name.clone(),
                trust: self.trust,
            }));
        }
        keys
    }
}
