//! Request bodies: bytes, content type and route in, the texts of events out. No event is looked into here, so that
//! one bad event never harms the others.

use std::borrow::Cow;

use adrelay_core::event::deeper_than;
use adrelay_core::event::limits::{MAX_BODY_DEPTH, MAX_EVENTS};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::meta::body as meta;
use crate::route::Route;

/// Bytes of a JSON body: Lambda's 6 MB count the escaped text.
pub const MAX_JSON_BYTES: usize = 5 * 1024 * 1024;

/// Bytes of a form: it reaches the function in base64, a third longer.
pub const MAX_FORM_BYTES: usize = 4 * 1024 * 1024;

/// Bytes of a browser's body.
pub const MAX_BROWSER_BYTES: usize = 64 * 1024;

/// Events of a browser's request.
pub const MAX_BROWSER_EVENTS: usize = 20;

/// Why a body can't be read at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Larger than the route takes.
    #[error("the body is larger than this route takes")]
    TooLarge,
    /// A content type that the route does not take.
    #[error("the route does not take this content type")]
    ContentType,
    /// Bytes that are no UTF-8.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// A NUL byte.
    #[error("the body holds a NUL byte")]
    HasNul,
    /// Objects and arrays nest too deep.
    #[error("the body nests deeper than 64 levels")]
    TooDeep,
    /// Not JSON.
    #[error("the body is not JSON")]
    NotJson,
    /// JSON, but no object; or a field twice, or of the wrong type.
    #[error("the body is not an object of the documented shape")]
    WrongShape,
    /// No events.
    #[error("the events are missing")]
    EventsMissing,
    /// `events` (or `data`) is no array.
    #[error("the events are not an array")]
    EventsNotAnArray,
    /// An empty array.
    #[error("there are no events in the array")]
    EventsEmpty,
    /// More than the route takes.
    #[error("more events than this route takes in one request")]
    TooManyEvents,
}

impl BodyError {
    /// Every one, for tests and documentation.
    pub const ALL: [Self; 11] = [
        Self::TooLarge,
        Self::ContentType,
        Self::NotUtf8,
        Self::HasNul,
        Self::TooDeep,
        Self::NotJson,
        Self::WrongShape,
        Self::EventsMissing,
        Self::EventsNotAnArray,
        Self::EventsEmpty,
        Self::TooManyEvents,
    ];

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::TooLarge => 413,
            Self::ContentType => 415,
            Self::NotUtf8 | Self::HasNul | Self::TooDeep | Self::NotJson => 400,
            Self::WrongShape
            | Self::EventsMissing
            | Self::EventsNotAnArray
            | Self::EventsEmpty
            | Self::TooManyEvents => 422,
        }
    }

    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "body_too_large",
            Self::ContentType => "content_type_unsupported",
            Self::NotUtf8 => "body_not_utf8",
            Self::HasNul => "body_has_nul",
            Self::TooDeep => "body_too_deep",
            Self::NotJson => "body_not_json",
            Self::WrongShape => "body_wrong_shape",
            Self::EventsMissing => "events_missing",
            Self::EventsNotAnArray => "events_not_an_array",
            Self::EventsEmpty => "events_empty",
            Self::TooManyEvents => "too_many_events",
        }
    }
}

/// What a body brings, borrowed from it where it can be.
#[derive(Debug, Default)]
pub struct Parsed<'a> {
    /// Each event's text, JSON or not; ≥ 1.
    pub events: Vec<Cow<'a, str>>,
    /// The key, where the route takes it from the body.
    pub key: Option<Cow<'a, str>>,
    /// For events that name none of their own.
    pub test_event_code: Option<Cow<'a, str>>,
    /// For events that name none of their own.
    pub upload_tag: Option<Cow<'a, str>>,
}

/// What a content type says of the body's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    UrlEncoded,
    Text,
    Unnamed,
    Other,
}

impl Form {
    pub(crate) fn of(content_type: Option<&str>) -> Self {
        let Some(content_type) = content_type else { return Self::Unnamed };
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "" => Self::Unnamed,
            "application/json" => Self::Json,
            "application/x-www-form-urlencoded" => Self::UrlEncoded,
            "text/plain" => Self::Text,
            _ if essence.starts_with("application/") && essence.ends_with("+json") => Self::Json,
            _ => Self::Other,
        }
    }
}

/// Reads a body. Never panics, whatever the bytes.
///
/// # Errors
/// [`BodyError`].
pub fn parse<'a>(
    route: &Route,
    content_type: Option<&str>,
    bytes: &'a [u8],
) -> Result<Parsed<'a>, BodyError> {
    let form = Form::of(content_type);
    let (takes, max_bytes) = match (route, form) {
        (Route::Event | Route::Events, form) => (matches!(form, Form::Json | Form::Unnamed), MAX_JSON_BYTES),
        (Route::Meta { .. }, Form::UrlEncoded) => (true, MAX_FORM_BYTES),
        (Route::Meta { .. }, form) => (form != Form::Other, MAX_JSON_BYTES),
        (Route::Browser, form) => (!matches!(form, Form::UrlEncoded | Form::Other), MAX_BROWSER_BYTES),
    };
    if bytes.len() > max_bytes {
        return Err(BodyError::TooLarge);
    }
    if !takes {
        return Err(BodyError::ContentType);
    }
    if bytes.contains(&0) {
        return Err(BodyError::HasNul);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| BodyError::NotUtf8)?;
    match route {
        Route::Event => single(text),
        Route::Events => batch(text, MAX_EVENTS),
        Route::Browser => batch(text, MAX_BROWSER_EVENTS),
        Route::Meta { .. } => meta::parse(form, text),
    }
}

/// Refuses what nests too deep before any parser sees it.
pub(crate) fn check_depth(text: &str) -> Result<(), BodyError> {
    if deeper_than(text.as_bytes(), MAX_BODY_DEPTH) { Err(BodyError::TooDeep) } else { Ok(()) }
}

/// Syntax and shape are different mistakes.
pub(crate) fn json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, BodyError> {
    serde_json::from_str(text)
        .map_err(|error| if error.is_data() { BodyError::WrongShape } else { BodyError::NotJson })
}

fn single(text: &str) -> Result<Parsed<'_>, BodyError> {
    check_depth(text)?;
    let event: &RawValue = json(text)?;
    if !event.get().starts_with('{') {
        return Err(BodyError::WrongShape);
    }
    Ok(Parsed { events: vec![Cow::Borrowed(event.get())], ..Parsed::default() })
}

#[derive(Deserialize)]
struct Batch<'a> {
    #[serde(borrow)]
    events: Option<&'a RawValue>,
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct InOrder<'a> {
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
}

fn batch(text: &str, max_events: usize) -> Result<Parsed<'_>, BodyError> {
    check_depth(text)?;
    if !text.trim_start().starts_with('{') {
        // An array would be read as a struct's fields in order.
        return Err(json::<&RawValue>(text).err().unwrap_or(BodyError::WrongShape));
    }
    // What is in order is read in one pass; what is not is read again to say what is wrong with it.
    if let Ok(InOrder { events, key }) = serde_json::from_str(text)
        && (1..=max_events).contains(&events.len())
    {
        let events = events.into_iter().map(|event: &RawValue| Cow::Borrowed(event.get())).collect();
        return Ok(Parsed { events, key, ..Parsed::default() });
    }
    let Batch { events, key } = json(text)?;
    let events = array(events.ok_or(BodyError::EventsMissing)?, max_events)?;
    let events = events.into_iter().map(|event| Cow::Borrowed(event.get())).collect();
    Ok(Parsed { events, key, ..Parsed::default() })
}

/// The items of `events` or `data`.
pub(crate) fn array(raw: &RawValue, max_items: usize) -> Result<Vec<&RawValue>, BodyError> {
    if !raw.get().starts_with('[') {
        return Err(BodyError::EventsNotAnArray);
    }
    let items: Vec<&RawValue> = json(raw.get())?;
    match items.len() {
        0 => Err(BodyError::EventsEmpty),
        count if count > max_items => Err(BodyError::TooManyEvents),
        _ => Ok(items),
    }
}
