//! Starting a function.

use std::future::Future;
use std::sync::Arc;

use adrelay_core::time::UnixMillis;
use lambda_http::{Body, Request, Response};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::value::RawValue;
use tracing::Instrument as _;

use crate::env::{ConfigError, Env};
use crate::payload::{Answer, Payload};
use crate::sqs::{BatchResponse, SqsEvent};
use crate::telemetry;

/// What a function does with the payloads that it takes. The default is to take none.
pub trait Function: Send + Sync + 'static {
    /// Answers a request that must be answered before `deadline`.
    fn http(&self, request: Request, deadline: UnixMillis) -> impl Future<Output = Response<Body>> + Send {
        let _ = (request, deadline);
        async { crate::problem::Problem::no_route().into_response() }
    }

    /// Works on a batch until `deadline`.
    fn sqs(&self, event: SqsEvent, deadline: UnixMillis) -> impl Future<Output = BatchResponse> + Send {
        let _ = deadline;
        async { BatchResponse::of(event.records.into_iter().map(|record| record.message_id)) }
    }
}

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
        lambda_runtime::run(service_fn(move |event: LambdaEvent<Box<RawValue>>| {
            let function = Arc::clone(&function);
            async move { answer(&*function, event).await }
        }))
        .await
    })
}

/// Answers one invocation; what tests and `serve` have in common.
///
/// # Errors
/// Where the payload is neither a request nor a batch.
pub async fn answer<F: Function>(function: &F, event: LambdaEvent<Box<RawValue>>) -> Result<Answer, Error> {
    let deadline = UnixMillis(i64::try_from(event.context.deadline).unwrap_or(i64::MAX));
    let span = tracing::info_span!("invocation", request_id = event.context.request_id);
    async {
        Ok(match Payload::parse(&event.payload)? {
            Payload::Http(request) => {
                drop(event.payload);
                Answer::Http(function.http(*request, deadline).await)
            }
            Payload::Sqs(batch) => {
                drop(event.payload);
                Answer::Sqs(function.sqs(batch, deadline).await)
            }
            Payload::Malformed => Answer::Http(Payload::malformed()),
        })
    }
    .instrument(span)
    .await
}
