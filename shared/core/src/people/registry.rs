//! Finds, creates, links, amends, merges and separates people. Any number of processes may do so at once.

mod by_hand;
mod load;
mod merge;

use std::collections::{HashMap, HashSet};

use self::merge::United;
use super::identity::Identity;
use super::link::LinkHash;
use super::person::{PersonDoc, Profile};
use super::pii::Pii;
use super::tree::{Node, Tree};
use crate::ids::{PersonId, SourceId, TenantId, random_text_id};
use crate::ports::StoreError;
use crate::ports::clock::{Clock, Entropy};
use crate::ports::people::{Claim, PeopleStore};
use crate::ports::secrets::Secrets;

/// How often something is tried that others get in the way of.
const TRIES: u64 = 10;

/// Longest pause before the next try, in milliseconds, times the tries so far.
const PAUSE_MS: u64 = 15;

/// Parts that a person may have in all.
const MAX_PARTS: usize = 100;

/// Why something could not be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// The store failed, or others were faster again and again.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The tenant has no such person.
    #[error("no such person")]
    Unknown,
    /// Nothing in the identity points to a person.
    #[error("the identity has no identifier")]
    Insufficient,
    /// Both are one person already.
    #[error("the same person")]
    Same,
    /// The one is not merged into another.
    #[error("not merged")]
    NotMerged,
    /// A person can't have more parts.
    #[error("too many parts")]
    Full,
    /// An identifier belongs to somebody else.
    #[error("an identifier belongs to {person}")]
    Taken {
        /// Whom it belongs to.
        person: PersonId,
        /// Its kind.
        kind: &'static str,
    },
    /// A person can't have more identifiers of a kind.
    #[error("too many identifiers")]
    Crowded,
}

/// Works on the people of tenants.
pub struct Registry<'a, P, S, C, E> {
    store: &'a P,
    pii: &'a Pii<S>,
    clock: &'a C,
    entropy: &'a E,
}

/// Whom an identity is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// The part of the person that the highest-ranked identifier points to; not stored yet where its `rev` is 0.
    pub leaf: PersonId,
    /// The person.
    pub tree: Tree,
    /// What of the identity is the leaf's own: identifiers that point to another part, or to somebody else, are left
    /// out.
    pub own: Identity,
}

impl<'a, P, S, C, E> Registry<'a, P, S, C, E>
where
    P: PeopleStore,
    S: Secrets,
    C: Clock,
    E: Entropy,
{
    /// On these ports.
    pub fn new(store: &'a P, pii: &'a Pii<S>, clock: &'a C, entropy: &'a E) -> Self {
        Self { store, pii, clock, entropy }
    }

    /// The person that `id` is, or is part of.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`], or the store's.
    pub async fn person(&self, tenant: &TenantId, id: &PersonId) -> Result<Tree, RegistryError> {
        let tree = self.stored(tenant, id).await?.ok_or(RegistryError::Unknown)?;
        if tree.root().person.doc.erased_at.is_some() { Err(RegistryError::Unknown) } else { Ok(tree) }
    }

    /// The person that `id` is, or is part of, even while it is being erased.
    pub(super) async fn stored(
        &self,
        tenant: &TenantId,
        id: &PersonId,
    ) -> Result<Option<Tree>, RegistryError> {
        Ok(self.trees(tenant, vec![id.clone()], &[]).await?.pop())
    }

    /// The person that an identity is about: found, or new, with all of the identity's identifiers linked. Persons that
    /// it turns out to be one with are merged; where the identity contradicts what is known, they are kept apart and
    /// the conflict is noted.
    ///
    /// What the identity says is not written yet: see [`Self::amend`].
    ///
    /// # Errors
    /// [`RegistryError::Insufficient`], or the store's.
    pub async fn resolve(&self, tenant: &TenantId, identity: &Identity) -> Result<Resolved, RegistryError> {
        if !identity.suffices() {
            return Err(RegistryError::Insufficient);
        }
        let hashes = self.hashes(tenant, identity).await?;
        for tried in 0..TRIES {
            if let Some(resolved) = self.try_resolve(tenant, identity, &hashes).await? {
                return Ok(resolved);
            }
            self.pause(tried).await;
        }
        Err(StoreError::Conflict.into())
    }

    /// The person that `id` is or is part of, with all of an identity's identifiers linked to that part which point to
    /// nobody yet. Those of somebody else stay theirs, and the conflict is noted: who names the person decides.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`], or the store's.
    pub async fn attach(
        &self,
        tenant: &TenantId,
        id: &PersonId,
        identity: &Identity,
    ) -> Result<Resolved, RegistryError> {
        let tree = self.person(tenant, id).await?;
        let node = tree.node(id).ok_or(RegistryError::Unknown)?;
        let hashes = self.hashes(tenant, identity).await?;
        let mut own = HashSet::new();
        for (hash, identifier) in hashes.iter().zip(&identity.identifiers) {
            if !node.has_room(identifier) && !node.profile.identifiers().contains(identifier) {
                continue;
            }
            match self.store.claim(tenant, hash, id).await? {
                Claim::Ours => {
                    own.insert(identifier.clone());
                }
                Claim::Theirs(other) if tree.node(&other).is_some() => {}
                Claim::Theirs(other) => {
                    let expected = [other.clone()];
                    for other in self.trees(tenant, vec![other], &expected).await? {
                        self.note_conflict(tenant, &tree, &other, identifier.kind()).await?;
                        self.note_conflict(tenant, &other, &tree, identifier.kind()).await?;
                    }
                }
            }
        }
        let tree = self.person(tenant, id).await?;
        Ok(Resolved { leaf: id.clone(), tree, own: identity.only(|identifier| own.contains(identifier)) })
    }

    /// Changes one part of a person, from `known` on where it was read before; `change` says whether there is anything
    /// to write, and is called anew where others write meanwhile.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`] where the part is gone, or the store's.
    pub async fn amend(
        &self,
        tenant: &TenantId,
        known: Node,
        mut change: impl FnMut(&mut PersonDoc, &mut Profile) -> bool + Send,
    ) -> Result<Node, RegistryError> {
        let mut node = known;
        for tried in 0..TRIES {
            let before = node.profile.clone();
            let changed = change(&mut node.person.doc, &mut node.profile);
            if !changed && node.person.rev > 0 {
                return Ok(node);
            }
            node.person.doc.updated_at = self.clock.now();
            if node.profile != before || node.person.rev == 0 {
                node.person.sealed = self.seal(tenant, &node).await?;
            }
            match self.store.save(&node.person).await {
                Ok(()) => {
                    node.person.rev += 1;
                    return Ok(node);
                }
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
            self.pause(tried).await;
            let id = node.person.id.clone();
            node = self.nodes(tenant, &[id]).await?.pop().ok_or(RegistryError::Unknown)?;
            if node.person.doc.erased_at.is_some() {
                return Err(RegistryError::Unknown);
            }
        }
        Err(StoreError::Conflict.into())
    }

    async fn hashes(&self, tenant: &TenantId, identity: &Identity) -> Result<Vec<LinkHash>, StoreError> {
        let lookup = self.pii.lookup().await?;
        Ok(identity.identifiers.iter().map(|identifier| lookup.link(tenant, identifier)).collect())
    }

    /// `None` where others changed something meanwhile.
    async fn try_resolve(
        &self,
        tenant: &TenantId,
        identity: &Identity,
        hashes: &[LinkHash],
    ) -> Result<Option<Resolved>, RegistryError> {
        let mut found = self.store.links(tenant, hashes).await?;
        if found.is_empty() {
            // One link decides who creates the person, so that everybody else finds the same one.
            let (first, id) = (&hashes[0], self.new_id()?);
            if self.store.claim(tenant, first, &id).await? != Claim::Ours {
                return Ok(None);
            }
            found.insert(first.clone(), id);
        }
        let Some(leaf) = hashes.iter().find_map(|hash| found.get(hash)).cloned() else { return Ok(None) };
        let mut ids: Vec<PersonId> = Vec::new();
        for id in hashes.iter().filter_map(|hash| found.get(hash)) {
            if !ids.contains(id) {
                ids.push(id.clone());
            }
        }
        let mut trees = self.trees(tenant, ids.clone(), &ids).await?;
        if self.drop_erased(tenant, &trees, &found).await? {
            return Ok(None);
        }
        let Some(at) = trees.iter().position(|tree| tree.node(&leaf).is_some()) else { return Ok(None) };
        let mut tree = trees.swap_remove(at);
        let Some(node) = tree.node(&leaf) else { return Ok(None) };
        let mut own = HashSet::new();
        for (hash, identifier) in hashes.iter().zip(&identity.identifiers) {
            if !found.contains_key(hash) && node.has_room(identifier) {
                if self.store.claim(tenant, hash, &leaf).await? != Claim::Ours {
                    return Ok(None);
                }
                own.insert(identifier.clone());
            } else if found.get(hash) == Some(&leaf) {
                own.insert(identifier.clone());
            }
        }
        for other in trees {
            let pointing = hashes
                .iter()
                .zip(&identity.identifiers)
                .find(|(hash, _)| found.get(*hash).is_some_and(|id| other.node(id).is_some()));
            let kind = pointing.map_or("identity", |(_, identifier)| identifier.kind());
            match self.unite(tenant, &tree, other, kind).await? {
                United::Merged(merged) => tree = merged,
                United::Apart => {}
                United::Raced => return Ok(None),
            }
        }
        Ok(Some(Resolved { leaf, tree, own: identity.only(|identifier| own.contains(identifier)) }))
    }

    /// Removes links that point to persons who are being erased; says whether there were any.
    async fn drop_erased(
        &self,
        tenant: &TenantId,
        trees: &[Tree],
        found: &HashMap<LinkHash, PersonId>,
    ) -> Result<bool, StoreError> {
        let mut any = false;
        for tree in trees.iter().filter(|tree| tree.root().person.doc.erased_at.is_some()) {
            for (hash, id) in found.iter().filter(|(_, id)| tree.node(id).is_some()) {
                self.store.unlink(tenant, hash, id).await?;
                any = true;
            }
        }
        Ok(any)
    }

    async fn seal(&self, tenant: &TenantId, node: &Node) -> Result<Option<String>, StoreError> {
        self.pii.seal_profile(tenant, &node.person.id, &node.profile, self.entropy.array()).await
    }

    fn new_id(&self) -> Result<PersonId, StoreError> {
        PersonId::parse(&random_text_id("per", self.entropy.array()))
            .map_err(|error| StoreError::Corrupt(error.to_string()))
    }

    async fn pause(&self, tried: u64) {
        self.clock.sleep_ms(self.entropy.up_to(PAUSE_MS * (tried + 1))).await;
    }
}

impl PersonDoc {
    /// Names the product that met the person, where none is named yet. Says whether that changed anything.
    pub fn met_by(&mut self, source: &SourceId) -> bool {
        let new = self.source_product.is_none();
        if new {
            self.source_product = Some(source.clone());
        }
        new
    }
}
