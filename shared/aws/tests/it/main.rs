//! The adapters against an embedded DynamoDB and stubs of SQS, S3, EventBridge and Secrets Manager: the contracts of core's ports.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in what it calls too")]

mod batches;
mod bus;
#[cfg(debug_assertions)]
mod call_log;
mod config;
mod config_data;
mod config_pages;
mod contract;
mod erasures;
mod events_data;
mod faults;
mod faults_config;
mod faults_events;
mod faults_leads;
mod faults_people;
mod files;
mod governor;
mod index;
mod jobs;
mod leads;
mod leads_data;
mod leads_forms;
mod leads_list;
mod leads_table;
mod pages;
mod people;
mod people_data;
mod people_due;
mod people_holds;
mod people_keys;
mod people_table;
mod queue;
mod races;
mod receipts;
mod receipts_table;
mod rest_stub;
mod rollup;
mod rules;
mod secrets;
mod stub;
mod support;
mod tombstones;
mod transactions;
mod waiting;
mod wire;
