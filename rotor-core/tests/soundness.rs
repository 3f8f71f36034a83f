//! Programs that would break a careless build of the mechanisms. Miri runs them, too.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

use rotor_core::sim::Sim;
use rotor_core::*;

/// Counts values that are alive.
#[derive(Clone, Default)]
struct Live(Arc<AtomicUsize>);

struct Token(Live);

impl Live {
    fn token(&self) -> Token {
        self.0.fetch_add(1, Ordering::SeqCst);
        Token(self.clone())
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl std::ops::Deref for Live {
    type Target = AtomicUsize;
    fn deref(&self) -> &AtomicUsize {
        &self.0
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// An actor that does what the closure sent to it says.
struct Puppet {
    said: Rc<RefCell<Vec<String>>>,
    _live: Token,
}

impl Actor for Puppet {}

type Order = Box<dyn FnOnce(&mut Puppet, &mut Context<Puppet>) + Send>;

impl Handler<Order> for Puppet {
    fn handle(&mut self, order: Order, cx: &mut Context<Self>) {
        order(self, cx);
    }
}

impl Handler<u64> for Puppet {
    fn handle(&mut self, n: u64, _: &mut Context<Self>) {
        self.said.borrow_mut().push(n.to_string());
    }
}

fn order(f: impl FnOnce(&mut Puppet, &mut Context<Puppet>) + Send + 'static) -> Order {
    Box::new(f)
}

struct Stage {
    sim: Sim,
    puppet: Addr<Puppet>,
    said: Rc<RefCell<Vec<String>>>,
    live: Live,
    app: App,
}

/// One puppet under a patient supervisor.
fn stage() -> Stage {
    std::panic::set_hook(Box::new(|_| {}));
    let mut sim = Sim::new(1);
    let here = sim.locality("here");
    let (puppet, said, live) = (
        here.reserve(),
        Rc::new(RefCell::new(Vec::new())),
        Live::default(),
    );
    let (log, alive) = (said.clone(), live.clone());
    let make = move || Puppet {
        said: log.clone(),
        _live: alive.token(),
    };
    let tree = Supervisor::one_for_one("app").intensity(1000, Duration::from_secs(1));
    let app = sim
        .start(tree.child(Child::new("puppet", make).at(puppet)))
        .expect("a sound tree");
    sim.run_until_idle();
    Stage {
        sim,
        puppet,
        said,
        live,
        app,
    }
}

impl Stage {
    fn tell(&mut self, f: impl FnOnce(&mut Puppet, &mut Context<Puppet>) + Send + 'static) {
        self.puppet.send(order(f));
        self.sim.run_until_idle();
    }

    fn said(&self) -> Vec<String> {
        std::mem::take(&mut *self.said.borrow_mut())
    }

    fn end(mut self) {
        self.app.shutdown();
        self.sim.run_until_idle();
        drop(self.sim);
        assert_eq!(self.live.count(), 0, "an instance was leaked");
    }
}

#[test]
fn s01_a_removed_childs_address_never_reaches_the_next_one_in_its_slot() {
    let mut stage = stage();
    let found = Arc::new(Mutex::new(Vec::new()));
    for _ in 0..3 {
        let (live, out) = (stage.live.clone(), found.clone());
        stage.tell(move |me, cx| {
            let said = me.said.clone();
            let child = cx.child(Child::once("child", move |_| {
                Ok(Puppet {
                    said,
                    _live: live.token(),
                })
            }));
            out.lock().unwrap().push(child);
        });
        let last = *found.lock().unwrap().last().expect("just pushed");
        last.send(7);
        last.drain(std::time::Duration::MAX);
        stage.sim.run_until_idle();
        assert_eq!(last.try_send(8).unwrap_err().reason, Reason::Gone);
    }
    let all = found.lock().unwrap().clone();
    assert!(all[0] != all[1] && all[1] != all[2]);
    assert_eq!(stage.said(), ["7", "7", "7"]);
    stage.end();
}

#[test]
fn s02_a_recycled_gate_refuses_addresses_of_its_last_life() {
    let mut old = Vec::new();
    for _ in 0..4 {
        let mut stage = stage();
        assert!(!old.contains(&stage.puppet), "minted twice");
        old.push(stage.puppet);
        // None but the last reaches anybody.
        let stale = old.clone();
        let sender = std::thread::spawn(move || {
            for addr in stale {
                addr.send(1);
            }
        });
        sender.join().expect("the sender");
        stage.sim.run_until_idle();
        assert_eq!(stage.said(), ["1"]);
        stage.end();
    }
    for addr in old {
        addr.send(2);
    }
}

#[test]
fn s04_a_hold_of_the_last_instance_does_not_release_the_next() {
    struct Held(Arc<Mutex<Vec<Hold>>>);
    impl Actor for Held {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            let mut holds = self.0.lock().unwrap();
            if !holds.is_empty() {
                holds.push(cx.hold("a restart"));
            }
            Ok(())
        }
    }
    impl Handler<()> for Held {
        fn handle(&mut self, _: (), cx: &mut Context<Self>) {
            self.0.lock().unwrap().push(cx.hold("kept too long"));
            cx.fail(std::fmt::Error);
        }
    }
    let mut sim = Sim::new(1);
    let held = sim.locality("here").reserve::<Held>();
    let holds = Arc::<Mutex<Vec<Hold>>>::default();
    let all = holds.clone();
    let tree = Supervisor::one_for_one("app").intensity(9, Duration::from_secs(9));
    sim.start(tree.child(Child::new("held", move || Held(all.clone())).at(held)))
        .expect("sound");
    held.send(());
    sim.run_until_idle();
    assert_eq!(held.address().state(), Lifecycle::Starting);
    let old = holds.lock().unwrap().remove(0);
    drop(old);
    sim.run_until_idle();
    assert_eq!(
        held.address().state(),
        Lifecycle::Starting,
        "the old hold released it"
    );
    holds.lock().unwrap().clear();
    sim.run_until_idle();
    assert_eq!(held.address().state(), Lifecycle::Running);
}

#[test]
fn s05_a_turn_inside_a_handler_is_refused() {
    struct Nothing;
    impl Wake for Nothing {
        fn wake(&self) {}
    }
    let inner = Rc::new(Driver::new(Arc::new(Nothing), Clock::manual()));
    struct Turner(Rc<Driver>, Rc<Cell<bool>>);
    impl Actor for Turner {
        fn start(&mut self, _: &mut Context<Self>) -> Result {
            self.1
                .set(matches!(self.0.turn(Budget::default()), Turn::Nested));
            Ok(())
        }
    }
    let mut sim = Sim::new(1);
    sim.locality("here");
    let refused = Rc::new(Cell::new(false));
    let seen = refused.clone();
    let make = move || Turner(inner.clone(), seen.clone());
    sim.start(Supervisor::one_for_one("app").child(Child::new("turner", make)))
        .expect("sound");
    sim.run_until_idle();
    assert!(refused.get());
}

thread_local! {
    static DEED: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
}

/// What the specs below capture: dropped, it does a deed, if there is one.
struct Doer;

impl Drop for Doer {
    fn drop(&mut self) {
        if let Some(deed) = DEED.take() {
            deed();
        }
    }
}

struct Plain;

impl Actor for Plain {}

/// A tree whose subtree has an actor at this address, and captures a deed.
fn tree_with_a_doer(far: &Locality, at: Addr<Plain>) -> Supervisor {
    let sub = Supervisor::one_for_one("sub").on(far, move |s| {
        let doer = Doer;
        let other = move || {
            let _ = &doer;
            Plain
        };
        s.child(Child::new("a", || Plain).at(at))
            .child(Child::new("other", other))
    });
    Supervisor::one_for_one("root").child(sub)
}

/// A driver with an orphan of such a subtree on its locality, and the locality of the lost loop.
fn with_an_orphan() -> (Rc<Driver>, Locality, Locality, Addr<Plain>) {
    let [first, second] = [(); 2].map(|()| Driver::new(Arc::new(Nobody), Clock::manual()));
    let (home, far) = (Locality::new("home"), Locality::new("far"));
    first.open(&home).unwrap();
    second.open(&far).unwrap();
    let a = far.reserve();
    first.start(tree_with_a_doer(&far, a)).expect("sound");
    for _ in 0..9 {
        first.run_until_idle();
        second.run_until_idle();
    }
    assert_eq!(a.address().state(), Lifecycle::Running);
    drop(first);
    (Rc::new(second), home, far, a)
}

fn claims(a: Addr<Plain>) -> Supervisor {
    Supervisor::one_for_one("new").child(Child::new("a", || Plain).at(a))
}

/// No slot of a locality is free twice.
fn mints_each_address_once(far: &Locality) {
    let new: Vec<Address> = (0..8).map(|_| far.reserve::<Plain>().address()).collect();
    let all: std::collections::BTreeSet<_> = new.iter().collect();
    assert_eq!(all.len(), new.len(), "{new:?}");
}

/// What the tree claims may be about to be freed for the second time.
#[test]
fn s01_a_tree_is_not_started_while_slots_are_freed() {
    let (driver, _, far, a) = with_an_orphan();
    let refused = Rc::new(Cell::new(false));
    let (starter, told) = (driver.clone(), refused.clone());
    DEED.set(Some(Box::new(move || {
        let started = starter.start(claims(a));
        told.set(matches!(started, Err(StartError::Nested)));
    })));
    driver.run_until_idle();
    assert!(refused.get());
    mints_each_address_once(&far);
}

/// The other way round: it would claim what the tree that is being started does.
#[test]
fn s01_a_driver_that_starts_a_tree_is_not_turned() {
    let (driver, home, far, a) = with_an_orphan();
    let next = Driver::new(Arc::new(Nobody), Clock::manual());
    next.open(&home).unwrap();
    next.start(tree_with_a_doer(&far, a)).expect("sound");
    next.run_until_idle(); // it orders what is on the other one
    let refused = Rc::new(Cell::new(false));
    let (turned, told) = (driver.clone(), refused.clone());
    DEED.set(Some(Box::new(move || {
        told.set(matches!(turned.run_until_idle(), Turn::Nested));
    })));
    let _app = driver.start(claims(a));
    assert!(refused.get());
    driver.run_until_idle();
    mints_each_address_once(&far);
}

#[test]
fn s06_the_context_and_a_send_may_be_used_in_one_handler() {
    const MANY: usize = if cfg!(miri) { 40 } else { 100 };
    let mut stage = stage();
    stage.tell(|me, cx| {
        let addr = cx.addr();
        for n in 0..MANY as u64 {
            addr.send(n);
            let said = me.said.clone();
            // The slot table grows while this handler runs.
            cx.child(Child::once("child", move |cx| {
                let me = Puppet {
                    said,
                    _live: Live::default().token(),
                };
                cx.stop();
                Ok(me)
            }));
        }
        me.said.borrow_mut().push("done".into());
    });
    let said = stage.said();
    assert_eq!(said.len(), 1 + MANY);
    assert_eq!(said[0], "done");
    stage.end();
}

/// It must not overwrite the message that it is told of.
#[test]
fn s06_an_observer_may_send_while_a_message_is_refused() {
    // Enough for the queue to wrap.
    const MANY: u64 = if cfg!(miri) { 24 } else { 200 };
    struct Chatty(Addr<Puppet>);
    impl Observer for Chatty {
        fn undelivered(&self, what: &Undeliverable) {
            if what.message.contains("Box") {
                (0..MANY).for_each(|n| self.0.send(n));
            }
        }
    }
    let Stage { mut sim, .. } = stage();
    let there = sim.locality("there");
    let (puppet, gone, live) = (there.reserve(), there.reserve(), Live::default());
    let (said, alive) = (Rc::new(RefCell::new(Vec::new())), live.clone());
    let all = said.clone();
    let make = move || Puppet {
        said: all.clone(),
        _live: alive.token(),
    };
    let tree = Supervisor::one_for_one("app").observer(Arc::new(Chatty(puppet)));
    sim.start(
        tree.child(Child::new("gone", make.clone()).at(gone).temporary())
            .child(Child::new("puppet", make).at(puppet)),
    )
    .expect("a sound tree");
    sim.run_until_idle();
    gone.stop();
    sim.run_until_idle();
    let mine = live.clone();
    puppet.send(order(move |_, cx| {
        for _ in 0..MANY {
            let token = mine.token();
            gone.send(order(move |_, _| drop(token)));
            cx.addr().send(1);
        }
    }));
    sim.run_until_idle();
    assert_eq!(live.count(), 1, "the puppet");
    assert_eq!(said.borrow().len() as u64, MANY + MANY * MANY);
}

#[test]
fn s07_an_inbox_takes_payloads_of_every_size_out_or_drops_them() {
    struct Teller([Recipient<Token>; 2], Recipient<[Token; 40]>, Live);
    impl Actor for Teller {
        fn start(&mut self, _: &mut Context<Self>) -> Result {
            let Teller(small, large, live) = self;
            for _ in 0..20 {
                small.iter().for_each(|small| small.send(live.token()));
                large.send(std::array::from_fn(|_| live.token()));
            }
            Ok(())
        }
    }
    let (small, large, live) = (Inbox::new(64), Inbox::new(64), Live::default());
    let (to, dropped) = ([small.recipient(); 2], large.recipient());
    let mine = live.clone();
    let mut sim = Sim::new(1);
    sim.locality("here");
    let teller = Child::new("teller", move || Teller(to, dropped, mine.clone()));
    sim.start(Supervisor::one_for_one("app").child(teller))
        .expect("a sound tree");
    sim.run_until_idle();
    assert_eq!(live.count(), 40 + 20 * 40);
    drop(small.recv());
    let [token, token_too] = [small.recv(), small.recv()];
    drop(large.recv());
    small.close();
    assert_eq!(live.count(), 39 + 19 * 40);
    drop((large, token));
    to[0].send(live.token());
    assert_eq!(live.count(), 38);
    std::thread::spawn(move || {
        let rest = std::iter::from_fn(|| small.recv().ok());
        assert_eq!(rest.count(), 37);
        drop(token_too);
    })
    .join()
    .expect("the receiver");
    assert_eq!(live.count(), 0);
}

/// What core asks of an inbox lies among the messages: it is kept, given up or thrown away.
#[test]
fn s07_an_inbox_takes_out_what_core_asks_of_it() {
    struct Nurse(Recipient<Token>, Arc<Mutex<Vec<Exit>>>);
    impl Actor for Nurse {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            let inbox = self.0.address();
            let given_up = cx.monitor(inbox);
            cx.monitor(inbox);
            cx.monitor(inbox);
            cx.cancel(given_up);
            inbox.stop(); // for actors: thrown away
            cx.subscribe(inbox.topic::<u8>());
            Ok(())
        }
    }
    impl Handler<Down> for Nurse {
        fn handle(&mut self, down: Down, _: &mut Context<Self>) {
            self.1.lock().unwrap().push(down.exit);
        }
    }
    impl Handler<u8> for Nurse {
        fn handle(&mut self, _: u8, _: &mut Context<Self>) {}
    }
    let (inbox, live) = (Inbox::new(64), Live::default());
    let (to, ends) = (inbox.recipient(), Arc::<Mutex<Vec<Exit>>>::default());
    let theirs = ends.clone();
    let mut sim = Sim::new(1);
    sim.locality("here");
    let nurse = Child::new("nurse", move || Nurse(to, theirs.clone()));
    sim.start(Supervisor::one_for_one("app").child(nurse))
        .expect("a sound tree");
    sim.run_until_idle();
    to.send(live.token());
    drop(inbox.recv().expect("behind what core has asked"));
    to.send(live.token());
    sim.run_until_idle();
    assert_eq!(ends.lock().unwrap().len(), 0);
    drop(inbox);
    sim.run_until_idle();
    let ends: Vec<_> = ends.lock().unwrap().iter().map(Exit::to_string).collect();
    assert_eq!(ends, ["normal", "normal"]);
    assert_eq!(live.count(), 0);
}

#[test]
fn s07_payloads_of_every_size_and_alignment_arrive() {
    every_payload_arrives(Supervisor::one_for_one("app"), None);
}

/// The same with records that carry their sender.
#[test]
fn s07_signed_payloads_of_every_size_and_alignment_arrive() {
    every_payload_arrives(signing(), None);
}

/// From a room, where they wait by themselves, and with senders.
#[test]
fn s07_bounded_payloads_of_every_size_and_alignment_arrive() {
    let bound = || Some(Bound::drop_oldest(100));
    every_payload_arrives(signing(), bound());
    if !cfg!(miri) {
        every_payload_arrives(Supervisor::one_for_one("app"), bound());
    }
}

/// The root of a tree whose observer asks for senders.
fn signing() -> Supervisor {
    struct Curious;
    impl Observer for Curious {
        fn wants_sender(&self) -> bool {
            true
        }
    }
    Supervisor::one_for_one("app").observer(Arc::new(Curious))
}

/// Sends them from outside, in bulk and from an actor, to an actor and to nobody.
fn every_payload_arrives(tree: Supervisor, bound: Option<Bound>) {
    #[repr(align(64))]
    struct Aligned(u8, Box<u8>);
    struct Big([Box<u64>; 40]);
    struct Sink(Rc<Cell<usize>>);
    impl Actor for Sink {}
    impl Handler<()> for Sink {
        fn handle(&mut self, _: (), _: &mut Context<Self>) {
            self.0.set(self.0.get() + 1);
        }
    }
    impl Handler<Aligned> for Sink {
        fn handle(&mut self, m: Aligned, _: &mut Context<Self>) {
            assert_eq!(std::ptr::from_ref(&m) as usize % 64, 0);
            self.0.set(self.0.get() + usize::from(m.0 + *m.1));
        }
    }
    impl Handler<Big> for Sink {
        fn handle(&mut self, m: Big, _: &mut Context<Self>) {
            self.0
                .set(self.0.get() + m.0.iter().map(|n| **n as usize).sum::<usize>());
        }
    }
    impl Handler<[u8; 4000]> for Sink {
        fn handle(&mut self, m: [u8; 4000], _: &mut Context<Self>) {
            self.0
                .set(self.0.get() + m.iter().map(|n| usize::from(*n)).sum::<usize>());
        }
    }
    impl Handler<u128> for Sink {
        fn handle(&mut self, m: u128, _: &mut Context<Self>) {
            self.0.set(self.0.get() + m as usize);
        }
    }
    impl Handler<[u8; 3]> for Sink {
        fn handle(&mut self, m: [u8; 3], _: &mut Context<Self>) {
            self.0.set(self.0.get() + usize::from(m[2]));
        }
    }
    impl Handler<Addr<Sink>> for Sink {
        fn handle(&mut self, to: Addr<Sink>, _: &mut Context<Self>) {
            send(to);
        }
    }
    fn send(sink: Addr<Sink>) {
        sink.send(());
        sink.send(Aligned(1, Box::new(2)));
        sink.send(Big(std::array::from_fn(|_| Box::new(1))));
        sink.send([1_u8; 4000]);
        sink.send(5_u128);
        sink.send([0, 0, 9_u8]);
    }
    const ALL: usize = 1 + 3 + 40 + 4000 + 5 + 9;
    let mut sim = Sim::new(1);
    let here = sim.locality("here");
    let reserve = || match bound.clone() {
        Some(bound) => here.reserve_bounded(bound),
        None => here.reserve(),
    };
    let (sink, nobody) = (reserve(), reserve());
    let sum = Rc::new(Cell::new(0));
    let seen = sum.clone();
    let make = move || Sink(seen.clone());
    sim.start(tree.child(Child::new("sink", make).at(sink)))
        .expect("sound");
    send(sink);
    sim.run_until_idle();
    assert_eq!(sum.get(), ALL);
    sink.send(sink);
    sink.send(nobody);
    sim.run_until_idle();
    assert_eq!(sum.get(), 2 * ALL);
    // The same from another thread, and through an outbox.
    std::thread::spawn(move || send(sink))
        .join()
        .expect("the sender");
    std::thread::spawn(move || {
        let mut out = Outbox::new();
        out.send(sink, Big(std::array::from_fn(|_| Box::new(1))));
        out.send(sink, Aligned(3, Box::new(4)));
        out.send(sink, ());
    })
    .join()
    .expect("the sender");
    sim.run_until_idle();
    assert_eq!(sum.get(), 3 * ALL + 40 + 7 + 1);
}

#[test]
fn s08_an_actor_may_stop_and_kill_itself_and_go_on() {
    let mut stage = stage();
    stage.tell(|me, cx| {
        cx.addr().address().kill();
        cx.addr().stop();
        cx.stop();
        me.said.borrow_mut().push("still here".into());
    });
    assert_eq!(stage.said(), ["still here"]);
    assert_eq!(stage.live.count(), 1, "one instance, the next one");
    stage.end();
}

#[test]
fn s09_panics_in_handlers_drops_and_payloads_end_their_instance_only() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("a payload that panics when it is dropped");
        }
    }
    let mut stage = stage();
    let addr = stage.puppet;
    stage.tell(|_, _| panic!("in a handler"));
    stage.tell(|_, _| std::panic::panic_any(Bomb));
    // The message itself panics when it is dropped, undelivered.
    let bomb = Bomb;
    addr.send(order(move |_, cx| {
        let _bomb = bomb;
        cx.stop();
    }));
    stage.sim.run_until_idle();
    addr.send(1);
    stage.sim.run_until_idle();
    assert_eq!(stage.said(), ["1"]);
    assert_eq!(stage.live.count(), 1);
    stage.end();
}

#[test]
fn s09_a_panic_in_the_drop_of_an_actor_is_not_repeated() {
    struct Fragile(Rc<Cell<u32>>);
    impl Actor for Fragile {}
    impl Handler<()> for Fragile {
        fn handle(&mut self, _: (), cx: &mut Context<Self>) {
            cx.stop();
        }
    }
    impl Drop for Fragile {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
            panic!("in a drop");
        }
    }
    std::panic::set_hook(Box::new(|_| {}));
    let mut sim = Sim::new(1);
    let fragile = sim.locality("here").reserve();
    let drops = Rc::new(Cell::new(0));
    let seen = drops.clone();
    let tree = Supervisor::one_for_one("app").intensity(9, Duration::from_secs(1));
    let app = sim
        .start(tree.child(Child::new("fragile", move || Fragile(seen.clone())).at(fragile)))
        .expect("sound");
    fragile.send(());
    sim.run_until_idle();
    assert_eq!(drops.get(), 1);
    app.shutdown();
    sim.run_until_idle();
    assert_eq!(drops.get(), 2);
}

#[test]
fn s12_a_waker_may_outlive_its_task_and_be_used_on_another_thread() {
    let mut stage = stage();
    let wakers: Arc<Mutex<Vec<Waker>>> = Arc::default();
    let kept = wakers.clone();
    stage.tell(move |_, cx| {
        let inside = Rc::new(Cell::new(0));
        let seen = inside.clone();
        let future = poll_fn(move |task| {
            seen.set(seen.get() + 1);
            kept.lock().unwrap().push(task.waker().clone());
            if seen.get() < 3 {
                Poll::Pending
            } else {
                Poll::Ready(seen.get())
            }
        });
        cx.spawn(future, |me: &mut Puppet, polls, _| {
            me.said.borrow_mut().push(format!("{polls} polls"));
        });
    });
    for _ in 0..2 {
        let waker = wakers.lock().unwrap().last().cloned().expect("polled");
        std::thread::spawn(move || waker.wake())
            .join()
            .expect("the waker's thread");
        stage.sim.run_until_idle();
    }
    assert_eq!(stage.said(), ["3 polls"]);
    // Of no effect now, and after the end of everything.
    let stale = std::mem::take(&mut *wakers.lock().unwrap());
    for waker in &stale {
        waker.wake_by_ref();
    }
    stage.sim.run_until_idle();
    stage.end();
    for waker in stale {
        std::thread::spawn(move || waker.wake())
            .join()
            .expect("the waker's thread");
    }
}

#[test]
fn s12_a_task_that_ends_its_own_actor_inside_its_poll_is_dropped_once() {
    let mut stage = stage();
    let live = stage.live.clone();
    stage.tell(move |_, cx| {
        let (addr, token) = (cx.addr(), live.token());
        let future = poll_fn(move |_| {
            let _ = &token;
            addr.address().kill();
            Poll::<()>::Pending
        });
        cx.spawn(future, |_, _, _| {});
    });
    assert_eq!(stage.live.count(), 1);
    stage.end();
}

#[test]
fn s12_a_task_that_cancels_itself_inside_its_poll_is_dropped_once() {
    let mut stage = stage();
    let live = stage.live.clone();
    stage.tell(move |_, cx| {
        let (own, token) = (Rc::new(Cell::new(None)), live.token());
        let seen = own.clone();
        let future = poll_fn(move |_| {
            let _ = &token;
            Poll::Ready(())
        });
        let task = cx.spawn(future, move |me: &mut Puppet, (), cx| {
            let task = seen.get().expect("it was spawned");
            let ended = [cx.cancel(task), cx.cancel(task)];
            let said = format!("{ended:?}, {} live", live.count());
            me.said.borrow_mut().push(said);
        });
        own.set(Some(task));
    });
    assert_eq!(stage.said(), ["[true, false], 2 live"]);
    assert_eq!(stage.live.count(), 1);
    stage.end();
}

#[test]
fn s14_a_reply_token_answers_from_another_thread() {
    struct Question;
    impl Request for Question {
        type Reply = Vec<u8>;
    }
    struct Oracle;
    impl Actor for Oracle {}
    impl Handler<Ask<Question>> for Oracle {
        fn handle(&mut self, ask: Ask<Question>, _: &mut Context<Self>) {
            std::thread::spawn(move || ask.reply(vec![1, 2, 3]))
                .join()
                .expect("the answer");
        }
    }
    struct Asker(Addr<Oracle>, Rc<RefCell<Vec<u8>>>);
    impl Actor for Asker {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            let limit = Duration::from_secs(1);
            cx.request(self.0, Question, limit, |me, reply, _| {
                *me.1.borrow_mut() = reply.expect("an answer");
            });
            Ok(())
        }
    }
    let mut sim = Sim::new(1);
    let oracle = sim.locality("here").reserve();
    let answer = Rc::new(RefCell::new(Vec::new()));
    let seen = answer.clone();
    let tree = Supervisor::one_for_one("app")
        .child(Child::new("oracle", || Oracle).at(oracle))
        .child(Child::new("asker", move || Asker(oracle, seen.clone())));
    sim.start(tree).expect("sound");
    sim.run_until_idle();
    assert_eq!(*answer.borrow(), [1, 2, 3]);
    // A future that asks, and one that is dropped before the answer.
    let asking = oracle.ask(Question, Duration::from_secs(1));
    assert_eq!(
        sim.block_on(asking).expect("ready").expect("an answer"),
        [1, 2, 3]
    );
    drop(oracle.ask(Question, Duration::from_secs(1)));
    sim.run_until_idle();
}

#[test]
fn s16_what_is_sent_to_a_locality_that_has_ended_is_dropped_by_the_sender() {
    let live = Live::default();
    let stage = stage();
    let addr = stage.puppet;
    stage.end();
    let token = live.token();
    addr.send(order(move |_, _| drop(token)));
    assert_eq!(live.count(), 0, "the message is stuck in a closed gate");
}

#[test]
fn s18_addresses_have_the_same_order_and_hash_in_every_run() {
    let here = Locality::new("here");
    let (a, b): (Addr<Puppet>, Addr<Puppet>) = (here.reserve(), here.reserve());
    assert!(a < b);
    let far = Locality::new("far");
    assert!(a.address() < far.reserve::<Puppet>().address() || here.name() != far.name());
}

#[test]
fn s20_a_message_comes_once_to_each_subscriber_whoever_comes_goes_or_panics() {
    #[derive(Clone)]
    struct Sent(Arc<()>);
    struct Reader {
        topic: Topic<Sent>,
        read: Rc<Cell<u32>>,
        more: u32,
    }
    impl Actor for Reader {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            cx.subscribe(self.topic);
            Ok(())
        }
    }
    impl Handler<Sent> for Reader {
        fn handle(&mut self, sent: Sent, cx: &mut Context<Self>) {
            let _ = &sent.0;
            self.read.set(self.read.get() + 1);
            for _ in 0..self.more {
                let (topic, read) = (self.topic, self.read.clone());
                cx.child(Child::once("reader", move |cx| {
                    cx.subscribe(topic);
                    Ok(Reader {
                        topic,
                        read,
                        more: 0,
                    })
                }));
            }
            if self.more == 0 && self.read.get().is_multiple_of(2) {
                cx.unsubscribe(self.topic);
            }
            if self.read.get() == 3 {
                panic!("in the middle of a publish");
            }
        }
    }
    std::panic::set_hook(Box::new(|_| {}));
    let mut sim = Sim::new(1);
    let topic = sim.locality("here").topic();
    let read = Rc::new(Cell::new(0));
    let seen = read.clone();
    let make = move || Reader {
        topic,
        read: seen.clone(),
        more: 4,
    };
    sim.start(Supervisor::one_for_one("app").child(Child::new("reader", make)))
        .expect("sound");
    sim.run_until_idle();
    // The reader; then four more, of whom one panics and two unsubscribe; then the two that are left
    // and four more.
    for all in [1, 1 + 5, 6 + 6] {
        topic.publish(Sent(Arc::new(())));
        sim.run_until_idle();
        assert_eq!(read.get(), all);
    }
}

#[test]
fn timers_tasks_and_requests_of_an_instance_end_with_it() {
    let mut stage = stage();
    let live = stage.live.clone();
    stage.tell(move |_, cx| {
        let (a, b) = (live.token(), live.token());
        cx.after(Duration::from_secs(1), order(move |_, _| drop(a)));
        cx.spawn(std::future::pending::<()>(), move |_, _, _| drop(b));
        let again = cx.every(Duration::from_millis(10), 5_u64);
        cx.after(
            Duration::from_millis(35),
            order(move |_, cx| assert!(cx.cancel(again))),
        );
    });
    assert_eq!(stage.live.count(), 3);
    stage.sim.run_for(Duration::from_millis(100));
    assert_eq!(stage.said(), ["5", "5", "5"]);
    stage.puppet.stop();
    stage.sim.run_until_idle();
    assert_eq!(stage.live.count(), 1);
    stage.sim.run_for(Duration::from_secs(2));
    stage.end();
}

#[test]
fn a_lost_locality_drops_its_actors_and_may_be_opened_again() {
    let mut sim = Sim::new(3);
    let (here, far) = (sim.locality("here"), sim.locality("far"));
    let live = Live::default();
    let (remote, alive) = (far.reserve(), live.clone());
    let tree = Supervisor::one_for_one("app")
        .intensity(9, Duration::from_secs(9))
        .child(Supervisor::one_for_one("away").on(&far, move |s| {
            let alive = alive.clone();
            s.child(
                Child::new("puppet", move || Puppet {
                    said: Rc::default(),
                    _live: alive.token(),
                })
                .at(remote),
            )
        }));
    let app = sim.start(tree).expect("sound");
    sim.run_until_idle();
    assert_eq!(live.count(), 1);
    assert_eq!(remote.address().state(), Lifecycle::Running);
    sim.lose(&far);
    assert_eq!(live.count(), 0);
    sim.open(far);
    sim.run_until_idle();
    assert_eq!(live.count(), 1, "built again on the new loop");
    remote.send(order(|_, cx| {
        let _ = cx.now();
    }));
    sim.run_until_idle();
    app.shutdown();
    sim.run_until_idle();
    assert_eq!(live.count(), 0);
    drop(here);
}

/// Handles numbers: 0 panics, and 1 fails twice; the second error sends when it is dropped.
struct Touchy {
    topic: Topic<u8>,
    seen: Arc<AtomicUsize>,
}

impl Actor for Touchy {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        cx.subscribe(self.topic);
        Ok(())
    }
}

impl Handler<u8> for Touchy {
    fn handle(&mut self, _: u8, _: &mut Context<Self>) {
        self.seen.fetch_add(1, Ordering::SeqCst);
    }
}

impl TryHandler<u32> for Touchy {
    fn try_handle(&mut self, n: u32, cx: &mut Context<Self>) -> Result {
        self.seen.fetch_add(1, Ordering::SeqCst);
        match n {
            0 => panic!("zero"),
            1 => {
                cx.fail(Error::message("a first reason"));
                Err(Parting(cx.addr()).into())
            }
            _ => Ok(()),
        }
    }
}

/// Sends last messages when it is dropped: as an error, or as an observer.
#[derive(Debug)]
struct Parting(Addr<Touchy>);

impl std::fmt::Display for Parting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("parting")
    }
}

impl std::error::Error for Parting {}

impl Observer for Parting {}

impl Drop for Parting {
    fn drop(&mut self) {
        let _ = self.0.try_send(9_u8); // looks at the slot
        self.0.send(9_u8); // is reported where nobody takes it
    }
}

struct Nobody;

impl Wake for Nobody {
    fn wake(&self) {}
}

/// A driver whose locality has a touchy actor, and how many messages that has seen.
fn touchy() -> (Driver, Addr<Touchy>, Topic<u8>, Arc<AtomicUsize>) {
    let driver = Driver::new(Arc::new(Nobody), Clock::real());
    let here = Locality::new("here");
    driver.open(&here).unwrap();
    let (touchy, topic, seen) = (here.reserve(), here.topic(), Arc::new(AtomicUsize::new(0)));
    let count = seen.clone();
    let make = move || Touchy {
        topic,
        seen: count.clone(),
    };
    let tree = Supervisor::one_for_one("app")
        .child(Child::new("touchy", make.clone()).at(touchy))
        .child(Child::new("other", make))
        .intensity(9, Duration::from_secs(9));
    driver.start(tree).unwrap();
    driver.run_until_idle();
    (driver, touchy, topic, seen)
}

#[test]
fn s09_a_panic_in_a_message_of_another_thread_ends_its_actor() {
    let (driver, touchy, _, seen) = touchy();
    std::thread::spawn(move || {
        touchy.send(0_u32);
        touchy.send(2_u32);
    })
    .join()
    .unwrap();
    assert!(matches!(driver.run_until_idle(), Turn::Park(_)));
    assert_eq!(seen.load(Ordering::SeqCst), 2, "the next instance goes on");
}

#[test]
fn m17_publications_may_use_up_a_lanes_turn_beside_foreign_messages() {
    let (driver, touchy, topic, seen) = touchy();
    // Sixteen records, half a turn, are charged as thirty-six.
    for _ in 0..10 {
        topic.publish(1);
    }
    for _ in 0..30 {
        touchy.send(2_u32);
    }
    std::thread::spawn(move || touchy.send(2_u32))
        .join()
        .unwrap();
    assert!(matches!(driver.run_until_idle(), Turn::Park(_)));
    assert_eq!(seen.load(Ordering::SeqCst), 2 * 10 + 30 + 1);
}

#[test]
fn s06_an_error_may_send_when_it_is_dropped() {
    let (driver, touchy, _, seen) = touchy();
    touchy.send(1_u32);
    assert!(matches!(driver.run_until_idle(), Turn::Park(_)));
    assert_eq!(seen.load(Ordering::SeqCst), 3, "the last messages, too");
}

/// Its gate is free again by then, and nothing of that is locked.
#[test]
fn s06_an_observer_may_send_when_it_is_dropped() {
    let driver = Driver::new(Arc::new(Nobody), Clock::real());
    let here = Locality::new("here");
    driver.open(&here).unwrap();
    let tree = Supervisor::one_for_one("app").observer(Arc::new(Parting(here.reserve())));
    let app = driver.start(tree).unwrap();
    driver.run_until_idle();
    app.shutdown();
    assert!(matches!(driver.run_until_idle(), Turn::Done(_)));
    drop((app, driver, here));
}

/// A pause between two parked messages is a place where others may come in.
#[test]
fn m17_parked_messages_are_charged_to_the_budget() {
    let driver = Driver::new(Arc::new(Nobody), Clock::real());
    let here = Locality::new("here");
    driver.open(&here).unwrap();
    let (touchy, topic, seen) = (here.reserve(), here.topic(), Arc::new(AtomicUsize::new(0)));
    for _ in 0..100 {
        touchy.send(2_u32);
    }
    driver.run_until_idle(); // parks them
    let count = seen.clone();
    let make = move || Touchy {
        topic,
        seen: count.clone(),
    };
    let tree = Supervisor::one_for_one("app").child(Child::new("touchy", make).at(touchy));
    driver.start(tree).unwrap();
    let budget = Budget {
        messages: 1,
        time: Duration::from_secs(9),
    };
    let mut before = 0;
    while seen.load(Ordering::SeqCst) < 100 {
        driver.turn(budget);
        let now = seen.load(Ordering::SeqCst);
        assert!(now <= before + 1, "{} in one turn of one", now - before);
        before = now;
    }
}

/// What a hook looks at stays where it is, whatever it sends meanwhile, and is dropped once.
#[test]
fn l30_a_hook_looks_at_a_message_while_its_queue_grows() {
    struct Heap {
        handled: usize,
    }
    impl Actor for Heap {}
    /// In the record, or in a box.
    struct Load<const N: usize>(Box<usize>, [u8; N], #[expect(dead_code)] Token);
    impl<const N: usize> Handler<Load<N>> for Heap {
        fn handle(&mut self, load: Load<N>, _: &mut Context<Self>) {
            self.handled += *load.0;
        }
    }
    struct Looks {
        live: Live,
        left: usize,
    }
    impl Hook<Heap> for Looks {
        fn message(&mut self, _: &'static str, message: &dyn Any, cx: &mut Context<Heap>) -> bool {
            let number = match message.downcast_ref() {
                Some(Load::<8>(number, ..)) => number,
                None => &message.downcast_ref::<Load<300>>().expect("one of two").0,
            };
            for _ in 0..std::mem::take(&mut self.left) {
                let (small, large) = (self.live.token(), self.live.token());
                cx.addr().send(Load(Box::new(1), [0; 8], small));
                cx.addr().send(Load(Box::new(2), [0; 300], large));
            }
            match **number {
                3 => panic!("as told"),
                number => number != 2,
            }
        }
    }
    let live = Live::default();
    let mut sim = Sim::new(1);
    let heap = sim.locality("here").reserve();
    let looks = Looks {
        live: live.clone(),
        left: if cfg!(miri) { 40 } else { 400 },
    };
    let all = looks.left;
    let child = Child::new("heap", || Heap { handled: 0 }).hook(looks);
    let tree = Supervisor::one_for_one("app").child(child.at(heap));
    sim.start(tree).unwrap();
    sim.run_until_idle();
    heap.send(Load(Box::new(3), [0; 8], live.token()));
    sim.run_until_idle();
    assert_eq!(live.count(), 0);
    assert_eq!(sim.with(heap, |heap| heap.handled), Some(all));
}

/// The address of a topic goes with the first of its subscribers, which panics; the second one ends before
/// the walk goes on, and somebody else has its slot by then.
#[test]
fn s20_a_walk_over_what_its_address_had_reaches_nobody_in_the_slot_of_one_that_has_ended() {
    #[derive(Clone, Copy)]
    struct News;
    struct Owner {
        topic: Topic<News>,
        second: Rc<Cell<Option<Address>>>,
    }
    struct Second {
        topic: Topic<News>,
        at: Rc<Cell<Option<Address>>>,
        reached: Rc<Cell<u32>>,
    }
    /// Adds both, so that slots are free again with them.
    struct Mother<F>(Option<F>);
    impl<A, B> Actor for Mother<(A, B)>
    where
        A: Fn(&mut Context<Owner>) -> Result<Owner> + 'static,
        B: Fn() -> Second + 'static,
    {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            let (owner, second) = self.0.take().expect("it is started once");
            cx.child(Child::with("owner", owner));
            cx.child(Child::new("second", second).temporary());
            Ok(())
        }

        fn decide(&mut self, child: &ChildExit<'_>, cx: &mut Context<Self>) -> Decision {
            if child.name == "second" {
                cx.child(Child::new("other", || Other(1)));
            }
            Decision::Usual
        }
    }
    /// Somebody else, with one below.
    struct Other(u32);
    impl Actor for Owner {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            cx.subscribe(self.topic);
            Ok(())
        }
    }
    impl Handler<News> for Owner {
        fn handle(&mut self, _: News, _: &mut Context<Self>) {
            self.second.get().expect("it runs").kill();
            panic!("with the rest of the walk");
        }
    }
    impl Actor for Second {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            self.at.set(Some(cx.addr().address()));
            cx.subscribe(self.topic);
            Ok(())
        }
    }
    impl Handler<News> for Second {
        fn handle(&mut self, _: News, _: &mut Context<Self>) {
            self.reached.set(self.reached.get() + 1);
        }
    }
    impl Actor for Other {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            let below = self.0.checked_sub(1);
            if let Some(below) = below {
                cx.child(Child::new("other", move || Other(below)));
            }
            Ok(())
        }
    }
    std::panic::set_hook(Box::new(|_| {}));
    let (driver, here) = (
        Driver::new(Arc::new(Nobody), Clock::manual()),
        Locality::new("here"),
    );
    driver.open(&here).unwrap();
    let second = Rc::new(Cell::new(None));
    let (topic, reached) = (Rc::new(Cell::new(None)), Rc::new(Cell::new(0)));
    let (made, seen) = (topic.clone(), Rc::clone(&reached));
    let at = second.clone();
    let owner = move |cx: &mut Context<Owner>| {
        let topic = cx.topic();
        made.set(Some(topic));
        Ok(Owner {
            topic,
            second: second.clone(),
        })
    };
    let heard = topic.clone();
    let follower = move || Second {
        topic: heard.get().expect("the owner is there first"),
        at: at.clone(),
        reached: seen.clone(),
    };
    let both = Cell::new(Some((owner, follower)));
    let tree = Supervisor::one_for_one("app").child(Child::new("mother", move || {
        Mother(Some(both.take().expect("it is started once")))
    }));
    let app = driver.start(tree).unwrap();
    driver.run_until_idle();
    topic.get().expect("it has started").publish(News);
    driver.run_until_idle();
    assert_eq!(reached.get(), 0);
    assert_eq!(app.tree().nodes.len(), 3 + 2);
    app.shutdown();
    driver.run_until_idle();
}
