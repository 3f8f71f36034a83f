//! Programs that break a naive build. The rest of the holes is in the file of its topic.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use rotor_core::*;

use crate::backend::{Backend, driver};
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

/// The hold is dropped by a thread when its instance is long gone and the next one starts.
fn s04_a_hold_of_the_last_instance_does_not_release_the_next(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        let watch = log.clone();
        let old: Arc<Mutex<Option<Hold>>> = Arc::default();
        let theirs = old.clone();
        std::thread::spawn(move || {
            watch.wait_for("next life");
            drop(theirs.lock().unwrap().take());
            b.send(Say("parked"));
            act(a, |me, _| me.log.put("old hold dropped"));
        });
        let role = Role::new("b", &log).start(move |me, cx| {
            match me.life {
                1 => return Ok(()),
                2 => {
                    *old.lock().unwrap() = Some(cx.hold("first"));
                    act(a, move |_, _| b.address().kill());
                    return Ok(());
                }
                _ => me.log.put("next life"),
            }
            let hold = cx.hold("second");
            // Behind "old hold dropped", so that a start released too early would show.
            when(a, (1, "old hold dropped"), move |me, _| {
                me.log.put("released");
                drop(hold);
            });
            act(cx.addr(), move |_, _| end(a));
            Ok(())
        });
        // A restart that ends while it is held, and the next one.
        crash(b);
        stage()
            .child(lead("a", &log).at(a))
            .child(role.child().at(b))
    });
    assert_eq!(
        log.all(),
        ["next life", "old hold dropped", "released", "b: parked"]
    );
}

/// A turn inside a turn answers `Nested` and changes nothing: per thread, not per driver.
fn s05_a_nested_turn_is_refused(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        let other = Rc::new(driver());
        let far = Locality::new("same thread");
        other.open(&far).unwrap();
        let app = {
            let x = far.reserve::<Puppet>();
            x.send(Say("not in a handler"));
            other
                .start(group("other").child(puppet("x", &log).at(x)))
                .unwrap()
        };
        let role = Role::new("a", &log).begin(move |me, cx| {
            // A modal dialog's loop would turn whatever driver is on this thread.
            assert!(matches!(other.turn(Budget::default()), Turn::Nested));
            assert!(matches!(other.run_until_idle(), Turn::Nested));
            b.send(Say("queued"));
            me.say("nested turns did nothing");
            let (other, app) = (other.clone(), app.clone());
            cx.defer_to_host(move || {
                // After the turn it is an ordinary one.
                assert!(matches!(other.run_until_idle(), Turn::Park(None)));
                app.shutdown();
                assert!(matches!(other.run_until_idle(), Turn::Done(_)));
                end(a);
            });
        });
        stage()
            .child(puppet("b", &log).at(b))
            .child(role.child().at(a).transient().significant())
    });
    let all = log.all();
    // A slow turn may end before it has come to `b`.
    let (first, rest) = all.split_first().expect("there is more than that");
    assert_eq!(first, "a: nested turns did nothing");
    let mut rest = rest.to_vec();
    rest.sort();
    assert_eq!(rest, ["b: queued", "x: not in a handler"]);
}

/// Everything of the context at once with sends, in one handler, while tables grow.
fn s06_context_and_sends_mix_while_tables_grow(on: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let a = here.reserve();
        act(a, |me, cx| {
            let mut all = Vec::new();
            for n in 0..300 {
                let b = cx.child(puppet("b", &me.log).temporary());
                b.send(Num(n));
                cx.addr().send(Num(n));
                let topic = cx.topic::<Say>();
                cx.subscribe(topic);
                topic.publish(Say("published"));
                cx.spawn(async {}, |_, (), _| ());
                cx.after(ms(0), Num(n));
                me.ask(cx, b, n, LONG);
                all.push(b);
            }
            me.life = 7; // the instance has not moved
            act(cx.addr(), move |me, cx| {
                assert_eq!(me.life, 7);
                for b in all {
                    end(b);
                }
                later(cx, ms(5), |_, cx| cx.stop());
            });
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.count("b: "), 300);
    assert_eq!(log.count("a: published"), 300);
    assert_eq!(log.count("a: got "), 300);
    assert_eq!(log.live(), 0);
}

/// User code hides in drops: of messages that are refused, of timers, of what a topic drops. Each
/// may send, publish and stop others.
fn s06_drops_may_use_addresses(on: &dyn Backend) {
    struct Sender(Addr<Puppet>, Topic<Num>);
    impl Drop for Sender {
        fn drop(&mut self) {
            self.0.send(Num(1));
            self.1.publish(Num(2));
            let _ = self.0.try_send(Num(3));
        }
    }
    impl Clone for Sender {
        fn clone(&self) -> Self {
            self.0.send(Num(4));
            Sender(self.0, self.1)
        }
    }
    impl Handler<Sender> for Puppet {
        fn handle(&mut self, _: Sender, _: &mut Context<Self>) {}
    }
    let log = Log::new();
    on.run(|here| {
        let (a, b, c) = (
            here.reserve(),
            here.reserve::<Puppet>(),
            here.reserve::<Puppet>(),
        );
        let (topic, nums) = (here.topic::<Sender>(), here.topic::<Num>());
        act(a, move |_, cx| {
            let new = move || Sender(b, nums);
            end(c);
            c.send(new());
            topic.publish(new());
            let timer = cx.after(LONG, new());
            cx.cancel(timer);
            cx.every(ms(1), new());
            let own = cx.spawn(
                async move {
                    let _mine = new();
                    std::future::pending::<()>().await;
                },
                |_, (), _| (),
            );
            cx.cancel(own);
            let answers = new();
            let asked = cx.request(b, Double(1), LONG, move |_, _, _| drop(answers));
            cx.cancel(asked);
            // Each drop above, and those of some ticks.
            when(a, (8, "b: 1"), |_, cx| cx.stop());
        });
        let hear = Role::new("b", &log).begin(move |_, cx| {
            cx.subscribe(nums);
            cx.subscribe(topic);
        });
        let hear_too = Role::new("d", &log).begin(move |_, cx| cx.subscribe(topic));
        stage()
            .child(hear.child().at(b))
            .child(hear_too.child())
            .child(puppet("c", &log).at(c).temporary())
            .child(lead("a", &log).at(a))
    });
    assert!(log.count("b: 4") >= 1, "a tick is a clone: {:?}", log.all());
    assert_eq!(log.live(), 0);
}

/// Tells that it is dropped, by a send and by a `try_send`, which looks at the slot; and that it is
/// cloned.
struct Teller(Addr<Puppet>);

impl Clone for Teller {
    fn clone(&self) -> Self {
        let _ = self.0.try_send(Num(3));
        Teller(self.0)
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.0.send(Num(1));
        let _ = self.0.try_send(Num(2));
    }
}

impl Handler<Teller> for Puppet {
    fn handle(&mut self, _: Teller, _: &mut Context<Self>) {}
}

/// State, timers, futures and requests of an instance are dropped at its end: each may send.
fn s06_what_ends_with_an_instance_may_use_addresses(on: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let (a, b, c, d) = (
            here.reserve(),
            here.reserve::<Puppet>(),
            here.reserve(),
            here.reserve::<Puppet>(),
        );
        act(c, move |me, cx| {
            let (one, two) = (Teller(b), Teller(b));
            me.kept.push(Box::new(Teller(b)));
            cx.after(LONG, Teller(b));
            cx.every(LONG, Teller(b));
            let future = async move {
                let _one = one;
                std::future::pending::<()>().await;
            };
            cx.spawn(future, |_, (), _| ());
            cx.request(d, Double(1), LONG, move |_, _, _| drop(two));
            cx.stop();
        });
        when(a, (10, "b: "), |_, cx| cx.stop());
        stage()
            .child(puppet("b", &log).at(b))
            .child(Role::new("d", &log).keeping().child().at(d))
            .child(puppet("c", &log).at(c).temporary())
            .child(lead("a", &log).at(a))
    });
    assert_eq!((log.count("b: 1"), log.count("b: 2")), (5, 5));
}

/// A message is cloned for its subscribers in the middle of a publish.
fn s06_a_clone_may_use_addresses(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b, topic) = (here.reserve(), here.reserve(), here.topic());
        act(a, move |_, _| {
            topic.publish(Teller(b));
            // Behind the publish, and what comes of it.
            act(a, move |_, _| act(b, move |_, _| end(a)));
        });
        let hear = |name| Role::new(name, &log).begin(move |_, cx| cx.subscribe(topic));
        stage()
            .child(puppet("b", &log).at(b))
            .child(hear("c").child())
            .child(hear("d").child())
            .child(lead("a", &log).at(a))
    });
    let mut all = log.all();
    all.sort();
    assert_eq!(all, ["b: 1", "b: 1", "b: 2", "b: 2", "b: 3"]);
}

/// What is handed over to a locality that has ended is dropped by its sender, in the middle of that.
fn s06_what_is_sent_to_an_ended_locality_may_use_addresses(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let theirs = log.clone();
        let over = Locality::new("over");
        let nobody = over.reserve::<Puppet>();
        {
            let driver = driver();
            driver.open(&over).unwrap();
            let app = driver.start(group("over")).unwrap();
            app.shutdown();
            assert!(matches!(driver.run_until_idle(), Turn::Done(_)));
        }
        act(a, move |_, _| {
            let _over = &over;
            nobody.send(Teller(b));
        });
        when(a, (2, "b: "), |_, cx| cx.stop());
        stage()
            .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b))))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["b: 1", "b: 2"]);
}

/// A token in a message that is never handled, in a state that is dropped, in a closure.
fn s15_every_token_is_answered_wherever_it_is_dropped(on: &dyn Backend) {
    struct Pass(#[allow(dead_code)] Option<ReplyTo<u32>>);
    impl Handler<Pass> for Puppet {
        fn handle(&mut self, _: Pass, _: &mut Context<Self>) {}
    }
    let log = Log::new();
    on.run(|here| {
        let (a, b, c) = (
            here.reserve(),
            here.reserve::<Puppet>(),
            here.reserve::<Puppet>(),
        );
        let role = Role::new("b", &log).answer(move |me, ask, cx| {
            let (Double(n), token) = ask.split();
            match n {
                1 => c.send(Pass(Some(token))),                // handled and dropped
                2 => drop(cx.after(ms(1), Pass(Some(token)))), // by a timer
                3 => {
                    let timer = cx.after(LONG, Pass(Some(token)));
                    cx.cancel(timer);
                }
                4 => drop(cx.spawn(async move { drop(token) }, |_, (), _| ())),
                5 => drop(cx.spawn(async {}, move |_, (), _| drop(token))),
                6 => cx.defer_to_host(move || drop(token)),
                7 => me.kept.push(Box::new(token)),
                8 => std::mem::forget(token), // its limit answers
                _ => unreachable!(),
            }
            Ok(())
        });
        act(a, move |_, cx| {
            for n in 1..=8 {
                let limit = if n == 8 { ms(3) } else { LONG };
                cx.request(b, Double(n), limit, move |me, reply, cx| {
                    me.say(format!(
                        "{n} {}",
                        matches!(reply, Err(RequestError::Dropped))
                    ));
                    match me.log.count("a: ") {
                        7 if n != 7 => b.stop(), // ends the one that is kept
                        8 => cx.stop(),
                        _ => (),
                    }
                });
            }
        });
        stage()
            .child(puppet("c", &log).at(c))
            .child(role.child().at(b))
            .child(lead("a", &log).at(a))
    });
    let mut all = log.of("a: ");
    all.sort();
    assert_eq!(
        all,
        [
            "a: 1 true",
            "a: 2 true",
            "a: 3 true",
            "a: 4 true",
            "a: 5 true",
            "a: 6 true",
            "a: 7 false",
            "a: 8 false"
        ]
    );
}

/// Sent on the owner's thread while the loop is parked outside of a turn: it must wake by itself.
fn s19_a_send_outside_a_turn_wakes_the_parked_loop(on: &dyn Backend) {
    struct AtEnd(Addr<Puppet>);
    impl Drop for AtEnd {
        fn drop(&mut self) {
            self.0.send(Say("after the turn"));
            end(self.0);
        }
    }
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, move |_, cx| {
            let last = RefCell::new(Some(AtEnd(a)));
            cx.defer_to_host(move || drop(last.take()));
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: after the turn"]);
}

/// A chain of three thousand actors, each the child of the one before, is dropped without recursion.
fn s24_a_very_deep_tree_is_dropped(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        fn deeper(me: &mut Puppet, cx: &mut Context<Puppet>) {
            if me.life == 3_000 {
                return me.log.put("deep");
            }
            let (life, log) = (me.life + 1, me.log.clone());
            let next =
                move |_: &mut Context<Puppet>| Ok(Role::new("deep", &log).begin(deeper).play(life));
            cx.child(Child::with("deep", next));
        }
        act(a, deeper);
        when(a, (1, "deep"), |_, cx| cx.stop());
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["deep"]);
}

/// State of an actor seen from outside is the same cell: no second instance is ever alive.
fn m10_two_instances_of_one_child_are_never_alive_together(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let theirs = log.clone();
        act(a, move |_, cx| {
            for n in 0..60 {
                match n % 4 {
                    0 => crash(b),
                    1 => b.stop(),
                    2 => b.address().kill(),
                    _ => end(b),
                }
                b.send(Num(n));
            }
            later(cx, ms(8), |_, cx| cx.stop());
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| {
                let inner = theirs.clone();
                let alive = Rc::new(Cell::new(0));
                let make = move |_: &mut Context<Puppet>| {
                    struct Count(Rc<Cell<u32>>);
                    impl Drop for Count {
                        fn drop(&mut self) {
                            self.0.set(self.0.get() - 1);
                        }
                    }
                    alive.set(alive.get() + 1);
                    // A panic here would be a failed start, and no more.
                    inner.put(format!("{} alive", alive.get()));
                    let mut puppet = Role::new("b", &inner).play(1);
                    puppet.kept.push(Box::new(Count(alive.clone())));
                    Ok(puppet)
                };
                s.child(Child::with("b", make).at(b))
            }))
    });
    assert!(log.count("1 alive") > 20, "{:?}", log.all());
    assert!(
        !log.all()
            .iter()
            .any(|line| line.ends_with(" alive") && line != "1 alive")
    );
    assert_eq!(log.live(), 0);
}

/// An observer is user code: what it sends must not overwrite the message that it is told of.
fn s06_an_observer_may_send_while_a_message_is_refused(on: &dyn Backend) {
    const MAGIC: u64 = 0x5eed_c0de_5eed_c0de;
    const SENT: u32 = 200;
    thread_local!(static DROPPED: Cell<(u32, u32)> = const { Cell::new((0, 0)) });
    struct Coin(u64);
    impl Drop for Coin {
        fn drop(&mut self) {
            let (good, bad) = DROPPED.get();
            let whole = u32::from(self.0 == MAGIC);
            DROPPED.set((good + whole, bad + 1 - whole));
        }
    }
    impl Handler<Coin> for Puppet {
        fn handle(&mut self, _: Coin, _: &mut Context<Self>) {}
    }
    struct Chatty(Addr<Puppet>);
    impl Observer for Chatty {
        fn undelivered(&self, what: &Undeliverable) {
            if what.message.ends_with("Coin") {
                (0..60).for_each(|n| self.0.send(Num(n)));
            }
        }
    }
    let log = Log::new();
    let exit = on.run_tree(&mut |here| {
        let (a, gone) = (here.reserve(), here.reserve::<Puppet>());
        end(gone);
        act(a, move |_, cx| {
            later(cx, ms(1), move |_, cx| {
                for n in 0..SENT {
                    gone.send(Coin(MAGIC));
                    a.send(Num(n));
                }
                end(cx.addr());
            });
        });
        stage()
            .observer(Arc::new(Chatty(a)))
            .child(puppet("gone", &log).at(gone).transient())
            .child(lead("a", &log).at(a))
    });
    assert!(!exit.unwrap().is_failure());
    assert_eq!(DROPPED.get(), (SENT, 0));
}

bodies! {
    Each: [
        s04_a_hold_of_the_last_instance_does_not_release_the_next,
        s05_a_nested_turn_is_refused,
        s06_context_and_sends_mix_while_tables_grow,
        s06_drops_may_use_addresses,
        s06_what_ends_with_an_instance_may_use_addresses,
        s06_a_clone_may_use_addresses,
        s06_an_observer_may_send_while_a_message_is_refused,
        s15_every_token_is_answered_wherever_it_is_dropped,
        s19_a_send_outside_a_turn_wakes_the_parked_loop,
        s24_a_very_deep_tree_is_dropped,
    ]
    Pair: [
        s06_what_is_sent_to_an_ended_locality_may_use_addresses,
        m10_two_instances_of_one_child_are_never_alive_together,
    ]
}
