//! Secrets Manager, failing: what was read once is enough.

use crate::world::{APP_SECRET, Store, VERIFY_TOKEN, World, app, delivery, lead, post, signature};

#[tokio::test]
async fn a_store_that_fails_after_the_start_is_no_hindrance() {
    for failing in [Store::Refuses, Store::IsSilent] {
        let world = World::new();
        world.function.warm().await;
        world.store.set(failing.clone());
        assert_eq!(world.deliver(&delivery(&[lead(5)])).await.status, 200, "{failing:?}");
        let foreign = signature(b"x", "another secret");
        assert_eq!(world.ask(&post("x", Some(&foreign))).await.status, 401, "{failing:?}");
        assert_eq!(world.queue.bodies().len(), 1, "{failing:?}");
    }
}

#[tokio::test]
async fn a_silent_store_is_asked_once_a_minute() {
    let world = World::new();
    world.function.warm().await;
    world.store.set(Store::IsSilent);
    for _ in 0..3 {
        assert_eq!(world.deliver(&delivery(&[lead(5)])).await.status, 200);
    }
    assert_eq!(world.store.calls(), 2, "at the start, and once since");
    world.clock.advance_ms(60_000);
    assert_eq!(world.deliver(&delivery(&[lead(5)])).await.status, 200);
    assert_eq!(world.store.calls(), 3);
    world.clock.advance_ms(60_000);
    world.store.set(app("a new secret", VERIFY_TOKEN));
    let body = delivery(&[lead(6)]);
    let request = post(&body, Some(&signature(body.as_bytes(), "a new secret")));
    assert_eq!(world.ask(&request).await.status, 200, "and it is listened to when it speaks again");
}

#[tokio::test]
async fn a_secret_that_could_never_be_read_is_503_so_that_meta_tries_again() {
    let world = World::with(true, Store::Refuses);
    world.function.warm().await;
    let answer = world.deliver(&delivery(&[lead(5)])).await;
    assert_eq!((answer.status, answer.code.as_str()), (503, "unavailable"));
    assert_eq!(world.queue.bodies(), [""; 0]);
    world.store.set(app(APP_SECRET, VERIFY_TOKEN));
    assert_eq!(world.deliver(&delivery(&[lead(5)])).await.status, 200);
}

#[tokio::test]
async fn an_app_secret_that_was_just_replaced_is_read_anew_and_the_old_one_proves_nothing_then() {
    let world = World::new();
    world.function.warm().await;
    world.store.set(app("a new secret", VERIFY_TOKEN));
    let body = delivery(&[lead(5)]);
    let new = post(&body, Some(&signature(body.as_bytes(), "a new secret")));
    assert_eq!(world.ask(&new).await.status, 200);
    assert_eq!(world.deliver(&body).await.status, 401);
}
