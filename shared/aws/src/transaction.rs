//! Several writes, all or nothing.

use std::time::Duration;

use adrelay_core::ports::StoreError;
use adrelay_core::retry::Backoff;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem, Update};

use crate::item::{store_error, unreadable};
use crate::jitter::random;

/// How often a transaction is tried that others get in the way of.
const ROUNDS: u32 = 6;

const ROUND_PAUSES: Backoff = Backoff { base_ms: 20, max_ms: 320 };

/// Why a transaction was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// A condition did not hold.
    Condition,
    /// Someone else was writing one of the items in that moment.
    Raced,
    /// Something else.
    Store(StoreError),
}

impl From<Refused> for StoreError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Condition | Refused::Raced => Self::Conflict,
            Refused::Store(error) => error,
        }
    }
}

impl From<BuildError> for Refused {
    fn from(error: BuildError) -> Self {
        Self::Store(unreadable(&error))
    }
}

pub(crate) fn put(put: Put) -> TransactWriteItem {
    TransactWriteItem::builder().put(put).build()
}

pub(crate) fn update(update: Update) -> TransactWriteItem {
    TransactWriteItem::builder().update(update).build()
}

pub(crate) fn delete(delete: Delete) -> TransactWriteItem {
    TransactWriteItem::builder().delete(delete).build()
}

pub(crate) async fn transact(client: &Client, writes: Vec<TransactWriteItem>) -> Result<(), Refused> {
    let write = client.transact_write_items().set_transact_items(Some(writes)).send().await;
    write.map(|_| ()).map_err(|error| refused(&error))
}

/// Tries again while the refusal is one of which `again` says that it may pass; gives the last one.
pub(crate) async fn persist<F>(
    again: impl Fn(&Refused) -> bool + Send,
    attempt: impl Fn() -> F + Send,
) -> Result<(), Refused>
where
    F: Future<Output = Result<(), Refused>> + Send,
{
    let mut round = 0;
    loop {
        let result = attempt().await;
        round += 1;
        match result {
            Err(refused) if round < ROUNDS && again(&refused) => {
                let pause_ms = ROUND_PAUSES.full_jitter_ms(round, random());
                tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            }
            result => return result,
        }
    }
}

fn refused<R>(error: &SdkError<TransactWriteItemsError, R>) -> Refused {
    let cancelled = match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => cancelled,
        Some(TransactWriteItemsError::TransactionInProgressException(_)) => return Refused::Raced,
        _ => return Refused::Store(store_error(error)),
    };
    let codes: Vec<&str> =
        cancelled.cancellation_reasons().iter().filter_map(|reason| reason.code()).collect();
    if codes.contains(&"ConditionalCheckFailed") {
        Refused::Condition
    } else if codes.contains(&"TransactionConflict") {
        Refused::Raced
    } else {
        let code = codes.into_iter().find(|code| *code != "None").unwrap_or("TransactionCanceledException");
        Refused::Store(StoreError::Unavailable(code.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::CancellationReason;
    use aws_sdk_dynamodb::types::error::TransactionCanceledException;

    use super::*;

    fn cancelled(codes: &[&str]) -> Refused {
        let reasons = codes.iter().map(|code| CancellationReason::builder().code(*code).build()).collect();
        let exception =
            TransactionCanceledException::builder().set_cancellation_reasons(Some(reasons)).build();
        let error = TransactWriteItemsError::TransactionCanceledException(exception);
        refused(&SdkError::service_error(error, ()))
    }

    #[test]
    fn why_a_transaction_was_cancelled_is_read_from_its_reasons() {
        assert_eq!(cancelled(&["None", "ConditionalCheckFailed"]), Refused::Condition);
        assert_eq!(cancelled(&["TransactionConflict", "None"]), Refused::Raced);
        assert_eq!(cancelled(&["TransactionConflict", "ConditionalCheckFailed"]), Refused::Condition);
        let throttled = Refused::Store(StoreError::Unavailable("ThrottlingError".to_owned()));
        assert_eq!(cancelled(&["None", "ThrottlingError"]), throttled);
        assert_eq!(StoreError::from(Refused::Raced), StoreError::Conflict);
    }
}
