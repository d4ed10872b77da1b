//! Fields of an event beside user_data and custom_data: checked for their shape and passed on.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::action_source::ActionSource;
use super::app_data;
use super::fields::Fields;
use super::limits::{MAX_LABEL_BYTES, MAX_URL_BYTES};
use super::path::Path;
use super::raw::{View, is_null, push_text};
use super::refusal::{NoteCode, Notes, RefusalCode};
use super::scrub::{self, ObjectWriter, Texts};
use super::{typed, url};

/// Channels of business messaging (Meta: conversions api for business messaging).
const MESSAGING_CHANNELS: [&str; 3] = ["whatsapp", "messenger", "instagram"];

fn push_key(key: &str, out: &mut String) {
    out.push_str(",\"");
    out.push_str(key);
    out.push_str("\":");
}

/// Writes the page's URL without what looks personal; returns it as it was posted, for the click id in it.
pub(crate) fn event_source_url<'a>(
    raw: Option<&'a RawValue>,
    out: &mut String,
    notes: &mut Notes,
) -> Option<Cow<'a, str>> {
    const FIELD: &str = "event_source_url";
    let posted = typed::text(raw?, Path::root(FIELD), notes)?;
    if posted.len() > MAX_URL_BYTES {
        notes.refuse(RefusalCode::TooLong, FIELD);
    } else if url::is_absolute(posted.trim()) {
        write_url(FIELD, posted.trim(), out, notes);
    } else {
        notes.refuse(RefusalCode::UrlInvalid, FIELD);
    }
    Some(posted)
}

fn write_url(field: &'static str, posted: &str, out: &mut String, notes: &mut Notes) {
    let (clean, cut) = url::clean(posted);
    if cut {
        notes.warn(NoteCode::PersonalDataRemoved, field);
    }
    push_key(field, out);
    push_text(out, &clean);
}

/// A referrer is a help, not a need: one that can't be used is left out.
fn referrer_url(raw: &RawValue, out: &mut String, notes: &mut Notes) {
    const FIELD: &str = "referrer_url";
    match typed::look(raw, Path::root(FIELD), notes) {
        Some(View::Text(text)) if text.is_empty() => {}
        Some(View::Text(text)) if text.len() <= MAX_URL_BYTES && url::is_absolute(text.trim()) => {
            write_url(FIELD, text.trim(), out, notes);
        }
        Some(_) => notes.warn(NoteCode::UrlLeftOut, FIELD),
        None => {}
    }
}

/// Appends the fields that are present as `,"name":…` entries.
pub(crate) fn write(
    fields: &Fields<'_>,
    action_source: Option<ActionSource>,
    out: &mut String,
    notes: &mut Notes,
) {
    if let Some(raw) = fields.referrer_url {
        referrer_url(raw, out, notes);
    }
    if let Some(opt_out) = fields.opt_out.and_then(|raw| typed::boolean(raw, Path::root("opt_out"), notes)) {
        out.push_str(if opt_out { r#","opt_out":true"# } else { r#","opt_out":false"# });
    }
    if let Some(raw) = fields.app_data {
        push_key("app_data", out);
        app_data::write(raw, action_source == Some(ActionSource::App), out, notes);
    }
    if let Some(raw) = fields.original_event_data {
        original_event_data(raw, out, notes);
    }
    if let Some(raw) = fields.attribution_data {
        push_key("attribution_data", out);
        let path = Path::root("attribution_data");
        if typed::object(raw, path, notes).is_some() {
            scrub::write(raw, Texts::Ids, 1, path, out, notes);
        }
    }
    if let Some(raw) = fields.messaging_channel {
        let path = Path::root("messaging_channel");
        if let Some(channel) = typed::text(raw, path, notes) {
            if MESSAGING_CHANNELS.contains(&channel.as_ref()) {
                push_key("messaging_channel", out);
                push_text(out, &channel);
            } else {
                notes.refuse(RefusalCode::MessagingChannelUnknown, path);
            }
        }
    }
    for (name, raw) in [
        ("customer_segmentation", fields.customer_segmentation),
        ("advanced_measurement_table", fields.advanced_measurement_table),
    ] {
        if let Some(label) = raw.and_then(|raw| typed::label(raw, Path::root(name), MAX_LABEL_BYTES, notes)) {
            push_key(name, out);
            push_text(out, &label);
        }
    }
}

/// Points to the event that this one refines: `event_name`, `event_time`, `order_id`, `event_id`.
fn original_event_data(raw: &RawValue, out: &mut String, notes: &mut Notes) {
    let root = Path::root("original_event_data");
    let Some(entries) = typed::object(raw, root, notes) else { return };
    push_key("original_event_data", out);
    let mut object = ObjectWriter::open(out);
    for (key, value) in entries {
        if is_null(value) {
            continue;
        }
        let path = root.key(&key);
        match key.as_ref() {
            "event_time" => object.entry(&key, path, notes, |out, notes| {
                let Some(seconds) = typed::count(value, path, notes) else { return false };
                out.push_str(&seconds.to_string());
                true
            }),
            "event_name" | "order_id" | "event_id" => object.entry(&key, path, notes, |out, notes| {
                let Some(text) = typed::text_or_number(value, path, notes) else { return false };
                scrub::write_text(&text, Texts::Ids, path, out, notes)
            }),
            _ => notes.warn(NoteCode::UnknownField, path),
        }
    }
    object.close();
}
