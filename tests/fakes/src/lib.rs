//! In-memory ports for tests: virtual time, a queue with SQS's rules, stores, Meta by script.
//!
//! Each fake has [`Faults`]: calls that fail, hang, take time, or in the middle of which somebody else acts.
//!
//! They hold to the ports' contracts (conditional writes, `sent` never replaced, one receipt per key), so that what
//! is proven on them holds on the adapters, which have tests of their own against an embedded DynamoDB.

#![expect(clippy::missing_panics_doc, reason = "test data that is malformed is a bug of the test")]

mod bus;
mod config;
mod errors;
mod events;
mod faults;
mod files;
mod job_ports;
mod jobs;
mod lead_ports;
mod leads;
mod leads_api;
mod meta;
mod outside;
mod people;
mod queue;
mod rig;
mod secrets;
mod shared;
mod time;
mod turns;

pub use bus::MemoryBus;
pub use config::{FixedVault, MemoryConfig};
pub use events::{MemoryEvents, StoredReceipt, message_id};
pub use faults::{ANY, BEFORE_AND_AFTER, Faults, On, When};
pub use files::{MemoryFiles, StoredFile};
pub use job_ports::JobPorts;
pub use jobs::MemoryJobs;
pub use lead_ports::LeadPorts;
pub use leads::MemoryLeads;
pub use leads_api::{LeadsCall, MemoryLeadsApi};
pub use meta::{ScriptedMeta, SentRequest};
pub use outside::{MemoryOutside, Receiver};
pub use people::MemoryPeople;
pub use queue::{MemoryQueue, QueueRules, Received};
pub use rig::{FakePorts, NOON, Rig};
pub use secrets::{FixedSecrets, KEYRING_PII, LOOKUP_KEY};
pub use time::{SeededEntropy, VirtualClock};
pub use turns::{Task, at_once, side_by_side, unless_hung};
