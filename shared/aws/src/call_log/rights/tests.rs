use aws_sdk_dynamodb::types::{ConditionCheck, Delete, KeysAndAttributes, Put, Update};
use aws_sdk_eventbridge::types::PutEventsRequestEntry;

use super::*;

fn of<I: std::fmt::Debug + Send + Sync + 'static>(input: I) -> Vec<(String, String)> {
    let rights = of_call("Dynamo DB", "Scan", &Input::erase(input));
    rights.into_iter().map(|right| (right.action, right.resource)).collect()
}

fn one(action: &str, resource: &str) -> Vec<(String, String)> {
    vec![(action.to_owned(), resource.to_owned())]
}

#[test]
fn a_query_of_an_index_needs_the_index() {
    let query = || QueryInput::builder().table_name("leads");
    assert_eq!(of(query().build().unwrap()), one("dynamodb:Query", "table/leads"));
    let of_index = query().index_name("by-time").build().unwrap();
    assert_eq!(of(of_index), one("dynamodb:Query", "table/leads/index/by-time"));
}

#[test]
fn a_transaction_needs_the_right_to_each_item() {
    let item = TransactWriteItem::builder;
    let put = Put::builder().table_name("a").set_item(Some([].into())).build().unwrap();
    let update = Update::builder().table_name("b").set_key(Some([].into())).update_expression("x");
    let delete = Delete::builder().table_name("c").set_key(Some([].into())).build().unwrap();
    let check = ConditionCheck::builder().table_name("d").set_key(Some([].into())).condition_expression("x");
    let call = TransactWriteItemsInput::builder()
        .transact_items(item().put(put).build())
        .transact_items(item().update(update.build().unwrap()).build())
        .transact_items(item().delete(delete).build())
        .transact_items(item().condition_check(check.build().unwrap()).build())
        .build()
        .unwrap();
    let expected = [("Put", "a"), ("Update", "b"), ("Delete", "c"), ("ConditionCheck", "d")];
    let expected = expected.map(|(action, name)| (format!("dynamodb:{action}Item"), format!("table/{name}")));
    assert_eq!(of(call), expected);
}

#[test]
fn a_batch_needs_the_right_to_each_table() {
    let keys = KeysAndAttributes::builder().set_keys(Some(vec![])).build().unwrap();
    let call = BatchGetItemInput::builder().request_items("leads", keys).build().unwrap();
    assert_eq!(of(call), one("dynamodb:BatchGetItem", "table/leads"));
}

#[test]
fn messages_need_one_right_alone_or_together() {
    let url = "https://sqs.eu-west-1.amazonaws.com/123456789012/adrelay-leads";
    let alone = SendMessageInput::builder().queue_url(url).message_body("secret").build().unwrap();
    let together = SendMessageBatchInput::builder().queue_url(url).build().unwrap();
    assert_eq!(of(alone), one("sqs:SendMessage", "adrelay-leads"));
    assert_eq!(of(together), one("sqs:SendMessage", "adrelay-leads"));
}

#[test]
fn a_file_is_named_by_its_folder_alone() {
    let key = "exports/acme/job_1.csv";
    let part = UploadPartInput::builder().bucket("b").key(key).upload_id("u").part_number(1).build().unwrap();
    assert_eq!(of(part), one("s3:PutObject", "b/exports/*"));
    let head = HeadObjectInput::builder().bucket("b").key(key).build().unwrap();
    assert_eq!(of(head), one("s3:GetObject", "b/exports/*"));
    let get = GetObjectInput::builder().bucket("b").key("top.csv").build().unwrap();
    assert_eq!(of(get), one("s3:GetObject", "b/*"));
}

#[test]
fn a_secret_is_named_as_in_its_arn() {
    let read = |id: &str| of(GetSecretValueInput::builder().secret_id(id).build().unwrap());
    let arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:adrelay/lookup-key-AbCdEf";
    let expected = one("secretsmanager:GetSecretValue", "secret:adrelay/lookup-key-AbCdEf");
    assert_eq!(read(arn), expected);
    assert_eq!(read("adrelay/lookup-key-AbCdEf"), expected);
}

#[test]
fn an_event_needs_the_right_to_its_bus() {
    let entry = |bus: Option<&str>| {
        PutEventsRequestEntry::builder().set_event_bus_name(bus.map(str::to_owned)).build()
    };
    let call = PutEventsInput::builder().entries(entry(Some("leads"))).entries(entry(None)).build().unwrap();
    let expected =
        ["leads", "default"].map(|bus| ("events:PutEvents".to_owned(), format!("event-bus/{bus}")));
    assert_eq!(of(call), expected);
}

#[test]
fn a_call_that_is_not_known_needs_what_nobody_has() {
    assert_eq!(of("a scan"), one("dynamodb:Scan", "?"));
}
