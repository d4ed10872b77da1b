//! An event's user_data: normalised and hashed, refused where Meta could match nobody by what is left.

use serde_json::value::RawValue;

use super::path::Path;
use super::prepare::{EventContext, Poster};
use super::refusal::{Notes, RefusalCode};
use super::typed;
use crate::normalize::{self, Country, HashedUserData, UserDataContext, UserDataError, fbclid_in_url};

const FIELD: &str = "user_data";

/// What a browser must not say: the address comes from its request, a lead's id is known to servers only.
const NOT_FROM_BROWSERS: [&str; 2] = ["client_ip_address", "lead_id"];

/// Appends `,"user_data":{…}` and returns what is in it; `None` where there is no readable one.
pub(crate) fn write(
    raw: Option<&RawValue>,
    context: &EventContext<'_>,
    event_time: Option<i64>,
    page: Option<&str>,
    out: &mut String,
    notes: &mut Notes,
) -> Option<HashedUserData> {
    let (client_ip, user_agent) = match context.poster {
        Poster::Server => (None, None),
        Poster::Browser { client_ip, user_agent } | Poster::RuleForBrowser { client_ip, user_agent } => {
            (client_ip, user_agent)
        }
    };
    let raw = match raw {
        Some(raw) => raw,
        None if context.poster == Poster::Server => {
            notes.refuse(RefusalCode::UserDataMissing, FIELD);
            return None;
        }
        // A browser's request may say enough: address, user agent and the click id in its URL.
        None => serde_json::from_str("{}").ok()?,
    };
    if context.poster != Poster::Server {
        refuse_privileged(raw, notes);
    }
    let surroundings = UserDataContext {
        now: context.now,
        event_time,
        default_country: context.source.default_country.as_deref().and_then(|code| Country::parse(code).ok()),
        client_ip,
        client_user_agent: user_agent,
        fbclid: page.and_then(fbclid_in_url),
    };
    let outcome = match normalize::user_data(raw, &surroundings) {
        Ok(outcome) => outcome,
        Err(error) => {
            notes.refuse(
                match error {
                    UserDataError::NotAnObject => RefusalCode::NotAFieldObject,
                    UserDataError::Unreadable => RefusalCode::InvalidText,
                },
                FIELD,
            );
            return None;
        }
    };
    for warning in outcome.warnings {
        notes.warn_as(warning.code.code(), warning.field);
    }
    if !outcome.user_data.is_sufficient() {
        notes.refuse(RefusalCode::UserDataInsufficient, FIELD);
    }
    append(&outcome.user_data, out);
    Some(outcome.user_data)
}

fn refuse_privileged(raw: &RawValue, notes: &mut Notes) {
    let root = Path::root(FIELD);
    for (key, _) in typed::object(raw, root, notes).unwrap_or_default() {
        if NOT_FROM_BROWSERS.contains(&key.as_ref()) {
            notes.refuse(RefusalCode::NotForPublicKeys, root.key(&key));
        }
    }
}

fn append(user_data: &HashedUserData, out: &mut String) {
    out.push_str(r#","user_data":"#);
    let mut bytes = std::mem::take(out).into_bytes();
    let start = bytes.len();
    if serde_json::to_writer(&mut bytes, user_data).is_err() {
        // A map of texts to texts and lists has no reason to fail; an empty object keeps the event readable.
        bytes.truncate(start);
        bytes.extend_from_slice(b"{}");
    }
    // serde_json writes UTF-8 only.
    *out = String::from_utf8(bytes).unwrap_or_default();
    escape_for_sqs(out, start);
}

/// SQS refuses U+FFFE and U+FFFF in a message; user agents and ids may hold them.
fn escape_for_sqs(out: &mut String, start: usize) {
    if out[start..].contains(['\u{fffe}', '\u{ffff}']) {
        let tail = out.split_off(start);
        out.push_str(&tail.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff"));
    }
}
