//! What travels on the `leads` queue. Ids and times only: answers never do.

use serde::{Deserialize, Serialize};

use crate::ids::{AdObjectId, FormId, JobId, LeadId, PageId, TenantId};
use crate::time::UnixMillis;

/// Version of the messages' shape.
pub const WORK_VERSION: u8 = 1;

/// Leads in one message.
pub const MAX_ANNOUNCED: usize = 10;

/// A lead that Meta announces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// `leadgen_id`.
    pub lead: LeadId,
    /// `form_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<FormId>,
    /// `ad_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ad: Option<AdObjectId>,
    /// `created_time`, unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at_s: Option<i64>,
}

/// A message on the `leads` queue, `{"v": 1, "kind": "announced", …}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LeadWork {
    /// Fetch these leads of a page. From leadgen-webhook, which knows no tenants.
    Announced {
        /// [`WORK_VERSION`].
        v: u8,
        /// Whose leads.
        page: PageId,
        /// When the webhook came.
        received_at: UnixMillis,
        /// How often this has been sent anew; 0 the first time.
        #[serde(default)]
        attempt: u32,
        /// 1 to [`MAX_ANNOUNCED`].
        leads: Vec<Announced>,
    },
    /// Look at a page: subscription, forms, then each form.
    Page {
        /// [`WORK_VERSION`].
        v: u8,
        /// Whose.
        tenant: TenantId,
        /// Which.
        page: PageId,
        /// How often this has been sent anew.
        #[serde(default)]
        attempt: u32,
        /// Days to look back, 1 to 90; absent: from the watermark on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        days: Option<u16>,
        /// The job that asked for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        job: Option<JobId>,
    },
    /// Go on with a form's run, from its stored cursor on.
    Form {
        /// [`WORK_VERSION`].
        v: u8,
        /// Whose.
        tenant: TenantId,
        /// Of which page.
        page: PageId,
        /// Which.
        form: FormId,
        /// The run that is to go on; a message of another one is stale.
        run: String,
        /// How often this has been sent anew without getting further.
        #[serde(default)]
        attempt: u32,
    },
}

impl LeadWork {
    /// Reads a message's body.
    ///
    /// # Errors
    /// Where it is not JSON of a known kind and version; such a message belongs in the dead-letter queue.
    pub fn parse(body: &str) -> Result<Self, serde_json::Error> {
        let work: Self = serde_json::from_str(body)?;
        let (Self::Announced { v, .. } | Self::Page { v, .. } | Self::Form { v, .. }) = &work;
        if *v == WORK_VERSION {
            Ok(work)
        } else {
            Err(serde::de::Error::custom("a version that is not known"))
        }
    }

    /// The message's body.
    ///
    /// # Errors
    /// None in practice: its parts are texts and numbers.
    pub fn body(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Fair queues share by it: the page's id.
    #[must_use]
    pub const fn group(&self) -> &PageId {
        match self {
            Self::Announced { page, .. } | Self::Page { page, .. } | Self::Form { page, .. } => page,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_as_it_was_written_and_other_versions_are_refused() {
        let body =
            r#"{"kind":"announced","v":1,"page":"1","received_at":5,"attempt":0,"leads":[{"lead":"9"}]}"#;
        let work = LeadWork::parse(body).unwrap();
        assert_eq!(work.body().unwrap(), body);
        assert_eq!(work.group().as_str(), "1");
        assert!(LeadWork::parse(&body.replace("\"v\":1", "\"v\":2")).is_err());
        assert!(LeadWork::parse(r#"{"kind":"other","v":1}"#).is_err());
    }
}
