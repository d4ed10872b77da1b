//! A person keeps so many identifiers of a kind; what has no room is linked to nobody.

use adrelay_core::people::{MAX_PERSON_EXTERNAL_IDS, MAX_VALUES};
use serde_json::{Value, json};

use super::{World, identity};

/// So many e-mails, phones or external ids, from the `from`th on, as a post says them.
fn values(kind: &str, from: usize, count: usize) -> Value {
    let nths = from..from + count;
    match kind {
        "email" => json!({"email": nths.map(|nth| format!("p{nth}@example.com")).collect::<Vec<_>>()}),
        "phone" => json!({"phone": nths.map(|nth| format!("+1650555{nth:04}")).collect::<Vec<_>>()}),
        _ => json!({"external_id": nths.map(|nth| format!("u{nth}")).collect::<Vec<_>>()}),
    }
}

/// What `said` says, and `more` of another kind.
fn and(said: &Value, more: &Value) -> Value {
    let mut said = said.clone();
    for (key, value) in more.as_object().unwrap() {
        said[key] = value.clone();
    }
    said
}

/// A person with as many identifiers of this kind as are kept, who is also known by something of another kind.
async fn full(world: &World, kind: &str, max: usize) -> (adrelay_core::ids::PersonId, Value) {
    let by = if kind == "email" { values("phone", 900, 1) } else { values("email", 900, 1) };
    let mut person = world.person(&by).await;
    for nth in 0..max {
        person = world.person(&and(&by, &values(kind, nth, 1))).await;
    }
    (person, by)
}

const KINDS: [(&str, usize); 3] =
    [("email", MAX_VALUES), ("phone", MAX_VALUES), ("external_id", MAX_PERSON_EXTERNAL_IDS)];

#[tokio::test]
async fn an_identifier_that_has_no_room_is_linked_to_nobody() {
    for (kind, max) in KINDS {
        let world = World::new(21);
        let (person, by) = full(&world, kind, max).await;
        let links = world.people.link_count();
        assert_eq!(links, max + 1, "{kind}: the last one that has room is linked");
        let surplus = and(&by, &values(kind, max, 1));
        let resolved = world.registry().resolve(&world.tenant, &identity(&surplus)).await.unwrap();
        assert_eq!((resolved.leaf.clone(), resolved.own.identifiers.len()), (person.clone(), 1), "{kind}");
        assert_eq!(world.people.link_count(), links, "{kind}");
        let attached = world.registry().attach(&world.tenant, &person, &identity(&surplus)).await.unwrap();
        assert_eq!(attached.own.identifiers.len(), 1, "{kind}: named by its id");
        assert_eq!(world.people.link_count(), links, "{kind}: named by its id");
        let somebody = world.person(&values(kind, max, 1)).await;
        assert_ne!(somebody, person, "{kind}: it may be somebody else's");
    }
}

#[tokio::test]
async fn what_a_full_person_has_is_still_its_own() {
    for (kind, max) in KINDS {
        let world = World::new(22);
        let (person, by) = full(&world, kind, max).await;
        let known = identity(&and(&by, &values(kind, max - 1, 1)));
        let resolved = world.registry().resolve(&world.tenant, &known).await.unwrap();
        assert_eq!(resolved.own.identifiers.len(), 2, "{kind}");
        let attached = world.registry().attach(&world.tenant, &person, &known).await.unwrap();
        assert_eq!(attached.own.identifiers.len(), 2, "{kind}");
    }
}

#[tokio::test]
#[should_panic(expected = "F32: every link is one that its person keeps")]
async fn of_several_new_identifiers_those_that_have_room_are_linked() {
    let world = World::new(23);
    let person = world.person(&values("email", 0, MAX_VALUES - 2)).await;
    let said = and(&values("email", 0, 1), &json!({"em": values("email", MAX_VALUES - 2, 4)["email"]}));
    assert_eq!(world.person(&said).await, person);
    let kept = world.whole(&person).await.profile.emails.len();
    assert_eq!(kept, MAX_VALUES);
    assert_eq!(world.people.link_count(), kept, "F32: every link is one that its person keeps");
}

#[tokio::test]
#[should_panic(expected = "F32: every link is one that its person keeps")]
async fn a_new_person_is_linked_to_no_more_than_is_kept() {
    let world = World::new(24);
    let said =
        and(&values("email", 0, MAX_VALUES), &json!({"em": values("email", 100, MAX_VALUES)["email"]}));
    let person = world.person(&said).await;
    let kept = world.whole(&person).await.profile.emails.len();
    assert_eq!(world.people.link_count(), kept, "F32: every link is one that its person keeps");
}
