//! What stands in the people table: shapes, sizes, ends; and what the table does at its limits.

use std::collections::{BTreeMap, HashMap};

use adrelay_aws::people::DynamoPeople;
use adrelay_core::ids::{PersonId, RuleId};
use adrelay_core::people::Day;
use adrelay_core::ports::people::{
    ConversionStore as _, HoldStore as _, OnceMark, PeopleStore as _, StoredConversion,
};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::people_data::{conversion, conversion_key, counted, hold, link, person, person_id, record, usd};
use crate::support::{NOON, TABLE, dynamodb, item, partition, size, tenant};

type Item = HashMap<String, AttributeValue>;

const DAY_S: i64 = 86_400;

/// A write unit of DynamoDB in bytes (AWS: read/write capacity mode).
const WRITE_UNIT: usize = 1_024;

async fn rig() -> (Client, DynamoPeople) {
    let client = dynamodb().await;
    (client.clone(), DynamoPeople::new(client, TABLE.to_owned()))
}

fn number(item: &Item, name: &str) -> i64 {
    item[name].as_n().unwrap().parse().unwrap()
}

/// A key with what differs from item to item left out.
fn shape(text: &str) -> String {
    let parts = text.split('#').map(|part| match part {
        part if part.len() == 64 => "<hash>",
        part if part.len() == 22 => "<conversion>",
        part if part.starts_with("per_") => "<person>",
        part if part.starts_with("2026") && part.contains('T') => "<minute>",
        "0" | "1" | "2" | "3" => "<n>",
        other => other,
    });
    parts.collect::<Vec<_>>().join("#")
}

#[tokio::test]
async fn every_item_has_the_attributes_of_its_kind_and_no_more() {
    let (client, people) = rig().await;
    let (tenant, ann) = (tenant(), person_id("ann"));
    people.claim(&tenant, &link("ann"), &ann).await.unwrap();
    people.save_both(&person("ann"), &person("bob"), &record("ann", "bob", NOON)).await.unwrap();
    people.store(&conversion("ann", "1", NOON.secs())).await.unwrap();
    people.count(&tenant, &ann, &counted("Purchase", "1", NOON.secs(), Some(usd(2_999)))).await.unwrap();
    let mark = OnceMark {
        rule: RuleId::parse("first").unwrap(),
        nth: 0,
        period: "ever".to_owned(),
        expires_at_s: None,
    };
    people.once(&tenant, &ann, &mark, &conversion_key("1")).await.unwrap();
    people.hold(&hold("ann", "1", NOON.plus_ms(60_000))).await.unwrap();
    people.due(NOON, 10).await.unwrap();

    let items = client.scan().table_name(TABLE).send().await.unwrap().items.unwrap();
    let mut kinds: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for item in &items {
        let mut names: Vec<String> =
            item.keys().filter(|name| !["pk", "sk", "v"].contains(&name.as_str())).cloned().collect();
        names.sort();
        assert_eq!(item["v"], AttributeValue::N("1".to_owned()));
        kinds.insert((shape(item["pk"].as_s().unwrap()), shape(item["sk"].as_s().unwrap())), names);
    }
    let expected = [
        ("DUE", "CURSOR", "minute"),
        ("DUE#<minute>#<n>", "acme#<person>#<conversion>", ""),
        (
            "T#acme#C#<conversion>",
            "CONVERSION",
            "at_s currency event_id event_name expires_at minor person sealed source stored_at",
        ),
        ("T#acme#L#<hash>", "LINK", "person"),
        ("T#acme#P#<person>", "F#2026-09-21", "c#Purchase expires_at refs"),
        ("T#acme#P#<person>", "H#<conversion>", "due held_since held_until keys_before reason"),
        ("T#acme#P#<person>", "M#001790000000000#<person>", "record"),
        ("T#acme#P#<person>", "ONCE#first#<n>#ever", "conversion"),
        ("T#acme#P#<person>", "PERSON", "doc rev sealed"),
        ("T#acme#P#<person>", "V#2026-09", "m#USD refs"),
    ];
    let found: Vec<(String, String, String)> =
        kinds.into_iter().map(|((pk, sk), names)| (pk, sk, names.join(" "))).collect();
    let expected: Vec<(String, String, String)> =
        expected.map(|(pk, sk, names)| (pk.to_owned(), sk.to_owned(), names.to_owned())).into();
    assert_eq!(found, expected);
}

/// Units of a write are its item's size, rounded up, whatever part of it is written.
#[tokio::test]
async fn a_plain_conversion_costs_one_unit_to_store_and_one_to_count_and_one_for_its_money() {
    let (client, people) = rig().await;
    // As ids are made, and a body of some 25 fields under seal.
    let ann = PersonId::parse("per_0123456789abcdef01234567").unwrap();
    let stored = StoredConversion {
        person: ann.clone(),
        sealed: "x".repeat(600),
        ..conversion("ann", "order-0123456789abcdef", NOON.secs())
    };
    people.store(&stored).await.unwrap();
    for nth in 0..20 {
        let one = counted("Purchase", &nth.to_string(), NOON.secs() + nth, Some(usd(2_999)));
        people.count(&tenant(), &ann, &one).await.unwrap();
    }
    let person_items = partition(&client, &format!("T#acme#P#{ann}")).await;
    assert_eq!(person_items.len(), 2, "a day and a month");
    let conversion = item(&client, &format!("T#acme#C#{}", stored.key), "CONVERSION").await.unwrap();
    for item in person_items.iter().chain([&conversion]) {
        assert!(size(item) <= WRITE_UNIT, "{} bytes: {:?}", size(item), item["sk"]);
    }
}

#[tokio::test]
async fn a_conversion_ends_after_90_days_and_never_after_the_day_that_lists_it() {
    let (client, people) = rig().await;
    let ann = person_id("ann");
    for (id, late_days, kept_days) in [("today", 0, 90), ("late", 30, 62 + 1)] {
        let at_s = NOON.secs() - late_days * DAY_S;
        people.store(&conversion("ann", id, at_s)).await.unwrap();
        people.count(&tenant(), &ann, &counted("Purchase", id, at_s, Some(usd(1)))).await.unwrap();
        let stored = item(&client, &format!("T#acme#C#{}", conversion_key(id)), "CONVERSION").await.unwrap();
        let ends = number(&stored, "expires_at");
        assert!(
            ends <= NOON.secs() + kept_days * DAY_S && ends > NOON.secs() + (kept_days - 1) * DAY_S,
            "{id}"
        );
        let day = Day::of(at_s);
        let pk = format!("T#acme#P#{ann}");
        let stored = item(&client, &pk, &format!("F#{}", day.as_str())).await.unwrap();
        let midnight = at_s - at_s.rem_euclid(DAY_S);
        assert_eq!(number(&stored, "expires_at"), midnight + 93 * DAY_S);
        assert!(ends <= number(&stored, "expires_at"));
        let month = item(&client, &pk, &format!("V#{}", day.month())).await.unwrap();
        assert!(!month.contains_key("expires_at"), "totals hold for ever");
    }
}

#[tokio::test]
async fn a_mark_may_end() {
    let (client, people) = rig().await;
    let mark = OnceMark {
        rule: RuleId::parse("monthly").unwrap(),
        nth: 2,
        period: "2026-09-01".to_owned(),
        expires_at_s: Some(NOON.secs() + 5),
    };
    people.once(&tenant(), &person_id("ann"), &mark, &conversion_key("1")).await.unwrap();
    let pk = format!("T#acme#P#{}", person_id("ann"));
    let stored = item(&client, &pk, "ONCE#monthly#2#2026-09-01").await.unwrap();
    assert_eq!(number(&stored, "expires_at"), NOON.secs() + 5);
}

#[tokio::test]
async fn a_day_that_is_full_counts_no_more_and_stops_nobody() {
    let (client, people) = rig().await;
    let (ann, at_s) = (person_id("ann"), NOON.secs());
    let full: Vec<String> = (0..2_000).map(|nth| format!("{at_s:010}.{nth:022}")).collect();
    let mut day = Item::new();
    day.insert("pk".to_owned(), AttributeValue::S(format!("T#acme#P#{ann}")));
    day.insert("sk".to_owned(), AttributeValue::S(format!("F#{}", Day::of(at_s).as_str())));
    day.insert("refs".to_owned(), AttributeValue::Ss(full));
    day.insert("c#Purchase".to_owned(), AttributeValue::N("2000".to_owned()));
    client.put_item().table_name(TABLE).set_item(Some(day)).send().await.unwrap();
    let money = usd(2_999);
    people.count(&tenant(), &ann, &counted("Purchase", "1", at_s, Some(money))).await.unwrap();
    let features = people.features(&tenant(), &ann, &Day::of(at_s)).await.unwrap();
    assert_eq!(features.times("Purchase", 1, at_s), 2_000);
    assert_eq!(features.totals_minor[&money.currency], 2_999, "its month has room");
}

#[tokio::test]
async fn what_was_counted_before_a_crash_is_completed_by_the_next_call() {
    let (client, people) = rig().await;
    let ann = person_id("ann");
    let conversion = counted("Purchase", "1", NOON.secs(), Some(usd(2_999)));
    people.count(&tenant(), &ann, &conversion).await.unwrap();
    let text = |text: String| AttributeValue::S(text);
    let month = format!("V#{}", Day::of(NOON.secs()).month());
    let lost = client.delete_item().table_name(TABLE).key("pk", text(format!("T#acme#P#{ann}")));
    lost.key("sk", text(month)).send().await.unwrap();
    people.count(&tenant(), &ann, &conversion).await.unwrap();
    let features = people.features(&tenant(), &ann, &Day::of(0)).await.unwrap();
    assert_eq!(features.times("Purchase", 1, NOON.secs()), 1);
    assert_eq!(features.totals_minor[&usd(0).currency], 2_999);
}

#[tokio::test]
async fn a_table_that_is_gone_is_an_error() {
    let people = DynamoPeople::new(dynamodb().await, "no-such-table".to_owned());
    let (tenant, ann, at) = (tenant(), person_id("ann"), NOON);
    let held = hold("ann", "1", at);
    assert!(people.links(&tenant, &[link("ann")]).await.is_err());
    assert!(people.claim(&tenant, &link("ann"), &ann).await.is_err());
    assert!(people.save(&person("ann")).await.is_err());
    assert!(people.save_both(&person("ann"), &person("bob"), &record("ann", "bob", at)).await.is_err());
    assert!(people.store(&conversion("ann", "1", 0)).await.is_err());
    assert!(people.count(&tenant, &ann, &counted("Lead", "1", 0, None)).await.is_err());
    assert!(people.features(&tenant, &ann, &Day::of(0)).await.is_err());
    assert!(people.remove_conversions(&tenant, &ann, 5).await.is_err());
    assert!(people.hold(&held).await.is_err());
    assert!(people.release(&held).await.is_err());
    assert!(people.make_due(&held, at).await.is_err());
    assert!(people.due(at, 5).await.is_err());
}
