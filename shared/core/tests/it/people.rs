//! People: found, created, merged and separated by any number of posts at once.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in what it calls too")]

mod joining;
mod room;

use std::collections::{BTreeMap, BTreeSet};

use adrelay_core::ids::{ConversionKey, EventName, PersonId, TenantId};
use adrelay_core::people::{
    Counted, Day, Features, Identity, Pii, Provider, Registry, RegistryError, Resolved, Tree, Whole,
};
use adrelay_core::ports::people::{ConversionStore as _, PeopleStore as _};
use fakes::{FixedSecrets, MemoryPeople, NOON, SeededEntropy, VirtualClock};
use futures_util::future::join_all;
use proptest::prelude::*;
use serde_json::{Value, json};

struct World {
    people: MemoryPeople,
    pii: Pii<FixedSecrets>,
    clock: VirtualClock,
    entropy: SeededEntropy,
    tenant: TenantId,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            people: MemoryPeople::default(),
            pii: FixedSecrets::pii(),
            clock: VirtualClock::at(NOON),
            entropy: SeededEntropy::new(seed),
            tenant: TenantId::parse("acme").unwrap(),
        }
    }

    fn registry(&self) -> Registry<'_, MemoryPeople, FixedSecrets, VirtualClock, SeededEntropy> {
        Registry::new(&self.people, &self.pii, &self.clock, &self.entropy)
    }

    /// What a post does: finds or makes the person, and writes what it says.
    async fn post(&self, said: &Value) -> Result<Tree, RegistryError> {
        self.clock.advance_ms(1);
        let identity = identity(said);
        let Resolved { leaf, mut tree, own } = self.registry().resolve(&self.tenant, &identity).await?;
        let node = tree.node(&leaf).unwrap().clone();
        let node = self.registry().amend(&self.tenant, node, |_, profile| profile.learn(&own)).await?;
        tree.put(node);
        Ok(tree)
    }

    async fn person(&self, said: &Value) -> PersonId {
        self.post(said).await.unwrap().root().person.id.clone()
    }

    async fn whole(&self, id: &PersonId) -> Whole {
        self.registry().person(&self.tenant, id).await.unwrap().whole()
    }
}

fn identity(said: &Value) -> Identity {
    let (identity, errors) =
        Identity::read(said.as_object().unwrap(), &Provider::parse("shop").unwrap(), None);
    assert_eq!(errors, [], "{said}");
    identity
}

fn email(nth: usize) -> Value {
    json!({"email": format!("p{nth}@example.com")})
}

#[tokio::test]
async fn a_person_is_found_by_each_of_its_identifiers() {
    let world = World::new(1);
    let all = json!({"email": "jane@example.com", "phone": "+16505551212", "external_id": "u1",
        "external_ids": {"supabase_auth": "a", "stripe": "b", "posthog": "c", "meta": "d", "resend": "e", "anything": "jane@example.com"}});
    let jane = world.person(&all).await;
    for one in [
        json!({"email": "Jane@Example.com"}),
        json!({"phone": "+1 650 555 1212"}),
        json!({"external_id": "u1"}),
        json!({"external_id": "b", "provider": "stripe"}),
        json!({"external_ids": {"anything": "jane@example.com"}}),
    ] {
        let found = world.registry().find_all(&world.tenant, &identity(&one), 2).await.unwrap();
        let ids: Vec<&PersonId> = found.iter().map(|tree| &tree.root().person.id).collect();
        assert_eq!(ids, [&jane], "{one}");
    }
    let other = json!({"external_id": "b", "provider": "posthog"});
    assert_eq!(world.registry().find_all(&world.tenant, &identity(&other), 2).await.unwrap(), []);
    let nobody = world.registry().resolve(&world.tenant, &identity(&json!({"first_name": "Jane"}))).await;
    assert_eq!(nobody.unwrap_err(), RegistryError::Insufficient);
}

#[tokio::test]
async fn posts_of_one_person_at_once_make_one_person() {
    for seed in 0..40 {
        let world = World::new(seed);
        let said = [
            json!({"email": "a@example.com", "external_id": "1"}),
            json!({"email": "a@example.com", "phone": "+16505551212"}),
            json!({"phone": "+16505551212", "external_id": "1"}),
            json!({"external_id": "1", "external_ids": {"stripe": "cus"}}),
            json!({"external_ids": {"stripe": "cus"}, "first_name": "A"}),
        ];
        let posts = said.iter().cycle().take(20).map(|said| world.post(said));
        for posted in join_all(posts).await {
            posted.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        }
        // The last word joins whatever was apart while only some identifiers were known.
        let jane = world
            .person(&json!({"email": "a@example.com", "phone": "+16505551212", "external_id": "1",
            "external_ids": {"stripe": "cus"}}))
            .await;
        assert_eq!(world.people.roots(), std::slice::from_ref(&jane), "seed {seed}");
        let whole = world.whole(&jane).await;
        assert_eq!((whole.profile.emails.len(), whole.profile.phones.len()), (1, 1), "seed {seed}");
        assert_eq!(whole.profile.external_ids.len(), 2, "seed {seed}");
        assert_eq!(whole.profile.first_name.as_deref(), Some("A"));
    }
}

#[tokio::test]
async fn whoever_has_claimed_a_link_and_died_has_created_nobody_twice() {
    let world = World::new(3);
    let identity = identity(&email(1));
    // The link is claimed, the person not yet written.
    let resolved = world.registry().resolve(&world.tenant, &identity).await.unwrap();
    assert_eq!(world.people.person_count(), 0);
    assert_eq!(world.person(&email(1)).await, resolved.leaf);
    assert_eq!(world.people.person_count(), 1);
}

#[tokio::test]
async fn an_address_and_a_phone_of_two_people_keep_them_apart_and_say_so() {
    let world = World::new(4);
    let jane = world.person(&json!({"email": "jane@example.com"})).await;
    let john = world.person(&json!({"email": "john@example.com", "phone": "+16505551212"})).await;
    let both = world.person(&json!({"email": "jane@example.com", "phone": "+16505551212"})).await;
    assert_eq!(both, jane, "the address ranks first");
    for (one, other) in [(&jane, &john), (&john, &jane)] {
        let tree = world.registry().person(&world.tenant, one).await.unwrap();
        let conflicts = &tree.root().person.doc.conflicts;
        assert_eq!(conflicts.len(), 1);
        assert_eq!((&conflicts[0].person_id, conflicts[0].identifier.as_str()), (other, "phone"));
    }
    assert!(world.whole(&jane).await.profile.phones.is_empty(), "the phone stays his");
    assert_eq!(world.person(&json!({"phone": "+16505551212"})).await, john);
}

#[tokio::test]
async fn what_complements_one_another_is_merged_and_the_one_with_an_address_remains() {
    let world = World::new(5);
    let phone = world.person(&json!({"phone": "+16505551212"})).await;
    let address = world.person(&email(1)).await;
    let both = world.person(&json!({"phone": "+16505551212", "email": "p1@example.com"})).await;
    assert_eq!(both, address);
    assert_eq!(world.people.roots(), std::slice::from_ref(&address));
    assert_eq!(world.whole(&phone).await.id, address, "a part leads to the person");
    let history = world.people.merges(&world.tenant, &address).await.unwrap();
    assert_eq!((history.len(), history[0].by.as_str(), &history[0].loser), (1, "identity", &phone));
}

#[tokio::test]
async fn a_named_persons_identifiers_are_linked_but_not_taken_from_others() {
    let world = World::new(6);
    let (one, two) = (world.person(&email(1)).await, world.person(&email(2)).await);
    let said = json!({"email": "p2@example.com", "external_id": "new"});
    let attached = world.registry().attach(&world.tenant, &one, &identity(&said)).await.unwrap();
    assert_eq!(attached.own.profile.emails, Vec::<String>::new());
    assert_eq!(attached.own.profile.external_ids.len(), 1);
    assert_eq!(world.person(&json!({"external_id": "new"})).await, one);
    assert_eq!(world.person(&email(2)).await, two);
    let unknown = PersonId::parse("per_nobody").unwrap();
    let missing = world.registry().attach(&world.tenant, &unknown, &identity(&said)).await;
    assert_eq!(missing.unwrap_err(), RegistryError::Unknown);
}

#[tokio::test]
async fn who_was_separated_is_never_merged_on_its_own_again() {
    let world = World::new(7);
    let one = world.person(&email(1)).await;
    let two = world.person(&json!({"phone": "+16505551212"})).await;
    world.registry().merge(&world.tenant, &one, &two, "op").await.unwrap();
    world.registry().unmerge(&world.tenant, &two, "op").await.unwrap();
    assert_eq!(world.person(&json!({"email": "p1@example.com", "phone": "+16505551212"})).await, one);
    assert_eq!(world.people.roots().len(), 2);
    // By hand it may be.
    world.registry().merge(&world.tenant, &one, &two, "op").await.unwrap();
    assert_eq!(world.people.roots(), std::slice::from_ref(&one));
    let again = world.registry().merge(&world.tenant, &one, &two, "op").await;
    assert_eq!(again.unwrap_err(), RegistryError::Same);
    let not = world.registry().unmerge(&world.tenant, &one, "op").await;
    assert_eq!(not.unwrap_err(), RegistryError::NotMerged);
}

#[tokio::test]
async fn two_merges_the_other_way_round_at_once_make_one_person_without_a_circle() {
    for seed in 0..20 {
        let world = World::new(seed);
        let (one, two) = (world.person(&email(1)).await, world.person(&email(2)).await);
        let registry = world.registry();
        let (a, b) = tokio::join!(
            registry.merge(&world.tenant, &one, &two, "a"),
            registry.merge(&world.tenant, &two, &one, "b")
        );
        assert!(a.is_ok() != b.is_ok(), "seed {seed}");
        assert_eq!(world.people.roots().len(), 1, "seed {seed}");
    }
}

/// What a person is, but for the bookkeeping of merges.
async fn seen(world: &World, id: &PersonId) -> (Whole, Features) {
    let tree = world.registry().person(&world.tenant, id).await.unwrap();
    let mut features = Features::default();
    for node in &tree.nodes {
        features.add(&world.people.features(&world.tenant, &node.person.id, &Day::read("")).await.unwrap());
    }
    let whole = tree.whole();
    (Whole { updated_at: NOON, ..whole }, features)
}

async fn count(world: &World, leaf: &PersonId, nth: usize) {
    let conversion = Counted {
        key: ConversionKey::parse(&format!("{nth:022}")).unwrap(),
        event_name: EventName::parse("visited").unwrap(),
        at_s: NOON.secs() - i64::try_from(nth).unwrap() * 3_600,
        money: None,
    };
    world.people.count(&world.tenant, leaf, &conversion).await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_merge_undone_restores_both_sides(
        merges in prop::collection::vec((0_usize..6, 0_usize..6), 0..6),
        last in (0_usize..6, 0_usize..6),
        events in prop::collection::vec(0_usize..6, 0..12),
        seed in any::<u64>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let world = World::new(seed);
            let mut ids = Vec::new();
            for nth in 0..6 {
                ids.push(world.person(&json!({"email": format!("p{nth}@example.com"), "external_id": format!("u{nth}")})).await);
            }
            for (one, other) in merges {
                let _ = world.registry().merge(&world.tenant, &ids[one], &ids[other], "op").await;
            }
            for (nth, whom) in events.iter().enumerate() {
                count(&world, &ids[*whom], nth).await;
            }
            let (winner, loser) = (&ids[last.0], &ids[last.1]);
            let root = |id: &PersonId| { let (world, id) = (&world, id.clone()); async move { world.whole(&id).await.id } };
            let (winner, loser) = (root(winner).await, root(loser).await);
            if winner == loser {
                return;
            }
            let mut before = BTreeMap::new();
            for id in &ids {
                before.insert(id.clone(), seen(&world, id).await);
            }
            world.registry().merge(&world.tenant, &winner, &loser, "op").await.unwrap();
            let merged: BTreeSet<PersonId> = [root(&winner).await, root(&loser).await].into();
            assert_eq!(merged.len(), 1);
            let together = seen(&world, &winner).await.1;
            let mut sum = before[&winner].1.clone();
            sum.add(&before[&loser].1);
            assert_eq!(together, sum, "merged features are the sum of both");
            world.registry().unmerge(&world.tenant, &loser, "op").await.unwrap();
            for id in &ids {
                assert_eq!(seen(&world, id).await, before[id]);
            }
        });
    }
}
