use serde_json::json;

use crate::rig::{ROOT, Rig, Shop};

#[tokio::test]
async fn root_creates_lists_and_renames_tenants() {
    let rig = Rig::empty().await;
    let created = rig.post("/api/v1/tenants", ROOT, json!({"name": "Acme"})).await;
    let id = created.id();
    assert_eq!(created.body, json!({"id": id, "name": "Acme", "created_at": "2026-09-21T14:13:20Z"}));
    let path = format!("/api/v1/tenants/{id}");
    assert_eq!(rig.get(&path, ROOT).await.body, created.body);
    assert_eq!(rig.patch(&path, ROOT, json!({"name": "Acme Inc."})).await.body["name"], "Acme Inc.");
    assert_eq!(rig.get(&path, ROOT).await.body["name"], "Acme Inc.");
    assert_eq!(rig.get("/api/v1/tenants/ghost", ROOT).await.refusal(), (404, "tenant_unknown"));
    assert_eq!(rig.get("/api/v1/tenants/a%20b", ROOT).await.refusal(), (404, "tenant_unknown"));
}

#[tokio::test]
async fn a_list_of_tenants_is_paged() {
    let rig = Rig::empty().await;
    for name in ["A", "B", "C"] {
        rig.post("/api/v1/tenants", ROOT, json!({"name": name})).await.id();
    }
    let first = rig.get("/api/v1/tenants?limit=2", ROOT).await;
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let second = rig.get(&format!("/api/v1/tenants?limit=2&cursor={cursor}"), ROOT).await;
    assert_eq!(second.body["next_cursor"], json!(null));
    let names = |reply: &crate::rig::Reply| -> Vec<String> {
        let items = reply.body["items"].as_array().unwrap();
        items.iter().map(|tenant| tenant["name"].as_str().unwrap().to_owned()).collect()
    };
    let mut all = [names(&first), names(&second)].concat();
    all.sort();
    assert_eq!(all, ["A", "B", "C"]);
}

#[tokio::test]
async fn an_admin_sees_and_renames_its_own_tenant_alone() {
    let rig = Rig::empty().await;
    let shop = Shop::bare(&rig, "Mine").await;
    Shop::bare(&rig, "Other").await;
    let list = rig.get("/api/v1/tenants", &shop.admin).await;
    assert_eq!(list.body["items"].as_array().unwrap().len(), 1);
    assert_eq!(list.body["items"][0]["id"], json!(shop.tenant));
    let path = format!("/api/v1/tenants/{}", shop.tenant);
    assert_eq!(rig.patch(&path, &shop.admin, json!({"name": "Ours"})).await.status, 200);
}
