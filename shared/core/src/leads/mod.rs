//! Leads of Meta's Lead Ads: fetched, kept, told, walked through their life, and reported back.
//!
//! ```text
//!  webhook ──► queue ──► fetch ─┐                                  ┌──► bus, tenant's webhook
//!                               ├──► person, rules ──► store once ─┤
//!  schedule ──► list form ──────┘                      (outbox)    └──► stage event ──► capi-events ──► Meta
//! ```
//!
//! A lead is stored once, however often and by whichever way it arrives: one transaction writes the lead, its first
//! activity, its count for form and day, and what is still to be told of it (the outbox).
//!
//! | file | is about |
//! |---|---|
//! | `lead` | the stored lead, what Meta tells of it, its sealed part |
//! | `status` | the life cycle and its legal steps |
//! | `activity` | what happened to a lead, and who did it |
//! | `feedback` | stages as Meta is told them, and the outbox |
//! | `form` | lead forms, and how complete each day is |
//! | `work` | what travels on the `leads` queue |
//! | `query` | which leads a list shows |
//! | [`reconcile`] | finding what no webhook told of, and how complete each day is |
//! | `desk`, `place` | the ports; pages with whose they are, their tokens and forms |
//! | `calling` | Meta's limits and verdicts on a page's token |
//! | `intake` | from an announcement to a stored lead, or to another try |
//! | `take`, `contact` | storing one lead: who answered, their person, the write |
//! | `tell` | the outbox: the bus, the tenant's webhook, stages to Meta |
//! | `change` | status, assignee and notes, as people change them |
//! | `report` | what an invocation did |

mod activity;
mod calling;
mod change;
mod contact;
mod desk;
mod feedback;
mod form;
mod intake;
mod lead;
mod place;
mod query;
pub mod reconcile;
mod report;
mod status;
mod take;
mod tell;
mod work;

pub use activity::{Activity, ActivityKind, NOTE_PURPOSE};
pub use calling::Trouble;
pub use change::{Change, ChangeError, ChangeRequest, Changed, Changes, MAX_ACTOR_CHARS, MAX_NOTE_BYTES};
pub use contact::lookup_text;
pub use desk::{LeadDesk, Ports, Settings, Tracking};
pub use feedback::{Feedback, FeedbackState, OutboxEntry, OutboxTopic};
pub use form::{DayCheck, FormDay, FormSettings, LeadForm, MetaForm, Question, QuestionOption};
pub use intake::{NOT_READABLE_MS, UNWELL_MS};
pub use lead::{
    Answer, Arrival, Contact, Disclaimer, LEAD_PURPOSE, Lead, LeadAds, LeadDoc, LeadPii, MissingLead,
    Submission,
};
pub use place::Place;
pub use query::LeadQuery;
pub use report::Report;
pub use status::{IllegalStep, Status};
pub use take::{BY_ITSELF, LEAD_CAPTURED, Taken};
pub use tell::{LEAD_CREATED, Told};
pub use work::{Announced, LeadWork, MAX_ANNOUNCED, WORK_VERSION};
