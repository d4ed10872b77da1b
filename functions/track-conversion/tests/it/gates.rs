use serde_json::json;

use crate::world::{ALL, Gates, World, request, visited};

const PATHS: [&str; 3] = ["/api/v1/conversions", "/api/v1/identify", "/api/v1/consent"];

#[tokio::test]
async fn while_off_every_endpoint_says_so_and_nothing_is_written() {
    let world = World::with(Gates { enabled: false, ..ALL });
    for path in PATHS {
        let answer = world.post(path, &visited("1")).await;
        assert_eq!((answer.status, answer.body), (200, json!({"disabled": true})), "{path}");
        // Whoever asks, and whatever: a product's call never breaks.
        let mut stranger = request(path, &json!("no object"));
        stranger.headers_mut().clear();
        assert_eq!(crate::world::answer(world.function.handle(&stranger).await).status, 200);
    }
    world.sweep().await;
    assert_eq!((world.people.writes(), world.queue.bodies().len()), (0, 0));
}

#[tokio::test]
async fn without_forwarding_a_conversion_is_stored_and_counted_and_nothing_is_queued() {
    let world = World::with(Gates { forward: false, ..ALL });
    let answer = world.convert(&visited("1")).await;
    assert_eq!((answer.status, &answer.body["stored"]), (200, &json!(true)));
    assert_eq!((&answer.body["forwarded"], &answer.body["meta_events"]), (&json!(false), &json!([])));
    assert_eq!(world.queue.bodies().len(), 0);
    assert_eq!(world.features().await.times("visited", 1, fakes::NOON.secs()), 1);
}

#[tokio::test]
async fn without_people_a_conversion_goes_on_with_what_it_says_and_nothing_is_stored() {
    let world = World::with(Gates { people: false, ..ALL });
    let answer = world.convert(&visited("1")).await;
    assert_eq!((answer.status, &answer.body["stored"]), (202, &json!(false)));
    assert_eq!(answer.body["person_id"], json!(null));
    assert_eq!(world.people.writes(), 0);
    let events = world.events();
    assert_eq!(events.len(), 1);
    assert!(events[0]["user_data"]["em"].is_array() && events[0]["user_data"]["external_id"].is_array());
}

#[tokio::test]
async fn other_keys_methods_and_paths_are_refused() {
    let world = World::new();
    let mut keyless = request(PATHS[0], &visited("1"));
    keyless.headers_mut().remove("authorization");
    assert_eq!(crate::world::answer(world.function.handle(&keyless).await).status, 401);
    let mut get = request(PATHS[0], &visited("1"));
    *get.method_mut() = http::Method::GET;
    assert_eq!(crate::world::answer(world.function.handle(&get).await).status, 405);
    assert_eq!(world.post("/api/v1/other", &visited("1")).await.status, 404);
    let wrong = world.convert(&json!([])).await;
    assert_eq!((wrong.status, &wrong.body["code"]), (422, &json!("body_wrong_shape")));
    let mut text = request(PATHS[0], &visited("1"));
    text.headers_mut().insert("content-type", http::HeaderValue::from_static("text/plain"));
    assert_eq!(crate::world::answer(world.function.handle(&text).await).status, 415);
}
