use adrelay_aws::events::DynamoEvents;
use adrelay_core::ports::receipts::ReceiptWriter as _;
use adrelay_core::receipt::{BatchIndexEntry, Status, Trust};
use adrelay_core::time::UnixMillis;
use serde_json::{Value, json};

use crate::rig::{PIXEL, ROOT, Rig, Shop};

const DAY_MS: i64 = 86_400_000;

/// Writes a line as dispatch does.
async fn line(
    rig: &Rig,
    tenant: &str,
    source: &str,
    at: UnixMillis,
    status: Status,
    keys: &[(&str, u64)],
    count: u64,
) {
    let events = DynamoEvents::new(rig.dynamodb.clone(), "events".to_owned());
    let ids = (0..count).map(|n| format!("e{n}").parse().unwrap()).collect();
    let line = BatchIndexEntry {
        tenant: tenant.parse().unwrap(),
        source: source.parse().unwrap(),
        status,
        at,
        batch: format!("{}{}", status.as_str(), keys.len()),
        pixel_id: PIXEL.parse().unwrap(),
        trust: Trust::Server,
        events: vec![("Lead".parse().unwrap(), ids)],
        count,
        keys: keys.iter().map(|(key, count)| ((*key).into(), *count)).collect(),
    };
    events.index(&[line]).await.unwrap();
}

async fn two_products(rig: &Rig) -> Shop {
    let shop = Shop::open(rig, PIXEL).await;
    let body = json!({"id": "app", "name": "The app", "pixel_ids": []});
    rig.post("/api/v1/sources", &shop.admin, body).await.id();
    shop
}

fn rows(body: &Value) -> Vec<(&str, &str, u64)> {
    let row = |row: &'_ Value| row["events"].as_u64().unwrap();
    body["days"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| (r["day"].as_str().unwrap(), r["source_id"].as_str().unwrap(), row(r)))
        .collect()
}

#[tokio::test]
async fn each_product_and_day_has_a_row_with_its_counts_and_coverage() {
    let rig = Rig::empty().await;
    let shop = two_products(&rig).await;
    let (now, tenant) = (fakes::NOON, shop.tenant.as_str());
    line(&rig, tenant, "shop", now, Status::Sent, &[("em", 2), ("fbp", 3)], 3).await;
    line(&rig, tenant, "shop", now, Status::Sent, &[("em", 3)], 3).await;
    line(&rig, tenant, "shop", now, Status::Rejected, &[("em", 1)], 1).await;
    line(&rig, tenant, "shop", now, Status::Skipped, &[], 2).await;
    line(&rig, tenant, "shop", now, Status::Waiting, &[("em", 9)], 9).await;
    line(&rig, tenant, "shop", now.plus_ms(-DAY_MS), Status::Erased, &[("em", 1)], 1).await;
    line(&rig, tenant, "app", now, Status::Expired, &[("em", 1)], 1).await;
    let summary = rig.get("/api/v1/products/summary", &shop.admin).await;
    insta::assert_json_snapshot!(summary.body, @r#"
    {
      "days": [
        {
          "day": "2026-09-20",
          "erased": 1,
          "events": 1,
          "expired": 0,
          "forwarded": 0,
          "match_keys": {},
          "rejected": 0,
          "skipped": 0,
          "source_id": "shop"
        },
        {
          "day": "2026-09-21",
          "erased": 0,
          "events": 1,
          "expired": 1,
          "forwarded": 0,
          "match_keys": {},
          "rejected": 0,
          "skipped": 0,
          "source_id": "app"
        },
        {
          "day": "2026-09-21",
          "erased": 0,
          "events": 9,
          "expired": 0,
          "forwarded": 6,
          "match_keys": {
            "em": {
              "events": 5,
              "percent": 83.3
            },
            "fbp": {
              "events": 3,
              "percent": 50.0
            }
          },
          "rejected": 1,
          "skipped": 2,
          "source_id": "shop",
          "waiting_lines": 1
        }
      ],
      "truncated": false
    }
    "#);
}

#[tokio::test]
async fn a_summary_is_of_the_days_and_the_source_asked_for() {
    let rig = Rig::empty().await;
    let shop = two_products(&rig).await;
    for back in [0, 6, 7, 30, 31] {
        let at = fakes::NOON.plus_ms(-back * DAY_MS);
        line(&rig, &shop.tenant, "shop", at, Status::Sent, &[], 1).await;
        line(&rig, &shop.tenant, "app", at, Status::Sent, &[], 2).await;
    }
    let week = rig.get("/api/v1/products/summary", &shop.admin).await.body;
    let (today, first) = ("2026-09-21", "2026-09-15");
    assert_eq!(rows(&week), [(first, "app", 2), (first, "shop", 1), (today, "app", 2), (today, "shop", 1)]);
    let month = rig.get("/api/v1/products/summary?from=2026-08-22&source_id=shop", &shop.admin).await.body;
    assert_eq!(rows(&month).len(), 4);
    assert!(rows(&month).iter().all(|(_, source, _)| *source == "shop"));
    let one = rig.get("/api/v1/products/summary?from=2026-09-14&to=2026-09-14", &shop.admin).await.body;
    assert_eq!(rows(&one), [("2026-09-14", "app", 2), ("2026-09-14", "shop", 1)]);
    for (query, expected) in [
        ("from=2026-08-21", (422, "too_many_days")),
        ("from=2026-09-22", (422, "invalid")),
        ("to=yesterday", (422, "invalid")),
        ("day=2026-09-21", (422, "unknown_parameter")),
        ("source_id=ghost", (404, "source_unknown")),
    ] {
        let reply = rig.get(&format!("/api/v1/products/summary?{query}"), &shop.admin).await;
        assert_eq!(reply.refusal(), expected, "{query}");
    }
}

#[tokio::test]
async fn a_tenant_sees_its_own_products_alone() {
    let rig = Rig::empty().await;
    let shop = two_products(&rig).await;
    let other = Shop::open(&rig, "999").await;
    line(&rig, &shop.tenant, "shop", fakes::NOON, Status::Sent, &[], 1).await;
    let mine = rig.get("/api/v1/products/summary", &other.admin).await;
    assert_eq!(mine.body, json!({"days": [], "truncated": false}));
    let named = format!("/api/v1/products/summary?tenant_id={}", shop.tenant);
    assert_eq!(rig.get(&named, &other.admin).await.refusal(), (403, "tenant_forbidden"));
    assert_eq!(rows(&rig.get(&named, ROOT).await.body).len(), 1);
    assert_eq!(rig.get("/api/v1/products/summary", ROOT).await.refusal(), (422, "required"));
    let ghost = rig.get("/api/v1/products/summary?tenant_id=ghost", ROOT).await;
    assert_eq!(ghost.refusal(), (404, "tenant_unknown"));
    let people = shop.key(&rig, "people").await;
    assert_eq!(rows(&rig.get("/api/v1/products/summary", &people).await.body).len(), 1);
}

#[tokio::test]
async fn what_one_summary_does_not_reach_is_said_to_be_missing() {
    let rig = Rig::empty().await;
    let shop = two_products(&rig).await;
    for n in 0..40 {
        let body = json!({"id": format!("s{n}"), "name": "S", "pixel_ids": []});
        rig.post("/api/v1/sources", &shop.admin, body).await.id();
    }
    line(&rig, &shop.tenant, "app", fakes::NOON, Status::Sent, &[], 1).await;
    line(&rig, &shop.tenant, "app", fakes::NOON.plus_ms(-30 * DAY_MS), Status::Sent, &[], 1).await;
    // 42 sources on 31 days are more than are looked at; the oldest days are left out.
    let all = rig.get("/api/v1/products/summary?from=2026-08-22", &shop.admin).await.body;
    assert_eq!((rows(&all).len(), &all["truncated"]), (1, &json!(true)));
    let one = rig.get("/api/v1/products/summary?from=2026-08-22&source_id=app", &shop.admin).await.body;
    assert_eq!((rows(&one).len(), &one["truncated"]), (2, &json!(false)));
}
