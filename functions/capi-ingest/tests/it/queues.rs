//! A queue that takes some messages and not others.

use std::collections::BTreeSet;

use adrelay_core::ids::PixelId;
use adrelay_core::ports::queue::Outgoing;
use fakes::{BEFORE_AND_AFTER, On, When};
use serde_json::{Value, json};

use crate::world::{World, purchase, source};

const PATH: &str = "/api/v1/meta/events";

fn statuses(body: &Value) -> Vec<&str> {
    body["results"].as_array().unwrap().iter().map(|result| result["status"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_the_queue_refuses_is_that_events_result_alone() {
    let world = World::new();
    let mut two = source();
    two.pixel_ids.push(PixelId::parse("222").unwrap());
    world.config.add_source(two);
    let of_222 = |_, message: &Outgoing| message.group == "222";
    world.queue.faults().refuse("send", On::Each, When::Before, of_222);
    let to = |pixel: &str| {
        let mut event = purchase(pixel);
        event["pixel_id"] = json!(pixel);
        event
    };
    let body = json!({"events": [to("111"), to("222"), purchase("both")]});
    let answer = world.post(PATH, &body).await;
    assert_eq!(
        (answer.status, &answer.body["accepted"], &answer.body["unavailable"]),
        (202, &json!(1), &json!(2))
    );
    assert_eq!(statuses(&answer.body), ["queued", "unavailable", "unavailable"]);
    let results = answer.body["results"].as_array().unwrap();
    assert!(results.iter().all(|result| result["event_id"].is_string()));
    assert_eq!(results[1]["code"], "queue_unavailable");
    assert_eq!(
        world.queue.bodies().len(),
        1,
        "what could be queued stays queued; a repeat is the same event"
    );
}

/// Events that fill several messages, in more than one round of sending.
fn many() -> Vec<Value> {
    let numbered = |n: usize| {
        let mut event = purchase(&n.to_string());
        event["event_id"] = json!(format!("n{n}"));
        event["custom_data"]["content_name"] = json!("x".repeat(900));
        event
    };
    (0..1_000).map(numbered).collect()
}

/// Ids of what is on the queue.
fn queued(world: &World) -> BTreeSet<String> {
    world.queued_events().iter().map(|event| event["event_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_events_of_a_refused_message_are_unavailable_and_no_others() {
    for when in BEFORE_AND_AFTER {
        let world = World::new();
        let refused =
            |_, message: &Outgoing| message.body.contains("\"n7\"") || message.body.contains("\"n901\"");
        world.queue.faults().refuse("send", On::Each, when, refused);
        let answer = world.post(PATH, &json!({"events": many()})).await;
        assert_eq!(answer.status, 202);
        assert!(world.queue.faults().calls("send") > 1, "several rounds");
        let results = answer.body["results"].as_array().unwrap();
        assert_eq!(results.len(), 1_000);
        let of = |status: &str| -> BTreeSet<String> {
            let found = results.iter().filter(|result| result["status"] == status);
            found.map(|result| result["event_id"].as_str().unwrap().to_owned()).collect()
        };
        let (accepted, unavailable) = (of("queued"), of("unavailable"));
        assert_eq!(accepted.len() + unavailable.len(), 1_000);
        assert!(unavailable.contains("n7") && unavailable.contains("n901"));
        assert_eq!(answer.body["accepted"], json!(accepted.len()));
        assert_eq!(answer.body["unavailable"], json!(unavailable.len()));
        match when {
            When::Before => assert_eq!(queued(&world), accepted, "what is promised is on the queue"),
            When::After => assert_eq!(queued(&world).len(), 1_000, "what may be on it is not promised"),
        }
        // Posted again, what was unavailable is the same events.
        world.queue.faults().clear();
        let again: Vec<Value> = many()
            .into_iter()
            .filter(|event| unavailable.contains(event["event_id"].as_str().unwrap()))
            .collect();
        let answer = world.post(PATH, &json!({"events": again})).await;
        assert_eq!(answer.body["accepted"], json!(unavailable.len()));
        assert_eq!(queued(&world).len(), 1_000);
    }
}
