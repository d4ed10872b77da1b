//! Forms, their days, and how far reconciliation has come.

use adrelay_core::ids::{FormId, PageId, TenantId};
use adrelay_core::leads::{DayCheck, FormDay, FormSettings, LeadForm, MetaForm, MissingLead};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::leads::{FormStore, MAX_SYNC_STATE_BYTES, SyncStore};
use adrelay_core::ports::receipts::Page;
use adrelay_core::time::UnixMillis;

use super::{MemoryLeads, form_day, page};

impl FormStore for MemoryLeads {
    async fn forms(
        &self,
        tenant: &TenantId,
        of_page: &PageId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<LeadForm>, StoreError> {
        let after = cursor.map(FormId::parse).transpose().map_err(|_| StoreError::Conflict)?;
        self.0
            .call("forms", |state| {
                let of_page =
                    state.forms.values().filter(|form| form.tenant == *tenant && form.page == *of_page);
                let rest = of_page.filter(|form| after.as_ref().is_none_or(|after| form.meta.id > *after));
                Ok(page(rest.cloned(), limit.min(100), |form| form.meta.id.to_string()))
            })
            .await
    }

    async fn form(
        &self,
        tenant: &TenantId,
        page: &PageId,
        id: &FormId,
    ) -> Result<Option<LeadForm>, StoreError> {
        self.0
            .call("form", |state| Ok(state.forms.get(&(tenant.clone(), page.clone(), id.clone())).cloned()))
            .await
    }

    async fn page_of(&self, tenant: &TenantId, id: &FormId) -> Result<Option<PageId>, StoreError> {
        self.0
            .call("page_of", |state| {
                let mut forms = state.forms.values();
                let form = forms.find(|form| form.tenant == *tenant && form.meta.id == *id);
                Ok(form.map(|form| form.page.clone()))
            })
            .await
    }

    async fn put_form(
        &self,
        tenant: &TenantId,
        page: &PageId,
        form: &MetaForm,
        at: UnixMillis,
    ) -> Result<(), StoreError> {
        self.0
            .call("put_form", |state| {
                let key = (tenant.clone(), page.clone(), form.id.clone());
                let settings =
                    state.forms.get(&key).map(|before| before.settings.clone()).unwrap_or_default();
                let stored = LeadForm {
                    tenant: tenant.clone(),
                    page: page.clone(),
                    meta: form.clone(),
                    settings,
                    synced_at: at,
                };
                state.forms.insert(key, stored);
                Ok(())
            })
            .await
    }

    async fn set_form(
        &self,
        tenant: &TenantId,
        page: &PageId,
        id: &FormId,
        settings: &FormSettings,
    ) -> Result<(), StoreError> {
        self.0
            .call("set_form", |state| {
                let form = state.forms.get_mut(&(tenant.clone(), page.clone(), id.clone()));
                form.ok_or(StoreError::Conflict)?.settings = settings.clone();
                Ok(())
            })
            .await
    }

    async fn days(
        &self,
        tenant: &TenantId,
        form: &FormId,
        from: &str,
        to: &str,
    ) -> Result<Vec<FormDay>, StoreError> {
        self.0
            .call("days", |state| {
                let ours = state.days.iter().filter(|((of, its, _), _)| of == tenant && its == form);
                let days = ours.filter(|((_, _, day), _)| (from..=to).contains(&day.as_str()));
                Ok(days.take(100).map(|((_, _, day), counts)| form_day(day, counts)).collect())
            })
            .await
    }

    async fn check_day(
        &self,
        tenant: &TenantId,
        form: &FormId,
        day: &str,
        check: &DayCheck,
    ) -> Result<(), StoreError> {
        self.0
            .call("check_day", |state| {
                let day = (tenant.clone(), form.clone(), day.to_owned());
                state.days.entry(day).or_default().check = Some(*check);
                Ok(())
            })
            .await
    }
}

impl SyncStore for MemoryLeads {
    async fn sync_state(
        &self,
        tenant: &TenantId,
        form: &FormId,
    ) -> Result<(u64, Option<serde_json::Value>), StoreError> {
        self.0
            .call("sync_state", |state| {
                let stored = state.sync.get(&(tenant.clone(), form.clone()));
                Ok(stored.map_or((0, None), |(rev, doc)| (*rev, Some(doc.clone()))))
            })
            .await
    }

    async fn save_sync_state(
        &self,
        tenant: &TenantId,
        form: &FormId,
        expected: u64,
        doc: &serde_json::Value,
    ) -> Result<(), StoreError> {
        self.0
            .call("save_sync_state", |state| {
                if doc.to_string().len() > MAX_SYNC_STATE_BYTES {
                    return Err(StoreError::Corrupt("sync state too large".to_owned()));
                }
                let key = (tenant.clone(), form.clone());
                if state.sync.get(&key).map_or(0, |(rev, _)| *rev) != expected {
                    return Err(StoreError::Conflict);
                }
                state.sync.insert(key, (expected + 1, doc.clone()));
                Ok(())
            })
            .await
    }

    async fn blocked_until(
        &self,
        tenant: &TenantId,
        page: &PageId,
    ) -> Result<Option<UnixMillis>, StoreError> {
        self.0
            .call("blocked_until", |state| Ok(state.blocked.get(&(tenant.clone(), page.clone())).copied()))
            .await
    }

    async fn block(&self, tenant: &TenantId, page: &PageId, until: UnixMillis) -> Result<(), StoreError> {
        self.0
            .call("block", |state| {
                let stored = state.blocked.entry((tenant.clone(), page.clone())).or_insert(until);
                *stored = until.max(*stored);
                Ok(())
            })
            .await
    }

    async fn note_missing(&self, lead: &MissingLead) -> Result<(), StoreError> {
        self.0
            .call("note_missing", |state| {
                state.missing.insert((lead.tenant.clone(), lead.id.clone()), lead.clone());
                Ok(())
            })
            .await
    }
}
