//! Secrets: cached, read anew at most once a minute, served stale where Secrets Manager refuses.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use adrelay_aws::secrets::SecretsManager;
use adrelay_core::ports::StoreError;
use adrelay_core::ports::secrets::Secrets as _;
use adrelay_core::time::UnixMillis;
use fakes::VirtualClock;
use serde_json::json;

use crate::stub::Stub;

struct Rig {
    stub: Stub,
    clock: VirtualClock,
    refusing: Arc<AtomicBool>,
    secrets: SecretsManager<VirtualClock>,
}

/// Secrets Manager that gives `value 0`, `value 1`, … by the number of the call, or refuses.
async fn rig() -> Rig {
    let refusing = Arc::new(AtomicBool::new(false));
    let refuses = Arc::clone(&refusing);
    let stub = Stub::start(move |nth, _| {
        if refuses.load(Ordering::SeqCst) {
            return (400, json!({"__type": "AccessDeniedException", "message": "no"}));
        }
        (200, json!({"Name": "s", "SecretString": format!("value {nth}")}))
    })
    .await;
    let clock = VirtualClock::at(UnixMillis(1_000_000));
    let secrets = SecretsManager::new(stub.sdk().secrets_manager(), clock.clone());
    Rig { stub, clock, refusing, secrets }
}

impl Rig {
    async fn get(&self) -> String {
        self.secrets.secret("arn:s").await.unwrap().expose().to_owned()
    }

    async fn refresh(&self) -> String {
        self.secrets.refresh("arn:s").await.unwrap().expose().to_owned()
    }
}

#[tokio::test]
async fn a_secret_is_read_once_in_five_minutes() {
    let rig = rig().await;
    assert_eq!(rig.get().await, "value 0");
    rig.clock.advance_ms(299_999);
    assert_eq!(rig.get().await, "value 0");
    rig.clock.advance_ms(1);
    assert_eq!(rig.get().await, "value 1");
    let calls = rig.stub.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(
        (calls[0].operation.as_str(), &calls[0].input["SecretId"]),
        ("GetSecretValue", &json!("arn:s"))
    );
}

#[tokio::test]
async fn a_failed_authentication_reads_anew_once_a_minute() {
    let rig = rig().await;
    assert_eq!(rig.get().await, "value 0");
    assert_eq!(rig.refresh().await, "value 0", "read just now");
    rig.clock.advance_ms(60_000);
    assert_eq!(rig.refresh().await, "value 1");
    assert_eq!(rig.refresh().await, "value 1");
    assert_eq!(rig.get().await, "value 1");
    assert_eq!(rig.stub.calls().len(), 2);
}

#[tokio::test]
async fn a_refusal_leaves_the_old_secret_in_use_and_is_not_repeated_at_each_call() {
    let rig = rig().await;
    assert_eq!(rig.get().await, "value 0");
    rig.refusing.store(true, Ordering::SeqCst);
    rig.clock.advance_ms(300_000);
    assert_eq!(rig.get().await, "value 0");
    assert_eq!(rig.get().await, "value 0");
    assert_eq!(rig.stub.calls().len(), 2);
    rig.refusing.store(false, Ordering::SeqCst);
    rig.clock.advance_ms(60_000);
    assert_eq!(rig.get().await, "value 2", "asked again after a minute");
}

#[tokio::test]
async fn without_a_cached_secret_a_refusal_is_an_error() {
    let rig = rig().await;
    rig.refusing.store(true, Ordering::SeqCst);
    let error = rig.secrets.secret("arn:s").await.unwrap_err();
    assert_eq!(error, StoreError::Unavailable("AccessDeniedException".to_owned()));
}

#[tokio::test]
async fn a_secret_is_as_old_as_when_it_was_asked_for() {
    let clock = VirtualClock::at(UnixMillis(0));
    let slow = clock.clone();
    let stub = Stub::start(move |nth, _| {
        slow.advance_ms(if nth == 0 { 10_000 } else { 0 });
        (200, json!({"Name": "s", "SecretString": format!("value {nth}")}))
    })
    .await;
    let secrets = SecretsManager::new(stub.sdk().secrets_manager(), clock.clone());
    assert_eq!(secrets.secret("arn:s").await.unwrap().expose(), "value 0");
    clock.advance_to(UnixMillis(60_000));
    assert_eq!(
        secrets.refresh("arn:s").await.unwrap().expose(),
        "value 1",
        "a minute after it was asked for"
    );
    clock.advance_to(UnixMillis(359_999));
    assert_eq!(secrets.secret("arn:s").await.unwrap().expose(), "value 1");
    clock.advance_to(UnixMillis(360_000));
    assert_eq!(secrets.secret("arn:s").await.unwrap().expose(), "value 2");
}

#[tokio::test]
async fn each_secret_is_remembered_by_itself_and_by_all_clones() {
    let stub = Stub::start(|_, input| {
        let id = input["SecretId"].as_str().unwrap();
        (200, json!({"Name": "s", "SecretString": format!("value of {id}")}))
    })
    .await;
    let secrets = SecretsManager::new(stub.sdk().secrets_manager(), VirtualClock::at(UnixMillis(0)));
    for _ in 0..2 {
        for id in ["arn:a", "arn:b"] {
            let clone = secrets.clone();
            assert_eq!(clone.secret(id).await.unwrap().expose(), format!("value of {id}"));
        }
    }
    assert_eq!(stub.calls().len(), 2);
}

#[tokio::test]
async fn a_failed_authentication_while_secrets_manager_refuses_keeps_what_was_read() {
    let rig = rig().await;
    assert_eq!(rig.get().await, "value 0");
    rig.refusing.store(true, Ordering::SeqCst);
    rig.clock.advance_ms(60_000);
    for _ in 0..3 {
        assert_eq!(rig.refresh().await, "value 0");
    }
    assert_eq!(rig.stub.calls().len(), 2, "not asked at each failed authentication");
    rig.clock.advance_ms(60_000);
    rig.refusing.store(false, Ordering::SeqCst);
    assert_eq!(rig.refresh().await, "value 2");
}

#[tokio::test]
async fn a_secret_without_a_text_is_an_error_until_there_was_one() {
    let stub = Stub::start(|nth, _| match nth {
        1 => (200, json!({"Name": "s", "SecretString": "value"})),
        _ => (200, json!({"Name": "s", "SecretBinary": "AAAA"})),
    })
    .await;
    let clock = VirtualClock::at(UnixMillis(0));
    let secrets = SecretsManager::new(stub.sdk().secrets_manager(), clock.clone());
    let empty = StoreError::Unavailable("the secret is empty".to_owned());
    assert_eq!(secrets.secret("arn:s").await.unwrap_err(), empty);
    assert_eq!(secrets.secret("arn:s").await.unwrap().expose(), "value");
    clock.advance_ms(300_000);
    assert_eq!(secrets.secret("arn:s").await.unwrap().expose(), "value");
}
