use std::collections::HashSet;

use adrelay_core::ids::PersonId;
use adrelay_core::normalize::Sha256Hex;
use adrelay_core::people::RegistryError;
use adrelay_core::ports::erasure::{ErasureList as _, ErasureRecord, ErasureState};
use serde_json::json;

use crate::bounded::up_to;
use crate::people_by_hand::world::World;

const BUDGET_MS: i64 = 8_000;

/// Jane, whom Joan was merged into and Jo into Joan, and a bystander. All have conversions, which are held.
async fn family(world: &World) -> [PersonId; 4] {
    let jane =
        json!({"email": "jane@example.com", "phone": "+16505550001", "external_ids": {"stripe": "Cus 1"}});
    let jane = world.post(&jane).await;
    let joan = world.post(&json!({"email": "joan@example.com"})).await;
    let jo = world.post(&json!({"external_id": "jo"})).await;
    let bystander = world.post(&json!({"email": "ben@example.com"})).await;
    world.registry().merge(&world.tenant, &joan, &jo, "anna").await.unwrap();
    world.registry().merge(&world.tenant, &jane, &joan, "anna").await.unwrap();
    for (nth, person) in [&jane, &joan, &jo, &bystander].into_iter().enumerate() {
        world.lead(person, 2 * nth).await;
        world.lead(person, 2 * nth + 1).await;
        for nth in 0..3 {
            world.convert(person, nth).await;
        }
    }
    [jane, joan, jo, bystander]
}

async fn erase(world: &World, id: &PersonId) -> Result<ErasureRecord, RegistryError> {
    world.eraser(BUDGET_MS).run(&world.tenant, id, "anna").await
}

async fn buried(world: &World) -> HashSet<String> {
    let tombstones = world.graves.tombstones(&world.tenant).await.unwrap();
    tombstones.iter().map(|tombstone| tombstone.sha256.as_str().to_owned()).collect()
}

/// What must be true after any number of interrupted calls.
async fn check_gone(world: &World, [jane, joan, jo, bystander]: &[PersonId; 4], record: &ErasureRecord) {
    assert_eq!((record.state, &record.person, record.by.as_str()), (ErasureState::Done, jane, "anna"));
    assert_eq!(record.parts, [jane.clone(), joan.clone(), jo.clone()]);
    let counts = record.counts;
    assert_eq!((counts.parts, counts.identifiers, counts.tombstones), (3, 5, 8));
    for part in [jane, joan, jo] {
        assert!(!world.people.knows(&world.tenant, part), "something of {part} is left");
        assert_eq!(world.eraser(0).record_of(&world.tenant, part).await.unwrap().as_ref(), Some(record));
    }
    let hash = |text: &str| Sha256Hex::of(text).unwrap().as_str().to_owned();
    let known = ["jane@example.com", "joan@example.com", "16505550001", "cus1", "jo"];
    let ids = [jane, joan, jo].map(PersonId::as_str);
    let expected: HashSet<String> = known.iter().chain(&ids).map(|text| hash(text)).collect();
    assert_eq!(buried(world).await, expected);
    assert_eq!(world.people.held().len(), 3, "the bystander's");
    assert!(world.with_leads().iter().eq([bystander]), "leads are erased with their person");
    assert_eq!(world.leads.all().len(), 8, "and known, so that they are not fetched again");
    assert_eq!(world.people.stored_conversions().len(), 3);
    assert_eq!(&world.people.roots(), std::slice::from_ref(bystander));
    assert_eq!(world.people.link_count(), 1);
}

#[tokio::test]
async fn nothing_of_the_person_is_left_and_everything_of_others() {
    let world = World::new();
    let people = family(&world).await;
    let record = erase(&world, &people[0]).await.unwrap();
    assert_eq!((record.counts.holds, record.counts.leads), (9, 6));
    assert_eq!(record.finished_at, Some(record.erased_at));
    check_gone(&world, &people, &record).await;
    world.clock.advance_ms(60_000);
    for part in &people[..3] {
        assert_eq!(erase(&world, part).await.as_ref(), Ok(&record), "the same receipt, by any part's id");
    }
    let back = world.post(&json!({"email": "jane@example.com", "external_id": "jo"})).await;
    assert!(!people.contains(&back), "who comes back is somebody new");
}

#[tokio::test]
async fn a_crash_at_any_call_loses_nothing() {
    for done_all_the_same in [false, true] {
        let mut failed = 0;
        for calls in up_to::<u64>(500) {
            let world = World::new();
            let people = family(&world).await;
            world.people.stumble(calls, done_all_the_same);
            let first = erase(&world, &people[0]).await;
            if first.is_ok() {
                break;
            }
            // The caller asks again, by the id of a part that may be gone already.
            let again = &people[usize::try_from(calls % 3).unwrap()];
            let record = match erase(&world, again).await {
                // Joan's own document is gone, and what leads from her to Jane is not written yet: Jane is still there.
                Err(RegistryError::Unknown) => panic!("{again} is forgotten after call {calls}"),
                other => other.unwrap(),
            };
            check_gone(&world, &people, &record).await;
            failed += 1;
        }
        assert!(failed > 40, "{failed} calls failed in turn");
    }
}

#[tokio::test]
async fn leads_that_cannot_be_erased_yet_keep_their_person_until_they_are() {
    for done_all_the_same in [false, true] {
        let mut failed = 0;
        for calls in up_to::<u64>(500) {
            let world = World::new();
            let people = family(&world).await;
            world.leads.stumble(calls, done_all_the_same);
            if erase(&world, &people[0]).await.is_ok() {
                break;
            }
            let record = erase(&world, &people[usize::try_from(calls % 3).unwrap()]).await.unwrap();
            check_gone(&world, &people, &record).await;
            failed += 1;
        }
        assert!(failed > 10, "{failed} calls failed in turn");
    }
}

#[tokio::test]
async fn where_tombstones_cannot_be_written_nothing_is_removed_yet() {
    let world = World::new();
    let people = family(&world).await;
    world.graves.set_down(true);
    assert!(erase(&world, &people[1]).await.is_err());
    assert_eq!(world.people.person_count(), 4);
    assert_eq!(world.people.held().len(), 12);
    let gone = world.registry().person(&world.tenant, &people[0]).await;
    assert_eq!(gone, Err(RegistryError::Unknown), "but nobody finds her any more");
    let state = world.eraser(0).record_of(&world.tenant, &people[2]).await.unwrap().unwrap().state;
    assert_eq!(state, ErasureState::Running);
    world.graves.set_down(false);
    let record = erase(&world, &people[1]).await.unwrap();
    check_gone(&world, &people, &record).await;
}

#[tokio::test]
async fn a_call_ends_in_time_and_the_next_one_goes_on() {
    let world = World::new();
    let people = family(&world).await;
    for nth in 3..250 {
        world.convert(&people[0], nth).await;
    }
    let mut calls = 0;
    let record = loop {
        calls += 1;
        assert!(calls < 20, "it comes to an end");
        // With no time at all, each call takes one step.
        let record = world.eraser(0).run(&world.tenant, &people[0], "anna").await.unwrap();
        if record.state == ErasureState::Done {
            break record;
        }
        let known = world.eraser(0).record_of(&world.tenant, &people[0]).await.unwrap();
        assert_eq!(known.as_ref(), Some(&record));
    };
    assert!(calls >= 6, "{calls} calls");
    assert_eq!(record.counts.holds, 256);
    check_gone(&world, &people, &record).await;
}

#[tokio::test]
async fn nobody_is_erased_who_never_was() {
    let world = World::new();
    let ghost = PersonId::parse("per_ghost").unwrap();
    assert_eq!(erase(&world, &ghost).await, Err(RegistryError::Unknown));
    assert_eq!(world.eraser(0).record_of(&world.tenant, &ghost).await, Ok(None));
}

/// Waits until others have made about this many calls.
async fn calls(count: i32) {
    for _ in 0..count {
        tokio::task::yield_now().await;
    }
}

/// Whatever comes first: who is merged into the person belongs to it and goes with it, or stays whole.
#[tokio::test]
async fn a_merge_at_the_same_time_leaves_nobody_behind() {
    let mut outcomes = HashSet::new();
    for lead in -12_i32..40 {
        let world = World::new();
        let [jane, .., ben] = family(&world).await;
        let (winner, loser) = if lead % 2 == 0 { (&jane, &ben) } else { (&ben, &jane) };
        let merge = async {
            calls(lead).await;
            world.registry().merge(&world.tenant, winner, loser, "anna").await
        };
        let erasure = async {
            calls(-lead).await;
            erase(&world, &jane).await
        };
        let (merged, erased) = tokio::join!(merge, erasure);
        let record = erased.unwrap();
        assert_eq!(record.state, ErasureState::Done);
        let left: Vec<PersonId> = world.people.everybody().into_iter().map(|person| person.id).collect();
        if record.parts.contains(&ben) {
            assert!(left.is_empty(), "merged first, erased as one: {left:?}");
        } else {
            assert_eq!(&left, std::slice::from_ref(&ben), "{merged:?}");
            let tree = world.tree(&ben).await;
            assert_eq!((tree.nodes.len(), tree.root().person.id.clone()), (1, ben.clone()));
        }
        outcomes.insert((lead % 2 == 0, merged.is_ok()));
    }
    assert_eq!(outcomes.len(), 4, "both came first at times: {outcomes:?}");
}
