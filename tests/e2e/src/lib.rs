//! What the tests through the local stack, and the demo, share: clients of adrelay and of the simulator, tenants
//! made for one test, conditions to wait for, and events that look real.

mod api;
mod bus;
mod fixture;
mod inspect;
mod page;
mod sample;
mod sim;
mod wait;

pub use api::{Answer, Api};
pub use bus::BusTap;
pub use fixture::Shop;
pub use inspect::{bodies_of, change_doc, queue_bodies, table_items};
pub use page::LeadPage;
pub use sample::{lead, now_s, purchase};
pub use sim::Sim;
pub use wait::{eventually, within};
