//! Brings user data to the form that Meta matches people by, and hashes it. Used by events, leads and
//! audiences alike.
//!
//! The reference is Meta's `capi-param-builder` 1.3.2; where adrelay deviates and why is told in
//! `docs/normalising.md`, which a test holds against this code.
//!
//! ```text
//!  JSON ──► UserDataInput ──► one rule per key ──► HashedUserData ──► Meta's user_data
//!                                   │
//!                                   └──► Refusal ──► Warning {field, code}, never the value
//! ```
//!
//! | file | rule for |
//! |---|---|
//! | `email`, `phone`, `name`, `birth`, `place`, `country` | what is hashed |
//! | `click`, `network` | what travels in clear |
//! | `key` | which rule holds for which key, and the names of keys |
//! | `input`, `outcome`, `hashed` | a whole `user_data` object in, through and out |
//!
//! Architecture Invariant: nothing here keeps or prints a value. `Debug` of every type that holds one is
//! blank.

mod birth;
mod click;
mod country;
mod country_names;
mod email;
mod hashed;
mod input;
mod key;
mod name;
mod network;
mod outcome;
mod phone;
mod place;
mod refusal;
mod sha256;
mod text;

pub use birth::date_of_birth;
pub use click::{click, fbc, fbclid, fbclid_in_url, fbp};
pub use country::Country;
pub use email::Email;
pub use hashed::HashedUserData;
pub use input::UserDataInput;
pub use key::{Key, Surroundings};
pub use name::{external_id, gender, name};
pub use network::{MAX_USER_AGENT_BYTES, identifier, ip_address, lead_id, user_agent};
pub use outcome::{UserDataContext, UserDataError, UserDataOutcome, user_data};
pub use phone::PhoneE164;
pub use place::{city, state, zip};
pub use refusal::{Refusal, Warning, WarningCode};
pub use sha256::Sha256Hex;

/// Most values of one key, under all its names together.
pub const MAX_VALUES_PER_KEY: usize = 16;

/// Longest value in bytes; longer ones are refused (a user agent is cut).
pub const MAX_VALUE_BYTES: usize = 1024;
