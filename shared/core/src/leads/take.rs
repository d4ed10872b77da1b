//! Storing a lead that was fetched or found: its person, the lead, and telling it.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::activity::{Activity, ActivityKind};
use super::calling::Trouble;
use super::desk::{LeadDesk, Ports};
use super::feedback::{Feedback, OutboxEntry, OutboxTopic};
use super::form::LeadForm;
use super::lead::{Arrival, Contact, LEAD_PURPOSE, Lead, LeadDoc, LeadPii, Submission};
use super::place::Place;
use super::status::Status;
use crate::config::Source;
use crate::conversion::{Conversion, ConversionBody, TrackError};
use crate::ids::{EventId, EventName, FormId, IdError, LeadId, PersonId};
use crate::normalize::Country;
use crate::people::{Touch, Visit};
use crate::ports::clock::Entropy as _;
use crate::ports::leads::{Created, LeadStore as _, LeadWrite};
use crate::ports::leads_api::LeadsApi as _;
use crate::ports::meta::{Failure, Verdict};
use crate::seal::Secret;

/// The name of the conversion that a lead is to the rules.
pub const LEAD_CAPTURED: &str = "lead_captured";

/// Who does what happens on its own, in histories.
pub const BY_ITSELF: &str = "adrelay";

/// How Meta's testing tool begins its answers (graph-api: testing lead ads).
const DUMMY: &str = "<test lead: dummy data for";

/// Bytes of a campaign's name in a touch.
const MAX_LABEL_BYTES: usize = 256;

/// What became of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is stored now.
    Stored,
    /// It was stored before.
    Known,
}

/// All that a new lead is made of.
struct Arriving<'a> {
    place: &'a Place,
    form: &'a FormId,
    known_form: Option<&'a LeadForm>,
    source: &'a Source,
    submission: Submission,
    contact: Contact,
    arrival: Arrival,
    test: bool,
}

impl Arriving<'_> {
    fn country(&self) -> Option<Country> {
        self.source.default_country.as_deref().and_then(|code| Country::parse(code).ok())
    }
}

impl<P: Ports> LeadDesk<P> {
    /// Stores a submission of `form` on this page: makes or finds its person, runs rules, writes the lead with what is to
    /// be told of it, and tells it. Each step can be repeated; a lead that is stored is left as it is (who has many asks
    /// [`crate::ports::leads::LeadStore::known`] first, which is cheaper).
    ///
    /// May call Meta, for the form's list of test leads, where no ad brought the lead.
    ///
    /// # Errors
    /// [`Trouble`]: nothing is lost, the same again completes it.
    pub async fn take(
        &self,
        place: &Place,
        form: &FormId,
        submission: Submission,
        arrival: Arrival,
    ) -> Result<Taken, Trouble> {
        let page = &place.page;
        let known_form = self.form(&page.tenant_id, &page.id, form).await?;
        let known_form = (*known_form).as_ref();
        let of_form = known_form.and_then(|form| form.settings.source_id.as_ref());
        let source = self.source(&page.tenant_id, of_form.unwrap_or(&page.source_id)).await?;
        let Some(source) = (*source).as_ref() else { return Err(Trouble::attention("source_unknown")) };
        let test = self.is_test(place, form, &submission).await?;
        let questions = known_form.map(|form| form.meta.questions.as_slice()).unwrap_or_default();
        let contact = Contact::of(&submission.answers, questions);
        let arriving = Arriving { place, form, known_form, source, submission, contact, arrival, test };
        let person = if test { None } else { self.person_of(&arriving).await? };
        self.store(arriving, person).await
    }

    /// Whether Meta's testing tool made it. What has an ad is real; of the rest the form's list of test leads decides, as
    /// of after the lead was submitted.
    async fn is_test(&self, place: &Place, form: &FormId, submission: &Submission) -> Result<bool, Trouble> {
        let mut values = submission.answers.iter().flat_map(|answer| &answer.values);
        if values.any(|value| value.trim_start().starts_with(DUMMY)) {
            return Ok(true);
        }
        if submission.ads.ad_id.is_some() {
            return Ok(false);
        }
        let key = (place.page.tenant_id.clone(), form.clone());
        if let Some(list) = self.caches.test_leads.get(&key, self.now()) {
            let (asked_at, ids) = &*list;
            if ids.contains(&submission.id) || submission.created_at_s < asked_at.secs() {
                return Ok(ids.contains(&submission.id));
            }
        }
        let credentials = self.ready(place).await?;
        let asked_at = self.now();
        let listed = self.ports.meta().test_leads(&credentials, form).await;
        // Test leads are for those who may advertise: who may read the lead but not the list is no worse a reader for it, and
        // nothing says that the lead is a test.
        let kept_from_us =
            matches!(&listed.result, Err(Failure { verdict: Verdict::Permission | Verdict::BadData, .. }));
        let ids: HashSet<LeadId> = if kept_from_us {
            HashSet::new()
        } else {
            self.heard(place, listed).await?.into_iter().collect()
        };
        let list = self.caches.test_leads.put(key, (asked_at, ids), asked_at);
        Ok(list.1.contains(&submission.id))
    }

    /// Finds or makes the person, by the same way as any conversion, and lets the rules fire.
    async fn person_of(&self, arriving: &Arriving<'_>) -> Result<Option<PersonId>, Trouble> {
        let conversion = conversion(arriving).map_err(|error| Trouble::Unavailable(error.to_string()))?;
        let Some(conversion) = conversion else { return Ok(None) };
        let tracked = self.tracker.track(arriving.source, conversion).await.map_err(|error| match error {
            TrackError::Unavailable(why) => Trouble::Unavailable(why),
            TrackError::Invalid(notes) => {
                let codes: Vec<&str> = notes.iter().map(|note| note.code).collect();
                Trouble::Unavailable(format!("not taken as a conversion: {}", codes.join(", ")))
            }
        })?;
        Ok(tracked.person_id)
    }

    async fn store(&self, arriving: Arriving<'_>, person: Option<PersonId>) -> Result<Taken, Trouble> {
        let (arrival, test) = (arriving.arrival, arriving.test);
        let lead = self.lead(arriving, person).await?;
        let feedback = if test {
            None
        } else {
            let first = Feedback::of(&lead.id, 1, Status::New, lead.doc.created_at_s);
            Some(first.map_err(|error| Trouble::Unavailable(error.to_string()))?)
        };
        let (now, due) = (lead.doc.stored_at, lead.doc.stored_at.plus_ms(self.settings.outbox_due_ms));
        let what = ActivityKind::Created { arrival };
        let activity = Activity { nth: 1, at: now, by: BY_ITSELF.to_owned(), what, sealed_note: None };
        let topics =
            std::iter::once(OutboxTopic::Created).chain(feedback.iter().map(|_| OutboxTopic::Feedback(1)));
        let entry = |topic| OutboxEntry { due, tenant: lead.tenant.clone(), lead: lead.id.clone(), topic };
        let outbox: Vec<OutboxEntry> = topics.map(entry).collect();
        let write =
            LeadWrite { lead: &lead, activity: &activity, feedback: feedback.as_ref(), outbox: &outbox };
        if self.ports.leads().create(write).await? == Created::Known {
            return Ok(Taken::Known);
        }
        for entry in &outbox {
            // What can't be told now is told by the sweep.
            let _ = self.tell(entry).await;
        }
        Ok(Taken::Stored)
    }

    async fn lead(&self, arriving: Arriving<'_>, person: Option<PersonId>) -> Result<Lead, Trouble> {
        let country = arriving.country();
        let Arriving { place, form, source, submission, contact, arrival, test, .. } = arriving;
        let (tenant, now) = (place.page.tenant_id.clone(), self.now());
        let texts = contact.texts(&self.pii.lookup().await?, &tenant, country);
        let Submission { id, created_at_s, ads, platform, is_organic, answers, disclaimers, extra, .. } =
            submission;
        let pii = LeadPii { answers, disclaimers, contact, extra };
        let json = serde_json::to_string(&pii).map_err(|error| Trouble::Unavailable(error.to_string()))?;
        let nonce = self.ports.entropy().array();
        let sealed = self.pii.seal(&tenant, id.as_str(), LEAD_PURPOSE, Secret::new(json), nonce).await?;
        let doc = LeadDoc {
            page: place.page.id.clone(),
            form: form.clone(),
            source: source.id.clone(),
            created_at_s,
            stored_at: now,
            arrival,
            test,
            ads,
            platform,
            is_organic,
            person,
            status: Status::New,
            assignee: None,
            contacted_at: None,
            converted_at: None,
            worth: None,
            last_event_s: (!test).then_some(created_at_s),
            updated_at: now,
            erased_at: None,
        };
        Ok(Lead { tenant, id, rev: 0, doc, texts, sealed: Some(sealed) })
    }
}

/// The conversion that a lead is.
fn conversion(arriving: &Arriving<'_>) -> Result<Option<Conversion>, IdError> {
    let Arriving { submission, contact, .. } = arriving;
    let Some(identity) = contact.identity(&submission.id, arriving.country()) else { return Ok(None) };
    Ok(Some(Conversion {
        event_name: EventName::parse(LEAD_CAPTURED)?,
        event_id: EventId::parse(&format!("lead-{}", submission.id))?,
        at_s: submission.created_at_s,
        person: None,
        identity,
        money: None,
        body: ConversionBody {
            metadata: metadata(arriving),
            visit: Visit { touch: touch(arriving), ..Visit::default() },
            lead_id: Some(submission.id.clone()),
            ..ConversionBody::default()
        },
    }))
}

/// What rules may ask for: where the lead comes from, no answers.
fn metadata(arriving: &Arriving<'_>) -> Map<String, Value> {
    let Submission { ads, platform, is_organic, .. } = &arriving.submission;
    let form_name = arriving.known_form.and_then(|form| form.meta.name.as_ref());
    let all = [
        ("form_id", json!(arriving.form)),
        ("form_name", json!(form_name)),
        ("page_id", json!(arriving.place.page.id)),
        ("campaign_id", json!(ads.campaign_id)),
        ("ad_id", json!(ads.ad_id)),
        ("platform", json!(platform)),
        ("is_organic", json!(is_organic)),
    ];
    let known = all.into_iter().filter(|(_, value)| !value.is_null());
    known.map(|(field, value)| (field.to_owned(), value)).collect()
}

fn touch(arriving: &Arriving<'_>) -> Touch {
    let Submission { ads, is_organic, .. } = &arriving.submission;
    let campaign = ads.campaign_name.as_deref().and_then(label);
    Touch {
        source: Some("meta".to_owned()),
        medium: Some(if *is_organic { "organic" } else { "paid" }.to_owned()),
        campaign: campaign.or_else(|| ads.campaign_id.as_ref().map(ToString::to_string)),
        content: ads.ad_name.as_deref().and_then(label),
        lead_form: Some(arriving.form.to_string()),
        ..Touch::default()
    }
}

/// A name as a touch keeps it: without control characters, and not too long.
fn label(name: &str) -> Option<String> {
    let mut name: String = name.trim().chars().filter(|c| !c.is_control()).collect();
    while name.len() > MAX_LABEL_BYTES {
        name.pop();
    }
    (!name.is_empty()).then_some(name)
}
