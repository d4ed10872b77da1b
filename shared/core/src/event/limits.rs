//! Every limit of an event and of a request that brings events, with its unit.

use crate::message::MAX_EVENT_BYTES;

/// Events in one request (Meta: using-the-api).
pub const MAX_EVENTS: usize = 1_000;

/// Bytes of one event as posted. Plaintext values may be longer than their hashes, so this is above the limit of
/// what is queued.
pub const MAX_POSTED_EVENT_BYTES: usize = 4 * MAX_EVENT_BYTES;

/// Levels of objects and arrays in a request's body; deeper ones are refused before they are parsed.
pub const MAX_BODY_DEPTH: usize = 64;

/// Levels of objects and arrays in `custom_data` and other fields that pass through, the field itself being the first.
pub const MAX_FIELD_DEPTH: usize = 4;

/// Bytes of a URL.
pub const MAX_URL_BYTES: usize = 8 * 1024;

/// Items of `contents` and `content_ids`.
pub const MAX_CONTENTS: usize = 1_000;

/// Bytes of texts that only label an event: `test_event_code`, `upload_tag`, `messaging_channel` and the like.
pub const MAX_LABEL_BYTES: usize = 256;

/// Seconds that a caller's clock may be ahead; such events are clamped to now.
pub const MAX_AHEAD_S: i64 = 60;

/// Refusals, and warnings, that one event's result names.
pub const MAX_NOTES: usize = 8;

/// Bytes of a field's path in a note.
pub const MAX_FIELD_BYTES: usize = 96;

/// Bytes of an `Idempotency-Key` header.
pub const MAX_IDEMPOTENCY_KEY_BYTES: usize = 256;
