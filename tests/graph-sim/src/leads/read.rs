//! What Graph answers about pages, forms and leads.

use std::collections::BTreeSet;
use std::ops::Bound;

use serde::Deserialize;
use serde_json::Value;

use super::form::{Counts, Form};
use super::lead::Lead;
use super::list::{invalid_cursor, list};
use super::page::{PageState, Standing};
use super::{LeadAds, subscription, write};
use crate::graph_error::GraphError;
use crate::params::Params;
use crate::switches::Switches;
use crate::tokens::Caller;

/// One Graph call of somebody who was let in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// After `method=` was honoured.
    pub(crate) method: &'a str,
    /// The path's segments after the version.
    pub(crate) rest: &'a [&'a str],
    pub(crate) params: &'a Params,
    pub(crate) caller: Caller<'a>,
    pub(crate) now_ms: i64,
    pub(crate) switches: &'a Switches,
    /// `http://host/path`, without a query: what `next` links begin with.
    pub(crate) url: &'a str,
    /// Seed of ids.
    pub(crate) seed: u64,
}

type Outcome = Result<Value, GraphError>;

/// Answers calls about lead ads; `None` where the call is about something else.
pub(crate) fn answer(state: &mut LeadAds, asked: &Asked<'_>) -> Option<Outcome> {
    match (asked.method, asked.rest) {
        ("GET", ["me"]) => me(state, asked),
        ("GET", ["me", "accounts"]) => Some(accounts(state, asked)),
        (_, [id, "subscribed_apps"]) => Some(subscription::answer(state, asked, id)),
        ("GET", [id, "leadgen_forms"]) => Some(forms(state, asked, id)),
        ("GET", [id, "leads"]) => Some(leads(state, asked, id, false)),
        ("GET", [id, "test_leads"]) => Some(leads(state, asked, id, true)),
        ("POST", [id, "test_leads"]) => Some(write::create_test_lead(state, asked, id)),
        ("DELETE", [id]) if state.leads.contains_key(*id) => Some(write::delete_lead(state, asked, id)),
        (_, [id, "leadgen_forms" | "leads" | "test_leads"]) => {
            Some(Err(GraphError::unknown_object(asked.method, id)))
        }
        ("GET", [id]) => node(state, asked, id),
        _ => None,
    }
}

/// `GET /me` with a page's token is the page.
fn me(state: &LeadAds, asked: &Asked<'_>) -> Option<Outcome> {
    let Caller::Token(token) = asked.caller else { return None };
    state.page_of_token(&token.token).map(|page| page.node(asked.params, &["id", "name"]))
}

/// `GET /me/accounts`: the pages that the token manages, with their own tokens.
fn accounts(state: &LeadAds, asked: &Asked<'_>) -> Outcome {
    let Caller::Token(token) = asked.caller else {
        return Err(GraphError::new(2500, None).with_message(
            "An active access token must be used to query information about the current user.",
        ));
    };
    if state.page_of_token(&token.token).is_some() {
        return Err(GraphError::nonexisting_field("accounts", "Page"));
    }
    list(
        asked,
        |after| {
            let after = after.unwrap_or_default().to_owned();
            let managed = state.pages().filter(|page| page.standing(asked.caller) == Standing::Manager);
            Ok(managed.map(|page| (page.page.page_id.clone(), page)).filter(move |(id, _)| *id > after))
        },
        |page| page.node(asked.params, &["access_token", "category", "name", "id", "tasks"]),
    )
}

fn node(state: &mut LeadAds, asked: &Asked<'_>, id: &str) -> Option<Outcome> {
    if let Some(page) = state.pages.get(id) {
        let known = page.standing(asked.caller) != Standing::Stranger;
        return Some(if known {
            page.node(asked.params, &["id", "name"])
        } else {
            Err(GraphError::unknown_object("GET", id))
        });
    }
    if let Some(form) = state.forms.get(id) {
        return Some(
            page_of(state, &form.page_id, asked, id).and_then(|_| form.node(state.counts(id), asked.params)),
        );
    }
    let page_id = state.leads.get(id)?.page_id.clone();
    Some(page_of(state, &page_id, asked, id).map(|_| ()).and_then(|()| {
        match state.leads.get_mut(id).filter(|lead| is_served(lead, asked)) {
            Some(lead) => {
                let node = lead.node(asked.params)?;
                lead.reads += 1;
                Ok(node)
            }
            None => Err(GraphError::unknown_object("GET", id)),
        }
    }))
}

/// `GET /{page}/leadgen_forms`.
fn forms(state: &LeadAds, asked: &Asked<'_>, page_id: &str) -> Outcome {
    page_of(state, page_id, asked, page_id)?;
    list(
        asked,
        |after| {
            let after = after.unwrap_or_default().to_owned();
            let forms = state.forms.values().filter(|form| form.page_id == page_id);
            Ok(forms.map(|form| (form.form_id.clone(), form)).filter(move |(id, _)| *id > after))
        },
        |form: &Form| form.node(state.counts(&form.form_id), asked.params),
    )
}

/// `GET /{form}/leads` and `/{form}/test_leads`: newest first.
fn leads(state: &LeadAds, asked: &Asked<'_>, form_id: &str, only_tests: bool) -> Outcome {
    let form = state.forms.get(form_id).ok_or_else(|| GraphError::unknown_object("GET", form_id))?;
    page_of(state, &form.page_id, asked, form_id)?;
    let filters = Filter::read_all(asked.params)?;
    let with_tests = only_tests || asked.switches.list_test_leads;
    let none = BTreeSet::new();
    let places = state.by_form.get(form_id).unwrap_or(&none);
    list(
        asked,
        |after| {
            let end = match after {
                Some(key) => Bound::Excluded(place_of(key).ok_or_else(invalid_cursor)?),
                None => Bound::Unbounded,
            };
            let leads = places
                .range((Bound::Unbounded, end))
                .rev()
                .filter_map(|place| Some((format!("{}:{}", place.0, place.1), state.leads.get(&place.1)?)));
            Ok(leads.filter(move |(_, lead): &(String, &Lead)| {
                is_served(lead, asked)
                    && if only_tests { lead.test } else { with_tests || !lead.test }
                    && filters.iter().all(|filter| filter.takes(lead.created_time))
            }))
        },
        |lead| lead.node(asked.params),
    )
}

/// The page, where the caller shows its token.
fn page_of<'a>(
    state: &'a LeadAds,
    page_id: &str,
    asked: &Asked<'_>,
    id: &str,
) -> Result<&'a PageState, GraphError> {
    let page = state.pages.get(page_id).ok_or_else(|| GraphError::unknown_object(asked.method, id))?;
    page.needs_page_token(asked.caller, asked.method, id)?;
    Ok(page)
}

/// Not before it is readable, and where the switch says so, not after the platform's retention.
fn is_served(lead: &Lead, asked: &Asked<'_>) -> bool {
    let oldest_s = asked
        .switches
        .lead_retention_days
        .map(|days| asked.now_ms.div_euclid(1_000).saturating_sub(i64::from(days).saturating_mul(86_400)));
    lead.is_readable(asked.now_ms) && oldest_s.is_none_or(|oldest_s| lead.created_time >= oldest_s)
}

fn place_of(key: &str) -> Option<(i64, String)> {
    let (created_s, id) = key.split_once(':')?;
    Some((created_s.parse().ok()?, id.to_owned()))
}

/// One object of `filtering`.
#[derive(Debug, Deserialize)]
struct Filter {
    field: String,
    operator: String,
    value: Value,
    #[serde(skip)]
    bound_s: i64,
}

impl Filter {
    /// `[{"field":"time_created","operator":"GREATER_THAN","value":1516682744}]`; anything else is refused.
    fn read_all(params: &Params) -> Result<Vec<Self>, GraphError> {
        let wrong = || GraphError::wrong("filtering", "a list of known filters");
        let Some(text) = params.text("filtering") else { return Ok(Vec::new()) };
        let mut filters: Vec<Self> = serde_json::from_str(&text).map_err(|_| wrong())?;
        for filter in &mut filters {
            let known = filter.field == "time_created"
                && ["GREATER_THAN", "GREATER_THAN_OR_EQUAL", "LESS_THAN"].contains(&filter.operator.as_str());
            let bound_s = match &filter.value {
                Value::Number(number) => number.as_i64(),
                Value::String(text) => text.parse().ok(),
                _ => None,
            };
            filter.bound_s = bound_s.filter(|_| known).ok_or_else(wrong)?;
        }
        Ok(filters)
    }

    fn takes(&self, created_s: i64) -> bool {
        match self.operator.as_str() {
            "GREATER_THAN" => created_s > self.bound_s,
            "GREATER_THAN_OR_EQUAL" => created_s >= self.bound_s,
            _ => created_s < self.bound_s,
        }
    }
}

impl LeadAds {
    /// Test leads are not counted.
    fn counts(&self, form_id: &str) -> Counts {
        let mut counts = Counts::default();
        for (_, id) in self.by_form.get(form_id).into_iter().flatten() {
            if let Some(lead) = self.leads.get(id).filter(|lead| !lead.test) {
                counts.all += 1;
                counts.organic += usize::from(lead.is_organic);
            }
        }
        counts
    }
}
