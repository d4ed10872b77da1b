//! From an announcement to a stored lead.

use adrelay_core::ids::PageId;
use adrelay_core::leads::{
    ActivityKind, Arrival, Disclaimer, FeedbackState, LEAD_CREATED, MetaForm, OutboxTopic, Question, Status,
    lookup_text,
};
use adrelay_core::ports::leads::FormStore as _;
use adrelay_core::time::UnixMillis;
use fakes::{FixedSecrets, LeadsCall};
use serde_json::json;

use crate::leads::world::{FORM, PAGE, World, form, lead_id, page, submission, tenant};

#[tokio::test]
async fn an_announced_lead_is_stored_with_all_its_answers_and_told() {
    let world = World::new();
    let mut submitted = submission(
        1,
        world.now().secs(),
        &[
            ("email", &["Jane@Example.com"]),
            ("phone_number", &["(650) 555-1212"]),
            ("full_name", &["Jane Doe"]),
            ("colours", &["blue", "=red", ""]),
        ],
    );
    submitted.disclaimers = vec![Disclaimer { key: "optional_1".to_owned(), checked: true }];
    submitted.extra.insert("partner_name".to_owned(), json!("somebody"));
    world.parts.meta.add_lead(&form(), submitted.clone(), world.now());
    world.announce(&[1]);
    let report = world.drain().await;
    assert_eq!((report.announced, report.stored, report.deferred), (1, 1, 0));

    let lead = world.lead(1).await.unwrap();
    assert_eq!((lead.rev, lead.doc.status, lead.doc.arrival), (1, Status::New, Arrival::Webhook));
    assert_eq!((lead.doc.page.as_str(), lead.doc.form.as_str()), (PAGE, FORM));
    assert_eq!(lead.doc.ads, submitted.ads);
    assert_eq!((lead.doc.platform.as_deref(), lead.doc.test), (Some("ig"), false));
    let pii = world.pii(&lead).await;
    assert_eq!(
        (pii.answers, pii.disclaimers, pii.extra),
        (submitted.answers, submitted.disclaimers, submitted.extra)
    );
    assert_eq!(pii.contact.last_name.as_deref(), Some("Doe"));

    let history = world.parts.leads.history(&tenant(), &lead_id(1));
    assert_eq!(history.len(), 1);
    assert_eq!(history[0].what, ActivityKind::Created { arrival: Arrival::Webhook });
    let stages = world.parts.leads.stages(&tenant(), &lead_id(1));
    assert_eq!(stages.len(), 1);
    assert!(matches!(stages[0].state, FeedbackState::Queued { .. }));
    assert_eq!(stages[0].event_time_s, submitted.created_at_s);
    assert_eq!(world.parts.leads.outbox(), []);
    let told = world.parts.bus.events();
    assert_eq!((told.len(), told[0].name), (1, LEAD_CREATED));
    let person = lead.doc.person.as_ref().unwrap();
    assert_eq!(
        told[0].detail,
        json!({"id": format!("lead.created-{}", lead.id), "tenant_id": "acme", "lead_id": lead.id,
            "form_id": FORM, "page_id": PAGE, "ad_id": "8001", "campaign_id": "820", "person_id": person,
            "test": false, "created_at": world.now().rfc3339()})
    );
}

#[tokio::test]
async fn nothing_that_is_stored_in_clear_or_travels_holds_an_answer() {
    let world = World::new();
    world.submit(1, &[("email", &["canary@example.com"]), ("full_name", &["Canary Bird"])]);
    world.announce(&[1]);
    world.drain().await;
    let lead = world.lead(1).await.unwrap();
    let mut texts = vec![format!("{lead:?}"), serde_json::to_string(&lead.doc).unwrap()];
    for queue in [&world.parts.events, &world.parts.leads_queue, &world.parts.jobs_queue] {
        texts.extend(queue.bodies());
    }
    texts.extend(world.parts.bus.events().iter().map(|event| event.detail.to_string()));
    assert!(texts.len() > 3);
    for text in texts {
        assert!(!text.to_lowercase().contains("canary"), "{text}");
    }
}

#[tokio::test]
async fn a_list_finds_the_lead_by_what_was_answered() {
    let world = World::new();
    world.submit(
        1,
        &[
            ("email", &["Jane@Example.com"]),
            ("phone_number", &["(650) 555-1212"]),
            ("full_name", &["Jane Doe"]),
        ],
    );
    world.announce(&[1]);
    world.drain().await;
    let texts = world.lead(1).await.unwrap().texts;
    let pii = FixedSecrets::pii();
    let key = pii.lookup().await.unwrap();
    for asked in
        ["jane@example.com", "JANE@example.com", "+1 650 555 1212", "(650) 555-1212", "jane  doe", "Doe"]
    {
        let hash = key.text(&tenant(), &lookup_text(asked, None));
        assert!(texts.contains(&hash), "{asked}");
    }
    assert!(!texts.contains(&key.text(&tenant(), &lookup_text("john@example.com", None))));
}

#[tokio::test]
async fn a_lead_that_is_not_readable_yet_comes_later() {
    let world = World::new();
    let submitted = submission(1, world.now().secs(), &[("email", &["jane@example.com"])]);
    world.parts.meta.add_lead(&form(), submitted, world.now().plus_ms(240_000));
    world.announce(&[1]);
    let first = world.drain().await;
    assert_eq!((first.stored, first.deferred, first.announced), (0, 1, 1));
    let all = world.settle().await;
    assert_eq!((all.stored, all.announced), (1, 0));
    assert!(all.deferred > 1);
    assert_eq!(world.parts.leads.all().len(), 1);
    assert_eq!(world.parts.leads.all_missing(), [], "what was noted as missing is forgotten");
    assert_eq!(world.parts.leads_queue.dead(), Vec::<String>::new());
}

#[tokio::test]
async fn one_that_stays_unreadable_is_given_up_after_36_hours_and_says_so() {
    let world = World::new();
    world.submit_plain(1);
    world.announce(&[1, 2]);
    let begin = world.now();
    let all = world.settle().await;
    assert_eq!((all.stored, all.given_up), (1, 1));
    let hours = world.now().ms_since(begin) / 3_600_000;
    assert!((36..38).contains(&hours), "{hours}");
    let missing = world.parts.leads.all_missing();
    assert_eq!(missing.len(), 1);
    assert!(missing[0].given_up);
    assert_eq!((missing[0].reason.as_str(), missing[0].code), ("not_readable", Some(100)));
    assert!(world.parts.meta.count(LeadsCall::Lead) < 250, "{}", world.parts.meta.count(LeadsCall::Lead));
}

#[tokio::test]
async fn duplicates_and_disorder_store_each_lead_once() {
    let world = World::new();
    for nth in 1..=30 {
        world.submit_plain(nth);
    }
    let scattered: Vec<u64> = (0..90).map(|step| step * 37 % 30 + 1).collect();
    for few in scattered.chunks(7) {
        world.announce(few);
    }
    let all = world.settle().await;
    assert_eq!((all.announced, all.stored + all.repeated), (90, 90));
    assert_eq!(all.stored, 30);
    assert_eq!(world.parts.leads.all().len(), 30);
    assert_eq!(world.parts.people.roots().len(), 30);
    assert_eq!(world.parts.bus.events().len(), 30);
}

#[tokio::test]
async fn leads_of_a_page_that_nobody_has_or_that_is_disabled_are_counted_and_gone() {
    let world = World::new();
    world.submit_plain(1);
    world.announce_of(&PageId::parse("999").unwrap(), &[1]);
    world.parts.config.change_page(&tenant(), &page(), |page| page.enabled = false);
    world.announce(&[1]);
    let report = world.drain().await;
    assert_eq!((report.unowned, report.stored), (2, 0));
    assert_eq!(world.parts.leads_queue.bodies(), Vec::<String>::new());
    assert_eq!(world.parts.meta.calls(), []);
}

#[tokio::test]
async fn a_page_that_is_added_meanwhile_takes_its_first_leads() {
    let world = World::new();
    let other = PageId::parse("502").unwrap();
    world.submit_plain(1);
    world.announce_of(&other, &[1]);
    world.drain().await;
    world.parts.config.add_page(&tenant(), &other, &crate::leads::world::source().id, "page-token");
    world.announce_of(&other, &[1]);
    assert_eq!(world.drain().await.stored, 1);
}

#[tokio::test]
async fn a_renamed_question_is_known_by_its_type_once_its_form_is_synced() {
    let world = World::new();
    let meta = MetaForm {
        id: form(),
        name: Some("Angebot".to_owned()),
        status: "ACTIVE".to_owned(),
        locale: None,
        questions: vec![Question {
            id: None,
            key: "kontakt".to_owned(),
            label: None,
            kind: "EMAIL".to_owned(),
            options: Vec::new(),
        }],
        leads_count: None,
        expired_leads_count: None,
        organic_leads_count: None,
        privacy_policy_url: None,
        thank_you_page: None,
        created_at_s: None,
    };
    world.parts.leads.put_form(&tenant(), &page(), &meta, world.now()).await.unwrap();
    world.submit(1, &[("kontakt", &["jane@example.com"])]);
    world.announce(&[1]);
    world.drain().await;
    let lead = world.lead(1).await.unwrap();
    assert_eq!(world.pii(&lead).await.contact.email.as_deref(), Some("jane@example.com"));
}

#[tokio::test]
async fn what_the_invocation_has_no_time_for_is_on_the_queue_again_and_not_counted_as_a_try() {
    let world = World::new();
    world.submit_plain(1);
    world.announce(&[1]);
    let received = world.parts.leads_queue.receive(10);
    let work = adrelay_core::leads::LeadWork::parse(&received[0].body).unwrap();
    let deadline = world.now().plus_ms(4_000);
    let (failed, report) = world.desk.handle(vec![work.clone()], deadline).await;
    assert_eq!((failed, report.deferred), (vec![], 1));
    world.parts.leads_queue.delete(received[0].id);
    assert_eq!(world.parts.leads_queue.bodies(), [work.body().unwrap()]);
    assert_eq!(world.parts.meta.calls(), []);
    assert_eq!(world.settle().await.stored, 1);
}

#[tokio::test]
async fn where_the_queue_refuses_too_the_message_is_received_again() {
    let world = World::new();
    world.announce(&[1]);
    world.parts.leads_queue.set_refusing(true);
    let received = world.parts.leads_queue.receive(10);
    let work = adrelay_core::leads::LeadWork::parse(&received[0].body).unwrap();
    let (failed, _) = world.desk.handle(vec![work], UnixMillis(i64::MAX)).await;
    assert_eq!(failed, [0]);
}

#[tokio::test]
async fn what_cannot_be_told_at_once_is_told_by_the_sweep_under_the_same_name() {
    let world = World::new();
    world.submit_plain(1);
    world.announce(&[1]);
    world.parts.bus.set_refusing(true);
    world.parts.events.set_refusing(true);
    // The person's event goes first, and without it there is no lead.
    assert_eq!(world.drain().await.stored, 0);
    world.parts.events.set_refusing(false);
    assert_eq!(world.settle().await.stored, 1);
    let left: Vec<OutboxTopic> = world.parts.leads.outbox().into_iter().map(|entry| entry.topic).collect();
    assert_eq!(left, [OutboxTopic::Created]);
    assert_eq!(world.sweep().await.unswept, 1);
    world.parts.bus.set_refusing(false);
    assert_eq!(world.sweep().await.swept, 1);
    assert_eq!(world.parts.leads.outbox(), []);
    assert_eq!(world.parts.bus.events()[0].detail["id"], format!("lead.created-{}", lead_id(1)));
}
