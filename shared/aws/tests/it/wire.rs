//! The wire between the SDK and DynamoDB: it keeps what it was asked, and a test may cut pages short, leave keys
//! unprocessed, refuse a call, lose an answer, or let another writer go first.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents, SharedHttpClient};
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

/// A call that the SDK makes.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// `Query`, `PutItem`, …
    pub(crate) operation: String,
    /// Which call it is of its operation, from 0.
    pub(crate) nth: usize,
    /// Which call it is of all, from 0.
    pub(crate) of_all: usize,
    pub(crate) input: Value,
}

/// What becomes of a call.
pub(crate) enum Turn {
    /// DynamoDB answers it.
    Pass,
    /// DynamoDB answers it, after this has happened.
    After(BoxFuture<'static, ()>),
    /// DynamoDB is asked this instead, and its answer changed.
    Changed(Value, Box<dyn FnOnce(&mut Value) + Send>),
    /// DynamoDB is not asked: the answer is this.
    Answered(Value),
    /// DynamoDB is not asked: the call fails with this code.
    Refused(&'static str),
    /// DynamoDB does it, but the caller gets this code.
    Lost(&'static str),
    /// DynamoDB is not asked: the call fails with this body.
    Failed(Value),
}

/// Refuses a call for good: the SDK does not try again.
pub(crate) const DENIED: &str = "AccessDeniedException";

type Script = dyn Fn(&Call) -> Turn + Send + Sync;

/// The wire of one client. Clones share it.
#[derive(Clone)]
pub(crate) struct Wire {
    calls: Arc<Mutex<Vec<Call>>>,
    script: Arc<Script>,
    inner: SharedHttpClient,
}

impl Wire {
    /// A client of the same DynamoDB whose calls go by `script`. It makes each call once.
    pub(crate) fn between(
        client: &Client,
        script: impl Fn(&Call) -> Turn + Send + Sync + 'static,
    ) -> (Client, Self) {
        let inner = aws_smithy_http_client::Builder::new().build_http();
        let wire = Self { calls: Arc::default(), script: Arc::new(script), inner };
        let config = client.config().to_builder().http_client(wire.clone());
        let config = config.retry_config(RetryConfig::disabled()).build();
        (Client::from_conf(config), wire)
    }

    /// A client of the same DynamoDB at its stingiest: a page of a query has two items at most, and a third of a
    /// batch's keys is left unprocessed.
    pub(crate) fn stingy(client: &Client) -> Client {
        Self::between(client, stingy).0
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    fn turn(&self, request: &HttpRequest) -> Turn {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let input = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap();
        let call = {
            let mut calls = self.calls.lock().unwrap();
            let nth = calls.iter().filter(|call| call.operation == operation).count();
            let call = Call { operation, nth, of_all: calls.len(), input };
            calls.push(call.clone());
            call
        };
        (self.script)(&call)
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").finish_non_exhaustive()
    }
}

impl HttpClient for Wire {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Connector { wire: self.clone(), inner })
    }
}

#[derive(Debug)]
struct Connector {
    wire: Wire,
    inner: SharedHttpConnector,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (turn, inner) = (self.wire.turn(&request), self.inner.clone());
        HttpConnectorFuture::new(async move {
            match turn {
                Turn::Pass => inner.call(request).await,
                Turn::After(before) => {
                    before.await;
                    inner.call(request).await
                }
                Turn::Changed(input, change) => {
                    let (status, mut output) = ask(&inner, request, &input).await?;
                    change(&mut output);
                    Ok(response(status, &output))
                }
                Turn::Answered(output) => Ok(response(200, &output)),
                Turn::Refused(code) => Ok(response(400, &error(code))),
                Turn::Failed(body) => Ok(response(400, &body)),
                Turn::Lost(code) => {
                    inner.call(request).await?;
                    Ok(response(400, &error(code)))
                }
            }
        })
    }
}

fn error(code: &str) -> Value {
    json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "by script"})
}

fn response(status: u16, body: &Value) -> HttpResponse {
    HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body.to_string()))
}

/// The answer to another input than the SDK gave.
async fn ask(
    inner: &SharedHttpConnector,
    mut request: HttpRequest,
    input: &Value,
) -> Result<(u16, Value), ConnectorError> {
    let body = input.to_string();
    request.headers_mut().insert("content-length", body.len().to_string());
    *request.body_mut() = SdkBody::from(body);
    let mut response = inner.call(request).await?;
    let body = ByteStream::new(response.take_body()).collect().await.unwrap();
    Ok((response.status().as_u16(), serde_json::from_slice(&body.into_bytes()).unwrap()))
}

/// Cuts a query's page after this many items, as DynamoDB does after 1 MB.
pub(crate) fn short_page(call: &Call, items: u64) -> Turn {
    let mut input = call.input.clone();
    let limit = input["Limit"].as_u64().map_or(items, |limit| limit.min(items));
    input["Limit"] = json!(limit);
    Turn::Changed(input, Box::new(|_| ()))
}

/// Leaves so many of a batch's keys unprocessed, the last ones, as DynamoDB does under load.
pub(crate) fn unprocessed(call: &Call, left: impl Fn(usize) -> usize) -> Turn {
    let mut input = call.input.clone();
    let mut unprocessed = HashMap::new();
    for (table, wanted) in input["RequestItems"].as_object_mut().unwrap() {
        let keys = wanted["Keys"].as_array_mut().unwrap();
        let rest = keys.split_off(keys.len() - left(keys.len()));
        if !rest.is_empty() {
            let mut wanted = wanted.clone();
            wanted["Keys"] = Value::Array(rest);
            unprocessed.insert(table.clone(), wanted);
        }
    }
    Turn::Changed(input, Box::new(move |output| output["UnprocessedKeys"] = json!(unprocessed)))
}

fn stingy(call: &Call) -> Turn {
    match call.operation.as_str() {
        "Query" => short_page(call, 2),
        "BatchGetItem" => unprocessed(call, |keys| keys / 3),
        _ => Turn::Pass,
    }
}
