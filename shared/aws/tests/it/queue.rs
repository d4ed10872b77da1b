//! The queue: few calls, each message tried three times, results in order.

use adrelay_aws::queue::SqsQueue;
use adrelay_core::ports::queue::{EventQueue as _, Outgoing, QueueError};
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
        assert_eq!(results, vec![Err(QueueError("ServiceUnavailable".to_owned())); count]);
        assert_eq!(stub.calls().len() - before, 3);
    }
}

#[tokio::test]
async fn a_refusal_names_its_code_and_never_the_body() {
    let stub = Stub::start(|_, _| (400, json!({"__type": "AccessDenied", "message": "body 0"}))).await;
    let error = queue(&stub).send(messages(1)).await.remove(0).unwrap_err();
    assert_eq!(error.0, "AccessDenied");
}

/// Bodies of a call of many, or of one.
fn bodies(input: &Value) -> Vec<String> {
    let text = |body: &Value| body.as_str().unwrap().to_owned();
    match input["Entries"].as_array() {
        Some(entries) => entries.iter().map(|entry| text(&entry["MessageBody"])).collect(),
        None => vec![text(&input["MessageBody"])],
    }
}

#[tokio::test]
async fn each_message_of_a_batch_keeps_its_body_group_and_delay() {
    let stub = Stub::start(|_, input| all_but(input, |_| None)).await;
    let mut sent = messages(3);
    sent[1].delay_s = 900;
    sent[2].group = "456".to_owned();
    assert_eq!(queue(&stub).send(sent).await, [Ok(()), Ok(()), Ok(())]);
    let call = stub.calls().remove(0);
    assert_eq!(call.operation, "SendMessageBatch");
    assert!(call.input["QueueUrl"].as_str().unwrap().ends_with("/queue"));
    let entry = |id: &str, group: &str| json!({"Id": id, "MessageBody": format!("body {id}"), "MessageGroupId": group});
    let mut expected = json!([entry("0", "123"), entry("1", "123"), entry("2", "456")]);
    expected[1]["DelaySeconds"] = json!(900);
    assert_eq!(call.input["Entries"], expected);
}

#[tokio::test]
async fn a_call_that_fails_as_a_whole_fails_its_messages_and_no_others() {
    let stub = Stub::start(|_, input| {
        if bodies(input).contains(&"body 13".to_owned()) {
            return (400, json!({"__type": "RequestThrottled"}));
        }
        if input["Entries"].is_null() {
            return (200, json!({"MessageId": "m", "MD5OfMessageBody": "x"}));
        }
        all_but(input, |body| (body == "body 4").then_some(("InvalidMessageContents", true)))
    })
    .await;
    let results = queue(&stub).send(messages(21)).await;
    assert_eq!(results.len(), 21);
    for (nth, result) in results.iter().enumerate() {
        let code = match nth {
            4 => Some("InvalidMessageContents"),
            10..20 => Some("RequestThrottled"),
            _ => None,
        };
        assert_eq!(result.as_ref().err().map(|error| error.0.as_str()), code, "message {nth}");
    }
}

#[tokio::test]
async fn results_come_in_the_order_of_the_messages_however_the_calls_end() {
    // The first call's answer comes last: those of the others are not to be taken for its own.
    let stub = Stub::first_after(2, |_, input| {
        let refused = |body: &str| ["body 3", "body 12"].contains(&body).then_some(("InternalError", true));
        all_but(input, refused)
    })
    .await;
    let results = queue(&stub).send(messages(30)).await;
    let failed: Vec<usize> = (0..results.len()).filter(|nth| results[*nth].is_err()).collect();
    assert_eq!((results.len(), failed), (30, vec![3, 12]));
}

#[tokio::test]
async fn a_message_that_the_answer_does_not_name_was_not_taken() {
    let stub = Stub::start(|_, _| {
        let first = json!({"Id": "0", "MessageId": "m", "MD5OfMessageBody": "x"});
        // Nor is an answer about something else one about a message.
        let odd = json!({"Id": "7", "MessageId": "m", "MD5OfMessageBody": "x"});
        (200, json!({"Successful": [first, odd], "Failed": []}))
    })
    .await;
    let results = queue(&stub).send(messages(3)).await;
    assert_eq!(results[0], Ok(()));
    assert!(results[1..].iter().all(|result| *result == Err(QueueError("no answer".to_owned()))));
}

#[tokio::test]
async fn what_was_taken_stays_taken_when_the_next_try_fails() {
    let stub = Stub::start(|nth, input| match nth {
        0 => all_but(input, |body| (body != "body 1").then_some(("InternalError", false))),
        _ => (400, json!({"__type": "AccessDenied"})),
    })
    .await;
    let results = queue(&stub).send(messages(3)).await;
    let denied = Err(QueueError("AccessDenied".to_owned()));
    assert_eq!(results, [denied.clone(), Ok(()), denied]);
    assert_eq!(bodies(&stub.calls()[1].input), ["body 0", "body 2"]);
    assert_eq!(stub.calls().len(), 2);
}

#[tokio::test]
async fn our_own_faults_do_not_keep_others_from_another_try() {
    let stub = Stub::start(|nth, input| {
        all_but(input, |body| match body {
            "body 0" => Some(("InvalidMessageContents", true)),
            "body 1" if nth == 0 => Some(("InternalError", false)),
            _ => None,
        })
    })
    .await;
    let results = queue(&stub).send(messages(3)).await;
    assert_eq!(results, [Err(QueueError("InvalidMessageContents".to_owned())), Ok(()), Ok(())]);
    assert_eq!(stub.calls().len(), 2);
}
