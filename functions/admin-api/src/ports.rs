//! What the function works with.

use std::future::Future;

use adrelay_core::ids::PixelId;
use adrelay_core::ports::admin::ConfigAdmin;
use adrelay_core::ports::clock::{Clock, Entropy};
use adrelay_core::ports::config::KeyDirectory;
use adrelay_core::ports::erasure::{ErasureLedger, ErasureWriter};
use adrelay_core::ports::jobs::{DeliveryStore, FileLinks, JobStore};
use adrelay_core::ports::leads::{FormStore, LeadEraser, LeadStore};
use adrelay_core::ports::leads_api::LeadsApi;
use adrelay_core::ports::meta::{ConversionsApi, Credentials, Failure};
use adrelay_core::ports::people::{ConversionStore, HoldStore, PeopleStore};
use adrelay_core::ports::queue::EventQueue;
use adrelay_core::ports::receipts::ReceiptReader;
use adrelay_core::ports::secrets::Secrets;

/// Something of Meta's, by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetaObject {
    /// Its id, decimal text.
    pub id: String,
    /// Its name, where Meta tells it.
    pub name: Option<String>,
}

/// Asks Meta what a token is worth.
pub trait MetaProbe: Send + Sync {
    /// Who the token speaks for.
    fn whose(&self, credentials: &Credentials) -> impl Future<Output = Result<MetaObject, Failure>> + Send;

    /// Whether the token sees the pixel.
    fn pixel(
        &self,
        credentials: &Credentials,
        pixel: &PixelId,
    ) -> impl Future<Output = Result<MetaObject, Failure>> + Send;
}

/// All of it, so that tests put other parts in its place.
pub trait Ports: Send + Sync + 'static {
    /// What people configure.
    type Config: ConfigAdmin;
    /// Finds keys.
    type Keys: KeyDirectory;
    /// What became of events, and tombstones of those to come.
    type Receipts: ReceiptReader + ErasureWriter;
    /// People, and the receipts of their erasure.
    type People: PeopleStore + ConversionStore + HoldStore + ErasureLedger;
    /// Leads and their forms.
    type Leads: LeadStore + LeadEraser + FormStore;
    /// Jobs, and calls of the tenant's webhook.
    type Jobs: JobStore + DeliveryStore;
    /// Links to what jobs wrote.
    type Files: FileLinks;
    /// Queues.
    type Queue: EventQueue;
    /// The root key's hash, the keyring and our Meta app.
    type Secrets: Secrets + Clone;
    /// Meta.
    type Meta: MetaProbe + ConversionsApi + LeadsApi;
    /// Time.
    type Clock: Clock;
    /// Randomness.
    type Entropy: Entropy;

    /// What people configure.
    fn config(&self) -> &Self::Config;
    /// Finds keys.
    fn keys(&self) -> &Self::Keys;
    /// What became of events, and tombstones of those to come.
    fn receipts(&self) -> &Self::Receipts;
    /// People, and the receipts of their erasure.
    fn people(&self) -> &Self::People;
    /// Leads and their forms.
    fn leads(&self) -> &Self::Leads;
    /// Jobs, and calls of the tenant's webhook.
    fn jobs(&self) -> &Self::Jobs;
    /// Links to what jobs wrote.
    fn files(&self) -> &Self::Files;
    /// Where releases go.
    fn queue(&self) -> &Self::Queue;
    /// Where work of lead-worker goes.
    fn leads_queue(&self) -> &Self::Queue;
    /// Where work of job-worker goes.
    fn jobs_queue(&self) -> &Self::Queue;
    /// The root key's hash, the keyring and our Meta app.
    fn secrets(&self) -> &Self::Secrets;
    /// Meta.
    fn meta(&self) -> &Self::Meta;
    /// Time.
    fn clock(&self) -> &Self::Clock;
    /// Randomness.
    fn entropy(&self) -> &Self::Entropy;
}

/// The ports as plain values.
#[derive(Debug)]
pub struct Parts<C, K, R, L, D, J, F, Q, S, M, T, E> {
    /// What people configure.
    pub config: C,
    /// Finds keys.
    pub keys: K,
    /// What became of events, and tombstones of those to come.
    pub receipts: R,
    /// People, and the receipts of their erasure.
    pub people: L,
    /// Leads and their forms.
    pub leads: D,
    /// Jobs, and calls of the tenant's webhook.
    pub jobs: J,
    /// Links to what jobs wrote.
    pub files: F,
    /// Where releases go.
    pub queue: Q,
    /// Where work of lead-worker goes.
    pub leads_queue: Q,
    /// Where work of job-worker goes.
    pub jobs_queue: Q,
    /// The root key's hash, the keyring and our Meta app.
    pub secrets: S,
    /// Meta.
    pub meta: M,
    /// Time.
    pub clock: T,
    /// Randomness.
    pub entropy: E,
}

impl<C, K, R, L, D, J, F, Q, S, M, T, E> Ports for Parts<C, K, R, L, D, J, F, Q, S, M, T, E>
where
    C: ConfigAdmin + 'static,
    K: KeyDirectory + 'static,
    R: ReceiptReader + ErasureWriter + 'static,
    L: PeopleStore + ConversionStore + HoldStore + ErasureLedger + 'static,
    D: LeadStore + LeadEraser + FormStore + 'static,
    J: JobStore + DeliveryStore + 'static,
    F: FileLinks + 'static,
    Q: EventQueue + 'static,
    S: Secrets + Clone + 'static,
    M: MetaProbe + ConversionsApi + LeadsApi + 'static,
    T: Clock + 'static,
    E: Entropy + 'static,
{
    type Config = C;
    type Keys = K;
    type Receipts = R;
    type People = L;
    type Leads = D;
    type Jobs = J;
    type Files = F;
    type Queue = Q;
    type Secrets = S;
    type Meta = M;
    type Clock = T;
    type Entropy = E;

    fn config(&self) -> &C {
        &self.config
    }

    fn keys(&self) -> &K {
        &self.keys
    }

    fn receipts(&self) -> &R {
        &self.receipts
    }

    fn people(&self) -> &L {
        &self.people
    }

    fn leads(&self) -> &D {
        &self.leads
    }

    fn jobs(&self) -> &J {
        &self.jobs
    }

    fn files(&self) -> &F {
        &self.files
    }

    fn queue(&self) -> &Q {
        &self.queue
    }

    fn leads_queue(&self) -> &Q {
        &self.leads_queue
    }

    fn jobs_queue(&self) -> &Q {
        &self.jobs_queue
    }

    fn secrets(&self) -> &S {
        &self.secrets
    }

    fn meta(&self) -> &M {
        &self.meta
    }

    fn clock(&self) -> &T {
        &self.clock
    }

    fn entropy(&self) -> &E {
        &self.entropy
    }
}
