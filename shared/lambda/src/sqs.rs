//! SQS batches whose records fail one by one (`ReportBatchItemFailures`).

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::{Deserialize, Serialize};

/// An SQS event, as far as we read it.
#[derive(Debug, Deserialize)]
pub struct SqsEvent {
    /// Its messages.
    #[serde(rename = "Records")]
    pub records: Vec<SqsRecord>,
}

/// A message of an SQS event.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SqsRecord {
    /// Names it in the answer.
    pub message_id: String,
    /// Its body.
    #[serde(default)]
    pub body: String,
}

/// The answer: messages that must be received again. All others are deleted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct BatchResponse {
    /// The failed messages.
    #[serde(rename = "batchItemFailures")]
    pub failures: Vec<BatchItemFailure>,
}

/// A message that must be received again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BatchItemFailure {
    /// Its `messageId`.
    #[serde(rename = "itemIdentifier")]
    pub id: String,
}

impl BatchResponse {
    /// Names the messages with these ids as failed.
    pub fn of(ids: impl IntoIterator<Item = String>) -> Self {
        Self { failures: ids.into_iter().map(|id| BatchItemFailure { id }).collect() }
    }
}

/// Parses each record by itself: `Ok` with the parsed ones and their message ids, and the ids of those that can't be
/// read. A panic in `parse` is its record's.
pub fn parse_each<T>(
    event: SqsEvent,
    parse: impl Fn(&str) -> Result<T, serde_json::Error>,
) -> (Vec<(String, T)>, Vec<String>) {
    let (mut parsed, mut unreadable) = (Vec::new(), Vec::new());
    for record in event.records {
        match catch_unwind(AssertUnwindSafe(|| parse(&record.body))) {
            Ok(Ok(value)) => parsed.push((record.message_id, value)),
            Ok(Err(error)) => {
                // The place alone: serde's text quotes the value that it did not expect.
                let (kind, column) = (error.classify(), error.column());
                tracing::error!(message_id = record.message_id, ?kind, column, "message unreadable");
                unreadable.push(record.message_id);
            }
            Err(_) => unreadable.push(record.message_id),
        }
    }
    (parsed, unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_records_panic_is_its_own() {
        let record = |id: &str, body: &str| SqsRecord { message_id: id.into(), body: body.into() };
        let event = SqsEvent {
            records: vec![record("a", "1"), record("b", "boom"), record("c", "x"), record("d", "4")],
        };
        let (parsed, unreadable) = parse_each(event, |body| {
            assert!(body != "boom", "scripted panic");
            serde_json::from_str::<u8>(body)
        });
        assert_eq!(parsed, [("a".to_owned(), 1), ("d".to_owned(), 4)]);
        assert_eq!(unreadable, ["b", "c"]);
        let answer = serde_json::to_string(&BatchResponse::of(unreadable)).unwrap();
        assert_eq!(answer, r#"{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"c"}]}"#);
    }
}
