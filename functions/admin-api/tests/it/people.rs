//! Finding people, and creating them.

use serde_json::{Value, json};

use crate::rig::{PIXEL, ROOT, Reply, Rig, Shop};

const PEOPLE: &str = "/api/v1/people";

pub(crate) async fn post(rig: &Rig, key: &str, identity: Value) -> Reply {
    rig.post(PEOPLE, key, json!({"identity": identity})).await
}

/// A person's id, whether it was found or created.
pub(crate) async fn person(rig: &Rig, key: &str, identity: Value) -> String {
    let reply = post(rig, key, identity).await;
    assert!(matches!(reply.status, 200 | 201), "{}", reply.text);
    reply.body["id"].as_str().unwrap().to_owned()
}

pub(crate) async fn search(rig: &Rig, key: &str, body: Value) -> Vec<String> {
    let reply = rig.post("/api/v1/people/search", key, body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let items = reply.body["items"].as_array().unwrap();
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_person_is_created_once_and_shown_whole() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let key = shop.key(&rig, "people").await;
    let body = json!({
        "identity": {"email": " Jane@Example.com", "phone": "+1 650 555 1212", "external_id": "u1", "first_name": "Jane",
            "external_ids": {"Stripe": "cus_1"}},
        "properties": {"plan": "pro", "seats": 3, "gone": null},
        "source_product": "shop",
        "consent": "granted",
    });
    let created = rig.post(PEOPLE, &key, body.clone()).await;
    assert_eq!(created.status, 201, "{}", created.text);
    let mut shown = created.body.clone();
    let id = shown["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("per_"), "{id}");
    for place in ["/id", "/parts/0/id"] {
        *shown.pointer_mut(place).unwrap() = json!("per_1");
    }
    insta::assert_json_snapshot!(shown, @r#"
    {
      "clicks": [],
      "conflicts": [],
      "consent": {
        "at": "2026-09-21T14:13:20Z",
        "status": "granted"
      },
      "created_at": "2026-09-21T14:13:20Z",
      "first_touch": null,
      "id": "per_1",
      "identity": {
        "city": null,
        "country": null,
        "date_of_birth": null,
        "emails": [
          "jane@example.com"
        ],
        "external_ids": [
          {
            "id": "u1",
            "provider": "shop"
          },
          {
            "id": "cus_1",
            "provider": "stripe"
          }
        ],
        "first_name": "Jane",
        "gender": null,
        "last_name": null,
        "phones": [
          "+16505551212"
        ],
        "state": null,
        "zip": null
      },
      "last_touch": null,
      "lifecycle_since": null,
      "lifecycle_stage": null,
      "merged_ids": [],
      "parts": [
        {
          "created_at": "2026-09-21T14:13:20Z",
          "id": "per_1",
          "merged_into": null
        }
      ],
      "properties": {
        "plan": "pro",
        "seats": 3
      },
      "source_product": "shop",
      "updated_at": "2026-09-21T14:13:20Z"
    }
    "#);
    let again = rig.post(PEOPLE, &key, body).await;
    assert_eq!((again.status, again.body["id"].as_str()), (200, Some(id.as_str())));
    let got = rig.get(&format!("{PEOPLE}/{id}"), &key).await;
    assert_eq!(got.body, again.body);
}

#[tokio::test]
async fn a_person_is_found_by_each_identifier() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let key = shop.key(&rig, "people").await;
    let jane = json!({"email": "jane@example.com", "phone": "+16505551212",
        "external_ids": {"stripe": "cus_1", "shop": "u1"}});
    let jane = person(&rig, &key, jane).await;
    let hash = adrelay_core::normalize::Sha256Hex::of("jane@example.com").unwrap();
    for identity in [
        json!({"email": "JANE@example.com"}),
        json!({"email": hash.as_str()}),
        json!({"phone": "+1 (650) 555-1212"}),
        json!({"external_id": "cus_1", "provider": "stripe"}),
        json!({"external_ids": {"stripe": "cus_1"}}),
        // The key is bound to the source `shop`.
        json!({"external_id": "u1"}),
        json!({"email": ["nobody@example.com", "jane@example.com"]}),
    ] {
        assert_eq!(search(&rig, &key, json!({"identity": identity})).await, [jane.as_str()], "{identity}");
        assert_eq!(person(&rig, &key, identity.clone()).await, jane, "{identity}");
    }
    assert_eq!(search(&rig, &key, json!({"person_id": jane})).await, [jane.as_str()]);
    for nobody in [
        json!({"person_id": "per_ghost"}),
        json!({"identity": {"external_id": "cus_1", "provider": "posthog"}}),
        json!({"identity": {"external_id": "cus_2", "provider": "stripe"}}),
    ] {
        assert!(search(&rig, &key, nobody).await.is_empty());
    }
}

#[tokio::test]
async fn everybody_whom_an_identifier_points_to_is_found() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let jane = person(&rig, &shop.admin, json!({"email": "jane@example.com"})).await;
    let john = person(&rig, &shop.admin, json!({"phone": "+16505551212", "email": "john@example.com"})).await;
    let both = json!({"identity": {"email": "jane@example.com", "phone": "+16505551212"}});
    assert_eq!(search(&rig, &shop.admin, both).await, [jane, john]);
}

#[tokio::test]
async fn a_conflict_keeps_two_persons_apart_and_is_shown_on_both() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let jane = person(&rig, &shop.admin, json!({"email": "jane@example.com"})).await;
    let john = person(&rig, &shop.admin, json!({"email": "john@example.com", "phone": "+16505551212"})).await;
    let family = json!({"email": "jane@example.com", "phone": "+16505551212"});
    assert_eq!(person(&rig, &shop.admin, family).await, jane, "an address ranks first");
    for (one, other) in [(&jane, &john), (&john, &jane)] {
        let shown = rig.get(&format!("{PEOPLE}/{one}"), &shop.admin).await.body;
        let expected = json!([{"person_id": other, "identifier": "phone", "at": "2026-09-21T14:13:20Z"}]);
        assert_eq!(shown["conflicts"], expected);
    }
    let shown = rig.get(&format!("{PEOPLE}/{jane}"), &shop.admin).await.body;
    assert_eq!(shown["identity"]["phones"], json!([]), "the phone stays his");
}

#[tokio::test]
async fn an_identity_that_cannot_be_read_is_refused_field_by_field() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    for (identity, field, code) in [
        (json!({"email": "nobody"}), "identity.email", "not_an_email"),
        (json!({"phone": "650 555 1212 ext"}), "identity.phone", "not_a_phone_number"),
        (json!({"email": "jane@example.com", "shoe_size": "9"}), "identity.shoe_size", "unknown_field"),
        // An admin key has no product whose id this could be.
        (json!({"external_id": "u1"}), "identity.provider", "required"),
        (json!({"external_ids": {"no such provider": "1"}}), "identity.provider", "provider_invalid"),
        (json!({"first_name": "Jane"}), "identity", "identity_insufficient"),
    ] {
        for (path, status) in [(PEOPLE, 422), ("/api/v1/people/search", 422)] {
            let reply = rig.post(path, &shop.admin, json!({"identity": identity})).await;
            assert_eq!(reply.refusal(), (status, code), "{path} {identity}");
            assert_eq!(reply.body["errors"][0]["field"], field, "{path} {identity}");
        }
    }
    let ghost = json!({"identity": {"email": "jane@example.com"}, "source_product": "ghost"});
    assert_eq!(rig.post(PEOPLE, &shop.admin, ghost).await.refusal(), (422, "source_unknown"));
    for (body, code) in [
        (json!({}), "missing"),
        (json!({"identity": {"email": "a@example.com"}, "person_id": "per_1"}), "not_allowed"),
    ] {
        let reply = rig.post("/api/v1/people/search", &shop.admin, body).await;
        assert_eq!(reply.refusal(), (422, code));
    }
}

#[tokio::test]
async fn the_same_person_posted_at_the_same_time_is_one() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let one = || post(&rig, &shop.admin, json!({"email": "jane@example.com", "phone": "+16505551212"}));
    let replies = tokio::join!(one(), one(), one(), one());
    let replies = [replies.0, replies.1, replies.2, replies.3];
    let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 201], "one of them made it");
    assert!(replies.iter().all(|reply| reply.body["id"] == replies[0].body["id"]));
}

#[tokio::test]
async fn the_root_key_names_the_tenant() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let body = json!({"identity": {"email": "jane@example.com"}, "tenant_id": shop.tenant});
    let id = rig.post(PEOPLE, ROOT, body).await.id();
    let of_tenant = format!("tenant_id={}", shop.tenant);
    assert_eq!(rig.get(&format!("{PEOPLE}/{id}?{of_tenant}"), ROOT).await.status, 200);
    let found = rig.post(&format!("{PEOPLE}/search?{of_tenant}"), ROOT, json!({"person_id": id})).await;
    assert_eq!(found.body["items"][0]["id"], id.as_str());
    let ghost = rig.post(&format!("{PEOPLE}/search?tenant_id=ghost"), ROOT, json!({"person_id": id})).await;
    assert_eq!(ghost.refusal(), (404, "tenant_unknown"));
}
