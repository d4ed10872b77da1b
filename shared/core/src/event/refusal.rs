//! Why an event is refused, and what its sender should know though it is accepted: stable codes with the field
//! they are about. Values never appear, for they may be personal.
//!
//! Policy: what Meta documents as an error, or what can't be read in one way only, is a refusal. What merely
//! can't be used is left out with a warning.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use super::limits::{MAX_FIELD_BYTES, MAX_NOTES};

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident => $code:literal, $message:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $(#[doc = concat!("`", $code, "`")] $(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable code that callers branch on.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// What it means, for people.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self { $(Self::$variant => $message,)+ }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.code())
            }
        }
    };
}

codes! {
    /// Why an event is not accepted.
    RefusalCode {
        NotAnObject => "event_not_an_object", "an event is a JSON object";
        NotJson => "event_not_json", "the text is not JSON";
        InvalidText => "invalid_text", "a text holds an escape that is no character";
        NulCharacter => "nul_character", "texts must not hold the character U+0000";
        TooDeep => "too_deep", "more nested objects and arrays than the limit";
        EventTooLarge => "event_too_large", "an event is at most 64 KiB after hashing";
        DuplicateField => "duplicate_field", "the field appears twice";
        NotAString => "not_a_string", "must be a text";
        NotANumber => "not_a_number", "must be a number";
        NotAnInteger => "not_an_integer", "must be a whole number that is not negative";
        NotABoolean => "not_a_boolean", "must be true or false";
        NotAnArray => "not_an_array", "must be an array";
        NotAFieldObject => "not_an_object", "must be an object";
        NumberOutOfRange => "number_out_of_range", "the number is too large";
        Negative => "negative", "must not be negative";
        Empty => "empty", "must not be empty";
        TooLong => "too_long", "longer than the limit";
        TooManyItems => "too_many_items", "more items than the limit";
        ControlCharacter => "control_character", "must not hold control characters";
        LooksPersonal => "looks_personal", "looks like an e-mail address, which must not stand in an identifier";
        EventNameMissing => "event_name_missing", "event_name is required";
        EventNameInvalid => "event_name_invalid", "1 to 100 bytes, without control characters or blanks at its ends";
        EventIdInvalid => "event_id_invalid", "1 to 256 bytes, without control characters";
        EventTimeText => "event_time_is_text", "event_time is a number of unix seconds, not a text";
        EventTimeFraction => "event_time_not_whole", "event_time is in whole unix seconds";
        EventTimeMillis => "event_time_in_milliseconds", "event_time is in seconds, not milliseconds";
        EventTimeInvalid => "event_time_invalid", "event_time is a number of unix seconds";
        EventTimeTooOld => "event_time_too_old", "older than Meta accepts: 7 days less an hour, 62 days less an hour for physical_store";
        EventTimeInFuture => "event_time_in_future", "more than 60 seconds in the future";
        ActionSourceUnknown => "action_source_unknown", "email, website, app, phone_call, chat, physical_store, system_generated, business_messaging or other";
        EventSourceUrlMissing => "event_source_url_missing", "website events need event_source_url";
        ClientUserAgentMissing => "client_user_agent_missing", "website events need the browser's user agent in user_data.client_user_agent";
        AppDataMissing => "app_data_missing", "app events need app_data";
        AppDataFieldMissing => "app_data_field_missing", "app events need this field of app_data";
        AppDataFlagInvalid => "app_data_flag_invalid", "must be 0, 1, true or false";
        ExtinfoInvalid => "extinfo_invalid", "extinfo is 16 texts, unknown ones empty, the first a2 or i2";
        MessagingChannelMissing => "messaging_channel_missing", "business_messaging events need messaging_channel";
        MessagingChannelUnknown => "messaging_channel_unknown", "whatsapp, messenger or instagram";
        MessagingIdsMissing => "messaging_ids_missing", "business_messaging events need ctwa_clid and page_id, or page_scoped_user_id, or ig_sid and ig_account_id in user_data";
        UserDataMissing => "user_data_missing", "user_data is required";
        UserDataInsufficient => "user_data_insufficient", "nothing left in user_data that Meta can match a person by";
        ValueMissing => "value_missing", "Purchase needs custom_data.value";
        CurrencyMissing => "currency_missing", "Purchase needs custom_data.currency";
        CurrencyUnknown => "currency_unknown", "not an active ISO 4217 code";
        ContentIdMissing => "content_id_missing", "an item of contents needs an id";
        DeliveryCategoryUnknown => "delivery_category_unknown", "in_store, curbside or home_delivery";
        ContentTypeUnknown => "content_type_unknown", "product, product_group, or the type of a travel, vehicle, home or media catalogue";
        ProcessingOptionUnknown => "processing_option_unknown", "data_processing_options is [] or [\"LDU\"]";
        ProcessingCountryUnknown => "processing_country_unknown", "0 (Meta locates) or 1 (United States)";
        ProcessingStateUnknown => "processing_state_unknown", "0 (Meta locates) or 1000 to 1013";
        ProcessingStateMissing => "processing_state_missing", "with a country the state must be given";
        ProcessingCountryMissing => "processing_country_missing", "with a state the country must be given";
        ProcessingOptionsMissing => "processing_options_missing", "country and state need data_processing_options";
        ConsentInvalid => "consent_invalid", "granted, denied, unknown, true or false";
        UrlInvalid => "url_invalid", "not an absolute URL";
        PixelIdInvalid => "pixel_id_invalid", "a pixel id is 1 to 20 digits";
        PixelNotAllowed => "pixel_not_allowed", "the pixel is not one of the source's";
        NoPixel => "source_has_no_pixel", "the source has no pixel to send to";
        TestEventCodeInvalid => "test_event_code_invalid", "1 to 64 of A-Z a-z 0-9 - _";
        NotForPublicKeys => "not_for_public_keys", "a public key must not set this field";
        NameNotForPublicKeys => "event_name_not_for_public_keys", "the source does not take this event from public keys";
    }
}

codes! {
    /// What is worth knowing about an accepted event. user_data has codes of its own, see the normalising module.
    NoteCode {
        UnknownField => "unknown_field", "not a field of an event; left out";
        PersonalDataRemoved => "personal_data_removed", "what looks like an e-mail address, a phone number or a token was cut";
        EventTimeClamped => "event_time_clamped", "up to 60 seconds in the future; now is used";
        ValueRemoved => "value_removed", "the source does not take values from public keys; left out";
        UrlLeftOut => "url_left_out", "not an absolute URL; left out";
        ConsentDenied => "consent_denied", "the person denied consent; the event is not sent";
        ConsentUnknown => "consent_unknown", "the source requires consent and none is known; the event is not sent";
    }
}

/// One reason why an event is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Path of the field, e.g. `custom_data.contents[0].id`; empty where the event as a whole is meant.
    pub field: Cow<'static, str>,
    /// Why.
    pub code: RefusalCode,
    /// [`RefusalCode::message`], spelled out for people.
    pub message: &'static str,
}

impl Refusal {
    /// A refusal of `field`.
    #[must_use]
    pub fn new(code: RefusalCode, field: impl Into<Cow<'static, str>>) -> Self {
        Self { field: printable(field.into()), code, message: code.message() }
    }
}

/// A remark on an accepted event: `{"field": "user_data.phone", "code": "not_a_phone_number"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// Path of the field.
    pub field: Cow<'static, str>,
    /// A code of [`NoteCode`] or of the normalising module.
    pub code: &'static str,
}

/// Field names come from callers: long or unprintable ones, and addresses, must not travel into answers and logs.
fn printable(field: Cow<'static, str>) -> Cow<'static, str> {
    let plain = field.bytes().all(|b| (b' '..0x7f).contains(&b) && !matches!(b, b'@' | b'"' | b'\\'));
    if plain && field.len() <= MAX_FIELD_BYTES {
        return field;
    }
    let keep = |c: char| if (' '..'\x7f').contains(&c) && !matches!(c, '@' | '"' | '\\') { c } else { '?' };
    Cow::Owned(field.chars().take(MAX_FIELD_BYTES).map(keep).collect())
}

/// What was found while an event was read; bounded, so that no event can fill an answer.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) refusals: Vec<Refusal>,
    pub(crate) warnings: Vec<Warning>,
}

impl Notes {
    pub(crate) fn refuse(&mut self, code: RefusalCode, field: impl Into<Cow<'static, str>>) {
        if self.refusals.len() < MAX_NOTES {
            self.refusals.push(Refusal::new(code, field));
        }
    }

    pub(crate) fn warn(&mut self, code: NoteCode, field: impl Into<Cow<'static, str>>) {
        self.warn_as(code.code(), field);
    }

    pub(crate) fn warn_as(&mut self, code: &'static str, field: impl Into<Cow<'static, str>>) {
        if self.warnings.len() < MAX_NOTES {
            self.warnings.push(Warning { field: printable(field.into()), code });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_distinct_snake_case() {
        let codes: Vec<&str> =
            RefusalCode::ALL.iter().map(|c| c.code()).chain(NoteCode::ALL.iter().map(|c| c.code())).collect();
        assert_eq!(codes.iter().collect::<HashSet<_>>().len(), codes.len());
        for code in codes {
            assert!(code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{code}");
        }
    }

    #[test]
    fn a_field_name_never_carries_an_address_or_fills_an_answer() {
        let refusal = Refusal::new(RefusalCode::DuplicateField, "bob@example.com\u{7}".to_owned());
        assert_eq!(refusal.field, "bob?example.com?");
        assert_eq!(Refusal::new(RefusalCode::TooDeep, "é".repeat(500)).field.len(), MAX_FIELD_BYTES);
        let mut notes = Notes::default();
        for _ in 0..100 {
            notes.refuse(RefusalCode::Empty, "x");
            notes.warn(NoteCode::UnknownField, "x");
        }
        assert_eq!((notes.refusals.len(), notes.warnings.len()), (MAX_NOTES, MAX_NOTES));
    }
}
