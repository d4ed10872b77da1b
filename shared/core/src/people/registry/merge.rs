//! Bringing persons together and taking them apart.

use std::collections::{HashMap, HashSet};

use super::{MAX_PARTS, Registry, RegistryError, TRIES};
use crate::ids::{PersonId, TenantId};
use crate::people::person::{Conflict, MAX_MEMBERS, PersonDoc};
use crate::people::tree::{Node, Tree};
use crate::ports::StoreError;
use crate::ports::clock::{Clock, Entropy};
use crate::ports::people::{MergeRecord, PeopleStore};
use crate::ports::secrets::Secrets;

/// Who brings persons together where identifiers of one post do.
const BY_IDENTITY: &str = "identity";

/// What came of bringing two persons together.
pub(super) enum United {
    Merged(Tree),
    Apart,
    Raced,
}

impl<P, S, C, E> Registry<'_, P, S, C, E>
where
    P: PeopleStore,
    S: Secrets,
    C: Clock,
    E: Entropy,
{
    /// Merges the person of `loser` into the person of `winner`. Nothing is moved: see the module's text.
    ///
    /// # Errors
    /// [`RegistryError`] says why not.
    pub async fn merge(
        &self,
        tenant: &TenantId,
        winner: &PersonId,
        loser: &PersonId,
        by: &str,
    ) -> Result<Tree, RegistryError> {
        for tried in 0..TRIES {
            let (winner, loser) = (self.person(tenant, winner).await?, self.person(tenant, loser).await?);
            match self.join(winner, loser, by).await {
                Err(RegistryError::Store(StoreError::Conflict)) => self.pause(tried).await,
                other => return other,
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Takes `member` out of the person that it was merged into, with all that was merged into it before. Both sides
    /// are what they were, with what came by their own identifiers since; they are never merged on their own again.
    ///
    /// # Errors
    /// [`RegistryError`] says why not.
    pub async fn unmerge(
        &self,
        tenant: &TenantId,
        member: &PersonId,
        by: &str,
    ) -> Result<(Tree, Tree), RegistryError> {
        for tried in 0..TRIES {
            let tree = self.person(tenant, member).await?;
            let loser = tree.node(member).ok_or(RegistryError::Unknown)?;
            let parent = loser.person.doc.merged_into.as_ref().ok_or(RegistryError::NotMerged)?;
            let parent = tree.node(parent).ok_or(RegistryError::Unknown)?;
            let (mut loser, mut parent) = (loser.person.clone(), parent.person.clone());
            let at = self.clock.now();
            loser.doc.merged_into = None;
            parent.doc.members.retain(|id| id != member);
            // Of the whole side: the root is what a later post compares.
            keep_apart(&mut loser.doc, &tree.root().person.id);
            keep_apart(&mut parent.doc, member);
            let record = MergeRecord {
                winner: parent.id.clone(),
                loser: loser.id.clone(),
                undone: true,
                at,
                by: by.to_owned(),
            };
            match self.store.save_both(&parent, &loser, &record).await {
                Ok(()) => {
                    let root = tree.root().person.id.clone();
                    return Ok((self.person(tenant, &root).await?, self.person(tenant, member).await?));
                }
                Err(StoreError::Conflict) => self.pause(tried).await,
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Merges two persons that identifiers of one post point to, unless something speaks against it.
    pub(super) async fn unite(
        &self,
        tenant: &TenantId,
        tree: &Tree,
        other: Tree,
        kind: &str,
    ) -> Result<United, RegistryError> {
        let (mine, theirs) = (tree.emails(), other.emails());
        let contradict =
            !mine.is_empty() && !theirs.is_empty() && !mine.iter().any(|email| theirs.contains(email));
        let apart = |tree: &Tree, other: &Tree| {
            let known: HashSet<&PersonId> =
                tree.nodes.iter().flat_map(|node| &node.person.doc.kept_apart).collect();
            other.nodes.iter().any(|node| known.contains(&node.person.id))
        };
        if contradict || apart(tree, &other) || apart(&other, tree) {
            self.note_conflict(tenant, tree, &other, kind).await?;
            self.note_conflict(tenant, &other, tree, kind).await?;
            return Ok(United::Apart);
        }
        let rank = |tree: &Tree| {
            let root = &tree.root().person;
            (tree.emails().is_empty(), root.doc.created_at, root.id.clone())
        };
        let (winner, loser) =
            if rank(tree) <= rank(&other) { (tree.clone(), other) } else { (other, tree.clone()) };
        match self.join(winner, loser, BY_IDENTITY).await {
            Ok(tree) => Ok(United::Merged(tree)),
            Err(RegistryError::Full) => Ok(United::Apart),
            Err(RegistryError::Store(StoreError::Conflict)) => Ok(United::Raced),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn join(&self, winner: Tree, loser: Tree, by: &str) -> Result<Tree, RegistryError> {
        let (mut root, mut member) = (winner.root().person.clone(), loser.root().person.clone());
        if root.id == member.id {
            return Err(RegistryError::Same);
        }
        if root.doc.members.len() >= MAX_MEMBERS || winner.nodes.len() + loser.nodes.len() > MAX_PARTS {
            return Err(RegistryError::Full);
        }
        let at = self.clock.now();
        root.doc.members.push(member.id.clone());
        member.doc.merged_into = Some(root.id.clone());
        let record = MergeRecord {
            winner: root.id.clone(),
            loser: member.id.clone(),
            undone: false,
            at,
            by: by.to_owned(),
        };
        self.store.save_both(&root, &member, &record).await?;
        (root.rev, member.rev) = (root.rev + 1, member.rev + 1);
        // Taken anew, so that its parts come in the order in which they are read from now on.
        let nodes = winner.nodes.into_iter().chain(loser.nodes);
        let mut nodes: HashMap<PersonId, Node> = nodes.map(|node| (node.person.id.clone(), node)).collect();
        let id = root.id.clone();
        for person in [root, member] {
            if let Some(node) = nodes.get_mut(&person.id) {
                node.person = person;
            }
        }
        Tree::take(&id, &mut nodes).ok_or(RegistryError::Unknown)
    }

    pub(super) async fn note_conflict(
        &self,
        tenant: &TenantId,
        tree: &Tree,
        other: &Tree,
        kind: &str,
    ) -> Result<(), RegistryError> {
        let (root, person_id, at) = (tree.root(), &other.root().person.id, self.clock.now());
        if root.person.doc.conflicts.iter().any(|known| known.person_id == *person_id) {
            return Ok(());
        }
        let conflict = Conflict { person_id: person_id.clone(), identifier: kind.to_owned(), at };
        self.amend(tenant, root.clone(), |doc, _| {
            let new = doc.conflicts.len() < MAX_MEMBERS
                && doc.conflicts.iter().all(|known| known.person_id != conflict.person_id);
            if new {
                doc.conflicts.push(conflict.clone());
            }
            new
        })
        .await
        .map(|_| ())
    }
}

fn keep_apart(doc: &mut PersonDoc, id: &PersonId) {
    if !doc.kept_apart.contains(id) {
        if doc.kept_apart.len() >= MAX_MEMBERS {
            doc.kept_apart.remove(0);
        }
        doc.kept_apart.push(id.clone());
    }
}
