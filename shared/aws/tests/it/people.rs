//! What `PeopleStore` and `ConversionStore` promise, of the table and of what stands for it in other tests.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use adrelay_aws::people::DynamoPeople;
use adrelay_core::ids::{ConversionKey, RuleId, TenantId};
use adrelay_core::people::{Consent, ConsentRecord, Day, Features, Person};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::people::{Claim, MergeRecord, OnceMark, Stored, StoredConversion};
use fakes::MemoryPeople;
use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::contract::contract;
use crate::people_data::{People, conversion, conversion_key, counted, link, person, person_id, record, usd};
use crate::support::{NOON, TABLE, dynamodb, tenant};

contract!(adrelay_aws::people::DynamoPeople::new, crate::support::dynamodb, fakes::MemoryPeople::default;
    of_many_who_claim_a_link_one_gets_it_and_all_learn_who,
    a_link_is_removed_for_its_holder_alone,
    a_person_is_written_over_what_was_read_or_not_at_all,
    of_many_who_save_the_same_revision_one_does,
    two_persons_are_written_together_or_not_at_all,
    a_removed_person_is_gone_and_may_be_made_anew,
    a_conversion_is_stored_once_as_it_was_first,
    days_before_the_window_count_no_more_but_money_does,
    a_mark_belongs_to_the_first_who_sets_it,
);

fn other_tenant() -> TenantId {
    TenantId::parse("other").unwrap()
}

async fn read(people: &impl People, name: &str) -> Option<Person> {
    people.persons(&tenant(), &[person_id(name)]).await.unwrap().pop()
}

async fn of_many_who_claim_a_link_one_gets_it_and_all_learn_who(people: &impl People) {
    let names: Vec<String> = (0..8).map(|nth| nth.to_string()).collect();
    let (tenant, hash) = (tenant(), link("ann"));
    let claims = names.iter().map(|name| {
        let (tenant, hash) = (&tenant, &hash);
        async move { people.claim(tenant, hash, &person_id(name)).await.unwrap() }
    });
    let claims = join_all(claims).await;
    let found = people.links(&tenant, &[hash.clone(), hash.clone(), link("bob")]).await.unwrap();
    assert_eq!(found.len(), 1);
    let holder = found[&hash].clone();
    for (name, claim) in names.iter().zip(claims) {
        let expected = if person_id(name) == holder { Claim::Ours } else { Claim::Theirs(holder.clone()) };
        assert_eq!(claim, expected);
    }
    assert_eq!(people.claim(&tenant, &hash, &holder).await.unwrap(), Claim::Ours, "ours since before");
    assert_eq!(people.links(&other_tenant(), &[hash]).await.unwrap(), HashMap::new());
}

async fn a_link_is_removed_for_its_holder_alone(people: &impl People) {
    let (ann, bob, hash) = (person_id("ann"), person_id("bob"), link("ann"));
    people.claim(&tenant(), &hash, &ann).await.unwrap();
    people.unlink(&tenant(), &hash, &bob).await.unwrap();
    let found = people.links(&tenant(), std::slice::from_ref(&hash)).await.unwrap();
    assert_eq!(found.get(&hash), Some(&ann));
    people.unlink(&tenant(), &hash, &ann).await.unwrap();
    people.unlink(&tenant(), &hash, &ann).await.unwrap();
    assert!(people.links(&tenant(), std::slice::from_ref(&hash)).await.unwrap().is_empty());
    assert_eq!(people.claim(&tenant(), &hash, &bob).await.unwrap(), Claim::Ours);
}

async fn a_person_is_written_over_what_was_read_or_not_at_all(people: &impl People) {
    let new = person("ann");
    people.save(&new).await.unwrap();
    assert_eq!(read(people, "ann").await, Some(Person { rev: 1, ..new.clone() }));
    assert_eq!(people.save(&new).await, Err(StoreError::Conflict), "somebody stored it already");

    let mut changed = read(people, "ann").await.unwrap();
    changed.doc.consent = Some(ConsentRecord { status: Consent::Denied, at: NOON });
    changed.sealed = None;
    people.save(&changed).await.unwrap();
    assert_eq!(read(people, "ann").await, Some(Person { rev: 2, ..changed.clone() }));
    assert_eq!(people.save(&changed).await, Err(StoreError::Conflict), "somebody changed it already");

    let never = Person { rev: 1, ..person("bob") };
    assert_eq!(people.save(&never).await, Err(StoreError::Conflict), "nobody stored it");
    assert_eq!(people.persons(&other_tenant(), &[person_id("ann")]).await.unwrap(), []);
    let both = people.persons(&tenant(), &[person_id("ann"), person_id("bob"), person_id("ann")]).await;
    assert_eq!(both.unwrap().len(), 1);
}

async fn of_many_who_save_the_same_revision_one_does(people: &impl People) {
    people.save(&person("ann")).await.unwrap();
    let known = read(people, "ann").await.unwrap();
    let saved = join_all((0..6).map(|_| people.save(&known))).await;
    assert_eq!(saved.iter().filter(|saved| saved.is_ok()).count(), 1);
    assert!(saved.iter().all(|saved| matches!(saved, Ok(()) | Err(StoreError::Conflict))));
    assert_eq!(read(people, "ann").await.unwrap().rev, 2);
}

async fn two_persons_are_written_together_or_not_at_all(people: &impl People) {
    people.save(&person("ann")).await.unwrap();
    people.save(&person("bob")).await.unwrap();
    let (mut ann, mut bob) = (read(people, "ann").await.unwrap(), read(people, "bob").await.unwrap());
    ann.doc.members.push(bob.id.clone());
    bob.doc.merged_into = Some(ann.id.clone());

    let merged = record("ann", "bob", NOON);
    for (stale_ann, stale_bob) in [(0, 1), (1, 0), (1, 2)] {
        let (ann, bob) = (Person { rev: stale_ann, ..ann.clone() }, Person { rev: stale_bob, ..bob.clone() });
        assert_eq!(people.save_both(&ann, &bob, &merged).await, Err(StoreError::Conflict));
    }
    for name in ["ann", "bob"] {
        let unchanged = read(people, name).await.unwrap();
        assert_eq!((unchanged.rev, unchanged.doc), (1, person(name).doc));
        assert_eq!(people.merges(&tenant(), &person_id(name)).await.unwrap(), []);
    }

    people.save_both(&ann, &bob, &merged).await.unwrap();
    let undone = MergeRecord { undone: true, ..record("ann", "bob", NOON.plus_ms(7)) };
    let (ann, bob) = (Person { rev: 2, ..ann }, Person { rev: 2, ..bob });
    people.save_both(&ann, &bob, &undone).await.unwrap();
    for (name, expected) in [("ann", &ann), ("bob", &bob)] {
        assert_eq!(read(people, name).await, Some(Person { rev: 3, ..expected.clone() }));
        let history = people.merges(&tenant(), &person_id(name)).await.unwrap();
        assert_eq!(history, [merged.clone(), undone.clone()], "of {name}, oldest first");
    }
}

async fn a_removed_person_is_gone_and_may_be_made_anew(people: &impl People) {
    people.save(&person("ann")).await.unwrap();
    people.remove(&tenant(), &person_id("ann")).await.unwrap();
    people.remove(&tenant(), &person_id("ann")).await.unwrap();
    assert_eq!(read(people, "ann").await, None);
    people.save(&person("ann")).await.unwrap();
}

async fn a_conversion_is_stored_once_as_it_was_first(people: &impl People) {
    let first = conversion("ann", "1", NOON.secs());
    let second = StoredConversion { money: None, ..conversion("bob", "1", 5) };
    assert_eq!(people.store(&first).await.unwrap(), Stored::New);
    assert_eq!(people.store(&second).await.unwrap(), Stored::Before(Box::new(first.clone())));
    let unpaid = StoredConversion { money: None, ..conversion("ann", "2", 5) };
    assert_eq!(people.store(&unpaid).await.unwrap(), Stored::New);

    let keys: Vec<ConversionKey> = (0..100).map(|nth| conversion_key(&nth.to_string())).collect();
    let mut found = people.conversions(&tenant(), &keys).await.unwrap();
    found.sort_by_key(|conversion| conversion.event_id.clone());
    assert_eq!(found, [first, unpaid]);
    assert_eq!(people.conversions(&other_tenant(), &keys).await.unwrap(), []);
}

/// A year, so that days and months change.
const SPAN_S: i64 = 370 * 86_400;

fn ever() -> Day {
    Day::of(0)
}

/// A conversion: the number of its name, when it happened, its worth.
type What = (usize, i64, Option<i64>);

/// Conversions, and in which order, with repeats, they are told.
fn told() -> impl Strategy<Value = (Vec<What>, Vec<usize>)> {
    let what = (0_usize..3, 0..SPAN_S, prop::option::of(0_i64..10_000));
    (prop::collection::vec(what, 1..14), prop::collection::vec(0_usize..14, 0..40))
}

/// Tells conversions to the store, several at once, and compares what it makes of them.
async fn tell(
    people: &impl People,
    whose: &str,
    what: &[What],
    order: &[usize],
) -> Result<(), TestCaseError> {
    let names = ["Lead", "Purchase", "Call Started#é"];
    let (tenant, person) = (tenant(), person_id(whose));
    let all: Vec<_> = what
        .iter()
        .enumerate()
        .map(|(nth, (name, at_s, minor))| {
            counted(names[*name], &format!("{whose}-{nth}"), *at_s, minor.map(usd))
        })
        .collect();
    for part in order.chunks(5) {
        let calls = part.iter().map(|nth| people.count(&tenant, &person, &all[nth % all.len()]));
        for done in join_all(calls).await {
            done.unwrap();
        }
    }
    let mut expected = Features::default();
    for (nth, conversion) in all.iter().enumerate() {
        if order.iter().any(|told| told % all.len() == nth) {
            expected.count(conversion);
        }
    }
    let features = people.features(&tenant, &person, &ever()).await.unwrap();
    prop_assert_eq!(features, expected);
    Ok(())
}

#[test]
fn features_are_those_of_each_conversion_once_in_any_order() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let table = runtime.block_on(async { DynamoPeople::new(dynamodb().await, TABLE.to_owned()) });
    let memory = MemoryPeople::default();
    let cases = AtomicUsize::new(0);
    let mut runner =
        TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) });
    let told = runner.run(&told(), |(what, order)| {
        let whose = cases.fetch_add(1, Ordering::Relaxed).to_string();
        runtime.block_on(async {
            tell(&table, &whose, &what, &order).await?;
            tell(&memory, &whose, &what, &order).await
        })
    });
    told.unwrap();
}

async fn days_before_the_window_count_no_more_but_money_does(people: &impl People) {
    let (whose, day_s) = (person_id("ann"), 86_400);
    for (id, day) in [("1", 1), ("2", 2), ("3", 3)] {
        let conversion = counted("Purchase", id, day * day_s + 60, Some(usd(100)));
        people.count(&tenant(), &whose, &conversion).await.unwrap();
    }
    let since = Day::of(2 * day_s);
    let features = people.features(&tenant(), &whose, &since).await.unwrap();
    assert_eq!(features.days.keys().collect::<Vec<_>>(), [&since, &Day::of(3 * day_s)]);
    assert_eq!(features.totals_minor[&usd(0).currency], 300);
    assert_eq!((features.first_seen, features.last_seen), (Some(day_s + 60), Some(3 * day_s + 60)));
    let nobody = people.features(&tenant(), &person_id("bob"), &ever()).await.unwrap();
    assert_eq!(nobody, Features::default());
}

async fn a_mark_belongs_to_the_first_who_sets_it(people: &impl People) {
    let mark = OnceMark {
        rule: RuleId::parse("first-purchase").unwrap(),
        nth: 0,
        period: "ever".to_owned(),
        expires_at_s: None,
    };
    let keys: Vec<ConversionKey> = (0..6).map(|nth| conversion_key(&nth.to_string())).collect();
    let (tenant, ann) = (tenant(), person_id("ann"));
    let holders = join_all(keys.iter().map(|key| people.once(&tenant, &ann, &mark, key))).await;
    let holder = holders[0].clone().unwrap();
    assert!(keys.contains(&holder));
    assert!(holders.iter().all(|other| other.as_ref() == Ok(&holder)));
    assert_eq!(people.once(&tenant, &ann, &mark, &holder).await.unwrap(), holder);

    let new = conversion_key("new");
    for other in [
        OnceMark { nth: 1, ..mark.clone() },
        OnceMark { period: "2026-11-01".to_owned(), expires_at_s: Some(NOON.secs()), ..mark.clone() },
        OnceMark { rule: RuleId::parse("first").unwrap(), ..mark.clone() },
    ] {
        assert_eq!(people.once(&tenant, &ann, &other, &new).await.unwrap(), new, "{other:?}");
    }
    assert_eq!(people.once(&tenant, &person_id("bob"), &mark, &new).await.unwrap(), new);
}
