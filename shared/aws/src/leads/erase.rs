//! Taking what is personal from a lead. Notes go first and the lead last, in the transaction that takes it from its
//! person: until that, a person's leads still name it, and an erasure that was cut off is begun anew.

use adrelay_core::ids::{LeadId, TenantId};
use adrelay_core::leads::{Activity, ActivityKind, Lead};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::leads::LeadEraser;
use adrelay_core::time::UnixMillis;
use aws_sdk_dynamodb::types::{Delete, Put};

use super::lead::{activity_item, activity_sk, lead_item, lead_key, link_key, read_lead};
use super::{DynamoLeads, lead_pk};
use crate::item::{key, n, store_error, text};
use crate::range::Range;
use crate::transaction::{Refused, delete, put};

/// Who erases, in a lead's history.
const BY: &str = "adrelay";

/// Tries where the lead is changed in between.
const ROUNDS: usize = 5;

/// Lines of history that are looked through in one read.
const LINES_PER_READ: usize = 1_000;

impl LeadEraser for DynamoLeads {
    async fn erase_lead(&self, tenant: &TenantId, id: &LeadId, at: UnixMillis) -> Result<(), StoreError> {
        for _ in 0..ROUNDS {
            let Some(item) = self.item(lead_key(tenant, id)).await? else { return Ok(()) };
            let lead = read_lead(tenant, &item)?;
            self.erase_notes(tenant, id).await?;
            if lead.doc.erased_at.is_some() {
                return Ok(());
            }
            match self.erase_document(lead, at).await {
                // It was changed, and may have a new note.
                Err(Refused::Condition | Refused::Raced) => {}
                other => return other.map_err(StoreError::from),
            }
        }
        Err(StoreError::Conflict)
    }
}

impl DynamoLeads {
    async fn erase_notes(&self, tenant: &TenantId, id: &LeadId) -> Result<(), StoreError> {
        let pk = lead_pk(tenant, id);
        let mut from = activity_sk(0);
        loop {
            let lines = self.read(Range::new(&pk, &from, "A#~"), LINES_PER_READ).await?;
            for line in lines.iter().filter(|line| line.contains_key("note")) {
                let update = self
                    .client
                    .update_item()
                    .table_name(&self.table)
                    .set_key(Some(key(&pk, text(line, "sk")?)))
                    .update_expression("REMOVE note");
                update.send().await.map_err(|error| store_error(&error))?;
            }
            match lines.last() {
                Some(last) if lines.len() == LINES_PER_READ => from = format!("{}!", text(last, "sk")?),
                _ => return Ok(()),
            }
        }
    }

    async fn erase_document(&self, lead: Lead, at: UnixMillis) -> Result<(), Refused> {
        let mut erased = lead.clone();
        erased.sealed = None;
        erased.texts.clear();
        erased.doc.person = None;
        erased.doc.erased_at = Some(at);
        erased.doc.updated_at = at;
        let (nth, by, what) = (lead.rev + 1, BY.to_owned(), ActivityKind::Erased);
        let activity = Activity { nth, at, by, what, sealed_note: None };
        let activity = activity_item(&lead.tenant, &lead.id, &activity).map_err(Refused::Store)?;
        let document = Put::builder()
            .table_name(&self.table)
            .set_item(Some(lead_item(&erased).map_err(Refused::Store)?))
            .condition_expression("rev = :rev")
            .expression_attribute_values(":rev", n(lead.rev));
        let mut writes = vec![put(document.build()?), self.put_of(activity)?];
        if let Some(person) = &lead.doc.person {
            let link = link_key(&lead.tenant, person, &lead.id);
            writes.push(delete(Delete::builder().table_name(&self.table).set_key(Some(link)).build()?));
        }
        self.transact(writes).await
    }
}
