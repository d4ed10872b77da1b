//! `app_data` of app events (Meta: app-data).

use serde_json::value::RawValue;

use super::path::Path;
use super::raw::{View, is_null};
use super::refusal::{Notes, RefusalCode};
use super::scrub::{self, ObjectWriter, Texts};
use super::typed;

const EXTINFO_ITEMS: usize = 16;

/// What an app event can't do without.
const REQUIRED: [&str; 3] = ["advertiser_tracking_enabled", "application_tracking_enabled", "extinfo"];

/// Checks and writes `app_data`; `required` for events of an app, where its three fields must be there.
pub(crate) fn write(raw: &RawValue, required: bool, out: &mut String, notes: &mut Notes) {
    let root = Path::root("app_data");
    let Some(entries) = typed::object(raw, root, notes) else { return };
    let mut seen = [false; REQUIRED.len()];
    let mut object = ObjectWriter::open(out);
    for (key, value) in entries {
        if is_null(value) {
            continue;
        }
        let path = root.key(&key);
        if let Some(at) = REQUIRED.iter().position(|name| *name == key)
            && std::mem::replace(&mut seen[at], true)
        {
            notes.refuse(RefusalCode::DuplicateField, path);
            continue;
        }
        object.entry(&key, path, notes, |out, notes| match key.as_ref() {
            "advertiser_tracking_enabled" | "application_tracking_enabled" => {
                write_flag(value, path, out, notes)
            }
            "extinfo" => write_extinfo(value, path, out, notes),
            // Both are long and random by nature: an app store's receipt, and where the install came from.
            "receipt_data" | "install_referrer" => scrub::write(value, Texts::Ids, 2, path, out, notes),
            _ => scrub::write(value, Texts::of_key(&key), 2, path, out, notes),
        });
    }
    object.close();
    if required {
        for (name, _) in REQUIRED.iter().zip(seen).filter(|(_, seen)| !seen) {
            notes.refuse(RefusalCode::AppDataFieldMissing, root.key(name));
        }
    }
}

/// Meta's documentation has 0 and 1, its SDKs send booleans: 0 and 1 go out.
fn write_flag(value: &RawValue, path: Path<'_>, out: &mut String, notes: &mut Notes) -> bool {
    let Some(view) = typed::look(value, path, notes) else { return false };
    let flag = match view {
        View::Bool(flag) => flag,
        View::Number("0") => false,
        View::Number("1") => true,
        _ => {
            notes.refuse(RefusalCode::AppDataFlagInvalid, path);
            return false;
        }
    };
    out.push(if flag { '1' } else { '0' });
    true
}

fn write_extinfo(value: &RawValue, path: Path<'_>, out: &mut String, notes: &mut Notes) -> bool {
    let Some(items) = typed::array(value, path, notes) else { return false };
    let texts: Vec<_> = items.iter().filter_map(|item| typed::text(item, path, notes)).collect();
    let valid = items.len() == EXTINFO_ITEMS
        && texts.len() == EXTINFO_ITEMS
        && texts.first().is_some_and(|first| matches!(first.as_ref(), "a2" | "i2"));
    if !valid {
        notes.refuse(RefusalCode::ExtinfoInvalid, path);
        return false;
    }
    // Positions carry the meaning, so a text that is cut leaves an empty one.
    out.push('[');
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        if !scrub::write_text(text, Texts::Free, path.index(index), out, notes) {
            out.push_str("\"\"");
        }
    }
    out.push(']');
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(json: &str) -> (String, Vec<String>) {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        let (mut out, mut notes) = (String::new(), Notes::default());
        write(raw, true, &mut out, &mut notes);
        (out, notes.refusals.iter().map(|r| format!("{} {}", r.field, r.code.code())).collect())
    }

    fn extinfo(first: &str, items: usize) -> String {
        let mut texts = vec![""; items];
        texts[0] = first;
        serde_json::to_string(&texts).unwrap()
    }

    #[test]
    fn flags_go_out_as_numbers_and_extinfo_whole() {
        let info = extinfo("i2", 16);
        let (out, refusals) = checked(&format!(
            r#"{{"advertiser_tracking_enabled":true,"application_tracking_enabled":0,"extinfo":{info}}}"#
        ));
        assert_eq!(
            out,
            format!(
                r#"{{"advertiser_tracking_enabled":1,"application_tracking_enabled":0,"extinfo":{info}}}"#
            )
        );
        assert!(refusals.is_empty());
    }

    #[test]
    fn extinfo_has_sixteen_texts_of_a_known_version() {
        for info in [extinfo("i2", 15), extinfo("i3", 16), "[]".to_owned()] {
            let json = format!(
                r#"{{"advertiser_tracking_enabled":1,"application_tracking_enabled":1,"extinfo":{info}}}"#
            );
            assert_eq!(checked(&json).1, ["app_data.extinfo extinfo_invalid"], "{info}");
        }
        assert_eq!(checked("{}").1.len(), 3);
    }
}
