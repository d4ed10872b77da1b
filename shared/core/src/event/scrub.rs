//! Fields that pass through to Meta: written anew without white space, with what looks personal or secret left out.

use serde_json::value::RawValue;

use super::limits::MAX_FIELD_DEPTH;
use super::path::Path;
use super::personal::{holds_email, is_phone, is_token};
use super::raw::{View, entries, items, push_text};
use super::refusal::{NoteCode, Notes, RefusalCode};
use super::typed::{is_finite, look};
use super::url;

/// What a key's texts may be. Ids are numbers and codes of the caller's own, which only look like phone numbers or
/// tokens; an e-mail address is cut from them all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Texts {
    Free,
    Ids,
}

impl Texts {
    /// By a key's name: `order_id`, `content_ids`, `sku`, …
    pub(crate) fn of_key(key: &str) -> Self {
        let id = matches!(key, "id" | "ids" | "sku" | "gtin" | "item_number" | "receipt_data")
            || key.ends_with("_id")
            || key.ends_with("_ids")
            || key.ends_with("_sku")
            || key.ends_with("_number");
        if id { Self::Ids } else { Self::Free }
    }
}

/// Writes `raw` to `out`; says whether something was written (a text that was cut, or a refusal, writes nothing).
/// `level` is 1 for the field itself.
pub(crate) fn write(
    raw: &RawValue,
    texts: Texts,
    level: usize,
    path: Path<'_>,
    out: &mut String,
    notes: &mut Notes,
) -> bool {
    let Some(view) = look(raw, path, notes) else { return false };
    match view {
        View::Null => out.push_str("null"),
        View::Bool(flag) => out.push_str(if flag { "true" } else { "false" }),
        View::Number(number) if is_finite(number) => out.push_str(number),
        View::Number(_) => {
            notes.refuse(RefusalCode::NumberOutOfRange, path);
            return false;
        }
        View::Text(text) => return write_text(&text, texts, path, out, notes),
        View::Array(_) | View::Object(_) if level > MAX_FIELD_DEPTH => {
            notes.refuse(RefusalCode::TooDeep, path);
            return false;
        }
        View::Array(raw) => write_array(raw, texts, level, path, out, notes),
        View::Object(raw) => return write_object(raw, level, path, out, notes),
    }
    true
}

/// Writes a text unless it looks personal; links are cleaned like any URL.
pub(crate) fn write_text(
    text: &str,
    texts: Texts,
    path: Path<'_>,
    out: &mut String,
    notes: &mut Notes,
) -> bool {
    if text.contains("://") && url::is_absolute(text) {
        let (clean, cut) = url::clean(text);
        if !holds_email(&clean) {
            if cut {
                notes.warn(NoteCode::PersonalDataRemoved, path);
            }
            push_text(out, &clean);
            return true;
        }
    }
    if holds_email(text) || (texts == Texts::Free && (is_phone(text) || is_token(text))) {
        notes.warn(NoteCode::PersonalDataRemoved, path);
        return false;
    }
    push_text(out, text);
    true
}

fn write_array(
    raw: &RawValue,
    texts: Texts,
    level: usize,
    path: Path<'_>,
    out: &mut String,
    notes: &mut Notes,
) {
    out.push('[');
    let mut separator = "";
    for (index, item) in items(raw).into_iter().enumerate() {
        let before = out.len();
        out.push_str(separator);
        if write(item, texts, level + 1, path.index(index), out, notes) {
            separator = ",";
        } else {
            out.truncate(before);
        }
    }
    out.push(']');
}

fn write_object(raw: &RawValue, level: usize, path: Path<'_>, out: &mut String, notes: &mut Notes) -> bool {
    let Ok(entries) = entries(raw) else {
        notes.refuse(RefusalCode::InvalidText, path);
        return false;
    };
    let mut object = ObjectWriter::open(out);
    for (key, value) in entries {
        let path = path.key(&key);
        object.entry(&key, path, notes, |out, notes| {
            write(value, Texts::of_key(&key), level + 1, path, out, notes)
        });
    }
    object.close();
    true
}

/// Writes an object entry by entry; an entry whose value writes nothing leaves no trace.
pub(crate) struct ObjectWriter<'o> {
    out: &'o mut String,
    separator: &'static str,
}

impl<'o> ObjectWriter<'o> {
    pub(crate) fn open(out: &'o mut String) -> Self {
        out.push('{');
        Self { out, separator: "" }
    }

    /// Writes `key` and what `write` writes, unless `write` says that it wrote nothing or the key itself looks personal.
    pub(crate) fn entry(
        &mut self,
        key: &str,
        path: Path<'_>,
        notes: &mut Notes,
        write: impl FnOnce(&mut String, &mut Notes) -> bool,
    ) {
        if key.contains('@') && holds_email(key) {
            notes.warn(NoteCode::PersonalDataRemoved, path);
            return;
        }
        let before = self.out.len();
        self.out.push_str(self.separator);
        push_text(self.out, key);
        self.out.push(':');
        if write(self.out, notes) {
            self.separator = ",";
        } else {
            self.out.truncate(before);
        }
    }

    pub(crate) fn close(self) {
        self.out.push('}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrubbed(json: &str) -> (String, Notes) {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        let (mut out, mut notes) = (String::new(), Notes::default());
        write(raw, Texts::Free, 1, Path::root("custom_data"), &mut out, &mut notes);
        (out, notes)
    }

    #[test]
    fn ordinary_data_passes_without_white_space_and_with_its_numbers() {
        let (out, notes) =
            scrubbed(r#" { "a" : [ 1.50, null, true ], "b": {"c": 123456789012345678901234} } "#);
        assert_eq!(out, r#"{"a":[1.50,null,true],"b":{"c":123456789012345678901234}}"#);
        assert!(notes.refusals.is_empty() && notes.warnings.is_empty());
    }

    #[test]
    fn what_looks_personal_leaves_no_trace() {
        let (out, notes) = scrubbed(
            r#"{"note":"mail bob@example.com","bob@example.com":1,"tel":"+4915112345678","order_id":"+4915112345678",
                "tags":["a","x@y.org","b"],"auth":"Bearer x","page":"https://x.example/?email=a%40b.org&c=1"}"#,
        );
        assert_eq!(out, r#"{"order_id":"+4915112345678","tags":["a","b"],"page":"https://x.example/?c=1"}"#);
        let fields: Vec<_> = notes.warnings.iter().map(|w| w.field.as_ref()).collect();
        assert_eq!(
            fields,
            [
                "custom_data.note",
                "custom_data.bob?example.com",
                "custom_data.tel",
                "custom_data.tags[1]",
                "custom_data.auth",
                "custom_data.page"
            ]
        );
    }

    #[test]
    fn four_levels_are_the_limit() {
        assert!(scrubbed(r#"{"a":{"b":{"c":{"d":1}}}}"#).1.refusals.is_empty());
        let (_, notes) = scrubbed(r#"{"a":{"b":{"c":{"d":[]}}}}"#);
        assert_eq!(notes.refusals[0].code, RefusalCode::TooDeep);
        assert_eq!(notes.refusals[0].field, "custom_data.a.b.c.d");
    }
}
