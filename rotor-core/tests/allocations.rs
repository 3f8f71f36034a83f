//! What takes memory from the heap, and what does not.

#![cfg(not(any(miri, rotor_loom)))]
#![expect(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

use rotor_core::*;

struct Counting;

thread_local! {
    static TAKEN: Cell<u64> = const { Cell::new(0) };
    /// Bytes that were taken and not given back.
    static LIVE: Cell<i64> = const { Cell::new(0) };
}

// SAFETY: the system's allocator does the work; the counters of a thread are plain memory.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        TAKEN.set(TAKEN.get() + 1);
        LIVE.set(LIVE.get() + layout.size() as i64);
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.set(LIVE.get() - layout.size() as i64);
        // SAFETY: passed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How often `f` takes memory, once it has been done a few times.
fn taken(mut f: impl FnMut()) -> u64 {
    (0..4).for_each(|_| f());
    let before = TAKEN.get();
    f();
    TAKEN.get() - before
}

struct Nobody;

impl Wake for Nobody {
    fn wake(&self) {}
}

const LONG: Duration = Duration::from_secs(3600);
/// How often something is done between two counts.
const TIMES: u32 = 1000;

/// All threads of a process share the cells of its futures: what one takes, another may give back.
/// Tests that count what futures take do so one after another.
static FUTURES: Mutex<()> = Mutex::new(());

struct Worker {
    next: Option<Addr<Worker>>,
    answers: u32,
    waker: Rc<RefCell<Option<Waker>>>,
}

#[derive(Clone)]
struct Count(u32);
struct Add(u32);
/// Has the worker ask the next one.
struct Inquire;
/// Has it spawn a future that is ready.
struct Spawn;
/// Has it spawn one that is never ready.
struct Wait;
/// Has it arm a timer.
struct Arm(Duration);
/// Has it arm one and cancel that.
struct Waver;
/// Has it arm one that fires again and again.
struct Beat(Duration);
/// Has it send the next one so many messages.
struct Burst(u32);
/// Has it start so many children that do nothing.
struct Raise(u32);
/// A message that does not fit a short record.
struct Letter {
    _text: [u64; 12],
}
/// Has it subscribe.
struct Hear(Topic<Count>);

impl Request for Add {
    type Reply = u32;
}

impl Actor for Worker {}

impl Handler<Count> for Worker {
    fn handle(&mut self, Count(n): Count, _: &mut Context<Self>) {
        if n > 0 {
            self.next.expect("there is one").send(Count(n - 1));
        }
    }
}

impl Handler<Letter> for Worker {
    fn handle(&mut self, _: Letter, _: &mut Context<Self>) {}
}

impl Handler<Ask<Add>> for Worker {
    fn handle(&mut self, ask: Ask<Add>, _: &mut Context<Self>) {
        match self.next {
            Some(next) => next.send(ask),
            None => {
                let sum = ask.request.0 + 1;
                ask.reply(sum);
            }
        }
    }
}

impl Handler<Inquire> for Worker {
    fn handle(&mut self, _: Inquire, cx: &mut Context<Self>) {
        let next = self.next.expect("there is one");
        cx.request(next, Add(1), LONG, |me, sum, _| {
            me.answers += sum.expect("an answer");
        });
    }
}

impl Handler<Spawn> for Worker {
    fn handle(&mut self, _: Spawn, cx: &mut Context<Self>) {
        cx.spawn(std::future::ready(1), |me, n, _| me.answers += n);
    }
}

impl Handler<Wait> for Worker {
    fn handle(&mut self, _: Wait, cx: &mut Context<Self>) {
        let waker = self.waker.clone();
        let wakes = poll_fn(move |cx| {
            let mut known = waker.borrow_mut();
            match &mut *known {
                Some(waker) => waker.clone_from(cx.waker()),
                None => *known = Some(cx.waker().clone()),
            }
            Poll::<()>::Pending
        });
        cx.spawn(wakes, |_, (), _| ());
    }
}

impl Handler<Arm> for Worker {
    fn handle(&mut self, Arm(delay): Arm, cx: &mut Context<Self>) {
        cx.after(delay, Count(0));
    }
}

impl Handler<Waver> for Worker {
    fn handle(&mut self, _: Waver, cx: &mut Context<Self>) {
        let timer = cx.after(LONG, Count(0));
        assert!(cx.cancel(timer));
    }
}

impl Handler<Beat> for Worker {
    fn handle(&mut self, Beat(period): Beat, cx: &mut Context<Self>) {
        cx.every(period, Count(0));
    }
}

impl Handler<Burst> for Worker {
    fn handle(&mut self, Burst(n): Burst, _: &mut Context<Self>) {
        let next = self.next.expect("there is one");
        (0..n).for_each(|_| next.send(Count(0)));
    }
}

impl Handler<Raise> for Worker {
    fn handle(&mut self, Raise(n): Raise, cx: &mut Context<Self>) {
        for _ in 0..n {
            cx.child(Child::new("idle", || Idle(0)).temporary());
        }
    }
}

/// An actor with a word of state.
struct Idle(#[allow(dead_code, reason = "it is state")] u64);

impl Actor for Idle {}

impl Handler<Hear> for Worker {
    fn handle(&mut self, Hear(news): Hear, cx: &mut Context<Self>) {
        cx.subscribe(news);
    }
}

/// Workers in a row, each of which knows the next.
struct Row {
    driver: Driver,
    clock: Clock,
    workers: Vec<Addr<Worker>>,
    waker: Rc<RefCell<Option<Waker>>>,
}

impl Row {
    fn new(n: usize) -> Self {
        Self::of(n, Locality::reserve)
    }

    fn of(n: usize, reserve: fn(&Locality) -> Addr<Worker>) -> Self {
        let clock = Clock::manual();
        let driver = Driver::new(Arc::new(Nobody), clock.clone());
        let here = Locality::new("here");
        driver.open(&here).unwrap();
        let workers: Vec<Addr<Worker>> = (0..n).map(|_| reserve(&here)).collect();
        let waker = Rc::new(RefCell::new(None));
        let mut tree = Supervisor::one_for_one("root");
        for (i, worker) in workers.iter().enumerate() {
            let (next, waker) = (workers.get(i + 1).copied(), waker.clone());
            let make = move || Worker {
                next,
                answers: 0,
                waker: waker.clone(),
            };
            tree = tree.child(Child::new(format!("worker {i}"), make).at(*worker));
        }
        driver.start(tree).unwrap();
        driver.run_until_idle();
        Row {
            driver,
            clock,
            workers,
            waker,
        }
    }

    /// How often memory is taken when this is sent again and again.
    fn sent<M: Send + 'static>(&self, message: impl Fn() -> M) -> u64
    where
        Worker: TryHandler<M>,
    {
        taken(|| {
            for _ in 0..TIMES {
                self.workers[0].send(message());
                self.driver.run_until_idle();
            }
        })
    }
}

#[test]
fn a03_recipients_take_no_memory() {
    let row = Row::new(1);
    let all: [Recipient<Count>; 1000] = std::array::from_fn(|_| row.workers[0].to());
    let made = taken(|| {
        let made: [Recipient<Count>; 1000] = std::array::from_fn(|_| row.workers[0].to());
        assert_eq!(made, all);
    });
    assert_eq!(made, 0);
}

#[test]
fn a05_a_message_takes_no_memory() {
    let row = Row::new(8);
    assert_eq!(row.sent(|| Count(7)), 0);
}

/// However many wait there: a long one lies in a block of its own, a short one beside others.
#[test]
fn a05_a_message_from_another_thread_takes_little_memory() {
    let row = Row::new(1);
    let worker = row.workers[0];
    let bytes = |send: fn(Addr<Worker>)| {
        let sender = move || {
            let before = (TAKEN.get(), LIVE.get());
            (0..TIMES).for_each(|_| send(worker));
            (TAKEN.get() - before.0, LIVE.get() - before.1)
        };
        let (taken, bytes) = std::thread::spawn(sender).join().expect("it only sends");
        row.driver.run_until_idle();
        (taken / u64::from(TIMES), bytes / i64::from(TIMES))
    };
    let (taken, short) = bytes(|worker| worker.send(Count(0)));
    assert!(taken == 0 && short <= 80, "{taken} times, {short} bytes");
    let (taken, long) = bytes(|worker| worker.send(Letter { _text: [7; 12] }));
    assert!(taken == 1 && long <= 256, "{taken} times, {long} bytes");
}

#[test]
fn a17_a_message_for_a_bounded_actor_takes_no_memory() {
    let bounded = |here: &Locality| {
        let bound = Bound::drop_oldest(2).latest(|count: &Count| u64::from(count.0));
        here.reserve_bounded(bound)
    };
    let row = Row::of(8, bounded);
    assert_eq!(row.sent(|| Count(7)), 0);
}

/// Nor does it take any when it is refused, or drops another one, or has the actor fail.
#[test]
fn a18_a_message_that_is_too_much_takes_no_memory() {
    let bounds: [fn(&Locality) -> Addr<Worker>; 3] = [
        |here| here.reserve_bounded(Bound::reject(1)),
        |here| here.reserve_bounded(Bound::drop_oldest(1)),
        |here| here.reserve_bounded(Bound::fail(1)),
    ];
    for bound in bounds {
        let row = Row::of(1, bound);
        let sent = taken(|| {
            for _ in 0..TIMES {
                row.workers[0].send(Count(0));
            }
        });
        assert_eq!(sent, 0);
    }
}

#[test]
fn a10_a_request_that_is_passed_on_takes_no_memory() {
    for hops in [1, 7] {
        assert_eq!(Row::new(1 + hops).sent(|| Inquire), 0);
    }
}

#[test]
fn row_m06_a_future_takes_memory_when_it_is_spawned_and_no_more() {
    let _alone = FUTURES.lock();
    let row = Row::new(2);
    row.workers[1].send(Wait);
    row.driver.run_until_idle();
    let polls = taken(|| {
        for _ in 0..TIMES {
            let waker = row.waker.borrow().clone();
            waker.expect("it was polled").wake();
            row.driver.run_until_idle();
        }
    });
    assert_eq!(polls, 0);
    // Its box; and a block of the list of free cells, now and then.
    let spawned = row.sent(|| Spawn);
    assert!(spawned >= u64::from(TIMES), "{spawned} for {TIMES} futures");
    assert!(spawned - u64::from(TIMES) <= u64::from(TIMES / 31) + 1);
}

#[test]
fn t01_a_timer_takes_no_memory() {
    assert_eq!(Row::new(1).sent(|| Arm(Duration::ZERO)), 0);
    assert_eq!(Row::new(1).sent(|| Waver), 0);
    let row = Row::new(1);
    let second = Duration::from_secs(1);
    let waited = || {
        let mut sum = 0;
        for round in 0..5 * TIMES {
            row.clock.advance(second); // whom it wakes, it remembers in a list
            let before = TAKEN.get();
            row.driver.run_until_idle();
            row.workers[0].send(Arm(second));
            row.driver.run_until_idle();
            sum += if round < TIMES {
                0
            } else {
                TAKEN.get() - before
            };
        }
        sum
    };
    assert_eq!(waited(), 0);
    row.workers[0].send(Beat(second));
    row.driver.run_until_idle();
    assert_eq!(waited(), 0);
}

/// Two workers on two threads, the first of which knows the other one. They take turns.
struct Apart {
    driver: Driver,
    worker: Addr<Worker>,
    turn: Arc<Barrier>,
    over: Arc<AtomicBool>,
    /// How often the other thread has taken memory.
    taken: Arc<AtomicU64>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Apart {
    fn new() -> Self {
        let worker = |next| Worker {
            next,
            answers: 0,
            waker: Rc::default(),
        };
        let (here, there) = (Locality::new("here"), Locality::new("there"));
        let (near, far) = (here.reserve(), there.reserve());
        let turn = Arc::new(Barrier::new(2));
        let (over, taken) = (Arc::default(), Arc::<AtomicU64>::default());
        let driver = Driver::new(Arc::new(Nobody), Clock::manual());
        driver.open(&here).unwrap();
        let tree = Supervisor::one_for_one("root")
            .child(Child::new("near", move || worker(Some(far))).at(near))
            .child(Supervisor::one_for_one("far").on(&there, move |s| {
                s.child(Child::new("far", move || worker(None)).at(far))
            }));
        driver.start(tree).unwrap();
        let (theirs, tells) = (turn.clone(), taken.clone());
        let ends: Arc<AtomicBool> = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            let driver = Driver::new(Arc::new(Nobody), Clock::manual());
            driver.open(&there).unwrap();
            loop {
                theirs.wait();
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                driver.run_until_idle();
                tells.store(TAKEN.get(), Ordering::Relaxed);
                theirs.wait();
            }
        });
        let apart = Apart {
            driver,
            worker: near,
            turn,
            over,
            taken,
            thread: Some(thread),
        };
        (0..4).for_each(|_| apart.turns());
        assert_eq!(far.address().state(), Lifecycle::Running);
        apart
    }

    fn turns(&self) {
        self.driver.run_until_idle();
        self.turn.wait();
        self.turn.wait();
        self.driver.run_until_idle();
    }

    /// How often memory is taken on both threads when this is sent again and again.
    fn sent<M: Send + 'static>(&self, message: impl Fn() -> M) -> u64
    where
        Worker: TryHandler<M>,
    {
        let rounds = || {
            for _ in 0..TIMES {
                self.worker.send(message());
                self.turns();
            }
        };
        (0..4).for_each(|_| rounds());
        let all = || TAKEN.get() + self.taken.load(Ordering::Relaxed);
        let before = all();
        rounds();
        all() - before
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.turn.wait();
        let ended = self.thread.take().map(|thread| thread.join());
        assert!(ended.is_some_and(|ended| ended.is_ok()));
    }
}

#[test]
fn a05_messages_to_another_locality_take_no_memory() {
    let apart = Apart::new();
    for n in [1, 7, 300] {
        assert_eq!(apart.sent(|| Burst(n)), 0, "{n} at a time");
    }
}

#[test]
fn a10_a_request_to_another_locality_takes_no_memory() {
    assert_eq!(Apart::new().sent(|| Inquire), 0);
}

#[test]
fn a22_a_message_that_is_published_takes_no_memory() {
    let row = Row::new(9);
    let news = row.workers[0].address().topic();
    row.workers
        .iter()
        .for_each(|worker| worker.send(Hear(news)));
    row.driver.run_until_idle();
    let published = taken(|| {
        for _ in 0..TIMES {
            news.publish(Count(0));
            row.driver.run_until_idle();
        }
    });
    assert_eq!(published, 0);
}

/// However an instance ends, and whatever it had: a child, a timer, a monitor, a future, a subscription, and a
/// mebibyte of its own.
#[test]
fn restarts_leave_no_memory_behind() {
    enum End {
        Stop,
        Fail,
        Panic,
    }
    struct Large {
        _memory: Vec<u8>,
        neighbour: Addr<Idle>,
        news: Topic<Count>,
    }
    impl Actor for Large {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            cx.child(Child::new("idle", || Idle(0)));
            cx.after(LONG, Count(1));
            cx.monitor(self.neighbour.address());
            cx.spawn(std::future::pending::<()>(), |_, (), _| ());
            cx.subscribe(self.news);
            Ok(())
        }
    }
    impl Handler<Count> for Large {
        fn handle(&mut self, _: Count, _: &mut Context<Self>) {}
    }
    impl Handler<Down> for Large {
        fn handle(&mut self, _: Down, _: &mut Context<Self>) {}
    }
    impl TryHandler<End> for Large {
        fn try_handle(&mut self, end: End, cx: &mut Context<Self>) -> Result {
            match end {
                End::Stop => cx.stop(),
                End::Fail => return Err(Error::message("as told")),
                End::Panic => std::panic::resume_unwind(Box::new("as told")),
            }
            Ok(())
        }
    }
    let _alone = FUTURES.lock();
    let clock = Clock::manual();
    let driver = Driver::new(Arc::new(Nobody), clock.clone());
    let here = Locality::new("here");
    driver.open(&here).unwrap();
    let (large, neighbour) = (here.reserve::<Large>(), here.reserve());
    let (news, lives) = (here.topic(), Rc::new(Cell::new(0)));
    let born = lives.clone();
    let make = move || {
        born.set(born.get() + 1);
        Large {
            _memory: vec![0; 1 << 20],
            neighbour,
            news,
        }
    };
    let tree = Supervisor::one_for_one("root")
        .intensity(1, Duration::from_millis(1))
        .child(Child::new("neighbour", || Idle(0)).at(neighbour))
        .child(Child::new("large", make).at(large));
    driver.start(tree).unwrap();
    let restart = || {
        for end in [End::Stop, End::Fail, End::Panic] {
            large.send(end);
            driver.run_until_idle();
            clock.advance(Duration::from_secs(1));
        }
    };
    (0..100).for_each(|_| restart());
    let before = LIVE.get();
    (0..TIMES).for_each(|_| restart());
    assert_eq!(lives.get(), 1 + 3 * (100 + TIMES));
    let kept = LIVE.get() - before;
    assert!(kept < i64::from(TIMES), "{kept} bytes"); // less than a byte for each
}

/// Figures of today, rounded up: more of either is to be noticed. There are as many actors as nearly fill the
/// tables, which double when they grow.
#[test]
fn an_idle_actor_takes_one_allocation_and_few_bytes() {
    const MANY: u32 = 16_200;
    let row = Row::new(1);
    let raise = |n| {
        row.workers[0].send(Raise(n));
        row.driver.run_until_idle();
    };
    raise(100);
    let before = (TAKEN.get(), LIVE.get());
    raise(MANY);
    let taken = (TAKEN.get() - before.0) as f64 / f64::from(MANY);
    let bytes = (LIVE.get() - before.1) as f64 / f64::from(MANY);
    println!("an idle actor: {taken:.2} allocations, {bytes:.0} bytes");
    assert!(taken <= 1.01 && bytes <= 260.0);
}
