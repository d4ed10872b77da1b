//! What happened to a lead, and who did it.

use adrelay_core::ids::{LeadId, TenantId};
use adrelay_core::leads::{Activity, ActivityKind, NOTE_PURPOSE};
use adrelay_core::ports::leads::LeadStore as _;
use adrelay_lambda::problem::Problem;
use serde::Serialize;

use super::list::{UNKNOWN, listed};
use super::view::{arrival, money};
use crate::answer::{Answer, List, ok, store};
use crate::api::{AdminApi, Call};
use crate::page::Asked;
use crate::people::MoneyView;
use crate::ports::Ports;

/// A line of a lead's history.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = LeadActivity))]
pub(crate) struct ActivityView {
    /// Its place in the history, from 1 on.
    nth: u64,
    /// When.
    #[cfg_attr(test, schema(format = DateTime))]
    at: String,
    /// The actor that was named, else the key's name; `adrelay` for what happens on its own.
    by: String,
    /// What.
    #[cfg_attr(test, schema(pattern = "^(created|status|assigned|note|erased)$"))]
    kind: &'static str,
    /// For `created`: by which way it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(pattern = "^(webhook|poll)$"))]
    arrival: Option<&'static str>,
    /// For `status`: where it stood.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'static str>,
    /// For `status`: where it stands. For `assigned`: who works on it; absent where nobody does.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// For `status`: what it was worth when it was converted.
    #[serde(skip_serializing_if = "Option::is_none")]
    worth: Option<MoneyView>,
    /// What was noted.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl std::fmt::Debug for ActivityView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ActivityView({} {})", self.nth, self.kind)
    }
}

impl ActivityView {
    pub(super) fn of(activity: Activity, note: Option<String>) -> Self {
        let Activity { nth, at, by, what, .. } = activity;
        let bare = |kind| Self {
            nth,
            at: at.rfc3339(),
            by,
            kind,
            arrival: None,
            from: None,
            to: None,
            worth: None,
            note,
        };
        match what {
            ActivityKind::Created { arrival: way } => Self { arrival: Some(arrival(way)), ..bare("created") },
            ActivityKind::Status { from, to, worth } => Self {
                from: Some(from.as_str()),
                to: Some(to.as_str().to_owned()),
                worth: worth.map(money),
                ..bare("status")
            },
            ActivityKind::Assigned { to } => Self { to, ..bare("assigned") },
            ActivityKind::Note => bare("note"),
            ActivityKind::Erased => bare("erased"),
        }
    }
}

impl<P: Ports> AdminApi<P> {
    pub(crate) async fn list_activity(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let Asked { limit, cursor } = Asked::take(&mut call.query)?;
        call.query.finish()?;
        let id: LeadId = call.id(UNKNOWN)?;
        self.lead(&tenant, &id).await?;
        let page = self.ports.leads().activities(&tenant, &id, limit, cursor.as_deref()).await;
        let page = page.map_err(listed)?;
        let mut items = Vec::with_capacity(page.items.len());
        for activity in page.items {
            items.push(self.activity(&tenant, &id, activity).await?);
        }
        ok(&List { items, next_cursor: page.next_cursor })
    }

    pub(super) async fn activity(
        &self,
        tenant: &TenantId,
        id: &LeadId,
        activity: Activity,
    ) -> Result<ActivityView, Problem> {
        let note = match &activity.sealed_note {
            Some(sealed) => {
                let opened = self.pii.open(tenant, id.as_str(), NOTE_PURPOSE, sealed).await;
                Some(opened.map_err(store)?.expose().to_owned())
            }
            None => None,
        };
        Ok(ActivityView::of(activity, note))
    }
}
