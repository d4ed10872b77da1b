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
