//! track-conversion at work: what a conversion writes, how long it takes, what it costs with and without the dispatch of
//! its event.

use std::collections::BTreeMap;
use std::ops::Range;

use anyhow::ensure;
use axum::body::Bytes;
use serde::Serialize;

use crate::binaries::Binary;
use crate::cost::{Cost, Usage};
use crate::measure::{
    BATCH, BLOCK, Bench, EVENTS, IN_REGION, Samples, WARM_UP, Work, accepted, dispatched, ratio,
};
use crate::payloads::Requests;
use crate::process::Function;
use crate::stub::{Counts, Latencies};
use crate::world::{EVENTS_TABLE, PEOPLE_TABLE};

/// Whose conversion it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// Somebody's who converted before.
    Known,
    /// Somebody's of whom nothing was known.
    New,
}

/// Conversions of one kind.
#[derive(Debug, Clone)]
pub(crate) struct Tracked {
    /// Of an invocation.
    pub(crate) work: Work,
    pub(crate) write_units: f64,
    /// What the units went to, by kind of item.
    pub(crate) write_units_by_kind: BTreeMap<String, f64>,
}

/// What a million conversions cost.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Journey {
    /// From the request to the queue.
    pub(crate) tracked: Cost,
    /// From the request to the receipt.
    pub(crate) dispatched: Cost,
}

/// track-conversion, measured.
#[derive(Debug, Clone)]
pub(crate) struct Conversions {
    pub(crate) known: Tracked,
    pub(crate) new: Tracked,
    pub(crate) cost_known: Journey,
    pub(crate) cost_new: Journey,
    /// The most memory that the function had, in bytes.
    pub(crate) peak_bytes: u64,
}

/// A function and the conversions that it is handed.
struct Track<'a> {
    function: Function,
    requests: Requests<'a>,
}

impl Bench {
    /// track-conversion, one conversion a request.
    pub(crate) async fn conversions(&self) -> anyhow::Result<Conversions> {
        let mut track = self.track("track").await?;
        track.all(Of::New, 0..WARM_UP).await?;
        track.all(Of::Known, 0..WARM_UP).await?;
        let (new, known) =
            (self.tracked(&mut track, Of::New).await?, self.tracked(&mut track, Of::Known).await?);
        let messages = self.stub.take_messages().len();
        ensure!(messages == 2 * (WARM_UP + EVENTS), "conversions became {messages} messages");
        let peak_bytes = track.function.peak_bytes()?;
        track.function.end().await?;
        let (cost_new, cost_known) = (self.journey(Of::New).await?, self.journey(Of::Known).await?);
        Ok(Conversions { known, new, cost_known, cost_new, peak_bytes })
    }

    async fn tracked(&self, track: &mut Track<'_>, of: Of) -> anyhow::Result<Tracked> {
        let payloads: Vec<Bytes> = (WARM_UP..WARM_UP + EVENTS).map(|nth| track.payload(of, nth)).collect();
        let before = self.stub.counts();
        let mut samples = Samples::new();
        for block in payloads.chunks(BLOCK) {
            samples.block(&mut track.function, block).await?;
        }
        let (write_units, write_units_by_kind) = written(&before, &self.stub.counts());
        Ok(Tracked { work: samples.median(), write_units, write_units_by_kind })
    }

    /// What conversions cost, one a request, their events dispatched in batches of 50.
    async fn journey(&self, of: Of) -> anyhow::Result<Journey> {
        let rounds = 1 + EVENTS / BATCH;
        let mut track = self.track(if of == Of::New { "cost-new" } else { "cost-known" }).await?;
        if of == Of::Known {
            track.all(Of::New, 0..rounds * BATCH).await?;
            self.stub.take_messages();
        }
        let mut dispatch = self.start(Binary::Dispatch).await?;
        self.stub.set_latencies(IN_REGION);
        let [mut tracked, mut sent] = [Usage::default(), Usage::default()];
        for round in 0..rounds {
            let of_tracking = self.tracking(&mut track, of, round * BATCH..(round + 1) * BATCH).await?;
            let of_sending = self.sending(&mut dispatch).await?;
            // The first round fills caches.
            if round > 0 {
                tracked.add(&of_tracking);
                sent.add(&of_sending);
            }
        }
        self.stub.set_latencies(Latencies::default());
        track.function.end().await?;
        dispatch.end().await?;
        // Counted once, though both saw them.
        sent.add(&Usage { events: 0, ..tracked.clone() });
        Ok(Journey { tracked: Cost::of(&tracked), dispatched: Cost::of(&sent) })
    }

    async fn tracking(&self, track: &mut Track<'_>, of: Of, people: Range<usize>) -> anyhow::Result<Usage> {
        let mut usage = Usage { events: people.len() as u64, ..Usage::default() };
        let (counts, stored) = (self.stub.counts(), self.stub.stored_bytes(PEOPLE_TABLE));
        let logged = track.function.logged_bytes();
        for nth in people {
            let payload = track.payload(of, nth);
            let bytes = payload.len();
            usage.add_request(bytes, accepted(&mut track.function, payload).await?);
        }
        usage.add_counts(&counts, &self.stub.counts());
        usage.stored_bytes = self.stub.stored_bytes(PEOPLE_TABLE) - stored;
        usage.log_bytes += track.function.logged_bytes() - logged;
        Ok(usage)
    }

    async fn sending(&self, dispatch: &mut Function) -> anyhow::Result<Usage> {
        let mut usage = Usage::default();
        let (counts, stored) = (self.stub.counts(), self.stub.stored_bytes(EVENTS_TABLE));
        let logged = dispatch.logged_bytes();
        let messages = self.stub.take_messages();
        ensure!(messages.len() == BATCH, "{BATCH} conversions became {} messages", messages.len());
        usage.add_batch(&messages, dispatched(dispatch, &messages).await?);
        usage.add_counts(&counts, &self.stub.counts());
        ensure!(usage.events == BATCH as u64, "of {BATCH} events {} arrived", usage.events);
        usage.stored_bytes = self.stub.stored_bytes(EVENTS_TABLE) - stored;
        usage.log_bytes += dispatch.logged_bytes() - logged;
        Ok(usage)
    }

    async fn track(&self, series: &'static str) -> anyhow::Result<Track<'_>> {
        let function = self.start(Binary::Track).await?;
        Ok(Track { function, requests: Requests::new(&self.world.key, series) })
    }
}

impl Track<'_> {
    fn payload(&self, of: Of, nth: usize) -> Bytes {
        match of {
            Of::New => self.requests.first_conversion(nth),
            Of::Known => self.requests.further_conversion(nth),
        }
    }

    async fn all(&mut self, of: Of, people: Range<usize>) -> anyhow::Result<()> {
        for nth in people {
            let payload = self.payload(of, nth);
            accepted(&mut self.function, payload).await?;
        }
        Ok(())
    }
}

/// Write units a conversion between two readings, in all and by kind of item.
fn written(before: &Counts, after: &Counts) -> (f64, BTreeMap<String, f64>) {
    let since = |kind: &str, units: u64| {
        ratio(units - before.write_units_by_kind.get(kind).copied().unwrap_or_default(), EVENTS as u64)
    };
    let by_kind = after.write_units_by_kind.iter().map(|(kind, units)| (kind.clone(), since(kind, *units)));
    let by_kind = by_kind.filter(|(_, units)| *units > 0.0).collect();
    (ratio(after.write_units - before.write_units, EVENTS as u64), by_kind)
}
