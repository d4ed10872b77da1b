//! The queue: few calls, each message tried three times, results in order.

use adrelay_aws::queue::SqsQueue;
use adrelay_core::ports::queue::{EventQueue as _, Outgoing};
use serde_json::{Value, json};

use crate::stub::Stub;

fn messages(count: usize) -> Vec<Outgoing> {
    (0..count).map(|n| Outgoing { body: format!("body {n}"), group: "123".to_owned(), delay_s: 0 }).collect()
}

fn queue(stub: &Stub) -> SqsQueue {
    SqsQueue::new(stub.sdk().sqs(), format!("{}/queue", stub.url))
}

/// Takes all entries but those whose body is refused, with this code and whose fault it is.
fn all_but(input: &Value, refused: impl Fn(&str) -> Option<(&'static str, bool)>) -> (u16, Value) {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in input["Entries"].as_array().unwrap() {
        match refused(entry["MessageBody"].as_str().unwrap()) {
            None => successful.push(json!({"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "x"})),
            Some((code, ours)) => {
                failed.push(json!({"Id": entry["Id"], "Code": code, "SenderFault": ours}));
            }
        }
    }
    (200, json!({"Successful": successful, "Failed": failed}))
}

#[tokio::test]
async fn one_message_is_one_plain_call() {
    let stub = Stub::start(|_, _| (200, json!({"MessageId": "m", "MD5OfMessageBody": "x"}))).await;
    let delayed = Outgoing { body: "b".to_owned(), group: "123".to_owned(), delay_s: 900 };
    assert_eq!(queue(&stub).send(vec![delayed]).await, [Ok(())]);
    let calls = stub.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].operation, "SendMessage");
    let sent = &calls[0].input;
    assert_eq!((&sent["MessageBody"], &sent["DelaySeconds"]), (&json!("b"), &json!(900)));
    assert_eq!(sent["MessageGroupId"], "123");
}

#[tokio::test]
async fn many_messages_take_a_call_for_each_ten() {
    let stub = Stub::start(|_, input| all_but(input, |_| None)).await;
    let results = queue(&stub).send(messages(25)).await;
    assert_eq!(results.len(), 25);
    assert!(results.iter().all(Result::is_ok));
    let mut sizes: Vec<usize> =
        stub.calls().iter().map(|call| call.input["Entries"].as_array().unwrap().len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [5, 10, 10]);
    assert!(queue(&stub).send(Vec::new()).await.is_empty());
}

#[tokio::test]
async fn only_what_a_batch_refused_is_tried_again() {
    let stub = Stub::start(|nth, input| {
        all_but(input, |body| (body == "body 1" && nth == 0).then_some(("InternalError", false)))
    })
    .await;
    assert_eq!(queue(&stub).send(messages(3)).await, [Ok(()), Ok(()), Ok(())]);
    let calls = stub.calls();
    assert_eq!(calls.len(), 2);
    let again = calls[1].input["Entries"].as_array().unwrap();
    assert_eq!(again.len(), 1);
    assert_eq!(again[0]["MessageBody"], "body 1");
}

#[tokio::test]
async fn a_message_is_given_up_after_three_tries_and_the_others_are_not() {
    let stub =
        Stub::start(|_, input| all_but(input, |body| (body == "body 1").then_some(("InternalError", false))))
            .await;
    let results = queue(&stub).send(messages(3)).await;
    assert!(results[0].is_ok() && results[2].is_ok());
    assert_eq!(results[1].as_ref().unwrap_err().0, "InternalError");
    assert_eq!(stub.calls().len(), 3);
}

#[tokio::test]
async fn what_is_our_own_fault_is_not_tried_again() {
    let stub = Stub::start(|_, input| {
        all_but(input, |body| (body == "body 0").then_some(("InvalidMessageContents", true)))
    })
    .await;
    let results = queue(&stub).send(messages(2)).await;
    assert_eq!(results[0].as_ref().unwrap_err().0, "InvalidMessageContents");
    assert!(results[1].is_ok());
    assert_eq!(stub.calls().len(), 1);
}

#[tokio::test]
async fn a_queue_that_does_not_work_is_asked_three_times() {
    let stub = Stub::start(|_, _| (503, json!({"__type": "ServiceUnavailable"}))).await;
    for count in [1, 3] {
        let before = stub.calls().len();
        let results = queue(&stub).send(messages(count)).await;
        assert_eq!(results.len(), count);
        assert!(results.iter().all(Result::is_err));
        assert_eq!(stub.calls().len() - before, 3);
    }
}

#[tokio::test]
async fn a_refusal_names_its_code_and_never_the_body() {
    let stub = Stub::start(|_, _| (400, json!({"__type": "AccessDenied", "message": "body 0"}))).await;
    let error = queue(&stub).send(messages(1)).await.remove(0).unwrap_err();
    assert_eq!(error.0, "AccessDenied");
}
