//! The top level of a posted event: which fields there are, each still as its text.

use serde_json::value::RawValue;

use super::path::Path;
use super::raw::{entries_of, has_nul_escape, is_null};
use super::refusal::{NoteCode, Notes, RefusalCode};

macro_rules! fields {
    ($($name:ident),+ $(,)?) => {
        /// One slot for each field of an event; `null` counts as absent.
        #[derive(Debug, Default, Clone, Copy)]
        pub(crate) struct Fields<'a> {
            $(pub(crate) $name: Option<&'a RawValue>,)+
        }

        impl<'a> Fields<'a> {
            fn slot(&mut self, name: &str) -> Option<&mut Option<&'a RawValue>> {
                match name {
                    $(stringify!($name) => Some(&mut self.$name),)+
                    _ => None,
                }
            }
        }
    };
}

fields! {
    event_name, event_time, event_id, event_source_url, action_source, user_data, custom_data, app_data,
    data_processing_options, data_processing_options_country, data_processing_options_state, opt_out, consent,
    pixel_id, test_event_code, upload_tag, referrer_url, customer_segmentation, original_event_data,
    attribution_data, messaging_channel, advanced_measurement_table,
}

impl<'a> Fields<'a> {
    /// Reads an event's text. Absent where it is no object; what is wrong then stands in `notes`.
    pub(crate) fn read(text: &'a str, notes: &mut Notes) -> Option<Self> {
        let entries = match entries_of(text) {
            Ok(entries) => entries,
            Err(error) => {
                notes.refuse(
                    if error.is_data() { RefusalCode::NotAnObject } else { RefusalCode::NotJson },
                    "",
                );
                return None;
            }
        };
        let may_hold_nul = has_nul_escape(text);
        let mut fields = Self::default();
        for (name, value) in entries {
            if may_hold_nul && (name.contains('\0') || has_nul_escape(value.get())) {
                notes.refuse(RefusalCode::NulCharacter, Path::root(&name));
            }
            match fields.slot(&name) {
                Some(slot) if slot.is_some() => notes.refuse(RefusalCode::DuplicateField, Path::root(&name)),
                Some(slot) if !is_null(value) => *slot = Some(value),
                Some(_) => {}
                None => notes.warn(NoteCode::UnknownField, Path::root(&name)),
            }
        }
        Some(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> (bool, Vec<&'static str>, Vec<&'static str>) {
        let mut notes = Notes::default();
        let read = Fields::read(text, &mut notes).is_some();
        (
            read,
            notes.refusals.iter().map(|r| r.code.code()).collect(),
            notes.warnings.iter().map(|w| w.code).collect(),
        )
    }

    #[test]
    fn null_is_absent_and_unknown_fields_are_told_of() {
        let mut notes = Notes::default();
        let fields = Fields::read(r#"{"event_id":null,"event_name":"Lead","foo":1}"#, &mut notes).unwrap();
        assert!(fields.event_id.is_none());
        assert_eq!(fields.event_name.unwrap().get(), "\"Lead\"");
        assert_eq!(notes.warnings[0].code, "unknown_field");
    }

    #[test]
    fn what_is_no_event_is_told_apart() {
        assert_eq!(codes("[]"), (false, vec!["event_not_an_object"], vec![]));
        assert_eq!(codes("{"), (false, vec!["event_not_json"], vec![]));
        assert_eq!(codes(r#"{"a":1} x"#), (false, vec!["event_not_json"], vec![]));
        assert_eq!(codes(r#"{"consent":"denied","consent":"granted"}"#).1, ["duplicate_field"]);
        assert_eq!(codes(r#"{"event_id":"a\u0000"}"#).1, ["nul_character"]);
    }
}
