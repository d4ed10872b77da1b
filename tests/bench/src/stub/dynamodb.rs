//! Tables of the stub.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::Counts;
use crate::item_size::{STORED_OVERHEAD_BYTES, item_bytes, read_half_units, value_bytes, write_units};

type Key = (String, String);

/// What stands in a table.
struct Stored {
    /// Absent for what was written by an update: nobody reads those back.
    item: Option<Map<String, Value>>,
    bytes: usize,
}

/// All tables, by name.
#[derive(Default)]
pub(super) struct Tables(HashMap<String, HashMap<Key, Stored>>);

impl Tables {
    /// Stores an item; its size in bytes.
    pub(super) fn put(&mut self, table: &str, item: Value) -> Option<usize> {
        let Value::Object(item) = item else { return None };
        let bytes = item_bytes(&item);
        let key = key_of(&item)?;
        self.0.entry(table.to_owned()).or_default().insert(key, Stored { item: Some(item), bytes });
        Some(bytes)
    }

    pub(super) fn stored_bytes(&self, table: &str) -> u64 {
        let items = self.0.get(table).into_iter().flat_map(HashMap::values);
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
                let table = request.get("TableName")?.as_str()?.to_owned();
                let bytes = self.put(&table, request.get("Item")?.clone())?;
                counts.write_units += write_units(bytes);
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
        Some(match stored.and_then(|stored| stored.item.as_ref()) {
            Some(item) => json!({"Item": item}),
            None => json!({}),
        })
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
                found.extend(stored.and_then(|stored| stored.item.clone()).map(Value::Object));
            }
            responses.insert(table.clone(), Value::Array(found));
        }
        Some(json!({"Responses": responses, "UnprocessedKeys": {}}))
    }

    /// All items of the partition that `:pk` names, in one page.
    fn query(&self, request: &Value, counts: &mut Counts) -> Option<Value> {
        let partition = request.get("ExpressionAttributeValues")?.get(":pk")?.get("S")?.as_str()?;
        let table = self.0.get(request.get("TableName")?.as_str()?);
        let found = table.into_iter().flatten().filter(|((pk, _), _)| pk == partition);
        let (mut items, mut bytes) = (Vec::new(), 0);
        for (_, stored) in found {
            bytes += stored.bytes;
            items.extend(stored.item.clone().map(Value::Object));
        }
        let consistent = request.get("ConsistentRead").and_then(Value::as_bool).unwrap_or(false);
        counts.read_half_units += read_half_units(bytes, consistent);
        Some(json!({"Count": items.len(), "ScannedCount": items.len(), "Items": items}))
    }

    /// Counts an update as a write of its key and of all values that it names: the item as it stands afterwards,
    /// where the update is the item's first.
    fn update_item(&mut self, request: &Value, counts: &mut Counts) -> Option<Value> {
        let key = request.get("Key")?.as_object()?;
        let names = request.get("ExpressionAttributeNames").and_then(Value::as_object);
        let name_bytes = |placeholder: &str| {
            let alias = format!("#{placeholder}");
            let name = names.and_then(|names| names.get(&alias)).and_then(Value::as_str);
            name.map_or(placeholder.len(), str::len)
        };
        let values = request.get("ExpressionAttributeValues").and_then(Value::as_object);
        let set = values
            .into_iter()
            .flatten()
            .map(|(placeholder, value)| name_bytes(placeholder.trim_start_matches(':')) + value_bytes(value));
        let bytes = item_bytes(key) + set.sum::<usize>();
        counts.write_units += write_units(bytes);
        let table = self.0.entry(request.get("TableName")?.as_str()?.to_owned()).or_default();
        table.entry(key_of(key)?).or_insert(Stored { item: None, bytes }).bytes = bytes;
        Some(json!({}))
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
    fn a_partition_is_read_whole() {
        let (mut tables, mut counts) = (Tables::default(), Counts::default());
        for (pk, sk) in [("p", "a"), ("p", "b"), ("q", "a")] {
            tables.put("t", json!({"pk": {"S": pk}, "sk": {"S": sk}}));
        }
        let of = |pk: &str| json!({"TableName": "t", "ConsistentRead": true, "ExpressionAttributeValues": {":pk": {"S": pk}}});
        assert_eq!(tables.answer("Query", &of("p"), &mut counts).unwrap()["Count"], 2);
        assert_eq!(tables.answer("Query", &of("nobody"), &mut counts).unwrap()["Items"], json!([]));
        assert_eq!(counts.read_half_units, 4);
    }

    #[test]
    fn an_update_is_as_large_as_what_it_sets() {
        let (mut tables, mut counts) = (Tables::default(), Counts::default());
        let update = json!({
            "TableName": "t",
            "Key": {"pk": {"S": "p"}, "sk": {"S": "s"}},
            "ExpressionAttributeNames": {"#status": "status", "#gone": "gone"},
            "ExpressionAttributeValues": {":status": {"S": "sent"}, ":copies": {"N": "1"}},
        });
        tables.answer("UpdateItem", &update, &mut counts).unwrap();
        assert_eq!(tables.stored_bytes("t"), ((3 + 3) + (6 + 4) + (6 + 2) + 100) as u64);
        assert_eq!(counts.write_units, 1);
    }

    #[test]
    fn what_it_can_not_do_it_does_not_answer() {
        assert_eq!(Tables::default().answer("Scan", &json!({}), &mut Counts::default()), None);
    }
}
