//! Everything through the local stack: real binaries, real template, the simulator as Meta.
//!
//! The tests share one stack and run side by side; each opens a shop of its own. Those that kill functions, stop a queue or
//! change a role stand in a group of `.config/nextest.toml`; the stack refuses that to any other.

mod bad_input;
mod canaries;
mod crowd;
mod cut_off;
mod faults;
mod isolation;
mod leads_canaries;
mod leads_complete;
mod leads_exported;
mod leads_killed;
mod leads_receivers;
mod leads_rules;
mod leads_stages;
mod leads_webhook;
mod official_sdk;
mod one_event;
mod one_person;
mod operator;
mod permissions;
mod pixel_settings;
mod proof;
mod public_key;
mod rules_b2b;
mod ten_thousand;
mod tenants_apart;
mod token_revoked;
mod waiting;
