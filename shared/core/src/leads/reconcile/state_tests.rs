use proptest::prelude::*;

use super::*;

/// Noon of a UTC day.
const NOON_S: i64 = 1_790_000_000 / DAY_S * DAY_S + DAY_S / 2;
const TODAY_S: i64 = NOON_S - DAY_S / 2;

fn at(s: i64) -> UnixMillis {
    UnixMillis::from_secs(s)
}

fn wish(now_s: i64) -> Wish<'static> {
    Wish { now: at(now_s), days: None, job: None, open: true }
}

fn begun(start: Start) -> Run {
    let Start::Begin(SyncState { run: Some(run), .. }) = start else { panic!("no run: {start:?}") };
    run
}

fn state(watermark_s: Option<i64>, run: Option<Run>) -> SyncState {
    SyncState { watermark_s, run }
}

fn run(since_s: i64, touched_s: i64, steps: u32) -> Run {
    let (started_at, touched_at) = (at(touched_s), at(touched_s));
    Run { id: "old".to_owned(), since_s, started_at, touched_at, steps, ..Run::default() }
}

fn job(id: &str) -> JobId {
    JobId::parse(id).unwrap()
}

fn lead(id: u64) -> LeadId {
    LeadId::parse(&id.to_string()).unwrap()
}

#[test]
fn the_first_run_looks_back_90_days_and_later_ones_overlap_by_a_day_from_midnight_on() {
    let since = |watermark_s: Option<i64>| {
        begun(state(watermark_s, None).start(wish(NOON_S), "new".to_owned())).since_s
    };
    assert_eq!(since(None), TODAY_S - 90 * DAY_S);
    assert_eq!(since(Some(NOON_S - 900)), TODAY_S - DAY_S);
    assert_eq!(since(Some(TODAY_S - 1)), TODAY_S - 2 * DAY_S);
    assert_eq!(since(Some(0)), TODAY_S - 90 * DAY_S);
}

#[test]
fn a_short_look_back_never_leaves_a_gap_behind_it() {
    let since = |days: u16, watermark_s: i64| {
        let wish = Wish { days: Some(days), ..wish(NOON_S) };
        begun(state(Some(watermark_s), None).start(wish, String::new())).since_s
    };
    assert_eq!(since(30, NOON_S), TODAY_S - 30 * DAY_S);
    assert_eq!(since(1, NOON_S - 10 * DAY_S), TODAY_S - 11 * DAY_S);
    assert_eq!(since(365, NOON_S), TODAY_S - 90 * DAY_S);
}

#[test]
fn a_run_under_way_is_left_alone_until_it_is_stale() {
    let under_way = |touched_s| state(Some(NOON_S), Some(run(TODAY_S, touched_s, 3)));
    assert_eq!(under_way(NOON_S - 60).start(wish(NOON_S), String::new()), Start::No);
    assert_eq!(under_way(NOON_S - 6 * 3_600 + 1).start(wish(NOON_S), String::new()), Start::No);
    let taken_over = begun(under_way(NOON_S - 6 * 3_600).start(wish(NOON_S), "new".to_owned()));
    assert_eq!((taken_over.id.as_str(), taken_over.steps), ("new", 0));
}

#[test]
fn a_run_that_has_not_begun_to_move_gets_its_message_again() {
    let begun = state(None, Some(run(TODAY_S, NOON_S, 0)));
    assert_eq!(begun.start(wish(NOON_S), "new".to_owned()), Start::Nudge("old".to_owned()));
}

#[test]
fn a_longer_look_back_replaces_a_shorter_run_and_joins_a_longer_one() {
    let job = job("job_1");
    let backfill = Wish { days: Some(30), job: Some(&job), ..wish(NOON_S) };
    let before = self::job("job_0");
    let short = Run { jobs: vec![before.clone()], ..run(TODAY_S, NOON_S, 3) };
    let replaced = begun(state(Some(NOON_S), Some(short)).start(backfill, "new".to_owned()));
    assert_eq!((replaced.since_s, replaced.jobs), (TODAY_S - 30 * DAY_S, vec![before, job.clone()]));

    let long = state(Some(NOON_S), Some(run(TODAY_S - 60 * DAY_S, NOON_S, 3)));
    let Start::Join(joined) = long.start(backfill, "new".to_owned()) else { panic!("not joined") };
    assert_eq!(joined.run.as_ref().unwrap().jobs, std::slice::from_ref(&job));
    // The same wish again, as a message that is delivered twice brings it.
    assert_eq!(joined.start(backfill, "new".to_owned()), Start::No);
}

#[test]
fn a_form_that_takes_no_leads_is_looked_at_once_a_day_unless_somebody_asks() {
    let job = job("job_1");
    let closed = Wish { open: false, ..wish(NOON_S) };
    let looked_at = |at_s| state(Some(at_s), None);
    assert_eq!(looked_at(NOON_S - DAY_S + 1).start(closed, String::new()), Start::No);
    begun(looked_at(NOON_S - DAY_S).start(closed, String::new()));
    begun(state(None, None).start(closed, String::new()));
    begun(looked_at(NOON_S).start(Wish { job: Some(&job), ..closed }, String::new()));
    begun(looked_at(NOON_S).start(Wish { days: Some(1), ..closed }, String::new()));
}

#[test]
fn a_page_counts_ripe_leads_by_day_each_once() {
    let mut run = run(TODAY_S - DAY_S, NOON_S, 0);
    let yesterday = (lead(1), TODAY_S - 1, true);
    let first = [
        (lead(5), NOON_S - 7_199, true),
        (lead(4), NOON_S - 7_200, true),
        (lead(3), TODAY_S, false),
        yesterday.clone(),
    ];
    run.count(&first, 2, Some("c".to_owned()), at(NOON_S + 1));
    // The list has grown meanwhile: the next page begins with the last row of the one before.
    run.count(&[yesterday, (lead(2), TODAY_S - 2 * DAY_S, true)], 0, None, at(NOON_S + 2));
    let days: Vec<_> = run.days.iter().map(|(day, counted)| (day.clone(), *counted)).collect();
    let expected = [
        (at(TODAY_S - 1).utc_day(), Counted { at_meta: 1, stored: 1 }),
        (at(NOON_S).utc_day(), Counted { at_meta: 2, stored: 1 }),
    ];
    assert_eq!(days, expected);
    assert_eq!((run.steps, run.unreadable, run.oldest_missed_s), (2, 2, Some(TODAY_S)));
    assert_eq!((run.touched_at, run.after.as_deref()), (at(NOON_S + 2), None));
}

#[test]
fn the_watermark_stays_before_what_could_not_be_stored_as_long_as_meta_has_it() {
    let watermark =
        |missed_s: Option<i64>| Run { oldest_missed_s: missed_s, ..run(TODAY_S, NOON_S, 1) }.watermark_s();
    assert_eq!(watermark(None), NOON_S);
    assert_eq!(watermark(Some(TODAY_S)), TODAY_S);
    assert_eq!(watermark(Some(0)), NOON_S - 90 * DAY_S);
}

#[test]
fn what_cannot_be_read_is_begun_anew() {
    assert_eq!(SyncState::read(None), SyncState::default());
    assert_eq!(SyncState::read(Some(serde_json::json!({"watermark_s": "x"}))), SyncState::default());
    let full = state(Some(5), Some(run(1, 2, 3)));
    assert_eq!(SyncState::read(Some(serde_json::to_value(&full).unwrap())), full);
}

proptest! {
    /// Whatever the state and the wish: a new run begins at a midnight within 90 days, and leaves no gap to the watermark.
    #[test]
    fn a_new_run_leaves_no_gap(
        watermark_ago_s in prop::option::of(0..200 * DAY_S),
        run_ago_s in prop::option::of((0..200 * DAY_S, 0..20_000_i64)),
        days in prop::option::of(0_u16..400),
    ) {
        let now_s = NOON_S + 777;
        let watermark_s = watermark_ago_s.map(|ago| now_s - ago);
        let under_way = run_ago_s.map(|(since, touched)| run(now_s - since, now_s - touched, 1));
        let start = state(watermark_s, under_way).start(Wish { days, ..wish(now_s) }, "new".to_owned());
        if let Start::Begin(SyncState { run: Some(run), .. }) = start {
            prop_assert_eq!(run.since_s % DAY_S, 0);
            let first_s = day_start_s(now_s - 90 * DAY_S);
            prop_assert!(run.since_s >= first_s);
            prop_assert!(run.since_s <= watermark_s.map_or(first_s, |at| (at - DAY_S).max(first_s)));
        }
    }
}
