//! Forgets a person, step by step. Any step may be the last one before a crash: the same call goes on.
//!
//! | step | why there |
//! |---|---|
//! | 1. every part is marked | nobody stores anything for them, merges them or finds them from now on |
//! | 2. a record is kept, as running | somebody can ask how far it has come |
//! | 3. tombstones | what waits in queues is known by hashes that only the profile tells |
//! | 4. leads | while their persons still lead to them; exports expire within a day on their own |
//! | 5. holds | before the conversions that they refer to |
//! | 6. conversions, features, marks, merge history | |
//! | 7. a part's links, then its document, members before the person they were merged into | the document tells the links, the person's its members |
//! | 8. leads, holds and conversions once more | what was on its way while the marks were written |
//! | 9. the record, as done | |

use std::collections::BTreeSet;

use super::erase_leads::{NoLeads, PersonLeads};
use super::identity::Identifier;
use super::pii::Pii;
use super::registry::{Registry, RegistryError};
use super::tree::{Node, Tree};
use crate::ids::{PersonId, TenantId};
use crate::normalize::{Key, Sha256Hex, Surroundings};
use crate::ports::StoreError;
use crate::ports::clock::{Clock, Entropy};
use crate::ports::erasure::{
    ErasureCounts, ErasureLedger, ErasureRecord, ErasureState, ErasureWriter, Kept, MAX_BURIED_HASHES,
};
use crate::ports::people::{ConversionStore, HoldStore, PeopleStore};
use crate::ports::secrets::Secrets;
use crate::time::UnixMillis;

/// How often parts are marked while others merge something into the person.
const TRIES: usize = 10;

/// Holds, conversions and their counts that one step removes.
const SLICE: usize = 100;

/// Erases people. Bounded: a call that has worked for its time ends, and the next one goes on.
pub struct Eraser<'a, P, G, S, C, E, L = NoLeads> {
    store: &'a P,
    graves: &'a G,
    leads: &'a L,
    pii: &'a Pii<S>,
    clock: &'a C,
    registry: Registry<'a, P, S, C, E>,
    budget_ms: i64,
}

impl<'a, P, G, S, C, E> Eraser<'a, P, G, S, C, E>
where
    P: PeopleStore + ConversionStore + HoldStore + ErasureLedger,
    G: ErasureWriter,
    S: Secrets,
    C: Clock,
    E: Entropy,
{
    /// On these ports, where no leads are kept. A call starts no further step once it has worked for `budget_ms`
    /// milliseconds.
    pub fn new(
        store: &'a P,
        graves: &'a G,
        pii: &'a Pii<S>,
        clock: &'a C,
        entropy: &'a E,
        budget_ms: i64,
    ) -> Self {
        let registry = Registry::new(store, pii, clock, entropy);
        Self { store, graves, leads: &NoLeads, pii, clock, registry, budget_ms }
    }

    /// The same, with the leads of whoever is erased.
    pub fn with_leads<L: PersonLeads>(self, leads: &'a L) -> Eraser<'a, P, G, S, C, E, L> {
        let Self { store, graves, leads: _, pii, clock, registry, budget_ms } = self;
        Eraser { store, graves, leads, pii, clock, registry, budget_ms }
    }
}

impl<P, G, S, C, E, L> Eraser<'_, P, G, S, C, E, L>
where
    P: PeopleStore + ConversionStore + HoldStore + ErasureLedger,
    G: ErasureWriter,
    S: Secrets,
    C: Clock,
    E: Entropy,
    L: PersonLeads,
{
    /// Erases the person that `id` is, or is part of; goes on where an earlier call ended. For a person that was erased
    /// before: that erasure's record.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`] where there never was such a person, or the store's: then the same call goes on.
    pub async fn run(
        &self,
        tenant: &TenantId,
        id: &PersonId,
        by: &str,
    ) -> Result<ErasureRecord, RegistryError> {
        let until = self.clock.now().plus_ms(self.budget_ms);
        let Some(tree) = self.marked(tenant, id).await? else {
            let record = self.record_of(tenant, id).await?.ok_or(RegistryError::Unknown)?;
            return match record.state {
                ErasureState::Done => Ok(record),
                // Of all steps only the last ones can be left where no document is.
                ErasureState::Running => self.end(record, until).await,
            };
        };
        let mut record = self.begun(tenant, &tree, by).await?;
        self.bury(tenant, &tree).await?;
        let (holds, leads) = (record.counts.holds, record.counts.leads);
        let all = self.drop_leads(&mut record, until).await?
            && self.drop_holds(&mut record, until).await?
            && self.drop_conversions(tenant, &record.parts, until).await?
            && self.drop_documents(tenant, &tree, until).await?;
        if all {
            return self.end(record, until).await;
        }
        if record.counts.holds > holds || record.counts.leads > leads {
            self.keep(&record).await?;
        }
        Ok(record)
    }

    /// What became of the erasure of the person that `id` was, or was part of; `None` where there was none.
    ///
    /// # Errors
    /// The store's.
    pub async fn record_of(
        &self,
        tenant: &TenantId,
        id: &PersonId,
    ) -> Result<Option<ErasureRecord>, RegistryError> {
        let kept = match self.store.kept(tenant, id).await? {
            Some(Kept::PartOf(whole)) => self.store.kept(tenant, &whole).await?,
            other => other,
        };
        Ok(match kept {
            Some(Kept::Record(record)) => Some(record),
            _ => None,
        })
    }

    /// The person with every part marked: from then on nothing can be merged into it, nor it into anybody.
    async fn marked(&self, tenant: &TenantId, id: &PersonId) -> Result<Option<Tree>, RegistryError> {
        for _ in 0..TRIES {
            let Some(tree) = self.tree(tenant, id).await? else { return Ok(None) };
            let at = self.clock.now();
            let mut any = false;
            for node in tree.nodes.iter().filter(|node| node.person.doc.erased_at.is_none()) {
                any = true;
                let mark = self.registry.amend(tenant, node.clone(), |doc, _| {
                    doc.erased_at = doc.erased_at.or(Some(at));
                    true
                });
                match mark.await {
                    // Unknown: somebody else erases it, too.
                    Ok(_) | Err(RegistryError::Unknown) => {}
                    Err(error) => return Err(error),
                }
            }
            if !any {
                return Ok(Some(tree));
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// The tree of `id`, or of the person that it was part of before its own document was removed.
    async fn tree(&self, tenant: &TenantId, id: &PersonId) -> Result<Option<Tree>, RegistryError> {
        if let Some(tree) = self.registry.stored(tenant, id).await? {
            return Ok(Some(tree));
        }
        match self.store.kept(tenant, id).await? {
            Some(Kept::PartOf(whole)) => self.registry.stored(tenant, &whole).await,
            _ => Ok(None),
        }
    }

    /// The record of this erasure: as it was kept, or new. An earlier one, of a person with the same id, is replaced.
    async fn begun(&self, tenant: &TenantId, tree: &Tree, by: &str) -> Result<ErasureRecord, RegistryError> {
        let root = &tree.root().person;
        let erased_at = root.doc.erased_at.unwrap_or_else(|| self.clock.now());
        if let Some(Kept::Record(record)) = self.store.kept(tenant, &root.id).await?
            && record.erased_at == erased_at
        {
            return Ok(record);
        }
        let parts: Vec<PersonId> = tree.nodes.iter().map(|node| node.person.id.clone()).collect();
        let identifiers: usize = tree.nodes.iter().map(|node| node.profile.identifiers().len()).sum();
        let counts = ErasureCounts {
            parts: parts.len() as u64,
            identifiers: identifiers as u64,
            tombstones: hashes(tree).len() as u64,
            holds: 0,
            leads: 0,
        };
        let record = ErasureRecord {
            tenant: tenant.clone(),
            person: root.id.clone(),
            parts,
            state: ErasureState::Running,
            erased_at,
            finished_at: None,
            by: by.to_owned(),
            counts,
        };
        // The whole's record last: where it is, each part leads to it.
        for part in &record.parts[1..] {
            self.store.keep(tenant, part, &Kept::PartOf(root.id.clone()), erased_at).await?;
        }
        self.keep(&record).await?;
        Ok(record)
    }

    async fn bury(&self, tenant: &TenantId, tree: &Tree) -> Result<(), RegistryError> {
        let Some(at) = tree.nodes.iter().filter_map(|node| node.person.doc.erased_at).max() else {
            return Ok(());
        };
        for hashes in hashes(tree).chunks(MAX_BURIED_HASHES) {
            self.graves.bury(tenant, hashes, at).await?;
        }
        Ok(())
    }

    /// Says whether none is left.
    async fn drop_leads(&self, record: &mut ErasureRecord, until: UnixMillis) -> Result<bool, RegistryError> {
        for part in &record.parts {
            loop {
                let leads = self.leads.leads_of(&record.tenant, part, SLICE).await?;
                if leads.is_empty() {
                    break;
                }
                for lead in &leads {
                    self.leads.erase_lead(&record.tenant, lead, record.erased_at).await?;
                    record.counts.leads += 1;
                }
                if self.clock.now() >= until {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Says whether none is left.
    async fn drop_holds(&self, record: &mut ErasureRecord, until: UnixMillis) -> Result<bool, RegistryError> {
        for part in &record.parts {
            loop {
                let holds = self.store.holds_of(&record.tenant, part, SLICE).await?;
                if holds.is_empty() {
                    break;
                }
                for hold in &holds {
                    self.store.release(hold).await?;
                    record.counts.holds += 1;
                }
                if self.clock.now() >= until {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Says whether none is left. A slice is removed in any case, so that every call gets further.
    async fn drop_conversions(
        &self,
        tenant: &TenantId,
        parts: &[PersonId],
        until: UnixMillis,
    ) -> Result<bool, RegistryError> {
        for part in parts {
            while !self.store.remove_conversions(tenant, part, SLICE).await? {
                if self.clock.now() >= until {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Removes links and documents from the ends of the tree to its root, one in any case; says whether all are.
    async fn drop_documents(
        &self,
        tenant: &TenantId,
        tree: &Tree,
        until: UnixMillis,
    ) -> Result<bool, RegistryError> {
        let lookup = self.pii.lookup().await?;
        for (nth, node) in tree.nodes.iter().enumerate().rev() {
            for identifier in node.profile.identifiers() {
                let link = lookup.link(tenant, &identifier);
                self.store.unlink(tenant, &link, &node.person.id).await?;
            }
            self.store.remove(tenant, &node.person.id).await?;
            if nth > 0 && self.clock.now() >= until {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn end(
        &self,
        mut record: ErasureRecord,
        until: UnixMillis,
    ) -> Result<ErasureRecord, RegistryError> {
        let all = self.drop_leads(&mut record, until).await?
            && self.drop_holds(&mut record, until).await?
            && self.drop_conversions(&record.tenant, &record.parts, until).await?;
        if all {
            record.state = ErasureState::Done;
            record.finished_at = Some(self.clock.now());
        }
        self.keep(&record).await?;
        Ok(record)
    }

    async fn keep(&self, record: &ErasureRecord) -> Result<(), StoreError> {
        let kept = Kept::Record(record.clone());
        self.store.keep(&record.tenant, &record.person, &kept, record.erased_at).await
    }
}

/// What of a person may stand in queued events, as it stands there.
fn hashes(tree: &Tree) -> Vec<Sha256Hex> {
    let all: BTreeSet<Sha256Hex> = tree.nodes.iter().flat_map(node_hashes).collect();
    all.into_iter().collect()
}

fn node_hashes(node: &Node) -> Vec<Sha256Hex> {
    let nowhere = Surroundings { country: None, default_country: None, year: 0 };
    let external = |id: &str| Key::ExternalId.hash(id, &nowhere).ok();
    let identifiers = node.profile.identifiers();
    let known = identifiers.iter().filter_map(|identifier| match identifier {
        Identifier::Email(hash) | Identifier::Phone(hash) => Some(*hash),
        Identifier::External(id) => external(&id.id),
    });
    known.chain(external(node.person.id.as_str())).collect()
}
