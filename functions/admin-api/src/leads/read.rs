//! What single values of leads' bodies must be like.

use adrelay_core::jobs::WebhookKey;
use adrelay_core::leads::{MAX_ACTOR_CHARS, MAX_NOTE_BYTES, Status};
use adrelay_core::money::{Currency, MAX_MINOR, Money};
use adrelay_core::seal::Secret;
use serde_json::Value;

use crate::fields::{Fields, Wrong};

/// Characters of an assignee's or actor's name.
pub(super) const MAX_WHO: usize = MAX_ACTOR_CHARS;

/// Bytes of a webhook's URL.
const MAX_URL_BYTES: usize = 2_000;

/// Characters of what leads are looked for by.
pub(super) const MAX_SEARCH: usize = 320;

/// Statuses by their words.
pub(super) const STATUSES: &[(&str, Status)] = &[
    (Status::New.as_str(), Status::New),
    (Status::Contacted.as_str(), Status::Contacted),
    (Status::Qualified.as_str(), Status::Qualified),
    (Status::Converted.as_str(), Status::Converted),
    (Status::Disqualified.as_str(), Status::Disqualified),
    (Status::Archived.as_str(), Status::Archived),
];

fn string(value: &Value) -> Result<&str, Wrong> {
    value.as_str().ok_or_else(|| Wrong::new("wrong_type", "must be a string"))
}

/// A note: text with lines.
pub(super) fn note(value: &Value) -> Result<String, Wrong> {
    let text = string(value)?;
    if text.trim().is_empty() {
        return Err(Wrong::new("empty", "must not be blank"));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(Wrong::new(
            "control_character",
            "must not hold control characters but line ends and tabs",
        ));
    }
    if text.len() > MAX_NOTE_BYTES {
        return Err(Wrong::new("too_long", format!("at most {MAX_NOTE_BYTES} bytes")));
    }
    Ok(text.to_owned())
}

/// The field `worth`: `{"minor": 2990, "currency": "EUR"}`.
pub(super) fn worth(fields: &mut Fields) -> Option<Money> {
    let read = |inner: &mut Fields| {
        let minor = inner.required("minor", minor);
        let currency = inner.required("currency", currency);
        Some(Money { minor: minor?, currency: currency? })
    };
    fields.object("worth", read).flatten()
}

fn minor(value: &Value) -> Result<i64, Wrong> {
    if !value.is_number() {
        return Err(Wrong::new("wrong_type", "must be a number"));
    }
    let minor = value.as_i64().filter(|minor| (0..=MAX_MINOR).contains(minor));
    minor.ok_or_else(|| Wrong::new("invalid", format!("whole minor units, 0 to {MAX_MINOR}")))
}

fn currency(value: &Value) -> Result<Currency, Wrong> {
    let found = Currency::parse(string(value)?);
    found.ok_or_else(|| Wrong::new("invalid", "must be an active ISO 4217 code such as EUR"))
}

/// Where a tenant wants to be called: https, a host, no credentials in it. With `loopback_allowed`, plain http too where
/// the host is this machine. Which address the host has is looked at when it is called.
pub(super) fn webhook_url(loopback_allowed: bool) -> impl Fn(&Value) -> Result<String, Wrong> {
    move |value| {
        let text = string(value)?;
        let wrong = |message: &str| Err(Wrong::new("invalid", message));
        if text.len() > MAX_URL_BYTES || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return wrong("must be a URL of at most 2000 bytes");
        }
        let (rest, https) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (rest, true),
            (_, Some(rest)) => (rest, false),
            _ => return wrong("must be an https URL"),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains(['@', '\\']) {
            return wrong("must not hold a user or password");
        }
        let host = host(authority);
        if host.is_empty() {
            return wrong("must name a host");
        }
        let here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        if https || (here && loopback_allowed) { Ok(text.to_owned()) } else { wrong("must be an https URL") }
    }
}

/// An authority without its port.
fn host(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// A secret of one's own: `whsec_` and base64 of 24 to 64 bytes. The message never repeats it.
pub(super) fn webhook_secret(value: &Value) -> Result<Secret, Wrong> {
    let secret = Secret::new(string(value)?.trim().to_owned());
    match WebhookKey::parse(&secret) {
        Some(_) => Ok(secret),
        None => Err(Wrong::new("invalid", "must be whsec_ and base64 of 24 to 64 bytes")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_status_can_be_named() {
        assert_eq!(STATUSES.len(), Status::ALL.len());
        for status in Status::ALL {
            assert!(STATUSES.contains(&(status.as_str(), status)));
        }
    }

    #[test]
    fn a_webhook_is_https_but_on_this_machine_where_that_is_allowed() {
        for good in ["https://example.com", "https://example.com:8443/hook?x=1", "https://[2001:db8::1]/"] {
            assert!(webhook_url(false)(&json!(good)).is_ok(), "{good}");
        }
        for here in ["http://127.0.0.1:9/x", "http://localhost", "http://[::1]:80/"] {
            assert!(webhook_url(true)(&json!(here)).is_ok(), "{here}");
            assert!(webhook_url(false)(&json!(here)).is_err(), "{here}");
        }
        for bad in [
            "http://example.com",
            "http://localhost.example.com",
            "http://127.0.0.1@example.com/",
            "https://user:pass@example.com",
            "https://",
            "https:///x",
            "https://:443",
            "ftp://example.com",
            "https://exa mple.com",
            "",
        ] {
            assert!(webhook_url(true)(&json!(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_secret_has_enough_bytes() {
        let own = " whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc= ";
        assert_eq!(webhook_secret(&json!(own)).unwrap().expose(), own.trim());
        for bad in ["", "whsec_", "whsec_BwcHBwcHBwc=", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="] {
            assert!(webhook_secret(&json!(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_note_may_have_lines() {
        assert!(note(&json!("Called.\n\tNo answer.")).is_ok());
        assert_eq!(note(&json!(" \n")).unwrap_err().code, "empty");
        assert_eq!(note(&json!("a\u{0}")).unwrap_err().code, "control_character");
        assert_eq!(note(&json!("x".repeat(4_097))).unwrap_err().code, "too_long");
    }
}
