//! What was cut off halfway is taken up where it stands, by whoever comes next.

use anyhow::{Context as _, ensure};
use e2e::{Api, LeadPage, change_doc, text};
use serde_json::{Value, json};
use stack::{Queue, Stack};

const PATIENCE_S: u64 = 120;

/// An export that is done: its id.
async fn exported(page: &LeadPage) -> anyhow::Result<String> {
    let path = format!("/api/v1/leads/export?tenant_id={}", page.shop.tenant);
    let job = page.shop.api.post(&path, &page.shop.root, &json!({"inline": false}), 202).await?;
    let id = text(&job, "id")?.to_owned();
    let job = page.job(&id, PATIENCE_S).await?;
    ensure!(job["state"] == "done", "{job}");
    Ok(id)
}

/// What the link of a job that is done gives.
async fn file(page: &LeadPage, job: &str) -> anyhow::Result<Value> {
    let job = page.shop.of_tenant(&format!("/api/v1/jobs/{job}")).await?;
    let url = text(&job["result"], "url")?;
    let file = Api::new("")?.call("GET", url, None, None).await?;
    ensure!(file.status == 200, "{file:?}");
    Ok(file.body)
}

/// Has a job stand as its worker left it when it was killed before the end, and its message come again.
async fn cut_off(
    stack: &Stack,
    page: &LeadPage,
    job: &str,
    change: impl FnOnce(&mut Value) + Send,
) -> anyhow::Result<()> {
    let tenant = &page.shop.tenant;
    let place = (format!("T#{tenant}"), format!("JOB#{job}"));
    change_doc(stack, &stack.env().jobs_table, (&place.0, &place.1), |doc| {
        doc["state"] = json!("running");
        for field in ["file", "finished_at", "total"] {
            doc[field] = Value::Null;
        }
        change(doc);
    })
    .await?;
    let message = json!({"kind": "export", "v": 1, "tenant": tenant, "job": job}).to_string();
    let body = json!({"QueueUrl": stack.queue_url(Queue::Jobs), "MessageBody": message});
    stack.aws().json("sqs", "AmazonSQS.SendMessage", "1.0", &body).await?;
    Ok(())
}

#[tokio::test]
async fn an_export_cut_off_after_its_file_was_finished_is_done() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let page = LeadPage::open(&stack).await?;
    let lead = page.submit_one(&[("email", "cut.off@example.com")], 0).await?;
    page.lead_with(&lead, PATIENCE_S, "it is stored", |_| true).await?;
    let job = exported(&page).await?;
    let before = file(&page, &job).await?;
    ensure!(before.as_str().is_some_and(|rows| rows.contains("cut.off@example.com")), "{before}");

    // So late that S3 has forgotten the upload.
    cut_off(&stack, &page, &job, |doc| doc["plan"]["upload"] = json!("forgotten")).await?;
    let ended = page.job(&job, PATIENCE_S).await?;
    ensure!(ended["state"] == "done", "{ended}");
    ensure!(file(&page, &job).await? == before, "the same file");
    Ok(())
}

#[tokio::test]
async fn an_export_that_keeps_losing_its_worker_fails_and_leaves_no_upload() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let page = LeadPage::open(&stack).await?;
    let job = exported(&page).await?;
    let bucket = format!("/{}", stack.env().exports_bucket);
    let key = format!("{bucket}/exports/{}/{job}.csv", page.shop.tenant);
    let begun = stack.aws().xml("s3", "POST", &format!("{key}?uploads=")).await?;
    let upload = begun.split_once("<UploadId>").and_then(|(_, rest)| rest.split_once('<'));
    let (upload, _) = upload.with_context(|| format!("no upload in {begun}"))?;
    let open = async || -> anyhow::Result<bool> {
        Ok(stack.aws().xml("s3", "GET", &format!("{bucket}?uploads=")).await?.contains(upload))
    };
    ensure!(open().await?, "the upload is open");

    // As often begun as a job may be.
    cut_off(&stack, &page, &job, |doc| {
        doc["plan"]["claims"] = json!(4);
        doc["plan"]["upload"] = json!(upload);
    })
    .await?;
    let ended = page.job(&job, PATIENCE_S).await?;
    ensure!(ended["state"] == "failed" && ended["error"] == "worker_lost", "{ended}");
    e2e::eventually("the upload is given up", || async { Ok(!open().await?) }).await
}

#[tokio::test]
async fn a_lead_of_someone_half_erased_is_another_person() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let page = LeadPage::open(&stack).await?;
    let shop = &page.shop;
    let body = json!({"tenant_id": shop.tenant, "identity": {"email": "half@example.com"}});
    let erased = shop.api.post("/api/v1/people", &shop.root, &body, 201).await?;
    let erased = text(&erased, "id")?;
    // Marked, and nothing more.
    let pk = format!("T#{}#P#{erased}", shop.tenant);
    let now_ms = e2e::now_s() * 1_000;
    let mark = |doc: &mut Value| doc["erased_at"] = json!(now_ms);
    change_doc(&stack, &stack.env().people_table, (&pk, "PERSON"), mark).await?;

    let lead = page.submit_one(&[("email", "half@example.com")], 0).await?;
    let lead = page.lead_with(&lead, PATIENCE_S, "it is stored", |_| true).await?;
    let person = text(&lead, "person_id")?;
    ensure!(person != erased, "{lead}");

    let path = format!("/api/v1/people/{erased}?tenant_id={}", shop.tenant);
    e2e::eventually("the erasure goes on to its end", || async {
        let answer = shop.api.call("DELETE", &path, Some(&shop.root), None).await?;
        ensure!(matches!(answer.status, 200 | 202), "{answer:?}");
        Ok(answer.body["state"] == "done")
    })
    .await?;
    let other = shop.of_tenant(&format!("/api/v1/people/{person}")).await?;
    ensure!(other["identity"]["emails"] == json!(["half@example.com"]), "{other}");
    Ok(())
}
