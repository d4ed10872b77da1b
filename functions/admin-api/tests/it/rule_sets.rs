//! Rules: versions, the shipped set, and whose they are.

use serde_json::{Value, json};

use crate::rig::{PIXEL, ROOT, Rig, Shop};

const RULES: &str = "/api/v1/rules";
const DEFAULTS: &str = "/api/v1/rules/defaults";

fn rule(id: &str) -> Value {
    json!({"id": id, "events": ["signup"], "fire": [{"event_name": "Lead"}]})
}

fn ids(set: &Value) -> Vec<&str> {
    set["rules"].as_array().unwrap().iter().map(|rule| rule["id"].as_str().unwrap()).collect()
}

async fn put(rig: &Rig, key: &str, version: u64, rules: &[Value]) -> crate::rig::Reply {
    rig.call("PUT", RULES, key, Some(&json!({"version": version, "rules": rules}))).await
}

#[tokio::test]
async fn a_set_is_replaced_by_whoever_knows_the_current_one_and_every_version_is_kept() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let none = rig.get(RULES, &shop.admin).await;
    assert_eq!((none.status, &none.body["version"], &none.body["rules"]), (200, &json!(0), &json!([])));

    let first = put(&rig, &shop.admin, 0, &[rule("a")]).await;
    assert_eq!((first.status, &first.body["version"]), (200, &json!(1)), "{}", first.text);
    assert_eq!((&first.body["changed_by"], &first.body["tenant_id"]), (&json!("boss"), &json!(shop.tenant)));
    assert_eq!(put(&rig, &shop.admin, 0, &[rule("b")]).await.refusal(), (409, "version_conflict"));
    let second = put(&rig, &shop.admin, 1, &[rule("b"), rule("c")]).await;
    assert_eq!(rig.get(RULES, &shop.admin).await.body, second.body);
    assert_eq!(ids(&second.body), ["b", "c"]);
    assert_eq!(rig.get("/api/v1/rules?version=1", &shop.admin).await.body, first.body);
    assert_eq!(rig.get("/api/v1/rules?version=2", &shop.admin).await.body, second.body);
    assert_eq!(rig.get("/api/v1/rules?version=3", &shop.admin).await.refusal(), (404, "rules_unknown"));
    assert_eq!(rig.get("/api/v1/rules?version=x", &shop.admin).await.refusal(), (422, "invalid"));
}

#[tokio::test]
async fn the_shipped_set_is_loaded_where_it_replaces_nothing_or_is_told_to() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let loaded = rig.post(DEFAULTS, &shop.admin, json!({})).await;
    assert_eq!((loaded.status, &loaded.body["version"]), (200, &json!(1)), "{}", loaded.text);
    assert!(ids(&loaded.body).contains(&"widget_view_b2b"));
    assert_eq!(rig.post(DEFAULTS, &shop.admin, json!({})).await.refusal(), (409, "rules_exist"));
    put(&rig, &shop.admin, 1, &[rule("a")]).await;
    let again = rig.post(DEFAULTS, &shop.admin, json!({"replace": true})).await;
    assert_eq!((again.status, &again.body["version"]), (200, &json!(3)));
    assert_eq!(again.body["rules"], loaded.body["rules"]);
    put(&rig, &shop.admin, 3, &[]).await;
    assert_eq!(rig.post(DEFAULTS, &shop.admin, json!({})).await.body["version"], 5, "nothing is no rules");
    // What is shown can be put again as it is.
    let shown = again.body["rules"].as_array().unwrap();
    assert_eq!(put(&rig, &shop.admin, 5, shown).await.body["rules"], again.body["rules"]);
}

#[tokio::test]
async fn every_mistake_is_told_with_its_place() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let bad =
        json!({"id": "a b", "events": [], "when": [{"weather": 1}], "fire": [{"event_name": "Purchase"}]});
    let reply = put(&rig, &shop.admin, 0, &[rule("ok"), bad]).await;
    let errors = reply.body["errors"].as_array().unwrap();
    let mut told: Vec<(&str, &str)> = errors
        .iter()
        .map(|error| (error["field"].as_str().unwrap(), error["code"].as_str().unwrap()))
        .collect();
    told.sort_unstable();
    let expected = [
        ("rules[1].events", "too_few"),
        ("rules[1].fire[0].value", "required"),
        ("rules[1].id", "invalid"),
        ("rules[1].when[0].weather", "unknown_field"),
    ];
    assert_eq!((reply.status, told.as_slice()), (422, expected.as_slice()));
    assert_eq!(rig.get(RULES, &shop.admin).await.body["version"], 0, "nothing was stored");
}

#[tokio::test]
async fn rules_are_of_one_tenant() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let other = Shop::bare(&rig, "Other").await;
    put(&rig, &shop.admin, 0, &[rule("a")]).await;
    assert_eq!(rig.get(RULES, &other.admin).await.body["version"], 0);
    let named = format!("{RULES}?tenant_id={}", shop.tenant);
    assert_eq!(rig.get(&named, &other.admin).await.refusal(), (403, "tenant_forbidden"));
    assert_eq!(ids(&rig.get(&named, ROOT).await.body), ["a"]);
    assert_eq!(rig.get(RULES, ROOT).await.refusal(), (422, "required"));
    for path in ["rules", "rules/defaults"] {
        let ghost = format!("/api/v1/{path}?tenant_id=ghost");
        let (method, body) =
            if path == "rules" { ("PUT", json!({"version": 0, "rules": []})) } else { ("POST", json!({})) };
        assert_eq!(
            rig.call(method, &ghost, ROOT, Some(&body)).await.refusal(),
            (404, "tenant_unknown"),
            "{path}"
        );
    }
    assert_eq!(rig.get(&format!("{RULES}?tenant_id=ghost"), ROOT).await.refusal(), (404, "tenant_unknown"));
}
