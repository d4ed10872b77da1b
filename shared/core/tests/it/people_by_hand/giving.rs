use adrelay_core::people::RegistryError;
use serde_json::json;

use crate::people_by_hand::world::{World, identity};

#[tokio::test]
async fn an_identifier_of_somebody_else_is_refused_and_nothing_is_linked() {
    let world = World::new();
    let jane = world.post(&json!({"email": "jane@example.com"})).await;
    let joe = world.post(&json!({"email": "joe@example.com", "external_id": "u2"})).await;
    let links = world.people.link_count();
    let wanted =
        identity(&json!({"phone": "+16505550001", "external_ids": {"shop": "u2", "stripe": "cus_1"}}));
    let refused = world.registry().give(&world.tenant, &jane, &wanted).await.unwrap_err();
    assert_eq!(refused, RegistryError::Taken { person: joe, kind: "external_id" });
    assert_eq!(world.people.link_count(), links);
}

#[tokio::test]
async fn what_another_part_has_stays_that_parts() {
    let world = World::new();
    let jane = world.post(&json!({"email": "jane@example.com"})).await;
    let joan = world.post(&json!({"phone": "+16505550001"})).await;
    world.registry().merge(&world.tenant, &jane, &joan, "anna").await.unwrap();
    let said = identity(&json!({"phone": "+16505550001", "external_id": "u1", "first_name": "Jane"}));
    let given = world.registry().give(&world.tenant, &joan, &said).await.unwrap();
    assert_eq!(given.leaf, jane, "the person's own part gets it");
    assert!(given.own.profile.phones.is_empty() && given.own.profile.first_name.is_some());
    assert_eq!(given.own.identifiers.len(), 1);
}

#[tokio::test]
async fn nobody_gets_more_identifiers_than_are_kept() {
    let world = World::new();
    let many: Vec<String> = (0..8).map(|nth| format!("n{nth}@example.com")).collect();
    let jane = world.post(&json!({"email": many})).await;
    let links = world.people.link_count();
    let one_more = identity(&json!({"email": "n8@example.com", "external_id": "u1"}));
    let refused = world.registry().give(&world.tenant, &jane, &one_more).await.unwrap_err();
    assert_eq!((refused, world.people.link_count()), (RegistryError::Crowded, links));
    let known = identity(&json!({"email": "n3@example.com"}));
    assert!(world.registry().give(&world.tenant, &jane, &known).await.is_ok(), "it has it");
}

#[tokio::test]
async fn everybody_whom_identifiers_point_to_is_found_once() {
    let world = World::new();
    let jane = world.post(&json!({"email": "jane@example.com", "external_id": "u1"})).await;
    let joe = world.post(&json!({"email": "joe@example.com"})).await;
    let ann = world.post(&json!({"phone": "+16505550001"})).await;
    world.registry().merge(&world.tenant, &joe, &ann, "anna").await.unwrap();
    let asked = identity(&json!({"email": ["jane@example.com", "joe@example.com", "nobody@example.com"],
        "phone": "+16505550001", "external_id": "u1"}));
    let found = world.registry().find_all(&world.tenant, &asked, 20).await.unwrap();
    let ids: Vec<_> = found.iter().map(|tree| tree.root().person.id.clone()).collect();
    assert_eq!(ids, [jane, joe]);
    assert_eq!(world.registry().find_all(&world.tenant, &asked, 1).await.unwrap().len(), 1);
}
