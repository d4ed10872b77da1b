//! A lead as callers see it.

use adrelay_core::leads::{
    Answer, Arrival, Contact, Feedback, FeedbackState, Lead, LeadAds, LeadPii, Status,
};
use adrelay_core::money::Money;
use adrelay_core::time::UnixMillis;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::events::ReceiptView;
use crate::people::MoneyView;

/// A submitted Lead Ad.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Lead))]
pub(crate) struct LeadView {
    /// Meta's id of it.
    id: String,
    /// Its page.
    page_id: String,
    /// Its form.
    form_id: String,
    /// Whose people it became one of.
    source_id: String,
    /// Who it is; null for test leads, once it is erased, and where people are not kept.
    person_id: Option<String>,
    /// Where it stands.
    #[cfg_attr(test, schema(pattern = "^(new|contacted|qualified|converted|disqualified|archived)$"))]
    status: &'static str,
    /// Who works on it.
    assignee: Option<String>,
    /// When it was submitted.
    #[cfg_attr(test, schema(format = DateTime))]
    created_at: String,
    /// When it was stored.
    #[cfg_attr(test, schema(format = DateTime))]
    stored_at: String,
    /// When anything about it last changed.
    #[cfg_attr(test, schema(format = DateTime))]
    updated_at: String,
    /// When it was contacted first.
    #[cfg_attr(test, schema(format = DateTime))]
    contacted_at: Option<String>,
    /// When it was converted.
    #[cfg_attr(test, schema(format = DateTime))]
    converted_at: Option<String>,
    /// What it was worth when it was converted.
    worth: Option<MoneyView>,
    /// By which way it came first: Meta announced it, or it was found by looking through its form.
    #[cfg_attr(test, schema(pattern = "^(webhook|poll)$"))]
    arrival: &'static str,
    /// Whether it was made by Meta's testing tool: kept apart, no person, never told to Meta.
    test: bool,
    /// Meta's word, e.g. `fb`, `ig`.
    platform: Option<String>,
    /// Whether no ad brought it.
    is_organic: bool,
    /// The ad that brought it.
    ad_id: Option<String>,
    /// Its name.
    ad_name: Option<String>,
    /// The ad's ad set.
    adset_id: Option<String>,
    /// Its name.
    adset_name: Option<String>,
    /// The ad's campaign.
    campaign_id: Option<String>,
    /// Its name.
    campaign_name: Option<String>,
    /// Who answered; null once it is erased.
    contact: Option<ContactView>,
    /// Since when nothing personal is kept of it.
    #[cfg_attr(test, schema(format = DateTime))]
    erased_at: Option<String>,
}

/// What the usual questions tell of who answered, as it was answered.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Contact))]
struct ContactView {
    /// The first e-mail address.
    email: Option<String>,
    /// The first phone number.
    phone: Option<String>,
    /// Both names as one.
    full_name: Option<String>,
    /// Asked for, or split off the full name.
    first_name: Option<String>,
    /// Asked for, or split off the full name.
    last_name: Option<String>,
    /// Asked for.
    city: Option<String>,
    /// Asked for.
    state: Option<String>,
    /// Asked for.
    zip: Option<String>,
    /// Asked for.
    country: Option<String>,
    /// Asked for.
    date_of_birth: Option<String>,
    /// Asked for.
    gender: Option<String>,
}

impl std::fmt::Debug for ContactView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ContactView(…)")
    }
}

/// A lead with its answers, and what Meta was told of it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = LeadDetail))]
pub(crate) struct LeadDetailView {
    /// The lead.
    #[serde(flatten)]
    lead: LeadView,
    /// Every answer with all its values.
    answers: Vec<AnswerView>,
    /// The boxes under the form.
    disclaimers: Vec<DisclaimerView>,
    /// What else Meta told, in its own words.
    #[cfg_attr(test, schema(value_type = std::collections::BTreeMap<String, Value>))]
    extra: Map<String, Value>,
    /// The stages that Meta was, or is to be, told, in their order.
    feedback: Vec<FeedbackView>,
}

/// The answer to a question.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Answer))]
struct AnswerView {
    /// The question's key.
    name: String,
    /// All values: a multiple choice has several.
    values: Vec<String>,
}

impl std::fmt::Debug for AnswerView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AnswerView(…)")
    }
}

/// A box under the form.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Disclaimer))]
struct DisclaimerView {
    /// Which.
    key: String,
    /// Whether it was ticked.
    checked: bool,
}

/// A stage of a lead as Meta is told it (Conversion Leads).
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = LeadFeedback))]
pub(super) struct FeedbackView {
    /// The stage.
    #[cfg_attr(test, schema(pattern = "^(new|contacted|qualified|converted|disqualified|archived)$"))]
    stage: &'static str,
    /// The event's name.
    event_name: String,
    /// The event's id.
    event_id: String,
    /// When it happened, in unix seconds; later than the stage before.
    event_time: i64,
    /// `pending`: it is to be queued within a minute. `queued`: its receipts tell the rest. `skipped`: it is not sent.
    #[cfg_attr(test, schema(pattern = "^(pending|queued|skipped)$"))]
    state: &'static str,
    /// Since when it is queued.
    #[cfg_attr(test, schema(format = DateTime))]
    queued_at: Option<String>,
    /// Why it is skipped, by a stable code.
    reason: Option<String>,
    /// What became of it at each pixel.
    receipts: Vec<ReceiptView>,
}

impl From<Contact> for ContactView {
    fn from(contact: Contact) -> Self {
        Self {
            email: contact.email,
            phone: contact.phone,
            full_name: contact.full_name,
            first_name: contact.first_name,
            last_name: contact.last_name,
            city: contact.city,
            state: contact.state,
            zip: contact.zip,
            country: contact.country,
            date_of_birth: contact.date_of_birth,
            gender: contact.gender,
        }
    }
}

impl From<Answer> for AnswerView {
    fn from(Answer { name, values }: Answer) -> Self {
        Self { name, values }
    }
}

/// An amount as it is shown.
pub(super) fn money(money: Money) -> MoneyView {
    MoneyView { minor: money.minor, currency: money.currency.as_str() }
}

/// The word of a way of arrival.
pub(super) const fn arrival(arrival: Arrival) -> &'static str {
    match arrival {
        Arrival::Webhook => "webhook",
        Arrival::Poll => "poll",
    }
}

impl LeadView {
    /// What a list shows of a lead, with what its sealed part holds.
    pub(super) fn of(lead: Lead, contact: Option<Contact>) -> Self {
        let Lead { id, doc, .. } = lead;
        let LeadAds { ad_id, ad_name, adset_id, adset_name, campaign_id, campaign_name } = doc.ads;
        Self {
            id: id.to_string(),
            page_id: doc.page.to_string(),
            form_id: doc.form.to_string(),
            source_id: doc.source.to_string(),
            person_id: doc.person.map(|person| person.to_string()),
            status: Status::as_str(doc.status),
            assignee: doc.assignee,
            created_at: UnixMillis::from_secs(doc.created_at_s).rfc3339(),
            stored_at: doc.stored_at.rfc3339(),
            updated_at: doc.updated_at.rfc3339(),
            contacted_at: doc.contacted_at.map(UnixMillis::rfc3339),
            converted_at: doc.converted_at.map(UnixMillis::rfc3339),
            worth: doc.worth.map(money),
            arrival: arrival(doc.arrival),
            test: doc.test,
            platform: doc.platform,
            is_organic: doc.is_organic,
            ad_id: ad_id.map(|id| id.to_string()),
            ad_name,
            adset_id: adset_id.map(|id| id.to_string()),
            adset_name,
            campaign_id: campaign_id.map(|id| id.to_string()),
            campaign_name,
            contact: contact.map(ContactView::from),
            erased_at: doc.erased_at.map(UnixMillis::rfc3339),
        }
    }
}

impl LeadDetailView {
    /// Everything that is known of a lead.
    pub(super) fn of(lead: Lead, pii: Option<LeadPii>, feedback: Vec<FeedbackView>) -> Self {
        let contact = pii.as_ref().map(|pii| pii.contact.clone());
        let LeadPii { answers, disclaimers, extra, .. } = pii.unwrap_or_default();
        let disclaimers = disclaimers.into_iter();
        Self {
            lead: LeadView::of(lead, contact),
            answers: answers.into_iter().map(AnswerView::from).collect(),
            disclaimers: disclaimers
                .map(|one| DisclaimerView { key: one.key, checked: one.checked })
                .collect(),
            extra,
            feedback,
        }
    }
}

impl FeedbackView {
    /// A stage with the receipts of its event.
    pub(super) fn of(feedback: Feedback, receipts: Vec<ReceiptView>) -> Self {
        let (state, queued_at, reason) = match feedback.state {
            FeedbackState::Pending => ("pending", None, None),
            FeedbackState::Queued { at } => ("queued", Some(at.rfc3339()), None),
            FeedbackState::Skipped { reason } => ("skipped", None, Some(reason)),
        };
        Self {
            stage: feedback.stage.as_str(),
            event_name: feedback.event_name.to_string(),
            event_id: feedback.event_id.to_string(),
            event_time: feedback.event_time_s,
            state,
            queued_at,
            reason,
            receipts,
        }
    }
}
