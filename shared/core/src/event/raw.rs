//! A borrowed view of JSON text: one level at a time, numbers as they were written, nothing copied that need not be.
//!
//! Why not `serde_json::Value`: a thousand events a request must not become a thousand trees, and numbers must go
//! out as they came in (`29.90`, or an order number of 20 digits).

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// One JSON value, seen from outside.
#[derive(Debug, Clone)]
pub(crate) enum View<'a> {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number's text.
    Number(&'a str),
    /// A text without its escapes.
    Text(Cow<'a, str>),
    /// An array, to be opened with [`items`].
    Array(&'a RawValue),
    /// An object, to be opened with [`entries`].
    Object(&'a RawValue),
}

/// A text held an escape that is no character (half of a surrogate pair).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadText;

/// Looks at a value.
pub(crate) fn view(raw: &RawValue) -> Result<View<'_>, BadText> {
    let text = raw.get();
    Ok(match text.as_bytes().first() {
        Some(b'"') => View::Text(unescape(text)?),
        Some(b'{') => View::Object(raw),
        Some(b'[') => View::Array(raw),
        Some(b't') => View::Bool(true),
        Some(b'f') => View::Bool(false),
        Some(b'n') | None => View::Null,
        Some(_) => View::Number(text),
    })
}

fn unescape(quoted: &str) -> Result<Cow<'_, str>, BadText> {
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    if inner.as_bytes().contains(&b'\\') {
        serde_json::from_str::<String>(quoted).map(Cow::Owned).map_err(|_| BadText)
    } else {
        Ok(Cow::Borrowed(inner))
    }
}

pub(crate) fn is_null(raw: &RawValue) -> bool {
    raw.get() == "null"
}

/// A key of an object, borrowed where it holds no escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

/// An object's entries in the order they were written.
pub(crate) type Entries<'a> = Vec<(Cow<'a, str>, &'a RawValue)>;

struct EntryList<'a>(Entries<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for EntryList<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;
        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::with_capacity(16);
                while let Some((key, value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
                    entries.push((key.0, value));
                }
                Ok(entries)
            }
        }
        deserializer.deserialize_map(ObjectVisitor).map(EntryList)
    }
}

/// Opens an object's text. Not JSON, not an object, or a key that is no text: an error.
pub(crate) fn entries_of(text: &str) -> Result<Entries<'_>, serde_json::Error> {
    serde_json::from_str::<EntryList<'_>>(text).map(|list| list.0)
}

/// Opens an object that is known to be one. Fails only where a key's text is bad.
pub(crate) fn entries(raw: &RawValue) -> Result<Entries<'_>, BadText> {
    entries_of(raw.get()).map_err(|_| BadText)
}

struct ItemList<'a>(Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for ItemList<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ArrayVisitor;
        impl<'de> Visitor<'de> for ArrayVisitor {
            type Value = Vec<&'de RawValue>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element::<&'de RawValue>()? {
                    items.push(item);
                }
                Ok(items)
            }
        }
        deserializer.deserialize_seq(ArrayVisitor).map(ItemList)
    }
}

/// Opens an array that is known to be one.
pub(crate) fn items(raw: &RawValue) -> Vec<&RawValue> {
    serde_json::from_str::<ItemList<'_>>(raw.get()).map(|list| list.0).unwrap_or_default()
}

/// Whether objects and arrays nest deeper than `limit`; reads any bytes, JSON or not, in one pass.
#[must_use]
pub fn deeper_than(json: &[u8], limit: usize) -> bool {
    // Counting is many times faster than following texts, and settles the question for nearly every event.
    if openings(json) <= limit {
        return false;
    }
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(&byte) = json.get(at) {
        at += 1;
        match byte {
            b'"' => at = behind_text(json, at),
            b'{' | b'[' => {
                depth += 1;
                if depth > limit {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

fn openings(json: &[u8]) -> usize {
    // `{` and `[` differ in one bit; sums of a byte each let the compiler use vectors.
    const CHUNK: usize = 255;
    let of_chunk = |chunk: &[u8]| chunk.iter().map(|byte| u8::from(byte | 0x20 == b'{')).sum::<u8>();
    json.chunks(CHUNK).map(|chunk| usize::from(of_chunk(chunk))).sum()
}

/// The place behind the text that begins at `at`, its opening quote being passed.
fn behind_text(json: &[u8], mut at: usize) -> usize {
    while let Some(step) = json.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        let found = at + step;
        if json.get(found) == Some(&b'"') {
            return found + 1;
        }
        at = found + 2;
    }
    json.len()
}

/// Whether a JSON text holds the escape of U+0000 (not an escaped backslash before `u0000`).
pub(crate) fn has_nul_escape(json: &str) -> bool {
    json.match_indices("\\u0000").any(|(at, _)| {
        let before = json.as_bytes()[..at].iter().rev().take_while(|&&b| b == b'\\').count();
        before % 2 == 0
    })
}

/// Appends `text` as a JSON text. SQS refuses U+FFFE and U+FFFF in a message, so they go out as escapes.
pub(crate) fn push_text(out: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push('"');
    // U+FFFE and U+FFFF begin with this byte, as do few other characters.
    if !text.bytes().any(|byte| byte < b' ' || matches!(byte, b'"' | b'\\' | 0xef)) {
        out.push_str(text);
        out.push('"');
        return;
    }
    let mut plain_from = 0;
    for (at, c) in text.char_indices() {
        let short = match c {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\u{fffe}' => "\\ufffe",
            '\u{ffff}' => "\\uffff",
            c if c < ' ' => "",
            _ => continue,
        };
        out.push_str(&text[plain_from..at]);
        plain_from = at + c.len_utf8();
        if short.is_empty() {
            let code = c as usize;
            out.push_str("\\u00");
            out.push(char::from(HEX[code >> 4]));
            out.push(char::from(HEX[code & 15]));
        } else {
            out.push_str(short);
        }
    }
    out.push_str(&text[plain_from..]);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_counted_outside_of_texts_only() {
        assert!(!deeper_than(br#"{"a":"[[[[","b":[1]}"#, 2));
        assert!(deeper_than(br#"{"a":[[1]]}"#, 2));
        assert!(deeper_than(br#"{"\\":[[1]],"a":"\\"}"#, 2));
        assert!(!deeper_than(br#"["\"[[","[["]"#, 1));
        for unfinished in [&br#"[["a\"#[..], br#"[[""#, br#"[["a\""#] {
            assert!(!deeper_than(unfinished, 2));
            assert!(deeper_than(unfinished, 1));
        }
        assert!(!deeper_than(br#"{"a":"\"[[[","b":[]}"#, 2));
        assert!(deeper_than(&b"[".repeat(100_000), 64), "unfinished texts too");
    }

    #[test]
    fn only_a_real_escape_of_nul_counts() {
        assert!(has_nul_escape(r#""a\u0000""#));
        assert!(has_nul_escape(r#""a\\\u0000""#));
        assert!(!has_nul_escape(r#""a\\u0000""#));
    }

    #[test]
    fn numbers_keep_their_text_and_half_surrogates_are_refused() {
        let raw: &RawValue = serde_json::from_str("29.90").unwrap();
        assert!(matches!(view(raw), Ok(View::Number("29.90"))));
        let raw: &RawValue = serde_json::from_str(r#""\ud800""#).unwrap();
        assert!(matches!(view(raw), Err(BadText)));
    }

    #[test]
    fn written_texts_read_back_and_hold_what_sqs_takes() {
        let text = "a\"\\\n\r\t\u{1}\u{1f}é\u{fffe}\u{ffff}😀";
        let mut out = String::new();
        push_text(&mut out, text);
        assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
        assert!(!out.contains(['\u{fffe}', '\u{ffff}']));
    }
}
