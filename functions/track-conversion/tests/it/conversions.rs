use fakes::NOON;
use serde_json::{Value, json};

use crate::world::{World, visited};

#[tokio::test]
async fn a_conversion_is_stored_counted_and_forwarded_with_all_that_is_known() {
    let world = World::new();
    let first = json!({"event_name": "signed_up", "event_id": "1",
        "identity": {"email": "jane@example.com", "phone": "+1 650 555 1212", "external_id": "u1", "first_name": "Jane"},
        "context": {"ip": "2001:db8::7", "agent": "Safari", "fbp": "fb.1.1596403881668.1098115397",
            "url": "https://app.example.com/?utm_source=meta&fbclid=AbC"}});
    let created = world.convert(&first).await;
    assert_eq!((created.status, &created.body["created"]), (202, &json!(true)), "{created:?}");
    world.clock.advance_ms(86_400_000);
    // Later the product says nothing but its own id.
    let later = json!({"event_name": "bought", "event_id": "2", "identity": {"external_id": "u1"}, "value": 9.99,
        "currency": "EUR"});
    let answer = world.convert(&later).await;
    assert_eq!((answer.status, &answer.body["created"]), (202, &json!(false)));
    assert_eq!(answer.body["person_id"], created.body["person_id"]);
    assert_eq!(
        answer.body["meta_events"],
        json!([{"event_name": "bought", "event_id": "2", "status": "queued"}])
    );
    let events = world.events();
    let user = &events[1]["user_data"];
    for key in ["em", "ph", "fn", "external_id", "fbp", "fbc", "client_ip_address", "client_user_agent"] {
        assert!(!user[key].is_null(), "{key}: {user}");
    }
    assert_eq!(user["client_ip_address"], "2001:db8::7");
    assert_eq!(user["external_id"].as_array().unwrap().len(), 2, "the product's id and the person's");
    assert_eq!(events[0]["action_source"], "website");
    assert_eq!(events[1]["custom_data"], json!({"value": 9.99, "currency": "EUR", "source_product": "shop"}));
    let features = world.features().await;
    assert_eq!(json!(features.totals_minor), json!({"EUR": 999}));
    assert_eq!(features.last_seen, Some(NOON.secs() + 86_400));
}

#[tokio::test]
async fn what_was_seen_over_90_days_ago_is_not_sent_any_more() {
    let world = World::new();
    let mut first = visited("1");
    first["context"] = json!({"ip": "203.0.113.7", "fbp": "fb.1.1596403881668.1098115397"});
    world.convert(&first).await;
    world.clock.advance_ms(91 * 86_400_000);
    world.convert(&visited("2")).await;
    let user = &world.events()[1]["user_data"];
    assert!(user["client_ip_address"].is_null() && user["fbp"].is_null() && !user["em"].is_null(), "{user}");
}

#[tokio::test]
async fn a_repeated_conversion_is_the_same_one_whoever_it_says_it_is_about() {
    let world = World::new();
    let first = world.convert(&visited("1")).await;
    let again = world.convert(&visited("1")).await;
    assert_eq!((&again.body["repeated"], &again.body["stored"]), (&json!(true), &json!(true)));
    let mut about_another = visited("1");
    about_another["identity"] = json!({"email": "john@example.com"});
    let about_another = world.convert(&about_another).await;
    assert_eq!(about_another.body["person_id"], first.body["person_id"]);
    assert_eq!(world.people.stored_conversions().len(), 1);
    assert_eq!(world.features().await.times("visited", 1, NOON.secs()), 1);
    // The queue gets it again under the same id: what was sent is dropped by its receipt.
    assert_eq!(world.names(), vec![("visited".to_owned(), "1".to_owned()); 3]);
}

#[tokio::test]
async fn a_person_who_is_nobody_is_refused_with_the_reason() {
    let world = World::new();
    for (body, code) in [
        (json!({"event_name": "x"}), "person_missing"),
        (json!({"event_name": "x", "person_id": "per_nobody"}), "person_unknown"),
        (json!({"event_name": "x", "identity": {"first_name": "Jane"}}), "identity_insufficient"),
        (json!({"event_name": "x", "identity": {"email": "nobody"}}), "identity_insufficient"),
        (
            json!({"event_name": "x", "product": "other", "identity": {"email": "a@example.com"}}),
            "product_mismatch",
        ),
    ] {
        let answer = world.convert(&body).await;
        assert_eq!((answer.status, answer.codes()), (422, vec![code]), "{body}");
    }
    assert_eq!((world.people.writes(), world.queue.bodies().len()), (0, 0));
}

#[tokio::test]
async fn a_named_person_learns_what_the_conversion_says() {
    let world = World::new();
    let person = world.convert(&visited("1")).await.body["person_id"].clone();
    let named = json!({"event_name": "visited", "event_id": "2", "person_id": person, "identity": {"phone": "+16505551212"}});
    assert_eq!(world.convert(&named).await.body["person_id"], person);
    let by_phone = json!({"event_name": "visited", "event_id": "3", "identity": {"phone": "+16505551212"}});
    assert_eq!(world.convert(&by_phone).await.body["person_id"], person);
}

#[tokio::test]
async fn consent_is_the_events_else_the_persons_and_denied_sends_nothing_but_says_so() {
    let world = World::new();
    let with = |id: &str, consent: Option<&str>| {
        let mut body = visited(id);
        body["consent"] = json!(consent);
        body
    };
    let denied = world.convert(&with("1", Some("denied"))).await;
    assert_eq!((denied.status, &denied.body["meta_events"][0]["reason"]), (200, &json!("consent_denied")));
    let message = &world.messages()[0];
    assert_eq!(message.skip.as_deref(), Some("consent_denied"));
    let event: Value = serde_json::from_str(message.events[0].json()).unwrap();
    assert!(event["user_data"].is_null() && event["custom_data"].is_null(), "{event}");
    // The person says no; an event of its own consent goes out all the same.
    world.post("/api/v1/consent", &json!({"identity": {"external_id": "u1"}, "consent": "denied"})).await;
    assert_eq!(world.convert(&with("2", None)).await.body["meta_events"][0]["status"], "skipped");
    assert_eq!(world.convert(&with("3", Some("granted"))).await.body["meta_events"][0]["status"], "queued");
}

#[tokio::test]
async fn limited_data_use_is_for_those_whose_consent_is_not_known() {
    use adrelay_core::config::ConsentPolicy;
    let world = World::of_source(|source| source.consent_policy = ConsentPolicy::LimitedDataUse);
    world.convert(&visited("1")).await;
    assert_eq!(world.events()[0]["data_processing_options"], json!(["LDU"]));
}

#[tokio::test]
async fn a_queue_that_refuses_is_503_and_the_next_try_completes_it() {
    let world = World::new();
    world.queue.set_refusing(true);
    assert_eq!(world.convert(&visited("1")).await.status, 503);
    world.queue.set_refusing(false);
    let again = world.convert(&visited("1")).await;
    assert_eq!((again.status, &again.body["repeated"]), (202, &json!(true)));
    assert_eq!(world.names(), [("visited".to_owned(), "1".to_owned())]);
    assert_eq!(world.features().await.times("visited", 1, NOON.secs()), 1);
}

#[tokio::test]
async fn nothing_personal_is_stored_in_clear() {
    let world = World::new();
    let body = json!({"event_name": "visited", "event_id": "1", "metadata": {"note": "canary-note"},
        "identity": {"email": "canary@example.com", "phone": "+16505551212", "external_id": "canary-id",
            "first_name": "Canaryfirst", "city": "Canarytown"},
        "context": {"ip": "203.0.113.7", "agent": "canary-agent", "url": "https://example.com/canary-path"}});
    world.convert(&body).await;
    let stored = format!(
        "{:?} {:?} {:?}",
        world.people.everybody(),
        world.people.stored_conversions(),
        world.people.held()
    );
    let stored = stored.to_lowercase();
    for plain in ["canary", "650555", "203.0.113"] {
        assert!(!stored.contains(plain), "{plain} in {stored}");
    }
}
