//! Merging two persons into one, and undoing it. Who did so is the key's name.

use adrelay_core::ids::{PersonId, TenantId};
use adrelay_core::people::RegistryError;
use adrelay_core::ports::people::PeopleStore as _;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::history::MergeView;
use super::view::PersonView;
use super::{UNKNOWN, refused};
use crate::answer::{Answer, List, ok, store};
use crate::api::{AdminApi, Call};
use crate::fields::vouched;
use crate::ports::Ports;
use crate::rules;

/// Parts whose history is read at the same time.
const CONCURRENT: usize = 8;

/// The other person's id, the path's, and the tenant.
fn two(call: &mut Call<'_>) -> Result<(TenantId, PersonId, PersonId), adrelay_lambda::problem::Problem> {
    let tenant = call.tenant()?;
    let mut fields = call.fields()?;
    let other = fields.required("person_id", rules::id::<PersonId>);
    fields.finish()?;
    call.query.finish()?;
    Ok((tenant, call.id(UNKNOWN)?, vouched(other)?))
}

impl<P: Ports> AdminApi<P> {
    pub(crate) async fn merge_person(&self, mut call: Call<'_>) -> Answer {
        let (tenant, id, other) = two(&mut call)?;
        let merged = self.registry().merge(&tenant, &id, &other, &call.who.name).await.map_err(refused)?;
        ok(&PersonView::of(&merged))
    }

    pub(crate) async fn unmerge_person(&self, mut call: Call<'_>) -> Answer {
        let (tenant, id, member) = two(&mut call)?;
        let tree = self.person(&tenant, &id).await?;
        if tree.node(&member).is_none() {
            // Somebody else's member, or nobody at all.
            self.person(&tenant, &member).await?;
            return Err(refused(RegistryError::NotMerged));
        }
        let (one, other) =
            self.registry().unmerge(&tenant, &member, &call.who.name).await.map_err(refused)?;
        ok(&List { items: vec![PersonView::of(&one), PersonView::of(&other)], next_cursor: None })
    }

    pub(crate) async fn list_merges(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        call.query.finish()?;
        let tree = self.person(&tenant, &call.id(UNKNOWN)?).await?;
        let of_parts = tree.nodes.iter().map(|node| self.ports.people().merges(&tenant, &node.person.id));
        let found: Vec<Vec<_>> = stream::iter(of_parts.collect::<Vec<_>>())
            .buffered(CONCURRENT)
            .try_collect()
            .await
            .map_err(store)?;
        // A merge stands under both.
        let mut records = Vec::new();
        for record in found.into_iter().flatten() {
            if !records.contains(&record) {
                records.push(record);
            }
        }
        records.sort_by(|a, b| (a.at, &a.loser).cmp(&(b.at, &b.loser)));
        let items: Vec<MergeView> = records.into_iter().map(MergeView::from).collect();
        ok(&List { items, next_cursor: None })
    }
}
