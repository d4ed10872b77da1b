//! A delivery's text and its signature.
//!
//! `{"object":"page","entry":[{"id","time","changes":[{"field":"leadgen","value":{"leadgen_id","page_id","form_id",
//! "adgroup_id"?,"ad_id"?,"created_time"}}]}]}`. Meta signs the text that it sends, escapes and all.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::Webhook;
use crate::leads::Lead;

/// The JSON of a delivery that announces these leads; leads of one page that follow each other share an entry.
pub(crate) fn body(leads: &[&Lead], webhook: &Webhook, now_s: i64) -> String {
    let mut entries: Vec<(&str, Vec<Value>)> = Vec::new();
    for lead in leads {
        let change = json!({"field": "leadgen", "value": value(lead, webhook)});
        match entries.last_mut().filter(|(page, _)| *page == lead.page_id) {
            Some((_, changes)) => changes.push(change),
            None => entries.push((&lead.page_id, vec![change])),
        }
    }
    let entries: Vec<Value> = entries
        .into_iter()
        .map(|(page, changes)| json!({"id": id(page, webhook), "time": now_s, "changes": changes}))
        .collect();
    let text = json!({"object": "page", "entry": entries}).to_string();
    if webhook.escape_unicode { escaped(&text) } else { text }
}

fn value(lead: &Lead, webhook: &Webhook) -> Map<String, Value> {
    let mut value = webhook.extra.clone();
    let mut put = |name: &str, with: Value| value.insert(name.to_owned(), with);
    put("leadgen_id", id(&lead.id, webhook));
    put("page_id", id(&lead.page_id, webhook));
    put("form_id", id(&lead.form_id, webhook));
    if let Some(ad_id) = &lead.ad_id {
        put("adgroup_id", id(ad_id, webhook));
        put("ad_id", id(ad_id, webhook));
    }
    put("created_time", json!(lead.created_time));
    value
}

fn id(text: &str, webhook: &Webhook) -> Value {
    match text.parse::<u64>() {
        Ok(number) if webhook.ids_as_numbers => json!(number),
        _ => json!(text),
    }
}

/// JSON text in which everything outside ASCII, and what HTML minds, is written as an escape.
///
/// None of these characters stands outside strings, so the text as a whole can be rewritten.
fn escaped(json: &str) -> String {
    use std::fmt::Write as _;

    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '/' => out.push_str("\\/"),
            '<' => out.push_str("\\u003C"),
            '>' => out.push_str("\\u003E"),
            '%' => out.push_str("\\u0025"),
            '@' => out.push_str("\\u0040"),
            _ if character.is_ascii() => out.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let _infallible = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out
}

/// The value of `X-Hub-Signature-256`.
pub(crate) fn signature(app_secret: &str, body: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(app_secret.as_bytes()) else { return String::new() };
    mac.update(body.as_bytes());
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{escaped, signature};

    // Vectors of X-Hub-Signature-256 made apart from this code, with Meta's way of escaping.
    const SECRET: &str = "shhh-app-secret";

    #[test]
    fn an_escaped_text_is_signed_as_it_is_sent() {
        let plain = json!({"name": "café / @ <tag>"}).to_string();
        let sent = escaped(&plain);
        assert_eq!(sent, r#"{"name":"caf\u00e9 \/ \u0040 \u003Ctag\u003E"}"#);
        let header = "sha256=ac62d1d8daf34583dcf459172ad7c6e774f2cba9657eef2e0ee149ac4bd422b0";
        assert_eq!(signature(SECRET, &sent), header);
        assert_ne!(signature(SECRET, &plain), header);
    }

    #[test]
    fn escapes_read_back_as_what_they_stand_for() {
        let value = json!({"a": "😀 50 % \"/\\ \u{7} ü", "b": [1, null]});
        let sent = escaped(&value.to_string());
        assert!(sent.is_ascii());
        assert_eq!(serde_json::from_str::<Value>(&sent).unwrap(), value);
    }
}
