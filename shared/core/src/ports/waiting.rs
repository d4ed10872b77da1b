//! The waiting room: events whose pixel needs a person, or that must wait longer than a queue keeps them.

use std::future::Future;

use super::StoreError;
use crate::ids::{PixelId, TenantId};
use crate::message::EventMessage;

/// A message that waits.
#[derive(Debug, Clone)]
pub struct Parked {
    /// Names it within its room.
    pub key: String,
    /// The message.
    pub message: EventMessage,
}

/// The waiting rooms, one per pixel.
pub trait WaitingRoom: Send + Sync {
    /// Stores a message; the same message twice (a redelivery) is stored once.
    fn park(&self, message: &EventMessage) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The oldest messages of a room, ≤ `limit` (and what one read returns).
    fn page(
        &self,
        tenant: &TenantId,
        pixel: &PixelId,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Parked>, StoreError>> + Send;

    /// Removes messages that are on the queue again.
    fn remove(
        &self,
        tenant: &TenantId,
        pixel: &PixelId,
        keys: &[String],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}
