//! Accepted events to queue messages: one message holds events of one pixel, test event code, upload tag and, where they
//! are not to be sent, reason. An event that was held has a message of its own.

use std::collections::HashMap;

use super::prepare::AcceptedEvent;
use crate::config::{Scope, Source};
use crate::ids::{MessageId, PixelId, random_text_id};
use crate::message::{EventMessage, Held, MAX_MESSAGE_BYTES, MESSAGE_VERSION};
use crate::ports::clock::Entropy;
use crate::ports::queue::Outgoing;
use crate::time::UnixMillis;

/// What the events of one message share.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Group<'a> {
    pixel: &'a PixelId,
    test_event_code: Option<&'a str>,
    upload_tag: Option<&'a str>,
    skip: Option<&'static str>,
}

/// One message to be: which events go into it.
#[derive(Debug, Clone)]
pub struct Package<'a> {
    group: Group<'a>,
    held: Option<&'a Held>,
    /// Indices into the events that were packed.
    pub events: Vec<usize>,
    bytes: usize,
}

/// Plans the messages for `events`: each event once for every pixel it goes to. Every message's body keeps within
/// [`MAX_MESSAGE_BYTES`].
#[must_use]
pub fn pack<'a>(events: &'a [AcceptedEvent], source: &'a Source) -> Vec<Package<'a>> {
    let mut packages: Vec<Package<'a>> = Vec::new();
    // The package of each group that still has room.
    let mut open: HashMap<Group<'a>, usize> = HashMap::new();
    let mut all: Vec<&'a PixelId> = Vec::with_capacity(source.pixel_ids.len());
    for pixel in &source.pixel_ids {
        if !all.contains(&pixel) {
            all.push(pixel);
        }
    }
    for (index, event) in events.iter().enumerate() {
        let one = event.pixel.as_ref();
        let every: &[&PixelId] = if one.is_some() { &[] } else { &all };
        for pixel in one.into_iter().chain(every.iter().copied()) {
            let group = Group {
                pixel,
                test_event_code: event.test_event_code.as_deref(),
                upload_tag: event.upload_tag.as_deref(),
                skip: event.skip,
            };
            let bytes = event.json.len() + 1;
            let held = event.held.as_deref();
            let room = |at: &&usize| packages[**at].bytes + bytes <= MAX_MESSAGE_BYTES;
            if held.is_none() {
                if let Some(&at) = open.get(&group).filter(room) {
                    packages[at].events.push(index);
                    packages[at].bytes += bytes;
                    continue;
                }
                open.insert(group.clone(), packages.len());
            }
            let bytes = envelope_bytes(&group, held) + bytes;
            packages.push(Package { group, held, events: vec![index], bytes });
        }
    }
    packages
}

/// Room for everything in a message but its events, test event code and upload tag: names, ids and numbers at their longest.
const ENVELOPE_BYTES: usize = 512;

fn envelope_bytes(group: &Group<'_>, held: Option<&Held>) -> usize {
    let code = group.test_event_code.map_or(0, str::len);
    // A tag may double its length by escapes.
    let tag = 2 * group.upload_tag.map_or(0, str::len);
    let skip = group.skip.map_or(0, |reason| reason.len() + r#""skip":"","#.len());
    let keys = |held: &Held| held.keys_before.iter().map(|key| key.len() + 3).sum::<usize>() + 64;
    ENVELOPE_BYTES + code + tag + skip + held.map_or(0, keys)
}

impl Package<'_> {
    /// Writes the message.
    ///
    /// # Errors
    /// Never for what [`pack`] made; serde's interface has an error.
    pub fn outgoing(
        &self,
        events: &[AcceptedEvent],
        source: &Source,
        key_scope: Scope,
        now: UnixMillis,
        entropy: &impl Entropy,
    ) -> Result<Outgoing, serde_json::Error> {
        let id =
            MessageId::parse(&random_text_id("m", entropy.array())).map_err(serde::ser::Error::custom)?;
        let message = EventMessage {
            v: MESSAGE_VERSION,
            id,
            tenant: source.tenant_id.clone(),
            source: source.id.clone(),
            pixel_id: self.group.pixel.clone(),
            test_event_code: self.group.test_event_code.map(str::to_owned),
            upload_tag: self.group.upload_tag.map(str::to_owned),
            key_scope,
            attempt: 0,
            first_enqueued_at: now,
            skip: self.group.skip.map(str::to_owned),
            held: self.held.cloned(),
            events: Vec::new(),
        };
        Ok(Outgoing { body: self.body(&message, events)?, group: self.group.pixel.to_string(), delay_s: 0 })
    }

    /// The events' texts are copied in as they are: parsing a thousand of them again would double ingest's work.
    fn body(&self, empty: &EventMessage, events: &[AcceptedEvent]) -> Result<String, serde_json::Error> {
        const END: &str = "]}";
        let mut body = String::with_capacity(self.bytes);
        let envelope = serde_json::to_string(empty)?;
        let start = envelope.strip_suffix(END).filter(|start| start.ends_with(r#""events":["#));
        body.push_str(
            start.ok_or_else(|| serde::ser::Error::custom("events are not a message's last field"))?,
        );
        for (position, event) in self.events.iter().filter_map(|index| events.get(*index)).enumerate() {
            if position > 0 {
                body.push(',');
            }
            body.push_str(&event.json);
        }
        body.push_str(END);
        Ok(body)
    }
}
