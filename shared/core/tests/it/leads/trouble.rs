//! Limits, tokens that die, stores that don't answer.

use adrelay_core::config::{Health, Webhook};
use adrelay_core::ids::PixelId;
use adrelay_core::jobs::JobWork;
use adrelay_core::leads::LeadAds;
use adrelay_core::ports::config::Destinations as _;
use adrelay_core::ports::leads::SyncStore as _;
use adrelay_core::ports::meta::{Usage, Verdict};
use adrelay_core::time::UnixMillis;
use fakes::{LeadsCall, ScriptedMeta};

use crate::bounded::up_to;
use crate::leads::world::{PAGE, World, form, lead_id, page, submission, tenant};

fn health(world: &World) -> Health {
    // The page's connection, by the name that the configuration in memory gives it.
    let id = adrelay_core::ids::ConnectionId::parse(&format!("conn_{PAGE}")).unwrap();
    let tenant = tenant();
    fakes::at_once(world.parts.config.connection(&tenant, &id)).unwrap().unwrap().health
}

fn new_token(world: &World, token: &str) {
    // Connections are named by their digits, whatever they are for.
    world.parts.config.new_token(&tenant(), &PixelId::parse(PAGE).unwrap(), token);
}

#[tokio::test]
async fn a_page_that_meta_limits_is_left_alone_for_as_long_as_it_says() {
    let world = World::new();
    for nth in 1..=4 {
        world.submit_plain(nth);
    }
    let limited = ScriptedMeta::failure(Verdict::Wait { ms: 600_000 }, 80_005, None);
    world.parts.meta.fail_next(LeadsCall::Lead, limited);
    world.announce(&[1]);
    let begin = world.now();
    world.drain().await;
    world.announce(&[2, 3, 4]);
    world.drain().await;
    assert_eq!(world.parts.meta.count(LeadsCall::Lead), 1, "one was told, none asked again");
    assert_eq!(
        world.parts.leads.blocked_until(&tenant(), &page()).await.unwrap(),
        Some(begin.plus_ms(600_000))
    );
    let all = world.settle().await;
    assert_eq!(all.stored, 4);
    assert!(world.now().ms_since(begin) >= 600_000);
    assert_eq!(world.parts.meta.count(LeadsCall::Lead), 5);
}

#[tokio::test]
async fn another_process_sees_the_limit_too() {
    let mut world = World::new();
    world.submit_plain(1);
    world.parts.leads.block(&tenant(), &page(), world.now().plus_ms(3_600_000)).await.unwrap();
    world.restart();
    world.announce(&[1]);
    world.drain().await;
    assert_eq!(world.parts.meta.calls(), []);
    assert_eq!(world.settle().await.stored, 1);
}

#[tokio::test]
async fn near_a_limit_calls_pause_for_a_minute() {
    let world = World::new();
    world.submit_plain(1);
    world.submit_plain(2);
    world.parts.meta.set_usage(Usage { percent: 91.0, wait_ms: 0 });
    world.announce(&[1]);
    assert_eq!(world.drain().await.stored, 1, "what was read is not lost");
    world.announce(&[2]);
    assert_eq!(world.drain().await.deferred, 1);
    world.parts.meta.set_usage(Usage::default());
    let begin = world.now();
    assert_eq!(world.settle().await.stored, 1);
    assert!(world.now().ms_since(begin) >= 55_000);
}

#[tokio::test]
async fn a_dead_token_is_shown_and_its_leads_come_once_there_is_a_new_one() {
    let world = World::new();
    for nth in 1..=20 {
        world.submit_plain(nth);
    }
    world.parts.meta.accept_only(Some("new-token"));
    world.announce(&(1..=10).collect::<Vec<_>>());
    world.announce(&(11..=20).collect::<Vec<_>>());
    let report = world.drain().await;
    assert_eq!((report.stored, report.deferred), (0, 20));
    assert_eq!(report.attention, 1, "told once");
    assert!(
        matches!(health(&world), Health::NeedsAttention { reason, code: Some(190), .. } if reason == "token_invalid")
    );
    assert!(world.parts.meta.count(LeadsCall::Lead) <= 8, "a token that is known to be dead is not asked on");

    for _ in 0..20 {
        let next = world.parts.leads_queue.next_visible_at().unwrap();
        world.parts.clock.advance_to(next);
        world.drain().await;
    }
    assert_eq!(world.parts.leads.all_missing().len(), 20, "who looks for them sees why they wait");
    assert!(world.parts.leads.all_missing().iter().all(|missing| missing.reason == "token_invalid"));
    new_token(&world, "new-token");
    assert_eq!(world.settle().await.stored, 20);
    assert_eq!(health(&world), Health::Ok);
    assert_eq!(world.parts.leads.all_missing(), []);
}

#[tokio::test]
async fn a_token_that_becomes_well_by_itself_is_noticed() {
    let world = World::new();
    world.submit_plain(1);
    world.parts.meta.accept_only(Some("another"));
    world.announce(&[1]);
    world.drain().await;
    assert!(!health(&world).is_ok());
    world.parts.meta.accept_only(None);
    assert_eq!(world.settle().await.stored, 1);
    assert_eq!(health(&world), Health::Ok);
}

#[tokio::test]
async fn a_verdict_on_an_old_token_is_not_held_against_a_new_one() {
    let world = World::new();
    world.submit_plain(1);
    world.submit_plain(2);
    world.announce(&[1]);
    world.drain().await;
    // The old token is still remembered here when another one is pasted and the old one dies.
    new_token(&world, "new-token");
    world.parts.meta.accept_only(Some("new-token"));
    world.announce(&[2]);
    assert_eq!(world.drain().await.attention, 0);
    assert_eq!(health(&world), Health::Ok);
    assert_eq!(world.settle().await.stored, 1);
}

#[tokio::test]
async fn a_token_that_may_read_leads_but_not_the_list_of_test_leads_is_not_condemned() {
    let world = World::new();
    let mut organic = submission(1, world.now().secs(), &[("email", &["jane@example.com"])]);
    organic.ads = LeadAds::default();
    world.parts.meta.add_lead(&form(), organic, world.now());
    world.parts.meta.fail_next(LeadsCall::TestLeads, ScriptedMeta::failure(Verdict::Permission, 200, None));
    world.announce(&[1]);
    let report = world.drain().await;
    assert_eq!((report.stored, report.attention), (1, 0));
    assert!(health(&world).is_ok());
}

#[tokio::test]
async fn a_hiccup_of_meta_or_a_store_costs_nothing_but_time() {
    for down in 0..3 {
        let world = World::new();
        world.submit_plain(1);
        world.announce(&[1]);
        match down {
            0 => {
                for verdict in [Verdict::Retry, Verdict::UnknownOutcome] {
                    world.parts.meta.fail_next(LeadsCall::Lead, ScriptedMeta::failure(verdict, 2, None));
                }
            }
            1 => world.parts.leads.set_down(true),
            _ => world.parts.config.set_down(true),
        }
        assert_eq!(world.drain().await.deferred, 1);
        world.parts.leads.set_down(false);
        world.parts.config.set_down(false);
        assert_eq!(world.settle().await.stored, 1);
        assert_eq!(world.parts.leads_queue.dead(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_day_without_the_store_ends_no_lead_as_a_dead_letter() {
    let world = World::new();
    world.submit_plain(1);
    world.announce(&[1]);
    let begin = world.now();
    world.parts.leads.set_down(true);
    for _ in up_to::<u32>(1_000) {
        if world.now().ms_since(begin) >= 86_400_000 {
            break;
        }
        world.drain().await;
        let next = world.parts.leads_queue.next_visible_at().unwrap();
        world.parts.clock.advance_to(next);
    }
    world.parts.leads.set_down(false);
    assert_eq!(world.settle().await.stored, 1);
    assert_eq!(world.parts.leads_queue.dead(), Vec::<String>::new());
}

fn webhook() -> Webhook {
    Webhook {
        tenant_id: tenant(),
        url: "https://crm.example.com/hook".to_owned(),
        sealed_secret: "whsec_x".to_owned(),
        enabled: true,
        created_at: UnixMillis(0),
        updated_at: UnixMillis(0),
    }
}

#[tokio::test]
async fn a_tenant_with_a_webhook_is_called_under_one_name_however_often_it_is_told() {
    let mut told_twice = 0;
    for calls_before in 0..12 {
        let world = World::new();
        world.parts.config.set_webhook(webhook());
        world.submit_plain(1);
        world.announce(&[1]);
        world.parts.leads.stumble(calls_before, false);
        world.settle().await;
        world.sweep_all().await;
        let bodies = world.parts.jobs_queue.bodies();
        assert!(!bodies.is_empty(), "call {calls_before} stumbled");
        told_twice += usize::from(bodies.len() > 1);
        for body in bodies {
            let JobWork::Webhook { tenant: whose, lead, delivery, attempt, .. } =
                JobWork::parse(&body).unwrap()
            else {
                panic!("no webhook")
            };
            assert_eq!((whose, lead, attempt), (tenant(), lead_id(1), 0));
            assert_eq!(delivery, format!("lead.created-{}", lead_id(1)));
        }
    }
    assert!(told_twice > 0);
}

#[tokio::test]
async fn a_webhook_that_is_turned_off_is_not_called() {
    let world = World::new();
    world.parts.config.set_webhook(Webhook { enabled: false, ..webhook() });
    world.submit_plain(1);
    world.announce(&[1]);
    assert_eq!(world.settle().await.stored, 1);
    assert_eq!(world.parts.jobs_queue.bodies(), Vec::<String>::new());
    assert_eq!(world.parts.leads.outbox(), []);
}
