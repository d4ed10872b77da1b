//! Taking away what is known of a part of a person, a slice at a time.

use adrelay_core::ids::{ConversionKey, PersonId, TenantId};
use adrelay_core::ports::StoreError;
use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::features::{places, references};
use super::{CONCURRENT_WRITES, DynamoPeople, conversion_key, person_pk};
use crate::item::{Item, key, s, store_error, text};

/// What goes before days do: days tell which conversions there are.
const BEFORE_DAYS: [(&str, &str); 3] = [("M#", "M#~"), ("ONCE#", "ONCE#~"), ("V#", "V#~")];

impl DynamoPeople {
    /// Removes ≤ `limit` conversions and lines; says whether nothing is left.
    pub(super) async fn remove_slice(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        limit: usize,
    ) -> Result<bool, StoreError> {
        let pk = person_pk(tenant, person);
        let mut left = limit.max(1);
        for range in BEFORE_DAYS {
            let lines = self.range(&pk, range, left).await?;
            let removals: Result<Vec<_>, StoreError> =
                lines.iter().map(|item| Ok(self.delete(key(&pk, text(item, "sk")?)))).collect();
            stream::iter(removals?).buffer_unordered(CONCURRENT_WRITES).try_collect::<()>().await?;
            left -= lines.len();
            if left == 0 {
                return Ok(false);
            }
        }
        while left > 0 {
            let Some(day) = self.range(&pk, ("F#", "F#~"), 1).await?.pop() else { return Ok(true) };
            left = left.saturating_sub(self.empty_day(tenant, person, &day, left).await?);
        }
        Ok(false)
    }

    /// Removes ≤ `limit` of a day's conversions, then what the day says of them, then the day where it says no more.
    /// Gives how much that was, ≥ 1.
    async fn empty_day(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        day: &Item,
        limit: usize,
    ) -> Result<usize, StoreError> {
        let day_key = key(&person_pk(tenant, person), text(day, "sk")?);
        let mut conversions: Vec<_> = places(day)?.into_iter().map(|(_, conversion)| conversion).collect();
        let mut refs = references(day).to_vec();
        conversions.truncate(limit);
        refs.truncate(limit);
        let removals =
            conversions.iter().map(|conversion| self.remove_conversion(tenant, person, conversion));
        let removals: Vec<_> = removals.collect();
        stream::iter(removals).buffer_unordered(CONCURRENT_WRITES).try_collect::<()>().await?;
        let (removed, all) = (refs.len(), refs.len() == references(day).len());
        if !refs.is_empty() {
            let update = self
                .client
                .update_item()
                .table_name(&self.table)
                .set_key(Some(day_key.clone()))
                .update_expression("DELETE refs :refs")
                .expression_attribute_values(":refs", AttributeValue::Ss(refs));
            update.send().await.map_err(|error| store_error(&error))?;
        }
        if all {
            let delete = self
                .client
                .delete_item()
                .table_name(&self.table)
                .set_key(Some(day_key))
                // Something may have been counted meanwhile.
                .condition_expression("attribute_not_exists(refs)");
            match delete.send().await.map_err(|error| store_error(&error)) {
                Ok(_) | Err(StoreError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(removed.max(1))
    }

    async fn remove_conversion(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        conversion: &ConversionKey,
    ) -> Result<(), StoreError> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(conversion_key(tenant, conversion)))
            .condition_expression("person = :person")
            .expression_attribute_values(":person", s(person.as_str()));
        match delete.send().await.map_err(|error| store_error(&error)) {
            // It is gone, or another person's.
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
