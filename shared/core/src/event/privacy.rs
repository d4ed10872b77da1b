//! Limited Data Use and consent (Meta: data-processing-options).

use std::fmt::Write as _;

use serde_json::value::RawValue;

use super::path::Path;
use super::raw::{View, is_null};
use super::refusal::{NoteCode, Notes, RefusalCode};
use super::typed;
use crate::config::ConsentPolicy;

/// States of the US that Meta knows rules for: California 1000 to Rhode Island 1013.
const STATES: std::ops::RangeInclusive<u64> = 1000..=1013;

/// The three fields of Limited Data Use as they were posted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProcessingFields<'a> {
    pub(crate) options: Option<&'a RawValue>,
    pub(crate) country: Option<&'a RawValue>,
    pub(crate) state: Option<&'a RawValue>,
}

const OPTIONS: &str = "data_processing_options";
const COUNTRY: &str = "data_processing_options_country";
const STATE: &str = "data_processing_options_state";

/// Limited Data Use as Meta is to find out where the person is (Meta: data-processing-options).
const LIMITED: &str = concat!(
    r#","data_processing_options":["LDU"]"#,
    r#","data_processing_options_country":0"#,
    r#","data_processing_options_state":0"#,
);

/// Checks the fields and appends them as `,"data_processing_options":…` entries. Where the event has none of its own,
/// `limit` puts it under Limited Data Use.
pub(crate) fn write(fields: ProcessingFields<'_>, limit: bool, out: &mut String, notes: &mut Notes) {
    match fields.options.filter(|raw| !is_null(raw)) {
        Some(options) => {
            let limited = limited(options, notes);
            out.push_str(if limited {
                r#","data_processing_options":["LDU"]"#
            } else {
                r#","data_processing_options":[]"#
            });
        }
        None if fields.country.is_some() || fields.state.is_some() => {
            notes.refuse(RefusalCode::ProcessingOptionsMissing, OPTIONS);
        }
        None if limit => out.push_str(LIMITED),
        None => {}
    }
    let number = |raw: Option<&RawValue>, name, unknown, known: fn(u64) -> bool, notes: &mut Notes| {
        let number = typed::count(raw?, Path::root(name), notes)?;
        if !known(number) {
            notes.refuse(unknown, name);
        }
        Some(number)
    };
    let country =
        number(fields.country, COUNTRY, RefusalCode::ProcessingCountryUnknown, |country| country <= 1, notes);
    let state = number(
        fields.state,
        STATE,
        RefusalCode::ProcessingStateUnknown,
        |state| state == 0 || STATES.contains(&state),
        notes,
    );
    for (here, name, other, missing) in [
        (fields.country, STATE, fields.state, RefusalCode::ProcessingStateMissing),
        (fields.state, COUNTRY, fields.country, RefusalCode::ProcessingCountryMissing),
    ] {
        if here.is_some() && other.is_none() {
            notes.refuse(missing, name);
        }
    }
    if let (Some(country), Some(state)) = (country, state) {
        // Writing into a String cannot fail.
        _ = write!(out, r#","{COUNTRY}":{country},"{STATE}":{state}"#);
    }
}

fn limited(options: &RawValue, notes: &mut Notes) -> bool {
    let path = Path::root(OPTIONS);
    let mut limited = false;
    for (index, option) in typed::array(options, path, notes).unwrap_or_default().into_iter().enumerate() {
        match typed::text(option, path.index(index), notes) {
            Some(text) if text == "LDU" => limited = true,
            Some(_) => notes.refuse(RefusalCode::ProcessingOptionUnknown, path.index(index)),
            None => {}
        }
    }
    limited
}

/// What the person said, as far as the sender knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consent {
    Granted,
    Denied,
    Unknown,
}

/// Reads `consent`. It decides here and never travels to Meta. What can't be read is refused rather than ignored.
pub(crate) fn consent(raw: Option<&RawValue>, notes: &mut Notes) -> Consent {
    let path = Path::root("consent");
    let Some(raw) = raw else { return Consent::Unknown };
    match typed::look(raw, path, notes) {
        Some(View::Bool(true)) => return Consent::Granted,
        Some(View::Bool(false)) => return Consent::Denied,
        Some(View::Text(text)) if text == "granted" => return Consent::Granted,
        Some(View::Text(text)) if text == "denied" => return Consent::Denied,
        Some(View::Text(text)) if text == "unknown" => return Consent::Unknown,
        Some(_) => notes.refuse(RefusalCode::ConsentInvalid, path),
        None => {}
    }
    Consent::Unknown
}

/// What consent, and the source's policy where it is not known, make of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permit {
    Send,
    SendLimited,
    Skip(NoteCode),
}

impl Consent {
    pub(crate) const fn permit(self, policy: ConsentPolicy) -> Permit {
        match (self, policy) {
            (Self::Denied, _) => Permit::Skip(NoteCode::ConsentDenied),
            (Self::Granted, _) | (Self::Unknown, ConsentPolicy::Assume) => Permit::Send,
            (Self::Unknown, ConsentPolicy::LimitedDataUse) => Permit::SendLimited,
            (Self::Unknown, ConsentPolicy::Require) => Permit::Skip(NoteCode::ConsentUnknown),
        }
    }
}

impl Permit {
    pub(crate) const fn skip(self) -> Option<NoteCode> {
        if let Self::Skip(code) = self { Some(code) } else { None }
    }

    pub(crate) const fn is_skip(self) -> bool {
        matches!(self, Self::Skip(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(
        options: Option<&str>,
        country: Option<&str>,
        state: Option<&str>,
    ) -> (String, Vec<&'static str>) {
        let raw =
            |json: Option<&'static str>| json.map(|json| serde_json::from_str::<&RawValue>(json).unwrap());
        let leak = |json: Option<&str>| json.map(|json| &*Box::leak(json.to_owned().into_boxed_str()));
        let fields = ProcessingFields {
            options: raw(leak(options)),
            country: raw(leak(country)),
            state: raw(leak(state)),
        };
        let (mut out, mut notes) = (String::new(), Notes::default());
        write(fields, false, &mut out, &mut notes);
        (out, notes.refusals.iter().map(|r| r.code.code()).collect())
    }

    #[test]
    fn limited_data_use_goes_out_as_it_came() {
        let (out, refusals) = checked(Some(r#"["LDU"]"#), Some("1"), Some("1000"));
        assert_eq!(
            out,
            r#","data_processing_options":["LDU"],"data_processing_options_country":1,"data_processing_options_state":1000"#
        );
        assert!(refusals.is_empty());
        assert_eq!(checked(Some("[]"), None, None).0, r#","data_processing_options":[]"#);
        assert_eq!(checked(None, None, None).0, "");
    }

    #[test]
    fn a_limit_is_for_events_without_options_of_their_own() {
        let raw = |json| serde_json::from_str::<&RawValue>(json).unwrap();
        for (options, expected) in [
            (None, LIMITED),
            (Some(raw("null")), LIMITED),
            (Some(raw("[]")), r#","data_processing_options":[]"#),
            (Some(raw(r#"["LDU"]"#)), r#","data_processing_options":["LDU"]"#),
        ] {
            let (mut out, mut notes) = (String::new(), Notes::default());
            write(ProcessingFields { options, country: None, state: None }, true, &mut out, &mut notes);
            assert_eq!(out, expected);
            assert!(notes.refusals.is_empty());
        }
    }

    #[test]
    fn country_and_state_come_together_and_from_the_lists() {
        for (fields, code) in [
            ((Some(r#"["LDU"]"#), Some("1"), None), "processing_state_missing"),
            ((Some(r#"["LDU"]"#), None, Some("0")), "processing_country_missing"),
            ((Some(r#"["LDU"]"#), Some("2"), Some("0")), "processing_country_unknown"),
            ((Some(r#"["LDU"]"#), Some("1"), Some("999")), "processing_state_unknown"),
            ((Some(r#"["CCPA"]"#), None, None), "processing_option_unknown"),
            ((Some(r#""LDU""#), None, None), "not_an_array"),
            ((None, Some("0"), Some("0")), "processing_options_missing"),
            ((Some("[]"), Some(r#""1""#), Some("0")), "not_an_integer"),
        ] {
            assert_eq!(checked(fields.0, fields.1, fields.2).1, [code], "{fields:?}");
        }
    }

    #[test]
    fn consent_that_cannot_be_read_is_refused() {
        for (json, expected) in
            [("true", Consent::Granted), (r#""denied""#, Consent::Denied), ("false", Consent::Denied)]
        {
            let mut notes = Notes::default();
            assert_eq!(consent(Some(serde_json::from_str(json).unwrap()), &mut notes), expected);
            assert!(notes.refusals.is_empty());
        }
        for json in [r#""no""#, "1", "{}"] {
            let mut notes = Notes::default();
            consent(Some(serde_json::from_str(json).unwrap()), &mut notes);
            assert_eq!(notes.refusals[0].code, RefusalCode::ConsentInvalid, "{json}");
        }
    }
}
