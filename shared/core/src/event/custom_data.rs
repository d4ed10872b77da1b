//! `custom_data`: Meta's own parameters checked, everything else passed through (Meta: custom-data).

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::contents;
use super::currency;
use super::limits::{MAX_CONTENTS, MAX_LABEL_BYTES};
use super::path::Path;
use super::raw::{is_null, push_text};
use super::refusal::{NoteCode, Notes, RefusalCode};
use super::scrub::{self, ObjectWriter, Texts};
use super::typed;

/// Catalogue types that `content_type` may name. Meta's SDK knows the first two; its travel, automotive, real-estate and
/// media catalogues have words of their own.
const CONTENT_TYPES: &[&str] = &[
    "product",
    "product_group",
    "hotel",
    "destination",
    "flight",
    "vehicle",
    "vehicle_offer",
    "home_listing",
    "media_title",
    "local_service_business",
];

pub(super) const DELIVERY_CATEGORIES: &[&str] = &["in_store", "curbside", "home_delivery"];

/// Names that may stand once only: a second `value` would be read one way here and another way at Meta.
const SINGLE: &[&str] = &["value", "currency", "order_id", "item_number", "contents", "content_ids"];

/// What the checks of `custom_data` depend on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Whether value and currency must be there.
    pub(crate) purchase: bool,
    /// Whether amounts of money are taken at all; public keys may lack the right.
    pub(crate) values_allowed: bool,
}

/// What the rest of the event wants to know of its `custom_data`.
#[derive(Debug, Default)]
pub(crate) struct Facts<'a> {
    pub(crate) order_id: Option<Cow<'a, str>>,
    pub(crate) item_number: Option<Cow<'a, str>>,
}

/// Checks that an event without any `custom_data` may be so.
pub(crate) fn absent(rules: Rules, notes: &mut Notes) {
    if rules.purchase {
        notes.refuse(RefusalCode::ValueMissing, "custom_data.value");
        notes.refuse(RefusalCode::CurrencyMissing, "custom_data.currency");
    }
}

/// Checks and writes `custom_data`.
pub(crate) fn write<'a>(raw: &'a RawValue, rules: Rules, out: &mut String, notes: &mut Notes) -> Facts<'a> {
    let root = Path::root("custom_data");
    let mut facts = Facts::default();
    let Some(entries) = typed::object(raw, root, notes) else { return facts };
    let mut seen = [false; SINGLE.len()];
    let mut object = ObjectWriter::open(out);
    for (key, value) in entries {
        if is_null(value) {
            continue;
        }
        let path = root.key(&key);
        if let Some(at) = SINGLE.iter().position(|name| *name == key)
            && std::mem::replace(&mut seen[at], true)
        {
            notes.refuse(RefusalCode::DuplicateField, path);
            continue;
        }
        if !rules.values_allowed && matches!(key.as_ref(), "value" | "predicted_ltv" | "net_revenue") {
            notes.warn(NoteCode::ValueRemoved, path);
            continue;
        }
        object.entry(&key, path, notes, |out, notes| write_known(&key, value, path, &mut facts, out, notes));
    }
    object.close();
    if rules.purchase {
        for (at, code) in [(0, RefusalCode::ValueMissing), (1, RefusalCode::CurrencyMissing)] {
            if !seen[at] {
                notes.refuse(code, root.key(SINGLE[at]));
            }
        }
    }
    facts
}

fn write_known<'a>(
    key: &str,
    value: &'a RawValue,
    path: Path<'_>,
    facts: &mut Facts<'a>,
    out: &mut String,
    notes: &mut Notes,
) -> bool {
    match key {
        "value" | "predicted_ltv" => push_verbatim(typed::amount(value, path, notes), out),
        "net_revenue" => push_verbatim(typed::number(value, path, notes), out),
        "num_items" => push_verbatim(typed::count(value, path, notes).map(|count| count.to_string()), out),
        "currency" => write_currency(value, path, out, notes),
        "content_type" => write_word(value, CONTENT_TYPES, RefusalCode::ContentTypeUnknown, path, out, notes),
        "delivery_category" => {
            write_word(value, DELIVERY_CATEGORIES, RefusalCode::DeliveryCategoryUnknown, path, out, notes)
        }
        "contents" => contents::write(value, path, out, notes),
        "content_ids" => write_ids(value, path, out, notes),
        "order_id" => write_id(value, path, &mut facts.order_id, out, notes),
        "item_number" => write_id(value, path, &mut facts.item_number, out, notes),
        _ => scrub::write(value, Texts::of_key(key), 2, path, out, notes),
    }
}

pub(super) fn push_verbatim(number: Option<impl AsRef<str>>, out: &mut String) -> bool {
    let Some(number) = number else { return false };
    out.push_str(number.as_ref());
    true
}

fn write_currency(value: &RawValue, path: Path<'_>, out: &mut String, notes: &mut Notes) -> bool {
    let Some(text) = typed::text(value, path, notes) else { return false };
    let Some(code) = currency::parse(&text) else {
        notes.refuse(RefusalCode::CurrencyUnknown, path);
        return false;
    };
    push_text(out, code);
    true
}

pub(super) fn write_word(
    value: &RawValue,
    words: &[&str],
    unknown: RefusalCode,
    path: Path<'_>,
    out: &mut String,
    notes: &mut Notes,
) -> bool {
    let Some(text) = typed::text(value, path, notes) else { return false };
    if !words.contains(&text.as_ref()) {
        notes.refuse(unknown, path);
        return false;
    }
    push_text(out, &text);
    true
}

/// `content_ids`: texts, or numbers that become texts; one alone may stand without its array.
fn write_ids(value: &RawValue, path: Path<'_>, out: &mut String, notes: &mut Notes) -> bool {
    let items = if value.get().starts_with('[') { super::raw::items(value) } else { vec![value] };
    if items.len() > MAX_CONTENTS {
        notes.refuse(RefusalCode::TooManyItems, path);
        return false;
    }
    out.push('[');
    let mut separator = "";
    for (index, item) in items.into_iter().enumerate() {
        let path = path.index(index);
        let Some(id) = typed::text_or_number(item, path, notes) else { continue };
        let before = out.len();
        out.push_str(separator);
        if scrub::write_text(&id, Texts::Ids, path, out, notes) {
            separator = ",";
        } else {
            out.truncate(before);
        }
    }
    out.push(']');
    true
}

fn write_id<'a>(
    value: &'a RawValue,
    path: Path<'_>,
    fact: &mut Option<Cow<'a, str>>,
    out: &mut String,
    notes: &mut Notes,
) -> bool {
    let Some(id) = typed::text_or_number(value, path, notes) else { return false };
    if id.len() > MAX_LABEL_BYTES {
        notes.refuse(RefusalCode::TooLong, path);
        return false;
    }
    let written = scrub::write_text(&id, Texts::Ids, path, out, notes);
    if written && !id.is_empty() {
        *fact = Some(id);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    const PURCHASE: Rules = Rules { purchase: true, values_allowed: true };

    fn checked(json: &str, rules: Rules) -> (String, Vec<String>) {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        let (mut out, mut notes) = (String::new(), Notes::default());
        write(raw, rules, &mut out, &mut notes);
        let refusals = notes.refusals.iter().map(|r| format!("{} {}", r.field, r.code.code()));
        (out, refusals.chain(notes.warnings.iter().map(|w| format!("{} {}", w.field, w.code))).collect())
    }

    #[test]
    fn metas_parameters_are_brought_to_one_form() {
        let (out, notes) = checked(
            r#"{"value":29.90,"currency":"usd","content_ids":["a",7],"order_id":1234567890123456789012,"num_items":2,"source_product":"softwarehub","status":null}"#,
            PURCHASE,
        );
        assert_eq!(
            out,
            r#"{"value":29.90,"currency":"USD","content_ids":["a","7"],"order_id":"1234567890123456789012","num_items":2,"source_product":"softwarehub"}"#
        );
        assert!(notes.is_empty(), "{notes:?}");
    }

    #[test]
    fn each_bad_parameter_has_its_code() {
        for (json, note) in [
            (r#"{"currency":"USD"}"#, "custom_data.value value_missing"),
            (r#"{"value":1}"#, "custom_data.currency currency_missing"),
            (r#"{"value":null,"currency":"USD"}"#, "custom_data.value value_missing"),
            (r#"{"value":"1","currency":"USD"}"#, "custom_data.value not_a_number"),
            (r#"{"value":-1,"currency":"USD"}"#, "custom_data.value negative"),
            (r#"{"value":1e999,"currency":"USD"}"#, "custom_data.value number_out_of_range"),
            (r#"{"value":1,"currency":"USDT"}"#, "custom_data.currency currency_unknown"),
            (r#"{"value":1,"value":2,"currency":"USD"}"#, "custom_data.value duplicate_field"),
            (r#"{"value":1,"currency":"USD","num_items":1.5}"#, "custom_data.num_items not_an_integer"),
            (
                r#"{"value":1,"currency":"USD","content_type":"x"}"#,
                "custom_data.content_type content_type_unknown",
            ),
            (r#"{"value":1,"currency":"USD","content_ids":[{}]}"#, "custom_data.content_ids[0] not_a_string"),
            (
                r#"{"value":1,"currency":"USD","delivery_category":"drone"}"#,
                "custom_data.delivery_category delivery_category_unknown",
            ),
            (r#"{"value":1,"currency":"USD","note":"\udc00"}"#, "custom_data.note invalid_text"),
        ] {
            assert_eq!(checked(json, PURCHASE).1, [note], "{json}");
        }
    }

    #[test]
    fn minus_zero_is_zero() {
        assert!(checked(r#"{"value":-0.0,"currency":"EUR"}"#, PURCHASE).0.contains(r#""value":0.0"#));
    }

    #[test]
    fn amounts_are_left_out_where_they_are_not_allowed() {
        let rules = Rules { purchase: false, values_allowed: false };
        let (out, notes) = checked(r#"{"value":5,"currency":"EUR"}"#, rules);
        assert_eq!(
            (out.as_str(), notes.as_slice()),
            (r#"{"currency":"EUR"}"#, &["custom_data.value value_removed".to_owned()][..])
        );
    }
}
