//! What takes longer than a request: exports, and calls of tenants' webhooks.
//!
//! | file | is about |
//! |---|---|
//! | `job` | jobs, and the messages that keep them going |
//! | `plan` | what an export was asked, and where it goes on |
//! | `delivery` | what became of a call of a tenant's webhook |

mod delivery;
mod job;
mod plan;

pub use delivery::{Delivery, DeliveryState};
pub use job::{EXPORT_TTL_HOURS, JOB_TTL_DAYS, JOB_WORK_VERSION, Job, JobKind, JobState, JobWork};
pub use plan::{ExportPlan, export_job, export_key};
