//! Changing people.

use adrelay_core::ids::ConversionKey;
use adrelay_core::ports::people::{Hold, HoldReason, HoldStore as _};
use serde_json::{Value, json};

use crate::people::{person, search};
use crate::rig::{PIXEL, Rig, Shop};

async fn change(rig: &Rig, shop: &Shop, id: &str, body: Value) -> Value {
    let reply = rig.patch(&format!("/api/v1/people/{id}"), &shop.admin, body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.body
}

#[tokio::test]
async fn properties_are_set_and_removed_name_by_name() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let jane = person(&rig, &shop.admin, json!({"email": "jane@example.com"})).await;
    change(&rig, &shop, &jane, json!({"properties": {"a": 1, "b": {"c": [true]}}})).await;
    let shown = change(&rig, &shop, &jane, json!({"properties": {"a": null, "d": "x"}})).await;
    assert_eq!(shown["properties"], json!({"b": {"c": [true]}, "d": "x"}));
    let many: Value = (0..63).map(|nth| (format!("p{nth}"), json!(nth))).collect();
    let path = format!("/api/v1/people/{jane}");
    let refused = rig.patch(&path, &shop.admin, json!({"properties": many})).await;
    assert_eq!(refused.refusal(), (422, "too_many"));
    let unchanged = rig.get(&path, &shop.admin).await.body;
    assert_eq!(unchanged["properties"], shown["properties"]);
}

#[tokio::test]
async fn a_property_that_is_removed_does_not_show_again_through_another_part() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let jane = person(&rig, &shop.admin, json!({"email": "jane@example.com"})).await;
    let joan = person(&rig, &shop.admin, json!({"phone": "+16505551212"})).await;
    change(&rig, &shop, &jane, json!({"properties": {"plan": "pro"}})).await;
    change(&rig, &shop, &joan, json!({"properties": {"plan": "free", "age": 7}})).await;
    rig.post(&format!("/api/v1/people/{jane}/merge"), &shop.admin, json!({"person_id": joan})).await;
    let shown = change(&rig, &shop, &joan, json!({"properties": {"age": 8}})).await;
    assert_eq!(shown["properties"], json!({"plan": "pro", "age": 8}));
    let shown = change(&rig, &shop, &jane, json!({"properties": {"plan": null, "age": null}})).await;
    assert_eq!(shown["properties"], json!({}));
    // What is posted by an identifier of the other part is said of the whole person, too.
    let body = json!({"identity": {"phone": "+16505551212"}, "properties": {"plan": "team"}});
    let shown = rig.post("/api/v1/people", &shop.admin, body).await;
    assert_eq!((shown.status, &shown.body["properties"]), (200, &json!({"plan": "team"})));
}

#[tokio::test]
async fn an_identifier_of_somebody_else_is_refused_with_their_id() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let jane = person(&rig, &shop.admin, json!({"email": "jane@example.com"})).await;
    let john = person(&rig, &shop.admin, json!({"phone": "+16505551212"})).await;
    let wanted =
        json!({"identity": {"phone": "+16505551212", "external_ids": {"stripe": "cus_1"}, "city": "Graz"}});
    let path = format!("/api/v1/people/{jane}");
    let refused = rig.patch(&path, &shop.admin, wanted).await;
    assert_eq!(refused.refusal(), (409, "identifier_taken"));
    assert!(refused.body["detail"].as_str().unwrap().contains(&john), "{}", refused.text);
    assert!(!refused.text.contains("6505551212"), "{}", refused.text);
    let shown = rig.get(&path, &shop.admin).await.body;
    assert_eq!((&shown["identity"]["external_ids"], &shown["identity"]["city"]), (&json!([]), &Value::Null));
    let free = json!({"identity": {"external_id": "cus_1", "provider": "stripe"}});
    assert!(search(&rig, &shop.admin, free).await.is_empty());

    let wanted = json!({"identity": {"external_ids": {"stripe": "cus_1"}, "city": "Graz"}});
    let shown = change(&rig, &shop, &jane, wanted).await;
    assert_eq!(shown["identity"]["external_ids"], json!([{"provider": "stripe", "id": "cus_1"}]));
    assert_eq!(shown["identity"]["city"], "Graz");
    let found = json!({"identity": {"external_ids": {"stripe": "cus_1"}}});
    assert_eq!(search(&rig, &shop.admin, found).await, [jane]);
}

#[tokio::test]
async fn a_stage_follows_from_all_that_spoke_for_one() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let jane = person(&rig, &shop.admin, json!({"email": "jane@example.com"})).await;
    let shown = change(&rig, &shop, &jane, json!({"lifecycle_stage": "customer"})).await;
    assert_eq!(shown["lifecycle_stage"], "customer");
    assert_eq!(shown["lifecycle_since"], "2026-09-21T14:13:20Z");
    rig.clock.advance_ms(60_000);
    let shown = change(&rig, &shop, &jane, json!({"lifecycle_stage": "lead"})).await;
    assert_eq!(shown["lifecycle_stage"], "customer", "nobody falls back");
    let shown = change(&rig, &shop, &jane, json!({"lifecycle_stage": "churned"})).await;
    assert_eq!(shown["lifecycle_stage"], "churned");
    assert_eq!(shown["lifecycle_since"], "2026-09-21T14:14:20Z");
}

#[tokio::test]
async fn a_consent_makes_what_every_part_holds_due_at_once() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let jane = person(&rig, &shop.admin, json!({"email": "jane@example.com"})).await;
    let joan = person(&rig, &shop.admin, json!({"phone": "+16505551212"})).await;
    let mut waiting = Vec::new();
    for (part, key) in [(&jane, "a"), (&joan, "b")] {
        let hold = Hold {
            tenant: shop.tenant.parse().unwrap(),
            person: part.parse().unwrap(),
            conversion: ConversionKey::parse(&key.repeat(22)).unwrap(),
            reason: HoldReason::Consent,
            since: fakes::NOON,
            until: fakes::NOON.plus_ms(24 * 3_600_000),
            keys_before: Vec::new(),
        };
        rig.people.hold(&hold).await.unwrap();
        waiting.push(hold.conversion);
    }
    rig.post(&format!("/api/v1/people/{jane}/merge"), &shop.admin, json!({"person_id": joan})).await;
    let soon = fakes::NOON.plus_ms(120_000);
    assert!(rig.people.due(soon, 10).await.unwrap().is_empty());
    let shown = change(&rig, &shop, &joan, json!({"consent": "denied"})).await;
    assert_eq!(shown["consent"], json!({"status": "denied", "at": "2026-09-21T14:13:20Z"}));
    let mut due: Vec<ConversionKey> =
        rig.people.due(soon, 10).await.unwrap().into_iter().map(|hold| hold.conversion).collect();
    due.sort();
    assert_eq!(due, waiting);
}

#[tokio::test]
async fn nobody_is_changed_who_is_not_there() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    for id in ["per_ghost", "not%20an%20id"] {
        let reply = rig.patch(&format!("/api/v1/people/{id}"), &shop.admin, json!({})).await;
        assert_eq!(reply.refusal(), (404, "person_unknown"));
    }
}
