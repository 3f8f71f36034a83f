//! What a turn takes up: whose share is whose, and when it ends.

mod common;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::*;
use rotor_core::*;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
/// For turns of what never ends.
const FEW: Budget = Budget {
    messages: 256,
    time: SECOND,
};

/// Keeps itself busy with whatever it gets.
struct Busy {
    clock: Clock,
    handled: Rc<Cell<u32>>,
}

/// Takes a moment, ahead of others.
struct Press;
/// Nothing, ahead of others.
struct Now;
/// Comes with something that is done ahead of others.
struct Nag;
/// Costs nothing.
struct Token;

impl Actor for Busy {}

impl Handler<Press> for Busy {
    const LANE: Lane = Lane::Urgent;

    fn handle(&mut self, press: Press, cx: &mut Context<Self>) {
        self.handled.set(self.handled.get() + 1);
        self.clock.advance(MS);
        cx.addr().send(press);
    }
}

impl Handler<Now> for Busy {
    const LANE: Lane = Lane::Urgent;

    fn handle(&mut self, _: Now, _: &mut Context<Self>) {}
}

impl Handler<Nag> for Busy {
    fn handle(&mut self, nag: Nag, cx: &mut Context<Self>) {
        cx.addr().send(nag);
        cx.addr().send(Now);
    }
}

impl Handler<Token> for Busy {
    fn handle(&mut self, token: Token, cx: &mut Context<Self>) {
        cx.addr().send(token);
    }
}

/// The spec of one, and how much of what takes a moment it has handled.
fn busy(at: Addr<Busy>, clock: &Clock) -> (Child<Busy>, Rc<Cell<u32>>) {
    let (clock, handled) = (clock.clone(), Rc::new(Cell::new(0)));
    let mine = Rc::clone(&handled);
    let make = move || Busy {
        clock: clock.clone(),
        handled: mine.clone(),
    };
    (Child::new("busy", make).at(at), handled)
}

fn driver(clock: &Clock, all: &[&Locality]) -> Driver {
    let driver = Driver::new(Arc::new(Quiet), clock.clone());
    for locality in all {
        driver.open(locality).unwrap();
    }
    driver
}

/// Whether it is true after some turns.
fn comes_true(driver: &Driver, what: &AtomicBool) -> bool {
    (0..100).any(|_| {
        driver.turn(FEW);
        what.load(Ordering::SeqCst)
    })
}

#[test]
fn m17_a_flood_of_urgent_messages_ends_with_the_time_of_the_turn() {
    let (clock, here) = (Clock::manual(), Locality::new("here"));
    let (driver, at) = (driver(&clock, &[&here]), here.reserve());
    let (child, handled) = busy(at, &clock);
    driver.start(one("app").child(child)).unwrap();
    driver.run_until_idle();
    at.send(Press);
    let budget = Budget {
        messages: u32::MAX,
        time: 2 * MS,
    };
    for turns in 1..10 {
        assert!(matches!(driver.turn(budget), Turn::Again));
        assert!(
            handled.get() <= 8 * turns,
            "{} ms in a turn of 2 ms",
            handled.get()
        );
    }
}

#[test]
fn m17_starts_that_take_long_end_with_the_time_of_the_turn() {
    struct Slow(Clock, Rc<Cell<u32>>);
    impl Actor for Slow {
        fn start(&mut self, _: &mut Context<Self>) -> Result {
            self.0.advance(MS);
            self.1.set(self.1.get() + 1);
            Ok(())
        }
    }
    let (clock, here) = (Clock::manual(), Locality::new("here"));
    let driver = driver(&clock, &[&here]);
    let started = Rc::new(Cell::new(0));
    let mut tree = one("app");
    for n in 0..100 {
        let (clock, started) = (clock.clone(), started.clone());
        let make = move || Slow(clock.clone(), started.clone());
        tree = tree.child(Child::new(n.to_string(), make));
    }
    driver.start(tree).unwrap();
    driver.turn(Budget::default());
    assert!((1..=64).contains(&started.get()), "{}", started.get());
    driver.run_until_idle();
    assert_eq!(started.get(), 100);
}

/// Who comes too late for one turn is the first of another.
#[test]
fn m17_the_time_of_a_turn_is_that_of_all_its_localities() {
    let clock = Clock::manual();
    let names = ["a", "b", "c"];
    let all = names.map(Locality::new);
    let driver = driver(&clock, &all.each_ref());
    let handled = [const { AtomicUsize::new(0) }; 3].map(Arc::new);
    let mut tree = one("app");
    for ((name, place), count) in names.into_iter().zip(&all).zip(&handled) {
        let at = place.reserve();
        let part = one(name).on(place, move |s| s.child(puppet("slow", at)));
        tree = tree.child(part);
        for _ in 0..100 {
            let (time, count) = (clock.clone(), count.clone());
            tell(at, move |_, _| {
                time.advance(10 * MS);
                count.fetch_add(1, Ordering::SeqCst);
            });
        }
    }
    driver.start(tree).unwrap();
    let counts = || handled.each_ref().map(|count| count.load(Ordering::SeqCst));
    while counts() == [0; 3] {
        driver.turn(Budget::default());
    }
    for _ in 0..9 {
        let before = counts();
        driver.turn(Budget::default());
        let after = counts();
        let turned = (0..3).filter(|&i| after[i] > before[i]).count();
        assert_eq!(turned, 1, "{before:?} {after:?}");
    }
    assert!(counts().iter().all(|&count| count > 0), "{:?}", counts());
    driver.run_until_idle();
    assert_eq!(counts(), [100; 3]);
}

/// What is done ahead of others between any two messages takes no share from what other threads have sent.
#[test]
fn m15_interruptions_take_no_share_from_other_threads() {
    let (clock, here) = (Clock::manual(), Locality::new("here"));
    let driver = driver(&clock, &[&here]);
    let (at, quiet) = (here.reserve(), here.reserve());
    let (child, _) = busy(at, &clock);
    driver
        .start(one("app").child(child).child(puppet("quiet", quiet)))
        .unwrap();
    driver.run_until_idle();
    at.send(Nag);
    let heard = Arc::new(AtomicBool::new(false));
    let says = heard.clone();
    let send = move || tell(quiet, move |_, _| says.store(true, Ordering::SeqCst));
    std::thread::spawn(send).join().unwrap();
    assert!(comes_true(&driver, &heard));
}

/// Nor what supervision does without end from an order of another thread.
#[test]
#[cfg_attr(miri, ignore = "very many restarts, which others have with Miri")]
fn m15_a_supervisor_that_restarts_without_end_hears_other_threads() {
    struct Frail(Clock);
    impl Actor for Frail {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            self.0.advance(Duration::from_nanos(1));
            cx.stop();
            Ok(())
        }
    }
    let (clock, here) = (Clock::manual(), Locality::new("here"));
    let driver = driver(&clock, &[&here]);
    let time = clock.clone();
    let frail = Child::new("frail", move || Frail(time.clone()));
    let app = driver
        .start(one("app").intensity(u32::MAX, SECOND).child(frail))
        .unwrap();
    for _ in 0..3 {
        assert!(matches!(driver.turn(Budget::default()), Turn::Again));
    }
    std::thread::scope(|s| s.spawn(|| app.shutdown()).join().unwrap());
    assert!((0..100).any(|_| matches!(driver.turn(Budget::default()), Turn::Done(_))));
}

#[test]
fn m02_a_busy_actor_does_not_keep_others_from_what_is_parked_for_them() {
    let (clock, here) = (Clock::manual(), Locality::new("here"));
    let driver = driver(&clock, &[&here]);
    let (at, quiet) = (here.reserve(), here.reserve());
    // More than a stride of them: nobody ever sees that none is parked.
    (0..900).for_each(|_| at.send(Token));
    let heard = Arc::new(AtomicBool::new(false));
    let says = heard.clone();
    tell(quiet, move |_, _| says.store(true, Ordering::SeqCst));
    driver.run_until_idle();
    let (child, _) = busy(at, &clock);
    driver
        .start(one("app").child(child).child(puppet("quiet", quiet)))
        .unwrap();
    assert!(comes_true(&driver, &heard));
}

/// Nor from what comes, if what is parked for it is never at its end because it is urgent.
#[test]
fn m02_what_is_parked_does_not_keep_others_from_what_comes() {
    let (clock, here) = (Clock::manual(), Locality::new("here"));
    let driver = driver(&clock, &[&here]);
    let (at, quiet) = (here.reserve(), here.reserve());
    // It is parked again ahead of the other each time.
    at.send(Press);
    at.send(Token);
    driver.run_until_idle();
    let (child, _) = busy(at, &clock);
    driver
        .start(one("app").child(child).child(puppet("quiet", quiet)))
        .unwrap();
    driver.turn(FEW);
    assert_eq!(quiet.address().state(), Lifecycle::Running);
    let heard = Arc::new(AtomicBool::new(false));
    let says = heard.clone();
    tell(quiet, move |_, _| says.store(true, Ordering::SeqCst));
    assert!(comes_true(&driver, &heard));
}

/// With a budget of a message as with any.
#[test]
fn m17_a_turn_that_has_done_all_says_so() {
    let (clock, here) = (Clock::manual(), Locality::new("here"));
    let (driver, at) = (driver(&clock, &[&here]), here.reserve());
    driver.start(one("app").child(puppet("a", at))).unwrap();
    driver.run_until_idle();
    for messages in [1, 2, 4, 5] {
        (0..messages).for_each(|n| at.send(n));
        let budget = Budget {
            messages,
            time: SECOND,
        };
        assert!(
            matches!(driver.turn(budget), Turn::Park(None)),
            "{messages}"
        );
    }
}

/// A limit that begins in the last look at the clock is kept like any other.
#[test]
fn l17_a_limit_that_begins_when_another_one_passes_is_kept() {
    let clock = Clock::manual();
    let [home, p, q] = ["home", "p", "q"].map(Locality::new);
    let (near, far) = (driver(&clock, &[&home]), driver(&clock, &[&p, &q]));
    let x = home.reserve();
    let part = |name, at: &Locality| one(name).stop_limit(SECOND).on(at, |s| s);
    let tree = one("app").child(puppet("x", x));
    let app = near
        .start(tree.child(part("p", &p)).child(part("q", &q)))
        .unwrap();
    for _ in 0..9 {
        near.run_until_idle();
        far.run_until_idle();
    }
    app.shutdown();
    near.run_until_idle(); // `q` is told to stop; its loop hangs from now on
    assert_eq!(clock.next_deadline(), Some(clock.now() + SECOND));
    let time = clock.clone();
    tell(x, move |_, cx| {
        cx.after(3600 * SECOND, 1_u32);
        time.advance(SECOND);
    });
    near.run_until_idle(); // `q` is late, `p` is told to stop
    assert_eq!(clock.next_deadline(), Some(clock.now() + SECOND));
}

/// However many are subscribed.
#[test]
fn a16_an_urgent_message_does_not_wait_for_the_end_of_a_publish() {
    const MANY: u32 = if cfg!(miri) { 100 } else { 1000 };
    #[derive(Clone)]
    struct News;
    struct Reader {
        topic: Topic<News>,
        at: Addr<Busy>,
        read: Rc<Cell<u32>>,
    }
    impl Actor for Reader {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            cx.subscribe(self.topic);
            Ok(())
        }
    }
    impl Handler<News> for Reader {
        fn handle(&mut self, _: News, _: &mut Context<Self>) {
            self.read.set(self.read.get() + 1);
            if self.read.get() == 10 {
                self.at.send(Press);
            }
        }
    }
    let (clock, here) = (Clock::manual(), Locality::new("here"));
    let driver = driver(&clock, &[&here]);
    let (at, topic) = (here.reserve(), here.topic());
    let (child, handled) = busy(at, &clock);
    let read = Rc::new(Cell::new(0));
    let mut tree = one("app").child(child);
    for n in 0..MANY {
        let read = read.clone();
        let make = move || Reader {
            topic,
            at,
            read: read.clone(),
        };
        tree = tree.child(Child::new(n.to_string(), make));
    }
    driver.start(tree).unwrap();
    driver.run_until_idle();
    topic.publish(News);
    let budget = |messages| Budget {
        messages,
        time: SECOND,
    };
    while handled.get() == 0 {
        driver.turn(budget(1));
    }
    assert!((10..18).contains(&read.get()), "{}", read.get());
    // The rest comes all the same, and counts like messages of its own.
    let before = read.get();
    driver.turn(budget(MANY));
    assert!((before + 1..MANY).contains(&read.get()), "{}", read.get());
    while read.get() < MANY {
        driver.turn(Budget::default());
    }
}

/// Keeps what it is told.
struct Sink(Arc<Mutex<Vec<u32>>>);

impl Actor for Sink {}

impl Handler<u32> for Sink {
    fn handle(&mut self, n: u32, _: &mut Context<Self>) {
        self.0.lock().unwrap().push(n);
    }
}

/// An actor that is not started again, and what it was told.
fn sink(driver: &Driver, at: Addr<Sink>) -> Arc<Mutex<Vec<u32>>> {
    let (child, seen) = sink_spec(at);
    driver.start(one("app").child(child.transient())).unwrap();
    driver.run_until_idle();
    seen
}

/// The spec of one that notes the start of each instance as well.
fn sink_spec(at: Addr<Sink>) -> (Child<Sink>, Arc<Mutex<Vec<u32>>>) {
    let seen = Arc::<Mutex<Vec<u32>>>::default();
    let log = seen.clone();
    (Child::new("sink", move || Sink(log.clone())).at(at), seen)
}

/// Also if it comes back: the instance that is told to drain does.
#[test]
fn l18_a_drain_of_an_actor_that_comes_back_waits_for_all_senders() {
    let (clock, here) = (Clock::manual(), Locality::new("here"));
    let (driver, b) = (driver(&clock, &[&here]), here.reserve());
    let (child, seen) = sink_spec(b);
    let app = driver
        .start(one("app").intensity(9, SECOND).child(child))
        .unwrap();
    driver.run_until_idle();
    std::thread::spawn(move || (0..100).for_each(|n| b.send(n)))
        .join()
        .unwrap();
    b.drain(Duration::MAX);
    b.send(999);
    let instances = || app.tree().nodes[1].instances;
    while seen.lock().unwrap().len() < 101 {
        assert_eq!(instances(), 1, "{:?}", seen.lock().unwrap());
        driver.turn(Budget {
            messages: 1,
            time: SECOND,
        });
    }
    driver.run_until_idle();
    assert_eq!(instances(), 2);
}

/// What is parked for it, and what others have sent meanwhile.
#[test]
fn l18_a_drain_of_an_actor_that_is_parked_for_waits_for_all_senders() {
    let (clock, here) = (Clock::manual(), Locality::new("here"));
    let (driver, b) = (driver(&clock, &[&here]), here.reserve());
    (0..10).for_each(|n| b.send(n));
    driver.run_until_idle();
    let (child, seen) = sink_spec(b);
    driver.start(one("app").child(child.transient())).unwrap();
    std::thread::spawn(move || (10..110).for_each(|n| b.send(n)))
        .join()
        .unwrap();
    b.drain(Duration::MAX);
    driver.run_until_idle();
    assert_eq!(*seen.lock().unwrap(), (0..110).collect::<Vec<_>>());
    assert_eq!(b.address().state(), Lifecycle::Down);
}

#[test]
fn l18_a_drain_from_another_thread_waits_for_what_the_loop_itself_has_queued() {
    let (clock, here) = (Clock::manual(), Locality::new("here"));
    let (driver, b) = (driver(&clock, &[&here]), here.reserve());
    let seen = sink(&driver, b);
    (0..100).for_each(|n| b.send(n));
    let drain = move || {
        b.drain(Duration::MAX);
        b.send(999); // too late
    };
    std::thread::spawn(drain).join().unwrap();
    driver.run_until_idle();
    assert_eq!(*seen.lock().unwrap(), (0..100).collect::<Vec<_>>());
    assert_eq!(b.address().state(), Lifecycle::Down);
}

#[test]
fn l18_a_drain_on_the_loop_waits_for_what_other_threads_have_sent() {
    let (clock, here) = (Clock::manual(), Locality::new("here"));
    let (driver, b) = (driver(&clock, &[&here]), here.reserve());
    let seen = sink(&driver, b);
    std::thread::spawn(move || (0..100).for_each(|n| b.send(n)))
        .join()
        .unwrap();
    b.drain(Duration::MAX);
    b.drain(Duration::MAX); // nothing more
    driver.run_until_idle();
    assert_eq!(*seen.lock().unwrap(), (0..100).collect::<Vec<_>>());
    assert_eq!(b.address().state(), Lifecycle::Down);
}

/// Counts the messages that are lost.
#[derive(Default)]
struct Losses(Mutex<Vec<(Reason, u64)>>);

impl Observer for Losses {
    fn undelivered(&self, what: &Undeliverable) {
        self.0.lock().unwrap().push((what.reason, what.times));
    }
}

/// Whoever was still to get it.
#[test]
fn o08_the_rest_of_a_publish_is_reported_when_its_loop_ends() {
    #[derive(Clone)]
    struct News;
    struct Reader(Topic<News>, Addr<Busy>);
    impl Actor for Reader {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            cx.subscribe(self.0);
            Ok(())
        }
    }
    impl Handler<News> for Reader {
        fn handle(&mut self, _: News, _: &mut Context<Self>) {
            self.1.send(Now);
        }
    }
    let (clock, here) = (Clock::manual(), Locality::new("here"));
    let driver = driver(&clock, &[&here]);
    let (at, topic) = (here.reserve(), here.topic());
    let (child, _) = busy(at, &clock);
    let lost = Arc::new(Losses::default());
    let mut tree = one("app").observer(lost.clone()).child(child);
    for n in 0..20 {
        tree = tree.child(Child::new(n.to_string(), move || Reader(topic, at)));
    }
    driver.start(tree).unwrap();
    driver.run_until_idle();
    topic.publish(News);
    let budget = Budget {
        messages: 1,
        time: SECOND,
    };
    assert!(matches!(driver.turn(budget), Turn::Again));
    drop(driver);
    // The rest, as one message, and what the first readers have sent.
    assert_eq!(*lost.0.lock().unwrap(), [(Reason::Closed, 1); 9]);
}

/// Each of them takes its time.
#[test]
fn m17_a_publish_to_many_ends_with_the_time_of_the_turn() {
    #[derive(Clone)]
    struct News;
    struct Slow(Topic<News>, Clock, Rc<Cell<u32>>);
    impl Actor for Slow {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            cx.subscribe(self.0);
            Ok(())
        }
    }
    impl Handler<News> for Slow {
        fn handle(&mut self, _: News, _: &mut Context<Self>) {
            self.1.advance(10 * MS);
            self.2.set(self.2.get() + 1);
        }
    }
    let (clock, here) = (Clock::manual(), Locality::new("here"));
    let (driver, topic) = (driver(&clock, &[&here]), here.topic());
    let read = Rc::new(Cell::new(0));
    let mut tree = one("app");
    for n in 0..100 {
        let (clock, read) = (clock.clone(), read.clone());
        let make = move || Slow(topic, clock.clone(), read.clone());
        tree = tree.child(Child::new(n.to_string(), make));
    }
    driver.start(tree).unwrap();
    driver.run_until_idle();
    topic.publish(News);
    driver.turn(Budget::default());
    assert!((1..=64).contains(&read.get()), "{}", read.get());
    driver.run_until_idle();
    assert_eq!(read.get(), 100);
}

/// Here and elsewhere.
#[test]
fn s09_a_clone_that_panics_on_its_way_to_other_loops_is_reported() {
    struct Bomb;
    impl Clone for Bomb {
        fn clone(&self) -> Self {
            panic!("no copies");
        }
    }
    struct Reader(Topic<Bomb>);
    impl Actor for Reader {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            cx.subscribe(self.0);
            Ok(())
        }
    }
    impl Handler<Bomb> for Reader {
        fn handle(&mut self, _: Bomb, _: &mut Context<Self>) {}
    }
    let (clock, lost) = (Clock::manual(), Arc::new(Losses::default()));
    let [here, away] = ["here", "away"].map(Locality::new);
    let (near, far) = (driver(&clock, &[&here]), driver(&clock, &[&away]));
    let topic = here.topic();
    let reader = move |name| Child::new(name, move || Reader(topic));
    let part = one("part").on(&away, move |s| s.child(reader("c")));
    let tree = one("app").observer(lost.clone());
    let tree = tree.child(reader("a")).child(reader("b")).child(part);
    near.start(tree).unwrap();
    for _ in 0..9 {
        near.run_until_idle();
        far.run_until_idle();
    }
    topic.publish(Bomb);
    near.run_until_idle();
    assert_eq!(*lost.0.lock().unwrap(), [(Reason::Uncloned, 3)]);
}
