//! The job worker's ports in memory.

use adrelay_core::jobs::Ports;
use adrelay_core::ports::jobs::FileStore;
use adrelay_core::ports::leads::{FormStore, LeadStore};

use crate::{
    FixedSecrets, MemoryConfig, MemoryFiles, MemoryJobs, MemoryLeads, MemoryOutside, MemoryQueue, NOON,
    QueueRules, SeededEntropy, VirtualClock,
};

/// Ports in memory, with leads and files of any kind.
pub struct JobPorts<L = MemoryLeads, F = MemoryFiles> {
    /// Tenants' webhooks.
    pub config: MemoryConfig,
    /// Leads and forms.
    pub leads: L,
    /// Jobs and deliveries.
    pub jobs: MemoryJobs,
    /// Where exports are written.
    pub files: F,
    /// Receivers.
    pub outside: MemoryOutside,
    /// The `jobs` queue.
    pub queue: MemoryQueue,
    /// Keys of personal data.
    pub secrets: FixedSecrets,
    /// Virtual time.
    pub clock: VirtualClock,
    /// Repeatable randomness.
    pub entropy: SeededEntropy,
}

impl<L, F> JobPorts<L, F> {
    /// Ports at noon, over these leads and files.
    pub fn over(leads: L, files: F) -> Self {
        let clock = VirtualClock::at(NOON);
        Self {
            config: MemoryConfig::default(),
            leads,
            jobs: MemoryJobs::default(),
            files,
            outside: MemoryOutside::new(clock.clone()),
            queue: MemoryQueue::new(clock.clone(), QueueRules::default()),
            secrets: FixedSecrets::default(),
            clock,
            entropy: SeededEntropy::new(1),
        }
    }
}

impl<L: Clone, F: Clone> Clone for JobPorts<L, F> {
    fn clone(&self) -> Self {
        Self {
            config: self.config.clone(),
            leads: self.leads.clone(),
            jobs: self.jobs.clone(),
            files: self.files.clone(),
            outside: self.outside.clone(),
            queue: self.queue.clone(),
            secrets: self.secrets.clone(),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
        }
    }
}

impl<L: LeadStore + FormStore, F: FileStore> Ports for JobPorts<L, F> {
    type Config = MemoryConfig;
    type Leads = L;
    type Jobs = MemoryJobs;
    type Files = F;
    type Outside = MemoryOutside;
    type Queue = MemoryQueue;
    type Secrets = FixedSecrets;
    type Clock = VirtualClock;
    type Entropy = SeededEntropy;

    fn config(&self) -> &MemoryConfig {
        &self.config
    }
    fn leads(&self) -> &L {
        &self.leads
    }
    fn jobs(&self) -> &MemoryJobs {
        &self.jobs
    }
    fn files(&self) -> &F {
        &self.files
    }
    fn outside(&self) -> &MemoryOutside {
        &self.outside
    }
    fn queue(&self) -> &MemoryQueue {
        &self.queue
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
