//! The function on parts in memory, and Meta.

use adrelay_core::config::Source;
use adrelay_core::ids::{FormId, LeadId, PageId, SourceId, TenantId};
use adrelay_core::leads::{Answer, LeadAds, LeadDesk, Ports, Settings, Submission};
use adrelay_core::ports::clock::Clock as _;
use adrelay_core::retry::Backoff;
use adrelay_core::time::UnixMillis;
use fakes::{
    FixedSecrets, FixedVault, KEYRING_PII, LOOKUP_KEY, MemoryBus, MemoryConfig, MemoryJobs, MemoryLeads,
    MemoryLeadsApi, MemoryPeople, MemoryQueue, NOON, QueueRules, SeededEntropy, VirtualClock,
};
use lead_worker::LeadWorker;

#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) config: MemoryConfig,
    pub(crate) leads: MemoryLeads,
    pub(crate) jobs: MemoryJobs,
    pub(crate) people: MemoryPeople,
    pub(crate) meta: MemoryLeadsApi,
    pub(crate) bus: MemoryBus,
    pub(crate) events: MemoryQueue,
    pub(crate) leads_queue: MemoryQueue,
    pub(crate) jobs_queue: MemoryQueue,
    pub(crate) clock: VirtualClock,
    entropy: SeededEntropy,
}

impl Ports for Parts {
    type Config = MemoryConfig;
    type Leads = MemoryLeads;
    type Jobs = MemoryJobs;
    type People = MemoryPeople;
    type Meta = MemoryLeadsApi;
    type Vault = FixedVault;
    type Bus = MemoryBus;
    type Events = MemoryQueue;
    type LeadsQueue = MemoryQueue;
    type JobsQueue = MemoryQueue;
    type Secrets = FixedSecrets;
    type Clock = VirtualClock;
    type Entropy = SeededEntropy;

    fn config(&self) -> &MemoryConfig {
        &self.config
    }
    fn leads(&self) -> &MemoryLeads {
        &self.leads
    }
    fn jobs(&self) -> &MemoryJobs {
        &self.jobs
    }
    fn people(&self) -> &MemoryPeople {
        &self.people
    }
    fn meta(&self) -> &MemoryLeadsApi {
        &self.meta
    }
    fn vault(&self) -> &FixedVault {
        &FixedVault
    }
    fn bus(&self) -> &MemoryBus {
        &self.bus
    }
    fn events(&self) -> &MemoryQueue {
        &self.events
    }
    fn leads_queue(&self) -> &MemoryQueue {
        &self.leads_queue
    }
    fn jobs_queue(&self) -> &MemoryQueue {
        &self.jobs_queue
    }
    fn secrets(&self) -> &FixedSecrets {
        &FixedSecrets
    }
    fn clock(&self) -> &VirtualClock {
        &self.clock
    }
    fn entropy(&self) -> &SeededEntropy {
        &self.entropy
    }
}

pub(crate) struct World {
    pub(crate) parts: Parts,
    pub(crate) function: LeadWorker<Parts>,
}

pub(crate) fn tenant() -> TenantId {
    TenantId::parse("ten_1").unwrap()
}

impl World {
    /// A tenant with the page that the samples speak of.
    pub(crate) fn new(enabled: bool) -> Self {
        let clock = VirtualClock::at(NOON);
        let queue = || MemoryQueue::new(clock.clone(), QueueRules::default());
        let parts = Parts {
            config: MemoryConfig::default(),
            leads: MemoryLeads::default(),
            jobs: MemoryJobs::default(),
            people: MemoryPeople::default(),
            meta: MemoryLeadsApi::new(clock.clone()),
            bus: MemoryBus::default(),
            events: queue(),
            leads_queue: queue(),
            jobs_queue: queue(),
            clock: clock.clone(),
            entropy: SeededEntropy::new(11),
        };
        let (source, page) = (SourceId::parse("shop").unwrap(), PageId::parse("1234567890").unwrap());
        let shop = Source::new(tenant(), source.clone(), "Shop".to_owned(), UnixMillis(0));
        parts.config.add_source(shop);
        parts.config.add_page(&tenant(), &page, &source, "page-token");
        let settings = Settings {
            forward: true,
            people: true,
            keyring_pii: KEYRING_PII.to_owned(),
            lookup_key: LOOKUP_KEY.to_owned(),
            resend_s: Backoff { base_ms: 10, max_ms: 900 },
            reconcile_interval_s: 900,
            outbox_due_ms: 60_000,
        };
        let desk = LeadDesk::new(parts.clone(), settings);
        Self { parts, function: LeadWorker::new(enabled, desk) }
    }

    /// The lead that the queue's sample announces.
    pub(crate) fn submit_sample(&self) {
        let form = FormId::parse("6000000001").unwrap();
        let email = Answer { name: "email".to_owned(), values: vec!["jane@example.com".to_owned()] };
        let submission = Submission {
            id: LeadId::parse("7000000000000001").unwrap(),
            form: Some(form.clone()),
            created_at_s: self.parts.clock.now().secs(),
            ads: LeadAds::default(),
            platform: None,
            is_organic: false,
            answers: vec![email],
            disclaimers: Vec::new(),
            extra: serde_json::Map::new(),
        };
        self.parts.meta.add_lead(&form, submission, self.parts.clock.now());
    }
}
