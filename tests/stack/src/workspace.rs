//! Where things are in the checkout.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

/// The checkout that the stack is built from.
#[derive(Debug, Clone)]
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The checkout this crate was compiled in.
    ///
    /// # Errors
    /// When the checkout has moved since.
    pub fn locate() -> anyhow::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let root = root.canonicalize().with_context(|| format!("no checkout at {}", root.display()))?;
        ensure!(root.join("template.yaml").is_file(), "no template.yaml in {}", root.display());
        Ok(Self { root })
    }

    /// The checkout's top directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What running stacks keep: logs, process lists, `stack.env`. Never committed.
    #[must_use]
    pub fn local_dir(&self) -> PathBuf {
        self.root.join(".local")
    }

    /// Cargo's output directory.
    #[must_use]
    pub fn target_dir(&self) -> PathBuf {
        std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| self.root.join("target"), |dir| self.root.join(dir))
    }

    /// A Python tool that the Makefile has installed under `.venv/`.
    ///
    /// # Errors
    /// When it is missing, with the command that installs it.
    pub fn python_tool(&self, venv: &str, tool: &str) -> anyhow::Result<PathBuf> {
        let path = self.root.join(".venv").join(venv).join("bin").join(tool);
        ensure!(path.is_file(), "{} is missing: run `make tools`", path.display());
        Ok(path)
    }
}
