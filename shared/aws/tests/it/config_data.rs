//! Configuration to store: one of each kind.

use std::collections::BTreeSet;

use adrelay_core::config::{
    ApiKey, Connection, ConnectionKind, ConsentPolicy, Health, Page, Pixel, Scope, Source, Subscription,
    Tenant, Webhook,
};
use adrelay_core::ids::{ConnectionId, KeyId, PageId, PixelId, TenantId};

use crate::support::{NOON, pixel, source, tenant};

/// What [`a_key`] is found by.
pub(crate) const HASH: &str = "ab12";

pub(crate) fn tenant_id(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

pub(crate) fn connection_id() -> ConnectionId {
    ConnectionId::parse("conn_1").unwrap()
}

pub(crate) fn page_id(id: &str) -> PageId {
    PageId::parse(id).unwrap()
}

pub(crate) fn a_tenant(id: &str) -> Tenant {
    Tenant { id: tenant_id(id), name: "Acme Inc.".to_owned(), created_at: NOON }
}

pub(crate) fn a_connection() -> Connection {
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

pub(crate) fn a_pixel() -> Pixel {
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

pub(crate) fn a_source() -> Source {
    Source {
        pixel_ids: vec![pixel()],
        default_country: Some("US".to_owned()),
        flags: BTreeSet::from(["b2b".to_owned()]),
        consent_policy: ConsentPolicy::Require,
        allowed_origins: vec!["https://www.example.com".to_owned()],
        ..Source::new(tenant(), source(), "Shop".to_owned(), NOON)
    }
}

pub(crate) fn a_key() -> ApiKey {
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

pub(crate) fn a_page(of: &str, id: &str) -> Page {
    Page {
        tenant_id: tenant_id(of),
        id: page_id(id),
        name: Some("Acme".to_owned()),
        connection_id: connection_id(),
        source_id: source(),
        feedback_pixel_id: PixelId::parse("42").ok(),
        enabled: true,
        subscription: Subscription::Unknown,
        created_at: NOON,
        updated_at: NOON,
    }
}

pub(crate) fn a_webhook(of: &str, url: &str) -> Webhook {
    Webhook {
        tenant_id: tenant_id(of),
        url: url.to_owned(),
        sealed_secret: "s1.1.x.y".to_owned(),
        enabled: true,
        created_at: NOON,
        updated_at: NOON,
    }
}

pub(crate) fn sick() -> Health {
    Health::NeedsAttention { reason: "token_invalid".to_owned(), code: Some(190), subcode: None, since: NOON }
}
