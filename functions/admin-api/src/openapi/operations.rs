//! What the document says of each route.

use serde_json::{Value, json};

use super::leads;
use super::people;
use super::rule_sets;
use crate::route::Op;

/// An operation, in words.
pub(super) struct Operation {
    pub(super) id: &'static str,
    pub(super) tag: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    /// Names of query parameters.
    pub(super) query: &'static [&'static str],
    /// Schema of the body, and whether there must be one.
    pub(super) request: Option<(&'static str, bool)>,
    /// Status, schema and description of the answer.
    pub(super) answer: (&'static str, Option<&'static str>, &'static str),
}

pub(super) const TENANT: &[&str] = &["tenant_id"];
pub(super) const PAGE: &[&str] = &["tenant_id", "limit", "cursor"];

/// A query parameter; one of a name ending in `?` may be absent where it is required elsewhere, and one ending in `!` must
/// be there where it need not be elsewhere.
pub(super) fn parameter(name: &str) -> Value {
    let (name, optional) = name.strip_suffix('?').map_or((name, false), |name| (name, true));
    let (name, required) = name.strip_suffix('!').map_or((name, false), |name| (name, true));
    if let Some(parameter) = lead_parameter(name, required, optional) {
        return parameter;
    }
    let (schema, description) = match name {
        "tenant_id" => (text(), "Whose; must be named with the root key, and is the key's own otherwise."),
        "limit" => (
            json!({"type": "integer", "minimum": 1, "maximum": 100, "default": 50}),
            "The most items to answer.",
        ),
        "cursor" => (text(), "`next_cursor` of the page before."),
        "q" => (text(), "Only what has this in its name or id."),
        "flag" => (text(), "Only what has this flag."),
        "include" => (json!({"type": "string", "enum": ["counts"]}), "Adds the day's counts to each source."),
        "day" => (date(), "The UTC day; today where absent."),
        "pixel_id" => (text(), "Only receipts of this pixel."),
        "event_name" => (text(), "Only receipts of events of this name."),
        "source_id" if optional => (text(), "Only this source; all of the tenant's where absent."),
        "source_id" => (text(), "The source whose receipts to list."),
        "from" => (date(), "The first UTC day; where absent, six days before `to`."),
        "version" => {
            (json!({"type": "integer", "minimum": 1}), "An earlier set; the current one where absent.")
        }
        "to" => (date(), "The last UTC day, at most 30 days after `from`; today where absent."),
        "status" => (
            json!({"type": "string", "enum": ["sent", "rejected", "expired", "skipped", "waiting", "erased"]}),
            "Only receipts of this status.",
        ),
        other => panic!("parameter {other} has no description"),
    };
    let required = name == "source_id" && !optional;
    json!({"name": name, "in": "query", "required": required, "schema": schema, "description": description})
}

/// Parameters of leads, some of which are called as others of another meaning are.
fn lead_parameter(name: &str, required: bool, optional: bool) -> Option<Value> {
    let statuses = ["new", "contacted", "qualified", "converted", "disqualified", "archived"];
    let (shown, schema, description) = match name {
        "lead_status" => ("status", json!({"type": "string", "enum": statuses}), "Only of this status."),
        "form_id" => (name, text(), "Only of this form."),
        "page_id" if required => (name, text(), "The page whose forms to list."),
        "page_id" => (name, text(), "Only of this page."),
        "campaign_id" => (name, text(), "Only of this campaign."),
        "ad_id" => (name, text(), "Only of this ad."),
        "assignee" => (name, text(), "Only of this assignee."),
        "test" => (name, json!({"type": "boolean", "default": false}), "Test leads alone, or none of them."),
        "from_instant" => {
            ("from", text(), "Submitted on this UTC day or later, or at this instant (RFC 3339) or later.")
        }
        "to_instant" => ("to", text(), "Submitted on this UTC day or before, or before this instant."),
        "completeness_from" => ("from", date(), "The first UTC day; where absent, six days before `to`."),
        "completeness_to" => {
            ("to", date(), "The last UTC day, at most 99 days after `from`; today where absent.")
        }
        _ => return None,
    };
    let required = required && !optional;
    Some(
        json!({"name": shown, "in": "query", "required": required, "schema": schema, "description": description}),
    )
}

fn text() -> Value {
    json!({"type": "string"})
}

fn date() -> Value {
    json!({"type": "string", "format": "date"})
}

pub(super) const fn get(
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
    query: &'static [&'static str],
    schema: &'static str,
) -> Operation {
    let answer = ("200", Some(schema), "Found.");
    Operation { id, tag, summary, description: "", query, request: None, answer }
}

pub(super) const fn create(
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
    request: &'static str,
    schema: &'static str,
) -> Operation {
    let answer = ("201", Some(schema), "Created.");
    Operation { id, tag, summary, description: "", query: &[], request: Some((request, true)), answer }
}

pub(super) const fn change(
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
    request: &'static str,
    schema: &'static str,
) -> Operation {
    let answer = ("200", Some(schema), "As it is now.");
    Operation { id, tag, summary, description: "", query: TENANT, request: Some((request, true)), answer }
}

pub(super) const fn remove(id: &'static str, tag: &'static str, summary: &'static str) -> Operation {
    let answer = ("204", None, "Done.");
    Operation { id, tag, summary, description: "", query: TENANT, request: None, answer }
}

pub(super) const fn act(
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
    answer: (&'static str, Option<&'static str>, &'static str),
) -> Operation {
    Operation { id, tag, summary, description: "", query: TENANT, request: None, answer }
}

/// What the document says of a route.
pub(super) fn describe(op: Op) -> Operation {
    match op {
        Op::Health | Op::OpenApi => service(op),
        Op::CreateTenant | Op::ListTenants | Op::GetTenant | Op::ChangeTenant => tenants(op),
        Op::CreateSource | Op::ListSources | Op::GetSource | Op::ChangeSource => sources(op),
        Op::CreateKey | Op::ListKeys | Op::GetKey | Op::DeleteKey | Op::RevokeKey => keys(op),
        Op::ListEvents | Op::GetEvent | Op::SummarizeProducts => receipts(op),
        Op::GetRules | Op::ReplaceRules | Op::LoadDefaultRules | Op::ExplainRules => rule_sets::describe(op),
        Op::CreatePixel
        | Op::ListPixels
        | Op::GetPixel
        | Op::ChangePixel
        | Op::DeletePixel
        | Op::TestPixel
        | Op::ReleasePixel => pixels(op),
        Op::GetJob => leads::job(),
        Op::Leads(op) => leads::describe(op),
        _ if op.is_about_people() => people::describe(op),
        _ => connections(op),
    }
}

fn service(op: Op) -> Operation {
    match op {
        Op::Health => get("health", "service", "Whether the function answers; touches nothing", &[], "Ok"),
        _ => get("openapi", "service", "This document", &[], "OpenApi"),
    }
}

fn tenants(op: Op) -> Operation {
    let tag = "tenants";
    match op {
        Op::CreateTenant => create("createTenant", tag, "Create a tenant", "TenantFields", "Tenant"),
        Op::ListTenants => Operation {
            description: "An admin key sees its own alone.",
            ..get("listTenants", tag, "List tenants", &["limit", "cursor"], "TenantList")
        },
        Op::GetTenant => get("getTenant", tag, "Get a tenant", &[], "Tenant"),
        _ => Operation {
            query: &[],
            ..change("changeTenant", tag, "Rename a tenant", "TenantFields", "Tenant")
        },
    }
}

fn connections(op: Op) -> Operation {
    let tag = "connections";
    match op {
        Op::CreateConnection => Operation {
            description: "The token is sealed before it is stored, and never shown again.",
            ..create("createConnection", tag, "Connect with a token of Meta's", "NewConnection", "Connection")
        },
        Op::ListConnections => get("listConnections", tag, "List connections", PAGE, "ConnectionList"),
        Op::GetConnection => get("getConnection", tag, "Get a connection", TENANT, "Connection"),
        Op::ChangeConnection => Operation {
            description: "Makes the connection count as well, and has what waits for its pixels sent.",
            ..change("changeConnection", tag, "Paste a new token", "ConnectionChange", "Connection")
        },
        Op::DeleteConnection => Operation {
            description: "409 `connection_in_use` while pixels use it.",
            ..remove("deleteConnection", tag, "Delete a connection")
        },
        _ => Operation {
            description: "Records the verdict. Where the token works, what waits for the connection's pixels is sent.",
            ..act(
                "verifyConnection",
                tag,
                "Ask Meta whether the token works",
                ("200", Some("Verification"), "What Meta says."),
            )
        },
    }
}

fn pixels(op: Op) -> Operation {
    let tag = "pixels";
    match op {
        Op::CreatePixel => Operation {
            description: "409 `already_exists`; 409 `pixel_taken` where it belongs to another tenant.",
            ..create("createPixel", tag, "Add a pixel", "NewPixel", "Pixel")
        },
        Op::ListPixels => get("listPixels", tag, "List pixels", PAGE, "PixelList"),
        Op::GetPixel => get("getPixel", tag, "Get a pixel", TENANT, "Pixel"),
        Op::ChangePixel => Operation {
            description: "Makes the pixel count as well, and has what waits for it sent. Holds within 60 s.",
            ..change("changePixel", tag, "Change a pixel", "PixelChange", "Pixel")
        },
        Op::DeletePixel => Operation {
            description: "409 `pixel_in_use` while sources send to it. What waits for it ends as `skipped`.",
            ..remove("deletePixel", tag, "Delete a pixel")
        },
        Op::TestPixel => Operation {
            description: "The code stands in Events Manager → Test events; absent, the pixel's own is used. Meta's yes \
                makes the pixel count as well, and has what waits for it sent.",
            request: Some(("TestEvent", false)),
            ..act(
                "sendTestEvent",
                tag,
                "Send one test event at once and show Meta's answer",
                ("200", Some("TestEventResult"), "What Meta says."),
            )
        },
        _ => Operation {
            description: "For when it was put right in Meta's own tools.",
            ..act(
                "releasePixel",
                tag,
                "Send what waits for the pixel",
                ("202", Some("Pixel"), "The release is on the queue."),
            )
        },
    }
}

fn sources(op: Op) -> Operation {
    let tag = "sources";
    match op {
        Op::CreateSource => create("createSource", tag, "Add a source of events", "NewSource", "Source"),
        Op::ListSources => get(
            "listSources",
            tag,
            "List sources",
            &["tenant_id", "q", "flag", "include", "day", "limit", "cursor"],
            "SourceList",
        ),
        Op::GetSource => get("getSource", tag, "Get a source", &["tenant_id", "include", "day"], "Source"),
        _ => Operation {
            description: "Absent fields stay; null empties one. Holds within 60 s.",
            ..change("changeSource", tag, "Change a source", "SourceChange", "Source")
        },
    }
}

fn keys(op: Op) -> Operation {
    let tag = "keys";
    match op {
        Op::CreateKey => Operation {
            description: "The answer shows the key this once.",
            ..create("createKey", tag, "Create an API key", "NewKey", "CreatedApiKey")
        },
        Op::ListKeys => get("listKeys", tag, "List API keys, revoked ones too", PAGE, "ApiKeyList"),
        Op::GetKey => get("getKey", tag, "Get what is known of an API key", TENANT, "ApiKey"),
        Op::DeleteKey => Operation {
            description: "It is refused everywhere within 60 s. What is known of it stays.",
            ..remove("deleteKey", tag, "Revoke an API key")
        },
        _ => Operation {
            description: "It is refused everywhere within 60 s.",
            ..act("revokeKey", tag, "Revoke an API key", ("200", Some("ApiKey"), "As it is now."))
        },
    }
}

fn receipts(op: Op) -> Operation {
    let tag = "receipts";
    match op {
        Op::ListEvents => Operation {
            description: "Newest first within a status.",
            ..get(
                "listReceipts",
                tag,
                "List receipts of a source and day",
                &["tenant_id", "source_id", "status", "day", "limit", "cursor"],
                "ReceiptList",
            )
        },
        Op::SummarizeProducts => Operation {
            description: "A row for each source and day with events, added up from what dispatch notes of each batch. An \
                event counts once for each pixel it goes to.",
            ..get(
                "summarizeProducts",
                tag,
                "Count events and matched keys per product and day",
                &["tenant_id", "from", "to", "source_id?"],
                "ProductsSummary",
            )
        },
        _ => Operation {
            description: "One id may have several names and pixels. 404 `event_unknown`, also while it is on the queue.",
            ..get(
                "getReceipts",
                tag,
                "See what became of an event",
                &["tenant_id", "pixel_id", "event_name"],
                "ReceiptList",
            )
        },
    }
}
