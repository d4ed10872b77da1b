//! The measurements. What is compared with the floor is taken in turns with it, so that a busy machine slows both.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use axum::body::Bytes;
use serde_json::Value;

use crate::binaries::{Binaries, Binary};
use crate::cost::Usage;
use crate::payloads::{Requests, sqs_batch};
use crate::process::Function;
use crate::stub::{Latencies, Stub};
use crate::world::{EVENTS_TABLE, World};

/// Invocations before anything is measured: connections, caches.
pub(crate) const WARM_UP: usize = 30;

/// Invocations whose processor time is read at once.
pub(crate) const BLOCK: usize = 20;

const BLOCKS: usize = 25;

/// Events of a large request.
const BULK: usize = 1_000;

/// Events of a dispatched batch.
pub(crate) const BATCH: usize = 50;

/// Events measured for write units and cost.
pub(crate) const EVENTS: usize = 200;

/// How long services take inside a region, and Meta from outside; assumed for billed time alone.
pub(crate) const IN_REGION: Latencies = Latencies {
    sqs: Duration::from_millis(10),
    dynamodb: Duration::from_millis(5),
    secrets: Duration::from_millis(10),
    meta: Duration::from_millis(300),
};

/// What an invocation takes, in the middle of many.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Work {
    pub(crate) cpu: Duration,
    pub(crate) wall: Duration,
}

/// How long the binaries take to start, in the order of [`Binary::ALL`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Starts {
    pub(crate) medians: [Duration; Binary::COUNT],
    /// In multiples of the floor's.
    pub(crate) ratios: [f64; Binary::COUNT],
}

/// A function beside the floor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Compared {
    /// The floor, sending the bytes that the function sends.
    pub(crate) floor: Work,
    /// The floor, sending on the function's requests as they are.
    pub(crate) floor_with_requests: Work,
    pub(crate) function: Work,
    /// The function's processor time in multiples of the floor's.
    pub(crate) cpu_ratio: f64,
    /// The most memory that the function had, in bytes.
    pub(crate) peak_bytes: u64,
}

/// capi-dispatch at work.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dispatched {
    /// Of an invocation.
    pub(crate) work: Work,
    pub(crate) write_units_per_event: f64,
    pub(crate) peak_bytes: u64,
}

/// Measures.
pub(crate) struct Bench {
    pub(crate) binaries: Binaries,
    pub(crate) stub: Stub,
    pub(crate) world: World,
}

impl Bench {
    pub(crate) async fn new(binaries: Binaries) -> anyhow::Result<Self> {
        let stub = Stub::start().await?;
        let world = World::at(&stub)?;
        Ok(Self { binaries, stub, world })
    }

    /// How long each binary takes from being spawned to its first request for an invocation.
    pub(crate) async fn starts(&self, rounds: usize) -> anyhow::Result<Starts> {
        let mut starts = [const { Vec::new() }; Binary::COUNT];
        for round in 0..=rounds {
            for (binary, starts) in Binary::ALL.into_iter().zip(&mut starts) {
                let function = self.start(binary).await?;
                // The first round reads the binaries from disk.
                if round > 0 {
                    starts.push(function.start);
                }
                function.end().await?;
            }
        }
        let ratios = starts.each_ref().map(|of| ratio_in_turns(of, &starts[0]));
        Ok(Starts { ratios, medians: starts.map(median) })
    }

    /// capi-ingest with one event a request, beside the floor.
    pub(crate) async fn single(&self) -> anyhow::Result<Compared> {
        let mut requests = Requests::new(&self.world.key, "single");
        self.compared(WARM_UP, BLOCK, &mut requests, Requests::single).await
    }

    /// capi-ingest with 1,000 events a request, beside the floor.
    pub(crate) async fn bulk(&self) -> anyhow::Result<Compared> {
        let mut requests = Requests::new(&self.world.key, "bulk");
        self.compared(2, 1, &mut requests, |requests| requests.batch(BULK)).await
    }

    /// In turns: the function with new requests; the floor with what the function put on the queue, so that both send
    /// the same bytes; and, for the record, the floor with the requests themselves.
    async fn compared<'k>(
        &self,
        warm_up: usize,
        block: usize,
        requests: &mut Requests<'k>,
        payload: impl Fn(&mut Requests<'k>) -> Bytes,
    ) -> anyhow::Result<Compared> {
        let mut floor = self.start(Binary::Floor).await?;
        let mut function = self.start(Binary::Ingest).await?;
        for _ in 0..warm_up {
            let payload = payload(requests);
            accepted(&mut floor, payload.clone()).await?;
            accepted(&mut function, payload).await?;
        }
        self.stub.take_messages();
        let [mut of_floor, mut of_function, mut of_requests] = [const { Samples::new() }; 3];
        for _ in 0..BLOCKS {
            let payloads: Vec<Bytes> = (0..block).map(|_| payload(requests)).collect();
            of_function.block(&mut function, &payloads).await?;
            let messages = self.stub.take_messages();
            ensure!(
                messages.len().is_multiple_of(block) && !messages.is_empty(),
                "{block} requests became {} messages",
                messages.len()
            );
            let sent = messages.chunks(messages.len() / block).map(|messages| requests.for_floor(messages));
            of_floor.block(&mut floor, &sent.collect::<Vec<_>>()).await?;
            of_requests.block(&mut floor, &payloads).await?;
            self.stub.take_messages();
        }
        let peak_bytes = function.peak_bytes()?;
        floor.end().await?;
        function.end().await?;
        Ok(Compared {
            cpu_ratio: ratio_in_turns(&of_function.cpus, &of_floor.cpus),
            floor: of_floor.median(),
            floor_with_requests: of_requests.median(),
            function: of_function.median(),
            peak_bytes,
        })
    }

    /// capi-dispatch with `events` events a batch.
    pub(crate) async fn dispatch(&self, events: usize) -> anyhow::Result<Dispatched> {
        let mut ingest = self.start(Binary::Ingest).await?;
        let mut requests = Requests::new(&self.world.key, if events == 1 { "alone" } else { "batch" });
        for _ in 0..WARM_UP.next_multiple_of(events) + EVENTS {
            accepted(&mut ingest, requests.single()).await?;
        }
        ingest.end().await?;
        let messages = self.stub.take_messages();
        let (warm_up, measured) = messages.split_at(messages.len() - EVENTS);
        let mut function = self.start(Binary::Dispatch).await?;
        for bodies in warm_up.chunks(events) {
            dispatched(&mut function, bodies).await?;
        }
        let before = self.stub.counts();
        let mut samples = Samples::new();
        for bodies in measured.chunks(events) {
            let cpu = function.cpu()?;
            samples.walls.push(dispatched(&mut function, bodies).await?);
            samples.cpus.push(function.cpu()?.saturating_sub(cpu));
        }
        let after = self.stub.counts();
        let arrived = after.meta_events - before.meta_events;
        ensure!(arrived == EVENTS as u64, "of {EVENTS} events {arrived} arrived");
        let peak_bytes = function.peak_bytes()?;
        function.end().await?;
        let write_units = after.write_units - before.write_units;
        Ok(Dispatched {
            work: samples.median(),
            write_units_per_event: ratio(write_units, arrived),
            peak_bytes,
        })
    }

    /// What events cost from request to receipt, `events_per_request` in each, dispatched in batches of 50.
    pub(crate) async fn usage(&self, events_per_request: usize) -> anyhow::Result<Usage> {
        self.stub.set_latencies(IN_REGION);
        let mut ingest = self.start(Binary::Ingest).await?;
        let mut dispatch = self.start(Binary::Dispatch).await?;
        let mut requests =
            Requests::new(&self.world.key, if events_per_request == 1 { "cost" } else { "cost-25" });
        let messages_per_batch = BATCH / events_per_request;
        let mut usage = Usage::default();
        for round in 0..=EVENTS / BATCH {
            let (counts, stored) = (self.stub.counts(), self.stub.stored_bytes(EVENTS_TABLE));
            let logged = ingest.logged_bytes() + dispatch.logged_bytes();
            let mut of_round = Usage::default();
            for _ in 0..messages_per_batch {
                let payload = if events_per_request == 1 {
                    requests.single()
                } else {
                    requests.batch(events_per_request)
                };
                let bytes = payload.len();
                of_round.add_request(bytes, accepted(&mut ingest, payload).await?);
            }
            let messages = self.stub.take_messages();
            ensure!(messages.len() == messages_per_batch, "a request became {} messages", messages.len());
            of_round.add_batch(&messages, dispatched(&mut dispatch, &messages).await?);
            of_round.add_counts(&counts, &self.stub.counts());
            ensure!(of_round.events == BATCH as u64, "of {BATCH} events {} arrived", of_round.events);
            of_round.stored_bytes = self.stub.stored_bytes(EVENTS_TABLE) - stored;
            of_round.log_bytes += ingest.logged_bytes() + dispatch.logged_bytes() - logged;
            // The first round fills caches.
            if round > 0 {
                usage.add(&of_round);
            }
        }
        ingest.end().await?;
        dispatch.end().await?;
        self.stub.set_latencies(Latencies::default());
        Ok(usage)
    }

    pub(crate) async fn start(&self, binary: Binary) -> anyhow::Result<Function> {
        Function::start(&self.binaries.path(binary), &self.world.variables).await
    }
}

pub(crate) struct Samples {
    cpus: Vec<Duration>,
    walls: Vec<Duration>,
}

impl Samples {
    pub(crate) const fn new() -> Self {
        Self { cpus: Vec::new(), walls: Vec::new() }
    }

    /// Invokes once with each payload; processor time is read over all of them, as one may be too short to tell.
    pub(crate) async fn block(&mut self, function: &mut Function, payloads: &[Bytes]) -> anyhow::Result<()> {
        let before = function.cpu()?;
        for payload in payloads {
            self.walls.push(accepted(function, payload.clone()).await?);
        }
        let invocations = u32::try_from(payloads.len()).context("a block is small")?;
        self.cpus.push(function.cpu()?.saturating_sub(before) / invocations.max(1));
        Ok(())
    }

    pub(crate) fn median(self) -> Work {
        Work { cpu: median(self.cpus), wall: median(self.walls) }
    }
}

fn median(mut samples: Vec<Duration>) -> Duration {
    samples.sort_unstable();
    samples.get(samples.len() / 2).copied().unwrap_or_default()
}

/// The median of what one took in multiples of the other, turn by turn: what slows the machine for a while slows both
/// sides of a turn. Not a number where there is none.
fn ratio_in_turns(of: &[Duration], floor: &[Duration]) -> f64 {
    let mut ratios: Vec<f64> =
        of.iter().zip(floor).map(|(of, floor)| of.as_secs_f64() / floor.as_secs_f64()).collect();
    ratios.sort_unstable_by(f64::total_cmp);
    ratios.get(ratios.len() / 2).copied().unwrap_or(f64::NAN)
}

#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark are far below 2^52")]
pub(crate) fn ratio(a: u64, b: u64) -> f64 {
    a as f64 / b.max(1) as f64
}

/// An invocation with a request that must be accepted.
pub(crate) async fn accepted(function: &mut Function, payload: Bytes) -> anyhow::Result<Duration> {
    let answered = function.invoke(payload).await?;
    let answer: Value = serde_json::from_slice(&answered.body)?;
    ensure!(answer["statusCode"] == 202, "not accepted: {answer}");
    Ok(answered.wall)
}

/// An invocation with a batch of which nothing may be left.
pub(crate) async fn dispatched(function: &mut Function, bodies: &[String]) -> anyhow::Result<Duration> {
    let answered = function.invoke(sqs_batch(bodies)).await?;
    let answer: Value = serde_json::from_slice(&answered.body)?;
    let failures = answer["batchItemFailures"].as_array().context("no answer to a batch")?;
    ensure!(failures.is_empty(), "messages are left: {answer}");
    Ok(answered.wall)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_turn_is_slow_for_both_and_changes_no_ratio() {
        let ms = |values: &[u64]| values.iter().copied().map(Duration::from_millis).collect::<Vec<_>>();
        assert!((ratio_in_turns(&ms(&[30, 90, 30]), &ms(&[20, 60, 20])) - 1.5).abs() < 1e-9);
        assert!((ratio_in_turns(&ms(&[30, 30, 300]), &ms(&[20, 20, 20])) - 1.5).abs() < 1e-9);
        assert!(ratio_in_turns(&[], &[]).is_nan());
    }
}
