//! Telling what stands in the outbox: new leads to the bus and the tenant's webhook, stages to Meta.
//!
//! Everything is told at least once, under a name that stays the same: a detail's `id`, a delivery's id, an event's id.

use std::panic::AssertUnwindSafe;

use futures_util::future::FutureExt as _;
use futures_util::stream::{self, StreamExt as _};
use serde_json::{Map, Number, Value, json};

use super::calling::Trouble;
use super::desk::{LeadDesk, Ports};
use super::feedback::{Feedback, FeedbackState, OutboxEntry, OutboxTopic};
use super::lead::{LEAD_PURPOSE, Lead, LeadPii};
use super::report::{Report, Tally};
use super::status::Status;
use crate::config::{Scope, Source};
use crate::event::{AcceptedEvent, EventContext, Poster, RefusalCode, Verdict, pack, prepare};
use crate::ids::{PixelId, TenantId};
use crate::jobs::{JOB_WORK_VERSION, JobWork};
use crate::money::Money;
use crate::people::{Consent, RegistryError};
use crate::ports::StoreError;
use crate::ports::bus::{BusEvent, EventBus as _};
use crate::ports::config::PageDirectory as _;
use crate::ports::leads::{LeadOutbox as _, LeadStore as _};
use crate::ports::queue::{EventQueue as _, Outgoing, QueueError};
use crate::time::UnixMillis;

/// EventBridge's `detail-type` of a new lead.
pub const LEAD_CREATED: &str = "lead.created";

/// `lead_event_source`: the name of the CRM, as Meta shows it.
const EVENT_SOURCE: &str = "adrelay";

/// Entries that a sweep reads at a time.
const SWEEP_PAGE: usize = 200;

/// Entries that a sweep tells at the same time.
const CONCURRENT_ENTRIES: usize = 8;

/// What became of an entry of the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It is told, and gone.
    Told,
    /// It is a stage that Meta is not told; that is noted with the lead.
    Skipped,
    /// Its time has not come: Meta takes no event of the future. It stays.
    NotYet,
}

/// What is to become of a stage.
enum Stage {
    Queue(Box<Source>, Box<AcceptedEvent>),
    Skip(String),
}

impl Stage {
    fn skip(reason: &str) -> Self {
        Self::Skip(reason.to_owned())
    }
}

impl<P: Ports> LeadDesk<P> {
    /// Tells an entry, and removes it.
    ///
    /// # Errors
    /// [`Trouble`]; the entry stays.
    pub async fn tell(&self, entry: &OutboxEntry) -> Result<Told, Trouble> {
        let lead = self.ports.leads().lead(&entry.tenant, &entry.lead).await?;
        let Some(lead) = lead else {
            // Nothing is left that could be told of it.
            self.ports.leads().done(entry).await?;
            return Ok(Told::Told);
        };
        match entry.topic {
            OutboxTopic::Created => self.tell_created(entry, &lead).await,
            OutboxTopic::Feedback(nth) => self.tell_stage(entry, &lead, nth).await,
        }
    }

    /// Tells what is due, until `deadline`.
    ///
    /// # Errors
    /// The store's, where it can't say what is due.
    pub async fn sweep(&self, deadline: UnixMillis) -> Result<Report, StoreError> {
        let mut report = Report::default();
        while self.now() < deadline {
            let due = self.ports.leads().due(self.now(), SWEEP_PAGE).await?;
            let found = due.len();
            let results: Vec<Option<Told>> = stream::iter(due)
                .map(|entry| async move {
                    // One that can't be told must not keep the others.
                    let told = AssertUnwindSafe(self.tell(&entry)).catch_unwind().await;
                    told.ok().and_then(Result::ok)
                })
                .buffer_unordered(CONCURRENT_ENTRIES)
                .collect()
                .await;
            let done = results.iter().flatten().filter(|told| **told != Told::NotYet).count();
            report.swept += done as u64;
            report.unswept = (found - done) as u64;
            if found < SWEEP_PAGE || done == 0 {
                break;
            }
        }
        report.take(&self.tally);
        Ok(report)
    }

    async fn tell_created(&self, entry: &OutboxEntry, lead: &Lead) -> Result<Told, Trouble> {
        let name = format!("{LEAD_CREATED}-{}", lead.id);
        let event = BusEvent {
            name: LEAD_CREATED,
            tenant: lead.tenant.clone(),
            at: lead.doc.stored_at,
            detail: detail(lead, &name),
        };
        self.ports.bus().put(&event).await.map_err(|error| Trouble::Unavailable(error.to_string()))?;
        if self.has_webhook(&lead.tenant).await? {
            let work = JobWork::Webhook {
                v: JOB_WORK_VERSION,
                tenant: lead.tenant.clone(),
                lead: lead.id.clone(),
                delivery: name,
                first_at: self.now(),
                attempt: 0,
            };
            let body = work.body().map_err(|error| Trouble::Unavailable(error.to_string()))?;
            let message = Outgoing { body, group: lead.tenant.to_string(), delay_s: 0 };
            sent(self.ports.jobs_queue().send(vec![message]).await)?;
        }
        self.ports.leads().done(entry).await?;
        Ok(Told::Told)
    }

    /// Whether the tenant wants to be called; at most a minute old.
    async fn has_webhook(&self, tenant: &TenantId) -> Result<bool, StoreError> {
        let now = self.now();
        if let Some(known) = self.caches.webhooks.get(tenant, now) {
            return Ok(*known);
        }
        let webhook = self.ports.config().webhook_of(tenant).await?;
        let enabled = webhook.is_some_and(|webhook| webhook.enabled);
        Ok(*self.caches.webhooks.put(tenant.clone(), enabled, now))
    }

    async fn tell_stage(&self, entry: &OutboxEntry, lead: &Lead, nth: u64) -> Result<Told, Trouble> {
        let stages = self.ports.leads().feedback(&entry.tenant, &entry.lead).await?;
        let Some(feedback) = stages.iter().find(|feedback| feedback.nth == nth) else {
            // More stages than are read: whoever moves a lead about so often teaches Meta nothing.
            return self.skip(entry, "too_many_stages").await;
        };
        match &feedback.state {
            FeedbackState::Pending => {}
            FeedbackState::Queued { .. } | FeedbackState::Skipped { .. } => {
                self.ports.leads().done(entry).await?;
                return Ok(Told::Told);
            }
        }
        if UnixMillis::from_secs(feedback.event_time_s) > self.now() {
            return Ok(Told::NotYet);
        }
        let (source, event) = match self.stage(lead, feedback).await? {
            Stage::Queue(source, event) => (source, event),
            Stage::Skip(reason) => return self.skip(entry, &reason).await,
        };
        self.queue_stage(&source, &event).await?;
        self.ports.leads().settle(entry, &FeedbackState::Queued { at: self.now() }).await?;
        Tally::count(&self.tally.feedback_queued);
        Ok(Told::Told)
    }

    async fn skip(&self, entry: &OutboxEntry, reason: &str) -> Result<Told, Trouble> {
        let state = FeedbackState::Skipped { reason: reason.to_owned() };
        self.ports.leads().settle(entry, &state).await?;
        Tally::count(&self.tally.feedback_skipped);
        Ok(Told::Skipped)
    }

    /// The event that tells a stage, or why there is none.
    async fn stage(&self, lead: &Lead, feedback: &Feedback) -> Result<Stage, Trouble> {
        if lead.doc.test {
            return Ok(Stage::skip("test_lead"));
        }
        let Some(sealed) = lead.sealed.as_deref().filter(|_| lead.doc.erased_at.is_none()) else {
            return Ok(Stage::skip("erased"));
        };
        if !self.settings.forward {
            return Ok(Stage::skip("forwarding_off"));
        }
        let Some(source) = (*self.source(&lead.tenant, &lead.doc.source).await?).clone() else {
            return Ok(Stage::skip("source_unknown"));
        };
        let pixel_ids = match self.feedback_pixel(lead).await? {
            Some(pixel) => vec![pixel],
            None => source.pixel_ids.clone(),
        };
        if pixel_ids.is_empty() {
            return Ok(Stage::skip("no_pixel"));
        }
        let Some(consent) = self.consent_of(lead).await? else { return Ok(Stage::skip("erased")) };
        let opened = self.pii.open(&lead.tenant, lead.id.as_str(), LEAD_PURPOSE, sealed).await?;
        let pii: LeadPii = serde_json::from_str(opened.expose())
            .map_err(|_| Trouble::Unavailable("a lead can't be read".to_owned()))?;
        let source = Source { pixel_ids, ..source };
        let event = event(lead, feedback, &pii, consent);
        let context = EventContext {
            source: &source,
            now: self.now(),
            poster: Poster::Server,
            pixel: None,
            test_event_code: None,
            upload_tag: None,
            idempotency: None,
        };
        Ok(match prepare(&event.to_string(), &context, self.ports.entropy()).verdict {
            // What is not to be sent goes the same way, for its receipt.
            Verdict::Accepted(event) | Verdict::Skipped { event, .. } => {
                Stage::Queue(Box::new(source), event)
            }
            Verdict::Refused { refusals, .. } => {
                let first = refusals.first();
                Stage::Skip(first.map_or_else(
                    || "refused".to_owned(),
                    |refusal| match refusal.code {
                        RefusalCode::EventTimeTooOld => "too_old".to_owned(),
                        code => format!("{}: {}", refusal.field, code.code()),
                    },
                ))
            }
        })
    }

    /// The form's pixel, else the page's; absent: those of the source.
    async fn feedback_pixel(&self, lead: &Lead) -> Result<Option<PixelId>, StoreError> {
        let form = self.form(&lead.tenant, &lead.doc.page, &lead.doc.form).await?;
        if let Some(pixel) = (*form).as_ref().and_then(|form| form.settings.feedback_pixel_id.clone()) {
            return Ok(Some(pixel));
        }
        let place = self.place(&lead.tenant, &lead.doc.page).await?;
        Ok(place.and_then(|place| place.page.feedback_pixel_id.clone()))
    }

    /// What the lead's person said: `granted`, `denied`, `unknown`; nothing where they were erased.
    async fn consent_of(&self, lead: &Lead) -> Result<Option<&'static str>, Trouble> {
        let Some(person) = &lead.doc.person else { return Ok(Some("unknown")) };
        let tree = match self.registry().person(&lead.tenant, person).await {
            Ok(tree) => tree,
            Err(RegistryError::Unknown) => return Ok(None),
            Err(error) => return Err(Trouble::Unavailable(error.to_string())),
        };
        Ok(Some(match tree.whole().consent.map(|consent| consent.status) {
            Some(Consent::Granted) => "granted",
            Some(Consent::Denied) => "denied",
            None => "unknown",
        }))
    }

    async fn queue_stage(&self, source: &Source, event: &AcceptedEvent) -> Result<(), Trouble> {
        let events = std::slice::from_ref(event);
        let (now, entropy) = (self.now(), self.ports.entropy());
        let packages = pack(events, source);
        let messages: Result<Vec<Outgoing>, _> = packages
            .iter()
            .map(|package| package.outgoing(events, source, Scope::Ingest, now, entropy))
            .collect();
        let messages = messages.map_err(|error| Trouble::Unavailable(error.to_string()))?;
        sent(self.ports.events().send(messages).await)
    }
}

fn sent(results: Vec<Result<(), QueueError>>) -> Result<(), Trouble> {
    let refused = results.into_iter().find_map(Result::err);
    refused.map_or(Ok(()), |error| Err(Trouble::Unavailable(error.to_string())))
}

/// What others in the account are told of a new lead: ids and times.
fn detail(lead: &Lead, name: &str) -> Value {
    let mut detail = json!({
        "id": name,
        "tenant_id": lead.tenant,
        "lead_id": lead.id,
        "form_id": lead.doc.form,
        "page_id": lead.doc.page,
        "test": lead.doc.test,
        "created_at": UnixMillis::from_secs(lead.doc.created_at_s).rfc3339(),
    });
    for (field, value) in [
        ("ad_id", json!(lead.doc.ads.ad_id)),
        ("campaign_id", json!(lead.doc.ads.campaign_id)),
        ("person_id", json!(lead.doc.person)),
    ] {
        if !value.is_null() {
            detail[field] = value;
        }
    }
    detail
}

/// A stage as Meta is told it, in clear. Source: Meta's payload specification for Conversion Leads.
fn event(lead: &Lead, feedback: &Feedback, pii: &LeadPii, consent: &str) -> Value {
    let mut user_data: Map<String, Value> = pii.contact.fields();
    user_data.insert("lead_id".to_owned(), json!(lead.id));
    if let Some(person) = &lead.doc.person {
        user_data.insert("person_id".to_owned(), json!(person));
    }
    let mut custom_data = json!({"event_source": "crm", "lead_event_source": EVENT_SOURCE});
    if let Some(worth) = lead.doc.worth.filter(|_| feedback.stage == Status::Converted)
        && let Some(value) = major(worth)
    {
        custom_data["value"] = Value::Number(value);
        custom_data["currency"] = json!(worth.currency);
    }
    json!({
        "event_name": feedback.event_name,
        "event_id": feedback.event_id,
        "event_time": feedback.event_time_s,
        "action_source": "system_generated",
        "user_data": user_data,
        "custom_data": custom_data,
        "consent": consent,
    })
}

/// An amount in major units, as events carry it.
fn major(money: Money) -> Option<Number> {
    let decimals = usize::try_from(money.currency.decimals()).ok()?;
    let digits = format!("{:0width$}", money.minor, width = decimals + 1);
    let (whole, fraction) = digits.split_at_checked(digits.len() - decimals)?;
    let text = if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") };
    serde_json::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    #[test]
    fn minor_units_become_major_ones() {
        for (minor, code, expected) in
            [(2_990, "USD", "29.9"), (5, "EUR", "0.05"), (1_200, "JPY", "1200"), (1_235, "KWD", "1.235")]
        {
            let money = Money { currency: Currency::parse(code).unwrap(), minor };
            assert_eq!(major(money).unwrap().to_string(), expected, "{minor} {code}");
        }
    }
}
