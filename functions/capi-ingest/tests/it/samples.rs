//! The payloads under `events/` are what API Gateway sends, and are answered as they should be.

use serde_json::{Value, json};

use crate::world::{Answer, INGEST, ORIGIN, PUBLIC, World, source};

/// The sample with our keys, source and pixel in the places that a reader fills in.
async fn answer(world: &World, sample: &str) -> Answer {
    let sample = sample
        .replace("adr_ingest_REPLACE_WITH_A_KEY", INGEST)
        .replace("adr_public_REPLACE_WITH_A_KEY", PUBLIC)
        .replace("https://shop.example.com", ORIGIN)
        .replace("1234567890123456/events", "111/events");
    let request = lambda_http::request::from_str(&sample).unwrap();
    Answer::of(world.ingest.handle(&request).await)
}

#[tokio::test]
async fn samples_are_answered() {
    let world = World::new();
    world.config.add_source(source());
    let single = answer(&world, include_str!("../../../../events/capi-ingest-event.json")).await;
    assert_eq!((single.status, &single.body["status"]), (202, &json!("queued")));
    let batch = answer(&world, include_str!("../../../../events/capi-ingest-events.json")).await;
    let counts: [&Value; 2] = [&batch.body["accepted"], &batch.body["rejected"]];
    assert_eq!((batch.status, counts), (202, [&json!(2), &json!(1)]));
    let meta = answer(&world, include_str!("../../../../events/capi-ingest-meta.json")).await;
    assert_eq!((meta.status, &meta.body["events_received"]), (200, &json!(1)));
    let browser = answer(&world, include_str!("../../../../events/capi-ingest-browser.json")).await;
    assert_eq!((browser.status, &browser.body["accepted"]), (202, &json!(1)));
}
