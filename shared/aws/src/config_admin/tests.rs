use std::collections::BTreeSet;

use adrelay_core::config::{
    ApiKey, Connection, ConnectionKind, ConsentPolicy, Health, Pixel, Scope, Source, Tenant,
};
use adrelay_core::ids::{ConnectionId, KeyId, PixelId, SourceId, TenantId};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::admin::{ConfigAdmin, CreateError, HealthWrite, Records, Revised};
use adrelay_core::time::UnixMillis;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};

use super::DynamoConfigAdmin;
use crate::item::key;

async fn config() -> DynamoConfigAdmin {
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
    let mut create = client.create_table().table_name("config").billing_mode(BillingMode::PayPerRequest);
    for (name, kind) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
        let text = AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
        let part = KeySchemaElement::builder().attribute_name(name).key_type(kind);
        create = create.attribute_definitions(text.build().unwrap()).key_schema(part.build().unwrap());
    }
    create.send().await.unwrap();
    DynamoConfigAdmin::new(client, "config".to_owned())
}

fn tenant(id: &str) -> Tenant {
    Tenant { id: TenantId::parse(id).unwrap(), name: format!("{id} Inc."), created_at: UnixMillis(1) }
}

fn connection(tenant: &str, id: &str) -> Connection {
    Connection {
        tenant_id: TenantId::parse(tenant).unwrap(),
        id: ConnectionId::parse(id).unwrap(),
        kind: ConnectionKind::SystemUser,
        sealed_token: "s1.1.x.y".to_owned(),
        token_version: 1,
        app_id: None,
        sealed_app_secret: None,
        derived_from: None,
        health: Health::Ok,
        verified_at: None,
        expires_at: None,
        created_at: UnixMillis(1),
        updated_at: UnixMillis(1),
    }
}

fn pixel(tenant: &str, id: &str) -> Pixel {
    Pixel {
        tenant_id: TenantId::parse(tenant).unwrap(),
        id: PixelId::parse(id).unwrap(),
        connection_id: ConnectionId::parse("c1").unwrap(),
        test_event_code: None,
        enabled: true,
        health: Health::Ok,
        created_at: UnixMillis(1),
        updated_at: UnixMillis(1),
    }
}

fn source(tenant: &str, id: &str) -> Source {
    Source {
        pixel_ids: vec![PixelId::parse("1").unwrap()],
        default_country: Some("US".to_owned()),
        flags: BTreeSet::from(["b2b".to_owned()]),
        consent_policy: ConsentPolicy::Require,
        allowed_origins: vec!["https://shop.example.com".to_owned()],
        ..Source::new(
            TenantId::parse(tenant).unwrap(),
            SourceId::parse(id).unwrap(),
            "Shop".to_owned(),
            UnixMillis(1),
        )
    }
}

fn api_key(tenant: &str, id: &str, sha256: &str) -> ApiKey {
    ApiKey {
        tenant_id: TenantId::parse(tenant).unwrap(),
        id: KeyId::parse(id).unwrap(),
        sha256: sha256.to_owned(),
        scope: Scope::Ingest,
        source_id: Some(SourceId::parse("shop").unwrap()),
        name: "server".to_owned(),
        created_at: UnixMillis(1),
        revoked_at: None,
    }
}

fn refuses() -> Health {
    Health::NeedsAttention {
        reason: "token_invalid".into(),
        code: Some(190),
        subcode: None,
        since: UnixMillis(5),
    }
}

#[tokio::test]
async fn every_kind_of_record_reads_back_as_it_was_created() {
    let config = config().await;
    let (company, token, dataset) = (tenant("acme"), connection("acme", "c1"), pixel("acme", "1"));
    let (shop, key) = (source("acme", "shop"), api_key("acme", "k1", "ab"));
    config.create(&company).await.unwrap();
    config.create(&token).await.unwrap();
    config.create(&dataset).await.unwrap();
    config.create(&shop).await.unwrap();
    config.create(&key).await.unwrap();
    let id = company.id.clone();
    assert_eq!(config.get(&id, &id).await, Ok(Some(Revised { value: company, revision: 1 })));
    assert_eq!(config.get(&id, &token.id).await, Ok(Some(Revised { value: token.clone(), revision: 1 })));
    assert_eq!(config.get(&id, &dataset.id).await, Ok(Some(Revised { value: dataset.clone(), revision: 1 })));
    assert_eq!(config.get(&id, &shop.id).await, Ok(Some(Revised { value: shop.clone(), revision: 1 })));
    assert_eq!(config.get(&id, &key.id).await, Ok(Some(Revised { value: key.clone(), revision: 1 })));
}

#[tokio::test]
async fn nothing_is_created_twice_and_a_pixel_belongs_to_one_tenant() {
    let config = config().await;
    config.create(&source("acme", "shop")).await.unwrap();
    assert_eq!(config.create(&source("acme", "shop")).await, Err(CreateError::Exists));
    config.create(&source("other", "shop")).await.unwrap();
    config.create(&pixel("acme", "1")).await.unwrap();
    assert_eq!(config.create(&pixel("acme", "1")).await, Err(CreateError::Exists));
    assert_eq!(config.create(&pixel("other", "1")).await, Err(CreateError::Taken));
    let other = TenantId::parse("other").unwrap();
    let found: Option<Revised<Pixel>> = config.get(&other, &PixelId::parse("1").unwrap()).await.unwrap();
    assert_eq!(found, None, "a refused creation leaves nothing behind");
}

#[tokio::test]
async fn a_deleted_pixel_is_free_for_another_tenant() {
    let config = config().await;
    let mine = pixel("acme", "1");
    config.create(&mine).await.unwrap();
    config.delete(&mine).await.unwrap();
    assert_eq!(config.delete(&mine).await, Err(StoreError::Conflict));
    config.create(&pixel("other", "1")).await.unwrap();
}

#[tokio::test]
async fn an_update_must_find_the_revision_that_was_read() {
    let config = config().await;
    let shop = source("acme", "shop");
    config.create(&shop).await.unwrap();
    let mut first: Revised<Source> = config.get(&shop.tenant_id, &shop.id).await.unwrap().unwrap();
    let mut second = first.clone();
    first.value.name = "First".to_owned();
    config.update(&first, HealthWrite::Keep).await.unwrap();
    second.value.name = "Second".to_owned();
    assert_eq!(config.update(&second, HealthWrite::Keep).await, Err(StoreError::Conflict));
    let stored: Revised<Source> = config.get(&shop.tenant_id, &shop.id).await.unwrap().unwrap();
    assert_eq!((stored.value.name.as_str(), stored.revision), ("First", 2));
}

#[tokio::test]
async fn an_update_never_creates() {
    let config = config().await;
    let gone = Revised { value: source("acme", "shop"), revision: 1 };
    assert_eq!(config.update(&gone, HealthWrite::Replace).await, Err(StoreError::Conflict));
    let found: Option<Revised<Source>> = config.get(&gone.value.tenant_id, &gone.value.id).await.unwrap();
    assert_eq!(found, None);
}

#[tokio::test]
async fn health_that_dispatch_wrote_survives_an_update_that_does_not_mean_it() {
    let config = config().await;
    let mine = pixel("acme", "1");
    config.create(&mine).await.unwrap();
    let mut read: Revised<Pixel> = config.get(&mine.tenant_id, &mine.id).await.unwrap().unwrap();
    let health = serde_json::to_string(&refuses()).unwrap();
    let write = config.client.update_item().table_name("config").set_key(Some(key("T#acme", "PIXEL#1")));
    let write = write.update_expression("SET health = :health");
    write.expression_attribute_values(":health", AttributeValue::S(health)).send().await.unwrap();

    read.value.enabled = false;
    config.update(&read, HealthWrite::Keep).await.unwrap();
    let mut read: Revised<Pixel> = config.get(&mine.tenant_id, &mine.id).await.unwrap().unwrap();
    assert_eq!((read.value.enabled, &read.value.health), (false, &refuses()));

    read.value.health = Health::Ok;
    config.update(&read, HealthWrite::Replace).await.unwrap();
    let read: Revised<Pixel> = config.get(&mine.tenant_id, &mine.id).await.unwrap().unwrap();
    assert_eq!(read.value.health, Health::Ok);
}

#[tokio::test]
async fn a_list_is_paged_by_id_and_sees_one_tenant_and_kind() {
    let config = config().await;
    for id in ["a", "b", "c", "d", "e"] {
        config.create(&source("acme", id)).await.unwrap();
    }
    config.create(&source("acme2", "x")).await.unwrap();
    config.create(&pixel("acme", "1")).await.unwrap();
    let acme = TenantId::parse("acme").unwrap();
    let mut seen = Vec::new();
    let mut after: Option<SourceId> = None;
    for _ in 0..4 {
        let page = Records::<Source>::list(&config, &acme, after.as_ref(), 2).await.unwrap();
        assert!(page.items.len() <= 2);
        seen.extend(page.items.into_iter().map(|source| source.id.to_string()));
        after = page.next_cursor.map(|id| SourceId::parse(&id).unwrap());
        if after.is_none() {
            break;
        }
    }
    assert_eq!((seen.join(""), after), ("abcde".to_owned(), None));
}

#[tokio::test]
async fn all_tenants_are_listed_for_the_root_key() {
    let config = config().await;
    for id in ["t_1", "t_2", "t_3"] {
        config.create(&tenant(id)).await.unwrap();
    }
    assert_eq!(config.create(&tenant("t_1")).await, Err(CreateError::Exists));
    let first = config.tenants(None, 2).await.unwrap();
    assert_eq!(first.items, [tenant("t_1"), tenant("t_2")]);
    let after = TenantId::parse(&first.next_cursor.unwrap()).unwrap();
    let second = config.tenants(Some(&after), 2).await.unwrap();
    assert_eq!((second.items, second.next_cursor), (vec![tenant("t_3")], None));
}

#[tokio::test]
async fn look_up_items_hold_tenant_and_id_alone() {
    let config = config().await;
    config.create(&pixel("acme", "1")).await.unwrap();
    config.create(&api_key("acme", "k1", "ab")).await.unwrap();
    for (pk, sk, expected) in
        [("PIXELID#1", "OWNER", vec!["tenant"]), ("KEYHASH#ab", "KEY", vec!["id", "tenant"])]
    {
        let get = config.client.get_item().table_name("config").set_key(Some(key(pk, sk))).send().await;
        let item = get.unwrap().item.unwrap();
        let names: BTreeSet<&str> = item.keys().map(String::as_str).collect();
        let bookkeeping = BTreeSet::from(["pk", "sk", "v"]);
        assert_eq!(names.difference(&bookkeeping).copied().collect::<Vec<_>>(), expected);
    }
}
