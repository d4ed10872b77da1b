//! Tables of the stub.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::{Counts, update};
use crate::item_size::{STORED_OVERHEAD_BYTES, item_bytes, read_half_units, write_units};

type Key = (String, String);

/// What stands in a table.
struct Stored {
    item: Map<String, Value>,
    bytes: usize,
}

/// All tables, by name.
#[derive(Default)]
pub(super) struct Tables(HashMap<String, BTreeMap<Key, Stored>>);

impl Tables {
    /// Stores an item; the larger of its size and that of the one it replaces, in bytes: what a write is billed by.
    pub(super) fn put(&mut self, table: &str, item: Value) -> Option<usize> {
        let Value::Object(item) = item else { return None };
        let bytes = item_bytes(&item);
        let key = key_of(&item)?;
        let before = self.0.entry(table.to_owned()).or_default().insert(key, Stored { item, bytes });
        Some(bytes.max(before.map_or(0, |before| before.bytes)))
    }

    pub(super) fn stored_bytes(&self, table: &str) -> u64 {
        let items = self.0.get(table).into_iter().flat_map(BTreeMap::values);
        items.map(|stored| (stored.bytes + STORED_OVERHEAD_BYTES) as u64).sum()
    }

    /// Answers a request; `None` for what the stub can't do.
    pub(super) fn answer(&mut self, operation: &str, request: &Value, counts: &mut Counts) -> Option<Value> {
        match operation {
            "GetItem" => self.get_item(request, counts),
            "BatchGetItem" => self.batch_get_item(request, counts),
            "Query" => self.query(request, counts),
            "UpdateItem" => self.update_item(request, counts),
            "PutItem" => {
                let item = request.get("Item")?;
                let bytes = self.put(request.get("TableName")?.as_str()?, item.clone())?;
                counts.wrote(item, bytes)?;
                Some(json!({}))
            }
            _ => None,
        }
    }

    fn stored(&self, table: &str, key: &Key) -> Option<&Stored> {
        self.0.get(table)?.get(key)
    }

    fn get_item(&self, request: &Value, counts: &mut Counts) -> Option<Value> {
        let key = key_of(request.get("Key")?.as_object()?)?;
        let stored = self.stored(request.get("TableName")?.as_str()?, &key);
        let consistent = request.get("ConsistentRead").and_then(Value::as_bool).unwrap_or(false);
        counts.read_half_units += read_half_units(stored.map_or(0, |stored| stored.bytes), consistent);
        Some(stored.map_or_else(|| json!({}), |stored| json!({"Item": stored.item})))
    }

    fn batch_get_item(&self, request: &Value, counts: &mut Counts) -> Option<Value> {
        let mut responses = Map::new();
        for (table, wanted) in request.get("RequestItems")?.as_object()? {
            let consistent = wanted.get("ConsistentRead").and_then(Value::as_bool).unwrap_or(false);
            let mut found = Vec::new();
            for key in wanted.get("Keys")?.as_array()? {
                let stored = self.stored(table, &key_of(key.as_object()?)?);
                counts.read_half_units +=
                    read_half_units(stored.map_or(0, |stored| stored.bytes), consistent);
                found.extend(stored.map(|stored| Value::Object(stored.item.clone())));
            }
            responses.insert(table.clone(), Value::Array(found));
        }
        Some(json!({"Responses": responses, "UnprocessedKeys": {}}))
    }

    /// The items of the partition that `:pk` names, from `:from` to `:to` where the request has them, in one page.
    fn query(&self, request: &Value, counts: &mut Counts) -> Option<Value> {
        let values = request.get("ExpressionAttributeValues")?;
        let text = |name: &str| values.get(name)?.get("S")?.as_str();
        let (partition, from, to) = (text(":pk")?, text(":from").unwrap_or_default(), text(":to"));
        let table = self.0.get(request.get("TableName")?.as_str()?);
        let first = (partition.to_owned(), from.to_owned());
        let found = table.into_iter().flat_map(|table| table.range(first.clone()..));
        let within = |sk: &str| to.is_none_or(|to| sk <= to);
        let (mut items, mut bytes) = (Vec::new(), 0);
        for (_, stored) in found.take_while(|((pk, sk), _)| pk == partition && within(sk)) {
            bytes += stored.bytes;
            items.push(Value::Object(stored.item.clone()));
        }
        let consistent = request.get("ConsistentRead").and_then(Value::as_bool).unwrap_or(false);
        counts.read_half_units += read_half_units(bytes, consistent);
        Some(json!({"Count": items.len(), "ScannedCount": items.len(), "Items": items}))
    }

    fn update_item(&mut self, request: &Value, counts: &mut Counts) -> Option<Value> {
        let (table, key) = (request.get("TableName")?.as_str()?, request.get("Key")?.as_object()?);
        let before = self.stored(table, &key_of(key)?);
        let mut item = before.map_or_else(|| key.clone(), |stored| stored.item.clone());
        update::apply(&mut item, request)?;
        let bytes = self.put(table, Value::Object(item))?;
        counts.wrote(request.get("Key")?, bytes)?;
        Some(json!({}))
    }
}

impl Counts {
    /// Counts a write of the item with this key.
    fn wrote(&mut self, key: &Value, bytes: usize) -> Option<()> {
        let (_, sk) = key_of(key.as_object()?)?;
        let kind = sk.split('#').next().unwrap_or_default();
        let units = write_units(bytes);
        self.write_units += units;
        *self.write_units_by_kind.entry(kind.to_owned()).or_default() += units;
        Some(())
    }
}

fn key_of(item: &Map<String, Value>) -> Option<Key> {
    let text = |name: &str| Some(item.get(name)?.get("S")?.as_str()?.to_owned());
    Some((text("pk")?, text("sk")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_can_be_read_and_is_counted() {
        let (mut tables, mut counts) = (Tables::default(), Counts::default());
        let key = json!({"pk": {"S": "p"}, "sk": {"S": "s"}});
        let item = json!({"pk": {"S": "p"}, "sk": {"S": "s"}, "doc": {"S": "x".repeat(1020)}});
        let put = json!({"TableName": "t", "Item": item});
        assert_eq!(tables.answer("PutItem", &put, &mut counts), Some(json!({})));
        let get = json!({"TableName": "t", "Key": key, "ConsistentRead": true});
        assert_eq!(tables.answer("GetItem", &get, &mut counts), Some(json!({"Item": item})));
        let get = json!({"RequestItems": {"t": {"Keys": [key, {"pk": {"S": "?"}, "sk": {"S": "?"}}]}}});
        let answer = tables.answer("BatchGetItem", &get, &mut counts).unwrap();
        assert_eq!(answer["Responses"]["t"], json!([item]));
        assert_eq!((counts.write_units, counts.read_half_units), (2, 4));
        assert_eq!(tables.stored_bytes("t"), (2 + 1 + 2 + 1 + 3 + 1020 + 100) as u64);
    }

    #[test]
    fn a_partition_is_read_whole_or_from_one_key_to_another() {
        let (mut tables, mut counts) = (Tables::default(), Counts::default());
        for (pk, sk) in [("p", "a"), ("p", "b"), ("p", "c"), ("q", "a")] {
            tables.put("t", json!({"pk": {"S": pk}, "sk": {"S": sk}}));
        }
        let mut query = |values: Value| {
            let request =
                json!({"TableName": "t", "ConsistentRead": true, "ExpressionAttributeValues": values});
            tables.answer("Query", &request, &mut counts).unwrap()["Items"].as_array().map(Vec::len)
        };
        assert_eq!(query(json!({":pk": {"S": "p"}})), Some(3));
        assert_eq!(query(json!({":pk": {"S": "p"}, ":from": {"S": "b"}, ":to": {"S": "b~"}})), Some(1));
        assert_eq!(query(json!({":pk": {"S": "nobody"}})), Some(0));
        assert_eq!(counts.read_half_units, 6);
    }

    #[test]
    fn an_update_is_billed_by_the_whole_item() {
        let (mut tables, mut counts) = (Tables::default(), Counts::default());
        let update = |reference: &str| {
            json!({
                "TableName": "t",
                "Key": {"pk": {"S": "p"}, "sk": {"S": "F#2026-11-21"}},
                "UpdateExpression": "SET v = :v ADD #what :amount, refs :refs",
                "ConditionExpression": "NOT contains(refs, :ref)",
                "ExpressionAttributeNames": {"#what": "c#Lead"},
                "ExpressionAttributeValues": {
                    ":v": {"N": "1"},
                    ":amount": {"N": "1"},
                    ":refs": {"SS": [reference]},
                    ":ref": {"S": reference},
                },
            })
        };
        tables.answer("UpdateItem", &update("abc"), &mut counts).unwrap();
        let once: u64 = (3 + 14) + (1 + 2) + (6 + 2) + (4 + 3);
        assert_eq!(tables.stored_bytes("t"), once + 100);
        tables.answer("UpdateItem", &update(&"x".repeat(1024)), &mut counts).unwrap();
        assert_eq!(tables.stored_bytes("t"), once + 1024 + 100);
        assert_eq!(counts.write_units, 1 + 2);
        assert_eq!(counts.write_units_by_kind, [("F".to_owned(), 3)].into());
    }

    #[test]
    fn a_smaller_item_is_billed_by_the_one_it_replaces() {
        let (mut tables, mut counts) = (Tables::default(), Counts::default());
        for length in [1_500, 10] {
            let item = json!({"pk": {"S": "p"}, "sk": {"S": "PERSON"}, "doc": {"S": "x".repeat(length)}});
            tables.answer("PutItem", &json!({"TableName": "t", "Item": item}), &mut counts).unwrap();
        }
        assert_eq!(counts.write_units, 4);
    }

    #[test]
    fn what_it_can_not_do_it_does_not_answer() {
        assert_eq!(Tables::default().answer("Scan", &json!({}), &mut Counts::default()), None);
    }
}
