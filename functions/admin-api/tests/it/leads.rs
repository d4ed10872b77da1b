//! Leads: found, shown, worked on, looked for, erased.

use std::collections::BTreeSet;

use adrelay_core::ids::TenantId;
use adrelay_core::leads::{
    Activity, ActivityKind, Answer, Arrival, Contact, Feedback, FeedbackState, LEAD_PURPOSE, Lead, LeadAds,
    LeadDoc, LeadPii, LeadWork, MissingLead, OutboxTopic, Status, lookup_text,
};
use adrelay_core::people::Pii;
use adrelay_core::ports::clock::Clock as _;
use adrelay_core::ports::leads::{LeadOutbox as _, LeadStore as _, LeadWrite, SyncStore as _};
use adrelay_core::seal::Secret;
use serde_json::{Value, json};

use crate::lead_forms::{FORM, form};
use crate::log;
use crate::pages::{PAGE, page};
use crate::rig::{PIXEL, Rig, Shop};

pub(crate) const EMAIL: &str = "jane.canary@example.com";

/// Stores a lead as lead-worker does; `change` makes it another one.
pub(crate) async fn submit(
    rig: &Rig,
    shop: &Shop,
    id: &str,
    change: impl FnOnce(&mut LeadDoc, &mut LeadPii),
) {
    let tenant: TenantId = shop.tenant.parse().unwrap();
    let mut doc = LeadDoc {
        page: PAGE.parse().unwrap(),
        form: FORM.parse().unwrap(),
        source: "shop".parse().unwrap(),
        created_at_s: fakes::NOON.secs(),
        stored_at: fakes::NOON,
        arrival: Arrival::Webhook,
        test: false,
        ads: LeadAds {
            ad_id: Some("55".parse().unwrap()),
            campaign_id: Some("66".parse().unwrap()),
            ..LeadAds::default()
        },
        platform: Some("fb".to_owned()),
        is_organic: false,
        person: None,
        status: Status::New,
        assignee: None,
        contacted_at: None,
        converted_at: None,
        worth: None,
        last_event_s: Some(fakes::NOON.secs()),
        updated_at: fakes::NOON,
        erased_at: None,
    };
    let answer = |name: &str, values: &[&str]| Answer {
        name: name.to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    let mut pii = LeadPii {
        answers: vec![answer("email", &[EMAIL]), answer("colours", &["red", "=blue"])],
        contact: Contact {
            email: Some(EMAIL.to_owned()),
            phone: Some("+16505551212".to_owned()),
            full_name: Some("Jane Canary".to_owned()),
            ..Contact::default()
        },
        ..LeadPii::default()
    };
    change(&mut doc, &mut pii);
    let keys = Pii::new(rig.secrets.clone(), "keyring-pii".to_owned(), "lookup".to_owned());
    let key = keys.lookup().await.unwrap();
    let contact = &pii.contact;
    let texts = [&contact.email, &contact.phone, &contact.full_name].into_iter().flatten();
    let texts: BTreeSet<_> = texts.map(|text| key.text(&tenant, &lookup_text(text, None))).collect();
    let json = Secret::new(serde_json::to_string(&pii).unwrap());
    let sealed = keys.seal(&tenant, id, LEAD_PURPOSE, json, [1; 12]).await.unwrap();
    let lead = Lead { tenant, id: id.parse().unwrap(), rev: 0, doc, texts, sealed: Some(sealed) };
    let what = ActivityKind::Created { arrival: lead.doc.arrival };
    let activity = Activity { nth: 1, at: fakes::NOON, by: "adrelay".to_owned(), what, sealed_note: None };
    let feedback = Feedback::of(&lead.id, 1, Status::New, lead.doc.created_at_s).unwrap();
    let feedback = Feedback { state: FeedbackState::Queued { at: fakes::NOON }, ..feedback };
    let write = LeadWrite { lead: &lead, activity: &activity, feedback: Some(&feedback), outbox: &[] };
    rig.leads.create(write).await.unwrap();
}

async fn ids(rig: &Rig, path: &str, key: &str) -> Vec<String> {
    let reply = rig.get(path, key).await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.text);
    found(&reply.body)
}

pub(crate) fn found(body: &Value) -> Vec<String> {
    body["items"].as_array().unwrap().iter().map(|lead| lead["id"].as_str().unwrap().to_owned()).collect()
}

/// A shop with a people key, a page and a form.
pub(crate) async fn office(rig: &Rig) -> (Shop, String) {
    let shop = Shop::open(rig, PIXEL).await;
    let key = shop.key(rig, "people").await;
    page(rig, &shop, PAGE).await;
    form(rig, &shop, FORM).await;
    (shop, key)
}

#[tokio::test]
async fn leads_are_listed_newest_first_by_every_filter() {
    let rig = Rig::empty().await;
    let (shop, key) = office(&rig).await;
    submit(&rig, &shop, "1", |doc, _| doc.created_at_s -= 86_400).await;
    submit(&rig, &shop, "2", |doc, _| {
        doc.status = Status::Contacted;
        doc.assignee = Some("Ann Lee".to_owned());
    })
    .await;
    submit(&rig, &shop, "3", |doc, _| {
        doc.created_at_s += 60;
        doc.ads = LeadAds::default();
        doc.form = "8801".parse().unwrap();
    })
    .await;
    submit(&rig, &shop, "4", |doc, _| doc.test = true).await;
    for (query, expected) in [
        ("", &["3", "2", "1"] as &[&str]),
        ("?status=contacted", &["2"]),
        ("?form_id=8801", &["3"]),
        ("?page_id=7700", &["3", "2", "1"]),
        ("?page_id=1", &[]),
        ("?campaign_id=66", &["2", "1"]),
        ("?ad_id=55&status=new", &["1"]),
        ("?source_id=shop&limit=1", &["3"]),
        ("?assignee=Ann%20Lee", &["2"]),
        ("?from=2026-09-21", &["3", "2"]),
        ("?to=2026-09-20", &["1"]),
        ("?to=2026-09-21T14:14:00Z", &["2", "1"]),
        ("?test=true", &["4"]),
    ] {
        assert_eq!(ids(&rig, &format!("/api/v1/leads{query}"), &key).await, expected, "{query}");
    }
    let first = rig.get("/api/v1/leads?limit=2", &key).await;
    let cursor = first.body["next_cursor"].as_str().unwrap().replace('#', "%23");
    assert_eq!(ids(&rig, &format!("/api/v1/leads?limit=2&cursor={cursor}"), &key).await, ["1"]);
    assert_eq!(first.body["items"][0]["contact"]["email"], EMAIL);
    assert_eq!(first.body["items"][0].get("answers"), None);
    for (query, code) in [
        ("status=lost", "invalid"),
        ("from=yesterday", "invalid"),
        ("test=1", "invalid"),
        ("cursor=x", "invalid"),
        ("q=jane", "unknown_parameter"),
    ] {
        let reply = rig.get(&format!("/api/v1/leads?{query}"), &key).await;
        assert_eq!(reply.refusal(), (422, code), "{query}");
    }
}

#[tokio::test]
async fn an_email_a_phone_or_a_name_finds_its_leads_exactly() {
    let rig = Rig::empty().await;
    let (shop, key) = office(&rig).await;
    submit(&rig, &shop, "1", |_, _| {}).await;
    submit(&rig, &shop, "2", |_, pii| pii.contact = Contact::default()).await;
    for (q, expected) in [
        (" Jane.Canary@Example.com", &["1"] as &[&str]),
        ("+1 650 555 1212", &["1"]),
        ("jane  canary", &["1"]),
        ("jane", &[]),
        ("joan@example.com", &[]),
    ] {
        let reply = rig.post("/api/v1/leads/search", &key, json!({"q": q, "form_id": FORM})).await;
        assert_eq!(found(&reply.body), expected, "{q}");
    }
    let other = Shop::open(&rig, "5").await;
    let reply = rig.post("/api/v1/leads/search", &other.admin, json!({"q": EMAIL})).await;
    assert_eq!(reply.body["items"], json!([]));
    assert!(!log::lines().to_lowercase().contains("canary"), "what was looked for stands in no log line");
}

#[tokio::test]
async fn a_lead_is_shown_whole() {
    let rig = Rig::empty().await;
    let (shop, key) = office(&rig).await;
    submit(&rig, &shop, "1", |_, _| {}).await;
    let lead = rig.get("/api/v1/leads/1", &key).await;
    assert_eq!(lead.body["answers"][1], json!({"name": "colours", "values": ["red", "=blue"]}));
    assert_eq!(lead.body["ad_id"], "55");
    let told = json!([{"stage": "new", "event_name": "New", "event_id": "lead-1-1", "event_time": fakes::NOON.secs(),
        "state": "queued", "queued_at": "2026-09-21T14:13:20Z", "reason": null, "receipts": []}]);
    assert_eq!(lead.body["feedback"], told);
    assert_eq!(rig.get("/api/v1/leads/2", &key).await.refusal(), (404, "lead_unknown"));

    let other = Shop::open(&rig, "5").await;
    for (method, path) in [
        ("GET", "/api/v1/leads/1"),
        ("PATCH", "/api/v1/leads/1"),
        ("POST", "/api/v1/leads/1/convert"),
        ("GET", "/api/v1/leads/1/activity"),
    ] {
        let reply = rig.call(method, path, &other.admin, None).await;
        assert_eq!(reply.refusal(), (404, "lead_unknown"), "{method} {path}");
    }
    let reply = rig.post("/api/v1/leads/1/notes", &other.admin, json!({"note": "mine"})).await;
    assert_eq!(reply.refusal(), (404, "lead_unknown"));
    assert!(ids(&rig, "/api/v1/leads", &other.admin).await.is_empty());
}

#[tokio::test]
async fn a_lead_walks_its_life_and_its_history_says_who_walked_it() {
    let rig = Rig::empty().await;
    let (shop, key) = office(&rig).await;
    submit(&rig, &shop, "1", |_, _| {}).await;
    let illegal = rig.patch("/api/v1/leads/1", &key, json!({"status": "qualified", "assignee": "Bo"})).await;
    assert_eq!(illegal.refusal(), (409, "illegal_step"));
    let message = "from new it can become contacted, disqualified, archived";
    assert_eq!(illegal.body["errors"][0]["message"], message);
    let untouched = rig.get("/api/v1/leads/1", &key).await.body;
    assert_eq!((&untouched["status"], &untouched["assignee"]), (&json!("new"), &Value::Null));

    rig.clock.advance_ms(60_000);
    let body =
        json!({"status": "contacted", "assignee": "Bo", "note": "Called Jane Canary.", "actor": "ann@crm"});
    let contacted = rig.patch("/api/v1/leads/1", &key, body).await;
    assert_eq!((&contacted.body["status"], &contacted.body["assignee"]), (&json!("contacted"), &json!("Bo")));
    assert_eq!(contacted.body["contacted_at"], "2026-09-21T14:14:20Z");
    rig.patch("/api/v1/leads/1", &key, json!({"status": "qualified"})).await;
    let worth = json!({"minor": 2_990, "currency": "EUR"});
    let converted = rig.post("/api/v1/leads/1/convert", &key, json!({"worth": worth})).await;
    assert_eq!((&converted.body["status"], &converted.body["worth"]), (&json!("converted"), &worth));
    let noted = rig.post("/api/v1/leads/1/notes", &key, json!({"note": "Pays\nmonthly."})).await;
    assert_eq!((noted.status, &noted.body["note"]), (201, &json!("Pays\nmonthly.")));
    assert_eq!(rig.post("/api/v1/leads/1/convert", &key, json!({})).await.refusal(), (409, "illegal_step"));

    let activity = rig.get("/api/v1/leads/1/activity", &key).await;
    let lines: Vec<(&str, &str, &Value)> = activity.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["kind"].as_str().unwrap(), line["by"].as_str().unwrap(), &line["note"]))
        .collect();
    let expected = [
        ("note", "people key", &json!("Pays\nmonthly.")),
        ("status", "people key", &Value::Null),
        ("status", "people key", &Value::Null),
        ("status", "ann@crm", &json!("Called Jane Canary.")),
        ("assigned", "ann@crm", &Value::Null),
        ("created", "adrelay", &Value::Null),
    ];
    assert_eq!(lines, expected);

    let times: Vec<i64> = converted.body["feedback"]
        .as_array()
        .unwrap()
        .iter()
        .map(|stage| stage["event_time"].as_i64().unwrap())
        .collect();
    assert_eq!(times.len(), 4);
    assert!(times.is_sorted_by(|one, next| one < next), "{times:?}");
    let due = rig.leads.due(rig.clock.now().plus_ms(10_000), 100).await.unwrap();
    let topics: BTreeSet<OutboxTopic> = due.into_iter().map(|entry| entry.topic).collect();
    let nths = [3, 4, 5].map(OutboxTopic::Feedback);
    assert_eq!(topics, BTreeSet::from(nths), "what Meta is to be told waits for lead-worker");
}

#[tokio::test]
async fn leads_that_cannot_be_read_are_listed() {
    let rig = Rig::empty().await;
    let (shop, key) = office(&rig).await;
    let missing = MissingLead {
        tenant: shop.tenant.parse().unwrap(),
        id: "9".parse().unwrap(),
        page: PAGE.parse().unwrap(),
        form: None,
        announced_at: fakes::NOON,
        attempts: 3,
        reason: "not_readable".to_owned(),
        code: Some(100),
        given_up: false,
    };
    rig.leads.note_missing(&missing).await.unwrap();
    let list = rig.get("/api/v1/leads/missing", &key).await;
    let expected = json!({"id": "9", "page_id": PAGE, "form_id": null, "announced_at": "2026-09-21T14:13:20Z",
        "attempts": 3, "reason": "not_readable", "code": 100, "given_up": false});
    assert_eq!(list.body["items"], json!([expected]));
}

#[tokio::test]
async fn a_sync_is_a_job_of_a_message_for_each_page_that_is_on() {
    let rig = Rig::empty().await;
    let (shop, _) = office(&rig).await;
    page(&rig, &shop, "7701").await;
    page(&rig, &shop, "7702").await;
    rig.patch("/api/v1/pages/7702", &shop.admin, json!({"enabled": false})).await;
    let queued = rig.post("/api/v1/leads/sync", &shop.admin, json!({"days": 30})).await;
    assert_eq!(
        (queued.status, &queued.body["kind"], &queued.body["state"]),
        (202, &json!("lead_sync"), &json!("queued"))
    );
    let id = queued.body["id"].as_str().unwrap();
    let mut pages = BTreeSet::new();
    for body in rig.leads_queue.bodies() {
        let LeadWork::Page { page, days: Some(30), job: Some(job), .. } = LeadWork::parse(&body).unwrap()
        else {
            panic!("{body}")
        };
        assert_eq!(job.as_str(), id);
        pages.insert(page.to_string());
    }
    assert_eq!(pages, BTreeSet::from([PAGE.to_owned(), "7701".to_owned()]));
    let job = rig.get(&format!("/api/v1/jobs/{id}"), &shop.admin).await;
    assert_eq!(job.body, queued.body);
    assert_eq!(job.body["by"], "boss");

    let of_form = rig.post("/api/v1/leads/sync", &shop.admin, json!({"form_id": FORM})).await;
    assert_eq!((of_form.status, rig.leads_queue.bodies().len()), (202, 3));
    for (body, refusal) in [
        (json!({"form_id": "404"}), (404, "form_unknown")),
        (json!({"page_id": "404"}), (404, "page_unknown")),
        (json!({"page_id": "7702"}), (409, "page_disabled")),
        (json!({"page_id": PAGE, "form_id": FORM}), (422, "not_allowed")),
        (json!({"days": 91}), (422, "invalid")),
    ] {
        assert_eq!(rig.post("/api/v1/leads/sync", &shop.admin, body).await.refusal(), refusal);
    }
    let bare = Shop::bare(&rig, "Bare").await;
    assert_eq!(rig.post("/api/v1/leads/sync", &bare.admin, json!({})).await.refusal(), (409, "no_pages"));
    assert_eq!(rig.get(&format!("/api/v1/jobs/{id}"), &bare.admin).await.refusal(), (404, "job_unknown"));

    rig.leads_queue.set_refusing(true);
    assert_eq!(rig.post("/api/v1/leads/sync", &shop.admin, json!({})).await.refusal(), (503, "unavailable"));
    let failed = rig.jobs.all().into_iter().filter(|job| job.error.as_deref() == Some("not_queued"));
    assert_eq!(failed.count(), 1, "nobody waits for a job that was never queued");
}
