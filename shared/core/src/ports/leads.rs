//! Where leads live, cut by what a function may do.

use std::collections::HashSet;
use std::future::Future;

use super::StoreError;
use super::receipts::Page;
use crate::ids::{FormId, LeadId, PageId, PersonId, TenantId};
use crate::leads::{
    Activity, DayCheck, Feedback, FeedbackState, FormDay, FormSettings, Lead, LeadForm, LeadQuery, MetaForm,
    MissingLead, OutboxEntry,
};
use crate::time::UnixMillis;

/// The most bytes of a form's sync state, as JSON.
pub const MAX_SYNC_STATE_BYTES: usize = 64 * 1024;

/// What creating a lead found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// It was not there; now it is.
    New,
    /// It was stored before; nothing was written.
    Known,
}

/// What is written with a change of a lead, all or nothing.
#[derive(Debug, Clone, Copy)]
pub struct LeadWrite<'a> {
    /// The lead as it is to be, with the `rev` that the store still has (0: it has none); it is stored as `rev + 1`.
    pub lead: &'a Lead,
    /// What happened; its `nth` is `rev + 1`.
    pub activity: &'a Activity,
    /// The stage that Meta is to be told.
    pub feedback: Option<&'a Feedback>,
    /// What is to be told, ≤ 2.
    pub outbox: &'a [OutboxEntry],
}

/// Leads.
pub trait LeadStore: Send + Sync {
    /// Stores a new lead with everything in `write`, counts it for its form and the day on which it was submitted by its
    /// arrival (test leads are not counted), links it to its person, and forgets that it was missing. One transaction; a
    /// lead that is there already is left as it is.
    fn create(&self, write: LeadWrite<'_>) -> impl Future<Output = Result<Created, StoreError>> + Send;

    /// Replaces a lead, with everything in `write`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it was changed since it was read.
    fn change(&self, write: LeadWrite<'_>) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// A lead, read consistently.
    fn lead(
        &self,
        tenant: &TenantId,
        id: &LeadId,
    ) -> impl Future<Output = Result<Option<Lead>, StoreError>> + Send;

    /// Which of these leads are stored, read consistently. Any number.
    fn known(
        &self,
        tenant: &TenantId,
        ids: &[LeadId],
    ) -> impl Future<Output = Result<HashSet<LeadId>, StoreError>> + Send;

    /// Leads, newest first, whole. A page may be short, even empty, where much had to be looked through: there is more
    /// while there is a cursor.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for a cursor that is none of ours.
    fn list(&self, query: &LeadQuery) -> impl Future<Output = Result<Page<Lead>, StoreError>> + Send;

    /// What happened to a lead, newest first.
    fn activities(
        &self,
        tenant: &TenantId,
        id: &LeadId,
        limit: usize,
        cursor: Option<&str>,
    ) -> impl Future<Output = Result<Page<Activity>, StoreError>> + Send;

    /// The stages that Meta was, or is to be, told; in their order. ≤ 100.
    fn feedback(
        &self,
        tenant: &TenantId,
        id: &LeadId,
    ) -> impl Future<Output = Result<Vec<Feedback>, StoreError>> + Send;

    /// Leads of a person, ≤ `limit`, those that are not erased yet.
    fn leads_of(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<LeadId>, StoreError>> + Send;

    /// Leads that were announced and can't be read, in the order of their ids.
    fn missing(
        &self,
        tenant: &TenantId,
        limit: usize,
        cursor: Option<&str>,
    ) -> impl Future<Output = Result<Page<MissingLead>, StoreError>> + Send;
}

/// Erases leads: what admin-api may do when a person is erased.
pub trait LeadEraser: Send + Sync {
    /// Takes everything personal from a lead: its sealed part, its texts, its person, the notes of its history; and adds
    /// [`crate::leads::ActivityKind::Erased`] to that, by `adrelay`. What is left keeps it from being fetched again, and is
    /// listed still. The same again is no error, nor is a lead that is not there.
    fn erase_lead(
        &self,
        tenant: &TenantId,
        id: &LeadId,
        at: UnixMillis,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// What is still to be told.
pub trait LeadOutbox: Send + Sync {
    /// Entries that are due by `now`, oldest first, ≤ `limit`.
    fn due(
        &self,
        now: UnixMillis,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<OutboxEntry>, StoreError>> + Send;

    /// Removes an entry that was told; that it is gone already is no error.
    fn done(&self, entry: &OutboxEntry) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Notes what became of a stage event, then removes its entry. What was noted first stays: who tells again after a
    /// crash changes nothing.
    fn settle(
        &self,
        entry: &OutboxEntry,
        state: &FeedbackState,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Lets one caller through each `interval_ms`, over all processes: whether this one is it. `name` is one of a fixed
    /// few, e.g. `reconcile`.
    fn turn(
        &self,
        name: &str,
        now: UnixMillis,
        interval_ms: i64,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
}

/// Lead forms.
pub trait FormStore: Send + Sync {
    /// Forms of a page, in the order of their ids, ≤ `limit` (≤ 100).
    fn forms(
        &self,
        tenant: &TenantId,
        page: &PageId,
        limit: usize,
        cursor: Option<&str>,
    ) -> impl Future<Output = Result<Page<LeadForm>, StoreError>> + Send;

    /// A form.
    fn form(
        &self,
        tenant: &TenantId,
        page: &PageId,
        id: &FormId,
    ) -> impl Future<Output = Result<Option<LeadForm>, StoreError>> + Send;

    /// The page of a form.
    fn page_of(
        &self,
        tenant: &TenantId,
        id: &FormId,
    ) -> impl Future<Output = Result<Option<PageId>, StoreError>> + Send;

    /// Writes what Meta tells of a form; what the tenant says of it stays. A form that is new gets a look-up by its id.
    fn put_form(
        &self,
        tenant: &TenantId,
        page: &PageId,
        form: &MetaForm,
        at: UnixMillis,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Writes what the tenant says of a form.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where there is no such form.
    fn set_form(
        &self,
        tenant: &TenantId,
        page: &PageId,
        id: &FormId,
        settings: &FormSettings,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// A form's days from `from` to `to` (both included, `2026-11-21`, ≤ 100 days), those with anything to tell.
    fn days(
        &self,
        tenant: &TenantId,
        form: &FormId,
        from: &str,
        to: &str,
    ) -> impl Future<Output = Result<Vec<FormDay>, StoreError>> + Send;

    /// Writes what a look at a whole day found.
    fn check_day(
        &self,
        tenant: &TenantId,
        form: &FormId,
        day: &str,
        check: &DayCheck,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// How far reconciliation has come, and what stands in its way: what lead-worker writes.
pub trait SyncStore: Send + Sync {
    /// A form's state, read consistently: its revision (0: there is none) and its document.
    fn sync_state(
        &self,
        tenant: &TenantId,
        form: &FormId,
    ) -> impl Future<Output = Result<(u64, Option<serde_json::Value>), StoreError>> + Send;

    /// Stores a form's state, ≤ [`MAX_SYNC_STATE_BYTES`], as `expected + 1`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the stored revision is not `expected`, [`StoreError::Corrupt`] where it is too large.
    fn save_sync_state(
        &self,
        tenant: &TenantId,
        form: &FormId,
        expected: u64,
        state: &serde_json::Value,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Until when Meta wants no calls for this page.
    fn blocked_until(
        &self,
        tenant: &TenantId,
        page: &PageId,
    ) -> impl Future<Output = Result<Option<UnixMillis>, StoreError>> + Send;

    /// Notes that Meta wants no calls for this page until then; an earlier instant than the one stored changes nothing.
    fn block(
        &self,
        tenant: &TenantId,
        page: &PageId,
        until: UnixMillis,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Notes that a lead can't be read, in place of what was noted before.
    fn note_missing(&self, lead: &MissingLead) -> impl Future<Output = Result<(), StoreError>> + Send;
}
