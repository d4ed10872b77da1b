//! Faults, delays, races and counts of a fake's calls, for every fake alike.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use crate::VirtualClock;
use crate::errors::Failing;
use crate::turns::pause;

/// Stands for every method of a fake.
pub const ANY: &str = "*";

/// Whether something happens before a call takes effect or after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Before: a call that fails then changed nothing.
    Before,
    /// After: a call that fails then did its work, and only its answer is lost.
    After,
}

/// Both moments, for tests that try each.
pub const BEFORE_AND_AFTER: [When; 2] = [When::Before, When::After];

/// The calls that a fault is for, counted from when it was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// One call: 1 is the next.
    Nth(u64),
    /// Every call.
    Each,
}

type Hook = Arc<Mutex<dyn FnMut() + Send>>;
type Refuses = Arc<dyn Fn(usize, &dyn Any) -> bool + Send + Sync>;

#[derive(Clone)]
enum What {
    Fail(When),
    Hang(When),
    Run(When, Hook),
    Take(VirtualClock, u64),
    Refuse(When, Refuses),
}

struct Rule {
    method: &'static str,
    on: On,
    seen: u64,
    what: What,
}

#[derive(Default)]
struct State {
    rules: Vec<Rule>,
    down: BTreeSet<&'static str>,
    calls: BTreeMap<&'static str, u64>,
}

/// What goes wrong with the calls of one fake. Methods are named as in the port, [`ANY`] is all of them. Clones share it.
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<State>>);

impl std::fmt::Debug for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.with(|state| write!(f, "Faults({} rules, {:?} calls)", state.rules.len(), state.calls))
    }
}

/// What is to happen to one call.
struct Fate {
    what: Vec<What>,
}

impl Faults {
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add(&self, method: &'static str, on: On, what: What) {
        self.with(|state| state.rules.push(Rule { method, on, seen: 0, what }));
    }

    /// Makes calls fail.
    pub fn fail(&self, method: &'static str, on: On, when: When) {
        self.add(method, on, What::Fail(when));
    }

    /// Makes the n-th call of any method fail (1 is the next), and takes back every other failure that is still to come.
    pub fn stumble(&self, nth: u64, when: When) {
        self.with(|state| state.rules.retain(|rule| !matches!(rule.what, What::Fail(_))));
        self.fail(ANY, On::Nth(nth), when);
    }

    /// Makes calls that never answer, as when the caller dies at that point.
    pub fn hang(&self, method: &'static str, on: On, when: When) {
        self.add(method, on, What::Hang(when));
    }

    /// Whether every call of a method fails from now on, before it takes effect.
    pub fn set_down(&self, method: &'static str, down: bool) {
        self.with(|state| if down { state.down.insert(method) } else { state.down.remove(method) });
    }

    /// Lets calls take `ms` of virtual time, half of it before they take effect. A sleep oversleeps by so much.
    pub fn take_ms(&self, method: &'static str, on: On, clock: &VirtualClock, ms: u64) {
        self.add(method, on, What::Take(clock.clone(), ms));
    }

    /// Runs `hook` at calls: what others do just before they take effect, or just after.
    pub fn run(&self, method: &'static str, on: On, when: When, hook: impl FnMut() + Send + 'static) {
        self.add(method, on, What::Run(when, Arc::new(Mutex::new(hook))));
    }

    /// Refuses the items at these places of calls that answer for each item.
    pub fn refuse_at(&self, method: &'static str, on: On, when: When, places: &[usize]) {
        let places = places.to_vec();
        self.add(method, on, What::Refuse(when, Arc::new(move |place, _| places.contains(&place))));
    }

    /// Refuses the items of which `which` is true, by their place in the call and their content.
    pub fn refuse<I: 'static>(
        &self,
        method: &'static str,
        on: On,
        when: When,
        which: impl Fn(usize, &I) -> bool + Send + Sync + 'static,
    ) {
        let which =
            move |place: usize, item: &dyn Any| item.downcast_ref().is_some_and(|item| which(place, item));
        self.add(method, on, What::Refuse(when, Arc::new(which)));
    }

    /// Takes back everything that was set and is still to come. Counts go on.
    pub fn clear(&self) {
        self.with(|state| {
            state.rules.clear();
            state.down.clear();
        });
    }

    /// Calls of a method so far, failed ones included.
    #[must_use]
    pub fn calls(&self, method: &'static str) -> u64 {
        self.with(|state| {
            let counted = state.calls.iter().filter(|(name, _)| method == ANY || **name == method);
            counted.map(|(_, calls)| calls).sum()
        })
    }

    /// Methods that were called so far.
    #[must_use]
    pub fn methods(&self) -> Vec<&'static str> {
        self.with(|state| state.calls.keys().copied().collect())
    }

    fn begin(&self, method: &'static str) -> Fate {
        self.with(|state| {
            *state.calls.entry(method).or_default() += 1;
            let mut what = Vec::new();
            state.rules.retain_mut(|rule| {
                if rule.method != ANY && rule.method != method {
                    return true;
                }
                rule.seen += 1;
                let due = rule.on == On::Each || rule.on == On::Nth(rule.seen);
                if due {
                    what.push(rule.what.clone());
                }
                rule.on == On::Each || !due
            });
            Fate { what }
        })
    }

    fn is_down(&self, method: &'static str) -> bool {
        self.with(|state| state.down.contains(ANY) || state.down.contains(method))
    }

    /// One call of a method that answers as a whole: others get their turn before it takes effect and after it.
    pub(crate) async fn call<T: Send, E: Failing + Send>(
        &self,
        method: &'static str,
        act: impl FnOnce() -> Result<T, E> + Send,
    ) -> Result<T, E> {
        let fate = self.begin(method);
        fate.pass(When::Before).await;
        if self.is_down(method) || fate.fails(When::Before) {
            return Err(E::failing(When::Before));
        }
        let result = act();
        fate.pass(When::After).await;
        if fate.fails(When::After) { Err(E::failing(When::After)) } else { result }
    }

    /// One call of a method that answers for each item.
    pub(crate) async fn each<I: Sync + 'static, E: Failing + Send>(
        &self,
        method: &'static str,
        items: &[I],
        mut act: impl FnMut(&I) -> Result<(), E> + Send,
    ) -> Vec<Result<(), E>> {
        let fate = self.begin(method);
        fate.pass(When::Before).await;
        let down = self.is_down(method);
        let one = |(place, item): (usize, &I)| {
            if down || fate.fails(When::Before) || fate.refuses(When::Before, place, item) {
                return Err(E::failing(When::Before));
            }
            let result = act(item);
            let lost = fate.fails(When::After) || fate.refuses(When::After, place, item);
            if lost { Err(E::failing(When::After)) } else { result }
        };
        let results = items.iter().enumerate().map(one).collect();
        fate.pass(When::After).await;
        results
    }

    /// One call that can't fail: it takes its time, and others get their turn.
    pub(crate) async fn around<T: Send>(
        &self,
        method: &'static str,
        act: impl Future<Output = T> + Send,
    ) -> T {
        let fate = self.begin(method);
        fate.pass(When::Before).await;
        let result = act.await;
        fate.pass(When::After).await;
        result
    }
}

impl Fate {
    fn fails(&self, at: When) -> bool {
        self.what.iter().any(|what| matches!(what, What::Fail(when) if *when == at))
    }

    fn refuses(&self, at: When, place: usize, item: &dyn Any) -> bool {
        let refused =
            |what: &What| matches!(what, What::Refuse(when, which) if *when == at && which(place, item));
        self.what.iter().any(refused)
    }

    async fn pass(&self, at: When) {
        pause().await;
        for what in &self.what {
            match what {
                What::Take(clock, ms) => {
                    let half = ms / 2;
                    clock.pass_ms(if at == When::Before { half } else { ms - half }).await;
                }
                What::Run(when, hook) if *when == at => {
                    // A hook's own calls don't run it again.
                    if let Ok(mut hook) = hook.try_lock() {
                        hook();
                    }
                }
                What::Hang(when) if *when == at => std::future::pending().await,
                _ => {}
            }
        }
    }
}
