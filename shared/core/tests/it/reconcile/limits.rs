//! Meta wants no calls, refuses the token, forgets a cursor, or does not answer.

use adrelay_core::config::Health;
use adrelay_core::leads::Trouble;
use adrelay_core::leads::reconcile::{FormLook, PageLook};
use adrelay_core::ports::config::Destinations as _;
use adrelay_core::ports::leads::SyncStore as _;
use adrelay_core::ports::meta::{Usage, Verdict};
use fakes::{LeadsCall, ScriptedMeta};

use crate::reconcile::data::{page, tenant};
use crate::reconcile::world::{FORMS, TOKEN, World};

#[tokio::test]
async fn a_limit_is_waited_for_by_all_that_call_for_the_page() {
    let world = World::new();
    world.submit(FORMS[0], 1, 8_000);
    let wait = Verdict::Wait { ms: 1_800_000 };
    world.parts.meta.fail_next(LeadsCall::FormLeads, ScriptedMeta::failure(wait, 80_005, None));
    world.push_page("71", None, None);
    let began = world.now();
    let seen = world.drain(world.later()).await;
    let later = seen.forms.iter().filter(|look| matches!(look, FormLook::Later(Trouble::NotBefore(_))));
    assert!(later.count() >= 2, "{:?}", seen.forms);
    assert_eq!(seen.reports().len(), 2);
    assert!(world.now().ms_since(began) >= 1_800_000);
    // One call met the limit; nobody called again before it was over.
    assert_eq!(world.parts.meta.count(LeadsCall::FormLeads), 3);
    world.assert_each_once(1, "");
}

#[tokio::test]
async fn calls_pause_where_a_limit_is_near_but_get_on() {
    let world = World::new();
    world.parts.meta.set_usage(Usage { percent: 95.0, wait_ms: 0 });
    world.push_page("71", None, None);
    let began = world.now();
    world.drain(world.later()).await;
    let until = world.parts.leads.blocked_until(&tenant(), &page("71")).await.unwrap().unwrap();
    assert!(until.ms_since(began) >= 60_000);
    assert_eq!(world.parts.meta.count(LeadsCall::FormLeads), 2);
}

#[tokio::test]
async fn a_refused_token_needs_a_person_and_everything_is_found_once_it_is_well() {
    let world = World::new();
    world.submit(FORMS[0], 1, 8_000);
    world.ask("job_1", &["71"], None).await;
    world.parts.meta.accept_only(Some("another"));
    let seen = world.drain(world.later()).await;
    let Some(PageLook::GivenUp(Trouble::Attention { reason, code })) = seen.pages.last() else {
        panic!("{:?}", seen.pages)
    };
    assert_eq!((*reason, *code), ("token_invalid", Some(190)));
    let id = "conn_71".parse().unwrap();
    let connection = world.parts.config.connection(&tenant(), &id).await.unwrap().unwrap();
    assert!(matches!(connection.health, Health::NeedsAttention { code: Some(190), .. }));
    let job = world.job("job_1");
    assert_eq!(job.error.as_deref(), Some("token_invalid"));
    assert_eq!(job.state, adrelay_core::jobs::JobState::Failed);

    world.parts.meta.accept_only(Some(TOKEN));
    let seen = world.reconcile().await;
    assert_eq!(seen.found, 1);
    let connection = world.parts.config.connection(&tenant(), &id).await.unwrap().unwrap();
    assert!(connection.health.is_ok());
}

#[tokio::test]
async fn a_token_that_dies_during_a_run_keeps_the_run_for_its_successor() {
    let world = World::new();
    world.parts.meta.set_rows(2);
    for nth in 0..10 {
        world.submit(FORMS[0], 100 + nth, 8_000);
    }
    world.push_page("71", None, None);
    world.parts.meta.fail_next(LeadsCall::FormLeads, ScriptedMeta::failure(Verdict::Token, 190, None));
    let seen = world.drain(world.now()).await;
    let troubled =
        seen.forms.iter().filter(|look| matches!(look, FormLook::Later(Trouble::Attention { .. })));
    assert!(troubled.count() >= 1);
    // Tried again after a while, the token was well by itself.
    world.assert_each_once(10, "");
    assert_eq!(world.sums(FORMS[0]).await, [10, 10, 0, 10]);
}

#[tokio::test]
async fn a_cursor_that_meta_has_forgotten_begins_the_run_again_and_counts_nothing_twice() {
    let world = World::new();
    world.parts.meta.set_rows(2);
    for nth in 0..6 {
        world.submit(FORMS[0], 100 + nth, 8_000 + i64::try_from(nth).unwrap());
    }
    world.push_page("71", None, None);
    // The page, one page of each form's list: now only this form's list, with a cursor, is left.
    let before = world.drain_some(3, world.now()).await;
    assert_eq!(before.reports().len(), 1);
    world.parts.meta.fail_next(LeadsCall::FormLeads, ScriptedMeta::failure(Verdict::BadData, 100, None));
    let seen = world.drain(world.later()).await;
    assert_eq!(seen.reports().len(), 1);
    world.assert_each_once(6, "");
    assert_eq!(world.sums(FORMS[0]).await, [6, 6, 0, 6]);
}

#[tokio::test]
async fn a_list_that_meta_refuses_is_given_up_and_tried_anew_at_the_next_turn() {
    let world = World::new();
    world.submit(FORMS[0], 1, 8_000);
    world.submit(FORMS[1], 2, 8_000);
    let refused = || ScriptedMeta::failure(Verdict::Permission, 100, Some(33));
    world.parts.meta.fail_next(LeadsCall::FormLeads, refused());
    world.ask("job_1", &["71"], None).await;
    let seen = world.drain(world.later()).await;
    let given_up = seen.forms.iter().filter(|look| matches!(look, FormLook::GivenUp(Trouble::Refused(_))));
    assert_eq!((given_up.count(), seen.reports().len()), (1, 1));
    let job = world.job("job_1");
    assert_eq!((job.done, job.error.as_deref()), (2, Some("refused")));
    world.reconcile().await;
    world.assert_each_once(2, "");
}

#[tokio::test]
async fn hiccups_are_waited_out_and_cost_nothing() {
    let world = World::new();
    world.submit(FORMS[0], 1, 8_000);
    for call in [LeadsCall::IsSubscribed, LeadsCall::Forms, LeadsCall::FormLeads, LeadsCall::FormLeads] {
        world.parts.meta.fail_next(call, ScriptedMeta::failure(Verdict::Retry, 2, None));
    }
    world.push_page("71", None, None);
    let seen = world.drain(world.later()).await;
    assert_eq!(seen.reports().len(), 2);
    world.assert_each_once(1, "");
}
