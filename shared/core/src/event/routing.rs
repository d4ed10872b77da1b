//! Where an event goes: its pixel, test event code and upload tag.

use serde_json::value::RawValue;

use super::fields::Fields;
use super::limits::MAX_LABEL_BYTES;
use super::path::Path;
use super::prepare::{EventContext, Poster};
use super::refusal::{NoteCode, Notes, RefusalCode};
use super::typed;
use crate::config::Source;
use crate::ids::PixelId;

const MAX_TEST_EVENT_CODE_BYTES: usize = 64;

pub(super) struct Route {
    pub(super) pixel: Option<PixelId>,
    pub(super) test_event_code: Option<Box<str>>,
    pub(super) upload_tag: Option<Box<str>>,
}

/// Whether `code` may be a test event code: 1 to 64 of `A-Z a-z 0-9 - _`.
#[must_use]
pub fn is_test_event_code(code: &str) -> bool {
    (1..=MAX_TEST_EVENT_CODE_BYTES).contains(&code.len())
        && code.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

pub(super) fn read(fields: &Fields<'_>, context: &EventContext<'_>, notes: &mut Notes) -> Option<Route> {
    if context.poster != Poster::Server {
        for (name, raw) in [
            ("pixel_id", fields.pixel_id),
            ("test_event_code", fields.test_event_code),
            ("upload_tag", fields.upload_tag),
        ] {
            if raw.is_some() {
                notes.refuse(RefusalCode::NotForPublicKeys, name);
            }
        }
    }
    let pixel = pixel(fields.pixel_id, context, notes);
    let code = fields.test_event_code.map(|raw| test_event_code(raw, notes));
    let tag = fields.upload_tag.map(|raw| {
        typed::label(raw, Path::root("upload_tag"), MAX_LABEL_BYTES, notes).map(|tag| tag.as_ref().into())
    });
    Some(Route {
        pixel: pixel.ok()?,
        test_event_code: code.unwrap_or_else(|| context.test_event_code.map(Into::into)),
        upload_tag: tag.unwrap_or_else(|| context.upload_tag.map(Into::into)),
    })
}

/// It stands in the notes why.
struct Refused;

/// The one pixel; `None` for all of the source's.
fn pixel(
    raw: Option<&RawValue>,
    context: &EventContext<'_>,
    notes: &mut Notes,
) -> Result<Option<PixelId>, Refused> {
    const FIELD: &str = "pixel_id";
    if let Some(addressed) = context.pixel {
        if raw.is_some() {
            notes.warn(NoteCode::UnknownField, FIELD);
        }
        return allowed(addressed.clone(), context.source, notes).map(Some);
    }
    let Some(raw) = raw else {
        if context.source.pixel_ids.is_empty() {
            notes.refuse(RefusalCode::NoPixel, FIELD);
            return Err(Refused);
        }
        return Ok(None);
    };
    let text = typed::text_or_number(raw, Path::root(FIELD), notes).ok_or(Refused)?;
    let Ok(pixel) = PixelId::parse(&text) else {
        notes.refuse(RefusalCode::PixelIdInvalid, FIELD);
        return Err(Refused);
    };
    allowed(pixel, context.source, notes).map(Some)
}

fn allowed(pixel: PixelId, source: &Source, notes: &mut Notes) -> Result<PixelId, Refused> {
    if source.pixel_ids.contains(&pixel) {
        return Ok(pixel);
    }
    notes.refuse(RefusalCode::PixelNotAllowed, "pixel_id");
    Err(Refused)
}

fn test_event_code(raw: &RawValue, notes: &mut Notes) -> Option<Box<str>> {
    const FIELD: &str = "test_event_code";
    let text = typed::text(raw, Path::root(FIELD), notes)?;
    if is_test_event_code(&text) {
        return Some(text.as_ref().into());
    }
    notes.refuse(RefusalCode::TestEventCodeInvalid, FIELD);
    None
}
