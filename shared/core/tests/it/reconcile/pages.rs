//! Looking at pages: turns, subscriptions, forms.

use adrelay_core::config::Subscription;
use adrelay_core::leads::reconcile::{Announcing, PageLook, PageReport};
use adrelay_core::ports::config::PageDirectory as _;
use adrelay_core::ports::leads::FormStore as _;
use adrelay_core::ports::meta::Verdict;
use fakes::{LeadsCall, ScriptedMeta};

use crate::reconcile::data::{form, meta_form, page, source, tenant};
use crate::reconcile::world::{FORMS, INTERVAL_S, World};

impl World {
    async fn look(&self, id: &str) -> PageReport {
        self.push_page(id, None, None);
        let seen = self.drain(self.later()).await;
        let Some(PageLook::Looked(report)) = seen.pages.first() else { panic!("{:?}", seen.pages) };
        *report
    }

    async fn subscription(&self, id: &str) -> Subscription {
        self.parts.config.page(&tenant(), &page(id)).await.unwrap().unwrap().subscription
    }
}

#[tokio::test]
async fn every_page_is_queued_once_an_interval_however_many_ask() {
    let mut world = World::new();
    for nth in 0..250 {
        world.parts.config.add_page(&tenant(), &page(&format!("9{nth:03}")), &source(), "t");
    }
    let tick = world.desk().reconcile_tick(world.later()).await.unwrap();
    assert_eq!((tick.pages, tick.cut, world.parts.leads_queue.bodies().len()), (252, false, 252));
    // Another process a minute later.
    world.restart();
    world.advance_s(60);
    assert_eq!(world.desk().reconcile_tick(world.later()).await.unwrap().pages, 0);
    world.advance_s(INTERVAL_S - 60);
    let tick = world.desk().reconcile_tick(world.now()).await.unwrap();
    assert_eq!((tick.pages, tick.cut), (100, true));
}

#[tokio::test]
async fn a_subscription_that_is_gone_is_made_again() {
    let world = World::new();
    assert_eq!(world.look("71").await.announcing, Announcing::Yes);
    world.parts.meta.set_subscribed(&page("71"), false);
    assert_eq!(world.look("71").await.announcing, Announcing::Yes, "Meta is not asked each time");
    world.advance_s(300);
    assert_eq!(world.look("71").await.announcing, Announcing::Again);
    assert!(world.parts.meta.subscribed(&page("71")));
    assert!(matches!(world.subscription("71").await, Subscription::Subscribed { .. }));
}

#[tokio::test]
async fn a_token_that_may_not_subscribe_still_reads_leads() {
    let world = World::new();
    world.parts.meta.set_subscribed(&page("71"), false);
    world.submit(FORMS[0], 1, 8_000);
    let forbidden = || ScriptedMeta::failure(Verdict::Permission, 200, None);
    world.parts.meta.fail_next(LeadsCall::IsSubscribed, forbidden());
    world.parts.meta.fail_next(LeadsCall::Subscribe, forbidden());
    let report = world.look("71").await;
    assert_eq!((report.announcing, report.forms, report.runs), (Announcing::No, 2, 2));
    let Subscription::Missing { reason, .. } = world.subscription("71").await else { panic!("not missing") };
    assert_eq!(reason.as_deref(), Some("permission_missing"));
    world.assert_each_once(1, "");
}

#[tokio::test]
async fn that_meta_does_not_say_whether_it_announces_leads_keeps_nobody_from_looking() {
    let world = World::new();
    world.submit(FORMS[0], 1, 8_000);
    world.parts.meta.fail_next(LeadsCall::IsSubscribed, ScriptedMeta::failure(Verdict::Retry, 2, None));
    assert_eq!(world.look("71").await.announcing, Announcing::Unknown);
    assert_eq!(world.subscription("71").await, Subscription::Unknown);
    world.assert_each_once(1, "");
}

#[tokio::test]
async fn forms_are_kept_as_meta_tells_them_and_drafts_are_not_looked_through() {
    let world = World::new();
    world.parts.meta.set_rows(2);
    let mut draft = meta_form("713");
    draft.status = "DRAFT".to_owned();
    world.parts.meta.add_form(&page("71"), draft);
    let report = world.look("71").await;
    assert_eq!((report.forms, report.runs, report.cut), (3, 2, false));
    let stored = world.parts.leads.form(&tenant(), &page("71"), &form("713")).await.unwrap().unwrap();
    assert_eq!(stored.meta.status, "DRAFT");

    let mut renamed = meta_form(FORMS[0]);
    renamed.name = Some("Renamed".to_owned());
    world.parts.meta.add_form(&page("71"), renamed);
    world.look("71").await;
    let stored = world.parts.leads.form(&tenant(), &page("71"), &form(FORMS[0])).await.unwrap().unwrap();
    assert_eq!(stored.meta.name.as_deref(), Some("Renamed"));
}

#[tokio::test]
async fn a_page_that_is_gone_or_disabled_costs_no_call_and_ends_its_job() {
    let world = World::new();
    world.parts.config.change_page(&tenant(), &page("71"), |page| page.enabled = false);
    world.ask("job_1", &["71", "99"], None).await;
    let seen = world.drain(world.later()).await;
    assert_eq!(seen.pages, [PageLook::Gone, PageLook::Gone]);
    assert!(world.parts.meta.calls().is_empty());
    let job = world.job("job_1");
    assert_eq!((job.error.as_deref(), job.finished_at.is_some()), (Some("page_unknown"), true));
}

#[tokio::test]
async fn a_page_of_another_tenants_is_nobodys() {
    let world = World::new();
    let stranger = adrelay_core::leads::reconcile::PageTask {
        tenant: "stranger".parse().unwrap(),
        page: page("71"),
        attempt: 0,
        days: None,
        job: None,
    };
    assert_eq!(world.desk().look_at_page(&stranger).await.unwrap(), PageLook::Gone);
    assert!(world.parts.meta.calls().is_empty());
}
