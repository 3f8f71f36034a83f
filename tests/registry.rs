//! Names: registered, found, and waited for.

use std::any::type_name;

use rotor_core::sim::Sim;
use rotor_core::*;

use crate::backend::{Backend, driver};
use crate::harness::bodies;
use crate::log::Log;
use crate::opening::turn_elsewhere;
use crate::puppet::*;
use crate::threads::driven;

pub const LOG: Name<Puppet> = Name::new("log");
pub const DOOR: Name<Puppet> = Name::new("door");
pub const BELL: Name<Puppet> = Name::new("bell");

/// What to do if a name is somebody else's.
pub const OTHERWISE: &str =
    ": choose another one, or have a supervisor with `own_names` above one of the two";

/// An actor of another type than all others here.
struct Other;

impl Actor for Other {}

const OTHER: Name<Other> = Name::new("log");

/// Finds a name in its start, and logs whose it is; `then` is what it does next.
pub fn finder(
    name: &'static str,
    log: &Log,
    whom: Name<Puppet>,
    then: impl Fn(&mut Puppet, Addr<Puppet>, &mut Context<Puppet>) + Clone + 'static,
) -> Child<Puppet> {
    let role = Role::new(name, log).begin(move |_, cx| {
        let then = then.clone();
        cx.find(whom.clone(), move |me, found, cx| {
            me.say("found");
            then(me, found, cx);
        });
    });
    role.child().start_limit(LONG)
}

/// Asks itself again every millisecond until `done`.
pub fn until(
    cx: &mut Context<Puppet>,
    done: impl Fn(&mut Puppet, &mut Context<Puppet>) -> bool + Send + 'static,
) {
    later(cx, ms(1), move |me, cx| {
        if !done(me, cx) {
            until(cx, done);
        }
    });
}

fn n02_a_name_is_found_from_either_locality(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let a = here.reserve();
        let theirs = log.clone();
        stage()
            .child(puppet("log", &log).named(LOG))
            .child(group("far").on(&away, move |s| {
                let finds = finder("b", &theirs, LOG, |_, log, _| log.send(Say("from afar")));
                s.child(finds).child(puppet("door", &theirs).named(DOOR))
            }))
            .child(finder("c", &log, DOOR, move |_, door, _| {
                door.send(Say("from home"));
                act(door, move |_, _| end(a));
            }))
            .child(lead("a", &log).at(a))
    });
    let mut all = log.all();
    all.sort();
    assert_eq!(
        all,
        ["b: found", "c: found", "door: from home", "log: from afar"]
    );
}

/// Found now, without waiting, and by several names.
fn n02_an_actor_may_have_several_names(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        act(a, move |_, cx| {
            assert_eq!(cx.lookup(LOG).unwrap(), b);
            assert_eq!(cx.lookup(DOOR).unwrap(), b);
            assert_eq!(
                cx.lookup(Name::<Puppet>::from("log".to_owned())).unwrap(),
                b
            );
            let missing = cx.lookup(BELL).unwrap_err();
            assert!(matches!(missing, NameError::NotFound { .. }), "{missing}");
            assert_eq!(
                missing.to_string(),
                "the name bell cannot be found: no actor that runs has declared or registered it"
            );
            cx.stop();
        });
        stage()
            .child(puppet("b", &log).at(b).named(LOG).named(DOOR))
            .child(lead("a", &log).at(a))
    });
}

/// In the spec, at run time by a child, and at run time by an actor: the error names the owner.
fn n02_a_second_owner_of_a_name_is_refused(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let away = far.spawn("away");
    let theirs = log.clone();
    let twice = on.try_run(|_| {
        stage()
            .child(puppet("b", &log).named(LOG))
            .child(group("far").on(&away, move |s| s.child(puppet("c", &theirs).named(LOG))))
    });
    let error = twice.err().expect("the name is declared twice");
    assert!(matches!(
        &error,
        StartError::Name { child, error: NameError::Taken { owner, .. } } if child == "stage/far/c" && owner == "stage/b"
    ));
    assert_eq!(
        error.to_string(),
        format!("stage/far/c cannot start: the name log belongs to stage/b{OTHERWISE}")
    );
    let child = puppet("b", &log).named(LOG).named(DOOR).named(LOG);
    let again = on.try_run(|_| stage().child(child)).err();
    assert_eq!(
        again.expect("it is said twice").to_string(),
        "stage/b is given the name log twice: leave one `named` of it out"
    );
    on.run_clean(&log, |here| {
        let a = here.reserve();
        let theirs = log.clone();
        act(a, move |me, cx| {
            let child = cx.try_child(puppet("d", &me.log).named(DOOR).named(LOG));
            let refused = child.unwrap_err().to_string();
            assert_eq!(
                refused,
                format!("stage/a/d cannot start: the name log belongs to c{OTHERWISE}")
            );
            let refused = cx.register(LOG).unwrap_err();
            assert_eq!(
                refused.to_string(),
                format!("the name log belongs to c{OTHERWISE}")
            );
            // The child that was refused has left nothing behind.
            assert!(cx.lookup(DOOR).is_err());
            cx.register(DOOR).unwrap();
            cx.register(DOOR).unwrap();
            cx.stop();
        });
        stage()
            .child(group("far").on(&away, move |s| s.child(puppet("c", &theirs).named(LOG))))
            .child(lead("a", &log).at(a))
    });
}

/// In a spec before anything starts, and wherever it is used at run time. Other texts will do: a name is
/// no part of a path.
fn n02_a_text_that_is_no_name_is_refused(on: &dyn Backend) {
    let log = Log::new();
    let why = "it must not be empty, nor have a control character in it";
    let bad = |text: &'static str| {
        let declares = puppet("b", &log).named(Name::new(text));
        let needs = puppet("b", &log).needs(Name::<Puppet>::new(text));
        for child in [declares, needs] {
            let error = on.try_run(|_| stage().child(child)).err();
            let told = format!("stage/b cannot start: {text:?} is no name: {why}");
            assert_eq!(error.expect("it is refused").to_string(), told);
        }
    };
    ["", "lo\ng", "\0", "\u{2029}"].into_iter().for_each(bad);
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, |me, cx| {
            let name = || Name::<Puppet>::from("lo\ng".to_owned());
            let refused = cx.register(name()).unwrap_err();
            assert!(matches!(refused, NameError::Bad { .. }), "{refused}");
            let child = cx.try_child(puppet("b", &me.log).named(name()));
            let refused = child.unwrap_err();
            assert!(matches!(
                &refused,
                StartError::Name {
                    error: NameError::Bad { .. },
                    ..
                }
            ));
            let path = Name::<Puppet>::new("printers/left");
            cx.register(path.clone()).unwrap();
            assert_eq!(cx.lookup(path), Ok(cx.addr()));
            cx.find_within(name(), LONG, |_, found, cx| {
                assert!(matches!(found, Err(NameError::Bad { .. })));
                cx.stop();
            });
        });
        stage().child(lead("a", &log).at(a))
    });
}

/// Kept over a restart and while the next instance starts; gone with the owner, and free again.
fn n02_a_name_stays_over_restarts_and_goes_with_its_owner(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let theirs = log.clone();
        act(a, move |_, cx| {
            let found = cx.lookup(LOG).unwrap();
            assert_eq!(found, b);
            assert_eq!(cx.lookup(DOOR).unwrap(), b);
            crash(b);
            act(b, move |me, _| {
                me.say(format!("life {}", me.life));
                act(a, move |_, cx| {
                    assert_eq!((cx.lookup(LOG), cx.lookup(DOOR)), (Ok(b), Ok(b)));
                    cx.monitor(b.address());
                    end(b);
                });
            });
            until(cx, |me, cx| {
                if me.log.count("a: down") == 0 {
                    return false;
                }
                assert!(cx.lookup(LOG).is_err());
                assert!(cx.lookup(DOOR).is_err());
                // The one that its spec keeps is not given to others; the other one is.
                assert!(matches!(cx.register(LOG), Err(NameError::Taken { .. })));
                cx.register(DOOR).unwrap();
                cx.stop();
                true
            });
        });
        stage()
            .child(group("far").on(&away, move |s| {
                let role = Role::new("b", &theirs).begin(|_, cx| cx.register(DOOR).unwrap());
                s.child(role.child().at(b).named(LOG).transient())
            }))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.of("b:"), ["b: life 2"]);
}

fn n02_a_removed_childs_name_is_free_again(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, |me, cx| {
            let b = cx.child(puppet("b", &me.log).named(LOG).temporary());
            cx.monitor(b.address());
            end(b);
            until(cx, |me, cx| {
                if me.log.count("a: down") == 0 {
                    return false;
                }
                let c = cx.child(puppet("c", &me.log).named(LOG));
                cx.find(LOG, move |me, found, cx| {
                    assert_eq!(found, c);
                    me.say("found the next one");
                    cx.stop();
                });
                true
            });
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: down normal", "a: found the next one"]);
}

/// Three names of its own: one is given back, then all go.
fn r103_names_are_given_back_one_by_one_or_all_at_the_end(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        act(a, move |_, cx| {
            assert_eq!((cx.lookup(LOG), cx.lookup(DOOR)), (Ok(b), Ok(b)));
            assert_eq!(cx.lookup(BELL), Ok(b));
            act(b, move |_, cx| {
                assert!(cx.unregister(DOOR));
                assert!(!cx.unregister(DOOR), "it is gone already");
                assert!(!cx.unregister(Name::from("never".to_owned())));
                cx.stop();
            });
            until(cx, |_, cx| {
                assert!(cx.lookup(DOOR).is_err() || cx.lookup(LOG).is_ok());
                let gone = [LOG, DOOR, BELL].map(|name| cx.lookup(name).is_err());
                if gone == [true; 3] {
                    cx.stop();
                }
                gone == [true; 3]
            });
        });
        let role = Role::new("b", &log).begin(|_, cx| {
            for name in [LOG, DOOR, BELL] {
                cx.register(name).unwrap();
            }
        });
        stage()
            .child(role.child().at(b).transient())
            .child(lead("a", &log).at(a))
    });
}

/// A wait that is over before the name comes: by its limit, by a cancel, with its instance.
fn r103_a_wait_ends_by_its_limit_by_a_cancel_or_with_its_instance(
    on: &dyn Backend,
    far: &dyn Backend,
) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b, c) = (here.reserve(), away.reserve(), here.reserve::<Puppet>());
        let theirs = log.clone();
        let waits = |me: &mut Puppet, cx: &mut Context<Puppet>| {
            let life = me.life;
            let key = cx.find(LOG, |_, _, _| panic!("it was cancelled"));
            assert!(cx.cancel(key));
            assert!(!cx.cancel(key), "it is gone already");
            cx.find_within(LOG, ms(1), move |me, found, cx| {
                me.say(format!("life {life}: {}", found.unwrap_err()));
                if life == 1 {
                    // Never seen by the second instance.
                    cx.find(LOG, |me, _, _| me.say("of the first life"));
                    cx.fail(Error::message("next"));
                }
            });
        };
        act(a, move |_, cx| {
            until(cx, move |me, _| {
                let done = me.log.count("b: life 2") > 0;
                if done {
                    act(c, |_, cx| cx.register(LOG).unwrap());
                    act(b, move |_, cx| {
                        cx.find(LOG, move |me, found, _| {
                            assert_eq!(found, c);
                            me.say("found");
                            end(a);
                        });
                    });
                }
                done
            });
        });
        stage()
            .child(puppet("c", &log).at(c))
            .child(group("far").on(&away, move |s| {
                s.child(Role::new("b", &theirs).begin(waits).child().at(b))
            }))
            .child(lead("a", &log).at(a))
    });
    let missing = "the name log cannot be found: no actor that runs has declared or registered it";
    assert_eq!(
        log.all(),
        [
            format!("b: life 1: {missing}"),
            format!("b: life 2: {missing}"),
            "b: found".to_owned()
        ]
    );
}

/// Delayed discovery: the start is over when the name is there and the closure has run.
fn n03_a_start_waits_for_a_name(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let theirs = log.clone();
        act(b, |_, cx| {
            later(cx, ms(2), |me, cx| {
                me.log.put("b registers");
                cx.register(LOG).unwrap();
            });
        });
        let last = Role::new("d", &log).begin(move |me, _| {
            me.log.put("d starts");
            end(a);
        });
        stage()
            .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b))))
            .child(finder("c", &log, LOG, |_, _, _| ()))
            .child(last.child())
            .child(lead("a", &log).at(a))
    });
    let mut all = log.all();
    all.retain(|line| !line.starts_with("b:"));
    assert_eq!(all, ["b registers", "c: found", "d starts"]);
}

/// Several wait, on both localities; each is told once.
fn n03_everybody_who_waits_for_a_name_is_told(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, c) = (here.reserve(), away.reserve::<Puppet>());
        let theirs = log.clone();
        let wait = |_: &mut Puppet, cx: &mut Context<Puppet>| {
            for _ in 0..3 {
                cx.find(LOG, |me, _, _| me.say("found"));
            }
        };
        act(a, wait);
        act(c, move |me, cx| {
            wait(me, cx);
            act(a, |me, cx| {
                cx.child(puppet("log", &me.log).named(LOG));
                until(cx, |me, cx| {
                    let done = me.log.all().len() == 6;
                    if done {
                        cx.stop();
                    }
                    done
                });
            });
        });
        stage()
            .child(group("far").on(&away, move |s| s.child(puppet("c", &theirs).at(c))))
            .child(lead("a", &log).at(a))
    });
    assert_eq!((log.count("a: found"), log.count("c: found")), (3, 3));
}

/// What does not hold a start does not.
fn n03_a_wait_with_a_limit_does_not_keep_a_start_open(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        let role = Role::new("b", &log).begin(move |me, cx| {
            me.log.put("b starts");
            cx.find_within(LOG, LONG, move |me, found, _| {
                me.say(format!("found: {}", found.is_ok()));
                end(a);
            });
        });
        let last = Role::new("c", &log).begin(|me, cx| {
            me.log.put("c starts");
            cx.register(LOG).unwrap();
        });
        stage()
            .child(role.child())
            .child(last.child())
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["b starts", "c starts", "b: found: true"]);
}

/// A name that never comes: the start fails at its limit, which says what it waited for.
fn r104_a_start_that_finds_nothing_fails_with_its_limit(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|_| {
        let away = far.spawn("away");
        let theirs = log.clone();
        let tree = Supervisor::one_for_one("root").child(puppet("x", &log));
        tree.child(group("far").on(&away, move |s| {
            s.child(finder("b", &theirs, LOG, |_, _, _| unreachable!()).start_limit(ms(3)))
        }))
    });
    assert_eq!(
        chain(&played.exit),
        "shutdown < far: shutdown < b: timed out: the start of root/far/b took longer than its start limit of 3ms; held by \
         name log, which no child declares where it looks: is `.named(..)` missing?"
    );
    assert_eq!(log.live(), 0);
}

/// The wrong type is an error value wherever a name is found; the start of who insists fails.
fn s23_a_name_of_another_type_is_an_error_and_no_cast(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let (other, mine) = (type_name::<Other>(), type_name::<Puppet>());
    let why = "the `Name` has to be of its type";
    let text = format!("the actor of the name log is a {other}, not a {mine}: {why}");
    let expected = text.clone();
    on.run(|here| {
        let away = far.spawn("away");
        let a = here.reserve();
        act(a, move |me, cx| {
            let error = cx.lookup(LOG).unwrap_err();
            assert!(matches!(error, NameError::WrongType { .. }));
            assert_eq!(error.to_string(), text);
            assert!(cx.lookup(OTHER).is_ok());
            cx.find_within(LOG, LONG, move |me, found, _| {
                assert_eq!(found.unwrap_err(), error);
                me.say("told");
            });
            // One that is not there yet.
            cx.find_within(BELL, LONG, |me, found, _| {
                assert!(matches!(found, Err(NameError::WrongType { .. })));
                me.say("told");
            });
            cx.child(Child::new("bell", || Other).named(Name::new("bell")));
            let b = finder("b", &me.log, LOG, |_, _, _| unreachable!());
            let b = cx.child(b.temporary());
            cx.monitor(b.address());
            until(cx, |me, cx| {
                let done = me.log.all().len() == 3;
                if done {
                    cx.stop();
                }
                done
            });
        });
        stage()
            .child(group("far").on(&away, |s| {
                s.child(Child::new("other", || Other).named(OTHER))
            }))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.count("a: told"), 2);
    assert_eq!(log.of("a: down"), [format!("a: down failed: {expected}")]);
}

/// Another tree's names are found through its handle; the same names in one's own are others.
fn e18_names_belong_to_their_tree(on: &dyn Backend) {
    let (log, theirs) = (Log::new(), Log::new());
    let mine = theirs.clone();
    let (app, thread) = driven(move |_| {
        let ready = Role::new("d", &mine).begin(|me, _| me.log.put("ready"));
        group("other")
            .child(puppet("far log", &mine).named(LOG))
            .child(ready.child())
    });
    theirs.wait_for("ready");
    let other = app.clone();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        let role = Role::new("c", &log).begin(move |_, cx| {
            let far = cx.lookup(LOG.of(&other)).unwrap();
            assert_eq!(other.lookup(LOG), Ok(far));
            assert_eq!(cx.lookup(LOG), Ok(b));
            // Registered over there; waited for by a start.
            let other = other.clone();
            act(far, |_, cx| cx.register(DOOR).unwrap());
            cx.find(DOOR.of(&other), move |_, found, cx| {
                assert_eq!(found, far);
                assert!(cx.lookup(DOOR).is_err());
                cx.register(BELL.of(&other)).unwrap();
                assert_eq!(other.lookup(BELL), Ok(cx.addr()));
                end(a);
            });
        });
        stage()
            .child(puppet("log", &log).at(b).named(LOG))
            .child(role.child())
            .child(lead("a", &log).at(a))
    });
    assert!(app.lookup(BELL).is_err(), "its owner's tree has ended");
    app.shutdown();
    let _ = thread.join().unwrap();
    assert!(matches!(app.lookup(LOG), Err(NameError::TreeEnded { .. })));
}

/// The other tree ends: who waits for a name of it is told.
fn e18_a_wait_for_a_name_of_a_tree_that_ends_is_an_error(on: &dyn Backend) {
    let log = Log::new();
    let (app, thread) = driven(move |_| group("other"));
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, move |_, cx| {
            let other = app.clone();
            cx.find_within(LOG.of(&app), LONG, move |me, found, cx| {
                me.say(found.unwrap_err());
                me.say(cx.lookup(LOG.of(&other)).unwrap_err());
                cx.stop();
            });
            app.shutdown();
        });
        stage().child(lead("a", &log).at(a))
    });
    let _ = thread.join().unwrap();
    assert_eq!(
        log.all(),
        ["a: the name log can neither be found nor registered: its tree has ended"; 2]
    );
}

/// Names of a lost loop are gone at once, and there again when it is opened by another one.
fn m11_names_of_a_lost_locality_come_back_with_it(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let (here, away) = (sim.locality("home"), sim.locality("away"));
    let (a, b) = (here.reserve(), away.reserve());
    let theirs = log.clone();
    let tree = Supervisor::one_for_one("root")
        .intensity(1_000, ms(60_000))
        .child(group("far").on(&away, move |s| {
            s.child(puppet("b", &theirs).at(b).named(LOG))
        }))
        .child(puppet("a", &log).at(a));
    let app = sim.start(tree).unwrap();
    sim.run_until_idle();
    let look = |sim: &mut Sim| {
        act(a, |me, cx| me.say(format!("{}", cx.lookup(LOG).is_ok())));
        sim.run_until_idle();
    };
    look(&mut sim);
    assert_eq!(app.lookup(LOG), Ok(b));
    sim.lose(&away);
    assert!(app.lookup(LOG).is_err());
    act(a, |me, cx| {
        me.say(format!("{}", cx.lookup(LOG).is_ok()));
        cx.find(LOG, |me, _, _| me.say("found again"));
    });
    while log.all().len() < 2 {
        assert!(sim.step());
    }
    sim.open(away.clone());
    sim.run_until_idle();
    look(&mut sim);
    assert_eq!(app.lookup(LOG), Ok(b));
    let all = log.of("a");
    assert_eq!(all, ["a: true", "a: false", "a: found again", "a: true"]);
}

/// A loop that is turned on another thread is lost, and what it had leaks; its names do not.
fn m11_names_of_a_loop_that_is_turned_elsewhere_are_gone(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    sim.locality("home");
    let away = Locality::new("away");
    let driver = driver();
    driver.open(&away).unwrap();
    let b = away.reserve();
    let theirs = log.clone();
    let tree = Supervisor::one_for_one("root").child(group("far").on(&away, move |s| {
        s.child(puppet("b", &theirs).at(b).named(LOG))
    }));
    let app = sim.start(tree).unwrap();
    for _ in 0..3 {
        sim.run_until_idle();
        driver.run_until_idle();
    }
    assert_eq!(app.lookup(LOG), Ok(b));
    turn_elsewhere(driver);
    assert!(app.lookup(LOG).is_err());
}

/// Nobody waits any more on a loop that is lost, and the name is not held up by it.
fn m11_a_lost_locality_waits_for_no_name(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let (here, away) = (sim.locality("home"), sim.locality("away"));
    let (a, b) = (here.reserve(), away.reserve());
    let theirs = log.clone();
    let far = group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b)));
    let tree = Supervisor::one_for_one("root")
        .intensity(1_000, ms(60_000))
        .child(far)
        .child(puppet("a", &log).at(a));
    sim.start(tree).unwrap();
    act(b, |_, cx| drop(cx.find(LOG, |me, _, _| me.say("found"))));
    sim.run_until_idle();
    sim.lose(&away);
    sim.open(away.clone());
    sim.run_until_idle();
    act(a, |_, cx| cx.register(LOG).unwrap());
    sim.run_until_idle();
    act(b, |me, cx| me.say(format!("{}", cx.lookup(LOG).is_ok())));
    sim.run_until_idle();
    assert_eq!(log.all(), ["b: true"]);
}

bodies! {
    Each: [
        n02_an_actor_may_have_several_names,
        n02_a_text_that_is_no_name_is_refused,
        n02_a_removed_childs_name_is_free_again,
        r103_names_are_given_back_one_by_one_or_all_at_the_end,
        n03_a_wait_with_a_limit_does_not_keep_a_start_open,
        e18_names_belong_to_their_tree,
        e18_a_wait_for_a_name_of_a_tree_that_ends_is_an_error,
    ]
    Pair: [
        n02_a_name_is_found_from_either_locality,
        n02_a_second_owner_of_a_name_is_refused,
        n02_a_name_stays_over_restarts_and_goes_with_its_owner,
        r103_a_wait_ends_by_its_limit_by_a_cancel_or_with_its_instance,
        n03_a_start_waits_for_a_name,
        n03_everybody_who_waits_for_a_name_is_told,
        r104_a_start_that_finds_nothing_fails_with_its_limit,
        s23_a_name_of_another_type_is_an_error_and_no_cast
            as n04_a_name_of_another_type_is_an_error_and_no_cast,
    ]
    Sim: [
        m11_names_of_a_lost_locality_come_back_with_it,
        m11_names_of_a_loop_that_is_turned_elsewhere_are_gone,
        m11_a_lost_locality_waits_for_no_name,
    ]
}
