//! What is wrong with a posted conversion, or odd: stable codes, in one table.

use serde::Serialize;

macro_rules! codes {
    ($($name:ident => $code:literal, $message:literal;)+) => {
        /// A stable code. `docs/conversions.md` lists them all, and a test holds it to that.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code {
            $(
                #[doc = concat!("`", $code, "`")]
                $name,
            )+
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The code as callers see it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            /// What it means, for people.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self { $(Self::$name => $message),+ }
            }
        }
    };
}

codes! {
    NotAnObject => "not_an_object", "a JSON object is wanted";
    NotAText => "not_a_text", "a text is wanted";
    TooLong => "too_long", "longer than is taken";
    TooLarge => "too_large", "more keys, levels or bytes than are taken";
    EventNameMissing => "event_name_missing", "a conversion needs an event_name";
    EventNameInvalid => "event_name_invalid", "1 to 100 bytes without control characters, not blank at either end";
    EventIdInvalid => "event_id_invalid", "1 to 256 bytes without control characters";
    EventTimeInvalid => "event_time_invalid", "whole unix seconds are wanted";
    EventTimeTooOld => "event_time_too_old", "older than Meta takes events: 7 days less an hour (62 days for physical_store)";
    EventTimeInFuture => "event_time_in_future", "more than 60 seconds ahead of our clock";
    PersonMissing => "person_missing", "a conversion needs a person_id or an identity";
    PersonIdInvalid => "person_id_invalid", "not a person's id";
    PersonUnknown => "person_unknown", "the tenant has no such person";
    IdentityInsufficient => "identity_insufficient", "nobody is known by it, and none can be created: it needs an e-mail, a phone or an external id that can be read";
    ProductMismatch => "product_mismatch", "the product is the source that the key is bound to";
    ValueInvalid => "value_invalid", "a number of major units is wanted, not negative";
    CurrencyMissing => "currency_missing", "a value needs a currency";
    CurrencyUnknown => "currency_unknown", "not an active ISO 4217 code";
    ConsentInvalid => "consent_invalid", "granted, denied or unknown is wanted";
    ActionSourceUnknown => "action_source_unknown", "not one of Meta's action sources";
    TestEventCodeInvalid => "test_event_code_invalid", "1 to 64 of A-Z a-z 0-9 - _";
    UnknownField => "unknown_field", "not a field of conversions; left out";
    LeftOut => "left_out", "can't be read; left out";
}

/// A field and what is to be said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// Its path, e.g. `context.fbp`; never a value.
    pub field: String,
    /// A code of [`Code`], of identities or of normalising.
    pub code: &'static str,
    /// For people.
    pub message: &'static str,
}

impl Note {
    /// Says `code` of `field`.
    #[must_use]
    pub fn new(field: &str, code: Code) -> Self {
        Self { field: field.to_owned(), code: code.as_str(), message: code.message() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_docs_list_every_code() {
        let docs = include_str!("../../../../docs/conversions.md");
        for code in Code::ALL {
            assert!(docs.contains(&format!("| `{}` |", code.as_str())), "{}", code.as_str());
        }
    }
}
