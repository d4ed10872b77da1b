//! Calls of tenants' webhooks: at least once, signed, tried again with a growing delay, a dead letter in the end.
//!
//! A call waits in the queue, never in an invocation. What became of it stands in its [`Delivery`].

use super::announcement;
use super::delivery::{Delivery, DeliveryState};
use super::job::JobWork;
use super::report::Report;
use super::signature::{WEBHOOK_OWNER, WEBHOOK_PURPOSE, WebhookKey};
use super::worker::{Fate, JobWorker, Ports};
use crate::config::Webhook;
use crate::ids::{LeadId, TenantId};
use crate::leads::{LEAD_PURPOSE, Lead, LeadPii};
use crate::ports::StoreError;
use crate::ports::config::PageDirectory as _;
use crate::ports::jobs::DeliveryStore as _;
use crate::ports::leads::LeadStore as _;
use crate::ports::outside::{OutsideCall, OutsideCaller as _};
use crate::ports::vault::CredentialError;
use crate::seal::SealContext;
use crate::time::UnixMillis;

/// The status with which a receiver says that it wants no more calls (Standard Webhooks; HTTP's `410 Gone`).
const GONE: u16 = 410;

/// A try that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Failure {
    /// Why: a stable code.
    code: &'static str,
    http_status: Option<u16>,
    /// Whether it is not to be tried again.
    is_final: bool,
}

impl Failure {
    const fn of(code: &'static str) -> Self {
        Self { code, http_status: None, is_final: false }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::of(match error {
            StoreError::Unavailable(_) | StoreError::Conflict => "store_unavailable",
            StoreError::Corrupt(_) => "stored_data_unreadable",
        })
    }
}

/// What is asked for, or why there is no call to be made.
enum Ready {
    Call(OutsideCall),
    /// A stable code; to be noted only where a delivery stands there already.
    Pointless(&'static str),
    /// A stable code; a dead letter that can be asked for again.
    Held(&'static str),
}

/// The message, taken apart.
#[derive(Debug, Clone, Copy)]
struct Task<'a> {
    tenant: &'a TenantId,
    lead: &'a LeadId,
    id: &'a str,
    first_at: UnixMillis,
    attempt: u32,
}

impl Task<'_> {
    fn delivery(&self, state: DeliveryState, now: UnixMillis) -> Delivery {
        Delivery {
            tenant: self.tenant.clone(),
            id: self.id.to_owned(),
            lead: self.lead.clone(),
            state,
            attempts: self.attempt + 1,
            first_at: self.first_at,
            last_at: now,
            next_at: None,
            http_status: None,
            error: None,
        }
    }
}

impl<P: Ports> JobWorker<P> {
    pub(super) async fn deliver(&self, work: &JobWork, report: &mut Report) -> Fate {
        let JobWork::Webhook { tenant, lead, delivery, first_at, attempt, .. } = work else {
            return Fate::Done;
        };
        let task = Task { tenant, lead, id: delivery, first_at: *first_at, attempt: *attempt };
        let known = self.ports.jobs().delivery(tenant, delivery).await;
        let known = match known {
            Ok(Some(known)) if known.state == DeliveryState::Delivered => {
                report.needless += 1;
                return Fate::Done;
            }
            Ok(known) => known,
            Err(error) => return self.failed(&task, work, error.into(), report).await,
        };
        match self.ready(&task).await {
            Ok(Ready::Call(call)) => match self.call(call).await {
                Ok(status) => {
                    report.delivered += 1;
                    let delivery = Delivery {
                        http_status: Some(status),
                        ..task.delivery(DeliveryState::Delivered, self.now())
                    };
                    self.note(&delivery).await
                }
                Err(failure) => self.failed(&task, work, failure, report).await,
            },
            Ok(Ready::Pointless(_)) if known.is_none() => {
                report.needless += 1;
                Fate::Done
            }
            Ok(Ready::Pointless(code) | Ready::Held(code)) => {
                report.needless += 1;
                let dead = task.delivery(DeliveryState::Dead, self.now());
                let attempts = known.map_or(0, |known| known.attempts);
                self.note(&Delivery { error: Some(code.to_owned()), attempts, ..dead }).await
            }
            Err(failure) => self.failed(&task, work, failure, report).await,
        }
    }

    /// The call that is to be made.
    async fn ready(&self, task: &Task<'_>) -> Result<Ready, Failure> {
        let webhook = match self.ports.config().webhook_of(task.tenant).await? {
            None => return Ok(Ready::Pointless("webhook_removed")),
            Some(webhook) if !webhook.enabled => return Ok(Ready::Held("webhook_disabled")),
            Some(webhook) => webhook,
        };
        let lead = match self.ports.leads().lead(task.tenant, task.lead).await? {
            None => return Ok(Ready::Pointless("lead_unknown")),
            Some(lead) if lead.doc.erased_at.is_some() => return Ok(Ready::Pointless("lead_erased")),
            Some(lead) => lead,
        };
        let pii = self.pii_of(&lead).await?;
        let body = announcement::body(task.id, task.first_at, task.tenant, &lead, &pii);
        let timestamp_s = self.now().secs();
        let key = self.key(&webhook).await?;
        let signature = key.signature(task.id, timestamp_s, &body).ok_or(Failure::of("secret_unreadable"))?;
        let headers = vec![
            ("webhook-id", task.id.to_owned()),
            ("webhook-timestamp", timestamp_s.to_string()),
            ("webhook-signature", signature),
        ];
        Ok(Ready::Call(OutsideCall { url: webhook.url, headers, body }))
    }

    async fn pii_of(&self, lead: &Lead) -> Result<LeadPii, Failure> {
        let Some(sealed) = &lead.sealed else { return Ok(LeadPii::default()) };
        let context =
            SealContext { tenant: lead.tenant.as_str(), owner: lead.id.as_str(), purpose: LEAD_PURPOSE };
        let opened = self.pii.open(context, sealed).await.map_err(|error| match error {
            CredentialError::Unavailable(_) => Failure::of("keyring_unavailable"),
            CredentialError::Unreadable(_) => Failure::of("lead_unreadable"),
        })?;
        serde_json::from_str(opened.expose()).map_err(|_| Failure::of("lead_unreadable"))
    }

    async fn key(&self, webhook: &Webhook) -> Result<WebhookKey, Failure> {
        let context = SealContext {
            tenant: webhook.tenant_id.as_str(),
            owner: WEBHOOK_OWNER,
            purpose: WEBHOOK_PURPOSE,
        };
        let secret =
            self.tokens.open(context, &webhook.sealed_secret).await.map_err(|error| match error {
                CredentialError::Unavailable(_) => Failure::of("keyring_unavailable"),
                CredentialError::Unreadable(_) => Failure::of("secret_unreadable"),
            })?;
        WebhookKey::parse(&secret).ok_or(Failure::of("secret_unreadable"))
    }

    /// Makes the call: the status of a receiver that took it.
    async fn call(&self, call: OutsideCall) -> Result<u16, Failure> {
        let status = self.ports.outside().post(call).await.map_err(|fault| Failure::of(fault.code))?;
        if (200..300).contains(&status) {
            return Ok(status);
        }
        let is_final = status == GONE;
        let code = if is_final { "gone" } else { "http_status" };
        Err(Failure { code, http_status: Some(status), is_final })
    }

    /// Tries again later, or never.
    async fn failed(&self, task: &Task<'_>, work: &JobWork, failure: Failure, report: &mut Report) -> Fate {
        let now = self.now();
        let tries = task.attempt.saturating_add(1);
        let failed = Delivery {
            http_status: failure.http_status,
            error: Some(failure.code.to_owned()),
            ..task.delivery(DeliveryState::Dead, now)
        };
        if failure.is_final || tries >= self.settings.webhook_tries_max {
            let noted = self.note(&failed).await;
            report.dead += u64::from(noted == Fate::Done);
            return noted;
        }
        let delay_s = self.delay_s(tries);
        let next_at = now.plus_ms(i64::try_from(delay_s).unwrap_or(0) * 1_000);
        // A lost note changes nothing: the message goes on, and the next try notes what became of it.
        let retrying = Delivery { state: DeliveryState::Retrying, next_at: Some(next_at), ..failed };
        let _ = self.note(&retrying).await;
        let mut next = work.clone();
        if let JobWork::Webhook { attempt, .. } = &mut next {
            *attempt = tries;
        }
        let sent = self.resend(task.tenant, &next, delay_s, report).await;
        report.retried += u64::from(sent == Fate::Done);
        sent
    }

    /// Writes what became of a call. What can't be written is received again: better told twice than not known.
    async fn note(&self, delivery: &Delivery) -> Fate {
        match self.ports.jobs().put_delivery(delivery).await {
            Ok(()) => Fate::Done,
            Err(_) => Fate::Again,
        }
    }
}
