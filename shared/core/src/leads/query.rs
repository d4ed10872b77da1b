//! Which leads a list shows.

use super::lead::Lead;
use serde::{Deserialize, Serialize};

use super::status::Status;
use crate::ids::{AdObjectId, FormId, PageId, SourceId, TenantId};
use crate::people::LinkHash;

/// Which leads a list shows: those that meet all of it, newest first. Jobs keep it, so it serialises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

    /// Whether the list shows this lead.
    #[must_use]
    pub fn matches(&self, lead: &Lead) -> bool {
        fn only<T: PartialEq>(wanted: Option<&T>, found: Option<&T>) -> bool {
            wanted.is_none() || wanted == found
        }
        let doc = &lead.doc;
        lead.tenant == self.tenant
            && doc.test == self.test
            && only(self.status.as_ref(), Some(&doc.status))
            && only(self.page.as_ref(), Some(&doc.page))
            && only(self.form.as_ref(), Some(&doc.form))
            && only(self.campaign.as_ref(), doc.ads.campaign_id.as_ref())
            && only(self.ad.as_ref(), doc.ads.ad_id.as_ref())
            && only(self.source.as_ref(), Some(&doc.source))
            && only(self.assignee.as_ref(), doc.assignee.as_ref())
            && self.text.as_ref().is_none_or(|text| lead.texts.contains(text))
            && self.from_s.is_none_or(|from_s| doc.created_at_s >= from_s)
            && self.until_s.is_none_or(|until_s| doc.created_at_s < until_s)
    }
}
