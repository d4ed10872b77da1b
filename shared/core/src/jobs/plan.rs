//! What an export was asked to do, and where it goes on: the `plan` of its job.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::job::{Job, JobKind, JobState};
use crate::ids::{JobId, TenantId};
use crate::leads::LeadQuery;
use crate::leads::csv::Columns;
use crate::ports::jobs::FilePart;
use crate::time::UnixMillis;

/// Leads that are read at a time.
const PAGE_LEADS: usize = 500;

/// An export's plan. Ids, filters and cursors: nothing of a lead stands in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportPlan {
    /// Which leads; its cursor is that of the first lead that stands in no part yet.
    pub query: LeadQuery,
    /// The file's columns, once they are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) columns: Option<Columns>,
    /// The upload, once it was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) upload: Option<String>,
    /// Parts that are written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) parts: Vec<FilePart>,
    /// Whether the last part is written.
    #[serde(default)]
    pub(super) ended: bool,
    /// Leads whose sealed part did not open; their rows say so.
    #[serde(default)]
    pub(super) unreadable: u64,
    /// Until when whoever works on it has it for himself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) lease_until: Option<UnixMillis>,
    /// How often somebody began since it last got further, or since somebody ended in order.
    #[serde(default)]
    pub(super) claims: u32,
}

impl ExportPlan {
    /// A plan that nobody has begun.
    #[must_use]
    pub fn new(query: LeadQuery) -> Self {
        Self {
            query: LeadQuery { limit: PAGE_LEADS, cursor: None, ..query },
            columns: None,
            upload: None,
            parts: Vec::new(),
            ended: false,
            unreadable: 0,
            lease_until: None,
            claims: 0,
        }
    }

    pub(super) fn read(plan: &Value) -> Option<Self> {
        serde_json::from_value(plan.clone()).ok()
    }

    pub(super) fn value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// A job that writes the leads of `query` to a CSV file; `by` is the name of the key that asks. It is not stored yet.
#[must_use]
pub fn export_job(tenant: &TenantId, id: JobId, query: LeadQuery, by: &str, now: UnixMillis) -> Job {
    Job {
        tenant: tenant.clone(),
        id,
        rev: 0,
        kind: JobKind::LeadExport,
        state: JobState::Queued,
        done: 0,
        total: None,
        created_at: now,
        by: by.to_owned(),
        updated_at: now,
        finished_at: None,
        error: None,
        file: None,
        plan: ExportPlan::new(LeadQuery { tenant: tenant.clone(), ..query }).value(),
    }
}

/// Where an export's file lies in the exports bucket.
#[must_use]
pub fn export_key(tenant: &TenantId, id: &JobId) -> String {
    format!("exports/{tenant}/{id}.csv")
}
