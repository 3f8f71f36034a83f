//! Loops that are made after what they get was sent, that come again, or that are turned on the
//! wrong thread.

#![expect(unsafe_code)]

use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::Poll;
use std::time::Duration;

use rotor_core::sim::Sim;
use rotor_core::*;

use crate::backend::{Backend, Bell, driver};
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;
use crate::subscriptions::subscriber;
use crate::world::World;

/// Has a driver turned on a thread that is not its own. It is lost by that, and leaks.
pub fn turn_elsewhere(driver: Driver) {
    struct Moved(Driver);
    // SAFETY: nothing but `turn` is called on the other thread, which is what the driver is there to
    // refuse, and the driver is not used on this one again.
    unsafe impl Send for Moved {}
    let moved = Moved(driver);
    let turned = std::thread::spawn(move || {
        let moved = moved;
        matches!(moved.0.turn(Budget::default()), Turn::Done(_))
    });
    assert!(turned.join().unwrap());
}

/// The loop is made on the thread that sends: what it sends goes another way from then on.
fn a06_what_was_sent_before_a_loop_was_made_stays_first(_: u64) {
    let log = Log::new();
    let here = Locality::new("here");
    let a = here.reserve::<Puppet>();
    let number = |n| a.send(Num(n));
    (0..3).for_each(number);
    let driver = driver();
    driver.open(&here).unwrap();
    (3..6).for_each(number);
    driver
        .start(stage().child(puppet("a", &log).at(a)))
        .unwrap();
    (6..9).for_each(number);
    driver.run_until_idle();
    (9..12).for_each(number);
    driver.run_until_idle();
    let all: Vec<_> = (0..12).map(|n| format!("a: {n}")).collect();
    assert_eq!(log.of("a: "), all);
}

fn a06_what_was_sent_before_a_simulated_loop_was_made_stays_first(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let here = Locality::new("here");
    let a = here.reserve::<Puppet>();
    let number = |n| a.send(Num(n));
    (0..3).for_each(number);
    sim.open(here);
    (3..6).for_each(number);
    sim.start(stage().child(puppet("a", &log).at(a))).unwrap();
    (6..9).for_each(number);
    sim.run_until_idle();
    (9..12).for_each(number);
    sim.run_until_idle();
    let all: Vec<_> = (0..12).map(|n| format!("a: {n}")).collect();
    assert_eq!(log.of("a: "), all);
}

/// A bound counts what waits in the gate, and that is where everything goes as long as it is full.
fn a17_what_was_sent_before_a_loop_was_made_counts_for_its_bound(_: u64) {
    let log = Log::new();
    let here = Locality::new("here");
    let a = here.reserve::<Puppet>();
    here.set_bound(2);
    a.send(Num(0));
    a.send(Num(1));
    let driver = driver();
    driver.open(&here).unwrap();
    assert_eq!(a.try_send(Num(2)).unwrap_err().reason, Reason::Full);
    driver
        .start(stage().child(puppet("a", &log).at(a)))
        .unwrap();
    driver.run_until_idle();
    a.try_send(Num(3)).unwrap();
    driver.run_until_idle();
    assert_eq!(log.of("a: "), ["a: 0", "a: 1", "a: 3"]);
}

/// All ways to look at a reserved address agree, in each life of its locality.
fn m11_a_reserved_address_of_a_reopened_locality_waits_as_in_its_first_life(_: u64) {
    let log = Log::new();
    let here = Locality::new("here");
    let a = here.reserve::<Puppet>();
    for life in 0..3 {
        assert_eq!(
            a.address().state(),
            [Lifecycle::Waiting, Lifecycle::Gone][life.min(1)]
        );
        let driver = driver();
        driver.open(&here).unwrap();
        assert_eq!(a.address().state(), Lifecycle::Waiting);
        a.send(Num(1));
        a.try_send(Num(2)).expect("parked");
        a.send_local(Num(3)).expect("parked");
        let child = puppet("a", &log).at(a);
        driver.start(stage().child(child)).unwrap();
        driver.run_until_idle();
        assert_eq!(a.address().state(), Lifecycle::Running);
        assert_eq!(log.of("a: ")[3 * life..], ["a: 1", "a: 2", "a: 3"]);
    }
}

/// What a loss leaves is claimed again, or it is not there any more: nothing waits for nobody.
fn m11_what_has_gone_does_not_wait_in_the_next_life_of_its_loop(_: u64) {
    for abandoned in [false, true] {
        let log = Log::new();
        let here = Locality::new("here");
        let [a, b, c, d] = [(); 4].map(|()| here.reserve::<Puppet>());
        let first = driver();
        first.open(&here).unwrap();
        first.start(stage().child(puppet("a", &log).at(a))).unwrap();
        let added = Arc::new(Mutex::new(None));
        let tell = added.clone();
        act(a, move |me, cx| {
            cx.child(puppet("b", &me.log).at(b));
            cx.child(puppet("c", &me.log).at(c).temporary());
            let e = cx.child(puppet("e", &me.log)).address();
            *tell.lock().unwrap() = Some([e, cx.make_address()]);
        });
        end(c);
        first.run_until_idle();
        let gone = added.lock().unwrap().expect("they were made");
        assert_eq!(c.address().state(), Lifecycle::Gone);
        if abandoned {
            turn_elsewhere(first);
        } else {
            drop(first);
        }
        let second = driver();
        second.open(&here).unwrap();
        for (name, x, waits) in [
            ("a", a, true),
            ("b", b, true),
            ("c", c, false),
            ("d", d, true),
        ] {
            let (state, sent) = (x.address().state(), x.try_send(Num(1)));
            if waits {
                assert_eq!((state, sent.is_ok()), (Lifecycle::Waiting, true), "{name}");
            } else {
                let why = sent.unwrap_err().reason;
                assert_eq!((state, why), (Lifecycle::Gone, Reason::Gone), "{name}");
            }
        }
        assert_eq!(gone.map(Address::state), [Lifecycle::Gone; 2]);
        let claimed = second.start(stage().child(puppet("c", &log).at(c)));
        second.run_until_idle();
        assert!(
            matches!(claimed, Err(StartError::ClaimedTwice { .. })),
            "{claimed:?}"
        );
    }
}

/// Whatever has ended for good before; all of the subtree is built anew.
fn m11_what_has_ended_for_good_comes_back_after_a_loss(seed: u64) {
    for how in ["stopped", "deleted", "stopped with its supervisor"] {
        let (log, mut sim) = (Log::new(), Sim::new(seed));
        sim.locality("here");
        let away = sim.locality("away");
        let (b, c) = (away.reserve(), away.reserve());
        let theirs = log.clone();
        let far = group("far").on(&away, move |s| {
            let b = puppet("b", &theirs).at(b);
            let b = if how == "stopped" { b.temporary() } else { b };
            s.child(group("below").child(b).temporary())
                .child(puppet("c", &theirs).at(c))
        });
        let root = Supervisor::one_for_one("root").intensity(10, LONG);
        let app = sim.start(root.child(far)).unwrap();
        sim.run_until_idle();
        let place = |app: &App, name: &str| {
            let tree = app.tree();
            let found = tree.nodes.iter().find(|node| node.name == name);
            found.expect(name).address
        };
        let below = place(&app, "below");
        match how {
            "stopped" => b.address().stop(),
            "deleted" => {
                let stop = TerminateChild::at(b.address());
                let stopped = sim.block_on(below.admin().ask(stop, ms(10)));
                assert!(matches!(stopped, Some(Ok(Ok(())))), "{stopped:?}");
                let delete = DeleteChild::at(b.address());
                let deleted = sim.block_on(below.admin().ask(delete, ms(10)));
                assert!(matches!(deleted, Some(Ok(Ok(())))), "{deleted:?}");
            }
            _ => below.stop(),
        }
        sim.run_until_idle();
        sim.lose(&away);
        sim.open(away);
        sim.run_for(ms(10));
        for (name, address) in [("b", b.address()), ("c", c.address())] {
            assert_eq!(place(&app, name), address, "{how}");
            assert_eq!(address.state(), Lifecycle::Running, "{how}");
        }
    }
}

/// Its supervisor is down, and does not build it again before the tree ends.
fn m11_what_was_not_built_again_after_a_loss_ends_with_the_tree(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let (_home, away) = (sim.locality("home"), sim.locality("away"));
    let (b, d) = (away.reserve::<Puppet>(), away.reserve::<Puppet>());
    let theirs = log.clone();
    let far = group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b)));
    let root = group("root").decide(|_| Decision::Stop).child(far);
    let app = sim.start(root).unwrap();
    sim.run_until_idle();
    sim.lose(&away);
    sim.run_until_idle();
    sim.open(away);
    sim.run_until_idle();
    b.send(Num(1));
    d.send(Num(2));
    sim.run_until_idle();
    let states = || [b, d].map(|x| x.address().state());
    assert_eq!(
        states(),
        [Lifecycle::Down, Lifecycle::Waiting],
        "seed {seed}"
    );
    app.shutdown();
    sim.run_until_idle();
    assert!(app.tree().ended.is_some());
    assert_eq!(
        states(),
        [Lifecycle::Gone, Lifecycle::Waiting],
        "seed {seed}"
    );
    assert_eq!(b.try_send(Num(3)).unwrap_err().reason, Reason::Gone);
}

/// It is down like what has ended in any other way, and comes back with its supervisor.
fn m11_what_a_loss_has_ended_for_good_is_down(seed: u64) {
    for late in [false, true] {
        let (log, mut sim) = (Log::new(), Sim::new(seed));
        let (home, away) = (sim.locality("home"), sim.locality("away"));
        let a = home.reserve::<Puppet>();
        let [b, c, d] = [(); 3].map(|()| away.reserve::<Puppet>());
        let theirs = log.clone();
        let far = group("far").temporary().on(&away, move |s| {
            s.child(puppet("b", &theirs).at(b))
                .child(group("below").child(puppet("c", &theirs).at(c)))
        });
        let middle = Supervisor::one_for_one("middle").intensity(0, LONG);
        let middle = middle.child(puppet("a", &log).at(a)).child(far);
        let app = sim.start(group("root").child(middle)).unwrap();
        sim.run_until_idle();
        sim.lose(&away);
        if late {
            sim.run_until_idle();
        }
        sim.open(away.clone());
        sim.run_until_idle();
        let states = || [b, c, d].map(|x| x.address().state());
        let (down, waits) = (Lifecycle::Down, Lifecycle::Waiting);
        assert_eq!(states(), [down, down, waits], "seed {seed}");
        let tree = app.tree().to_string();
        assert!(!tree.contains("far"), "{tree}");
        b.send(Num(1)); // nobody keeps it
        sim.run_until_idle();
        for x in [b, c] {
            assert_eq!(x.try_send(Num(2)).unwrap_err().reason, Reason::Stopped);
        }
        crash(a);
        sim.run_until_idle();
        let runs = Lifecycle::Running;
        assert_eq!(states(), [runs, runs, waits], "seed {seed}");
        b.send(Num(3));
        sim.run_until_idle();
        assert_eq!(log.of("b: "), ["b: 3"]);
        app.shutdown();
        sim.run_until_idle();
        assert!(app.tree().ended.is_some());
    }
}

/// The supervisor of what is lost is told to stop before the loop comes again.
fn m11_what_was_terminated_while_its_loop_was_lost_is_down(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let (_home, away) = (sim.locality("home"), sim.locality("away"));
    let b = away.reserve::<Puppet>();
    let theirs = log.clone();
    let far = group("far").backoff(Backoff::fixed(ms(5)));
    let far = far.on(&away, move |s| s.child(puppet("b", &theirs).at(b)));
    let middle = group("middle").child(far);
    let app = sim.start(group("root").child(middle)).unwrap();
    sim.run_until_idle();
    sim.lose(&away);
    sim.run_for(ms(1));
    let root = app.root();
    let stop = TerminateChild::named("middle");
    let stopped = sim.block_on(root.admin().ask(stop, LONG));
    assert!(matches!(stopped, Some(Ok(Ok(())))), "{stopped:?}");
    sim.open(away);
    sim.run_until_idle();
    assert_eq!(b.address().state(), Lifecycle::Down, "seed {seed}");
    assert!(app.tree().to_string().contains("\n    far [away] down\n"));
    let start = RestartChild::named("middle");
    let started = sim.block_on(root.admin().ask(start, LONG));
    assert!(matches!(started, Some(Ok(Ok(Some(_))))), "{started:?}");
    assert_eq!(b.address().state(), Lifecycle::Running, "seed {seed}");
}

/// It was added by a request, and nobody knows of it any more.
fn m11_what_a_loss_has_removed_is_gone(seed: u64) {
    for late in [false, true] {
        let (log, mut sim) = (Log::new(), Sim::new(seed));
        let (_home, away) = (sim.locality("home"), sim.locality("away"));
        let (b, d) = (away.reserve::<Puppet>(), away.reserve::<Puppet>());
        let anchor = group("anchor").on(&away, |s| s);
        let app = sim.start(group("root").child(anchor)).unwrap();
        let (place, theirs) = (away.clone(), log.clone());
        let start = StartChild::new(move || {
            let far = group("far").temporary();
            far.on(&place, move |s| s.child(puppet("b", &theirs).at(b)))
        });
        let started = sim.block_on(app.root().admin().ask(start, LONG));
        assert!(matches!(started, Some(Ok(Ok(Some(_))))), "{started:?}");
        sim.lose(&away);
        if late {
            sim.run_for(ms(0));
        }
        sim.open(away.clone());
        sim.run_until_idle();
        let states = [b, d].map(|x| x.address().state());
        assert_eq!(states, [Lifecycle::Gone, Lifecycle::Waiting], "seed {seed}");
        assert_eq!(b.try_send(Num(1)).unwrap_err().reason, Reason::Gone);
    }
}

/// It has no limit, and nobody else would say why it takes so long.
fn m08_a_picture_says_which_loop_a_start_waits_for(_: u64) {
    let log = Log::new();
    let (here, far) = (Locality::new("here"), Locality::new("far"));
    let main = driver();
    main.open(&here).unwrap();
    let theirs = log.clone();
    let away = group("away").on(&far, move |s| s.child(puppet("b", &theirs)));
    let tree = stage().child(away).child(puppet("c", &log));
    let app = main.start(tree).unwrap();
    main.run_until_idle();
    let picture = |state, text: &str| {
        let tree = app.tree();
        let away = &tree.nodes[1];
        assert_eq!((&*away.name, away.state), ("away", state));
        assert_eq!(tree.to_string(), text);
    };
    let begin = "stage [here] starting\n  away [far] ";
    let waits = ": nothing starts there until its loop runs, or another one opens it";
    let end = "\n  c [here] waiting\n";
    picture(
        "no driver",
        &format!(
            "{begin}waits: locality far has no driver{end}locality far has no driver{waits}\n"
        ),
    );
    let (told, opened) = mpsc::channel();
    let (go, begins) = mpsc::channel();
    let theirs = far.clone();
    let thread = std::thread::spawn(move || {
        let second = driver();
        second.open(&theirs).unwrap();
        told.send(()).unwrap();
        begins.recv().unwrap();
        second.run_until_idle();
    });
    opened.recv().unwrap();
    picture(
        "not turned",
        &format!(
            "{begin}waits: locality far was not turned yet, its loop has to run{end}locality far did not answer\n"
        ),
    );
    go.send(()).unwrap();
    thread.join().unwrap();
}

/// Nobody can take it off the list of its first thread, which must not send into it any more.
fn s10_what_the_first_thread_sends_to_a_loop_that_is_turned_elsewhere_comes_back(_: u64) {
    let log = Log::new();
    let here = Locality::new("here");
    let a = here.reserve();
    let first = driver();
    first.open(&here).unwrap();
    first.start(stage().child(puppet("a", &log).at(a))).unwrap();
    first.run_until_idle();
    turn_elsewhere(first);
    assert_eq!(a.try_send(Num(1)).unwrap_err().reason, Reason::Closed);
    let back = a.send_local(Num(1)).unwrap_err();
    assert_eq!(back.reason, Reason::NotLocal);
    assert_eq!(a.address().typed::<Puppet>(), None);
    // Its next life, on another thread.
    let theirs = here.clone();
    let mine = log.clone();
    std::thread::spawn(move || {
        let second = driver();
        second.open(&theirs).unwrap();
        mine.put("open");
        second
            .start(stage().child(puppet("a", &mine).at(a)))
            .unwrap();
        mine.wait_for("sent");
        second.run_until_idle();
    });
    log.wait_for("open");
    a.send(Num(2));
    log.put("sent");
    log.wait_for("a: 2");
}

/// Its first thread may be about to give one of them to somebody: the same address would be two actors'.
fn s01_slots_of_a_loop_that_is_turned_elsewhere_are_not_used_again(_: u64) {
    let (log, here) = (Log::new(), Locality::new("here"));
    let slots = |driver: &Driver| {
        let app = driver.start(stage().child(puppet("a", &log))).unwrap();
        driver.run_until_idle();
        let nodes = app.tree().nodes.into_iter();
        let slot = |at: Address| format!("{at:?}").split('.').nth(1).map(str::to_owned);
        nodes.map(|node| slot(node.address)).collect::<Vec<_>>()
    };
    let mut before = Vec::new();
    for life in 0..3 {
        let driver = driver();
        driver.open(&here).unwrap();
        let now = slots(&driver);
        let again = before.iter().any(|slot| now.contains(slot));
        assert_eq!(again, life == 1, "{before:?}, {now:?}");
        before.extend(now);
        match life {
            0 => drop(driver),
            _ => turn_elsewhere(driver),
        }
    }
}

/// Nobody else would end them, and the tree waits for their threads.
fn m23_spawned_loops_below_one_that_is_turned_elsewhere_end(_: u64) {
    let log = Log::new();
    let [near, far] = ["near", "far"].map(|name| ThreadLoop::spawn(name).unwrap());
    let a = near.reserve();
    let theirs = log.clone();
    let one = group("one").on(&near, move |s| {
        s.child(puppet("a", &theirs).at(a))
            .child(group("two").on(&far, |s| s))
    });
    let driver = driver();
    driver.open(&Locality::new("here")).unwrap();
    let app = driver.start(stage().child(one)).unwrap();
    while a.address().state() != Lifecycle::Running {
        driver.run_until_idle();
        std::thread::yield_now();
    }
    turn_elsewhere(driver);
    let exit = app.wait().unwrap();
    assert_eq!(exit.to_string(), "locality here was lost");
}

/// Nothing leaves their room any more. They learn it as from a loop that is dropped.
fn a18_who_waits_for_room_learns_that_a_loop_was_turned_elsewhere(_: u64) {
    struct Woken(AtomicU32);
    impl std::task::Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    for abandoned in [true, false] {
        let (log, here, woken) = (Log::new(), Locality::new("here"), AtomicU32::new(0));
        let woken = Arc::new(Woken(woken));
        let b = here.reserve_bounded(Bound::reject(1));
        let first = driver();
        first.open(&here).unwrap();
        first.start(stage().child(puppet("b", &log).at(b))).unwrap();
        first.run_until_idle();
        b.send(Num(0));
        let waker = woken.clone().into();
        let mut cx = std::task::Context::from_waker(&waker);
        let mut all = [1, 2].map(|n| Box::pin(b.send_within(Num(n), Duration::MAX)));
        for sending in &mut all {
            assert!(sending.as_mut().poll(&mut cx).is_pending());
        }
        match abandoned {
            true => turn_elsewhere(first),
            false => drop(first),
        }
        assert_eq!(woken.0.load(Ordering::Relaxed), 2);
        for sending in &mut all {
            let Poll::Ready(Err(back)) = sending.as_mut().poll(&mut cx) else {
                panic!("it is sent, or waits on")
            };
            assert_eq!(back.reason, Reason::Closed);
        }
        // Its next life has room.
        let second = driver();
        second.open(&here).unwrap();
        let again = &mut Box::pin(b.send_within(Num(3), Duration::MAX));
        assert!(again.as_mut().poll(&mut cx).is_ready());
        second
            .start(stage().child(puppet("b", &log).at(b)))
            .unwrap();
        second.run_until_idle();
        assert_eq!(log.of("b: "), ["b: 3"]);
    }
}

/// A simulated home, and a loop of its own for another locality; an address on each.
fn home_and(away: &Locality, seed: u64) -> (Sim, Driver, Addr<Puppet>, Addr<Puppet>) {
    let mut sim = Sim::new(seed);
    let here = sim.locality("home");
    let far = driver();
    far.open(away).unwrap();
    (sim, far, here.reserve(), away.reserve())
}

/// Turns that loop on another thread, whose locality is known at home by then or not, and has home hear of it.
fn lose_elsewhere(sim: &mut Sim, far: Driver, is_known: bool) {
    if is_known {
        sim.run_until_idle();
        far.run_until_idle();
    }
    turn_elsewhere(far);
    sim.run_until_idle();
}

/// What it had is not dropped, and says nothing: the asker's own table does.
fn m11_a_request_to_a_loop_that_is_turned_elsewhere_fails(seed: u64) {
    let (log, away) = (Log::new(), Locality::new("away"));
    let (mut sim, far, a, b) = home_and(&away, seed);
    let theirs = log.clone();
    let tree = stage()
        .child(puppet("a", &log).at(a))
        .child(group("far").on(&away, move |s| {
            s.child(Role::new("b", &theirs).keeping().child().at(b))
        }));
    sim.start(tree).unwrap();
    act(a, move |me, cx| me.ask(cx, b, 1, LONG));
    for _ in 0..4 {
        sim.run_until_idle();
        far.run_until_idle();
    }
    assert_eq!(log.of("a: "), [""; 0]);
    turn_elsewhere(far);
    sim.run_until_idle();
    let said = log.of("a: ");
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].starts_with("a: Ended(Exit { reason: Lost(\"away\")"),
        "{said:?}"
    );
}

/// They are dropped by nobody, so nobody says that they leave: not who is a client, nor whose wish to be one
/// is still on its way, from a loop that was no peer so far.
fn m11_a_service_does_not_wait_for_clients_on_a_loop_that_is_turned_elsewhere(seed: u64) {
    for is_known in [false, true] {
        one_client_turned_elsewhere(seed, is_known);
    }
}

fn one_client_turned_elsewhere(seed: u64, is_known: bool) {
    let (log, away) = (Log::new(), Locality::new("away"));
    let (mut sim, far, a, b) = home_and(&away, seed);
    let service = puppet("a", &log).at(a).transient();
    sim.start(stage().child(service)).unwrap();
    sim.run_until_idle();
    far.start(stage().child(puppet("b", &log).at(b))).unwrap();
    act(b, move |_, cx| drop(cx.link(a.address())));
    far.run_until_idle();
    lose_elsewhere(&mut sim, far, is_known);
    a.stop();
    sim.run_until_idle();
    assert_eq!(a.address().state(), Lifecycle::Down, "{is_known}");
}

/// Nor do they say that they are not subscribed any more: what is published to nobody else is told as that.
fn m11_a_topic_forgets_who_is_on_a_loop_that_is_turned_elsewhere(seed: u64) {
    #[derive(Default)]
    struct Seen(Mutex<Vec<Reason>>);
    impl Observer for Seen {
        fn undelivered(&self, what: &Undeliverable) {
            self.0.lock().unwrap().push(what.reason);
        }
    }
    for is_known in [false, true] {
        let (log, away, seen) = (Log::new(), Locality::new("away"), Arc::new(Seen::default()));
        let (mut sim, far, a, b) = home_and(&away, seed);
        let topic = a.address().topic();
        let tree = stage().observer(seen.clone());
        sim.start(tree.child(puppet("a", &log).at(a))).unwrap();
        sim.run_until_idle();
        let subscribes = subscriber("b", &log, topic).child().at(b);
        far.start(stage().child(subscribes)).unwrap();
        far.run_until_idle();
        lose_elsewhere(&mut sim, far, is_known);
        topic.publish(Say("news"));
        sim.run_until_idle();
        assert_eq!(*seen.0.lock().unwrap(), [Reason::Unheard], "{is_known}");
    }
}

/// Whoever got the token from there sees that nobody waits.
fn a08_a_request_that_failed_with_a_loop_is_given_up(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let (here, away, third) = (
        sim.locality("home"),
        Locality::new("away"),
        Locality::new("third"),
    );
    let (far, other) = (driver(), driver());
    far.open(&away).unwrap();
    other.open(&third).unwrap();
    let (a, b, c) = (here.reserve(), away.reserve(), third.reserve::<Puppet>());
    let theirs = log.clone();
    let keeps = Role::new("c", &log).keeping().child().at(c);
    other.start(stage().child(keeps)).unwrap();
    let tree = stage()
        .child(Role::new("a", &log).telling().child().at(a))
        .child(group("far").temporary().on(&away, move |s| {
            let passes = Role::new("b", &theirs).answer(move |_, ask, _| {
                c.send(ask);
                Ok(())
            });
            s.child(passes.child().at(b))
        }));
    sim.start(tree).unwrap();
    act(a, move |me, cx| me.ask(cx, b, 1, LONG));
    for _ in 0..4 {
        sim.run_until_idle();
        far.run_until_idle();
    }
    let look = || {
        act(c, |me: &mut Puppet, _| me.say(me.asks[0].is_cancelled()));
        other.run_until_idle();
    };
    look();
    turn_elsewhere(far);
    sim.run_until_idle();
    look();
    assert_eq!(log.of("c: "), ["c: asked", "c: false", "c: true"]);
    assert_eq!(log.of("a stops"), [""; 0]);
}

/// A library runs a tree in the loop of whoever calls it, beside the tree of that one, and takes it
/// out again: what it has left is reported to it alone.
fn e14_a_tree_comes_and_goes_in_a_loop_that_is_not_its_own(_: u64) {
    #[derive(Default)]
    struct Lost(Mutex<Vec<Reason>>);
    impl Observer for Lost {
        fn undelivered(&self, what: &Undeliverable) {
            self.0.lock().unwrap().push(what.reason);
        }
    }
    let log = Log::new();
    let (here, inside) = (Locality::new("here"), Locality::new("inside"));
    let (program, library) = (driver(), driver());
    program.open(&here).unwrap();
    library.open(&inside).unwrap();
    let (a, b, waits) = (here.reserve(), inside.reserve(), inside.reserve::<Puppet>());
    let (theirs, ours) = (Arc::new(Lost::default()), Arc::new(Lost::default()));
    let tree = stage().observer(theirs.clone());
    program.start(tree.child(puppet("a", &log).at(a))).unwrap();
    let tree = Supervisor::one_for_one("library").observer(ours.clone());
    let app = library.start(tree.child(puppet("b", &log).at(b))).unwrap();
    // The host's loop: whoever has something to do gets a turn.
    let turns = |all: &[&Driver]| {
        let has_more = |driver: &&Driver| matches!(driver.turn(Budget::default()), Turn::Again);
        while all.iter().any(has_more) {}
    };
    let both = [&program, &library];
    act(a, move |_, _| b.send(Num(1)));
    turns(&both);
    turns(&both);
    waits.send(Num(2)); // nobody claims it
    app.shutdown();
    turns(&both);
    assert_eq!(*ours.0.lock().unwrap(), [Reason::Unclaimed]);
    assert_eq!(b.try_send(Num(3)).unwrap_err().reason, Reason::Closed);
    drop(library);
    a.send(Num(4));
    turns(&[&program]);
    assert_eq!(log.all(), ["b: 1", "a: 4"]);
    assert!(theirs.0.lock().unwrap().is_empty());
}

/// All that a loop has to know.
fn e01_a_turn_says_when_to_come_again(_: u64) {
    let log = Log::new();
    let clock = Clock::manual();
    let driver = Driver::new(Arc::new(Bell::default()), clock.clone());
    let here = Locality::new("here");
    driver.open(&here).unwrap();
    let a = here.reserve();
    let app = driver
        .start(stage().child(puppet("a", &log).at(a)))
        .unwrap();
    (0..20).for_each(|n| a.send(Num(n)));
    let small = Budget {
        messages: 12,
        ..Budget::default()
    };
    assert!(matches!(driver.turn(small), Turn::Again));
    assert!(log.count("a: ") < 20);
    assert!(matches!(driver.run_until_idle(), Turn::Park(None)));
    assert_eq!(log.count("a: "), 20);
    act(a, |_, cx| drop(later(cx, ms(5), |me, _| me.say("later"))));
    driver.run_until_idle();
    assert_eq!(clock.next_deadline(), Some(clock.now() + ms(5)));
    clock.advance(ms(5));
    driver.run_until_idle();
    assert_eq!(log.count("a: later"), 1);
    app.shutdown();
    assert!(matches!(driver.run_until_idle(), Turn::Done(_)));
    assert!(matches!(driver.run_until_idle(), Turn::Park(None)));
}

/// Its handle is out before its thread runs.
fn e01_a_locality_with_a_thread_is_opened_by_that_alone(_: u64) {
    let (go, begin) = mpsc::channel::<()>();
    let (told, opened) = mpsc::channel();
    let locality = Locality::spawn("far", move |theirs| {
        begin.recv().unwrap();
        let driver = driver();
        told.send(driver.open(&theirs)).unwrap();
        let _ = begin.recv(); // until the end of the test
        Ok(())
    })
    .unwrap();
    let mine = driver();
    assert_eq!(mine.open(&locality), Err(BindError::AlreadyOpen));
    go.send(()).unwrap();
    assert_eq!(opened.recv().unwrap(), Ok(()));
    assert_eq!(mine.open(&locality), Err(BindError::AlreadyOpen));
}

/// A tree of which a part is on a locality that has no loop yet, or none that runs.
fn half(home: &Locality, far: &Locality, log: &Log, world: &mut World) -> App {
    let (far, log) = (far.clone(), log.clone());
    world.start(home, move || {
        let theirs = log.clone();
        let telling = |name, log: &Log| Role::new(name, log).telling().child();
        group("root")
            .child(telling("a", &log))
            .child(group("far").on(&far, move |s| s.child(telling("b", &theirs))))
            .child(telling("c", &log))
    })
}

/// Nothing of it has ever started there, so there is nothing to stop.
fn m23_a_tree_ends_that_has_waited_for_a_loop_which_nobody_runs(world: &mut World) {
    let (log, home, far) = (Log::new(), world.locality(), world.locality());
    let app = half(&home, &far, &log, world);
    world.until(|| log.count("a starts") == 1);
    world.shut_down(&app);
    // Somebody runs it after all.
    let late = world.start(&far, || group("late"));
    world.until(|| late.root().state() == Lifecycle::Running);
    world.shut_down(&late);
    assert_eq!(log.all(), ["a starts", "a stops: shutdown", "a drops"]);
}

/// The order to start is taken back, also one that comes of a request which had to wait.
fn m23_a_child_on_a_loop_that_nobody_runs_can_be_terminated(world: &mut World) {
    let (log, home, far) = (Log::new(), world.locality(), world.locality());
    let app = half(&home, &far, &log, world);
    world.until(|| log.count("a starts") == 1);
    let root = app.root();
    let counted = root.admin().ask(CountChildren, LONG);
    let again = root.admin().ask(RestartChild::named("far"), LONG);
    let ended = root.admin().ask(TerminateChild::named("far"), LONG);
    assert!(world.answer(ended).is_ok_and(|done| done.is_ok()));
    assert_eq!(log.count("c starts"), 1);
    assert_eq!(world.answer(counted).expect("it runs").active, 2);
    assert!(matches!(world.answer(again), Ok(Ok(None))));
    let deleted = root.admin().ask(DeleteChild::named("far"), LONG);
    assert!(world.answer(deleted).is_ok_and(|done| done.is_ok()));
    world.shut_down(&app);
    let late = world.start(&far, || group("late"));
    world.until(|| late.root().state() == Lifecycle::Running);
    world.shut_down(&late);
    assert_eq!(log.count("b"), 0);
}

/// What was taken back is started by the next order, and once.
fn m23_a_child_that_was_terminated_before_its_loop_ran_can_be_started(world: &mut World) {
    let (log, home, far) = (Log::new(), world.locality(), world.locality());
    let app = half(&home, &far, &log, world);
    let root = app.root();
    let ended = root.admin().ask(TerminateChild::named("far"), LONG);
    assert!(world.answer(ended).is_ok_and(|done| done.is_ok()));
    let again = root.admin().ask(RestartChild::named("far"), LONG);
    let late = world.start(&far, || group("late"));
    let started = world.answer(again).expect("it runs");
    assert!(matches!(started, Ok(Some(_))), "{started:?}");
    assert_eq!(log.of("b "), ["b starts"]);
    world.shut_down(&app);
    assert_eq!(log.of("b "), ["b starts", "b stops: shutdown", "b drops"]);
    world.shut_down(&late);
}

/// Its thread begins while the tree ends: it has started in order or not at all.
fn m23_a_loop_may_begin_while_its_tree_ends(on: &dyn Backend, far: &dyn Backend) {
    for n in 0..20 {
        let log = Log::new();
        let exit = on.run_tree(&mut |_| {
            let (away, theirs) = (far.spawn("away"), log.clone());
            let far = group("far").on(&away, move |s| {
                s.child(Role::new("b", &theirs).telling().child())
            });
            let ends = Role::new("a", &log).begin(move |_, cx| {
                later(cx, Duration::from_micros(n), |_, cx| {
                    cx.supervisor().expect("it has one").stop();
                });
            });
            stage().child(ends.child()).child(far)
        });
        assert!(!exit.expect("a sound tree").is_failure());
        let all = log.all();
        assert!(all.is_empty() || all.len() == 3, "{all:?}");
        assert_eq!(log.live(), 0);
    }
}

/// The order to stop goes down to where the start has come, which may be on another loop.
fn m23_what_is_above_a_loop_that_nobody_runs_can_be_terminated(world: &mut World) {
    for (between, early) in [(false, false), (false, true), (true, false), (true, true)] {
        let (log, home, far) = (Log::new(), world.locality(), world.locality());
        let (net, place) = (world.place(), far.clone());
        let mine = log.clone();
        let (give, begun) = mpsc::channel();
        let app = world.start(&home, move || {
            let (log, theirs) = (mine.clone(), mine.clone());
            let telling = |name, log: &Log| Role::new(name, log).telling().child();
            let begins = Role::new("a", &log).begin(move |_, cx| {
                give.send(cx.hold("it is told to go on")).unwrap();
            });
            let inner = move |s: Supervisor| {
                let mine = theirs.clone();
                let far = group("far").on(&place, move |s| s.child(telling("b", &mine)));
                s.child(telling("x", &theirs))
                    .child(group("inner").child(far))
            };
            let middle = match between {
                true => group("middle").on(&net, inner),
                false => inner(group("middle")),
            };
            group("root")
                .child(begins.child().start_limit(LONG))
                .child(middle)
                .child(telling("c", &log))
        });
        let root = app.root();
        // The start comes to the loop when it is asked already, or before.
        let ask = || root.admin().ask(TerminateChild::named("middle"), LONG);
        let asked = early.then(ask);
        let mut hold = None;
        world.until(|| {
            hold = hold.take().or_else(|| begun.try_recv().ok());
            hold.is_some()
        });
        drop(hold);
        // One on a loop of its own may be told to stop before that has had a turn.
        let may_start = between && early;
        world.until(|| may_start || log.count("x starts") == 1);
        let ended = world.answer(asked.unwrap_or_else(ask));
        assert!(ended.is_ok_and(|done| done.is_ok()));
        world.until(|| log.count("c starts") == 1);
        if !may_start || log.count("x starts") > 0 {
            assert_eq!(log.of("x "), ["x starts", "x stops: shutdown", "x drops"]);
        }
        // It is started again like any other, and once.
        let again = root.admin().ask(RestartChild::named("middle"), LONG);
        let late = world.start(&far, || group("late"));
        let started = world.answer(again).expect("it runs");
        assert!(matches!(started, Ok(Some(_))), "{started:?}");
        assert_eq!(log.of("b "), ["b starts"]);
        world.shut_down(&app);
        world.shut_down(&late);
    }
}

/// Nothing has been given to the loop that has come again, and it may never turn.
fn m23_nobody_waits_for_a_loop_that_has_come_again_and_is_not_run(seed: u64) {
    for terminated in [None, Some("far"), Some("middle")] {
        let (log, mut sim) = (Log::new(), Sim::new(seed));
        let (_home, away) = (sim.locality("home"), Locality::new("away"));
        let (b, theirs) = (away.reserve(), log.clone());
        let first = driver();
        first.open(&away).unwrap();
        let far = group("far").on(&away, move |s| {
            s.child(Role::new("b", &theirs).telling().child().at(b))
        });
        let app = sim
            .start(group("root").child(group("middle").child(far)))
            .unwrap();
        for _ in 0..4 {
            sim.run_until_idle();
            first.run_until_idle();
        }
        assert_eq!(b.address().state(), Lifecycle::Running);
        drop(first);
        let second = driver();
        second.open(&away).unwrap();
        sim.run_until_idle();
        let middle = app.tree().nodes[1].address;
        if let Some(name) = terminated {
            let of = if name == "far" { middle } else { app.root() };
            let ended = sim.block_on(of.admin().ask(TerminateChild::named(name), LONG));
            assert!(matches!(ended, Some(Ok(Ok(())))), "{name}: {ended:?}");
            assert_eq!(b.address().state(), Lifecycle::Down, "{name}");
            assert!(matches!(second.run_until_idle(), Turn::Park(None)));
            sim.run_until_idle();
            assert_eq!(log.count("b starts"), 1, "{name}");
            assert_eq!(b.address().state(), Lifecycle::Down, "{name}");
            let again = of.admin().ask(RestartChild::named(name), LONG);
            for _ in 0..4 {
                sim.run_until_idle();
                second.run_until_idle();
            }
            let again = sim.block_on(again);
            assert!(matches!(again, Some(Ok(Ok(Some(_))))), "{name}: {again:?}");
            assert_eq!(log.count("b starts"), 2, "{name}");
            app.shutdown();
            for _ in 0..4 {
                sim.run_until_idle();
                second.run_until_idle();
            }
        } else {
            app.shutdown();
            sim.run_until_idle();
        }
        assert!(app.tree().ended.is_some(), "{terminated:?}");
        assert!(matches!(
            second.run_until_idle(),
            Turn::Park(None) | Turn::Done(_)
        ));
        assert_eq!(log.live(), 0);
    }
}

/// The loop has come again, and was not run: nothing is there to be stopped. Who watched is told of the loss.
fn m11_a_stop_before_the_news_of_a_loss_leaves_them_to_others(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let (home, away) = (sim.locality("home"), Locality::new("away"));
    let (a, b) = (home.reserve(), away.reserve());
    let theirs = log.clone();
    let first = driver();
    first.open(&away).unwrap();
    let far = group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b)));
    let tree = group("root").child(puppet("a", &log).at(a)).child(far);
    let app = sim.start(tree).unwrap();
    let settle = |sim: &mut Sim, driver: &Driver| {
        for _ in 0..4 {
            sim.run_until_idle();
            driver.run_until_idle();
        }
    };
    act(a, move |_, cx| _ = cx.monitor(b.address()));
    settle(&mut sim, &first);
    assert_eq!(b.address().state(), Lifecycle::Running);
    drop(first);
    let second = driver();
    second.open(&away).unwrap();
    let stop = app.root().admin().ask(TerminateChild::named("far"), LONG);
    let stopped = sim.block_on(stop);
    assert!(matches!(stopped, Some(Ok(Ok(())))), "{stopped:?}");
    settle(&mut sim, &second);
    assert_eq!(log.of("a: "), ["a: down locality away was lost"]);
    assert_eq!(b.address().state(), Lifecycle::Down, "seed {seed}");
    let again = app.root().admin().ask(RestartChild::named("far"), LONG);
    settle(&mut sim, &second);
    let again = sim.block_on(again);
    assert!(matches!(again, Some(Ok(Ok(Some(_))))), "{again:?}");
    assert_eq!(b.address().state(), Lifecycle::Running, "seed {seed}");
    app.shutdown();
    settle(&mut sim, &second);
    assert!(app.tree().ended.is_some());
}

/// Its loop is not there to say so. What waits for it there is answered when that comes.
fn m01_what_was_terminated_before_there_was_a_loop_is_down(seed: u64) {
    for (whom, again) in [("far", false), ("far", true), ("middle", true)] {
        let (log, mut sim) = (Log::new(), Sim::new(seed));
        let home = sim.locality("home");
        let far = Locality::new("away");
        let a = home.reserve();
        let (b, other) = (far.reserve::<Puppet>(), far.reserve::<Puppet>());
        let theirs = log.clone();
        let build = move |s: Supervisor| s.child(puppet("b", &theirs).at(b));
        let tree = group("root")
            .child(puppet("a", &log).at(a))
            .child(group("middle").child(group("far").on(&far, build)));
        let app = sim.start(tree).unwrap();
        act(a, move |_, cx| _ = cx.monitor(b.address()));
        let asked = b.ask(Double(1), LONG);
        sim.run_until_idle();
        assert_eq!(b.address().state(), Lifecycle::Waiting);
        let of = match whom {
            "far" => app.tree().nodes[2].address,
            _ => app.root(),
        };
        let ended = sim.block_on(of.admin().ask(TerminateChild::named(whom), LONG));
        assert!(matches!(ended, Some(Ok(Ok(())))), "{ended:?}");
        let nodes = app.tree().nodes;
        let node = nodes.iter().find(|node| node.name == "far");
        let node = node.expect("it has a spec");
        assert_eq!(node.state, "down");
        let states = [node.address, b.address(), other.address()].map(Address::state);
        let (down, waits) = (Lifecycle::Down, Lifecycle::Waiting);
        assert_eq!(states, [down, down, waits], "{whom}");
        // It waits again, as soon as somebody starts it.
        let restart = again.then(|| of.admin().ask(RestartChild::named(whom), LONG));
        sim.run_until_idle();
        assert_eq!(b.address().state(), if again { waits } else { down });
        let late = b.ask(Double(4), LONG);
        sim.open(far.clone());
        let answers = [asked, late].map(|asked| sim.block_on(asked));
        sim.run_until_idle();
        match restart {
            Some(restart) => {
                let again = sim.block_on(restart);
                assert!(matches!(again, Some(Ok(Ok(Some(_))))), "{again:?}");
                assert!(matches!(answers[1], Some(Ok(8))), "{answers:?}");
            }
            None => {
                let ended = |answer| matches!(answer, &Some(Err(RequestError::Ended(_))));
                assert!(answers.iter().all(ended), "{answers:?}");
                assert_eq!(log.count("a: down"), 1);
            }
        }
        app.shutdown();
        sim.run_until_idle();
        assert!(app.tree().ended.is_some());
    }
}

/// Its supervisor has gone down before its turn, or was terminated before its loop was there; the same of
/// what is further below, on one more loop.
fn m01_what_nobody_has_built_is_down_with_its_supervisor(seed: u64) {
    let all = [false, true];
    let cases = all.iter().flat_map(|&x| all.map(|y| (x, y)));
    let cases = cases.flat_map(|(x, y)| all.map(|again| (x, y, again)));
    for ((x_open, y_open, again), ordered) in cases.flat_map(|case| all.map(|o| (case, o))) {
        if ordered && x_open {
            continue; // it would run
        }
        let (log, mut sim) = (Log::new(), Sim::new(seed));
        let home = sim.locality("home");
        let places = ["x", "y"].map(Locality::new);
        let open = |sim: &mut Sim, which: [bool; 2]| {
            let which = places.iter().zip(which).filter(|(_, is)| *is);
            which.for_each(|(place, _)| sim.open(place.clone()));
        };
        open(&mut sim, [x_open, y_open]);
        let [x, y] = places.clone();
        let (a, b, c) = (home.reserve(), x.reserve(), y.reserve());
        let theirs = log.clone();
        let far = group("far").on(&x, move |s| {
            let log = theirs.clone();
            let deep = group("deep").on(&y, move |s| s.child(puppet("c", &log).at(c)));
            s.child(puppet("b", &theirs).at(b)).child(deep)
        });
        let first = Role::new("first", &log).start(move |me, _| match me.life {
            1 if !ordered => Err(Error::message("as told")),
            _ => Ok(()),
        });
        let middle = group("middle").child(first.child()).child(far);
        let root = group("root").decide(|_| Decision::Stop);
        let tree = root.child(puppet("a", &log).at(a)).child(middle);
        let app = sim.start(tree).unwrap();
        act(a, move |_, cx| {
            [b, c].iter().for_each(|at| drop(cx.monitor(at.address())));
        });
        let asked = [b, c].map(|at| at.ask(Double(1), LONG));
        sim.run_until_idle();
        let case = format!("x {x_open}, y {y_open}, again {again}, ordered {ordered}");
        if ordered {
            let stop = TerminateChild::named("middle");
            let stopped = sim.block_on(app.root().admin().ask(stop, LONG));
            assert!(matches!(stopped, Some(Ok(Ok(())))), "{stopped:?}");
            sim.run_until_idle();
        }
        let states = || [b, c].map(|at| at.address().state());
        assert_eq!(states(), [Lifecycle::Down; 2], "{case}");
        let restart = || app.root().admin().ask(RestartChild::named("middle"), LONG);
        let early = again.then(restart);
        sim.run_until_idle();
        if again {
            let waits = if x_open && y_open {
                Lifecycle::Running
            } else {
                Lifecycle::Waiting
            };
            assert_eq!(states()[1], waits, "{case}");
        }
        open(&mut sim, [!x_open, !y_open]);
        sim.run_until_idle();
        let ended = |sim: &mut Sim, answer| {
            let answer = sim.block_on(answer);
            assert!(
                matches!(answer, Some(Err(RequestError::Ended(_)))),
                "{case}: {answer:?}"
            );
        };
        if !again {
            assert_eq!(log.count("a: down"), 2, "{case}");
            let late = [b, c].map(|at| at.ask(Double(1), LONG));
            let all = asked.into_iter().chain(late);
            all.for_each(|answer| ended(&mut sim, answer));
            assert_eq!(states(), [Lifecycle::Down; 2], "{case}");
        }
        let started = sim.block_on(early.unwrap_or_else(restart));
        assert!(
            matches!(started, Some(Ok(Ok(Some(_))))),
            "{case}: {started:?}"
        );
        assert_eq!(states(), [Lifecycle::Running; 2], "{case}");
        app.shutdown();
        sim.run_until_idle();
        assert!(app.tree().ended.is_some());
    }
}

/// The closure is asked again, by a request or by a restart, and once for all that could be built.
fn m11_what_could_not_be_built_is_built_by_the_next_start(seed: u64) {
    for lost in [false, true] {
        let (log, mut sim) = (Log::new(), Sim::new(seed));
        let (_home, away) = (sim.locality("home"), sim.locality("away"));
        let (b, theirs) = (away.reserve(), log.clone());
        let mut builds = 0; // the first one is for the check
        let far = group("far").on(&away, move |s| {
            builds += 1;
            assert!(builds != 2 + i32::from(lost), "as told");
            theirs.put("built");
            s.child(puppet("b", &theirs).at(b))
        });
        let root = group("root").decide(move |_| match lost {
            false => Decision::Stop,
            true => Decision::Usual,
        });
        let app = sim.start(root.child(far)).unwrap();
        sim.run_until_idle();
        if lost {
            assert_eq!(b.address().state(), Lifecycle::Running);
            sim.lose(&away);
            sim.open(away);
        } else {
            assert_eq!(b.address().state(), Lifecycle::Down);
            let again = || app.root().admin().ask(RestartChild::named("far"), LONG);
            let started = sim.block_on(again());
            assert!(matches!(started, Some(Ok(Ok(Some(_))))), "{started:?}");
            drop(app.root().admin().ask(TerminateChild::named("far"), LONG));
            let started = sim.block_on(again());
            assert!(matches!(started, Some(Ok(Ok(Some(_))))), "{started:?}");
        }
        sim.run_until_idle();
        assert_eq!(b.address().state(), Lifecycle::Running, "seed {seed}");
        assert_eq!(log.count("built"), 2 + usize::from(lost), "seed {seed}");
    }
}

bodies! {
    Pair: [m23_a_loop_may_begin_while_its_tree_ends]
    World: [
        m23_a_tree_ends_that_has_waited_for_a_loop_which_nobody_runs,
        m23_a_child_on_a_loop_that_nobody_runs_can_be_terminated,
        m23_a_child_that_was_terminated_before_its_loop_ran_can_be_started,
        m23_what_is_above_a_loop_that_nobody_runs_can_be_terminated,
    ]
    Sim: [
        e01_a_locality_with_a_thread_is_opened_by_that_alone,
        e01_a_turn_says_when_to_come_again,
        e14_a_tree_comes_and_goes_in_a_loop_that_is_not_its_own,
        a06_what_was_sent_before_a_loop_was_made_stays_first,
        a06_what_was_sent_before_a_simulated_loop_was_made_stays_first,
        a17_what_was_sent_before_a_loop_was_made_counts_for_its_bound,
        m11_a_reserved_address_of_a_reopened_locality_waits_as_in_its_first_life,
        m11_what_has_gone_does_not_wait_in_the_next_life_of_its_loop,
        m11_what_has_ended_for_good_comes_back_after_a_loss,
        m11_what_was_not_built_again_after_a_loss_ends_with_the_tree,
        m11_what_a_loss_has_ended_for_good_is_down,
        m11_what_was_terminated_while_its_loop_was_lost_is_down,
        m11_what_a_loss_has_removed_is_gone,
        m08_a_picture_says_which_loop_a_start_waits_for,
        m11_what_could_not_be_built_is_built_by_the_next_start,
        m01_what_was_terminated_before_there_was_a_loop_is_down,
        m01_what_nobody_has_built_is_down_with_its_supervisor,
        m11_a_stop_before_the_news_of_a_loss_leaves_them_to_others,
        m23_nobody_waits_for_a_loop_that_has_come_again_and_is_not_run,
        s10_what_the_first_thread_sends_to_a_loop_that_is_turned_elsewhere_comes_back,
        s01_slots_of_a_loop_that_is_turned_elsewhere_are_not_used_again,
        m23_spawned_loops_below_one_that_is_turned_elsewhere_end,
        a18_who_waits_for_room_learns_that_a_loop_was_turned_elsewhere,
        m11_a_request_to_a_loop_that_is_turned_elsewhere_fails,
        m11_a_service_does_not_wait_for_clients_on_a_loop_that_is_turned_elsewhere,
        m11_a_topic_forgets_who_is_on_a_loop_that_is_turned_elsewhere,
        a08_a_request_that_failed_with_a_loop_is_given_up,
    ]
}
