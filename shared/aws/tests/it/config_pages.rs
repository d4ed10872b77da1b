//! Pages and webhooks: one tenant each, found by Meta's id, and the subscription that lead-worker writes.

use std::collections::BTreeSet;

use adrelay_aws::config::DynamoConfig;
use adrelay_aws::config_admin::DynamoConfigAdmin;
use adrelay_core::config::{Page, Subscription};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::admin::{CreateError, HealthWrite, Records, Revised, WebhookAdmin as _};
use adrelay_core::ports::config::PageDirectory as _;

use crate::config_data::{a_page, a_webhook, page_id, tenant_id};
use crate::support::{NOON, TABLE, dynamodb, item};

async fn rig() -> (DynamoConfigAdmin, DynamoConfig, aws_sdk_dynamodb::Client) {
    let client = dynamodb().await;
    let admin = DynamoConfigAdmin::new(client.clone(), TABLE.to_owned());
    (admin, DynamoConfig::new(client.clone(), TABLE.to_owned()), client)
}

fn missing() -> Subscription {
    Subscription::Missing { checked_at: NOON, reason: Some("token_invalid".to_owned()) }
}

async fn read(admin: &DynamoConfigAdmin, of: &str, id: &str) -> Option<Revised<Page>> {
    admin.get(&tenant_id(of), &page_id(id)).await.unwrap()
}

#[tokio::test]
async fn a_page_reads_back_and_is_found_by_its_id() {
    let (admin, config, client) = rig().await;
    admin.create(&a_page("acme", "5")).await.unwrap();
    assert_eq!(read(&admin, "acme", "5").await, Some(Revised { value: a_page("acme", "5"), revision: 1 }));
    assert_eq!(config.page(&tenant_id("acme"), &page_id("5")).await.unwrap(), Some(a_page("acme", "5")));
    assert_eq!(config.page_owner(&page_id("5")).await.unwrap(), Some(tenant_id("acme")));
    assert_eq!(config.page_owner(&page_id("6")).await.unwrap(), None);
    assert_eq!(config.page(&tenant_id("other"), &page_id("5")).await.unwrap(), None);
    for (pk, sk, expected) in
        [("PAGEID#5", "OWNER", vec!["tenant"]), ("PAGES", "acme#5", vec!["id", "tenant"])]
    {
        let found = item(&client, pk, sk).await.unwrap();
        let names: BTreeSet<&str> = found.keys().map(String::as_str).collect();
        let bookkeeping = BTreeSet::from(["pk", "sk", "v"]);
        assert_eq!(names.difference(&bookkeeping).copied().collect::<Vec<_>>(), expected, "{pk}");
    }
}

#[tokio::test]
async fn a_page_belongs_to_one_tenant_until_it_is_removed() {
    let (admin, config, _) = rig().await;
    admin.create(&a_page("acme", "5")).await.unwrap();
    assert_eq!(admin.create(&a_page("acme", "5")).await, Err(CreateError::Exists));
    assert_eq!(admin.create(&a_page("other", "5")).await, Err(CreateError::Taken));
    assert_eq!(read(&admin, "other", "5").await, None, "a refused creation leaves nothing behind");
    assert_eq!(config.pages(None, 10).await.unwrap(), [(tenant_id("acme"), page_id("5"))]);
    admin.delete(&a_page("acme", "5")).await.unwrap();
    assert_eq!(admin.delete(&a_page("acme", "5")).await, Err(StoreError::Conflict));
    admin.create(&a_page("other", "5")).await.unwrap();
    assert_eq!(config.page_owner(&page_id("5")).await.unwrap(), Some(tenant_id("other")));
    assert_eq!(config.pages(None, 10).await.unwrap(), [(tenant_id("other"), page_id("5"))]);
}

#[tokio::test]
async fn a_subscription_survives_an_update_that_does_not_mean_it() {
    let (admin, config, _) = rig().await;
    admin.create(&a_page("acme", "5")).await.unwrap();
    let mut before = read(&admin, "acme", "5").await.unwrap();
    config.set_subscription(&tenant_id("acme"), &page_id("5"), &missing()).await.unwrap();

    before.value.enabled = false;
    admin.update(&before, HealthWrite::Keep).await.unwrap();
    let mut now = read(&admin, "acme", "5").await.unwrap();
    assert_eq!((now.value.enabled, &now.value.subscription, now.revision), (false, &missing(), 2));
    let seen = config.page(&tenant_id("acme"), &page_id("5")).await.unwrap().unwrap();
    assert_eq!((seen.enabled, seen.subscription), (false, missing()));
    let listed = Records::<Page>::list(&admin, &tenant_id("acme"), None, 10).await.unwrap();
    assert_eq!(listed.items, [now.value.clone()]);

    now.value.subscription = Subscription::Subscribed { checked_at: NOON };
    admin.update(&now, HealthWrite::Replace).await.unwrap();
    let seen = config.page(&tenant_id("acme"), &page_id("5")).await.unwrap().unwrap();
    assert_eq!(seen.subscription, Subscription::Subscribed { checked_at: NOON });
}

#[tokio::test]
async fn a_tenant_has_one_webhook() {
    let (admin, config, _) = rig().await;
    assert_eq!(config.webhook_of(&tenant_id("acme")).await.unwrap(), None);
    for url in ["https://a.example/hook", "https://b.example/hook"] {
        admin.put_webhook(&a_webhook("acme", url)).await.unwrap();
    }
    let expected = a_webhook("acme", "https://b.example/hook");
    assert_eq!(config.webhook_of(&tenant_id("acme")).await.unwrap(), Some(expected.clone()));
    assert_eq!(admin.webhook(&tenant_id("acme")).await.unwrap(), Some(expected));
    assert_eq!(admin.webhook(&tenant_id("other")).await.unwrap(), None);
    for _ in 0..2 {
        admin.delete_webhook(&tenant_id("acme")).await.unwrap();
    }
    assert_eq!(config.webhook_of(&tenant_id("acme")).await.unwrap(), None);
}
