//! An embedded DynamoDB behind the real SDK, and outcomes to store in it.

use std::collections::HashMap;

use adrelay_core::ids::{EventId, EventName, MessageId, PixelId, SourceId, TenantId};
use adrelay_core::message::{EventMessage, MESSAGE_VERSION, QueuedEvent};
use adrelay_core::receipt::{Outcome, ReceiptKey, Status, Trust};
use adrelay_core::time::UnixMillis;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::operation::create_table::builders::CreateTableFluentBuilder;
use aws_sdk_dynamodb::types::builders::ProjectionBuilder;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
    Projection, ProjectionType, ScalarAttributeType,
};

/// Noon of a day in 2026.
pub(crate) const NOON: UnixMillis = UnixMillis(1_790_000_000_000);

/// The one table of a test.
pub(crate) const TABLE: &str = "table";

/// A client of a DynamoDB of its own, with one empty table keyed as in the template.
pub(crate) async fn dynamodb() -> Client {
    let client = server().await;
    table(&client, &["pk", "sk"]).send().await.unwrap();
    client
}

/// The same, with the index of the leads table.
pub(crate) async fn dynamodb_by_time() -> Client {
    let client = server().await;
    let shown = Projection::builder().projection_type(ProjectionType::Include);
    let shown = ["status", "form", "page", "campaign", "ad", "source", "assignee", "texts"]
        .into_iter()
        .fold(shown, ProjectionBuilder::non_key_attributes);
    let [list, place] = [("list_pk", KeyType::Hash), ("list_sk", KeyType::Range)].map(part);
    let index =
        GlobalSecondaryIndex::builder().index_name(adrelay_aws::leads::BY_TIME).projection(shown.build());
    let index = index.key_schema(list).key_schema(place).build().unwrap();
    let create = table(&client, &["pk", "sk", "list_pk", "list_sk"]).global_secondary_indexes(index);
    create.send().await.unwrap();
    client
}

async fn server() -> Client {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(dynoxide::server::serve_on(listener, dynoxide::Database::memory().unwrap()));
    client_of(&format!("http://{address}"))
}

/// A client of a DynamoDB that is not there, for a wire that answers everything itself.
pub(crate) fn unreachable() -> Client {
    client_of("http://127.0.0.1:1")
}

fn client_of(url: &str) -> Client {
    let settings = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(url)
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .build();
    Client::from_conf(settings)
}

fn part((name, kind): (&str, KeyType)) -> KeySchemaElement {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap()
}

fn table(client: &Client, texts: &[&str]) -> CreateTableFluentBuilder {
    let create = client.create_table().table_name(TABLE).billing_mode(BillingMode::PayPerRequest);
    let create = texts.iter().fold(create, |create, name| {
        let text =
            AttributeDefinition::builder().attribute_name(*name).attribute_type(ScalarAttributeType::S);
        create.attribute_definitions(text.build().unwrap())
    });
    [("pk", KeyType::Hash), ("sk", KeyType::Range)]
        .map(part)
        .into_iter()
        .fold(create, CreateTableFluentBuilder::key_schema)
}

/// An item as it is stored.
pub(crate) async fn item(client: &Client, pk: &str, sk: &str) -> Option<HashMap<String, AttributeValue>> {
    let get = client.get_item().table_name(TABLE).consistent_read(true);
    let get = get.key("pk", AttributeValue::S(pk.to_owned())).key("sk", AttributeValue::S(sk.to_owned()));
    get.send().await.unwrap().item
}

/// All items of a partition.
pub(crate) async fn partition(client: &Client, pk: &str) -> Vec<HashMap<String, AttributeValue>> {
    let query = client.query().table_name(TABLE).consistent_read(true).key_condition_expression("pk = :pk");
    let found = query.expression_attribute_values(":pk", AttributeValue::S(pk.to_owned())).send().await;
    found.unwrap().items.unwrap_or_default()
}

/// Bytes of an item as DynamoDB counts them for write units, near enough: names and text values in UTF-8.
pub(crate) fn size(item: &HashMap<String, AttributeValue>) -> usize {
    let value = |value: &AttributeValue| match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(_) => 21,
        AttributeValue::Ss(texts) => texts.iter().map(String::len).sum(),
        AttributeValue::M(values) => 3 + values.keys().map(|name| name.len() + 1 + 21).sum::<usize>(),
        other => panic!("unexpected {other:?}"),
    };
    item.iter().map(|(name, stored)| name.len() + value(stored)).sum()
}

pub(crate) fn tenant() -> TenantId {
    TenantId::parse("acme").unwrap()
}

pub(crate) fn source() -> SourceId {
    SourceId::parse("shop").unwrap()
}

pub(crate) fn pixel() -> PixelId {
    PixelId::parse("1234567890123456").unwrap()
}

pub(crate) fn message_id(text: &str) -> MessageId {
    MessageId::parse(text).unwrap()
}

/// The receipt of a server's `Lead` with this id.
pub(crate) fn key(event_id: &str) -> ReceiptKey {
    ReceiptKey {
        tenant: tenant(),
        event_id: EventId::parse(event_id).unwrap(),
        pixel_id: pixel(),
        event_name: EventName::parse("Lead").unwrap(),
        trust: Trust::Server,
    }
}

/// What became of the event `event_id`, brought by `message`, at noon.
pub(crate) fn outcome(event_id: &str, status: Status, message: &str) -> Outcome {
    Outcome {
        key: key(event_id),
        source: source(),
        status,
        reason: (status != Status::Sent).then(|| format!("why_{}", status.as_str())),
        code: None,
        subcode: None,
        fbtrace_id: (status == Status::Sent).then(|| format!("trace-{message}")),
        attempts: 0,
        event_time: NOON.secs() - 60,
        queued_at: NOON.plus_ms(-1_000),
        at: NOON,
        next_try_at: (status == Status::Waiting).then(|| NOON.plus_ms(10_000)),
        message: message_id(message),
        copies: 1,
        user_data_keys: vec!["em".into(), "fbp".into()],
        held: None,
    }
}

/// A message with one `Lead` for each of these ids.
pub(crate) fn message(id: &str, first_enqueued_at: UnixMillis, event_ids: &[&str]) -> EventMessage {
    let events: Vec<_> = event_ids.iter().map(|event_id| ("Lead", *event_id)).collect();
    named(id, first_enqueued_at, &events)
}

/// A message with an event for each of these names and ids.
pub(crate) fn named(id: &str, first_enqueued_at: UnixMillis, events: &[(&str, &str)]) -> EventMessage {
    let event = |(name, event_id): &(&str, &str)| {
        let json = serde_json::json!({"event_name": name, "event_id": event_id, "event_time": NOON.secs(),
            "action_source": "website", "user_data": {"em": ["0".repeat(64)]}});
        QueuedEvent::from_raw(serde_json::value::to_raw_value(&json).unwrap()).unwrap()
    };
    EventMessage {
        v: MESSAGE_VERSION,
        id: message_id(id),
        tenant: tenant(),
        source: source(),
        pixel_id: pixel(),
        test_event_code: None,
        upload_tag: None,
        key_scope: adrelay_core::config::Scope::Ingest,
        attempt: 0,
        first_enqueued_at,
        skip: None,
        held: None,
        events: events.iter().map(event).collect(),
    }
}
