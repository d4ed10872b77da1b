//! What people change of a lead.

use adrelay_core::leads::{ActivityKind, Change, ChangeError, NOTE_PURPOSE, OutboxTopic, Status};
use adrelay_core::time::UnixMillis;
use fakes::FixedSecrets;
use futures_util::future::join_all;

use crate::leads::world::{World, lead_id, tenant};

fn to(status: Status) -> Change {
    Change::Status { to: status, worth: None }
}

fn assign(name: &str) -> Change {
    Change::Assign { to: Some(name.to_owned()) }
}

async fn captured() -> World {
    let world = World::new();
    world.submit_plain(1);
    world.announce(&[1]);
    assert_eq!(world.drain().await.stored, 1);
    world
}

#[tokio::test]
async fn a_change_is_kept_with_who_when_and_a_sealed_note() {
    let world = captured().await;
    world.parts.clock.advance_ms(5_000);
    let changed = world.change(1, to(Status::Contacted), Some("Called, wants two.")).await.unwrap();
    assert_eq!(changed.lead, world.lead(1).await.unwrap());
    assert_eq!((changed.lead.rev, changed.lead.doc.contacted_at), (2, Some(world.now())));
    let history = world.parts.leads.history(&tenant(), &lead_id(1));
    assert_eq!(changed.activity.as_ref(), history.last());
    let line = &history[1];
    assert_eq!((line.nth, line.at, line.by.as_str()), (2, world.now(), "Ann of sales"));
    assert_eq!(line.what, ActivityKind::Status { from: Status::New, to: Status::Contacted, worth: None });
    let sealed = line.sealed_note.as_deref().unwrap();
    assert!(!sealed.contains("Called"));
    let pii = FixedSecrets::pii();
    let note = pii.open(&tenant(), lead_id(1).as_str(), NOTE_PURPOSE, sealed).await.unwrap();
    assert_eq!(note.expose(), "Called, wants two.");
}

#[tokio::test]
async fn who_is_contacted_again_keeps_the_first_time() {
    let world = captured().await;
    world.change(1, to(Status::Contacted), None).await.unwrap();
    let first = world.lead(1).await.unwrap().doc.contacted_at;
    world.parts.clock.advance_ms(60_000);
    world.change(1, to(Status::Disqualified), None).await.unwrap();
    let again = world.change(1, to(Status::Contacted), None).await.unwrap();
    assert_eq!(again.lead.doc.contacted_at, first);
}

#[tokio::test]
async fn an_assignee_is_set_cleared_and_not_written_twice() {
    let world = captured().await;
    let changed = world.change(1, assign("Bob"), None).await.unwrap();
    assert_eq!(changed.lead.doc.assignee.as_deref(), Some("Bob"));
    let same = world.change(1, assign("Bob"), None).await.unwrap();
    assert_eq!((same.lead.rev, same.activity), (2, None));
    let noted = world.change(1, assign("Bob"), Some("still yours")).await.unwrap();
    assert_eq!(noted.activity.unwrap().what, ActivityKind::Note);
    let cleared = world.change(1, Change::Assign { to: None }, None).await.unwrap();
    assert_eq!(cleared.lead.doc.assignee, None);
}

#[tokio::test]
async fn what_is_empty_too_long_or_unknown_is_refused() {
    let world = captured().await;
    let long = "x".repeat(4_097);
    for (change, note, expected) in [
        (Change::Note, None, ChangeError::Text("note")),
        (Change::Note, Some(" "), ChangeError::Text("note")),
        (Change::Note, Some(long.as_str()), ChangeError::Text("note")),
        (assign(""), None, ChangeError::Text("assignee")),
        (assign(&"é".repeat(201)), None, ChangeError::Text("assignee")),
    ] {
        assert_eq!(world.change(1, change, note).await.unwrap_err(), expected);
    }
    assert_eq!(world.change(2, Change::Note, Some("x")).await.unwrap_err(), ChangeError::Unknown);
    assert_eq!(world.lead(1).await.unwrap().rev, 1);
}

#[tokio::test]
async fn a_stage_is_due_when_it_happened_and_not_before() {
    let world = captured().await;
    // Within the second in which the lead was submitted: Meta takes a stage that is later than the one before.
    let begin_s = world.now().secs();
    for (nth, status) in (1..).zip([Status::Contacted, Status::Qualified, Status::Converted]) {
        let changed = world.change(1, to(status), None).await.unwrap();
        let feedback = changed.feedback.unwrap();
        assert_eq!((feedback.event_time_s, feedback.nth), (begin_s + nth, changed.lead.rev));
        assert_eq!(changed.lead.doc.last_event_s, Some(begin_s + nth));
        let entry = world.parts.leads.outbox().pop().unwrap();
        assert_eq!(entry.topic, OutboxTopic::Feedback(feedback.nth));
        assert_eq!(entry.due, UnixMillis::from_secs(begin_s + nth), "{status:?}");
    }
    // One that comes later is due at once, at the time of its change.
    world.parts.clock.advance_ms(60_500);
    let changed = world.change(1, to(Status::Archived), None).await.unwrap();
    assert_eq!((changed.feedback, changed.lead.doc.last_event_s), (None, Some(begin_s + 3)));
    let changed = world.change(1, to(Status::Contacted), None).await.unwrap();
    assert_eq!(changed.feedback.unwrap().event_time_s, world.now().secs());
    assert_eq!(world.parts.leads.outbox().pop().unwrap().due, world.now());
}

#[tokio::test]
async fn changes_at_once_are_all_kept_in_one_order() {
    let world = captured().await;
    let notes: Vec<String> = (0..4).map(|nth| format!("note {nth}")).collect();
    let changes = notes.iter().map(|note| world.change(1, Change::Note, Some(note)));
    for changed in join_all(changes).await {
        changed.unwrap();
    }
    let history = world.parts.leads.history(&tenant(), &lead_id(1));
    assert_eq!(history.iter().map(|line| line.nth).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(world.lead(1).await.unwrap().rev, 5);
}

#[tokio::test]
async fn of_two_who_take_the_same_step_one_is_told_that_it_is_taken() {
    let world = captured().await;
    let both = join_all([
        world.change(1, to(Status::Contacted), None),
        world.change(1, to(Status::Contacted), None),
    ])
    .await;
    assert_eq!(both.iter().filter(|changed| changed.is_ok()).count(), 1);
    world.sweep().await;
    assert_eq!(world.stages(1).len(), 2);
}

#[tokio::test]
async fn a_change_that_the_store_lost_the_answer_of_is_not_made_twice_by_itself() {
    let world = captured().await;
    world.parts.leads.stumble(1, true);
    assert!(matches!(world.change(1, to(Status::Contacted), None).await, Err(ChangeError::Store(_))));
    assert!(matches!(world.change(1, to(Status::Contacted), None).await, Err(ChangeError::Illegal(_))));
    world.sweep().await;
    assert_eq!(world.stages(1).len(), 2);
}
