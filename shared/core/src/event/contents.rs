//! `custom_data.contents`: what was bought or looked at (Meta: custom-data).

use serde_json::value::RawValue;

use super::custom_data::{DELIVERY_CATEGORIES, push_verbatim, write_word};
use super::limits::MAX_CONTENTS;
use super::path::Path;
use super::raw::is_null;
use super::refusal::{Notes, RefusalCode};
use super::scrub::{self, ObjectWriter, Texts};
use super::typed;

/// Checks and writes the array.
pub(super) fn write(value: &RawValue, path: Path<'_>, out: &mut String, notes: &mut Notes) -> bool {
    let Some(items) = typed::array(value, path, notes) else { return false };
    if items.len() > MAX_CONTENTS {
        notes.refuse(RefusalCode::TooManyItems, path);
        return false;
    }
    out.push('[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_item(item, path.index(index), out, notes);
    }
    out.push(']');
    true
}

fn write_item(item: &RawValue, path: Path<'_>, out: &mut String, notes: &mut Notes) {
    let Some(entries) = typed::object(item, path, notes) else { return };
    let mut has_id = false;
    let mut object = ObjectWriter::open(out);
    for (key, value) in entries {
        if is_null(value) {
            continue;
        }
        let path = path.key(&key);
        // Meta's SDK calls it `product_id` in code and `id` on the wire; people post both.
        let name = if key == "product_id" { "id" } else { &key };
        if name == "id" && std::mem::replace(&mut has_id, true) {
            notes.refuse(RefusalCode::DuplicateField, path);
            continue;
        }
        object.entry(name, path, notes, |out, notes| write_field(name, value, path, out, notes));
    }
    object.close();
    if !has_id {
        notes.refuse(RefusalCode::ContentIdMissing, path.key("id"));
    }
}

fn write_field(name: &str, value: &RawValue, path: Path<'_>, out: &mut String, notes: &mut Notes) -> bool {
    match name {
        "id" => match typed::text_or_number(value, path, notes) {
            Some(id) if id.is_empty() => {
                notes.refuse(RefusalCode::Empty, path);
                false
            }
            Some(id) => scrub::write_text(&id, Texts::Ids, path, out, notes),
            None => false,
        },
        "quantity" => push_verbatim(typed::count(value, path, notes).map(|count| count.to_string()), out),
        "item_price" => push_verbatim(typed::amount(value, path, notes), out),
        "title" | "description" | "brand" | "category" => match typed::text(value, path, notes) {
            Some(text) => scrub::write_text(&text, Texts::Free, path, out, notes),
            None => false,
        },
        "delivery_category" => {
            write_word(value, DELIVERY_CATEGORIES, RefusalCode::DeliveryCategoryUnknown, path, out, notes)
        }
        _ => scrub::write(value, Texts::of_key(name), 4, path, out, notes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(json: &str) -> (String, Vec<String>) {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        let (mut out, mut notes) = (String::new(), Notes::default());
        write(raw, Path::root("contents"), &mut out, &mut notes);
        (out, notes.refusals.iter().map(|r| format!("{} {}", r.field, r.code.code())).collect())
    }

    #[test]
    fn items_are_brought_to_metas_form() {
        let (out, refusals) =
            checked(r#"[{"product_id":7,"quantity":2,"item_price":9.50,"brand":"B","size":"L"},{"id":"x"}]"#);
        assert_eq!(out, r#"[{"id":"7","quantity":2,"item_price":9.50,"brand":"B","size":"L"},{"id":"x"}]"#);
        assert!(refusals.is_empty());
    }

    #[test]
    fn each_bad_field_has_its_path_and_code() {
        for (json, refusal) in [
            (r#"{"id":"x"}"#, "contents not_an_array"),
            (r#"["x"]"#, "contents[0] not_an_object"),
            (r#"[{"id":"a"},{"quantity":1}]"#, "contents[1].id content_id_missing"),
            (r#"[{"id":""}]"#, "contents[0].id empty"),
            (r#"[{"id":"a","product_id":"b"}]"#, "contents[0].product_id duplicate_field"),
            (r#"[{"id":"a","quantity":-1}]"#, "contents[0].quantity not_an_integer"),
            (r#"[{"id":"a","item_price":"9"}]"#, "contents[0].item_price not_a_number"),
            (
                r#"[{"id":"a","delivery_category":"x"}]"#,
                "contents[0].delivery_category delivery_category_unknown",
            ),
        ] {
            assert_eq!(checked(json).1, [refusal], "{json}");
        }
    }
}
