//! What people did.

use adrelay_core::conversion::{CONVERSION_PURPOSE, ConversionBody};
use adrelay_core::ids::{ConversionKey, EventId, EventName, PersonId, SourceId, TenantId};
use adrelay_core::money::{Currency, Money};
use adrelay_core::people::{Counted, Pii};
use adrelay_core::ports::people::{ConversionStore as _, StoredConversion};
use adrelay_core::seal::Secret;
use serde_json::{Value, json};

use crate::people::person;
use crate::rig::{PIXEL, Rig, Shop};

/// Stores and counts a conversion, as track-conversion does.
pub(crate) async fn convert(
    rig: &Rig,
    shop: &Shop,
    id: &str,
    event_id: &str,
    minutes_ago: i64,
) -> ConversionKey {
    let (tenant, person): (TenantId, PersonId) = (shop.tenant.parse().unwrap(), id.parse().unwrap());
    let (source, event_name): (SourceId, EventName) = ("shop".parse().unwrap(), "Purchase".parse().unwrap());
    let event_id: EventId = event_id.parse().unwrap();
    let key = ConversionKey::of(&source, &event_name, &event_id);
    let metadata = json!({"note": "for jane@example.com"});
    let body =
        ConversionBody { metadata: metadata.as_object().unwrap().clone(), ..ConversionBody::default() };
    let pii = Pii::new(rig.secrets.clone(), "keyring-pii".to_owned(), "lookup".to_owned());
    let text = Secret::new(serde_json::to_string(&body).unwrap());
    let sealed = pii.seal(&tenant, key.as_str(), CONVERSION_PURPOSE, text, [7; 12]).await.unwrap();
    let money = Some(Money { currency: Currency::parse("EUR").unwrap(), minor: 950 });
    let at_s = fakes::NOON.secs() - minutes_ago * 60;
    let counted = Counted { key: key.clone(), event_name: event_name.clone(), at_s, money };
    let stored = StoredConversion {
        tenant: tenant.clone(),
        key: key.clone(),
        person: person.clone(),
        source,
        event_name,
        event_id,
        at_s,
        stored_at: fakes::NOON,
        money,
        sealed,
    };
    rig.people.store(&stored).await.unwrap();
    rig.people.count(&tenant, &person, &counted).await.unwrap();
    key
}

async fn merged(rig: &Rig, shop: &Shop) -> [String; 2] {
    let jane = person(rig, &shop.admin, json!({"email": "jane@example.com"})).await;
    let joan = person(rig, &shop.admin, json!({"phone": "+16505551212"})).await;
    rig.post(&format!("/api/v1/people/{jane}/merge"), &shop.admin, json!({"person_id": joan})).await;
    [jane, joan]
}

#[tokio::test]
async fn conversions_of_all_parts_are_listed_newest_first() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let [jane, joan] = merged(&rig, &shop).await;
    for nth in 0..7 {
        let part = if nth % 3 == 0 { &joan } else { &jane };
        convert(&rig, &shop, part, &format!("e {nth}/+"), nth * 700).await;
    }
    let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    while pages < 10 {
        let path = format!("/api/v1/people/{joan}/events?limit=3{cursor}");
        let page = rig.get(&path, &shop.admin).await.body;
        seen.extend(page["items"].as_array().unwrap_or_else(|| panic!("{page}")).iter().cloned());
        pages += 1;
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let ids: Vec<&str> = seen.iter().map(|event| event["event_id"].as_str().unwrap()).collect();
    assert_eq!((pages, ids), (3, vec!["e 0/+", "e 1/+", "e 2/+", "e 3/+", "e 4/+", "e 5/+", "e 6/+"]));
    let expected = json!({"event_name": "Purchase", "event_id": "e 0/+", "event_time": fakes::NOON.secs(),
        "source_id": "shop", "person_id": joan, "value": {"minor": 950, "currency": "EUR"},
        "metadata": {"note": "for jane@example.com"}, "receipts": "/api/v1/events/e%200%2F%2B"});
    assert_eq!(seen[0], expected);
    let receipts = rig.get(expected["receipts"].as_str().unwrap(), &shop.admin).await;
    assert_eq!(receipts.refusal(), (404, "event_unknown"), "a path that is understood");
    let bad = rig.get(&format!("/api/v1/people/{jane}/events?cursor=nonsense"), &shop.admin).await;
    assert_eq!(bad.refusal(), (422, "invalid"));
}

#[tokio::test]
async fn features_add_up_over_all_parts() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let [jane, joan] = merged(&rig, &shop).await;
    let day_min = 24 * 60;
    for (part, id, minutes_ago) in
        [(&jane, "1", 0), (&joan, "2", 1), (&joan, "3", day_min), (&jane, "4", 100 * day_min)]
    {
        convert(&rig, &shop, part, id, minutes_ago).await;
    }
    let features = rig.get(&format!("/api/v1/people/{joan}/features"), &shop.admin).await.body;
    assert_eq!(features["person_id"], jane.as_str());
    assert_eq!(features["days"], json!({"2026-09-20": {"Purchase": 1}, "2026-09-21": {"Purchase": 2}}));
    assert_eq!(features["totals_minor"], json!({"EUR": 3_800}), "of all time");
    assert_eq!(features["last_seen"], "2026-09-21T14:13:20Z");
    assert!(features["first_seen"].as_str().unwrap() < "2026-06-14", "{features}");
    let nothing = person(&rig, &shop.admin, json!({"email": "new@example.com"})).await;
    let features = rig.get(&format!("/api/v1/people/{nothing}/features"), &shop.admin).await.body;
    assert_eq!((&features["days"], &features["first_seen"]), (&json!({}), &Value::Null));
}
