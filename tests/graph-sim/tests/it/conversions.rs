//! `POST /{pixel}/events`.

use std::collections::HashSet;

use graph_sim::{SimConfig, Switches};
use serde_json::json;

use crate::bench::{Bench, NOW_S, PIXEL, Reply, TOKEN, event};

#[tokio::test]
async fn a_good_request_is_answered_as_meta_answers() {
    let bench = Bench::new();
    let reply = bench.send(&[event("a"), event("b")]).await;
    let trace = reply.body["fbtrace_id"].as_str().unwrap();
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body, json!({"events_received": 2, "messages": [], "fbtrace_id": trace}));
    assert!(trace.starts_with('A'));
    assert_eq!(reply.headers["x-fb-trace-id"], trace);
    assert_eq!(reply.header("x-app-usage").unwrap()["call_count"], 1);
    assert_eq!(reply.header("x-business-use-case-usage"), None);
    assert_eq!(bench.stored()[1].fbtrace_id, trace);
}

#[tokio::test]
async fn every_encoding_of_data_arrives_unchanged() {
    let bench = Bench::new();
    let post = || bench.http.post(bench.events_url()).bearer_auth(TOKEN);
    let objects = |id: &str| json!([event(id)]);
    let texts = |id: &str| json!([event(id).to_string()]);
    let form = [("data", objects("form").to_string())];
    let form_of_texts = [("data", texts("form-texts").to_string())];
    let form_of_text = [("data", json!(objects("form-text").to_string()).to_string())];
    let part = "--b\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n";
    let multipart = format!("{part}{}\r\n--b--\r\n", objects("multipart"));
    let requests = [
        post().json(&json!({"data": objects("json")})),
        post().json(&json!({"data": texts("json-texts")})),
        post().json(&json!({"data": objects("json-text").to_string()})),
        post().form(&form),
        post().form(&form_of_texts),
        post().form(&form_of_text),
        post().header("content-type", "multipart/form-data; boundary=b").body(multipart),
        post().query(&[("data", objects("query").to_string())]),
    ];
    let count = requests.len();
    for request in requests {
        let reply = Reply::of(request.send().await.unwrap()).await;
        assert_eq!(reply.body["events_received"], 1, "{reply:?}");
    }
    let stored = bench.stored();
    assert_eq!(stored.len(), count);
    for found in stored {
        let sent = event(found.event_id.as_deref().unwrap());
        assert_eq!(found.event.get(), sent.to_string());
    }
}

#[tokio::test]
async fn one_bad_event_refuses_all_and_is_not_named() {
    let bench = Bench::new();
    let mut bad = event("the-bad-one");
    bad["event_time"] = json!(NOW_S - 8 * 86_400);
    let reply = bench.send(&[event("a"), bad, event("b")]).await;
    assert_eq!(reply.error(), (400, Some(100), Some(2_804_003)));
    assert!(!reply.body.to_string().contains("the-bad-one"));
    assert!(bench.stored().is_empty());
    let log = &bench.sim.requests()[0];
    assert_eq!((log.events, log.stored, log.status), (3, 0, 400));
    assert_eq!((log.code, log.subcode), (Some(100), Some(2_804_003)));
}

#[tokio::test]
async fn a_request_holds_one_to_a_thousand_events() {
    let bench = Bench::new();
    let events: Vec<_> = (0..1_001).map(|n| event(&n.to_string())).collect();
    assert_eq!(bench.send(&[]).await.error(), (400, Some(100), None));
    assert_eq!(bench.send(&events).await.error(), (400, Some(100), None));
    assert_eq!(bench.send(&events[..1_000]).await.body["events_received"], 1_000);
    assert_eq!(bench.stored().len(), 1_000);
}

#[tokio::test]
async fn unreadable_requests_are_100() {
    let bench = Bench::new();
    for body in ["", "{", "[]", "{}", r#"{"data":7}"#, r#"{"data":[7]}"#, r#"{"data":["x"]}"#, "\0"] {
        let request = bench.http.post(bench.events_url()).bearer_auth(TOKEN);
        let request = request.header("content-type", "application/json").body(body);
        let reply = Reply::of(request.send().await.unwrap()).await;
        assert_eq!(reply.error(), (400, Some(100), None), "{body}");
    }
    let plain = bench.http.post(bench.events_url()).bearer_auth(TOKEN).body(r#"{"data":[]}"#);
    assert_eq!(Reply::of(plain.send().await.unwrap()).await.error(), (400, Some(100), None));
}

#[tokio::test]
async fn duplicates_are_stored_once_and_counted_by_switch() {
    let bench = Bench::new();
    assert_eq!(bench.send(&[event("a"), event("a")]).await.body["events_received"], 2);
    bench.sim.set_switches(Switches { count_duplicates: false, ..Switches::default() });
    assert_eq!(bench.send(&[event("a"), event("b")]).await.body["events_received"], 1);
    let stored = bench.stored();
    assert_eq!((stored[0].copies, stored[1].copies), (3, 1));
    assert_eq!(bench.sim.requests().iter().map(|entry| entry.stored).collect::<Vec<_>>(), [1, 1]);
}

#[tokio::test]
async fn after_48_hours_a_copy_is_an_event_of_its_own() {
    let bench = Bench::new();
    bench.send(&[event("a")]).await;
    bench.sim.advance_ms(48 * 3_600_000 + 1);
    bench.send(&[event("a")]).await;
    assert_eq!(bench.stored().len(), 2);
}

#[tokio::test]
async fn test_codes_and_tags_are_kept_and_dead_hashes_flagged() {
    let bench = Bench::new();
    let mut bad_hash = event("a");
    bad_hash["user_data"]["fn"] = json!("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    let body = json!({"data": [bad_hash], "test_event_code": "TEST1", "upload_tag": "week 7"});
    let request = bench.http.post(bench.events_url()).bearer_auth(TOKEN).json(&body);
    assert_eq!(request.send().await.unwrap().status(), 200);
    let stored = bench.get(&format!("/_sim/events?pixel_id={PIXEL}")).await.body["events"][0].clone();
    assert_eq!((&stored["test_event_code"], &stored["upload_tag"]), (&json!("TEST1"), &json!("week 7")));
    assert_eq!(stored["flags"], json!(["empty_hash:fn"]));
    assert_eq!(stored["received_at"], NOW_S * 1_000);
}

#[tokio::test]
async fn every_answer_has_its_own_trace_id() {
    let bench = Bench::new();
    let mut traces = HashSet::new();
    for n in 0..20 {
        let reply = bench.send(&[if n % 2 == 0 { event("a") } else { json!({}) }]).await;
        let body = if n % 2 == 0 { &reply.body } else { &reply.body["error"] };
        traces.insert(body["fbtrace_id"].as_str().unwrap().to_owned());
    }
    assert_eq!(traces.len(), 20);
}

#[tokio::test]
async fn texts_for_people_and_error_data_follow_the_switches() {
    let bench = Bench::new();
    let switches = json!({"locale": "de", "error_data": "string"});
    assert_eq!(bench.control("/_sim/switches", &switches).await.body["locale"], "de");
    let mut thin = event("a");
    thin["user_data"] = json!({"client_user_agent": "agent"});
    let reply = bench.send(&[thin]).await;
    assert_eq!(reply.error(), (400, Some(100), Some(2_804_050)));
    assert_eq!(reply.body["error"]["error_user_title"], "Zu wenig Kundeninformationen");
    assert!(reply.body["error"]["error_data"].is_string());
}

#[tokio::test]
async fn a_full_simulator_refuses_instead_of_forgetting() {
    let bench = Bench::with(SimConfig { max_events: 2, ..SimConfig::default() });
    bench.send(&[event("a")]).await;
    assert_eq!(bench.send(&[event("b"), event("c")]).await.error(), (503, Some(2), None));
    assert_eq!(bench.stored().len(), 1);
}

#[tokio::test]
async fn a_body_over_32_mib_is_413() {
    let bench = Bench::new();
    let request = bench.http.post(bench.events_url()).bearer_auth(TOKEN);
    let mut body = vec![b' '; 33 * 1024 * 1024];
    body[0] = b'{';
    // The answer comes before the body is read to its end, so a client may also see its connection closed.
    match request.header("content-type", "application/json").body(body).send().await {
        Ok(response) => assert_eq!(response.status(), 413),
        Err(error) => assert!(error.is_request(), "{error}"),
    }
    assert!(bench.sim.requests().is_empty());
}
