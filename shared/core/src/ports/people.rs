//! Where people live: links, documents, conversions, features, holds.

use std::collections::HashMap;
use std::future::Future;

use serde::{Deserialize, Serialize};

use super::StoreError;
use super::receipts::Page;
use crate::ids::{ConversionKey, EventId, EventName, PersonId, RuleId, SourceId, TenantId};
use crate::money::Money;
use crate::people::{Counted, Day, Features, LinkHash, Person};
use crate::time::UnixMillis;

/// A conversion as it is stored, once, for 90 days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredConversion {
    /// Whose.
    pub tenant: TenantId,
    /// Names it.
    pub key: ConversionKey,
    /// The leaf that it belongs to.
    pub person: PersonId,
    /// Who posted it.
    pub source: SourceId,
    /// Its name.
    pub event_name: EventName,
    /// Its id.
    pub event_id: EventId,
    /// When it happened, unix seconds.
    pub at_s: i64,
    /// When it was posted first.
    pub stored_at: UnixMillis,
    /// What it was worth.
    pub money: Option<Money>,
    /// Everything else it said (metadata, context, consent), sealed with `keyring-pii`.
    pub sealed: String,
}

/// What became of a conversion that was to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// It is new.
    New,
    /// It was stored before, as this.
    Before(Box<StoredConversion>),
}

/// What a link says after somebody claimed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// It points to the claimant, now or since before.
    Ours,
    /// It points to somebody else.
    Theirs(PersonId),
}

/// One step in the history of merges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeRecord {
    /// Who remains.
    pub winner: PersonId,
    /// Who was merged, or separated.
    pub loser: PersonId,
    /// Whether this undid a merge.
    pub undone: bool,
    /// When.
    pub at: UnixMillis,
    /// The key's name, or `identity` where identifiers of one post brought them together.
    pub by: String,
}

/// Why a conversion is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldReason {
    /// Its source waits for an identify call.
    Identity,
    /// Its person's consent is not known and its source requires it.
    Consent,
}

/// A held conversion. Stored with a look-up item by the minute in which it is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Whose.
    pub tenant: TenantId,
    /// Which person's.
    pub person: PersonId,
    /// Which conversion.
    pub conversion: ConversionKey,
    /// Why.
    pub reason: HoldReason,
    /// Since when.
    pub since: UnixMillis,
    /// Until when at most.
    pub until: UnixMillis,
    /// Names of the user_data keys that were known when the hold began, never values.
    pub keys_before: Vec<Box<str>>,
}

/// Finds and keeps people: what track-conversion and admin-api may do.
pub trait PeopleStore: Send + Sync {
    /// The persons that these links point to, read consistently; absent where there is no link. ≤ 100.
    fn links(
        &self,
        tenant: &TenantId,
        hashes: &[LinkHash],
    ) -> impl Future<Output = Result<HashMap<LinkHash, PersonId>, StoreError>> + Send;

    /// Points a link to a person where it points to nobody. One conditional write.
    fn claim(
        &self,
        tenant: &TenantId,
        hash: &LinkHash,
        person: &PersonId,
    ) -> impl Future<Output = Result<Claim, StoreError>> + Send;

    /// Removes a link, where it points to this person.
    fn unlink(
        &self,
        tenant: &TenantId,
        hash: &LinkHash,
        person: &PersonId,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Persons by id, read consistently, in any order; those that don't exist are left out. ≤ 100.
    fn persons(
        &self,
        tenant: &TenantId,
        ids: &[PersonId],
    ) -> impl Future<Output = Result<Vec<Person>, StoreError>> + Send;

    /// Writes a person whose `rev` is what is stored (0: nothing is), as `rev + 1`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where someone else was faster.
    fn save(&self, person: &Person) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Writes two persons as [`Self::save`] does, and a line of merge history under each, all or nothing.
    fn save_both(
        &self,
        one: &Person,
        other: &Person,
        record: &MergeRecord,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The merge history of a person, oldest first, ≤ 100 lines.
    fn merges(
        &self,
        tenant: &TenantId,
        person: &PersonId,
    ) -> impl Future<Output = Result<Vec<MergeRecord>, StoreError>> + Send;

    /// Removes a person's document. The last step of an erasure.
    fn remove(
        &self,
        tenant: &TenantId,
        person: &PersonId,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Keeps conversions and counts features.
pub trait ConversionStore: Send + Sync {
    /// Stores a conversion where it is not stored yet. One conditional write.
    fn store(&self, conversion: &StoredConversion)
    -> impl Future<Output = Result<Stored, StoreError>> + Send;

    /// Conversions by key, read consistently, in any order; those that don't exist are left out. ≤ 100.
    fn conversions(
        &self,
        tenant: &TenantId,
        keys: &[ConversionKey],
    ) -> impl Future<Output = Result<Vec<StoredConversion>, StoreError>> + Send;

    /// Counts a conversion among a person's features, once however often it is called: one conditional write to its
    /// day, and one to its month where it has money.
    fn count(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        conversion: &Counted,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The features of one leaf: days from `since` on, and money of all months.
    fn features(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        since: &Day,
    ) -> impl Future<Output = Result<Features, StoreError>> + Send;

    /// Keys of a leaf's conversions, newest first by time (unix seconds), of the last 90 days: those at or before the
    /// cursor's place. ≤ `limit`.
    fn conversion_keys(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        limit: usize,
        cursor: Option<&str>,
    ) -> impl Future<Output = Result<Page<(i64, ConversionKey)>, StoreError>> + Send;

    /// Marks that `conversion` fires what fires once a period (`rule`, `nth` of its fires, `period`), where none did
    /// yet. The conversion that holds the mark: `conversion`, or the one that was faster.
    fn once(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        mark: &OnceMark,
        conversion: &ConversionKey,
    ) -> impl Future<Output = Result<ConversionKey, StoreError>> + Send;

    /// Removes a leaf's conversions, features and marks, some at a time; `true` when nothing is left.
    fn remove_conversions(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        limit: usize,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
}

/// What may fire once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OnceMark {
    /// The rule.
    pub rule: RuleId,
    /// Which of its fires, from 0.
    pub nth: usize,
    /// `ever`, or the period's first day.
    pub period: String,
    /// When the mark may be forgotten; absent: never.
    pub expires_at_s: Option<i64>,
}

/// Keeps what is held.
pub trait HoldStore: Send + Sync {
    /// Holds a conversion: the hold and its look-up item, all or nothing. A conversion has one hold: it is replaced by one
    /// of the same `since` (who settles it moves it), and one of another `since` changes nothing, so that a repeated
    /// post does not prolong the wait.
    fn hold(&self, hold: &Hold) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Holds of a person, ≤ `limit`.
    fn holds_of(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Hold>, StoreError>> + Send;

    /// Ends a hold: both items.
    fn release(&self, hold: &Hold) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Makes a hold due at once, so that the next sweep looks at it.
    fn make_due(&self, hold: &Hold, now: UnixMillis) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Holds that are due by `now`, oldest first, ≤ `limit`. Minutes that are found empty and lie behind `now` are not
    /// looked at again.
    fn due(
        &self,
        now: UnixMillis,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Hold>, StoreError>> + Send;
}
