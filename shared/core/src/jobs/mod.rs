//! What takes longer than a request: exports, and calls of tenants' webhooks.
//!
//! | file | is about |
//! |---|---|
//! | `job` | jobs, and the messages that keep them going |
//! | `worker` | a batch of messages |
//! | `plan` | what an export was asked, and where it goes on |
//! | `export`, `slice` | whose turn it is with an export; part after part |
//! | `delivery`, `deliver` | what became of a call of a tenant's webhook; making it |
//! | `announcement`, `signature` | what is told, and who says so |

mod announcement;
mod deliver;
mod delivery;
mod export;
mod job;
mod plan;
mod report;
mod signature;
mod slice;
mod trouble;
mod worker;

pub use announcement::LEAD_CREATED;
pub use delivery::{Delivery, DeliveryState};
pub use export::MAX_FUTILE_SLICES;
pub use job::{EXPORT_TTL_HOURS, JOB_TTL_DAYS, JOB_WORK_VERSION, Job, JobKind, JobState, JobWork};
pub use plan::{ExportPlan, export_job, export_key};
pub use report::Report;
pub use signature::{WEBHOOK_OWNER, WEBHOOK_PURPOSE, WebhookKey};
pub use slice::PART_BYTES;
pub use worker::{Failed, JobWorker, Ports, Settings};
