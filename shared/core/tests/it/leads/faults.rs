//! Whichever call of whichever port fails, is answered in vain or never answered: every lead is stored and told, once.

use std::collections::BTreeSet;

use adrelay_core::config::Webhook;
use adrelay_core::jobs::JobWork;
use adrelay_core::leads::{Change, ChangeError, FeedbackState, LeadAds, LeadWork, Status};
use adrelay_core::ports::meta::Verdict;
use adrelay_core::time::UnixMillis;
use fakes::{ANY, BEFORE_AND_AFTER, Faults, FixedSecrets, LeadsCall, On, ScriptedMeta, at_once};

use crate::bounded::{until_stuck, up_to};
use crate::leads::world::{World, form, lead_id, submission, tenant};

/// Three leads: one that an ad brought, an organic one, and one that Meta's testing tool made. The tenant wants to be called.
fn world() -> World {
    let world = World::new();
    world.parts.config.set_webhook(Webhook {
        tenant_id: tenant(),
        url: "https://crm.example.com/hook".to_owned(),
        sealed_secret: "whsec_x".to_owned(),
        enabled: true,
        created_at: UnixMillis(0),
        updated_at: UnixMillis(0),
    });
    world.submit(1, &[("email", &["p1@example.com"]), ("phone_number", &["+16505551212"])]);
    for nth in 2..=3 {
        let email = format!("p{nth}@example.com");
        let mut organic = submission(nth, world.now().secs(), &[("email", &[&email])]);
        organic.ads = LeadAds::default();
        organic.is_organic = true;
        world.parts.meta.add_lead(&form(), organic, world.now());
    }
    world.parts.meta.add_test_lead(&form(), &lead_id(3));
    world.announce(&[1, 2, 3]);
    world
}

impl World {
    /// Works off what is queued and what is to be told, and has the first lead contacted in between.
    async fn work_off(&self) {
        self.settle().await;
        for _ in up_to::<u32>(5) {
            match self.change(1, Change::Status { to: Status::Contacted, worth: None }, None).await {
                Ok(_) | Err(ChangeError::Illegal(_)) => break,
                Err(error) => assert!(matches!(error, ChangeError::Store(_)), "{error:?}"),
            }
        }
        self.parts.clock.advance_ms(2_000);
        self.sweep_all().await;
    }
}

fn assert_whole(world: &World, context: &str) {
    let parts = &world.parts;
    let (leads, people) = (parts.leads.all(), &parts.people);
    let all: Vec<(u64, bool, bool)> =
        leads.iter().map(|lead| (lead.rev, lead.doc.test, lead.doc.person.is_some())).collect();
    assert_eq!(all, [(2, false, true), (1, false, true), (1, true, false)], "{context}");
    assert_eq!(people.roots().len(), 2, "{context}");
    let kept: usize = people
        .everybody()
        .iter()
        .map(|person| at_once(FixedSecrets::pii().profile(person)).unwrap().identifiers().len())
        .sum();
    assert_eq!(people.link_count(), kept, "{context}: every link is one that its person keeps");
    assert_eq!(parts.leads.outbox(), [], "{context}");
    assert_eq!(parts.leads.all_missing(), [], "{context}");
    let history = |nth| parts.leads.history(&tenant(), &lead_id(nth)).len();
    assert_eq!([history(1), history(2), history(3)], [2, 1, 1], "{context}");
    for (nth, stages) in [(1, 2), (2, 1), (3, 0)] {
        let told = parts.leads.stages(&tenant(), &lead_id(nth));
        assert_eq!(told.len(), stages, "{context}");
        let queued = told.iter().all(|stage| matches!(stage.state, FeedbackState::Queued { .. }));
        assert!(queued, "{context}: {told:?}");
    }
    let names: BTreeSet<String> = (1..=3).map(|nth| format!("lead.created-{}", lead_id(nth))).collect();
    let bus: BTreeSet<String> =
        parts.bus.events().iter().map(|event| event.detail["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(bus, names, "{context}: the bus");
    let called = parts.jobs_queue.bodies().into_iter().map(|body| match JobWork::parse(&body).unwrap() {
        JobWork::Webhook { delivery, .. } => delivery,
        JobWork::Export { .. } => panic!("an export"),
    });
    assert_eq!(called.collect::<BTreeSet<String>>(), names, "{context}: the webhook");
    let to_meta: BTreeSet<(String, String)> = world
        .events("lead-")
        .iter()
        .map(|event| (event["event_name"].to_string(), event["event_id"].to_string()))
        .collect();
    let event = |name: &str, nth: u64, stage: &str| {
        (format!("\"{name}\""), format!("\"lead-{}{stage}\"", lead_id(nth)))
    };
    let expected = [
        event("Lead", 1, ""),
        event("New", 1, "-1"),
        event("Contacted", 1, "-2"),
        event("Lead", 2, ""),
        event("New", 2, "-1"),
    ];
    assert_eq!(to_meta, BTreeSet::from(expected), "{context}: Meta");
    let counted: Vec<(u64, u64)> =
        parts.leads.all_days().iter().map(|(_, _, day)| (day.by_webhook, day.by_poll)).collect();
    assert_eq!(counted, [(2, 0)], "{context}: counted once");
    for queue in [&parts.leads_queue, &parts.events, &parts.jobs_queue] {
        assert_eq!(queue.dead(), Vec::<String>::new(), "{context}");
    }
    assert_eq!(parts.leads_queue.bodies(), Vec::<String>::new(), "{context}");
}

type Part = (&'static str, u32, fn(&World) -> Faults);

/// Each port, with the calls of it that a test meets at least.
const PARTS: [Part; 10] = [
    ("config", 8, |world| world.parts.config.faults().clone()),
    ("leads", 20, |world| world.parts.leads.faults().clone()),
    ("people", 10, |world| world.parts.people.faults().clone()),
    ("vault", 3, |world| world.parts.vault.faults().clone()),
    ("secrets", 8, |world| world.parts.secrets.faults().clone()),
    ("meta", 4, |world| world.parts.meta.faults().clone()),
    ("bus", 3, |world| world.parts.bus.faults().clone()),
    ("events", 5, |world| world.parts.events.faults().clone()),
    ("leads_queue", 0, |world| world.parts.leads_queue.faults().clone()),
    ("jobs_queue", 3, |world| world.parts.jobs_queue.faults().clone()),
];

#[tokio::test]
async fn undisturbed_nothing_is_told_twice() {
    let world = world();
    world.work_off().await;
    assert_whole(&world, "undisturbed");
    assert_eq!((world.parts.bus.events().len(), world.parts.jobs_queue.bodies().len()), (3, 3));
    assert_eq!(world.events("lead-").len(), 5);
}

#[tokio::test]
async fn whichever_call_fails_or_whose_answer_is_lost_every_lead_is_stored_and_told() {
    for (part, least, faults) in PARTS {
        for when in BEFORE_AND_AFTER {
            let mut failed = 0;
            for nth in up_to::<u64>(300).skip(1) {
                let world = world();
                world.announce(&[1]);
                let faults = faults(&world);
                faults.fail(ANY, On::Nth(nth), when);
                world.work_off().await;
                assert_whole(&world, &format!("{part}, call {nth} failed {when:?}"));
                if faults.calls(ANY) < nth {
                    break;
                }
                failed += 1;
            }
            assert!(failed >= least, "{part}: {failed} calls failed");
        }
    }
}

#[tokio::test]
async fn wherever_a_process_dies_every_lead_is_stored_and_told() {
    for (part, least, faults) in PARTS {
        for when in BEFORE_AND_AFTER {
            let mut deaths = 0;
            for nth in up_to::<u64>(300).skip(1) {
                let mut world = world();
                world.announce(&[1]);
                let faults = faults(&world);
                faults.hang(ANY, On::Nth(nth), when);
                let ended = until_stuck(world.work_off()).is_some();
                faults.clear();
                if !ended {
                    world.restart();
                    world.work_off().await;
                }
                assert_whole(&world, &format!("{part}, died at call {nth} {when:?}"));
                if ended {
                    break;
                }
                deaths += 1;
            }
            assert!(deaths >= least, "{part}: {deaths} deaths");
        }
    }
}

#[tokio::test]
async fn a_queue_that_takes_one_of_two_messages_has_the_announcement_received_again() {
    for (place, when) in [0, 1].into_iter().flat_map(|place| BEFORE_AND_AFTER.map(|when| (place, when))) {
        let world = World::new();
        for nth in 1..=3 {
            world.submit_plain(nth);
        }
        world.announce(&[1, 2, 3]);
        // Meta does not answer for the first, and no time is left for the third: each goes back in a message of its own.
        world.parts.meta.fail_next(LeadsCall::Lead, ScriptedMeta::failure(Verdict::Retry, 2, None));
        let clock = world.parts.clock.clone();
        world.parts.meta.faults().take_ms("lead", On::Each, &clock, 3_000);
        world.parts.leads_queue.faults().refuse_at("send", On::Nth(1), when, &[place]);
        let message = world.parts.leads_queue.receive(1).remove(0);
        let work = LeadWork::parse(&message.body).unwrap();
        let (failed, report) = world.desk.handle(vec![work], world.now().plus_ms(7_000)).await;
        assert_eq!((failed, report.stored, report.deferred), (vec![0], 1, 2), "place {place} {when:?}");
        world.settle().await;
        assert_eq!(world.parts.leads.all().len(), 3, "place {place} {when:?}");
        assert_eq!(world.parts.leads_queue.dead(), Vec::<String>::new());
    }
}
