//! Bodies and queries: what is wrong with them is named.

use lambda_http::Body;
use serde_json::{Value, json};

use crate::rig::{PIXEL, Reply, Rig, Shop};

async fn raw(rig: &Rig, key: &str, content_type: Option<&str>, body: Vec<u8>) -> Reply {
    let mut request = http::Request::builder().method("POST").uri("/api/v1/sources");
    request = request.header("authorization", format!("Bearer {key}"));
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    rig.send(request.body(Body::Binary(body)).unwrap()).await
}

#[tokio::test]
async fn a_body_must_be_a_json_object_of_bounded_size() {
    let rig = Rig::empty().await;
    let shop = Shop::bare(&rig, "Shop").await;
    let json = Some("application/json; charset=utf-8");
    let key = shop.admin.as_str();
    assert_eq!(raw(&rig, key, json, b"{".to_vec()).await.refusal(), (400, "body_not_json"));
    assert_eq!(raw(&rig, key, json, vec![b'{', 0xff, b'}']).await.refusal(), (400, "body_not_json"));
    let deep = [vec![b'['; 5_000], vec![b']'; 5_000]].concat();
    assert_eq!(raw(&rig, key, json, deep).await.refusal(), (400, "body_not_json"));
    assert_eq!(raw(&rig, key, json, b"[]".to_vec()).await.refusal(), (400, "body_not_an_object"));
    assert_eq!(raw(&rig, key, json, vec![b' '; 256 * 1024 + 1]).await.refusal(), (413, "body_too_large"));
    for other in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
        assert_eq!(raw(&rig, key, other, b"{}".to_vec()).await.refusal(), (415, "content_type_unsupported"));
    }
}

#[tokio::test]
async fn one_answer_names_everything_that_is_wrong() {
    let rig = Rig::empty().await;
    let shop = Shop::bare(&rig, "Shop").await;
    let body = json!({"id": "a b", "name": "", "flags": ["B2B"], "default_country": "XX", "allowed_origins": ["example.com"],
        "photo_url": "http://example.com/a.png", "consent_policy": "maybe", "colour": "red"});
    let reply = rig.post("/api/v1/sources", &shop.admin, body).await;
    let errors = reply.body["errors"].as_array().unwrap();
    let mut named: Vec<(&str, &str)> = errors
        .iter()
        .map(|error| (error["field"].as_str().unwrap(), error["code"].as_str().unwrap()))
        .collect();
    named.sort_unstable();
    let expected = [
        ("allowed_origins", "invalid"),
        ("colour", "unknown_field"),
        ("consent_policy", "invalid"),
        ("default_country", "invalid"),
        ("flags", "invalid"),
        ("id", "invalid"),
        ("name", "empty"),
        ("photo_url", "invalid"),
        ("pixel_ids", "required"),
    ];
    assert_eq!((reply.status, named.as_slice()), (422, expected.as_slice()));
}

/// Holds the written request schemas against what the handlers know.
#[tokio::test]
async fn the_document_names_the_fields_that_are_read() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let document: Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
    let mut checked = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        if crate::access::serves_another_function(path) {
            continue;
        }
        for (method, operation) in methods.as_object().unwrap() {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
            let Some(schema) = schema.as_str().and_then(|path| path.rsplit('/').next()) else { continue };
            let schema = &document["components"]["schemas"][schema];
            let properties = schema["properties"].as_object().unwrap();
            // An object is the wrong type for every field, but for those that are objects.
            let wrong = |schema: &Value| if schema["type"] == "object" { json!([]) } else { json!({}) };
            let body: Value = properties.iter().map(|(name, schema)| (name.clone(), wrong(schema))).collect();
            let path = path
                .replace("{tenant_id}", &shop.tenant)
                .replace("{connection_id}", &shop.connection)
                .replace("{pixel_id}", &shop.pixel)
                .replace("{source_id}", "shop")
                .replace("{person_id}", "per_unknown")
                .replace("{page_id}", "77")
                .replace("{form_id}", "88")
                .replace("{lead_id}", "99");
            let key = if path.ends_with("/tenants") { crate::rig::ROOT } else { &shop.admin };
            let reply = rig.call(&method.to_uppercase(), &path, key, Some(&body)).await;
            let errors = reply.body["errors"].as_array().unwrap_or_else(|| panic!("{path}: {}", reply.text));
            let wrong_type = errors.iter().filter(|error| error["code"] == "wrong_type").count();
            assert_eq!(
                (wrong_type, errors.len()),
                (properties.len(), properties.len()),
                "{path}: {}",
                reply.text
            );
            // And what is required is missed.
            let reply = rig.call(&method.to_uppercase(), &path, key, Some(&json!({"zzz": 1}))).await;
            let errors = reply.body["errors"].as_array().unwrap();
            let required = errors.iter().filter(|error| error["code"] == "required").count();
            assert_eq!(required, schema["required"].as_array().map_or(0, Vec::len), "{path}: {}", reply.text);
            assert!(errors.iter().any(|error| error["code"] == "unknown_field"), "{path}");
            checked += 1;
        }
    }
    assert_eq!(checked, 28);
}

#[tokio::test]
async fn a_query_is_read_as_strictly() {
    let rig = Rig::empty().await;
    let shop = Shop::bare(&rig, "Shop").await;
    for (query, code) in [
        ("limit=0", "invalid"),
        ("limit=101", "invalid"),
        ("limit=x", "invalid"),
        ("cursor=a%23b", "invalid"),
        ("lmiit=5", "unknown_parameter"),
        ("tenant_id=a%2Fb", "invalid"),
    ] {
        for list in ["connections", "pixels", "sources", "keys"] {
            let reply = rig.get(&format!("/api/v1/{list}?{query}"), &shop.admin).await;
            assert_eq!(reply.refusal(), (422, code), "{list}?{query}");
        }
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_told_apart() {
    let rig = Rig::empty().await;
    assert_eq!(rig.get("/api/v1/nothing", "").await.refusal(), (404, "route_unknown"));
    let reply = rig.call("PUT", "/api/v1/pixels/1", "", None).await;
    assert_eq!(reply.refusal(), (405, "method_not_allowed"));
    assert_eq!(reply.headers["allow"], "GET, PATCH, DELETE");
}
