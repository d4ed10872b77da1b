//! What a stranger asks of each route, and which refusal is right.

use anyhow::{Context as _, bail};
use e2e::{lead, now_s};
use serde_json::{Value, json};

use super::owned::Owned;

/// A documented route.
pub(crate) struct Route<'a> {
    pub(crate) method: &'a str,
    pub(crate) template: &'a str,
    pub(crate) operation: &'a Value,
}

/// What is right where a key of the route's own scope asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    /// The request names something of the owner's: status and code of the refusal.
    Refused(u16, &'static str),
    /// The request names nothing of the owner's; it is about the caller's own things.
    OwnThings,
}

impl Route<'_> {
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method.to_uppercase(), self.template)
    }

    /// Whether it needs no key.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.template, "/api/v1/health" | "/api/v1/openapi.json")
    }

    /// The scopes of keys that may call it. What keys of others get is no question of whose a thing is.
    pub(crate) fn scopes(&self) -> anyhow::Result<&'static [&'static str]> {
        let tag =
            self.operation["tags"][0].as_str().with_context(|| format!("{} has no tag", self.name()))?;
        Ok(match (self.method, self.template, tag) {
            ("post", "/api/v1/tenants", _) => &[],
            ("post", "/b/events", _) => &["public"],
            ("get", "/api/v1/events/{event_id}", _) => &["admin", "ingest"],
            ("post", "/api/v1/leads/sync", _) => &["admin"],
            (_, "/api/v1/products/summary", _) | (_, _, "people" | "leads" | "jobs") => &["admin", "people"],
            (_, _, "events" | "conversions") => &["ingest"],
            (
                _,
                _,
                "connections" | "keys" | "lead forms" | "lead webhook" | "pages" | "pixels" | "receipts"
                | "rules" | "sources" | "tenants",
            ) => &["admin"],
            _ => bail!("{}: who may call it?", self.name()),
        })
    }

    /// Whether its query may name a tenant.
    pub(crate) fn takes_tenant(&self) -> bool {
        let parameters = self.operation["parameters"].as_array().into_iter().flatten();
        let mut names = parameters.map(|parameter| (&parameter["name"], &parameter["in"]));
        names.any(|(name, place)| name == "tenant_id" && place == "query")
    }

    /// What is right where the request says nothing of the tenant but for what its body names.
    pub(crate) fn right(&self) -> anyhow::Result<Right> {
        let named = self.template.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let named = named.rev().find(|name| *name != "version");
        Ok(match (self.method, self.template, named) {
            // The body names a pixel.
            ("post", "/api/v1/meta/event", _) => Right::Refused(403, "pixel_not_allowed"),
            ("post", "/api/v1/meta/event/sync" | "/api/v1/meta/events", _) => {
                Right::Refused(422, "pixel_not_allowed")
            }
            // The path names a pixel, as with Meta.
            ("post", "/{version}/{pixel_id}/events", _) => Right::Refused(400, "pixel_not_allowed"),
            // The body names a person.
            ("post", "/api/v1/conversions" | "/api/v1/identify" | "/api/v1/consent", _) => {
                Right::Refused(422, "person_unknown")
            }
            // The body names a source, or a page.
            ("post", "/api/v1/rules/explain", _) => Right::Refused(404, "source_unknown"),
            ("post", "/api/v1/leads/sync", _) => Right::Refused(404, "page_unknown"),
            // The body names the tenant.
            (
                "post",
                "/api/v1/connections"
                | "/api/v1/keys"
                | "/api/v1/pages"
                | "/api/v1/people"
                | "/api/v1/pixels"
                | "/api/v1/sources",
                _,
            ) => Right::Refused(403, "tenant_forbidden"),
            (_, "/api/v1/people/{person_id}/erasure", _) => Right::Refused(404, "erasure_unknown"),
            (_, _, None) => Right::OwnThings,
            (_, _, Some(name)) => Right::Refused(404, unknown(name)?),
        })
    }

    /// What a request to it says beside its path: nothing but what it needs to get as far as to whose things are.
    pub(crate) fn body(&self, theirs: &Owned, key: &str) -> anyhow::Result<Option<Value>> {
        let get = |name: &str| theirs.get(name);
        let identity = json!({"email": "owner@example.com"});
        let mut event = lead("stolen", "owner@example.com");
        event["pixel_id"] = json!(get("pixel_id")?);
        let browser = json!({"event_name": "Lead", "event_id": "stolen", "event_time": now_s(),
            "action_source": "website", "event_source_url": "https://shop.example.com/",
            "user_data": {"client_user_agent": "Mozilla/5.0"}});
        Ok(Some(match (self.method, self.template) {
            ("get" | "delete", _) => return Ok(None),
            ("post", "/api/v1/connections") => json!({"tenant_id": get("tenant_id")?, "kind": "system_user",
                "access_token": "EAABstolen"}),
            ("patch", "/api/v1/connections/{connection_id}") => json!({"access_token": "EAABstolen"}),
            ("post", "/api/v1/consent") => json!({"person_id": get("person_id")?, "consent": "denied"}),
            ("post", "/api/v1/conversions") => {
                json!({"person_id": get("person_id")?, "event_name": "visited",
                "event_id": "stolen"})
            }
            ("post", "/api/v1/identify") => json!({"person_id": get("person_id")?, "identity": identity}),
            ("post", "/api/v1/keys") => {
                json!({"tenant_id": get("tenant_id")?, "scope": "ingest", "name": "stolen",
                "source_id": get("source_id")?})
            }
            ("patch", "/api/v1/lead-forms/{form_id}") => json!({"source_id": null}),
            ("put", "/api/v1/lead-webhook") => json!({"url": "https://stolen.example.com/"}),
            ("post", "/api/v1/leads/export") => json!({"form_id": get("form_id")?}),
            ("post", "/api/v1/leads/search") => json!({"q": "owner@example.com"}),
            ("post", "/api/v1/leads/sync") => json!({"page_id": get("page_id")?}),
            ("patch", "/api/v1/leads/{lead_id}") => json!({"status": "contacted"}),
            ("post", "/api/v1/leads/{lead_id}/convert") => json!({"worth": {"minor": 1, "currency": "EUR"}}),
            ("post", "/api/v1/leads/{lead_id}/notes") => json!({"note": "stolen"}),
            ("post", "/api/v1/meta/event" | "/api/v1/meta/event/sync") => event,
            ("post", "/api/v1/meta/events") => json!({"events": [event]}),
            ("post", "/api/v1/pages") => json!({"tenant_id": get("tenant_id")?, "page_id": get("page_id")?,
                "connection_id": get("connection_id")?, "source_id": get("source_id")?}),
            ("post", "/api/v1/people") => json!({"tenant_id": get("tenant_id")?, "identity": identity}),
            ("post", "/api/v1/people/search") => json!({"identity": identity}),
            ("patch", "/api/v1/people/{person_id}") => json!({"consent": "denied"}),
            ("post", "/api/v1/people/{person_id}/merge" | "/api/v1/people/{person_id}/unmerge") => {
                json!({"person_id": "per_00000000000000000000000000"})
            }
            ("post", "/api/v1/pixels") => {
                json!({"tenant_id": get("tenant_id")?, "pixel_id": get("pixel_id")?,
                "connection_id": get("connection_id")?, "enabled": false})
            }
            ("patch", "/api/v1/pages/{page_id}" | "/api/v1/pixels/{pixel_id}") => json!({"enabled": false}),
            ("post", "/api/v1/pixels/{pixel_id}/test-event") => json!({"test_event_code": "TEST1"}),
            ("put", "/api/v1/rules") => json!({"version": 0, "rules": []}),
            ("post", "/api/v1/rules/defaults") => json!({"replace": true}),
            ("post", "/api/v1/rules/explain") => json!({"source_id": get("source_id")?,
                "event": {"event_name": "visited"}}),
            ("post", "/api/v1/sources") => {
                json!({"tenant_id": get("tenant_id")?, "id": "stolen", "name": "stolen",
                "pixel_ids": [get("pixel_id")?]})
            }
            ("patch", "/api/v1/sources/{source_id}" | "/api/v1/tenants/{tenant_id}")
            | ("post", "/api/v1/tenants") => json!({"name": "stolen"}),
            ("post", "/b/events") => json!({"key": key, "events": [browser]}),
            ("post", "/{version}/{pixel_id}/events") => {
                json!({"data": [{"event_name": "Lead", "event_id": "stolen",
                "event_time": now_s(), "action_source": "system_generated", "user_data": {"em": ["0".repeat(64)]}}]})
            }
            ("post", template) if self.operation["requestBody"].is_null() && template.contains('{') => {
                return Ok(None);
            }
            _ => bail!("{}: what does a stranger say?", self.name()),
        }))
    }

    /// What it must be asked besides, where it asks for it.
    pub(crate) fn query(&self, theirs: &Owned) -> anyhow::Result<String> {
        Ok(match (self.method, self.template) {
            ("get", "/api/v1/events") => format!("source_id={}", theirs.get("source_id")?),
            ("get", "/api/v1/lead-forms") => format!("page_id={}", theirs.get("page_id")?),
            _ => String::new(),
        })
    }
}

/// What a route says that finds no such thing among the caller's own.
fn unknown(name: &str) -> anyhow::Result<&'static str> {
    Ok(match name {
        "tenant_id" => "tenant_unknown",
        "connection_id" => "connection_unknown",
        "pixel_id" => "pixel_unknown",
        "source_id" => "source_unknown",
        "key_id" => "api_key_unknown",
        "event_id" => "event_unknown",
        "person_id" => "person_unknown",
        "page_id" => "page_unknown",
        "form_id" => "form_unknown",
        "lead_id" => "lead_unknown",
        "job_id" => "job_unknown",
        "delivery_id" => "delivery_unknown",
        _ => bail!("what is said of an unknown {name}?"),
    })
}

/// A stranger's own thing that is to refer to one of the owner's: method, path, body, and the refusal.
pub(crate) type Reference = (&'static str, String, Value, u16, &'static str);

/// Requests of a stranger's admin key that name their own tenant and refer to the owner's things.
pub(crate) fn references(theirs: &Owned, own: &e2e::Shop) -> anyhow::Result<Vec<Reference>> {
    let tenant = &own.tenant;
    let get = |name: &str| theirs.get(name);
    let own_pixel = format!("/api/v1/pixels/{}", own.pixel);
    let own_source = format!("/api/v1/sources/{}", own.source);
    Ok(vec![
        (
            "POST",
            "/api/v1/pixels".to_owned(),
            json!({"tenant_id": tenant, "pixel_id": get("pixel_id")?, "connection_id": own.connection, "enabled": true}),
            409,
            "pixel_taken",
        ),
        (
            "POST",
            "/api/v1/pixels".to_owned(),
            json!({"tenant_id": tenant, "pixel_id": "1", "connection_id": get("connection_id")?, "enabled": true}),
            422,
            "connection_unknown",
        ),
        ("PATCH", own_pixel, json!({"connection_id": get("connection_id")?}), 422, "connection_unknown"),
        (
            "POST",
            "/api/v1/keys".to_owned(),
            json!({"tenant_id": tenant, "scope": "ingest", "name": "stolen", "source_id": get("source_id")?}),
            422,
            "source_unknown",
        ),
        (
            "POST",
            "/api/v1/sources".to_owned(),
            json!({"tenant_id": tenant, "id": "stolen", "name": "stolen", "pixel_ids": [get("pixel_id")?]}),
            422,
            "pixel_unknown",
        ),
        ("PATCH", own_source, json!({"pixel_ids": [get("pixel_id")?]}), 422, "pixel_unknown"),
        (
            "POST",
            "/api/v1/pages".to_owned(),
            json!({"tenant_id": tenant, "page_id": get("page_id")?, "connection_id": get("connection_id")?,
                "source_id": own.source}),
            422,
            "connection_unknown",
        ),
    ])
}
