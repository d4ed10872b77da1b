//! The tenant that the benchmark plays: its configuration as items, its secrets, and the functions' environment.

use adrelay_core::auth::{key_sha256, new_key};
use adrelay_core::config::{ApiKey, Connection, ConnectionKind, Health, Pixel, Scope, Source};
use adrelay_core::ids::{ConnectionId, KeyId, PixelId, SourceId, TenantId};
use adrelay_core::rules::{RuleSet, default_rules};
use adrelay_core::seal::{Keyring, SealContext, Secret};
use adrelay_core::time::UnixMillis;
use adrelay_core::vault::ACCESS_TOKEN;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Value, json};

use crate::process::Variables;
use crate::stub::Stub;

const TENANT: &str = "acme";
const SOURCE: &str = "shop";
const PIXEL: &str = "1234567890123456";
const CONNECTION: &str = "conn_1";
const KEY: &str = "key_1";
const CONFIG_TABLE: &str = "bench-config";
pub(crate) const EVENTS_TABLE: &str = "bench-events";
pub(crate) const PEOPLE_TABLE: &str = "bench-people";
const KEYRING_SECRET: &str = "bench-keyring-tokens";
const KEYRING_PII_SECRET: &str = "bench-keyring-pii";
const LOOKUP_KEY_SECRET: &str = "bench-lookup-key";
const META_APP_SECRET: &str = "bench-meta-app";

/// The tenant, set up at a stub.
pub(crate) struct World {
    /// The source's key.
    pub(crate) key: Secret,
    /// The environment of every function.
    pub(crate) variables: Variables,
}

impl World {
    /// Puts configuration and secrets into the stub.
    pub(crate) fn at(stub: &Stub) -> anyhow::Result<Self> {
        let key = new_key(Scope::Ingest, [7; 32]);
        let keyring = json!({"primary": 1, "keys": {"1": STANDARD.encode([9; 32])}}).to_string();
        for item in items(&key, &Keyring::parse(&keyring)?)? {
            stub.put_item(CONFIG_TABLE, item)?;
        }
        stub.put_secret(KEYRING_SECRET, keyring);
        let keyring_pii = json!({"primary": 1, "keys": {"1": STANDARD.encode([11; 32])}});
        stub.put_secret(KEYRING_PII_SECRET, keyring_pii.to_string());
        stub.put_secret(LOOKUP_KEY_SECRET, json!({"key": STANDARD.encode([13; 32])}).to_string());
        let app = json!({"app_id": "", "app_secret": "", "verify_token": ""});
        stub.put_secret(META_APP_SECRET, app.to_string());
        Ok(Self { key, variables: variables(stub) })
    }
}

fn variables(stub: &Stub) -> Variables {
    let endpoint = format!("http://{}", stub.address);
    let text = str::to_owned;
    vec![
        ("AWS_REGION", text("us-east-1")),
        ("AWS_ACCESS_KEY_ID", text("AKIDEXAMPLE")),
        ("AWS_SECRET_ACCESS_KEY", text("example")),
        ("AWS_ENDPOINT_URL", endpoint.clone()),
        ("META_CAPI_INGEST_ENABLED", text("true")),
        ("CONVERSION_TRACKING_ENABLED", text("true")),
        ("META_CAPI_FORWARD_ENABLED", text("true")),
        ("SHARED_PERSON_TABLE_ENABLED", text("true")),
        ("LEADGEN_ENABLED", text("true")),
        ("CONFIG_TABLE", text(CONFIG_TABLE)),
        ("EVENTS_TABLE", text(EVENTS_TABLE)),
        ("PEOPLE_TABLE", text(PEOPLE_TABLE)),
        ("LEADS_TABLE", text("bench-leads")),
        ("JOBS_TABLE", text("bench-jobs")),
        ("EXPORTS_BUCKET", text("bench-exports")),
        ("EVENT_BUS_NAME", text("bench-events")),
        ("CAPI_EVENTS_QUEUE_URL", format!("{endpoint}/123456789012/bench-capi-events")),
        ("LEADS_QUEUE_URL", format!("{endpoint}/123456789012/bench-leads")),
        ("JOBS_QUEUE_URL", format!("{endpoint}/123456789012/bench-jobs")),
        ("KEYRING_TOKENS_SECRET", text(KEYRING_SECRET)),
        ("KEYRING_PII_SECRET", text(KEYRING_PII_SECRET)),
        ("LOOKUP_KEY_SECRET", text(LOOKUP_KEY_SECRET)),
        ("META_APP_SECRET", text(META_APP_SECRET)),
        ("GRAPH_BASE_URL", endpoint),
        ("GRAPH_VERSION", text("v26.0")),
        ("LOG_LEVEL", text("info")),
    ]
}

/// The items of the config table, as ARCHITECTURE.md lays them out.
fn items(key: &Secret, keyring: &Keyring) -> anyhow::Result<Vec<Value>> {
    let (tenant_id, pixel_id) = (TenantId::parse(TENANT)?, PixelId::parse(PIXEL)?);
    let (source_id, connection_id) = (SourceId::parse(SOURCE)?, ConnectionId::parse(CONNECTION)?);
    let now = UnixMillis(0);
    let sha256 = key_sha256(key.expose());
    let token = Secret::new(format!("EAAB{}", "x".repeat(180)));
    let context = SealContext { tenant: TENANT, owner: CONNECTION, purpose: ACCESS_TOKEN };
    let connection = Connection {
        tenant_id: tenant_id.clone(),
        id: connection_id.clone(),
        kind: ConnectionKind::SystemUser,
        sealed_token: keyring.seal(context, &token, [3; 12])?,
        token_version: 1,
        app_id: None,
        sealed_app_secret: None,
        derived_from: None,
        health: Health::Ok,
        verified_at: None,
        expires_at: None,
        created_at: now,
        updated_at: now,
    };
    let pixel = Pixel {
        tenant_id: tenant_id.clone(),
        id: pixel_id.clone(),
        connection_id,
        test_event_code: None,
        enabled: true,
        health: Health::Ok,
        created_at: now,
        updated_at: now,
    };
    let api_key = ApiKey {
        tenant_id: tenant_id.clone(),
        id: KeyId::parse(KEY)?,
        sha256: sha256.clone(),
        scope: Scope::Ingest,
        source_id: Some(source_id.clone()),
        name: "server".to_owned(),
        created_at: now,
        revoked_at: None,
    };
    let source = source(tenant_id, source_id, pixel_id);
    let partition = format!("T#{TENANT}");
    let mut pixel = record(&partition, &format!("PIXEL#{PIXEL}"), &pixel)?;
    pixel["connection_id"] = json!({"S": CONNECTION});
    let mut connection = record(&partition, &format!("CONN#{CONNECTION}"), &connection)?;
    connection["token_version"] = json!({"N": "1"});
    let mut lookup = json!({"pk": {"S": format!("KEYHASH#{sha256}")}, "sk": {"S": "KEY"}, "v": {"N": "1"}});
    lookup["tenant"] = json!({"S": TENANT});
    lookup["id"] = json!({"S": KEY});
    let key = record(&partition, &format!("KEY#{KEY}"), &api_key)?;
    let source = record(&partition, &format!("SOURCE#{SOURCE}"), &source)?;
    let shipped = default_rules().map_err(|_| anyhow::anyhow!("the shipped rules can't be read"))?;
    let rules = record(&partition, "RULES", &RuleSet { version: 1, rules: shipped })?;
    Ok(vec![pixel, connection, lookup, key, source, rules])
}

fn source(tenant_id: TenantId, id: SourceId, pixel_id: PixelId) -> Source {
    Source {
        pixel_ids: vec![pixel_id],
        default_country: Some("US".to_owned()),
        flags: ["b2b".to_owned()].into(),
        ..Source::new(tenant_id, id, "Shop".to_owned(), UnixMillis(0))
    }
}

fn record(pk: &str, sk: &str, record: &impl Serialize) -> anyhow::Result<Value> {
    let doc = serde_json::to_string(record)?;
    Ok(json!({
        "pk": {"S": pk},
        "sk": {"S": sk},
        "v": {"N": "1"},
        "rev": {"N": "1"},
        "doc": {"S": doc},
        "health": {"S": r#"{"state":"ok"}"#},
    }))
}
