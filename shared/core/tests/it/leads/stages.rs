//! What Meta is told of a lead's stages.

use adrelay_core::ids::PixelId;
use adrelay_core::leads::{Change, ChangeError, FeedbackState, IllegalStep, LeadAds, Status};
use adrelay_core::money::{Currency, Money};
use adrelay_core::people::Consent;
use adrelay_core::ports::leads::LeadEraser as _;
use adrelay_core::ports::people::PeopleStore as _;
use adrelay_core::time::UnixMillis;
use fakes::LeadsCall;

use crate::leads::world::{PIXEL, World, form, lead_id, page, submission, tenant};

fn to(status: Status) -> Change {
    Change::Status { to: status, worth: None }
}

async fn captured() -> World {
    let world = World::new();
    world.submit(1, &[("email", &["jane@example.com"]), ("phone_number", &["+16505551212"])]);
    world.announce(&[1]);
    assert_eq!(world.drain().await.stored, 1);
    world
}

#[tokio::test]
async fn a_walk_to_converted_is_four_events_in_the_order_of_the_steps() {
    let world = captured().await;
    let worth = Money { currency: Currency::parse("EUR").unwrap(), minor: 2_990 };
    // All within the second in which it was submitted.
    world.change(1, to(Status::Contacted), None).await.unwrap();
    world.change(1, to(Status::Qualified), None).await.unwrap();
    world.change(1, Change::Status { to: Status::Converted, worth: Some(worth) }, None).await.unwrap();
    // A sweep at once must not send what Meta would take for the future, or move it back to the stage before.
    world.desk.sweep(UnixMillis(i64::MAX)).await.unwrap();
    world.sweep().await;

    let mut stages = world.stages(1);
    stages.sort_by_key(|event| event["event_time"].as_i64());
    let names: Vec<&str> = stages.iter().map(|event| event["event_name"].as_str().unwrap()).collect();
    assert_eq!(names, ["New", "Contacted", "Qualified", "Converted"]);
    let times: Vec<i64> = stages.iter().map(|event| event["event_time"].as_i64().unwrap()).collect();
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
    for event in &stages {
        assert_eq!(event["action_source"], "system_generated");
        assert_eq!(event["custom_data"]["event_source"], "crm");
        assert_eq!(event["custom_data"]["lead_event_source"], "adrelay");
        assert_eq!(event["user_data"]["lead_id"], lead_id(1).as_str());
        assert!(event["user_data"]["em"].is_array() && event["user_data"]["ph"].is_array(), "{event}");
    }
    assert_eq!(stages[3]["custom_data"]["value"], 29.9);
    assert_eq!(stages[3]["custom_data"]["currency"], "EUR");
    assert!(stages[2]["custom_data"].get("value").is_none());
    let told = world.parts.leads.stages(&tenant(), &lead_id(1));
    assert!(told.iter().all(|stage| matches!(stage.state, FeedbackState::Queued { .. })));
    assert_eq!(world.parts.leads.outbox(), []);
}

#[tokio::test]
async fn an_illegal_step_is_refused_and_tells_nobody() {
    let world = captured().await;
    let refused = world.change(1, to(Status::Converted), None).await.unwrap_err();
    assert_eq!(refused, ChangeError::Illegal(IllegalStep { from: Status::New, to: Status::Converted }));
    world.sweep().await;
    assert_eq!(world.stages(1).len(), 1);
    assert_eq!(world.lead(1).await.unwrap().rev, 1);
}

#[tokio::test]
async fn archiving_is_no_stage() {
    let world = captured().await;
    let changed = world.change(1, to(Status::Archived), None).await.unwrap();
    assert_eq!(changed.feedback, None);
    world.sweep().await;
    assert_eq!(world.stages(1).len(), 1);
}

#[tokio::test]
async fn a_stage_of_somebody_who_refused_ends_as_skipped_with_a_receipt() {
    let world = captured().await;
    let mut person = world.parts.people.everybody().remove(0);
    person.doc.consent =
        Some(adrelay_core::people::ConsentRecord { status: Consent::Denied, at: world.now() });
    world.parts.people.save(&person).await.unwrap();
    world.change(1, to(Status::Contacted), None).await.unwrap();
    world.sweep().await;
    let skipped = world.messages().into_iter().filter(|message| message.skip.is_some()).collect::<Vec<_>>();
    assert_eq!(skipped.len(), 1);
    assert_eq!(skipped[0].skip.as_deref(), Some("consent_denied"));
    assert_eq!(skipped[0].events[0].head().event_name.as_str(), "Contacted");
    assert!(!skipped[0].events[0].json().contains("user_data"));
}

#[tokio::test]
async fn the_pages_pixel_goes_before_the_sources_and_without_any_it_is_skipped() {
    let world = World::new();
    let own = PixelId::parse("222").unwrap();
    world.parts.config.change_page(&tenant(), &page(), |page| page.feedback_pixel_id = Some(own.clone()));
    world.submit_plain(1);
    world.announce(&[1]);
    world.drain().await;
    let pixels: Vec<String> = world
        .messages()
        .iter()
        .map(|message| format!("{} {}", message.events[0].head().event_name, message.pixel_id))
        .collect();
    assert_eq!(pixels, [format!("Lead {PIXEL}"), "New 222".to_owned()]);

    let world = World::new();
    let bare = adrelay_core::config::Source { pixel_ids: Vec::new(), ..crate::leads::world::source() };
    world.parts.config.add_source(bare);
    world.submit_plain(1);
    world.announce(&[1]);
    let report = world.drain().await;
    assert_eq!((report.stored, report.feedback_skipped), (1, 1));
    let stages = world.parts.leads.stages(&tenant(), &lead_id(1));
    assert_eq!(stages[0].state, FeedbackState::Skipped { reason: "no_pixel".to_owned() });
}

#[tokio::test]
async fn with_forwarding_off_stages_say_so() {
    let world = World::with(|settings| settings.forward = false);
    world.submit_plain(1);
    world.announce(&[1]);
    assert_eq!(world.drain().await.stored, 1);
    assert_eq!(world.messages().len(), 0);
    let stages = world.parts.leads.stages(&tenant(), &lead_id(1));
    assert_eq!(stages[0].state, FeedbackState::Skipped { reason: "forwarding_off".to_owned() });
}

#[tokio::test]
async fn a_stage_of_a_lead_that_was_erased_meanwhile_is_not_told() {
    let world = captured().await;
    world.change(1, to(Status::Contacted), None).await.unwrap();
    world.parts.leads.erase_lead(&tenant(), &lead_id(1), world.now()).await.unwrap();
    world.sweep().await;
    assert_eq!(world.stages(1).len(), 1);
    let stages = world.parts.leads.stages(&tenant(), &lead_id(1));
    assert_eq!(stages[1].state, FeedbackState::Skipped { reason: "erased".to_owned() });
    assert_eq!(world.change(1, to(Status::Qualified), None).await.unwrap_err(), ChangeError::Erased);
    // It is not fetched again.
    let fetched = world.parts.meta.count(LeadsCall::Lead);
    world.announce(&[1]);
    assert_eq!(world.drain().await.repeated, 1);
    assert_eq!(world.parts.meta.count(LeadsCall::Lead), fetched);
}

#[tokio::test]
async fn a_test_lead_is_kept_apart() {
    let world = World::new();
    world
        .submit(1, &[("email", &["test@fb.com"]), ("full_name", &["<test lead: dummy data for full_name>"])]);
    // One that says nothing, has no ad, and stands in its form's list.
    let mut listed = submission(2, world.now().secs(), &[("email", &["me@example.com"])]);
    listed.ads = LeadAds::default();
    world.parts.meta.add_lead(&form(), listed.clone(), world.now());
    world.parts.meta.add_test_lead(&form(), &lead_id(2));
    // An organic one that does not.
    let mut organic = listed;
    organic.id = lead_id(3);
    world.parts.meta.add_lead(&form(), organic, world.now());
    world.announce(&[1, 2, 3]);
    assert_eq!(world.settle().await.stored, 3);

    for (nth, test) in [(1, true), (2, true), (3, false)] {
        let lead = world.lead(nth).await.unwrap();
        assert_eq!((lead.doc.test, lead.doc.person.is_none()), (test, test), "lead {nth}");
    }
    assert_eq!(world.parts.people.roots().len(), 1);
    assert!(world.events("lead-").iter().all(|event| event["user_data"]["lead_id"] == lead_id(3).as_str()));
    let told: Vec<(String, bool)> = world
        .parts
        .bus
        .events()
        .iter()
        .map(|event| (event.detail["lead_id"].to_string(), event.detail["test"] == true))
        .collect();
    assert_eq!(told.iter().filter(|(_, test)| *test).count(), 2);
    assert_eq!(told.len(), 3);
    let changed = world.change(1, to(Status::Contacted), None).await.unwrap();
    assert_eq!(changed.feedback, None);
}
