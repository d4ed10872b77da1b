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
