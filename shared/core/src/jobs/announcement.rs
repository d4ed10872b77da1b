//! What a tenant's webhook is told of a new lead.

use serde_json::{Value, json};

use crate::ids::TenantId;
use crate::leads::{Lead, LeadPii};
use crate::time::UnixMillis;

/// The type of what is told.
pub const LEAD_CREATED: &str = "lead.created";

/// The body, `{"id", "type", "created_at", "tenant_id", "data"}`: `id` names the delivery through all its tries, `data` is
/// the lead as it is now.
pub(super) fn body(id: &str, at: UnixMillis, tenant: &TenantId, lead: &Lead, pii: &LeadPii) -> Vec<u8> {
    let told = json!({
        "id": id,
        "type": LEAD_CREATED,
        "created_at": at.rfc3339(),
        "tenant_id": tenant,
        "data": data(lead, pii),
    });
    told.to_string().into_bytes()
}

/// What is absent of a lead is left out.
fn data(lead: &Lead, pii: &LeadPii) -> Value {
    let doc = &lead.doc;
    let mut data = json!({
        "lead_id": lead.id,
        "created_at": UnixMillis::from_secs(doc.created_at_s).rfc3339(),
        "page_id": doc.page,
        "form_id": doc.form,
        "source_id": doc.source,
        "person_id": doc.person,
        "campaign_id": doc.ads.campaign_id,
        "campaign_name": doc.ads.campaign_name,
        "adset_id": doc.ads.adset_id,
        "adset_name": doc.ads.adset_name,
        "ad_id": doc.ads.ad_id,
        "ad_name": doc.ads.ad_name,
        "platform": doc.platform,
        "is_organic": doc.is_organic,
        "arrival": doc.arrival,
        "test": doc.test,
        "status": doc.status,
        "assignee": doc.assignee,
        "contact": pii.contact,
        "answers": pii.answers,
        "disclaimers": pii.disclaimers,
        "extra": pii.extra,
    });
    if let Some(data) = data.as_object_mut() {
        data.retain(|_, value| !value.is_null());
    }
    data
}
