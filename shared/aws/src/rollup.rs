//! A day of a source, added up from the rollups in its index lines.

use adrelay_core::ids::{SourceId, TenantId};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::receipts::DaySummary;
use adrelay_core::receipt::Status;

use crate::events::DynamoEvents;
use crate::index::day_pk;
use crate::item::{Item, optional_number, s, store_error, text};

impl DynamoEvents {
    pub(crate) async fn add_up(
        &self,
        tenant: &TenantId,
        source: &SourceId,
        day: &str,
        pages_max: usize,
    ) -> Result<DaySummary, StoreError> {
        let mut summary = DaySummary::default();
        let mut start: Option<Item> = None;
        while summary.pages < pages_max {
            let query = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", s(day_pk(tenant, source, day)))
                // Words that DynamoDB reserves (AWS: reserved words in DynamoDB).
                .projection_expression("sk, #count, #keys")
                .expression_attribute_names("#count", "count")
                .expression_attribute_names("#keys", "keys")
                .set_exclusive_start_key(start.take());
            let found = query.send().await.map_err(|error| store_error(&error))?;
            summary.pages += 1;
            for item in found.items.unwrap_or_default() {
                add(&mut summary, &item)?;
            }
            start = found.last_evaluated_key;
            if start.is_none() {
                return Ok(summary);
            }
        }
        summary.truncated = true;
        Ok(summary)
    }
}

fn add(summary: &mut DaySummary, line: &Item) -> Result<(), StoreError> {
    let status = text(line, "sk")?.split('#').next().and_then(Status::parse);
    let status = status.ok_or_else(|| StoreError::Corrupt("status".to_owned()))?;
    let Some(count) = optional_number(line, "count") else {
        // A line from before there were rollups.
        summary.truncated = true;
        return Ok(());
    };
    let unsigned = |count: i64| u64::try_from(count).unwrap_or(0);
    *summary.by_status.entry(status).or_default() += unsigned(count);
    summary.waiting_lines += u64::from(status == Status::Waiting);
    let keys = line.get("keys").and_then(|keys| keys.as_m().ok()).filter(|_| status == Status::Sent);
    for (key, count) in keys.into_iter().flatten() {
        let count = count.as_n().ok().and_then(|count| count.parse().ok()).map_or(0, unsigned);
        *summary.sent_keys.entry(key.clone()).or_default() += count;
    }
    Ok(())
}
