//! Tokens and secrets stand in no answer, no log line, no stored item and no message.

use std::fmt::Write as _;

use adrelay_core::ports::meta::Verdict;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;

use crate::log;
use crate::rig::{PIXEL, ROOT, Rig, Shop, TOKEN};

const APP_SECRET: &str = "canaryappsecret";
const SECOND_TOKEN: &str = "EAABsecondcanary";

/// Names and values of all attributes in all tables.
pub(crate) async fn everything_stored(rig: &Rig) -> String {
    let mut stored = String::new();
    for table in ["config", "events", "people"] {
        let scan = rig.dynamodb.scan().table_name(table).send().await.unwrap();
        assert!(scan.last_evaluated_key.is_none(), "{table} has more than one page");
        let items = scan.items.unwrap();
        for (name, value) in items.iter().flatten() {
            let texts = match value {
                AttributeValue::S(text) => vec![text.clone()],
                AttributeValue::Ss(texts) => texts.clone(),
                // What is packed is sealed, or else it would stand in its bytes.
                AttributeValue::B(bytes) => vec![String::from_utf8_lossy(bytes.as_ref()).into_owned()],
                other => vec![format!("{other:?}")],
            };
            writeln!(stored, "{name} {}", texts.join(" ")).unwrap();
        }
    }
    stored
}

#[tokio::test]
async fn a_token_appears_nowhere_but_in_calls_to_meta() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let path = format!("/api/v1/connections/{}", shop.connection);
    let change = json!({"access_token": SECOND_TOKEN, "app_id": "7", "app_secret": APP_SECRET});
    let malformed =
        json!({"access_token": format!("{SECOND_TOKEN} {APP_SECRET}"), "app_secret": [APP_SECRET]});
    let test_event = format!("/api/v1/pixels/{PIXEL}/test-event");
    let mut replies = vec![
        rig.get(&path, &shop.admin).await,
        rig.patch(&path, &shop.admin, change).await,
        rig.patch(&path, &shop.admin, malformed).await,
        rig.get("/api/v1/connections", &shop.admin).await,
        rig.call("POST", &format!("{path}/verify"), &shop.admin, None).await,
        rig.post(&test_event, &shop.admin, json!({"test_event_code": "TEST1"})).await,
        rig.get("/api/v1/keys", &shop.admin).await,
    ];
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses, [200, 200, 422, 200, 200, 200, 200], "each did what it is for");
    for verdict in [Verdict::Token, Verdict::BadData, Verdict::UnknownOutcome] {
        rig.meta.fail(verdict, 190);
        replies.push(rig.call("POST", &format!("{path}/verify"), &shop.admin, None).await);
        replies.push(rig.post(&test_event, &shop.admin, json!({"test_event_code": "TEST1"})).await);
    }
    let sent = rig.meta.sent();
    assert_eq!((sent[0].token.as_str(), sent[0].app_secret.as_deref()), (SECOND_TOKEN, Some(APP_SECRET)));

    let log = log::lines();
    assert!(log.contains("ChangeConnection"), "the log is captured");
    let stored = everything_stored(&rig).await;
    assert!(stored.contains("s1.1."), "the tokens are stored sealed");
    let answers: String = replies.iter().map(|reply| reply.text.as_str()).collect();
    let queued = rig.queue.bodies().concat();
    for canary in [TOKEN, SECOND_TOKEN, APP_SECRET, shop.admin.as_str(), ROOT] {
        for (place, text) in
            [("answer", &answers), ("log", &log), ("stored item", &stored), ("message", &queued)]
        {
            assert!(!text.contains(canary), "{canary} in {place}");
        }
    }
}
