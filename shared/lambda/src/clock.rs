//! The clock on the wall.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use adrelay_core::ports::clock::Clock;
use adrelay_core::time::UnixMillis;

/// Real time. The only place, with tests apart, where the system's clock is read.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMillis(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
    }

    async fn sleep_ms(&self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
}
