//! Schemas of what is read about leads. A test posts each of their fields, so that they name what the handlers know.

use serde_json::{Map, Value, json};

use super::requests::{enabled_by, object, or_null, tenant_id, text};

pub(super) fn schemas() -> Map<String, Value> {
    let all = [
        ("NewPage", new_page()),
        ("PageChange", page_change()),
        ("LeadFormChange", form_change()),
        ("LeadSearch", search()),
        ("LeadExport", export()),
        ("LeadChange", lead_change()),
        ("LeadConversion", conversion()),
        ("LeadNote", object(&json!({"note": note(), "actor": actor()}), &["note"])),
        ("LeadSync", sync()),
        ("NewLeadWebhook", new_webhook()),
    ];
    all.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

fn id(description: &str) -> Value {
    json!({"type": "string", "pattern": "^[0-9]{1,20}$", "description": description})
}

fn slug(description: &str) -> Value {
    json!({"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$", "description": description})
}

fn feedback_pixel() -> Value {
    or_null(id("Where the stages of its leads are told to Meta: a pixel of the tenant."))
}

fn new_page() -> Value {
    let fields = json!({
        "tenant_id": tenant_id(),
        "page_id": id("Meta's id of the page."),
        "connection_id": slug("Of kind `page`, or a system user's who manages the page."),
        "source_id": slug("Whose people its leads become."),
        "feedback_pixel_id": feedback_pixel(),
        "enabled": enabled_by("Leads of a disabled page are not taken; true where absent."),
    });
    object(&fields, &["page_id", "connection_id", "source_id"])
}

fn page_change() -> Value {
    let fields = json!({
        "connection_id": slug("Of kind `page`, or a system user's who manages the page."),
        "source_id": slug("Whose people its leads become."),
        "feedback_pixel_id": feedback_pixel(),
        "enabled": enabled_by("Leads of a disabled page are not taken."),
    });
    object(&fields, &[])
}

fn form_change() -> Value {
    let source = or_null(slug("Whose people its leads become."));
    object(&json!({"feedback_pixel_id": feedback_pixel(), "source_id": source}), &[])
}

fn filters() -> Value {
    let moment = |description: &str| json!({"type": "string", "description": description});
    json!({
        "status": {"type": "string", "enum": ["new", "contacted", "qualified", "converted", "disqualified", "archived"]},
        "form_id": id("Only of this form."),
        "page_id": id("Only of this page."),
        "campaign_id": id("Only of this campaign."),
        "ad_id": id("Only of this ad."),
        "source_id": slug("Only of this source."),
        "assignee": text(200, "Only of this assignee."),
        "from": moment("Submitted on this UTC day or later, or at this instant (RFC 3339) or later."),
        "to": moment("Submitted on this UTC day or before, or before this instant."),
        "test": {"type": "boolean", "description": "Test leads alone; false where absent: none of them."},
        "q": text(320, "Only those with this e-mail address, phone or name."),
    })
}

fn search() -> Value {
    object(&filters(), &[])
}

fn export() -> Value {
    let mut fields = filters();
    fields["inline"] = json!({"type": "boolean", "description": "Whether at most 1,000 leads are answered at once; true where absent."});
    object(&fields, &[])
}

fn note() -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": 4096, "description": "At most 4,096 bytes. Kept sealed."})
}

fn actor() -> Value {
    text(200, "Who does it, for the history; the key's name where absent.")
}

fn lead_change() -> Value {
    let statuses = ["new", "contacted", "qualified", "converted", "disqualified", "archived"];
    let fields = json!({
        "status": {"type": "string", "enum": statuses, "description": "Where it goes."},
        "assignee": or_null(text(200, "Who works on it; null for nobody.")),
        "note": note(),
        "actor": actor(),
    });
    object(&fields, &[])
}

fn conversion() -> Value {
    let worth = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["minor", "currency"],
        "properties": {
            "minor": {"type": "integer", "minimum": 0, "description": "Whole minor units."},
            "currency": {"type": "string", "minLength": 3, "maxLength": 3, "description": "ISO 4217 code."},
        },
        "description": "What it was worth. Meta is told.",
    });
    object(&json!({"worth": worth, "note": note(), "actor": actor()}), &[])
}

fn sync() -> Value {
    let fields = json!({
        "page_id": id("Only of this page."),
        "form_id": id("Only of this form's page."),
        "days": {"type": "integer", "minimum": 1, "maximum": 90,
            "description": "Days to look back; where absent, from where the last look ended."},
    });
    object(&fields, &[])
}

fn new_webhook() -> Value {
    let fields = json!({
        "url": {"type": "string", "format": "uri", "maxLength": 2000, "description": "https, at a public address."},
        "enabled": enabled_by("Whether it is called; true where absent."),
        "secret": {"type": "string", "writeOnly": true,
            "description": "`whsec_` and base64 of 24 to 64 bytes, in place of one that is made here."},
    });
    object(&fields, &["url"])
}
