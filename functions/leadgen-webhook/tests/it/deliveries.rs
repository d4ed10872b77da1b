//! What is queued of a genuine delivery.

use std::collections::BTreeSet;

use adrelay_core::leads::LeadWork;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fakes::{BEFORE_AND_AFTER, On, When};
use lambda_http::Body;
use serde_json::{Value, json};

use crate::world::{APP_SECRET, World, delivery, lead, post, signature, signed};

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(page, lead)| ((*page).to_owned(), (*lead).to_owned())).collect()
}

#[tokio::test]
async fn a_lead_is_queued_with_all_that_its_webhook_tells() {
    let world = World::new();
    let body = r#"{"object":"page","entry":[{"id":"153125381133","time":1438292065,"changes":[{"field":"leadgen","value":{
        "leadgen_id":123123123123,"page_id":153125381133,"form_id":12312312312,"adgroup_id":12312312312,"ad_id":"12312312399","created_time":1440120384}}]}]}"#;
    let answer = world.deliver(body).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, r#"{"success":true}"#));
    let bodies = world.queue.bodies();
    let queued: Value = serde_json::from_str(&bodies[0]).unwrap();
    let expected = json!({"kind": "announced", "v": 1, "page": "153125381133", "received_at": fakes::NOON.0, "attempt": 0,
        "leads": [{"lead": "123123123123", "form": "12312312312", "ad": "12312312399", "created_at_s": 1_440_120_384}]});
    assert_eq!((bodies.len(), queued), (1, expected));
}

#[tokio::test]
async fn ids_come_as_numbers_and_as_texts_and_keep_every_digit() {
    let world = World::new();
    let body = r#"{"object":"page","entry":[{"id":1,"changes":[
        {"field":"leadgen","value":{"leadgen_id":9007199254740993,"page_id":"9007199254740995"}},
        {"field":"leadgen","value":{"leadgen_id":"18446744073709551615","page_id":18446744073709551615}},
        {"field":"leadgen","value":{"leadgen_id":99999999999999999999}}]}]}"#;
    assert_eq!(world.deliver(body).await.status, 200);
    let expected = [
        ("1", "99999999999999999999"),
        ("18446744073709551615", "18446744073709551615"),
        ("9007199254740995", "9007199254740993"),
    ];
    let mut leads = world.leads();
    leads.sort();
    assert_eq!(leads, pairs(&expected));
}

#[tokio::test]
async fn entries_changes_and_pages_are_sorted_into_messages_of_ten_leads_of_one_page() {
    let world = World::new();
    let entry = |page: u64, from: u64| {
        let changes: Vec<Value> = (from..from + 25)
            .map(|id| json!({"field": "leadgen", "value": {"leadgen_id": id, "page_id": page}}))
            .collect();
        json!({"id": page, "time": 1, "changes": changes})
    };
    let body = json!({"object": "page", "entry": [entry(1, 100), entry(2, 200), entry(1, 300)]});
    assert_eq!(world.deliver(&body.to_string()).await.status, 200);
    let sizes: Vec<(String, usize)> = world
        .work()
        .into_iter()
        .map(|work| match work {
            LeadWork::Announced { page, leads, .. } => (page.to_string(), leads.len()),
            other => panic!("{other:?}"),
        })
        .collect();
    let one = std::iter::repeat_n(("1".to_owned(), 10), 5);
    let two = [10, 10, 5].map(|size| ("2".to_owned(), size));
    assert_eq!(sizes, one.chain(two).collect::<Vec<_>>());
    assert_eq!(world.leads().len(), 75);
}

#[tokio::test]
async fn a_lead_that_comes_twice_in_one_delivery_is_queued_once() {
    let world = World::new();
    assert_eq!(world.deliver(&delivery(&[lead(5), lead(6), lead(5)])).await.status, 200);
    assert_eq!(world.leads(), pairs(&[("1", "5"), ("1", "6")]));
}

#[tokio::test]
async fn a_genuine_delivery_that_comes_again_is_taken_again() {
    let world = World::new();
    for _ in 0..2 {
        assert_eq!(world.deliver(&delivery(&[lead(5)])).await.status, 200);
    }
    assert_eq!(world.leads(), pairs(&[("1", "5"), ("1", "5")]), "lead-worker knows it by its id");
}

#[tokio::test]
async fn what_is_strange_is_left_out_and_its_neighbours_are_queued() {
    let world = World::new();
    let strange = [
        json!({"field": "leadgen_update", "value": {"leadgen_id": 1}}),
        json!({"field": "feed", "value": "x"}),
        json!({"field": "leadgen"}),
        json!({"field": "leadgen", "value": []}),
        json!({"field": "leadgen", "value": {"leadgen_id": "x", "page_id": 1}}),
        json!({"field": "leadgen", "value": {"leadgen_id": 1.5, "page_id": 1}}),
        json!({"field": "leadgen", "value": {"leadgen_id": -1, "page_id": 1}}),
        json!({"field": "leadgen", "value": {"leadgen_id": "123456789012345678901", "page_id": 1}}),
        json!({"field": "leadgen", "value": {"page_id": 1}}),
        json!(7),
        json!({"field": "leadgen", "value": {"leadgen_id": 6, "form_id": {}, "ad_id": "", "created_time": "soon", "new": [1]}}),
        lead(5),
    ];
    let mut body: Value = serde_json::from_str(&delivery(&strange)).unwrap();
    body["entry"].as_array_mut().unwrap().extend([
        json!(null),
        json!({"id": "1"}),
        json!({"id": "1", "changes": 3}),
    ]);
    assert_eq!(world.deliver(&body.to_string()).await.status, 200);
    assert_eq!(world.leads(), pairs(&[("1", "6"), ("1", "5")]));
    let pageless =
        json!({"object": "page", "entry": [{"changes": [{"field": "leadgen", "value": {"leadgen_id": 1}}]}]});
    assert_eq!(world.deliver(&pageless.to_string()).await.status, 200);
    assert_eq!(world.leads().len(), 2);
}

#[tokio::test]
async fn other_objects_are_answered_and_not_queued() {
    let world = World::new();
    let lead_of = |object: Value| {
        let mut body: Value = serde_json::from_str(&delivery(&[lead(5)])).unwrap();
        body["object"] = object;
        body.to_string()
    };
    for object in [json!("user"), json!("Page"), json!(null), json!(["page"])] {
        assert_eq!(world.deliver(&lead_of(object)).await.status, 200);
    }
    for body in ["{}", r#"{"object":"page"}"#, r#"{"object":"page","entry":{}}"#] {
        assert_eq!(world.deliver(body).await.status, 200, "{body}");
    }
    assert_eq!(world.queue.bodies(), [""; 0]);
}

#[tokio::test]
async fn a_body_in_base64_is_proven_over_what_it_decodes_to() {
    let world = World::new();
    let body = delivery(&[lead(5)]);
    let event = json!({"version": "2.0", "rawPath": "/webhooks/leadgen", "rawQueryString": "",
        "headers": {"content-type": "application/json", "x-hub-signature-256": signature(body.as_bytes(), APP_SECRET)},
        "requestContext": {"http": {"method": "POST", "path": "/webhooks/leadgen"}, "stage": "$default", "timeEpoch": 0},
        "body": STANDARD.encode(&body), "isBase64Encoded": true});
    let request = lambda_http::request::from_str(&event.to_string()).unwrap();
    assert_eq!(world.ask(&request).await.status, 200);
    assert_eq!(world.leads(), pairs(&[("1", "5")]));
    let mut undecoded = signed(&body);
    *undecoded.body_mut() = Body::Text(STANDARD.encode(&body));
    assert_eq!(world.ask(&undecoded).await.status, 401);
}

#[tokio::test]
async fn a_body_is_proven_as_it_was_escaped() {
    let world = World::new();
    let body = r#"{"object":"page","note":"caf\u00e9 \/ \u0040","entry":[{"id":"1","changes":[{"field":"leadgen","value":{"leadgen_id":"\u0035"}}]}]}"#;
    assert_eq!(world.deliver(body).await.status, 200);
    assert_eq!(world.leads(), pairs(&[("1", "5")]));
    let again = serde_json::from_str::<Value>(body).unwrap().to_string();
    let written_again = post(&again, Some(&signature(body.as_bytes(), APP_SECRET)));
    assert_eq!(world.ask(&written_again).await.status, 401);
}

#[tokio::test]
async fn nothing_is_answered_with_200_that_the_queue_did_not_take() {
    let world = World::new();
    world.queue.set_refusing(true);
    let refused = world.deliver(&delivery(&[lead(5)])).await;
    assert_eq!((refused.status, refused.code.as_str()), (503, "unavailable"));
    world.queue.set_refusing(false);
    assert_eq!(world.deliver(&delivery(&[lead(5)])).await.status, 200);
    assert_eq!(world.leads(), pairs(&[("1", "5")]));
}

#[tokio::test]
async fn a_delivery_of_which_the_queue_took_a_part_is_503_so_that_meta_tries_again() {
    let changes: Vec<Value> = (1..=25).map(lead).collect();
    for when in BEFORE_AND_AFTER {
        for refused in [vec![0], vec![1], vec![2], vec![0, 2]] {
            let world = World::new();
            world.queue.faults().refuse_at("send", On::Nth(1), when, &refused);
            let answer = world.deliver(&delivery(&changes)).await;
            assert_eq!((answer.status, answer.code.as_str()), (503, "unavailable"), "{when:?} {refused:?}");
            let taken = if when == When::Before { 3 - refused.len() } else { 3 };
            assert_eq!(world.queue.bodies().len(), taken, "what was taken stays");
            assert_eq!(world.deliver(&delivery(&changes)).await.status, 200);
            let queued: BTreeSet<_> = world.leads().into_iter().map(|(_, lead)| lead).collect();
            assert_eq!(queued, (1..=25).map(|lead| lead.to_string()).collect());
        }
    }
}
