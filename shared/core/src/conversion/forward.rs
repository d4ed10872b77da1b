//! From a conversion to the queue: rules, what fires once, and a message for each pixel.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use super::outgoing::{Known, Outgoing, plain_custom_data};
use super::request::ConversionBody;
use super::track::TrackError;
use super::{Ports, Tracker};
use crate::config::{Scope, Source};
use crate::event::{AcceptedEvent, EventContext, Poster, Verdict, pack, prepare};
use crate::ids::{ConversionKey, EventId, EventName, PersonId, RuleId, TenantId};
use crate::message::{Held, QueuedEvent};
use crate::people::{Consent, Day, FEATURE_DAYS, Features, Tree, Whole};
use crate::ports::clock::Clock as _;
use crate::ports::people::ConversionStore as _;
use crate::ports::queue::EventQueue as _;
use crate::ports::rules::RuleDirectory as _;
use crate::rules::{Decision, PersonView, RuleSet, Trigger, event_ids};

/// What became of an event for Meta.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It is on the queue, for each of the source's pixels.
    Queued,
    /// It is not to be sent; a receipt will say so.
    Skipped,
    /// Meta would refuse it.
    Refused,
    /// It fires once, and has.
    FiredBefore,
}

/// An event that a conversion makes for Meta.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MetaEvent {
    /// Its name.
    pub event_name: EventName,
    /// Its id.
    pub event_id: EventId,
    /// What became of it.
    pub status: Fate,
    /// Why it is not queued: a stable code, with the field where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The rule that fired it; absent for the conversion itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleId>,
}

/// A conversion on its way to Meta.
pub(super) struct Sending<'a> {
    pub(super) source: &'a Source,
    pub(super) event_name: &'a EventName,
    pub(super) event_id: &'a EventId,
    pub(super) at_s: i64,
    pub(super) body: &'a ConversionBody,
    pub(super) known: Known,
    pub(super) consent: Option<Consent>,
    pub(super) held: Option<Held>,
    /// Whose marks of what fires once count; absent where people are not kept.
    pub(super) marks: Option<(&'a PersonId, &'a ConversionKey)>,
}

/// One event that may go out.
struct Planned {
    event_name: EventName,
    custom_data: Map<String, Value>,
    rule: Option<RuleId>,
    fired_before: bool,
}

impl<P: Ports> Tracker<P> {
    /// The tenant's rules, at most a minute old.
    pub(super) async fn rules(&self, tenant: &TenantId) -> Result<Arc<RuleSet>, TrackError> {
        let now = self.ports.clock().now();
        if let Some(rules) = self.rules.get(tenant, now) {
            return Ok(rules);
        }
        let rules = self.ports.config().rules(tenant).await?.unwrap_or_default();
        Ok(self.rules.put(tenant.clone(), rules, now))
    }

    /// What rules make of a conversion of a person.
    pub(super) async fn decide(
        &self,
        rules: &RuleSet,
        source: &Source,
        event_name: &EventName,
        at_s: i64,
        body: &ConversionBody,
        tree: Option<&Tree>,
    ) -> Result<Decision, TrackError> {
        let now_s = self.ports.clock().now().secs();
        let features = match tree {
            Some(tree) if rules.needs_features(source, event_name) => {
                Some(self.features(&source.tenant_id, tree, now_s).await?)
            }
            Some(_) => Some(Features::default()),
            None => None,
        };
        let stage = tree.and_then(|tree| tree.whole().evidence.stage());
        let person = features.as_ref().map(|features| PersonView { features, stage, now_s });
        Ok(rules.decide(&Trigger {
            source,
            event_name,
            value: body.value.as_ref(),
            currency: body.currency.map(crate::money::Currency::as_str),
            fields: &body.metadata,
            at_s,
            person,
        }))
    }

    async fn features(&self, tenant: &TenantId, tree: &Tree, now_s: i64) -> Result<Features, TrackError> {
        let since = Day::of(now_s - (FEATURE_DAYS - 1) * 86_400);
        let mut all = Features::default();
        for node in &tree.nodes {
            all.add(&self.ports.people().features(tenant, &node.person.id, &since).await?);
        }
        Ok(all)
    }

    /// Queues what `decision` says. Everything that is `Queued` or `Skipped` is on the queue when this returns.
    pub(super) async fn forward(
        &self,
        sending: &Sending<'_>,
        decision: Decision,
    ) -> Result<Vec<MetaEvent>, TrackError> {
        let planned = self.plan(sending, decision).await?;
        let names: Vec<&EventName> = planned.iter().map(|planned| &planned.event_name).collect();
        let ids = event_ids(sending.event_id, &names);
        let mut accepted: Vec<AcceptedEvent> = Vec::with_capacity(planned.len());
        let mut told = Vec::with_capacity(planned.len());
        for (planned, event_id) in planned.iter().zip(ids) {
            let (status, reason) = if planned.fired_before {
                (Fate::FiredBefore, None)
            } else {
                self.prepare(sending, planned, &event_id, &mut accepted)
            };
            let (event_name, rule) = (planned.event_name.clone(), planned.rule.clone());
            told.push(MetaEvent { event_name, event_id, status, reason, rule });
        }
        self.queue(sending.source, &accepted).await?;
        Ok(told)
    }

    async fn plan(&self, sending: &Sending<'_>, decision: Decision) -> Result<Vec<Planned>, TrackError> {
        let mut planned = Vec::new();
        if decision.send_trigger {
            planned.push(Planned {
                event_name: sending.event_name.clone(),
                custom_data: plain_custom_data(sending.body, sending.source.id.as_str()),
                rule: None,
                fired_before: false,
            });
        }
        for fired in decision.fired {
            let mut fired_before = false;
            if let (Some(once), Some((person, key))) = (&fired.once, sending.marks) {
                let mark = once.mark(&fired.rule, fired.nth, sending.at_s);
                let tenant = &sending.source.tenant_id;
                fired_before = self.ports.people().once(tenant, person, &mark, key).await? != *key;
            }
            planned.push(Planned {
                event_name: fired.event_name,
                custom_data: fired.custom_data,
                rule: Some(fired.rule),
                fired_before,
            });
        }
        Ok(planned)
    }

    fn prepare(
        &self,
        sending: &Sending<'_>,
        planned: &Planned,
        event_id: &EventId,
        accepted: &mut Vec<AcceptedEvent>,
    ) -> (Fate, Option<String>) {
        let outgoing = sending.outgoing(&planned.event_name, event_id, &planned.custom_data);
        let now = self.ports.clock().now();
        let context = context(sending.source, now);
        match prepare(&outgoing.json(), &context, self.ports.entropy()).verdict {
            Verdict::Accepted(event) => {
                accepted.push(AcceptedEvent { held: sending.held.clone().map(Box::new), ..*event });
                (Fate::Queued, None)
            }
            Verdict::Skipped { event, code } => {
                accepted.push(AcceptedEvent { held: sending.held.clone().map(Box::new), ..*event });
                (Fate::Skipped, Some(code.code().to_owned()))
            }
            Verdict::Refused { refusals, .. } => {
                let first = refusals.first();
                let reason = first.map(|refusal| format!("{}: {}", refusal.field, refusal.code.code()));
                (Fate::Refused, reason)
            }
        }
    }

    async fn queue(&self, source: &Source, accepted: &[AcceptedEvent]) -> Result<(), TrackError> {
        let (now, entropy) = (self.ports.clock().now(), self.ports.entropy());
        let packages = pack(accepted, source);
        let messages: Result<Vec<_>, _> = packages
            .iter()
            .map(|package| package.outgoing(accepted, source, Scope::Ingest, now, entropy))
            .collect();
        let messages =
            messages.map_err(|_| TrackError::Unavailable("an event can't be written".to_owned()))?;
        if messages.is_empty() {
            return Ok(());
        }
        let refused = self.ports.queue().send(messages).await.into_iter().find_map(Result::err);
        refused.map_or(Ok(()), |error| Err(TrackError::Unavailable(error.to_string())))
    }

    /// Names of the user_data keys with which the conversion would go out now.
    pub(super) fn keys(&self, sending: &Sending<'_>) -> Vec<Box<str>> {
        let custom_data = Map::new();
        let outgoing = Outgoing {
            consent: Some(Consent::Granted),
            ..sending.outgoing(sending.event_name, sending.event_id, &custom_data)
        };
        let now = self.ports.clock().now();
        let prepared = prepare(&outgoing.json(), &context(sending.source, now), self.ports.entropy());
        let Verdict::Accepted(event) = prepared.verdict else { return Vec::new() };
        let raw = serde_json::value::RawValue::from_string(event.json);
        let event = raw.and_then(QueuedEvent::from_raw);
        event.map(|event| event.head().user_data_keys.clone()).unwrap_or_default()
    }
}

impl<'a> Sending<'a> {
    fn outgoing<'o>(
        &'o self,
        event_name: &'o EventName,
        event_id: &'o EventId,
        custom_data: &'o Map<String, Value>,
    ) -> Outgoing<'o>
    where
        'a: 'o,
    {
        let Self { at_s, body, known, consent, .. } = self;
        Outgoing { event_name, event_id, at_s: *at_s, body, known, custom_data, consent: *consent }
    }
}

fn context(source: &Source, now: crate::time::UnixMillis) -> EventContext<'_> {
    EventContext {
        source,
        now,
        poster: Poster::Server,
        pixel: None,
        test_event_code: None,
        upload_tag: None,
        idempotency: None,
    }
}

/// The consent that counts: the event's own, else the person's.
pub(super) fn effective(body: &ConversionBody, whole: &Whole) -> Option<Consent> {
    body.consent.or_else(|| whole.consent.as_ref().map(|consent| consent.status))
}
