//! What a delivery announces: bytes in, leads by page out. Trusts nothing but that the bytes are Meta's.
//!
//! ```json
//! {"object":"page","entry":[{"id":"1","time":1,"changes":[{"field":"leadgen","value":{"leadgen_id":2,"page_id":1}}]}]}
//! ```

use std::collections::{BTreeMap, HashSet};

use adrelay_core::ids::{AdObjectId, FormId, IdError, LeadId, PageId};
use adrelay_core::leads::{Announced, LeadWork, MAX_ANNOUNCED, WORK_VERSION};
use adrelay_core::ports::queue::Outgoing;
use adrelay_core::time::UnixMillis;
use serde_json::value::RawValue;

use crate::fields::{Elements, Members, digits, text};

/// Longest body in bytes.
pub const MAX_BODY_BYTES: usize = 1_000_000;

/// Changes in one delivery, over all its entries (Meta: webhooks, batches of at most 1,000 updates).
pub const MAX_CHANGES: usize = 1_000;

/// Entries in one delivery; each has one change at least.
pub const MAX_ENTRIES: usize = 1_000;

/// Why a body is no delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// Not a JSON object.
    #[error("not a JSON object")]
    NotJson,
    /// More than [`MAX_CHANGES`] or [`MAX_ENTRIES`].
    #[error("too many changes")]
    TooManyChanges,
}

/// Parts that are left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ignored {
    /// Deliveries about another object than a page.
    pub objects: usize,
    /// Changes of another field than `leadgen`.
    pub fields: usize,
    /// Leads without a readable id, or without that of their page: only reconciliation finds them.
    pub leads: usize,
    /// Anything else that is unknown or can't be read.
    pub parts: usize,
}

impl Ignored {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.objects + self.fields + self.leads + self.parts
    }
}

/// What a delivery announces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Each lead once, in the order of the delivery, by its page.
    pub leads: BTreeMap<PageId, Vec<Announced>>,
    /// What is left out.
    pub ignored: Ignored,
}

impl Delivery {
    /// Reads a body.
    ///
    /// # Errors
    /// Where it is not a JSON object, or has too much in it. Parts that are strange are only left out.
    pub fn read(body: &[u8]) -> Result<Self, DeliveryError> {
        let json = std::str::from_utf8(body).map_err(|_| DeliveryError::NotJson)?;
        let members = Members::read(json, &["object", "entry"]).map_err(|_| DeliveryError::NotJson)?;
        let [object, entries] = members.known;
        let mut reader = Reader::default();
        reader.delivery.ignored.parts += members.unknown;
        if object.and_then(text).as_deref() != Some("page") {
            reader.delivery.ignored.objects += 1;
            return Ok(reader.delivery);
        }
        let Some(entries) = reader.elements(entries, MAX_ENTRIES)? else { return Ok(reader.delivery) };
        for entry in entries {
            reader.entry(entry)?;
        }
        Ok(reader.delivery)
    }

    /// How many leads it announces.
    #[must_use]
    pub fn count(&self) -> usize {
        self.leads.values().map(Vec::len).sum()
    }

    /// The messages that announce them to lead-worker.
    ///
    /// # Errors
    /// None in practice, see [`LeadWork::body`].
    pub fn messages(&self, received_at: UnixMillis) -> Result<Vec<Outgoing>, serde_json::Error> {
        let message = |page: &PageId, leads: &[Announced]| {
            let page = page.clone();
            let work =
                LeadWork::Announced { v: WORK_VERSION, page, received_at, attempt: 0, leads: leads.to_vec() };
            Ok(Outgoing { body: work.body()?, group: work.group().as_str().to_owned(), delay_s: 0 })
        };
        let chunks = self
            .leads
            .iter()
            .flat_map(|(page, leads)| leads.chunks(MAX_ANNOUNCED).map(move |chunk| message(page, chunk)));
        chunks.collect()
    }
}

#[derive(Default)]
struct Reader {
    delivery: Delivery,
    seen: HashSet<(PageId, LeadId)>,
    changes: usize,
}

impl Reader {
    /// An array's elements; `None` where there is no array.
    fn elements<'a>(
        &mut self,
        json: Option<&'a RawValue>,
        max: usize,
    ) -> Result<Option<Vec<&'a RawValue>>, DeliveryError> {
        match json.and_then(|json| Elements::read(json, max).ok()) {
            Some(Elements { more: true, .. }) => Err(DeliveryError::TooManyChanges),
            Some(Elements { first, .. }) => Ok(Some(first)),
            None => {
                self.delivery.ignored.parts += 1;
                Ok(None)
            }
        }
    }

    /// An object's members; `None` where there is no object.
    fn members<'a, const N: usize>(
        &mut self,
        json: Option<&'a RawValue>,
        names: &[&str; N],
    ) -> Option<[Option<&'a RawValue>; N]> {
        let members = json.and_then(|json| Members::read(json.get(), names).ok());
        self.delivery.ignored.parts += members.as_ref().map_or(1, |members| members.unknown);
        members.map(|members| members.known)
    }

    fn entry(&mut self, json: &RawValue) -> Result<(), DeliveryError> {
        let Some([id, _, changes]) = self.members(Some(json), &["id", "time", "changes"]) else {
            return Ok(());
        };
        let Some(changes) = self.elements(changes, MAX_CHANGES - self.changes)? else { return Ok(()) };
        self.changes += changes.len();
        for change in changes {
            self.change(id, change);
        }
        Ok(())
    }

    fn change(&mut self, entry_id: Option<&RawValue>, json: &RawValue) {
        let Some([field, value]) = self.members(Some(json), &["field", "value"]) else { return };
        if field.and_then(text).as_deref() != Some("leadgen") {
            self.delivery.ignored.fields += 1;
            return;
        }
        let names = ["leadgen_id", "page_id", "form_id", "ad_id", "created_time", "adgroup_id"];
        let Some([lead, page, form, ad, created, _]) = self.members(value, &names) else {
            self.delivery.ignored.leads += 1;
            return;
        };
        let page = self.optional(page, PageId::parse).or_else(|| id(entry_id?, PageId::parse));
        let lead = lead.and_then(|json| id(json, LeadId::parse));
        let (Some(page), Some(lead)) = (page, lead) else {
            self.delivery.ignored.leads += 1;
            return;
        };
        let announced = Announced {
            lead: lead.clone(),
            form: self.optional(form, FormId::parse),
            ad: self.optional(ad, AdObjectId::parse),
            created_at_s: self.seconds(created),
        };
        if self.seen.insert((page.clone(), lead)) {
            self.delivery.leads.entry(page).or_default().push(announced);
        }
    }

    /// An id that may be absent or null; one that can't be read is counted.
    fn optional<T>(
        &mut self,
        json: Option<&RawValue>,
        parse: impl Fn(&str) -> Result<T, IdError>,
    ) -> Option<T> {
        let json = json.filter(|json| json.get() != "null")?;
        let id = id(json, parse);
        self.delivery.ignored.parts += usize::from(id.is_none());
        id
    }

    fn seconds(&mut self, json: Option<&RawValue>) -> Option<i64> {
        let json = json.filter(|json| json.get() != "null")?;
        let seconds = digits(json).and_then(|digits| digits.parse().ok());
        self.delivery.ignored.parts += usize::from(seconds.is_none());
        seconds
    }
}

fn id<T>(json: &RawValue, parse: impl Fn(&str) -> Result<T, IdError>) -> Option<T> {
    parse(&digits(json)?).ok()
}
