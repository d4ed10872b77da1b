//! The ports of leads in memory.

use adrelay_core::leads::Ports;

use crate::{
    FixedSecrets, FixedVault, MemoryBus, MemoryConfig, MemoryJobs, MemoryLeads, MemoryLeadsApi, MemoryPeople,
    MemoryQueue, NOON, QueueRules, SeededEntropy, VirtualClock,
};

/// Ports in memory. Clones share everything.
#[derive(Clone)]
pub struct LeadPorts {
    /// Pages, sources, rules, webhooks.
    pub config: MemoryConfig,
    /// Leads and forms.
    pub leads: MemoryLeads,
    /// Jobs that ask for a look through forms.
    pub jobs: MemoryJobs,
    /// People.
    pub people: MemoryPeople,
    /// Opens tokens.
    pub vault: FixedVault,
    /// Keys of personal data.
    pub secrets: FixedSecrets,
    /// Meta.
    pub meta: MemoryLeadsApi,
    /// The event bus.
    pub bus: MemoryBus,
    /// The `capi-events` queue.
    pub events: MemoryQueue,
    /// The `leads` queue.
    pub leads_queue: MemoryQueue,
    /// The `jobs` queue.
    pub jobs_queue: MemoryQueue,
    /// Virtual time.
    pub clock: VirtualClock,
    /// Repeatable randomness.
    pub entropy: SeededEntropy,
}

impl Default for LeadPorts {
    /// Empty, at noon.
    fn default() -> Self {
        let clock = VirtualClock::at(NOON);
        let queue = || MemoryQueue::new(clock.clone(), QueueRules::default());
        Self {
            config: MemoryConfig::default(),
            leads: MemoryLeads::default(),
            jobs: MemoryJobs::default(),
            people: MemoryPeople::default(),
            vault: FixedVault::default(),
            secrets: FixedSecrets::default(),
            meta: MemoryLeadsApi::new(clock.clone()),
            bus: MemoryBus::default(),
            events: queue(),
            leads_queue: queue(),
            jobs_queue: queue(),
            clock: clock.clone(),
            entropy: SeededEntropy::new(11),
        }
    }
}

impl Ports for LeadPorts {
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
        &self.vault
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
        &self.secrets
    }
    fn clock(&self) -> &VirtualClock {
        &self.clock
    }
    fn entropy(&self) -> &SeededEntropy {
        &self.entropy
    }
}
