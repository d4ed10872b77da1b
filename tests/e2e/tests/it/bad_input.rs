//! Bad input: each kind has its own status and code, and nothing of it goes further.

use anyhow::ensure;
use e2e::{Api, Shop, lead, list, now_s, number};
use serde_json::{Value, json};
use stack::Stack;

const EVENTS: &str = "/api/v1/meta/events";
const EVENT: &str = "/api/v1/meta/event";

async fn refused(
    api: &Api,
    path: &str,
    key: &str,
    body: Vec<u8>,
    expected: (u16, &str),
) -> anyhow::Result<()> {
    let authorization = format!("Bearer {key}");
    let headers = [("content-type", "application/json"), ("authorization", authorization.as_str())];
    let answer = api.post_raw(path, &headers, body).await?;
    let code = match answer.code() {
        "event_invalid" | "validation_failed" => {
            answer.body["errors"][0]["code"].as_str().unwrap_or_default()
        }
        code => code,
    };
    ensure!((answer.status, code) == expected, "expected {expected:?}, got {answer:?}");
    ensure!(answer.content_type == "application/problem+json", "{answer:?}");
    Ok(())
}

fn with(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut event = lead("bad-1", "a@example.com");
    change(&mut event);
    event.to_string().into_bytes()
}

#[tokio::test]
async fn each_kind_of_bad_input_has_its_own_answer_and_goes_no_further() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let shop = Shop::open(&stack).await?;
    let other = Shop::open(&stack).await?;
    let (api, key) = (&shop.api, shop.key.as_str());

    refused(api, EVENT, key, b"{not json".to_vec(), (400, "body_not_json")).await?;
    refused(api, EVENTS, key, b"[]".to_vec(), (422, "body_wrong_shape")).await?;
    refused(api, EVENTS, key, br#"{"events": 7}"#.to_vec(), (422, "events_not_an_array")).await?;
    let many: Vec<Value> = (0..1_001).map(|n| lead(&format!("m{n}"), "a@example.com")).collect();
    refused(api, EVENTS, key, json!({"events": many}).to_string().into_bytes(), (422, "too_many_events"))
        .await?;
    refused(api, EVENTS, key, vec![b' '; 6_000_000], (413, "body_too_large")).await?;
    let deep = [vec![b'['; 5_000], vec![b']'; 5_000]].concat();
    refused(api, EVENT, key, deep, (400, "body_too_deep")).await?;
    let nul = with(|event| event["event_id"] = json!("a\u{0}b"));
    refused(api, EVENT, key, nul, (422, "nul_character")).await?;
    let time = with(|event| event["event_time"] = json!(now_s() * 1000));
    refused(api, EVENT, key, time, (422, "event_time_in_milliseconds")).await?;
    let pixel = with(|event| event["pixel_id"] = json!(other.pixel));
    refused(api, EVENT, key, pixel, (403, "pixel_not_allowed")).await?;
    refused(api, EVENT, "adr_ingest_unknownunknown", with(|_| ()), (401, "key_unknown")).await?;

    let admin = shop.new_key("people").await?;
    refused(api, EVENT, &admin, with(|_| ()), (403, "scope_insufficient")).await?;
    // An event that is posted after all of that is the only one that is called about, held, and has a receipt.
    shop.post(&[lead("good", "a@example.com")]).await?;
    shop.receipt("good", "sent").await?;
    let receipts = shop.all_receipts().await?;
    ensure!(receipts.len() == 1 && receipts[0]["event_id"] == "good", "{receipts:?}");
    let calls = shop.sim.calls(&shop.pixel).await?;
    ensure!(calls.len() == 1 && number(&calls[0], "events")? == 1, "{calls:?}");
    let held = shop.sim.events(&shop.pixel).await?;
    ensure!(held.len() == 1 && held[0]["event_id"] == "good", "{held:?}");
    ensure!(other.sim.total(&other.pixel).await? == 0 && other.all_receipts().await?.is_empty());
    for line in stack.function_logs(stack::Function::CapiIngest).await? {
        ensure!(!line.contains("panicked"), "{line}");
    }
    Ok(())
}

#[tokio::test]
async fn a_revoked_key_is_refused_within_a_minute() -> anyhow::Result<()> {
    let shop = Shop::open(&*Stack::shared().await?).await?;
    let keys = shop.of_tenant("/api/v1/keys").await?;
    let [key] = list(&keys, "items")? else { anyhow::bail!("one key: {keys}") };
    let path = format!("/api/v1/keys/{}?tenant_id={}", e2e::text(key, "id")?, shop.tenant);
    // The process that takes it remembers the key from here on.
    shop.post(&[lead("before", "a@example.com")]).await?;
    let answer = shop.api.call("DELETE", &path, Some(&shop.root), None).await?;
    ensure!(answer.status == 200 || answer.status == 204, "{answer:?}");
    e2e::within(60, "the key is refused", || async {
        let body = json!({"events": [lead("after", "a@example.com")]});
        let answer = shop.api.call("POST", EVENTS, Some(&shop.key), Some(&body)).await?;
        ensure!(answer.status == 202 || answer.code() == "key_revoked", "{answer:?}");
        Ok((answer.status == 401).then_some(()))
    })
    .await
}
