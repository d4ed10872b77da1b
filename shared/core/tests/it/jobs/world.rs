//! A job worker on in-memory ports, with a loop that plays Lambda's event source mapping.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::pin::pin;
use std::sync::OnceLock;

use adrelay_core::config::Webhook;
use adrelay_core::ids::{FormId, JobId, LeadId, PageId, SourceId, TenantId};
use adrelay_core::jobs::{
    JOB_WORK_VERSION, Job, JobState, JobWork, JobWorker, Report, Settings, WEBHOOK_OWNER, WEBHOOK_PURPOSE,
    WebhookKey, export_job, export_key,
};
use adrelay_core::leads::{
    Activity, ActivityKind, Answer, Arrival, Contact, LEAD_PURPOSE, Lead, LeadAds, LeadDoc, LeadPii,
    LeadQuery, Status,
};
use adrelay_core::ports::clock::Clock as _;
use adrelay_core::ports::jobs::JobStore as _;
use adrelay_core::ports::leads::{LeadStore as _, LeadWrite};
use adrelay_core::ports::secrets::Secrets as _;
use adrelay_core::retry::Backoff;
use adrelay_core::seal::{Keyring, SealContext, Secret};
use adrelay_core::time::UnixMillis;
use fakes::{FixedSecrets, JobPorts, KEYRING_PII, MemoryFiles, MemoryLeads, NOON};

/// An invocation's time.
pub(crate) const INVOCATION_MS: i64 = 60_000;

/// The key of every webhook.
pub(crate) const KEY: [u8; 32] = [5; 32];

pub(crate) struct World {
    pub(crate) worker: JobWorker<JobPorts>,
    pub(crate) settings: Settings,
    pub(crate) tenant: TenantId,
    pub(crate) report: RefCell<Report>,
}

pub(crate) fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

impl World {
    pub(crate) fn new() -> Self {
        let ports = JobPorts::over(MemoryLeads::default(), MemoryFiles::default());
        let settings = settings();
        Self {
            worker: JobWorker::new(ports, settings.clone()),
            settings,
            tenant: tenant("acme"),
            report: RefCell::default(),
        }
    }

    /// A world whose files have small parts.
    pub(crate) fn with_parts_of(bytes: usize) -> Self {
        let ports = JobPorts::over(MemoryLeads::default(), MemoryFiles::default());
        ports.files.set_min_part_bytes(bytes);
        let settings = Settings { part_bytes: bytes, ..settings() };
        Self { worker: JobWorker::new(ports, settings.clone()), settings, ..Self::new() }
    }

    pub(crate) fn ports(&self) -> &JobPorts {
        self.worker.ports()
    }

    /// Stores `count` leads, a second apart, each with an answer that looks like a formula.
    pub(crate) async fn submit(&self, count: usize) {
        for nth in 0..count {
            self.store(&lead(&self.tenant, nth, &pii(nth))).await;
        }
    }

    /// The same, where most leads were erased: one of 50 holds something sealed.
    pub(crate) async fn submit_few_sealed(&self, count: usize) {
        let some = lead(&self.tenant, 0, &pii(0));
        for nth in 0..count {
            let sealed = if nth % 50 == 0 { lead(&self.tenant, nth, &pii(nth)).sealed } else { None };
            let created_at_s = some.doc.created_at_s + i64::try_from(nth).unwrap();
            let doc = LeadDoc { created_at_s, ..some.doc.clone() };
            let id = LeadId::parse(&(1_000_000 + nth).to_string()).unwrap();
            self.store(&Lead { id, doc, sealed, ..some.clone() }).await;
        }
    }

    pub(crate) async fn store(&self, lead: &Lead) {
        let activity = Activity {
            nth: 1,
            at: lead.doc.stored_at,
            by: "adrelay".to_owned(),
            what: ActivityKind::Created { arrival: lead.doc.arrival },
            sealed_note: None,
        };
        let write = LeadWrite { lead, activity: &activity, feedback: None, outbox: &[] };
        self.ports().leads.create(write).await.unwrap();
    }

    /// Asks for an export.
    pub(crate) async fn export(&self, query: LeadQuery) -> JobId {
        let id = JobId::parse("job_1").unwrap();
        let job = export_job(&self.tenant, id.clone(), query, "crm", NOON);
        self.ports().jobs.save_job(&job).await.unwrap();
        let work =
            JobWork::Export { v: JOB_WORK_VERSION, tenant: self.tenant.clone(), job: id.clone(), attempt: 0 };
        self.ports().queue.push(work.body().unwrap(), 0);
        id
    }

    pub(crate) fn all(&self) -> LeadQuery {
        LeadQuery::all(self.tenant.clone(), 1)
    }

    pub(crate) fn job(&self) -> Job {
        self.ports().jobs.all().remove(0)
    }

    /// Another process.
    pub(crate) fn another(&self) -> JobWorker<JobPorts> {
        JobWorker::new(self.ports().clone(), self.settings.clone())
    }

    /// Receives once and works on it.
    pub(crate) async fn step(&self) {
        self.step_by(&self.worker).await;
    }

    /// Has a process receive once and work on it.
    pub(crate) async fn step_by(&self, worker: &JobWorker<JobPorts>) {
        let received = self.ports().queue.receive(10);
        let works = received.iter().map(|one| JobWork::parse(&one.body).unwrap()).collect();
        let deadline = self.ports().clock.now().plus_ms(INVOCATION_MS);
        let (failed, report) = worker.handle(works, deadline).await;
        self.report.borrow_mut().add(&report);
        for (place, message) in received.iter().enumerate() {
            if !failed.contains(&place) {
                self.ports().queue.delete(message.id);
            }
        }
    }

    /// Receives and works until nothing is queued any more; ≤ `rounds`.
    pub(crate) async fn run(&self, rounds: usize) {
        for _ in 0..rounds {
            let Some(at) = self.ports().queue.next_visible_at() else { return };
            self.ports().clock.advance_to(at);
            self.step().await;
        }
        assert_eq!(self.ports().queue.bodies(), [""; 0], "after {rounds} rounds");
    }

    /// Receives and works, and dies after so many steps; whether it ended before.
    pub(crate) async fn die_after(&self, steps: usize) -> bool {
        let mut work = pin!(self.step());
        for _ in 0..steps {
            if futures_util::poll!(work.as_mut()).is_ready() {
                return true;
            }
            // Whatever woke it meanwhile is heard only by a runtime that gets its turn.
            tokio::task::yield_now().await;
        }
        false
    }

    /// The finished file's rows, by column; checks that each lead stands there once.
    pub(crate) fn rows(&self) -> Vec<HashMap<String, String>> {
        let job = self.job();
        assert_eq!(job.state, JobState::Done, "{:?}", job.error);
        let key = export_key(&self.tenant, &job.id);
        assert_eq!(job.file.as_ref(), Some(&key));
        let file = self.ports().files.file(&key).expect("a file");
        assert_eq!(file.content_type, "text/csv; charset=utf-8");
        let text = String::from_utf8(file.bytes).unwrap();
        let text = text.strip_prefix('\u{feff}').expect("a byte order mark");
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<HashMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
        let ids: BTreeSet<&String> = rows.iter().map(|row| &row["lead_id"]).collect();
        assert_eq!(ids.len(), rows.len(), "each lead once");
        assert_eq!(job.done, rows.len() as u64);
        assert_eq!(job.total, Some(job.done));
        rows
    }

    /// Lets a tenant be told at `url`.
    pub(crate) fn webhook(&self, tenant: &TenantId, url: &str) {
        let secret = WebhookKey::secret(&KEY);
        let context = SealContext { tenant: tenant.as_str(), owner: WEBHOOK_OWNER, purpose: WEBHOOK_PURPOSE };
        let sealed_secret = keyring().seal(context, &secret, [1; 12]).unwrap();
        self.ports().config.set_webhook(Webhook {
            tenant_id: tenant.clone(),
            url: url.to_owned(),
            sealed_secret,
            enabled: true,
            created_at: NOON,
            updated_at: NOON,
        });
    }

    /// Queues that a tenant is to be told of a lead.
    pub(crate) fn announce(&self, tenant: &TenantId, lead: &str) {
        let work = JobWork::Webhook {
            v: JOB_WORK_VERSION,
            tenant: tenant.clone(),
            lead: LeadId::parse(lead).unwrap(),
            delivery: format!("msg_{tenant}_{lead}"),
            first_at: NOON,
            attempt: 0,
        };
        self.ports().queue.push(work.body().unwrap(), 0);
    }
}

/// Both keyrings are one in tests.
pub(crate) fn settings() -> Settings {
    Settings {
        keyring_tokens: KEYRING_PII.to_owned(),
        keyring_pii: KEYRING_PII.to_owned(),
        resend_s: Backoff { base_ms: 10, max_ms: 900 },
        webhook_tries_max: 12,
        part_bytes: adrelay_core::jobs::PART_BYTES,
    }
}

pub(crate) fn keyring() -> &'static Keyring {
    static KEYRING: OnceLock<Keyring> = OnceLock::new();
    KEYRING.get_or_init(|| {
        let secret = fakes::at_once(FixedSecrets::default().secret(KEYRING_PII)).unwrap();
        Keyring::parse(secret.expose()).unwrap()
    })
}

pub(crate) fn pii(nth: usize) -> LeadPii {
    let answer =
        Answer { name: "why".to_owned(), values: vec![format!("=HYPERLINK({nth})"), "b".to_owned()] };
    let contact = Contact { email: Some(format!("p{nth}@example.com")), ..Contact::default() };
    LeadPii { answers: vec![answer], contact, ..LeadPii::default() }
}

pub(crate) fn lead(tenant: &TenantId, nth: usize, pii: &LeadPii) -> Lead {
    let id = LeadId::parse(&(1_000_000 + nth).to_string()).unwrap();
    let context = SealContext { tenant: tenant.as_str(), owner: id.as_str(), purpose: LEAD_PURPOSE };
    let text = Secret::new(serde_json::to_string(pii).unwrap());
    let sealed = keyring().seal(context, &text, [2; 12]).unwrap();
    let created_at_s = NOON.secs() - 1_000_000 + i64::try_from(nth).unwrap();
    let doc = LeadDoc {
        page: PageId::parse("10").unwrap(),
        form: FormId::parse("20").unwrap(),
        source: SourceId::parse("shop").unwrap(),
        created_at_s,
        stored_at: UnixMillis::from_secs(created_at_s),
        arrival: Arrival::Webhook,
        test: false,
        ads: LeadAds::default(),
        platform: None,
        is_organic: false,
        person: None,
        status: Status::New,
        assignee: None,
        contacted_at: None,
        converted_at: None,
        worth: None,
        last_event_s: None,
        updated_at: UnixMillis::from_secs(created_at_s),
        erased_at: None,
    };
    Lead { tenant: tenant.clone(), id, rev: 0, doc, texts: BTreeSet::new(), sealed: Some(sealed) }
}
