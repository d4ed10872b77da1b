//! Erasing a person, and the receipt of it.

use adrelay_core::ids::PersonId;
use adrelay_core::people::Eraser;
use adrelay_core::ports::erasure::{ErasureRecord, ErasureState};
use adrelay_core::time::UnixMillis;
use adrelay_lambda::respond;
use serde::Serialize;

use super::{UNKNOWN, refused};
use crate::answer::{Answer, ok};
use crate::api::{AdminApi, Call, not_found};
use crate::ports::Ports;

/// How long one call works on an erasure, in milliseconds: well within the function's time, whose last step may be slow.
const BUDGET_MS: i64 = 8_000;

/// The receipt of an erasure. It holds nothing of the person but ids that adrelay made.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Erasure))]
pub(crate) struct ErasureView {
    /// Who was erased.
    person_id: String,
    /// Ids of all parts: its own, and those of persons that were merged into it.
    part_ids: Vec<String>,
    /// `running` while something is left: call again. `done` when nothing is.
    #[cfg_attr(test, schema(pattern = "^(running|done)$"))]
    state: &'static str,
    /// Since when nothing is stored or found for the person any more.
    #[cfg_attr(test, schema(format = DateTime))]
    erased_at: String,
    /// When nothing was left.
    #[cfg_attr(test, schema(format = DateTime))]
    finished_at: Option<String>,
    /// The key's name.
    by: String,
    /// What was removed, or is to be.
    counts: CountsView,
}

/// What an erasure removes.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = ErasureCounts))]
struct CountsView {
    /// The person and those who were merged into it.
    parts: u64,
    /// E-mails, phones and external ids that were known of them.
    identifiers: u64,
    /// Hashes by which events that are still queued are known for 15 days, so that they are not sent.
    tombstones: u64,
    /// Held conversions that were dropped; after an interrupted call, perhaps too few.
    holds: u64,
    /// Leads of which nothing personal is kept any more; after an interrupted call, perhaps too few.
    leads: u64,
}

impl From<ErasureRecord> for ErasureView {
    fn from(record: ErasureRecord) -> Self {
        let counts = record.counts;
        Self {
            person_id: record.person.to_string(),
            part_ids: record.parts.iter().map(PersonId::to_string).collect(),
            state: match record.state {
                ErasureState::Running => "running",
                ErasureState::Done => "done",
            },
            erased_at: record.erased_at.rfc3339(),
            finished_at: record.finished_at.map(UnixMillis::rfc3339),
            by: record.by,
            counts: CountsView {
                parts: counts.parts,
                identifiers: counts.identifiers,
                tombstones: counts.tombstones,
                holds: counts.holds,
                leads: counts.leads,
            },
        }
    }
}

type PortsEraser<'a, P> = Eraser<
    'a,
    <P as Ports>::People,
    <P as Ports>::Receipts,
    <P as Ports>::Secrets,
    <P as Ports>::Clock,
    <P as Ports>::Entropy,
    <P as Ports>::Leads,
>;

impl<P: Ports> AdminApi<P> {
    fn eraser(&self) -> PortsEraser<'_, P> {
        let ports = &self.ports;
        Eraser::new(ports.people(), ports.receipts(), &self.pii, ports.clock(), ports.entropy(), BUDGET_MS)
            .with_leads(ports.leads())
    }

    pub(crate) async fn erase_person(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        call.fields()?.finish()?;
        call.query.finish()?;
        let id: PersonId = call.id(UNKNOWN)?;
        let record = self.eraser().run(&tenant, &id, &call.who.name).await.map_err(refused)?;
        let status = if record.state == ErasureState::Done { 200 } else { 202 };
        Ok(respond::json(status, &ErasureView::from(record)))
    }

    pub(crate) async fn get_erasure(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        call.query.finish()?;
        let id: PersonId = call.id(UNKNOWN)?;
        let record = self.eraser().record_of(&tenant, &id).await.map_err(refused)?;
        ok(&ErasureView::from(record.ok_or_else(|| not_found("erasure_unknown"))?))
    }
}
