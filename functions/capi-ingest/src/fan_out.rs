//! What rules make of an event: other events under its id, in its place or beside it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use adrelay_core::event::limits::MAX_NOTES;
use adrelay_core::event::{
    AcceptedEvent, EventContext, NoteCode, Poster, Refusal, Verdict, Warning, prepare,
};
use adrelay_core::ids::{EventId, EventName};
use adrelay_core::ports::clock::Entropy;
use adrelay_core::rules::{Fired, RuleSet, Trigger, event_ids};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use crate::submit::{Fate, Outcome};

/// An event that goes to Meta for a posted one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct MetaEvent {
    event_name: EventName,
    event_id: EventId,
}

/// What goes out for one posted event, and what is told of it.
pub(crate) struct FannedOut {
    pub(crate) events: Vec<AcceptedEvent>,
    pub(crate) outcome: Outcome,
}

/// A posted event that is in order.
pub(crate) struct Posted<'a> {
    /// As posted.
    text: &'a str,
    event_name: &'a EventName,
    /// As it would go out without rules.
    event: &'a AcceptedEvent,
    /// Why it would not, where it would not.
    skipped: Option<NoteCode>,
    context: EventContext<'a>,
}

impl<'a> Posted<'a> {
    /// `None` where the event is refused.
    pub(crate) fn of(
        text: &'a str,
        event_name: &'a EventName,
        verdict: &'a Verdict,
        context: EventContext<'a>,
    ) -> Option<Self> {
        let (event, skipped) = match verdict {
            Verdict::Accepted(event) => (&**event, None),
            Verdict::Skipped { event, code } => (&**event, Some(*code)),
            Verdict::Refused { .. } => return None,
        };
        Some(Self { text, event_name, event, skipped, context })
    }

    /// Applies rules that name the event; `None` where nothing fires and the event goes out as it is. `warnings` are those of the event.
    pub(crate) fn fan_out(
        &self,
        rules: &RuleSet,
        entropy: &impl Entropy,
        warnings: &[Warning],
    ) -> Option<FannedOut> {
        let EventContext { source, now, .. } = self.context;
        let event_name = self.event_name;
        // What was found to be in order is an object whose fields stand once.
        let fields: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(self.text).ok()?;
        let custom_data: Option<Map<String, Value>> =
            fields.get("custom_data").and_then(|raw| serde_json::from_str(raw.get()).ok());
        let custom_data = custom_data.unwrap_or_default();
        let decision = rules.decide(&Trigger {
            source,
            event_name,
            value: custom_data.get("value").and_then(Value::as_number),
            currency: custom_data.get("currency").and_then(Value::as_str),
            fields: &custom_data,
            at_s: now.secs(),
            person: None,
        });
        if decision.fired.is_empty() {
            return None;
        }
        let trigger = decision.send_trigger.then_some(event_name);
        let names: Vec<&EventName> =
            trigger.into_iter().chain(decision.fired.iter().map(|fired| &fired.event_name)).collect();
        let mut ids = event_ids(&self.event.event_id, &names).into_iter();
        let mut gathered = Gathered::new(self, warnings);
        if trigger.is_some() && ids.next().is_some() {
            gathered.send(event_name, self.event.clone(), self.skipped);
        }
        for (fired, event_id) in decision.fired.iter().zip(ids) {
            let text = text_of(&fields, fired, &event_id)?;
            let prepared = prepare(&text, &self.context_of_fired(), entropy);
            match prepared.verdict {
                Verdict::Accepted(event) => gathered.send(&fired.event_name, *event, None),
                Verdict::Skipped { event, code } => gathered.send(&fired.event_name, *event, Some(code)),
                Verdict::Refused { refusals, .. } => gathered.refuse(fired, refusals),
            }
            gathered.warn(fired, &prepared.warnings);
        }
        Some(gathered.end(&self.event.event_id))
    }

    fn context_of_fired(&self) -> EventContext<'_> {
        let poster = match self.context.poster {
            Poster::Browser { client_ip, user_agent } => Poster::RuleForBrowser { client_ip, user_agent },
            other => other,
        };
        EventContext { poster, idempotency: None, ..self.context }
    }
}

/// The posted event under another name, with the rule's custom_data instead of its own.
fn text_of(fields: &BTreeMap<Cow<'_, str>, &RawValue>, fired: &Fired, event_id: &EventId) -> Option<String> {
    let name = to_raw_value(&fired.event_name).ok()?;
    let id = to_raw_value(event_id).ok()?;
    let custom_data = to_raw_value(&fired.custom_data).ok()?;
    let mut fields: BTreeMap<&str, &RawValue> =
        fields.iter().map(|(key, raw)| (key.as_ref(), *raw)).collect();
    fields.insert("event_name", &name);
    fields.insert("event_id", &id);
    if fired.custom_data.is_empty() {
        fields.remove("custom_data");
    } else {
        fields.insert("custom_data", &custom_data);
    }
    serde_json::to_string(&fields).ok()
}

/// What came of each of the events.
struct Gathered {
    events: Vec<AcceptedEvent>,
    meta_events: Vec<MetaEvent>,
    any_queued: bool,
    skipped: Option<NoteCode>,
    refusals: Vec<Refusal>,
    warnings: Vec<Warning>,
}

impl Gathered {
    fn new(posted: &Posted<'_>, warnings: &[Warning]) -> Self {
        Self {
            events: Vec::new(),
            meta_events: Vec::new(),
            any_queued: false,
            skipped: posted.skipped,
            refusals: Vec::new(),
            warnings: warnings.to_vec(),
        }
    }

    fn send(&mut self, event_name: &EventName, event: AcceptedEvent, skipped: Option<NoteCode>) {
        self.any_queued |= skipped.is_none();
        self.skipped = self.skipped.or(skipped);
        let (event_name, event_id) = (event_name.clone(), event.event_id.clone());
        self.meta_events.push(MetaEvent { event_name, event_id });
        self.events.push(event);
    }

    fn refuse(&mut self, fired: &Fired, refusals: Vec<Refusal>) {
        let room = MAX_NOTES.saturating_sub(self.refusals.len());
        let told = refusals.into_iter().take(room);
        self.refusals.extend(told.map(|refusal| Refusal::new(refusal.code, place(fired, &refusal.field))));
    }

    /// Of what the posted event said of itself its own warnings tell already.
    fn warn(&mut self, fired: &Fired, warnings: &[Warning]) {
        let room = MAX_NOTES.saturating_sub(self.warnings.len());
        let mapped = warnings.iter().filter(|warning| warning.field.starts_with("custom_data")).take(room);
        let told =
            mapped.map(|warning| Warning { field: place(fired, &warning.field).into(), ..warning.clone() });
        self.warnings.extend(told);
    }

    fn end(mut self, event_id: &EventId) -> FannedOut {
        let fate = match (self.events.is_empty(), self.skipped) {
            (true, _) => Fate::Rejected(Some(event_id.clone()), std::mem::take(&mut self.refusals)),
            (false, Some(code)) if !self.any_queued => Fate::Skipped(event_id.clone(), code),
            (false, _) => Fate::Queued(event_id.clone()),
        };
        // Where something goes out, what does not is worth knowing, and no reason to post the event again.
        let room = MAX_NOTES.saturating_sub(self.warnings.len());
        let refused = self.refusals.into_iter().take(room);
        self.warnings
            .extend(refused.map(|refusal| Warning { field: refusal.field, code: refusal.code.code() }));
        let outcome = Outcome { fate, warnings: self.warnings, meta_events: self.meta_events };
        FannedOut { events: self.events, outcome }
    }
}

/// Where in the tenant's rules a note belongs: `rules.subscription.fire[0].custom_data.value`.
fn place(fired: &Fired, field: &str) -> String {
    format!("rules.{}.fire[{}].{field}", fired.rule, fired.nth)
}
