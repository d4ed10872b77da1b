//! Reading persons with all of their parts.

use std::collections::{HashMap, HashSet};

use super::{MAX_PARTS, Registry, RegistryError};
use crate::ids::{PersonId, TenantId};
use crate::people::person::{Person, PersonDoc, Profile};
use crate::people::tree::{Node, Tree};
use crate::ports::StoreError;
use crate::ports::clock::{Clock, Entropy};
use crate::ports::people::PeopleStore;
use crate::ports::secrets::Secrets;

impl<P, S, C, E> Registry<'_, P, S, C, E>
where
    P: PeopleStore,
    S: Secrets,
    C: Clock,
    E: Entropy,
{
    /// The trees of `ids`, each once. Those of `expected` that are not stored are persons about to be: somebody has
    /// claimed a link for them and not come further.
    pub(super) async fn trees(
        &self,
        tenant: &TenantId,
        ids: Vec<PersonId>,
        expected: &[PersonId],
    ) -> Result<Vec<Tree>, RegistryError> {
        let mut nodes: HashMap<PersonId, Node> = HashMap::new();
        let mut asked: HashSet<PersonId> = HashSet::new();
        let mut wanted = ids.clone();
        while !wanted.is_empty() {
            asked.extend(wanted.iter().cloned());
            if asked.len() > MAX_PARTS {
                return Err(RegistryError::Full);
            }
            for node in self.nodes(tenant, &wanted).await? {
                nodes.insert(node.person.id.clone(), node);
            }
            for id in wanted.iter().filter(|id| expected.contains(id)) {
                nodes.entry(id.clone()).or_insert_with(|| self.blank(tenant, id));
            }
            let near = nodes.values().map(|node| &node.person.doc);
            let near = near.flat_map(|doc| doc.members.iter().chain(&doc.merged_into));
            let mut next: Vec<PersonId> = near.filter(|id| !asked.contains(*id)).cloned().collect();
            next.sort();
            next.dedup();
            wanted = next;
        }
        let mut trees = Vec::new();
        for id in &ids {
            let mut root = id;
            for _ in 0..MAX_PARTS {
                let parent = nodes.get(root).and_then(|node| node.person.doc.merged_into.as_ref());
                let Some(parent) = parent.filter(|id| nodes.contains_key(*id)) else { break };
                root = parent;
            }
            let root = root.clone();
            trees.extend(Tree::take(&root, &mut nodes));
        }
        Ok(trees)
    }

    pub(super) async fn nodes(&self, tenant: &TenantId, ids: &[PersonId]) -> Result<Vec<Node>, StoreError> {
        let mut nodes = Vec::with_capacity(ids.len());
        for person in self.store.persons(tenant, ids).await? {
            let profile = self.pii.profile(&person).await?;
            nodes.push(Node { person, profile });
        }
        Ok(nodes)
    }

    pub(super) fn blank(&self, tenant: &TenantId, id: &PersonId) -> Node {
        let doc = PersonDoc::new(self.clock.now(), None);
        let person = Person { tenant: tenant.clone(), id: id.clone(), rev: 0, doc, sealed: None };
        Node { person, profile: Profile::default() }
    }
}
