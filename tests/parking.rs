//! What a slot does with a message while no instance runs in it.

use rotor_core::*;

use crate::backend::Backend;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

fn m01_a_message_to_a_reserved_address_waits_for_the_start(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        a.send(Say("early"));
        end(a);
        stage().child(
            Role::new("a", &log)
                .telling()
                .child()
                .at(a)
                .transient()
                .significant(),
        )
    });
    assert_eq!(
        log.all(),
        ["a starts", "a: early", "a stops: normal", "a drops"]
    );
}

/// The lead sees that what it sent first is handled only after the hold is dropped.
fn m01_a_message_to_a_starting_actor_is_parked(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve());
        let slow = Role::new("b", &log).begin(move |_, cx| {
            let (hold, b) = (cx.hold("on purpose"), cx.addr());
            act(a, move |_, cx| {
                b.send(Say("one"));
                b.send(Say("two"));
                act(cx.addr(), move |me, _| {
                    me.say("releases");
                    drop(hold);
                    act(b, move |_, _| end(a));
                });
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(slow.child().at(b))
    });
    assert_eq!(log.all(), ["a: releases", "b: one", "b: two"]);
}

fn m01_a_starting_actor_gets_its_own_timers_replies_and_outputs(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve());
        let slow = Role::new("b", &log).begin(move |me, cx| {
            let hold = cx.hold("until all three came");
            later(cx, ms(0), |me, _| me.say("timer"));
            me.ask(cx, a, 4, LONG);
            cx.spawn(async { 5 }, move |me, n, cx| {
                me.say(format!("output {n}"));
                // Behind the others, which were on their way before.
                me.kept.push(Box::new(hold));
                later(cx, ms(0), |me, _| me.kept.clear());
            });
        });
        b.send(Say("from outside"));
        act(b, move |_, _| end(a));
        stage()
            .child(lead("a", &log).at(a))
            .child(slow.child().at(b))
    });
    let mut all = log.all();
    assert_eq!(all.pop().as_deref(), Some("b: from outside"));
    all.sort();
    assert_eq!(all, ["b: got 8", "b: output 5", "b: timer"]);
}

fn m01_a_request_to_a_starting_actor_waits_for_it(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve());
        let slow = Role::new("b", &log).begin(move |_, cx| {
            let (hold, b) = (cx.hold("on purpose"), cx.addr());
            act(a, move |me, cx| {
                me.ask(cx, b, 21, LONG);
                act(cx.addr(), move |me, _| {
                    me.say("releases");
                    drop(hold);
                    act(b, move |_, _| end(a));
                });
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(slow.child().at(b))
    });
    assert_eq!(log.all(), ["a: releases", "a: got 42"]);
}

/// Queued messages stay for the next instance, in order; the one that panicked is consumed.
fn m01_queued_messages_are_handled_by_the_next_instance(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve());
        act(a, move |_, _| {
            b.send(Say("one"));
            act(b, |me, _| {
                me.say("crashes");
                panic!("as told");
            });
            b.send(Say("two"));
            b.send(Say("three"));
            act(b, move |me, _| {
                me.say(format!("life {}", me.life));
                end(a);
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(puppet("b", &log).at(b))
    });
    assert_eq!(
        log.all(),
        ["b: one", "b: crashes", "b: two", "b: three", "b: life 2"]
    );
}

fn m01_a_message_that_makes_its_handler_panic_is_not_handled_again(on: &dyn Backend) {
    struct Bad;
    struct Fragile(u32, Log);
    impl Actor for Fragile {}
    impl Handler<Bad> for Fragile {
        fn handle(&mut self, _: Bad, _: &mut Context<Self>) {
            self.1.put(format!("bad in life {}", self.0));
            panic!("cannot take it");
        }
    }
    impl Handler<Say> for Fragile {
        fn handle(&mut self, _: Say, cx: &mut Context<Self>) {
            self.1.put(format!("good in life {}", self.0));
            cx.stop();
        }
    }
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        a.send(Bad);
        a.send(Say("go on"));
        let (mine, mut life) = (log.clone(), 0);
        let make = move || {
            life += 1;
            Fragile(life, mine.clone())
        };
        stage().child(Child::new("a", make).at(a).transient().significant())
    });
    assert_eq!(log.all(), ["bad in life 1", "good in life 2"]);
}

fn m01_what_was_sent_before_a_panic_stands(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b, c) = (here.reserve(), here.reserve(), away.reserve());
        let theirs = log.clone();
        act(b, move |_, _| {
            a.send(Say("near"));
            act(c, move |me, _| {
                me.log.put("far");
                end(a);
            });
            panic!("afterwards");
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| s.child(puppet("c", &theirs).at(c))))
            .child(puppet("b", &log).at(b))
    });
    let mut said = log.all();
    said.sort(); // two localities
    assert_eq!(said, ["a: near", "far"]);
}

/// While a crashed actor waits for its restart behind a slow sibling, requests wait, too.
fn m01_a_request_to_a_restarting_actor_is_answered_by_the_next_instance(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        let answering = Role::new("b", &log).answer(|me, ask, _| {
            me.say(format!("asked in life {}", me.life));
            ask.reply(7);
            Ok(())
        });
        let slow = Role::new("c", &log).stop(move |me, _, cx| {
            if me.life > 1 {
                return;
            }
            let hold = cx.hold("a while");
            act(a, move |me, cx| {
                me.say(format!("{:?}", b.address().state()));
                me.say(b.try_send(Say("waits")).is_ok());
                me.ask(cx, b, 1, LONG);
                // Behind them: they are parked by now.
                act(a, move |_, _| drop(hold));
                act(b, move |_, _| end(a));
            });
        });
        act(a, move |_, _| crash(b));
        stage().child(lead("a", &log).at(a)).child(
            Supervisor::one_for_all("all")
                .child(answering.child().at(b))
                .child(slow.child()),
        )
    });
    assert_eq!(
        log.all(),
        [
            "a: Waiting",
            "a: true",
            "b: waits",
            "b: asked in life 2",
            "a: got 7"
        ]
    );
}

/// The first instance's timer, task and pending request come to nothing.
fn m01_results_of_an_instance_are_dropped_with_it(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve());
        act(b, move |me, cx| {
            later(cx, ms(0), |me, _| me.say("timer"));
            later(cx, ms(1), |me, _| me.say("timer"));
            cx.spawn(async {}, |me, (), _| me.say("output"));
            me.ask(cx, a, 1, LONG);
            panic!("at once");
        });
        // Time for both timers, and for the reply.
        act(b, move |me, cx| {
            assert_eq!(me.life, 2);
            cx.after(ms(5), Say("own timer"));
            later(cx, ms(6), move |_, _| end(a));
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(puppet("b", &log).at(b))
    });
    assert_eq!(log.all(), ["b: own timer"]);
    assert_eq!(played.undelivered, [("u32".to_owned(), Reason::Late)]);
}

fn m01_a_stopping_actor_gets_its_own_results_and_nothing_else(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve());
        let polite = Role::new("b", &log).stop(move |me, _, cx| {
            let hold = cx.hold("flush");
            cx.addr().send(Say("a user message"));
            me.ask(cx, a, 3, LONG);
            later(cx, ms(2), move |me, _| {
                me.say("timer");
                drop(hold);
            });
        });
        let watcher = Role::new("a", &log).begin(move |_, cx| drop(cx.monitor(b.address())));
        act(b, |_, cx| cx.stop());
        when(a, (1, "a: down"), |_, cx| cx.stop());
        stage()
            .child(watcher.child().at(a).transient().significant())
            .child(polite.child().at(b).temporary())
    });
    assert_eq!(log.all(), ["b: got 6", "b: timer", "a: down normal"]);
    assert_eq!(played.lost(Reason::Stopped), ["Say"]);
}

fn m01_a_message_to_a_stopped_actor_is_undelivered(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve());
        let watcher = Role::new("a", &log).begin(move |_, cx| drop(cx.monitor(b.address())));
        act(b, move |_, cx| {
            cx.stop();
            act(a, move |_, cx| {
                // Behind the Down.
                act(cx.addr(), move |me, cx| {
                    b.send(Say("never"));
                    let back = b.try_send(Say("back")).unwrap_err();
                    me.say(format!("{:?} {:?}", back.message, back.reason));
                    me.ask(cx, b, 1, LONG);
                    act(cx.addr(), |_, cx| act(cx.addr(), |_, cx| cx.stop()));
                });
            });
        });
        stage()
            .child(watcher.child().at(a).transient().significant())
            .child(puppet("b", &log).at(b).transient())
    });
    let all = log.all();
    assert_eq!(all[0], "a: down normal");
    assert_eq!(all[1], r#"a: Say("back") Stopped"#);
    assert!(
        all[2].starts_with("a: Ended(Exit { reason: Normal"),
        "{all:?}"
    );
    assert_eq!(played.lost(Reason::Stopped), ["Say", "Double>"]);
}

/// Removed for good: dynamic and temporary. Its address names nobody any more.
fn m01_a_message_to_a_removed_actor_is_gone(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let a = here.reserve();
        let mine = log.clone();
        let mother = Role::new("a", &log).begin(move |_, cx| {
            let b = cx.child(puppet("b", &mine).temporary());
            cx.monitor(b.address());
            end(b);
            act(cx.addr(), move |_, cx| {
                act(cx.addr(), move |_, cx| {
                    later(cx, ms(1), move |me, cx| {
                        b.send(Say("never"));
                        let back = b.try_send(Say("back")).unwrap_err();
                        me.say(format!("{:?} {:?}", back.message, back.reason));
                        me.ask(cx, b, 1, LONG);
                        act(cx.addr(), |_, cx| act(cx.addr(), |_, cx| cx.stop()));
                    });
                });
            });
        });
        stage().child(mother.child().at(a).transient().significant())
    });
    assert_eq!(
        log.all(),
        ["a: down normal", r#"a: Say("back") Gone"#, "a: Gone"]
    );
    assert_eq!(played.lost(Reason::Gone)[0], "Say");
}

/// A failed instance is not used again, also while supervision has so much to do that its end waits.
fn m01_a_failed_instance_gets_no_results_any_more(on: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let (a, b, gone) = (here.reserve(), here.reserve(), here.reserve::<Puppet>());
        act(b, move |_, cx| {
            cx.spawn(async {}, |me, (), _| me.say("output"));
            for _ in 0..100 {
                gone.stop();
            }
            cx.fail(Error::message("done for"));
            act(b, move |me, _| {
                me.say(format!("life {}", me.life));
                end(a);
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(puppet("gone", &log).at(gone).temporary())
            .child(puppet("b", &log).at(b))
    });
    assert_eq!(log.all(), ["b: life 2"]);
}

/// What waits for a start that is called off is told: its messages to the observer, its requests to
/// their askers.
fn m01_what_is_parked_is_refused_when_a_start_is_called_off(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let a = here.reserve::<Puppet>();
        let mine = log.clone();
        act(a, move |me, cx| {
            let slow = Role::new("b", &mine).begin(|me, cx| {
                me.kept.push(Box::new(cx.hold("for ever")));
            });
            let b = cx.child(slow.child().temporary());
            b.send(Say("parked"));
            me.ask(cx, b, 1, LONG);
            // Behind them.
            act(a, move |_, cx| {
                b.stop();
                act(cx.addr(), |_, cx| act(cx.addr(), |_, cx| cx.stop()));
            });
        });
        stage().child(lead("a", &log).at(a))
    });
    let said = log.all();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("a: Ended("), "{said:?}");
    assert_eq!(played.lost(Reason::Stopped), ["Say", "Double>"]);
}

/// What comes when an actor goes down is told, too.
fn m01_what_is_parked_is_refused_when_the_actor_goes_down(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve());
        act(b, move |_, cx| {
            // Behind this handler, which stops the instance for good.
            cx.addr().send(Say("parked"));
            act(a, move |me, cx| me.ask(cx, b, 1, LONG));
            act(a, move |_, cx| {
                cx.monitor(b.address());
            });
            cx.stop();
        });
        let waiting = Role::new("b", &log).stop(move |_, _, cx| {
            let hold = cx.hold("a while");
            act(a, move |_, cx| {
                drop(hold);
                later(cx, ms(1), |_, cx| cx.stop());
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(waiting.child().at(b).transient())
    });
    assert_eq!(log.count("a: Ended("), 1);
    assert_eq!(log.count("a: down normal"), 1);
    assert_eq!(log.count("b: parked"), 0);
    assert!(played.lost(Reason::Stopped).contains(&"Say"));
}

/// Nothing waits for an end that is certain, not even while a hold puts it off.
fn m01_an_actor_that_stops_for_good_takes_nothing(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        let held = Role::new("b", &log).stop(move |_, _, cx| {
            let hold = cx.hold("until it has been asked");
            act(a, move |me, cx| {
                b.send(Say("never"));
                let back = b.try_send(Say("back")).unwrap_err();
                me.say(format!("{:?} {:?}", back.message, back.reason));
                cx.request(b, Double(1), LONG, move |me, reply, cx| {
                    me.say(matches!(reply, Err(RequestError::Ended(_))));
                    drop(hold);
                    cx.stop();
                });
            });
        });
        act(a, move |_, _| b.stop());
        stage()
            .child(lead("a", &log).at(a))
            .child(held.child().at(b).transient())
    });
    assert_eq!(log.all(), [r#"a: Say("back") Stopped"#, "a: true"]);
    assert_eq!(played.lost(Reason::Stopped), ["Say", "Double>"]);
}

/// A child of a supervisor that restarts it: stopped by the pass, its messages wait.
fn m01_messages_to_a_sibling_that_a_restart_stops_are_parked(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b, c) = (here.reserve(), here.reserve(), here.reserve());
        let slow = Role::new("c", &log).telling().stop(move |me, _, cx| {
            if me.life > 1 {
                return;
            }
            let (hold, c) = (cx.hold("a while"), cx.addr());
            act(a, move |me, cx| {
                me.say(c.try_send(Say("while stopping")).is_ok());
                me.ask(cx, c, 4, LONG);
                // Behind them: they reach `c` while it is stopping.
                act(a, move |me, _| {
                    me.say("releases");
                    drop(hold);
                    act(c, move |_, _| end(a));
                });
            });
        });
        act(a, move |_, _| crash(b));
        stage().child(lead("a", &log).at(a)).child(
            Supervisor::one_for_all("all")
                .child(puppet("b", &log).at(b))
                .child(slow.child().at(c)),
        )
    });
    assert_eq!(
        log.all()[..8],
        [
            "c starts",
            "c stops: shutdown",
            "a: true",
            "a: releases",
            "c drops",
            "c starts",
            "c: while stopping",
            "a: got 8"
        ]
    );
}

/// It was ending for good when a restart came to stop it: the restart has the last word.
fn m01_a_restart_that_meets_a_stopping_child_keeps_its_messages(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b, c) = (here.reserve(), here.reserve(), here.reserve::<Puppet>());
        let slow = Role::new("c", &log).telling().stop(move |me, _, cx| {
            if me.life > 1 {
                return;
            }
            let hold = cx.hold("a while");
            crash(b);
            // Behind the crash, and what comes of it.
            act(a, move |me, _| {
                me.say(c.try_send(Say("for the next")).is_ok());
                act(c, move |_, _| end(a));
                act(a, move |_, _| drop(hold));
            });
        });
        act(a, move |_, _| c.stop());
        stage().child(lead("a", &log).at(a)).child(
            Supervisor::one_for_all("all")
                .child(puppet("b", &log).at(b))
                .child(slow.child().at(c).transient()),
        )
    });
    assert_eq!(
        log.all()[..6],
        [
            "c starts",
            "c stops: shutdown",
            "a: true",
            "c drops",
            "c starts",
            "c: for the next"
        ]
    );
}

/// Crashes, and never starts again: meanwhile `a` sends to it and asks it, and behind that `x`
/// loses patience. `a` tells whether its request has ended, and stops.
fn in_vain(log: &Log, a: Addr<Puppet>, b: Addr<Puppet>, x: Addr<Puppet>) -> Child<Puppet> {
    let role = Role::new("b", log).begin(move |me, cx| {
        if me.life == 1 {
            return crash(b);
        }
        me.kept.push(Box::new(cx.hold("for ever")));
        act(a, move |_, cx| {
            b.send(Say("parked"));
            cx.request(b, Double(1), LONG, |me, reply, cx| {
                me.say(matches!(reply, Err(RequestError::Ended(_))));
                cx.stop();
            });
            act(x, move |_, _| b.address().kill());
        });
    });
    role.child().at(b)
}

/// A supervisor that gives up for good takes the hopes of those below it along.
fn m01_what_is_parked_below_a_supervisor_that_gives_up_is_refused(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b, x) = (here.reserve(), here.reserve(), here.reserve());
        let strict = Supervisor::one_for_one("strict").temporary();
        stage()
            .child(lead("a", &log).at(a))
            .child(puppet("x", &log).at(x))
            .child(strict.child(in_vain(&log, a, b, x)))
    });
    assert_eq!(log.all(), ["a: true"]);
    assert_eq!(played.lost(Reason::Stopped), ["Say", "Double>"]);
}

/// The same, on another locality than who gives up for good.
fn m01_what_is_parked_far_below_a_supervisor_that_gives_up_is_refused(
    on: &dyn Backend,
    far: &dyn Backend,
) {
    let log = Log::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        let (a, b, x) = (here.reserve(), away.reserve(), away.reserve());
        let (one, two) = (log.clone(), log.clone());
        let strict = Supervisor::one_for_one("strict").intensity(0, LONG);
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| s.child(puppet("x", &one).at(x))))
            .child(
                strict.temporary().child(
                    Supervisor::one_for_one("far too")
                        .on(&away, move |s| s.child(in_vain(&two, a, b, x))),
                ),
            )
    });
    assert_eq!(log.all(), ["a: true"]);
    assert_eq!(played.lost(Reason::Stopped), ["Say", "Double>"]);
}

/// A child that is added and does not come up is removed: nobody will be at its address.
fn m01_what_waits_for_an_added_child_that_fails_is_gone(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let a = here.reserve::<Puppet>();
        act(a, move |me, cx| {
            let slow = Role::new("b", &me.log).begin(|me, cx| {
                me.kept.push(Box::new(cx.hold("for ever")));
            });
            let b = cx.child(slow.child());
            b.send(Say("parked"));
            cx.request(b, Double(1), LONG, |me, reply, cx| {
                me.say(format!("{:?}", reply.unwrap_err()));
                cx.stop();
            });
            // Behind them.
            act(a, move |_, _| b.address().kill());
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: Gone"]);
    assert_eq!(played.lost(Reason::Gone), ["Say", "Double>"]);
}

/// Nobody ever claims the address.
fn m01_what_waits_at_an_unclaimed_address_is_reported_at_the_end(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, nobody) = (here.reserve(), here.reserve::<Puppet>());
        nobody.send(Say("never"));
        act(a, |_, cx| {
            later(cx, ms(2), |_, cx| cx.stop());
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(played.undelivered, [("Say".to_owned(), Reason::Unclaimed)]);
}

/// The same, with a token inside: its asker, a plain thread, learns it.
fn m01_a_request_at_an_unclaimed_address_fails_at_the_end(on: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let (a, nobody) = (here.reserve(), here.reserve::<Puppet>());
        let said = log.clone();
        let asking = nobody.ask(Double(1), LONG);
        std::thread::spawn(move || said.put(format!("{:?}", crate::requests::wait(asking))));
        act(a, |_, cx| {
            later(cx, ms(2), |_, cx| cx.stop());
        });
        stage().child(lead("a", &log).at(a))
    });
    log.wait_for("Err(Gone)");
}

/// New arrivals go behind what is parked, also while that drains.
fn m02_parked_messages_come_before_later_ones(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        let slow = Role::new("b", &log).begin(move |_, cx| {
            let (hold, b) = (cx.hold("on purpose"), cx.addr());
            act(a, move |_, _| {
                for n in 0..500 {
                    b.send(Num(n));
                }
                // Behind them: they are parked by now.
                act(a, move |_, _| {
                    drop(hold);
                    for n in 500..700 {
                        b.send(Num(n));
                    }
                    // Sent while the parked ones drain.
                    act(a, move |_, _| {
                        for n in 700..900 {
                            b.send(Num(n));
                        }
                        act(b, move |_, _| end(a));
                    });
                });
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(slow.child().at(b))
    });
    let expected: Vec<String> = (0..900).map(|n| format!("b: {n}")).collect();
    assert_eq!(log.all(), expected);
}

/// Each sender's order holds over crashes of the receiver.
fn m02_restarts_do_not_reorder(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (sink, x) = (here.reserve::<Puppet>(), away.reserve());
        let theirs = log.clone();
        act(x, move |_, _| {
            for n in 0..400_u32 {
                if n % 40 == 7 {
                    crash(sink);
                }
                sink.send(Num(n));
            }
            end(sink);
        });
        // What comes while it starts is parked.
        let slow = Role::new("sink", &log).begin(|_, cx| {
            let hold = cx.hold("it takes its time");
            drop(later(cx, ms(1), move |_, _| drop(hold)));
        });
        stage()
            .child(slow.child().transient().significant().at(sink))
            .child(group("far").on(&away, move |s| s.child(puppet("x", &theirs).at(x))))
    });
    let expected: Vec<String> = (0..400).map(|n| format!("sink: {n}")).collect();
    assert_eq!(log.all(), expected);
}

/// 1 024 wait, the newest are rejected and reported.
fn m03_parked_messages_are_bounded(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        let slow = Role::new("b", &log).begin(move |_, cx| {
            let (hold, b) = (cx.hold("on purpose"), cx.addr());
            act(a, move |_, cx| {
                for n in 0..1030 {
                    b.send(Num(n));
                }
                act(cx.addr(), move |me, cx| {
                    let back = b.try_send(Num(2000)).unwrap_err();
                    me.say(format!("{:?} {:?}", back.message, back.reason));
                    me.ask(cx, b, 1, LONG);
                    act(cx.addr(), move |_, cx| {
                        act(cx.addr(), move |_, _| {
                            drop(hold);
                            act(a, move |_, _| act(b, move |_, _| end(a)));
                        });
                    });
                });
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(slow.child().at(b))
    });
    assert_eq!(log.of("a"), ["a: Num(2000) Full", "a: Full"]);
    let expected: Vec<String> = (0..1024).map(|n| format!("b: {n}")).collect();
    assert_eq!(log.of("b"), expected);
    // Some of them together, by the name of the last one.
    assert_eq!(played.lost(Reason::Full).len(), 6 + 1);
}

fn m03_a_child_may_set_its_own_bound(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        let slow = Role::new("b", &log).begin(move |_, cx| {
            let (hold, b) = (cx.hold("on purpose"), cx.addr());
            act(a, move |_, cx| {
                for n in 0..6 {
                    b.send(Num(n));
                }
                act(cx.addr(), move |_, cx| {
                    drop(hold);
                    later(cx, ms(1), move |_, _| act(b, move |_, _| end(a)));
                });
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(slow.child().at(b).capacity(4))
    });
    assert_eq!(log.all(), ["b: 0", "b: 1", "b: 2", "b: 3"]);
    assert_eq!(played.lost(Reason::Full), ["Num", "Num"]);
}

/// The bound of a gate is soft and for what comes from outside; supervision is never bounded.
fn m03_a_locality_may_bound_what_comes_from_outside(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        away.set_bound(10);
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let (theirs, watch) = (log.clone(), log.clone());
        act(b, |me, _| {
            // Its loop is busy until the other side has met the bound.
            me.log.put("busy");
            me.log.wait_for("over");
        });
        std::thread::spawn(move || {
            watch.wait_for("busy");
            let full = (0..100)
                .filter(|_| b.try_send(Say("more")).is_err())
                .count();
            watch.put(format!("full {full}"));
            watch.put(format!(
                "{:?}",
                b.try_send(Say("one too many")).unwrap_err().reason
            ));
            b.send(Num(1)); // reported
            b.stop(); // a control passes
            watch.put("over");
            while b.try_send(Say("last")).is_err() {
                std::thread::yield_now();
            }
            watch.wait_for("b: last");
            end(a);
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b))))
    });
    assert_eq!(log.all()[..4], ["busy", "full 90", "Full", "over"]);
    assert_eq!(played.lost(Reason::Full), ["Num"]);
    let ends = played.exits.iter().filter(|exit| exit.starts_with("b: "));
    assert_eq!(ends.count(), 2, "by the control, and with the tree");
}

/// What an actor asked for is its own doing: the bound of its locality does not refuse it.
fn m03_answers_are_not_bounded(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let (theirs, watch, bounded) = (log.clone(), log.clone(), away.clone());
        act(b, move |me, cx| {
            for n in 0..3 {
                me.ask(cx, a, n, LONG);
            }
            cx.flush();
            bounded.set_bound(1);
            me.log.put("busy");
            me.log.wait_for("answered 3");
            bounded.set_bound(0);
            when(cx.addr(), (3, "b: got"), move |_, _| end(a));
        });
        let answering = Role::new("a", &log).answer(move |me, ask, cx| {
            watch.wait_for("busy");
            while b.try_send(Say("more")).is_ok() {
                cx.flush();
            }
            let n = ask.request.0;
            ask.reply(2 * n);
            cx.flush();
            me.life += 1;
            me.log.put(format!("answered {}", me.life - 1));
            Ok(())
        });
        stage()
            .child(answering.child().at(a).transient().significant())
            .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b))))
    });
    assert_eq!(log.of("b: got"), ["b: got 0", "b: got 2", "b: got 4"]);
}

bodies! {
    Each: [
        m01_a_message_to_a_reserved_address_waits_for_the_start,
        m01_a_message_to_a_starting_actor_is_parked,
        m01_a_starting_actor_gets_its_own_timers_replies_and_outputs,
        m01_a_request_to_a_starting_actor_waits_for_it,
        m01_queued_messages_are_handled_by_the_next_instance,
        m01_a_message_that_makes_its_handler_panic_is_not_handled_again,
        m01_a_request_to_a_restarting_actor_is_answered_by_the_next_instance,
        m01_results_of_an_instance_are_dropped_with_it,
        m01_a_stopping_actor_gets_its_own_results_and_nothing_else,
        m01_a_message_to_a_stopped_actor_is_undelivered,
        m01_a_message_to_a_removed_actor_is_gone,
        m01_a_failed_instance_gets_no_results_any_more,
        m01_what_is_parked_is_refused_when_a_start_is_called_off,
        m01_what_is_parked_is_refused_when_the_actor_goes_down,
        m01_an_actor_that_stops_for_good_takes_nothing,
        m01_messages_to_a_sibling_that_a_restart_stops_are_parked,
        m01_a_restart_that_meets_a_stopping_child_keeps_its_messages,
        m01_what_is_parked_below_a_supervisor_that_gives_up_is_refused,
        m01_what_waits_for_an_added_child_that_fails_is_gone,
        m01_what_waits_at_an_unclaimed_address_is_reported_at_the_end,
        m01_a_request_at_an_unclaimed_address_fails_at_the_end,
        m02_parked_messages_come_before_later_ones,
        m03_parked_messages_are_bounded,
        m03_a_child_may_set_its_own_bound,
    ]
    Pair: [
        m01_what_was_sent_before_a_panic_stands,
        m01_what_is_parked_far_below_a_supervisor_that_gives_up_is_refused,
        m02_restarts_do_not_reorder,
        m03_a_locality_may_bound_what_comes_from_outside,
        m03_answers_are_not_bounded,
    ]
}
