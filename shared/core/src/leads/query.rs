//! Which leads a list shows.

use super::status::Status;
use crate::ids::{AdObjectId, FormId, PageId, SourceId, TenantId};
use crate::people::LinkHash;

/// Which leads a list shows: those that meet all of it, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeadQuery {
    /// Whose.
    pub tenant: TenantId,
    /// Test leads alone, or none of them.
    pub test: bool,
    /// Only of this status.
    pub status: Option<Status>,
    /// Only of this page.
    pub page: Option<PageId>,
    /// Only of this form.
    pub form: Option<FormId>,
    /// Only of this campaign.
    pub campaign: Option<AdObjectId>,
    /// Only of this ad.
    pub ad: Option<AdObjectId>,
    /// Only of this source.
    pub source: Option<SourceId>,
    /// Only of this assignee.
    pub assignee: Option<String>,
    /// Only those with this e-mail, phone or name.
    pub text: Option<LinkHash>,
    /// Submitted at this unix second or later.
    pub from_s: Option<i64>,
    /// Submitted before this unix second.
    pub until_s: Option<i64>,
    /// 1 to 1,000.
    pub limit: usize,
    /// From the page before.
    pub cursor: Option<String>,
}

impl LeadQuery {
    /// All leads of a tenant but test leads.
    #[must_use]
    pub const fn all(tenant: TenantId, limit: usize) -> Self {
        Self {
            tenant,
            test: false,
            status: None,
            page: None,
            form: None,
            campaign: None,
            ad: None,
            source: None,
            assignee: None,
            text: None,
            from_s: None,
            until_s: None,
            limit,
            cursor: None,
        }
    }
}
