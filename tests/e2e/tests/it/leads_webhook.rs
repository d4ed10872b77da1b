//! What the lead webhook takes, what it refuses, and what it does not wait for.

use anyhow::ensure;
use e2e::LeadPage;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use stack::{Function, Queue, Stack};

fn signature(secret: &str, body: &[u8]) -> anyhow::Result<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?;
    mac.update(body);
    Ok(format!("sha256={}", hex::encode(mac.finalize().into_bytes())))
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

/// Stops everything else that sends to the queue of leads or takes from it, and empties it.
async fn quiet(stack: &Stack) -> anyhow::Result<()> {
    stack.set_lead_schedule_enabled(false).await?;
    stack.set_lead_worker_enabled(false).await?;
    e2e::eventually("nothing is in a worker's hands", || async {
        Ok(stack.depth(Queue::Leads).await?.in_flight == 0)
    })
    .await?;
    stack.purge(Queue::Leads).await
}

/// Empties the queue, of leads that there never were, and starts everything again.
async fn busy(stack: &Stack) -> anyhow::Result<()> {
    stack.purge(Queue::Leads).await?;
    stack.set_lead_worker_enabled(true).await?;
    stack.set_lead_schedule_enabled(true).await
}

#[tokio::test]
async fn what_is_not_meta_s_gets_the_right_status_and_is_not_queued() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let page = LeadPage::open(&stack).await?;
    let body = announcement(&page.page, &page.form, &["1".to_owned()]);
    let good = signature(&stack.env().app_secret, &body)?;
    let other = signature("another secret", &body)?;
    let changed = announcement(&page.page, &page.form, &["2".to_owned()]);
    let not_json = b"leadgen_id=1".to_vec();
    let not_json_signed = signature(&stack.env().app_secret, &not_json)?;
    let many: Vec<String> = (1..=1_001).map(|id: u32| id.to_string()).collect();
    let many = announcement(&page.page, &page.form, &many);
    let many_signed = signature(&stack.env().app_secret, &many)?;
    let huge = vec![b' '; 1_000_001];
    let huge_signed = signature(&stack.env().app_secret, &huge)?;
    quiet(&stack).await?;
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
        let answer = page.announce(body, &headers).await?;
        ensure!(answer.status == status, "{what}: {answer:?}");
    }
    ensure!(queued(&stack).await? == before, "something was queued");
    let answer = page.announce(&body, &[(sha256, &good)]).await?;
    ensure!(answer.status == 200, "{answer:?}");
    ensure!(queued(&stack).await? == before + 1, "the genuine one was not queued");
    busy(&stack).await?;
    Ok(())
}

#[tokio::test]
async fn verification_answers_the_challenge_and_nothing_else() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let page = LeadPage::open(&stack).await?;
    for (token, mode, status) in [
        (stack.env().verify_token.as_str(), "subscribe", 200),
        ("wrong", "subscribe", 403),
        ("", "subscribe", 403),
    ] {
        let path =
            format!("/webhooks/leadgen?hub.mode={mode}&hub.challenge=1158201444&hub.verify_token={token}");
        let answer = page.shop.api.call("GET", &path, None, None).await?;
        ensure!(answer.status == status, "{token}: {answer:?}");
        // The body is the challenge alone: as JSON that is this number.
        ensure!(status != 200 || answer.body == json!(1_158_201_444), "{answer:?}");
    }
    Ok(())
}

#[tokio::test]
async fn the_webhook_waits_for_nothing_but_the_queue() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let page = LeadPage::open(&stack).await?;
    quiet(&stack).await?;
    let post = async |lead: u32| {
        let body = announcement(&page.page, &page.form, &[lead.to_string()]);
        let good = signature(&stack.env().app_secret, &body)?;
        page.announce(&body, &[("x-hub-signature-256", &good)]).await
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
    page.shop.sim.fault(&outage).await?;
    let mut answers = Vec::new();
    for lead in 2..12 {
        answers.push(post(lead).await);
    }
    let after = queued(&stack).await;
    page.shop.sim.no_faults().await?;
    if let Some(policy) = whole {
        stack.restore_role(Function::LeadgenWebhook, &policy).await?;
    }
    busy(&stack).await?;
    for answer in answers {
        let answer = answer?;
        ensure!(answer.status == 200, "{answer:?}");
    }
    ensure!(after? == before + 10, "each was queued");
    Ok(())
}
