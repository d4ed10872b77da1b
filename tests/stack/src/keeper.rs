//! Ends what a stack started, however the process that started it ends.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::Context;

/// Reads orders until its input closes, which happens when its owner lets go of it or dies, even by
/// SIGKILL; then ends the process groups it was told of and removes the paths.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
groups=
while read -r order value; do
  case $order in
    group) groups="$groups $value" ;;
    remove) set -- "$@" "$value" ;;
    release) exit 0 ;;
  esac
done
for group in $groups; do kill -TERM "-$group" 2>/dev/null; done
for group in $groups; do
  tries=0
  while kill -0 "-$group" 2>/dev/null && [ $tries -lt 10 ]; do
    sleep 0.1
    tries=$((tries + 1))
  done
  kill -KILL "-$group" 2>/dev/null
done
rm -rf -- "$@"
"#;

/// A small process of its own that outlives its owner by the time it takes to clean up.
#[derive(Debug)]
pub(crate) struct Keeper {
    child: Child,
    orders: Option<ChildStdin>,
}

impl Keeper {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let mut child = Command::new("sh")
            .args(["-c", SCRIPT, "adrelay-stack-keeper"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C in a terminal reaches the whole foreground group; the keeper must survive it.
            .process_group(0)
            .spawn()
            .context("starting sh")?;
        let orders = child.stdin.take();
        Ok(Self { child, orders })
    }

    /// Ends the process group `group` at the end.
    pub(crate) fn end_group(&mut self, group: u32) -> anyhow::Result<()> {
        self.order(&format!("group {group}"))
    }

    /// Removes `path` (a file or a directory) at the end.
    pub(crate) fn remove(&mut self, path: &Path) -> anyhow::Result<()> {
        self.order(&format!("remove {}", path.display()))
    }

    /// Leaves everything running.
    pub(crate) fn release(mut self) -> anyhow::Result<()> {
        self.order("release")?;
        self.finish()
    }

    /// Ends everything and returns once it has ended.
    pub(crate) fn finish(&mut self) -> anyhow::Result<()> {
        drop(self.orders.take());
        self.child.wait().context("waiting for the keeper")?;
        Ok(())
    }

    fn order(&mut self, order: &str) -> anyhow::Result<()> {
        let orders = self.orders.as_mut().context("the keeper has been let go")?;
        writeln!(orders, "{order}").context("the keeper is gone")
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // Nothing can be done about a failure here, and the keeper works on by itself.
        let _ = self.finish();
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::processes::{commands, is_ours, kill};

    fn sleeper() -> Child {
        Command::new("sleep").arg("1000").process_group(0).spawn().unwrap()
    }

    #[test]
    fn letting_go_of_the_keeper_ends_the_group_and_removes_the_files() {
        let directory = tempfile::tempdir().unwrap();
        let files = directory.path().join("with a space");
        fs::create_dir(&files).unwrap();
        let mut process = sleeper();
        let mut keeper = Keeper::start().unwrap();
        keeper.end_group(process.id()).unwrap();
        keeper.remove(&files).unwrap();
        // Reaps the process, which the keeper would otherwise wait for as long as it is a zombie.
        let reaper = std::thread::spawn(move || process.wait());

        drop(keeper);

        assert!(!reaper.join().unwrap().unwrap().success());
        assert!(!files.exists());
    }

    #[test]
    fn a_released_keeper_leaves_everything() {
        let mut process = sleeper();
        let mut keeper = Keeper::start().unwrap();
        keeper.end_group(process.id()).unwrap();

        keeper.release().unwrap();

        assert!(process.try_wait().unwrap().is_none());
        assert!(is_ours(process.id(), "sleep"));
        process.kill().unwrap();
        process.wait().unwrap();
    }

    #[test]
    fn the_keeper_acts_even_when_its_owner_is_killed() {
        let directory = tempfile::tempdir().unwrap();
        let marker = directory.path().join("marker");
        fs::write(&marker, "").unwrap();
        // The owner holds the writing end of the keeper's pipe, as a test process does, and dies by SIGKILL.
        let nap = format!("1000.{}", std::process::id());
        let owner = format!("(echo 'remove {}'; exec sleep {nap}) | sh -c \"$0\"", marker.display());
        let mut shell = Command::new("sh").args(["-c", &owner, SCRIPT]).process_group(0).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        let owner = loop {
            let all = commands().unwrap();
            if let Some((pid, _)) =
                all.iter().find(|(_, command)| command.starts_with(&format!("sleep {nap}")))
            {
                break *pid;
            }
            assert!(Instant::now() < deadline, "the owner never started");
        };
        assert!(marker.exists());

        assert!(kill(owner));

        shell.wait().unwrap();
        assert!(!marker.exists());
    }
}
