//! Meta's lead ads, as the domain sees them. One call each, no retry of its own.

use std::future::Future;

use super::meta::{Credentials, Failure, Usage};
use crate::ids::{FormId, LeadId, PageId};
use crate::leads::{MetaForm, Submission};
use crate::seal::Secret;

/// The most rows of one page of a list that are asked for.
pub const MAX_ROWS: usize = 100;

/// The answer to one call.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered<T> {
    /// Meta's yes or no.
    pub result: Result<T, Failure>,
    /// What its headers said.
    pub usage: Usage,
}

/// A page of one of Meta's lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows<T> {
    /// Its rows that could be read.
    pub rows: Vec<T>,
    /// Rows that could not: they lack an id, or are no objects.
    pub unreadable: usize,
    /// `paging.cursors.after`, where there is a next page.
    pub after: Option<String>,
}

/// A page that a token manages, with its own token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedPage {
    /// Its id.
    pub id: PageId,
    /// Its name.
    pub name: Option<String>,
    /// Its token; absent where the token's owner may not have it.
    pub token: Option<Secret>,
}

/// Reads leads and forms, and subscribes to pages.
pub trait LeadsApi: Send + Sync {
    /// `GET /{leadgen_id}` with every field that is kept. Needs the page's token.
    fn lead(
        &self,
        credentials: &Credentials,
        id: &LeadId,
    ) -> impl Future<Output = Answered<Submission>> + Send;

    /// `GET /{form}/leads`: leads submitted after `since_s` (unix seconds), ≤ [`MAX_ROWS`] a page.
    fn form_leads(
        &self,
        credentials: &Credentials,
        form: &FormId,
        since_s: i64,
        after: Option<&str>,
    ) -> impl Future<Output = Answered<Rows<Submission>>> + Send;

    /// `GET /{form}/test_leads`: ids of the form's test leads.
    fn test_leads(
        &self,
        credentials: &Credentials,
        form: &FormId,
    ) -> impl Future<Output = Answered<Vec<LeadId>>> + Send;

    /// `GET /{page}/leadgen_forms`, ≤ [`MAX_ROWS`] a page.
    fn forms(
        &self,
        credentials: &Credentials,
        page: &PageId,
        after: Option<&str>,
    ) -> impl Future<Output = Answered<Rows<MetaForm>>> + Send;

    /// `GET /me/accounts`: pages that the token manages, with their tokens.
    fn managed_pages(
        &self,
        credentials: &Credentials,
        after: Option<&str>,
    ) -> impl Future<Output = Answered<Rows<ManagedPage>>> + Send;

    /// `GET /{page}/subscribed_apps`: whether an app is subscribed to `leadgen`; `app_id` names ours where it is known,
    /// else any counts (Meta shows a token only what its app may see).
    fn is_subscribed(
        &self,
        credentials: &Credentials,
        page: &PageId,
        app_id: Option<&str>,
    ) -> impl Future<Output = Answered<bool>> + Send;

    /// `POST /{page}/subscribed_apps?subscribed_fields=leadgen`. The same again is no error.
    fn subscribe(
        &self,
        credentials: &Credentials,
        page: &PageId,
    ) -> impl Future<Output = Answered<()>> + Send;

    /// `DELETE /{page}/subscribed_apps`.
    fn unsubscribe(
        &self,
        credentials: &Credentials,
        page: &PageId,
    ) -> impl Future<Output = Answered<()>> + Send;
}
