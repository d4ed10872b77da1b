//! The part of `/_sim/…` that is about lead ads: pages, forms, leads, webhooks, receivers.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::control::{DEFAULT_LIMIT, Query, Refusal, found, read, refused};
use crate::graph::Call;
use crate::leads::{self, Form, Lead, Page, PageState, Submission, Submitted};
use crate::receivers::Receiver;
use crate::shared::Shared;
use crate::sim::SimError;
use crate::state::State;
use crate::webhooks::{self, Deliveries};

/// Most rows of a listing.
const MAX_LIMIT: usize = 20_000;

/// Paths that [`route`] knows.
pub(crate) const KNOWN: [&str; 5] = ["pages", "forms", "leads", "webhooks", "receivers"];

/// Answers what needs nothing but the state; `None` where the path is another part's.
pub(crate) fn route(state: &mut State, call: &Call, segments: &[&str]) -> Option<Result<Answer, Refusal>> {
    Some(match (call.method.as_str(), segments) {
        ("POST", ["pages"]) => read::<Page>(call).and_then(|page| ok(state.add_page(page))),
        ("GET", ["pages"]) => {
            let pages: Vec<Value> = state.leads.pages().map(PageState::inspected).collect();
            Ok(Answer::json(200, &json!({ "pages": pages })))
        }
        ("POST", ["forms"]) => read::<Form>(call).and_then(|form| ok(state.add_form(form))),
        ("GET", ["leads"]) => list_leads(state, &call.query),
        ("GET", ["webhooks"]) => list_webhooks(state, &call.query),
        ("POST", ["receivers"]) => {
            read::<Receiver>(call).and_then(|receiver| ok(state.receivers.put(receiver)))
        }
        ("GET", ["receivers", name]) => {
            let inspected = state.receivers.inspected(name).ok_or((404, "no such receiver".to_owned()));
            inspected.map(|receiver| Answer::json(200, &receiver))
        }
        ("DELETE", ["receivers", name]) => found(state.receivers.remove(name), "no such receiver"),
        _ => return None,
    })
}

/// `POST /_sim/leads`.
pub(crate) fn submit(shared: &Arc<Shared>, call: &Call) -> Result<Answer, Refusal> {
    let submission: Submission = read(call)?;
    let submitted = submit_and_send(shared, &submission).map_err(refused)?;
    Ok(Answer::json(200, &submitted))
}

/// Stores leads, and sends their webhooks in the background.
pub(crate) fn submit_and_send(shared: &Arc<Shared>, submission: &Submission) -> Result<Submitted, SimError> {
    let (submitted, numbers) = {
        let mut state = shared.lock();
        let (now_ms, seed) = (state.clock.now_ms(), state.seed());
        let leads = leads::submit(&mut state.leads, submission, now_ms, seed)?;
        state.announce(&leads, submission.webhook.as_ref(), submission.seed)?
    };
    if let Some(webhook) = &submission.webhook {
        webhooks::send(shared, numbers, webhook, submission.seed);
    }
    Ok(submitted)
}

/// Which delivery to send again, and where to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Replay {
    id: String,
    #[serde(default)]
    url: Option<String>,
}

/// `POST /_sim/webhooks/replay`: answers once the receiver has, with `{"status"}` or `{"error"}`.
pub(crate) async fn replay(shared: &Shared, call: &Call) -> Result<Answer, Refusal> {
    let Replay { id, url } = read(call)?;
    let unknown = || (404, "no such webhook".to_owned());
    let number = Deliveries::number(&id).ok_or_else(unknown)?;
    let outcome = webhooks::replay(shared, number, url.as_deref()).await.ok_or_else(unknown)?;
    Ok(Answer::json(
        200,
        &match outcome {
            Ok(status) => json!({ "status": status }),
            Err(error) => json!({ "error": error }),
        },
    ))
}

fn list_leads(state: &State, query: &str) -> Result<Answer, Refusal> {
    let mut asked = Query::read(query, &["form_id", "page_id", "limit", "cursor"])?;
    let (form, page) = (asked.take("form_id"), asked.take("page_id"));
    let limit = asked.number("limit", DEFAULT_LIMIT, MAX_LIMIT)?;
    let after = asked.take("cursor").unwrap_or_default();
    let total = state.leads.truth(form.as_deref(), page.as_deref()).count();
    let mut leads = state.leads.truth(form.as_deref(), page.as_deref()).filter(|lead| lead.id > after);
    let shown: Vec<&Lead> = leads.by_ref().take(limit).collect();
    let mut answer = json!({"total": total, "leads": shown});
    if leads.next().is_some() {
        answer["next_cursor"] = json!(shown.last().map(|lead| &lead.id));
    }
    Ok(Answer::json(200, &answer))
}

fn list_webhooks(state: &State, query: &str) -> Result<Answer, Refusal> {
    let mut asked = Query::read(query, &["state", "lead_id", "limit"])?;
    let wanted = asked.take("state").map(|text| {
        webhooks::State::read(&text)
            .ok_or_else(|| (400, "state must be pending, delivered or given_up".to_owned()))
    });
    let wanted = wanted.transpose()?;
    let limit = asked.number("limit", DEFAULT_LIMIT, MAX_LIMIT)?;
    Ok(Answer::json(200, &state.deliveries.list(wanted, asked.take("lead_id").as_deref(), limit)))
}

fn ok(outcome: Result<(), SimError>) -> Result<Answer, Refusal> {
    outcome.map(|()| Answer::json(200, &json!({"ok": true}))).map_err(refused)
}
