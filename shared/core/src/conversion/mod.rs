//! Conversions: what a product says a person did, stored once, counted among the person's features, and sent on with all
//! that is known of the person.
//!
//! ```text
//!  POST ──► check ──► whom? ──► store once ──► count ──► rules ──► write the person ──┬──► hold ──► sweep, identify, consent ─┐
//!                                                                                     └──► forward ◀──────────────────────────┘
//! ```
//!
//! Each step can be repeated without harm, and a caller is answered only after the last one. So a process that dies in
//! between loses nothing that was answered, and the caller's next try completes what the first one began.
//!
//! | file | is about |
//! |---|---|
//! | `request`, `note` | checking what is posted, and the codes that say what is wrong |
//! | `track` | one conversion from its request to its answer |
//! | `outgoing` | the events that Meta gets of a conversion |
//! | `forward` | rules, marks of what fires once, the queue |
//! | `hold` | waiting for an identify call or for consent |

mod forward;
mod hold;
mod note;
mod outgoing;
mod request;
mod track;

pub use forward::{Fate, MetaEvent};
pub use hold::{CallOutcome, SweepReport};
pub use note::{Code, Note};
pub use request::{
    Call, Checked, Conversion, ConversionBody, MAX_BODY_BYTES, RequestContext, call, conversion,
    home_provider,
};
pub use track::{CONVERSION_PURPOSE, Holding, TrackError, Tracked};

use crate::cache::{CONFIG_TTL_MS, TtlCache};
use crate::ids::TenantId;
use crate::people::{Pii, Registry};
use crate::ports::clock::{Clock, Entropy};
use crate::ports::config::KeyDirectory;
use crate::ports::people::{ConversionStore, HoldStore, PeopleStore};
use crate::ports::queue::EventQueue;
use crate::ports::rules::RuleDirectory;
use crate::ports::secrets::Secrets;
use crate::rules::RuleSet;

/// Tenants whose rules one process remembers.
const CACHED_RULES: usize = 1_000;

/// What conversions are tracked with.
pub trait Ports: Send + Sync {
    /// Sources and rules.
    type Config: KeyDirectory + RuleDirectory;
    /// People, conversions, holds.
    type People: PeopleStore + ConversionStore + HoldStore;
    /// Where events go.
    type Queue: EventQueue;
    /// The keyring of personal data, and the lookup key.
    type Secrets: Secrets + Clone;
    /// Time.
    type Clock: Clock;
    /// Randomness.
    type Entropy: Entropy;

    /// Sources and rules.
    fn config(&self) -> &Self::Config;
    /// People, conversions, holds.
    fn people(&self) -> &Self::People;
    /// Where events go.
    fn queue(&self) -> &Self::Queue;
    /// The keyring of personal data, and the lookup key.
    fn secrets(&self) -> &Self::Secrets;
    /// Time.
    fn clock(&self) -> &Self::Clock;
    /// Randomness.
    fn entropy(&self) -> &Self::Entropy;
}

/// What is turned on, and the secrets' names or ARNs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether events go on to Meta: `META_CAPI_FORWARD_ENABLED`.
    pub forward: bool,
    /// Whether people are kept: `SHARED_PERSON_TABLE_ENABLED`. Without, a conversion is sent on with what it says itself.
    pub people: bool,
    /// The secret `keyring-pii`.
    pub keyring_pii: String,
    /// The secret `lookup-key`.
    pub lookup_key: String,
}

/// Tracks conversions. One instance serves all invocations of a process.
pub struct Tracker<P: Ports> {
    ports: P,
    settings: Settings,
    pii: Pii<P::Secrets>,
    rules: TtlCache<TenantId, RuleSet>,
}

impl<P: Ports> Tracker<P> {
    /// A tracker on these ports.
    pub fn new(ports: P, settings: Settings) -> Self {
        let pii =
            Pii::new(ports.secrets().clone(), settings.keyring_pii.clone(), settings.lookup_key.clone());
        Self { ports, settings, pii, rules: TtlCache::new(CONFIG_TTL_MS, CACHED_RULES) }
    }

    /// What it works with.
    pub fn ports(&self) -> &P {
        &self.ports
    }

    fn registry(&self) -> Registry<'_, P::People, P::Secrets, P::Clock, P::Entropy> {
        Registry::new(self.ports.people(), &self.pii, self.ports.clock(), self.ports.entropy())
    }
}
