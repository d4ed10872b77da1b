//! What people do with identifiers by hand: see whom each points to, and give a person one more. Nobody is merged.

use std::collections::{HashMap, HashSet};

use super::{Registry, RegistryError, Resolved, TRIES};
use crate::ids::{PersonId, TenantId};
use crate::people::identity::{Identifier, Identity};
use crate::people::link::LinkHash;
use crate::people::tree::Tree;
use crate::ports::StoreError;
use crate::ports::clock::{Clock, Entropy};
use crate::ports::people::{Claim, PeopleStore};
use crate::ports::secrets::Secrets;

impl<P, S, C, E> Registry<'_, P, S, C, E>
where
    P: PeopleStore,
    S: Secrets,
    C: Clock,
    E: Entropy,
{
    /// Everybody whom an identity's identifiers point to, each once, by the identifiers' rank; ≤ `limit`.
    ///
    /// # Errors
    /// The store's.
    pub async fn find_all(
        &self,
        tenant: &TenantId,
        identity: &Identity,
        limit: usize,
    ) -> Result<Vec<Tree>, RegistryError> {
        let hashes = self.hashes(tenant, identity).await?;
        let links = self.store.links(tenant, &hashes).await?;
        let mut found: Vec<Tree> = Vec::new();
        for id in hashes.iter().filter_map(|hash| links.get(hash)) {
            if found.len() >= limit || found.iter().any(|tree| tree.node(id).is_some()) {
                continue;
            }
            match self.person(tenant, id).await {
                Ok(tree) => found.push(tree),
                // A link whose person is being erased, or was claimed for one that is not stored yet.
                Err(RegistryError::Unknown) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// Links an identity's identifiers to the root of the person that `id` is or is part of; those of another part stay
    /// that part's. What the identity says is not written yet: see [`Self::amend`].
    ///
    /// # Errors
    /// [`RegistryError::Taken`] where one belongs to somebody else, [`RegistryError::Crowded`] where the person has too
    /// many, [`RegistryError::Unknown`], or the store's. Then no link is left behind.
    pub async fn give(
        &self,
        tenant: &TenantId,
        id: &PersonId,
        identity: &Identity,
    ) -> Result<Resolved, RegistryError> {
        let hashes = self.hashes(tenant, identity).await?;
        for tried in 0..TRIES {
            let tree = self.person(tenant, id).await?;
            let links = self.store.links(tenant, &hashes).await?;
            if self.drop_stale(tenant, &tree, &links).await? {
                continue;
            }
            free_of_others(&tree, identity, &hashes, &links)?;
            let root = tree.root();
            let asked = hashes.iter().zip(&identity.identifiers);
            let own: HashSet<&Identifier> = asked
                .filter(|(hash, _)| links.get(*hash).is_none_or(|id| *id == root.person.id))
                .map(|(_, identifier)| identifier)
                .collect();
            let own = identity.only(|identifier| own.contains(identifier));
            let mut profile = root.profile.clone();
            profile.learn(&own);
            let kept = profile.identifiers();
            if !own.identifiers.iter().all(|identifier| kept.contains(identifier)) {
                return Err(RegistryError::Crowded);
            }
            let wanted: Vec<&LinkHash> = hashes.iter().filter(|hash| !links.contains_key(hash)).collect();
            if self.claim_all(tenant, &root.person.id, &wanted).await? {
                return Ok(Resolved { leaf: root.person.id.clone(), tree, own });
            }
            self.pause(tried).await;
        }
        Err(StoreError::Conflict.into())
    }

    /// Removes links to persons who are being erased; says whether there were any.
    async fn drop_stale(
        &self,
        tenant: &TenantId,
        tree: &Tree,
        links: &HashMap<LinkHash, PersonId>,
    ) -> Result<bool, RegistryError> {
        let mut others: Vec<PersonId> =
            links.values().filter(|id| tree.node(id).is_none()).cloned().collect();
        others.sort();
        others.dedup();
        if others.is_empty() {
            return Ok(false);
        }
        let trees = self.trees(tenant, others, &[]).await?;
        Ok(self.drop_erased(tenant, &trees, links).await?)
    }

    /// Claims all of `wanted` or, where somebody is faster with one, none.
    async fn claim_all(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        wanted: &[&LinkHash],
    ) -> Result<bool, RegistryError> {
        for (nth, hash) in wanted.iter().enumerate() {
            if self.store.claim(tenant, hash, person).await? != Claim::Ours {
                for claimed in &wanted[..nth] {
                    self.store.unlink(tenant, claimed, person).await?;
                }
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn free_of_others(
    tree: &Tree,
    identity: &Identity,
    hashes: &[LinkHash],
    links: &HashMap<LinkHash, PersonId>,
) -> Result<(), RegistryError> {
    for (hash, identifier) in hashes.iter().zip(&identity.identifiers) {
        if let Some(other) = links.get(hash).filter(|id| tree.node(id).is_none()) {
            return Err(RegistryError::Taken { person: other.clone(), kind: identifier.kind() });
        }
    }
    Ok(())
}
