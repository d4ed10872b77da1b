use adrelay_aws::events::DynamoEvents;
use adrelay_core::message::Held;
use adrelay_core::ports::receipts::ReceiptWriter as _;
use adrelay_core::receipt::{BatchIndexEntry, Outcome, ReceiptKey, Status, Trust};
use serde_json::{Value, json};

use crate::rig::{PIXEL, ROOT, Rig, Shop};

fn outcome(shop: &Shop, source: &str, event_id: &str, name: &str, status: Status) -> Outcome {
    Outcome {
        key: ReceiptKey {
            tenant: shop.tenant.parse().unwrap(),
            event_id: event_id.parse().unwrap(),
            pixel_id: PIXEL.parse().unwrap(),
            event_name: name.parse().unwrap(),
            trust: Trust::Server,
        },
        source: source.parse().unwrap(),
        status,
        reason: (status == Status::Rejected).then(|| "meta_100_2804050".to_owned()),
        code: (status == Status::Rejected).then_some(100),
        subcode: (status == Status::Rejected).then_some(2_804_050),
        fbtrace_id: Some("trace".to_owned()),
        attempts: 0,
        event_time: fakes::NOON.secs(),
        queued_at: fakes::NOON,
        at: fakes::NOON,
        next_try_at: None,
        message: "m1".parse().unwrap(),
        copies: 1,
        user_data_keys: vec!["em".into()],
        held: None,
    }
}

/// Writes receipts and their lines of the index, as dispatch does.
async fn dispatched(rig: &Rig, outcomes: &[Outcome]) {
    let events = DynamoEvents::new(rig.dynamodb.clone(), "events".to_owned());
    for (nth, outcome) in outcomes.iter().enumerate() {
        let line = BatchIndexEntry {
            tenant: outcome.key.tenant.clone(),
            source: outcome.source.clone(),
            status: outcome.status,
            at: outcome.at,
            batch: format!("b{nth:03}"),
            pixel_id: outcome.key.pixel_id.clone(),
            trust: outcome.key.trust,
            events: vec![(outcome.key.event_name.clone(), vec![outcome.key.event_id.clone()])],
            count: 1,
            keys: outcome.user_data_keys.iter().map(|key| (key.clone(), 1)).collect(),
        };
        events.index(&[line]).await.unwrap();
    }
    assert_eq!(events.record(outcomes).await, vec![Ok(()); outcomes.len()]);
}

fn ids(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|receipt| receipt["event_id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn one_query_says_what_became_of_an_event() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let outcomes = [
        outcome(&shop, "shop", "order 42/é", "Purchase", Status::Sent),
        outcome(&shop, "shop", "order 42/é", "Lead", Status::Rejected),
    ];
    dispatched(&rig, &outcomes).await;
    // As a client encodes it, and as the gateway passes it on.
    for path in ["order%2042%2F%C3%A9", "order%2042/%C3%A9"] {
        let found = rig.get(&format!("/api/v1/events/{path}?event_name=Lead"), &shop.admin).await;
        insta::allow_duplicates! { insta::assert_json_snapshot!(found.body, @r#"
        {
          "items": [
            {
              "attempts": 0,
              "code": 100,
              "event_id": "order 42/é",
              "event_name": "Lead",
              "event_time": 1790000000,
              "fbtrace_id": "trace",
              "next_try_at": null,
              "pixel_id": "1234567890",
              "queued_at": "2026-09-21T14:13:20Z",
              "reason": "meta_100_2804050",
              "repeats": 0,
              "source_id": "shop",
              "status": "rejected",
              "subcode": 2804050,
              "trust": "server",
              "updated_at": "2026-09-21T14:13:20Z",
              "user_data_keys": [
                "em"
              ]
            }
          ],
          "next_cursor": null
        }
        "#) };
    }
    let all = rig.get(&format!("/api/v1/events/order%2042%2F%C3%A9?tenant_id={}", shop.tenant), ROOT).await;
    assert_eq!(all.body["items"].as_array().unwrap().len(), 2);
    let none = rig.get("/api/v1/events/order%2042%2F%C3%A9?pixel_id=5", &shop.admin).await;
    assert_eq!(none.refusal(), (404, "event_unknown"));
    assert_eq!(rig.get("/api/v1/events/other", &shop.admin).await.refusal(), (404, "event_unknown"));
}

#[tokio::test]
async fn a_receipt_shows_what_a_hold_added() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let held = Held { since: fakes::NOON.plus_ms(-900_000), keys_before: vec!["fbp".into()] };
    let outcome = Outcome { held: Some(held), ..outcome(&shop, "shop", "e1", "Lead", Status::Sent) };
    dispatched(&rig, &[outcome]).await;
    let receipt = rig.get("/api/v1/events/e1", &shop.admin).await.body["items"][0].take();
    assert_eq!(receipt["held_since"], "2026-09-21T13:58:20Z");
    assert_eq!((&receipt["keys_before"], &receipt["user_data_keys"]), (&json!(["fbp"]), &json!(["em"])));
}

#[tokio::test]
async fn an_ingest_key_sees_what_its_own_source_sent() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let key = shop.key(&rig, "ingest").await;
    let outcomes = [
        outcome(&shop, "shop", "e1", "Lead", Status::Sent),
        outcome(&shop, "other", "e1", "Purchase", Status::Sent),
        outcome(&shop, "other", "e2", "Lead", Status::Sent),
    ];
    dispatched(&rig, &outcomes).await;
    let seen = rig.get("/api/v1/events/e1", &key).await;
    assert_eq!(seen.body["items"].as_array().unwrap().len(), 1);
    assert_eq!(seen.body["items"][0]["source_id"], "shop");
    assert_eq!(rig.get("/api/v1/events/e2", &key).await.refusal(), (404, "event_unknown"));
    let named = rig.get("/api/v1/events/e1?tenant_id=other", &key).await;
    assert_eq!(named.refusal(), (403, "tenant_forbidden"));
}

#[tokio::test]
async fn receipts_are_listed_by_source_status_and_day() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let mut outcomes: Vec<Outcome> =
        (0..5).map(|nth| outcome(&shop, "shop", &format!("s{nth}"), "Lead", Status::Sent)).collect();
    outcomes.push(outcome(&shop, "shop", "r0", "Lead", Status::Rejected));
    dispatched(&rig, &outcomes).await;
    let mut sent = Vec::new();
    let mut cursor = String::new();
    let mut pages = 0;
    while pages < 10 {
        let path = format!("/api/v1/events?source_id=shop&status=sent&limit=2{cursor}");
        let page = rig.get(&path, &shop.admin).await.body;
        sent.extend(ids(&page).into_iter().map(str::to_owned));
        pages += 1;
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(pages, 3);
    sent.sort();
    assert_eq!(sent, ["s0", "s1", "s2", "s3", "s4"]);
    let rejected = rig.get("/api/v1/events?source_id=shop&status=rejected", &shop.admin).await;
    assert_eq!(ids(&rejected.body), ["r0"]);
    let day = fakes::NOON.utc_day();
    let all = rig.get(&format!("/api/v1/events?source_id=shop&day={day}"), &shop.admin).await;
    assert_eq!(ids(&all.body).len(), 6);
    let other_day = rig.get("/api/v1/events?source_id=shop&day=2020-01-01", &shop.admin).await;
    assert_eq!(other_day.body, json!({"items": [], "next_cursor": null}));
}

#[tokio::test]
async fn a_list_of_receipts_wants_a_source_that_exists_and_words_that_are_known() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    for (query, expected) in [
        ("", (422, "required")),
        ("source_id=ghost", (404, "source_unknown")),
        ("source_id=shop&status=queued", (422, "invalid")),
        ("source_id=shop&day=yesterday", (422, "invalid")),
        ("source_id=shop&cursor=nonsense", (422, "invalid")),
    ] {
        let reply = rig.get(&format!("/api/v1/events?{query}"), &shop.admin).await;
        assert_eq!(reply.refusal(), expected, "{query}");
    }
}
