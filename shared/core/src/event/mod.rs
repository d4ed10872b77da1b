//! From what a caller posts to what Meta gets: checks, event ids, hashing.
//!
//! ```text
//!  text ──► prepare ──► Accepted {json, event_id, …} ──► pack ──► Package ──► Outgoing
//!              │
//!              ├──────► Skipped  {event, code} ──────► pack ──► Package ──► Outgoing, for the receipt alone
//!              └──────► Refused  {refusals: [{field, code, message}]}
//! ```
//!
//! Rules that Meta documents are checked here, for Meta refuses a whole batch for one bad event and does not say
//! which. Every code stands in `docs/event-refusals.md`, which a test holds against this module.
//!
//! | file | is about |
//! |---|---|
//! | `prepare` | one event from its text to its verdict |
//! | `preview` | what the checks would make of a custom_data |
//! | `fields`, `raw`, `typed`, `path` | reading JSON without building trees |
//! | `moment`, `action_source`, `user_data`, `custom_data`, `contents`, `currency`, `app_data`, `privacy`, `extras` | the rules of each field |
//! | `scrub`, `url`, `personal` | what passes through, without what looks personal |
//! | `event_id`, `canonical` | the id that makes a repeated post the same event |
//! | `routing`, `fan_out`, `skip` | pixels, the queue's messages, and what is queued of an event that is not to be sent |
//! | `refusal`, `limits`, `names` | codes, limits, Meta's event names |

mod action_source;
mod app_data;
mod canonical;
mod contents;
mod currency;
mod custom_data;
mod event_id;
mod extras;
mod fan_out;
mod fields;
pub mod limits;
mod moment;
pub mod names;
mod path;
mod personal;
mod prepare;
mod preview;
mod privacy;
mod raw;
mod refusal;
mod routing;
mod scrub;
mod skip;
mod typed;
mod url;
mod user_data;

pub use action_source::ActionSource;
pub(crate) use currency::parse as currency_code;
pub use event_id::Idempotency;
pub use fan_out::{Package, pack};
pub use moment::max_age_s;
pub use prepare::{AcceptedEvent, EventContext, Poster, Prepared, Verdict, prepare};
pub use preview::{CustomDataPreview, preview_custom_data};
pub use raw::deeper_than;
pub use refusal::{NoteCode, Refusal, RefusalCode, Warning};
pub use routing::is_test_event_code;
