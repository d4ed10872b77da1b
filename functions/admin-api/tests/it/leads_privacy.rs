//! What is personal of leads: sealed, erased, behind a gate.

use admin_api::settings::Switches;
use serde_json::{Value, json};

use crate::canary::everything_stored;
use crate::leads::{EMAIL, found, office, submit};
use crate::log;
use crate::people::person;
use crate::rig::{ROOT, Rig};

#[tokio::test]
async fn who_is_erased_is_erased_from_their_leads_too() {
    let rig = Rig::empty().await;
    let (shop, key) = office(&rig).await;
    let jane = person(&rig, &key, json!({"email": EMAIL})).await;
    submit(&rig, &shop, "1", |doc, _| doc.person = Some(jane.parse().unwrap())).await;
    submit(&rig, &shop, "2", |_, _| {}).await;
    rig.post("/api/v1/leads/1/notes", &key, json!({"note": "Jane Canary called."})).await;
    assert_eq!(rig.get("/api/v1/leads/1", &key).await.body["person_id"], json!(jane));

    let receipt = rig.delete(&format!("/api/v1/people/{jane}"), &key).await;
    assert_eq!((receipt.status, &receipt.body["counts"]["leads"]), (200, &json!(1)));
    let lead = rig.get("/api/v1/leads/1", &key).await;
    assert_eq!((&lead.body["contact"], &lead.body["answers"]), (&Value::Null, &json!([])));
    assert_eq!(
        (&lead.body["person_id"], &lead.body["erased_at"]),
        (&Value::Null, &json!("2026-09-21T14:13:20Z"))
    );
    let history = rig.get("/api/v1/leads/1/activity", &key).await;
    assert!(!history.text.contains("Canary"), "{}", history.text);
    let search = rig.post("/api/v1/leads/search", &key, json!({"q": EMAIL})).await;
    assert_eq!(found(&search.body), ["2"], "another one's lead of the same address stays");
    let worked = rig.patch("/api/v1/leads/1", &key, json!({"status": "contacted"})).await;
    assert_eq!(worked.refusal(), (409, "lead_erased"));
}

#[tokio::test]
async fn while_leads_are_off_everything_about_them_says_so() {
    let rig = Rig::switched(Switches { people: true, leads: false, loopback: false }).await;
    for (method, path) in [
        ("GET", "/api/v1/leads"),
        ("POST", "/api/v1/leads/export"),
        ("GET", "/api/v1/pages"),
        ("GET", "/api/v1/lead-forms/1"),
        ("PUT", "/api/v1/lead-webhook"),
    ] {
        let reply = rig.call(method, path, ROOT, None).await;
        assert_eq!((reply.status, reply.body), (200, json!({"disabled": true})), "{method} {path}");
    }
    assert_eq!(rig.get("/api/v1/jobs/job_1?tenant_id=t", ROOT).await.refusal(), (404, "job_unknown"));
}

#[tokio::test]
async fn nothing_personal_of_a_lead_is_logged_queued_or_stored_in_clear() {
    let rig = Rig::empty().await;
    let (shop, key) = office(&rig).await;
    submit(&rig, &shop, "1", |_, _| {}).await;
    let note = json!({"note": "Jane Canary called.", "actor": "ann"});
    let replies = [
        rig.post("/api/v1/leads/1/notes", &key, note).await,
        rig.patch("/api/v1/leads/1", &key, json!({"status": "contacted", "note": "Canary again"})).await,
        rig.patch("/api/v1/leads/1", &key, json!({"note": ["canary"], "canary": 1})).await,
        rig.post("/api/v1/leads/search", &key, json!({"q": EMAIL})).await,
        rig.post("/api/v1/leads/export", &key, json!({"q": EMAIL})).await,
        rig.post("/api/v1/leads/export", &key, json!({"q": EMAIL, "inline": false})).await,
    ];
    assert_eq!(replies.map(|reply| reply.status), [201, 200, 422, 200, 200, 202]);
    let stored = format!("{:?} {:?}", rig.leads.all(), rig.jobs.all());
    let history = rig.leads.history(&shop.tenant.parse().unwrap(), &"1".parse().unwrap());
    let elsewhere = everything_stored(&rig).await;
    let queued = [rig.leads_queue.bodies(), rig.jobs_queue.bodies()].concat().concat();
    assert!(queued.contains("export") && history.len() == 3);
    for (place, text) in [
        ("log", log::lines()),
        ("lead", stored),
        ("history", format!("{history:?}")),
        ("table", elsewhere),
        ("queue", queued),
    ] {
        for canary in ["canary", "6505551212"] {
            // What was posted under a name of the caller's is told back to the caller alone.
            assert!(!text.to_lowercase().contains(canary), "{canary} in {place}");
        }
    }
}
