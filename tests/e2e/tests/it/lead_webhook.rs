//! What the lead webhook takes, what it refuses, and what it does not wait for.

use anyhow::ensure;
use e2e::{LeadShop, eventually};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use stack::{Function, Queue, Stack};

fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length is a key");
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

fn announcement(page: &str, form: &str, leads: &[String]) -> Vec<u8> {
    let changes: Vec<Value> = leads
        .iter()
        .map(|lead| {
            json!({"field": "leadgen", "value": {"leadgen_id": lead, "page_id": page, "form_id": form,
            "created_time": e2e::now_s()}})
        })
        .collect();
    json!({"object": "page", "entry": [{"id": page, "time": e2e::now_s(), "changes": changes}]})
        .to_string()
        .into_bytes()
}

/// Messages in the queue of leads, however they stand.
async fn queued(stack: &Stack) -> anyhow::Result<u64> {
    Ok(stack.depth(Queue::Leads).await?.total())
}

#[tokio::test]
async fn what_is_not_meta_s_gets_the_right_status_and_is_not_queued() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let shop = LeadShop::open(&stack, &[1]).await?;
    let page = &shop.pages[0];
    let body = announcement(&page.id, &page.forms[0], &["1".to_owned()]);
    let good = signature(&shop.app_secret, &body);
    let other = signature("another secret", &body);
    let changed = announcement(&page.id, &page.forms[0], &["2".to_owned()]);
    let not_json = b"leadgen_id=1".to_vec();
    let not_json_signed = signature(&shop.app_secret, &not_json);
    let many: Vec<String> = (1..=1_001).map(|id: u32| id.to_string()).collect();
    let many = announcement(&page.id, &page.forms[0], &many);
    let many_signed = signature(&shop.app_secret, &many);
    let huge = vec![b' '; 1_000_001];
    let huge_signed = signature(&shop.app_secret, &huge);
    // Stopped, so that nothing that was queued could have gone already.
    stack.set_lead_worker_enabled(false).await?;
    let before = queued(&stack).await?;
    let truncated = &good[..good.len() - 2];
    let sha256 = "x-hub-signature-256";
    for (what, body, headers, status) in [
        ("no signature", &body, vec![], 401),
        ("another secret's", &body, vec![(sha256, other.as_str())], 401),
        ("a truncated one", &body, vec![(sha256, truncated)], 401),
        (
            "SHA-1 alone",
            &body,
            vec![("x-hub-signature", "sha1=0123456789012345678901234567890123456789")],
            401,
        ),
        ("a body changed after signing", &changed, vec![(sha256, good.as_str())], 401),
        ("no JSON", &not_json, vec![(sha256, not_json_signed.as_str())], 400),
        ("more than 1,000 updates", &many, vec![(sha256, many_signed.as_str())], 413),
        ("more than 1 MB", &huge, vec![(sha256, huge_signed.as_str())], 413),
    ] {
        let answer = shop.webhook(body, &headers).await?;
        ensure!(answer.status == status, "{what}: {answer:?}");
    }
    ensure!(queued(&stack).await? == before, "something was queued");
    let answer = shop.webhook(&body, &[(sha256, &good)]).await?;
    ensure!(answer.status == 200, "{answer:?}");
    ensure!(queued(&stack).await? == before + 1, "the genuine one was not queued");
    stack.set_lead_worker_enabled(true).await?;
    Ok(())
}

#[tokio::test]
async fn a_replay_of_a_genuine_delivery_is_taken_and_stores_nothing_twice() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let shop = LeadShop::open(&stack, &[1]).await?;
    let form = &shop.pages[0].forms[0];
    let submitted =
        json!({"form_id": form, "count": 3, "seed": 7, "webhook": shop.announced(&json!({"batch_max": 3}))});
    shop.shop.sim.send("/_sim/leads", &submitted).await?;
    let stored = shop.holds(3, 120).await?;
    let ids: Vec<String> = stored.iter().filter_map(|lead| lead["id"].as_str().map(str::to_owned)).collect();
    let body = announcement(&shop.pages[0].id, form, &ids);
    let good = signature(&shop.app_secret, &body);
    for _ in 0..3 {
        let answer = shop.webhook(&body, &[("x-hub-signature-256", &good)]).await?;
        ensure!(answer.status == 200, "{answer:?}");
    }
    eventually("the queue of leads is empty", || async { Ok(queued(&stack).await? == 0) }).await?;
    ensure!(shop.holds(3, 10).await? == stored, "a replay changed something");
    let day = shop.shop.of_tenant(&format!("/api/v1/lead-forms/{form}/completeness")).await?;
    ensure!(day["totals"]["by_webhook"] == 3, "{day}");
    Ok(())
}

#[tokio::test]
async fn verification_answers_the_challenge_and_nothing_else() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let shop = LeadShop::open(&stack, &[]).await?;
    for (token, mode, status) in
        [(shop.verify_token.as_str(), "subscribe", 200), ("wrong", "subscribe", 403), ("", "subscribe", 403)]
    {
        let path =
            format!("/webhooks/leadgen?hub.mode={mode}&hub.challenge=1158201444&hub.verify_token={token}");
        let answer = shop.shop.api.call("GET", &path, None, None).await?;
        ensure!(answer.status == status, "{token}: {answer:?}");
        // The body is the challenge alone: as JSON that is this number.
        ensure!(status != 200 || answer.body == json!(1_158_201_444), "{answer:?}");
    }
    Ok(())
}

#[tokio::test]
async fn the_webhook_waits_for_nothing_but_the_queue() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let shop = LeadShop::open(&stack, &[1]).await?;
    let page = &shop.pages[0];
    stack.set_lead_worker_enabled(false).await?;
    let post = async |lead: u32| {
        let body = announcement(&page.id, &page.forms[0], &[lead.to_string()]);
        let good = signature(&shop.app_secret, &body);
        shop.webhook(&body, &[("x-hub-signature-256", &good)]).await
    };
    ensure!(post(1).await?.status == 200, "while all is well");
    let before = queued(&stack).await?;
    // From here on its role may send to the queue and nothing else, and Meta is down. No statement of it names a table.
    let sids = stack.role_statements(Function::LeadgenWebhook).await?;
    ensure!(sids.iter().any(|sid| sid.contains("Secret") || sid.contains("Signature")), "{sids:?}");
    let mut whole = None;
    for sid in sids.iter().filter(|sid| !sid.starts_with("Queue")) {
        let policy = stack.without_statement(Function::LeadgenWebhook, sid).await?;
        whole.get_or_insert(policy);
    }
    let outage = json!({"match": {}, "times": 1_000_000, "status": 503, "code": 2});
    shop.shop.sim.fault(&outage).await?;
    let mut answers = Vec::new();
    for lead in 2..12 {
        answers.push(post(lead).await);
    }
    let after = queued(&stack).await;
    shop.shop.sim.no_faults().await?;
    if let Some(policy) = whole {
        stack.restore_role(Function::LeadgenWebhook, &policy).await?;
    }
    stack.set_lead_worker_enabled(true).await?;
    for answer in answers {
        let answer = answer?;
        ensure!(answer.status == 200, "{answer:?}");
    }
    ensure!(after? == before + 10, "each was queued");
    Ok(())
}
