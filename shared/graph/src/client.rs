//! The client: one call, one classified outcome, no retry of its own.

use std::error::Error as _;
use std::time::Duration;

use adrelay_core::ids::PixelId;
use adrelay_core::ports::leads_api::Answered;
use adrelay_core::ports::meta::{
    CapiAnswer, CapiRequest, ConversionsApi, Credentials, Failure, MetaError, Usage, Verdict,
};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, RequestBuilder, Response, redirect, retry};
use serde_json::{Map, Value};

use crate::answer::{Answer, id_and_name};
use crate::body::capi_body;
use crate::call::Call;
use crate::config::{GraphConfig, GraphConfigError, Root};
use crate::proof::appsecret_proof;
use crate::redact::Redactor;
use crate::usage::Reported;

/// How long a connection may idle before it is given up. Lambda freezes a function between invocations, and what
/// Meta has closed meanwhile is better not written to: the outcome would not be known.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The most characters of a transport error's description.
const MAX_FAULT_CHARS: usize = 500;

/// Headers that may name an answer's trace id.
const TRACE_HEADERS: [&str; 2] = ["x-fb-trace-id", "x-fb-request-id"];

/// A client of the Graph API. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Graph {
    client: Client,
    root: Root,
    max_response_bytes: usize,
    /// Read by calls that list objects.
    pub(crate) max_list_bytes: usize,
}

/// What Meta calls an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its id, decimal text.
    pub id: String,
    /// Its name, where Meta tells it.
    pub name: Option<String>,
}

/// A whole answer.
struct Received {
    http_status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Graph {
    /// Makes a client. Reads the machine's root certificates; connects only when it is first called.
    ///
    /// # Errors
    /// [`GraphConfigError`] names the setting that is at fault.
    pub fn new(config: &GraphConfig) -> Result<Self, GraphConfigError> {
        let root = config.root()?;
        let client = Client::builder()
            .tls_backend_preconfigured(adrelay_tls::client_config(root.https)?)
            .https_only(root.https)
            .redirect(redirect::Policy::none())
            .referer(false)
            .retry(retry::never())
            // A proxy named by the environment would be one more party to see tokens.
            .no_proxy()
            .connect_timeout(config.connect_timeout)
            .timeout(config.total_timeout)
            .pool_idle_timeout(POOL_IDLE_TIMEOUT)
            .user_agent(concat!("adrelay/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| GraphConfigError::Client(error.without_url()))?;
        let GraphConfig { max_response_bytes, max_list_bytes, .. } = *config;
        Ok(Self { client, root, max_response_bytes, max_list_bytes })
    }

    /// Asks Meta whose token this is: `GET /me?fields=id,name`.
    ///
    /// # Errors
    /// [`Failure`] as for events; [`Verdict::Token`] for a token that is dead.
    pub async fn verify_token(&self, credentials: &Credentials) -> Result<Named, Failure> {
        self.named(credentials, "me").await
    }

    /// Asks Meta for a pixel, which shows that the token may see it: `GET /{pixel}?fields=id,name`.
    ///
    /// # Errors
    /// [`Failure`] as for events; [`Verdict::Permission`] for a pixel that is unknown, or not assigned to the token.
    pub async fn pixel(&self, credentials: &Credentials, pixel: &PixelId) -> Result<Named, Failure> {
        self.named(credentials, pixel.as_str()).await
    }

    async fn named(&self, credentials: &Credentials, object: &str) -> Result<Named, Failure> {
        let proof = appsecret_proof(credentials);
        let redactor = Redactor::new(credentials, proof.as_deref());
        let path = [object];
        let call = Call::get(&path).with(&[("fields", "id,name")]);
        let read =
            |object: &Map<String, Value>| id_and_name(object, &redactor).map(|(id, name)| Named { id, name });
        self.call(credentials, call, read).await.result
    }

    /// Makes a call and lets `read` find in its answer what it was made for.
    ///
    /// An answer in which `read` finds nothing leaves the outcome unknown.
    pub(crate) async fn call<T>(
        &self,
        credentials: &Credentials,
        call: Call<'_>,
        read: impl FnOnce(&Map<String, Value>) -> Option<T>,
    ) -> Answered<T> {
        let proof = appsecret_proof(credentials);
        let redactor = Redactor::new(credentials, proof.as_deref());
        let max_bytes = call.max_bytes.unwrap_or(self.max_response_bytes);
        let request = call.request(&self.client, &self.root, proof.as_deref());
        let received = match self.exchange(request, credentials, &redactor, max_bytes).await {
            Ok(received) => received,
            Err(failure) => return Answered { result: Err(failure), usage: Usage::default() },
        };
        let reported = Reported::read(&received.headers);
        let answer = received.answer(reported);
        let result = answer.object(&redactor).and_then(|object| {
            read(&object).ok_or_else(|| answer.without_envelope("answer does not hold what was asked for"))
        });
        Answered { result, usage: reported.usage }
    }

    async fn exchange(
        &self,
        request: RequestBuilder,
        credentials: &Credentials,
        redactor: &Redactor<'_>,
        max_bytes: usize,
    ) -> Result<Received, Failure> {
        let Some(authorization) = bearer(credentials) else {
            let message = "the token holds characters that no header can carry".to_owned();
            let error = MetaError { message, ..MetaError::default() };
            return Err(Failure { verdict: Verdict::Token, error });
        };
        let sent = request.header(AUTHORIZATION, authorization).send().await;
        let response = sent.map_err(|error| unanswered(error, redactor))?;
        let (http_status, headers) = (response.status().as_u16(), response.headers().clone());
        match read_limited(response, max_bytes).await {
            Ok(body) => Ok(Received { http_status, headers, body }),
            Err(cut) => {
                let received = Received { http_status, headers, body: Vec::new() };
                let answer = received.answer(Reported::read(&received.headers));
                let mut failure = answer.without_envelope(&cut.describe(redactor));
                // A status alone does not tell what Meta refused, unless the fault is plainly its own.
                if failure.verdict != Verdict::Retry {
                    failure.verdict = Verdict::UnknownOutcome;
                }
                Err(failure)
            }
        }
    }
}

impl ConversionsApi for Graph {
    async fn send(&self, request: CapiRequest<'_>) -> CapiAnswer {
        let credentials = request.credentials;
        let proof = appsecret_proof(credentials);
        let redactor = Redactor::new(credentials, proof.as_deref());
        let url = self.root.join(&[request.pixel_id.as_str(), "events"]);
        let call = self
            .client
            .post(url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(capi_body(&request, proof.as_deref()));
        match self.exchange(call, credentials, &redactor, self.max_response_bytes).await {
            Ok(received) => {
                let reported = Reported::read(&received.headers);
                CapiAnswer { result: received.answer(reported).accepted(&redactor), usage: reported.usage }
            }
            Err(failure) => CapiAnswer { result: Err(failure), usage: Usage::default() },
        }
    }
}

impl Received {
    fn answer(&self, reported: Reported) -> Answer<'_> {
        let trace = |name: &&str| self.headers.get(*name).and_then(|value| value.to_str().ok());
        Answer {
            http_status: self.http_status,
            header_trace: TRACE_HEADERS.iter().find_map(trace),
            wait_at_limit_ms: reported.wait_at_limit_ms(),
            body: &self.body,
        }
    }
}

fn bearer(credentials: &Credentials) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", credentials.token.expose())).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Why an answer could not be read to its end.
enum Cut {
    TooLarge(usize),
    Broken(reqwest::Error),
}

impl Cut {
    fn describe(self, redactor: &Redactor<'_>) -> String {
        match self {
            Self::TooLarge(limit) => format!("answer is larger than {limit} bytes"),
            Self::Broken(error) => format!("answer was cut off: {}", describe(error, redactor)),
        }
    }
}

async fn read_limited(mut response: Response, max_bytes: usize) -> Result<Vec<u8>, Cut> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Cut::Broken)? {
        if chunk.len() > max_bytes - body.len() {
            return Err(Cut::TooLarge(max_bytes));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// A call without an answer: known not to have been carried out only where there was no connection.
fn unanswered(error: reqwest::Error, redactor: &Redactor<'_>) -> Failure {
    let unsent = error.is_connect() || error.is_builder();
    let verdict = if unsent { Verdict::Retry } else { Verdict::UnknownOutcome };
    let message = describe(error, redactor);
    Failure { verdict, error: MetaError { message, ..MetaError::default() } }
}

/// The error and its causes, without URL.
fn describe(error: reqwest::Error, redactor: &Redactor<'_>) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    redactor.text(&text, MAX_FAULT_CHARS)
}
