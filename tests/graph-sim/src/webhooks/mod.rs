//! Webhooks as Meta sends them: signed, in batches, late, twice, in another order, or not at all.

mod body;
mod log;
mod plan;
mod post;
mod sender;

pub(crate) use log::{Deliveries, State};
pub use plan::Webhook;
pub(crate) use plan::plan;
pub(crate) use sender::{replay, send};
