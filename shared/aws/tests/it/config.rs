//! What the functions on an event's way read of what people manage, and the health that dispatch writes.

use std::collections::BTreeSet;

use adrelay_aws::config::DynamoConfig;
use adrelay_aws::config_admin::DynamoConfigAdmin;
use adrelay_core::config::{ApiKey, Connection, ConnectionKind, ConsentPolicy, Health, Pixel, Scope, Source};
use adrelay_core::ids::{ConnectionId, KeyId};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::admin::{HealthWrite, Records as _, Revised};
use adrelay_core::ports::config::{Destinations as _, KeyDirectory as _};

use crate::support::{NOON, TABLE, dynamodb, pixel, source, tenant};

const HASH: &str = "ab12";

fn connection_id() -> ConnectionId {
    ConnectionId::parse("conn_1").unwrap()
}

fn a_connection() -> Connection {
    Connection {
        tenant_id: tenant(),
        id: connection_id(),
        kind: ConnectionKind::SystemUser,
        sealed_token: "s1.1.x.y".to_owned(),
        token_version: 1,
        app_id: None,
        sealed_app_secret: None,
        derived_from: None,
        health: Health::Ok,
        verified_at: None,
        expires_at: None,
        created_at: NOON,
        updated_at: NOON,
    }
}

fn a_pixel() -> Pixel {
    Pixel {
        tenant_id: tenant(),
        id: pixel(),
        connection_id: connection_id(),
        test_event_code: Some("TEST1".to_owned()),
        enabled: true,
        health: Health::Ok,
        created_at: NOON,
        updated_at: NOON,
    }
}

fn a_source() -> Source {
    Source {
        pixel_ids: vec![pixel()],
        default_country: Some("US".to_owned()),
        flags: BTreeSet::from(["b2b".to_owned()]),
        consent_policy: ConsentPolicy::Require,
        allowed_origins: vec!["https://www.example.com".to_owned()],
        ..Source::new(tenant(), source(), "Shop".to_owned(), NOON)
    }
}

fn a_key() -> ApiKey {
    ApiKey {
        tenant_id: tenant(),
        id: KeyId::parse("key_1").unwrap(),
        sha256: HASH.to_owned(),
        scope: Scope::Ingest,
        source_id: Some(source()),
        name: "server".to_owned(),
        created_at: NOON,
        revoked_at: None,
    }
}

fn sick() -> Health {
    Health::NeedsAttention { reason: "token_invalid".to_owned(), code: Some(190), subcode: None, since: NOON }
}

async fn rig() -> (DynamoConfigAdmin, DynamoConfig) {
    let client = dynamodb().await;
    let admin = DynamoConfigAdmin::new(client.clone(), TABLE.to_owned());
    admin.create(&a_connection()).await.unwrap();
    admin.create(&a_pixel()).await.unwrap();
    admin.create(&a_source()).await.unwrap();
    admin.create(&a_key()).await.unwrap();
    (admin, DynamoConfig::new(client, TABLE.to_owned()))
}

#[tokio::test]
async fn what_people_create_is_read_on_an_events_way() {
    let (_, config) = rig().await;
    assert_eq!(config.key_by_sha256(HASH).await.unwrap(), Some(a_key()));
    assert_eq!(config.source(&tenant(), &source()).await.unwrap(), Some(a_source()));
    assert_eq!(config.pixel(&tenant(), &pixel()).await.unwrap(), Some(a_pixel()));
    assert_eq!(config.connection(&tenant(), &connection_id()).await.unwrap(), Some(a_connection()));
}

#[tokio::test]
async fn what_nobody_created_and_what_another_tenant_has_is_not_there() {
    let (_, config) = rig().await;
    let other = adrelay_core::ids::TenantId::parse("other").unwrap();
    assert_eq!(config.key_by_sha256("cd34").await.unwrap(), None);
    assert_eq!(config.source(&other, &source()).await.unwrap(), None);
    assert_eq!(config.pixel(&other, &pixel()).await.unwrap(), None);
    assert_eq!(config.connection(&other, &connection_id()).await.unwrap(), None);
}

#[tokio::test]
async fn a_revoked_key_is_found_as_revoked() {
    let (admin, config) = rig().await;
    let mut key: Revised<ApiKey> = admin.get(&tenant(), &a_key().id).await.unwrap().unwrap();
    key.value.revoked_at = Some(NOON);
    admin.update(&key, HealthWrite::Keep).await.unwrap();
    assert_eq!(config.key_by_sha256(HASH).await.unwrap().unwrap().revoked_at, Some(NOON));
}

#[tokio::test]
async fn a_pixels_health_is_written_while_it_uses_the_connection() {
    let (admin, config) = rig().await;
    config.set_pixel_health(&tenant(), &pixel(), &connection_id(), &sick()).await.unwrap();
    assert_eq!(config.pixel(&tenant(), &pixel()).await.unwrap().unwrap().health, sick());
    let mut moved: Revised<Pixel> = admin.get(&tenant(), &pixel()).await.unwrap().unwrap();
    assert_eq!(moved.value.health, sick(), "people see it too");
    moved.value.connection_id = ConnectionId::parse("conn_2").unwrap();
    moved.value.health = Health::Ok;
    admin.update(&moved, HealthWrite::Replace).await.unwrap();
    let late = config.set_pixel_health(&tenant(), &pixel(), &connection_id(), &sick()).await;
    assert_eq!(late, Err(StoreError::Conflict));
    assert_eq!(config.pixel(&tenant(), &pixel()).await.unwrap().unwrap().health, Health::Ok);
}

#[tokio::test]
async fn a_verdict_on_an_old_token_is_not_held_against_a_new_one() {
    let (admin, config) = rig().await;
    config.set_connection_health(&tenant(), &connection_id(), 1, &sick()).await.unwrap();
    assert_eq!(config.connection(&tenant(), &connection_id()).await.unwrap().unwrap().health, sick());
    let mut pasted: Revised<Connection> = admin.get(&tenant(), &connection_id()).await.unwrap().unwrap();
    pasted.value.token_version = 2;
    pasted.value.health = Health::Ok;
    admin.update(&pasted, HealthWrite::Replace).await.unwrap();
    let late = config.set_connection_health(&tenant(), &connection_id(), 1, &sick()).await;
    assert_eq!(late, Err(StoreError::Conflict));
    assert_eq!(config.connection(&tenant(), &connection_id()).await.unwrap().unwrap(), pasted.value);
}

#[tokio::test]
async fn health_is_never_written_to_what_is_gone() {
    let (_, config) = rig().await;
    let gone = adrelay_core::ids::PixelId::parse("999").unwrap();
    let written = config.set_pixel_health(&tenant(), &gone, &connection_id(), &sick()).await;
    assert_eq!(written, Err(StoreError::Conflict));
    assert_eq!(config.pixel(&tenant(), &gone).await.unwrap(), None);
}
