//! What rules would make of a sample event, as it is told.

use serde_json::{Value, json};

use crate::rig::{PIXEL, Reply, Rig, Shop};

async fn explain(rig: &Rig, shop: &Shop, sample: Value) -> Reply {
    let mut sample = sample;
    if sample["source_id"].is_null() {
        sample["source_id"] = json!("shop");
    }
    rig.post("/api/v1/rules/explain", &shop.admin, sample).await
}

async fn rig_with_defaults() -> (Rig, Shop) {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    assert_eq!(rig.post("/api/v1/rules/defaults", &shop.admin, json!({})).await.status, 200);
    (rig, shop)
}

#[tokio::test]
async fn a_conversion_that_a_rule_translates() {
    let (rig, shop) = rig_with_defaults().await;
    let event = json!({"event_name": "subscription_purchased", "event_id": "order-7", "currency": "eur",
        "metadata": {"plan_price": 29}});
    let person = json!({"stage": "activated", "times": {"CallStarted": 2}});
    let told = explain(&rig, &shop, json!({"event": event, "person": person})).await;
    let expected = json!({
        "version": 1,
        "would_send": [{"event_name": "Purchase", "event_id": "order-7", "rule": "subscription",
            "custom_data": {"currency": "EUR", "value": 29}, "pixels": [PIXEL]}],
        "would_not_send": [{"event_name": "subscription_purchased", "event_id": "order-7",
            "reasons": [{"code": "replaced_by_rules"}]}],
        "stage": "customer",
        "considered": [{"rule": "subscription", "outcome": "matched"}],
    });
    assert_eq!((told.status, told.body), (200, expected));
}

#[tokio::test]
async fn a_purchase_without_its_price_is_told_to_be_refused() {
    let (rig, shop) = rig_with_defaults().await;
    let event =
        json!({"event_name": "subscription_purchased", "currency": "EUR", "metadata": {"plan_price": "29"}});
    let told = explain(&rig, &shop, json!({"event": event})).await.body;
    assert_eq!(told["would_send"], json!([]));
    let reasons = json!([{"field": "custom_data.value", "code": "value_missing"},
        {"field": "custom_data.currency", "code": "currency_missing"}]);
    assert_eq!(
        (&told["would_not_send"][1]["event_id"], &told["would_not_send"][1]["reasons"]),
        (&json!("sample"), &reasons)
    );
    let left_out = json!([{"fire": 0, "field": "value", "because": "wrong_type"}]);
    assert_eq!(told["considered"][0]["left_out"], left_out);
}

#[tokio::test]
async fn an_event_that_goes_out_as_it_is() {
    let (rig, shop) = rig_with_defaults().await;
    let event =
        json!({"event_name": "Purchase", "custom_data": {"value": 5, "currency": "usd", "order_id": "1"}});
    let told = explain(&rig, &shop, json!({"event": event})).await.body;
    let data = json!({"currency": "USD", "order_id": "1", "value": 5});
    assert_eq!((&told["would_send"][0]["custom_data"], &told["would_not_send"]), (&data, &json!([])));
    let event = json!({"event_name": "seen", "value": 5, "currency": "USD", "metadata": {"secret": "x"}});
    let told = explain(&rig, &shop, json!({"event": event})).await.body;
    let data = json!({"currency": "USD", "source_product": "shop", "value": 5});
    assert_eq!(told["would_send"][0]["custom_data"], data, "a conversion's metadata stays ours");
    assert_eq!((&told["stage"], &told["considered"]), (&Value::Null, &json!([])));
}

#[tokio::test]
async fn a_draft_is_explained_without_being_stored() {
    let (rig, shop) = rig_with_defaults().await;
    let draft = json!([
        {"id": "b2b", "events": ["a"], "when": [{"source_has_flag": "b2b"}], "fire": [{"event_name": "Contact"}]},
        {"id": "often", "events": ["a"], "when": [{"person_times": {"event_name": "b", "days": 30, "at_least": 2}}],
            "fire": [{"event_name": "Lead", "once": {"days": 30}}, {"event_name": "Lead"}]}]);
    let sample = json!({"event": {"event_name": "a", "event_id": "e"}, "rules": draft});
    let told = explain(&rig, &shop, sample.clone()).await.body;
    assert_eq!(told["would_send"][0]["event_name"], "a");
    let considered = json!([
        {"rule": "b2b", "outcome": "not_matched", "because": "flag_absent", "condition": 0},
        {"rule": "often", "outcome": "not_matched", "because": "needs_person", "condition": 0}]);
    assert_eq!((&told["version"], &told["considered"]), (&Value::Null, &considered));

    let mut known = sample;
    known["person"] = json!({"times": {"b": 2}});
    let told = explain(&rig, &shop, known).await.body;
    let sent = told["would_send"].as_array().unwrap();
    let ids: Vec<(&Value, &Value)> = sent.iter().map(|sent| (&sent["event_id"], &sent["once"])).collect();
    assert_eq!(ids, [(&json!("e"), &json!({"days": 30})), (&json!("e.2"), &Value::Null)]);
    assert_eq!(rig.get("/api/v1/rules", &shop.admin).await.body["version"], 1);
}

#[tokio::test]
async fn a_source_without_pixels_sends_nothing() {
    let (rig, shop) = rig_with_defaults().await;
    rig.post("/api/v1/sources", &shop.admin, json!({"id": "quiet", "name": "Quiet", "pixel_ids": []})).await;
    let sample = json!({"source_id": "quiet", "event": {"event_name": "signup"}});
    let told = explain(&rig, &shop, sample).await.body;
    assert_eq!(told["would_send"], json!([]));
    assert_eq!(told["would_not_send"][1]["reasons"], json!([{"code": "source_has_no_pixel"}]));
}

#[tokio::test]
async fn a_sample_is_read_strictly() {
    let (rig, shop) = rig_with_defaults().await;
    for (sample, field, code) in [
        (json!({}), "event", "required"),
        (json!({"event": {}}), "event.event_name", "required"),
        (json!({"event": {"event_name": "a", "colour": 1}}), "event.colour", "unknown_field"),
        (json!({"event": {"event_name": "a", "currency": "x"}}), "event.currency", "invalid"),
        (
            json!({"event": {"event_name": "a", "metadata": {}, "custom_data": {}}}),
            "event.custom_data",
            "invalid",
        ),
        (json!({"event": {"event_name": "a"}, "person": {"stage": "fan"}}), "person.stage", "invalid"),
        (json!({"event": {"event_name": "a"}, "person": {"times": {"b": -1}}}), "person.times", "invalid"),
        (
            json!({"event": {"event_name": "a"}, "rules": [{"id": "r", "stage": "lead"}]}),
            "rules[0].events",
            "required",
        ),
    ] {
        let reply = explain(&rig, &shop, sample.clone()).await;
        let errors = reply.body["errors"].as_array().unwrap();
        let told: Vec<(&str, &str)> =
            errors.iter().map(|e| (e["field"].as_str().unwrap(), e["code"].as_str().unwrap())).collect();
        assert_eq!((reply.status, told), (422, vec![(field, code)]), "{sample}");
    }
    let reply = explain(&rig, &shop, json!({"source_id": "nobody", "event": {"event_name": "a"}})).await;
    assert_eq!(reply.refusal(), (404, "source_unknown"));
}
