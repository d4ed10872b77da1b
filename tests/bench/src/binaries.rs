//! The binaries under measurement: built, found, weighed.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use memchr::memmem;

/// What is measured, and what it is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Floor,
    Ingest,
    Dispatch,
    Track,
    LeadgenWebhook,
    LeadWorker,
    JobWorker,
}

impl Binary {
    pub(crate) const COUNT: usize = 7;
    pub(crate) const ALL: [Self; Self::COUNT] = [
        Self::Floor,
        Self::Ingest,
        Self::Dispatch,
        Self::Track,
        Self::LeadgenWebhook,
        Self::LeadWorker,
        Self::JobWorker,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Ingest => "capi-ingest",
            Self::Dispatch => "capi-dispatch",
            Self::Track => "track-conversion",
            Self::LeadgenWebhook => "leadgen-webhook",
            Self::LeadWorker => "lead-worker",
            Self::JobWorker => "job-worker",
        }
    }

    /// Its place in [`Self::ALL`].
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

/// Texts of the log of calls (`shared/aws/src/call_log.rs`), which the dev profile alone may hold.
const DEV_ONLY: [&str; 2] = ["AWS_CALL_LOG_DIR", "a call of AWS can't be noted"];

/// The first of them that a binary holds.
fn dev_only_in(binary: &[u8]) -> Option<&'static str> {
    DEV_ONLY.into_iter().find(|text| memmem::find(binary, text.as_bytes()).is_some())
}

/// Where the binaries are.
pub(crate) struct Binaries(PathBuf);

/// How large a binary is, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Weight {
    pub(crate) raw: u64,
    /// Deflated, as in the archive that Lambda gets.
    pub(crate) zipped: u64,
}

impl Binaries {
    /// The directory of release binaries beside the one that runs.
    pub(crate) fn beside_me() -> anyhow::Result<Self> {
        let me = std::env::current_exe()?;
        let target = me.parent().and_then(Path::parent).context("not in a target directory")?;
        Ok(Self(target.join("release")))
    }

    /// The target directory, which holds reports too.
    pub(crate) fn target(&self) -> &Path {
        self.0.parent().unwrap_or(&self.0)
    }

    /// Builds them, without the benchmark's own dependencies: those would add features to theirs.
    pub(crate) fn build(&self) -> anyhow::Result<()> {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--release", "--locked", "--target-dir"]).arg(self.target());
        for binary in Binary::ALL {
            cargo.args(["-p", binary.name()]);
        }
        let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().context("running cargo")?;
        ensure!(built.success(), "building the functions: {built}");
        Ok(())
    }

    pub(crate) fn path(&self, binary: Binary) -> PathBuf {
        self.0.join(binary.name())
    }

    /// Weighs a binary, once it is sure that nothing of the dev profile is in it.
    pub(crate) fn weigh(&self, binary: Binary) -> anyhow::Result<Weight> {
        let path = self.path(binary);
        let bytes = std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        if let Some(text) = dev_only_in(&bytes) {
            bail!("{} holds {text:?}: the log of calls is for the dev profile", path.display());
        }
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&bytes)?;
        Ok(Weight { raw: bytes.len() as u64, zipped: encoder.finish()?.len() as u64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dev_profiles_log_of_calls_is_found_in_a_binary() {
        let source = include_str!("../../../shared/aws/src/call_log.rs");
        for text in DEV_ONLY {
            assert!(source.contains(&format!("\"{text}\"")), "{text} is in the source");
            assert_eq!(dev_only_in(format!("\u{0}AWS_REGION{text}\u{1}").as_bytes()), Some(text));
        }
        assert_eq!(dev_only_in(b"AWS_REGION AWS_ENDPOINT_URL"), None);
    }

    #[test]
    fn a_binary_stands_at_its_index() {
        for binary in Binary::ALL {
            assert_eq!(Binary::ALL[binary.index()], binary);
        }
    }
}
