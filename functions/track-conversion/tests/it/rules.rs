use serde_json::json;

use crate::world::{World, visited};

fn bought(id: &str, price: f64) -> serde_json::Value {
    json!({"event_name": "subscription_purchased", "event_id": id, "identity": {"email": "jane@example.com"},
        "metadata": {"plan_price": price}, "currency": "EUR"})
}

#[tokio::test]
async fn a_rule_fires_metas_event_with_the_value_of_a_field_and_the_triggers_id() {
    let world = World::new();
    world.set_rules(&json!([{"id": "purchase", "events": ["subscription_purchased"], "stage": "customer",
        "fire": [{"event_name": "Purchase", "value": {"field": "plan_price"}}]}]));
    let answer = world.convert(&bought("s-1", 29.5)).await;
    assert_eq!(
        answer.body["meta_events"],
        json!([{"event_name": "Purchase", "event_id": "s-1", "status": "queued", "rule": "purchase"}])
    );
    let events = world.events();
    assert_eq!((&events[0]["event_name"], &events[0]["event_id"]), (&json!("Purchase"), &json!("s-1")));
    assert_eq!(events[0]["custom_data"]["value"], 29.5);
    assert_eq!(events[0]["custom_data"]["currency"], "EUR");
    let person = world.people.everybody().pop().unwrap();
    assert_eq!(person.doc.evidence.stage().unwrap().as_str(), "customer");
}

#[tokio::test]
async fn once_per_person_is_once_however_many_conversions_ask_for_it() {
    let world = World::new();
    world.set_rules(&json!([{"id": "first", "events": ["subscription_purchased"],
        "fire": [{"event_name": "Subscribe", "once": "person"}]}]));
    let first = world.convert(&bought("s-1", 1.0)).await;
    assert_eq!(first.body["meta_events"][0]["status"], "queued");
    let second = world.convert(&bought("s-2", 1.0)).await;
    assert_eq!(second.body["meta_events"][0]["status"], "fired_before", "{second:?}");
    // The one that holds the mark may be repeated: it is the same event.
    let again = world.convert(&bought("s-1", 1.0)).await;
    assert_eq!(again.body["meta_events"][0]["status"], "queued");
    assert_eq!(world.names(), vec![("Subscribe".to_owned(), "s-1".to_owned()); 2]);
}

#[tokio::test]
async fn a_condition_on_features_sees_the_conversion_itself() {
    let world = World::new();
    world.set_rules(&json!([{"id": "third", "events": ["visited"],
        "when": [{"person_times": {"event_name": "visited", "days": 7, "at_least": 3}}],
        "fire": [{"event_name": "Engaged"}], "pass_through": false}]));
    for id in ["1", "2", "3"] {
        world.convert(&visited(id)).await;
    }
    let names: Vec<String> = world.names().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["Engaged", "visited", "visited"]);
}

#[tokio::test]
async fn what_meta_would_refuse_is_told_and_the_rest_goes_out() {
    let world = World::new();
    world.set_rules(&json!([{"id": "purchase", "events": ["subscription_purchased"],
        "fire": [{"event_name": "Purchase", "value": {"field": "no_such_field"}}, {"event_name": "Lead"}]}]));
    let answer = world.convert(&bought("s-1", 1.0)).await;
    let events = answer.body["meta_events"].as_array().unwrap();
    assert_eq!(events[0]["status"], "refused", "{answer:?}");
    assert_eq!(events[0]["reason"], "custom_data.value: value_missing");
    assert_eq!(events[1]["status"], "queued");
}
