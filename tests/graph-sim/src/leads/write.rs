//! Test leads that are made through Graph, and leads that are deleted.

use serde_json::{Value, json};

use super::LeadAds;
use super::lead::{Disclaimer, FieldData, Lead};
use super::read::Asked;
use super::subscription::success;
use crate::graph_error::GraphError;

/// `POST /{form}/test_leads`: one per form; who wants another deletes it first.
pub(crate) fn create_test_lead(
    state: &mut LeadAds,
    asked: &Asked<'_>,
    form_id: &str,
) -> Result<Value, GraphError> {
    let unknown = || GraphError::unknown_object("POST", form_id);
    let form = state.forms.get(form_id).ok_or_else(unknown)?;
    let page = state.pages.get(&form.page_id).ok_or_else(unknown)?;
    page.needs_page_token(asked.caller, "POST", form_id)?;
    if state.truth(Some(form_id), None).any(|lead| lead.test) {
        return Err(GraphError::new(100, None)
            .with_message("(#100) This form has a test lead already; delete it to create another"));
    }
    let field_data: Option<Vec<FieldData>> = read(asked, "field_data")?;
    let asks = |key: &str| form.questions.iter().any(|question| question.key == key);
    if field_data.iter().flatten().any(|answer| !asks(&answer.name)) {
        return Err(GraphError::wrong("field_data", "answers to the form's questions"));
    }
    let field_data = field_data.unwrap_or_else(|| form.questions.iter().map(dummy).collect());
    let boxes: Option<Vec<Disclaimer>> = read(asked, "custom_disclaimer_responses")?;
    let (page_id, form_id) = (form.page_id.clone(), form.form_id.clone());
    let id = state.next_lead_id(asked.seed);
    let lead = Lead {
        page_id,
        field_data,
        custom_disclaimer_responses: boxes.unwrap_or_default(),
        ..Lead::test_lead(id.clone(), form_id, asked.now_ms)
    };
    state
        .put_leads(vec![lead])
        .map_err(|error| GraphError::new(2, None).with_message(format!("The simulator is full: {error}")))?;
    Ok(json!({ "id": id }))
}

/// `DELETE /{lead}`.
pub(crate) fn delete_lead(state: &mut LeadAds, asked: &Asked<'_>, id: &str) -> Result<Value, GraphError> {
    let page = state.leads.get(id).and_then(|lead| state.pages.get(&lead.page_id));
    let page = page.ok_or_else(|| GraphError::unknown_object("DELETE", id))?;
    page.needs_page_token(asked.caller, "DELETE", id)?;
    state.remove_lead(id);
    Ok(success(asked))
}

/// What Meta's testing tool answers a question with.
pub(crate) fn dummy(question: &super::Question) -> FieldData {
    FieldData {
        name: question.key.clone(),
        values: vec![format!("<test lead: dummy data for {}>", question.key)],
    }
}

fn read<T: serde::de::DeserializeOwned>(asked: &Asked<'_>, name: &str) -> Result<Option<T>, GraphError> {
    let Some(text) = asked.params.text(name) else { return Ok(None) };
    serde_json::from_str(&text).map(Some).map_err(|_| GraphError::wrong(name, "a list of objects"))
}

impl Lead {
    /// A test lead without answers: no ad, readable at once.
    fn test_lead(id: String, form_id: String, now_ms: i64) -> Self {
        Self {
            id,
            page_id: String::new(),
            form_id,
            created_time: now_ms.div_euclid(1_000),
            readable_at_ms: now_ms,
            test: true,
            field_data: Vec::new(),
            custom_disclaimer_responses: Vec::new(),
            ad_id: None,
            ad_name: None,
            adset_id: None,
            adset_name: None,
            campaign_id: None,
            campaign_name: None,
            is_organic: true,
            platform: None,
            extra: serde_json::Map::new(),
            reads: 0,
        }
    }
}
