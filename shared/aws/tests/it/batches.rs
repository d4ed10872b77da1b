//! Many items read at once: what DynamoDB leaves unprocessed is asked for again, and half of it is never all.

use std::collections::BTreeSet;

use adrelay_aws::events::DynamoEvents;
use adrelay_core::ports::StoreError;
use adrelay_core::ports::receipts::{Known, ReceiptWriter as _};
use adrelay_core::receipt::{ReceiptKey, Status};
use aws_sdk_dynamodb::Client;
use serde_json::json;

use crate::support::{TABLE, dynamodb, key, message_id, outcome, unreachable};
use crate::wire::{Call, DENIED, Turn, Wire, unprocessed};

/// A table with so many receipts, and their keys.
async fn receipts(count: usize) -> (Client, Vec<ReceiptKey>) {
    let client = dynamodb().await;
    let ids: Vec<String> = (0..count).map(|n| format!("e{n}")).collect();
    let outcomes: Vec<_> = ids.iter().map(|id| outcome(id, Status::Sent, "m1")).collect();
    for written in DynamoEvents::new(client.clone(), TABLE.to_owned()).record(&outcomes).await {
        written.unwrap();
    }
    (client, ids.iter().map(|id| key(id)).collect())
}

/// Sort keys and partitions that a call asks for.
fn asked(call: &Call) -> BTreeSet<String> {
    let keys = call.input["RequestItems"][TABLE]["Keys"].as_array().unwrap();
    keys.iter().map(|key| format!("{}{}", key["pk"], key["sk"])).collect()
}

#[tokio::test]
async fn keys_left_unprocessed_are_asked_for_again() {
    let (client, keys) = receipts(250).await;
    // Of 100 keys two thirds are left, then two thirds of those, …: of the first two rounds alone.
    let (client, wire) = Wire::between(&client, |call| {
        if call.of_all < 6 { unprocessed(call, |keys| keys * 2 / 3) } else { Turn::Pass }
    });
    let store = DynamoEvents::new(client, TABLE.to_owned());
    let known = store.known(&keys).await.unwrap();
    assert_eq!(known.len(), 250);
    let sent = Known { status: Status::Sent, message: Some(message_id("m1")) };
    assert!(known.values().all(|known| *known == sent), "with all that is asked of them");

    let calls = wire.calls();
    assert_eq!(calls.len(), 9, "three parts, three rounds each");
    assert!(calls.iter().all(|call| asked(call).len() <= 100));
    for call in &calls {
        let wanted = &call.input["RequestItems"][TABLE];
        assert_eq!(wanted["ConsistentRead"], true);
        assert_eq!(wanted["ProjectionExpression"], "pk, sk, #status, message");
        assert_eq!(wanted["ExpressionAttributeNames"], json!({"#status": "status"}));
    }
    let sizes: Vec<usize> = calls.iter().map(|call| asked(call).len()).collect();
    assert_eq!(sizes[..3], [100, 100, 50]);
    let mut again = sizes[3..].to_vec();
    again.sort_unstable();
    assert_eq!(again, [22, 33, 44, 44, 66, 66], "only what was left");
}

#[tokio::test]
async fn keys_still_unprocessed_after_six_rounds_are_an_error() {
    let (client, wire) = Wire::between(&unreachable(), |call| {
        Turn::Answered(json!({"Responses": {}, "UnprocessedKeys": call.input["RequestItems"]}))
    });
    let store = DynamoEvents::new(client, TABLE.to_owned());
    let known = store.known(&[key("e1"), key("e2")]).await;
    assert_eq!(known, Err(StoreError::Unavailable("keys left unprocessed".to_owned())));
    assert_eq!(wire.calls().len(), 6);
}

#[tokio::test]
async fn a_refused_part_of_a_batch_is_an_error_of_all() {
    let (client, keys) = receipts(250).await;
    for refused in 0..3 {
        let (client, wire) =
            Wire::between(
                &client,
                move |call| if call.nth == refused { Turn::Refused(DENIED) } else { Turn::Pass },
            );
        let store = DynamoEvents::new(client, TABLE.to_owned());
        assert_eq!(store.known(&keys).await, Err(StoreError::Unavailable(DENIED.to_owned())), "{refused}");
        assert!(wire.calls().len() <= 3);
    }
}
