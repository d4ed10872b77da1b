//! Generates the OpenAPI document from the route table and the types that are answered. It runs in tests alone: the
//! function serves the checked-in file. `UPDATE_OPENAPI=1 cargo test -p admin-api --lib openapi` writes it anew.

mod conversions;
mod ingest;
mod lead_requests;
mod leads;
mod operations;
mod people;
mod requests;
mod responses;
mod rule_sets;

use serde_json::{Map, Value, json};

use self::operations::{Operation, describe};
use crate::route::{Access, LeadOp, Op, paths as routes};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");

/// The document.
fn document() -> Value {
    let mut paths = Map::new();
    for path in routes() {
        let methods = path.methods.iter().map(|(method, op, access)| {
            (method.as_str().to_lowercase(), operation(path.template, *op, *access))
        });
        paths.insert(public_path(path.template), Value::Object(methods.collect()));
    }
    paths.extend(ingest::paths());
    paths.extend(conversions::paths());
    let mut schemas = responses::schemas();
    schemas.extend(requests::schemas());
    schemas.extend(ingest::schemas());
    schemas.extend(conversions::schemas());
    schemas.extend(people::schemas());
    schemas.extend(rule_sets::schemas());
    schemas.extend(leads::schemas());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "adrelay",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
            "description": "Post events, see what became of them, and manage what they need. Errors are \
                application/problem+json (RFC 9457) with a stable `code`. Times are RFC 3339, but for events, \
                which carry unix seconds as Meta wants them.",
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": "events", "description": "Posting events."},
            {"name": "conversions", "description": "Posting what people did."},
            {"name": "receipts", "description": "What became of events."},
            {"name": "rules", "description": "Which Meta events an event fires."},
            {"name": "tenants"}, {"name": "connections"}, {"name": "pixels"}, {"name": "sources"},
            {"name": "keys"},
            {"name": "people", "description": "Answers `{\"disabled\": true}` while the shared table of people is off."},
            {"name": "pages", "description": "Whose leads are taken. Answers `{\"disabled\": true}` while leads are off, as the next three do."},
            {"name": "lead forms"}, {"name": "leads"},
            {"name": "lead webhook", "description": "Being told of new leads."},
            {"name": "jobs", "description": "What takes longer than a request."},
            {"name": "service"},
        ],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"key": {
                "type": "http", "scheme": "bearer", "bearerFormat": "adr_<scope>_<random>",
                "description": "An API key. The root key must name `tenant_id` where a call is about one tenant.",
            }},
            "responses": {"Problem": {
                "description": "Why it was not done.",
                "content": {"application/problem+json": {"schema": reference("Problem")}},
            }},
            "schemas": schemas,
        },
    })
}

/// A path as OpenAPI writes it.
fn public_path(template: &str) -> String {
    format!("/api/v1/{}", template.replace("+}", "}"))
}

fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

fn operation(template: &str, op: Op, access: Access) -> Value {
    let operation: Operation = describe(op);
    let mut parameters: Vec<Value> = template
        .split('/')
        .filter_map(|part| part.strip_prefix('{'))
        .map(|part| part.trim_end_matches(['}', '+']))
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    parameters.extend(operation.query.iter().map(|name| operations::parameter(name)));
    let (status, schema, description) = operation.answer;
    let mut value = json!({
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": format!("{}{}", operation.description, who(access)).trim(),
        "parameters": parameters,
        "responses": {
            status: answer(op, status, schema, description),
            "default": {"$ref": "#/components/responses/Problem"},
        },
    });
    let further = match op {
        Op::Leads(op) => leads::further(op),
        _ => people::further(op),
    };
    if op == Op::Leads(LeadOp::ExportLeads) {
        value["responses"]["200"] = leads::file();
    } else if gated(op) && status != "200" && further.is_none_or(|(other, ..)| other != "200") {
        value["responses"]["200"] = disabled();
    }
    if let Some((status, schema, description)) = further {
        value["responses"][status] = answer(op, status, Some(schema), description);
    }
    if let Some((schema, required)) = operation.request {
        value["requestBody"] = json!({
            "required": required,
            "content": {"application/json": {"schema": reference(schema)}},
        });
    }
    if access == Access::Open {
        value["security"] = json!([]);
    }
    value
}

fn answer(op: Op, status: &str, schema: Option<&str>, description: &str) -> Value {
    let mut answer = json!({"description": description});
    if let Some(schema) = schema {
        let schema =
            if gated(op) && status == "200" { people::or_disabled(schema) } else { reference(schema) };
        answer["content"] = json!({"application/json": {"schema": schema}});
    }
    answer
}

/// Whether it answers that it is disabled while its gate is closed.
fn gated(op: Op) -> bool {
    op.is_about_people() || matches!(op, Op::Leads(_))
}

fn disabled() -> Value {
    let content = json!({"application/json": {"schema": reference("Disabled")}});
    json!({"description": "It is switched off here; nothing was done.", "content": content})
}

fn who(access: Access) -> &'static str {
    match access {
        Access::Open => " Needs no key.",
        Access::Root => " For the root key alone.",
        Access::Admin => " For the root key and the tenant's admin keys.",
        Access::AdminOrIngest => {
            " For the root key, the tenant's admin keys, and its ingest keys for what their source sent."
        }
        Access::AdminOrPeople => " For the root key and the tenant's admin and people keys.",
    }
}

#[test]
fn the_checked_in_document_is_the_generated_one() {
    let generated = format!("{}\n", serde_json::to_string_pretty(&document()).unwrap());
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(FILE, &generated).unwrap();
    }
    let checked_in = std::fs::read_to_string(FILE).unwrap();
    assert!(
        checked_in == generated,
        "openapi.json is stale: UPDATE_OPENAPI=1 cargo test -p admin-api --lib openapi"
    );
}

#[test]
fn every_route_is_in_the_document_and_every_path_of_ours_has_a_route() {
    let document = document();
    let paths = document["paths"].as_object().unwrap();
    let ours: Vec<String> = routes().map(|path| public_path(path.template)).collect();
    for path in routes() {
        let documented = paths[&public_path(path.template)].as_object().unwrap();
        let mut methods: Vec<String> = documented.keys().map(|method| method.to_uppercase()).collect();
        let mut routed: Vec<String> = path.methods.iter().map(|(method, ..)| method.to_string()).collect();
        methods.sort();
        routed.sort();
        assert_eq!(methods, routed, "{}", path.template);
    }
    for path in paths.keys() {
        let served = ingest::PATHS.iter().chain(&conversions::PATHS).any(|known| known == path);
        assert!(served || ours.contains(path), "{path} has no route");
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_used() {
    let document = document();
    let text = document.to_string();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let prefix = "\"#/components/schemas/";
    let used: std::collections::BTreeSet<&str> =
        text.split(prefix).skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let known: std::collections::BTreeSet<&str> = schemas.keys().map(String::as_str).collect();
    assert_eq!(used, known);
}

#[test]
fn operation_ids_are_unique() {
    let document = document();
    let paths = document["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|path| path.as_object().unwrap().values());
    let mut ids: Vec<&str> = operations.map(|operation| operation["operationId"].as_str().unwrap()).collect();
    ids.sort_unstable();
    let all = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), all);
}
