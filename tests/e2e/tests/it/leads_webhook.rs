//! What the lead webhook takes, what it refuses, and what it does not wait for.

use anyhow::ensure;
use e2e::{LeadPage, announcement, signature};
use futures_util::future::LocalBoxFuture;
use serde_json::json;
use stack::{Function, Queue, Stack};

/// Messages in the queue of leads, however they stand.
async fn queued(stack: &Stack) -> anyhow::Result<u64> {
    Ok(stack.depth(Queue::Leads).await?.total())
}

/// Does `work` while nothing else sends to the queue of leads or takes from it, and the queue is empty at its beginning.
fn while_quiet<'a>(
    stack: &'a Stack,
    work: impl Future<Output = anyhow::Result<()>> + 'a,
) -> LocalBoxFuture<'a, anyhow::Result<()>> {
    let quiet = async {
        stack.set_lead_schedule_enabled(false).await?;
        let empty = async {
            e2e::eventually("nothing is in a worker's hands", || async {
                Ok(stack.depth(Queue::Leads).await?.in_flight == 0)
            })
            .await?;
            stack.purge(Queue::Leads).await?;
            // What is queued meanwhile is of leads that there never were; no worker is to look for them.
            e2e::restoring(work, stack.purge(Queue::Leads)).await
        };
        e2e::without_lead_worker(stack, empty).await
    };
    e2e::restoring(quiet, stack.set_lead_schedule_enabled(true))
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
    let truncated = &good[..good.len() - 2];
    let sha256 = "x-hub-signature-256";
    let refused = [
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
    ];
    while_quiet(&stack, async {
        let before = queued(&stack).await?;
        for (what, body, headers, status) in refused {
            let answer = page.announce(body, &headers).await?;
            ensure!(answer.status == status, "{what}: {answer:?}");
        }
        ensure!(queued(&stack).await? == before, "something was queued");
        let answer = page.announce(&body, &[(sha256, &good)]).await?;
        ensure!(answer.status == 200, "{answer:?}");
        ensure!(queued(&stack).await? == before + 1, "the genuine one was not queued");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn verification_answers_the_challenge_and_nothing_else() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let page = LeadPage::open(&stack).await?;
    let right = stack.env().verify_token.as_str();
    for (token, mode, status) in [
        (right, "subscribe", 200),
        (right, "unsubscribe", 403),
        (right, "", 403),
        ("wrong", "subscribe", 403),
        ("", "subscribe", 403),
    ] {
        let path =
            format!("/webhooks/leadgen?hub.mode={mode}&hub.challenge=1158201444&hub.verify_token={token}");
        let answer = page.shop.api.call("GET", &path, None, None).await?;
        ensure!(answer.status == status, "{mode} with {token}: {answer:?}");
        // The body is the challenge alone: as JSON that is this number.
        let challenge = answer.body == json!(1_158_201_444);
        ensure!(challenge == (status == 200), "{mode} with {token}: {answer:?}");
        ensure!(
            challenge || !answer.body.to_string().contains("1158201444"),
            "{mode} with {token}: {answer:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_webhook_waits_for_nothing_but_the_queue() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let page = LeadPage::open(&stack).await?;
    let post = async |lead: u32| {
        let body = announcement(&page.page, &page.form, &[lead.to_string()]);
        let good = signature(&stack.env().app_secret, &body)?;
        page.announce(&body, &[("x-hub-signature-256", &good)]).await
    };
    // Its role may send to the queue and nothing else, and Meta is down. No statement of it names a table.
    let alone = async {
        let outage = json!({"match": {}, "times": 1_000_000, "status": 503, "code": 2});
        let outage = page.shop.sim.fault(&outage).await?;
        let posted = async {
            for lead in 2..12 {
                let answer = post(lead).await?;
                ensure!(answer.status == 200, "{answer:?}");
            }
            Ok(())
        };
        e2e::restoring(posted, page.shop.sim.end_fault(&outage)).await
    };
    let sids = stack.role_statements(Function::LeadgenWebhook).await?;
    ensure!(sids.iter().any(|sid| sid.contains("Secret") || sid.contains("Signature")), "{sids:?}");
    while_quiet(&stack, async {
        ensure!(post(1).await?.status == 200, "while all is well");
        let before = queued(&stack).await?;
        e2e::with_statements_of(&stack, Function::LeadgenWebhook, "Queue", alone).await?;
        ensure!(queued(&stack).await? == before + 10, "each was queued");
        Ok(())
    })
    .await
}
