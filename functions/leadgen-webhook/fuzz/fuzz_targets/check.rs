//! What must hold for any input. The first byte chooses what the rest is: a header, a query or a body. Shared by the
//! fuzz target and by the replay of its corpus in `cargo test`.

use std::collections::BTreeSet;

use adrelay_core::leads::{LeadWork, MAX_ANNOUNCED};
use adrelay_core::message::MAX_MESSAGE_BYTES;
use adrelay_core::seal::Secret;
use adrelay_core::time::UnixMillis;
use http::{HeaderMap, HeaderValue};
use leadgen_webhook::delivery::{Delivery, MAX_CHANGES};
use leadgen_webhook::handshake::Handshake;
use leadgen_webhook::signature::{HEADER, Signature};
use serde_json::Value;

/// (page, lead).
type Leads = BTreeSet<(String, String)>;

pub(crate) fn check(data: &[u8]) {
    understood(data);
}

/// The same; tells whether the header or query was well formed, or the body announced a lead.
pub(crate) fn understood(data: &[u8]) -> bool {
    let Some((&choice, rest)) = data.split_first() else { return false };
    match choice {
        b's' => signature(rest),
        b'h' => handshake(rest),
        _ => delivery(rest) > 0,
    }
}

/// Nobody without the secret can sign.
fn signature(header: &[u8]) -> bool {
    let Ok(value) = HeaderValue::from_bytes(header) else { return false };
    let headers = HeaderMap::from_iter([(http::HeaderName::from_static(HEADER), value)]);
    let Ok(signature) = Signature::read(&headers) else { return false };
    assert_eq!(header.len(), "sha256=".len() + 64);
    assert!(!signature.proves(b"body", &Secret::new("what nobody knows".to_owned())));
    assert!(!signature.proves(b"", &Secret::new(String::new())));
    true
}

/// Nobody without the token is answered, and no answer holds more than visible ASCII.
fn handshake(query: &[u8]) -> bool {
    let Ok(query) = std::str::from_utf8(query) else { return false };
    let Some(handshake) = Handshake::read(query) else { return false };
    assert_eq!(handshake.challenge(&Secret::new(String::new())), None);
    if let Some(challenge) = handshake.challenge(&Secret::new("token".to_owned())) {
        assert_eq!(handshake.challenge(&Secret::new("token2".to_owned())), None);
        assert!(
            (1..=256).contains(&challenge.len()) && challenge.bytes().all(|byte| byte.is_ascii_graphic())
        );
    }
    true
}

/// Each lead is queued once, in messages within their limits; and a second, simpler reading finds the same leads.
fn delivery(body: &[u8]) -> usize {
    let Ok(delivery) = Delivery::read(body) else { return 0 };
    assert!(delivery.count() <= MAX_CHANGES);
    let mut queued = Leads::new();
    for outgoing in delivery.messages(UnixMillis(5)).unwrap() {
        assert!(outgoing.body.len() <= MAX_MESSAGE_BYTES);
        let LeadWork::Announced { page, leads, .. } = LeadWork::parse(&outgoing.body).unwrap() else {
            panic!("no announcement")
        };
        assert_eq!(outgoing.group, page.as_str());
        assert!((1..=MAX_ANNOUNCED).contains(&leads.len()));
        for lead in leads {
            assert!(queued.insert((page.to_string(), lead.lead.to_string())), "queued twice");
        }
    }
    assert_eq!(queued.len(), delivery.count());
    if let Some(expected) = serde_json::from_slice(body).ok().and_then(|body| leads(&body)) {
        assert_eq!(queued, expected);
    }
    queued.len()
}

/// The leads of a body, read through a tree of JSON; `None` where such a tree has rounded an id.
fn leads(body: &Value) -> Option<Leads> {
    let mut leads = Leads::new();
    if body["object"] != "page" {
        return Some(leads);
    }
    for entry in list(&body["entry"]) {
        for change in list(&entry["changes"]) {
            let value = &change["value"];
            if change["field"] != "leadgen" || !value.is_object() {
                continue;
            }
            let own = id(&value["page_id"])?;
            let page = if own.is_empty() { id(&entry["id"])? } else { own };
            let lead = id(&value["leadgen_id"])?;
            if !page.is_empty() && !lead.is_empty() {
                leads.insert((page, lead));
            }
        }
    }
    Some(leads)
}

fn list(json: &Value) -> &[Value] {
    json.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// An id; empty where there is none, `None` where it may have been rounded.
fn id(json: &Value) -> Option<String> {
    let text = match json {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_f64() => return None,
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let is_id = text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit());
    Some(if is_id { text } else { String::new() })
}
