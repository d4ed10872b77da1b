//! Changing a lead: its status, who works on it, notes. Each change is one write, with its line of history and what Meta
//! is to be told of it.

use super::activity::{Activity, ActivityKind, NOTE_PURPOSE};
use super::feedback::{Feedback, FeedbackState, OutboxEntry, OutboxTopic};
use super::lead::Lead;
use super::status::{IllegalStep, Status};
use crate::ids::{EventId, EventName, IdError, LeadId, TenantId};
use crate::money::Money;
use crate::people::Pii;
use crate::ports::StoreError;
use crate::ports::clock::{Clock, Entropy};
use crate::ports::leads::{LeadStore, LeadWrite};
use crate::ports::secrets::Secrets;
use crate::seal::Secret;
use crate::time::UnixMillis;

/// Characters of an assignee's name, and of whoever makes a change.
pub const MAX_ACTOR_CHARS: usize = 200;

/// Bytes of a note.
pub const MAX_NOTE_BYTES: usize = 4_096;

/// How often a change is tried that others get in the way of.
const TRIES: usize = 5;

/// What is to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Takes a step of the life cycle.
    Status {
        /// Where to.
        to: Status,
        /// What it was worth; counts where it is converted.
        worth: Option<Money>,
    },
    /// Gives it to somebody, or to nobody. Who has it already keeps it, and nothing is written.
    Assign {
        /// To whom, 1 to [`MAX_ACTOR_CHARS`] characters.
        to: Option<String>,
    },
    /// Nothing but the note.
    Note,
}

/// A change that somebody asks for.
#[derive(Debug, Clone, Copy)]
pub struct ChangeRequest<'a> {
    /// Whose lead.
    pub tenant: &'a TenantId,
    /// Which.
    pub lead: &'a LeadId,
    /// Who: the key's name, or the actor that the request names; ≤ [`MAX_ACTOR_CHARS`] characters.
    pub by: &'a str,
    /// What.
    pub change: &'a Change,
    /// A note, ≤ [`MAX_NOTE_BYTES`]; kept sealed.
    pub note: Option<&'a str>,
}

/// What a change made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The lead as it is now.
    pub lead: Lead,
    /// Its line of history; absent where nothing changed.
    pub activity: Option<Activity>,
    /// What Meta is to be told. lead-worker's sweep does so within a minute; the caller tells nothing.
    pub feedback: Option<Feedback>,
}

/// Why a lead was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// The tenant has no such lead.
    #[error("no such lead")]
    Unknown,
    /// What is personal of it was erased: it is not worked on any more.
    #[error("the lead was erased")]
    Erased,
    /// The life cycle has no such step.
    #[error(transparent)]
    Illegal(#[from] IllegalStep),
    /// A name or the note is empty or too long: its field.
    #[error("{0} is empty or too long")]
    Text(&'static str),
    /// The store or a secret failed, or others were faster again and again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<IdError> for ChangeError {
    fn from(error: IdError) -> Self {
        Self::Store(StoreError::Corrupt(error.to_string()))
    }
}

/// Changes leads. Needs neither Meta nor a queue: what is to be told stands in the outbox, due at once.
#[derive(Debug)]
pub struct Changes<'a, L, S, C, E> {
    store: &'a L,
    pii: &'a Pii<S>,
    clock: &'a C,
    entropy: &'a E,
}

impl<'a, L: LeadStore, S: Secrets, C: Clock, E: Entropy> Changes<'a, L, S, C, E> {
    /// On these ports.
    pub fn new(store: &'a L, pii: &'a Pii<S>, clock: &'a C, entropy: &'a E) -> Self {
        Self { store, pii, clock, entropy }
    }

    /// Makes a change, on the lead as it is by then: others may change it at the same time.
    ///
    /// # Errors
    /// See [`ChangeError`]; then nothing was written.
    pub async fn change(&self, request: ChangeRequest<'_>) -> Result<Changed, ChangeError> {
        check(&request)?;
        let ChangeRequest { tenant, lead: id, .. } = request;
        let mut tries = 0;
        loop {
            let lead = self.store.lead(tenant, id).await?.ok_or(ChangeError::Unknown)?;
            let now = self.clock.now();
            let Some(draft) = draft(lead.clone(), &request, now)? else {
                return Ok(Changed { lead, activity: None, feedback: None });
            };
            let Draft { mut lead, mut activity, feedback, outbox } = draft;
            activity.sealed_note = self.sealed(&request).await?;
            let write = LeadWrite {
                lead: &lead,
                activity: &activity,
                feedback: feedback.as_ref(),
                outbox: outbox.as_slice(),
            };
            tries += 1;
            match self.store.change(write).await {
                Ok(()) => {
                    lead.rev += 1;
                    return Ok(Changed { lead, activity: Some(activity), feedback });
                }
                Err(StoreError::Conflict) if tries < TRIES => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn sealed(&self, request: &ChangeRequest<'_>) -> Result<Option<String>, StoreError> {
        let Some(note) = request.note else { return Ok(None) };
        let (tenant, owner, note) = (request.tenant, request.lead.as_str(), Secret::new(note.to_owned()));
        self.pii.seal(tenant, owner, NOTE_PURPOSE, note, self.entropy.array()).await.map(Some)
    }
}

fn check(request: &ChangeRequest<'_>) -> Result<(), ChangeError> {
    let name = |text: &str| (1..=MAX_ACTOR_CHARS).contains(&text.chars().count()) && !text.trim().is_empty();
    if !name(request.by) {
        return Err(ChangeError::Text("actor"));
    }
    if let Change::Assign { to: Some(to) } = request.change
        && !name(to)
    {
        return Err(ChangeError::Text("assignee"));
    }
    let note = |note: &str| note.len() <= MAX_NOTE_BYTES && !note.trim().is_empty();
    let noted = request.note.map(note);
    if noted == Some(false) || (noted.is_none() && *request.change == Change::Note) {
        return Err(ChangeError::Text("note"));
    }
    Ok(())
}

/// A write to be. The lead still has the `rev` that it was read with.
struct Draft {
    lead: Lead,
    activity: Activity,
    feedback: Option<Feedback>,
    outbox: Option<OutboxEntry>,
}

/// What a change makes of a lead; nothing where it changes nothing.
fn draft(mut lead: Lead, request: &ChangeRequest<'_>, now: UnixMillis) -> Result<Option<Draft>, ChangeError> {
    if lead.doc.erased_at.is_some() {
        return Err(ChangeError::Erased);
    }
    let nth = lead.rev + 1;
    let mut feedback = None;
    let what = match request.change {
        Change::Note => ActivityKind::Note,
        Change::Assign { to } if lead.doc.assignee == *to => {
            if request.note.is_none() {
                return Ok(None);
            }
            ActivityKind::Note
        }
        Change::Assign { to } => {
            lead.doc.assignee.clone_from(to);
            ActivityKind::Assigned { to: to.clone() }
        }
        Change::Status { to, worth } => {
            let worth = worth.filter(|_| *to == Status::Converted);
            let from = lead.doc.status;
            walk(&mut lead, *to, worth, now)?;
            if to.is_told() && !lead.doc.test {
                let event_time_s =
                    lead.doc.last_event_s.map_or(now.secs(), |last| now.secs().max(last.saturating_add(1)));
                lead.doc.last_event_s = Some(event_time_s);
                feedback = Some(Feedback::of(&lead.id, nth, *to, event_time_s)?);
            }
            ActivityKind::Status { from, to: *to, worth }
        }
    };
    lead.doc.updated_at = now;
    let activity = Activity { nth, at: now, by: request.by.to_owned(), what, sealed_note: None };
    let outbox = feedback.as_ref().map(|feedback| OutboxEntry {
        // Meta takes no event of the future, and one that is moved back to the present could meet the stage before.
        due: now.max(UnixMillis::from_secs(feedback.event_time_s)),
        tenant: lead.tenant.clone(),
        lead: lead.id.clone(),
        topic: OutboxTopic::Feedback(nth),
    });
    Ok(Some(Draft { lead, activity, feedback, outbox }))
}

fn walk(lead: &mut Lead, to: Status, worth: Option<Money>, now: UnixMillis) -> Result<(), IllegalStep> {
    let doc = &mut lead.doc;
    doc.status = doc.status.step(to)?;
    if to == Status::Contacted && doc.contacted_at.is_none() {
        doc.contacted_at = Some(now);
    }
    if to == Status::Converted {
        doc.converted_at = Some(now);
        doc.worth = worth;
    }
    Ok(())
}

impl Feedback {
    /// The stage of a lead's `nth` change, still to be told.
    ///
    /// # Errors
    /// None in practice: its parts are short.
    pub fn of(lead: &LeadId, nth: u64, stage: Status, event_time_s: i64) -> Result<Self, IdError> {
        Ok(Self {
            nth,
            stage,
            event_name: EventName::parse(stage.event_name())?,
            event_id: EventId::parse(&format!("lead-{lead}-{nth}"))?,
            event_time_s,
            state: FeedbackState::Pending,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_that_is_told_has_a_name_and_an_id_of_its_own() {
        let lead = LeadId::parse("12345678901234567").unwrap();
        for (nth, stage) in (1..).zip(Status::ALL) {
            let feedback = Feedback::of(&lead, nth, stage, 5).unwrap();
            assert_eq!(feedback.event_name.as_str().to_lowercase(), stage.as_str());
            assert_eq!(feedback.event_id.as_str(), format!("lead-12345678901234567-{nth}"));
            assert_eq!(feedback.state, FeedbackState::Pending);
        }
    }
}
