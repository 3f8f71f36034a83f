//! The end of a driver, and those who come to it too late.

mod common;

use std::cell::RefCell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use common::*;
use rotor_core::sim::Sim;
use rotor_core::*;

const SECOND: Duration = Duration::from_secs(1);

thread_local! {
    static TURNED: RefCell<Option<Rc<Driver>>> = const { RefCell::new(None) };
    static REOPENED: RefCell<Option<Driver>> = const { RefCell::new(None) };
    static NOTED: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

/// It would keep the locality listed on this thread for longer than it keeps it.
#[test]
fn s10_a_driver_that_has_ended_opens_nothing() {
    let (here, late) = (Locality::new("here"), Locality::new("late"));
    let driver = open(&here);
    driver.start(one("app")).unwrap().shutdown();
    assert!(matches!(driver.run_until_idle(), Turn::Done(_)));
    let error = driver.open(&late).unwrap_err();
    assert_eq!(error.to_string(), "the driver's tree has ended");
    drop(driver);
    late.reserve::<Puppet>().send(1);
    // Nothing has happened to it.
    let next = open(&late);
    next.start(one("next")).unwrap();
    assert!(matches!(next.run_until_idle(), Turn::Park(None)));
}

/// Opens a locality when it is told to end, and another one when it is dropped.
struct Opens(Rc<Driver>, Rc<RefCell<Vec<(Locality, bool)>>>);

impl Opens {
    fn open(&self) {
        let more = Locality::new("more");
        let open = self.0.open(&more).is_ok();
        self.1.borrow_mut().push((more, open));
    }
}

impl Actor for Opens {}

impl Handler<()> for Opens {
    fn handle(&mut self, (): (), cx: &mut Context<Self>) {
        self.open();
        cx.stop();
    }
}

impl Drop for Opens {
    fn drop(&mut self) {
        self.open();
    }
}

#[test]
fn s10_what_is_opened_in_the_last_turn_ends_with_it() {
    let here = Locality::new("here");
    let driver = Rc::new(open(&here));
    let (opens, opened) = (here.reserve(), Rc::new(RefCell::new(Vec::new())));
    let (theirs, all) = (driver.clone(), opened.clone());
    let child = Child::new("opens", move || Opens(theirs.clone(), all.clone()));
    let tree = one("app").auto_shutdown(AutoShutdown::Any);
    driver
        .start(tree.child(child.at(opens).transient().significant()))
        .unwrap();
    opens.send(());
    assert!(matches!(driver.run_until_idle(), Turn::Done(_)));
    let opened = opened.take();
    assert_eq!(opened.len(), 2);
    for (more, open) in opened {
        let address = more.reserve::<Puppet>();
        assert_eq!(address.try_send(1).is_err(), open);
        address.send(2);
    }
}

#[test]
fn s02_what_came_while_nobody_had_a_gate_is_not_counted_in_its_next_life() {
    let inboxes = || (0..20).map(|_| Inbox::<u32>::new(1)).collect::<Vec<_>>();
    let ended: Vec<_> = inboxes().iter().map(Inbox::recipient).collect();
    ended.iter().for_each(|to| to.send(1));
    let refused: Vec<u64> = inboxes().iter().map(Inbox::refused).collect();
    assert_eq!(refused, [0; 20]);
}

/// They run when the tree has ended, before its driver has.
/// It comes too late: it would be told of a second end, or keep what nobody turns.
#[test]
fn s10_a_hook_of_the_tree_finds_its_driver_at_its_end() {
    for hosts in [false, true] {
        let (here, late) = (Locality::new("here"), Locality::new("late"));
        let driver = Rc::new(open(&here));
        if hosts {
            driver.host();
        }
        let app = driver.start(one("app")).unwrap();
        driver.run_until_idle();
        TURNED.set(Some(driver.clone()));
        let place = late.clone();
        let (tell, told) = std::sync::mpsc::channel();
        app.on_exit(move |_| {
            let driver = TURNED.take().expect("the tree ends once");
            assert_eq!(driver.open(&place), Err(BindError::DriverEnded));
            assert!(matches!(driver.run_until_idle(), Turn::Park(None)));
            assert!(driver.start(one("next")).is_err());
            tell.send(()).unwrap(); // a panic above is nobody's
        });
        app.shutdown();
        assert!(matches!(driver.run_until_idle(), Turn::Done(_)));
        assert!(matches!(driver.run_until_idle(), Turn::Park(None)));
        assert_eq!(told.try_recv(), Ok(()));
        open(&late); // nothing has happened to it
    }
}

/// Two trees would have one driver.
#[test]
fn s10_what_a_spec_builds_starts_no_other_tree() {
    let (here, away) = (Locality::new("here"), Locality::new("away"));
    let driver = Rc::new(open(&here));
    TURNED.set(Some(driver.clone()));
    let far = one("far").on(&away, |s| {
        if let Some(driver) = TURNED.take() {
            let refused = driver.start(one("other")).unwrap_err();
            assert!(matches!(refused, StartError::AlreadyStarted));
        }
        s
    });
    driver.start(one("app").child(far)).unwrap();
    assert!(TURNED.take().is_none(), "it was built");
}

/// It was not turned: it waits for the same time still.
#[test]
fn t04_a_driver_that_is_turned_by_what_a_spec_builds_is_woken_by_its_clock() {
    let (here, root, away) = (
        Locality::new("here"),
        Locality::new("root"),
        Locality::new("away"),
    );
    let clock = Clock::manual();
    let driver = Rc::new(Driver::new(Arc::new(Quiet), clock.clone()));
    driver.open(&here).unwrap();
    let a = here.reserve();
    let outer = open(&root);
    let below = one("below").on(&here, move |s| s.child(puppet("a", a)));
    outer.start(one("outer").child(below)).unwrap();
    outer.run_until_idle();
    tell(a, |_, cx| {
        cx.after(SECOND, 1);
    });
    driver.run_until_idle();
    let due = clock.next_deadline();
    assert!(due.is_some());

    TURNED.set(Some(driver.clone()));
    let far = one("far").on(&away, |s| {
        if let Some(driver) = TURNED.take() {
            assert!(matches!(driver.run_until_idle(), Turn::Nested));
        }
        s.child(one("same")).child(one("same"))
    });
    let refused = driver.start(one("app").child(far)).unwrap_err();
    assert!(matches!(refused, StartError::DuplicateName { .. }));
    assert_eq!(clock.next_deadline(), due);
}

/// Starts a tree when it is dropped.
struct Starts(Arc<Mutex<Vec<std::result::Result<App, StartError>>>>);

impl Drop for Starts {
    fn drop(&mut self) {
        let driver = TURNED.take().expect("dropped once");
        self.0.lock().unwrap().push(driver.start(one("late")));
    }
}

impl Handler<Starts> for Opens {
    fn handle(&mut self, _: Starts, _: &mut Context<Self>) {}
}

/// Nobody would ever say how it ended.
#[test]
fn s10_a_driver_that_ends_starts_nothing() {
    let here = Locality::new("here");
    let driver = Rc::new(open(&here));
    driver.host();
    TURNED.set(Some(driver.clone()));
    let started = Arc::new(Mutex::new(Vec::new()));
    here.reserve::<Opens>().send(Starts(started.clone()));
    drop(here);
    assert!(matches!(driver.run_until_idle(), Turn::Done(_)));
    let refused = started.lock().unwrap().pop().expect("dropped unclaimed");
    assert!(
        matches!(refused, Err(StartError::DriverEnded)),
        "{refused:?}"
    );
}

/// Sends when it is dropped.
#[derive(Clone)]
struct Echo(Addr<Puppet>);

impl Drop for Echo {
    fn drop(&mut self) {
        self.0.send(9);
    }
}

struct Hears(Topic<Echo>);

impl Actor for Hears {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        cx.subscribe(self.0);
        Ok(())
    }
}

impl Handler<Echo> for Hears {
    fn handle(&mut self, echo: Echo, _: &mut Context<Self>) {
        std::mem::forget(echo);
        panic!("heard");
    }
}

#[derive(Default)]
struct Lost(Mutex<Vec<(&'static str, Reason)>>);

impl Observer for Lost {
    fn undelivered(&self, what: &Undeliverable) {
        self.0.lock().unwrap().push((what.message, what.reason));
    }
}

/// What a message sends that is dropped at the very end is reported as all else.
#[test]
fn o08_the_rest_of_an_interrupted_publish_is_dropped_in_order() {
    let here = Locality::new("here");
    let (puppet_at, topic) = (here.reserve(), here.topic::<Echo>());
    let lost = Arc::new(Lost::default());
    let tree = ["b", "c"].into_iter().fold(
        one("app")
            .observer(lost.clone())
            .child(puppet("a", puppet_at)),
        |tree, name| tree.child(Child::new(name, move || Hears(topic))),
    );
    let driver = open(&here);
    driver.start(tree).unwrap();
    driver.run_until_idle();
    topic.publish(Echo(puppet_at));
    let little = Budget {
        messages: 1,
        ..Budget::default()
    };
    assert!(matches!(driver.turn(little), Turn::Again));
    drop(driver);
    let echoes = lost.0.lock().unwrap();
    assert!(echoes.contains(&("u32", Reason::Closed)), "{echoes:?}");
}

/// Wherever in a turn the budget ends: the news of a dropped token may be what is left.
#[test]
fn s09_a_driver_may_be_dropped_between_any_two_turns() {
    let some = if cfg!(miri) { 60..64 } else { 0..70 };
    for messages in some {
        let here = Locality::new("here");
        let (a, b) = (here.reserve(), here.reserve());
        let driver = open(&here);
        driver
            .start(one("app").child(puppet("a", a)).child(puppet("b", b)))
            .unwrap();
        driver.run_until_idle();
        tell(a, move |_, cx| {
            (0..messages).for_each(|n| b.send(n));
            cx.request(b, Question, SECOND, |_, _, _| ());
            tell(b, |me, _| me.0.clear());
        });
        let stride = Budget {
            time: Duration::ZERO,
            ..Budget::default()
        };
        driver.turn(stride);
        driver.turn(stride);
        let dropped = catch_unwind(AssertUnwindSafe(move || drop(driver)));
        assert!(dropped.is_ok(), "{messages} messages before");
    }
}

/// Has an actor defer to the host, which turns the driver to its end and goes on with `then`.
fn end_in_a_job(driver: Driver, here: &Locality, then: impl FnOnce() + Send + 'static) {
    let driver = Rc::new(driver);
    let a = here.reserve();
    let app = driver.start(one("app").child(puppet("a", a))).unwrap();
    driver.run_until_idle();
    TURNED.set(Some(driver.clone()));
    tell(a, move |_, cx| {
        cx.defer_to_host(move || {
            let driver = TURNED.take().expect("deferred once");
            app.shutdown();
            drop(app);
            assert!(matches!(driver.run_until_idle(), Turn::Done(_)));
            then();
        });
    });
    // The end was told to the job: `Done` comes once.
    assert!(matches!(driver.run_until_idle(), Turn::Park(None)));
}

/// As a modal dialog does whose loop is the last to turn the driver.
#[test]
fn m24_a_deferred_closure_may_turn_the_driver_to_its_end() {
    let here = Locality::new("here");
    end_in_a_job(open(&here), &here, || ());
    let hosted = Locality::new("hosted");
    let driver = open(&hosted);
    driver.host();
    end_in_a_job(driver, &hosted, || ());
}

/// Has an actor defer two closures, of which the first one goes on with `then`. What each has noted.
fn defer_two(then: fn(Addr<Puppet>, App, &Driver)) -> Vec<u32> {
    let here = Locality::new("here");
    let driver = Rc::new(open(&here));
    let a = here.reserve();
    let app = driver.start(one("app").child(puppet("a", a))).unwrap();
    driver.run_until_idle();
    TURNED.set(Some(driver.clone()));
    tell(a, move |_, cx| {
        cx.defer_to_host(move || {
            note(1);
            let driver = TURNED.take().expect("deferred once");
            then(a, app, &driver);
        });
        cx.defer_to_host(|| note(2));
    });
    driver.run_until_idle();
    NOTED.take()
}

fn note(n: u32) {
    NOTED.with_borrow_mut(|noted| noted.push(n));
}

/// As a modal dialog does, beside which the actors go on.
#[test]
fn m24_closures_are_done_in_order_if_one_of_them_turns_the_driver() {
    let noted = defer_two(|a, _, driver| {
        tell(a, |_, cx| cx.defer_to_host(|| note(3)));
        driver.run_until_idle();
    });
    assert_eq!(noted, [1, 2, 3]);
}

#[test]
fn m24_all_that_is_deferred_is_done_before_a_closure_finds_the_end() {
    let noted = defer_two(|_, app, driver| {
        app.shutdown();
        assert!(matches!(driver.run_until_idle(), Turn::Done(_)));
        note(3);
    });
    assert_eq!(noted, [1, 2, 3]);
}

#[test]
fn m24_a_panic_in_a_deferred_closure_is_not_one_of_the_next_life() {
    let (here, far) = (Locality::new("here"), Locality::new("far"));
    let driver = open(&here);
    let again = here.clone();
    // Something is placed on it still: it is lost, not ended.
    let outer = open(&far);
    let tree = one("outer").child(one("below").on(&here, |s| s).temporary());
    outer.start(tree).unwrap();
    end_in_a_job(driver, &here, move || {
        REOPENED.set(Some(open(&again)));
        panic!("too late");
    });
    let next = REOPENED.take().expect("the closure has opened it");
    assert!(matches!(next.run_until_idle(), Turn::Park(None)));
}

/// Waits for the tree when it is dropped.
struct Waits(App, Arc<Mutex<Vec<bool>>>);

impl Drop for Waits {
    fn drop(&mut self) {
        self.1.lock().unwrap().push(self.0.wait().is_ok());
    }
}

impl Handler<Waits> for Opens {
    fn handle(&mut self, _: Waits, _: &mut Context<Self>) {}
}

/// The root's locality is not there any more when the other one is dropped.
#[test]
fn m23_nobody_waits_for_a_tree_while_its_driver_is_dropped() {
    let (here, there) = (Locality::new("here"), Locality::new("there"));
    let at = there.reserve::<Opens>();
    let driver = open(&here);
    driver.open(&there).unwrap();
    let app = driver.start(one("app")).unwrap();
    driver.run_until_idle();
    let waited = Arc::new(Mutex::new(Vec::new()));
    at.send(Waits(app.clone(), waited.clone()));
    let waiting = app.clone();
    drop(driver);
    assert_eq!(*waited.lock().unwrap(), [false]);
    assert!(waiting.wait().is_ok());
}

#[test]
fn m23_nobody_waits_for_a_tree_whose_root_waits_for_this_thread() {
    let here = Locality::new("here");
    let driver = open(&here);
    let (give, take) = std::sync::mpsc::channel();
    let (let_go, told) = std::sync::mpsc::channel();
    let elsewhere = std::thread::spawn(move || {
        let root = Locality::new("root");
        let driver = open(&root);
        let tree = one("app").child(one("far").on(&here, |s| s));
        give.send(driver.start(tree).unwrap()).unwrap();
        told.recv().unwrap();
    });
    let app = take.recv().unwrap();
    assert_eq!(app.wait().unwrap_err(), WouldDeadlock);
    let_go.send(()).unwrap();
    elsewhere.join().unwrap();
    assert!(app.wait().is_ok());
    drop(driver);
}

/// Tries to open a locality when it is dropped.
struct Reopens(
    Locality,
    Arc<Mutex<Vec<std::result::Result<(), BindError>>>>,
);

impl Drop for Reopens {
    fn drop(&mut self) {
        let driver = Driver::new(Arc::new(Quiet), Clock::manual());
        let opened = driver.open(&self.0);
        self.1.lock().unwrap().push(opened);
    }
}

impl Handler<Reopens> for Opens {
    fn handle(&mut self, _: Reopens, _: &mut Context<Self>) {}
}

/// What is still to be thrown away would be thrown out of the next life.
#[test]
fn m11_a_lost_locality_is_not_opened_before_its_last_life_is_over() {
    let here = Locality::new("here");
    let driver = open(&here);
    let at = here.reserve::<Opens>();
    driver.start(one("app")).unwrap();
    driver.run_until_idle();
    let opened = Arc::new(Mutex::new(Vec::new()));
    let (from_elsewhere, kept) = (
        Reopens(here.clone(), opened.clone()),
        Reopens(here.clone(), opened.clone()),
    );
    std::thread::spawn(move || at.send(from_elsewhere))
        .join()
        .unwrap();
    at.send(kept);
    drop(driver);
    let refused = Err(BindError::AlreadyOpen);
    assert_eq!(*opened.lock().unwrap(), [refused.clone(), refused]);
    let next = open(&here);
    next.start(one("next")).unwrap();
    assert!(matches!(next.run_until_idle(), Turn::Park(None)));
}

/// Notes what it gets.
struct Notes(Arc<Mutex<Vec<u32>>>);

impl Actor for Notes {}

impl Handler<u32> for Notes {
    fn handle(&mut self, n: u32, _: &mut Context<Self>) {
        self.0.lock().unwrap().push(n);
    }
}

/// Before, it went to a batch for another thread; afterwards, to a lane of this one.
#[test]
fn a06_what_a_handler_has_sent_before_it_opens_a_locality_stays_first() {
    let (here, far) = (Locality::new("here"), Locality::new("far"));
    let (a, to) = (here.reserve(), far.reserve::<Notes>());
    let driver = Rc::new(open(&here));
    driver.start(one("app").child(puppet("a", a))).unwrap();
    driver.run_until_idle();
    TURNED.set(Some(driver.clone()));
    let place = far.clone();
    tell(a, move |_, _| {
        to.send(1);
        let driver = TURNED.take().expect("this happens once");
        driver.open(&place).unwrap();
        assert!(to.send_local(2).is_ok());
        to.send(3);
        assert!(to.send_local(4).is_ok());
    });
    driver.run_until_idle();
    let notes = Arc::new(Mutex::new(Vec::new()));
    let (noted, other) = (notes.clone(), Locality::new("other"));
    let starts = open(&other);
    let below = one("below").on(&far, move |s| {
        let noted = noted.clone();
        s.child(Child::new("notes", move || Notes(noted.clone())).at(to))
    });
    starts.start(one("next").child(below)).unwrap();
    starts.run_until_idle();
    driver.run_until_idle();
    assert_eq!(*notes.lock().unwrap(), [1, 2, 3, 4]);
}

/// Whether it is answered.
fn poll<T>(asking: Pin<&mut Asking<T>>) -> Poll<std::result::Result<T, RequestError>> {
    asking.poll(&mut TaskContext::from_waker(Waker::noop()))
}

#[test]
fn a07_a_question_does_not_outlive_who_keeps_its_limit() {
    let here = Locality::new("here");
    let a = here.reserve();
    let driver = open(&here);
    driver.start(one("app").child(puppet("a", a))).unwrap();
    let mut asking = pin!(a.ask(Question, SECOND));
    driver.run_until_idle();
    // It is passed on, and nobody answers.
    let (pass, passed) = std::sync::mpsc::channel();
    tell(a, move |me, _| pass.send(me.0.pop()).unwrap());
    driver.run_until_idle();
    let kept = passed.try_recv().unwrap();
    assert!(poll(asking.as_mut()).is_pending());
    drop(driver);
    assert_gone(asking);
    drop(kept);
}

/// Who asks is told that there will be no answer.
fn assert_gone(mut asking: Pin<&mut Asking<u32>>) {
    let told = poll(asking.as_mut());
    assert!(
        matches!(told, Poll::Ready(Err(RequestError::Gone))),
        "{told:?}"
    );
}

/// Passes on what it is asked.
struct Passes(std::sync::mpsc::Sender<Ask<Question>>);

impl Actor for Passes {}

impl Handler<Ask<Question>> for Passes {
    fn handle(&mut self, ask: Ask<Question>, _: &mut Context<Self>) {
        self.0.send(ask).unwrap();
    }
}

#[test]
fn a07_a_question_whose_limit_has_not_arrived_ends_with_the_locality() {
    let here = Locality::new("here");
    let a = here.reserve::<Passes>();
    let (pass, passed) = std::sync::mpsc::channel();
    let driver = open(&here);
    let child = Child::new("passes", move || Passes(pass.clone())).at(a);
    driver.start(one("app").child(child)).unwrap();
    driver.run_until_idle();
    let asking = pin!(a.ask(Question, SECOND));
    let one = Budget {
        messages: 1,
        ..Budget::default()
    };
    assert!(matches!(driver.turn(one), Turn::Again));
    let kept = passed.try_recv().unwrap();
    drop(driver);
    assert_gone(asking);
    drop(kept);
}

/// The limit is the asker's: it passes though the other side gets no turn.
#[test]
fn a07_a_future_that_asks_keeps_its_own_limit() {
    let (here, away) = (Locality::new("here"), Locality::new("away"));
    let (a, b) = (here.reserve(), away.reserve::<Puppet>());
    let clock = Clock::manual();
    let driver = Driver::new(Arc::new(Quiet), clock.clone());
    driver.open(&here).unwrap();
    driver.start(one("app").child(puppet("a", a))).unwrap();
    let told = Arc::new(Mutex::new(None));
    let tells = told.clone();
    tell(a, move |_, cx| {
        let asks = async move { b.ask(Question, SECOND).await };
        cx.spawn(asks, move |_, answer, _| {
            *tells.lock().unwrap() = Some(format!("{answer:?}"));
        });
    });
    driver.run_until_idle();
    assert_eq!(*told.lock().unwrap(), None);
    clock.advance(SECOND);
    driver.run_until_idle();
    assert_eq!(told.lock().unwrap().as_deref(), Some("Err(Timeout)"));
}

/// A waker of whoever asks.
struct Bad;

impl std::task::Wake for Bad {
    fn wake(self: Arc<Self>) {
        panic!("a bad waker");
    }
}

#[test]
fn s13_an_askers_waker_that_panics_does_not_hurt_who_answers() {
    let mut sim = Sim::new(1);
    let a = sim.locality("here").reserve();
    let app = sim.start(one("app").child(puppet("a", a))).unwrap();
    let mut asking = pin!(a.ask(Question, SECOND));
    let waker = Waker::from(Arc::new(Bad));
    let first = asking.as_mut().poll(&mut TaskContext::from_waker(&waker));
    assert!(first.is_pending());
    sim.run_until_idle();
    tell(a, |me, _| me.0.pop().unwrap().reply(1));
    sim.run_until_idle();
    assert_eq!(app.tree().nodes[1].instances, 1);
    assert!(matches!(poll(asking), Poll::Ready(Ok(1))));
}

/// Whoever is the last to have heard of an exit: a monitor, a supervisor, nobody.
#[test]
fn s09_an_error_of_an_exit_may_panic_in_its_drop_wherever_that_is() {
    for steps in 0..if cfg!(miri) { 4 } else { 20 } {
        let mut sim = Sim::new(steps);
        let (here, away) = (sim.locality("here"), sim.locality("away"));
        let (a, c) = (here.reserve(), away.reserve());
        let far = one("far").on(&away, move |s| s.child(puppet("c", c)));
        let tree = one("app").intensity(9, SECOND);
        let app = sim.start(tree.child(puppet("a", a)).child(far)).unwrap();
        sim.run_until_idle();
        tell(a, move |_, cx| {
            cx.monitor(c.address());
        });
        sim.run_until_idle();
        let dropped = Arc::new(AtomicUsize::new(0));
        c.address().stop_with(Exit::failed(Bomb(dropped.clone())));
        for _ in 0..steps % 10 {
            sim.step();
        }
        a.stop();
        sim.run_until_idle();
        assert!(app.tree().ended.is_none(), "{}", app.tree());
        app.shutdown();
        sim.run_until_idle();
        drop((app, sim));
        assert_eq!(dropped.load(Ordering::SeqCst), 1, "after {steps} steps");
    }
}

/// As any other address that was reserved.
#[test]
fn a17_a_bounded_address_is_valid_in_the_next_life_of_its_locality() {
    let here = Locality::new("here");
    let a = here.reserve_bounded(Bound::reject(1));
    for _ in 0..3 {
        let driver = open(&here);
        driver.start(one("app").child(puppet("puppet", a))).unwrap();
        driver.run_until_idle();
        for _ in 0..2 {
            assert!(a.try_send(1_u32).is_ok());
            assert_eq!(a.try_send(2_u32).unwrap_err().reason, Reason::Full);
            driver.run_until_idle();
        }
        drop(driver);
        assert_eq!(a.try_send(3_u32).unwrap_err().reason, Reason::Closed);
    }
}

/// Is handled until the other end is dropped.
struct Hang(Sender<()>, Receiver<()>);
struct Clerk;

impl Actor for Clerk {}

impl Handler<Hang> for Clerk {
    fn handle(&mut self, Hang(began, until): Hang, _: &mut Context<Self>) {
        began.send(()).unwrap();
        assert!(until.recv().is_err());
    }
}

/// As far as anybody can know from elsewhere: the observer has messages noted.
#[test]
fn o03_a_locality_that_hangs_is_shown_with_what_it_handles() {
    struct Counts;
    impl Observer for Counts {
        fn wants_counts(&self) -> bool {
            true
        }
    }
    let (main, far) = (ThreadLoop::new(), ThreadLoop::spawn("far").unwrap());
    let clerk = far.reserve();
    let part = Supervisor::one_for_one("part").on(&far, move |s| {
        s.child(Child::new("clerk", || Clerk).at(clerk))
    });
    let looks = move |app: App| {
        let (began, begun) = channel();
        let (release, until) = channel();
        clerk.send(Hang(began, until));
        begun.recv().unwrap();
        let tree = app.tree();
        drop(release);
        app.shutdown();
        tree
    };
    let mut looking = None;
    let tree = Supervisor::one_for_one("app")
        .child(part)
        .observer(Arc::new(Counts));
    let exit = main.run_with(tree, |app| {
        looking = Some(std::thread::spawn(move || looks(app)));
    });
    assert!(exit.is_ok());
    let tree = looking.expect("it has begun").join().unwrap();
    let mut places = tree.localities.iter();
    let far = places.find(|place| place.name == "far").unwrap();
    let handling = far.handling.as_ref().expect("it is noted");
    assert_eq!((far.answered, handling.who), (false, clerk.address()));
    let begin = "locality far did not answer: clerk has been handling Hang for ";
    assert!(tree.to_string().contains(begin), "{tree}");
}

/// Who runs a tree, and all who wait for it, also if another one joins the threads already.
#[test]
fn m23_all_who_wait_for_a_tree_wait_for_its_threads() {
    /// Keeps its thread until the other end is dropped.
    struct Lingers(Receiver<()>);
    impl Drop for Lingers {
        fn drop(&mut self) {
            assert!(self.0.recv().is_err());
        }
    }
    thread_local! {
        static LINGERS: RefCell<Option<Lingers>> = const { RefCell::new(None) };
    }
    let (release, until) = channel();
    let until = Arc::new(Mutex::new(Some(Lingers(until))));
    let (began, begun) = channel();
    let (over, is_over) = channel();
    let (ended, has_ended) = channel();
    let wait = |app: App| {
        let over = over.clone();
        std::thread::spawn(move || {
            assert!(app.wait().is_ok());
            over.send(()).unwrap();
        });
    };
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let (main, far) = (ThreadLoop::new(), ThreadLoop::spawn("far").unwrap());
            let part = Supervisor::one_for_one("part").on(&far, move |s| {
                let (until, began) = (until.clone(), began.clone());
                let clerk = move |_: &mut Context<Clerk>| {
                    LINGERS.set(until.lock().unwrap().take());
                    began.send(()).unwrap();
                    Ok(Clerk)
                };
                s.child(Child::with("clerk", clerk))
            });
            drop(far);
            let exit = main.run_with(Supervisor::one_for_one("app").child(part), |app| {
                wait(app.clone());
                wait(app.clone());
                app.on_exit(move |_| ended.send(()).unwrap());
                std::thread::spawn(move || {
                    begun.recv().unwrap();
                    app.shutdown();
                });
            });
            assert!(exit.is_ok());
            over.send(()).unwrap();
        });
        has_ended.recv().unwrap();
        assert!(is_over.recv_timeout(Duration::from_millis(100)).is_err());
        drop(release);
        (0..3).for_each(|_| is_over.recv().unwrap());
    });
}
