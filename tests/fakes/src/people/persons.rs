//! Links and documents.

use std::collections::HashMap;

use adrelay_core::ids::{PersonId, TenantId};
use adrelay_core::people::{LinkHash, Person};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::people::{Claim, MergeRecord, PeopleStore};

use super::{MemoryPeople, State};

/// Lines of merge history that are read.
const MERGES: usize = 100;

impl State {
    fn may_save(&self, person: &Person) -> Result<(), StoreError> {
        let stored = self.persons.get(&(person.tenant.clone(), person.id.clone()));
        if stored.map_or(0, |stored| stored.rev) == person.rev { Ok(()) } else { Err(StoreError::Conflict) }
    }

    fn write(&mut self, person: &Person) {
        let stored = Person { rev: person.rev + 1, ..person.clone() };
        self.persons.insert((person.tenant.clone(), person.id.clone()), stored);
        self.writes += 1;
    }
}

impl PeopleStore for MemoryPeople {
    async fn links(
        &self,
        tenant: &TenantId,
        hashes: &[LinkHash],
    ) -> Result<HashMap<LinkHash, PersonId>, StoreError> {
        self.0
            .call("links", |state| {
                let pointing = |hash: &LinkHash| {
                    let person = state.links.get(&(tenant.clone(), hash.clone()))?;
                    Some((hash.clone(), person.clone()))
                };
                Ok(hashes.iter().filter_map(pointing).collect())
            })
            .await
    }

    async fn claim(
        &self,
        tenant: &TenantId,
        hash: &LinkHash,
        person: &PersonId,
    ) -> Result<Claim, StoreError> {
        self.0
            .call("claim", |state| {
                let link = (tenant.clone(), hash.clone());
                match state.links.get(&link) {
                    Some(holder) if holder == person => Ok(Claim::Ours),
                    Some(holder) => Ok(Claim::Theirs(holder.clone())),
                    None => {
                        state.links.insert(link, person.clone());
                        state.writes += 1;
                        Ok(Claim::Ours)
                    }
                }
            })
            .await
    }

    async fn unlink(&self, tenant: &TenantId, hash: &LinkHash, person: &PersonId) -> Result<(), StoreError> {
        self.0
            .call("unlink", |state| {
                let link = (tenant.clone(), hash.clone());
                if state.links.get(&link) == Some(person) {
                    state.links.remove(&link);
                    state.writes += 1;
                }
                Ok(())
            })
            .await
    }

    async fn persons(&self, tenant: &TenantId, ids: &[PersonId]) -> Result<Vec<Person>, StoreError> {
        self.0
            .call("persons", |state| {
                let of_tenant = state.persons.values().filter(|person| person.tenant == *tenant);
                Ok(of_tenant.filter(|person| ids.contains(&person.id)).cloned().collect())
            })
            .await
    }

    async fn save(&self, person: &Person) -> Result<(), StoreError> {
        self.0
            .call("save", |state| {
                state.may_save(person)?;
                state.write(person);
                Ok(())
            })
            .await
    }

    async fn save_both(&self, one: &Person, other: &Person, record: &MergeRecord) -> Result<(), StoreError> {
        self.0
            .call("save_both", |state| {
                state.may_save(one)?;
                state.may_save(other)?;
                for person in [one, other] {
                    state.write(person);
                    let lines = state.merges.entry((person.tenant.clone(), person.id.clone())).or_default();
                    lines.push(record.clone());
                    lines.sort_by_key(|line| line.at);
                }
                Ok(())
            })
            .await
    }

    async fn merges(&self, tenant: &TenantId, person: &PersonId) -> Result<Vec<MergeRecord>, StoreError> {
        self.0
            .call("merges", |state| {
                let lines = state.merges.get(&(tenant.clone(), person.clone()));
                Ok(lines.into_iter().flatten().take(MERGES).cloned().collect())
            })
            .await
    }

    async fn remove(&self, tenant: &TenantId, person: &PersonId) -> Result<(), StoreError> {
        self.0
            .call("remove", |state| {
                let removed = state.persons.remove(&(tenant.clone(), person.clone()));
                state.writes += u64::from(removed.is_some());
                Ok(())
            })
            .await
    }
}
