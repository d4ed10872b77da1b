//! Waiting for conditions, with a limit.

use std::future::Future;
use std::time::{Duration, Instant};

/// The pause after the first look.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// No pause is longer. Looks at a stack that is busy for long must not be what keeps it busy.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Polls `condition` until it gives a value, for at most `limit_s` seconds; each pause is a quarter longer than the last.
///
/// # Errors
/// Where the limit is reached, naming `what`; or what the condition itself fails with.
pub async fn within<T, F, Fut>(limit_s: u64, what: &str, mut condition: F) -> anyhow::Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = anyhow::Result<Option<T>>>,
{
    let end = Instant::now() + Duration::from_secs(limit_s);
    let mut pause = FIRST_PAUSE;
    loop {
        if let Some(value) = condition().await? {
            return Ok(value);
        }
        anyhow::ensure!(Instant::now() < end, "not within {limit_s} s: {what}");
        tokio::time::sleep(pause).await;
        pause = (pause * 5 / 4).min(LONGEST_PAUSE);
    }
}

/// Polls `condition` until it holds, for at most two minutes.
///
/// # Errors
/// See [`within`].
pub async fn eventually<F, Fut>(what: &str, mut condition: F) -> anyhow::Result<()>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = anyhow::Result<bool>>,
{
    within(120, what, || {
        let holds = condition();
        async { Ok(holds.await?.then_some(())) }
    })
    .await
}
