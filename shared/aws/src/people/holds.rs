//! What is held. A hold and the item that files it under a minute are written in one transaction.
//!
//! Two puts would do in neither order. With the hold first, a crash leaves one that no sweep finds. With the filing
//! first, a sweep between the two takes it for a leftover and removes it, and again the hold is lost. A transaction costs
//! 4 write units instead of 2, and few conversions are held.

use adrelay_core::ids::{ConversionKey, PersonId, TenantId};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::people::{Hold, HoldReason, HoldStore};
use adrelay_core::time::UnixMillis;
use aws_sdk_dynamodb::types::{Delete, Put, Update};

use super::due::{Filing, Minute};
use super::{DynamoPeople, last_part, person_pk, unreadable};
use crate::item::{ITEM_VERSION, Item, key, n, number, optional_number, optional_text, s, store_error, text};
use crate::transaction::{self, Refused, delete, put, transact, update};

const IDENTITY: &str = "identity";
const CONSENT: &str = "consent";

pub(super) fn hold_key(tenant: &TenantId, person: &PersonId, conversion: &ConversionKey) -> Item {
    key(&person_pk(tenant, person), &format!("H#{conversion}"))
}

fn key_of(hold: &Hold) -> Item {
    hold_key(&hold.tenant, &hold.person, &hold.conversion)
}

fn hold_item(hold: &Hold, due: Minute) -> Item {
    let mut item = key_of(hold);
    let reason = match hold.reason {
        HoldReason::Identity => IDENTITY,
        HoldReason::Consent => CONSENT,
    };
    let set = [
        ("v", n(ITEM_VERSION)),
        ("reason", s(reason)),
        ("held_since", n(hold.since.0)),
        ("held_until", n(hold.until.0)),
        ("due", n(due.0)),
    ];
    item.extend(set.map(|(name, value)| (name.to_owned(), value)));
    if !hold.keys_before.is_empty() {
        item.insert("keys_before".to_owned(), s(hold.keys_before.join(",")));
    }
    item
}

/// Attributes that [`read_hold`] needs.
pub(super) const HOLD_ATTRIBUTES: &str = "pk, sk, reason, held_since, held_until, due, keys_before";

pub(super) fn read_hold(tenant: &TenantId, item: &Item) -> Result<Hold, StoreError> {
    let conversion = text(item, "sk")?.trim_start_matches("H#");
    let keys_before = optional_text(item, "keys_before").unwrap_or_default();
    Ok(Hold {
        tenant: tenant.clone(),
        person: PersonId::parse(last_part(text(item, "pk")?)).map_err(|error| unreadable(&error))?,
        conversion: ConversionKey::parse(conversion).map_err(|error| unreadable(&error))?,
        reason: match text(item, "reason")? {
            IDENTITY => HoldReason::Identity,
            CONSENT => HoldReason::Consent,
            _ => return Err(unreadable(&"reason")),
        },
        since: UnixMillis(number(item, "held_since")?),
        until: UnixMillis(number(item, "held_until")?),
        keys_before: keys_before.split(',').filter(|name| !name.is_empty()).map(Into::into).collect(),
    })
}

impl HoldStore for DynamoPeople {
    /// What is held since another moment stays as it is: a repeated post does not start its wait anew. A hold that
    /// moves to another minute leaves its old filing behind, which a sweep removes.
    async fn hold(&self, hold: &Hold) -> Result<(), StoreError> {
        self.begin(hold).await?;
        persist(|| self.try_hold(hold)).await
    }

    async fn holds_of(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        limit: usize,
    ) -> Result<Vec<Hold>, StoreError> {
        let items = self.range(&person_pk(tenant, person), ("H#", "H#~"), limit.max(1)).await?;
        items.iter().map(|item| read_hold(tenant, item)).collect()
    }

    async fn release(&self, hold: &Hold) -> Result<(), StoreError> {
        persist(|| self.try_release(hold)).await
    }

    async fn make_due(&self, hold: &Hold, now: UnixMillis) -> Result<(), StoreError> {
        self.file_under(&Filing::of(hold), Minute::of(now)).await
    }

    async fn due(&self, now: UnixMillis, limit: usize) -> Result<Vec<Hold>, StoreError> {
        self.find_due(now, limit).await
    }
}

impl DynamoPeople {
    /// Files a hold under another minute, where it is still held.
    pub(super) async fn file_under(&self, filing: &Filing, minute: Minute) -> Result<(), StoreError> {
        persist(|| self.try_file_under(filing, minute)).await
    }

    async fn try_hold(&self, hold: &Hold) -> Result<(), Refused> {
        let due = Minute::after(hold.until);
        let document = Put::builder()
            .table_name(&self.table)
            .set_item(Some(hold_item(hold, due)))
            .condition_expression("attribute_not_exists(pk) OR held_since = :since")
            .expression_attribute_values(":since", n(hold.since.0));
        let document = document.build()?;
        let writes = vec![put(document), put(self.filed(&Filing::of(hold), due)?)];
        match transact(&self.client, writes).await {
            Err(Refused::Condition) => Ok(()),
            other => other,
        }
    }

    async fn try_release(&self, hold: &Hold) -> Result<(), Refused> {
        let Some(due) = self.due_minute(&key_of(hold)).await? else { return Ok(()) };
        let document = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(key_of(hold)))
            // Else the other item is filed under another minute by now.
            .condition_expression("due = :due")
            .expression_attribute_values(":due", n(due.0));
        let document = document.build()?;
        transact(&self.client, vec![delete(document), delete(self.unfiled(&Filing::of(hold), due)?)]).await
    }

    async fn try_file_under(&self, filing: &Filing, minute: Minute) -> Result<(), Refused> {
        let hold_key = hold_key(&filing.tenant, &filing.person, &filing.conversion);
        let due = self.due_minute(&hold_key).await?;
        let Some(due) = due.filter(|due| *due != minute) else { return Ok(()) };
        let document = Update::builder()
            .table_name(&self.table)
            .set_key(Some(hold_key))
            .update_expression("SET due = :minute")
            .condition_expression("due = :due")
            .expression_attribute_values(":minute", n(minute.0))
            .expression_attribute_values(":due", n(due.0));
        let document = update(document.build()?);
        let (filed, unfiled) = (put(self.filed(filing, minute)?), delete(self.unfiled(filing, due)?));
        transact(&self.client, vec![document, filed, unfiled]).await
    }

    /// The minute under which a hold is filed; `None` where nothing is held.
    async fn due_minute(&self, hold_key: &Item) -> Result<Option<Minute>, Refused> {
        let get = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(hold_key.clone()))
            .consistent_read(true)
            .projection_expression("due");
        let found = get.send().await.map_err(|error| Refused::Store(store_error(&error)))?;
        Ok(found.item.map(|item| Minute(optional_number(&item, "due").unwrap_or_default())))
    }

    fn filed(&self, filing: &Filing, minute: Minute) -> Result<Put, Refused> {
        let item = filing.key(minute);
        let put = Put::builder().table_name(&self.table).set_item(Some(item)).item("v", n(ITEM_VERSION));
        Ok(put.build()?)
    }

    fn unfiled(&self, filing: &Filing, minute: Minute) -> Result<Delete, Refused> {
        let delete = Delete::builder().table_name(&self.table).set_key(Some(filing.key(minute)));
        Ok(delete.build()?)
    }
}

/// Tries again where others write to the same hold.
async fn persist<F>(attempt: impl Fn() -> F + Send) -> Result<(), StoreError>
where
    F: Future<Output = Result<(), Refused>> + Send,
{
    let again = |refused: &Refused| matches!(refused, Refused::Condition | Refused::Raced);
    transaction::persist(again, attempt).await.map_err(StoreError::from)
}
