//! Leads: the pages they come from, their forms, the leads themselves, and the webhook that tells of them.
//!
//! Nothing that identifies a person stands in a URL, where logs and proxies would keep it: whoever looks for an e-mail,
//! a phone or a name posts a search.

mod change;
mod completeness;
mod deliveries;
mod export;
mod filters;
mod forms;
mod history;
mod list;
mod page_tokens;
mod pages;
mod read;
mod sync;
mod view;
mod webhook;

#[cfg(test)]
pub(crate) use self::{
    completeness::CompletenessView,
    deliveries::DeliveryView,
    forms::FormView,
    history::ActivityView,
    list::MissingLeadView,
    pages::{DeletedPageView, PageView},
    view::{LeadDetailView, LeadView},
    webhook::WebhookView,
};
