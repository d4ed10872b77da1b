//! Batches and ticks, as Lambda brings them.

use adrelay_lambda::start::{Function as _, answer};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::world::World;

const QUEUE: &str = include_str!("../../../../events/lead-worker-queue.json");
const TICK: &str = include_str!("../../../../events/lead-worker-tick.json");

async fn invoke(world: &World, payload: &str) -> Value {
    let payload = RawValue::from_string(payload.to_owned()).unwrap();
    let mut context = Context::default();
    context.deadline = u64::MAX;
    let answered = answer(&world.function, LambdaEvent::new(payload, context)).await.unwrap();
    serde_json::to_value(answered).unwrap()
}

#[tokio::test]
async fn the_samples_are_worked_on() {
    let world = World::new(true);
    world.submit_sample();
    assert_eq!(invoke(&world, QUEUE).await, json!({"batchItemFailures": []}));
    let leads = world.parts.leads.all();
    assert_eq!(leads.len(), 1);
    assert_eq!(leads[0].doc.ads.ad_id.as_ref().map(ToString::to_string).as_deref(), Some("8000000001"));
    assert_eq!(world.parts.people.roots().len(), 1);
    assert_eq!(invoke(&world, TICK).await, json!(null));
    let queued = world.parts.leads_queue.bodies();
    assert_eq!(queued.len(), 1, "a look at the page: {queued:?}");
}

#[tokio::test]
async fn a_message_that_cannot_be_read_fails_alone() {
    let world = World::new(true);
    world.submit_sample();
    let mut batch: Value = serde_json::from_str(QUEUE).unwrap();
    batch["Records"][1]["body"] = json!("{\"kind\":\"announced\",\"v\":9}");
    let answered = invoke(&world, &batch.to_string()).await;
    assert_eq!(
        answered,
        json!({"batchItemFailures": [{"itemIdentifier": "059f36b4-87a3-44ab-83d2-661975976002"}]})
    );
    assert_eq!(world.parts.leads.all().len(), 1);
}

#[tokio::test]
async fn with_the_gate_closed_nothing_is_done_and_messages_stay() {
    let world = World::new(false);
    world.submit_sample();
    let answered = invoke(&world, QUEUE).await;
    assert_eq!(answered["batchItemFailures"].as_array().unwrap().len(), 2);
    world.function.tick(adrelay_core::time::UnixMillis(i64::MAX)).await.unwrap();
    assert_eq!(world.parts.leads.calls(), 0);
    assert_eq!(world.parts.meta.calls(), []);
    assert_eq!(world.parts.leads_queue.bodies(), Vec::<String>::new());
}
