//! Starting a function.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use adrelay_core::time::UnixMillis;
use futures_util::FutureExt as _;
use lambda_http::{Body, Request, Response};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::value::RawValue;
use tracing::Instrument as _;
use tracing::field::Empty;

use crate::env::{ConfigError, Env};
use crate::payload::{Answer, Payload};
use crate::problem::Problem;
use crate::sqs::{BatchResponse, SqsEvent};
use crate::{metrics, telemetry};

/// What a function does with the payloads that it takes. The default is to take none.
pub trait Function: Send + Sync + 'static {
    /// Answers a request that must be answered before `deadline`.
    fn http(&self, request: Request, deadline: UnixMillis) -> impl Future<Output = Response<Body>> + Send {
        let _ = (request, deadline);
        async { Problem::no_route().into_response() }
    }

    /// Works on a batch until `deadline`.
    fn sqs(&self, event: SqsEvent, deadline: UnixMillis) -> impl Future<Output = BatchResponse> + Send {
        let _ = deadline;
        async { BatchResponse::of(event.records.into_iter().map(|record| record.message_id)) }
    }

    /// Does what is due, until `deadline`.
    fn tick(&self, deadline: UnixMillis) -> impl Future<Output = Result<(), TickError>> + Send {
        let _ = deadline;
        async { Err(TickError("this function has no schedule".to_owned())) }
    }
}

/// A function that a schedule starts could not do its work. Its text goes to the log: ids and counts only.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TickError(pub String);

/// Runs the function that `wire` makes of the environment, until Lambda ends the process. One thread: a function has
/// one invocation at a time.
///
/// # Errors
/// A [`ConfigError`] that named its variable in the log; or what the runtime fails with.
pub fn serve<F: Function, Fut>(wire: impl FnOnce(Env) -> Fut) -> Result<(), Error>
where
    Fut: Future<Output = Result<F, ConfigError>>,
{
    let env = Env::process();
    telemetry::init(env.log_level().unwrap_or_default());
    if let Some(name) = env.optional("AWS_LAMBDA_FUNCTION_NAME") {
        metrics::name_function(name);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let function = match env.log_level() {
            Ok(_) => wire(env).await,
            Err(error) => Err(error),
        };
        let function = function.inspect_err(|error| {
            tracing::error!(%error, "configuration");
        })?;
        let function = Arc::new(function);
        // Not `lambda_runtime::run`: that adds a span of its own around ours.
        let handler = service_fn(move |event: LambdaEvent<Box<RawValue>>| {
            let function = Arc::clone(&function);
            async move { answer(&*function, event).await.map_err(Error::from) }
        });
        lambda_runtime::Runtime::new(handler).run().await
    })
}

/// An invocation that failed as a whole; Lambda counts it under `Errors`, and SQS delivers the batch again. Its text
/// goes to whoever invoked the function, so it quotes neither payload nor panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvocationError {
    /// The payload is neither a request nor a batch nor a schedule's.
    #[error("the payload is neither an HTTP request nor an SQS batch nor a schedule's")]
    Payload,
    /// The function panicked on a batch or on a schedule's tick.
    #[error("the function panicked")]
    Panicked,
    /// What a schedule started could not be done.
    #[error("the scheduled work failed")]
    Failed,
}

/// Answers one invocation; what tests and `serve` have in common. A request on which the function panics is answered
/// with a 500 problem: the runtime itself would log the panic's text, which may quote data.
///
/// # Errors
/// See [`InvocationError`].
pub async fn answer<F: Function>(
    function: &F,
    event: LambdaEvent<Box<RawValue>>,
) -> Result<Answer, InvocationError> {
    let LambdaEvent { payload, context, .. } = event;
    let deadline = UnixMillis(i64::try_from(context.deadline).unwrap_or(i64::MAX));
    let span = tracing::info_span!("invocation", request_id = context.request_id, tenant = Empty);
    async {
        let parsed = Payload::parse(&payload).map_err(|_| InvocationError::Payload)?;
        drop(payload);
        match parsed {
            Payload::Http(request) => {
                let work = AssertUnwindSafe(boxed(function.http(*request, deadline))).catch_unwind();
                Ok(Answer::Http(work.await.unwrap_or_else(|_| Problem::internal().into_response())))
            }
            Payload::Sqs(batch) => {
                let work = AssertUnwindSafe(boxed(function.sqs(batch, deadline))).catch_unwind();
                work.await.map(Answer::Sqs).map_err(|_| InvocationError::Panicked)
            }
            Payload::Tick => {
                let work = AssertUnwindSafe(boxed(function.tick(deadline))).catch_unwind();
                match work.await {
                    Ok(Ok(())) => Ok(Answer::Done),
                    Ok(Err(error)) => {
                        tracing::error!(%error, "scheduled work failed");
                        Err(InvocationError::Failed)
                    }
                    Err(_) => Err(InvocationError::Panicked),
                }
            }
            Payload::Malformed => Ok(Answer::Http(Payload::malformed())),
        }
    }
    .instrument(span)
    .await
}

/// Keeps a handler's futures, which nest deep, out of the type of the runtime's.
fn boxed<'a, T>(future: impl Future<Output = T> + Send + 'a) -> Pin<Box<dyn Future<Output = T> + Send + 'a>> {
    Box::pin(future)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Panics;

    impl Function for Panics {
        async fn http(&self, _: Request, _: UnixMillis) -> Response<Body> {
            panic!("jane@example.com")
        }

        async fn sqs(&self, _: SqsEvent, _: UnixMillis) -> BatchResponse {
            panic!("jane@example.com")
        }
    }

    async fn invoke(payload: &str) -> Result<Answer, InvocationError> {
        let payload = RawValue::from_string(payload.to_owned()).unwrap();
        answer(&Panics, LambdaEvent::new(payload, lambda_runtime::Context::default())).await
    }

    #[tokio::test]
    async fn a_panic_over_http_is_a_500_that_does_not_quote_it() {
        let request = r#"{"version":"2.0","rawPath":"/x","headers":{},"requestContext":{"http":{"method":"GET"},"timeEpoch":0},"isBase64Encoded":false}"#;
        let answer = serde_json::to_string(&invoke(request).await.unwrap()).unwrap();
        assert!(answer.contains(r#""statusCode":500"#) && answer.contains("internal"), "{answer}");
        assert!(!answer.contains("jane"), "{answer}");
    }

    #[tokio::test]
    async fn a_panic_over_a_batch_fails_the_invocation_without_quoting_it() {
        let error = invoke(r#"{"Records":[{"messageId":"m","body":"jane@example.com"}]}"#).await.unwrap_err();
        assert_eq!(error, InvocationError::Panicked);
        assert!(!format!("{error} {error:?}").contains("jane"));
    }

    #[tokio::test]
    async fn a_tick_of_a_function_without_a_schedule_fails_the_invocation() {
        let error = invoke(r#"{"detail-type":"Scheduled Event","source":"aws.events"}"#).await.unwrap_err();
        assert_eq!(error, InvocationError::Failed);
    }

    #[tokio::test]
    async fn an_unreadable_payload_is_not_quoted() {
        for payload in [r#"{"Records":"jane@example.com"}"#, r#"["jane@example.com"]"#] {
            let error = invoke(payload).await.unwrap_err();
            assert_eq!(error, InvocationError::Payload);
            assert!(!format!("{error} {error:?}").contains("jane"));
        }
    }
}
