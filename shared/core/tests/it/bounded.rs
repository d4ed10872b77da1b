//! Loops and steps that have an end: where a test would otherwise go on for ever, it fails.

#![expect(clippy::expect_used, clippy::panic, reason = "this is how a test fails")]

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// 0, 1, 2, … below `max`. A test that has not left its loop by then fails.
pub(crate) fn up_to<T: TryFrom<u32>>(max: u32) -> impl Iterator<Item = T> {
    let no_end = std::iter::once_with(move || panic!("no end after {max} rounds"));
    (0..max).map(|nth| T::try_from(nth).ok().expect("a small number")).chain(no_end)
}

/// Lets `work` get on for at most so many steps, each as far as it gets at once: what it came to, where it ended.
pub(crate) async fn advance<F: Future>(mut work: Pin<&mut F>, steps: usize) -> Option<F::Output> {
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..steps {
        if let Poll::Ready(done) = work.as_mut().poll(&mut context) {
            return Some(done);
        }
        // What yielded is woken by the runtime.
        tokio::task::yield_now().await;
    }
    None
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Lets `work` get on until it waits for what never comes, as where a fake hangs: what it came to, where it ended. Who
/// drops it then has killed its process at that point.
pub(crate) fn until_stuck<F: Future>(work: F) -> Option<F::Output> {
    let mut work = pin!(work);
    let woken = Arc::new(Woken(AtomicBool::new(true)));
    let waker = Waker::from(Arc::clone(&woken));
    for _ in up_to::<u32>(10_000_000) {
        if !woken.0.swap(false, Ordering::SeqCst) {
            break;
        }
        if let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(done);
        }
    }
    None
}

#[test]
#[should_panic(expected = "no end after 3 rounds")]
fn a_loop_without_an_end_fails() {
    assert_eq!(up_to::<u64>(3).count(), 3);
}
