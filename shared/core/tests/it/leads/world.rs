//! A desk on parts in memory, and Meta.

use std::future::Future;
use std::pin::pin;

use adrelay_core::config::Source;
use adrelay_core::ids::{AdObjectId, FormId, LeadId, PageId, PixelId, SourceId, TenantId};
use adrelay_core::leads::{
    Announced, Answer, Change, ChangeError, ChangeRequest, Changed, Changes, LEAD_PURPOSE, Lead, LeadAds,
    LeadDesk, LeadPii, LeadWork, Report, Settings, Submission, WORK_VERSION,
};
use adrelay_core::message::{EventMessage, QueueMessage};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::clock::Clock as _;
use adrelay_core::ports::leads::LeadStore as _;
use adrelay_core::retry::Backoff;
use adrelay_core::rules::{RuleSet, default_rules};
use adrelay_core::time::UnixMillis;
use fakes::{FixedSecrets, KEYRING_PII, LOOKUP_KEY, LeadPorts};
use serde_json::Value;

use crate::bounded::{advance, up_to};

pub(crate) const PAGE: &str = "501";
pub(crate) const FORM: &str = "601";
pub(crate) const PIXEL: &str = "111";

pub(crate) struct World {
    pub(crate) parts: LeadPorts,
    pub(crate) settings: Settings,
    pub(crate) desk: LeadDesk<LeadPorts>,
}

pub(crate) fn tenant() -> TenantId {
    TenantId::parse("acme").unwrap()
}

pub(crate) fn page() -> PageId {
    PageId::parse(PAGE).unwrap()
}

pub(crate) fn form() -> FormId {
    FormId::parse(FORM).unwrap()
}

pub(crate) fn lead_id(nth: u64) -> LeadId {
    LeadId::parse(&(7_000_000_000_000_000 + nth).to_string()).unwrap()
}

pub(crate) fn source() -> Source {
    let id = SourceId::parse("shop").unwrap();
    Source {
        pixel_ids: vec![PixelId::parse(PIXEL).unwrap()],
        default_country: Some("US".to_owned()),
        ..Source::new(tenant(), id, "Shop".to_owned(), UnixMillis(0))
    }
}

fn settings() -> Settings {
    Settings {
        forward: true,
        people: true,
        keyring_pii: KEYRING_PII.to_owned(),
        lookup_key: LOOKUP_KEY.to_owned(),
        resend_s: Backoff { base_ms: 10, max_ms: 900 },
        reconcile_interval_s: 900,
        outbox_due_ms: 60_000,
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let parts = LeadPorts::default();
        parts.config.add_source(source());
        parts.config.add_page(&tenant(), &page(), &source().id, "page-token");
        parts.config.set_rules(&tenant(), RuleSet { version: 1, rules: default_rules().unwrap() });
        let settings = settings();
        Self { desk: LeadDesk::new(parts.clone(), settings.clone()), parts, settings }
    }

    /// With other settings.
    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut world = Self::new();
        change(&mut world.settings);
        world.restart();
        world
    }

    /// A new process: it remembers nothing.
    pub(crate) fn restart(&mut self) {
        self.desk = LeadDesk::new(self.parts.clone(), self.settings.clone());
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.parts.clock.now()
    }

    /// Somebody submits a lead, which an ad brought and which can be read at once.
    pub(crate) fn submit(&self, nth: u64, answers: &[(&str, &[&str])]) -> Submission {
        let submission = submission(nth, self.now().secs(), answers);
        self.parts.meta.add_lead(&form(), submission.clone(), self.now());
        submission
    }

    /// Somebody with an address of their own submits a lead.
    pub(crate) fn submit_plain(&self, nth: u64) -> Submission {
        let email = format!("p{nth}@example.com");
        self.submit(nth, &[("email", &[&email]), ("full_name", &["Jane Doe"])])
    }

    /// Meta announces leads.
    pub(crate) fn announce(&self, nths: &[u64]) {
        self.announce_of(&page(), nths);
    }

    pub(crate) fn announce_of(&self, page: &PageId, nths: &[u64]) {
        let leads = nths.iter().map(|nth| Announced {
            lead: lead_id(*nth),
            form: Some(form()),
            ad: None,
            created_at_s: Some(self.now().secs()),
        });
        let work = LeadWork::Announced {
            v: WORK_VERSION,
            page: page.clone(),
            received_at: self.now(),
            attempt: 0,
            leads: leads.collect(),
        };
        self.parts.leads_queue.push(work.body().unwrap(), 0);
    }

    /// Receives a batch of 10 and works on it, where there is one.
    pub(crate) async fn batch(&self) -> Option<Report> {
        self.batch_of(10).await
    }

    /// Receives a batch of at most so many messages and works on it, where there is one.
    pub(crate) async fn batch_of(&self, max: usize) -> Option<Report> {
        let received = self.parts.leads_queue.receive(max);
        if received.is_empty() {
            return None;
        }
        let work = received.iter().map(|message| LeadWork::parse(&message.body).unwrap()).collect();
        let (failed, report) = self.desk.handle(work, UnixMillis(i64::MAX)).await;
        for (place, message) in received.iter().enumerate() {
            if !failed.contains(&place) {
                self.parts.leads_queue.delete(message.id);
            }
        }
        Some(report)
    }

    /// Works on what can be received now.
    pub(crate) async fn drain(&self) -> Report {
        let mut all = Report::default();
        for _ in up_to::<u32>(10_000) {
            let Some(report) = self.batch().await else { break };
            all.add(report);
        }
        all
    }

    /// Works until the queue is empty, however long that takes; ≤ 1,000 batches.
    pub(crate) async fn settle(&self) -> Report {
        let mut all = Report::default();
        for _ in 0..1_000 {
            all.add(self.drain().await);
            let Some(next) = self.parts.leads_queue.next_visible_at() else { return all };
            self.parts.clock.advance_to(next);
        }
        panic!("the queue does not empty");
    }

    /// A tick of the schedule, late enough for what a crash left.
    pub(crate) async fn sweep(&self) -> Report {
        self.try_sweep().await.unwrap()
    }

    /// The same, where the store may fail.
    pub(crate) async fn try_sweep(&self) -> Result<Report, StoreError> {
        self.parts.clock.advance_ms(60_000);
        self.desk.sweep(UnixMillis(i64::MAX)).await
    }

    /// Sweeps until nothing is left to be told, whatever fails meanwhile; ≤ 20 times.
    pub(crate) async fn sweep_all(&self) {
        for _ in up_to::<u32>(20) {
            if self.try_sweep().await.is_ok() && self.parts.leads.outbox().is_empty() {
                break;
            }
        }
    }

    /// Works on a message for so many steps, then dies; it becomes visible again later. Whether it was done with.
    pub(crate) async fn batch_and_die(&self, steps: usize) -> bool {
        die(self.batch_of(1), steps).await
    }

    pub(crate) async fn lead(&self, nth: u64) -> Option<Lead> {
        self.parts.leads.lead(&tenant(), &lead_id(nth)).await.unwrap()
    }

    pub(crate) async fn pii(&self, lead: &Lead) -> LeadPii {
        let pii = FixedSecrets::pii();
        let sealed = lead.sealed.as_deref().unwrap();
        let opened = pii.open(&lead.tenant, lead.id.as_str(), LEAD_PURPOSE, sealed).await.unwrap();
        serde_json::from_str(opened.expose()).unwrap()
    }

    pub(crate) async fn change(
        &self,
        nth: u64,
        change: Change,
        note: Option<&str>,
    ) -> Result<Changed, ChangeError> {
        let pii = FixedSecrets::pii();
        let changes = Changes::new(&self.parts.leads, &pii, &self.parts.clock, &self.parts.entropy);
        let (tenant, lead) = (tenant(), lead_id(nth));
        let request =
            ChangeRequest { tenant: &tenant, lead: &lead, by: "Ann of sales", change: &change, note };
        changes.change(request).await
    }

    /// Messages for Meta.
    pub(crate) fn messages(&self) -> Vec<EventMessage> {
        let messages = self.parts.events.bodies().into_iter().map(|body| {
            let QueueMessage::Events(message) = QueueMessage::parse(&body).unwrap() else {
                panic!("no events")
            };
            message
        });
        messages.collect()
    }

    /// Events for Meta whose id begins so.
    pub(crate) fn events(&self, id: &str) -> Vec<Value> {
        let messages = self.messages();
        let events = messages.iter().flat_map(|message| &message.events);
        let events = events.map(|event| serde_json::from_str::<Value>(event.json()).unwrap());
        events.filter(|event| event["event_id"].as_str().unwrap().starts_with(id)).collect()
    }

    /// Events that tell stages of a lead.
    pub(crate) fn stages(&self, nth: u64) -> Vec<Value> {
        self.events(&format!("lead-{}-", lead_id(nth)))
    }
}

/// Lets `work` run for so many steps of its stores, then drops it. Whether it was done by then.
pub(crate) async fn die(work: impl Future, steps: usize) -> bool {
    advance(pin!(work), steps).await.is_some()
}

pub(crate) fn submission(nth: u64, created_at_s: i64, answers: &[(&str, &[&str])]) -> Submission {
    let answer = |(name, values): &(&str, &[&str])| Answer {
        name: (*name).to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    let id = |id: u64| Some(AdObjectId::parse(&id.to_string()).unwrap());
    Submission {
        id: lead_id(nth),
        form: Some(form()),
        created_at_s,
        ads: LeadAds {
            ad_id: id(8_000 + nth),
            ad_name: Some("Ad one".to_owned()),
            adset_id: id(810),
            adset_name: Some("Set one".to_owned()),
            campaign_id: id(820),
            campaign_name: Some("Spring sale".to_owned()),
        },
        platform: Some("ig".to_owned()),
        is_organic: false,
        answers: answers.iter().map(answer).collect(),
        disclaimers: Vec::new(),
        extra: serde_json::Map::new(),
    }
}
