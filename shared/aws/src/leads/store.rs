//! Leads are created and changed in one transaction each.

use std::collections::HashSet;

use adrelay_core::ids::{LeadId, PersonId, TenantId};
use adrelay_core::leads::{Activity, Feedback, Lead, LeadQuery, MissingLead};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::leads::{Created, LeadStore, LeadWrite};
use adrelay_core::ports::receipts::Page;
use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};

use super::lead::{
    activity_item, activity_sk, feedback_item, lead_item, lead_key, link_key, missing_pk, person_pk,
    read_activity, read_feedback, read_lead,
};
use super::outbox::entry_item;
use super::{DynamoLeads, PAGE_MAX, lead_pk};
use crate::batch::batch_get;
use crate::item::{ITEM_VERSION, Item, corrupt, key, last_part, n, text, unreadable};
use crate::range::{Range, page};
use crate::transaction::{Refused, delete, put};

/// Stages of a lead that are read.
const STAGES: usize = 100;

/// Leads of a person that are read at most.
const LEADS_OF_PERSON: usize = 1_000;

/// The highest number that a sort key's 10 digits hold.
const NTH_MAX: u64 = 9_999_999_999;

impl DynamoLeads {
    /// The writes that creating and changing a lead have in common.
    fn writes(&self, write: LeadWrite<'_>) -> Result<Vec<TransactWriteItem>, StoreError> {
        let LeadWrite { lead, activity, feedback, outbox } = write;
        let document = Put::builder().table_name(&self.table).set_item(Some(lead_item(lead)?));
        let document = if lead.rev == 0 {
            document.condition_expression("attribute_not_exists(pk)")
        } else {
            document.condition_expression("rev = :rev").expression_attribute_values(":rev", n(lead.rev))
        };
        let mut items = vec![activity_item(&lead.tenant, &lead.id, activity)?];
        items.extend(feedback.map(|stage| feedback_item(&lead.tenant, &lead.id, stage)).transpose()?);
        items.extend(outbox.iter().map(entry_item));
        let mut writes = vec![put(document.build().map_err(|error| unreadable(&error))?)];
        for item in items {
            writes.push(self.put_of(item).map_err(|error| unreadable(&error))?);
        }
        Ok(writes)
    }

    /// The writes that come with a new lead.
    fn writes_of_new(&self, lead: &Lead) -> Result<Vec<TransactWriteItem>, StoreError> {
        let found = Delete::builder().table_name(&self.table);
        let found = found.set_key(Some(key(&missing_pk(&lead.tenant), lead.id.as_str()))).build();
        let mut writes = vec![delete(found.map_err(|error| unreadable(&error))?)];
        if let Some(person) = &lead.doc.person {
            let mut link = link_key(&lead.tenant, person, &lead.id);
            link.insert("v".to_owned(), n(ITEM_VERSION));
            writes.push(self.put_of(link).map_err(|error| unreadable(&error))?);
        }
        if !lead.doc.test {
            writes.push(self.count_of(lead)?);
        }
        Ok(writes)
    }
}

impl LeadStore for DynamoLeads {
    async fn create(&self, write: LeadWrite<'_>) -> Result<Created, StoreError> {
        if write.lead.rev != 0 {
            return Err(StoreError::Conflict);
        }
        let mut writes = self.writes(write)?;
        writes.extend(self.writes_of_new(write.lead)?);
        match self.transact(writes).await {
            Ok(()) => Ok(Created::New),
            // The lead's is the only condition.
            Err(Refused::Condition) => Ok(Created::Known),
            // Nobody knows whether it is there: the same call may succeed later.
            Err(Refused::Raced) => Err(StoreError::Unavailable("TransactionConflict".to_owned())),
            Err(Refused::Store(error)) => Err(error),
        }
    }

    async fn change(&self, write: LeadWrite<'_>) -> Result<(), StoreError> {
        if write.lead.rev == 0 {
            return Err(StoreError::Conflict);
        }
        self.transact(self.writes(write)?).await.map_err(StoreError::from)
    }

    async fn lead(&self, tenant: &TenantId, id: &LeadId) -> Result<Option<Lead>, StoreError> {
        let item = self.item(lead_key(tenant, id)).await?;
        item.map(|item| read_lead(tenant, &item)).transpose()
    }

    async fn known(&self, tenant: &TenantId, ids: &[LeadId]) -> Result<HashSet<LeadId>, StoreError> {
        let ids: HashSet<&LeadId> = ids.iter().collect();
        let keys: Vec<Item> = ids.into_iter().map(|id| lead_key(tenant, id)).collect();
        let found = batch_get(&self.client, &self.table, &keys, "pk").await?;
        found.iter().map(|item| lead_id(last_part(text(item, "pk")?))).collect()
    }

    async fn list(&self, query: &LeadQuery) -> Result<Page<Lead>, StoreError> {
        self.list_leads(query).await
    }

    async fn activities(
        &self,
        tenant: &TenantId,
        id: &LeadId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<Activity>, StoreError> {
        let before = cursor.map(|cursor| cursor.parse().map_err(|_| StoreError::Conflict)).transpose()?;
        let Some(newest) = before.unwrap_or(NTH_MAX).min(NTH_MAX).checked_sub(1) else {
            return Ok(Page { items: Vec::new(), next_cursor: None });
        };
        let (pk, limit) = (lead_pk(tenant, id), limit.clamp(1, PAGE_MAX));
        let (from, to) = (activity_sk(0), activity_sk(newest));
        let range = Range { backwards: true, ..Range::new(&pk, &from, &to) };
        let lines = self.read(range, limit + 1).await?;
        let lines: Vec<Activity> = lines.iter().map(read_activity).collect::<Result<_, _>>()?;
        Ok(page(lines, limit, |line| line.nth.to_string()))
    }

    async fn feedback(&self, tenant: &TenantId, id: &LeadId) -> Result<Vec<Feedback>, StoreError> {
        let stages = self.read(Range::new(&lead_pk(tenant, id), "FB#", "FB#~"), STAGES).await?;
        stages.iter().map(read_feedback).collect()
    }

    async fn leads_of(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        limit: usize,
    ) -> Result<Vec<LeadId>, StoreError> {
        let pk = person_pk(tenant, person);
        let links = self.read(Range::new(&pk, "0", "~"), limit.clamp(1, LEADS_OF_PERSON)).await?;
        links.iter().map(|link| lead_id(text(link, "sk")?)).collect()
    }

    async fn missing(
        &self,
        tenant: &TenantId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<MissingLead>, StoreError> {
        let after = cursor.map(LeadId::parse).transpose().map_err(|_| StoreError::Conflict)?;
        // What follows a text at once is the text with the lowest character after it.
        let from = after.map_or_else(|| "0".to_owned(), |after| format!("{after}!"));
        let (pk, limit) = (missing_pk(tenant), limit.clamp(1, PAGE_MAX));
        let items = self.read(Range::new(&pk, &from, "~"), limit + 1).await?;
        let read = |item: &Item| serde_json::from_str(text(item, "doc")?).map_err(corrupt);
        let missing: Vec<MissingLead> = items.iter().map(read).collect::<Result<_, _>>()?;
        Ok(page(missing, limit, |missing| missing.id.to_string()))
    }
}

fn lead_id(text: &str) -> Result<LeadId, StoreError> {
    LeadId::parse(text).map_err(|error| unreadable(&error))
}
