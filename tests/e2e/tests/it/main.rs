//! Everything through the local stack: real binaries, real template, the simulator as Meta.
//!
//! The tests share one stack and run one after another (`--test-threads=1`): some of them kill functions or stop the
//! queue. Each opens a shop of its own.

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
