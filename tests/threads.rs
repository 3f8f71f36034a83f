//! Code that is no actor talks to actors: plain threads, and whoever holds the handle of a tree.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};

use rotor_core::*;

use crate::backend::{Backend, Bell, drive, driver};
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

fn a29_an_outbox_hands_over_in_bulk_and_in_order(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve::<Puppet>();
        std::thread::spawn(move || {
            let mut outbox = Outbox::new();
            for n in 0..3000 {
                outbox.send(a, Num(n));
            }
            outbox.flush();
            end(a); // a sender of its own, behind the hand-over
        });
        stage().child(lead("a", &log).at(a))
    });
    let expected: Vec<String> = (0..3000).map(|n| format!("a: {n}")).collect();
    assert_eq!(log.all(), expected);
}

/// With no flush: what it holds is bounded.
fn a29_a_full_outbox_hands_over_by_itself(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, watch) = (here.reserve::<Puppet>(), log.clone());
        std::thread::spawn(move || {
            let mut outbox = Outbox::new();
            for n in 0..3000 {
                outbox.send(a, Num(n));
            }
            watch.wait_for("a: 0");
            drop(outbox);
            end(a);
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all().len(), 3000);
}

/// Dropped with something in it, it hands that over.
fn a29_a_dropped_outbox_loses_nothing(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve::<Puppet>();
        std::thread::spawn(move || {
            let mut outbox = Outbox::new();
            outbox.send(a, Say("collected"));
            drop(outbox);
            end(a);
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: collected"]);
}

/// Through an address and through a recipient, of an actor that is parked for, too.
fn a29_a_plain_thread_asks_and_waits_for_the_answer(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, said) = (here.reserve::<Puppet>(), log.clone());
        std::thread::spawn(move || {
            for n in 0..100 {
                assert_eq!(a.ask_blocking(Double(n), LONG).unwrap(), 2 * n);
            }
            let to: Recipient<Ask<Double>> = a.to();
            said.put(format!("{:?}", to.ask_blocking(Double(7), LONG)));
            end(a);
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["Ok(14)"]);
}

/// Every way to get no answer.
fn a29_a_blocked_thread_learns_why_there_is_no_answer(on: &dyn Backend) {
    let log = Log::new();
    let mut kept = None;
    on.run(|here| {
        let (a, b, said) = (here.reserve(), here.reserve::<Puppet>(), log.clone());
        kept = Some((b, here.clone()));
        std::thread::spawn(move || {
            let ask = |limit| b.ask_blocking(Double(1), limit).unwrap_err();
            said.put(ask(ms(1)).to_string());
            act(b, |me, _| me.asks.clear());
            said.put(b.ask_blocking(Double(0), LONG).unwrap_err().to_string());
            end(b);
            said.put(ask(LONG).to_string());
            end(a);
        });
        let role = Role::new("b", &log).answer(|me, ask, _| {
            match ask.request.0 {
                0 => drop(ask),
                _ => me.asks.push(ask),
            }
            Ok(())
        });
        stage()
            .child(role.child().at(b).transient())
            .child(lead("a", &log).at(a))
    });
    // Its loop is gone, so this thread is a plain one again.
    let (b, _here) = kept.unwrap();
    log.put(b.ask_blocking(Double(1), LONG).unwrap_err().to_string());
    assert_eq!(
        log.all(),
        [
            "no answer within the time limit",
            "the request was dropped unanswered",
            "the actor ended before it answered: normal",
            "the actor is gone"
        ]
    );
}

/// The limit is kept by the thread that waits, not by the loop that is stuck.
fn a29_a_blocked_thread_gives_up_while_the_loop_is_stuck(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, said) = (here.reserve::<Puppet>(), log.clone());
        let (release, stuck) = std::sync::mpsc::channel::<()>();
        act(a, move |_, _| assert!(stuck.recv().is_err()));
        std::thread::spawn(move || {
            said.put(format!("{:?}", a.ask_blocking(Double(1), ms(1))));
            drop(release);
            end(a);
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["Err(Timeout)"]);
}

/// On the thread of the locality, outside of a turn and inside, it is an error, and nothing is sent.
fn s21_a_blocking_request_on_its_own_thread_is_refused(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve::<Puppet>(), here.reserve::<Puppet>());
        let refused = move |log: &Log, place: &str| {
            let error = b.ask_blocking(Double(1), LONG).unwrap_err();
            log.put(format!("{place}: {error:?}"));
        };
        refused(&log, "before");
        act(a, move |me, cx| {
            refused(&me.log, "inside");
            let log = me.log.clone();
            let a = cx.addr();
            cx.defer_to_host(move || {
                refused(&log, "after the turn");
                end(a);
            });
        });
        stage()
            .child(Role::new("b", &log).keeping().child().at(b))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(
        log.all(),
        [
            "before: WouldDeadlock",
            "inside: WouldDeadlock",
            "after the turn: WouldDeadlock"
        ]
    );
}

/// A handler must not block its own locality, whomever it asks.
fn s21_a_blocking_request_in_a_handler_is_refused(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let theirs = log.clone();
        act(a, move |me, cx| {
            me.say(b.ask_blocking(Double(1), LONG).unwrap_err());
            cx.stop();
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| {
                s.child(Role::new("b", &theirs).keeping().child().at(b))
            }))
    });
    assert_eq!(log.all().len(), 1);
    assert!(log.all()[0].starts_with("a: refused"));
}

/// Nor may it wait there for a tree of another thread: that may wait for this one.
fn s21_waiting_for_a_tree_in_a_handler_is_refused(on: &dyn Backend) {
    let log = Log::new();
    let (started, app) = std::sync::mpsc::channel();
    let elsewhere = std::thread::spawn(move || {
        ThreadLoop::new().run_with(group("other"), |app| started.send(app).unwrap())
    });
    let app = app.recv().expect("a sound tree");
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, move |me, cx| {
            me.say(app.wait().unwrap_err());
            app.shutdown();
            cx.stop();
        });
        stage().child(lead("a", &log).at(a))
    });
    assert!(elsewhere.join().unwrap().is_ok());
    assert_eq!(
        log.all(),
        [
            "a: refused: waiting for a tree would block a loop that it runs on, or a handler: use `App::on_exit`"
        ]
    );
}

/// Nor run a loop: turns do not nest, so it would never be left.
fn s05_a_loop_is_not_run_inside_a_handler(on: &dyn Backend) {
    let log = Log::new();
    let same = crate::backend::BACKENDS
        .iter()
        .find(|other| other.name() == on.name());
    let same = *same.expect("it is one of them");
    on.run_clean(&log, |here| {
        let (a, theirs) = (here.reserve(), log.clone());
        act(a, move |me, cx| {
            let inner = same.try_run(|_| stage().child(lead("inner", &theirs)));
            me.say(inner.err().expect("it cannot end"));
            assert!(matches!(same.serve(), Err(StartError::Nested)));
            cx.stop();
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(
        log.all(),
        [
            "a: inside a handler of its thread no loop is run, and its driver starts no tree: start a \
             child with `StartChild`, or run the loop on a thread of its own"
        ]
    );
    assert!(same.serve().is_ok(), "nobody can use it");
}

/// Any thread may ask for the state of an address.
fn a04_the_life_of_an_address_can_be_asked_from_any_thread(on: &dyn Backend) {
    let log = Log::new();
    let mut addresses = None;
    on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        addresses = Some((a, here.reserve::<Puppet>(), here.clone()));
        let ask = move |log: &Log| {
            let log = log.clone();
            std::thread::spawn(move || log.put(format!("{:?}", b.address().state())))
                .join()
                .unwrap();
        };
        ask(&log);
        let starting =
            Role::new("b", &log)
                .begin(move |me, _| ask(&me.log))
                .stop(move |me, _, _| {
                    ask(&me.log);
                });
        act(a, move |me, cx| {
            ask(&me.log);
            end(b);
            later(cx, ms(2), move |me, cx| {
                ask(&me.log);
                cx.stop();
            });
        });
        stage()
            .child(starting.child().at(b).transient())
            .child(lead("a", &log).at(a))
    });
    let (a, nobody, _here) = addresses.unwrap();
    log.put(format!("{:?}", a.address().state()));
    assert_eq!(
        log.all(),
        ["Waiting", "Starting", "Running", "Stopping", "Down", "Gone"]
    );
    assert_eq!(nobody.address().state(), Lifecycle::Gone);
}

/// A drive of the loop-less driver, with its handle.
pub fn driven(
    tree: impl FnOnce(&Locality) -> Supervisor + Send + 'static,
) -> (App, std::thread::JoinHandle<Exit>) {
    let (told, app) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let bell = Arc::new(Bell::default());
        let driver = Driver::new(bell.clone(), Clock::real());
        let here = Locality::new("here");
        driver.open(&here).unwrap();
        told.send(driver.start(tree(&here)).unwrap()).unwrap();
        drive(&driver, &bell)
    });
    (app.recv().unwrap(), thread)
}

/// Dropping a handle stops nothing; `shutdown` from any thread does; `wait` gives the exit.
fn m23_a_handle_of_a_tree_stops_it_and_waits_for_it(far: &dyn Backend) {
    let log = Log::new();
    let away = far.spawn("away");
    let (mine, theirs) = (log.clone(), log.clone());
    let (app, thread) = driven(move |_| {
        let far = group("far").on(&away, move |s| {
            s.child(Role::new("b", &theirs).telling().child())
        });
        group("root")
            .child(far)
            .child(Role::new("a", &mine).telling().child())
    });
    drop(app.clone());
    log.wait_for("a starts");
    let said = log.clone();
    app.on_exit(move |exit| said.put(format!("hook: {exit}")));
    let waiting = app.clone();
    let other = std::thread::spawn(move || waiting.wait().unwrap().to_string());
    app.shutdown();
    app.shutdown();
    assert_eq!(app.wait().unwrap().to_string(), "shutdown");
    assert_eq!(other.join().unwrap(), "shutdown");
    assert_eq!(thread.join().unwrap().to_string(), "shutdown");
    // The hook runs before `wait` returns to anybody, or at once when it is too late.
    let late = log.clone();
    app.on_exit(move |exit| late.put(format!("late: {exit}")));
    let all = log.all();
    assert_eq!(
        all[2..6],
        [
            "a stops: shutdown",
            "a drops",
            "b stops: shutdown",
            "b drops"
        ]
    );
    assert_eq!(log.count("hook: shutdown"), 1);
    assert_eq!(all.last().unwrap(), "late: shutdown");
    assert_eq!(log.live(), 0);
}

/// Neither handler lets its locality answer before it has the other's answer.
fn o03_two_that_take_a_picture_at_once_see_each_other(far: &dyn Backend) {
    let log = Log::new();
    let away = far.spawn("away");
    let (mine, theirs) = (log.clone(), log.clone());
    let (told, both) = std::sync::mpsc::channel();
    let (app, thread) = driven(move |here| {
        let (a, b) = (here.reserve(), away.reserve());
        told.send([a, b]).unwrap();
        let far = group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b)));
        let a = Role::new("a", &mine).telling().child().at(a);
        group("root").child(far).child(a)
    });
    log.wait_for("a starts");
    let begin = Arc::new(Barrier::new(2));
    for one in both.recv().unwrap() {
        let (begin, app) = (begin.clone(), app.clone());
        act(one, move |me, _| {
            begin.wait();
            me.say(app.tree().localities.iter().all(|place| place.answered));
        });
    }
    log.wait_for("a: true");
    log.wait_for("b: true");
    app.shutdown();
    let _ = thread.join().unwrap();
}

/// On the thread that runs the root, waiting for it is an error.
fn s21_waiting_for_the_root_on_its_own_thread_is_refused(seed: u64) {
    let driver = driver();
    let here = Locality::new("here");
    driver.open(&here).unwrap();
    let app = driver.start(group("root")).unwrap();
    assert_eq!(app.wait().unwrap_err(), WouldDeadlock);
    driver.run_until_idle();
    assert_eq!(app.wait().unwrap_err(), WouldDeadlock);
    app.shutdown();
    assert!(
        matches!(driver.run_until_idle(), Turn::Done(_)),
        "seed {seed}"
    );
    assert!(app.wait().is_ok());
}

/// The picture of a tree, from inside and outside.
fn o03_a_tree_shows_who_runs_where(far: &dyn Backend) {
    let log = Log::new();
    let away = far.spawn("away");
    let (mine, theirs) = (log.clone(), log.clone());
    let (app, thread) = driven(move |here| {
        let c = here.reserve();
        act(c, |me, _| me.log.put("ready"));
        let b = away.reserve();
        crash(b);
        act(b, |me, _| me.log.put("restarted"));
        let far = group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b)));
        let held = Role::new("d", &mine).begin(|me, cx| {
            me.kept.push(Box::new(cx.hold("the network")));
        });
        let d = here.reserve::<Puppet>();
        d.send(Say("parked"));
        group("root")
            .child(far)
            .child(puppet("c", &mine).at(c))
            .child(group("slow").child(held.child().at(d)))
    });
    log.wait_for("ready");
    log.wait_for("restarted");
    let tree = loop {
        let tree = app.tree();
        // `c` runs before `d` is started.
        if tree.nodes.iter().any(|node| !node.holds.is_empty()) {
            break tree;
        }
    };
    let text = tree.to_string();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.retain(|line| !line.contains("undelivered"));
    assert_eq!(
        lines,
        [
            "root [here] starting",
            "  far [away] running",
            "    b [away] running, 1 restart",
            "  c [here] running",
            "  slow [here] starting",
            "    d [here] starting, 1 parked, held by the network"
        ]
    );
    app.shutdown();
    let _ = thread.join().unwrap();
}

/// Counts wakes.
#[derive(Default)]
struct Count(AtomicU32);

impl Wake for Count {
    fn wake(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A driver that rests with a puppet `a`, and how often its loop was woken.
fn resting(log: &Log) -> (Driver, Addr<Puppet>, Arc<Count>) {
    let count = Arc::new(Count::default());
    let driver = Driver::new(count.clone(), Clock::manual());
    let here = Locality::new("here");
    driver.open(&here).unwrap();
    let a = here.reserve();
    driver
        .start(group("root").child(puppet("a", log).at(a)))
        .unwrap();
    assert!(matches!(driver.run_until_idle(), Turn::Park(None)));
    (driver, a, count)
}

/// As a signal of a toolkit does: on the loop's thread, outside of a turn, while it is parked.
fn s19_a_send_on_the_thread_of_a_parked_loop_wakes_it_once(seed: u64) {
    let log = Log::new();
    let (driver, a, count) = resting(&log);
    let wakes = count.0.load(Ordering::SeqCst);
    a.send(Num(1));
    assert_eq!(count.0.load(Ordering::SeqCst), wakes + 1, "seed {seed}");
    a.send_local(Num(2)).unwrap();
    assert_eq!(count.0.load(Ordering::SeqCst), wakes + 1, "seed {seed}");
    driver.run_until_idle();
    assert_eq!(log.all(), ["a: 1", "a: 2"]);
}

/// What comes from another thread wakes it, too, and only the first of it does.
fn e14_the_first_message_from_outside_wakes(seed: u64) {
    let log = Log::new();
    let (driver, a, count) = resting(&log);
    let wakes = count.0.load(Ordering::SeqCst);
    let sends = move || (0..10).for_each(|n| a.send(Num(n)));
    std::thread::spawn(sends).join().unwrap();
    assert_eq!(count.0.load(Ordering::SeqCst), wakes + 1, "seed {seed}");
    driver.run_until_idle();
    assert_eq!(log.all().len(), 10);
}

/// One driver hosts several localities under one budget, and serves them in turn.
fn m17_localities_of_one_driver_share_its_budget(seed: u64) {
    let log = Log::new();
    let driver = Driver::new(Arc::new(Bell::default()), Clock::manual());
    let (one, two) = (Locality::new("one"), Locality::new("two"));
    driver.open(&one).unwrap();
    driver.open(&two).unwrap();
    let (a, b) = (one.reserve::<Puppet>(), two.reserve::<Puppet>());
    let theirs = log.clone();
    let far = group("far").on(&two, move |s| s.child(puppet("b", &theirs).at(b)));
    driver
        .start(group("root").child(far).child(puppet("a", &log).at(a)))
        .unwrap();
    driver.run_until_idle();
    for n in 0..500 {
        a.send(Num(n));
        b.send(Num(n));
    }
    let turn = |messages| {
        let time = ms(1000);
        let before = (log.count("a: "), log.count("b: "));
        driver.turn(Budget { messages, time });
        (log.count("a: ") - before.0, log.count("b: ") - before.1)
    };
    // Half of the budget each, whatever is queued.
    for _ in 0..3 {
        assert_eq!(turn(100), (50, 50), "seed {seed}");
    }
    // What cannot be halved goes round.
    let odd = [turn(1), turn(1), turn(1), turn(1)];
    assert_eq!(odd.map(|(of_a, of_b)| of_a + of_b), [1; 4], "{odd:?}");
    assert_eq!(odd[0], odd[2]);
    assert_eq!(odd[1], odd[3]);
    assert_ne!(odd[0], odd[1]);
    driver.run_until_idle();
    assert_eq!(log.all().len(), 1000);
    // What one leaves of its half is the other's, if that comes later in the turn.
    for n in 0..500 {
        b.send(Num(n));
    }
    let mut alone = [turn(100), turn(100)];
    alone.sort_unstable();
    assert_eq!(alone, [(0, 50), (0, 100)]);
    driver.run_until_idle();
}

/// A budget of no messages is one: the driver gets on, and rests.
fn m17_a_budget_of_no_messages_is_one(seed: u64) {
    let log = Log::new();
    let (driver, a, _) = resting(&log);
    let none = Budget {
        messages: 0,
        time: ms(1000),
    };
    assert!(matches!(driver.turn(none), Turn::Park(None)), "seed {seed}");
    (0..3).for_each(|n| a.send(Num(n)));
    for handled in 1..=3 {
        driver.turn(none);
        assert_eq!(log.all().len(), handled);
    }
    assert!(matches!(driver.turn(none), Turn::Park(None)));
}

/// A budget of no time is one stride of messages.
fn m17_a_budget_of_time_ends_a_turn(seed: u64) {
    let log = Log::new();
    let driver = driver();
    let here = Locality::new("here");
    driver.open(&here).unwrap();
    let a = here.reserve::<Puppet>();
    driver
        .start(group("root").child(puppet("a", &log).at(a)))
        .unwrap();
    driver.run_until_idle();
    (0..1000).for_each(|n| a.send(Num(n)));
    let budget = Budget {
        messages: u32::MAX,
        time: ms(0),
    };
    assert!(matches!(driver.turn(budget), Turn::Again));
    let handled = log.all().len();
    assert!((1..=256).contains(&handled), "seed {seed}: {handled}");
    driver.run_until_idle();
}

/// The wake of another loop is foreign code: a panic of it is no bug of this one.
fn s24_a_wake_that_panics_hurts_no_sender(seed: u64) {
    struct Broken;
    impl Wake for Broken {
        fn wake(&self) {
            panic!("while waking");
        }
    }
    let log = Log::new();
    let (home, away) = (Locality::new("home"), Locality::new("away"));
    let driver = Driver::new(Arc::new(Bell::default()), Clock::manual());
    let broken = Driver::new(Arc::new(Broken), Clock::manual());
    driver.open(&home).unwrap();
    broken.open(&away).unwrap();
    assert!(matches!(broken.run_until_idle(), Turn::Park(None)));
    let (a, b) = (home.reserve::<Puppet>(), away.reserve::<Puppet>());
    let theirs = log.clone();
    let far = group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b)));
    let app = driver
        .start(group("root").child(puppet("a", &log).at(a)).child(far))
        .unwrap();
    // The order to start wakes the other loop.
    assert!(matches!(driver.run_until_idle(), Turn::Park(None)));
    broken.run_until_idle();
    driver.run_until_idle();
    // So does a message of an actor, and one of this thread.
    act(a, move |_, _| b.send(Num(1)));
    assert!(matches!(driver.run_until_idle(), Turn::Park(None)));
    broken.run_until_idle();
    b.send(Num(2));
    broken.run_until_idle();
    assert_eq!(log.all(), ["b: 1", "b: 2"], "seed {seed}");
    app.shutdown();
    driver.run_until_idle();
    broken.run_until_idle();
    assert!(matches!(driver.run_until_idle(), Turn::Done(exit) if !exit.is_abnormal()));
}

/// `Done` once; then the driver rests. One driver, one tree; one locality, one driver.
fn e01_a_driver_ends_once(seed: u64) {
    let log = Log::new();
    let driver = Driver::new(Arc::new(Bell::default()), Clock::manual());
    assert!(matches!(
        driver.start(group("early")).unwrap_err(),
        StartError::NoLocality
    ));
    let here = Locality::new("here");
    driver.open(&here).unwrap();
    assert_eq!(driver.open(&here).unwrap_err(), BindError::AlreadyOpen);
    let app = driver
        .start(group("root").child(puppet("a", &log)))
        .unwrap();
    assert!(matches!(
        driver.start(group("again")).unwrap_err(),
        StartError::AlreadyStarted
    ));
    driver.run_until_idle();
    app.shutdown();
    assert!(
        matches!(driver.run_until_idle(), Turn::Done(_)),
        "seed {seed}"
    );
    for _ in 0..3 {
        assert!(matches!(driver.turn(Budget::default()), Turn::Park(None)));
    }
    let next = Driver::new(Arc::new(Bell::default()), Clock::manual());
    assert_eq!(next.open(&here).unwrap_err(), BindError::Ended);
    assert_eq!(log.live(), 0);
}

bodies! {
    Each: [
        a29_an_outbox_hands_over_in_bulk_and_in_order,
        a29_a_full_outbox_hands_over_by_itself,
        a29_a_dropped_outbox_loses_nothing,
        a29_a_plain_thread_asks_and_waits_for_the_answer,
        a29_a_blocked_thread_learns_why_there_is_no_answer,
        a29_a_blocked_thread_gives_up_while_the_loop_is_stuck,
        s21_a_blocking_request_on_its_own_thread_is_refused,
        s21_waiting_for_a_tree_in_a_handler_is_refused,
        s05_a_loop_is_not_run_inside_a_handler,
        a04_the_life_of_an_address_can_be_asked_from_any_thread,
        m23_a_handle_of_a_tree_stops_it_and_waits_for_it,
        o03_a_tree_shows_who_runs_where,
        o03_two_that_take_a_picture_at_once_see_each_other,
    ]
    Pair: [
        s21_a_blocking_request_in_a_handler_is_refused,
    ]
    Sim: [
        s24_a_wake_that_panics_hurts_no_sender,
        s21_waiting_for_the_root_on_its_own_thread_is_refused,
        s19_a_send_on_the_thread_of_a_parked_loop_wakes_it_once,
        e14_the_first_message_from_outside_wakes,
        m17_a_budget_of_no_messages_is_one,
        m17_localities_of_one_driver_share_its_budget,
        m17_a_budget_of_time_ends_a_turn,
        e01_a_driver_ends_once,
    ]
}
