//! A run of a partition's items.

use adrelay_core::ports::StoreError;
use adrelay_core::ports::receipts::Page;
use aws_sdk_dynamodb::Client;

use crate::item::{Item, s, store_error};

/// Pages of one query, ≤ 1 MB each.
const QUERY_PAGES: usize = 100;

/// Items of a partition from one sort key to another, both included.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range<'a> {
    pub(crate) pk: &'a str,
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
    /// Whether the highest sort key comes first.
    pub(crate) backwards: bool,
}

impl<'a> Range<'a> {
    /// In the order of sort keys.
    pub(crate) const fn new(pk: &'a str, from: &'a str, to: &'a str) -> Self {
        Self { pk, from, to, backwards: false }
    }

    /// Reads ≤ `limit` items consistently.
    pub(crate) async fn read(
        self,
        client: &Client,
        table: &str,
        limit: usize,
    ) -> Result<Vec<Item>, StoreError> {
        let mut items = Vec::new();
        let mut start: Option<Item> = None;
        for _ in 0..QUERY_PAGES {
            let query = client
                .query()
                .table_name(table)
                .consistent_read(true)
                .scan_index_forward(!self.backwards)
                .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
                .expression_attribute_values(":pk", s(self.pk))
                .expression_attribute_values(":from", s(self.from))
                .expression_attribute_values(":to", s(self.to))
                .limit(i32::try_from(limit - items.len()).unwrap_or(i32::MAX))
                .set_exclusive_start_key(start.take());
            let found = query.send().await.map_err(|error| store_error(&error))?;
            items.extend(found.items.unwrap_or_default());
            start = found.last_evaluated_key;
            if start.is_none() || items.len() >= limit {
                return Ok(items);
            }
        }
        Err(StoreError::Unavailable("more than one call reads".to_owned()))
    }
}

/// A page of `limit` from as many items and one more, if there is one. The cursor is the name of the last that is shown.
pub(crate) fn page<T>(mut items: Vec<T>, limit: usize, name: impl Fn(&T) -> String) -> Page<T> {
    let more = items.len() > limit;
    items.truncate(limit);
    let next_cursor = items.last().filter(|_| more).map(name);
    Page { items, next_cursor }
}
