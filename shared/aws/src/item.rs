//! Reading and writing items' attributes.

use std::collections::HashMap;

use adrelay_core::ports::StoreError;
use adrelay_core::seal;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

/// Version of the items' shape, in their attribute `v`.
pub(crate) const ITEM_VERSION: &str = "1";

pub(crate) type Item = HashMap<String, AttributeValue>;

pub(crate) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

#[expect(clippy::needless_pass_by_value, reason = "numbers are small; `n(1)` reads better than `n(&1)`")]
pub(crate) fn n(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// A sealed text as it is stored: packed, for items are billed by their size.
pub(crate) fn sealed(text: &str) -> AttributeValue {
    seal::packed(text).map_or_else(|_| s(text), |bytes| AttributeValue::B(Blob::new(bytes)))
}

/// The sealed text of an item that may have none.
pub(crate) fn optional_sealed(item: &Item, name: &str) -> Result<Option<String>, StoreError> {
    match item.get(name) {
        Some(AttributeValue::B(bytes)) => {
            let text = seal::unpacked(bytes.as_ref());
            text.map(Some).map_err(|error| StoreError::Corrupt(error.to_string()))
        }
        _ => Ok(optional_text(item, name).map(str::to_owned)),
    }
}

pub(crate) fn key(pk: &str, sk: &str) -> Item {
    HashMap::from([("pk".to_owned(), s(pk)), ("sk".to_owned(), s(sk))])
}

/// A text attribute.
pub(crate) fn text<'a>(item: &'a Item, name: &str) -> Result<&'a str, StoreError> {
    optional_text(item, name).ok_or_else(|| StoreError::Corrupt(format!("no text {name}")))
}

pub(crate) fn optional_text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name).and_then(|value| value.as_s().ok()).map(String::as_str)
}

/// A whole number.
pub(crate) fn number(item: &Item, name: &str) -> Result<i64, StoreError> {
    optional_number(item, name).ok_or_else(|| StoreError::Corrupt(format!("no number {name}")))
}

pub(crate) fn optional_number(item: &Item, name: &str) -> Option<i64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

/// What follows a key's last `#`; ids have none themselves.
pub(crate) fn last_part(text: &str) -> &str {
    text.rsplit('#').next().unwrap_or(text)
}

/// For errors that don't quote what they could not read.
pub(crate) fn unreadable(error: &impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(error.to_string())
}

/// What an SDK's error means for a store's caller. Never its text, which may quote the request.
pub(crate) fn store_error<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> StoreError {
    match error.as_service_error().and_then(ProvideErrorMetadata::code) {
        Some("ConditionalCheckFailedException") => StoreError::Conflict,
        Some(code) => StoreError::Unavailable(code.to_owned()),
        None => StoreError::Unavailable("no answer".to_owned()),
    }
}

/// serde's message may quote the document; its place says enough.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
pub(crate) fn corrupt(error: serde_json::Error) -> StoreError {
    StoreError::Corrupt(format!("JSON at line {} column {}", error.line(), error.column()))
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::error::ErrorMetadata;
    use aws_sdk_dynamodb::operation::put_item::PutItemError;

    use super::*;

    /// A sealed text: version 1, a nonce of 12 bytes, a body.
    const SEALED: &str = "s1.1.AAAAAAAAAAAAAAAA.c2VhbGVkIHRleHQ";

    fn item(name: &str, value: AttributeValue) -> Item {
        HashMap::from([(name.to_owned(), value)])
    }

    #[test]
    fn a_sealed_text_is_stored_packed_and_read_back() {
        let stored = sealed(SEALED);
        let AttributeValue::B(bytes) = &stored else { panic!("{stored:?}") };
        assert!(bytes.as_ref().len() < SEALED.len());
        assert_eq!(optional_sealed(&item("sealed", stored), "sealed"), Ok(Some(SEALED.to_owned())));
    }

    #[test]
    fn a_sealed_text_of_another_form_is_stored_as_it_is() {
        let stored = sealed("of a later version");
        assert_eq!(stored, s("of a later version"));
        let read = optional_sealed(&item("sealed", stored), "sealed");
        assert_eq!(read, Ok(Some("of a later version".to_owned())));
        assert_eq!(optional_sealed(&item("sealed", s(SEALED)), "sealed"), Ok(Some(SEALED.to_owned())));
        assert_eq!(optional_sealed(&Item::new(), "sealed"), Ok(None));
    }

    #[test]
    fn packed_bytes_that_were_cut_are_corrupt() {
        let AttributeValue::B(bytes) = sealed(SEALED) else { panic!("not packed") };
        let cut = AttributeValue::B(Blob::new(&bytes.as_ref()[..10]));
        assert!(matches!(optional_sealed(&item("sealed", cut), "sealed"), Err(StoreError::Corrupt(_))));
    }

    #[test]
    fn attributes_of_another_type_are_none() {
        for value in [n(7), AttributeValue::Bool(true), AttributeValue::Ss(vec!["7".to_owned()])] {
            let item = item("a", value);
            assert_eq!(optional_text(&item, "a"), None);
            assert_eq!(text(&item, "a"), Err(StoreError::Corrupt("no text a".to_owned())));
        }
        for value in [s("7"), AttributeValue::N("7.5".to_owned()), AttributeValue::Null(true)] {
            let item = item("a", value);
            assert_eq!(optional_number(&item, "a"), None);
            assert_eq!(number(&item, "a"), Err(StoreError::Corrupt("no number a".to_owned())));
        }
        assert_eq!(number(&item("a", n(-7)), "a"), Ok(-7));
        assert_eq!(text(&item("a", s("x")), "b"), Err(StoreError::Corrupt("no text b".to_owned())));
    }

    #[test]
    fn the_last_part_of_a_key_follows_its_last_hash() {
        for (key, last) in [("T#acme#L#42", "42"), ("42", "42"), ("a#", ""), ("", "")] {
            assert_eq!(last_part(key), last);
        }
    }

    #[test]
    fn an_error_is_named_by_its_code_and_never_quotes() {
        let refused = |code: Option<&str>| {
            let mut meta = ErrorMetadata::builder().message("jane@example.com");
            if let Some(code) = code {
                meta = meta.code(code);
            }
            store_error(&SdkError::service_error(PutItemError::generic(meta.build()), ()))
        };
        assert_eq!(refused(Some("ConditionalCheckFailedException")), StoreError::Conflict);
        let throttled = StoreError::Unavailable("ThrottlingException".to_owned());
        assert_eq!(refused(Some("ThrottlingException")), throttled);
        assert_eq!(refused(None), StoreError::Unavailable("no answer".to_owned()));
        let timeout: SdkError<PutItemError, ()> = SdkError::timeout_error("jane@example.com");
        assert_eq!(store_error(&timeout), StoreError::Unavailable("no answer".to_owned()));
        let error = serde_json::from_str::<u8>("\"jane@example.com\"").unwrap_err();
        assert_eq!(corrupt(error), StoreError::Corrupt("JSON at line 1 column 18".to_owned()));
    }
}
