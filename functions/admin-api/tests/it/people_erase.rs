//! Erasing people.

use std::collections::BTreeSet;

use adrelay_aws::events::DynamoEvents;
use adrelay_core::normalize::Sha256Hex;
use adrelay_core::ports::erasure::ErasureList as _;
use adrelay_core::ports::people::{Hold, HoldReason, HoldStore as _};
use serde_json::json;

use crate::people::{person, search};
use crate::people_history::convert;
use crate::rig::{PIXEL, Rig, Shop};

/// Sort keys of all items that are about one of these persons.
async fn left_of(rig: &Rig, ids: &[&String]) -> BTreeSet<String> {
    let items = rig.dynamodb.scan().table_name("people").send().await.unwrap().items.unwrap();
    let about = items.iter().filter(|item| ids.iter().any(|id| format!("{item:?}").contains(id.as_str())));
    about.map(|item| item["sk"].as_s().unwrap().clone()).collect()
}

#[tokio::test]
async fn nothing_but_the_receipt_is_left_of_who_is_erased() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let key = shop.key(&rig, "people").await;
    let jane =
        json!({"email": "jane@example.com", "phone": "+16505551212", "external_ids": {"stripe": "Cus 1"}});
    let jane = person(&rig, &key, jane).await;
    let joan = person(&rig, &key, json!({"external_id": "u1"})).await;
    let ben = person(&rig, &key, json!({"email": "ben@example.com"})).await;
    rig.post(&format!("/api/v1/people/{jane}/merge"), &key, json!({"person_id": joan})).await;
    for (part, event_id) in [(&jane, "1"), (&joan, "2"), (&ben, "3")] {
        let hold = Hold {
            tenant: shop.tenant.parse().unwrap(),
            person: part.parse().unwrap(),
            conversion: convert(&rig, &shop, part, event_id, 1).await,
            reason: HoldReason::Identity,
            since: fakes::NOON,
            until: fakes::NOON.plus_ms(600_000),
            keys_before: Vec::new(),
        };
        rig.people.hold(&hold).await.unwrap();
    }
    assert!(left_of(&rig, &[&jane, &joan]).await.len() > 6);
    let path = format!("/api/v1/people/{jane}");
    let unknown = rig.get(&format!("{path}/erasure"), &key).await;
    assert_eq!(unknown.refusal(), (404, "erasure_unknown"));

    let receipt = rig.delete(&path, &key).await;
    let expected = json!({"person_id": jane, "part_ids": [jane, joan], "state": "done", "by": "people key",
        "erased_at": "2026-09-21T14:13:20Z", "finished_at": "2026-09-21T14:13:20Z",
        "counts": {"parts": 2, "identifiers": 4, "tombstones": 6, "holds": 2, "leads": 0}});
    assert_eq!((receipt.status, &receipt.body), (200, &expected));
    assert_eq!(left_of(&rig, &[&jane, &joan]).await, BTreeSet::from(["ERASED".to_owned()]));
    let bens = left_of(&rig, &[&ben]).await;
    for kept in ["PERSON", "LINK", "CONVERSION", "F#2026-09-21", "V#2026-09"] {
        assert!(bens.contains(kept), "{kept}: {bens:?}");
    }

    rig.clock.advance_ms(60_000);
    for id in [&jane, &joan] {
        let path = format!("/api/v1/people/{id}");
        assert_eq!(rig.delete(&path, &key).await.body, expected, "the same receipt");
        assert_eq!(rig.get(&format!("{path}/erasure"), &key).await.body, expected);
        for gone in ["", "/events", "/features", "/merges"] {
            let reply = rig.get(&format!("{path}{gone}"), &key).await;
            assert_eq!(reply.refusal(), (404, "person_unknown"), "{gone}");
        }
        assert_eq!(rig.patch(&path, &key, json!({})).await.refusal(), (404, "person_unknown"));
    }
    let events = DynamoEvents::new(rig.dynamodb.clone(), "events".to_owned());
    let tombstones = events.tombstones(&shop.tenant.parse().unwrap()).await.unwrap();
    let buried: BTreeSet<&str> = tombstones.iter().map(|tombstone| tombstone.sha256.as_str()).collect();
    let known = ["jane@example.com", "16505551212", "cus1", "u1", &jane, &joan];
    let hashes = known.map(|text| Sha256Hex::of(text).unwrap());
    assert_eq!(buried, hashes.iter().map(Sha256Hex::as_str).collect());

    assert!(search(&rig, &key, json!({"identity": {"email": "jane@example.com"}})).await.is_empty());
    let back = person(&rig, &key, json!({"email": "jane@example.com"})).await;
    assert_ne!(back, jane, "who comes back is somebody new");
}

#[tokio::test]
async fn nobody_is_erased_who_is_not_there() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    for id in ["per_ghost", "jane@example.com"] {
        let reply = rig.delete(&format!("/api/v1/people/{id}"), &shop.admin).await;
        assert_eq!(reply.refusal(), (404, "person_unknown"));
    }
}
