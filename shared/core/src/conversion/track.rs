//! One conversion, from its request to its answer.

use super::forward::{MetaEvent, Sending, effective};
use super::note::{Code, Note};
use super::outgoing::Known;
use super::request::{Conversion, ConversionBody};
use super::{Ports, Tracker};
use crate::config::Source;
use crate::ids::{ConversionKey, EventId, PersonId, TenantId};
use crate::people::{Counted, Identity, RegistryError, Resolved, Stage};
use crate::ports::StoreError;
use crate::ports::clock::{Clock as _, Entropy as _};
use crate::ports::people::{ConversionStore as _, HoldReason, Stored, StoredConversion};
use crate::rules::Decision;
use crate::seal::Secret;
use crate::time::UnixMillis;

/// Purpose under which a conversion's body is sealed; its owner is the conversion's key.
pub const CONVERSION_PURPOSE: &str = "conversion";

/// Why a conversion was not tracked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrackError {
    /// It can't be as it is.
    #[error("invalid")]
    Invalid(Vec<Note>),
    /// A store, a secret or the queue does not answer; posted again it is the same conversion.
    #[error("unavailable: {0}")]
    Unavailable(String),
}

impl From<StoreError> for TrackError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<RegistryError> for TrackError {
    fn from(error: RegistryError) -> Self {
        let invalid = |field, code| Self::Invalid(vec![Note::new(field, code)]);
        match error {
            RegistryError::Unknown => invalid("person_id", Code::PersonUnknown),
            RegistryError::Insufficient => invalid("identity", Code::IdentityInsufficient),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

/// A conversion that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding {
    /// For what.
    pub reason: HoldReason,
    /// Until when at most.
    pub until: UnixMillis,
}

/// What became of a conversion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracked {
    /// Its id.
    pub event_id: EventId,
    /// Whom it is about; absent where people are not kept.
    pub person_id: Option<PersonId>,
    /// Whether the person is new.
    pub created: bool,
    /// Whether it was stored; not where people are not kept.
    pub stored: bool,
    /// Whether it had been stored before.
    pub repeated: bool,
    /// What goes to Meta.
    pub meta_events: Vec<MetaEvent>,
    /// What it waits for before anything does.
    pub held: Option<Holding>,
}

/// A conversion that is stored, with its person.
struct Kept {
    stored: StoredConversion,
    body: ConversionBody,
    resolved: Resolved,
    repeated: bool,
    created: bool,
}

impl<P: Ports> Tracker<P> {
    /// Tracks a conversion of `source`. When this returns `Ok`, it is stored and counted, and what is to go to Meta is on
    /// the queue or held.
    ///
    /// # Errors
    /// See [`TrackError`].
    pub async fn track(&self, source: &Source, conversion: Conversion) -> Result<Tracked, TrackError> {
        if !self.settings.people {
            return self.pass_on(source, &conversion).await;
        }
        let mut kept = self.keep(source, conversion).await?;
        let rules = self.rules(&source.tenant_id).await?;
        let StoredConversion { event_name, at_s, .. } = &kept.stored;
        let tree = Some(&kept.resolved.tree);
        let decision = self.decide(&rules, source, event_name, *at_s, &kept.body, tree).await?;
        self.write_person(source, &mut kept, decision.stage).await?;

        let whole = kept.resolved.tree.whole();
        let mut tracked = Tracked {
            event_id: kept.stored.event_id.clone(),
            person_id: Some(whole.id.clone()),
            created: kept.created,
            stored: true,
            repeated: kept.repeated,
            meta_events: Vec::new(),
            held: None,
        };
        if !self.settings.forward {
            return Ok(tracked);
        }
        let sending = Sending {
            source,
            event_name: &kept.stored.event_name,
            event_id: &kept.stored.event_id,
            at_s: kept.stored.at_s,
            body: &kept.body,
            known: Known::of(&whole, &kept.body, self.ports.clock().now()),
            consent: effective(&kept.body, &whole),
            held: None,
            marks: Some((&whole.id, &kept.stored.key)),
        };
        tracked.held = self.hold_if_needed(&sending, &kept.stored, &whole).await?;
        if tracked.held.is_none() {
            tracked.meta_events = self.forward(&sending, decision).await?;
        }
        Ok(tracked)
    }

    /// Without people: sends on what the call itself carries.
    async fn pass_on(&self, source: &Source, conversion: &Conversion) -> Result<Tracked, TrackError> {
        let Conversion { event_name, event_id, at_s, person, identity, body, .. } = conversion;
        let mut meta_events = Vec::new();
        if self.settings.forward {
            let rules = self.rules(&source.tenant_id).await?;
            let decision: Decision = self.decide(&rules, source, event_name, *at_s, body, None).await?;
            let known = Known::of_call(&identity.profile, person.as_ref(), body);
            let (at_s, consent) = (*at_s, body.consent);
            let sending =
                Sending { source, event_name, event_id, at_s, body, known, consent, held: None, marks: None };
            meta_events = self.forward(&sending, decision).await?;
        }
        Ok(Tracked {
            event_id: event_id.clone(),
            person_id: None,
            created: false,
            stored: false,
            repeated: false,
            meta_events,
            held: None,
        })
    }

    /// Finds or makes the person, stores the conversion and counts it.
    async fn keep(&self, source: &Source, conversion: Conversion) -> Result<Kept, TrackError> {
        let tenant = &source.tenant_id;
        let mut resolved = self.whom(tenant, conversion.person.as_ref(), &conversion.identity).await?;
        let key = ConversionKey::of(&source.id, &conversion.event_name, &conversion.event_id);
        let json = serde_json::to_string(&conversion.body).map_err(|_| unreadable())?;
        let nonce = self.ports.entropy().array();
        let sealed =
            self.pii.seal(tenant, key.as_str(), CONVERSION_PURPOSE, Secret::new(json), nonce).await?;
        let new = StoredConversion {
            tenant: tenant.clone(),
            key,
            person: resolved.leaf.clone(),
            source: source.id.clone(),
            event_name: conversion.event_name,
            event_id: conversion.event_id,
            at_s: conversion.at_s,
            stored_at: self.ports.clock().now(),
            money: conversion.money,
            sealed,
        };
        let (stored, body, repeated) = match self.ports.people().store(&new).await? {
            Stored::New => (new, conversion.body, false),
            Stored::Before(before) => {
                let body = self.body(&before).await?;
                (*before, body, true)
            }
        };
        let created = resolved.tree.node(&resolved.leaf).is_some_and(|node| node.person.rev == 0);
        if stored.person != resolved.leaf {
            // The same event was posted before about another part, or somebody else: it stays theirs.
            self.learn(tenant, &mut resolved).await?;
            let tree = self.registry().person(tenant, &stored.person).await?;
            resolved = Resolved { leaf: stored.person.clone(), tree, own: Identity::default() };
        }
        let StoredConversion { key, event_name, at_s, money, .. } = &stored;
        let counted =
            Counted { key: key.clone(), event_name: event_name.clone(), at_s: *at_s, money: *money };
        self.ports.people().count(tenant, &stored.person, &counted).await?;
        Ok(Kept { stored, body, resolved, repeated, created })
    }

    pub(super) async fn whom(
        &self,
        tenant: &TenantId,
        person: Option<&PersonId>,
        identity: &Identity,
    ) -> Result<Resolved, TrackError> {
        let registry = self.registry();
        Ok(match person {
            Some(person) => registry.attach(tenant, person, identity).await?,
            None => registry.resolve(tenant, identity).await?,
        })
    }

    pub(super) async fn body(&self, stored: &StoredConversion) -> Result<ConversionBody, TrackError> {
        let opened = self.pii.open(&stored.tenant, stored.key.as_str(), CONVERSION_PURPOSE, &stored.sealed);
        serde_json::from_str(opened.await?.expose()).map_err(|_| unreadable())
    }

    /// Writes what the identity says of the person.
    pub(super) async fn learn(&self, tenant: &TenantId, resolved: &mut Resolved) -> Result<(), TrackError> {
        let Some(node) = resolved.tree.node(&resolved.leaf).cloned() else { return Ok(()) };
        let own = resolved.own.clone();
        let node = self.registry().amend(tenant, node, |_, profile| profile.learn(&own)).await?;
        resolved.tree.put(node);
        Ok(())
    }

    /// Writes what the conversion tells of the person: one write, or none where it tells nothing new.
    async fn write_person(
        &self,
        source: &Source,
        kept: &mut Kept,
        stage: Option<Stage>,
    ) -> Result<(), TrackError> {
        let Kept { stored, body, resolved, .. } = kept;
        let Some(node) = resolved.tree.node(&resolved.leaf).cloned() else { return Ok(()) };
        let (at, own) = (UnixMillis::from_secs(stored.at_s), resolved.own.clone());
        let node = self
            .registry()
            .amend(&stored.tenant, node, |doc, profile| {
                let mut changed = doc.met_by(&source.id);
                changed |= profile.learn(&own);
                changed |= body.visit.note(at, doc, profile);
                if let Some(stage) = stage {
                    changed |= doc.evidence.note(stage, at.secs());
                }
                changed
            })
            .await?;
        resolved.tree.put(node);
        Ok(())
    }
}

fn unreadable() -> TrackError {
    TrackError::Unavailable("a conversion can't be read".to_owned())
}
