//! Calls of tenants' webhooks: three receivers that fail differently, and others that don't.

use adrelay_core::config::Webhook;
use adrelay_core::ids::TenantId;
use adrelay_core::jobs::{Delivery, DeliveryState, WebhookKey};
use adrelay_core::ports::clock::Clock as _;
use adrelay_core::ports::config::PageDirectory as _;
use adrelay_core::ports::jobs::DeliveryStore as _;
use adrelay_core::ports::leads::LeadEraser as _;
use fakes::{ANY, BEFORE_AND_AFTER, Faults, NOON, On, Receiver, Task, side_by_side};
use serde_json::{Value, json};

use crate::bounded::{until_stuck, up_to};
use crate::jobs::world::{KEY, World, lead, pii, tenant};

/// Lead number 0's id.
const LEAD: &str = "1000000";

fn url(tenant: &TenantId) -> String {
    format!("https://{tenant}.example/hook")
}

/// A tenant with a lead that its webhook is to be told of.
async fn told(world: &World, name: &str, receiver: Receiver) -> TenantId {
    let tenant = tenant(name);
    world.store(&lead(&tenant, 0, &pii(0))).await;
    world.webhook(&tenant, &url(&tenant));
    world.ports().outside.set(&url(&tenant), receiver);
    world.announce(&tenant, LEAD);
    tenant
}

fn delivery(world: &World, tenant: &TenantId) -> Delivery {
    let all = world.ports().jobs.deliveries();
    all.into_iter().find(|delivery| delivery.tenant == *tenant).expect("a delivery")
}

fn header(world: &World, tenant: &TenantId, nth: usize, name: &str) -> String {
    let call = &world.ports().outside.calls(&url(tenant))[nth];
    call.headers.iter().find(|(header, _)| *header == name).expect("the header").1.clone()
}

#[tokio::test]
async fn a_receiver_is_told_once_who_is_asking_and_what_the_lead_says() {
    let world = World::new();
    let acme = told(&world, "acme", Receiver::Answers(204)).await;
    world.run(1).await;
    let calls = world.ports().outside.calls(&url(&acme));
    assert_eq!(calls.len(), 1);
    let told: Value = serde_json::from_slice(&calls[0].body).unwrap();
    assert_eq!(told["id"], "msg_acme_1000000");
    assert_eq!(told["type"], "lead.created");
    assert_eq!(told["tenant_id"], "acme");
    assert_eq!(told["data"]["lead_id"], LEAD);
    assert_eq!(told["data"]["contact"], json!({"email": "p0@example.com"}));
    assert_eq!(told["data"]["answers"], json!([{"name": "why", "values": ["=HYPERLINK(0)", "b"]}]));
    let timestamp = header(&world, &acme, 0, "webhook-timestamp");
    assert_eq!(timestamp, NOON.secs().to_string());
    let key = WebhookKey::parse(&WebhookKey::secret(&KEY)).unwrap();
    let signature = key.signature("msg_acme_1000000", NOON.secs(), &calls[0].body);
    assert_eq!(Some(header(&world, &acme, 0, "webhook-signature")), signature);
    let delivery = delivery(&world, &acme);
    assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Delivered, 1));
    assert_eq!(delivery.http_status, Some(204));
    // SQS delivers a message again at times.
    world.announce(&acme, LEAD);
    world.run(1).await;
    assert_eq!(world.ports().outside.calls(&url(&acme)).len(), 1);
}

#[tokio::test]
async fn three_receivers_that_fail_differently_are_tried_twelve_times_and_harm_no_other() {
    let world = World::new();
    let failing = [
        (told(&world, "hangs", Receiver::Hangs).await, "timeout", None),
        (told(&world, "broken", Receiver::Answers(500)).await, "http_status", Some(500)),
        (told(&world, "closed", Receiver::Fails("refused")).await, "refused", None),
    ];
    let well = told(&world, "well", Receiver::Answers(200)).await;
    world.step().await;
    assert_eq!(delivery(&world, &well).state, DeliveryState::Delivered);
    let ended = world.ports().outside.ended();
    assert_eq!(ended.last(), Some(&url(&failing[0].0)), "nobody waited for the one that hangs");
    for (tenant, _, _) in &failing {
        let delivery = delivery(&world, tenant);
        assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Retrying, 1));
        let wait_ms = delivery.next_at.unwrap().ms_since(delivery.last_at);
        assert!((5_000..=10_000).contains(&wait_ms), "{wait_ms}");
    }
    world.run(100).await;
    for (tenant, code, status) in &failing {
        let delivery = delivery(&world, tenant);
        assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Dead, 12));
        assert_eq!((delivery.error.as_deref(), delivery.http_status), (Some(*code), *status));
        assert_eq!(delivery.next_at, None);
        assert_eq!(world.ports().outside.calls(&url(tenant)).len(), 12);
        let ids: Vec<String> = (0..12).map(|nth| header(&world, tenant, nth, "webhook-id")).collect();
        assert!(ids.iter().all(|id| *id == delivery.id), "{ids:?}");
        let open = world.ports().jobs.open_deliveries(tenant, 10, None).await.unwrap();
        assert_eq!(open.items, [delivery]);
    }
    assert_eq!(world.ports().outside.calls(&url(&well)).len(), 1);
    let report = *world.report.borrow();
    assert_eq!((report.delivered, report.retried, report.dead), (1, 33, 3));
}

#[tokio::test]
async fn waits_double_up_to_a_quarter_of_an_hour() {
    let world = World::new();
    let acme = told(&world, "acme", Receiver::Answers(503)).await;
    let mut bound_ms = 10_000;
    for _ in 1..12 {
        let at = world.ports().queue.next_visible_at().unwrap();
        world.ports().clock.advance_to(at);
        world.step().await;
        let wait_ms = delivery(&world, &acme).next_at.unwrap().ms_since(world.ports().clock.now());
        assert!((bound_ms / 2..=bound_ms).contains(&wait_ms), "{wait_ms} of {bound_ms}");
        bound_ms = (bound_ms * 2).min(900_000);
    }
}

#[tokio::test]
async fn a_receiver_that_recovers_gets_what_it_missed() {
    let world = World::new();
    let acme = told(&world, "acme", Receiver::Answers(500)).await;
    world.step().await;
    world.ports().outside.set(&url(&acme), Receiver::Answers(200));
    world.run(1).await;
    let delivery = delivery(&world, &acme);
    assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Delivered, 2));
    assert_eq!((delivery.error, delivery.next_at), (None, None));
    assert_eq!(world.ports().jobs.open_deliveries(&acme, 10, None).await.unwrap().items, []);
}

#[tokio::test]
async fn a_receiver_that_says_gone_is_not_called_again_until_somebody_asks_for_it() {
    let world = World::new();
    let acme = told(&world, "acme", Receiver::Answers(410)).await;
    world.run(1).await;
    let dead = delivery(&world, &acme);
    assert_eq!((dead.state, dead.error.as_deref()), (DeliveryState::Dead, Some("gone")));
    world.ports().outside.set(&url(&acme), Receiver::Answers(200));
    let (again, work) = dead.again(world.ports().clock.now());
    world.ports().jobs.put_delivery(&again).await.unwrap();
    world.ports().queue.push(work.body().unwrap(), 0);
    world.run(1).await;
    assert_eq!(delivery(&world, &acme).state, DeliveryState::Delivered);
}

#[tokio::test]
async fn without_a_webhook_or_a_lead_there_is_nothing_to_tell() {
    let world = World::new();
    let (bare, erased) = (tenant("bare"), told(&world, "erased", Receiver::Answers(200)).await);
    world.announce(&bare, LEAD);
    let id = lead(&erased, 0, &pii(0)).id;
    world.ports().leads.erase_lead(&erased, &id, NOON).await.unwrap();
    world.run(1).await;
    assert_eq!(world.ports().jobs.deliveries(), []);
    assert_eq!(world.ports().outside.ended(), [""; 0]);
    assert_eq!(world.report.borrow().needless, 2);
}

#[tokio::test]
async fn what_a_disabled_webhook_missed_can_be_asked_for() {
    let world = World::new();
    let acme = told(&world, "acme", Receiver::Answers(200)).await;
    let webhook = world.ports().config.webhook_of(&acme).await.unwrap().unwrap();
    world.ports().config.set_webhook(Webhook { enabled: false, ..webhook });
    world.run(1).await;
    let delivery = delivery(&world, &acme);
    assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Dead, 0));
    assert_eq!(delivery.error.as_deref(), Some("webhook_disabled"));
    assert_eq!(world.report.borrow().dead, 0, "nobody needs to be woken");
}

#[tokio::test]
async fn a_secret_that_is_not_ours_to_open_signs_nothing() {
    let world = World::new();
    let acme = told(&world, "acme", Receiver::Answers(200)).await;
    let webhook = world.ports().config.webhook_of(&acme).await.unwrap().unwrap();
    let other = told(&world, "other", Receiver::Answers(200)).await;
    world.ports().config.set_webhook(Webhook { tenant_id: other.clone(), url: url(&other), ..webhook });
    world.step().await;
    assert_eq!(delivery(&world, &acme).state, DeliveryState::Delivered);
    assert_eq!(delivery(&world, &other).error.as_deref(), Some("secret_unreadable"));
    assert_eq!(world.ports().outside.calls(&url(&other)).len(), 0);
}

#[tokio::test]
async fn a_panic_over_one_call_is_that_calls() {
    let world = World::new();
    let broken = told(&world, "broken", Receiver::Panics).await;
    let well = told(&world, "well", Receiver::Answers(200)).await;
    world.step().await;
    assert_eq!(delivery(&world, &well).state, DeliveryState::Delivered);
    assert_eq!(world.report.borrow().panics, 1);
    assert_eq!(world.ports().queue.bodies().len(), 1, "its message is seen again");
    world.ports().outside.set(&url(&broken), Receiver::Answers(200));
    world.run(1).await;
    assert_eq!(delivery(&world, &broken).state, DeliveryState::Delivered);
}

type Part = (&'static str, u32, fn(&World) -> Faults);

/// Each port, with the calls of it that a test meets at least.
const PARTS: [Part; 6] = [
    ("config", 1, |world| world.ports().config.faults().clone()),
    ("leads", 1, |world| world.ports().leads.faults().clone()),
    ("jobs", 2, |world| world.ports().jobs.faults().clone()),
    ("secrets", 2, |world| world.ports().secrets.faults().clone()),
    ("outside", 1, |world| world.ports().outside.faults().clone()),
    ("queue", 0, |world| world.ports().queue.faults().clone()),
];

#[tokio::test]
async fn whichever_call_fails_or_whose_answer_is_lost_the_receiver_is_told() {
    for (part, least, faults) in PARTS {
        for when in BEFORE_AND_AFTER {
            let mut failed = 0;
            for nth in up_to::<u64>(50).skip(1) {
                let world = World::new();
                let acme = told(&world, "acme", Receiver::Answers(200)).await;
                let faults = faults(&world);
                let before = faults.calls(ANY);
                faults.fail(ANY, On::Nth(nth), when);
                world.run(4).await;
                let context = format!("{part}, call {nth} failed {when:?}");
                let delivery = delivery(&world, &acme);
                assert_eq!((delivery.state, delivery.next_at), (DeliveryState::Delivered, None), "{context}");
                let calls = world.ports().outside.calls(&url(&acme));
                assert!((1..=2).contains(&calls.len()), "{context}: {} calls", calls.len());
                if faults.calls(ANY) - before < nth {
                    break;
                }
                failed += 1;
            }
            assert!(failed >= least, "{part}: {failed} calls failed");
        }
    }
}

#[tokio::test]
async fn wherever_the_process_dies_the_receiver_is_told() {
    for (part, least, faults) in PARTS {
        for when in BEFORE_AND_AFTER {
            let mut deaths = 0;
            for nth in up_to::<u64>(50).skip(1) {
                let world = World::new();
                let acme = told(&world, "acme", Receiver::Answers(200)).await;
                let faults = faults(&world);
                faults.hang(ANY, On::Nth(nth), when);
                let ended = until_stuck(world.step()).is_some();
                faults.clear();
                world.run(2).await;
                assert_eq!(
                    delivery(&world, &acme).state,
                    DeliveryState::Delivered,
                    "{part}, {nth}, {when:?}"
                );
                assert!((1..=2).contains(&world.ports().outside.calls(&url(&acme)).len()));
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
async fn a_try_that_cannot_be_sent_anew_is_received_again() {
    for when in BEFORE_AND_AFTER {
        let world = World::new();
        let acme = told(&world, "acme", Receiver::Answers(500)).await;
        world.ports().queue.faults().fail("send", On::Nth(1), when);
        world.step().await;
        assert_eq!(world.report.borrow().retried, 0, "{when:?}");
        world.ports().outside.set(&url(&acme), Receiver::Answers(200));
        world.run(3).await;
        assert_eq!(delivery(&world, &acme).state, DeliveryState::Delivered, "{when:?}");
    }
}

#[tokio::test]
async fn copies_of_a_message_at_several_workers_end_as_one_delivery() {
    for seed in 0..25 {
        let world = World::new();
        let acme = told(&world, "acme", Receiver::Answers(200)).await;
        world.announce(&acme, LEAD);
        world.announce(&acme, LEAD);
        let clock = &world.ports().clock;
        world.ports().outside.faults().take_ms("post", On::Each, clock, 300);
        let workers = [world.another(), world.another(), world.another()];
        let tasks = workers.iter().map(|worker| -> Task<'_> { Box::pin(world.step_by(worker)) }).collect();
        side_by_side(clock, seed, tasks);
        world.run(3).await;
        let delivery = delivery(&world, &acme);
        assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Delivered, 1), "seed {seed}");
        let ids: Vec<String> = (0..world.ports().outside.calls(&url(&acme)).len())
            .map(|nth| header(&world, &acme, nth, "webhook-id"))
            .collect();
        assert!(
            (1..=3).contains(&ids.len()) && ids.iter().all(|id| *id == delivery.id),
            "seed {seed}: {ids:?}"
        );
    }
}
