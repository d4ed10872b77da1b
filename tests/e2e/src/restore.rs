//! What a test takes away from all others for a while, and gives back however the test ends.

use std::panic::{AssertUnwindSafe, resume_unwind};

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use stack::{Function, Stack};

/// Does `work` and then `restore`, also where the work fails or panics. The work's failure is the one that is reported.
///
/// # Errors
/// What the work fails with, else what the restoring fails with.
pub fn restoring<'a, T: 'a>(
    work: impl Future<Output = anyhow::Result<T>> + 'a,
    restore: impl Future<Output = anyhow::Result<()>> + 'a,
) -> LocalBoxFuture<'a, anyhow::Result<T>> {
    // Boxed, as these are put into one another.
    Box::pin(async move {
        let done = AssertUnwindSafe(work).catch_unwind().await;
        let restored = restore.await;
        match done {
            Ok(done) => {
                let value = done?;
                restored?;
                Ok(value)
            }
            Err(panic) => resume_unwind(panic),
        }
    })
}

/// Does `work` while nothing takes messages from the queue of events.
///
/// # Errors
/// As [`restoring`], or where dispatch can't be stopped.
pub fn without_dispatch<'a, T: 'a>(
    stack: &'a Stack,
    work: impl Future<Output = anyhow::Result<T>> + 'a,
) -> LocalBoxFuture<'a, anyhow::Result<T>> {
    let stopped = async {
        stack.set_dispatch_enabled(false).await?;
        work.await
    };
    restoring(stopped, stack.set_dispatch_enabled(true))
}

/// Does `work` while nothing takes messages from the queue of leads.
///
/// # Errors
/// As [`restoring`], or where lead-worker can't be stopped.
pub fn without_lead_worker<'a, T: 'a>(
    stack: &'a Stack,
    work: impl Future<Output = anyhow::Result<T>> + 'a,
) -> LocalBoxFuture<'a, anyhow::Result<T>> {
    let stopped = async {
        stack.set_lead_worker_enabled(false).await?;
        work.await
    };
    restoring(stopped, stack.set_lead_worker_enabled(true))
}

/// Does `work` while a function's role has only those statements whose `Sid` begins with `kept`.
///
/// # Errors
/// As [`restoring`], or where the role can't be changed.
pub fn with_statements_of<'a, T: 'a>(
    stack: &'a Stack,
    function: Function,
    kept: &'a str,
    work: impl Future<Output = anyhow::Result<T>> + 'a,
) -> LocalBoxFuture<'a, anyhow::Result<T>> {
    Box::pin(async move {
        let sids = stack.role_statements(function).await?;
        let others: Vec<&String> = sids.iter().filter(|sid| !sid.starts_with(kept)).collect();
        anyhow::ensure!(others.len() < sids.len(), "none of {sids:?} is kept");
        let [first, rest @ ..] = others.as_slice() else { anyhow::bail!("all of {sids:?} are kept") };
        let whole = stack.without_statement(function, first).await?;
        let fewer = async {
            for sid in rest {
                stack.without_statement(function, sid).await?;
            }
            work.await
        };
        restoring(fewer, stack.restore_role(function, &whole)).await
    })
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::panic::AssertUnwindSafe;

    use futures_util::FutureExt as _;

    use super::restoring;

    fn panics() -> anyhow::Result<()> {
        panic!("the work panicked")
    }

    #[tokio::test]
    async fn what_was_taken_is_given_back_after_a_failure_and_a_panic() {
        let restored = Cell::new(0);
        let restore = || async {
            restored.set(restored.get() + 1);
            Ok(())
        };
        assert_eq!(restoring(async { Ok(7) }, restore()).await.unwrap(), 7);
        let failed = restoring(async { anyhow::bail!("the work failed") }, restore()).await;
        assert_eq!(failed.map(|()| "no error").unwrap_err().to_string(), "the work failed");
        let panicked = AssertUnwindSafe(restoring(async { panics() }, restore())).catch_unwind().await;
        assert!(panicked.is_err());
        assert_eq!(restored.get(), 3);
    }

    #[tokio::test]
    async fn what_can_not_be_given_back_is_reported() {
        let kept = restoring(async { Ok(()) }, async { anyhow::bail!("not given back") }).await;
        assert_eq!(kept.unwrap_err().to_string(), "not given back");
    }
}
