//! What the backends' own tests share. Each includes it, by its path, in `tests/common/mod.rs`.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{JoinHandle, ThreadId};
use std::time::{Duration, Instant};

use rotor_core::*;

/// Nothing here takes this long, unless it hangs.
pub const LIMIT: Duration = Duration::from_secs(30);

/// Runs a test on a thread of its own, and fails if it takes too long.
pub fn within_limit(test: impl FnOnce() + Send + 'static) {
    let (tell, told) = mpsc::channel();
    let thread =
        std::thread::spawn(move || tell.send(catch_unwind(AssertUnwindSafe(test))).is_ok());
    let result = told.recv_timeout(LIMIT);
    let result = result.unwrap_or_else(|_| panic!("took longer than {LIMIT:?}"));
    // What a thread keeps for itself is dropped at its very end.
    assert!(thread.join().expect("its panic was caught"));
    result.unwrap_or_else(|panic| resume_unwind(panic));
}

/// Next value of a channel, or a failure.
pub fn next<T>(told: &Receiver<T>) -> T {
    told.recv_timeout(LIMIT).expect("something comes in time")
}

/// A tree of one actor, which ends when that ends in order.
pub fn only<A: Actor>(child: Child<A>) -> Supervisor {
    Supervisor::one_for_one("test")
        .auto_shutdown(AutoShutdown::Any)
        .child(child.transient().significant())
}

/// Whether a tree ended because its actor did: one that gave up ends in order as well.
pub fn orderly(exit: &Exit) -> bool {
    !exit.is_abnormal() && !exit.root_cause().is_abnormal()
}

/// An actor that does what it is told, and counts.
#[derive(Default)]
pub struct Doer {
    pub count: u32,
}

/// Something to be done by a [`Doer`].
pub struct Do(Job);

type Job = Box<dyn FnOnce(&mut Doer, &mut Context<Doer>) + Send>;

impl Do {
    /// Something to be done.
    pub fn new(job: impl FnOnce(&mut Doer, &mut Context<Doer>) + Send + 'static) -> Self {
        Do(Box::new(job))
    }

    /// Nothing.
    pub fn nothing() -> Self {
        Do(Box::new(|_, _| {}))
    }
}

impl Actor for Doer {}

impl Handler<Do> for Doer {
    fn handle(&mut self, Do(job): Do, cx: &mut Context<Self>) {
        job(self, cx);
    }
}

/// Has a doer do something.
pub fn act(doer: Addr<Doer>, job: impl FnOnce(&mut Doer, &mut Context<Doer>) + Send + 'static) {
    doer.send(Do::new(job));
}

/// Has a doer send itself a thousand messages again and again, so that its loop never rests, until it is told
/// that this is over; then it ends.
pub fn flood(doer: Addr<Doer>, over: &Arc<AtomicBool>) {
    fn again(cx: &mut Context<Doer>, over: Arc<AtomicBool>) {
        match over.load(Ordering::Relaxed) {
            true => cx.stop(),
            false => act(cx.addr(), |_, cx| again(cx, over)),
        }
    }
    for _ in 0..1000 {
        let over = over.clone();
        act(doer, |_, cx| again(cx, over));
    }
}

/// How long a [nap] takes.
pub const NAP: Duration = Duration::from_secs(3600);

/// Has a doer end after an hour.
pub fn nap(doer: Addr<Doer>) {
    act(doer, |_, cx| {
        cx.after(NAP, Do::new(|_, cx| cx.stop()));
    });
}

/// A doer at an address.
pub fn doer(at: Addr<Doer>) -> Child<Doer> {
    Child::new("doer", Doer::default).at(at)
}

/// Runs a tree on a thread of its own whose doer is on another loop, and is tried again while that is lost.
pub fn patient(far: &Locality, a: Addr<Doer>) -> JoinHandle<Exit> {
    let far = far.clone();
    std::thread::spawn(move || {
        let any = |name| Supervisor::one_for_one(name).auto_shutdown(AutoShutdown::Any);
        let part = any("far").backoff(Backoff::fixed(Duration::from_millis(5)));
        let part = part.on(&far, move |s| s.child(doer(a).transient().significant()));
        let tree = any("app").intensity(1_000_000, LIMIT);
        let tree = tree.child(part.transient().significant());
        ThreadLoop::new().run(tree).expect("a sound tree")
    })
}

/// Has a doer note that it lives, and says so.
pub fn call(a: Addr<Doer>) -> Receiver<()> {
    let (tell, told) = mpsc::channel();
    act(a, move |me, _| {
        me.count += 1;
        tell.send(()).expect("somebody listens");
    });
    told
}

/// Tells on which thread it is dropped.
pub struct Dropped(pub Sender<ThreadId>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.send(std::thread::current().id());
    }
}

/// How often a thread has waited, by its folder below `/proc`.
#[cfg(target_os = "linux")]
fn waits(thread: &std::path::Path) -> u64 {
    let text = std::fs::read_to_string(std::path::Path::new("/proc").join(thread).join("status"));
    let text = text.expect("the thread lives");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    line.unwrap().trim().parse().unwrap()
}

/// How often a thread that has nothing to do is woken in two seconds. Real time, because that is
/// what is promised.
#[cfg(target_os = "linux")]
pub fn wakes_of_an_idle(thread: &std::path::Path) -> u64 {
    // It may still be on its way into its wait.
    let mut before = waits(thread);
    let settled = Instant::now() + Duration::from_millis(200);
    while Instant::now() < settled {
        before = waits(thread);
        std::thread::yield_now();
    }
    std::thread::sleep(Duration::from_secs(2));
    waits(thread) - before
}
