//! How the table files holds by minute: leftovers, the cursor, days without a sweep, what can't be worked on.

use std::collections::HashMap;

use adrelay_aws::people::DynamoPeople;
use adrelay_core::ports::StoreError;
use adrelay_core::ports::people::{Hold, HoldStore as _};
use adrelay_core::time::UnixMillis;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::{join, join_all};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::people_data::{MINUTE_MS, conversion_key, hold, person_id};
use crate::support::{NOON, TABLE, dynamodb, item, tenant};

type Item = HashMap<String, AttributeValue>;

async fn rig() -> (Client, DynamoPeople) {
    let client = dynamodb().await;
    (client.clone(), DynamoPeople::new(client, TABLE.to_owned()))
}

fn minutes(count: i64) -> UnixMillis {
    NOON.plus_ms(count * MINUTE_MS)
}

fn pk(item: &Item) -> &str {
    item["pk"].as_s().unwrap()
}

fn sk(item: &Item) -> &str {
    item["sk"].as_s().unwrap()
}

async fn everything(client: &Client) -> Vec<Item> {
    client.scan().table_name(TABLE).send().await.unwrap().items.unwrap_or_default()
}

/// Keys of what is filed under minutes.
async fn filings(client: &Client) -> Vec<String> {
    let items = everything(client).await;
    let filed = items.iter().filter(|item| pk(item).starts_with("DUE#"));
    let mut keys: Vec<String> = filed.map(|item| pk(item).to_owned()).collect();
    keys.sort();
    keys
}

/// The minute up to which all is known to be empty, counted from noon's.
async fn cursor(client: &Client) -> Option<i64> {
    let item = item(client, "DUE", "CURSOR").await?;
    let minute: i64 = item["minute"].as_n().unwrap().parse().unwrap();
    Some(minute - NOON.0 / MINUTE_MS)
}

/// Sweeps that find nothing until the cursor stands before `at`.
async fn sweep_up(client: &Client, people: &DynamoPeople, at: UnixMillis) {
    for _ in 0..20 {
        assert_eq!(people.due(at, 100).await.unwrap(), []);
        if cursor(client).await == Some((at.0 - NOON.0) / MINUTE_MS - 3) {
            return;
        }
    }
    panic!("the cursor does not come to its end");
}

/// Removes what a crash would have left out.
async fn lose(client: &Client, pk: &str, sk: &str) {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    client.delete_item().table_name(TABLE).key("pk", text(pk)).key("sk", text(sk)).send().await.unwrap();
}

async fn change(client: &Client, hold: &Hold, name: &str, value: AttributeValue) {
    let sk = format!("H#{}", hold.conversion);
    let mut stored = item(client, &format!("T#acme#P#{}", hold.person), &sk).await.unwrap();
    stored.insert(name.to_owned(), value);
    client.put_item().table_name(TABLE).set_item(Some(stored)).send().await.unwrap();
}

#[tokio::test]
async fn what_is_filed_and_not_held_is_removed_once_nothing_can_be_filed_there() {
    let (client, people) = rig().await;
    let gone = hold("ann", "1", NOON);
    people.hold(&gone).await.unwrap();
    lose(&client, &format!("T#acme#P#{}", gone.person), &format!("H#{}", gone.conversion)).await;
    for at in [1, 3] {
        assert_eq!(people.due(minutes(at), 100).await.unwrap(), []);
        assert_eq!(filings(&client).await.len(), 1, "someone may be filing it there right now");
    }
    assert_eq!(people.due(minutes(4), 100).await.unwrap(), []);
    assert_eq!(filings(&client).await, [""; 0]);
}

#[tokio::test]
async fn a_hold_that_moved_leaves_one_filing_that_counts() {
    let (client, people) = rig().await;
    let held = hold("ann", "1", minutes(10));
    people.hold(&held).await.unwrap();
    people.hold(&Hold { until: minutes(20), ..held.clone() }).await.unwrap();
    assert_eq!(filings(&client).await.len(), 2);
    assert_eq!(people.due(minutes(15), 100).await.unwrap(), []);
    assert_eq!(filings(&client).await.len(), 1, "the leftover is gone");
    people.make_due(&held, minutes(15)).await.unwrap();
    assert_eq!(filings(&client).await.len(), 1, "moved");
    people.release(&held).await.unwrap();
    assert_eq!(filings(&client).await, [""; 0]);
}

#[tokio::test]
async fn minutes_that_were_empty_are_not_looked_at_again() {
    let (client, people) = rig().await;
    sweep_up(&client, &people, minutes(0)).await;
    people.hold(&hold("ann", "1", minutes(30))).await.unwrap();
    sweep_up(&client, &people, minutes(20)).await;
    assert_eq!(people.due(minutes(40), 100).await.unwrap().len(), 1);
    assert!(cursor(&client).await.unwrap() < 31, "it stops before what is there");
    people.release(&hold("ann", "1", minutes(30))).await.unwrap();
    sweep_up(&client, &people, minutes(40)).await;

    // Behind the cursor, where nothing is ever filed: proof that nobody looks there.
    people.hold(&hold("ann", "2", minutes(20))).await.unwrap();
    assert_eq!(people.due(minutes(41), 100).await.unwrap(), []);
}

/// Hours that holds are due in while nobody sweeps.
const HOURS: i64 = 5;

/// Six holds of those hours and one of now; a first call, and as many as it takes to come to now.
async fn sweep_after_hours(client: &Client, people: &DynamoPeople) {
    let (end, step) = (HOURS * 60, HOURS * 10);
    let old: Vec<Hold> = (0..6).map(|nth| hold("ann", &nth.to_string(), minutes(nth * step + 7))).collect();
    let new = hold("bob", "new", minutes(end));
    for hold in old.iter().chain([&new]) {
        people.hold(hold).await.unwrap();
    }
    let (mut found, now) = (Vec::new(), minutes(end + 1));
    let first = people.due(now, 100).await.unwrap();
    assert!(first.contains(&old[0]) && first.contains(&new) && !first.contains(&old[4]), "{first:?}");
    for _ in 0..6 {
        for hold in people.due(now, 100).await.unwrap() {
            people.release(&hold).await.unwrap();
            found.push(hold);
        }
    }
    found.retain(|hold| hold.person != new.person);
    found.sort_by_key(|hold| hold.until);
    assert_eq!(found, old);
    assert_eq!(cursor(client).await, Some(end + 1 - 3));
}

#[tokio::test]
async fn after_hours_without_a_sweep_nothing_is_left_out_and_what_is_due_now_does_not_wait() {
    let (client, people) = rig().await;
    sweep_up(&client, &people, minutes(0)).await;
    sweep_after_hours(&client, &people).await;
}

#[tokio::test]
async fn the_first_sweep_of_all_may_be_late_too() {
    let (client, people) = rig().await;
    sweep_after_hours(&client, &people).await;
}

#[tokio::test]
async fn holds_that_cannot_be_worked_on_neither_stop_the_cursor_nor_others() {
    let (client, people) = rig().await;
    let stuck = hold("ann", "stuck", minutes(5));
    let waiting = hold("ann", "waiting", minutes(100));
    let unreadable = hold("ann", "unreadable", minutes(5));
    for hold in [&stuck, &waiting, &unreadable] {
        people.hold(hold).await.unwrap();
    }
    people.make_due(&waiting, minutes(6)).await.unwrap();
    change(&client, &unreadable, "reason", AttributeValue::S("of a later version".to_owned())).await;

    let mut both = vec![stuck.clone(), waiting.clone()];
    both.sort_by_key(|hold| hold.conversion.clone());
    assert_eq!(
        people.due(minutes(36), 100).await.unwrap(),
        both,
        "for half an hour they stay where they are"
    );
    assert_eq!(people.due(minutes(37), 100).await.unwrap(), both, "filed anew by this call");
    let fresh = hold("ann", "fresh", minutes(35));
    people.hold(&fresh).await.unwrap();
    let found = people.due(minutes(37), 100).await.unwrap();
    assert_eq!(
        found,
        [fresh.clone(), stuck],
        "it stands behind others now, and what waits has gone to its end"
    );
    people.release(&fresh).await.unwrap();
    people.due(minutes(38), 100).await.unwrap();
    assert_eq!(cursor(&client).await, Some(35));
    let last = people.due(minutes(101), 100).await.unwrap();
    assert!(last.contains(&waiting), "{last:?}");
}

#[tokio::test]
async fn more_leftovers_than_a_page_hide_no_hold() {
    let (client, people) = rig().await;
    for nth in 0..250 {
        let moved = hold("ann", &nth.to_string(), NOON);
        people.hold(&moved).await.unwrap();
        if nth > 0 {
            people.hold(&Hold { until: minutes(600), ..moved }).await.unwrap();
        }
    }
    assert_eq!(filings(&client).await.len(), 499);
    let held = hold("ann", "0", NOON);
    assert_eq!(people.due(minutes(10), 3).await.unwrap(), [held]);
    assert_eq!(filings(&client).await.len(), 250);
}

/// What may happen to a hold at any time.
#[derive(Debug, Clone)]
enum Act {
    Hold(i64),
    Release,
    MakeDue(i64),
    Sweep(i64),
}

fn acts() -> impl Strategy<Value = Vec<Vec<Act>>> {
    let act = prop_oneof![
        (0_i64..3).prop_map(Act::Hold),
        Just(Act::Release),
        (0_i64..3).prop_map(Act::MakeDue),
        (0_i64..3).prop_map(Act::Sweep),
    ];
    prop::collection::vec(prop::collection::vec(act, 1..5), 1..6)
}

/// Whether every hold is filed under the minute that it says.
fn is_filed(items: &[Item]) -> bool {
    items.iter().filter(|item| sk(item).starts_with("H#")).all(|held| {
        let due: i64 = held["due"].as_n().unwrap().parse().unwrap();
        let minute = UnixMillis(due * MINUTE_MS).rfc3339()[..16].replace(['-', ':'], "");
        items.iter().any(|item| pk(item).starts_with(&format!("DUE#{minute}#")))
    })
}

/// Whatever happens at once, what is held is filed under the minute it says, and a sweep finds it.
#[test]
fn a_hold_is_never_without_the_filing_that_a_sweep_finds_it_by() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut runner =
        TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) });
    let done = runner.run(&acts(), |rounds| {
        runtime.block_on(async {
            let (client, people) = rig().await;
            for (round, acts) in (0_i64..).zip(&rounds) {
                let (people, base) = (&people, round * 4);
                let acts = acts.iter().map(|act| async move {
                    let held = hold("ann", "1", minutes(base + 30));
                    match act {
                        Act::Hold(after) => people.hold(&Hold { until: minutes(base + after), ..held }).await,
                        Act::Release => people.release(&held).await,
                        Act::MakeDue(after) => people.make_due(&held, minutes(base + after)).await,
                        Act::Sweep(after) => people.due(minutes(base + after), 100).await.map(|_| ()),
                    }
                });
                for done in join_all(acts).await {
                    prop_assert!(matches!(done, Ok(()) | Err(StoreError::Conflict)), "{done:?}");
                }
                prop_assert!(is_filed(&everything(&client).await));
                prop_assert!(people.holds_of(&tenant(), &person_id("ann"), 10).await.is_ok());
            }
            let held = people.holds_of(&tenant(), &person_id("ann"), 10).await.unwrap();
            let at = minutes(4 * i64::try_from(rounds.len()).unwrap());
            prop_assert_eq!(people.due(at, 100).await.unwrap(), held);
            Ok(())
        })
    });
    done.unwrap();
}

#[tokio::test]
async fn a_hold_that_is_released_while_it_is_made_due_is_gone_with_all_its_filings() {
    let (client, people) = rig().await;
    for round in 0..12 {
        let held = hold("ann", &round.to_string(), minutes(30));
        people.hold(&held).await.unwrap();
        let (released, made_due) = if round % 2 == 0 {
            join(people.release(&held), people.make_due(&held, minutes(5))).await
        } else {
            let (made_due, released) = join(people.make_due(&held, minutes(5)), people.release(&held)).await;
            (released, made_due)
        };
        assert_eq!((released, made_due), (Ok(()), Ok(())));
        assert_eq!(people.holds_of(&tenant(), &held.person, 10).await.unwrap(), [], "round {round}");
        assert_eq!(filings(&client).await, [""; 0], "round {round}");
    }
}

#[tokio::test]
async fn what_files_a_hold_holds_nothing_but_ids() {
    let (client, people) = rig().await;
    people.hold(&hold("ann", "1", NOON.plus_ms(1))).await.unwrap();
    let items = everything(&client).await;
    let filed = items.iter().find(|item| pk(item).starts_with("DUE#")).unwrap();
    let (minute, shard) = pk(filed).rsplit_once('#').unwrap();
    assert_eq!(minute, "DUE#20260921T1414");
    assert!(["0", "1", "2", "3"].contains(&shard));
    assert_eq!(sk(filed), format!("{}#{}#{}", tenant(), person_id("ann"), conversion_key("1")));
    assert_eq!(filed.len(), 3, "and the version of its shape: {filed:?}");
}
