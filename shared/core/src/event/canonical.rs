//! One form for all writings of the same JSON: keys in order, no white space, no escapes. Fed to a hash, never kept.

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::raw::{View, entries, items, view};

/// Feeds a JSON text that has been found readable and not too deep. What can't be read is fed as it is written.
pub(crate) fn feed(text: &str, hash: &mut Sha256) {
    match serde_json::from_str::<&RawValue>(text) {
        Ok(raw) => feed_value(raw, hash),
        Err(_) => hash.update(text.as_bytes()),
    }
}

// Recursion ends at `MAX_BODY_DEPTH`, which the caller has checked.
fn feed_value(raw: &RawValue, hash: &mut Sha256) {
    match view(raw) {
        Ok(View::Text(text)) => feed_text(&text, hash),
        Ok(View::Array(raw)) => {
            hash.update(b"[");
            for item in items(raw) {
                feed_value(item, hash);
            }
            hash.update(b"]");
        }
        Ok(View::Object(raw)) => {
            let Ok(mut entries) = entries(raw) else { return hash.update(raw.get()) };
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            hash.update(b"{");
            for (key, value) in entries {
                feed_text(&key, hash);
                feed_value(value, hash);
            }
            hash.update(b"}");
        }
        // Numbers count by their text: 29.9 and 29.90 come from different writers.
        Ok(View::Null | View::Bool(_) | View::Number(_)) | Err(_) => {
            hash.update(b"=");
            hash.update(raw.get());
            hash.update(b";");
        }
    }
}

fn feed_text(text: &str, hash: &mut Sha256) {
    hash.update(b"\"");
    hash.update((text.len() as u64).to_le_bytes());
    hash.update(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(text: &str) -> Vec<u8> {
        let mut hash = Sha256::new();
        feed(text, &mut hash);
        hash.finalize().to_vec()
    }

    #[test]
    fn writings_of_the_same_json_are_one() {
        assert_eq!(hash(r#"{"a":1,"b":["x",null]}"#), hash("{ \"b\": [ \"\\u0078\", null ],\n \"a\":1 }"));
    }

    #[test]
    fn different_json_is_told_apart() {
        let texts =
            [r#"{"a":1}"#, r#"{"a":"1"}"#, r#"{"a":[1]}"#, r#"[["a"],"b"]"#, r#"["a",["b"]]"#, "1", "12"];
        for (i, a) in texts.iter().enumerate() {
            for b in &texts[i + 1..] {
                assert_ne!(hash(a), hash(b), "{a} {b}");
            }
        }
    }
}
