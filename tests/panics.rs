//! A panic is contained wherever user code runs, and ends the instance that it belongs to.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use rotor_core::*;

use crate::backend::{Backend, Played};
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

/// Runs a tree where `b` gets into trouble in its first life, as `trouble` says; the second life
/// ends the tree.
fn survive(on: &dyn Backend, log: &Log, trouble: fn(&mut Puppet, &mut Context<Puppet>)) -> Played {
    on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve());
        let role = Role::new("b", log).begin(move |me, cx| {
            if me.life == 1 {
                act(cx.addr(), trouble);
            } else {
                me.say("lives again");
                end(a);
            }
        });
        stage()
            .child(lead("a", log).at(a))
            .child(role.child().at(b))
    })
}

/// What [`survive`] shows of a panic with the text "ouch".
fn assert_survived(log: &Log, played: &Played) {
    assert_eq!(log.count("b: lives again"), 1);
    assert_eq!(played.exits[0], "b: panicked: ouch");
    assert_eq!(log.live(), 0);
}

fn s09_a_panic_in_a_handler_restarts_the_actor(on: &dyn Backend) {
    let log = Log::new();
    let played = survive(on, &log, |_, _| panic!("ouch"));
    assert_survived(&log, &played);
}

/// The text may be made at run time.
fn s09_the_text_of_a_panic_reaches_the_exit(on: &dyn Backend) {
    let log = Log::new();
    let played = survive(on, &log, |me, _| panic!("ouch {}", me.life));
    assert_eq!(played.exits[0], "b: panicked: ouch 1");
}

fn s09_a_panic_in_a_timer_restarts_the_actor(on: &dyn Backend) {
    let log = Log::new();
    let played = survive(on, &log, |_, cx| {
        later(cx, ms(1), |_, _| panic!("ouch"));
    });
    assert_survived(&log, &played);
}

/// The clone that a periodic timer sends.
fn s09_a_panic_in_the_clone_of_a_tick_restarts_the_actor(on: &dyn Backend) {
    struct Tick;
    impl Clone for Tick {
        fn clone(&self) -> Self {
            panic!("ouch")
        }
    }
    impl Handler<Tick> for Puppet {
        fn handle(&mut self, _: Tick, _: &mut Context<Self>) {}
    }
    let log = Log::new();
    let played = survive(on, &log, |_, cx| {
        cx.every(ms(1), Tick);
    });
    assert_survived(&log, &played);
}

fn s09_a_panic_in_a_future_restarts_the_actor(on: &dyn Backend) {
    let log = Log::new();
    let played = survive(on, &log, |_, cx| {
        cx.spawn(async { panic!("ouch") }, |_, (), _| ());
    });
    assert_survived(&log, &played);
}

fn s09_a_panic_in_an_output_restarts_the_actor(on: &dyn Backend) {
    let log = Log::new();
    let played = survive(on, &log, |_, cx| {
        cx.spawn(async {}, |_, (), _| panic!("ouch"));
    });
    assert_survived(&log, &played);
}

fn s09_a_panic_in_an_answers_closure_restarts_the_actor(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve());
        let role = Role::new("b", &log).begin(move |me, cx| {
            if me.life == 1 {
                cx.request(a, Double(1), LONG, |_, _, _| panic!("ouch"));
            } else {
                me.say("lives again");
                end(a);
            }
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(role.child().at(b))
    });
    assert_survived(&log, &played);
}

fn m24_a_panic_in_a_deferred_closure_restarts_the_actor(on: &dyn Backend) {
    let log = Log::new();
    let played = survive(on, &log, |_, cx| cx.defer_to_host(|| panic!("ouch")));
    assert_survived(&log, &played);
}

/// The instance has ended in order by then: nothing is left to blame, nothing is reported twice, and
/// the next instance goes on.
fn m24_a_panic_in_a_deferred_closure_of_an_ended_instance_is_nobodys(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b, c) = (here.reserve(), here.reserve(), here.reserve());
        for ending in [b, c] {
            act(ending, move |_, cx| {
                cx.defer_to_host(|| panic!("too late"));
                cx.stop();
            });
        }
        act(a, |_, cx| {
            later(cx, ms(3), |_, cx| cx.stop());
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(puppet("b", &log).at(b).transient())
            .child(puppet("c", &log).at(c))
    });
    assert_eq!(
        played.exits,
        [
            "b: normal",
            "c: normal",
            "a: normal",
            "c: shutdown < a: normal",
            "stage: shutdown < a: normal"
        ]
    );
}

/// Twice in a row, in the start hook; tried again through the queue.
fn s09_a_panic_in_a_start_is_a_failed_start(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve());
        let role = Role::new("b", &log).begin(move |me, _| match me.life {
            1 => (),
            2 | 3 => panic!("ouch"),
            _ => {
                me.say("lives again");
                end(a);
            }
        });
        crash(b);
        stage()
            .child(lead("a", &log).at(a))
            .child(role.child().at(b))
    });
    assert_eq!(
        played.exits[..3],
        [
            "b: panicked: as told",
            "b: panicked: ouch",
            "b: panicked: ouch"
        ]
    );
    assert_eq!(log.all(), ["b: lives again"]);
    assert_eq!(log.live(), 0);
}

fn s09_a_panic_in_a_factory_is_a_failed_start(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve());
        let (mine, mut life) = (log.clone(), 0);
        let factory = move |_: &mut Context<Puppet>| {
            life += 1;
            match life {
                2 => panic!("ouch"),
                3 => Err(Error::message("not yet")),
                4 => {
                    end(a);
                    Ok(Role::new("b", &mine).play(life))
                }
                _ => Ok(Role::new("b", &mine).play(life)),
            }
        };
        crash(b);
        stage()
            .child(lead("a", &log).at(a))
            .child(Child::with("b", factory).at(b))
    });
    assert_eq!(
        played.exits[..3],
        [
            "b: panicked: as told",
            "b: panicked: ouch",
            "b: failed: not yet"
        ]
    );
    assert_eq!(log.live(), 0);
}

/// The end goes on; the exit says so.
fn s09_a_panic_in_a_stop_hook_ends_the_instance_all_the_same(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve());
        let role = Role::new("b", &log).stop(|_, _, cx| {
            std::mem::forget(cx.hold("never released"));
            panic!("ouch")
        });
        act(a, move |_, cx| {
            cx.monitor(b.address());
            b.stop();
            later(cx, ms(3), |_, cx| cx.stop());
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(role.child().at(b).transient())
    });
    assert_eq!(played.exits[0], "b: panicked: ouch");
    assert_eq!(log.live(), 0);
}

/// A panic while an instance is dropped does not repeat the drop, and the rest is dropped. It had
/// ended before, and how it ended stands.
fn s09_a_panic_in_the_drop_of_an_actor_is_contained(on: &dyn Backend) {
    struct Glass(Arc<AtomicU32>, Content);
    struct Content(Arc<AtomicU32>);
    impl Drop for Glass {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
            panic!("in a drop");
        }
    }
    impl Drop for Content {
        fn drop(&mut self) {
            self.0.fetch_add(10, Ordering::SeqCst);
        }
    }
    impl Actor for Glass {}
    impl Handler<Say> for Glass {
        fn handle(&mut self, _: Say, cx: &mut Context<Self>) {
            let _ = &self.1;
            cx.stop();
        }
    }
    let drops = Arc::new(AtomicU32::new(0));
    let log = Log::new();
    let played = on.run(|here| {
        let (a, glass, mine) = (here.reserve(), here.reserve::<Glass>(), drops.clone());
        glass.send(Say("stop"));
        act(a, |_, cx| {
            later(cx, ms(2), |_, cx| cx.stop());
        });
        let make = move || Glass(mine.clone(), Content(mine.clone()));
        stage()
            .child(lead("a", &log).at(a))
            .child(Child::new("glass", make).at(glass).temporary())
    });
    assert_eq!(drops.load(Ordering::SeqCst), 11);
    assert_eq!(played.exits[0], "glass: normal");
}

/// Force goes on over the drops of a subtree that panic.
fn s09_a_panic_in_a_drop_below_a_killed_actor_spares_nobody(on: &dyn Backend) {
    struct Glass;
    impl Drop for Glass {
        fn drop(&mut self) {
            panic!("in a drop");
        }
    }
    let log = Log::new();
    let played = on.run(|here| {
        let (a, mother) = (here.reserve(), here.reserve());
        let mine = log.clone();
        let role = Role::new("mother", &log).telling().begin(move |_, cx| {
            for name in ["x", "y"] {
                let glass = Role::new(name, &mine).telling();
                cx.child(glass.begin(|me, _| me.kept.push(Box::new(Glass))).child());
            }
            act(cx.addr(), |_, cx| cx.addr().address().kill());
        });
        act(a, move |_, cx| drop(cx.monitor(mother.address())));
        when(a, (1, "a: down"), |_, cx| cx.stop());
        stage()
            .child(lead("a", &log).at(a))
            .child(role.child().at(mother).temporary())
    });
    assert_eq!(
        played.exits[..3],
        ["y: killed", "x: killed", "mother: killed"]
    );
    assert_eq!(log.live(), 0);
}

/// Nobody waits for it any more: nobody is to blame, and the loop goes on.
fn s09_a_panic_in_the_drop_of_a_late_answer_is_contained(on: &dyn Backend) {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("unwanted");
        }
    }
    struct Order;
    impl Request for Order {
        type Reply = Bomb;
    }
    struct Shop(Option<Ask<Order>>);
    impl Actor for Shop {}
    impl Handler<Ask<Order>> for Shop {
        fn handle(&mut self, ask: Ask<Order>, _: &mut Context<Self>) {
            self.0 = Some(ask);
        }
    }
    struct Deliver;
    impl Handler<Deliver> for Shop {
        fn handle(&mut self, _: Deliver, _: &mut Context<Self>) {
            self.0.take().expect("it was asked").reply(Bomb);
        }
    }
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b, shop) = (here.reserve(), here.reserve(), here.reserve::<Shop>());
        act(b, move |_, cx| {
            cx.request(shop, Order, LONG, |_, _, _| ());
            cx.stop();
            act(a, move |_, cx| {
                // Behind the end of `b`.
                shop.send(Deliver);
                later(cx, ms(1), |me, cx| {
                    me.say("goes on");
                    cx.stop();
                });
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(Child::new("shop", || Shop(None)).at(shop))
            .child(puppet("b", &log).at(b).transient())
    });
    assert_eq!(log.all(), ["a: goes on"]);
    assert_eq!(chain(&played.exit), "shutdown < a: normal");
}

/// It may look at the answer at once: nothing is locked while it runs.
fn s13_a_waker_may_poll_its_question(on: &dyn Backend) {
    type Question = std::pin::Pin<Box<Asking<u32>>>;
    struct Curious(Log, Mutex<Option<Question>>);
    impl Curious {
        fn look(self: &Arc<Self>) {
            let waker = self.clone().into();
            let mut question = self.1.lock().unwrap();
            let answer = question
                .as_mut()
                .expect("put in below")
                .as_mut()
                .poll(&mut std::task::Context::from_waker(&waker));
            self.0.put(format!("{answer:?}"));
        }
    }
    impl std::task::Wake for Curious {
        fn wake(self: Arc<Self>) {
            self.look();
        }
    }
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        let curious = Arc::new(Curious(log.clone(), Mutex::new(None)));
        *curious.1.lock().unwrap() = Some(Box::pin(b.ask(Double(4), LONG)));
        curious.look();
        act(b, move |_, _| end(a));
        stage()
            .child(puppet("b", &log).at(b))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["Pending", "Ready(Ok(8))"]);
}

/// The waker of a question is foreign code that runs where the token is dropped, or its limit passes.
fn s13_a_waker_that_panics_hurts_nobody(on: &dyn Backend) {
    struct Broken(Log);
    impl std::task::Wake for Broken {
        fn wake(self: Arc<Self>) {
            self.0.put("woken");
            panic!("while waking");
        }
    }
    let log = Log::new();
    let mut questions = Vec::new();
    let played = on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        let waker = Arc::new(Broken(log.clone())).into();
        for (n, limit) in [(0, LONG), (1, ms(1))] {
            let mut question = Box::pin(b.ask(Double(n), limit));
            let mut cx = std::task::Context::from_waker(&waker);
            assert!(question.as_mut().poll(&mut cx).is_pending());
            questions.push(question);
        }
        when(a, (2, "woken"), |_, cx| cx.stop());
        let careless = Role::new("b", &log).answer(|me, ask, _| {
            match ask.request.0 {
                0 => drop(ask),
                _ => me.asks.push(ask),
            }
            Ok(())
        });
        stage()
            .child(careless.child().at(b))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(chain(&played.exit), "shutdown < a: normal");
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let answers = questions.iter_mut().map(|question| {
        let answer = question.as_mut().poll(&mut cx);
        format!("{answer:?}")
    });
    assert_eq!(
        answers.collect::<Vec<_>>(),
        ["Ready(Err(Dropped))", "Ready(Err(Timeout))"]
    );
}

/// A message whose drop panics: when it is handled, when it is refused, and when nobody hears it.
fn s09_a_panic_in_the_drop_of_a_message_is_contained(on: &dyn Backend) {
    #[derive(Clone)]
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("ouch");
        }
    }
    impl Handler<Bomb> for Puppet {
        fn handle(&mut self, bomb: Bomb, _: &mut Context<Self>) {
            drop(bomb);
        }
    }
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b, c) = (here.reserve(), here.reserve(), here.reserve::<Puppet>());
        let topic = here.topic();
        let role = Role::new("b", &log).begin(move |me, cx| {
            if me.life == 1 {
                cx.addr().send(Bomb);
            } else {
                me.say("lives again");
                c.send(Bomb);
                topic.publish(Bomb);
                act(cx.addr(), move |_, _| end(a));
            }
        });
        act(c, |_, cx| cx.stop());
        stage()
            .child(lead("a", &log).at(a))
            .child(puppet("c", &log).at(c).temporary())
            .child(role.child().at(b))
    });
    assert!(played.exits.contains(&"b: panicked: ouch".to_owned()));
    assert_eq!(log.count("b: lives again"), 1);
    assert_eq!(played.lost(Reason::Stopped), ["Bomb"]);
    assert_eq!(played.lost(Reason::Unheard), ["Bomb"]);
    assert_eq!(chain(&played.exit), "shutdown < a: normal");
}

/// What a factory has captured is dropped with the spec of its child.
fn s09_a_panic_in_the_drop_of_a_factory_is_contained(on: &dyn Backend) {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("no more of them");
        }
    }
    let log = Log::new();
    let played = on.run(|here| {
        let a = here.reserve();
        act(a, |me, cx| {
            let (log, bomb) = (me.log.clone(), Bomb);
            let b = cx.child(
                Child::new("b", move || {
                    let _ = &bomb;
                    Role::new("b", &log).play(1)
                })
                .temporary(),
            );
            cx.monitor(b.address());
            end(b);
            // Behind the end of `b`.
            act(cx.addr(), |_, cx| {
                act(cx.addr(), |me, cx| {
                    me.say("goes on");
                    cx.stop();
                });
            });
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: down normal", "a: goes on"]);
    assert_eq!(chain(&played.exit), "shutdown < a: normal");
}

/// `panic_any` of a value whose own drop panics.
fn s09_a_panic_payload_that_panics_when_dropped_is_forgotten(on: &dyn Backend) {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("again");
        }
    }
    let log = Log::new();
    let played = survive(on, &log, |_, _| std::panic::panic_any(Bomb));
    assert_eq!(log.count("b: lives again"), 1);
    assert!(
        played.exits[0].starts_with("b: panicked: "),
        "{:?}",
        played.exits
    );
}

/// The future, and the closure for its output, are dropped with the instance.
fn s09_a_panic_in_the_drop_of_a_future_is_contained(on: &dyn Backend) {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in the drop of a future");
        }
    }
    let log = Log::new();
    let played = survive(on, &log, |_, cx| {
        let (one, two, three) = (Bomb, Bomb, Bomb);
        let future = async move {
            let _one = one;
            std::future::pending::<()>().await;
        };
        cx.spawn(future, |_, (), _| ());
        cx.spawn(std::future::pending(), move |_, (), _| drop(two));
        cx.after(LONG, Heavy(Some(three)));
        act(cx.addr(), |_, _| panic!("ouch"));
    });
    struct Heavy(#[allow(dead_code)] Option<Bomb>);
    impl Handler<Heavy> for Puppet {
        fn handle(&mut self, _: Heavy, _: &mut Context<Self>) {}
    }
    assert_survived(&log, &played);
}

fn s09_a_panicking_observer_hurts_nobody(on: &dyn Backend) {
    struct Broken;
    impl Observer for Broken {
        fn undelivered(&self, _: &Undeliverable) {
            panic!("observing");
        }
        fn exited(&self, _: Address, _: &str, _: &Exit) {
            panic!("observing");
        }
    }
    let log = Log::new();
    let exit = on.run_tree(&mut |here| {
        let (a, nobody) = (here.reserve(), here.topic());
        act(a, move |_, cx| {
            nobody.publish(Say("unheard"));
            act(cx.addr(), |me, cx| {
                me.say("goes on");
                cx.stop();
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .observer(Arc::new(Broken))
    });
    assert!(!exit.unwrap().is_failure());
    assert_eq!(log.all(), ["a: goes on"]);
}

/// An error that a handler returns ends the instance without a panic, with its chain.
fn l29_an_error_of_a_handler_is_the_exit(on: &dyn Backend) {
    #[derive(Debug)]
    struct Outer(std::io::Error);
    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("saving")
        }
    }
    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve());
        let role = Role::new("b", &log).begin(move |me, cx| {
            if me.life == 1 {
                attempt(cx.addr(), |_, _| {
                    Err(Outer(std::io::Error::other("disk full")).into())
                });
                // Queued behind: for the next instance.
                cx.addr().send(Say("kept"));
            } else {
                act(cx.addr(), move |_, _| end(a));
            }
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(role.child().at(b))
    });
    assert_eq!(played.exits[0], "b: failed: saving: disk full");
    assert_eq!(log.all(), ["b: kept"]);
}

/// The first reason wins: a handler that stops and then fails, or the other way round. A panic is not
/// hidden by either.
fn m08_the_first_reason_of_an_end_wins(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b, c) = (here.reserve(), here.reserve(), here.reserve());
        let (d, e) = (here.reserve(), here.reserve());
        act(d, |_, cx| {
            cx.stop();
            panic!("at the end");
        });
        act(e, |_, cx| {
            cx.fail(Error::message("first"));
            panic!("for that");
        });
        attempt(b, |_, cx| {
            cx.stop();
            Err(Error::message("too late"))
        });
        act(c, |_, cx| {
            cx.fail(Error::message("first"));
            cx.stop();
        });
        act(a, |_, cx| {
            later(cx, ms(2), |_, cx| cx.stop());
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(puppet("b", &log).at(b).temporary())
            .child(puppet("c", &log).at(c).temporary())
            .child(puppet("d", &log).at(d).temporary())
            .child(puppet("e", &log).at(e).temporary())
    });
    let exits: BTreeSet<&str> = played.exits[..4].iter().map(String::as_str).collect();
    assert_eq!(
        exits.into_iter().collect::<Vec<_>>(),
        [
            "b: normal",
            "c: failed: first",
            "d: panicked: at the end",
            "e: panicked: for that < e: failed: first"
        ]
    );
}

/// A crash storm: nothing lost, nothing doubled, order kept.
fn l20_a_crash_storm_loses_and_doubles_nothing(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve());
        let theirs = log.clone();
        act(a, move |_, _| {
            for n in 0..300_u32 {
                act(b, move |me, _| {
                    me.say(n);
                    assert!(!n.is_multiple_of(3), "storm");
                });
            }
            act(b, move |_, _| end(a));
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b))))
    });
    let expected: Vec<String> = (0..300).map(|n| format!("b: {n}")).collect();
    assert_eq!(log.all(), expected);
    assert_eq!(
        played
            .exits
            .iter()
            .filter(|exit| *exit == "b: panicked: storm")
            .count(),
        100
    );
}

/// The function of a mapped recipient runs where its actor does, and is that one's own.
fn l19_a_panic_in_a_recipients_mapping_restarts_the_actor(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b) = (here.reserve::<Puppet>(), here.reserve::<Puppet>());
        act(a, move |_, _| {
            let mapped: Recipient<u8> = b.map(|n: u8| {
                assert!(n != 2, "the second");
                Num(n.into())
            });
            (1..=3).for_each(|n| mapped.send(n));
        });
        when(a, (1, "b: 3"), |_, cx| cx.stop());
        stage()
            .child(Role::new("b", &log).telling().child().at(b))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(
        log.of("b")[..5],
        ["b starts", "b: 1", "b drops", "b starts", "b: 3"]
    );
    assert!(
        played.exits[0].starts_with("b: panicked: "),
        "{:?}",
        played.exits
    );
    assert_eq!(log.live(), 0);
}

bodies! {
    Each: [
        l19_a_panic_in_a_recipients_mapping_restarts_the_actor,
        s09_a_panic_in_a_handler_restarts_the_actor,
        s09_the_text_of_a_panic_reaches_the_exit,
        s09_a_panic_in_a_timer_restarts_the_actor,
        s09_a_panic_in_the_clone_of_a_tick_restarts_the_actor,
        s09_a_panic_in_a_future_restarts_the_actor,
        s09_a_panic_in_an_output_restarts_the_actor,
        s09_a_panic_in_an_answers_closure_restarts_the_actor,
        m24_a_panic_in_a_deferred_closure_restarts_the_actor,
        m24_a_panic_in_a_deferred_closure_of_an_ended_instance_is_nobodys,
        s09_a_panic_in_a_start_is_a_failed_start,
        s09_a_panic_in_a_factory_is_a_failed_start,
        s09_a_panic_in_a_stop_hook_ends_the_instance_all_the_same,
        s09_a_panic_in_the_drop_of_an_actor_is_contained,
        s09_a_panic_in_a_drop_below_a_killed_actor_spares_nobody,
        s09_a_panic_in_the_drop_of_a_late_answer_is_contained,
        s13_a_waker_may_poll_its_question,
        s13_a_waker_that_panics_hurts_nobody,
        s09_a_panic_in_the_drop_of_a_message_is_contained,
        s09_a_panic_in_the_drop_of_a_factory_is_contained,
        s09_a_panic_payload_that_panics_when_dropped_is_forgotten,
        s09_a_panic_in_the_drop_of_a_future_is_contained,
        s09_a_panicking_observer_hurts_nobody,
        l29_an_error_of_a_handler_is_the_exit,
        m08_the_first_reason_of_an_end_wins,
    ]
    Pair: [
        l20_a_crash_storm_loses_and_doubles_nothing,
    ]
}
