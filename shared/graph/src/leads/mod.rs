//! Meta's lead ads: leads, forms, pages and their subscriptions (Meta: lead retrieval, webhooks for leads).
//!
//! Lists are paged by `paging.cursors.after` while there is a `paging.next`; `next` itself carries the token, so it is
//! neither followed nor passed on.

mod form;
mod rows;
mod submission;

use adrelay_core::ids::{FormId, LeadId, PageId};
use adrelay_core::leads::{MetaForm, Submission};
use adrelay_core::ports::leads_api::{Answered, LeadsApi, MAX_ROWS, ManagedPage, Rows};
use adrelay_core::ports::meta::Credentials;
use serde_json::{Map, Value, json};

use crate::answer::flag;
use crate::call::Call;
use crate::client::Graph;
use rows::rows;

/// The page's field that announces leads.
const LEADGEN: &str = "leadgen";

/// The edge that holds a page's subscriptions.
const SUBSCRIBED_APPS: &str = "subscribed_apps";

impl Graph {
    /// One page of a list, its rows read by `read`.
    async fn list<T>(
        &self,
        credentials: &Credentials,
        path: &[&str],
        parameters: &[(&str, &str)],
        after: Option<&str>,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Answered<Rows<T>> {
        let limit = MAX_ROWS.to_string();
        let mut all = parameters.to_vec();
        all.push(("limit", &limit));
        all.extend(after.map(|after| ("after", after)));
        let call = Call::get(path).with(&all).up_to(self.max_list_bytes);
        self.call(credentials, call, |object| rows(object, read)).await
    }
}

impl LeadsApi for Graph {
    async fn lead(&self, credentials: &Credentials, id: &LeadId) -> Answered<Submission> {
        let path = [id.as_str()];
        let call = Call::get(&path).with(&[("fields", submission::FIELDS)]);
        let read =
            |object: &Map<String, Value>| submission::read(object).filter(|submission| submission.id == *id);
        self.call(credentials, call, read).await
    }

    async fn form_leads(
        &self,
        credentials: &Credentials,
        form: &FormId,
        since_s: i64,
        after: Option<&str>,
    ) -> Answered<Rows<Submission>> {
        let filtering =
            json!([{"field": "time_created", "operator": "GREATER_THAN", "value": since_s}]).to_string();
        let parameters = [("fields", submission::FIELDS), ("filtering", filtering.as_str())];
        let read = |row: &Value| row.as_object().and_then(submission::read);
        self.list(credentials, &[form.as_str(), "leads"], &parameters, after, read).await
    }

    async fn test_leads(&self, credentials: &Credentials, form: &FormId) -> Answered<Vec<LeadId>> {
        let read = |row: &Value| rows::id(row.get("id")).and_then(|id| LeadId::parse(&id).ok());
        let path = [form.as_str(), "test_leads"];
        let listed = self.list(credentials, &path, &[("fields", "id")], None, read).await;
        Answered { result: listed.result.map(|rows| rows.rows), usage: listed.usage }
    }

    async fn forms(
        &self,
        credentials: &Credentials,
        page: &PageId,
        after: Option<&str>,
    ) -> Answered<Rows<MetaForm>> {
        let path = [page.as_str(), "leadgen_forms"];
        self.list(credentials, &path, &[("fields", form::FIELDS)], after, form::read).await
    }

    async fn managed_pages(
        &self,
        credentials: &Credentials,
        after: Option<&str>,
    ) -> Answered<Rows<ManagedPage>> {
        let fields = [("fields", "id,name,access_token")];
        self.list(credentials, &["me", "accounts"], &fields, after, rows::managed_page).await
    }

    async fn is_subscribed(
        &self,
        credentials: &Credentials,
        page: &PageId,
        app_id: Option<&str>,
    ) -> Answered<bool> {
        let read = |row: &Value| {
            let app = rows::id(row.get("id"))?;
            Some(app_id.is_none_or(|ours| ours == app) && is_told_of_leads(row))
        };
        let path = [page.as_str(), SUBSCRIBED_APPS];
        let listed = self.list(credentials, &path, &[("fields", "id,subscribed_fields")], None, read).await;
        Answered { result: listed.result.map(|rows| rows.rows.contains(&true)), usage: listed.usage }
    }

    async fn subscribe(&self, credentials: &Credentials, page: &PageId) -> Answered<()> {
        let path = [page.as_str(), SUBSCRIBED_APPS];
        let call = Call::post(&path).with(&[("subscribed_fields", LEADGEN)]);
        self.call(credentials, call, is_done).await
    }

    async fn unsubscribe(&self, credentials: &Credentials, page: &PageId) -> Answered<()> {
        let path = [page.as_str(), SUBSCRIBED_APPS];
        self.call(credentials, Call::delete(&path), is_done).await
    }
}

/// `{"success": true}`, which one of Meta's samples prints as a text.
fn is_done(object: &Map<String, Value>) -> Option<()> {
    object.get("success").and_then(flag).filter(|&success| success).map(|_| ())
}

/// Whether an app's subscription has leads among its fields: names, or objects with a name.
fn is_told_of_leads(app: &Value) -> bool {
    let fields = app.get("subscribed_fields").and_then(Value::as_array);
    let is_leadgen = |field: &Value| field.as_str().or_else(|| field.get("name")?.as_str()) == Some(LEADGEN);
    fields.is_some_and(|fields| fields.iter().any(is_leadgen))
}
