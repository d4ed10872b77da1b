//! What the functions are invoked with: requests of an HTTP API (payload format 2.0) and batches of SQS.

use std::time::{SystemTime, UNIX_EPOCH};

use adrelay_core::seal::Secret;
use axum::body::Bytes;
use serde_json::{Value, json};

/// What conversions come with: a phone's user agent is longer than most.
const PHONE_AGENT: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1";

/// How much earlier a person's first conversion is than the further one, in seconds.
const EARLIER_S: u64 = 2 * 86_400;

const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

/// Makes requests with events that no one has seen before.
pub(crate) struct Requests<'a> {
    key: &'a Secret,
    series: &'static str,
    event_time: u64,
    made: u64,
}

impl<'a> Requests<'a> {
    /// With events that have just happened. Those of one series are no one else's.
    pub(crate) fn new(key: &'a Secret, series: &'static str) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self { key, series, event_time: now.map_or(0, |since| since.as_secs()), made: 0 }
    }

    /// One event.
    pub(crate) fn single(&mut self) -> Bytes {
        let event = self.event();
        self.request("/api/v1/meta/event", &event.to_string())
    }

    /// `events` in one request.
    pub(crate) fn batch(&mut self, events: usize) -> Bytes {
        let events: Vec<Value> = (0..events).map(|_| self.event()).collect();
        self.request("/api/v1/meta/events", &json!({"events": events}).to_string())
    }

    /// A conversion of a person of whom nothing is known yet: the `nth` of this series.
    pub(crate) fn first_conversion(&self, nth: usize) -> Bytes {
        self.conversion(nth, "first", self.event_time - EARLIER_S, "203.0.113.9")
    }

    /// The same person's next one, two days later and from another address, as phones have it.
    pub(crate) fn further_conversion(&self, nth: usize) -> Bytes {
        self.conversion(nth, "further", self.event_time, "198.51.100.23")
    }

    /// A subscription, with what a product knows of its user.
    fn conversion(&self, nth: usize, which: &str, event_time: u64, ip: &str) -> Bytes {
        let series = self.series;
        let url = format!(
            "https://app.example.com/subscribe/thanks?plan=team-{nth}&utm_source=meta&utm_medium=paid&utm_campaign=spring"
        );
        let conversion = json!({
            "event_name": "subscription_purchased",
            "event_id": format!("sub-{series}-{which}-{nth:08}"),
            "event_time": event_time,
            "identity": {
                "email": format!("jane.doe.{series}.{nth}@example.com"),
                "external_id": format!("user-{series}-{nth:08}"),
            },
            "value": 29.00,
            "currency": "EUR",
            "metadata": {"plan": "team", "plan_price": 29.00, "interval": "month"},
            "context": {
                "ip": ip,
                "agent": PHONE_AGENT,
                "fbp": format!("fb.1.1596403881668.{:010}", 1_098_115_397 + nth),
                "url": url,
            },
        });
        self.request("/api/v1/conversions", &conversion.to_string())
    }

    /// What the floor is handed, so that it puts the same bytes on the queue as a function did with `messages`.
    pub(crate) fn for_floor(&self, messages: &[String]) -> Bytes {
        self.request("/floor", &messages.concat())
    }

    /// A purchase with all that a shop knows of its customer.
    fn event(&mut self) -> Value {
        self.made += 1;
        let nth = self.made;
        json!({
            "event_name": "Purchase",
            "event_time": self.event_time,
            "event_id": format!("order-{}-{nth:08}", self.series),
            "event_source_url": format!("https://shop.example.com/thanks?order={nth}"),
            "action_source": "website",
            "user_data": {
                "email": format!("jane.doe.{nth}@example.com"),
                "phone": format!("+1 650 555 {:04}", nth % 10_000),
                "first_name": "Jane",
                "last_name": "Doe",
                "city": "Menlo Park",
                "state": "California",
                "zip": "94025",
                "country": "US",
                "external_id": format!("customer-{nth}"),
                "client_ip_address": "203.0.113.9",
                "client_user_agent": AGENT,
                "fbp": "fb.1.1596403881668.1098115397",
                "fbc": "fb.1.1554763741205.AbCdEfGhIjKlMnOpQrStUvWxYz1234567890",
            },
            "custom_data": {
                "value": 29.99,
                "currency": "USD",
                "order_id": format!("A-{nth}"),
                "content_type": "product",
                "contents": [{"id": "sku-1", "quantity": 1, "item_price": 29.99}],
            },
        })
    }

    fn request(&self, path: &str, body: &str) -> Bytes {
        let route = format!("POST {path}");
        let request = json!({
            "version": "2.0",
            "routeKey": route,
            "rawPath": path,
            "rawQueryString": "",
            "headers": {
                "host": "api.example.com",
                "authorization": format!("Bearer {}", self.key.expose()),
                "content-type": "application/json",
                "x-forwarded-for": "198.51.100.7",
            },
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "bench",
                "domainName": "api.example.com",
                "domainPrefix": "api",
                "http": {
                    "method": "POST",
                    "path": path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "198.51.100.7",
                    "userAgent": "bench",
                },
                "requestId": "bench",
                "routeKey": route,
                "stage": "$default",
                "time": "21/Nov/2026:00:00:00 +0000",
                "timeEpoch": self.event_time * 1000,
            },
            "body": body,
            "isBase64Encoded": false,
        });
        Bytes::from(request.to_string())
    }
}

/// A batch of messages as the queue's mapping hands it over.
pub(crate) fn sqs_batch(bodies: &[String]) -> Bytes {
    let record = |(nth, body): (usize, &String)| {
        json!({
            "messageId": format!("059f36b4-87a3-44ab-83d2-{nth:012}"),
            "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
            "body": body,
            "attributes": {
                "ApproximateReceiveCount": "1",
                "SentTimestamp": "1795219200000",
                "SenderId": "AIDAIENQZJOLO23YVJ4VO",
                "ApproximateFirstReceiveTimestamp": "1795219200001",
            },
            "messageAttributes": {},
            "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:bench-capi-events",
            "awsRegion": "us-east-1",
        })
    };
    let records: Vec<Value> = bodies.iter().enumerate().map(record).collect();
    Bytes::from(json!({"Records": records}).to_string())
}
