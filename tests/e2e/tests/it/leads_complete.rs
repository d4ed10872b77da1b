//! No lead lost: whatever becomes of the webhooks, every lead is stored once, with everything it said.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, ensure};
use e2e::{LeadPage, list, now_s, number, text};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};
use stack::Stack;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const LEADS: usize = 2_000;
/// Of so many leads one is looked at by itself; all of them are compared in one file.
const SHOWN_EACH: usize = 20;
/// Calls of adrelay at the same time.
const CONCURRENT: usize = 8;

/// Two pages with five forms, and the forms' ids.
async fn pages(stack: &Stack) -> anyhow::Result<(LeadPage, Vec<String>)> {
    let first = LeadPage::open(stack).await?;
    let second = LeadPage::of(stack, first.shop.clone()).await?;
    let rich = json!({"name": "Größe – 50 %", "locale": "de_DE", "disclaimers": ["news", "partners"], "questions": [
        {"key": "first_name", "type": "FIRST_NAME"}, {"key": "last_name", "type": "LAST_NAME"},
        {"key": "work_email", "type": "WORK_EMAIL"}, {"key": "phone_number", "type": "PHONE"},
        {"key": "city", "type": "CITY"}, {"key": "country", "type": "COUNTRY"},
        {"key": "which_sizes?", "type": "CUSTOM", "options": [
            {"key": "s", "value": "Klein"}, {"key": "m", "value": "Mittel"}, {"key": "l", "value": "Groß"}]},
        {"key": "anything_else", "type": "CUSTOM"}]});
    let forms = vec![
        first.form.clone(),
        first.add_form(&rich).await?,
        first.add_form(&json!({"name": "Archived", "status": "ARCHIVED"})).await?,
        second.form.clone(),
        second.add_form(&rich).await?,
    ];
    Ok((first, forms))
}

#[tokio::test]
async fn two_thousand_leads_are_complete_whatever_becomes_of_their_webhooks() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let (page, forms) = pages(&stack).await?;
    let mut webhook = page.webhook.clone();
    for (field, value) in [
        ("drop_percent", json!(40)),
        ("duplicate_percent", json!(10)),
        ("reorder", json!(true)),
        ("batch_max", json!(5)),
        ("extra", json!({"not_known_yet": "ä/<%@"})),
    ] {
        webhook[field] = value;
    }
    // Old enough to count (leads younger than two hours don't), young enough to be told to Meta.
    let created = [now_s() - 4 * 3_600, now_s() - 2 * 3_600 - 300];
    let how = json!({"form_id": forms, "count": LEADS, "seed": 2_000, "created": created,
        "readable_after_ms": [0, 20_000], "webhook": webhook});
    let submitted = page.submit(&how).await?;
    let size = |field: &str| Ok::<_, anyhow::Error>(list(&submitted, field)?.len());
    ensure!((size("ids")?, size("dropped")?, size("duplicated")?) == (LEADS, 800, 120), "{submitted}");

    page.announced(&submitted, 300).await?;
    e2e::within(60, "every lead can be read", || async {
        Ok(all_readable(&page, &forms).await?.then_some(()))
    })
    .await?;
    page.reconcile(600).await?;
    let stored = e2e::within(600, "every lead is stored", || async {
        let stored = page.leads().await?;
        ensure!(stored.len() <= LEADS, "{} leads", stored.len());
        Ok((stored.len() == LEADS).then_some(stored))
    })
    .await?;

    let truth = truth(&page, &forms).await?;
    let ids = stored.iter().map(|lead| text(lead, "id")).collect::<Result<BTreeSet<_>, _>>()?;
    ensure!(
        ids.iter().copied().eq(truth.keys().map(String::as_str)),
        "exactly the leads that were submitted"
    );
    let people = stored.iter().map(|lead| text(lead, "person_id")).collect::<Result<BTreeSet<_>, _>>()?;
    ensure!(people.len() == LEADS, "everybody is one person: {}", people.len());
    in_one_file(&page, &truth).await?;
    stream::iter(truth.values().step_by(SHOWN_EACH).map(|submitted| same(&page, submitted)))
        .buffer_unordered(CONCURRENT)
        .try_collect::<Vec<()>>()
        .await?;
    split(&page, &forms, &stored, &submitted).await
}

/// More leads than an answer holds are a file, each of them once and as it was submitted, value for value.
async fn in_one_file(page: &LeadPage, truth: &BTreeMap<String, Value>) -> anyhow::Result<()> {
    let file = page.export(&json!({}), 180).await?;
    let mut rows = csv::Reader::from_reader(file.trim_start_matches('\u{feff}').as_bytes());
    let mut seen = BTreeSet::new();
    for row in rows.deserialize() {
        let row: BTreeMap<String, String> = row?;
        let cell =
            |name: &str| row.get(name).map(String::as_str).with_context(|| format!("no {name}: {row:?}"));
        let id = cell("lead_id")?;
        let submitted = truth.get(id).with_context(|| format!("lead {id} was not submitted"))?;
        ensure!(seen.insert(id.to_owned()), "lead {id} stands in the file twice");
        for field in [
            "page_id",
            "form_id",
            "ad_id",
            "ad_name",
            "adset_id",
            "adset_name",
            "campaign_id",
            "campaign_name",
            "platform",
            "is_organic",
        ] {
            let wanted = match &submitted[field] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            ensure!(cell(field)? == wanted, "{field} of {id}: {row:?}\nsubmitted: {submitted}");
        }
        let wanted = list(submitted, "field_data")?.iter();
        let wanted: BTreeMap<&str, &Value> =
            wanted.map(|one| Ok((text(one, "name")?, &one["values"]))).collect::<anyhow::Result<_>>()?;
        let answers: Value = serde_json::from_str(cell("answers")?)?;
        ensure!(answers == json!(wanted), "answers of {id}: {row:?}\nsubmitted: {submitted}");
        let boxes = submitted["custom_disclaimer_responses"].as_array().into_iter().flatten();
        let boxes =
            boxes.map(|one| Ok(format!("{}={}", text(one, "checkbox_key")?, one["is_checked"] == "1")));
        ensure!(cell("disclaimers")? == boxes.collect::<anyhow::Result<Vec<_>>>()?.join("; "), "{row:?}");
        let created = OffsetDateTime::parse(cell("created_at")?, &Rfc3339)?;
        ensure!(submitted["created_time"] == created.unix_timestamp(), "time of {id}: {row:?}");
        ensure!((cell("test")?, cell("status")?) == ("false", "new"), "{row:?}");
    }
    ensure!(seen.len() == truth.len(), "{} rows", seen.len());
    Ok(())
}

/// Everything that was submitted, by id.
async fn truth(page: &LeadPage, forms: &[String]) -> anyhow::Result<BTreeMap<String, Value>> {
    let mut truth = BTreeMap::new();
    for form in forms {
        let told = page.shop.sim.read(&format!("/_sim/leads?form_id={form}&limit=20000")).await?;
        for lead in list(&told, "leads")? {
            truth.insert(text(lead, "id")?.to_owned(), lead.clone());
        }
    }
    Ok(truth)
}

async fn all_readable(page: &LeadPage, forms: &[String]) -> anyhow::Result<bool> {
    let now_ms = number(&page.shop.sim.read("/_sim/clock").await?, "now_ms")?;
    let truth = truth(page, forms).await?;
    let readable = |lead: &Value| Ok(number(lead, "readable_at_ms")? <= now_ms);
    truth.values().map(readable).try_fold(true, |all, one: anyhow::Result<bool>| Ok(all && one?))
}

/// A stored lead says what was submitted, value for value.
async fn same(page: &LeadPage, submitted: &Value) -> anyhow::Result<()> {
    let id = text(submitted, "id")?;
    let stored = page.lead(id).await?.with_context(|| format!("lead {id} is not stored"))?;
    for field in [
        "id",
        "page_id",
        "form_id",
        "ad_id",
        "ad_name",
        "adset_id",
        "adset_name",
        "campaign_id",
        "campaign_name",
        "platform",
        "is_organic",
    ] {
        ensure!(stored[field] == submitted[field], "{field} of {id}: {stored}\nsubmitted: {submitted}");
    }
    ensure!(
        stored["answers"] == submitted["field_data"],
        "answers of {id}: {stored}\nsubmitted: {submitted}"
    );
    let boxes = submitted["custom_disclaimer_responses"].as_array().into_iter().flatten();
    let boxes: Vec<Value> =
        boxes.map(|one| json!({"key": one["checkbox_key"], "checked": one["is_checked"] == "1"})).collect();
    ensure!(stored["disclaimers"] == json!(boxes), "boxes of {id}: {stored}");
    let created = OffsetDateTime::parse(stored["created_at"].as_str().unwrap_or_default(), &Rfc3339)?;
    ensure!(submitted["created_time"] == created.unix_timestamp(), "time of {id}: {stored}");
    ensure!(stored["test"] == false && stored["status"] == "new", "{stored}");
    Ok(())
}

/// Each form is complete, and each of its leads is counted once, by the way it came.
async fn split(page: &LeadPage, forms: &[String], stored: &[Value], submitted: &Value) -> anyhow::Result<()> {
    let dropped: BTreeSet<&str> = list(submitted, "dropped")?.iter().filter_map(Value::as_str).collect();
    for form in forms {
        let of_form: Vec<&Value> = stored.iter().filter(|lead| lead["form_id"] == form.as_str()).collect();
        let came = |way: &str| of_form.iter().filter(|lead| lead["arrival"] == way).count();
        let unannounced =
            of_form.iter().filter(|lead| dropped.contains(lead["id"].as_str().unwrap_or_default()));
        for lead in unannounced.clone() {
            ensure!(lead["arrival"] == "poll", "nobody announced it: {lead}");
        }
        ensure!(came("webhook") > 0, "some leads of {form} came by webhook");
        let wanted = json!({"by_webhook": came("webhook"), "by_poll": came("poll"), "at_meta": of_form.len(),
            "stored": of_form.len(), "completeness": 1.0});
        e2e::within(300, &format!("form {form} is complete"), || async {
            let shown = page.shop.of_tenant(&format!("/api/v1/lead-forms/{form}/completeness")).await?;
            let totals = &shown["totals"];
            Ok(wanted
                .as_object()
                .into_iter()
                .flatten()
                .all(|(name, value)| totals[name] == *value)
                .then_some(()))
        })
        .await?;
    }
    Ok(())
}
