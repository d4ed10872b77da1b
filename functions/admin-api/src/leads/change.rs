//! Working on leads: status, assignee, notes.

use adrelay_core::ids::{LeadId, TenantId};
use adrelay_core::leads::{
    Change as LeadChange, ChangeError, ChangeRequest, Changed, Changes, IllegalStep, Status,
};
use adrelay_lambda::problem::{FieldError, Problem};

use super::list::UNKNOWN;
use super::read::{self, MAX_WHO, STATUSES};
use crate::answer::{Answer, created, store};
use crate::api::{AdminApi, Call, not_found};
use crate::fields::{Change, invalid_field, vouched};
use crate::ports::Ports;
use crate::rules;

fn illegal(step: IllegalStep) -> Problem {
    let legal: Vec<&str> = step.from.next().iter().map(|status| status.as_str()).collect();
    let message = format!("from {} it can become {}", step.from.as_str(), legal.join(", "));
    let error = FieldError { field: "status".to_owned(), code: "illegal_step".to_owned(), message };
    let detail = format!("{step}; it can become {}.", legal.join(", "));
    Problem::new(409, "illegal_step", detail).with_errors(vec![error])
}

fn refused(error: ChangeError) -> Problem {
    match error {
        ChangeError::Unknown => not_found(UNKNOWN),
        ChangeError::Erased => Problem::new(409, "lead_erased", "Nothing personal is kept of it any more."),
        ChangeError::Illegal(step) => illegal(step),
        ChangeError::Text(field) => invalid_field(field, "invalid", "empty or too long"),
        ChangeError::Store(error) => store(error),
    }
}

/// Who changes what.
struct Asked<'a> {
    tenant: &'a TenantId,
    lead: &'a LeadId,
    by: &'a str,
}

impl<P: Ports> AdminApi<P> {
    async fn carry_out(
        &self,
        asked: &Asked<'_>,
        change: &LeadChange,
        note: Option<&str>,
    ) -> Result<Changed, Problem> {
        let ports = &self.ports;
        let changes = Changes::new(ports.leads(), &self.pii, ports.clock(), ports.entropy());
        let Asked { tenant, lead, by } = *asked;
        changes.change(ChangeRequest { tenant, lead, by, change, note }).await.map_err(refused)
    }

    /// Each change is a write of its own. The step comes last: until it is made, the same call can be made again.
    pub(crate) async fn change_lead(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let id: LeadId = call.id(UNKNOWN)?;
        let mut fields = call.fields()?;
        let status = fields.replace("status", rules::word(STATUSES));
        let assignee = fields.change("assignee", rules::text(MAX_WHO));
        let note = fields.optional("note", read::note);
        let actor = fields.optional("actor", rules::text(MAX_WHO));
        fields.finish()?;
        call.query.finish()?;
        let lead = self.lead(&tenant, &id).await?;
        if let Some(to) = status {
            lead.doc.status.step(to).map_err(illegal)?;
        }
        let asked = Asked { tenant: &tenant, lead: &id, by: actor.as_deref().unwrap_or(&call.who.name) };
        let assign = match assignee {
            Change::Keep => None,
            Change::Clear => Some(LeadChange::Assign { to: None }),
            Change::Set(to) => Some(LeadChange::Assign { to: Some(to) }),
        };
        let step = status.map(|to| LeadChange::Status { to, worth: None });
        let mut note = note.as_deref();
        let mut now = lead;
        // A note stands with the last change; where there is none, alone.
        if let Some(assign) = &assign {
            let own = if step.is_none() { note.take() } else { None };
            now = self.carry_out(&asked, assign, own).await?.lead;
        }
        if let Some(step) = &step {
            now = self.carry_out(&asked, step, note.take()).await?.lead;
        }
        if note.is_some() {
            now = self.carry_out(&asked, &LeadChange::Note, note).await?.lead;
        }
        self.whole(now).await
    }

    pub(crate) async fn convert_lead(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let id: LeadId = call.id(UNKNOWN)?;
        let mut fields = call.fields()?;
        let worth = read::worth(&mut fields);
        let note = fields.optional("note", read::note);
        let actor = fields.optional("actor", rules::text(MAX_WHO));
        fields.finish()?;
        call.query.finish()?;
        let asked = Asked { tenant: &tenant, lead: &id, by: actor.as_deref().unwrap_or(&call.who.name) };
        let step = LeadChange::Status { to: Status::Converted, worth };
        let changed = self.carry_out(&asked, &step, note.as_deref()).await?;
        self.whole(changed.lead).await
    }

    pub(crate) async fn note_lead(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let id: LeadId = call.id(UNKNOWN)?;
        let mut fields = call.fields()?;
        let note = fields.required("note", read::note);
        let actor = fields.optional("actor", rules::text(MAX_WHO));
        fields.finish()?;
        call.query.finish()?;
        let note = vouched(note)?;
        let asked = Asked { tenant: &tenant, lead: &id, by: actor.as_deref().unwrap_or(&call.who.name) };
        let changed = self.carry_out(&asked, &LeadChange::Note, Some(&note)).await?;
        let activity = changed.activity.ok_or_else(Problem::internal)?;
        created(&self.activity(&tenant, &id, activity).await?)
    }
}
