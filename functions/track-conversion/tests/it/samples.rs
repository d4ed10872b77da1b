//! The payloads under `events/` are what API Gateway and `EventBridge` send, and are answered as they should be.

use adrelay_lambda::start::answer;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::world::{KEY, World};

async fn invoke(world: &World, sample: &str) -> Value {
    let sample = sample.replace("adr_ingest_REPLACE_WITH_A_KEY", KEY);
    let payload = RawValue::from_string(sample).unwrap();
    let answered = answer(&world.function, LambdaEvent::new(payload, Context::default())).await.unwrap();
    serde_json::to_value(answered).unwrap()
}

#[tokio::test]
async fn samples_are_answered() {
    let world = World::new();
    for (sample, status) in [
        (include_str!("../../../../events/track-conversion-conversion.json"), 202),
        (include_str!("../../../../events/track-conversion-identify.json"), 200),
        (include_str!("../../../../events/track-conversion-consent.json"), 200),
    ] {
        let answered = invoke(&world, sample).await;
        assert_eq!(answered["statusCode"], status, "{answered}");
    }
    assert_eq!(world.people.roots().len(), 1, "all are about one person");
    let swept = invoke(&world, include_str!("../../../../events/track-conversion-sweep.json")).await;
    assert_eq!(swept, json!(null));
}
