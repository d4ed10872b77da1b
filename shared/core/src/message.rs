//! What travels on the `capi-events` queue: hashed events, and the two control messages of the waiting room.
//!
//! Plaintext personal data never gets here; [`QueuedEvent`] carries the text that goes to Meta as it is.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::config::Scope;
use crate::ids::{EventId, EventName, MessageId, PixelId, SourceId, TenantId};
use crate::time::UnixMillis;

/// Largest body of a message in bytes: the limit of SQS for one message or one batch of them.
pub const MAX_MESSAGE_BYTES: usize = 256 * 1024;

/// Largest event after hashing, in bytes of its JSON text.
pub const MAX_EVENT_BYTES: usize = 64 * 1024;

/// Version of the message's shape.
pub const MESSAGE_VERSION: u8 = 1;

/// Longest [`EventMessage::skip`] that a receipt shows, in bytes.
pub const MAX_SKIP_REASON_BYTES: usize = 64;

/// Events of one source for one pixel, hashed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EventMessage {
    /// [`MESSAGE_VERSION`].
    pub v: u8,
    /// Names this message through all its journeys, so that a redelivery is not taken for a repeat.
    pub id: MessageId,
    /// Whose events they are.
    pub tenant: TenantId,
    /// Who sent them.
    pub source: SourceId,
    /// Where they go.
    pub pixel_id: PixelId,
    /// Overrides the pixel's own test event code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_event_code: Option<String>,
    /// Groups an offline upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload_tag: Option<String>,
    /// What kind of key posted them.
    pub key_scope: Scope,
    /// How often they have been sent anew; 0 the first time.
    pub attempt: u32,
    /// When ingest queued them first.
    pub first_enqueued_at: UnixMillis,
    /// Why its events are not to be sent, a stable code such as `consent_denied`; absent where they are. They are
    /// queued for their receipts alone (`skipped`, with this reason) and carry no user_data and no custom_data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<String>,
    /// How its event was held before it was queued. Such a message has one event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Held>,
    /// The events, ≥ 1.
    pub events: Vec<QueuedEvent>,
}

/// An event waited for more to be known of its person: for an identify call, or for consent. Its receipt shows how
/// much that added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// When the hold began.
    pub since: UnixMillis,
    /// Names of the user_data keys that were known then, never values.
    pub keys_before: Vec<Box<str>>,
}

/// One event as Meta gets it. Only what dispatch needs is parsed; the text goes out unchanged.
#[derive(Debug, Clone)]
pub struct QueuedEvent {
    raw: Box<RawValue>,
    head: EventHead,
}

/// The parts of an event that dispatch decides by.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct EventHead {
    /// Meta's name of it.
    pub event_name: EventName,
    /// What deduplicates it.
    pub event_id: EventId,
    /// Unix seconds.
    pub event_time: i64,
    /// Meta's word, e.g. `website`.
    pub action_source: Box<str>,
    /// Names of the user_data keys present, in order.
    #[serde(rename = "user_data", default, deserialize_with = "keys_only")]
    pub user_data_keys: Vec<Box<str>>,
}

fn keys_only<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Box<str>>, D::Error> {
    struct Keys;
    impl<'de> serde::de::Visitor<'de> for Keys {
        type Value = Vec<Box<str>>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut keys = Vec::new();
            while let Some((key, _)) = map.next_entry::<Box<str>, serde::de::IgnoredAny>()? {
                keys.push(key);
            }
            Ok(keys)
        }
    }
    deserializer.deserialize_map(Keys)
}

impl QueuedEvent {
    /// Reads an event from the JSON text that Meta is to get.
    ///
    /// # Errors
    /// Where the text is not an object with `event_name`, `event_id`, `event_time` and `action_source`.
    pub fn from_raw(raw: Box<RawValue>) -> Result<Self, serde_json::Error> {
        let head = serde_json::from_str(raw.get())?;
        Ok(Self { raw, head })
    }

    /// The JSON text that goes to Meta.
    #[must_use]
    pub fn json(&self) -> &str {
        self.raw.get()
    }

    /// What dispatch decides by.
    #[must_use]
    pub fn head(&self) -> &EventHead {
        &self.head
    }
}

impl Serialize for QueuedEvent {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for QueuedEvent {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::from_raw(raw).map_err(serde::de::Error::custom)
    }
}

/// Names a waiting room: the events of one pixel that wait for a person.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WaitingRoomRef {
    /// [`MESSAGE_VERSION`].
    pub v: u8,
    /// Whose pixel.
    pub tenant: TenantId,
    /// Which pixel.
    pub pixel_id: PixelId,
    /// How often this has been tried; grows the delay of the next probe.
    #[serde(default)]
    pub attempt: u32,
    /// For a probe: when it is due. A probe that is not the one its pixel's ledger names is stale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<UnixMillis>,
}

impl WaitingRoomRef {
    /// The room of a pixel.
    #[must_use]
    pub fn new(tenant: TenantId, pixel_id: PixelId) -> Self {
        Self { v: MESSAGE_VERSION, tenant, pixel_id, attempt: 0, due: None }
    }
}

/// Anything on the queue.
#[derive(Debug, Clone)]
pub enum QueueMessage {
    /// Events to send.
    Events(EventMessage),
    /// The pixel works again: queue what waits, a page at a time.
    Release(WaitingRoomRef),
    /// Try one waiting event, and release the rest where Meta takes it.
    Probe(WaitingRoomRef),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Events,
    Release,
    Probe,
}

impl QueueMessage {
    /// Parses a message's body.
    ///
    /// # Errors
    /// Where it is not JSON of a known kind and version; such a message belongs in the dead-letter queue.
    pub fn parse(body: &str) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Head {
            v: u8,
            #[serde(default = "events")]
            kind: Kind,
        }
        fn events() -> Kind {
            Kind::Events
        }
        let head: Head = serde_json::from_str(body)?;
        if head.v != MESSAGE_VERSION {
            return Err(serde::de::Error::custom("unknown message version"));
        }
        Ok(match head.kind {
            Kind::Events => Self::Events(serde_json::from_str(body)?),
            Kind::Release => Self::Release(serde_json::from_str(body)?),
            Kind::Probe => Self::Probe(serde_json::from_str(body)?),
        })
    }

    /// The message's body: `kind` is absent for events, `release` or `probe` for control messages.
    ///
    /// # Errors
    /// Never for values of this type; the signature is serde's.
    pub fn to_body(&self) -> Result<String, serde_json::Error> {
        #[derive(Serialize)]
        struct Control<'a> {
            kind: &'a str,
            #[serde(flatten)]
            room: &'a WaitingRoomRef,
        }
        match self {
            Self::Events(message) => serde_json::to_string(message),
            Self::Release(room) => serde_json::to_string(&Control { kind: "release", room }),
            Self::Probe(room) => serde_json::to_string(&Control { kind: "probe", room }),
        }
    }

    /// Groups messages for SQS's fair queues: the pixel.
    #[must_use]
    pub fn group(&self) -> &PixelId {
        match self {
            Self::Events(message) => &message.pixel_id,
            Self::Release(room) | Self::Probe(room) => &room.pixel_id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"v":1,"id":"m1","tenant":"acme","source":"shop","pixel_id":"123","key_scope":"ingest","attempt":0,"first_enqueued_at":5,"events":[{"event_name":"Lead","event_time":1,"event_id":"e","action_source":"website","user_data":{"em":["x"],"fbp":"y"}}]}"#;

    #[test]
    fn an_event_goes_through_the_queue_unchanged() {
        let message = QueueMessage::parse(BODY).unwrap();
        assert_eq!(message.to_body().unwrap(), BODY);
        let QueueMessage::Events(message) = message else { panic!("not events") };
        let keys: Vec<&str> = message.events[0].head().user_data_keys.iter().map(AsRef::as_ref).collect();
        assert_eq!(keys, ["em", "fbp"]);
    }

    #[test]
    fn what_is_not_to_be_sent_or_was_held_says_so_and_reads_back() {
        let extra = r#""skip":"consent_denied","held":{"since":3,"keys_before":["fbp"]},"events""#;
        let body = BODY.replacen(r#""events""#, extra, 1);
        let message = QueueMessage::parse(&body).unwrap();
        assert_eq!(message.to_body().unwrap(), body);
        let QueueMessage::Events(message) = message else { panic!("not events") };
        assert_eq!(message.skip.as_deref(), Some("consent_denied"));
        assert_eq!(message.held, Some(Held { since: UnixMillis(3), keys_before: vec!["fbp".into()] }));
    }

    #[test]
    fn control_messages_say_their_kind() {
        let room = WaitingRoomRef {
            v: 1,
            tenant: TenantId::parse("acme").unwrap(),
            pixel_id: PixelId::parse("123").unwrap(),
            attempt: 2,
            due: None,
        };
        let body = QueueMessage::Probe(room).to_body().unwrap();
        assert_eq!(body, r#"{"kind":"probe","v":1,"tenant":"acme","pixel_id":"123","attempt":2}"#);
        assert!(
            matches!(QueueMessage::parse(&body).unwrap(), QueueMessage::Probe(room) if room.attempt == 2)
        );
    }

    #[test]
    fn an_unknown_version_or_kind_is_refused() {
        assert!(QueueMessage::parse(&BODY.replacen("\"v\":1", "\"v\":2", 1)).is_err());
        assert!(QueueMessage::parse(r#"{"v":1,"kind":"other"}"#).is_err());
        assert!(QueueMessage::parse("").is_err());
    }
}
