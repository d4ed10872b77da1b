//! Taking turns: one thread, many tasks, an order that a seed decides, and time that passes only when all wait.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::{SeededEntropy, VirtualClock};

/// Turns after which a run counts as endless.
const TURNS_MAX: u64 = 20_000_000;

/// A task of [`side_by_side`].
pub type Task<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Lets others run first: a fake does so wherever a real store would be asked over a network.
pub(crate) async fn pause() {
    let mut paused = false;
    std::future::poll_fn(|context| {
        if paused {
            return Poll::Ready(());
        }
        paused = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Lets a future go on until it has ended, or until nothing will wake it: that is a process that hangs, and dies with it.
pub fn unless_hung<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let woken = Arc::new(Flag(AtomicBool::new(true)));
    let waker = Waker::from(Arc::clone(&woken));
    let mut context = Context::from_waker(&waker);
    while woken.0.swap(false, Ordering::SeqCst) {
        if let Poll::Ready(done) = future.as_mut().poll(&mut context) {
            return Some(done);
        }
    }
    None
}

/// Finishes a call of a fake where nobody can wait: in a hook, in a test that is not async.
///
/// # Panics
/// Where it waits for anything but its turn.
#[expect(clippy::expect_used, reason = "for tests")]
pub fn at_once<T>(future: impl Future<Output = T>) -> T {
    unless_hung(future).expect("a call that ends at once")
}

/// Runs tasks side by side until all have ended, one step of one of them at a time, in an order that follows from
/// `seed`. The clock moves on only when all of them sleep, to the next instant at which one wakes.
///
/// # Panics
/// Where tasks are left that nothing will wake, or that never end.
#[expect(clippy::panic, reason = "for tests")]
pub fn side_by_side(clock: &VirtualClock, seed: u64, tasks: Vec<Task<'_>>) {
    let random = SeededEntropy::new(seed);
    let _driven = clock.drive();
    let mut tasks: Vec<(Task<'_>, Arc<Flag>)> =
        tasks.into_iter().map(|task| (task, Arc::new(Flag(AtomicBool::new(true))))).collect();
    for _ in 0..TURNS_MAX {
        if tasks.is_empty() {
            return;
        }
        let ready: Vec<usize> = (0..tasks.len()).filter(|&at| tasks[at].1.0.load(Ordering::SeqCst)).collect();
        if ready.is_empty() {
            assert!(clock.wake_next(), "{} tasks wait for what never comes", tasks.len());
            continue;
        }
        let at = ready[usize::try_from(random.next_u64() % ready.len() as u64).unwrap_or(0)];
        let (task, flag) = &mut tasks[at];
        flag.0.store(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(flag));
        if task.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            drop(tasks.swap_remove(at));
        }
    }
    panic!("{} tasks don't end", tasks.len());
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use adrelay_core::ports::clock::Clock as _;
    use adrelay_core::time::UnixMillis;

    use super::*;

    async fn naps(clock: &VirtualClock, name: &str, ms: &[u64], log: &RefCell<Vec<(String, i64)>>) {
        for ms in ms {
            clock.sleep_ms(*ms).await;
            log.borrow_mut().push((name.to_owned(), clock.now().0));
        }
    }

    #[test]
    fn sleeps_of_tasks_side_by_side_overlap() {
        let (clock, log) = (VirtualClock::at(UnixMillis(0)), RefCell::new(Vec::new()));
        let tasks: Vec<Task<'_>> = vec![
            Box::pin(naps(&clock, "one", &[10, 10, 10], &log)),
            Box::pin(naps(&clock, "two", &[15, 10], &log)),
        ];
        side_by_side(&clock, 1, tasks);
        let woke = [("one", 10), ("two", 15), ("one", 20), ("two", 25), ("one", 30)];
        assert_eq!(log.into_inner(), woke.map(|(name, at)| (name.to_owned(), at)));
        at_once(clock.sleep_ms(5));
        assert_eq!(clock.now().0, 35, "alone, a sleep passes at once");
    }

    #[test]
    fn seeds_decide_the_order_and_repeat_it() {
        let order = |seed| {
            let (clock, log) = (VirtualClock::at(UnixMillis(0)), RefCell::new(String::new()));
            let task = |name: char| {
                let log = &log;
                async move {
                    for _ in 0..5 {
                        pause().await;
                        log.borrow_mut().push(name);
                    }
                }
            };
            side_by_side(&clock, seed, vec![Box::pin(task('a')), Box::pin(task('b'))]);
            log.into_inner()
        };
        assert_eq!(order(1), order(1));
        assert!((2..9).any(|seed| order(seed) != order(1)));
    }

    #[test]
    #[should_panic(expected = "1 tasks wait for what never comes")]
    fn a_task_that_never_wakes_is_reported() {
        side_by_side(&VirtualClock::at(UnixMillis(0)), 1, vec![Box::pin(std::future::pending())]);
    }
}
