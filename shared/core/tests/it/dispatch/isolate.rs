//! Finding the bad events of a request that Meta refuses as a whole.

use std::collections::HashSet;

use adrelay_core::config::Health;
use adrelay_core::ports::meta::Verdict;
use adrelay_core::receipt::Status;
use fakes::{NOON, Rig, ScriptedMeta};
use proptest::prelude::*;

use crate::dispatch::world::{
    HOUR_MS, always, events_on_queue, ids, ids_in, on_queue, outcome, reasons, refs, refuse, rig, run_until,
    statuses, verdict,
};

#[tokio::test]
async fn one_bad_event_in_a_thousand_costs_15_calls_at_most_and_the_others_arrive() {
    let rig = rig();
    rig.ports().meta.script(refuse(&["e617"], Some(2_804_050)));
    rig.post(&refs(&ids(1_000)));
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    assert_eq!(rig.ports().events.count(Status::Sent), 999);
    assert_eq!(rig.ports().events.count(Status::Rejected), 1);
    assert!(rig.ports().meta.calls().len() <= 15, "{}", rig.ports().meta.calls().len());
    let receipts = rig.ports().events.receipts();
    let rejected = receipts.values().find(|r| r.outcome.status == Status::Rejected).expect("one");
    assert_eq!((rejected.outcome.code, rejected.outcome.subcode), (Some(100), Some(2_804_050)));
    assert_eq!(rejected.outcome.reason.as_deref(), Some("meta_100_2804050"));
}

#[tokio::test]
async fn three_bad_events_without_a_subcode_do_not_condemn_the_pixel() {
    let rig = rig();
    rig.ports().meta.script(refuse(&["e100", "e300", "e700"], None));
    rig.post(&refs(&ids(1_000)));
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    assert_eq!(rig.ports().events.count(Status::Sent), 997);
    assert_eq!(rig.ports().events.count(Status::Rejected), 3);
}

#[tokio::test]
async fn when_everything_is_refused_without_a_subcode_nothing_is_rejected() {
    let rig = rig();
    rig.ports().meta.script(|_, _, _| Err(ScriptedMeta::failure(Verdict::BadData, 100, None)));
    rig.post(&refs(&ids(100)));
    rig.run(10, NOON.plus_ms(60_000)).await;
    assert_eq!(rig.ports().events.count(Status::Rejected), 0);
    assert_eq!(rig.ports().events.waiting(), 100);
    let (pixel, _) = rig.ports().config.health(&rig.tenant, &rig.pixel).expect("known");
    assert!(matches!(pixel, Health::NeedsAttention { reason, .. } if reason == "refused_without_reason"));

    rig.ports().meta.script(|_, _, _| Ok(()));
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    assert_eq!(rig.ports().events.count(Status::Sent), 100);
    assert_eq!(rig.ports().events.waiting(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn one_bad_event_is_found_wherever_it_stands(place in 0_usize..1_000, subcode in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let rig = rig();
        let all = ids(1_000);
        rig.ports().meta.script(refuse(&[&all[place]], subcode.then_some(2_804_050)));
        rig.post(&refs(&all));
        runtime.block_on(rig.run(10, NOON.plus_ms(HOUR_MS)));
        prop_assert_eq!(rig.ports().events.count(Status::Sent), 999);
        prop_assert_eq!(rig.ports().events.count(Status::Rejected), 1);
        prop_assert!(rig.ports().meta.calls().len() <= 15, "{} calls", rig.ports().meta.calls().len());
    }
}

/// Ids that Meta refused in a call of their own.
fn refused_alone(rig: &Rig<ScriptedMeta>) -> HashSet<String> {
    let requests = rig.ports().meta.requests();
    requests.into_iter().filter(|r| !r.taken && r.ids.len() == 1).map(|r| r.ids.concat()).collect()
}

/// Ids of rejected events.
fn rejected(rig: &Rig<ScriptedMeta>) -> HashSet<String> {
    statuses(rig).into_iter().filter(|(_, status)| *status == Status::Rejected).map(|(id, _)| id).collect()
}

#[tokio::test]
async fn many_bad_events_go_back_after_64_calls() {
    let rig = rig();
    let bad: Vec<String> = (0..300).map(|i| format!("e{}", i * 3)).collect();
    rig.ports().meta.script(refuse(&refs(&bad), Some(2_804_003)));
    rig.post(&refs(&ids(900)));
    let report = rig.step(10).await.unwrap();
    assert_eq!(rig.ports().meta.calls().len(), 64);
    assert_eq!(report.resent + report.sent + report.rejected, 900);
    assert!(report.resent > 0 && report.sent > 0 && report.rejected > 0);
    assert_eq!(events_on_queue(&rig)[0].attempt, 0, "it is nobody's fault");
    run_until(&rig, 24 * HOUR_MS).await;
    assert_eq!(rig.ports().meta.taken().len(), 600, "none is taken twice");
    assert_eq!(rejected(&rig), bad.into_iter().collect());
    assert_eq!(refused_alone(&rig), rejected(&rig));
    assert!(rig.ports().queue.dead().is_empty());
}

#[tokio::test]
async fn a_hundred_bad_events_with_subcodes_leave_the_pixel_well() {
    let rig = rig();
    rig.ports().meta.script(|_, _, _| Err(ScriptedMeta::failure(Verdict::BadData, 100, Some(2_804_050))));
    rig.post(&refs(&ids(100)));
    run_until(&rig, HOUR_MS).await;
    assert_eq!(rig.ports().events.count(Status::Rejected), 100);
    assert_eq!((reasons(&rig), rig.ports().events.waiting()), ((None, None), 0));
    assert_eq!(refused_alone(&rig).len(), 100);
    assert!(on_queue(&rig).is_empty());
    // Meta looked at the data, so the pixel works: nobody waits for a trial.
    assert!(rig.ports().events.ledger(&rig.tenant, &rig.pixel).ledger.proven_until.is_some());
}

#[tokio::test]
async fn a_pixel_is_suspected_after_two_splits_and_four_samples() {
    let rig = rig();
    rig.ports().meta.script(always(Verdict::BadData, 100));
    rig.post(&refs(&ids(1_000)));
    let report = rig.step(10).await.unwrap();
    let sizes: Vec<usize> = rig.ports().meta.calls().iter().map(Vec::len).collect();
    assert_eq!(sizes, [1_000, 500, 250, 1, 1, 1, 1]);
    // The samples come from all over what was put aside.
    let samples: Vec<String> = rig.ports().meta.calls()[3..].concat();
    assert_eq!(samples, ["e500", "e688", "e876", "e313"]);
    assert_eq!((report.parked, report.rejected, report.attention), (1_000, 0, 1));
    assert_eq!(rig.ports().events.waiting(), 1_000);
    let (health, _) = rig.ports().config.health(&rig.tenant, &rig.pixel).unwrap();
    assert!(matches!(health, Health::NeedsAttention { code: Some(100), subcode: None, .. }), "{health:?}");
    let ledger = rig.ports().events.ledger(&rig.tenant, &rig.pixel).ledger;
    assert_eq!(ledger.proven_until, None);
}

#[tokio::test]
async fn a_sample_that_meta_takes_clears_the_pixel() {
    let rig = rig();
    // The left quarter is bad, and the first samples with it.
    let bad: Vec<String> = (0..250).chain([500, 688]).map(|nth| format!("e{nth}")).collect();
    rig.ports().meta.script(refuse(&refs(&bad), None));
    rig.post(&refs(&ids(1_000)));
    rig.step(10).await;
    assert_eq!(reasons(&rig), (None, None));
    assert_eq!(rig.ports().meta.calls()[3..6].concat(), ["e500", "e688", "e876"]);
    let statuses = statuses(&rig);
    assert_eq!(statuses["e500"], Status::Rejected);
    assert_eq!(statuses["e688"], Status::Rejected);
    assert_eq!(statuses["e876"], Status::Sent);
    run_until(&rig, 24 * HOUR_MS).await;
    assert_eq!(rig.ports().meta.taken().len(), 748);
    assert!(refused_alone(&rig).is_superset(&rejected(&rig)));
}

#[tokio::test]
async fn a_single_event_refused_without_a_subcode_is_rejected() {
    let rig = rig();
    rig.ports().meta.script(always(Verdict::BadData, 100));
    rig.post(&["a"]);
    rig.step(10).await;
    assert_eq!(rig.ports().meta.calls(), [["a"]]);
    assert_eq!(verdict(&rig, "a"), (Status::Rejected, Some("meta_100".to_owned())));
    assert_eq!(reasons(&rig), (None, None));
}

#[tokio::test]
async fn the_reason_of_each_bad_event_is_its_own() {
    let rig = rig();
    rig.ports().meta.script(|ids, _, _| {
        let subcode = |id: &String| match id.as_str() {
            "e1" => Some(11),
            "e6" => Some(66),
            _ => None,
        };
        match ids.iter().find_map(subcode) {
            Some(subcode) => Err(ScriptedMeta::failure(Verdict::BadData, 100, Some(subcode))),
            None => Ok(()),
        }
    });
    rig.post(&refs(&ids(8)));
    run_until(&rig, HOUR_MS).await;
    assert_eq!(outcome(&rig, "e1").unwrap().subcode, Some(11));
    assert_eq!(outcome(&rig, "e6").unwrap().subcode, Some(66));
    assert_eq!(rejected(&rig).len(), 2);
}

#[tokio::test]
async fn a_search_that_is_stopped_keeps_what_it_found() {
    for stopped_at in 1..14 {
        let rig = rig();
        let data = refuse(&["e5", "e40"], Some(2_804_050));
        rig.ports().meta.script(move |ids, token, nth| {
            if nth == stopped_at {
                return Err(ScriptedMeta::failure(Verdict::Wait { ms: 60_000 }, 80_004, None));
            }
            data(ids, token, nth)
        });
        rig.post(&refs(&ids(64)));
        let report = rig.step(10).await.unwrap();
        let known = rig.ports().meta.taken().len() + rejected(&rig).len();
        let messages = events_on_queue(&rig);
        assert_eq!(known + ids_in(&messages).len(), 64, "stopped at call {stopped_at}");
        assert_eq!(report.resent, ids_in(&messages).len() as u64, "stopped at call {stopped_at}");
        run_until(&rig, HOUR_MS).await;
        assert_eq!(rig.ports().meta.taken().len(), 62, "stopped at call {stopped_at}");
        assert_eq!(rejected(&rig), ["e5".to_owned(), "e40".to_owned()].into());
        assert!(refused_alone(&rig).is_superset(&rejected(&rig)), "stopped at call {stopped_at}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn whatever_is_bad_is_refused_alone_and_the_rest_is_taken(
        n in 1_usize..120,
        bad in proptest::collection::hash_set(0_usize..120, 0..120),
        subcode in proptest::option::weighted(0.7, Just(2_804_050_i64)),
        parts in 1_usize..50,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let rig = rig();
        let all = ids(n);
        let bad: HashSet<String> = bad.iter().filter_map(|i| all.get(*i)).cloned().collect();
        let listed: Vec<String> = bad.iter().cloned().collect();
        rig.ports().meta.script(refuse(&refs(&listed), subcode));
        for part in all.chunks(parts) {
            rig.post(&refs(part));
        }
        runtime.block_on(run_until(&rig, 24 * HOUR_MS));
        let good: HashSet<String> = all.iter().filter(|id| !bad.contains(*id)).cloned().collect();
        let taken = rig.ports().meta.taken();
        prop_assert!(rig.ports().queue.dead().is_empty());
        prop_assert_eq!(taken.len(), rig.ports().meta.held().len(), "nothing is taken twice");
        prop_assert!(rejected(&rig).is_subset(&bad));
        prop_assert!(rejected(&rig).is_subset(&refused_alone(&rig)));
        if subcode.is_some() {
            prop_assert_eq!(rig.ports().meta.held(), good);
            prop_assert_eq!(rejected(&rig), bad);
            prop_assert_eq!(reasons(&rig), (None, None));
            prop_assert_eq!(rig.ports().events.waiting(), 0);
        } else {
            // Many refusals without a subcode look like a pixel that does not work; then events wait, and none is lost.
            let waiting = rig.ports().events.waiting();
            let on_the_way = events_on_queue(&rig);
            let there = rig.ports().meta.held().len() + rejected(&rig).len() + waiting;
            prop_assert_eq!(there + ids_in(&on_the_way).len(), n);
            prop_assert_eq!(waiting > 0, reasons(&rig).0.is_some());
        }
    }
}
