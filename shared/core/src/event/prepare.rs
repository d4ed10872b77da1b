//! One event from its posted text to the text that Meta gets, or to the reasons why not.

use super::action_source::ActionSource;
use super::custom_data::{self, Facts, Rules};
use super::event_id::{Idempotency, Origins};
use super::fields::Fields;
use super::limits::{MAX_BODY_DEPTH, MAX_POSTED_EVENT_BYTES};
use super::names::{PURCHASE, PublicRights, public_rights};
use super::path::Path;
use super::personal::holds_email;
use super::privacy::{self, Permit, ProcessingFields};
use super::raw::{deeper_than, push_text};
use super::refusal::{NoteCode, Notes, Refusal, RefusalCode, Warning};
use super::{extras, moment, routing, typed, user_data};
use crate::config::Source;
use crate::ids::{EventId, EventName, PixelId};
use crate::message::{Held, MAX_EVENT_BYTES};
use crate::ports::clock::Entropy;
use crate::time::UnixMillis;

/// Who posts: what a browser says is trusted with less, and its request tells what a server's cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Poster<'a> {
    /// A server, with an ingest key. Address and user agent of the visitor stand in `user_data`.
    Server,
    /// A browser, with a public key.
    Browser {
        /// The request's address: the visitor's own.
        client_ip: Option<&'a str>,
        /// The request's `User-Agent`, used where `user_data` has none.
        user_agent: Option<&'a str>,
    },
    /// A rule, for what a browser posted: its names are the tenant's own, but amounts and Purchase are still taken only
    /// where the source lists the name.
    RuleForBrowser {
        /// As the browser's.
        client_ip: Option<&'a str>,
        /// As the browser's.
        user_agent: Option<&'a str>,
    },
}

/// What an event's checks depend on beside the event.
#[derive(Debug, Clone, Copy)]
pub struct EventContext<'a> {
    /// Whose event it is.
    pub source: &'a Source,
    /// The present.
    pub now: UnixMillis,
    /// Who posts it.
    pub poster: Poster<'a>,
    /// The pixel that the request is addressed to; absent where events say so themselves, or go to all of the source's.
    pub pixel: Option<&'a PixelId>,
    /// For events that name none of their own.
    pub test_event_code: Option<&'a str>,
    /// For events that name none of their own.
    pub upload_tag: Option<&'a str>,
    /// The request's `Idempotency-Key`.
    pub idempotency: Option<Idempotency<'a>>,
}

/// An event that may be queued: to be sent, or (with `skip`) for its receipt alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedEvent {
    /// What Meta gets: hashed, ≤ [`MAX_EVENT_BYTES`], readable by [`crate::message::QueuedEvent::from_raw`]. Where the
    /// event is not to be sent, its name, time, id and action source alone.
    pub json: String,
    /// Its id, the caller's or derived.
    pub event_id: EventId,
    /// The one pixel it is meant for; absent: all of its source's.
    pub pixel: Option<PixelId>,
    /// Overrides the pixel's own.
    pub test_event_code: Option<Box<str>>,
    /// Groups an offline upload.
    pub upload_tag: Option<Box<str>>,
    /// Why it is not to be sent, a stable code that its receipt shows; see [`AcceptedEvent::into_skipped`].
    pub skip: Option<&'static str>,
    /// How it was held. [`prepare`] never sets it; who held the event does, before packing it. Boxed, as it is rare and a
    /// thousand events are kept at once.
    pub held: Option<Box<Held>>,
}

/// What is to become of a posted event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It goes to the queue.
    Accepted(Box<AcceptedEvent>),
    /// It is in order but must not be sent. It goes to the queue for its receipt.
    Skipped {
        /// What is queued of it: nothing of its person; `skip` is `code`.
        event: Box<AcceptedEvent>,
        /// Why.
        code: NoteCode,
    },
    /// It can't be sent.
    Refused {
        /// Its id, where it carries a readable one.
        event_id: Option<EventId>,
        /// Why, ≥ 1 and ≤ [`super::limits::MAX_NOTES`].
        refusals: Vec<Refusal>,
    },
}

/// A posted event, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// What is to become of it.
    pub verdict: Verdict,
    /// Its name, where it is not refused.
    pub event_name: Option<EventName>,
    /// What its sender should know, ≤ [`super::limits::MAX_NOTES`].
    pub warnings: Vec<Warning>,
}

/// Checks, normalises and hashes one event. `text` is what was posted, JSON or not; it never fails or panics.
#[must_use]
pub fn prepare(text: &str, context: &EventContext<'_>, entropy: &impl Entropy) -> Prepared {
    let mut notes = Notes::default();
    let draft = read(text, context, &mut notes);
    let (verdict, event_name) = match draft {
        Some(draft) => draft.finish(text, context, entropy, &mut notes),
        None => (refused(None, &mut notes), None),
    };
    Prepared { verdict, event_name, warnings: notes.warnings }
}

fn refused(event_id: Option<EventId>, notes: &mut Notes) -> Verdict {
    Verdict::Refused { event_id, refusals: std::mem::take(&mut notes.refusals) }
}

fn read<'a>(text: &'a str, context: &EventContext<'_>, notes: &mut Notes) -> Option<Draft<'a>> {
    if text.len() > MAX_POSTED_EVENT_BYTES {
        notes.refuse(RefusalCode::EventTooLarge, "");
        return None;
    }
    if deeper_than(text.as_bytes(), MAX_BODY_DEPTH) {
        notes.refuse(RefusalCode::TooDeep, "");
        return None;
    }
    let fields = Fields::read(text, notes)?;
    let event_id = event_id(&fields, notes);
    let event_name = event_name(&fields, notes);
    let permit = privacy::consent(fields.consent, notes).permit(context.source.consent_policy);
    let mut draft =
        Draft { fields, event_id, event_name, permit, out: String::new(), facts: Facts::default() };
    draft.write(text.len(), context, notes);
    Some(draft)
}

/// Absent or unreadable; the latter stands in `notes`.
fn event_id(fields: &Fields<'_>, notes: &mut Notes) -> Option<EventId> {
    const FIELD: &str = "event_id";
    let text = typed::text_or_number(fields.event_id?, Path::root(FIELD), notes)?;
    let id = EventId::parse(&text).ok();
    if id.is_none() {
        notes.refuse(RefusalCode::EventIdInvalid, FIELD);
    } else if holds_email(&text) {
        notes.refuse(RefusalCode::LooksPersonal, FIELD);
        return None;
    }
    id
}

fn event_name(fields: &Fields<'_>, notes: &mut Notes) -> Option<EventName> {
    const FIELD: &str = "event_name";
    let Some(raw) = fields.event_name else {
        notes.refuse(RefusalCode::EventNameMissing, FIELD);
        return None;
    };
    let text = typed::text(raw, Path::root(FIELD), notes)?;
    let name = EventName::parse(&text).ok();
    if name.is_none() {
        notes.refuse(RefusalCode::EventNameInvalid, FIELD);
    } else if holds_email(&text) {
        notes.refuse(RefusalCode::LooksPersonal, FIELD);
    }
    name
}

/// An event on its way: what was read, and what has been written of it.
struct Draft<'a> {
    fields: Fields<'a>,
    event_id: Option<EventId>,
    event_name: Option<EventName>,
    permit: Permit,
    /// The object without its `event_id` and its closing brace.
    out: String,
    facts: Facts<'a>,
}

impl Draft<'_> {
    fn write(&mut self, posted_bytes: usize, context: &EventContext<'_>, notes: &mut Notes) {
        let Self { fields, event_name, permit, out, facts, .. } = self;
        out.reserve(if permit.is_skip() { 256 } else { posted_bytes + 512 });
        let action_source =
            ActionSource::read(fields.action_source, fields.event_source_url.is_some(), notes);
        let event_time = moment::read(fields.event_time, action_source, context.now.secs(), notes);
        let name = event_name.as_ref().map_or("", EventName::as_str);
        let rights = rights(name, action_source, fields, context, notes);

        out.push_str(r#"{"event_name":"#);
        push_text(out, name);
        out.push_str(r#","event_time":"#);
        out.push_str(&event_time.unwrap_or_default().to_string());
        out.push_str(r#","action_source":""#);
        out.push_str(action_source.map_or("", ActionSource::as_str));
        out.push('"');
        let rules = Rules { purchase: name == PURCHASE, values_allowed: rights.values };
        if permit.is_skip() {
            if let Some(raw) = fields.custom_data {
                // Read for its order alone, so that the id derived is the same as if the event were sent.
                *facts = custom_data::write(raw, rules, &mut String::new(), &mut Notes::default());
            }
            return;
        }

        let url = extras::event_source_url(fields.event_source_url, out, notes);
        let hashed = user_data::write(fields.user_data, context, event_time, url.as_deref(), out, notes);
        if let (Some(source), Some(hashed)) = (action_source, &hashed) {
            source.require(fields, hashed, notes);
        }
        match fields.custom_data {
            Some(raw) => {
                out.push_str(r#","custom_data":"#);
                *facts = custom_data::write(raw, rules, out, notes);
            }
            None => custom_data::absent(rules, notes),
        }
        extras::write(fields, action_source, out, notes);
        let processing = ProcessingFields {
            options: fields.data_processing_options,
            country: fields.data_processing_options_country,
            state: fields.data_processing_options_state,
        };
        privacy::write(processing, *permit == Permit::SendLimited, out, notes);
    }

    fn finish(
        self,
        text: &str,
        context: &EventContext<'_>,
        entropy: &impl Entropy,
        notes: &mut Notes,
    ) -> (Verdict, Option<EventName>) {
        let route = routing::read(&self.fields, context, notes);
        if !notes.refusals.is_empty() {
            return (refused(self.event_id, notes), None);
        }
        let (Some(event_name), Some(route)) = (self.event_name, route) else {
            notes.refuse(RefusalCode::EventNameMissing, "event_name");
            return (refused(self.event_id, notes), None);
        };
        let origins = Origins {
            source: context.source,
            event_name: &event_name,
            idempotency: context.idempotency,
            facts: &self.facts,
            timed_text: self.fields.event_time.map(|_| text),
        };
        let Some(event_id) = self.event_id.or_else(|| origins.derive(entropy)) else {
            notes.refuse(RefusalCode::EventIdInvalid, "event_id");
            return (refused(None, notes), None);
        };
        let mut json = self.out;
        json.push_str(r#","event_id":"#);
        push_text(&mut json, event_id.as_str());
        json.push('}');
        if json.len() > MAX_EVENT_BYTES {
            notes.refuse(RefusalCode::EventTooLarge, "");
            return (refused(Some(event_id), notes), None);
        }
        json.shrink_to_fit();
        let routing::Route { pixel, test_event_code, upload_tag } = route;
        let code = self.permit.skip();
        let skip = code.map(NoteCode::code);
        let event = AcceptedEvent { json, event_id, pixel, test_event_code, upload_tag, skip, held: None };
        let verdict = match code {
            None => Verdict::Accepted(Box::new(event)),
            Some(code) => Verdict::Skipped { event: Box::new(event), code },
        };
        (verdict, Some(event_name))
    }
}

/// What the poster may do with an event of this name. A refusal where it may not post it at all.
fn rights(
    name: &str,
    action_source: Option<ActionSource>,
    fields: &Fields<'_>,
    context: &EventContext<'_>,
    notes: &mut Notes,
) -> PublicRights {
    if context.poster == Poster::Server {
        return PublicRights { name: true, values: true };
    }
    let mut rights = public_rights(context.source, name);
    if matches!(context.poster, Poster::RuleForBrowser { .. }) && name != PURCHASE {
        rights.name = true;
    }
    if !rights.name {
        notes.refuse(RefusalCode::NameNotForPublicKeys, "event_name");
    }
    if action_source.is_some_and(|source| source != ActionSource::Website) && fields.action_source.is_some() {
        notes.refuse(RefusalCode::NotForPublicKeys, "action_source");
    }
    rights
}
