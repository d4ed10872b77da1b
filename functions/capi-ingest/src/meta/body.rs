//! Meta's request: JSON, or a form whose fields hold JSON; `data` as an array of objects, of JSON texts, or as one
//! JSON text (Meta: using-the-api; the official SDKs differ among themselves).

use std::borrow::Cow;

use adrelay_core::event::limits::MAX_EVENTS;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::body::{BodyError, Form, Parsed, array, check_depth, json};

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    access_token: Option<Cow<'a, str>>,
    #[serde(borrow)]
    test_event_code: Option<Cow<'a, str>>,
    #[serde(borrow)]
    upload_tag: Option<Cow<'a, str>>,
}

/// Reads the body of Meta's endpoint. Without a content type that names its form, the first character decides.
pub(crate) fn parse(form: Form, text: &str) -> Result<Parsed<'_>, BodyError> {
    let is_json = match form {
        Form::Json => true,
        Form::UrlEncoded => false,
        Form::Text | Form::Unnamed | Form::Other => text.trim_start().starts_with(['{', '[']),
    };
    if is_json { object(text) } else { url_encoded(text) }
}

fn object(text: &str) -> Result<Parsed<'_>, BodyError> {
    check_depth(text)?;
    if !text.trim_start().starts_with('{') {
        return Err(json::<&RawValue>(text).err().unwrap_or(BodyError::WrongShape));
    }
    let Fields { data, access_token, test_event_code, upload_tag } = json(text)?;
    Ok(Parsed {
        events: events(data.ok_or(BodyError::EventsMissing)?)?,
        key: access_token,
        test_event_code,
        upload_tag,
    })
}

fn url_encoded(text: &str) -> Result<Parsed<'_>, BodyError> {
    let mut parsed = Parsed::default();
    let mut data = None;
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        match name.as_ref() {
            "data" => data = Some(value),
            "access_token" => parsed.key = Some(value),
            "test_event_code" => parsed.test_event_code = Some(value),
            "upload_tag" => parsed.upload_tag = Some(value),
            _ => {}
        }
    }
    let data = data.ok_or(BodyError::EventsMissing)?;
    if data.contains('\0') {
        return Err(BodyError::HasNul);
    }
    parsed.events = owned_events(&data)?;
    Ok(parsed)
}

/// `data` as it stands in a JSON body.
fn events(data: &RawValue) -> Result<Vec<Cow<'_, str>>, BodyError> {
    match data.get().as_bytes().first() {
        Some(b'"') => owned_events(&json::<String>(data.get())?),
        Some(b'n') => Err(BodyError::EventsMissing),
        _ => Ok(array(data, MAX_EVENTS)?.into_iter().map(event).collect()),
    }
}

/// `data` as a text of its own.
fn owned_events<'b>(data: &str) -> Result<Vec<Cow<'b, str>>, BodyError> {
    check_depth(data)?;
    let items = array(json(data)?, MAX_EVENTS)?;
    Ok(items.into_iter().map(|item| Cow::Owned(event(item).into_owned())).collect())
}

/// One event: an object, or the text of one. What else it may be is that event's own mistake.
fn event(raw: &RawValue) -> Cow<'_, str> {
    if !raw.get().starts_with('"') {
        return Cow::Borrowed(raw.get());
    }
    // Half a surrogate pair makes no text; as an event it is refused like anything that is no object.
    json::<String>(raw.get()).map_or(Cow::Borrowed(raw.get()), Cow::Owned)
}
