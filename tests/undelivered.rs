//! Nothing is silent: what cannot be delivered is handed back, or reported with its reason.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use rotor_core::*;

use crate::backend::{Backend, Bell};
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

/// The observer of the root sees what happens in every locality of the tree.
fn o08_undelivered_messages_of_every_locality_reach_the_observer(
    on: &dyn Backend,
    far: &dyn Backend,
) {
    let log = Log::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let topic = away.topic();
        let theirs = log.clone();
        act(a, move |_, _| {
            topic.publish(Say("unheard"));
            b.send(Num(1));
            end(b);
            b.send(Num(2));
            b.send(Num(3));
            act(b, |_, _| ());
            let c = b;
            let _ = c;
        });
        let watcher = Role::new("a", &log).begin(move |_, cx| drop(cx.monitor(b.address())));
        when(a, (1, "a: down"), |_, cx| {
            later(cx, ms(1), |_, cx| cx.stop());
        });
        stage()
            .child(group("far").on(&away, move |s| {
                s.child(puppet("b", &theirs).at(b).transient())
            }))
            .child(watcher.child().at(a).transient().significant())
    });
    assert_eq!(played.lost(Reason::Unheard), ["Say"]);
    assert_eq!(played.lost(Reason::Stopped), ["Num", "Num", "Do"]);
    assert_eq!(log.of("b"), ["b: 1"]);
}

/// `send` returns nothing; `try_send` hands the message back where it is known at once.
fn m20_try_send_hands_the_message_back(on: &dyn Backend) {
    struct Precious(Box<u32>);
    impl Handler<Precious> for Puppet {
        fn handle(&mut self, _: Precious, _: &mut Context<Self>) {}
    }
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        end(b);
        act(a, move |_, cx| {
            later(cx, ms(2), move |me, cx| {
                let back = b.try_send(Precious(Box::new(5))).unwrap_err();
                me.say(format!("{} {:?}", back.message.0, back.reason));
                me.say(
                    back.to_string()
                        .ends_with("was not delivered: the actor has stopped"),
                );
                cx.stop();
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(puppet("b", &log).at(b).transient())
    });
    assert_eq!(log.all(), ["a: 5 Stopped", "a: true"]);
    assert_eq!(played.undelivered, []);
}

/// Known only later: a dead slot of another locality.
fn m20_try_send_to_another_locality_may_be_reported_later(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        let (a, b, c) = (
            here.reserve(),
            away.reserve::<Puppet>(),
            away.reserve::<Puppet>(),
        );
        let theirs = log.clone();
        end(b);
        act(a, move |_, _| {
            act(c, move |_, cx| {
                later(cx, ms(2), move |_, _| {
                    act(a, move |me, _| {
                        me.say(b.try_send(Say("never")).is_ok());
                        act(c, move |_, _| end(a));
                    });
                });
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| {
                s.child(puppet("b", &theirs).at(b).transient())
                    .child(puppet("c", &theirs).at(c))
            }))
    });
    assert_eq!(log.all(), ["a: true"]);
    assert_eq!(played.lost(Reason::Stopped), ["Say"]);
}

/// Sent = handled + undelivered, and every payload is dropped once, over crashes and a stop in the
/// middle.
fn o08_sent_is_handled_plus_undelivered(on: &dyn Backend, far: &dyn Backend) {
    // All of them together can wait for a tree that has not started, and has no observer yet.
    const EACH: u32 = 250;
    #[derive(Clone, Default)]
    struct Counts(Arc<[AtomicU32; 4]>);
    struct Coin(Counts);
    impl Drop for Coin {
        fn drop(&mut self) {
            self.0.0[1].fetch_add(1, Ordering::SeqCst);
        }
    }
    impl Handler<Coin> for Puppet {
        fn handle(&mut self, coin: Coin, cx: &mut Context<Self>) {
            let n = coin.0.0[2].fetch_add(1, Ordering::SeqCst);
            assert!(n % 100 != 99, "a crash now and then");
            if n == 700 {
                cx.addr().stop();
            }
        }
    }
    let (log, counts) = (Log::new(), Counts::default());
    let mut threads = Vec::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        let (a, b, c) = (here.reserve(), away.reserve::<Puppet>(), here.reserve());
        let theirs = log.clone();
        let pay = move |counts: &Counts| {
            for _ in 0..EACH {
                counts.0[0].fetch_add(1, Ordering::SeqCst);
                b.send(Coin(counts.clone()));
            }
            // The last one ends it.
            if counts.0[3].fetch_add(1, Ordering::SeqCst) == 3 {
                end(a);
            }
        };
        for _ in 0..3 {
            let mine = counts.clone();
            threads.push(std::thread::spawn(move || pay(&mine)));
        }
        let mine = counts.clone();
        act(c, move |_, _| pay(&mine));
        stage()
            .child(group("far").on(&away, move |s| {
                s.child(puppet("b", &theirs).at(b).transient())
            }))
            .child(puppet("c", &log).at(c))
            .child(lead("a", &log).at(a))
    });
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    let [sent, dropped, handled] = [0, 1, 2].map(|i| counts.0[i].load(Ordering::SeqCst));
    assert_eq!(sent, 4 * EACH);
    assert_eq!(dropped, sent);
    let lost = played
        .undelivered
        .iter()
        .filter(|(name, _)| name == "Coin")
        .count();
    assert_eq!(handled + lost as u32, sent, "{lost} lost");
}

/// Notes type, sender and reason of what is lost: senders by name.
struct Senders {
    wanted: bool,
    names: Vec<(Address, &'static str)>,
    lost: Mutex<Vec<String>>,
}

impl Senders {
    fn new(wanted: bool, names: &[(Addr<Puppet>, &'static str)]) -> Arc<Self> {
        let names = names.iter().map(|&(a, name)| (a.address(), name));
        Arc::new(Senders {
            wanted,
            names: names.collect(),
            lost: Mutex::default(),
        })
    }

    /// Everything that was lost, sorted: several localities notice.
    fn lost(&self) -> Vec<String> {
        let mut lost = self.lost.lock().unwrap().clone();
        lost.sort();
        lost
    }
}

impl Observer for Senders {
    fn wants_sender(&self) -> bool {
        self.wanted
    }

    fn undelivered(&self, what: &Undeliverable) {
        let name = |of: Address| self.names.iter().find(|(a, _)| *a == of).unwrap().1;
        let from = what.from.map_or("nobody", name);
        let message = what.message.rsplit("::").next().unwrap();
        let line = format!("{message} of {from}: {:?}", what.reason);
        self.lost.lock().unwrap().push(line);
    }
}

/// A message that is too large for the queue itself.
struct Large(#[allow(dead_code)] [u64; 40]);

impl Handler<Large> for Puppet {
    fn handle(&mut self, _: Large, _: &mut Context<Self>) {}
}

/// Type, sender and reason, once each: of messages from everywhere in an actor, to everywhere.
fn m21_an_observer_that_asks_is_told_who_sent(on: &dyn Backend, far: &dyn Backend) {
    struct Farewell(Addr<Puppet>);
    impl Drop for Farewell {
        fn drop(&mut self) {
            self.0.send(Now(5));
        }
    }
    let (log, mut observer) = (Log::new(), None);
    let exit = on.run_tree(&mut |here| {
        let away = far.spawn("away");
        let (a, b, theirs) = (here.reserve(), away.reserve(), log.clone());
        let (down, far_down) = (here.reserve::<Puppet>(), away.reserve::<Puppet>());
        let (topic, far_topic) = (here.topic(), away.topic());
        act(a, move |me, _| {
            me.kept.push(Box::new(Farewell(down)));
            for (gone, topic) in [(down, topic), (far_down, far_topic)] {
                end(gone);
                gone.send(Num(1));
                topic.publish(Say("unheard"));
            }
            act(b, move |_, cx| {
                far_down.send(Now(2));
                cx.request(far_down, Double(3), LONG, |_, _, _| ());
                let thread = std::thread::spawn(move || {
                    far_down.send(Say("from outside"));
                    far_topic.publish(Say("unheard"));
                });
                thread.join().unwrap();
                let future = async move { far_down.send(Large([4; 40])) };
                cx.spawn(future, move |_, (), _| end(a));
            });
        });
        let role = Role::new("a", &log).stop(move |_, _, _| down.send(Num(6)));
        let senders = Senders::new(true, &[(a, "a"), (b, "b")]);
        observer = Some(senders.clone());
        stage()
            .observer(senders)
            .child(puppet("down", &log).at(down).transient())
            .child(group("far").on(&away, move |s| {
                s.child(puppet("down", &theirs).at(far_down).transient())
                    .child(puppet("b", &theirs).at(b))
            }))
            .child(role.child().at(a).transient().significant())
    });
    assert!(!exit.unwrap().is_failure());
    assert_eq!(
        observer.unwrap().lost(),
        [
            "Double> of b: Stopped",
            "Large of b: Stopped",
            "Now of a: Stopped",
            "Now of b: Stopped",
            "Num of a: Stopped",
            "Num of a: Stopped",
            "Num of a: Stopped",
            "Say of a: Unheard",
            "Say of a: Unheard",
            "Say of nobody: Stopped",
            "Say of nobody: Unheard",
        ]
    );
}

/// What is parked, published or refused later is still its sender's; over a crash in a publish, too.
fn m21_a_message_keeps_its_sender_while_it_waits(on: &dyn Backend, far: &dyn Backend) {
    struct Bomb(Topic<Say>);
    impl Actor for Bomb {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            cx.subscribe(self.0);
            Ok(())
        }
    }
    impl Handler<Say> for Bomb {
        fn handle(&mut self, _: Say, _: &mut Context<Self>) {
            panic!("as told");
        }
    }
    let (log, mut observer) = (Log::new(), None);
    let exit = on.run_tree(&mut |here| {
        let away = far.spawn("away");
        let (a, b, theirs) = (here.reserve(), away.reserve(), log.clone());
        let (slow, unclaimed) = (away.reserve::<Puppet>(), here.reserve::<Puppet>());
        let topic = here.topic();
        let slow_child = move |log: &Log| {
            let role = Role::new("slow", log).begin(move |me, cx| {
                cx.subscribe(topic);
                me.kept.push(Box::new(cx.hold("for ever")));
                act(a, move |_, _| {
                    unclaimed.send(Num(1));
                    topic.publish(Say("parked behind a bomb"));
                    slow.send(Num(2));
                    slow.send(Large([3; 40]));
                    topic.publish(Say("too much"));
                    // Behind all that, here and there.
                    act(a, move |_, _| {
                        act(b, move |_, _| {
                            slow.address().kill();
                            end(a);
                        });
                    });
                });
            });
            role.child().at(slow).temporary().capacity(3)
        };
        act(b, move |me, cx| {
            cx.child(slow_child(&me.log));
        });
        let senders = Senders::new(true, &[(a, "a")]);
        observer = Some(senders.clone());
        let far = group("far").on(&away, move |s| {
            s.child(Child::new("bomb", move || Bomb(topic)).temporary())
                .child(puppet("b", &theirs).at(b))
        });
        stage()
            .observer(senders)
            .child(lead("a", &log).at(a))
            .child(far)
    });
    assert!(!exit.unwrap().is_failure());
    assert_eq!(
        observer.unwrap().lost(),
        [
            "Large of a: Stopped",
            "Num of a: Stopped",
            "Num of a: Unclaimed",
            "Say of a: Full",
            "Say of a: Stopped",
        ]
    );
}

/// A message that panicked is not taken for the sender of the next one.
fn m21_no_sender_is_left_behind_by_a_crash(on: &dyn Backend) {
    let (log, mut observer) = (Log::new(), None);
    let exit = on.run_tree(&mut |here| {
        let (a, b, topic) = (here.reserve(), here.reserve(), here.topic());
        act(a, move |_, _| {
            crash(b);
            // Its own queue comes first, then what a thread has sent.
            let thread = std::thread::spawn(move || {
                topic.publish(Say("unheard"));
                end(a);
            });
            thread.join().unwrap();
        });
        let senders = Senders::new(true, &[(a, "a")]);
        observer = Some(senders.clone());
        stage()
            .observer(senders)
            .child(puppet("b", &log).at(b))
            .child(lead("a", &log).at(a))
    });
    assert!(!exit.unwrap().is_failure());
    assert_eq!(observer.unwrap().lost(), ["Say of nobody: Unheard"]);
}

/// Nobody pays for it unasked.
fn m21_an_observer_that_does_not_ask_is_told_no_sender(on: &dyn Backend) {
    let (log, mut observer) = (Log::new(), None);
    let exit = on.run_tree(&mut |here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        act(a, move |_, cx| {
            end(b);
            b.send(Num(1));
            act(cx.addr(), |_, cx| cx.stop());
        });
        let senders = Senders::new(false, &[]);
        observer = Some(senders.clone());
        stage()
            .observer(senders)
            .child(lead("a", &log).at(a))
            .child(puppet("b", &log).at(b).transient())
    });
    assert!(!exit.unwrap().is_failure());
    assert_eq!(observer.unwrap().lost(), ["Num of nobody: Stopped"]);
}

/// An undelivered request fails, its message is reported.
fn a31_a_refused_request_is_reported_and_fails(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let theirs = log.clone();
        act(a, move |_, cx| {
            end(b);
            cx.request(b, Double(1), LONG, |me, reply, cx| {
                me.say(reply.unwrap_err());
                cx.stop();
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| {
                s.child(puppet("b", &theirs).at(b).transient())
            }))
    });
    assert_eq!(log.all(), ["a: the actor ended before it answered: normal"]);
    assert_eq!(played.lost(Reason::Stopped).len(), 1);
}

/// The end of each instance is told once, with name and reason.
fn o09_every_exit_reaches_the_observer_once(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let theirs = log.clone();
        act(a, move |_, _| {
            crash(b);
            act(b, move |_, _| end(a));
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b))))
    });
    assert_eq!(
        played.exits,
        [
            "b: panicked: as told",
            "a: normal",
            "b: shutdown < a: normal",
            "far: shutdown < a: normal",
            "stage: shutdown < a: normal"
        ]
    );
}

/// A message need not be printable: its type's name stands for it, and an error carries its cause.
fn r112_texts_name_the_message_and_the_reason(on: &dyn Backend) {
    struct Plain;
    impl Handler<Plain> for Puppet {
        fn handle(&mut self, _: Plain, _: &mut Context<Self>) {}
    }
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b, c) = (here.reserve(), here.reserve(), here.reserve());
        end(b);
        act(a, move |_, cx| {
            cx.monitor(b.address());
            cx.request(c, Double(1), LONG, |me, reply, _| {
                me.say(reply.unwrap_err())
            });
            attempt(c, |_, _| Err(Error::message("no disk")));
        });
        when(a, (2, "a: "), move |me, cx| {
            let back = b.try_send(Plain).unwrap_err();
            assert!(std::error::Error::source(&back).is_none());
            let text = back.to_string();
            me.say(text.rsplit("::").next().unwrap());
            b.send(Plain);
            act(cx.addr(), |_, cx| cx.stop());
        });
        stage()
            .child(puppet("b", &log).at(b).transient())
            .child(Role::new("c", &log).keeping().child().at(c))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(
        log.of("a: "),
        [
            "a: down normal",
            "a: the actor ended before it answered: failed: no disk",
            "a: Plain was not delivered: the actor has stopped"
        ]
    );
    assert_eq!(played.lost(Reason::Stopped), ["Plain"]);
}

/// Neither what waits in the locality nor what waits outside goes silently when it ends.
fn o08_what_is_left_at_the_end_is_reported(seed: u64) {
    #[derive(Default)]
    struct Left(Mutex<Vec<Reason>>);
    impl Observer for Left {
        fn undelivered(&self, what: &Undeliverable) {
            self.0.lock().unwrap().push(what.reason);
        }
    }
    let left = Arc::new(Left::default());
    let driver = Driver::new(Arc::new(Bell::default()), Clock::manual());
    let here = Locality::new("here");
    driver.open(&here).unwrap();
    let app = driver.start(group("root").observer(left.clone())).unwrap();
    driver.run_until_idle();
    let a = here.reserve::<Puppet>();
    let sends = move || (0..10).for_each(|n| a.send(Num(n)));
    sends();
    std::thread::spawn(sends).join().unwrap();
    app.shutdown();
    // Supervision goes first: the tree ends while these wait.
    let one = Budget {
        messages: 1,
        ..Budget::default()
    };
    while !matches!(driver.turn(one), Turn::Done(_)) {}
    let left = left.0.lock().unwrap();
    assert_eq!(*left, [Reason::Closed; 20], "seed {seed}");
}

bodies! {
    Each: [
        m20_try_send_hands_the_message_back,
        r112_texts_name_the_message_and_the_reason,
        m21_an_observer_that_does_not_ask_is_told_no_sender,
        m21_no_sender_is_left_behind_by_a_crash,
    ]
    Pair: [
        o08_undelivered_messages_of_every_locality_reach_the_observer,
        m20_try_send_to_another_locality_may_be_reported_later,
        o08_sent_is_handled_plus_undelivered,
        m21_an_observer_that_asks_is_told_who_sent,
        m21_a_message_keeps_its_sender_while_it_waits,
        a31_a_refused_request_is_reported_and_fails,
        o09_every_exit_reaches_the_observer_once,
    ]
    Sim: [
        o08_what_is_left_at_the_end_is_reported,
    ]
}
