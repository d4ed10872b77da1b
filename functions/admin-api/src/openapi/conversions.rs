//! The routes of track-conversion.

use serde_json::{Map, Value, json};

use super::ingest::{content, idempotency_key, post};
use super::reference;

/// Paths of track-conversion.
pub(super) const PATHS: [&str; 3] = ["/api/v1/conversions", "/api/v1/identify", "/api/v1/consent"];

pub(super) fn paths() -> Map<String, Value> {
    let posts =
        [conversions(), identify(), consent()].into_iter().map(|operation| json!({"post": operation}));
    PATHS.into_iter().map(str::to_owned).zip(posts).collect()
}

pub(super) fn schemas() -> Map<String, Value> {
    let all = [
        ("Conversion", conversion()),
        ("ConversionContext", context()),
        ("ConversionTracked", tracked()),
        ("MetaEvent", meta_event()),
        ("IdentifyCall", call(&[])),
        ("ConsentCall", call(&["consent"])),
        ("CallOutcome", outcome()),
    ];
    all.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

fn operation(id: &str, summary: &str, description: &str, request: &str, answer: &str) -> Value {
    let body = content(&["application/json"], request);
    let mut operation = post(id, summary, description, &body, "200", answer);
    let done = format!(
        "Done; `{{\"disabled\": true}}` and nothing done while conversion tracking is off. {answer}."
    );
    operation["responses"]["200"]["description"] = json!(done);
    operation["tags"] = json!(["conversions"]);
    operation
}

fn conversions() -> Value {
    let description = "Stored once, counted among the person's features, and sent on as the tenant's rules say, with all \
        that is known of the person. 202 where something is on its way to Meta or waits for it, 200 where nothing is. \
        Whoever gets no 2xx posts the same again. At most 64 KiB. For ingest keys.";
    let mut operation =
        operation("trackConversion", "Post a conversion", description, "Conversion", "ConversionTracked");
    operation["responses"]["202"] = json!({"description": "On its way to Meta, or waiting for it.",
        "content": content(&["application/json"], "ConversionTracked")});
    operation["parameters"] = idempotency_key();
    operation
}

fn identify() -> Value {
    let description =
        "Links an identity to a person, and releases conversions that waited for that. For ingest keys.";
    operation("identify", "Say who somebody is", description, "IdentifyCall", "CallOutcome")
}

fn consent() -> Value {
    let description = "Notes what a person allows, and releases or drops conversions that waited for that. For ingest keys.";
    operation("setConsent", "Say what somebody allows", description, "ConsentCall", "CallOutcome")
}

fn text(description: &str) -> Value {
    json!({"type": "string", "description": description})
}

fn identity() -> Value {
    reference("Identity")
}

fn consent_word() -> Value {
    json!({"type": "string", "enum": ["granted", "denied", "unknown"]})
}

fn conversion() -> Value {
    json!({"type": "object", "required": ["event_name"], "properties": {
        "event_name": {"type": "string", "minLength": 1, "maxLength": 100},
        "event_id": text("Makes a repeated post the same conversion. Absent: derived from the Idempotency-Key, or from \
            the body where it carries its event_time; else random."),
        "event_time": {"type": "integer", "description": "Unix seconds; absent: now."},
        "person_id": text("Whom it is about, where you know; else identity."),
        "identity": identity(),
        "product": text("The key's source; may be left out."),
        "value": {"type": "number", "minimum": 0, "description": "In major units; needs a currency."},
        "currency": text("ISO 4217."),
        "metadata": {"type": "object", "maxProperties": 64,
            "description": "For rules; of itself none of it goes to Meta. At most 16 KiB and 4 levels."},
        "context": reference("ConversionContext"),
        "consent": consent_word(),
        "action_source": text("Meta's word; absent: website where URL and user agent are known, else system_generated."),
        "test_event_code": text("Shows what is sent in Meta's Test events view."),
    }})
}

fn context() -> Value {
    let names = [
        ("ip", "The visitor's address."),
        ("agent", "The visitor's user agent."),
        ("fbp", "Meta's browser id."),
        ("fbc", "Meta's click id."),
        ("fbclid", "The click id of the landing page, where there is no fbc."),
        ("url", "The page; its click id and campaign are read from it."),
        ("utm_source", "Campaign."),
        ("utm_medium", "Campaign."),
        ("utm_campaign", "Campaign."),
        ("utm_content", "Campaign."),
        ("utm_term", "Campaign."),
        ("lead_form", "The lead form that brought the person."),
    ];
    let properties: Map<String, Value> =
        names.into_iter().map(|(name, description)| (name.to_owned(), text(description))).collect();
    json!({"type": "object", "properties": properties})
}

fn meta_event() -> Value {
    json!({"type": "object", "required": ["event_name", "event_id", "status"], "properties": {
        "event_name": {"type": "string"},
        "event_id": {"type": "string"},
        "status": {"type": "string", "enum": ["queued", "skipped", "refused", "fired_before"]},
        "reason": text("Why it is not queued."),
        "rule": text("The rule that fired it; absent for the conversion itself."),
    }})
}

fn tracked() -> Value {
    json!({"type": "object",
    "required": ["success", "event_id", "created", "stored", "repeated", "forwarded", "meta_events"],
    "properties": {
        "success": {"type": "boolean"},
        "event_id": {"type": "string"},
        "person_id": {"type": "string"},
        "created": {"type": "boolean", "description": "Whether the person is new."},
        "stored": {"type": "boolean"},
        "repeated": {"type": "boolean", "description": "Whether it had been stored before."},
        "forwarded": {"type": "boolean", "description": "Whether an event is on its way to Meta."},
        "meta_events": {"type": "array", "items": reference("MetaEvent")},
        "held": {"type": "object", "required": ["reason", "until"], "properties": {
            "reason": {"type": "string", "enum": ["identity", "consent"]},
            "until": {"type": "string", "format": "date-time"},
        }},
        "warnings": {"type": "array", "items": reference("Note")},
    }})
}

fn call(required: &[&str]) -> Value {
    json!({"type": "object", "required": required, "properties": {
        "person_id": text("Whom it is about, where you know; else identity."),
        "identity": identity(),
        "product": text("The key's source; may be left out."),
        "context": reference("ConversionContext"),
        "consent": consent_word(),
    }})
}

fn outcome() -> Value {
    json!({"type": "object", "required": ["success", "person_id", "created", "released", "waiting"], "properties": {
        "success": {"type": "boolean"},
        "person_id": {"type": "string"},
        "created": {"type": "boolean", "description": "Whether the person is new."},
        "released": {"type": "integer", "description": "Conversions whose wait ended."},
        "waiting": {"type": "integer", "description": "Conversions that wait on."},
        "consent": consent_word(),
        "warnings": {"type": "array", "items": reference("Note")},
    }})
}
