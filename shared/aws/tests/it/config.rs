//! What the ports of configuration promise, of the table and of what stands for it in other tests.

use adrelay_aws::config::DynamoConfig;
use adrelay_aws::config_admin::DynamoConfigAdmin;
use adrelay_core::config::{ApiKey, Connection, Health, Page, Pixel, Source, Subscription, Webhook};
use adrelay_core::ids::{ConnectionId, PageId, PixelId, SourceId};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::admin::{HealthWrite, Records, Revised, WebhookAdmin as _};
use adrelay_core::ports::config::{Destinations, KeyDirectory, PageDirectory};
use adrelay_core::ports::rules::{RuleAdmin as _, RuleDirectory};
use adrelay_core::rules::{RuleSet, parse};
use aws_sdk_dynamodb::Client;
use fakes::MemoryConfig;
use serde_json::json;

use crate::config_data::{
    HASH, a_connection, a_key, a_page, a_pixel, a_source, a_webhook, connection_id, page_id, sick, tenant_id,
};
use crate::contract::contract;
use crate::support::{NOON, pixel, source, tenant};

contract!(super::Table::new, crate::support::dynamodb, fakes::MemoryConfig::default;
    a_pixel_and_its_connection_are_found_as_they_are,
    what_another_tenant_has_is_not_there,
    a_pixels_health_is_written_while_it_uses_the_connection,
    a_verdict_on_an_old_token_is_not_held_against_a_new_one,
    health_is_never_written_to_what_is_gone,
    a_key_is_found_by_its_hash_and_as_revoked_when_it_is,
    a_source_is_found_as_it_is_now,
    a_page_is_found_by_its_id_alone,
    all_pages_of_all_tenants_are_walked_once,
    a_subscription_is_noted_of_a_page_that_exists,
    a_tenant_has_the_webhook_that_was_set_last,
    a_tenant_has_the_rules_that_were_set_last,
);

/// Configuration, and people who manage it.
trait Config {
    type Read: Destinations + KeyDirectory + PageDirectory + RuleDirectory;

    fn read(&self) -> &Self::Read;

    /// Adds the pixel of these tests with a connection of its own; gives both.
    async fn add_pixel(&self) -> (Pixel, Connection);

    /// Has the pixel use another connection, which makes it well.
    async fn move_pixel(&self, to: &ConnectionId);

    /// Pastes a new token into the pixel's connection, which makes it well.
    async fn new_token(&self, of: &ConnectionId);

    async fn add_source(&self, source: Source);
    async fn change_source(&self, source: Source);
    async fn add_key(&self, key: ApiKey);
    async fn change_key(&self, key: ApiKey);
    async fn add_page(&self, of: &str, id: &str);
    async fn set_webhook(&self, webhook: Webhook);
    async fn set_rules(&self, rules: RuleSet);
}

struct Table {
    admin: DynamoConfigAdmin,
    config: DynamoConfig,
}

impl Table {
    fn new(client: Client, table: String) -> Self {
        let admin = DynamoConfigAdmin::new(client.clone(), table.clone());
        Self { admin, config: DynamoConfig::new(client, table) }
    }

    async fn change<T: adrelay_core::ports::admin::Record>(&self, id: &T::Id, change: impl FnOnce(&mut T))
    where
        DynamoConfigAdmin: Records<T>,
    {
        let mut record: Revised<T> = self.admin.get(&tenant(), id).await.unwrap().unwrap();
        change(&mut record.value);
        self.admin.update(&record, HealthWrite::Replace).await.unwrap();
    }
}

impl Config for Table {
    type Read = DynamoConfig;

    fn read(&self) -> &DynamoConfig {
        &self.config
    }

    async fn add_pixel(&self) -> (Pixel, Connection) {
        self.admin.create(&a_connection()).await.unwrap();
        self.admin.create(&a_pixel()).await.unwrap();
        (a_pixel(), a_connection())
    }

    async fn move_pixel(&self, to: &ConnectionId) {
        let change = |pixel: &mut Pixel| (pixel.connection_id, pixel.health) = (to.clone(), Health::Ok);
        self.change(&pixel(), change).await;
    }

    async fn new_token(&self, of: &ConnectionId) {
        let change = |connection: &mut Connection| {
            "new token".clone_into(&mut connection.sealed_token);
            connection.token_version += 1;
            connection.health = Health::Ok;
        };
        self.change(of, change).await;
    }

    async fn add_source(&self, source: Source) {
        self.admin.create(&source).await.unwrap();
    }

    async fn change_source(&self, source: Source) {
        self.change(&source.id.clone(), |stored: &mut Source| *stored = source).await;
    }

    async fn add_key(&self, key: ApiKey) {
        self.admin.create(&key).await.unwrap();
    }

    async fn change_key(&self, key: ApiKey) {
        self.change(&key.id.clone(), |stored: &mut ApiKey| *stored = key).await;
    }

    async fn add_page(&self, of: &str, id: &str) {
        self.admin.create(&a_page(of, id)).await.unwrap();
    }

    async fn set_webhook(&self, webhook: Webhook) {
        self.admin.put_webhook(&webhook).await.unwrap();
    }

    async fn set_rules(&self, rules: RuleSet) {
        self.admin.replace(&tenant(), rules.version - 1, rules.rules, "root", NOON).await.unwrap();
    }
}

impl Config for MemoryConfig {
    type Read = Self;

    fn read(&self) -> &Self {
        self
    }

    async fn add_pixel(&self) -> (Pixel, Connection) {
        self.add_pixel(&tenant(), &pixel(), "s1.1.x.y");
        let stored = self.pixel(&tenant(), &pixel()).await.unwrap().unwrap();
        let connection = self.connection(&tenant(), &stored.connection_id).await.unwrap().unwrap();
        (stored, connection)
    }

    async fn move_pixel(&self, to: &ConnectionId) {
        let change = |pixel: &mut Pixel| (pixel.connection_id, pixel.health) = (to.clone(), Health::Ok);
        self.change_pixel(&tenant(), &pixel(), change);
    }

    async fn new_token(&self, _: &ConnectionId) {
        self.new_token(&tenant(), &pixel(), "new token");
    }

    async fn add_source(&self, source: Source) {
        self.add_source(source);
    }

    async fn change_source(&self, source: Source) {
        self.add_source(source);
    }

    async fn add_key(&self, key: ApiKey) {
        self.add_key(key);
    }

    async fn change_key(&self, key: ApiKey) {
        self.add_key(key);
    }

    async fn add_page(&self, of: &str, id: &str) {
        self.add_page(&tenant_id(of), &page_id(id), &source(), "token");
        self.change_page(&tenant_id(of), &page_id(id), |page| *page = a_page(of, id));
    }

    async fn set_webhook(&self, webhook: Webhook) {
        self.set_webhook(webhook);
    }

    async fn set_rules(&self, rules: RuleSet) {
        self.set_rules(&tenant(), rules);
    }
}

/// The health of the pixel and of its connection.
async fn health(config: &impl Config, connection: &ConnectionId) -> (Health, Health) {
    let pixel = config.read().pixel(&tenant(), &pixel()).await.unwrap().unwrap();
    let connection = config.read().connection(&tenant(), connection).await.unwrap().unwrap();
    (pixel.health, connection.health)
}

async fn a_pixel_and_its_connection_are_found_as_they_are(config: &impl Config) {
    let (added, connection) = config.add_pixel().await;
    assert_eq!(config.read().pixel(&tenant(), &pixel()).await.unwrap(), Some(added));
    let found = config.read().connection(&tenant(), &connection.id).await.unwrap();
    assert_eq!(found, Some(connection));
    let unknown = PixelId::parse("999").unwrap();
    assert_eq!(config.read().pixel(&tenant(), &unknown).await.unwrap(), None);
    let unknown = ConnectionId::parse("conn_none").unwrap();
    assert_eq!(config.read().connection(&tenant(), &unknown).await.unwrap(), None);
}

async fn what_another_tenant_has_is_not_there(config: &impl Config) {
    let (_, connection) = config.add_pixel().await;
    config.add_source(a_source()).await;
    config.add_page("acme", "5").await;
    config.set_webhook(a_webhook("acme", "https://a.example/hook")).await;
    let (read, other) = (config.read(), tenant_id("other"));
    assert_eq!(read.pixel(&other, &pixel()).await.unwrap(), None);
    assert_eq!(read.connection(&other, &connection.id).await.unwrap(), None);
    assert_eq!(read.source(&other, &source()).await.unwrap(), None);
    assert_eq!(read.page(&other, &page_id("5")).await.unwrap(), None);
    assert_eq!(read.webhook_of(&other).await.unwrap(), None);
    let set = read.set_pixel_health(&other, &pixel(), &connection.id, &sick()).await;
    assert_eq!(set, Err(StoreError::Conflict));
    let set = read.set_connection_health(&other, &connection.id, 1, &sick()).await;
    assert_eq!(set, Err(StoreError::Conflict));
    assert_eq!(health(config, &connection.id).await, (Health::Ok, Health::Ok));
}

async fn a_pixels_health_is_written_while_it_uses_the_connection(config: &impl Config) {
    let (_, connection) = config.add_pixel().await;
    let (read, tenant, pixel) = (config.read(), tenant(), pixel());
    read.set_pixel_health(&tenant, &pixel, &connection.id, &sick()).await.unwrap();
    assert_eq!(health(config, &connection.id).await, (sick(), Health::Ok), "the pixel's alone");
    read.set_pixel_health(&tenant, &pixel, &connection.id, &Health::Ok).await.unwrap();
    assert_eq!(health(config, &connection.id).await, (Health::Ok, Health::Ok));
    let other = ConnectionId::parse("conn_2").unwrap();
    config.move_pixel(&other).await;
    let late = read.set_pixel_health(&tenant, &pixel, &connection.id, &sick()).await;
    assert_eq!(late, Err(StoreError::Conflict));
    assert_eq!(read.pixel(&tenant, &pixel).await.unwrap().unwrap().health, Health::Ok);
    read.set_pixel_health(&tenant, &pixel, &other, &sick()).await.unwrap();
    assert_eq!(read.pixel(&tenant, &pixel).await.unwrap().unwrap().health, sick());
}

async fn a_verdict_on_an_old_token_is_not_held_against_a_new_one(config: &impl Config) {
    let (_, connection) = config.add_pixel().await;
    let (read, tenant, id) = (config.read(), tenant(), &connection.id);
    read.set_connection_health(&tenant, id, 1, &sick()).await.unwrap();
    assert_eq!(health(config, id).await, (Health::Ok, sick()), "the connection's alone");
    config.new_token(id).await;
    let now = read.connection(&tenant, id).await.unwrap().unwrap();
    assert_eq!((now.token_version, &now.health, now.sealed_token.as_str()), (2, &Health::Ok, "new token"));
    for stale in [0, 1, 3] {
        let late = read.set_connection_health(&tenant, id, stale, &sick()).await;
        assert_eq!(late, Err(StoreError::Conflict), "of version {stale}");
    }
    assert_eq!(read.connection(&tenant, id).await.unwrap(), Some(now));
    read.set_connection_health(&tenant, id, 2, &sick()).await.unwrap();
    assert_eq!(health(config, id).await, (Health::Ok, sick()));
}

async fn health_is_never_written_to_what_is_gone(config: &impl Config) {
    let (read, gone) = (config.read(), PixelId::parse("999").unwrap());
    let written = read.set_pixel_health(&tenant(), &gone, &connection_id(), &sick()).await;
    assert_eq!(written, Err(StoreError::Conflict));
    assert_eq!(read.pixel(&tenant(), &gone).await.unwrap(), None);
    let written = read.set_connection_health(&tenant(), &connection_id(), 1, &sick()).await;
    assert_eq!(written, Err(StoreError::Conflict));
    assert_eq!(read.connection(&tenant(), &connection_id()).await.unwrap(), None);
}

async fn a_key_is_found_by_its_hash_and_as_revoked_when_it_is(config: &impl Config) {
    assert_eq!(config.read().key_by_sha256(HASH).await.unwrap(), None);
    config.add_key(a_key()).await;
    assert_eq!(config.read().key_by_sha256(HASH).await.unwrap(), Some(a_key()));
    assert_eq!(config.read().key_by_sha256("cd34").await.unwrap(), None);
    let revoked = ApiKey { revoked_at: Some(NOON), ..a_key() };
    config.change_key(revoked.clone()).await;
    assert_eq!(config.read().key_by_sha256(HASH).await.unwrap(), Some(revoked));
}

async fn a_source_is_found_as_it_is_now(config: &impl Config) {
    config.add_source(a_source()).await;
    assert_eq!(config.read().source(&tenant(), &source()).await.unwrap(), Some(a_source()));
    let renamed = Source { name: "Store".to_owned(), pixel_ids: Vec::new(), ..a_source() };
    config.change_source(renamed.clone()).await;
    assert_eq!(config.read().source(&tenant(), &source()).await.unwrap(), Some(renamed));
    let unknown = SourceId::parse("unknown").unwrap();
    assert_eq!(config.read().source(&tenant(), &unknown).await.unwrap(), None);
}

async fn a_page_is_found_by_its_id_alone(config: &impl Config) {
    config.add_page("acme", "5").await;
    config.add_page("other", "6").await;
    let read = config.read();
    assert_eq!(read.page_owner(&page_id("5")).await.unwrap(), Some(tenant()));
    assert_eq!(read.page_owner(&page_id("6")).await.unwrap(), Some(tenant_id("other")));
    assert_eq!(read.page_owner(&page_id("7")).await.unwrap(), None);
    assert_eq!(read.page(&tenant(), &page_id("5")).await.unwrap(), Some(a_page("acme", "5")));
    assert_eq!(read.page(&tenant(), &page_id("6")).await.unwrap(), None, "another tenant's");
}

/// All pages, at most so many at once. What one call gives may be short, but nothing follows an empty one.
async fn walk(config: &impl Config, limit: usize) -> Vec<(String, PageId)> {
    let (mut seen, mut after) = (Vec::new(), None);
    for _ in 0..20 {
        let pages = config.read().pages(after.as_ref(), limit).await.unwrap();
        assert!(pages.len() <= limit);
        let Some(last) = pages.last().cloned() else { return seen };
        seen.extend(pages.into_iter().map(|(tenant, page)| (tenant.to_string(), page)));
        after = Some(last);
    }
    panic!("pages without an end")
}

async fn all_pages_of_all_tenants_are_walked_once(config: &impl Config) {
    let mut expected = Vec::new();
    for (of, id) in [("acme", "1"), ("acme", "20"), ("acme-2", "3"), ("beta", "4"), ("carol", "5")] {
        config.add_page(of, id).await;
        expected.push((of.to_owned(), page_id(id)));
    }
    for limit in 1..=6 {
        assert_eq!(walk(config, limit).await, expected, "by {limit}");
    }
}

async fn a_subscription_is_noted_of_a_page_that_exists(config: &impl Config) {
    config.add_page("acme", "5").await;
    let read = config.read();
    let missing = Subscription::Missing { checked_at: NOON, reason: Some("token_invalid".to_owned()) };
    for now in [missing, Subscription::Subscribed { checked_at: NOON }] {
        read.set_subscription(&tenant(), &page_id("5"), &now).await.unwrap();
        let expected = Page { subscription: now, ..a_page("acme", "5") };
        assert_eq!(read.page(&tenant(), &page_id("5")).await.unwrap(), Some(expected));
    }
    for (of, id) in [("acme", "6"), ("other", "5")] {
        let now = Subscription::Subscribed { checked_at: NOON };
        let written = read.set_subscription(&tenant_id(of), &page_id(id), &now).await;
        assert_eq!(written, Err(StoreError::Conflict), "{of} {id}");
        assert_eq!(read.page(&tenant_id(of), &page_id(id)).await.unwrap(), None);
    }
}

async fn a_tenant_has_the_webhook_that_was_set_last(config: &impl Config) {
    assert_eq!(config.read().webhook_of(&tenant()).await.unwrap(), None);
    for url in ["https://a.example/hook", "https://b.example/hook"] {
        config.set_webhook(a_webhook("acme", url)).await;
        assert_eq!(config.read().webhook_of(&tenant()).await.unwrap(), Some(a_webhook("acme", url)));
    }
}

async fn a_tenant_has_the_rules_that_were_set_last(config: &impl Config) {
    assert_eq!(config.read().rules(&tenant()).await.unwrap(), None);
    for version in [1, 2] {
        let rule = json!([{"id": format!("r{version}"), "events": ["a"], "fire": [{"event_name": "Lead"}]}]);
        let set = RuleSet { version, rules: parse(&rule).unwrap() };
        config.set_rules(set.clone()).await;
        assert_eq!(config.read().rules(&tenant()).await.unwrap(), Some(set));
    }
    assert_eq!(config.read().rules(&tenant_id("other")).await.unwrap(), None);
}

#[tokio::test]
async fn people_see_the_health_that_dispatch_wrote() {
    let client = crate::support::dynamodb().await;
    let table = Table::new(client, crate::support::TABLE.to_owned());
    Config::add_pixel(&table).await;
    table.config.set_pixel_health(&tenant(), &pixel(), &connection_id(), &sick()).await.unwrap();
    table.config.set_connection_health(&tenant(), &connection_id(), 1, &sick()).await.unwrap();
    let seen: Revised<Pixel> = table.admin.get(&tenant(), &pixel()).await.unwrap().unwrap();
    assert_eq!(seen, Revised { value: Pixel { health: sick(), ..a_pixel() }, revision: 1 });
    let seen: Revised<Connection> = table.admin.get(&tenant(), &connection_id()).await.unwrap().unwrap();
    assert_eq!(seen, Revised { value: Connection { health: sick(), ..a_connection() }, revision: 1 });
}
