//! What becomes of a batch's records, with receivers that are really called.

use std::time::Duration;

use adrelay_core::ports::outside::{OutsideCall, OutsideCaller as _, OutsideFault};
use adrelay_core::retry::Backoff;
use adrelay_core::time::UnixMillis;
use adrelay_lambda::sqs::{SqsEvent, SqsRecord};
use adrelay_lambda::start::Function as _;
use adrelay_outside::{Outside, OutsideConfig};
use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::routing::post;
use fakes::{JobPorts, KEYRING_PII, MemoryFiles, MemoryLeads};
use job_worker::JobWorkerFunction;
use job_worker::receivers::Receivers;

fn function() -> JobWorkerFunction<JobPorts> {
    let settings = adrelay_core::jobs::Settings {
        keyring_tokens: KEYRING_PII.to_owned(),
        keyring_pii: KEYRING_PII.to_owned(),
        resend_s: Backoff { base_ms: 10, max_ms: 900 },
        webhook_tries_max: 12,
        part_bytes: adrelay_core::jobs::PART_BYTES,
    };
    let ports = JobPorts::over(MemoryLeads::default(), MemoryFiles::default());
    JobWorkerFunction::new(adrelay_core::jobs::JobWorker::new(ports, settings))
}

fn record(id: &str, body: &str) -> SqsRecord {
    SqsRecord { message_id: id.to_owned(), body: body.to_owned() }
}

const EXPORT: &str = r#"{"kind":"export","v":1,"tenant":"acme","job":"job_1","attempt":0}"#;

#[tokio::test]
async fn an_unreadable_record_fails_alone() {
    let records =
        vec![record("good", EXPORT), record("bad", "{}"), record("newer", &EXPORT.replace(":1,", ":2,"))];
    let answer = function().sqs(SqsEvent { records }, UnixMillis(i64::MAX)).await;
    let failed: Vec<&str> = answer.failures.iter().map(|failure| failure.id.as_str()).collect();
    assert_eq!(failed, ["bad", "newer"]);
}

#[tokio::test]
async fn what_can_not_even_be_sent_anew_is_received_again() {
    let function = function();
    function.worker().ports().jobs.set_down(true);
    function.worker().ports().queue.set_refusing(true);
    let answer = function.sqs(SqsEvent { records: vec![record("a", EXPORT)] }, UnixMillis(i64::MAX)).await;
    assert_eq!(answer.failures.len(), 1);
    function.worker().ports().queue.set_refusing(false);
    let answer = function.sqs(SqsEvent { records: vec![record("a", EXPORT)] }, UnixMillis(i64::MAX)).await;
    assert_eq!(answer.failures, []);
    let anew = EXPORT.replace("\"attempt\":0", "\"attempt\":1");
    assert_eq!(function.worker().ports().queue.bodies(), [anew]);
}

/// A receiver on this machine; its address.
async fn receiver() -> std::io::Result<String> {
    let headers = |request: Request| async move {
        let id = request.headers().get("webhook-id").is_some_and(|id| id == "msg_1");
        if id { StatusCode::NO_CONTENT } else { StatusCode::BAD_REQUEST }
    };
    let app = Router::new()
        .route("/well", post(headers))
        .route("/broken", post(async || StatusCode::INTERNAL_SERVER_ERROR))
        .route("/hangs", post(std::future::pending::<StatusCode>));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(format!("http://{address}"))
}

#[tokio::test]
async fn receivers_answers_and_failures_reach_the_worker_as_they_are() {
    let base = receiver().await.unwrap();
    let config = OutsideConfig {
        loopback_allowed: true,
        total_timeout: Duration::from_millis(300),
        ..OutsideConfig::default()
    };
    let receivers = Receivers(Outside::new(&config).unwrap());
    let call = |url: String| {
        let headers = vec![("webhook-id", "msg_1".to_owned())];
        receivers.post(OutsideCall { url, headers, body: b"{}".to_vec() })
    };
    assert_eq!(call(format!("{base}/well")).await, Ok(204));
    assert_eq!(call(format!("{base}/broken")).await, Ok(500));
    assert_eq!(call(format!("{base}/hangs")).await, Err(OutsideFault { code: "timeout" }));
    assert_eq!(call("http://127.0.0.1:1/".to_owned()).await, Err(OutsideFault { code: "refused" }));
}
