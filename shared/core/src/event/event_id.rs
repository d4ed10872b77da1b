//! The id that makes a repeated post the same event.
//!
//! In this order: what the event carries; the `Idempotency-Key` of its request with its place in the batch; the
//! order (and item) of a Purchase; the whole event where it carries its time; else a random one. Derived ids hold
//! for one source of one tenant: two products may both have an order 1001.

use sha2::{Digest, Sha256};

use super::canonical;
use super::custom_data::Facts;
use crate::config::Source;
use crate::ids::{EventId, EventName};
use crate::ports::clock::Entropy;

/// What a caller's `Idempotency-Key` says of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Idempotency<'a> {
    /// The header's value.
    pub key: &'a str,
    /// The event's place in its batch; absent for a single event.
    pub index: Option<usize>,
}

/// What an event's id may be derived from.
pub(crate) struct Origins<'a> {
    pub(crate) source: &'a Source,
    pub(crate) event_name: &'a EventName,
    pub(crate) idempotency: Option<Idempotency<'a>>,
    pub(crate) facts: &'a Facts<'a>,
    /// The event's text where it carries its own time.
    pub(crate) timed_text: Option<&'a str>,
}

impl Origins<'_> {
    /// 32 hexadecimal digits.
    pub(crate) fn derive(&self, entropy: &impl Entropy) -> Option<EventId> {
        let mut hash = Parts(Sha256::new());
        hash.part("adrelay event id 1").part(self.source.tenant_id.as_str()).part(self.source.id.as_str());
        let order = self.facts.order_id.as_deref().filter(|_| self.event_name.as_str() == "Purchase");
        if let Some(idempotency) = self.idempotency {
            let index = idempotency.index.map_or_else(String::new, |index| index.to_string());
            hash.part("idempotency key").part(idempotency.key).part(&index);
        } else if let Some(order) = order {
            hash.part("order").part(order).part(self.facts.item_number.as_deref().unwrap_or_default());
        } else if let Some(text) = self.timed_text {
            hash.part("body");
            canonical::feed(text, &mut hash.0);
        } else {
            return EventId::parse(&hex::encode(entropy.array::<16>())).ok();
        }
        EventId::parse(hex::encode(hash.0.finalize()).get(..32)?).ok()
    }
}

/// Hashes texts so that no two lists of them read alike.
struct Parts(Sha256);

impl Parts {
    fn part(&mut self, text: &str) -> &mut Self {
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text.as_bytes());
        self
    }
}
