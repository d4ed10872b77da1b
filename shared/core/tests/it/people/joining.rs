//! Who is merged on their own, who is kept apart, and what is noted of it.

use adrelay_core::ids::PersonId;
use adrelay_core::people::{Conflict, MAX_MEMBERS, RegistryError};
use adrelay_core::ports::people::PeopleStore as _;
use fakes::NOON;
use serde_json::json;

use super::{World, email, identity};

impl World {
    async fn conflicts(&self, id: &PersonId) -> Vec<Conflict> {
        let tree = self.registry().person(&self.tenant, id).await.unwrap();
        tree.root().person.doc.conflicts.clone()
    }

    /// Writes an address into a person's profile, as a version that did so once may have left it.
    async fn write_email(&self, id: &PersonId, address: &str) {
        let tree = self.registry().person(&self.tenant, id).await.unwrap();
        let node = tree.node(id).unwrap().clone();
        let registry = self.registry();
        let write = registry.amend(&self.tenant, node, |_, profile| {
            profile.emails.push(address.to_owned());
            true
        });
        write.await.unwrap();
    }
}

#[tokio::test]
async fn who_share_one_address_are_one_though_each_has_another() {
    for common in [true, false] {
        let world = World::new(31);
        let jane = world.person(&json!({"email": ["jane@example.com", "common@example.com"]})).await;
        let other = world.person(&json!({"email": "j@work.example.com", "phone": "+16505551212"})).await;
        if common {
            world.write_email(&other, "common@example.com").await;
        }
        let both = json!({"email": "jane@example.com", "phone": "+16505551212"});
        assert_eq!(world.person(&both).await, jane);
        assert_eq!(world.whole(&other).await.id == jane, common, "common: {common}");
        assert_eq!(world.conflicts(&jane).await.is_empty(), common, "common: {common}");
    }
}

#[tokio::test]
async fn the_older_of_two_without_an_address_remains() {
    let world = World::new(32);
    let older = world.person(&json!({"external_id": "u1"})).await;
    let younger = world.person(&json!({"phone": "+16505551212"})).await;
    let both = world.person(&json!({"external_id": "u1", "phone": "+16505551212"})).await;
    assert_eq!((&both, &world.whole(&younger).await.id), (&older, &older));
    let line = world.people.merges(&world.tenant, &younger).await.unwrap().remove(0);
    assert_eq!((&line.winner, &line.loser, line.undone), (&older, &younger, false));
}

#[tokio::test]
async fn a_conflict_is_noted_once_with_when_it_was_noticed_first() {
    let world = World::new(33);
    let jane = world.person(&email(1)).await;
    let john = world.person(&json!({"email": "p2@example.com", "phone": "+16505551212"})).await;
    let both = json!({"email": "p1@example.com", "phone": "+16505551212"});
    world.post(&both).await.unwrap();
    let first = world.conflicts(&jane).await;
    assert_eq!(first[0].at, NOON.plus_ms(3));
    let writes = world.people.writes();
    world.post(&both).await.unwrap();
    assert_eq!((world.conflicts(&jane).await, world.people.writes()), (first, writes));
    assert_eq!(world.conflicts(&john).await.len(), 1);
}

#[tokio::test]
async fn a_person_keeps_so_many_conflicts_and_no_more() {
    let world = World::new(34);
    let jane = world.person(&email(0)).await;
    for nth in 1..=MAX_MEMBERS + 1 {
        let phone = format!("+1650555{nth:04}");
        world.person(&json!({"email": format!("p{nth}@example.com"), "phone": phone})).await;
        world.post(&json!({"email": "p0@example.com", "phone": phone})).await.unwrap();
    }
    assert_eq!(world.conflicts(&jane).await.len(), MAX_MEMBERS);
}

#[tokio::test]
async fn a_named_persons_conflict_names_both_sides_and_the_identifier() {
    let world = World::new(35);
    let (one, two) = (world.person(&email(1)).await, world.person(&email(2)).await);
    world.registry().attach(&world.tenant, &one, &identity(&email(2))).await.unwrap();
    for (of, with) in [(&one, &two), (&two, &one)] {
        let conflicts = world.conflicts(of).await;
        assert_eq!(conflicts.len(), 1);
        assert_eq!((&conflicts[0].person_id, conflicts[0].identifier.as_str()), (with, "email"));
    }
}

#[tokio::test]
async fn what_another_part_of_a_named_person_has_is_no_conflict() {
    let world = World::new(36);
    let (one, two) = (world.person(&email(1)).await, world.person(&email(2)).await);
    world.registry().merge(&world.tenant, &one, &two, "op").await.unwrap();
    let attached = world.registry().attach(&world.tenant, &one, &identity(&email(2))).await.unwrap();
    assert_eq!(attached.own.identifiers, []);
    assert_eq!(world.conflicts(&one).await, []);
}

#[tokio::test]
async fn a_person_has_so_many_direct_members_and_parts() {
    let world = World::new(37);
    let root = world.person(&json!({"external_id": "root"})).await;
    let mut members = Vec::new();
    for nth in 0..=MAX_MEMBERS {
        members.push(world.person(&json!({"external_id": format!("m{nth}")})).await);
    }
    for member in &members[..MAX_MEMBERS] {
        world.registry().merge(&world.tenant, &root, member, "op").await.unwrap();
    }
    let full = world.registry().merge(&world.tenant, &root, &members[MAX_MEMBERS], "op").await;
    assert_eq!(full.unwrap_err(), RegistryError::Full);
    // A post that names both finds them apart, and is no error.
    let both = json!({"external_id": ["root", format!("m{MAX_MEMBERS}")]});
    assert_eq!(world.person(&both).await, root);
    assert_eq!(world.people.roots().len(), 2);
}

#[tokio::test]
async fn a_person_has_at_most_a_hundred_parts() {
    let world = World::new(38);
    let mut roots = Vec::new();
    for (of, parts) in [(0, 33), (1, 33), (2, 32), (3, 2), (4, 1)] {
        let root = world.person(&json!({"external_id": format!("r{of}")})).await;
        for nth in 1..parts {
            let member = world.person(&json!({"external_id": format!("m{of}-{nth}")})).await;
            world.registry().merge(&world.tenant, &root, &member, "op").await.unwrap();
        }
        roots.push(root);
    }
    // Under a root of its own, for each of the others has as many members as it may.
    let top = &roots[3];
    for root in &roots[..3] {
        world.registry().merge(&world.tenant, top, root, "op").await.unwrap();
    }
    let merged = world.registry().merge(&world.tenant, top, &roots[4], "op").await;
    assert_eq!(merged.map(|tree| tree.nodes.len()), Err(RegistryError::Full), "98 + 2 are all");
    assert_eq!(world.whole(top).await.parts.len(), 100);
}

#[tokio::test]
async fn who_was_separated_knows_of_the_other_side_and_the_history_says_so() {
    let world = World::new(39);
    let one = world.person(&email(1)).await;
    let two = world.person(&json!({"phone": "+16505551212"})).await;
    world.registry().merge(&world.tenant, &one, &two, "anna").await.unwrap();
    let (left, right) = world.registry().unmerge(&world.tenant, &two, "ben").await.unwrap();
    assert_eq!((&left.root().person.id, &right.root().person.id), (&one, &two));
    assert_eq!(left.root().person.doc.kept_apart, std::slice::from_ref(&two));
    assert_eq!(right.root().person.doc.kept_apart, std::slice::from_ref(&one));
    assert_eq!((left.nodes.len(), right.nodes.len()), (1, 1));
    for id in [&one, &two] {
        let lines = world.people.merges(&world.tenant, id).await.unwrap();
        let lines: Vec<_> = lines.iter().map(|line| (line.undone, line.by.as_str())).collect();
        assert_eq!(lines, [(false, "anna"), (true, "ben")]);
    }
    // Merged by hand and separated again, they are noted once.
    world.registry().merge(&world.tenant, &one, &two, "anna").await.unwrap();
    let (left, _) = world.registry().unmerge(&world.tenant, &two, "ben").await.unwrap();
    assert_eq!(left.root().person.doc.kept_apart.len(), 1);
}

#[tokio::test]
async fn a_side_that_was_separated_is_kept_apart_from_every_part_of_the_other() {
    let world = World::new(40);
    let jane = world.person(&json!({"external_id": "jane"})).await;
    let joan = world.person(&json!({"external_id": "joan"})).await;
    let jo = world.person(&json!({"external_id": "jo"})).await;
    world.registry().merge(&world.tenant, &joan, &jo, "op").await.unwrap();
    world.registry().merge(&world.tenant, &jane, &joan, "op").await.unwrap();
    // Jo leaves: neither Joan's identifiers nor Jane's bring them together again.
    world.registry().unmerge(&world.tenant, &jo, "op").await.unwrap();
    for other in ["joan", "jane"] {
        world.post(&json!({"external_id": ["jo", other]})).await.unwrap();
        assert_eq!(world.whole(&jo).await.parts.len(), 1, "{other}");
    }
    assert_eq!(world.whole(&joan).await.id, jane);
}

#[tokio::test]
async fn the_last_so_many_who_were_separated_are_remembered() {
    let world = World::new(41);
    let root = world.person(&json!({"external_id": "root"})).await;
    let mut others = Vec::new();
    for nth in 0..=MAX_MEMBERS {
        let other = world.person(&json!({"external_id": format!("m{nth}")})).await;
        world.registry().merge(&world.tenant, &root, &other, "op").await.unwrap();
        world.registry().unmerge(&world.tenant, &other, "op").await.unwrap();
        others.push(other);
    }
    let tree = world.registry().person(&world.tenant, &root).await.unwrap();
    assert_eq!(tree.root().person.doc.kept_apart, others[1..]);
}
