//! What is queued of an event that is not to be sent: enough for its receipt, and nothing of its person.

use super::prepare::AcceptedEvent;
use super::raw::push_text;
use crate::message::EventHead;

impl AcceptedEvent {
    /// The same event, not to be sent for `reason`, a stable code of ≤ [`crate::message::MAX_SKIP_REASON_BYTES`]:
    /// user_data, custom_data and URLs are gone. Packed like any other, it gets the receipt `skipped` with that reason.
    ///
    /// # Errors
    /// Where `json` is no event; never for what [`super::prepare()`] made.
    pub fn into_skipped(self, reason: &'static str) -> Result<Self, serde_json::Error> {
        let head: EventHead = serde_json::from_str(&self.json)?;
        let mut json =
            String::with_capacity(160 + head.event_name.as_str().len() + head.event_id.as_str().len());
        json.push_str(r#"{"event_name":"#);
        push_text(&mut json, head.event_name.as_str());
        json.push_str(r#","event_time":"#);
        json.push_str(&head.event_time.to_string());
        json.push_str(r#","action_source":"#);
        push_text(&mut json, &head.action_source);
        json.push_str(r#","event_id":"#);
        push_text(&mut json, head.event_id.as_str());
        json.push('}');
        Ok(Self { json, skip: Some(reason), ..self })
    }
}
