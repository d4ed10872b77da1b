//! Files in memory, written in parts as S3 takes them.

use std::collections::BTreeMap;

use adrelay_core::ports::jobs::{FileError, FileLinks, FilePart, FileStore};

use crate::shared::Shared;
use crate::{ANY, Faults};

/// The least bytes of every part but the last (S3: multipart upload limits).
const MIN_PART_BYTES: usize = 5 * 1024 * 1024;

#[derive(Debug)]
struct Upload {
    key: String,
    content_type: String,
    parts: BTreeMap<i32, (String, Vec<u8>)>,
}

/// A file that is finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// What it was begun with.
    pub content_type: String,
    /// Its parts, put together.
    pub bytes: Vec<u8>,
    /// How many there were.
    pub parts: usize,
}

#[derive(Debug)]
struct State {
    uploads: BTreeMap<String, Upload>,
    files: BTreeMap<String, StoredFile>,
    begun: usize,
    written: usize,
    min_part_bytes: usize,
}

/// The exports bucket. Clones share it.
#[derive(Debug, Clone)]
pub struct MemoryFiles(Shared<State>);

impl Default for MemoryFiles {
    /// An empty bucket with S3's least size of parts.
    fn default() -> Self {
        let (uploads, files) = (BTreeMap::new(), BTreeMap::new());
        let state = State { uploads, files, begun: 0, written: 0, min_part_bytes: MIN_PART_BYTES };
        Self(Shared::new(state))
    }
}

fn refused(why: &str) -> FileError {
    FileError(why.to_owned())
}

impl MemoryFiles {
    /// What goes wrong with its calls.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// The least bytes of every part but the last, for tests that don't want to write megabytes.
    pub fn set_min_part_bytes(&self, bytes: usize) {
        self.0.with(|state| state.min_part_bytes = bytes);
    }

    /// Whether every call fails from now on.
    pub fn set_refusing(&self, refuse: bool) {
        self.0.faults.set_down(ANY, refuse);
    }

    /// A finished file.
    #[must_use]
    pub fn file(&self, key: &str) -> Option<StoredFile> {
        self.0.with(|state| state.files.get(key).cloned())
    }

    /// Keys of finished files.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        self.0.with(|state| state.files.keys().cloned().collect())
    }

    /// Uploads that are neither finished nor given up.
    #[must_use]
    pub fn open_uploads(&self) -> usize {
        self.0.with(|state| state.uploads.len())
    }

    /// Parts written so far, replaced ones included.
    #[must_use]
    pub fn parts_written(&self) -> usize {
        self.0.with(|state| state.written)
    }
}

impl FileStore for MemoryFiles {
    async fn begin(&self, key: &str, content_type: &str) -> Result<String, FileError> {
        self.0
            .call("begin", |state| {
                state.begun += 1;
                let id = format!("upload-{}", state.begun);
                let (key, content_type) = (key.to_owned(), content_type.to_owned());
                state.uploads.insert(id.clone(), Upload { key, content_type, parts: BTreeMap::new() });
                Ok(id)
            })
            .await
    }

    async fn part(
        &self,
        key: &str,
        upload: &str,
        number: i32,
        bytes: Vec<u8>,
    ) -> Result<FilePart, FileError> {
        self.0
            .call("part", |state| {
                if !(1..=10_000).contains(&number) {
                    return Err(refused("InvalidArgument"));
                }
                state.written += 1;
                let etag = format!("\"{number}-{}-{}\"", bytes.len(), state.written);
                let found = state.uploads.get_mut(upload).filter(|found| found.key == key);
                found.ok_or_else(|| refused("NoSuchUpload"))?.parts.insert(number, (etag.clone(), bytes));
                Ok(FilePart { number, etag })
            })
            .await
    }

    async fn finish(&self, key: &str, upload: &str, parts: &[FilePart]) -> Result<(), FileError> {
        self.0
            .call("finish", |state| {
                let Some(found) = state.uploads.get(upload).filter(|found| found.key == key) else {
                    let done = state.files.contains_key(key);
                    return if done { Ok(()) } else { Err(refused("NoSuchUpload")) };
                };
                if parts.is_empty() {
                    return Err(refused("MalformedXML"));
                }
                if !parts.windows(2).all(|pair| pair[0].number < pair[1].number) {
                    return Err(refused("InvalidPartOrder"));
                }
                let mut whole = Vec::new();
                for (nth, part) in parts.iter().enumerate() {
                    let (etag, bytes) =
                        found.parts.get(&part.number).ok_or_else(|| refused("InvalidPart"))?;
                    if *etag != part.etag {
                        return Err(refused("InvalidPart"));
                    }
                    if nth + 1 < parts.len() && bytes.len() < state.min_part_bytes {
                        return Err(refused("EntityTooSmall"));
                    }
                    whole.extend_from_slice(bytes);
                }
                let content_type = found.content_type.clone();
                let file = StoredFile { content_type, bytes: whole, parts: parts.len() };
                state.files.insert(key.to_owned(), file);
                state.uploads.remove(upload);
                Ok(())
            })
            .await
    }

    async fn abort(&self, key: &str, upload: &str) -> Result<(), FileError> {
        self.0
            .call("abort", |state| {
                state.uploads.retain(|id, found| id != upload || found.key != key);
                Ok(())
            })
            .await
    }
}

impl FileLinks for MemoryFiles {
    async fn link(&self, key: &str, name: &str, seconds: u64) -> Result<String, FileError> {
        self.0
            .call("link", |_| Ok(format!("https://files.example/{key}?name={name}&seconds={seconds}")))
            .await
    }
}
