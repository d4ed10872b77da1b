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

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn line(events: Vec<(EventName, Vec<EventId>)>) -> BatchIndexEntry {
        BatchIndexEntry {
            tenant: TenantId::parse("acme").unwrap(),
            source: SourceId::parse("shop").unwrap(),
            status: Status::Sent,
            at: UnixMillis(1_790_000_000_007),
            batch: "b1".to_owned(),
            pixel_id: PixelId::parse("5").unwrap(),
            trust: Trust::Public,
            count: 7,
            keys: BTreeMap::from([("em".into(), 3)]),
            events,
        }
    }

    fn parts(entry: &BatchIndexEntry) -> Vec<Item> {
        items(entry).into_iter().map(Result::unwrap).collect()
    }

    fn bytes(item: &Item) -> usize {
        text(item, "events").unwrap().len()
    }

    /// Names and ids of any length, with and without what JSON escapes.
    fn events() -> impl Strategy<Value = Vec<(EventName, Vec<EventId>)>> {
        let letter = || prop_oneof![Just("a"), Just("\""), Just("\\"), Just("é")];
        let name = (0..90_usize, letter()).prop_map(|(length, letter)| letter.repeat(length / letter.len()));
        let of_name = (name, 1..2_000_usize, 0..250_usize, letter());
        proptest::collection::vec(of_name, 1..5).prop_map(|names| {
            let event = |(nth, (name, count, length, letter)): (usize, (String, usize, usize, &str))| {
                let pad = letter.repeat(length / letter.len());
                let id = |n: usize| EventId::parse(&format!("{n:05}{pad}")).unwrap();
                (EventName::parse(&format!("{nth}{name}")).unwrap(), (0..count).map(id).collect())
            };
            names.into_iter().enumerate().map(event).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

        #[test]
        fn a_line_is_cut_into_items_that_fit_and_hold_each_event_once(events in events()) {
            let entry = line(events.clone());
            let items = parts(&entry);
            for item in &items {
                prop_assert!(bytes(item) <= LINE_BYTES_MAX, "{} bytes", bytes(item));
            }
            let mut found: Vec<(String, EventId)> = Vec::new();
            for item in &items {
                for (name, ids) in Line::read(item).unwrap().events {
                    found.extend(ids.into_iter().map(|id| (name.clone(), id)));
                }
            }
            let of_name = |(name, ids): (EventName, Vec<EventId>)| {
                ids.into_iter().map(move |id| (name.to_string(), id)).collect::<Vec<_>>()
            };
            let mut expected: Vec<_> = events.into_iter().flat_map(of_name).collect();
            found.sort();
            expected.sort();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_line_takes_no_more_items_than_it_must() {
        // 100 bytes in JSON each, and a name that counts with each of them.
        let name = EventName::parse("L").unwrap();
        let each = 97 + 3 + 4 + 3;
        let of = |count: usize| {
            let ids = (0..count).map(|n| EventId::parse(&format!("{n:097}")).unwrap()).collect();
            parts(&line(vec![(name.clone(), ids)])).len()
        };
        let fits = LINE_BYTES_MAX / each;
        assert_eq!([of(1), of(fits), of(fits + 1), of(2 * fits), of(2 * fits + 1)], [1, 1, 2, 2, 3]);
    }

    #[test]
    fn the_first_item_carries_the_rollup_and_every_item_reads_back() {
        let ids = (0..4_000).map(|n| EventId::parse(&format!("{n:0100}")).unwrap()).collect();
        let items = parts(&line(vec![(EventName::parse("Lead").unwrap(), ids)]));
        assert_eq!(items.len(), 2);
        assert_eq!(items[0]["keys"], AttributeValue::M(HashMap::from([("em".to_owned(), n(3))])));
        assert_eq!((&items[0]["count"], &items[1]["count"]), (&n(7), &n(0)));
        assert!(!items[1].contains_key("keys"));
        for (nth, item) in items.iter().enumerate() {
            let read = Line::read(item).unwrap();
            assert_eq!(read.sk, format!("sent#2026-09-21T14:13:20.007Z#b1.{nth}"));
            assert_eq!(
                (read.status, read.at, read.trust),
                (Status::Sent, UnixMillis(1_790_000_000_007), Trust::Public)
            );
            assert_eq!(read.pixel.as_str(), "5");
        }
    }

    #[test]
    fn a_line_that_is_none_is_corrupt() {
        let good =
            parts(&line(vec![(EventName::parse("Lead").unwrap(), vec![EventId::parse("e").unwrap()])]));
        for (name, bad) in [
            ("sk", s("gone#2026-09-21T14:13:20.007Z#b1.0")),
            ("at", s("noon")),
            ("pixel", s("no digits")),
            ("trust", n(1)),
            ("events", s("[]")),
        ] {
            let mut item = good[0].clone();
            item.insert(name.to_owned(), bad);
            assert!(matches!(Line::read(&item), Err(StoreError::Corrupt(_))), "{name}");
        }
    }
}
