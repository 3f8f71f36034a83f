//! Requests: answers, time limits, tokens, and every way to get no answer.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rotor_core::*;

use crate::backend::Backend;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;
use crate::registry::until;
use crate::world::World;

/// A tree of an asker `a`, whose end ends it, and an actor `b` beside it.
fn pair(log: &Log, a: Addr<Puppet>, b: Addr<Puppet>, role: Role) -> Supervisor {
    stage()
        .child(lead("a", log).at(a))
        .child(role.child().at(b))
}

/// The same with `b` on another locality, where it gets its role.
fn apart(
    log: &Log,
    a: Addr<Puppet>,
    (away, b): (&Locality, Addr<Puppet>),
    role: impl Fn(Role) -> Role + Send + 'static,
) -> Supervisor {
    let theirs = log.clone();
    let far = group("far").on(away, move |s| {
        s.child(role(Role::new("b", &theirs)).child().at(b))
    });
    stage().child(lead("a", log).at(a)).child(far)
}

/// Has `a` ask, say what comes of it, and end.
fn ask_and_end(a: Addr<Puppet>, b: Addr<Puppet>) {
    act(a, move |_, cx| {
        cx.request(b, Double(4), LONG, |me, reply, cx| {
            me.say(format!("{reply:?}"));
            cx.stop();
        });
    });
}

/// Four in, five out, in rotor's words; no timer is left, see `run_clean`.
fn r35_a_request_is_answered(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve());
        ask_and_end(a, b);
        pair(&log, a, b, Role::new("b", &log))
    });
    assert_eq!(log.all(), ["a: Ok(8)"]);
}

fn e06_a_request_is_answered_from_another_locality(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve());
        ask_and_end(a, b);
        apart(&log, a, (&away, b), |b| b)
    });
    assert_eq!(log.all(), ["a: Ok(8)"]);
}

/// The second is made in the callback of the first.
fn r41_a_request_may_be_made_from_an_answer(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve());
        act(a, move |_, cx| {
            cx.request(b, Double(1), LONG, move |me, one, cx| {
                let one = one.unwrap();
                cx.request(b, Double(one), LONG, move |me, two, cx| {
                    me.say(format!("{one} {}", two.unwrap()));
                    cx.stop();
                });
                let _ = me;
            });
        });
        apart(&log, a, (&away, b), |b| b)
    });
    assert_eq!(log.all(), ["a: 2 4"]);
}

/// Each answer finds its own request, in whatever order they come.
fn c_opp_10_two_requests_are_open_at_once(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve());
        act(a, move |_, cx| {
            for n in [1, 2] {
                cx.request(b, Double(n), LONG, move |me, reply, cx| {
                    me.say(format!("{n}: {}", reply.unwrap()));
                    if n == 1 {
                        cx.stop();
                    }
                });
            }
            until(cx, move |me, _| {
                let both = me.log.count("b: asked") == 2;
                if both {
                    act(b, |me, _| {
                        // The latest first.
                        while let Some(ask) = me.asks.pop() {
                            let n = ask.request.0;
                            ask.reply(n * 2);
                        }
                    });
                }
                both
            });
        });
        let theirs = log.clone();
        stage()
            .child(group("far").on(&away, move |s| {
                s.child(Role::new("b", &theirs).keeping().child().at(b))
            }))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.of("a: "), ["a: 2: 4", "a: 1: 2"]);
}

/// The reply is any type: an error of the application is a reply.
fn r38_an_answer_may_be_an_error_of_its_own(on: &dyn Backend) {
    struct Open(&'static str);
    impl Request for Open {
        type Reply = std::result::Result<u32, String>;
    }
    struct Files;
    impl Actor for Files {}
    impl Handler<Ask<Open>> for Files {
        fn handle(&mut self, ask: Ask<Open>, _: &mut Context<Self>) {
            let name = ask.request.0;
            ask.reply(Err(format!("no file {name}")));
        }
    }
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, files) = (here.reserve(), here.reserve::<Files>());
        act(a, move |_, cx| {
            cx.request(files, Open("x"), LONG, |me, reply, cx| {
                me.say(format!("{reply:?}"));
                cx.stop();
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(Child::new("files", || Files).at(files))
    });
    assert_eq!(log.all(), [r#"a: Ok(Err("no file x"))"#]);
}

/// Requests answered by an actor that has children itself.
fn r39_a_supervising_actor_answers_requests(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve());
        let mine = log.clone();
        let mother = Role::new("b", &log).begin(move |_, cx| {
            cx.child(puppet("c", &mine));
        });
        ask_and_end(a, b);
        pair(&log, a, b, mother)
    });
    assert_eq!(log.all(), ["a: Ok(8)"]);
}

/// The real answer, which comes later, is counted and dropped.
fn r37_a_request_fails_when_its_limit_passes(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve());
        act(a, move |_, cx| {
            cx.request(b, Double(4), ms(2), move |me, reply, _| {
                me.say(format!("{reply:?}"));
                act(b, move |me, _| {
                    me.asks.pop().unwrap().reply(8);
                    // Behind the reply.
                    end(a);
                });
            });
        });
        apart(&log, a, (&away, b), Role::keeping)
    });
    assert_eq!(log.of("a"), ["a: Err(Timeout)"]);
    assert_eq!(log.of("b"), ["b: asked"]);
    assert_eq!(played.undelivered, [("u32".to_owned(), Reason::Late)]);
}

fn m04_a_request_to_an_actor_that_is_gone_fails_at_once(on: &dyn Backend, far: &dyn Backend) {
    fn ask(cx: &mut Context<Puppet>, whom: Addr<Puppet>) {
        cx.request(whom, Double(4), LONG, move |me, reply, cx| match reply {
            Err(RequestError::Ended(_)) => ask(cx, whom), // not removed yet
            reply => {
                me.say(format!("{reply:?}"));
                cx.stop();
            }
        });
    }
    let log = Log::new();
    on.run(|here| {
        let away = far.spawn("away");
        let a = here.reserve();
        let theirs = log.clone();
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| {
                let inner = theirs.clone();
                let mother = Role::new("mother", &theirs).begin(move |_, cx| {
                    let child = cx.child(puppet("child", &inner).temporary());
                    end(child);
                    act(a, move |_, cx| ask(cx, child));
                });
                s.child(mother.child())
            }))
    });
    assert_eq!(log.of("a"), ["a: Err(Gone)"]);
}

fn m04_a_dropped_token_tells_its_asker_at_once(on: &dyn Backend, far: &dyn Backend) {
    assert_eq!(dropped_token(on, far, |_| ()), ["a: Err(Dropped)"]);
}

/// The handler that drops the token stops in order: that is no failure.
fn m04_a_token_dropped_by_a_handler_that_stops_is_dropped(on: &dyn Backend, far: &dyn Backend) {
    assert_eq!(dropped_token(on, far, Context::stop), ["a: Err(Dropped)"]);
}

/// What an asker hears whose token is dropped by a handler that does this as well.
fn dropped_token(
    on: &dyn Backend,
    far: &dyn Backend,
    also: fn(&mut Context<Puppet>),
) -> Vec<String> {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve());
        ask_and_end(a, b);
        apart(&log, a, (&away, b), move |b| {
            b.answer(move |_, ask, cx| {
                also(cx);
                drop(ask);
                Ok(())
            })
        })
    });
    log.all()
}

/// A start that took a token over fails: so has whoever was to answer.
fn m04_a_token_that_dies_with_a_failed_start_says_ended(on: &dyn Backend) {
    let log = Log::new();
    let passed: Arc<Mutex<Option<Ask<Double>>>> = Arc::default();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve());
        act(a, move |me, cx| {
            cx.request(b, Double(1), LONG, |me, reply, cx| {
                me.say(reply.unwrap_err());
                cx.stop();
            });
            let _ = me;
        });
        let (give, take) = (passed.clone(), passed.clone());
        let mother = Role::new("b", &log).answer(move |_, ask, cx| {
            *give.lock().unwrap() = Some(ask);
            let take = take.clone();
            let heir = Child::<Puppet>::with("heir", move |cx| {
                let ask = take.lock().unwrap().take();
                cx.spawn(std::future::pending::<()>(), move |_, (), _| drop(ask));
                Err(Error::message("no disk"))
            });
            cx.child(heir.temporary());
            Ok(())
        });
        stage()
            .child(mother.child().at(b))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(
        log.all(),
        ["a: the actor ended before it answered: failed: no disk"]
    );
}

/// The handler that drops the token fails afterwards: the asker learns the failure.
fn m04_a_token_that_dies_in_a_failing_handler_says_ended(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve());
        act(a, move |_, cx| {
            cx.request(b, Double(4), LONG, move |me, reply, cx| {
                me.say(reply.unwrap_err());
                cx.request(b, Double(5), LONG, |me, reply, cx| {
                    me.say(reply.unwrap_err());
                    cx.stop();
                });
            });
        });
        apart(&log, a, (&away, b), |b| {
            b.answer(|_, ask, _| match ask.request.0 {
                4 => {
                    drop(ask);
                    Err(Error::message("no disk"))
                }
                _ => panic!("no more"),
            })
        })
    });
    assert_eq!(
        log.all(),
        [
            "a: the actor ended before it answered: failed: no disk",
            "a: the actor ended before it answered: panicked: no more"
        ]
    );
}

/// The token is kept in the actor's state.
fn m04_a_token_that_dies_with_its_instance_says_ended(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve());
        act(a, move |me, cx| {
            me.ask(cx, b, 1, LONG);
            crash(b);
            me.ask(cx, b, 2, LONG);
            end(b);
            cx.request(b, Double(3), LONG, |me, reply, _| {
                me.say(reply.unwrap_err())
            });
            act(b, |_, cx| cx.fail(Error::message("enough")));
            cx.request(b, Double(3), LONG, |me, reply, cx| {
                me.say(reply.unwrap_err());
                cx.stop();
            });
            act(b, |_, cx| cx.addr().address().kill());
        });
        apart(&log, a, (&away, b), Role::keeping)
    });
    let ended = log.of("a");
    assert!(
        ended[0].contains("Ended") && ended[0].contains("Panicked(\"as told\")"),
        "{ended:?}"
    );
    assert!(
        ended[1].contains("Ended") && ended[1].contains("Normal"),
        "{ended:?}"
    );
    assert_eq!(
        ended[2],
        "a: the actor ended before it answered: failed: enough"
    );
    assert_eq!(ended[3], "a: the actor ended before it answered: killed");
}

/// Passed on in time, a token is not touched by the end of who had it.
fn m04_a_token_that_was_passed_on_outlives_its_first_holder(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b, c) = (here.reserve(), away.reserve(), here.reserve::<Puppet>());
        let theirs = log.clone();
        ask_and_end(a, b);
        stage()
            .child(lead("a", &log).at(a))
            .child(puppet("c", &log).at(c))
            .child(group("far").on(&away, move |s| {
                let role = Role::new("b", &theirs).answer(move |_, ask, cx| {
                    let (_, token) = ask.split();
                    act(c, move |_, _| token.send(99));
                    cx.stop();
                    Ok(())
                });
                s.child(role.child().at(b))
            }))
    });
    assert_eq!(log.all(), ["a: Ok(99)"]);
}

/// Three hops; the last answers the first.
fn r43_a_request_may_be_sent_on(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve());
        let (c, d) = (here.reserve::<Puppet>(), away.reserve::<Puppet>());
        let theirs = log.clone();
        let pass = |name, log: &Log, next: Addr<Puppet>| {
            Role::new(name, log).answer(move |me, mut ask, _| {
                me.say("passes");
                ask.request.0 += 1;
                next.send(ask);
                Ok(())
            })
        };
        ask_and_end(a, b);
        stage()
            .child(lead("a", &log).at(a))
            .child(pass("c", &log, d).child().at(c))
            .child(group("far").on(&away, move |s| {
                let last = Role::new("d", &theirs).answer(|_, ask, _| {
                    let n = ask.request.0;
                    ask.reply(100 * n);
                    Ok(())
                });
                s.child(last.child().at(d))
                    .child(pass("b", &theirs, c).child().at(b))
            }))
    });
    assert_eq!(log.all(), ["b: passes", "c: passes", "a: Ok(600)"]);
}

/// The answer comes from a plain thread.
fn a29_a_token_may_be_answered_by_a_plain_thread(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve());
        ask_and_end(a, b);
        let role = Role::new("b", &log).answer(|_, ask, _| {
            std::thread::spawn(move || ask.reply(11));
            Ok(())
        });
        pair(&log, a, b, role)
    });
    assert_eq!(log.all(), ["a: Ok(11)"]);
}

/// A plain thread drops it: told at once, too.
fn s15_a_token_in_a_thread_local_is_dropped_by_the_thread_exit(on: &dyn Backend) {
    thread_local! {
        static KEPT: std::cell::RefCell<Option<Ask<Double>>> =
            const { std::cell::RefCell::new(None) };
    }
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve());
        ask_and_end(a, b);
        let role = Role::new("b", &log).answer(|_, ask, _| {
            std::thread::spawn(move || KEPT.with(|kept| *kept.borrow_mut() = Some(ask)));
            Ok(())
        });
        pair(&log, a, b, role)
    });
    assert_eq!(log.all(), ["a: Err(Dropped)"]);
}

fn m04_a_cancelled_request_calls_nothing_back(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve());
        act(a, move |me, cx| {
            let pending = cx.request(b, Double(4), LONG, |me, reply, _| {
                me.say(format!("{reply:?}"))
            });
            me.say(cx.cancel(pending));
            me.say(cx.cancel(pending));
            cx.request(b, Double(5), LONG, |_, _, cx| cx.stop());
        });
        apart(&log, a, (&away, b), |b| b)
    });
    assert_eq!(log.all(), ["a: true", "a: false"]);
    assert_eq!(played.undelivered, [("u32".to_owned(), Reason::Late)]);
}

/// The answer is in the queue already.
fn a08_a_request_may_be_cancelled_when_its_answer_is_queued(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve());
        act(a, move |me, cx| {
            let pending = cx.request(b, Double(4), LONG, |me, reply, _| {
                me.say(format!("{reply:?}"))
            });
            me.kept.push(Box::new(pending));
            // Handled behind the request, before the answer.
            act(b, move |_, _| ());
        });
        let role = Role::new("b", &log).answer(move |_, ask, _| {
            act(a, |me, cx| {
                let pending = *me.kept[0].downcast_ref::<PendingRequest>().unwrap();
                me.say(cx.cancel(pending));
                act(cx.addr(), |_, cx| cx.stop());
            });
            ask.reply(8);
            Ok(())
        });
        pair(&log, a, b, role)
    });
    assert_eq!(log.all(), ["a: true"]);
    assert_eq!(played.undelivered, [("u32".to_owned(), Reason::Late)]);
}

/// It is not waited for that the limit passes.
fn a08_a_cancelled_request_leaves_no_timer(world: &mut World) {
    let log = Log::new();
    let here = world.locality();
    let (a, b) = (here.reserve(), here.reserve::<Puppet>());
    let theirs = log.clone();
    let app = world.start(&here, move || {
        group("root")
            .child(puppet("a", &theirs).at(a))
            .child(Role::new("b", &theirs).keeping().child().at(b))
    });
    act(a, move |me, cx| {
        let pending = cx.request(b, Double(1), LONG, |_, _, _| ());
        me.kept.push(Box::new(pending));
    });
    world.until(|| log.count("b: asked") == 1);
    world.until_due_in(Some(LONG));
    act(a, |me, cx| {
        let pending = *me.kept[0].downcast_ref::<PendingRequest>().unwrap();
        assert!(cx.cancel(pending));
    });
    world.until_due_in(None);
    world.shut_down(&app);
}

/// Who is to answer sees who still waits, before the work is done.
fn a08_the_responder_sees_that_a_request_is_cancelled(on: &dyn Backend) {
    cancel_in_all_ways(on, None);
}

/// Also if the asker is on another loop.
fn a08_a_responder_elsewhere_sees_that_a_request_is_cancelled(on: &dyn Backend, far: &dyn Backend) {
    cancel_in_all_ways(on, Some(far));
}

/// `b` looks at seven requests twice; in between their askers give up.
fn cancel_in_all_ways(on: &dyn Backend, far: Option<&dyn Backend>) {
    let log = Log::new();
    on.run(|here| {
        let away = far.map_or_else(|| here.clone(), |far| far.spawn("away"));
        let (a, c, d, m) = (
            here.reserve(),
            here.reserve(),
            here.reserve(),
            here.reserve(),
        );
        let (b, theirs) = (away.reserve::<Puppet>(), log.clone());
        let look = move || {
            act(b, |me: &mut Puppet, _| {
                me.asks.sort_by_key(|ask| ask.request.0);
                let looks = me
                    .asks
                    .iter()
                    .map(|ask| (ask.request.0, ask.is_cancelled()));
                let given_up: Vec<_> = looks.filter(|(_, it)| *it).map(|(n, _)| n).collect();
                me.say(format!("given up {given_up:?}"));
            });
        };
        act(a, move |me, cx| {
            let mut ask = |whom, n| cx.request(whom, Double(n), LONG, |_, _, _| ());
            let cancelled = [ask(b, 1), ask(m, 2)];
            ask(b, 3);
            me.kept.push(Box::new((cancelled, b.ask(Double(4), LONG))));
            for (asker, n) in [(c, 5), (d, 6)] {
                act(asker, move |_, cx| {
                    cx.request(b, Double(n), LONG, |_, _, _| ());
                    cx.flush();
                });
            }
        });
        when(a, (6, "b: asked"), move |_, cx| {
            look();
            cx.request(b, Double(7), ms(1), |me, answer, _| {
                me.say(format!("{answer:?}"))
            });
            when(cx.addr(), (1, "b: given up"), move |me, cx| {
                type Kept = ([PendingRequest; 2], Asking<u32>);
                let kept: Box<Kept> = me.kept.pop().unwrap().downcast().unwrap();
                let (cancelled, dropped) = *kept;
                assert!(cancelled.into_iter().all(|request| cx.cancel(request)));
                drop(dropped);
                c.stop();
                crash(d);
            });
        });
        when(a, (2, "d starts"), move |_, cx| {
            when(cx.addr(), (1, "c drops"), move |_, cx| {
                when(cx.addr(), (1, "a: Err(Timeout)"), move |_, cx| {
                    look();
                    when(cx.addr(), (2, "b: given up"), |_, cx| cx.stop());
                });
            });
        });
        let passes = Role::new("m", &log).answer(move |_, ask, _| {
            b.send(ask);
            Ok(())
        });
        let tree = stage()
            .child(group("far").on(&away, move |s| {
                s.child(Role::new("b", &theirs).keeping().child().at(b))
            }))
            .child(Role::new("c", &log).telling().child().transient().at(c))
            .child(Role::new("d", &log).telling().child().at(d));
        tree.child(passes.child().at(m))
            .child(lead("a", &log).at(a))
    });
    let looks = log.of("b: given up");
    assert_eq!(looks, ["b: given up []", "b: given up [1, 2, 4, 5, 6, 7]"]);
    assert_eq!(log.live(), 0);
}

/// The asker is gone when the answer comes.
fn r45_an_answer_after_the_end_of_the_asker_is_dropped(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let away = far.spawn("away");
        let (a, b, c) = (here.reserve(), here.reserve(), away.reserve());
        let theirs = log.clone();
        let asker = Role::new("b", &log).begin(move |me, cx| {
            if me.life == 1 {
                me.ask(cx, c, 1, LONG);
                act(cx.addr(), |_, _| panic!("gone"));
            } else {
                act(cx.addr(), move |me, cx| {
                    // One of them has the place of the old one.
                    (0..8).for_each(|_| me.ask(cx, c, 1, LONG));
                    act(c, move |me, _| {
                        me.say("answers");
                        me.asks.remove(0).reply(2);
                        act(b, move |_, _| end(a));
                    });
                });
            }
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| {
                s.child(Role::new("c", &theirs).keeping().child().at(c))
            }))
            .child(asker.child().at(b))
    });
    // The second instance of `b` does not get the answer of the first, though it waits for one.
    assert_eq!(log.all()[..9], ["c: asked"; 9]);
    assert_eq!(log.all()[9..], ["c: answers"]);
}

/// Two supervisors of one locality; the next instance of the asker waits for answers, too.
fn r46_an_answer_after_the_end_of_the_asker_is_dropped_across_supervisors(on: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let (a, b, c) = (here.reserve(), here.reserve(), here.reserve());
        let asker = Role::new("b", &log).begin(move |me, cx| {
            if me.life == 1 {
                me.ask(cx, c, 1, LONG);
            }
        });
        act(a, move |_, _| {
            b.stop();
            act(b, move |me, cx| {
                // One of them has the place of the old one.
                (0..8).for_each(|_| me.ask(cx, c, 1, LONG));
                act(c, move |me, _| {
                    me.say("answers");
                    me.asks.remove(0).reply(2);
                    act(b, move |_, _| end(a));
                });
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("one").child(Role::new("c", &log).keeping().child().at(c)))
            .child(group("two").child(asker.child().at(b)))
    });
    assert_eq!(log.all()[..9], ["c: asked"; 9]);
    assert_eq!(log.all()[9..], ["c: answers"]);
}

/// Nothing is armed after the end of the asker: what its requests keep is dropped with it, long before
/// their limits, and the answer comes to nobody.
fn r47_a_request_does_not_outlive_its_asker(on: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let (a, b, c) = (here.reserve(), here.reserve(), here.reserve());
        act(b, move |me, cx| {
            let callback = Farewell(me.log.clone(), "nothing is armed");
            cx.request(c, Double(1), LONG, move |_, _, _| drop(callback));
            me.ask(cx, c, 2, ms(2));
            cx.stop();
        });
        when(a, (1, "nothing is armed"), |_, cx| {
            later(cx, ms(10), |_, cx| cx.stop());
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(Role::new("c", &log).keeping().child().at(c))
            .child(puppet("b", &log).at(b))
    });
    let mut all = log.all();
    all.sort();
    assert_eq!(all, ["c: asked", "c: asked", "nothing is armed"]);
}

/// `r42`: a second answer does not compile, see the docs of [`Ask`]; here, both halves of a split
/// token.
fn a09_a_split_token_is_kept_and_answers_later(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve());
        ask_and_end(a, b);
        let role = Role::new("b", &log).answer(|me, ask, cx| {
            let (Double(n), token) = ask.split();
            me.say(format!("asked {n}"));
            later(cx, ms(1), move |_, _| token.send(n + 1));
            Ok(())
        });
        pair(&log, a, b, role)
    });
    assert_eq!(log.all(), ["b: asked 4", "a: Ok(5)"]);
}

/// Replies of every size, also boxed ones.
fn a07_a_reply_may_be_large(on: &dyn Backend, far: &dyn Backend) {
    struct Page;
    impl Request for Page {
        type Reply = [u64; 200];
    }
    struct Pages;
    impl Actor for Pages {}
    impl Handler<Ask<Page>> for Pages {
        fn handle(&mut self, ask: Ask<Page>, _: &mut Context<Self>) {
            ask.reply([3; 200]);
        }
    }
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, pages) = (here.reserve(), away.reserve::<Pages>());
        act(a, move |_, cx| {
            cx.request(pages, Page, LONG, |me, reply, cx| {
                me.say(reply.unwrap() == [3; 200]);
                cx.stop();
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| {
                s.child(Child::new("pages", || Pages).at(pages))
            }))
    });
    assert_eq!(log.all(), ["a: true"]);
}

fn a03_a_request_may_go_to_a_recipient(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let whom: Recipient<Ask<Double>> = b.to();
        act(a, move |_, cx| {
            cx.request_from(whom, Double(4), LONG, |me, reply, cx| {
                me.say(format!("{reply:?}"));
                cx.stop();
            });
        });
        apart(&log, a, (&away, b), |b| b)
    });
    assert_eq!(log.all(), ["a: Ok(8)"]);
}

/// `ask` outside of actors is a future for any executor.
fn a29_a_plain_thread_asks_with_a_future(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        let said = log.clone();
        std::thread::spawn(move || {
            said.put(format!("{:?}", wait(b.ask(Double(4), LONG))));
            said.put(format!("{:?}", wait(b.ask(Double(0), ms(2)))));
            said.put(wait(b.ask(Double(1), LONG)).unwrap_err().to_string());
            said.put(wait(b.ask(Double(2), LONG)).unwrap_err().to_string());
            end(a);
        });
        let role = Role::new("b", &log).answer(|me, ask, _| {
            match ask.request.0 {
                0 => me.asks.push(ask),
                1 => drop(ask),
                2 => panic!("not two"),
                n => ask.reply(2 * n),
            }
            Ok(())
        });
        pair(&log, a, b, role)
    });
    assert_eq!(
        log.all(),
        [
            "Ok(8)",
            "Err(Timeout)",
            "the request was dropped unanswered",
            "the actor ended before it answered: panicked: not two"
        ]
    );
}

/// The asker's own loop gives up while the other loop never looks at the request.
fn m04_the_limit_of_a_request_is_kept_by_the_asker(on: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let nobody = Locality::new("never opened");
        let (a, b) = (here.reserve(), nobody.reserve::<Puppet>());
        act(a, move |_, cx| {
            cx.request(b, Double(4), ms(2), move |me, reply, cx| {
                me.say(format!("{reply:?}"));
                let _ = &nobody;
                cx.stop();
            });
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: Err(Timeout)"]);
}

/// Waits for a future on a plain thread.
pub fn wait<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
    let mut future = std::pin::pin!(future);
    loop {
        let mut cx = std::task::Context::from_waker(&waker);
        match future.as_mut().poll(&mut cx) {
            std::task::Poll::Ready(output) => return output,
            std::task::Poll::Pending => std::thread::park(),
        }
    }
}

/// The limit is that of the first asker: a hop takes of it, and does not begin it anew.
fn a10_a_request_that_is_passed_on_keeps_its_limit(world: &mut World) {
    const NANO: Duration = Duration::from_nanos(1);
    let log = Log::new();
    let (here, away) = (world.locality(), world.place());
    let (a, b, c) = (here.reserve(), away.reserve(), here.reserve::<Puppet>());
    let mine = log.clone();
    let app = world.start(&here, move || {
        let theirs = mine.clone();
        group("root")
            .child(puppet("a", &mine).at(a))
            .child(Role::new("c", &mine).keeping().child().at(c))
            .child(group("far").on(&away, move |s| {
                let passes = Role::new("b", &theirs).answer(move |_, ask, cx| {
                    later(cx, ms(60), move |_, _| c.send(ask));
                    Ok(())
                });
                s.child(passes.child().at(b))
            }))
    });
    act(a, move |me, cx| me.ask(cx, b, 1, ms(100)));
    world.until_due_in(Some(ms(60)));
    world.pass(ms(60));
    world.until(|| log.count("c: asked") == 1);
    world.until_due_in(Some(ms(40)));
    world.pass(ms(40) - NANO);
    world.until_due_in(Some(NANO));
    assert_eq!(log.of("a: "), [""; 0]);
    world.pass(NANO);
    world.until(|| log.of("a: ") == ["a: Timeout"]);
    world.shut_down(&app);
}

/// Its asker learns it at once, and the observer sees the request.
fn a10_a_request_whose_next_hop_is_gone_fails_and_is_reported(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        let (a, b, c) = (here.reserve(), here.reserve(), away.reserve::<Puppet>());
        let theirs = log.clone();
        let passes = Role::new("b", &log).answer(move |_, ask, _| {
            c.send(ask);
            Ok(())
        });
        act(a, move |_, cx| {
            cx.monitor(c.address());
            end(c);
        });
        when(a, (1, "a: down"), move |_, cx| {
            cx.request(b, Double(1), LONG, |me, answer, cx| {
                me.say(matches!(answer, Err(RequestError::Ended(_))));
                cx.stop();
            });
        });
        stage()
            .child(passes.child().at(b))
            .child(group("far").on(&away, move |s| {
                s.child(puppet("c", &theirs).at(c).transient())
            }))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.of("a: "), ["a: down normal", "a: true"]);
    assert_eq!(
        played.lost(Reason::Stopped).len(),
        1,
        "{:?}",
        played.undelivered
    );
}

bodies! {
    Each: [
        m04_a_token_that_dies_with_a_failed_start_says_ended,
        r35_a_request_is_answered,
        r38_an_answer_may_be_an_error_of_its_own,
        r39_a_supervising_actor_answers_requests,
        a29_a_token_may_be_answered_by_a_plain_thread,
        s15_a_token_in_a_thread_local_is_dropped_by_the_thread_exit,
        a08_a_request_may_be_cancelled_when_its_answer_is_queued,
        a08_the_responder_sees_that_a_request_is_cancelled,
        r46_an_answer_after_the_end_of_the_asker_is_dropped_across_supervisors,
        r47_a_request_does_not_outlive_its_asker,
        a09_a_split_token_is_kept_and_answers_later,
        a29_a_plain_thread_asks_with_a_future,
        m04_the_limit_of_a_request_is_kept_by_the_asker,
    ]
    Pair: [
        a08_a_responder_elsewhere_sees_that_a_request_is_cancelled,
        a10_a_request_whose_next_hop_is_gone_fails_and_is_reported,
        e06_a_request_is_answered_from_another_locality,
        r41_a_request_may_be_made_from_an_answer,
        c_opp_10_two_requests_are_open_at_once,
        r37_a_request_fails_when_its_limit_passes,
        m04_a_request_to_an_actor_that_is_gone_fails_at_once,
        m04_a_dropped_token_tells_its_asker_at_once,
        m04_a_token_dropped_by_a_handler_that_stops_is_dropped,
        m04_a_token_that_dies_in_a_failing_handler_says_ended,
        m04_a_token_that_dies_with_its_instance_says_ended,
        m04_a_token_that_was_passed_on_outlives_its_first_holder,
        r43_a_request_may_be_sent_on
            as c_lp_11_a_request_may_be_sent_on,
        m04_a_cancelled_request_calls_nothing_back,
        r45_an_answer_after_the_end_of_the_asker_is_dropped,
        a07_a_reply_may_be_large,
        a03_a_request_may_go_to_a_recipient,
    ]
    World: [
        a08_a_cancelled_request_leaves_no_timer,
        a10_a_request_that_is_passed_on_keeps_its_limit,
    ]
}
