use adrelay_aws::events::DynamoEvents;
use adrelay_core::ports::receipts::ReceiptWriter as _;
use adrelay_core::receipt::{BatchIndexEntry, Status, Trust};
use serde_json::{Value, json};

use crate::rig::{PIXEL, Rig, Shop};

fn all_fields() -> Value {
    json!({"id": "app", "name": "The App", "pixel_ids": [PIXEL], "default_country": "de", "flags": ["vip", "b2b"],
        "plan": "gold", "consent_policy": "limited_data_use", "consent_hold_hours": 48,
        "hold_event_names": ["Lead"], "hold_minutes": 5, "allowed_origins": ["https://App.example.com"],
        "public_event_names": ["Lead"], "ad_account_id": "123", "page_id": "456", "display_name": "App",
        "photo_url": "https://example.com/a.png", "profile_url": "https://example.com/"})
}

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|source| source["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_source_keeps_every_field() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let created = rig.post("/api/v1/sources", &shop.admin, all_fields()).await;
    insta::assert_json_snapshot!(created.body, {".tenant_id" => "ten_…"}, @r#"
    {
      "ad_account_id": "act_123",
      "allowed_origins": [
        "https://app.example.com"
      ],
      "consent_hold_hours": 48,
      "consent_policy": "limited_data_use",
      "created_at": "2026-09-21T14:13:20Z",
      "default_country": "DE",
      "display_name": "App",
      "flags": [
        "b2b",
        "vip"
      ],
      "hold_event_names": [
        "Lead"
      ],
      "hold_minutes": 5,
      "id": "app",
      "name": "The App",
      "page_id": "456",
      "photo_url": "https://example.com/a.png",
      "pixel_ids": [
        "1234567890"
      ],
      "plan": "gold",
      "profile_url": "https://example.com/",
      "public_event_names": [
        "Lead"
      ],
      "tenant_id": "ten_…",
      "updated_at": "2026-09-21T14:13:20Z"
    }
    "#);
    assert_eq!(rig.get("/api/v1/sources/app", &shop.admin).await.body, created.body);
    let again = rig.post("/api/v1/sources", &shop.admin, all_fields()).await;
    assert_eq!(again.refusal(), (409, "already_exists"));
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_null_empties() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let before = rig.post("/api/v1/sources", &shop.admin, all_fields()).await.body;
    rig.clock.advance_ms(1_000);
    let changed = rig
        .patch("/api/v1/sources/app", &shop.admin, json!({"name": "New", "plan": null, "flags": null}))
        .await;
    let mut expected = before.clone();
    for (field, value) in [
        ("name", json!("New")),
        ("plan", Value::Null),
        ("flags", json!([])),
        ("updated_at", json!("2026-09-21T14:13:21Z")),
    ] {
        expected[field] = value;
    }
    assert_eq!(changed.body, expected);
    assert_eq!(rig.get("/api/v1/sources/app", &shop.admin).await.body, expected);
}

#[tokio::test]
async fn pixels_of_a_source_are_pixels_of_its_tenant() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let other = Shop::open(&rig, "5").await;
    let body = json!({"id": "x", "name": "X", "pixel_ids": [PIXEL, "5"]});
    let reply = rig.post("/api/v1/sources", &shop.admin, body).await;
    assert_eq!(reply.refusal(), (422, "pixel_unknown"));
    let reply = rig.patch("/api/v1/sources/shop", &other.admin, json!({"pixel_ids": [PIXEL]})).await;
    assert_eq!(reply.refusal(), (422, "pixel_unknown"));
}

#[tokio::test]
async fn a_list_is_filtered_and_paged_without_losing_any() {
    let rig = Rig::empty().await;
    let shop = Shop::bare(&rig, "Shop").await;
    for nth in 0..7 {
        let flags = if nth % 2 == 0 { json!(["b2b"]) } else { json!([]) };
        let body =
            json!({"id": format!("s{nth}"), "name": format!("Name {nth}"), "pixel_ids": [], "flags": flags});
        rig.post("/api/v1/sources", &shop.admin, body).await.id();
    }
    let by_flag = rig.get("/api/v1/sources?flag=b2b", &shop.admin).await;
    assert_eq!(names(&by_flag.body), ["s0", "s2", "s4", "s6"]);
    assert_eq!(by_flag.body["next_cursor"], Value::Null);
    assert_eq!(names(&rig.get("/api/v1/sources?q=NAME%203", &shop.admin).await.body), ["s3"]);
    assert_eq!(names(&rig.get("/api/v1/sources?q=S5", &shop.admin).await.body), ["s5"]);

    let first = rig.get("/api/v1/sources?flag=b2b&limit=3", &shop.admin).await.body;
    assert_eq!(names(&first), ["s0", "s2", "s4"]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second =
        rig.get(&format!("/api/v1/sources?flag=b2b&limit=3&cursor={cursor}"), &shop.admin).await.body;
    assert_eq!((names(&second), &second["next_cursor"]), (vec!["s6"], &Value::Null));
}

#[tokio::test]
async fn counts_per_event_name_and_status_come_with_the_list() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let events = DynamoEvents::new(rig.dynamodb.clone(), "events".to_owned());
    let line = |status, names: &[(&str, usize)]| BatchIndexEntry {
        tenant: shop.tenant.parse().unwrap(),
        source: "shop".parse().unwrap(),
        status,
        at: fakes::NOON,
        batch: "b1".to_owned(),
        pixel_id: PIXEL.parse().unwrap(),
        trust: Trust::Server,
        count: 1,
        keys: std::collections::BTreeMap::new(),
        events: names
            .iter()
            .map(|(name, n)| {
                (name.parse().unwrap(), (0..*n).map(|i| format!("{name}-{i}").parse().unwrap()).collect())
            })
            .collect(),
    };
    let lines = [line(Status::Sent, &[("Lead", 3), ("Purchase", 1)]), line(Status::Rejected, &[("Lead", 1)])];
    events.index(&lines).await.unwrap();
    let list = rig.get("/api/v1/sources?include=counts", &shop.admin).await;
    let expected = json!({"day": fakes::NOON.utc_day(), "truncated": false,
        "by_event_name": {"Lead": {"sent": 3, "rejected": 1}, "Purchase": {"sent": 1}}});
    assert_eq!(list.body["items"][0]["counts"], expected);
    let one = rig.get("/api/v1/sources/shop?include=counts&day=2020-01-01", &shop.admin).await;
    assert_eq!(one.body["counts"]["by_event_name"], json!({}));
    assert_eq!(rig.get("/api/v1/sources?day=2020-01-01", &shop.admin).await.refusal(), (422, "invalid"));
    assert_eq!(rig.get("/api/v1/sources?include=all", &shop.admin).await.refusal(), (422, "invalid"));
}
