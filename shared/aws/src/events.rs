//! The events table: receipts, the day's index, waiting rooms, ledgers. Each has a module of its own.

use aws_sdk_dynamodb::Client;

/// The events table.
#[derive(Debug, Clone)]
pub struct DynamoEvents {
    pub(crate) client: Client,
    pub(crate) table: String,
}

impl DynamoEvents {
    /// The events in `table`.
    #[must_use]
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }
}
