#![doc = include_str!("../README.md")]

mod answer;
mod capi;
mod clock;
mod control;
mod event_check;
mod event_store;
mod faults;
mod graph;
mod graph_error;
mod lead_control;
mod leads;
mod multipart;
mod nodes;
mod outage;
mod params;
mod random;
mod receivers;
mod request_log;
mod server;
mod shared;
mod sim;
mod state;
mod switches;
mod tokens;
mod user_data;
mod versions;
mod webhooks;

pub use event_store::{EventFilter, StoredEvent};
pub use faults::{Cut, Fault, Match, RejectEvent};
pub use leads::{
    Disclaimer, FieldData, Form, FormIds, Lead, NewLead, Page, Question, QuestionOption, Span, Submission,
    Submitted,
};
pub use outage::{OutageMode, OutageRequest};
pub use receivers::{Receiver, ReceiverAnswer};
pub use request_log::RequestEntry;
pub use sim::{Sim, SimConfig, SimError};
pub use state::Part;
pub use switches::{DeadVersions, ErrorData, Locale, Switches, Usage};
pub use tokens::Token;
pub use webhooks::Webhook;
