//! A tenant with two pages of two forms each, Meta, and a loop that plays Lambda.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::task::Poll;

use adrelay_core::config::Source;
use adrelay_core::ids::{JobId, LeadId, PixelId};
use adrelay_core::jobs::{Job, JobKind, JobState};
use adrelay_core::leads::reconcile::{
    FormLook, FormReport, FormSlice, FormTask, PageLook, PageTask, SyncPlan,
};
use adrelay_core::leads::{Announced, Arrival, FormDay, LeadDesk, LeadWork, Settings, WORK_VERSION};
use adrelay_core::ports::clock::Clock as _;
use adrelay_core::ports::jobs::JobStore as _;
use adrelay_core::ports::leads::FormStore as _;
use adrelay_core::retry::Backoff;
use adrelay_core::time::UnixMillis;
use fakes::{KEYRING_PII, LOOKUP_KEY, LeadPorts};

use crate::bounded::up_to;
use crate::reconcile::data::{meta_form, page, source, submission, tenant};

pub(crate) const TOKEN: &str = "page-token";
pub(crate) const PAGES: [&str; 2] = ["71", "72"];
/// The first two are the first page's.
pub(crate) const FORMS: [&str; 4] = ["711", "712", "721", "722"];
pub(crate) const DAY_S: i64 = 86_400;
pub(crate) const INTERVAL_S: i64 = 900;

/// Messages that a test may need: more is a loop without an end.
const MAX_MESSAGES: usize = 5_000;

/// What the messages of a test came to.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) pages: Vec<PageLook>,
    pub(crate) forms: Vec<FormLook>,
    pub(crate) messages: usize,
    /// Leads that slices say they have stored.
    pub(crate) found: u64,
}

impl Seen {
    pub(crate) fn reports(&self) -> Vec<&FormReport> {
        let ended = self.forms.iter().filter_map(|look| match look {
            FormLook::Ended(report) => Some(report),
            _ => None,
        });
        ended.collect()
    }
}

pub(crate) struct World {
    pub(crate) parts: LeadPorts,
    /// One process, with its caches.
    desk: LeadDesk<LeadPorts>,
}

impl World {
    pub(crate) fn new() -> Self {
        let parts = LeadPorts::default();
        parts.config.add_source(Source {
            pixel_ids: vec![PixelId::parse("111").unwrap()],
            default_country: Some("US".to_owned()),
            ..Source::new(tenant(), source(), "Shop".to_owned(), UnixMillis(0))
        });
        for id in PAGES {
            parts.config.add_page(&tenant(), &page(id), &source(), TOKEN);
            parts.meta.set_subscribed(&page(id), true);
        }
        for id in FORMS {
            parts.meta.add_form(&page(&id[..2]), meta_form(id));
        }
        let desk = desk(&parts);
        Self { parts, desk }
    }

    pub(crate) fn desk(&self) -> &LeadDesk<LeadPorts> {
        &self.desk
    }

    /// Another process, with caches of its own.
    pub(crate) fn another(&self) -> LeadDesk<LeadPorts> {
        desk(&self.parts)
    }

    /// Has another process work on what can be received, until that is nothing.
    pub(crate) async fn drain_by(&self, desk: &LeadDesk<LeadPorts>) {
        let mut seen = Seen::default();
        for _ in up_to::<u32>(500) {
            let Some(message) = self.parts.leads_queue.receive(1).pop() else { break };
            let work = LeadWork::parse(&message.body).unwrap();
            if work_on(desk, work, self.now(), &mut seen).await {
                self.parts.leads_queue.delete(message.id);
            }
        }
    }

    /// As after the process has died: nothing is remembered.
    pub(crate) fn restart(&mut self) {
        self.desk = desk(&self.parts);
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.parts.clock.now()
    }

    pub(crate) fn advance_s(&self, s: i64) {
        self.parts.clock.advance_ms(s * 1_000);
    }

    /// A lead of a form, submitted so many seconds ago, that can be read at once.
    pub(crate) fn submit(&self, form: &str, id: u64, ago_s: i64) -> LeadId {
        let submission = submission(form, id, self.now().secs() - ago_s);
        let lead = submission.id.clone();
        self.parts.meta.add_lead(&crate::reconcile::data::form(form), submission, self.now());
        lead
    }

    /// A webhook tells of a lead, and it is fetched.
    pub(crate) async fn announce(&self, form: &str, lead: &LeadId) {
        let announced = Announced {
            lead: lead.clone(),
            form: Some(crate::reconcile::data::form(form)),
            ad: None,
            created_at_s: None,
        };
        let work = LeadWork::Announced {
            v: WORK_VERSION,
            page: page(&form[..2]),
            received_at: self.now(),
            attempt: 0,
            leads: vec![announced],
        };
        let (failed, _) = self.desk.handle(vec![work], self.now().plus_ms(60_000)).await;
        assert!(failed.is_empty());
    }

    /// A job that asks for a look at these pages, with its messages.
    pub(crate) async fn ask(&self, id: &str, pages: &[&str], days: Option<u16>) {
        let (id, now) = (JobId::parse(id).unwrap(), self.now());
        let plan = SyncPlan::new(pages.iter().map(|id| page(id)), days);
        let job = Job {
            tenant: tenant(),
            id: id.clone(),
            rev: 0,
            kind: JobKind::LeadSync,
            state: JobState::Queued,
            done: 0,
            total: None,
            created_at: now,
            by: "key".to_owned(),
            updated_at: now,
            finished_at: None,
            error: None,
            file: None,
            plan: serde_json::to_value(plan).unwrap(),
        };
        self.parts.jobs.save_job(&job).await.unwrap();
        for page in pages {
            self.push_page(page, days, Some(id.clone()));
        }
    }

    pub(crate) fn push_page(&self, id: &str, days: Option<u16>, job: Option<JobId>) {
        let work =
            LeadWork::Page { v: WORK_VERSION, tenant: tenant(), page: page(id), attempt: 0, days, job };
        self.parts.leads_queue.push(work.body().unwrap(), 0);
    }

    pub(crate) fn job(&self, id: &str) -> Job {
        self.parts.jobs.all().into_iter().find(|job| job.id.as_str() == id).unwrap()
    }

    /// One turn: every page is looked at and every run goes to its end, with as much time as it wants.
    pub(crate) async fn reconcile(&self) -> Seen {
        self.advance_s(INTERVAL_S);
        self.desk.reconcile_tick(self.later()).await.unwrap();
        self.drain(self.later()).await
    }

    /// Later than anything that a test does.
    pub(crate) fn later(&self) -> UnixMillis {
        self.now().plus_ms(400 * DAY_S * 1_000)
    }

    /// Works through the queue until it is empty; nobody else does.
    pub(crate) async fn drain(&self, until: UnixMillis) -> Seen {
        let seen = self.drain_some(MAX_MESSAGES, until).await;
        assert!(seen.messages < MAX_MESSAGES, "no end");
        seen
    }

    /// Works through so many messages.
    pub(crate) async fn drain_some(&self, messages: usize, until: UnixMillis) -> Seen {
        let mut seen = Seen::default();
        while seen.messages < messages
            && let Some(at) = self.parts.leads_queue.next_visible_at()
        {
            self.parts.clock.advance_to(at);
            for message in self.parts.leads_queue.receive(1) {
                seen.messages += 1;
                let work = LeadWork::parse(&message.body).unwrap();
                if work_on(&self.desk, work, until, &mut seen).await {
                    self.parts.leads_queue.delete(message.id);
                }
            }
        }
        seen
    }

    /// Lets the process work on what can be received for so many steps of its stores, then kills it: the message in hand is
    /// received again. Whether the queue was empty by then.
    pub(crate) async fn drain_and_die(&mut self, steps: usize) -> bool {
        let done = {
            let mut work = pin!(self.drain(self.now()));
            let mut left = steps;
            poll_fn(|context| {
                let polled = work.as_mut().poll(context);
                left = left.saturating_sub(1);
                match polled {
                    Poll::Ready(_) => Poll::Ready(true),
                    Poll::Pending if left == 0 => Poll::Ready(false),
                    Poll::Pending => Poll::Pending,
                }
            })
            .await
        };
        self.restart();
        done
    }

    /// Days of a form that have anything to tell.
    pub(crate) async fn days(&self, form: &str) -> Vec<FormDay> {
        let to = self.now().utc_day();
        let from = UnixMillis::from_secs(self.now().secs() - 95 * DAY_S).utc_day();
        self.parts.leads.days(&tenant(), &crate::reconcile::data::form(form), &from, &to).await.unwrap()
    }

    /// Sums over a form's days: at Meta, stored, by webhook, by poll.
    pub(crate) async fn sums(&self, form: &str) -> [u64; 4] {
        self.days(form).await.iter().fold([0; 4], |sums, day| {
            let check = day.check.map_or([0, 0], |check| [check.at_meta, check.stored]);
            let of = [check[0], check[1], day.by_webhook, day.by_poll];
            std::array::from_fn(|nth| sums[nth] + of[nth])
        })
    }

    /// How many leads came by this way.
    pub(crate) fn came_by(&self, arrival: Arrival) -> usize {
        self.parts.leads.all().iter().filter(|lead| lead.doc.arrival == arrival).count()
    }

    /// Every lead was stored once, told once to the bus, and became one person; nothing waits to be told.
    pub(crate) fn assert_each_once(&self, leads: usize, context: &str) {
        assert_eq!(self.parts.leads.all().len(), leads, "leads {context}");
        assert_eq!(self.parts.people.roots().len(), leads, "people {context}");
        let mut told: Vec<String> =
            self.parts.bus.events().iter().map(|event| event.detail["lead_id"].to_string()).collect();
        told.sort();
        told.dedup();
        assert_eq!(told.len(), leads, "told {context}");
        assert_eq!(self.parts.leads.outbox(), [], "outbox {context}");
    }
}

fn desk(parts: &LeadPorts) -> LeadDesk<LeadPorts> {
    let settings = Settings {
        forward: true,
        people: true,
        keyring_pii: KEYRING_PII.to_owned(),
        lookup_key: LOOKUP_KEY.to_owned(),
        resend_s: Backoff { base_ms: 10, max_ms: 900 },
        reconcile_interval_s: INTERVAL_S,
        outbox_due_ms: 60_000,
    };
    LeadDesk::new(parts.clone(), settings)
}

/// Whether the message is done with.
async fn work_on(desk: &LeadDesk<LeadPorts>, work: LeadWork, until: UnixMillis, seen: &mut Seen) -> bool {
    match work {
        LeadWork::Announced { .. } => desk.handle(vec![work], until).await.0.is_empty(),
        LeadWork::Page { tenant, page, attempt, days, job, .. } => {
            let look = desk.look_at_page(&PageTask { tenant, page, attempt, days, job }).await;
            look.map(|look| seen.pages.push(look)).is_ok()
        }
        LeadWork::Form { tenant, page, form, run, attempt, .. } => {
            let task = FormTask { tenant, page, form, run, attempt };
            let slice = desk.look_through_form(&task, until).await;
            let take = |slice: FormSlice| {
                seen.found += slice.found;
                seen.forms.push(slice.look);
            };
            slice.map(take).is_ok()
        }
    }
}
