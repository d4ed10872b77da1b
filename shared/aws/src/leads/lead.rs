//! Leads, activities, stages and what is noted of them as items.

use std::collections::BTreeSet;

use adrelay_core::ids::{LeadId, PersonId, TenantId};
use adrelay_core::leads::{Activity, Feedback, Lead, MissingLead};
use adrelay_core::people::LinkHash;
use adrelay_core::ports::StoreError;
use aws_sdk_dynamodb::types::AttributeValue;

use super::{DAY_S, lead_pk};
use crate::item::{
    ITEM_VERSION, Item, corrupt, key, last_part, n, number, optional_sealed, s, sealed, text, unreadable,
};

pub(super) const LEAD: &str = "LEAD";

/// Days for which it is kept that a lead can't be read: as long as Meta keeps leads.
const MISSING_DAYS: i64 = 90;

/// Attributes that [`read_lead`] needs.
pub(super) const LEAD_ATTRIBUTES: &str = "pk, rev, doc, texts, sealed";

/// Seconds as the list's sort key shows them, bounded to what 12 digits hold.
pub(super) fn sortable_s(at_s: i64) -> String {
    format!("{:012}", at_s.clamp(0, 999_999_999_999))
}

pub(super) fn list_pk(tenant: &TenantId, test: bool) -> String {
    if test { format!("T#{tenant}#TEST") } else { format!("T#{tenant}") }
}

pub(super) fn list_sk(created_at_s: i64, id: &LeadId) -> String {
    format!("{}#{id}", sortable_s(created_at_s))
}

pub(super) fn lead_key(tenant: &TenantId, id: &LeadId) -> Item {
    key(&lead_pk(tenant, id), LEAD)
}

/// The lead as `rev + 1`.
pub(super) fn lead_item(lead: &Lead) -> Result<Item, StoreError> {
    let (doc, mut item) = (&lead.doc, lead_key(&lead.tenant, &lead.id));
    let set = [
        ("v", n(ITEM_VERSION)),
        ("rev", n(lead.rev + 1)),
        ("doc", s(serde_json::to_string(doc).map_err(corrupt)?)),
        ("list_pk", s(list_pk(&lead.tenant, doc.test))),
        ("list_sk", s(list_sk(doc.created_at_s, &lead.id))),
        ("status", s(doc.status.as_str())),
        ("form", s(doc.form.as_str())),
        ("page", s(doc.page.as_str())),
        ("source", s(doc.source.as_str())),
    ];
    item.extend(set.map(|(name, value)| (name.to_owned(), value)));
    let texts: Vec<String> = lead.texts.iter().map(|hash| hash.as_str().to_owned()).collect();
    let optional = [
        ("campaign", doc.ads.campaign_id.as_ref().map(|id| s(id.as_str()))),
        ("ad", doc.ads.ad_id.as_ref().map(|id| s(id.as_str()))),
        ("assignee", doc.assignee.as_deref().map(s)),
        ("texts", (!texts.is_empty()).then_some(AttributeValue::Ss(texts))),
        ("sealed", lead.sealed.as_deref().map(sealed)),
    ];
    item.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    Ok(item)
}

pub(super) fn read_lead(tenant: &TenantId, item: &Item) -> Result<Lead, StoreError> {
    let texts = item.get("texts").and_then(|texts| texts.as_ss().ok());
    let texts: Option<BTreeSet<LinkHash>> =
        texts.into_iter().flatten().map(|hash| LinkHash::parse(hash)).collect();
    Ok(Lead {
        tenant: tenant.clone(),
        id: LeadId::parse(last_part(text(item, "pk")?)).map_err(|error| unreadable(&error))?,
        rev: u64::try_from(number(item, "rev")?).map_err(|error| unreadable(&error))?,
        doc: serde_json::from_str(text(item, "doc")?).map_err(corrupt)?,
        texts: texts.ok_or_else(|| unreadable(&"texts"))?,
        sealed: optional_sealed(item, "sealed")?,
    })
}

/// The sort key of the nth activity.
pub(super) fn activity_sk(nth: u64) -> String {
    format!("A#{nth:010}")
}

pub(super) fn activity_item(
    tenant: &TenantId,
    lead: &LeadId,
    activity: &Activity,
) -> Result<Item, StoreError> {
    let mut item = key(&lead_pk(tenant, lead), &activity_sk(activity.nth));
    let plain = Activity { sealed_note: None, ..activity.clone() };
    item.insert("v".to_owned(), n(ITEM_VERSION));
    item.insert("doc".to_owned(), s(serde_json::to_string(&plain).map_err(corrupt)?));
    item.extend(activity.sealed_note.as_deref().map(|note| ("note".to_owned(), sealed(note))));
    Ok(item)
}

pub(super) fn read_activity(item: &Item) -> Result<Activity, StoreError> {
    let plain: Activity = serde_json::from_str(text(item, "doc")?).map_err(corrupt)?;
    Ok(Activity { sealed_note: optional_sealed(item, "note")?, ..plain })
}

/// Where the nth stage stands.
pub(super) fn feedback_key(tenant: &TenantId, lead: &LeadId, nth: u64) -> Item {
    key(&lead_pk(tenant, lead), &format!("FB#{nth:010}"))
}

pub(super) fn feedback_item(
    tenant: &TenantId,
    lead: &LeadId,
    feedback: &Feedback,
) -> Result<Item, StoreError> {
    let mut item = feedback_key(tenant, lead, feedback.nth);
    let set = [
        ("v", n(ITEM_VERSION)),
        ("doc", s(serde_json::to_string(feedback).map_err(corrupt)?)),
        ("state", s(serde_json::to_string(&feedback.state).map_err(corrupt)?)),
    ];
    item.extend(set.map(|(name, value)| (name.to_owned(), value)));
    Ok(item)
}

/// The attribute tells the state; its copy in the document is as old as the change.
pub(super) fn read_feedback(item: &Item) -> Result<Feedback, StoreError> {
    let written: Feedback = serde_json::from_str(text(item, "doc")?).map_err(corrupt)?;
    Ok(Feedback { state: serde_json::from_str(text(item, "state")?).map_err(corrupt)?, ..written })
}

pub(super) fn missing_pk(tenant: &TenantId) -> String {
    format!("T#{tenant}#MISSING")
}

pub(super) fn missing_item(missing: &MissingLead) -> Result<Item, StoreError> {
    let mut item = key(&missing_pk(&missing.tenant), missing.id.as_str());
    let set = [
        ("v", n(ITEM_VERSION)),
        ("doc", s(serde_json::to_string(missing).map_err(corrupt)?)),
        ("expires_at", n(missing.announced_at.secs() + MISSING_DAYS * DAY_S)),
    ];
    item.extend(set.map(|(name, value)| (name.to_owned(), value)));
    Ok(item)
}

pub(super) fn person_pk(tenant: &TenantId, person: &PersonId) -> String {
    format!("T#{tenant}#P#{person}")
}

/// Says that a lead is a person's.
pub(super) fn link_key(tenant: &TenantId, person: &PersonId, lead: &LeadId) -> Item {
    key(&person_pk(tenant, person), lead.as_str())
}
