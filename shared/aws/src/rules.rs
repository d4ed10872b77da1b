//! Rules in the config table: the current set under `RULES`, each that ever was under `RULES#<version>`.
//!
//! Both are written in one transaction, so that no version is current without being kept, and none is lost.

use adrelay_core::ids::TenantId;
use adrelay_core::ports::StoreError;
use adrelay_core::ports::rules::{RuleAdmin, RuleDirectory, RuleVersion};
use adrelay_core::rules::{Rule, RuleSet};
use adrelay_core::time::UnixMillis;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::builders::PutBuilder;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};

use crate::config::DynamoConfig;
use crate::config_admin::DynamoConfigAdmin;
use crate::item::{ITEM_VERSION, Item, corrupt, key, n, number, s, store_error, text};

const CURRENT: &str = "RULES";

const ABSENT: &str = "attribute_not_exists(pk)";

fn partition(tenant: &TenantId) -> String {
    format!("T#{tenant}")
}

fn kept_as(version: u64) -> String {
    format!("{CURRENT}#{version:010}")
}

impl RuleDirectory for DynamoConfig {
    async fn rules(&self, tenant: &TenantId) -> Result<Option<RuleSet>, StoreError> {
        Ok(self.record::<RuleSet>(tenant, CURRENT).await?.map(|(set, _)| set))
    }
}

impl RuleAdmin for DynamoConfigAdmin {
    async fn current(&self, tenant: &TenantId) -> Result<Option<RuleVersion>, StoreError> {
        self.rule_version(tenant, CURRENT).await
    }

    async fn version(&self, tenant: &TenantId, version: u64) -> Result<Option<RuleVersion>, StoreError> {
        self.rule_version(tenant, &kept_as(version)).await
    }

    async fn replace(
        &self,
        tenant: &TenantId,
        replaced: u64,
        rules: Vec<Rule>,
        by: &str,
        at: UnixMillis,
    ) -> Result<RuleVersion, StoreError> {
        let set = RuleSet { version: replaced.saturating_add(1), rules };
        let new = RuleVersion { set, changed_at: at, changed_by: by.to_owned() };
        let current = Put::builder().table_name(&self.table).set_item(Some(item(tenant, CURRENT, &new)?));
        let current = if replaced == 0 {
            current.condition_expression(ABSENT)
        } else {
            current
                .condition_expression("rev = :replaced")
                .expression_attribute_values(":replaced", n(replaced))
        };
        let kept_as = kept_as(new.set.version);
        let kept = Put::builder().table_name(&self.table).set_item(Some(item(tenant, &kept_as, &new)?));
        let both = vec![built(current)?, built(kept.condition_expression(ABSENT))?];
        let write = self.client.transact_write_items().set_transact_items(Some(both)).send().await;
        write.map(|_| new).map_err(|error| refused(&error))
    }
}

impl DynamoConfigAdmin {
    async fn rule_version(&self, tenant: &TenantId, sk: &str) -> Result<Option<RuleVersion>, StoreError> {
        let get = self.client.get_item().table_name(&self.table).consistent_read(true);
        let found = get.set_key(Some(key(&partition(tenant), sk))).send().await;
        found.map_err(|error| store_error(&error))?.item.as_ref().map(read).transpose()
    }
}

fn item(tenant: &TenantId, sk: &str, new: &RuleVersion) -> Result<Item, StoreError> {
    let mut item = key(&partition(tenant), sk);
    item.insert("v".to_owned(), n(ITEM_VERSION));
    item.insert("rev".to_owned(), n(new.set.version));
    item.insert("doc".to_owned(), s(serde_json::to_string(&new.set).map_err(corrupt)?));
    item.insert("changed_at".to_owned(), n(new.changed_at.0));
    item.insert("changed_by".to_owned(), s(&new.changed_by));
    Ok(item)
}

fn read(item: &Item) -> Result<RuleVersion, StoreError> {
    Ok(RuleVersion {
        set: serde_json::from_str(text(item, "doc")?).map_err(corrupt)?,
        changed_at: UnixMillis(number(item, "changed_at")?),
        changed_by: text(item, "changed_by")?.to_owned(),
    })
}

fn built(put: PutBuilder) -> Result<TransactWriteItem, StoreError> {
    let put = put.build().map_err(|error| StoreError::Corrupt(error.to_string()))?;
    Ok(TransactWriteItem::builder().put(put).build())
}

/// A condition that failed, or a transaction of somebody else's that was under way, is somebody who was faster.
fn refused<R>(error: &SdkError<TransactWriteItemsError, R>) -> StoreError {
    if let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() {
        let faster = |code: &str| matches!(code, "ConditionalCheckFailed" | "TransactionConflict");
        if cancelled.cancellation_reasons().iter().any(|reason| reason.code().is_some_and(faster)) {
            return StoreError::Conflict;
        }
    }
    store_error(error)
}
