//! Rules: one current set, every version kept, nobody's change lost.

use adrelay_aws::config::DynamoConfig;
use adrelay_aws::config_admin::DynamoConfigAdmin;
use adrelay_core::ids::TenantId;
use adrelay_core::ports::StoreError;
use adrelay_core::ports::rules::{RuleAdmin as _, RuleDirectory as _};
use adrelay_core::rules::{Rule, default_rules, parse};
use serde_json::json;

use crate::support::{NOON, TABLE, dynamodb, partition, tenant};

async fn rig() -> (DynamoConfigAdmin, DynamoConfig, aws_sdk_dynamodb::Client) {
    let client = dynamodb().await;
    let admin = DynamoConfigAdmin::new(client.clone(), TABLE.to_owned());
    (admin, DynamoConfig::new(client.clone(), TABLE.to_owned()), client)
}

fn rules(id: &str) -> Vec<Rule> {
    parse(&json!([{"id": id, "events": ["a"], "fire": [{"event_name": "Lead"}]}])).unwrap()
}

#[tokio::test]
async fn a_tenant_without_rules_has_none() {
    let (admin, config, _) = rig().await;
    assert_eq!(config.rules(&tenant()).await.unwrap(), None);
    assert_eq!(admin.current(&tenant()).await.unwrap(), None);
    assert_eq!(admin.version(&tenant(), 1).await.unwrap(), None);
}

#[tokio::test]
async fn what_people_set_is_read_on_an_events_way_and_every_version_is_kept() {
    let (admin, config, _) = rig().await;
    let shipped = default_rules().unwrap();
    let first = admin.replace(&tenant(), 0, shipped.clone(), "key_1", NOON).await.unwrap();
    assert_eq!((first.set.version, first.changed_by.as_str(), first.changed_at), (1, "key_1", NOON));
    assert_eq!(config.rules(&tenant()).await.unwrap().unwrap().rules, shipped);
    let second = admin.replace(&tenant(), 1, rules("r"), "root", NOON.plus_ms(5)).await.unwrap();
    assert_eq!(config.rules(&tenant()).await.unwrap(), Some(second.set.clone()));
    assert_eq!(admin.current(&tenant()).await.unwrap(), Some(second.clone()));
    assert_eq!(admin.version(&tenant(), 1).await.unwrap(), Some(first));
    assert_eq!(admin.version(&tenant(), 2).await.unwrap(), Some(second));
    let other = TenantId::parse("other").unwrap();
    assert_eq!(config.rules(&other).await.unwrap(), None);
}

#[tokio::test]
async fn a_stale_version_replaces_nothing_and_leaves_nothing() {
    let (admin, _, client) = rig().await;
    admin.replace(&tenant(), 0, rules("first"), "root", NOON).await.unwrap();
    for stale in [0, 2, 7] {
        let late = admin.replace(&tenant(), stale, rules("late"), "root", NOON).await;
        assert_eq!(late, Err(StoreError::Conflict), "{stale}");
    }
    assert_eq!(admin.current(&tenant()).await.unwrap().unwrap().set.rules, rules("first"));
    let stored = partition(&client, "T#acme").await;
    let mut keys: Vec<&str> = stored.iter().map(|item| item["sk"].as_s().unwrap().as_str()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["RULES", "RULES#0000000001"]);
}

#[tokio::test]
async fn of_two_who_change_the_same_version_one_wins() {
    let (admin, _, _) = rig().await;
    admin.replace(&tenant(), 0, rules("first"), "root", NOON).await.unwrap();
    let tenant = tenant();
    let (one, two) = tokio::join!(
        admin.replace(&tenant, 1, rules("one"), "one", NOON),
        admin.replace(&tenant, 1, rules("two"), "two", NOON),
    );
    let won: Vec<_> = [&one, &two].into_iter().filter_map(|result| result.as_ref().ok()).collect();
    let [winner] = won.as_slice() else { panic!("{one:?} {two:?}") };
    assert_eq!(admin.current(&tenant).await.unwrap().as_ref(), Some(*winner));
    assert_eq!(admin.version(&tenant, 2).await.unwrap().as_ref(), Some(*winner));
    assert!([one.err(), two.err()].contains(&Some(StoreError::Conflict)));
}
