//! Meta's lead ads in memory: leads that become readable in time, forms, pages and subscriptions.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use adrelay_core::ids::{FormId, LeadId, PageId};
use adrelay_core::leads::{MetaForm, Submission};
use adrelay_core::ports::clock::Clock as _;
use adrelay_core::ports::leads_api::{Answered, LeadsApi, MAX_ROWS, ManagedPage, Rows};
use adrelay_core::ports::meta::{Credentials, Failure, Usage, Verdict};
use adrelay_core::time::UnixMillis;

use crate::shared::Shared;
use crate::{Faults, ScriptedMeta, VirtualClock};

/// A kind of call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LeadsCall {
    /// [`LeadsApi::lead`].
    Lead,
    /// [`LeadsApi::form_leads`].
    FormLeads,
    /// [`LeadsApi::test_leads`].
    TestLeads,
    /// [`LeadsApi::forms`].
    Forms,
    /// [`LeadsApi::managed_pages`].
    ManagedPages,
    /// [`LeadsApi::is_subscribed`].
    IsSubscribed,
    /// [`LeadsApi::subscribe`].
    Subscribe,
    /// [`LeadsApi::unsubscribe`].
    Unsubscribe,
}

impl LeadsCall {
    fn method(self) -> &'static str {
        match self {
            Self::Lead => "lead",
            Self::FormLeads => "form_leads",
            Self::TestLeads => "test_leads",
            Self::Forms => "forms",
            Self::ManagedPages => "managed_pages",
            Self::IsSubscribed => "is_subscribed",
            Self::Subscribe => "subscribe",
            Self::Unsubscribe => "unsubscribe",
        }
    }
}

#[derive(Debug)]
struct MetaLead {
    form: FormId,
    submission: Submission,
    readable_from: UnixMillis,
}

#[derive(Debug, Default)]
struct State {
    leads: BTreeMap<LeadId, MetaLead>,
    test_leads: BTreeMap<FormId, Vec<LeadId>>,
    forms: BTreeMap<PageId, BTreeMap<FormId, MetaForm>>,
    pages: Vec<ManagedPage>,
    subscribed: BTreeSet<PageId>,
    failures: HashMap<LeadsCall, VecDeque<Failure>>,
    only_token: Option<String>,
    usage: Usage,
    rows: Option<usize>,
    calls: Vec<(LeadsCall, String)>,
}

/// Meta's lead ads on a virtual clock. Clones share them.
#[derive(Debug, Clone)]
pub struct MemoryLeadsApi {
    state: Shared<State>,
    clock: VirtualClock,
}

/// As Meta answers for what is not there, not there yet, or not ours: code 100, subcode 33.
fn not_readable() -> Failure {
    ScriptedMeta::failure(Verdict::Permission, 100, Some(33))
}

impl MemoryLeadsApi {
    /// Nothing but a clock.
    #[must_use]
    pub fn new(clock: VirtualClock) -> Self {
        Self { state: Shared::default(), clock }
    }

    /// What goes wrong with its calls.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.state.faults
    }

    /// A lead of a form, which can be read, by its id and in its form's list, from an instant on.
    pub fn add_lead(&self, form: &FormId, submission: Submission, readable_from: UnixMillis) {
        let lead = MetaLead { form: form.clone(), submission, readable_from };
        self.state.with(|state| state.leads.insert(lead.submission.id.clone(), lead));
    }

    /// Changes when a lead can be read.
    pub fn readable_from(&self, id: &LeadId, from: UnixMillis) {
        self.state.with(|state| {
            if let Some(lead) = state.leads.get_mut(id) {
                lead.readable_from = from;
            }
        });
    }

    /// Names a lead as a test lead of its form.
    pub fn add_test_lead(&self, form: &FormId, id: &LeadId) {
        self.state.with(|state| state.test_leads.entry(form.clone()).or_default().push(id.clone()));
    }

    /// A form of a page, or another state of it.
    pub fn add_form(&self, page: &PageId, form: MetaForm) {
        self.state.with(|state| state.forms.entry(page.clone()).or_default().insert(form.id.clone(), form));
    }

    /// A page that the token manages.
    pub fn add_managed_page(&self, page: ManagedPage) {
        self.state.with(|state| state.pages.push(page));
    }

    /// Subscribes to a page, or ends that, as by another hand.
    pub fn set_subscribed(&self, page: &PageId, subscribed: bool) {
        self.state.with(|state| {
            if subscribed { state.subscribed.insert(page.clone()) } else { state.subscribed.remove(page) }
        });
    }

    /// Whether a page is subscribed to.
    #[must_use]
    pub fn subscribed(&self, page: &PageId) -> bool {
        self.state.with(|state| state.subscribed.contains(page))
    }

    /// The next call of this kind fails so, after those that were told to fail before.
    pub fn fail_next(&self, call: LeadsCall, failure: Failure) {
        self.state.with(|state| state.failures.entry(call).or_default().push_back(failure));
    }

    /// From now on every other token is refused with code 190; `None` takes any.
    pub fn accept_only(&self, token: Option<&str>) {
        self.state.with(|state| state.only_token = token.map(str::to_owned));
    }

    /// What the headers of every answer say from now on.
    pub fn set_usage(&self, usage: Usage) {
        self.state.with(|state| state.usage = usage);
    }

    /// Rows of one page of a list, 1 to [`MAX_ROWS`].
    pub fn set_rows(&self, rows: usize) {
        self.state.with(|state| state.rows = Some(rows.clamp(1, MAX_ROWS)));
    }

    /// Every call so far, with the id that it asked for: a lead, a form or a page; empty for none.
    #[must_use]
    pub fn calls(&self) -> Vec<(LeadsCall, String)> {
        self.state.with(|state| state.calls.clone())
    }

    /// Calls of a kind so far.
    #[must_use]
    pub fn count(&self, call: LeadsCall) -> usize {
        self.state.with(|state| state.calls.iter().filter(|(kind, _)| *kind == call).count())
    }

    async fn answer<T>(
        &self,
        call: LeadsCall,
        subject: &str,
        credentials: &Credentials,
        act: impl FnOnce(&mut State, UnixMillis) -> Result<T, Failure> + Send,
    ) -> Answered<T>
    where
        T: Send,
    {
        let mut usage = Usage::default();
        let seen = &mut usage;
        let result = self.state.call(call.method(), |state| {
            state.calls.push((call, subject.to_owned()));
            *seen = state.usage;
            let failure = state.failures.get_mut(&call).and_then(VecDeque::pop_front);
            let token = credentials.token.expose();
            let known = state.only_token.as_deref().is_none_or(|only| only == token);
            match failure {
                Some(failure) => Err(failure),
                None if !known => Err(ScriptedMeta::failure(Verdict::Token, 190, None)),
                None => act(state, self.clock.now()),
            }
        });
        Answered { result: result.await, usage }
    }
}

/// A page of a list after a cursor, which is the number of rows before it.
fn rows<T>(all: Vec<T>, after: Option<&str>, limit: Option<usize>) -> Rows<T> {
    let start: usize = after.and_then(|after| after.parse().ok()).unwrap_or(0);
    let end = start + limit.unwrap_or(MAX_ROWS);
    let after = (end < all.len()).then(|| end.to_string());
    let rows = all.into_iter().skip(start).take(end - start).collect();
    Rows { rows, unreadable: 0, after }
}

impl LeadsApi for MemoryLeadsApi {
    async fn lead(&self, credentials: &Credentials, id: &LeadId) -> Answered<Submission> {
        self.answer(LeadsCall::Lead, id.as_str(), credentials, |state, now| {
            let lead = state.leads.get(id).filter(|lead| lead.readable_from <= now);
            lead.map(|lead| lead.submission.clone()).ok_or_else(not_readable)
        })
        .await
    }

    /// Newest first.
    async fn form_leads(
        &self,
        credentials: &Credentials,
        form: &FormId,
        since_s: i64,
        after: Option<&str>,
    ) -> Answered<Rows<Submission>> {
        self.answer(LeadsCall::FormLeads, form.as_str(), credentials, |state, now| {
            let readable = state.leads.values().filter(|lead| lead.readable_from <= now);
            let wanted = readable.filter(|lead| lead.form == *form && lead.submission.created_at_s > since_s);
            let mut found: Vec<Submission> = wanted.map(|lead| lead.submission.clone()).collect();
            found.sort_by(|one, other| (other.created_at_s, &other.id).cmp(&(one.created_at_s, &one.id)));
            Ok(rows(found, after, state.rows))
        })
        .await
    }

    async fn test_leads(&self, credentials: &Credentials, form: &FormId) -> Answered<Vec<LeadId>> {
        self.answer(LeadsCall::TestLeads, form.as_str(), credentials, |state, _| {
            Ok(state.test_leads.get(form).cloned().unwrap_or_default())
        })
        .await
    }

    async fn forms(
        &self,
        credentials: &Credentials,
        page: &PageId,
        after: Option<&str>,
    ) -> Answered<Rows<MetaForm>> {
        self.answer(LeadsCall::Forms, page.as_str(), credentials, |state, _| {
            let forms = state.forms.get(page).into_iter().flat_map(BTreeMap::values).cloned().collect();
            Ok(rows(forms, after, state.rows))
        })
        .await
    }

    async fn managed_pages(
        &self,
        credentials: &Credentials,
        after: Option<&str>,
    ) -> Answered<Rows<ManagedPage>> {
        self.answer(LeadsCall::ManagedPages, "", credentials, |state, _| {
            Ok(rows(state.pages.clone(), after, state.rows))
        })
        .await
    }

    async fn is_subscribed(
        &self,
        credentials: &Credentials,
        page: &PageId,
        _: Option<&str>,
    ) -> Answered<bool> {
        self.answer(LeadsCall::IsSubscribed, page.as_str(), credentials, |state, _| {
            Ok(state.subscribed.contains(page))
        })
        .await
    }

    async fn subscribe(&self, credentials: &Credentials, page: &PageId) -> Answered<()> {
        self.answer(LeadsCall::Subscribe, page.as_str(), credentials, |state, _| {
            state.subscribed.insert(page.clone());
            Ok(())
        })
        .await
    }

    async fn unsubscribe(&self, credentials: &Credentials, page: &PageId) -> Answered<()> {
        self.answer(LeadsCall::Unsubscribe, page.as_str(), credentials, |state, _| {
            state.subscribed.remove(page);
            Ok(())
        })
        .await
    }
}
