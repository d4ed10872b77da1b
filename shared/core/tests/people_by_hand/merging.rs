use adrelay_core::ids::PersonId;
use adrelay_core::people::{RegistryError, Whole};
use adrelay_core::ports::people::PeopleStore as _;
use proptest::prelude::*;
use serde_json::json;

use crate::world::World;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Persons who have nothing in common, the `nth` of them with its own names.
async fn strangers(world: &World, count: usize) -> Vec<PersonId> {
    let mut ids = Vec::new();
    for nth in 0..count {
        world.clock.advance_ms(1_000);
        let mut identity = json!({"external_id": format!("u{nth}"), "first_name": format!("N{nth}")});
        if nth % 2 == 0 {
            identity["email"] = json!(format!("n{nth}@example.com"));
        }
        if nth % 3 == 0 {
            identity["phone"] = json!(format!("+1650555{nth:04}"));
        }
        ids.push(world.post(&identity).await);
    }
    ids
}

fn sorted(mut whole: Whole) -> Whole {
    whole.parts.sort();
    whole
}

proptest! {
    #[test]
    fn a_merge_that_is_undone_restores_both_sides(
        count in 2_usize..7,
        before in prop::collection::vec((0_usize..7, 0_usize..7), 0..5),
        last in (0_usize..7, 0_usize..7),
    ) {
        block_on(async {
            let world = World::new();
            let ids = strangers(&world, count).await;
            for (winner, loser) in before {
                let (winner, loser) = (&ids[winner % count], &ids[loser % count]);
                match world.registry().merge(&world.tenant, winner, loser, "anna").await {
                    Ok(_) | Err(RegistryError::Same) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            let (one, other) = (world.tree(&ids[last.0 % count]).await, world.tree(&ids[last.1 % count]).await);
            let (winner, loser) = (one.root().person.id.clone(), other.root().person.id.clone());
            if winner == loser {
                return;
            }
            let merged = world.registry().merge(&world.tenant, &winner, &loser, "anna").await.unwrap();
            assert_eq!(merged.nodes.len(), one.nodes.len() + other.nodes.len());
            assert_eq!(merged.whole(), world.tree(&loser).await.whole(), "each part's id answers the whole");
            let (left, right) = world.registry().unmerge(&world.tenant, &loser, "anna").await.unwrap();
            assert_eq!(sorted(left.whole()), sorted(one.whole()));
            assert_eq!(sorted(right.whole()), sorted(other.whole()));
            let history = world.people.merges(&world.tenant, &winner).await.unwrap();
            let tail: Vec<bool> = history.iter().rev().take(2).map(|record| record.undone).collect();
            assert_eq!(tail, [true, false]);
        });
    }
}

#[tokio::test]
async fn who_was_separated_by_hand_is_kept_apart() {
    let world = World::new();
    let phone = world.post(&json!({"phone": "+16505550001"})).await;
    let mail = world.post(&json!({"email": "jane@example.com"})).await;
    let both = json!({"email": "jane@example.com", "phone": "+16505550001"});
    world.post(&both).await;
    assert_eq!(world.people.roots().len(), 1, "they complement each other");
    let member = if world.people.roots()[0] == phone { &mail } else { &phone };
    world.registry().unmerge(&world.tenant, member, "anna").await.unwrap();
    world.post(&both).await;
    assert_eq!(world.people.roots().len(), 2);
    let tree = world.tree(&mail).await;
    let conflicts = &tree.root().person.doc.conflicts;
    assert_eq!(conflicts.iter().map(|conflict| &conflict.person_id).collect::<Vec<_>>(), [&phone]);
}
