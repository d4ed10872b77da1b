//! What the tests through the local stack, and the demo, share: clients of adrelay and of the simulator, tenants
//! made for one test, conditions to wait for, and events that look real.

mod api;
mod bus;
mod delivery;
mod fixture;
mod haystacks;
mod inspect;
mod kill;
mod page;
mod rate;
mod read;
mod restore;
mod sample;
mod sim;
mod unique;
mod wait;

pub use api::{Answer, Api};
pub use bus::BusTap;
pub use delivery::{announcement, signature};
pub use fixture::Shop;
pub use haystacks::{Haystacks, found_each, found_nowhere};
pub use inspect::{bodies_of, change_doc, queue_bodies, table_items, tick};
pub use kill::kill_at_work;
pub use page::LeadPage;
pub use rate::most_events_within;
pub use read::{list, number, text};
pub use restore::{restoring, with_statements_of, without_dispatch, without_lead_worker};
pub use sample::{lead, now_s, purchase};
pub use sim::Sim;
pub use wait::{eventually, within};
