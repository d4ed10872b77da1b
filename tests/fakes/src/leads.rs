//! Leads, forms and the outbox in memory, under the conditions that the table keeps.

mod forms;
mod outbox;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use adrelay_core::ids::{FormId, LeadId, PageId, PersonId, TenantId};
use adrelay_core::leads::{
    Activity, ActivityKind, Arrival, DayCheck, Feedback, FormDay, Lead, LeadForm, LeadQuery, MissingLead,
    OutboxEntry,
};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::leads::{Created, LeadEraser, LeadStore, LeadWrite};
use adrelay_core::ports::receipts::Page;
use adrelay_core::time::UnixMillis;

use crate::shared::Shared;
use crate::{ANY, Faults};

type Whose = (TenantId, LeadId);

#[derive(Debug, Default)]
struct Counts {
    by_webhook: u64,
    by_poll: u64,
    check: Option<DayCheck>,
}

#[derive(Debug, Default)]
struct State {
    leads: BTreeMap<Whose, Lead>,
    activities: BTreeMap<Whose, BTreeMap<u64, Activity>>,
    feedback: BTreeMap<Whose, BTreeMap<u64, Feedback>>,
    missing: BTreeMap<Whose, MissingLead>,
    of_person: BTreeMap<(TenantId, PersonId), BTreeSet<LeadId>>,
    outbox: BTreeSet<OutboxEntry>,
    turns: HashMap<String, UnixMillis>,
    forms: BTreeMap<(TenantId, PageId, FormId), LeadForm>,
    days: BTreeMap<(TenantId, FormId, String), Counts>,
    sync: BTreeMap<(TenantId, FormId), (u64, serde_json::Value)>,
    blocked: BTreeMap<(TenantId, PageId), UnixMillis>,
    looked_through_max: Option<usize>,
}

impl State {
    fn write(&mut self, write: LeadWrite<'_>) {
        let whose = (write.lead.tenant.clone(), write.lead.id.clone());
        let stored = Lead { rev: write.lead.rev + 1, ..write.lead.clone() };
        self.activities.entry(whose.clone()).or_default().insert(write.activity.nth, write.activity.clone());
        if let Some(feedback) = write.feedback {
            self.feedback.entry(whose.clone()).or_default().insert(feedback.nth, feedback.clone());
        }
        self.outbox.extend(write.outbox.iter().cloned());
        self.leads.insert(whose, stored);
    }
}

/// The leads table. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryLeads(Shared<State>);

impl MemoryLeads {
    /// What goes wrong with its calls.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// One call fails, after `calls_before` others: before it does anything, or having done it all the same, as when an
    /// answer is lost.
    pub fn stumble(&self, calls_before: u64, done_all_the_same: bool) {
        self.0.stumble(calls_before, done_all_the_same);
    }

    /// Whether every call fails from now on.
    pub fn set_down(&self, down: bool) {
        self.0.faults.set_down(ANY, down);
    }

    /// The most leads that a list looks through for one page, as a table does for rare ones: such pages are short, even
    /// empty, and others follow.
    pub fn set_looked_through_max(&self, leads: usize) {
        self.0.with(|state| state.looked_through_max = Some(leads));
    }

    /// Calls so far, failed ones included.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.0.faults.calls(ANY)
    }

    /// Every lead, by tenant and id.
    #[must_use]
    pub fn all(&self) -> Vec<Lead> {
        self.0.with(|state| state.leads.values().cloned().collect())
    }

    /// What happened to a lead, oldest first.
    #[must_use]
    pub fn history(&self, tenant: &TenantId, id: &LeadId) -> Vec<Activity> {
        let whose = (tenant.clone(), id.clone());
        self.0.with(|state| {
            state.activities.get(&whose).into_iter().flat_map(BTreeMap::values).cloned().collect()
        })
    }

    /// The stages of a lead that Meta was, or is to be, told.
    #[must_use]
    pub fn stages(&self, tenant: &TenantId, id: &LeadId) -> Vec<Feedback> {
        let whose = (tenant.clone(), id.clone());
        self.0.with(|state| {
            state.feedback.get(&whose).into_iter().flat_map(BTreeMap::values).cloned().collect()
        })
    }

    /// Everything that is still to be told, oldest first.
    #[must_use]
    pub fn outbox(&self) -> Vec<OutboxEntry> {
        self.0.with(|state| state.outbox.iter().cloned().collect())
    }

    /// Every lead that can't be read, by tenant and id.
    #[must_use]
    pub fn all_missing(&self) -> Vec<MissingLead> {
        self.0.with(|state| state.missing.values().cloned().collect())
    }

    /// Every day of every form, by tenant, form and day.
    #[must_use]
    pub fn all_days(&self) -> Vec<(TenantId, FormId, FormDay)> {
        self.0.with(|state| {
            let day = |((tenant, form, day), counts): (&(TenantId, FormId, String), &Counts)| {
                (tenant.clone(), form.clone(), form_day(day, counts))
            };
            state.days.iter().map(day).collect()
        })
    }
}

fn form_day(day: &str, counts: &Counts) -> FormDay {
    let Counts { by_webhook, by_poll, check } = counts;
    FormDay { day: day.to_owned(), by_webhook: *by_webhook, by_poll: *by_poll, check: *check }
}

/// Cuts what a list shows after its cursor into a page; cursors are the last shown one's name.
fn page<T>(mut rest: impl Iterator<Item = T>, limit: usize, name: impl Fn(&T) -> String) -> Page<T> {
    let items: Vec<T> = rest.by_ref().take(limit.max(1)).collect();
    let next_cursor = rest.next().and_then(|_| items.last().map(name));
    Page { items, next_cursor }
}

/// A lead's place in its list: when it was submitted, then its id.
type Place = (i64, LeadId);

fn place(lead: &Lead) -> Place {
    (lead.doc.created_at_s, lead.id.clone())
}

fn write_place(query: &LeadQuery, lead: &Lead) -> String {
    format!("{}#{}#{}#{}", query.tenant, query.test, lead.doc.created_at_s, lead.id)
}

fn read_place(query: &LeadQuery, cursor: &str) -> Option<Place> {
    let rest = cursor.strip_prefix(&format!("{}#{}#", query.tenant, query.test))?;
    let (created_at_s, id) = rest.split_once('#')?;
    Some((created_at_s.parse().ok()?, LeadId::parse(id).ok()?))
}

impl LeadStore for MemoryLeads {
    async fn create(&self, write: LeadWrite<'_>) -> Result<Created, StoreError> {
        self.0
            .call("create", |state| {
                let lead = write.lead;
                let whose = (lead.tenant.clone(), lead.id.clone());
                if lead.rev != 0 {
                    return Err(StoreError::Conflict);
                }
                if state.leads.contains_key(&whose) {
                    return Ok(Created::Known);
                }
                state.write(write);
                state.missing.remove(&whose);
                if !lead.doc.test {
                    let day = UnixMillis::from_secs(lead.doc.created_at_s).utc_day();
                    let day = (lead.tenant.clone(), lead.doc.form.clone(), day);
                    let counts = state.days.entry(day).or_default();
                    match lead.doc.arrival {
                        Arrival::Webhook => counts.by_webhook += 1,
                        Arrival::Poll => counts.by_poll += 1,
                    }
                }
                if let Some(person) = &lead.doc.person {
                    let leads = state.of_person.entry((lead.tenant.clone(), person.clone())).or_default();
                    leads.insert(lead.id.clone());
                }
                Ok(Created::New)
            })
            .await
    }

    async fn change(&self, write: LeadWrite<'_>) -> Result<(), StoreError> {
        self.0
            .call("change", |state| {
                let stored = state.leads.get(&(write.lead.tenant.clone(), write.lead.id.clone()));
                if stored.is_none_or(|stored| stored.rev != write.lead.rev) {
                    return Err(StoreError::Conflict);
                }
                state.write(write);
                Ok(())
            })
            .await
    }

    async fn lead(&self, tenant: &TenantId, id: &LeadId) -> Result<Option<Lead>, StoreError> {
        self.0.call("lead", |state| Ok(state.leads.get(&(tenant.clone(), id.clone())).cloned())).await
    }

    async fn known(&self, tenant: &TenantId, ids: &[LeadId]) -> Result<HashSet<LeadId>, StoreError> {
        self.0
            .call("known", |state| {
                let stored = |id: &&LeadId| state.leads.contains_key(&(tenant.clone(), (*id).clone()));
                Ok(ids.iter().filter(stored).cloned().collect())
            })
            .await
    }

    async fn list(&self, query: &LeadQuery) -> Result<Page<Lead>, StoreError> {
        self.0
            .call("list", |state| {
                let before = match &query.cursor {
                    Some(cursor) => Some(read_place(query, cursor).ok_or(StoreError::Conflict)?),
                    None => None,
                };
                let all = LeadQuery { test: query.test, ..LeadQuery::all(query.tenant.clone(), 1) };
                let mut leads: Vec<&Lead> = state.leads.values().filter(|lead| all.matches(lead)).collect();
                leads.sort_by_key(|lead| std::cmp::Reverse(place(lead)));
                leads.retain(|lead| before.as_ref().is_none_or(|at| place(lead) < *at));
                let looked_at = leads.len().min(state.looked_through_max.unwrap_or(usize::MAX));
                let left = leads.split_off(looked_at);
                let last = leads.last().filter(|_| !left.is_empty()).map(|lead| write_place(query, lead));
                let found = leads.into_iter().filter(|lead| query.matches(lead));
                let found = page(found.cloned(), query.limit, |lead| write_place(query, lead));
                Ok(Page { next_cursor: found.next_cursor.or(last), ..found })
            })
            .await
    }

    async fn activities(
        &self,
        tenant: &TenantId,
        id: &LeadId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<Activity>, StoreError> {
        self.0
            .call("activities", |state| {
                let before = cursor.map(|cursor| cursor.parse().map_err(|_| StoreError::Conflict));
                let before: u64 = before.transpose()?.unwrap_or(u64::MAX);
                let lines = state.activities.get(&(tenant.clone(), id.clone()));
                let rest = lines.into_iter().flat_map(|lines| lines.range(..before).rev());
                Ok(page(rest.map(|(_, line)| line.clone()), limit, |line| line.nth.to_string()))
            })
            .await
    }

    async fn feedback(&self, tenant: &TenantId, id: &LeadId) -> Result<Vec<Feedback>, StoreError> {
        self.0
            .call("feedback", |state| {
                let stages = state.feedback.get(&(tenant.clone(), id.clone()));
                Ok(stages.into_iter().flat_map(BTreeMap::values).take(100).cloned().collect())
            })
            .await
    }

    async fn leads_of(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        limit: usize,
    ) -> Result<Vec<LeadId>, StoreError> {
        self.0
            .call("leads_of", |state| {
                let leads = state.of_person.get(&(tenant.clone(), person.clone()));
                Ok(leads.into_iter().flatten().take(limit).cloned().collect())
            })
            .await
    }

    async fn missing(
        &self,
        tenant: &TenantId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<MissingLead>, StoreError> {
        let after = cursor.map(LeadId::parse).transpose().map_err(|_| StoreError::Conflict)?;
        self.0
            .call("missing", |state| {
                let of_tenant = state.missing.values().filter(|missing| missing.tenant == *tenant);
                let rest = of_tenant.filter(|missing| after.as_ref().is_none_or(|after| missing.id > *after));
                Ok(page(rest.cloned(), limit, |missing| missing.id.to_string()))
            })
            .await
    }
}

impl LeadEraser for MemoryLeads {
    async fn erase_lead(&self, tenant: &TenantId, id: &LeadId, at: UnixMillis) -> Result<(), StoreError> {
        self.0
            .call("erase_lead", |state| {
                let whose = (tenant.clone(), id.clone());
                let Some(lead) = state.leads.get_mut(&whose) else { return Ok(()) };
                let lines = state.activities.entry(whose).or_default();
                for line in lines.values_mut() {
                    line.sealed_note = None;
                }
                if lead.doc.erased_at.is_some() {
                    return Ok(());
                }
                if let Some(person) = lead.doc.person.take()
                    && let Some(leads) = state.of_person.get_mut(&(tenant.clone(), person))
                {
                    leads.remove(id);
                }
                lead.rev += 1;
                lead.sealed = None;
                lead.texts.clear();
                lead.doc.erased_at = Some(at);
                lead.doc.updated_at = at;
                let (nth, by) = (lead.rev, "adrelay".to_owned());
                lines.insert(nth, Activity { nth, at, by, what: ActivityKind::Erased, sealed_note: None });
                Ok(())
            })
            .await
    }
}
