//! Loops and steps that have an end: where a test would otherwise go on for ever, it fails.

#![expect(clippy::expect_used, clippy::panic, reason = "this is how a test fails")]

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

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

#[test]
#[should_panic(expected = "no end after 3 rounds")]
fn a_loop_without_an_end_fails() {
    assert_eq!(up_to::<u64>(3).count(), 3);
}
