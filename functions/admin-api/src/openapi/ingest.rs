//! The routes that other functions serve: posting events.

use serde_json::{Map, Value, json};

use super::reference;

/// Paths of capi-ingest and capi-dispatch.
pub(super) const PATHS: [&str; 5] = [
    "/api/v1/meta/event",
    "/api/v1/meta/events",
    "/api/v1/meta/event/sync",
    "/{version}/{pixel_id}/events",
    "/b/events",
];

pub(super) fn paths() -> Map<String, Value> {
    let operations = [single(), batch(), sync(), like_meta(), browser()];
    let posts = operations.into_iter().map(|operation| json!({"post": operation}));
    PATHS.into_iter().map(str::to_owned).zip(posts).collect()
}

pub(super) fn schemas() -> Map<String, Value> {
    let all = [
        ("Event", event()),
        ("UserData", user_data()),
        ("EventBatch", event_batch()),
        ("EventAccepted", accepted()),
        ("EventResult", result()),
        ("BatchResult", batch_result()),
        ("EventSent", sent()),
        ("EventsLikeMeta", events_like_meta()),
        ("AnswerLikeMeta", answer_like_meta()),
        ("ErrorLikeMeta", error_like_meta()),
        ("BrowserEvents", browser_events()),
        ("Note", note()),
    ];
    all.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

pub(super) fn content(media_types: &[&str], schema: &str) -> Value {
    let all =
        media_types.iter().map(|media_type| ((*media_type).to_owned(), json!({"schema": reference(schema)})));
    Value::Object(all.collect())
}

/// An operation that takes `request` and answers `status` with `answer`; a closed gate answers 200.
pub(super) fn post(
    id: &str,
    summary: &str,
    description: &str,
    request: &Value,
    status: &str,
    answer: &str,
) -> Value {
    let mut responses = json!({
        "200": {"description": "`{\"disabled\": true}` while the feature is off; nothing was taken."},
        "default": {"$ref": "#/components/responses/Problem"},
    });
    responses[status] = json!({"description": "Taken.", "content": content(&["application/json"], answer)});
    json!({
        "operationId": id,
        "tags": ["events"],
        "summary": summary,
        "description": description,
        "parameters": [],
        "requestBody": {"required": true, "content": request},
        "responses": responses,
    })
}

pub(super) fn idempotency_key() -> Value {
    json!([{"name": "Idempotency-Key", "in": "header", "required": false, "schema": {"type": "string"},
        "description": "Makes the event_id of an event that has none: a repeated post is then the same event."}])
}

fn single() -> Value {
    let description =
        "Checked, normalised and hashed, it is on the queue before the answer. For ingest keys.";
    let request = content(&["application/json"], "Event");
    let mut operation = post("postEvent", "Post an event", description, &request, "202", "EventAccepted");
    operation["parameters"] = idempotency_key();
    operation
}

fn batch() -> Value {
    let description = "At most 1,000 events and 5 MB. One bad event never harms the others; each has its result. \
        422 where all are bad. For ingest keys.";
    let request = content(&["application/json"], "EventBatch");
    let mut operation = post("postEvents", "Post events", description, &request, "202", "BatchResult");
    operation["parameters"] = idempotency_key();
    operation
}

fn sync() -> Value {
    let description = "For tests and verification: once a second for each key. 503 `meta_unavailable` where Meta does \
        not answer, and nothing is queued. For ingest keys.";
    let request = content(&["application/json"], "Event");
    let mut operation = post(
        "postEventSync",
        "Send an event at once and show Meta's answer",
        description,
        &request,
        "200",
        "EventSent",
    );
    operation["parameters"] = idempotency_key();
    operation
}

fn like_meta() -> Value {
    let description = "What Meta's own endpoint takes and answers, so that an official SDK, a tag or a shop plug-in \
        needs only another base URL and an ingest key as its access token.";
    let request = content(&["application/json", "application/x-www-form-urlencoded"], "EventsLikeMeta");
    let mut operation =
        post("postEventsLikeMeta", "Post events as to Meta", description, &request, "200", "AnswerLikeMeta");
    operation["responses"]["default"] = json!({
        "description": "Meta's error envelope; our own code stands in its error_data.",
        "content": content(&["application/json"], "ErrorLikeMeta"),
    });
    let text = json!({"type": "string"});
    operation["parameters"] = json!([
        {"name": "version", "in": "path", "required": true, "schema": text, "description": "Such as v26.0."},
        {"name": "pixel_id", "in": "path", "required": true, "schema": text},
        {"name": "access_token", "in": "query", "required": false, "schema": text,
            "description": "The key, where neither the header nor the body has it."},
        {"name": "test_event_code", "in": "query", "required": false, "schema": text},
        {"name": "upload_tag", "in": "query", "required": false, "schema": text},
    ]);
    operation
}

fn browser() -> Value {
    let description = "As text/plain with the public key in the body, which needs no preflight. At most 20 events and \
        64 KB, from one of the source's allowed origins, with the event names that it allows; no pixel_id, \
        test_event_code or lead_id.";
    let request = content(&["text/plain", "application/json"], "BrowserEvents");
    let mut operation =
        post("postBrowserEvents", "Post events from a browser", description, &request, "202", "BatchResult");
    operation["security"] = json!([]);
    operation
}

/// A value or several.
fn one_or_more(description: &str) -> Value {
    json!({"type": ["string", "array"], "items": {"type": "string"}, "maxItems": 16, "description": description})
}

fn user_data() -> Value {
    json!({
        "type": "object",
        "description": "Plain values are normalised and hashed; 64 hexadecimal digits are taken as hashed already. Meta's \
            own key names (`em`, `ph`, …) are taken too. A value that can't be read is left out with a warning.",
        "additionalProperties": true,
        "properties": {
            "email": one_or_more("`em`."),
            "phone": one_or_more("`ph`; national numbers are completed by the country."),
            "first_name": one_or_more("`fn`."),
            "last_name": one_or_more("`ln`."),
            "city": one_or_more("`ct`."),
            "state": one_or_more("`st`."),
            "zip": one_or_more("`zp`."),
            "country": one_or_more("ISO 3166-1 alpha-2 or a name."),
            "date_of_birth": one_or_more("`db`; any unambiguous order."),
            "gender": one_or_more("`ge`: m or f."),
            "external_id": one_or_more("Your own ids of the person."),
            "person_id": one_or_more("Goes out as a further external_id."),
            "lead_id": one_or_more("Meta's id of the lead."),
            "fbp": one_or_more("The _fbp cookie. Not hashed."),
            "fbc": one_or_more("The _fbc cookie. Not hashed."),
            "fbclid": one_or_more("The click id; makes fbc where there is none."),
            "client_ip_address": one_or_more("Not hashed."),
            "client_user_agent": one_or_more("Not hashed."),
        },
    })
}

fn event() -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    json!({
        "type": "object",
        "required": ["event_name", "user_data"],
        "properties": {
            "event_name": text("Standard or custom."),
            "event_time": {"type": "integer", "description": "Unix seconds, at most 7 days ago (62 for physical_store). Now where absent."},
            "event_id": {"type": "string", "maxLength": 256, "description": "Deduplicates. Derived where absent, and answered."},
            "event_source_url": text("Required for action_source website."),
            "referrer_url": text("Where the visit came from."),
            "action_source": {"type": "string", "description": "Absent: website with a URL, else system_generated.",
                "enum": ["website", "app", "phone_call", "chat", "email", "physical_store", "system_generated",
                    "business_messaging", "other"]},
            "user_data": reference("UserData"),
            "custom_data": {"type": "object", "additionalProperties": true,
                "description": "value, currency (both required for Purchase), order_id, contents, and keys of your own."},
            "app_data": {"type": "object", "additionalProperties": true},
            "original_event_data": {"type": "object", "additionalProperties": true},
            "attribution_data": {"type": "object", "additionalProperties": true},
            "data_processing_options": {"type": "array", "items": {"type": "string", "enum": ["LDU"]}},
            "data_processing_options_country": {"type": "integer"},
            "data_processing_options_state": {"type": "integer"},
            "opt_out": {"type": "boolean"},
            "consent": {"type": ["string", "boolean"], "description": "granted, denied or unknown; or true, false. What unknown means is the source's consent_policy."},
            "customer_segmentation": {"type": "string"},
            "messaging_channel": {"type": "string"},
            "advanced_measurement_table": {"type": "string"},
            "pixel_id": text("One of the source's pixels; all of them where absent."),
            "test_event_code": text("Overrides the pixel's own."),
            "upload_tag": text("Groups an offline upload."),
        },
    })
}

fn event_batch() -> Value {
    json!({"type": "object", "required": ["events"], "properties": {
        "events": {"type": "array", "minItems": 1, "maxItems": 1000, "items": reference("Event")}}})
}

fn note() -> Value {
    json!({"type": "object", "required": ["field", "code"], "properties": {
        "field": {"type": "string"},
        "code": {"type": "string", "description": "Stable; decide by it."},
        "message": {"type": "string"}}})
}

fn notes() -> Value {
    json!({"type": "array", "items": reference("Note")})
}

fn accepted() -> Value {
    json!({"type": "object", "required": ["success", "event_id", "status"], "properties": {
        "success": {"const": true},
        "event_id": {"type": "string"},
        "status": {"type": "string", "enum": ["queued", "skipped"]},
        "code": {"type": "string", "description": "Why it was skipped: consent_denied or consent_unknown."},
        "hashed": {"const": true},
        "warnings": notes(),
        "meta_events": meta_events()}})
}

fn meta_events() -> Value {
    json!({"type": "array", "description": "What goes to Meta instead, or as well, where rules fan the event out.",
        "items": {"type": "object", "required": ["event_name", "event_id"], "properties": {
            "event_name": {"type": "string"}, "event_id": {"type": "string"}}}})
}

fn result() -> Value {
    json!({"type": "object", "required": ["status"], "properties": {
        "event_id": {"type": "string"},
        "status": {"type": "string", "enum": ["queued", "skipped", "rejected", "unavailable"]},
        "code": {"type": "string"},
        "errors": notes(),
        "warnings": notes(),
        "meta_events": meta_events()}})
}

fn batch_result() -> Value {
    let count = json!({"type": "integer", "minimum": 0});
    json!({"type": "object", "required": ["accepted", "rejected", "results"], "properties": {
        "accepted": count, "rejected": count, "skipped": count, "unavailable": count,
        "results": {"type": "array", "items": reference("EventResult"), "description": "In the order of the events."}}})
}

fn sent() -> Value {
    json!({"type": "object", "required": ["success", "event_id", "status"], "properties": {
        "success": {"const": true},
        "event_id": {"type": "string"},
        "status": {"type": "string", "enum": ["sent", "skipped"]},
        "hashed": {"const": true},
        "reason": {"type": "string"},
        "meta_response": reference("MetaEventAnswer"),
        "pixels": {"type": "array", "items": {"type": "object"}, "description": "Where it went to several."},
        "warnings": notes()}})
}

fn events_like_meta() -> Value {
    json!({"type": "object", "required": ["data"], "properties": {
        "data": {"type": ["array", "string"], "items": {"type": ["object", "string"]},
            "description": "Events: objects, JSON strings, or one JSON string of the whole array."},
        "access_token": {"type": "string", "writeOnly": true},
        "test_event_code": {"type": "string"},
        "upload_tag": {"type": "string"}}})
}

fn answer_like_meta() -> Value {
    json!({"type": "object", "required": ["events_received", "messages", "fbtrace_id"], "properties": {
        "events_received": {"type": "integer", "description": "Events that were queued."},
        "messages": {"type": "array", "items": {"type": "string"}, "description": "Names those that were not."},
        "fbtrace_id": {"type": "string"}}})
}

fn error_like_meta() -> Value {
    json!({"type": "object", "required": ["error"], "properties": {"error": {
        "type": "object", "required": ["message", "type", "code", "fbtrace_id"], "properties": {
            "message": {"type": "string"}, "type": {"type": "string"}, "code": {"type": "integer"},
            "error_subcode": {"type": "integer"}, "fbtrace_id": {"type": "string"}}}}})
}

fn browser_events() -> Value {
    json!({"type": "object", "required": ["key", "events"], "properties": {
        "key": {"type": "string", "writeOnly": true, "description": "A public key."},
        "events": {"type": "array", "minItems": 1, "maxItems": 20, "items": reference("Event")}}})
}
