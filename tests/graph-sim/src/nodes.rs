//! What can be read: `debug_token`, `me`, a pixel.

use serde_json::{Map, Value, json};

use crate::graph_error::GraphError;
use crate::params::Params;
use crate::state::State;
use crate::tokens::{Caller, Token};

/// `GET /debug_token?input_token=…`: always 200 for a caller who may ask.
pub(crate) fn debug_token(state: &State, params: &Params) -> Result<Value, GraphError> {
    let text = params.text("input_token").ok_or_else(|| GraphError::missing("input_token"))?;
    let invalid = |message: &str, subcode: Option<i64>, token: Option<&Token>| {
        let mut data = json!({
            "error": {"code": 190, "message": message}, "is_valid": false,
            "scopes": token.map(|token| token.scopes.clone()).unwrap_or_default(),
        });
        if let Some(subcode) = subcode {
            data["error"]["subcode"] = json!(subcode);
        }
        json!({ "data": data })
    };
    let Some(token) = state.tokens.get(&text) else {
        return Ok(invalid("Invalid OAuth access token - Cannot parse access token", None, None));
    };
    if let Some(error) = token.ailment(state.clock.now_s()) {
        return Ok(invalid(&error.message, error.subcode, Some(token)));
    }
    let page = state.leads.page_of_token(&text).map(|state| state.page.page_id.clone());
    let mut data = json!({
        "type": if page.is_some() { "PAGE" } else { "SYSTEM_USER" }, "application": "Simulated App", "is_valid": true,
        "expires_at": token.expires_at.unwrap_or(0), "data_access_expires_at": 0, "scopes": token.scopes,
        "granular_scopes": token.scopes.iter().map(|scope| json!({"scope": scope})).collect::<Vec<_>>(),
    });
    for (field, id) in [("app_id", &token.app_id), ("user_id", &token.user_id), ("profile_id", &page)] {
        if let Some(id) = id {
            data[field] = json!(id);
        }
    }
    Ok(json!({ "data": data }))
}

/// `GET /me?fields=id,name`.
pub(crate) fn me(caller: Caller<'_>, params: &Params) -> Result<Value, GraphError> {
    let Caller::Token(token) = caller else {
        return Err(GraphError::new(2500, None).with_message(
            "An active access token must be used to query information about the current user.",
        ));
    };
    let id = token.user_id.as_deref().unwrap_or("100000000000001");
    let known = [("id", json!(id)), ("name", json!("Simulated System User"))];
    select(&known, params, "User", &["id", "name"])
}

/// `GET /{pixel}?fields=id,name`; 100/33 for a pixel that is not the caller's.
pub(crate) fn pixel(
    state: &State,
    caller: Caller<'_>,
    pixel_id: &str,
    params: &Params,
) -> Result<Value, GraphError> {
    if !may_use(caller, pixel_id) {
        return Err(GraphError::unknown_object("GET", pixel_id));
    }
    let name = state.pixels.get(pixel_id).map_or_else(|| format!("Pixel {pixel_id}"), Clone::clone);
    let known = [
        ("id", json!(pixel_id)),
        ("name", json!(name)),
        ("is_consolidated_container", json!(true)),
        ("is_unavailable", json!(false)),
        ("last_fired_time", json!(state.events.last_received_ms(pixel_id).map(|ms| ms.div_euclid(1000)))),
    ];
    select(&known, params, "AdsPixel", &["id"])
}

/// True where the caller's token names the pixel.
pub(crate) fn may_use(caller: Caller<'_>, pixel_id: &str) -> bool {
    matches!(caller, Caller::Token(token) if token.pixels.contains(pixel_id))
}

/// The fields asked for (or the default ones), and always the id, as Graph does; null ones are left out.
pub(crate) fn select(
    known: &[(&str, Value)],
    params: &Params,
    kind: &str,
    default: &[&str],
) -> Result<Value, GraphError> {
    let mut asked = params.fields();
    if asked.is_empty() {
        asked = default.iter().map(|field| (*field).to_owned()).collect();
    }
    asked.push("id".to_owned());
    let mut node = Map::new();
    for field in asked {
        let Some((name, value)) = known.iter().find(|(name, _)| *name == field) else {
            return Err(GraphError::nonexisting_field(&field, kind));
        };
        if !value.is_null() {
            node.insert((*name).to_owned(), value.clone());
        }
    }
    Ok(Value::Object(node))
}
