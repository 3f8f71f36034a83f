//! Foreign code in places where it is easily forgotten: drops, wakers, wakes and clones that panic or
//! call back.

mod common;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context as TaskContext, Waker};
use std::time::Duration;

use common::*;
use rotor_core::sim::Sim;
use rotor_core::*;

#[test]
fn s09_a_spec_that_panics_when_it_is_dropped_leaves_no_locality_behind() {
    let here = Locality::new("here");
    let driver = open(&here);
    let a = here.reserve();
    let bomb = Bomb::default();
    let pool = Supervisor::simple_one_for_one("pool", move |(): (), _: &mut Context<Puppet>| {
        let _ = &bomb;
        Puppet::default()
    });
    driver
        .start(one("app").child(puppet("puppet", a)).child(pool))
        .unwrap();
    driver.run_until_idle();
    assert!(catch_unwind(AssertUnwindSafe(|| drop(driver))).is_ok());
    assert_eq!(a.try_send(1).unwrap_err().reason, Reason::Closed);
}

#[test]
fn s09_the_error_of_an_exit_for_nobody_may_panic_in_its_drop() {
    let mut sim = Sim::new(1);
    let here = sim.locality("here");
    let (a, b) = (here.reserve(), here.reserve::<Puppet>());
    let ends = puppet("ends", b).temporary();
    sim.start(one("app").child(puppet("puppet", a)).child(ends))
        .unwrap();
    sim.run_until_idle();
    b.stop();
    sim.run_until_idle();
    std::thread::spawn(move || b.address().stop_with(Exit::failed(Bomb::default())))
        .join()
        .unwrap();
    sim.run_until_idle();
    assert_eq!(a.address().state(), Lifecycle::Running, "a bystander");
}

/// An error that looks at the tree when it is dropped.
#[derive(Debug)]
struct Looks(Arc<Mutex<Vec<usize>>>, App);

impl Drop for Looks {
    fn drop(&mut self) {
        self.0.lock().unwrap().push(self.1.tree().nodes.len());
    }
}

impl std::fmt::Display for Looks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("it looks")
    }
}

impl std::error::Error for Looks {}

/// A supervisor remembers the last ends of its children, and lets go of older ones when its own
/// tables are whole again.
#[test]
fn s06_the_error_of_an_end_that_is_forgotten_sees_the_tree() {
    let mut sim = Sim::new(1);
    let here = sim.locality("here");
    let (a, b) = (here.reserve::<Puppet>(), here.reserve::<Puppet>());
    let patient = Supervisor::one_for_one("app").intensity(100, Duration::from_secs(5));
    let app = sim
        .start(patient.child(puppet("a", a)).child(puppet("b", b)))
        .unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    for _ in 0..9 {
        sim.run_until_idle();
        let error = Looks(seen.clone(), app.clone());
        b.address().stop_with(Exit::failed(error));
    }
    sim.run_until_idle();
    assert_eq!(*seen.lock().unwrap(), [3; 6]);
    app.shutdown();
    sim.run_until_idle();
    assert_eq!(seen.lock().unwrap().len(), 9);
}

/// Opens a locality in the midst of what is written to it.
struct Opening<'a>(&'a Driver, Locality);

impl std::fmt::Write for Opening<'_> {
    fn write_str(&mut self, _: &str) -> std::fmt::Result {
        let _ = self.0.open(&self.1);
        Ok(())
    }
}

#[test]
fn s06_a_locality_may_be_opened_while_its_driver_is_written() {
    let (here, there) = (Locality::new("here"), Locality::new("there"));
    let driver = open(&here);
    let a = there.reserve::<Puppet>();
    let mut opening = Opening(&driver, there);
    std::fmt::write(&mut opening, format_args!("{driver:?}")).unwrap();
    assert!(driver.open(&opening.1).is_err(), "it is open");
    drop(driver);
    a.send(1);
}

/// Nothing of it is lost.
#[test]
fn s05_a_simulation_that_is_stepped_in_a_handler_rests() {
    let (here, seen) = (Locality::new("here"), Arc::new(AtomicUsize::new(0)));
    let (outer, a, see) = (open(&here), here.reserve(), seen.clone());
    outer.start(one("app").child(puppet("a", a))).unwrap();
    outer.run_until_idle();
    thread_local!(static INNER: RefCell<Option<Sim>> = const { RefCell::new(None) });
    tell(a, move |_, _| {
        let mut sim = Sim::new(1);
        let b = sim.locality("there").reserve();
        sim.start(one("inner").child(puppet("b", b))).unwrap();
        tell(b, move |_, _| {
            see.fetch_add(1, Ordering::SeqCst);
        });
        assert!(!sim.step());
        sim.run_for(Duration::from_secs(1));
        INNER.set(Some(sim));
    });
    outer.run_until_idle();
    assert_eq!(seen.load(Ordering::SeqCst), 0);
    INNER.take().expect("made above").run_until_idle();
    assert_eq!(seen.load(Ordering::SeqCst), 1);
}

/// A loop whose wake is broken.
struct Broken;

impl Wake for Broken {
    fn wake(&self) {
        panic!("a bad wake");
    }
}

#[test]
fn s24_a_wake_that_panics_is_swallowed_wherever_it_is_called() {
    let driver = Driver::new(Arc::new(Broken), Clock::manual());
    for name in ["here", "there"] {
        assert_eq!(driver.open(&Locality::new(name)), Ok(()));
    }
    let inbox = Inbox::<u32>::with_wake(1, Arc::new(Broken));
    inbox.recipient().send(1);
    inbox.close();
    assert_eq!(inbox.recv(), Ok(1));
    assert_eq!(inbox.recv(), Err(RecvError::Closed));
}

thread_local! {
    static KEPT: RefCell<Option<Driver>> = const { RefCell::new(None) };
}

#[test]
fn s24_a_wake_may_drop_the_driver() {
    struct Drops;
    impl Wake for Drops {
        fn wake(&self) {
            drop(KEPT.with(|kept| kept.borrow_mut().take()));
        }
    }
    let driver = Driver::new(Arc::new(Drops), Clock::manual());
    let here = Locality::new("here");
    driver.open(&here).unwrap();
    let a = here.reserve();
    driver.start(one("app").child(puppet("puppet", a))).unwrap();
    driver.run_until_idle();
    KEPT.with(|kept| *kept.borrow_mut() = Some(driver));
    a.send(1);
    assert_eq!(a.try_send(2).unwrap_err().reason, Reason::Closed);
}

/// Drops the driver that is kept when it is dropped itself.
struct EndsKept;

impl Drop for EndsKept {
    fn drop(&mut self) {
        drop(KEPT.take());
    }
}

impl Handler<EndsKept> for Puppet {
    fn handle(&mut self, _: EndsKept, _: &mut Context<Self>) {}
}

/// It is handed over, and refused, before what goes behind it is.
fn ends_on_the_way(far: Driver, send: impl FnOnce(Rc<()>) + Send + 'static) {
    let gone = Locality::new("gone");
    let nobody = gone.reserve::<Puppet>();
    drop(open(&gone));
    KEPT.set(Some(far));
    let here = Locality::new("here");
    let driver = open(&here);
    let a = here.reserve();
    driver.start(one("app").child(puppet("puppet", a))).unwrap();
    driver.run_until_idle();
    let (told, hears) = mpsc::channel();
    tell(a, move |_, _| {
        nobody.send(EndsKept);
        let token = Rc::new(());
        send(token.clone());
        told.send(Rc::strong_count(&token)).unwrap();
    });
    driver.run_until_idle();
    assert_eq!(hears.recv(), Ok(1), "nobody has it");
    assert!(KEPT.take().is_none());
}

#[test]
fn s24_a_message_that_is_refused_may_end_the_locality_that_is_sent_to() {
    let far = Locality::new("far");
    let to = far.reserve::<Far>();
    to.send(1_u32); // no loop drives it: this is in its gate
    ends_on_the_way(open(&far), move |token| {
        let refused = to.send_local(token).unwrap_err();
        assert_eq!(refused.reason, Reason::NotLocal);
    });
}

/// As [`s24_a_message_that_is_refused_may_end_the_locality_that_is_sent_to`].
#[test]
fn s24_a_message_that_is_refused_may_end_the_locality_that_is_notified() {
    let far = Locality::new("far");
    let to = far.reserve();
    (0..64).for_each(|n| to.send(n)); // no loop drives it: they are in its gate
    let driver = open(&far);
    let child = Child::new("far", || Far).at(to);
    driver.start(one("far").child(child)).unwrap();
    let few = Budget {
        messages: 2,
        ..Budget::default()
    };
    while NOTIFIER.with_borrow(Option::is_none) {
        driver.turn(few);
    }
    ends_on_the_way(driver, |token| {
        NOTIFIER.take().expect("it has started").notify(token);
    });
}

/// Takes what need not be `Send`.
struct Far;

thread_local! {
    static NOTIFIER: RefCell<Option<Notifier<Rc<()>>>> = const { RefCell::new(None) };
}

impl Actor for Far {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        NOTIFIER.set(Some(cx.notifier()));
        Ok(())
    }
}

impl Handler<u32> for Far {
    fn handle(&mut self, _: u32, _: &mut Context<Self>) {}
}

impl Handler<Rc<()>> for Far {
    fn handle(&mut self, _: Rc<()>, _: &mut Context<Self>) {}
}

/// How often a token is held after it was sent from a handler to a locality that is opened there, and
/// lost: it must not lie in a batch that a later life of the locality would get, on another thread.
fn held(far: Locality, to: Addr<Far>, send: impl FnOnce(Rc<()>) + Send + 'static) -> usize {
    let here = Locality::new("here");
    let driver = open(&here);
    let a = here.reserve();
    driver.start(one("app").child(puppet("puppet", a))).unwrap();
    driver.run_until_idle();
    let (told, hears) = mpsc::channel();
    tell(a, move |_, _| {
        to.send(1_u32); // no loop drives it: this is collected
        let too = open(&far); // now it is pinned to this thread
        let token = Rc::new(());
        send(token.clone());
        drop(too);
        told.send(Rc::strong_count(&token)).unwrap();
    });
    driver.run_until_idle();
    hears.recv().expect("the handler ran to its end")
}

#[test]
fn s07_what_is_not_send_goes_with_its_locality() {
    let far = Locality::new("far");
    let to = far.reserve();
    let send = move |token| assert!(to.send_local(token).is_ok());
    assert_eq!(held(far, to, send), 1);
}

#[test]
fn s07_what_a_notifier_brings_goes_with_its_locality() {
    let far = Locality::new("far");
    let to = far.reserve();
    let driver = open(&far);
    let child = Child::new("far", || Far).at(to);
    driver.start(one("far").child(child)).unwrap();
    driver.run_until_idle();
    drop(driver);
    let send = |token| {
        let notifier = NOTIFIER.take().expect("it has started");
        notifier.notify(token);
    };
    assert_eq!(held(far, to, send), 1);
}

struct Double;

impl Request for Double {
    type Reply = u32;
}

/// Keeps what it is asked.
struct Keeper(Vec<Ask<Double>>);

impl Actor for Keeper {}

impl Handler<Ask<Double>> for Keeper {
    fn handle(&mut self, ask: Ask<Double>, _: &mut Context<Self>) {
        self.0.push(ask);
    }
}

impl Handler<Arc<Holder>> for Keeper {
    fn handle(&mut self, holder: Arc<Holder>, _: &mut Context<Self>) {
        *holder.0.lock().unwrap() = self.0.pop();
        self.0.clear();
    }
}

/// A waker that drops a token.
struct Holder(Mutex<Option<Ask<Double>>>);

impl std::task::Wake for Holder {
    fn wake(self: Arc<Self>) {
        drop(self.0.lock().unwrap().take());
    }
}

#[test]
fn s15_a_waker_may_drop_another_token() {
    let mut sim = Sim::new(1);
    let keeper = sim.locality("here").reserve();
    let child = Child::new("keeper", || Keeper(Vec::new())).at(keeper);
    sim.start(one("app").child(child)).unwrap();
    sim.run_until_idle();
    let mut first = keeper.ask(Double, Duration::MAX);
    let second = keeper.ask(Double, Duration::MAX);
    sim.run_until_idle();
    let holder = Arc::new(Holder(Mutex::new(None)));
    let waker = Waker::from(holder.clone());
    let polled = Pin::new(&mut first).poll(&mut std::task::Context::from_waker(&waker));
    assert!(polled.is_pending());
    keeper.send(holder);
    sim.run_until_idle();
    let second = sim.block_on(second);
    assert!(matches!(second, Some(Err(RequestError::Dropped))));
}

/// The panic is that of whoever polls; nothing stays locked.
#[test]
fn s13_a_question_that_is_polled_too_often_is_a_panic_of_its_actor() {
    let mut sim = Sim::new(1);
    let here = sim.locality("here");
    let (a, keeper) = (here.reserve(), here.reserve());
    let child = Child::new("keeper", || Keeper(Vec::new())).at(keeper);
    sim.start(one("app").child(child).child(puppet("puppet", a)))
        .unwrap();
    sim.run_until_idle();
    tell(a, move |_, cx| {
        let twice = async move {
            let mut asking = keeper.ask(Double, Duration::from_secs(1));
            let first = (&mut asking).await;
            assert!(first.is_err());
            let _ = (&mut asking).await;
        };
        cx.spawn(twice, |_, (), _| ());
    });
    sim.run_for(Duration::from_secs(2));
    assert_eq!(a.address().state(), Lifecycle::Running, "again");
    assert_eq!(keeper.address().state(), Lifecycle::Running);
}

#[test]
fn s24_a_message_that_is_refused_may_make_a_locality() {
    struct Makes(mpsc::Sender<()>);
    impl Drop for Makes {
        fn drop(&mut self) {
            drop(Locality::new("made in a drop"));
            self.0.send(()).unwrap();
        }
    }
    impl Handler<Makes> for Puppet {
        fn handle(&mut self, _: Makes, _: &mut Context<Self>) {}
    }
    let here = Locality::new("here");
    let a = here.reserve::<Puppet>();
    drop(here);
    let (made, is_made) = mpsc::channel();
    std::thread::spawn(move || a.send(Makes(made)));
    assert!(is_made.recv_timeout(Duration::from_secs(30)).is_ok());
}

/// Supervision that comes in between does not let a later message get ahead.
#[test]
fn a06_a_publish_that_was_interrupted_goes_first() {
    struct Hears(bool, Topic<u32>, Addr<Puppet>, Arc<Mutex<Vec<u32>>>);
    impl Actor for Hears {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            cx.subscribe(self.1);
            Ok(())
        }
    }
    impl Handler<u32> for Hears {
        fn handle(&mut self, n: u32, _: &mut Context<Self>) {
            if self.0 && n == 1 {
                (0..40).for_each(|_| self.2.stop()); // any supervision will do
                panic!("the first one");
            }
            if !self.0 {
                self.3.lock().unwrap().push(n);
            }
        }
    }
    let here = Locality::new("here");
    let driver = open(&here);
    let (topic, nobody) = (here.topic(), here.reserve());
    let heard: Arc<Mutex<Vec<u32>>> = Arc::default();
    let hears = |name, first| {
        let heard = Arc::clone(&heard);
        Child::new(name, move || Hears(first, topic, nobody, heard.clone()))
    };
    let tree = one("app").child(hears("a", true)).child(hears("b", false));
    driver.start(tree).unwrap();
    driver.run_until_idle();
    topic.publish(1);
    topic.publish(2);
    driver.run_until_idle();
    assert_eq!(*heard.lock().unwrap(), [1, 2]);
}

/// The gate that it had may belong to another locality next.
#[test]
fn m11_a_locality_is_watched_in_each_life_of_its_gate() {
    struct Watches(Arc<AtomicUsize>);
    impl Actor for Watches {}
    impl Handler<Address> for Watches {
        fn handle(&mut self, who: Address, cx: &mut Context<Self>) {
            cx.monitor(who);
        }
    }
    impl Handler<Down> for Watches {
        fn handle(&mut self, _: Down, _: &mut Context<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let here = Locality::new("here");
    let driver = open(&here);
    let (watcher, downs) = (here.reserve(), Arc::new(AtomicUsize::new(0)));
    let counts = downs.clone();
    let child = Child::new("watches", move || Watches(counts.clone())).at(watcher);
    driver.start(one("app").child(child)).unwrap();
    driver.run_until_idle();
    for round in 0..3 {
        let other = Locality::new("other");
        let theirs = open(&other);
        let a = other.reserve();
        let app = theirs
            .start(one("other").child(puppet("puppet", a)))
            .unwrap();
        theirs.run_until_idle();
        watcher.send(a.address());
        driver.run_until_idle();
        theirs.run_until_idle();
        assert_eq!(downs.load(Ordering::SeqCst), round);
        drop((theirs, app)); // lost
        driver.run_until_idle();
        assert_eq!(downs.load(Ordering::SeqCst), round + 1);
        watcher.send(a.address()); // noted while the locality has ended, but is not forgotten yet
        driver.run_until_idle();
        downs.store(round + 1, Ordering::SeqCst);
        drop(other);
    }
}

#[test]
fn e14_a_loop_that_waits_is_woken_for_a_locality_that_it_gets() {
    struct Counts(AtomicUsize);
    impl Wake for Counts {
        fn wake(&self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let wakes = Arc::new(Counts(AtomicUsize::new(0)));
    let driver = Driver::new(wakes.clone(), Clock::manual());
    let (here, more) = (Locality::new("here"), Locality::new("more"));
    driver.open(&here).unwrap();
    driver.start(one("app")).unwrap();
    assert!(matches!(driver.run_until_idle(), Turn::Park(None)));
    let before = wakes.0.load(Ordering::SeqCst);
    driver.open(&more).unwrap();
    assert_eq!(wakes.0.load(Ordering::SeqCst), before + 1);
}

/// Turns its driver when it is dropped, with a message published before.
struct Turns(Driver, Topic<u32>, std::sync::mpsc::Sender<()>);

impl Drop for Turns {
    fn drop(&mut self) {
        self.1.publish(1);
        // A walk that comes again each time would take each turn's whole budget.
        let quiet = |_: &usize| matches!(self.0.turn(Budget::default()), Turn::Park(None));
        if (0..1000).find(quiet).is_some() {
            self.2.send(()).unwrap();
        }
    }
}

/// Panics at each message, and takes its sibling along.
struct Hears;

impl Actor for Hears {}

impl Handler<u32> for Hears {
    fn handle(&mut self, _: u32, _: &mut Context<Self>) {
        panic!("heard");
    }
}

/// A drop that runs during somebody's panic sees a thread that is panicking. A walk that finds none
/// of its subscribers any more was not interrupted.
#[test]
fn s09_a_publish_ends_while_the_thread_unwinds() {
    let here = Locality::new("here");
    let topic: Topic<u32> = here.topic();
    let all = Supervisor::one_for_all("app").intensity(9, Duration::from_secs(1));
    let tree = ["a", "b"].into_iter().fold(all, |tree, name| {
        tree.child(Child::with(name, move |cx: &mut Context<Hears>| {
            cx.subscribe(topic);
            Ok(Hears)
        }))
    });
    let driver = open(&here);
    let app = driver.start(tree).unwrap();
    driver.run_until_idle();
    let (done, is_done) = std::sync::mpsc::channel();
    let turns = Turns(driver, topic, done);
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _turns = turns;
        panic!("an assertion of the program");
    }));
    assert!(caught.is_err());
    is_done.try_recv().expect("the driver came to rest");
    drop(app);
}

/// A handler that blocks for longer than a picture waits: the answer of its locality comes too late.
#[test]
fn o03_an_answer_that_comes_too_late_hurts_nobody() {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().name() == Some("stuck") {
            PANICS.fetch_add(1, Ordering::Relaxed);
        }
        print(info);
    }));
    let (here, stuck) = (Locality::new("here"), ThreadLoop::spawn("stuck").unwrap());
    let (driver, a) = (open(&here), stuck.reserve());
    let (block, blocks) = mpsc::channel();
    let (free, freed) = mpsc::channel::<()>();
    tell(a, move |_, _| {
        block.send(()).unwrap();
        freed.recv().unwrap();
    });
    let far = one("far").on(&stuck, move |s| s.child(puppet("puppet", a)));
    let app = driver.start(one("app").child(far)).unwrap();
    drop(stuck);
    while blocks.try_recv().is_err() {
        driver.run_until_idle();
        std::thread::yield_now();
    }
    let answers = || {
        let tree = app.tree();
        let mut places = tree.localities.into_iter();
        places.find(|place| place.name == "stuck").unwrap().answered
    };
    assert!(!answers());
    free.send(()).unwrap();
    assert!(answers(), "behind the one that is late");
    assert_eq!(PANICS.load(Ordering::Relaxed), 0);
    app.shutdown();
    while !matches!(driver.run_until_idle(), Turn::Done(_)) {
        std::thread::yield_now();
    }
}

/// Has something sent by another thread when it is dropped, and waits until that is done.
struct Overloads(Addr<Puppet>, mpsc::Sender<bool>);

impl Drop for Overloads {
    fn drop(&mut self) {
        let (to, (sent, is_sent)) = (self.0, mpsc::channel());
        std::thread::spawn(move || {
            to.send(2_u32);
            sent.send(()).unwrap();
        });
        let done = is_sent.recv_timeout(Duration::from_secs(30)).is_ok();
        self.1.send(done).unwrap();
    }
}

impl Handler<Overloads> for Puppet {
    fn handle(&mut self, _: Overloads, _: &mut Context<Self>) {}
}

/// Its order to fail is thrown away while the message still waits.
#[test]
fn c_so_35_a_bound_may_be_reached_while_the_locality_ends() {
    let here = Locality::new("here");
    let driver = open(&here);
    let a = here.reserve_bounded(Bound::fail(1)); // nobody claims it
    a.send(1_u32); // it waits in a lane
    let (told, hears) = mpsc::channel();
    let other = here.reserve::<Puppet>();
    let sender = std::thread::spawn(move || other.send(Overloads(a, told)));
    sender.join().unwrap();
    drop(driver); // what came from the thread first
    assert_eq!(hears.recv(), Ok(true), "the sender goes on");
}

/// A waker that turns the driver that is kept when it is dropped, a minute later.
struct TurnsKept(Clock);

impl std::task::Wake for TurnsKept {
    fn wake(self: Arc<Self>) {}
}

impl Drop for TurnsKept {
    fn drop(&mut self) {
        self.0.advance(Duration::from_secs(60));
        KEPT.with_borrow(|kept| kept.as_ref().map(Driver::run_until_idle));
    }
}

/// The time limit of the sender passes in the drop of its waker.
#[test]
fn s13_a_waker_of_a_sender_may_turn_the_driver_when_it_is_dropped() {
    let (done, is_done) = mpsc::channel();
    std::thread::spawn(move || {
        let clock = Clock::manual();
        let driver = Driver::new(Arc::new(Quiet), clock.clone());
        let here = Locality::new("here");
        driver.open(&here).unwrap();
        let a = here.reserve_bounded(Bound::reject(1));
        driver.start(one("app").child(puppet("puppet", a))).unwrap();
        driver.run_until_idle();
        a.send(1_u32);
        let mut sending = Box::pin(a.send_within(2_u32, Duration::from_secs(1)));
        let waker = Waker::from(Arc::new(TurnsKept(clock)));
        let polled = sending.as_mut().poll(&mut TaskContext::from_waker(&waker));
        assert!(polled.is_pending());
        drop(waker);
        driver.run_until_idle(); // there is room, of which the sender is told
        KEPT.set(Some(driver));
        drop(sending);
        drop(KEPT.take());
        done.send(()).unwrap();
    });
    assert_eq!(is_done.recv_timeout(Duration::from_secs(30)), Ok(()));
}

/// Sends on what it is told.
struct ToLog(Addr<Puppet>, Arc<AtomicUsize>);

impl Observer for ToLog {
    fn undelivered(&self, _: &Undeliverable) {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.send(1_u32);
    }
}

/// It is told of that, too, but not without end.
#[test]
fn s06_an_observer_may_send_to_whoever_is_gone() {
    let told = Arc::new(AtomicUsize::new(0));
    let here = Locality::new("here");
    let (driver, log) = (open(&here), here.reserve());
    let observer = Arc::new(ToLog(log, told.clone()));
    driver
        .start(one("app").observer(observer).child(puppet("log", log)))
        .unwrap();
    driver.run_until_idle();
    log.send(1_u32);
    drop(driver);
    let so_far = told.load(Ordering::SeqCst);
    assert!((1..100).contains(&so_far), "{so_far}");
    // Nor does it go around when its locality has ended.
    log.send(1_u32);
    assert_eq!(told.load(Ordering::SeqCst), so_far + 1);
}

/// It is nobody's fault who runs.
#[test]
fn s09_the_key_of_a_bound_may_panic_when_it_is_dropped() {
    let here = Locality::new("here");
    let (driver, a) = (open(&here), here.reserve());
    driver.start(one("app").child(puppet("a", a))).unwrap();
    driver.run_until_idle();
    let dropped = Arc::new(AtomicUsize::new(0));
    let bomb = Bomb(dropped.clone());
    tell(a, move |_, cx| {
        let bound = Bound::reject(1).latest(move |_: &u32| {
            let _ = &bomb;
            0
        });
        let b = Child::new("b", Puppet::default).bound(bound).temporary();
        cx.child(b).stop();
    });
    driver.run_until_idle();
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
    assert_eq!(a.address().state(), Lifecycle::Running, "a bystander");
}
