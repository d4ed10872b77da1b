//! The payloads under `events/` are what API Gateway sends, and are answered as they should be.

use adrelay_lambda::start::answer;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::world::World;

async fn invoke(world: &World, sample: &str) -> Value {
    let payload = RawValue::from_string(sample.to_owned()).unwrap();
    let answered = answer(&world.function, LambdaEvent::new(payload, Context::default())).await.unwrap();
    serde_json::to_value(answered).unwrap()
}

#[tokio::test]
async fn samples_are_answered() {
    let world = World::new();
    let handshake = include_str!("../../../../events/leadgen-webhook-verify.json");
    let answered =
        invoke(&world, &handshake.replace("REPLACE_WITH_THE_VERIFY_TOKEN", "a%20verify%20token")).await;
    assert_eq!((&answered["statusCode"], &answered["body"]), (&200.into(), &"1158201444".into()));
    assert_eq!(answered["headers"]["content-type"], "text/plain; charset=utf-8");

    let delivery = include_str!("../../../../events/leadgen-webhook-leads.json");
    let answered = invoke(&world, delivery).await;
    assert_eq!(answered["statusCode"], 200, "it is signed with the app secret shhh-app-secret: {answered}");
    assert_eq!(world.leads().len(), 1);
}
