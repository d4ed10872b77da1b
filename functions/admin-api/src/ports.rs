//! What the function works with.

use std::future::Future;

use adrelay_core::ids::PixelId;
use adrelay_core::ports::admin::ConfigAdmin;
use adrelay_core::ports::clock::{Clock, Entropy};
use adrelay_core::ports::config::KeyDirectory;
use adrelay_core::ports::erasure::{ErasureLedger, ErasureWriter};
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
    /// Where releases go.
    type Queue: EventQueue;
    /// The root key's hash, the keyring and our Meta app.
    type Secrets: Secrets + Clone;
    /// Meta.
    type Meta: MetaProbe + ConversionsApi;
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
    /// Where releases go.
    fn queue(&self) -> &Self::Queue;
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
pub struct Parts<C, K, R, L, Q, S, M, T, E> {
    /// What people configure.
    pub config: C,
    /// Finds keys.
    pub keys: K,
    /// What became of events, and tombstones of those to come.
    pub receipts: R,
    /// People, and the receipts of their erasure.
    pub people: L,
    /// Where releases go.
    pub queue: Q,
    /// The root key's hash, the keyring and our Meta app.
    pub secrets: S,
    /// Meta.
    pub meta: M,
    /// Time.
    pub clock: T,
    /// Randomness.
    pub entropy: E,
}

impl<C, K, R, L, Q, S, M, T, E> Ports for Parts<C, K, R, L, Q, S, M, T, E>
where
    C: ConfigAdmin + 'static,
    K: KeyDirectory + 'static,
    R: ReceiptReader + ErasureWriter + 'static,
    L: PeopleStore + ConversionStore + HoldStore + ErasureLedger + 'static,
    Q: EventQueue + 'static,
    S: Secrets + Clone + 'static,
    M: MetaProbe + ConversionsApi + 'static,
    T: Clock + 'static,
    E: Entropy + 'static,
{
    type Config = C;
    type Keys = K;
    type Receipts = R;
    type People = L;
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

    fn queue(&self) -> &Q {
        &self.queue
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
