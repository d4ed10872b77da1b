//! What takes longer than a request, and the messages that keep it going.

use serde::{Deserialize, Serialize};

use crate::ids::{JobId, LeadId, TenantId};
use crate::time::UnixMillis;

/// How long a job can be asked for, in days.
pub const JOB_TTL_DAYS: i64 = 30;

/// How long an export's file is kept, in hours.
pub const EXPORT_TTL_HOURS: i64 = 24;

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Writes leads to a CSV file.
    LeadExport,
    /// Looks through forms for leads of the last days.
    LeadSync,
}

/// How far a job has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Nobody has begun.
    Queued,
    /// It goes on.
    Running,
    /// It is done.
    Done,
    /// It will not be done.
    Failed,
}

/// What takes longer than a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Whose.
    pub tenant: TenantId,
    /// Its id.
    pub id: JobId,
    /// Counts its changes; a save must still find it. 0: not stored yet.
    #[serde(skip)]
    pub rev: u64,
    /// What it does.
    pub kind: JobKind,
    /// How far it has come.
    pub state: JobState,
    /// Rows, leads or forms done.
    pub done: u64,
    /// Of how many; absent where nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// When it was asked for.
    pub created_at: UnixMillis,
    /// Who asked: the key's name.
    pub by: String,
    /// When it was last changed.
    pub updated_at: UnixMillis,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<UnixMillis>,
    /// Why it failed: a stable code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Where its file lies: a key of the exports bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// What it was asked to do, and where it goes on: its kind's own. Nothing personal.
    #[serde(default)]
    pub plan: serde_json::Value,
}

/// A message on the `jobs` queue, `{"kind": "export", "v": 1, …}`. Ids and times only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JobWork {
    /// Go on with an export, from where its job says.
    Export {
        /// [`JOB_WORK_VERSION`].
        v: u8,
        /// Whose.
        tenant: TenantId,
        /// Which.
        job: JobId,
        /// How often this has been sent anew without getting further.
        #[serde(default)]
        attempt: u32,
    },
    /// Tell a tenant's webhook of a lead.
    Webhook {
        /// [`JOB_WORK_VERSION`].
        v: u8,
        /// Whose.
        tenant: TenantId,
        /// Of which lead.
        lead: LeadId,
        /// Names the delivery through all its tries: `webhook-id`.
        delivery: String,
        /// When it was to be told first.
        first_at: UnixMillis,
        /// How often it was tried.
        #[serde(default)]
        attempt: u32,
    },
}

/// Version of the messages' shape.
pub const JOB_WORK_VERSION: u8 = 1;

impl JobWork {
    /// Reads a message's body.
    ///
    /// # Errors
    /// Where it is not JSON of a known kind and version; such a message belongs in the dead-letter queue.
    pub fn parse(body: &str) -> Result<Self, serde_json::Error> {
        let work: Self = serde_json::from_str(body)?;
        let (Self::Export { v, .. } | Self::Webhook { v, .. }) = &work;
        if *v == JOB_WORK_VERSION {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_as_it_was_written_and_other_versions_are_refused() {
        let body = r#"{"kind":"export","v":1,"tenant":"acme","job":"job_1","attempt":0}"#;
        assert_eq!(JobWork::parse(body).unwrap().body().unwrap(), body);
        assert!(JobWork::parse(&body.replace("\"v\":1", "\"v\":2")).is_err());
        assert!(JobWork::parse(r#"{"kind":"other","v":1}"#).is_err());
    }
}
