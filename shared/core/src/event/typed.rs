//! Reading one JSON value as the type that a field must have; a wrong one is that field's refusal.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::path::Path;
use super::raw::{Entries, View, entries, items, view};
use super::refusal::{Notes, RefusalCode};

/// Looks at a value; a text that is none is refused.
pub(crate) fn look<'a>(raw: &'a RawValue, path: Path<'_>, notes: &mut Notes) -> Option<View<'a>> {
    let view = view(raw).ok();
    if view.is_none() {
        notes.refuse(RefusalCode::InvalidText, path);
    }
    view
}

/// A text.
pub(crate) fn text<'a>(raw: &'a RawValue, path: Path<'_>, notes: &mut Notes) -> Option<Cow<'a, str>> {
    match look(raw, path, notes)? {
        View::Text(text) => Some(text),
        _ => refused(RefusalCode::NotAString, path, notes),
    }
}

/// A text, or a number taken as one: order numbers and ids come either way.
pub(crate) fn text_or_number<'a>(
    raw: &'a RawValue,
    path: Path<'_>,
    notes: &mut Notes,
) -> Option<Cow<'a, str>> {
    match look(raw, path, notes)? {
        View::Text(text) => Some(text),
        View::Number(number) => Some(Cow::Borrowed(number)),
        _ => refused(RefusalCode::NotAString, path, notes),
    }
}

/// A text of 1 to `max_bytes` bytes without control characters and without an e-mail address.
pub(crate) fn label<'a>(
    raw: &'a RawValue,
    path: Path<'_>,
    max_bytes: usize,
    notes: &mut Notes,
) -> Option<Cow<'a, str>> {
    let text = text(raw, path, notes)?;
    let code = if text.is_empty() {
        RefusalCode::Empty
    } else if text.len() > max_bytes {
        RefusalCode::TooLong
    } else if text.chars().any(char::is_control) {
        RefusalCode::ControlCharacter
    } else if super::personal::holds_email(&text) {
        RefusalCode::LooksPersonal
    } else {
        return Some(text);
    };
    refused(code, path, notes)
}

/// A finite number, as it was written.
pub(crate) fn number<'a>(raw: &'a RawValue, path: Path<'_>, notes: &mut Notes) -> Option<&'a str> {
    match look(raw, path, notes)? {
        View::Number(number) if is_finite(number) => Some(number),
        View::Number(_) => refused(RefusalCode::NumberOutOfRange, path, notes),
        _ => refused(RefusalCode::NotANumber, path, notes),
    }
}

/// A finite number that is not negative, as it was written.
pub(crate) fn amount<'a>(raw: &'a RawValue, path: Path<'_>, notes: &mut Notes) -> Option<&'a str> {
    let number = number(raw, path, notes)?;
    // `-0` and `-0.00` are zero.
    let below_zero = number.starts_with('-') && number.parse::<f64>().is_ok_and(|value| value < 0.0);
    if below_zero {
        refused(RefusalCode::Negative, path, notes)
    } else {
        Some(number.trim_start_matches('-'))
    }
}

/// A whole number from 0 on.
pub(crate) fn count(raw: &RawValue, path: Path<'_>, notes: &mut Notes) -> Option<u64> {
    match look(raw, path, notes)? {
        View::Number(number) => {
            number.parse().ok().or_else(|| refused(RefusalCode::NotAnInteger, path, notes))
        }
        _ => refused(RefusalCode::NotAnInteger, path, notes),
    }
}

/// `true` or `false`.
pub(crate) fn boolean(raw: &RawValue, path: Path<'_>, notes: &mut Notes) -> Option<bool> {
    match look(raw, path, notes)? {
        View::Bool(flag) => Some(flag),
        _ => refused(RefusalCode::NotABoolean, path, notes),
    }
}

/// An object's entries.
pub(crate) fn object<'a>(raw: &'a RawValue, path: Path<'_>, notes: &mut Notes) -> Option<Entries<'a>> {
    match look(raw, path, notes)? {
        View::Object(raw) => entries(raw).ok().or_else(|| refused(RefusalCode::InvalidText, path, notes)),
        _ => refused(RefusalCode::NotAFieldObject, path, notes),
    }
}

/// An array's items.
pub(crate) fn array<'a>(raw: &'a RawValue, path: Path<'_>, notes: &mut Notes) -> Option<Vec<&'a RawValue>> {
    match look(raw, path, notes)? {
        View::Array(raw) => Some(items(raw)),
        _ => refused(RefusalCode::NotAnArray, path, notes),
    }
}

/// Whether a JSON number fits a double.
pub(crate) fn is_finite(number: &str) -> bool {
    let short = number.len() <= 15 && !number.contains(['e', 'E']);
    short || number.parse::<f64>().is_ok_and(f64::is_finite)
}

fn refused<T>(code: RefusalCode, path: Path<'_>, notes: &mut Notes) -> Option<T> {
    notes.refuse(code, path);
    None
}
