//! Lead ads: pages, their forms, and what people submitted.

mod form;
mod generate;
mod lead;
mod list;
mod page;
mod read;
mod submit;
mod subscription;
mod write;

use std::collections::{BTreeMap, BTreeSet};

pub use form::{Form, Question, QuestionOption};
pub use lead::{Disclaimer, FieldData, Lead, NewLead};
pub use page::Page;
pub(crate) use page::PageState;
pub(crate) use read::{Asked, answer};
pub(crate) use submit::submit;
pub use submit::{FormIds, Span, Submission, Submitted};

use crate::sim::SimError;

/// Everything about lead ads that is remembered.
#[derive(Debug, Default)]
pub(crate) struct LeadAds {
    pages: BTreeMap<String, PageState>,
    forms: BTreeMap<String, Form>,
    leads: BTreeMap<String, Lead>,
    /// Per form: (created, lead id), oldest first.
    by_form: BTreeMap<String, BTreeSet<(i64, String)>>,
    /// Leads ever made; never starts over, so that a lead id is never given twice.
    made: u64,
}

/// What the id in a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Named<'a> {
    /// `page`, `form` or `lead`.
    pub(crate) object: &'static str,
    /// The page that it is or belongs to.
    pub(crate) page_id: &'a str,
}

impl LeadAds {
    const MAX_PAGES: usize = 10_000;
    const MAX_FORMS: usize = 10_000;
    const MAX_LEADS: usize = 200_000;

    /// Adds a page or replaces what is known of it; its subscriptions stay.
    pub(crate) fn put_page(&mut self, page: Page) -> Result<(), SimError> {
        if self.pages.len() >= Self::MAX_PAGES && !self.pages.contains_key(&page.page_id) {
            return Err(SimError::TooMany("pages"));
        }
        if self
            .pages
            .values()
            .any(|other| other.page.token == page.token && other.page.page_id != page.page_id)
        {
            return Err(SimError::Invalid("token is another page's"));
        }
        let subscriptions =
            self.pages.remove(&page.page_id).map(|known| known.subscriptions).unwrap_or_default();
        self.pages.insert(page.page_id.clone(), PageState { page, subscriptions });
        Ok(())
    }

    /// Adds or replaces a form.
    pub(crate) fn put_form(&mut self, form: Form) -> Result<(), SimError> {
        if let Some(defect) = form.defect() {
            return Err(SimError::Invalid(defect));
        }
        if !self.pages.contains_key(&form.page_id) {
            return Err(SimError::Invalid("page_id: no such page"));
        }
        if self.forms.get(&form.form_id).is_some_and(|known| known.page_id != form.page_id) {
            return Err(SimError::Invalid("form_id is another page's"));
        }
        if self.forms.len() >= Self::MAX_FORMS && !self.forms.contains_key(&form.form_id) {
            return Err(SimError::TooMany("forms"));
        }
        self.forms.insert(form.form_id.clone(), form);
        Ok(())
    }

    /// Stores leads, all or none.
    fn put_leads(&mut self, leads: Vec<Lead>) -> Result<(), SimError> {
        if self.leads.len().saturating_add(leads.len()) > Self::MAX_LEADS {
            return Err(SimError::TooMany("leads"));
        }
        let mut ids = BTreeSet::new();
        if leads.iter().any(|lead| self.leads.contains_key(&lead.id) || !ids.insert(lead.id.as_str())) {
            return Err(SimError::Invalid("id: there is such a lead"));
        }
        for lead in leads {
            let place = (lead.created_time, lead.id.clone());
            self.by_form.entry(lead.form_id.clone()).or_default().insert(place);
            self.leads.insert(lead.id.clone(), lead);
        }
        Ok(())
    }

    fn remove_lead(&mut self, id: &str) {
        if let Some(lead) = self.leads.remove(id)
            && let Some(places) = self.by_form.get_mut(&lead.form_id)
        {
            places.remove(&(lead.created_time, lead.id));
        }
    }

    /// A lead id that was not given before: 17 digits, above what a double holds exactly, like Meta's. `seed` keeps those
    /// of one run apart from those of another.
    fn next_lead_id(&mut self, seed: u64) -> String {
        self.made += 1;
        (24_000_000_000_000_001 + seed % 1_000_000 * 1_000_000_000 + self.made).to_string()
    }

    /// What an id names, where it is one of a page, form or lead.
    pub(crate) fn named(&self, id: &str) -> Option<Named<'_>> {
        if let Some((page_id, _)) = self.pages.get_key_value(id) {
            return Some(Named { object: "page", page_id });
        }
        if let Some(form) = self.forms.get(id) {
            return Some(Named { object: "form", page_id: &form.page_id });
        }
        self.leads.get(id).map(|lead| Named { object: "lead", page_id: &lead.page_id })
    }

    /// The page whose own token this is.
    pub(crate) fn page_of_token(&self, token: &str) -> Option<&PageState> {
        self.pages.values().find(|state| state.page.token == token)
    }

    /// Every page, by id.
    pub(crate) fn pages(&self) -> impl Iterator<Item = &PageState> {
        self.pages.values()
    }

    /// Every lead of these forms, or of this page, oldest id first.
    pub(crate) fn truth<'a>(
        &'a self,
        form_id: Option<&'a str>,
        page_id: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Lead> {
        self.leads.values().filter(move |lead| {
            form_id.is_none_or(|form| form == lead.form_id) && page_id.is_none_or(|page| page == lead.page_id)
        })
    }

    /// Forgets pages and forms.
    pub(crate) fn forget_pages(&mut self) {
        self.pages.clear();
        self.forms.clear();
    }

    /// Forgets leads.
    pub(crate) fn forget_leads(&mut self) {
        self.leads.clear();
        self.by_form.clear();
    }
}
