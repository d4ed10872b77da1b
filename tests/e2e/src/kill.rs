//! Kills functions in the middle of their work.

use stack::{Function, Stack};

use crate::within;

/// How long MiniStack may take to see that a process is gone, in seconds.
const SEEN_S: u64 = 3;

/// Kills a function's processes, again and again, until one of them died with an invocation in its hands; at most
/// `limit_s` seconds long.
///
/// # Errors
/// Where none did, or the processes can't be killed.
pub async fn kill_at_work(stack: &Stack, function: Function, limit_s: u64) -> anyhow::Result<()> {
    within(limit_s, &format!("a process of {} dies at its work", function.name()), || async {
        let before = stack.lost_invocations(function)?;
        if stack.kill_function(function).await? == 0 {
            return Ok(None);
        }
        let lost = within(SEEN_S, "an invocation is lost", || async {
            Ok((stack.lost_invocations(function)? > before).then_some(()))
        });
        Ok(lost.await.ok())
    })
    .await
}
