//! Deliveries of Meta's lead webhook, made by hand.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::now_s;

/// The value of `X-Hub-Signature-256` for a body.
///
/// # Errors
/// Never: a key of HMAC may have any length.
pub fn signature(app_secret: &str, body: &[u8]) -> anyhow::Result<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(app_secret.as_bytes())?;
    mac.update(body);
    Ok(format!("sha256={}", hex::encode(mac.finalize().into_bytes())))
}

/// The body that announces leads of a form.
#[must_use]
pub fn announcement(page: &str, form: &str, leads: &[String]) -> Vec<u8> {
    let change = |lead: &String| {
        json!({"field": "leadgen", "value": {"leadgen_id": lead, "page_id": page, "form_id": form,
            "created_time": now_s()}})
    };
    let changes: Vec<Value> = leads.iter().map(change).collect();
    let entry = json!({"id": page, "time": now_s(), "changes": changes});
    json!({"object": "page", "entry": [entry]}).to_string().into_bytes()
}
