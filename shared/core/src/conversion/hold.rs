//! Conversions that wait: for an identify call, or for consent. What ends a wait is a call about the person, or the
//! sweep that runs each minute.

use super::forward::{Sending, effective};
use super::outgoing::Known;
use super::request::Call;
use super::track::{Holding, TrackError};
use super::{Ports, Tracker};
use crate::config::{ConsentPolicy, Source};
use crate::event::max_age_s;
use crate::ids::{PersonId, TenantId};
use crate::message::Held;
use crate::people::{ConsentRecord, RegistryError, Tree, Visit, Whole};
use crate::ports::clock::Clock as _;
use crate::ports::config::KeyDirectory as _;
use crate::ports::people::{ConversionStore as _, Hold, HoldReason, HoldStore as _, StoredConversion};
use crate::time::UnixMillis;

/// Holds of one part of a person that a call looks at; the sweep finds the rest.
const HOLDS_PER_PART: usize = 100;

/// Holds that the sweep takes at a time.
const HOLDS_PER_ROUND: usize = 100;

/// What must be left of an invocation for another round, in milliseconds.
const ROUND_MS: i64 = 5_000;

/// Meta must still take an event when its hold ends: this long before it would be too old, in milliseconds.
const MARGIN_MS: i64 = 3_600_000;

/// What a call about a person did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallOutcome {
    /// Whom it was about.
    pub person_id: PersonId,
    /// Whether the person is new.
    pub created: bool,
    /// Held conversions that went on to the queue.
    pub released: usize,
    /// Held conversions that wait on.
    pub waiting: usize,
}

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Holds that ended.
    pub released: usize,
    /// Holds that wait on.
    pub waiting: usize,
    /// Holds that could not be worked on; the next sweep finds them again.
    pub failed: usize,
}

enum Settled {
    Released,
    Waiting,
}

impl<P: Ports> Tracker<P> {
    /// Holds a conversion where its source or its person's consent ask for it.
    pub(super) async fn hold_if_needed(
        &self,
        sending: &Sending<'_>,
        stored: &StoredConversion,
        whole: &Whole,
    ) -> Result<Option<Holding>, TrackError> {
        let now = self.ports.clock().now();
        let (reason, until) = if awaits_identity(sending.source, stored, whole) {
            let minutes = i64::from(sending.source.hold_minutes);
            (HoldReason::Identity, now.plus_ms(minutes * 60_000))
        } else if sending.consent.is_none() && sending.source.consent_policy == ConsentPolicy::Require {
            (HoldReason::Consent, consent_until(sending.source, stored))
        } else {
            return Ok(None);
        };
        if until <= now {
            return Ok(None);
        }
        let hold = Hold {
            tenant: stored.tenant.clone(),
            person: stored.person.clone(),
            conversion: stored.key.clone(),
            reason,
            since: now,
            until,
            keys_before: self.keys(sending),
        };
        self.ports.people().hold(&hold).await?;
        Ok(Some(Holding { reason, until }))
    }

    /// `POST /api/v1/identify` and `/api/v1/consent`: links an identity to a person, notes what they allow, and releases
    /// or drops what waited for that.
    ///
    /// # Errors
    /// See [`TrackError`].
    pub async fn call(&self, source: &Source, call: &Call) -> Result<CallOutcome, TrackError> {
        let (tenant, now) = (&source.tenant_id, self.ports.clock().now());
        let mut resolved = self.whom(tenant, call.person.as_ref(), &call.identity).await?;
        let Some(node) = resolved.tree.node(&resolved.leaf).cloned() else {
            return Err(RegistryError::Unknown.into());
        };
        let created = node.person.rev == 0;
        let node = self
            .registry()
            .amend(tenant, node, |doc, profile| {
                let mut changed = doc.met_by(&source.id);
                changed |= profile.learn(&resolved.own);
                if call.visit != Visit::default() {
                    changed |= call.visit.note(now, doc, profile);
                }
                if let Some(status) = call.consent {
                    let same = doc.consent.as_ref().is_some_and(|known| known.status == status);
                    if !same {
                        doc.consent = Some(ConsentRecord { status, at: now });
                        changed = true;
                    }
                }
                changed
            })
            .await?;
        resolved.tree.put(node);
        let (released, waiting) = self.settle_all(tenant, &resolved.tree).await?;
        Ok(CallOutcome { person_id: resolved.tree.root().person.id.clone(), created, released, waiting })
    }

    async fn settle_all(&self, tenant: &TenantId, tree: &Tree) -> Result<(usize, usize), TrackError> {
        let (mut released, mut waiting) = (0, 0);
        for node in &tree.nodes {
            let holds = self.ports.people().holds_of(tenant, &node.person.id, HOLDS_PER_PART).await?;
            for hold in holds {
                match self.settle(&hold).await? {
                    Settled::Released => released += 1,
                    Settled::Waiting => waiting += 1,
                }
            }
        }
        Ok((released, waiting))
    }

    /// Works on every hold that is due, until none is left or `deadline` is near.
    ///
    /// # Errors
    /// [`TrackError::Unavailable`] where the holds can't be read.
    pub async fn sweep(&self, deadline: UnixMillis) -> Result<SweepReport, TrackError> {
        let mut report = SweepReport::default();
        loop {
            let now = self.ports.clock().now();
            let due = self.ports.people().due(now, HOLDS_PER_ROUND).await?;
            let mut ended = 0;
            for hold in &due {
                match self.settle(hold).await {
                    Ok(Settled::Released) => ended += 1,
                    Ok(Settled::Waiting) => report.waiting += 1,
                    Err(_) => report.failed += 1,
                }
            }
            report.released += ended;
            // A round that ended nothing would find the same holds again.
            if due.len() < HOLDS_PER_ROUND
                || ended == 0
                || self.ports.clock().now().plus_ms(ROUND_MS) > deadline
            {
                return Ok(report);
            }
        }
    }

    /// Sends a held conversion with what is known now, where its wait is over. Sent first and released afterwards: what
    /// happens in between sends it again under the same id, and it counts as a repeat.
    async fn settle(&self, hold: &Hold) -> Result<Settled, TrackError> {
        let (people, now) = (self.ports.people(), self.ports.clock().now());
        let stored = people.conversions(&hold.tenant, std::slice::from_ref(&hold.conversion)).await?.pop();
        let Some(stored) = stored else { return self.release(hold).await };
        let tree = match self.registry().person(&hold.tenant, &stored.person).await {
            // Erased meanwhile.
            Err(RegistryError::Unknown) => return self.release(hold).await,
            tree => tree?,
        };
        let Some(source) = self.ports.config().source(&hold.tenant, &stored.source).await? else {
            return self.release(hold).await;
        };
        let (body, whole) = (self.body(&stored).await?, tree.whole());
        if hold.reason == HoldReason::Identity
            && now < hold.until
            && awaits_identity(&source, &stored, &whole)
        {
            return Ok(Settled::Waiting);
        }
        let consent = effective(&body, &whole);
        let until = consent_until(&source, &stored);
        if consent.is_none() && source.consent_policy == ConsentPolicy::Require && now < until {
            if hold.reason != HoldReason::Consent || hold.until != until {
                people.hold(&Hold { reason: HoldReason::Consent, until, ..hold.clone() }).await?;
            }
            return Ok(Settled::Waiting);
        }
        let rules = self.rules(&hold.tenant).await?;
        let StoredConversion { event_name, event_id, at_s, key, .. } = &stored;
        let decision = self.decide(&rules, &source, event_name, *at_s, &body, Some(&tree)).await?;
        let sending = Sending {
            source: &source,
            event_name,
            event_id,
            at_s: *at_s,
            body: &body,
            known: Known::of(&whole, &body, now),
            consent,
            held: Some(Held { since: hold.since, keys_before: hold.keys_before.clone() }),
            marks: Some((&whole.id, key)),
        };
        self.forward(&sending, decision).await?;
        self.release(hold).await
    }

    async fn release(&self, hold: &Hold) -> Result<Settled, TrackError> {
        self.ports.people().release(hold).await?;
        Ok(Settled::Released)
    }
}

/// Whether a conversion waits for an identify call: its source names it, and nothing but ids of products is known of
/// its person.
fn awaits_identity(source: &Source, stored: &StoredConversion, whole: &Whole) -> bool {
    let anonymous = whole.profile.emails.is_empty() && whole.profile.phones.is_empty();
    anonymous && source.hold_event_names.contains(&stored.event_name)
}

/// How long a conversion waits for consent: as its source says, and never so long that Meta would refuse it.
fn consent_until(source: &Source, stored: &StoredConversion) -> UnixMillis {
    let wanted = stored.stored_at.plus_ms(i64::from(source.consent_hold_hours) * 3_600_000);
    let too_old = UnixMillis::from_secs(stored.at_s.saturating_add(max_age_s(false)));
    wanted.min(too_old.plus_ms(-MARGIN_MS))
}
