//! Links and documents.

use std::collections::HashMap;

use adrelay_core::ids::{PersonId, TenantId};
use adrelay_core::people::{LinkHash, Person};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::people::{Claim, MergeRecord, PeopleStore};
use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::types::{AttributeValue, Put};

use super::{DynamoPeople, last_part, person_pk, unreadable};
use crate::item::{
    ITEM_VERSION, Item, corrupt, key, n, number, optional_sealed, s, sealed, store_error, text,
};
use crate::transaction::{put, transact};

const LINK: &str = "LINK";
const PERSON: &str = "PERSON";

/// Lines of merge history that are read.
const MERGES: usize = 100;

fn link_key(tenant: &TenantId, hash: &LinkHash) -> Item {
    key(&format!("T#{tenant}#L#{}", hash.as_str()), LINK)
}

/// The condition under which a person may be written, with its values.
fn unchanged(person: &Person) -> (&'static str, Option<HashMap<String, AttributeValue>>) {
    if person.rev == 0 {
        ("attribute_not_exists(pk)", None)
    } else {
        ("rev = :rev", Some(HashMap::from([(":rev".to_owned(), n(person.rev))])))
    }
}

fn person_item(person: &Person) -> Result<Item, StoreError> {
    let mut item = key(&person_pk(&person.tenant, &person.id), PERSON);
    item.insert("v".to_owned(), n(ITEM_VERSION));
    item.insert("rev".to_owned(), n(person.rev + 1));
    item.insert("doc".to_owned(), s(serde_json::to_string(&person.doc).map_err(corrupt)?));
    item.extend(person.sealed.as_ref().map(|text| ("sealed".to_owned(), sealed(text))));
    Ok(item)
}

fn read_person(tenant: &TenantId, item: &Item) -> Result<Person, StoreError> {
    Ok(Person {
        tenant: tenant.clone(),
        id: PersonId::parse(last_part(text(item, "pk")?)).map_err(|error| unreadable(&error))?,
        rev: u64::try_from(number(item, "rev")?).map_err(|error| unreadable(&error))?,
        doc: serde_json::from_str(text(item, "doc")?).map_err(corrupt)?,
        sealed: optional_sealed(item, "sealed")?,
    })
}

impl PeopleStore for DynamoPeople {
    async fn links(
        &self,
        tenant: &TenantId,
        hashes: &[LinkHash],
    ) -> Result<HashMap<LinkHash, PersonId>, StoreError> {
        let keys = hashes.iter().map(|hash| link_key(tenant, hash)).collect();
        let by_text: HashMap<&str, &LinkHash> = hashes.iter().map(|hash| (hash.as_str(), hash)).collect();
        let mut found = HashMap::new();
        for item in self.get_all(keys, "pk, person").await? {
            if let Some(hash) = by_text.get(last_part(text(&item, "pk")?)) {
                found.insert((*hash).clone(), person_of(&item)?);
            }
        }
        Ok(found)
    }

    async fn claim(
        &self,
        tenant: &TenantId,
        hash: &LinkHash,
        person: &PersonId,
    ) -> Result<Claim, StoreError> {
        let mut item = link_key(tenant, hash);
        item.insert("v".to_owned(), n(ITEM_VERSION));
        item.insert("person".to_owned(), s(person.as_str()));
        let Some(before) = self.put_absent(item).await? else { return Ok(Claim::Ours) };
        let holder = person_of(&before)?;
        Ok(if holder == *person { Claim::Ours } else { Claim::Theirs(holder) })
    }

    async fn unlink(&self, tenant: &TenantId, hash: &LinkHash, person: &PersonId) -> Result<(), StoreError> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(link_key(tenant, hash)))
            .condition_expression("person = :person")
            .expression_attribute_values(":person", s(person.as_str()));
        match delete.send().await.map_err(|error| store_error(&error)) {
            // It points to nobody, or to somebody else.
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn persons(&self, tenant: &TenantId, ids: &[PersonId]) -> Result<Vec<Person>, StoreError> {
        let keys = ids.iter().map(|id| key(&person_pk(tenant, id), PERSON)).collect();
        let items = self.get_all(keys, "pk, rev, doc, sealed").await?;
        items.iter().map(|item| read_person(tenant, item)).collect()
    }

    async fn save(&self, person: &Person) -> Result<(), StoreError> {
        let (condition, values) = unchanged(person);
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(person_item(person)?))
            .condition_expression(condition)
            .set_expression_attribute_values(values);
        put.send().await.map(|_| ()).map_err(|error| match error.as_service_error() {
            // A merge of this person is being written.
            Some(refused) if refused.code() == Some("TransactionConflictException") => StoreError::Conflict,
            _ => store_error(&error),
        })
    }

    async fn save_both(&self, one: &Person, other: &Person, record: &MergeRecord) -> Result<(), StoreError> {
        let mut writes = Vec::with_capacity(4);
        let line = serde_json::to_string(record).map_err(corrupt)?;
        for (person, opposite) in [(one, other), (other, one)] {
            let (condition, values) = unchanged(person);
            let document = Put::builder()
                .table_name(&self.table)
                .set_item(Some(person_item(person)?))
                .condition_expression(condition)
                .set_expression_attribute_values(values);
            writes.push(put(document.build().map_err(|error| unreadable(&error))?));
            let sk = format!("M#{:015}#{}", record.at.0, opposite.id);
            let history = Put::builder()
                .table_name(&self.table)
                .set_item(Some(key(&person_pk(&person.tenant, &person.id), &sk)))
                .item("v", n(ITEM_VERSION))
                .item("record", s(&line));
            writes.push(put(history.build().map_err(|error| unreadable(&error))?));
        }
        transact(&self.client, writes).await.map_err(StoreError::from)
    }

    async fn merges(&self, tenant: &TenantId, person: &PersonId) -> Result<Vec<MergeRecord>, StoreError> {
        let lines = self.range(&person_pk(tenant, person), ("M#", "M#~"), MERGES).await?;
        lines.iter().map(|item| serde_json::from_str(text(item, "record")?).map_err(corrupt)).collect()
    }

    async fn remove(&self, tenant: &TenantId, person: &PersonId) -> Result<(), StoreError> {
        self.delete(key(&person_pk(tenant, person), PERSON)).await
    }
}

fn person_of(item: &Item) -> Result<PersonId, StoreError> {
    PersonId::parse(text(item, "person")?).map_err(|error| unreadable(&error))
}
