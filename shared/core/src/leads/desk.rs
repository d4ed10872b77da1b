//! Where leads are worked on: the ports, the settings, and the desk that everything about fetched leads hangs on.

use std::sync::Arc;

use super::place::Caches;
use super::report::Tally;
use crate::conversion::{self, Tracker};
use crate::people::{Pii, Registry};
use crate::ports::bus::EventBus;
use crate::ports::clock::{Clock, Entropy};
use crate::ports::config::{Destinations, KeyDirectory, PageDirectory};
use crate::ports::jobs::JobStore;
use crate::ports::leads::{FormStore, LeadOutbox, LeadStore, SyncStore};
use crate::ports::leads_api::LeadsApi;
use crate::ports::people::{ConversionStore, HoldStore, PeopleStore};
use crate::ports::queue::EventQueue;
use crate::ports::rules::RuleDirectory;
use crate::ports::secrets::Secrets;
use crate::ports::vault::CredentialSource;
use crate::retry::Backoff;
use crate::time::UnixMillis;

/// What leads are worked on with.
pub trait Ports: Send + Sync {
    /// Pages, connections, sources, rules.
    type Config: PageDirectory + Destinations + KeyDirectory + RuleDirectory;
    /// Leads, their outbox, forms, how far reconciliation has come.
    type Leads: LeadStore + LeadOutbox + FormStore + SyncStore;
    /// Jobs that ask for a look through forms.
    type Jobs: JobStore;
    /// People, conversions, holds.
    type People: PeopleStore + ConversionStore + HoldStore;
    /// Meta.
    type Meta: LeadsApi;
    /// Opens tokens.
    type Vault: CredentialSource;
    /// Where others in the account hear of leads.
    type Bus: EventBus;
    /// Where events for Meta go: `capi-events`.
    type Events: EventQueue;
    /// Where leads' work goes: `leads`.
    type LeadsQueue: EventQueue;
    /// Where calls of tenants' webhooks go: `jobs`.
    type JobsQueue: EventQueue;
    /// The keyring of personal data, and the lookup key.
    type Secrets: Secrets + Clone;
    /// Time.
    type Clock: Clock;
    /// Randomness.
    type Entropy: Entropy;

    /// Pages, connections, sources, rules.
    fn config(&self) -> &Self::Config;
    /// Leads, their outbox, forms, how far reconciliation has come.
    fn leads(&self) -> &Self::Leads;
    /// Jobs that ask for a look through forms.
    fn jobs(&self) -> &Self::Jobs;
    /// People, conversions, holds.
    fn people(&self) -> &Self::People;
    /// Meta.
    fn meta(&self) -> &Self::Meta;
    /// Opens tokens.
    fn vault(&self) -> &Self::Vault;
    /// Where others in the account hear of leads.
    fn bus(&self) -> &Self::Bus;
    /// Where events for Meta go: `capi-events`.
    fn events(&self) -> &Self::Events;
    /// Where leads' work goes: `leads`.
    fn leads_queue(&self) -> &Self::LeadsQueue;
    /// Where calls of tenants' webhooks go: `jobs`.
    fn jobs_queue(&self) -> &Self::JobsQueue;
    /// The keyring of personal data, and the lookup key.
    fn secrets(&self) -> &Self::Secrets;
    /// Time.
    fn clock(&self) -> &Self::Clock;
    /// Randomness.
    fn entropy(&self) -> &Self::Entropy;
}

/// What is turned on, the secrets' names or ARNs, and how long things take.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether events go on to Meta: `META_CAPI_FORWARD_ENABLED`. Without, stages are skipped as `forwarding_off`.
    pub forward: bool,
    /// Whether people are kept: `SHARED_PERSON_TABLE_ENABLED`. Without, a lead has no person.
    pub people: bool,
    /// The secret `keyring-pii`.
    pub keyring_pii: String,
    /// The secret `lookup-key`.
    pub lookup_key: String,
    /// Before what is sent anew can be received, in **seconds**, by attempt: `RESEND_DELAY_MIN_S`, `RESEND_DELAY_MAX_S`.
    pub resend_s: Backoff,
    /// Between two looks at every page, in seconds: `RECONCILE_INTERVAL_S`.
    pub reconcile_interval_s: i64,
    /// Before a sweep takes what its writer has not told, in milliseconds: longer than an invocation needs to tell it.
    pub outbox_due_ms: i64,
}

/// Works on leads. One instance serves all invocations of a process.
pub struct LeadDesk<P: Ports> {
    pub(super) ports: Arc<P>,
    pub(super) settings: Settings,
    pub(super) tracker: Tracker<Tracking<P>>,
    pub(super) pii: Pii<P::Secrets>,
    pub(super) caches: Caches,
    pub(super) tally: Tally,
}

impl<P: Ports> LeadDesk<P> {
    /// A desk on these ports.
    pub fn new(ports: P, settings: Settings) -> Self {
        let ports = Arc::new(ports);
        let tracking = conversion::Settings {
            forward: settings.forward,
            people: settings.people,
            keyring_pii: settings.keyring_pii.clone(),
            lookup_key: settings.lookup_key.clone(),
        };
        let tracker = Tracker::new(Tracking(Arc::clone(&ports)), tracking);
        let pii =
            Pii::new(ports.secrets().clone(), settings.keyring_pii.clone(), settings.lookup_key.clone());
        Self { ports, settings, tracker, pii, caches: Caches::new(), tally: Tally::default() }
    }

    /// What it works with.
    pub fn ports(&self) -> &P {
        &self.ports
    }

    /// What it was told.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The present instant.
    pub fn now(&self) -> UnixMillis {
        self.ports.clock().now()
    }

    pub(super) fn registry(&self) -> Registry<'_, P::People, P::Secrets, P::Clock, P::Entropy> {
        Registry::new(self.ports.people(), &self.pii, self.ports.clock(), self.ports.entropy())
    }

    /// Seconds that what is sent anew for the `attempt`th time waits: half of it fixed, so that it really grows; half by
    /// chance, so that messages don't come back at once.
    pub fn delay_s(&self, attempt: u32) -> u16 {
        let bound = self.settings.resend_s.bound_ms(attempt.saturating_sub(1));
        let grown = (bound - bound / 2) + self.ports.entropy().up_to(bound / 2);
        u16::try_from(grown.min(MAX_DELAY_S)).unwrap_or(900)
    }

    /// Seconds until `at`, as far as a queue can delay a message.
    pub fn delay_until_s(&self, at: UnixMillis) -> u16 {
        let ms = u64::try_from(at.ms_since(self.now())).unwrap_or(0);
        u16::try_from(ms.div_ceil(1000).clamp(1, MAX_DELAY_S)).unwrap_or(900)
    }
}

/// SQS delays a message by at most 15 minutes.
const MAX_DELAY_S: u64 = 900;

/// The ports as the tracker of conversions takes them.
pub struct Tracking<P>(Arc<P>);

impl<P: Ports> conversion::Ports for Tracking<P> {
    type Config = P::Config;
    type People = P::People;
    type Queue = P::Events;
    type Secrets = P::Secrets;
    type Clock = P::Clock;
    type Entropy = P::Entropy;

    fn config(&self) -> &P::Config {
        self.0.config()
    }
    fn people(&self) -> &P::People {
        self.0.people()
    }
    fn queue(&self) -> &P::Events {
        self.0.events()
    }
    fn secrets(&self) -> &P::Secrets {
        self.0.secrets()
    }
    fn clock(&self) -> &P::Clock {
        self.0.clock()
    }
    fn entropy(&self) -> &P::Entropy {
        self.0.entropy()
    }
}
