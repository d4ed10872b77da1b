//! How large DynamoDB takes an item to be, and what reading or writing it costs (AWS: DynamoDB item sizes and formats,
//! read and write request units).

use serde_json::{Map, Value};

const WRITE_UNIT_BYTES: usize = 1024;
const READ_UNIT_BYTES: usize = 4096;

/// Bytes that storage bills for each item beside its own.
pub(crate) const STORED_OVERHEAD_BYTES: usize = 100;

/// Bytes of an item in DynamoDB's JSON: its names and values.
pub(crate) fn item_bytes(item: &Map<String, Value>) -> usize {
    item.iter().map(|(name, value)| name.len() + value_bytes(value)).sum()
}

/// Bytes of a typed value, e.g. `{"S":"text"}`.
pub(crate) fn value_bytes(value: &Value) -> usize {
    let Some((kind, value)) = value.as_object().and_then(|object| object.iter().next()) else { return 0 };
    let text_bytes = |value: &Value| value.as_str().map_or(0, str::len);
    match (kind.as_str(), value) {
        ("N", number) => number_bytes(number.as_str().unwrap_or_default()),
        ("BOOL" | "NULL", _) => 1,
        // Base64 in JSON; DynamoDB counts the bytes themselves.
        ("B", text) => text.as_str().map_or(0, |text| text.trim_end_matches('=').len() * 3 / 4),
        ("SS", Value::Array(texts)) => texts.iter().map(text_bytes).sum(),
        ("L", Value::Array(values)) => 3 + values.iter().map(|value| 1 + value_bytes(value)).sum::<usize>(),
        ("M", Value::Object(map)) => 3 + map.len() + item_bytes(map),
        (_, text) => text_bytes(text),
    }
}

/// A byte for each two significant digits, one for the exponent, one for a sign.
fn number_bytes(number: &str) -> usize {
    let negative = usize::from(number.starts_with('-'));
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').len().div_ceil(2) + 1 + negative
}

/// What writing an item costs, in write request units.
pub(crate) fn write_units(bytes: usize) -> u64 {
    bytes.max(1).div_ceil(WRITE_UNIT_BYTES) as u64
}

/// What reading an item costs, in halves of a read request unit: an eventually consistent read costs a half.
pub(crate) fn read_half_units(bytes: usize, consistent: bool) -> u64 {
    let units = bytes.max(1).div_ceil(READ_UNIT_BYTES) as u64;
    if consistent { units * 2 } else { units }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_and_values_count() {
        let item = json!({"pk": {"S": "abc"}, "n": {"N": "-1795219200123"}, "ok": {"BOOL": true}, "s": {"SS": ["a", "bc"]}});
        assert_eq!(item_bytes(item.as_object().unwrap()), (2 + 3) + (1 + 9) + (2 + 1) + (1 + 3));
    }

    #[test]
    fn documents_count_their_overhead() {
        assert_eq!(value_bytes(&json!({"L": [{"S": "ab"}, {"NULL": true}]})), 3 + (1 + 2) + (1 + 1));
        assert_eq!(value_bytes(&json!({"M": {"k": {"S": "v"}}})), 3 + 1 + 2);
        assert_eq!(value_bytes(&json!({"B": "YWJjZA=="})), 4);
    }

    #[test]
    fn units_are_started_kilobytes() {
        assert_eq!([0, 1, 1024, 1025].map(write_units), [1, 1, 1, 2]);
        assert_eq!(read_half_units(4096, true), 2);
        assert_eq!(read_half_units(4097, false), 2);
    }
}
