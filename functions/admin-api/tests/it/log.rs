//! What a test's own thread logged.
//!
//! One subscriber for the whole process, set before any function is made: whether a log statement is of interest is
//! decided once, by the first thread that reaches it, and a subscriber of one thread alone can come too late for that.

use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;

thread_local! {
    static LINES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

struct OwnThread;

impl Write for OwnThread {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Captures from now on, on every thread.
pub(crate) fn capture() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = tracing_subscriber::fmt()
            .with_writer(|| OwnThread)
            .with_max_level(tracing::Level::DEBUG)
            .finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
}

/// All that this thread logged.
pub(crate) fn lines() -> String {
    LINES.with_borrow(|lines| String::from_utf8(lines.clone()).unwrap())
}
