//! What `stack up` leaves behind in `.local/`, for `stack down` and for tests.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;

use crate::environment::StackEnv;
use crate::processes::is_ours;
use crate::workspace::Workspace;

/// Paths of a stack that stays after the process that started it.
pub(crate) struct Left {
    pub(crate) directory: PathBuf,
    env_file: PathBuf,
    processes: PathBuf,
}

impl Left {
    pub(crate) fn behind(workspace: &Workspace) -> Self {
        let directory = workspace.local_dir().join("stack");
        Self {
            env_file: workspace.local_dir().join("stack.env"),
            processes: directory.join("processes"),
            directory,
        }
    }

    pub(crate) fn groups(&self) -> Vec<(String, u32)> {
        let text = fs::read_to_string(&self.processes).unwrap_or_default();
        text.lines()
            .filter_map(|line| {
                let (marker, group) = line.split_once(' ')?;
                Some((marker.to_owned(), group.parse().ok()?))
            })
            .collect()
    }

    pub(crate) fn is_running(&self) -> bool {
        self.env_file.is_file() && self.groups().iter().any(|(marker, group)| is_ours(*group, marker))
    }

    pub(crate) fn env(&self) -> anyhow::Result<StackEnv> {
        let text = fs::read_to_string(&self.env_file).with_context(|| self.env_file.display().to_string())?;
        StackEnv::from_file_text(&text)
    }

    pub(crate) fn remember(&self, env: &StackEnv, groups: &[(&'static str, u32)]) -> anyhow::Result<()> {
        let lines: Vec<String> = groups.iter().map(|(marker, group)| format!("{marker} {group}")).collect();
        fs::write(&self.processes, lines.join("\n"))?;
        env.write(&self.env_file)
    }

    pub(crate) fn forget(&self) -> anyhow::Result<()> {
        if self.env_file.exists() {
            fs::remove_file(&self.env_file)?;
        }
        if self.directory.exists() {
            fs::remove_dir_all(&self.directory).with_context(|| self.directory.display().to_string())?;
        }
        Ok(())
    }
}
