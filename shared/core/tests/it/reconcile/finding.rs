//! What no webhook told of is found, counted and kept once.

use adrelay_core::leads::{Arrival, FormSettings};
use adrelay_core::ports::leads::{FormStore as _, LeadEraser as _};

use crate::reconcile::data::{form, page, tenant};
use crate::reconcile::world::{DAY_S, FORMS, World};

#[tokio::test]
async fn leads_whose_webhooks_are_lost_are_found_and_the_split_is_known() {
    let world = World::new();
    for nth in 0..240_u64 {
        let form = FORMS[usize::try_from(nth % 4).unwrap()];
        let lead = world.submit(form, 1_000 + nth, 7_200 + i64::try_from(nth).unwrap() * 600);
        // Two of five webhooks are lost, one of ten comes twice.
        if nth % 5 > 1 {
            world.announce(form, &lead).await;
        }
        if nth % 10 == 9 {
            world.announce(form, &lead).await;
        }
    }
    assert_eq!(world.parts.leads.all().len(), 144);
    let seen = world.reconcile().await;
    world.assert_each_once(240, "");
    assert_eq!((world.came_by(Arrival::Webhook), world.came_by(Arrival::Poll)), (144, 96));
    assert_eq!((seen.found, seen.reports().len()), (96, 4));
    for form in FORMS {
        let [at_meta, stored, by_webhook, by_poll] = world.sums(form).await;
        assert_eq!([at_meta, stored, by_webhook + by_poll], [60, 60, 60], "{form}");
        let report = seen.reports().into_iter().find(|report| report.form.as_str() == form).unwrap();
        assert_eq!((report.at_meta, report.stored, report.unreadable), (60, 60, 0));
        assert_eq!((report.by_webhook, report.by_poll), (by_webhook, by_poll));
        assert_eq!(report.completeness_percent(), Some(100.0));
    }
    let shares: Vec<f64> =
        seen.reports().iter().filter_map(|report| report.webhook_share_percent()).collect();
    assert!(shares.iter().all(|share| (59.0..61.0).contains(share)), "{shares:?}");

    let again = world.reconcile().await;
    assert_eq!((again.found, again.reports().len()), (0, 4));
    world.assert_each_once(240, "after another look");
}

#[tokio::test]
async fn each_day_is_counted_by_when_its_leads_were_submitted_without_those_younger_than_two_hours() {
    let world = World::new();
    let today_s = world.now().secs().rem_euclid(DAY_S);
    world.submit(FORMS[0], 1, 60);
    world.submit(FORMS[0], 2, 7_300);
    world.submit(FORMS[0], 3, today_s);
    world.submit(FORMS[0], 4, today_s + 1);
    world.submit(FORMS[0], 5, today_s + 30 * DAY_S);
    world.reconcile().await;
    let days = world.days(FORMS[0]).await;
    let days: Vec<_> = days.iter().map(|day| (day.by_poll, day.check.unwrap().at_meta)).collect();
    assert_eq!(days, [(1, 1), (1, 1), (3, 2)]);
}

#[tokio::test]
async fn a_lead_that_becomes_readable_late_is_found_though_the_watermark_has_passed_it() {
    let world = World::new();
    let early = world.submit(FORMS[0], 1, 60);
    world.parts.meta.readable_from(&early, world.now().plus_ms(20 * 3_600_000));
    world.submit(FORMS[0], 2, 30);
    world.reconcile().await;
    assert_eq!(world.parts.leads.all().len(), 1);
    world.advance_s(20 * 3_600);
    world.reconcile().await;
    world.assert_each_once(2, "");
    assert_eq!(world.sums(FORMS[0]).await, [2, 2, 0, 2]);
}

#[tokio::test]
async fn a_long_list_is_looked_through_in_slices_that_resume_where_they_stopped() {
    let world = World::new();
    world.parts.meta.set_rows(4);
    for nth in 0..95 {
        world.submit(FORMS[0], 1_000 + nth, 9_000 + i64::try_from(nth).unwrap());
    }
    world.push_page("71", None, None);
    // Time is always up: each message looks through one page of the list.
    let seen = world.drain(world.now()).await;
    world.assert_each_once(95, "");
    let of_run: u64 = seen.reports().iter().map(|report| report.found).sum();
    assert_eq!((seen.found, of_run), (95, 95));
    let calls = world.parts.meta.calls();
    assert_eq!(calls.iter().filter(|(_, form)| form == FORMS[0]).count(), 24, "{calls:?}");
    // The page, its other form, and one message for each page of the list.
    assert_eq!(seen.messages, 26);
    assert_eq!(world.sums(FORMS[0]).await, [95, 95, 0, 95]);
}

#[tokio::test]
async fn time_may_be_up_within_a_page_of_the_list() {
    let world = World::new();
    for nth in 0..50 {
        world.submit(FORMS[0], 1_000 + nth, 9_000);
    }
    world.push_page("71", None, None);
    let seen = world.drain(world.now()).await;
    assert_eq!(seen.found, 50);
    // A few leads a message: no cursor was saved, and what was taken is known the next time.
    assert_eq!(seen.messages, 2 + 50_usize.div_ceil(4));
    world.assert_each_once(50, "");
    assert_eq!(world.sums(FORMS[0]).await, [50, 50, 0, 50]);
}

#[tokio::test]
async fn what_cannot_be_stored_shows_as_missing_and_is_stored_once_it_can_be() {
    let world = World::new();
    let first = world.submit(FORMS[0], 1, 3 * 3_600);
    world.announce(FORMS[0], &first).await;
    world.reconcile().await;
    // The form's leads now belong to a source that somebody has deleted.
    let nowhere = FormSettings { source_id: Some("gone".parse().unwrap()), ..FormSettings::default() };
    let leads = &world.parts.leads;
    leads.set_form(&tenant(), &page("71"), &form(FORMS[0]), &nowhere).await.unwrap();
    world.advance_s(61);
    world.submit(FORMS[0], 2, 3 * 3_600);
    world.submit(FORMS[1], 3, 3 * 3_600);

    let seen = world.reconcile().await;
    let report = seen.reports().into_iter().find(|report| report.form.as_str() == FORMS[0]).unwrap();
    assert_eq!((report.at_meta, report.stored, report.completeness_percent()), (2, 1, Some(50.0)));
    assert_eq!(world.sums(FORMS[0]).await, [2, 1, 1, 0]);
    // The other form's lead did not have to wait for it.
    assert_eq!(world.sums(FORMS[1]).await, [1, 1, 0, 1]);

    // Days later the watermark still waits for it.
    world.advance_s(5 * DAY_S);
    world.reconcile().await;
    assert_eq!(world.sums(FORMS[0]).await, [2, 1, 1, 0]);
    leads.set_form(&tenant(), &page("71"), &form(FORMS[0]), &FormSettings::default()).await.unwrap();
    world.advance_s(61);
    let seen = world.reconcile().await;
    assert_eq!((seen.found, world.sums(FORMS[0]).await), (1, [2, 2, 1, 1]));
    world.assert_each_once(3, "");
}

#[tokio::test]
async fn a_lead_that_was_erased_is_not_stored_again() {
    let world = World::new();
    let lead = world.submit(FORMS[0], 1, 3 * 3_600);
    world.reconcile().await;
    world.parts.leads.erase_lead(&tenant(), &lead, world.now()).await.unwrap();
    let seen = world.reconcile().await;
    let stored = world.parts.leads.all();
    assert_eq!((seen.found, stored.len(), stored[0].sealed.as_ref()), (0, 1, None));
    assert!(stored[0].doc.erased_at.is_some());
    assert_eq!(world.sums(FORMS[0]).await, [1, 1, 0, 1]);
}

#[tokio::test]
async fn a_day_on_which_meta_lists_nothing_any_more_is_told_so() {
    let world = World::new();
    world.submit(FORMS[0], 1, 3 * 3_600);
    world.reconcile().await;
    assert_eq!(world.sums(FORMS[0]).await, [1, 1, 0, 1]);
    let hidden = "1".parse().unwrap();
    world.parts.meta.readable_from(&hidden, world.later());
    world.reconcile().await;
    assert_eq!(world.sums(FORMS[0]).await, [0, 0, 0, 1]);
}

#[tokio::test]
async fn a_backfill_looks_back_as_far_as_it_is_asked_to_and_says_how_far_it_is() {
    let world = World::new();
    world.reconcile().await;
    for (id, ago_days) in [(1, 10), (2, 40), (3, 89)] {
        world.submit(FORMS[0], id, ago_days * DAY_S);
        world.submit(FORMS[2], 10 + id, ago_days * DAY_S);
    }
    assert_eq!(world.reconcile().await.found, 0);

    world.ask("job_1", &["71"], Some(30)).await;
    assert_eq!(world.drain(world.later()).await.found, 1);
    world.ask("job_2", &["71", "72"], Some(90)).await;
    let seen = world.drain(world.later()).await;
    assert_eq!(seen.found, 5);
    world.assert_each_once(6, "");
    for (id, forms) in [("job_1", 2), ("job_2", 4)] {
        let job = world.job(id);
        assert_eq!((job.done, job.total, job.error.as_deref()), (forms, Some(forms), None), "{id}");
        assert_eq!(job.state, adrelay_core::jobs::JobState::Done, "{id}");
        assert!(job.finished_at.is_some(), "{id}");
    }
}
