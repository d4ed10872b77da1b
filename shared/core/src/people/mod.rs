//! One person across products: identity links, the person's document, merging, features, lifecycle.
//!
//! ```text
//!  identity of a post ──► LinkHash (HMAC) ──► leaf ──merged_into──► root
//!                                              │
//!                                              ├── document: touches, consent, stage evidence; sealed profile
//!                                              └── features: counts by day, money by month
//! ```
//!
//! A **link** is the keyed hash of an e-mail, a phone or an external id, and points to one person: the *leaf*. Links
//! never move. A **merge** is a pointer from one person to another; data stays with the leaf it came by, and whoever
//! reads a person reads its whole tree. So an unmerge restores both sides exactly.
//!
//! | file | is about |
//! |---|---|
//! | `identity` | what a post says of who it is about, normalised |
//! | `link` | keyed hashes of identifiers |
//! | `person` | the stored document and the sealed profile |
//! | `features` | what segments and rules ask: counts, money, first and last seen |
//! | `visit` | what a conversion tells of browser and campaign |
//! | `pii` | sealing, and the key of links |
//! | `tree` | a person with all who were merged into them, and what they are as a whole |
//! | `registry` | find, create, link, amend, merge, unmerge; by hand: give an identifier, see whom identifiers mean |
//! | `erase`, `erase_leads` | forget a person, step by step, with their leads |
//! | `stage` | lead → activated → customer → churned, from evidence in any order |

mod erase;
mod erase_leads;
mod features;
mod identity;
mod link;
mod person;
mod pii;
mod registry;
mod stage;
mod tree;
mod visit;

pub use erase::Eraser;
pub use erase_leads::{NoLeads, PersonLeads};
pub use features::{Counted, Day, FEATURE_DAYS, Features};
pub use identity::{
    ExternalId, Identifier, Identity, IdentityError, MAX_EXTERNAL_ID_BYTES, MAX_EXTERNAL_IDS, Provider,
};
pub use link::{LinkHash, LookupKey, LookupKeyError};
pub use person::{
    Click, Conflict, Consent, ConsentRecord, FRESH_DAYS, MAX_CLICKS, MAX_MEMBERS, MAX_PERSON_EXTERNAL_IDS,
    MAX_VALUES, Person, PersonDoc, Profile, Seen, Touch,
};
pub use pii::Pii;
pub use registry::{Registry, RegistryError, Resolved};
pub use stage::{Evidence, Span, Stage};
pub use tree::{Node, Tree, Whole};
pub use visit::Visit;
