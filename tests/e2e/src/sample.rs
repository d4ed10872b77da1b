//! Events that look real. The people in them are made up.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

/// Unix seconds now.
#[must_use]
pub fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// A purchase on a website, with everything that identifies its buyer.
#[must_use]
pub fn purchase(event_id: &str) -> Value {
    json!({
        "event_name": "Purchase",
        "event_time": now_s() - 5,
        "event_id": event_id,
        "action_source": "website",
        "event_source_url": "https://shop.example.com/checkout/thanks",
        "user_data": {
            "email": " John_Smith@Gmail.com ",
            "phone": "+1 (650) 555-1212",
            "first_name": "John",
            "last_name": "Smith",
            "city": "Menlo Park",
            "state": "California",
            "zip": "94025-1234",
            "country": "US",
            "external_id": "user-4711",
            "fbp": "fb.1.1596403881668.1098115397",
            "fbc": "fb.1.1554763741205.AbCdEfGhIjKlMnOpQrStUvWxYz1234567890",
            "client_ip_address": "203.0.113.7",
            "client_user_agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130 Safari/537.36"
        },
        "custom_data": {
            "value": 29.99,
            "currency": "USD",
            "order_id": format!("order-{event_id}"),
            "contents": [{"id": "sku-1", "quantity": 1, "item_price": 29.99}],
            "source_product": "softwarehub"
        }
    })
}

/// A lead that a server knows of.
#[must_use]
pub fn lead(event_id: &str, email: &str) -> Value {
    json!({
        "event_name": "Lead",
        "event_time": now_s() - 5,
        "event_id": event_id,
        "action_source": "system_generated",
        "user_data": {"email": email, "country": "DE"}
    })
}
