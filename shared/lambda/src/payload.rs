//! What Lambda hands over: an HTTP request of API Gateway (payload format 2.0), a batch of SQS, or a schedule's tick.

use std::panic::catch_unwind;

use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use lambda_http::request::LambdaRequest;
use lambda_http::{Body, Request, Response};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::problem::Problem;
use crate::sqs::{BatchResponse, SqsEvent};

/// An invocation's payload.
#[derive(Debug)]
pub enum Payload {
    /// A request.
    Http(Box<Request>),
    /// A batch.
    Sqs(SqsEvent),
    /// EventBridge: it is time.
    Tick,
    /// A request that can't be made sense of.
    Malformed,
}

impl Payload {
    /// Reads a payload.
    ///
    /// # Errors
    /// Where it is of none of these kinds.
    pub fn parse(raw: &RawValue) -> Result<Self, serde_json::Error> {
        let text = raw.get();
        // Looked at once: a megabyte of JSON takes a millisecond to read.
        if is_batch(text) {
            return serde_json::from_str(text).map(Self::Sqs);
        }
        if is_tick(text) {
            return Ok(Self::Tick);
        }
        // lambda_http panics where a URI can't be built from what the gateway passed on.
        let request = catch_unwind(|| {
            let event: ApiGatewayV2httpRequest = serde_json::from_str(text)?;
            Ok(Box::new(Request::from(LambdaRequest::ApiGatewayV2(event))))
        });
        match request {
            Ok(Ok(request)) => Ok(Self::Http(request)),
            Ok(Err(error)) => serde_json::from_str(text).map(Self::Sqs).map_err(|_| error),
            Err(_) => Ok(Self::Malformed),
        }
    }

    /// The answer to [`Self::Malformed`].
    #[must_use]
    pub fn malformed() -> Response<Body> {
        Problem::new(400, "request_malformed", "The request can't be read.").into_response()
    }
}

/// Lambda writes `Records` as a batch's only field.
fn is_batch(text: &str) -> bool {
    let fields = text.trim_start().strip_prefix('{');
    fields.is_some_and(|fields| fields.trim_start().starts_with(r#""Records""#))
}

/// A rule with a schedule sends a document of this `detail-type` (AWS: EventBridge, scheduled rules).
fn is_tick(text: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Document<'a> {
        #[serde(borrow, rename = "detail-type")]
        detail_type: Option<&'a str>,
    }
    const MAX_BYTES: usize = 4 * 1024;
    let document = || serde_json::from_str::<Document<'_>>(text).ok();
    text.len() <= MAX_BYTES
        && text.contains("detail-type")
        && document().is_some_and(|document| document.detail_type == Some("Scheduled Event"))
}

/// The answer to each kind.
#[derive(Debug)]
pub enum Answer {
    /// To a request.
    Http(Response<Body>),
    /// To a batch.
    Sqs(BatchResponse),
    /// To a tick: nothing.
    Done,
}

impl Serialize for Answer {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Http<'a> {
            status_code: u16,
            headers: std::collections::BTreeMap<&'a str, &'a str>,
            body: &'a str,
            is_base64_encoded: bool,
        }
        match self {
            Self::Sqs(batch) => batch.serialize(serializer),
            Self::Done => serializer.serialize_none(),
            Self::Http(response) => {
                let headers = response.headers().iter();
                let body = match response.body() {
                    Body::Text(text) => text.as_str(),
                    _ => "",
                };
                let headers =
                    headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
                let status_code = response.status().as_u16();
                Http { status_code, headers, body, is_base64_encoded: false }.serialize(serializer)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_ticks() {
        let raw = |json: &str| RawValue::from_string(json.to_owned()).unwrap();
        let tick = r#"{"version":"0","id":"1","detail-type":"Scheduled Event","source":"aws.events","resources":[],"detail":{}}"#;
        assert!(matches!(Payload::parse(&raw(tick)).unwrap(), Payload::Tick));
        let other = tick.replace("Scheduled Event", "Object Created");
        assert!(Payload::parse(&raw(&other)).is_err());
        let request = r#"{"version":"2.0","rawPath":"/x","headers":{},"body":"\"detail-type\":\"Scheduled Event\"","requestContext":{"http":{"method":"GET"},"timeEpoch":0},"isBase64Encoded":false}"#;
        assert!(matches!(Payload::parse(&raw(request)).unwrap(), Payload::Http(_)));
    }

    #[test]
    fn tells_requests_from_batches() {
        let raw = |json: &str| RawValue::from_string(json.to_owned()).unwrap();
        let batch = Payload::parse(&raw(r#"{"Records":[{"messageId":"m","body":"{}"}]}"#)).unwrap();
        assert!(matches!(batch, Payload::Sqs(event) if event.records.len() == 1));
        let http = r#"{"version":"2.0","rawPath":"/x","headers":{},"requestContext":{"http":{"method":"GET"},"timeEpoch":0},"isBase64Encoded":false}"#;
        assert!(matches!(Payload::parse(&raw(http)).unwrap(), Payload::Http(_)));
        assert!(Payload::parse(&raw("{}")).is_err());
    }

    #[test]
    fn what_the_gateway_passes_on_can_be_odd_and_is_never_a_panic() {
        let event = |host: &str, body: &str| {
            let json = serde_json::json!({"version": "2.0", "rawPath": "/x", "headers": {"host": host},
                "requestContext": {"http": {"method": "POST"}, "timeEpoch": 0}, "body": body, "isBase64Encoded": true});
            Payload::parse(&serde_json::value::to_raw_value(&json).unwrap()).unwrap()
        };
        assert!(
            matches!(event("api.example.com", "e30="), Payload::Http(request) if **request.body() == *b"{}")
        );
        assert!(matches!(event("api.example.com", "no base64"), Payload::Malformed));
        assert!(matches!(event("[", "e30="), Payload::Malformed));
        assert_eq!(Payload::malformed().status(), 400);
    }

    #[test]
    fn an_answer_is_in_payload_format_2() {
        let answer = Answer::Http(crate::respond::disabled());
        let value = serde_json::to_value(&answer).unwrap();
        assert_eq!(value["statusCode"], 200);
        assert_eq!(value["body"], r#"{"disabled":true}"#);
        assert_eq!(value["headers"]["content-type"], "application/json");
    }
}
