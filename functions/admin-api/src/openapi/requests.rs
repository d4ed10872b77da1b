//! Schemas of what is read. A test posts each of their fields, so that they name what the handlers know.

use serde_json::{Map, Value, json};

pub(super) fn schemas() -> Map<String, Value> {
    let all = [
        ("TenantFields", object(&json!({"name": name()}), &["name"])),
        ("NewConnection", new_connection()),
        ("ConnectionChange", connection_change()),
        ("NewPixel", new_pixel()),
        ("PixelChange", pixel_change()),
        ("TestEvent", test_event()),
        ("NewSource", new_source()),
        ("SourceChange", object(&source_fields(), &[])),
        ("NewKey", new_key()),
    ];
    all.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

pub(super) fn object(properties: &Value, required: &[&str]) -> Value {
    let mut schema = json!({"type": "object", "additionalProperties": false, "properties": properties});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn name() -> Value {
    text(200, "Its name for people.")
}

pub(super) fn text(max: u32, description: &str) -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": max, "description": description})
}

pub(super) fn or_null(mut schema: Value) -> Value {
    schema["type"] = json!([schema["type"], "null"]);
    schema
}

pub(super) fn tenant_id() -> Value {
    text(64, "Whose; must be named with the root key.")
}

fn token() -> Value {
    json!({"type": "string", "writeOnly": true, "maxLength": 4096, "description": "Meta's access token. Sealed; never shown."})
}

fn app_id() -> Value {
    json!({"type": "string", "pattern": "^[0-9]{1,20}$", "description": "The app that issued the token. With our own app's id, calls carry appsecret_proof."})
}

fn app_secret() -> Value {
    json!({"type": "string", "writeOnly": true, "maxLength": 4096, "description": "The secret of app_id, where it is the tenant's own app. Sealed; never shown."})
}

fn new_connection() -> Value {
    let kind = json!({"type": "string", "enum": ["system_user", "page"]});
    let fields = json!({"tenant_id": tenant_id(), "kind": kind, "access_token": token(), "app_id": app_id(),
        "app_secret": app_secret()});
    object(&fields, &["kind", "access_token"])
}

fn connection_change() -> Value {
    let fields =
        json!({"access_token": token(), "app_id": or_null(app_id()), "app_secret": or_null(app_secret())});
    object(&fields, &[])
}

fn pixel_id() -> Value {
    json!({"type": "string", "pattern": "^[0-9]{1,20}$", "description": "Meta's id of the dataset."})
}

fn test_event_code() -> Value {
    text(64, "Shows the pixel's events in Meta's Test events view as well.")
}

fn enabled() -> Value {
    enabled_by("Events of a disabled pixel end as receipt `skipped`.")
}

pub(super) fn enabled_by(description: &str) -> Value {
    json!({"type": "boolean", "description": description})
}

fn new_pixel() -> Value {
    let fields = json!({"tenant_id": tenant_id(), "pixel_id": pixel_id(),
        "connection_id": text(64, "Whose token to send with."), "test_event_code": or_null(test_event_code()),
        "enabled": enabled()});
    object(&fields, &["pixel_id", "connection_id", "enabled"])
}

fn pixel_change() -> Value {
    let fields = json!({"connection_id": text(64, "Whose token to send with."),
        "test_event_code": or_null(test_event_code()), "enabled": enabled()});
    object(&fields, &[])
}

fn test_event() -> Value {
    let fields = json!({"test_event_code": or_null(test_event_code()),
        "event_name": or_null(text(100, "PageView where absent."))});
    object(&fields, &[])
}

fn source_fields() -> Value {
    let list = |max: u32, items: Value, description: &str| json!({"type": "array", "maxItems": max, "uniqueItems": true, "items": items, "description": description});
    let https = |description: &str| json!({"type": ["string", "null"], "format": "uri", "maxLength": 2048, "description": description});
    let plain = |description: &str| json!({"type": "string", "description": description});
    json!({
        "name": name(),
        "pixel_ids": list(20, pixel_id(), "Where its events go: pixels of the tenant."),
        "default_country": {"type": ["string", "null"], "minLength": 2, "maxLength": 2,
            "description": "ISO 3166-1 alpha-2: completes national phone numbers."},
        "flags": or_null(list(20, json!({"type": "string", "pattern": "^[a-z0-9_-]{1,50}$"}), "Such as `b2b`.")),
        "plan": or_null(text(100, "The plan it is on.")),
        "consent_policy": {"type": ["string", "null"], "enum": ["require", "assume", "limited_data_use", null],
            "default": "assume", "description": "What unknown consent means: the event is not sent (require; a conversion waits for it), it is sent (assume), or it is sent under Limited Data Use."},
        "consent_hold_hours": {"type": ["integer", "null"], "minimum": 1, "maximum": 144, "default": 24,
            "description": "Hours that a conversion waits for its person's consent where the policy requires it."},
        "hold_event_names": or_null(list(50, plain("An event name."), "Conversions that wait for an identify call.")),
        "hold_minutes": {"type": ["integer", "null"], "minimum": 1, "maximum": 15, "default": 15,
            "description": "Minutes that they wait at most."},
        "allowed_origins": or_null(list(20, plain("scheme://host[:port]"), "Origins that its public keys may post from.")),
        "public_event_names": or_null(list(50, plain("An event name."),
            "Event names that its public keys may post. Empty: the standard ones but Purchase.")),
        "ad_account_id": {"type": ["string", "null"], "pattern": "^(act_)?[0-9]{1,20}$", "description": "Where its campaigns run."},
        "page_id": {"type": ["string", "null"], "pattern": "^[0-9]{1,20}$", "description": "The Facebook page that its ads speak for."},
        "display_name": or_null(text(100, "Shown in its ads.")),
        "photo_url": https("Shown in its ads; https."),
        "profile_url": https("Where its ads lead; https."),
    })
}

fn new_source() -> Value {
    let mut fields = source_fields();
    fields["tenant_id"] = tenant_id();
    fields["id"] =
        json!({"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$", "description": "Chosen by you."});
    object(&fields, &["id", "name", "pixel_ids"])
}

fn new_key() -> Value {
    let fields = json!({
        "tenant_id": tenant_id(),
        "source_id": or_null(text(64, "The source that it is bound to: required for `ingest` and `public`, refused for `admin`.")),
        "scope": {"type": "string", "enum": ["ingest", "people", "public", "admin"],
            "description": "`ingest` posts events from a server, `public` from browsers, `people` reads and writes the tenant's people, `admin` manages the tenant."},
        "name": or_null(text(100, "Its name for people; the \"who\" in histories.")),
    });
    object(&fields, &["scope"])
}
