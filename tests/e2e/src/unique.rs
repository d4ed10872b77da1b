//! Numbers that no other test has: each test is a process of its own, and all of them share one stack.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::now_s;

static NEXT: AtomicU64 = AtomicU64::new(0);

/// Sixteen digits: six of the time, seven of this process's id, three that count within the process. The widths are
/// fixed, so that no two processes write the same digits in different ways.
pub(crate) fn unique_digits() -> String {
    let nth = NEXT.fetch_add(1, Ordering::Relaxed);
    digits(now_s(), std::process::id(), nth)
}

fn digits(now_s: i64, process: u32, nth: u64) -> String {
    format!("{:06}{:07}{:03}", now_s.rem_euclid(1_000_000), process % 10_000_000, nth % 1_000)
}

#[cfg(test)]
mod tests {
    use super::digits;

    #[test]
    fn processes_of_one_second_never_share_digits() {
        assert_ne!(digits(5, 12, 3), digits(5, 1, 23));
        assert_ne!(digits(5, 1_234_567, 1), digits(5, 1_234_567, 2));
        assert_eq!(digits(1_795_219_200, 4_194_304, 999).len(), 16);
        assert_eq!(digits(0, 1, 0), "0000000000001000");
    }
}
