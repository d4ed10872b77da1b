//! Lists of a person's conversions, and their removal.

use std::cmp::Reverse;

use adrelay_core::ids::{ConversionKey, RuleId};
use adrelay_core::people::{Day, Features};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::people::OnceMark;

use crate::contract::contract;
use crate::people_data::{People, conversion, conversion_key, counted, person, person_id, record, usd};
use crate::support::{NOON, tenant};

contract!(adrelay_aws::people::DynamoPeople::new, crate::support::dynamodb, fakes::MemoryPeople::default;
    pages_of_keys_are_the_whole_list_newest_first,
    a_cursor_is_a_place_in_time_for_every_part_alike,
    a_cursor_that_nobody_gave_is_a_conflict,
    a_part_is_removed_slice_by_slice_and_nothing_else,
);

/// Conversions on several days, with gaps, and several in the same second.
async fn count_some(people: &impl People, of: &str, prefix: &str) -> Vec<(i64, ConversionKey)> {
    let mut places = Vec::new();
    for nth in 0..23_i64 {
        let at_s = NOON.secs() - (nth / 3) * 40_000 - (nth / 12) * 864_000;
        let conversion = counted("Purchase", &format!("{prefix}{nth}"), at_s, Some(usd(100)));
        people.count(&tenant(), &person_id(of), &conversion).await.unwrap();
        places.push((at_s, conversion.key));
    }
    places.sort_by_key(|place| Reverse(place.clone()));
    places
}

async fn pages_of_keys_are_the_whole_list_newest_first(people: &impl People) {
    let (tenant, ann) = (tenant(), person_id("ann"));
    let expected = count_some(people, "ann", "").await;
    for limit in [1, 2, 3, 7, 22, 23, 100] {
        let (mut found, mut cursor) = (Vec::new(), None);
        for _ in 0..expected.len() {
            let page = people.conversion_keys(&tenant, &ann, limit, cursor.as_deref()).await.unwrap();
            assert!(page.items.len() <= limit);
            found.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!((found, cursor), (expected.clone(), None), "{limit} at a time");
    }
    let nobody = people.conversion_keys(&tenant, &person_id("bob"), 5, None).await.unwrap();
    assert_eq!((nobody.items, nobody.next_cursor), (Vec::new(), None));
}

async fn a_cursor_is_a_place_in_time_for_every_part_alike(people: &impl People) {
    let ann = count_some(people, "ann", "a").await;
    let mut bob = count_some(people, "bob", "b").await;
    let page = people.conversion_keys(&tenant(), &person_id("ann"), 10, None).await.unwrap();
    assert_eq!(page.items, ann[..10]);
    let cursor = page.next_cursor.unwrap();
    assert_eq!(cursor, format!("{:010}.{}", ann[10].0, ann[10].1));
    let page = people.conversion_keys(&tenant(), &person_id("bob"), 100, Some(&cursor)).await.unwrap();
    bob.retain(|place| *place <= ann[10]);
    assert_eq!(page.items, bob);
}

async fn a_cursor_that_nobody_gave_is_a_conflict(people: &impl People) {
    for bad in ["", "x", "1790000000", "1790000000.x", "x.ABCDEFGHIJKLMNOPQRSTUV"] {
        let page = people.conversion_keys(&tenant(), &person_id("ann"), 5, Some(bad)).await;
        assert_eq!(page, Err(StoreError::Conflict), "{bad:?}");
    }
}

async fn a_part_is_removed_slice_by_slice_and_nothing_else(people: &impl People) {
    let (tenant, ann, bob) = (tenant(), person_id("ann"), person_id("bob"));
    let mark = OnceMark {
        rule: RuleId::parse("rule").unwrap(),
        nth: 0,
        period: "ever".to_owned(),
        expires_at_s: None,
    };
    for (name, prefix) in [("ann", "a"), ("bob", "b")] {
        count_some(people, name, prefix).await;
        for nth in 0..23 {
            people.store(&conversion(name, &format!("{prefix}{nth}"), NOON.secs())).await.unwrap();
        }
        people.once(&tenant, &person_id(name), &mark, &conversion_key(prefix)).await.unwrap();
    }
    people.save_both(&person("ann"), &person("bob"), &record("ann", "bob", NOON)).await.unwrap();
    // Bob's, though Ann was counted for it too.
    let shared = counted("Purchase", "b0", NOON.secs(), None);
    people.count(&tenant, &ann, &shared).await.unwrap();

    let mut calls = 0;
    while !people.remove_conversions(&tenant, &ann, 4).await.unwrap() {
        calls += 1;
        assert!(calls < 60, "it comes to an end");
    }
    assert!(calls >= 5, "23 conversions are more than 5 slices of 4");
    assert!(people.remove_conversions(&tenant, &ann, 4).await.unwrap(), "nothing is left");

    let ever = Day::of(0);
    assert_eq!(people.features(&tenant, &ann, &ever).await.unwrap(), Features::default());
    assert_eq!(people.merges(&tenant, &ann).await.unwrap(), []);
    assert_eq!(people.conversion_keys(&tenant, &ann, 5, None).await.unwrap().items, []);
    let new = conversion_key("new");
    assert_eq!(people.once(&tenant, &ann, &mark, &new).await.unwrap(), new, "its mark is gone");
    let keys =
        |prefix: &str| (0..23).map(|nth| conversion_key(&format!("{prefix}{nth}"))).collect::<Vec<_>>();
    assert_eq!(people.conversions(&tenant, &keys("a")).await.unwrap(), []);

    assert_eq!(people.persons(&tenant, &[ann]).await.unwrap().len(), 1, "the document goes by itself");
    assert_eq!(people.conversions(&tenant, &keys("b")).await.unwrap().len(), 23);
    assert_eq!(people.conversion_keys(&tenant, &bob, 100, None).await.unwrap().items.len(), 23);
    assert_eq!(people.merges(&tenant, &bob).await.unwrap().len(), 1);
    assert_eq!(people.once(&tenant, &bob, &mark, &new).await.unwrap(), conversion_key("b"));
}
