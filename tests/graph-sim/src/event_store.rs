//! The events as Meta would hold them: deduplicated by (pixel, name, id) over 48 hours.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Copies of an event that come later than this after the first are events of their own.
const DEDUPLICATION_WINDOW_MS: i64 = 48 * 3_600_000;
/// Answers remembered per event.
const MAX_TRACES: usize = 16;

/// One event after deduplication, as `GET /_sim/events` shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StoredEvent {
    /// The pixel it was sent to.
    pub pixel_id: String,
    /// Its name.
    pub event_name: String,
    /// Its id; `null` where it had none, and then it was never deduplicated.
    pub event_id: Option<String>,
    /// Unix seconds, as sent.
    pub event_time: i64,
    /// The request's `test_event_code`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_event_code: Option<String>,
    /// The request's `upload_tag`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload_tag: Option<String>,
    /// Unix milliseconds of the first copy, by the simulator's clock.
    pub received_at: i64,
    /// Trace id of the answer to the first copy.
    pub fbtrace_id: String,
    /// Trace ids of the answers to every copy, at most 16.
    pub fbtrace_ids: Vec<String>,
    /// How many copies came within 48 hours, the first included.
    pub copies: u32,
    /// Hashes that can never match: `empty_hash:<key>`, `md5:<key>`, `upper_case_hash:<key>`.
    pub flags: Vec<String>,
    /// The event exactly as it was received.
    pub event: Box<RawValue>,
}

/// Which events to list. Absent fields match everything.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Only this pixel's.
    pub pixel_id: Option<String>,
    /// Only of this name.
    pub event_name: Option<String>,
    /// Only with this id.
    pub event_id: Option<String>,
}

impl EventFilter {
    fn matches(&self, event: &StoredEvent) -> bool {
        let same = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| Some(wanted) == found)
        };
        same(&self.pixel_id, Some(&event.pixel_id))
            && same(&self.event_name, Some(&event.event_name))
            && same(&self.event_id, event.event_id.as_deref())
    }
}

/// All events received.
#[derive(Debug)]
pub(crate) struct EventStore {
    events: Vec<StoredEvent>,
    /// Position of the newest event of a key.
    latest: HashMap<(String, String, String), usize>,
    max_events: usize,
}

impl EventStore {
    pub(crate) fn new(max_events: usize) -> Self {
        Self { events: Vec::new(), latest: HashMap::new(), max_events }
    }

    /// True when so many more events might not fit.
    pub(crate) fn lacks_room_for(&self, count: usize) -> bool {
        self.events.len().saturating_add(count) > self.max_events
    }

    /// Takes one copy; true when it is new, false when it is a duplicate.
    pub(crate) fn take(&mut self, event: StoredEvent) -> bool {
        let Some(id) = event.event_id.clone() else {
            self.events.push(event);
            return true;
        };
        let key = (event.pixel_id.clone(), event.event_name.clone(), id);
        if let Some(first) = self.latest.get(&key).and_then(|at| self.events.get_mut(*at))
            && event.received_at.saturating_sub(first.received_at) <= DEDUPLICATION_WINDOW_MS
        {
            first.copies = first.copies.saturating_add(1);
            if first.fbtrace_ids.len() < MAX_TRACES {
                first.fbtrace_ids.push(event.fbtrace_id);
            }
            return false;
        }
        self.latest.insert(key, self.events.len());
        self.events.push(event);
        true
    }

    /// How many match, those from `skip` on up to `limit`, and where the next page starts.
    pub(crate) fn list(&self, filter: &EventFilter, skip: usize, limit: usize) -> Page<'_> {
        let matching = || self.events.iter().filter(|event| filter.matches(event));
        let total = matching().count();
        let events: Vec<&StoredEvent> = matching().skip(skip).take(limit).collect();
        let next = skip.saturating_add(events.len());
        Page { total, next: (next < total && !events.is_empty()).then_some(next), events }
    }

    /// `last_fired_time` of a pixel, unix milliseconds.
    pub(crate) fn last_received_ms(&self, pixel_id: &str) -> Option<i64> {
        self.events.iter().rev().find(|event| event.pixel_id == pixel_id).map(|event| event.received_at)
    }
}

/// One page of a listing.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    pub(crate) total: usize,
    pub(crate) next: Option<usize>,
    pub(crate) events: Vec<&'a StoredEvent>,
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::{DEDUPLICATION_WINDOW_MS, EventFilter, EventStore, StoredEvent};

    fn event(pixel: &str, name: &str, id: Option<&str>, received_at: i64) -> StoredEvent {
        StoredEvent {
            pixel_id: pixel.to_owned(),
            event_name: name.to_owned(),
            event_id: id.map(str::to_owned),
            event_time: 0,
            test_event_code: None,
            upload_tag: None,
            received_at,
            fbtrace_id: format!("A{received_at}"),
            fbtrace_ids: vec![format!("A{received_at}")],
            copies: 1,
            flags: Vec::new(),
            event: RawValue::from_string("{}".to_owned()).unwrap(),
        }
    }

    #[test]
    fn the_key_is_pixel_name_and_id() {
        let mut store = EventStore::new(100);
        assert!(store.take(event("1", "Lead", Some("a"), 0)));
        assert!(!store.take(event("1", "Lead", Some("a"), 5)));
        assert!(store.take(event("2", "Lead", Some("a"), 0)));
        assert!(store.take(event("1", "Purchase", Some("a"), 0)));
        assert!(store.take(event("1", "Lead", Some("b"), 0)));
        assert!(store.take(event("1", "Lead", None, 0)) && store.take(event("1", "Lead", None, 0)));
        let first = store.list(&EventFilter::default(), 0, 1).events[0];
        assert_eq!(
            (first.copies, first.fbtrace_ids.as_slice()),
            (2, ["A0".to_owned(), "A5".to_owned()].as_slice())
        );
    }

    #[test]
    fn the_window_starts_with_the_first_copy() {
        let mut store = EventStore::new(100);
        assert!(store.take(event("1", "Lead", Some("a"), 0)));
        assert!(!store.take(event("1", "Lead", Some("a"), DEDUPLICATION_WINDOW_MS)));
        assert!(store.take(event("1", "Lead", Some("a"), DEDUPLICATION_WINDOW_MS + 1)));
        assert!(!store.take(event("1", "Lead", Some("a"), DEDUPLICATION_WINDOW_MS + 2)));
    }

    #[test]
    fn listings_filter_count_all_and_page() {
        let mut store = EventStore::new(100);
        for n in 0..5 {
            store.take(event("1", "Lead", Some(&n.to_string()), n));
            store.take(event("2", "Purchase", Some(&n.to_string()), n));
        }
        let filter = EventFilter { pixel_id: Some("1".to_owned()), ..EventFilter::default() };
        let page = store.list(&filter, 0, 3);
        assert_eq!((page.total, page.events.len(), page.next), (5, 3, Some(3)));
        let last = store.list(&filter, 3, 3);
        assert_eq!((last.total, last.events.len(), last.next), (5, 2, None));
        let one =
            EventFilter { event_id: Some("4".to_owned()), event_name: Some("Lead".to_owned()), ..filter };
        assert_eq!(store.list(&one, 0, 9).total, 1);
        assert_eq!(store.last_received_ms("2"), Some(4));
    }
}
