//! A queue that takes one pixel's messages and not another's.

use adrelay_core::config::Scope;
use adrelay_core::ids::PixelId;
use adrelay_core::ports::queue::{EventQueue, Outgoing, QueueError};
use capi_ingest::Ingest;
use capi_ingest::settings::Settings;
use fakes::{MemoryConfig, MemoryQueue, NOON, QueueRules, SeededEntropy, VirtualClock};
use serde_json::{Value, json};

use crate::world::{Answer, INGEST, api_key, purchase, request, source};

/// Refuses the messages of pixel 222.
struct Picky(MemoryQueue);

impl EventQueue for Picky {
    async fn send(&self, messages: Vec<Outgoing>) -> Vec<Result<(), QueueError>> {
        let mut results = Vec::new();
        for message in messages {
            results.push(if message.group == "222" {
                Err(QueueError("refused".to_owned()))
            } else {
                self.0.send(vec![message]).await.remove(0)
            });
        }
        results
    }
}

#[tokio::test]
async fn what_the_queue_refuses_is_that_events_result_alone() {
    let clock = VirtualClock::at(NOON);
    let config = MemoryConfig::default();
    let queue = MemoryQueue::new(clock.clone(), QueueRules::default());
    let mut two = source();
    two.pixel_ids.push(PixelId::parse("222").unwrap());
    config.add_source(two);
    config.add_key(api_key(INGEST, Scope::Ingest));
    let settings =
        Settings { enabled: true, trusted_hops: 0, config_table: String::new(), queue_url: String::new() };
    let ingest = Ingest::new(&settings, config, Picky(queue.clone()), clock, SeededEntropy::new(1));
    let to = |pixel: &str| {
        let mut event = purchase(pixel);
        event["pixel_id"] = json!(pixel);
        event
    };
    let body = json!({"events": [to("111"), to("222"), purchase("both")]}).to_string();
    let headers = [("authorization", "Bearer adr_ingest_shop")];
    let answer = Answer::of(ingest.handle(&request("/api/v1/meta/events", &headers, body)).await);
    assert_eq!(
        (answer.status, &answer.body["accepted"], &answer.body["unavailable"]),
        (202, &json!(1), &json!(2))
    );
    let results = answer.body["results"].as_array().unwrap();
    let told: Vec<(&Value, bool)> =
        results.iter().map(|r| (&r["status"], r["event_id"].is_string())).collect();
    let unavailable = json!("unavailable");
    assert_eq!(told, [(&json!("queued"), true), (&unavailable, true), (&unavailable, true)]);
    assert_eq!(results[1]["code"], "queue_unavailable");
    assert_eq!(queue.bodies().len(), 1, "what could be queued stays queued; a repeat is the same event");
}
