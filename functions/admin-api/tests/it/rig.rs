//! The function on parts for tests, and two tenants to use it.

use admin_api::AdminApi;
use admin_api::ports::Parts;
use admin_api::settings::{SecretIds, Switches};
use adrelay_aws::config::DynamoConfig;
use adrelay_aws::config_admin::DynamoConfigAdmin;
use adrelay_aws::events::DynamoEvents;
use adrelay_aws::people::DynamoPeople;
use adrelay_core::auth::key_sha256;
use adrelay_core::message::QueueMessage;
use adrelay_core::time::UnixMillis;
use adrelay_lambda::start::Function as _;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use fakes::{
    MemoryFiles, MemoryJobs, MemoryLeads, MemoryQueue, NOON, QueueRules, SeededEntropy, VirtualClock,
};
use lambda_http::{Body, Request};
use serde_json::{Value, json};

use crate::log;
use crate::meta::FakeMeta;
use crate::secrets::MemorySecrets;

pub(crate) const ROOT: &str = "adr_admin_rootrootrootrootrootrootrootroot";
pub(crate) const TOKEN: &str = "EAABcanarytoken";
pub(crate) const PIXEL: &str = "1234567890";

type TestParts = Parts<
    DynamoConfigAdmin,
    DynamoConfig,
    DynamoEvents,
    DynamoPeople,
    MemoryLeads,
    MemoryJobs,
    MemoryFiles,
    MemoryQueue,
    MemorySecrets,
    FakeMeta,
    VirtualClock,
    SeededEntropy,
>;

/// The function with the parts that a test looks at.
pub(crate) struct Rig {
    api: AdminApi<TestParts>,
    pub(crate) dynamodb: Client,
    pub(crate) people: DynamoPeople,
    pub(crate) leads: MemoryLeads,
    pub(crate) jobs: MemoryJobs,
    pub(crate) files: MemoryFiles,
    pub(crate) queue: MemoryQueue,
    pub(crate) leads_queue: MemoryQueue,
    pub(crate) jobs_queue: MemoryQueue,
    pub(crate) secrets: MemorySecrets,
    pub(crate) meta: FakeMeta,
    pub(crate) clock: VirtualClock,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Reply {
    /// The status and the code that says most: of the first wrong field, else of the problem.
    pub(crate) fn refusal(&self) -> (u16, &str) {
        let code = self.body["errors"][0]["code"].as_str().or(self.body["code"].as_str());
        (self.status, code.unwrap_or_default())
    }

    pub(crate) fn id(&self) -> String {
        assert_eq!(self.status, 201, "{}", self.text);
        self.body["id"].as_str().unwrap().to_owned()
    }
}

impl Rig {
    /// An empty deployment.
    pub(crate) async fn empty() -> Self {
        Self::switched(Switches { people: true, leads: true, loopback: false }).await
    }

    /// An empty deployment, with the gate of people open or closed.
    pub(crate) async fn gated(people: bool) -> Self {
        Self::switched(Switches { people, leads: true, loopback: false }).await
    }

    /// An empty deployment with these switches.
    pub(crate) async fn switched(switches: Switches) -> Self {
        log::capture();
        let dynamodb = dynamodb().await;
        let clock = VirtualClock::at(NOON);
        let queue = || MemoryQueue::new(clock.clone(), QueueRules::default());
        let (queue, leads_queue, jobs_queue) = (queue(), queue(), queue());
        let leads = MemoryLeads::default();
        let (jobs, files) = (MemoryJobs::default(), MemoryFiles::default());
        let secrets = MemorySecrets::default();
        secrets.set("admin", &json!({"sha256": key_sha256(ROOT)}).to_string());
        let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        for keyring in ["keyring", "keyring-pii"] {
            secrets.set(keyring, &format!(r#"{{"primary":1,"keys":{{"1":"{key}"}}}}"#));
        }
        secrets.set("lookup", &format!(r#"{{"key":"{key}"}}"#));
        secrets.set("app", r#"{"app_id":"","app_secret":"","verify_token":""}"#);
        let meta = FakeMeta::new(clock.clone());
        let people = DynamoPeople::new(dynamodb.clone(), "people".to_owned());
        let parts = Parts {
            config: DynamoConfigAdmin::new(dynamodb.clone(), "config".to_owned()),
            keys: DynamoConfig::new(dynamodb.clone(), "config".to_owned()),
            receipts: DynamoEvents::new(dynamodb.clone(), "events".to_owned()),
            people: people.clone(),
            leads: leads.clone(),
            jobs: jobs.clone(),
            files: files.clone(),
            queue: queue.clone(),
            leads_queue: leads_queue.clone(),
            jobs_queue: jobs_queue.clone(),
            secrets: secrets.clone(),
            meta: meta.clone(),
            clock: clock.clone(),
            entropy: SeededEntropy::new(1),
        };
        let secret_ids = SecretIds {
            admin_key: "admin".to_owned(),
            keyring_tokens: "keyring".to_owned(),
            meta_app: "app".to_owned(),
            keyring_pii: "keyring-pii".to_owned(),
            lookup_key: "lookup".to_owned(),
        };
        let api = AdminApi::new(parts, secret_ids, switches);
        Self {
            api,
            dynamodb,
            people,
            leads,
            jobs,
            files,
            queue,
            leads_queue,
            jobs_queue,
            secrets,
            meta,
            clock,
        }
    }

    pub(crate) async fn send(&self, request: Request) -> Reply {
        let response = self.api.http(request, UnixMillis(i64::MAX)).await;
        let (parts, body) = response.into_parts();
        let Body::Text(text) = body else { panic!("no text body") };
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Reply { status: parts.status.as_u16(), headers: parts.headers, text, body }
    }

    pub(crate) async fn call(&self, method: &str, path: &str, key: &str, body: Option<&Value>) -> Reply {
        let mut request = http::Request::builder().method(method).uri(path);
        if !key.is_empty() {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::Text(body.to_string())
            }
            None => Body::Empty,
        };
        self.send(request.body(body).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str, key: &str) -> Reply {
        self.call("GET", path, key, None).await
    }

    pub(crate) async fn post(&self, path: &str, key: &str, body: Value) -> Reply {
        self.call("POST", path, key, Some(&body)).await
    }

    pub(crate) async fn patch(&self, path: &str, key: &str, body: Value) -> Reply {
        self.call("PATCH", path, key, Some(&body)).await
    }

    pub(crate) async fn delete(&self, path: &str, key: &str) -> Reply {
        self.call("DELETE", path, key, None).await
    }

    /// Pixels whose waiting rooms were asked to be released since the last look.
    pub(crate) fn released(&self) -> Vec<String> {
        let mut pixels = Vec::new();
        loop {
            let received = self.queue.receive(10);
            if received.is_empty() {
                return pixels;
            }
            for message in received {
                let QueueMessage::Release(room) = QueueMessage::parse(&message.body).unwrap() else {
                    panic!("no release: {}", message.body)
                };
                pixels.push(room.pixel_id.to_string());
                self.queue.delete(message.id);
            }
        }
    }
}

/// A tenant with a connection, a pixel, a source, and an admin key.
pub(crate) struct Shop {
    pub(crate) tenant: String,
    pub(crate) admin: String,
    pub(crate) connection: String,
    pub(crate) pixel: String,
}

impl Shop {
    /// A tenant with an admin key and nothing else.
    pub(crate) async fn bare(rig: &Rig, name: &str) -> Self {
        let tenant = rig.post("/api/v1/tenants", ROOT, json!({"name": name})).await.id();
        let body = json!({"tenant_id": tenant, "scope": "admin", "name": "boss"});
        let created = rig.post("/api/v1/keys", ROOT, body).await;
        let admin = created.body["key"].as_str().unwrap().to_owned();
        Self { tenant, admin, connection: String::new(), pixel: String::new() }
    }

    pub(crate) async fn open(rig: &Rig, pixel: &str) -> Self {
        let mut shop = Self::bare(rig, "Shop").await;
        let body = json!({"kind": "system_user", "access_token": TOKEN});
        shop.connection = rig.post("/api/v1/connections", &shop.admin, body).await.id();
        let body = json!({"pixel_id": pixel, "connection_id": shop.connection, "enabled": true});
        shop.pixel = rig.post("/api/v1/pixels", &shop.admin, body).await.id();
        let body = json!({"id": "shop", "name": "The shop", "pixel_ids": [pixel]});
        rig.post("/api/v1/sources", &shop.admin, body).await.id();
        shop
    }

    /// A key of the shop's source, or of its tenant.
    pub(crate) async fn key(&self, rig: &Rig, scope: &str) -> String {
        let source = if scope == "admin" { Value::Null } else { json!("shop") };
        let created =
            rig.post("/api/v1/keys", &self.admin, json!({"scope": scope, "source_id": source})).await;
        created.body["key"].as_str().unwrap().to_owned()
    }
}

async fn dynamodb() -> Client {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(dynoxide::server::serve_on(listener, dynoxide::Database::memory().unwrap()));
    let settings = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(format!("http://{address}"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .build();
    let client = Client::from_conf(settings);
    for table in ["config", "events", "people"] {
        let mut create = client.create_table().table_name(table).billing_mode(BillingMode::PayPerRequest);
        for (name, kind) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
            let text =
                AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
            let part = KeySchemaElement::builder().attribute_name(name).key_type(kind);
            create = create.attribute_definitions(text.build().unwrap()).key_schema(part.build().unwrap());
        }
        create.send().await.unwrap();
    }
    client
}
