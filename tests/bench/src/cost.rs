//! What a million events, or conversions, cost, from what was counted and measured.

use std::time::Duration;

use serde::Serialize;

use crate::prices;
use crate::stub::{Counts, sqs_requests};

/// Memory of each of the functions in the template, in GB.
const MEMORY_GB: f64 = 0.25;

/// Messages that the queue's mapping takes and deletes with one call (AWS: receiving messages).
const MESSAGES_PER_RECEIVE: usize = 10;

/// Bytes that one request to an HTTP API may have before it counts as two (AWS: API Gateway pricing).
const API_CHUNK_BYTES: usize = 512 * 1024;

/// Lambda's own lines for an invocation, `platform.start` and `platform.report` in JSON, in bytes.
const PLATFORM_LOG_BYTES: u64 = 600;

/// How long what is stored is counted, which is how long receipts and conversions are kept, in months of storage.
const STORED_MONTHS: f64 = 90.0 / 30.0;

/// What some events cost in requests, units and time, or some conversions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Usage {
    /// Events that Meta got; conversions that were tracked.
    pub(crate) events: u64,
    /// Requests as the HTTP API bills them.
    pub(crate) api_requests: u64,
    /// Invocations of all functions.
    pub(crate) invocations: u64,
    /// Time of all functions, each invocation's rounded up to a millisecond.
    pub(crate) billed: Duration,
    /// Requests as SQS bills them.
    pub(crate) sqs_requests: u64,
    /// Write request units.
    pub(crate) write_units: u64,
    /// Halves of read request units.
    pub(crate) read_half_units: u64,
    /// Bytes of log lines.
    pub(crate) log_bytes: u64,
    /// Bytes kept in tables.
    pub(crate) stored_bytes: u64,
}

impl Usage {
    /// Adds an invocation behind the API.
    pub(crate) fn add_request(&mut self, payload_bytes: usize, wall: Duration) {
        self.api_requests += payload_bytes.max(1).div_ceil(API_CHUNK_BYTES) as u64;
        self.add_invocation(wall);
    }

    /// Adds an invocation with a batch, and what taking it off the queue costs.
    pub(crate) fn add_batch(&mut self, bodies: &[String], wall: Duration) {
        for received in bodies.chunks(MESSAGES_PER_RECEIVE) {
            let bytes = received.iter().map(String::len).sum();
            let deleted = 1;
            self.sqs_requests += sqs_requests(bytes) + deleted;
        }
        self.add_invocation(wall);
    }

    /// Adds what the services counted between two readings.
    pub(crate) fn add_counts(&mut self, before: &Counts, after: &Counts) {
        self.events += after.meta_events - before.meta_events;
        self.sqs_requests += after.sqs_requests - before.sqs_requests;
        self.write_units += after.write_units - before.write_units;
        self.read_half_units += after.read_half_units - before.read_half_units;
    }

    /// Adds another usage.
    pub(crate) fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.api_requests += other.api_requests;
        self.invocations += other.invocations;
        self.billed += other.billed;
        self.sqs_requests += other.sqs_requests;
        self.write_units += other.write_units;
        self.read_half_units += other.read_half_units;
        self.log_bytes += other.log_bytes;
        self.stored_bytes += other.stored_bytes;
    }

    fn add_invocation(&mut self, wall: Duration) {
        self.invocations += 1;
        self.log_bytes += PLATFORM_LOG_BYTES;
        let started_ms = wall.as_micros().div_ceil(1000);
        self.billed += Duration::from_millis(u64::try_from(started_ms).unwrap_or(u64::MAX));
    }
}

/// Dollars for a million events or conversions, by what they go to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Cost {
    pub(crate) http_api: f64,
    pub(crate) lambda_requests: f64,
    pub(crate) lambda_duration: f64,
    pub(crate) sqs: f64,
    pub(crate) dynamodb_writes: f64,
    pub(crate) dynamodb_reads: f64,
    /// The sum of the above.
    pub(crate) total: f64,
    /// Log lines taken in; not in the total.
    pub(crate) logs: f64,
    /// What was stored, for 90 days; not in the total.
    pub(crate) storage: f64,
}

impl Cost {
    /// What a million cost at this rate.
    #[expect(clippy::cast_precision_loss, reason = "counts of a benchmark are far below 2^52")]
    pub(crate) fn of(usage: &Usage) -> Self {
        let per_event = |count: u64| count as f64 / usage.events.max(1) as f64;
        let http_api = per_event(usage.api_requests) * prices::HTTP_API_MILLION_REQUESTS;
        let lambda_requests = per_event(usage.invocations) * prices::LAMBDA_MILLION_REQUESTS;
        let gb_seconds = usage.billed.as_secs_f64() * MEMORY_GB / usage.events.max(1) as f64;
        let lambda_duration = gb_seconds * 1e6 * prices::LAMBDA_GB_SECOND;
        let sqs = per_event(usage.sqs_requests) * prices::SQS_MILLION_REQUESTS;
        let dynamodb_writes = per_event(usage.write_units) * prices::DYNAMODB_MILLION_WRITES;
        let dynamodb_reads = per_event(usage.read_half_units) / 2.0 * prices::DYNAMODB_MILLION_READS;
        let gigabytes = |bytes: u64| per_event(bytes) * 1e6 / 1e9;
        Self {
            http_api,
            lambda_requests,
            lambda_duration,
            sqs,
            dynamodb_writes,
            dynamodb_reads,
            total: http_api + lambda_requests + lambda_duration + sqs + dynamodb_writes + dynamodb_reads,
            logs: gigabytes(usage.log_bytes) * prices::LOGS_GB,
            storage: gigabytes(usage.stored_bytes) * prices::DYNAMODB_GB_MONTH * STORED_MONTHS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_event_costs_what_its_parts_cost() {
        let mut usage = Usage::default();
        usage.add_request(1_000, Duration::from_micros(9_100));
        usage.add_batch(&["x".repeat(1_000)], Duration::from_millis(310));
        let after = Counts {
            meta_events: 1,
            sqs_requests: 1,
            write_units: 2,
            read_half_units: 4,
            ..Counts::default()
        };
        usage.add_counts(&Counts::default(), &after);
        let cost = Cost::of(&usage);
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(near(cost.http_api, 1.0) && near(cost.lambda_requests, 0.4));
        assert!(near(cost.lambda_duration, 0.32 * 0.25 * 1e6 * prices::LAMBDA_GB_SECOND));
        assert!(
            near(cost.sqs, 3.0 * 0.40) && near(cost.dynamodb_writes, 1.25) && near(cost.dynamodb_reads, 0.25)
        );
        let parts = cost.http_api + cost.lambda_requests + cost.lambda_duration + cost.sqs;
        assert!(near(cost.total, parts + cost.dynamodb_writes + cost.dynamodb_reads));
    }

    #[test]
    fn large_messages_and_requests_count_more_than_once() {
        let mut usage = Usage::default();
        usage.add_request(512 * 1024 + 1, Duration::ZERO);
        usage.add_batch(&vec!["x".repeat(64 * 1024); 11], Duration::ZERO);
        assert_eq!((usage.api_requests, usage.sqs_requests), (2, 10 + 1 + 1 + 1));
    }
}
