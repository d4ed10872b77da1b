//! Where jobs and deliveries live.

use std::future::Future;

use super::StoreError;
use super::receipts::Page;
use crate::ids::{JobId, TenantId};
use crate::jobs::{Delivery, Job};

/// Jobs.
pub trait JobStore: Send + Sync {
    /// A job, read consistently.
    fn job(
        &self,
        tenant: &TenantId,
        id: &JobId,
    ) -> impl Future<Output = Result<Option<Job>, StoreError>> + Send;

    /// Writes a job whose `rev` is what is stored (0: nothing is), as `rev + 1`, for [`crate::jobs::JOB_TTL_DAYS`].
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where someone else was faster.
    fn save_job(&self, job: &Job) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Calls of tenants' webhooks.
pub trait DeliveryStore: Send + Sync {
    /// Writes a delivery in place of what was known of it, kept 30 days.
    fn put_delivery(&self, delivery: &Delivery) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// A delivery.
    fn delivery(
        &self,
        tenant: &TenantId,
        id: &str,
    ) -> impl Future<Output = Result<Option<Delivery>, StoreError>> + Send;

    /// Deliveries of a tenant that are not done (`Retrying`, `Dead`), in the order of their ids; ≤ 100.
    fn open_deliveries(
        &self,
        tenant: &TenantId,
        limit: usize,
        cursor: Option<&str>,
    ) -> impl Future<Output = Result<Page<Delivery>, StoreError>> + Send;
}

/// Why a file could not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("file store: {0}")]
pub struct FileError(pub String);

/// A part that was written, by which the whole is put together.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FilePart {
    /// From 1.
    pub number: i32,
    /// The store's name of it.
    pub etag: String,
}

/// Files that are written in parts: what job-worker may do. Every part but the last has 5 MiB or more (S3's rule).
pub trait FileStore: Send + Sync {
    /// Begins a file: the upload's id.
    fn begin(&self, key: &str, content_type: &str) -> impl Future<Output = Result<String, FileError>> + Send;

    /// Writes a part; the same number again replaces it.
    fn part(
        &self,
        key: &str,
        upload: &str,
        number: i32,
        bytes: Vec<u8>,
    ) -> impl Future<Output = Result<FilePart, FileError>> + Send;

    /// Puts the parts together. That it was done before is no error.
    fn finish(
        &self,
        key: &str,
        upload: &str,
        parts: &[FilePart],
    ) -> impl Future<Output = Result<(), FileError>> + Send;

    /// Gives an upload up.
    fn abort(&self, key: &str, upload: &str) -> impl Future<Output = Result<(), FileError>> + Send;
}

/// Links to files: what admin-api may do.
pub trait FileLinks: Send + Sync {
    /// A signed link to a file for `seconds`, under which a browser saves it as `name`.
    fn link(
        &self,
        key: &str,
        name: &str,
        seconds: u64,
    ) -> impl Future<Output = Result<String, FileError>> + Send;
}
