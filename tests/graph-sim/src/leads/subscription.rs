//! `/{page}/subscribed_apps`: which apps hear of a page's changes.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::LeadAds;
use super::page::{Standing, app_of};
use super::read::Asked;
use crate::graph_error::GraphError;
use crate::nodes;

/// A part of what a page can announce; a name that is not among it is refused.
const FIELDS: [&str; 12] = [
    "leadgen",
    "leadgen_update",
    "leadgen_fat",
    "feed",
    "messages",
    "messaging_postbacks",
    "messaging_optins",
    "mention",
    "name",
    "ratings",
    "videos",
    "live_videos",
];

/// `GET`, `POST` (needs `subscribed_fields`) and `DELETE`, with the page's own token only.
pub(crate) fn answer(state: &mut LeadAds, asked: &Asked<'_>, page_id: &str) -> Result<Value, GraphError> {
    let unknown = || GraphError::unknown_object(asked.method, page_id);
    let page = state.pages.get_mut(page_id).ok_or_else(unknown)?;
    match page.standing(asked.caller) {
        Standing::Page => {}
        Standing::Manager => {
            return Err(GraphError::new(210, None)
                .with_message("(#210) A page access token is required to request this resource."));
        }
        Standing::Stranger => return Err(unknown()),
    }
    let app = app_of(asked.caller);
    match asked.method {
        "GET" => {
            let rows: Result<Vec<Value>, GraphError> = page
                .subscriptions
                .iter()
                .map(|(app, fields)| {
                    let known = [
                        ("id", json!(app)),
                        ("name", json!("Simulated App")),
                        ("category", json!("Business")),
                        ("link", json!("https://app.example/")),
                        ("subscribed_fields", json!(fields)),
                    ];
                    let default = ["category", "link", "name", "id", "subscribed_fields"];
                    nodes::select(&known, asked.params, "Application", &default)
                })
                .collect();
            Ok(json!({ "data": rows? }))
        }
        "POST" => {
            page.subscriptions.insert(app, fields(asked)?);
            Ok(success(asked))
        }
        "DELETE" => {
            page.subscriptions.remove(&app);
            Ok(success(asked))
        }
        _ => Err(unknown()),
    }
}

fn fields(asked: &Asked<'_>) -> Result<BTreeSet<String>, GraphError> {
    let name = "subscribed_fields";
    let text = asked.params.text(name).ok_or_else(|| GraphError::missing(name))?;
    let listed: Vec<String> = serde_json::from_str(&text)
        .unwrap_or_else(|_| text.split(',').map(|field| field.trim().to_owned()).collect());
    if listed.is_empty() || listed.iter().any(|field| !FIELDS.contains(&field.as_str())) {
        return Err(GraphError::wrong(name, "a list of the page's webhook fields"));
    }
    Ok(listed.into_iter().collect())
}

/// A boolean, or the text that one sample of the documentation prints.
pub(crate) fn success(asked: &Asked<'_>) -> Value {
    if asked.switches.success_as_text { json!({"success": "true"}) } else { json!({"success": true}) }
}
