//! From messages to groups of items that may share requests, with copies of one event folded into one.

use std::collections::HashMap;

use super::Failed;
use crate::ids::{MessageId, PixelId, SourceId, TenantId};
use crate::message::{EventMessage, Held, QueuedEvent};
use crate::receipt::{ReceiptKey, Trust};
use crate::time::UnixMillis;

/// How long before Meta's limit of age an event counts as expired: an hour, so that it is not refused on the way.
pub const DEADLINE_MARGIN_S: i64 = 3_600;

const DAY_S: i64 = 86_400;

/// Meta takes events up to 7 days old, store events up to 62 (graph-api: server-event, offline-events).
pub(super) fn deadline_s(action_source: &str, event_time: i64) -> i64 {
    let days = if action_source == "physical_store" { 62 } else { 7 };
    event_time.saturating_add(days * DAY_S - DEADLINE_MARGIN_S)
}

/// What may share a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct GroupKey {
    pub(super) tenant: TenantId,
    pub(super) pixel: PixelId,
    pub(super) test_event_code: Option<String>,
    pub(super) upload_tag: Option<String>,
    /// Why the group is not to be sent at all.
    pub(super) skip: Option<String>,
}

impl GroupKey {
    pub(super) fn of(message: &EventMessage) -> Self {
        Self {
            tenant: message.tenant.clone(),
            pixel: message.pixel_id.clone(),
            test_event_code: message.test_event_code.clone(),
            upload_tag: message.upload_tag.clone(),
            skip: message.skip.clone(),
        }
    }
}

/// A message without its events: what it takes to send some of them anew.
#[derive(Debug, Clone)]
pub(super) struct Envelope {
    pub(super) place: Failed,
    pub(super) message: EventMessage,
}

/// One event to send, standing for one or more copies.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) event: QueuedEvent,
    pub(super) key: ReceiptKey,
    pub(super) source: SourceId,
    pub(super) message: MessageId,
    pub(super) attempt: u32,
    /// When the first of its copies was queued.
    pub(super) queued_at: UnixMillis,
    pub(super) held: Option<Held>,
    /// Places of its copies in the list of envelopes.
    pub(super) holders: Vec<usize>,
}

impl Item {
    /// An event of a message, held by the envelope at `holder`.
    pub(super) fn new(message: &EventMessage, event: QueuedEvent, holder: usize) -> Self {
        Self {
            key: receipt_key(message, &event),
            event,
            source: message.source.clone(),
            message: message.id.clone(),
            attempt: message.attempt,
            queued_at: message.first_enqueued_at,
            held: message.held.clone(),
            holders: vec![holder],
        }
    }

    pub(super) fn copies(&self) -> u32 {
        u32::try_from(self.holders.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn deadline_s(&self) -> i64 {
        let head = self.event.head();
        deadline_s(&head.action_source, head.event_time)
    }
}

#[derive(Debug)]
pub(super) struct Group {
    pub(super) key: GroupKey,
    pub(super) items: Vec<Item>,
    pub(super) places: Vec<Failed>,
}

fn receipt_key(message: &EventMessage, event: &QueuedEvent) -> ReceiptKey {
    ReceiptKey {
        tenant: message.tenant.clone(),
        event_id: event.head().event_id.clone(),
        pixel_id: message.pixel_id.clone(),
        event_name: event.head().event_name.clone(),
        trust: Trust::from(message.key_scope),
    }
}

/// Sorts messages into groups, in the order in which they came.
pub(super) fn group(messages: Vec<(Failed, EventMessage)>) -> (Vec<Group>, Vec<Envelope>) {
    let mut groups: Vec<Group> = Vec::new();
    let mut by_key: HashMap<GroupKey, usize> = HashMap::new();
    let mut by_receipt: HashMap<(usize, ReceiptKey), usize> = HashMap::new();
    let mut envelopes = Vec::with_capacity(messages.len());
    for (place, mut message) in messages {
        let key = GroupKey::of(&message);
        let index = *by_key.entry(key.clone()).or_insert_with(|| {
            groups.push(Group { key, items: Vec::new(), places: Vec::new() });
            groups.len() - 1
        });
        let group = &mut groups[index];
        group.places.push(place);
        let holder = envelopes.len();
        for event in std::mem::take(&mut message.events) {
            let item = Item::new(&message, event, holder);
            let at = *by_receipt.entry((index, item.key.clone())).or_insert(group.items.len());
            match group.items.get_mut(at) {
                Some(first) => {
                    first.holders.push(holder);
                    first.queued_at = first.queued_at.min(message.first_enqueued_at);
                }
                None => group.items.push(item),
            }
        }
        envelopes.push(Envelope { place, message });
    }
    (groups, envelopes)
}
