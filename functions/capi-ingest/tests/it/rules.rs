//! Rules at each endpoint: what goes out for a posted event, and what its sender is told.

use std::collections::BTreeSet;

use adrelay_core::config::{ConsentPolicy, Source};
use adrelay_core::ids::{EventName, PixelId, TenantId};
use adrelay_core::ports::clock::Clock as _;
use adrelay_core::rules::{RuleSet, default_rules, parse};
use fakes::On;
use serde_json::{Value, json};

use crate::world::{AGENT, ORIGIN, PUBLIC, World, purchase, request, source};

const EVENT: &str = "/api/v1/meta/event";

fn tenant() -> TenantId {
    source().tenant_id
}

fn world_with(rules: &Value, source: Source) -> World {
    let world = World::new();
    world.config.set_rules(&tenant(), RuleSet { version: 1, rules: parse(rules).unwrap() });
    world.config.add_source(source);
    world
}

fn shipped(source: Source) -> World {
    let world = World::new();
    world.config.set_rules(&tenant(), RuleSet { version: 1, rules: default_rules().unwrap() });
    world.config.add_source(source);
    world
}

fn b2b() -> Source {
    Source { flags: BTreeSet::from(["b2b".to_owned()]), ..source() }
}

fn named(event_name: &str, custom_data: &Value) -> Value {
    let mut event = purchase("A-1");
    event["event_name"] = json!(event_name);
    event["event_id"] = json!("e-1");
    event["custom_data"] = custom_data.clone();
    event
}

/// Name, id and custom_data of each queued event.
fn queued(world: &World) -> Vec<(String, String, Value)> {
    let text = |event: &Value, field: &str| event[field].as_str().unwrap().to_owned();
    let events = world.queued_events().into_iter();
    events.map(|e| (text(&e, "event_name"), text(&e, "event_id"), e["custom_data"].clone())).collect()
}

fn names(world: &World) -> Vec<String> {
    queued(world).into_iter().map(|(name, ..)| name).collect()
}

#[tokio::test]
async fn the_same_posts_become_more_for_a_b2b_source() {
    for (source, view, call) in [
        (source(), vec!["GreetNow_WidgetView"], vec!["GreetNow_CallStarted", "Lead"]),
        (
            b2b(),
            vec!["GreetNow_WidgetView", "GreetNow_WidgetView_B2B"],
            vec!["GreetNow_CallStarted", "Lead", "GreetNow_CallStarted_B2B"],
        ),
    ] {
        for (trigger, expected) in [("WidgetView", view), ("CallStarted", call)] {
            let world = shipped(source.clone());
            let answer = world.post(EVENT, &named(trigger, &json!({"note": "ours"}))).await;
            assert_eq!((answer.status, &answer.body["event_id"]), (202, &json!("e-1")));
            let told: Vec<Value> =
                expected.iter().map(|name| json!({"event_name": name, "event_id": "e-1"})).collect();
            assert_eq!(answer.body["meta_events"], json!(told));
            assert_eq!(names(&world), expected);
            for (name, id, custom_data) in queued(&world) {
                assert_eq!(id, "e-1", "{name}");
                assert_eq!(custom_data.as_object().unwrap().keys().collect::<Vec<_>>(), ["content_name"]);
            }
        }
    }
}

#[tokio::test]
async fn what_is_fired_is_the_posted_event_but_for_name_and_custom_data() {
    let world = shipped(source());
    let mut event =
        named("subscription_purchased", &json!({"plan_price": 29.5, "currency": "usd", "order_id": "7"}));
    event["event_time"] = json!(world.clock.now().secs() - 100);
    assert_eq!(world.post(EVENT, &event).await.status, 202);
    let bare = World::new();
    bare.post(EVENT, &event).await;
    let (fired, mut expected) = (world.queued_events().remove(0), bare.queued_events().remove(0));
    expected["event_name"] = json!("Purchase");
    expected["custom_data"] = json!({"currency": "USD", "value": 29.5});
    assert_eq!(fired, expected);
}

#[tokio::test]
async fn an_event_that_no_rule_names_goes_out_as_it_is() {
    let world = shipped(source());
    let answer = world.post(EVENT, &purchase("A-1")).await;
    assert!(answer.body.get("meta_events").is_none());
    let bare = World::new();
    bare.post(EVENT, &purchase("A-1")).await;
    assert_eq!(world.queued_events(), bare.queued_events());
}

#[tokio::test]
async fn rules_that_need_the_person_leave_the_event_as_it_is() {
    let rules = json!([{"id": "r", "events": ["x"], "fire": [{"event_name": "Lead", "once": "person"}]},
        {"id": "s", "events": ["x"], "when": [{"person_stage": ["lead"]}], "fire": [{"event_name": "Lead"}]}]);
    let world = world_with(&rules, source());
    let answer = world.post(EVENT, &named("x", &json!({}))).await;
    assert_eq!((answer.status, names(&world)), (202, vec!["x".to_owned()]));
    assert!(answer.body.get("meta_events").is_none());
}

#[tokio::test]
async fn a_name_that_fires_twice_gets_a_suffix_and_a_passed_event_keeps_its_id() {
    let rules = json!([{"id": "r", "events": ["Lead"], "pass_through": true,
        "fire": [{"event_name": "Lead"}, {"event_name": "Contact"}, {"event_name": "Lead"}]}]);
    let world = world_with(&rules, source());
    world.post(EVENT, &named("Lead", &json!({"status": "new"}))).await;
    let ids: Vec<(String, String)> = queued(&world).into_iter().map(|(name, id, _)| (name, id)).collect();
    let expected = [("Lead", "e-1"), ("Lead", "e-1.2"), ("Contact", "e-1"), ("Lead", "e-1.3")];
    assert_eq!(ids, expected.map(|(name, id)| (name.to_owned(), id.to_owned())));
    assert_eq!(queued(&world)[0].2, json!({"status": "new"}), "the event itself as posted");
}

#[tokio::test]
async fn what_meta_would_refuse_is_told_with_its_rule() {
    let world = shipped(source());
    let answer = world.post(EVENT, &named("subscription_purchased", &json!({"plan_price": "29"}))).await;
    let errors = answer.body["errors"].as_array().unwrap();
    let told: Vec<(&str, &str)> =
        errors.iter().map(|e| (e["field"].as_str().unwrap(), e["code"].as_str().unwrap())).collect();
    let place = |field: &str| format!("rules.subscription.fire[0].custom_data.{field}");
    assert_eq!(answer.code(), (422, "validation_failed"));
    assert_eq!(
        told,
        [(place("value").as_str(), "value_missing"), (place("currency").as_str(), "currency_missing")]
    );
    assert!(world.queue.bodies().is_empty());

    // Beside something that goes out, it is a warning: posted again, it would fare no better.
    let rules = json!([{"id": "r", "events": ["x"],
        "fire": [{"event_name": "Lead"}, {"event_name": "Purchase", "value": {"field": "price"}}]}]);
    let world = world_with(&rules, source());
    let answer = world.post(EVENT, &named("x", &json!({"currency": "EUR"}))).await;
    assert_eq!((answer.status, names(&world)), (202, vec!["Lead".to_owned()]));
    assert_eq!(answer.body["meta_events"].as_array().unwrap().len(), 1);
    let warning = json!({"field": "rules.r.fire[1].custom_data.value", "code": "value_missing"});
    assert!(answer.body["warnings"].as_array().unwrap().contains(&warning), "{}", answer.body);
}

#[tokio::test]
async fn a_bad_event_fires_nothing() {
    let world = shipped(source());
    let mut event = named("signup", &json!({}));
    event["user_data"] = json!({});
    assert_eq!(world.post(EVENT, &event).await.status, 422);
    assert!(world.queue.bodies().is_empty());
}

#[tokio::test]
async fn a_batch_keeps_one_result_for_each_posted_event() {
    let pixel_ids = ["111", "222"].map(|id| PixelId::parse(id).unwrap()).to_vec();
    let world = shipped(Source { pixel_ids, ..b2b() });
    let events = json!([named("CallStarted", &json!({})), named("upgraded", &json!({})), purchase("A-2")]);
    let answer = world.post("/api/v1/meta/events", &json!({"events": events})).await;
    assert_eq!((&answer.body["accepted"], &answer.body["rejected"]), (&json!(2), &json!(1)));
    let results = answer.body["results"].as_array().unwrap();
    let statuses: Vec<&Value> = results.iter().map(|result| &result["status"]).collect();
    assert_eq!(statuses, ["queued", "rejected", "queued"]);
    assert_eq!(results[0]["meta_events"].as_array().unwrap().len(), 3);
    assert_eq!(names(&world).len(), 2 * 4, "each for both pixels");
}

#[tokio::test]
async fn without_consent_the_receipts_are_of_what_would_have_been_fired() {
    let world = shipped(Source { consent_policy: ConsentPolicy::Require, ..source() });
    let answer = world.post(EVENT, &named("CallStarted", &json!({}))).await;
    assert_eq!((answer.status, &answer.body["status"]), (202, &json!("skipped")));
    assert_eq!(answer.body["code"], "consent_unknown");
    assert_eq!(names(&world), ["GreetNow_CallStarted", "Lead"]);
    assert!(world.queued().iter().all(|message| message.skip.as_deref() == Some("consent_unknown")));
    assert!(world.queued_events().iter().all(|event| event.get("user_data").is_none()));
}

async fn browse(world: &World, event: &Value) -> Value {
    let headers = [("content-type", "text/plain"), ("origin", ORIGIN), ("user-agent", AGENT)];
    let body = json!({"key": PUBLIC, "events": [event]}).to_string();
    let answer = world.send(request("/b/events", &headers, body)).await;
    answer.body["results"][0].clone()
}

fn page_event(event_name: &str, custom_data: &Value) -> Value {
    json!({"event_name": event_name, "event_id": "v", "event_source_url": "https://shop.example/",
        "user_data": {"fbp": "fb.1.1596403881668.1098115397"}, "custom_data": custom_data})
}

#[tokio::test]
async fn a_browsers_event_must_itself_be_allowed_and_may_then_fire_any_name() {
    let listed = |names: &[&str]| Source {
        public_event_names: names.iter().map(|name| EventName::parse(name).unwrap()).collect(),
        ..b2b()
    };
    let world = shipped(source());
    let result = browse(&world, &page_event("WidgetView", &json!({}))).await;
    assert_eq!(result["errors"][0]["code"], "event_name_not_for_public_keys");
    assert!(world.queue.bodies().is_empty());

    let world = shipped(listed(&["WidgetView"]));
    let result = browse(&world, &page_event("WidgetView", &json!({}))).await;
    assert_eq!(result["status"], "queued", "{result}");
    assert_eq!(names(&world), ["GreetNow_WidgetView", "GreetNow_WidgetView_B2B"]);
    let sent = &world.queued_events()[0]["user_data"];
    assert_eq!(
        (&sent["client_ip_address"], &sent["client_user_agent"]),
        (&json!("203.0.113.7"), &json!(AGENT))
    );
}

#[tokio::test]
async fn what_a_browser_fires_carries_value_only_where_its_name_is_listed() {
    let listed = |names: &[&str]| Source {
        public_event_names: names.iter().map(|name| EventName::parse(name).unwrap()).collect(),
        ..source()
    };
    let data = json!({"value": 7, "plan_price": 29, "currency": "EUR"});
    let world = shipped(listed(&["course_enrolled", "subscription_purchased"]));
    let result = browse(&world, &page_event("course_enrolled", &data)).await;
    assert_eq!(queued(&world)[0].2, json!({"currency": "EUR"}));
    let warning = json!({"field": "rules.course.fire[0].custom_data.value", "code": "value_removed"});
    assert!(result["warnings"].as_array().unwrap().contains(&warning), "{result}");
    let result = browse(&world, &page_event("subscription_purchased", &data)).await;
    assert_eq!(result["errors"][0]["code"], "event_name_not_for_public_keys");
    assert_eq!(result["errors"][0]["field"], "rules.subscription.fire[0].event_name");

    let world = shipped(listed(&["course_enrolled", "subscription_purchased", "Subscribe", "Purchase"]));
    browse(&world, &page_event("course_enrolled", &data)).await;
    browse(&world, &page_event("subscription_purchased", &data)).await;
    let sent: Vec<Value> = queued(&world).into_iter().map(|(.., data)| data).collect();
    assert_eq!(sent, [json!({"currency": "EUR", "value": 7}), json!({"currency": "EUR", "value": 29})]);
}

#[tokio::test]
async fn metas_own_endpoint_has_no_rules() {
    let world = shipped(b2b());
    let pixel = source().pixel_ids[0].clone();
    let answer = world
        .post(&format!("/v26.0/{pixel}/events"), &json!({"data": [named("CallStarted", &json!({}))]}))
        .await;
    assert_eq!((answer.status, names(&world)), (200, vec!["CallStarted".to_owned()]));
}

#[tokio::test]
async fn rules_that_cannot_be_read_hold_for_a_minute_and_then_nothing_is_taken() {
    let world = shipped(source());
    assert_eq!(world.post(EVENT, &named("signup", &json!({}))).await.status, 202);
    world.config.faults().set_down("rules", true);
    world.clock.advance_ms(59_999);
    assert_eq!(world.post(EVENT, &named("signup", &json!({}))).await.status, 202);
    assert_eq!(names(&world), ["Lead", "Lead"]);
    world.clock.advance_ms(1);
    assert_eq!(world.post(EVENT, &named("signup", &json!({}))).await.code(), (503, "unavailable"));
    world.config.faults().set_down("rules", false);
    world.config.set_rules(&tenant(), RuleSet::default());
    assert_eq!(world.post(EVENT, &named("signup", &json!({}))).await.status, 202);
    assert_eq!(names(&world), ["Lead", "Lead", "signup"]);
}

#[tokio::test]
#[should_panic(expected = "unlisted: rules are older than a minute")]
async fn rules_hold_for_a_minute_from_when_they_were_asked_for() {
    let world = shipped(source());
    let start = world.clock.now();
    world.config.faults().take_ms("rules", On::Nth(1), &world.clock, 10_000);
    world.post(EVENT, &named("signup", &json!({}))).await;
    world.config.set_rules(&tenant(), RuleSet::default());
    world.clock.advance_to(start.plus_ms(59_999));
    world.post(EVENT, &named("signup", &json!({}))).await;
    assert_eq!(names(&world), ["Lead", "Lead"]);
    world.clock.advance_to(start.plus_ms(60_000));
    world.post(EVENT, &named("signup", &json!({}))).await;
    assert_eq!(names(&world), ["Lead", "Lead", "signup"], "unlisted: rules are older than a minute");
}

#[tokio::test]
async fn a_queue_that_fails_takes_none_of_what_is_fired() {
    let world = shipped(source());
    world.queue.set_refusing(true);
    let answer = world.post(EVENT, &named("CallStarted", &json!({}))).await;
    assert_eq!((answer.code(), &answer.body["event_id"]), ((503, "queue_unavailable"), &json!("e-1")));
}

/// The events that are fired have ids of their own where names repeat.
#[tokio::test]
#[should_panic(expected = "unlisted: the id to post again is not the posted event's")]
async fn what_is_to_be_posted_again_is_named_as_it_was_posted() {
    let rules = json!([{"id": "r", "events": ["Lead"], "pass_through": true,
        "fire": [{"event_name": "Lead"}, {"event_name": "Lead"}]}]);
    let world = world_with(&rules, source());
    world.queue.set_refusing(true);
    let answer = world.post(EVENT, &named("Lead", &json!({}))).await;
    assert_eq!(answer.code(), (503, "queue_unavailable"));
    assert_eq!(answer.body["event_id"], "e-1", "unlisted: the id to post again is not the posted event's");
}
