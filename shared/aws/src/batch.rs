//! Reading many items at once.

use std::collections::HashMap;
use std::time::Duration;

use adrelay_core::ports::StoreError;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::KeysAndAttributes;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::item::{Item, store_error};

/// The most keys that one BatchGetItem takes (AWS: BatchGetItem).
const KEYS_PER_CALL: usize = 100;

const CONCURRENT_CALLS: usize = 10;

/// Rounds for keys that DynamoDB leaves unprocessed under load.
const ROUNDS: u32 = 6;

const ROUND_PAUSE_MS: u64 = 20;

/// Reads the items of `table` with these keys consistently, in any order. The keys differ from one another.
pub(crate) async fn batch_get(
    client: &Client,
    table: &str,
    keys: &[Item],
    projection: &str,
) -> Result<Vec<Item>, StoreError> {
    let calls: Vec<_> = keys
        .chunks(KEYS_PER_CALL)
        .map(|chunk| get_chunk(client, table, chunk.to_vec(), projection))
        .collect();
    let found: Vec<Vec<Item>> = stream::iter(calls).buffer_unordered(CONCURRENT_CALLS).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

async fn get_chunk(
    client: &Client,
    table: &str,
    mut keys: Vec<Item>,
    projection: &str,
) -> Result<Vec<Item>, StoreError> {
    let mut found = Vec::new();
    for round in 0..ROUNDS {
        let mut wanted = KeysAndAttributes::builder()
            .set_keys(Some(std::mem::take(&mut keys)))
            .consistent_read(true)
            .projection_expression(projection);
        // Words that DynamoDB reserves (AWS: reserved words in DynamoDB).
        for (alias, name) in [("#status", "status"), ("#source", "source")] {
            if projection.contains(alias) {
                wanted = wanted.expression_attribute_names(alias, name);
            }
        }
        let wanted = wanted.build().map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let call =
            client.batch_get_item().set_request_items(Some(HashMap::from([(table.to_owned(), wanted)])));
        let answer = call.send().await.map_err(|error| store_error(&error))?;
        found.extend(answer.responses.unwrap_or_default().into_values().flatten());
        let unprocessed = answer.unprocessed_keys.unwrap_or_default();
        keys = unprocessed.into_values().flat_map(|rest| rest.keys).collect();
        if keys.is_empty() {
            return Ok(found);
        }
        tokio::time::sleep(Duration::from_millis(ROUND_PAUSE_MS << round)).await;
    }
    Err(StoreError::Unavailable("keys left unprocessed".to_owned()))
}
