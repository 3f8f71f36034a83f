//! Two localities: placement, force, loss, and what travels between them.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use rotor_core::*;

use crate::backend::{Backend, Bell, driver};
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;
use crate::world::World;

/// A child supervisor shares its parent's locality unless it is placed elsewhere.
fn e07_a_supervisor_shares_the_locality_of_its_parent(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let a = here.reserve();
        let (theirs, placed, home) = (log.clone(), away.clone(), here.clone());
        let at = move |name, log: &Log, place: Locality| {
            Role::new(name, log).begin(move |me, cx| {
                assert_eq!(*cx.locality(), place);
                me.log
                    .put(format!("{} {:?}", me.name, std::thread::current().id()));
            })
        };
        let far_group = group("far").on(&away, move |s| {
            let inner = group("inner").child(at("x", &theirs, placed.clone()).child());
            s.child(inner)
                .child(at("y", &theirs, placed.clone()).child())
        });
        end(a);
        stage()
            .child(group("one").child(at("b", &log, home.clone()).child()))
            .child(group("two").child(group("three").child(at("c", &log, home).child())))
            .child(far_group)
            .child(lead("a", &log).at(a))
    });
    let thread = |name| log.of(name)[0].split_once(' ').unwrap().1.to_owned();
    assert_eq!(thread("b "), thread("c "));
    assert_eq!(thread("x "), thread("y "));
    assert_ne!(thread("b "), thread("x "));
}

/// A loop has one thread: all that is handled there is handled on it, also what a thread outside has
/// sent, and has had done later, once and again and again.
fn c_so_22_all_is_handled_on_the_thread_of_the_loop(on: &dyn Backend) {
    fn note(me: &Puppet, what: &str) {
        let thread = std::thread::current().id();
        me.log.put(format!("{what} {thread:?}"));
    }
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        std::thread::spawn(move || {
            act(b, |me, _| note(me, "message"));
            act(b, |_, cx| {
                later(cx, ms(1), |me, _| note(me, "delayed"));
                let tick = |me: &mut Puppet, _: &mut Context<Puppet>| note(me, "periodic");
                cx.every(ms(1), Again(Rc::new(tick)));
                cx.spawn(std::future::ready(()), |me, (), _| note(me, "output"));
            });
            assert_eq!(b.ask_blocking(Double(1), LONG).unwrap(), 2);
            when(a, (3, "periodic"), |_, cx| {
                when(cx.addr(), (1, "delayed"), |_, cx| cx.stop());
            });
        });
        let role = Role::new("b", &log)
            .begin(|me, _| note(me, "start"))
            .answer(|me, ask, _| {
                note(me, "request");
                ask.reply(2);
                Ok(())
            })
            .stop(|me, _, _| note(me, "stop"));
        stage()
            .child(group("other").child(role.child().at(b)))
            .child(lead("a", &log).at(a))
    });
    let (mut whats, here) = (
        BTreeSet::new(),
        format!("{:?}", std::thread::current().id()),
    );
    for line in log.all() {
        let (what, thread) = line.split_once(' ').unwrap();
        assert_eq!(thread, here, "{what}");
        whats.insert(what.to_owned());
    }
    let all = [
        "delayed", "message", "output", "periodic", "request", "start", "stop",
    ];
    assert!(whats.iter().eq(&all), "{whats:?}");
}

/// Placed on the locality that it would be on anyway.
fn e07_placing_a_subtree_on_its_own_locality_changes_nothing(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        let mine = log.clone();
        b.send(Say("reached"));
        act(b, move |_, _| end(a));
        stage()
            .child(lead("a", &log).at(a))
            .child(group("same").on(here, move |s| s.child(puppet("b", &mine).at(b))))
    });
    assert_eq!(log.all(), ["b: reached"]);
}

/// Two subtrees on one other locality, and a subtree of theirs back on the first.
fn e06_a_tree_may_go_to_and_fro_between_loops(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b, c) = (
            here.reserve(),
            here.reserve::<Puppet>(),
            away.reserve::<Puppet>(),
        );
        let (home, one, two) = (here.clone(), log.clone(), log.clone());
        act(a, move |_, _| {
            act(c, move |me, _| {
                me.say("far");
                act(b, move |me, _| {
                    me.say("back home");
                    end(a);
                });
            });
        });
        stage()
            .child(group("out").on(&away, move |s| {
                let log = one.clone();
                s.child(group("back").on(&home, move |s| s.child(puppet("b", &log).at(b))))
            }))
            .child(group("out too").on(&away, move |s| s.child(puppet("c", &two).at(c))))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["c: far", "b: back home"]);
}

/// Each hand of the matrix at once: send, request, monitor, stop, publish.
fn e06_send_request_monitor_and_stop_cross_loops(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let (theirs, topic) = (log.clone(), away.topic());
        act(a, move |_, cx| {
            cx.monitor(b.address());
            b.send(Say("sent"));
            topic.publish(Say("published"));
            cx.request(b, Double(3), LONG, move |me, reply, _| {
                me.say(format!("{reply:?}"));
                b.stop();
            });
        });
        when(a, (1, "a: down"), |_, cx| cx.stop());
        stage()
            .child(group("far").on(&away, move |s| {
                let role = Role::new("b", &theirs).begin(move |_, cx| cx.subscribe(topic));
                s.child(role.child().at(b).transient())
            }))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(
        log.all(),
        ["b: sent", "b: published", "a: Ok(6)", "a: down shutdown"]
    );
}

/// The other side gets it while this handler still runs.
fn m18_a_flush_hands_over_at_once(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let theirs = log.clone();
        act(a, move |me, cx| {
            b.send(Say("flushed"));
            cx.flush();
            me.log.wait_for("b: flushed");
            b.send(Say("before blocking work"));
            let log = me.log.clone();
            cx.blocking(move || log.wait_for("b: before blocking work"));
            cx.stop();
        });
        stage()
            .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b))))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["b: flushed", "b: before blocking work"]);
}

/// Sixteen KiB are handed over without a flush.
fn m18_a_full_outbox_is_handed_over(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let theirs = log.clone();
        act(a, move |me, cx| {
            b.send(Say("first"));
            for n in 0..4000 {
                b.send(Num(n));
            }
            me.log.wait_for("b: first");
            cx.stop();
        });
        stage()
            .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b))))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.of("b: ")[0], "b: first");
}

/// A handler that is running may finish, and its sends count; nothing else reaches that instance;
/// the next one starts behind its removal.
fn m10_a_disowned_child_is_removed_before_any_further_message(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let away = far.spawn("away");
        let (a, b, c) = (
            here.reserve(),
            away.reserve::<Puppet>(),
            here.reserve::<Puppet>(),
        );
        let (theirs, watch) = (log.clone(), log.clone());
        std::thread::spawn(move || {
            watch.wait_for("at work");
            crash(c);
            // The pass stops the far group, loses patience with it and tells it to go.
            watch.wait_for("patience is over");
            watch.put("go");
        });
        // The last to start, so everything is up by then.
        let first = Role::new("c", &log).telling().begin(move |me, _| {
            if me.life > 1 {
                return;
            }
            act(b, move |me, _| {
                me.log.put("at work");
                me.log.wait_for("go");
                act(a, |me, _| me.say("the last word counts"));
                me.say("finishes");
            });
            act(b, |me, _| me.say(format!("queued, life {}", me.life)));
            act(b, move |_, _| act(a, |_, cx| cx.stop()));
        });
        let patient = Role::new("a", &log).begin(|_, cx| {
            // The same loop counts the limit, which begins no later.
            when(cx.addr(), (1, "c drops"), |_, cx| {
                later(cx, ms(3), |me, _| me.log.put("patience is over"));
            });
        });
        let all = Supervisor::one_for_all("all")
            .intensity(5, ms(60_000))
            .child(group("far").stop_limit(ms(2)).on(&away, move |s| {
                s.child(Role::new("b", &theirs).telling().child().at(b))
            }))
            .child(first.child().at(c));
        stage()
            .child(patient.child().at(a).transient().significant())
            .child(all)
    });
    let b: Vec<String> = log.of("b");
    assert_eq!(
        b[..5],
        [
            "b starts",
            "b: finishes",
            "b drops",
            "b starts",
            "b: queued, life 2"
        ],
        "{:?}",
        log.all()
    );
    assert_eq!(log.count("a: the last word counts"), 1);
}

/// It stays stuck: its starts have a limit, they count, and the supervisor gives up without it.
fn m10_a_loop_that_stays_stuck_makes_its_supervisor_give_up(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        let (a, b, c) = (here.reserve(), away.reserve::<Puppet>(), here.reserve());
        let (theirs, watch) = (log.clone(), log.clone());
        std::thread::spawn(move || {
            watch.wait_for("at work");
            crash(c);
            watch.wait_for("d drops");
            watch.put("go");
        });
        let first = Role::new("c", &log).begin(move |_, _| {
            act(b, |me, _| {
                me.log.put("at work");
                me.log.wait_for("go");
            });
        });
        let stuck = Supervisor::one_for_one("far")
            .start_limit(ms(150))
            .stop_limit(ms(2));
        let stuck = stuck.on(&away, move |s| s.child(tells("b", &theirs).at(b)));
        let all = Supervisor::one_for_all("all").intensity(1, LONG);
        let all = all.child(stuck).child(first.child().at(c));
        let mid = Supervisor::one_for_one("mid")
            .intensity(0, LONG)
            .temporary();
        when(a, (1, "d drops"), |_, cx| cx.stop());
        stage()
            .child(lead("a", &log).at(a))
            .child(mid.child(tells("d", &log)).child(all))
    });
    let late = |exit: &String| exit.starts_with("all: shutdown < far: timed out: the start of");
    assert!(played.exits.iter().any(late), "{:?}", played.exits);
    assert_eq!(log.of("b"), ["b starts", "b drops"], "{:?}", log.all());
}

/// A kill of one's own parent, from a handler: exact, but not before the handler has returned.
fn s08_a_handler_may_kill_itself_and_its_supervisor(on: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let (a, b, c) = (here.reserve(), here.reserve(), here.reserve());
        let mine = log.clone();
        let mother = Role::new("b", &log).telling().begin(move |me, cx| {
            if me.life > 1 {
                return end(a);
            }
            let b = cx.addr();
            cx.child(Role::new("c", &mine).telling().child().at(c));
            act(c, move |me, cx| {
                b.address().kill();
                cx.addr().address().kill();
                // Still there.
                me.life += 1;
                me.say(format!("lives {}", me.life));
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(mother.child().at(b))
    });
    // Children first, no hooks.
    assert_eq!(
        log.all()[..6],
        [
            "b starts",
            "c starts",
            "c: lives 2",
            "c drops",
            "b drops",
            "b starts"
        ]
    );
}

/// Its own stop is done when it has returned.
fn s08_a_handler_goes_on_after_its_own_stop(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, |me, cx| {
            cx.stop();
            cx.addr().stop();
            me.say("goes on");
        });
        let role = Role::new("a", &log).telling();
        stage().child(role.child().at(a).transient().significant())
    });
    assert_eq!(
        log.all(),
        ["a starts", "a: goes on", "a stops: normal", "a drops"]
    );
}

/// A loop on a thread of its own that can be killed.
struct Doomed {
    locality: Locality,
    die: Arc<AtomicBool>,
    bell: Arc<Bell>,
    thread: std::thread::JoinHandle<()>,
}

impl Doomed {
    /// Opens a locality on a new thread, with a tree of its own if there is one.
    fn open(locality: Locality, tree: Option<Box<dyn FnOnce() -> Supervisor + Send>>) -> Self {
        let (die, bell) = (Arc::new(AtomicBool::new(false)), Arc::new(Bell::default()));
        let theirs = (locality.clone(), die.clone(), bell.clone());
        let opened = Arc::new(Bell::default());
        let told = opened.clone();
        let thread = std::thread::spawn(move || {
            let (locality, die, bell) = theirs;
            let driver = Driver::new(bell.clone(), Clock::real());
            driver.open(&locality).expect("not open elsewhere");
            let _app = tree.map(|tree| driver.start(tree()).expect("a sound tree"));
            told.wake();
            loop {
                match driver.run_until_idle() {
                    _ if die.load(Ordering::SeqCst) => break,
                    Turn::Done(_) => break,
                    Turn::Park(until) => bell.wait(until),
                    turn => unreachable!("{turn:?}"),
                }
            }
        });
        opened.wait(None);
        Doomed {
            locality,
            die,
            bell,
            thread,
        }
    }

    /// Its driver is dropped, as if the thread had unwound.
    fn kill(self) -> Locality {
        self.die.store(true, Ordering::SeqCst);
        self.bell.wake();
        self.thread.join().unwrap();
        self.locality
    }
}

/// Exit, Down and request failure come from our own tables.
fn m11_the_loss_of_a_loop_is_an_exit_a_down_and_a_failed_request(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let doomed = Doomed::open(Locality::new("doomed"), None);
        let away = doomed.locality.clone();
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let (theirs, watch) = (log.clone(), log.clone());
        act(a, move |me, cx| {
            cx.monitor(b.address());
            me.ask(cx, b, 1, LONG);
        });
        std::thread::spawn(move || {
            watch.wait_for("b: asked");
            doomed.kill();
        });
        when(a, (2, "a:"), |_, cx| cx.stop());
        stage().child(lead("a", &log).at(a)).child(
            Supervisor::one_for_one("strict")
                .intensity(2, ms(60_000))
                .temporary()
                .child(group("far").on(&away, move |s| {
                    s.child(Role::new("b", &theirs).keeping().child().at(b))
                })),
        )
    });
    let said = log.of("a:");
    assert!(
        said.contains(&"a: down locality doomed was lost".to_owned()),
        "{said:?}"
    );
    assert!(
        said.iter()
            .any(|line| line.contains("Ended") && line.contains("Lost")),
        "{said:?}"
    );
    assert!(
        played
            .exits
            .iter()
            .any(|exit| { exit.starts_with("strict: shutdown < far: locality doomed was lost") }),
        "{:?}",
        played.exits
    );
    assert_eq!(log.live(), 0);
}

/// Opened by another loop, the children are started again, at their addresses.
fn m11_a_lost_locality_may_be_opened_by_a_new_loop(on: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let doomed = Doomed::open(Locality::new("doomed"), None);
        let away = doomed.locality.clone();
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let (theirs, watch) = (log.clone(), log.clone());
        b.send(Say("first loop"));
        std::thread::spawn(move || {
            watch.wait_for("b: first loop");
            let away = doomed.kill();
            watch.put("killed");
            let doomed = Doomed::open(away, None);
            watch.wait_for("second start");
            b.send(Say("second loop"));
            act(b, move |_, _| end(a));
            watch.wait_for("over");
            doomed.kill();
        });
        let role = Role::new("a", &log).stop(|me, _, _| me.log.put("over"));
        let far = group("far").on(&away, move |s| {
            let role = Role::new("b", &theirs).begin(|me, _| {
                if me.log.count("killed") > 0 {
                    me.log.put("second start");
                }
            });
            s.child(role.child().at(b))
        });
        stage()
            .child(role.child().at(a).transient().significant())
            .child(
                Supervisor::one_for_one("patient")
                    .intensity(1_000_000, ms(60_000))
                    .child(far),
            )
    });
    assert_eq!(log.of("b"), ["b: first loop", "b: second loop"]);
}

/// Notes the ends of instances.
#[derive(Default)]
pub struct Ends(Mutex<Vec<String>>);

impl Ends {
    /// `name: exit` of each, in order.
    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Those since it was asked last.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Observer for Ends {
    fn exited(&self, _: Address, name: &str, exit: &Exit) {
        let text = format!("{name}: {}", chain(exit));
        self.0.lock().unwrap().push(text);
    }
}

/// Whatever drives it, those elsewhere learn what they have lost with a loop, and go on.
fn m11_any_loop_may_be_lost_to_those_elsewhere(world: &mut World) {
    let (log, ends) = (Log::new(), Arc::new(Ends::default()));
    let (here, away) = (world.locality(), world.mortal());
    world.start(&away, || Supervisor::one_for_one("place"));
    let (a, b) = (here.reserve(), away.reserve::<Puppet>());
    let (mine, place, observer) = (log.clone(), away.clone(), ends.clone());
    let app = world.start(&here, move || {
        let theirs = mine.clone();
        let far = group("far").on(&place, move |s| {
            s.child(Role::new("b", &theirs).keeping().child().at(b))
        });
        let strict = Supervisor::one_for_one("strict").intensity(2, LONG);
        let tree = group("root").child(puppet("a", &mine).at(a));
        tree.child(strict.temporary().child(far)).observer(observer)
    });
    act(a, move |me, cx| {
        cx.monitor(b.address());
        me.ask(cx, b, 1, LONG);
    });
    world.until(|| log.count("b: asked") == 1);
    world.lose(&away);
    let is_over = |end: &String| end.starts_with("strict: ");
    world.until(|| log.count("a: ") == 2 && ends.all().iter().any(is_over));
    let lost = format!("locality {} was lost", away.name());
    let mut said = log.of("a: ");
    said.sort();
    assert_eq!(said[0][..9], *"a: Ended(", "{said:?}");
    assert!(said[0].contains("Lost("), "{said:?}");
    assert_eq!(said[1], format!("a: down {lost}"));
    let strict = format!("strict: shutdown < far: {lost}");
    let told = ends.all();
    assert!(told.iter().any(|end| end.starts_with(&strict)), "{told:?}");
    assert_eq!(log.live(), 1, "b has gone with its loop");
    world.shut_down(&app);
}

/// Whatever has driven it, the next one drives it on: its part of the tree, at its addresses.
fn m11_the_locality_of_any_lost_loop_may_be_opened_again(world: &mut World) {
    let log = Log::new();
    let (here, away) = (world.locality(), world.mortal());
    world.start(&away, || Supervisor::one_for_one("place"));
    let (a, b) = (here.reserve(), away.reserve::<Puppet>());
    let (mine, place) = (log.clone(), away.clone());
    let app = world.start(&here, move || {
        let theirs = mine.clone();
        let far = group("far").on(&place, move |s| s.child(puppet("b", &theirs).at(b)));
        let far = far.backoff(Backoff::fixed(ms(5)));
        group("root").child(puppet("a", &mine).at(a)).child(far)
    });
    b.send(Say("first loop"));
    world.until(|| log.count("b: ") == 1);
    world.lose(&away);
    world.until_due_in(Some(ms(5)));
    world.reopen(&away);
    b.send(Say("next loop"));
    world.pass(ms(5));
    world.until(|| log.count("b: ") == 2);
    assert_eq!(log.all(), ["b: first loop", "b: next loop"]);
    act(a, move |me, cx| me.ask(cx, b, 1, LONG));
    world.until(|| log.count("a: got 2") == 1);
    world.shut_down(&app);
    assert_eq!(log.live(), 0);
}

/// Whatever has driven their parent, they end with its loop, in order.
fn m11_the_orphans_of_any_lost_loop_shut_themselves_down(world: &mut World) {
    let log = Log::new();
    let (home, away) = (world.mortal(), world.place());
    let (theirs, ends) = (log.clone(), Arc::new(Ends::default()));
    let observer = ends.clone();
    let app = world.start(&home, move || {
        group("root")
            .observer(observer)
            .child(group("far").on(&away, move |s| {
                s.child(Role::new("b", &theirs).telling().child())
            }))
    });
    world.until(|| log.count("b starts") == 1);
    world.lose(&home);
    world.until(|| log.count("b drops") == 1);
    let lost = format!("locality {} was lost", home.name());
    assert_eq!(log.all(), ["b starts", "b stops: shutdown", "b drops"]);
    let far = format!("far: {lost}");
    world.until(|| ends.all().contains(&far));
    let exit = world.end(&app);
    assert_eq!(exit.reason().to_string(), lost);
}

/// A restart is ordered for one life of a locality and arrives in the next one, whose own restart
/// follows: the subtree is built once.
fn m11_a_restart_that_arrives_in_a_later_life_is_built_once(on: &dyn Backend) {
    let log = Log::new();
    let doomed = Doomed::open(Locality::new("doomed"), None);
    let away = doomed.locality.clone();
    let place = Arc::new(Mutex::new(Some(doomed)));
    let reopen = |place: &Mutex<Option<Doomed>>| {
        let mut place = place.lock().unwrap();
        let doomed = place.take().expect("open");
        *place = Some(Doomed::open(doomed.kill(), None));
    };
    let (here_too, told) = (place.clone(), log.clone());
    on.run(move |here| {
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let theirs = log.clone();
        // Two handlers in one slice, and between them the news of the first loss: what it makes the
        // supervisor order is handed over at the end of the slice only.
        let storm = Role::new("storm", &log).begin(move |_, _| {
            let (first, second) = (here_too.clone(), here_too.clone());
            act(a, move |_, cx| {
                reopen(&first);
                act(cx.addr(), move |_, _| {
                    reopen(&second);
                    act(b, move |me, _| {
                        me.log.put("b is back");
                        end(a);
                    });
                });
            });
        });
        let far = group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b)));
        stage()
            .child(lead("a", &log).at(a))
            .child(far)
            .child(storm.child().temporary())
    });
    place.lock().unwrap().take().expect("open").kill();
    assert_eq!(told.all(), ["b is back"]);
    assert_eq!(told.live(), 0);
}

/// The parent's loop is lost: its far children shut themselves down, reason `Lost`.
fn m11_orphans_shut_themselves_down(far: &dyn Backend) {
    struct Exits(Log);
    impl Observer for Exits {
        fn exited(&self, _: Address, name: &str, exit: &Exit) {
            self.0.put(format!("{name} exits: {}", exit.reason()));
        }
    }
    let log = Log::new();
    let away = far.spawn("away");
    let (theirs, place) = (log.clone(), away.clone());
    let doomed = Doomed::open(
        Locality::new("home"),
        Some(Box::new(move || {
            let observer = Arc::new(Exits(theirs.clone()));
            let far = group("far").on(&place, move |s| {
                s.child(Role::new("b", &theirs).telling().child())
            });
            group("root").observer(observer).child(far)
        })),
    );
    log.wait_for("b starts");
    doomed.kill();
    drop(away);
    log.wait_for("far exits: locality home was lost");
    let b_ends = [
        "b starts",
        "b stops: shutdown",
        "b drops",
        "b exits: shutdown",
    ];
    assert_eq!(log.of("b "), b_ends);
}

/// A thread loop ends when nothing is placed on it any more, and `run` has joined it.
fn m23_a_spawned_loop_ends_with_the_tree_that_used_it(on: &dyn Backend, far: &dyn Backend) {
    struct AtExit(Log);
    impl Drop for AtExit {
        fn drop(&mut self) {
            self.0.put("the thread ends");
        }
    }
    thread_local! {
        static AT_EXIT: std::cell::RefCell<Option<AtExit>> = const { std::cell::RefCell::new(None) };
    }
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let a = here.reserve();
        let theirs = log.clone();
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| {
                let role = Role::new("b", &theirs).begin(move |me, _| {
                    let mark = AtExit(me.log.clone());
                    AT_EXIT.with(|at| *at.borrow_mut() = Some(mark));
                    end(a);
                });
                s.child(role.child())
            }))
    });
    assert_eq!(log.all(), ["the thread ends"]);
}

/// A locality that nobody uses: its thread ends with its last handle.
fn m23_a_spawned_loop_that_is_never_used_ends(far: &dyn Backend) {
    let log = Log::new();
    let away = far.spawn("away");
    let b = away.reserve::<Puppet>();
    let said = log.clone();
    let asking = b.ask(Double(1), LONG);
    std::thread::spawn(move || said.put(format!("{:?}", crate::requests::wait(asking))));
    drop(away);
    // The question is refused when the loop ends.
    log.wait_for("Err(Gone)");
}

/// A loop that a tree failed to start on, is not kept for ever.
fn m23_a_failed_start_lets_the_loops_of_the_tree_end(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let away = far.spawn("away");
    let b = away.reserve::<Puppet>();
    let theirs = log.clone();
    let refused = on.try_run(|_| {
        stage()
            .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b))))
            .child(puppet("x", &log))
            .child(puppet("x", &log))
    });
    assert!(refused.is_err());
    let said = log.clone();
    let asking = b.ask(Double(1), LONG);
    std::thread::spawn(move || said.put(format!("{:?}", crate::requests::wait(asking))));
    drop(away);
    log.wait_for("Err(Gone)");
}

/// Loops further down end with their tree, also if what would have placed something on them was never built,
/// and the program keeps handles of them.
fn m23_spawned_loops_below_what_was_not_built_end(on: &dyn Backend, far: &dyn Backend) {
    for panics in [false, true] {
        let log = Log::new();
        let (middle, away) = (far.spawn("middle"), far.spawn("away"));
        let kept = away.clone();
        let played = on.run(|_| {
            let (theirs, checked) = (log.clone(), std::cell::Cell::new(false));
            let build = move |s: Supervisor| {
                assert!(!(panics && checked.replace(true)), "as told");
                let log = theirs.clone();
                s.child(group("deep").on(&away, move |s| s.child(puppet("b", &log))))
            };
            let first = Role::new("a", &log).start(move |_, _| match panics {
                false => Err(Error::message("as told")),
                true => Ok(()),
            });
            let first = first.child().temporary();
            stage().child(first).child(group("far").on(&middle, build))
        });
        assert!(played.exit.is_failure(), "{}", chain(&played.exit));
        drop(kept);
    }
}

/// The same goes for a child that is added, and cannot be: its loop ends with its start, and nobody waits
/// for one on which nothing was ever placed.
fn m23_a_child_that_cannot_be_added_keeps_no_loop(on: &dyn Backend, far: &dyn Backend) {
    const MINE: Name<Puppet> = Name::new("mine");
    for named in [false, true] {
        let log = Log::new();
        let (middle, away) = (far.spawn("middle"), far.spawn("away"));
        let (b, kept) = (away.reserve::<Puppet>(), away.clone());
        on.run(|here| {
            let (a, theirs) = (here.reserve(), log.clone());
            let build = move || {
                let first = Role::new("x", &theirs).start(|_, _| Err(Error::message("as told")));
                let first = first.child();
                let first = if named { first.named(MINE) } else { first };
                let deep = move |s: Supervisor| {
                    let log = theirs.clone();
                    s.child(group("deep").on(&away, move |s| s.child(puppet("b", &log).at(b))))
                };
                group("new")
                    .child(first)
                    .child(group("far").on(&middle, deep))
            };
            act(a, move |_, cx| {
                let root = cx.supervisor().expect("it has one").admin();
                let script = async move {
                    let asked = root.ask(StartChild::new(build), LONG).await;
                    // What waits there is refused when the loop ends.
                    let gone =
                        async || matches!(b.ask(Double(1), LONG).await, Err(RequestError::Gone));
                    (matches!(asked, Ok(Err(_))), named || gone().await)
                };
                cx.spawn(script, |me, said, cx| {
                    me.say(format!("{said:?}"));
                    cx.stop();
                });
            });
            stage().child(lead("a", &log).at(a).named(MINE))
        });
        assert_eq!(log.all(), ["a: (true, true)"]);
        drop(kept);
    }
}

/// Senders on many threads while the locality ends: none hangs, every token is answered.
fn s16_senders_and_the_end_of_a_locality_race_without_loss(on: &dyn Backend) {
    let log = Log::new();
    let (mut threads, mut keep) = (Vec::new(), Vec::new());
    on.run(|here| {
        keep.push(here.clone()); // or another tree might get its gate while the threads still ask
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        for _ in 0..4 {
            threads.push(std::thread::spawn(move || {
                let mut answers = 0;
                for n in 0..200 {
                    // Each ends, one way or the other.
                    answers += u32::from(crate::requests::wait(b.ask(Double(n), LONG)).is_ok());
                }
                answers
            }));
        }
        let role = Role::new("b", &log).answer(move |me, ask, _| {
            me.life += 1;
            ask.reply(0);
            if me.life == 100 {
                end(a);
            }
            Ok(())
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(role.child().at(b))
    });
    let answers: u32 = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .sum();
    assert!(answers >= 99, "{answers}");
}

/// After the turn, in order, on this thread; what it sends takes the local lane and wakes.
fn m24_deferred_closures_run_after_the_turn_in_order(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, move |me, cx| {
            let thread = std::thread::current().id();
            for n in 0..3 {
                let log = me.log.clone();
                cx.defer_to_host(move || {
                    assert_eq!(std::thread::current().id(), thread);
                    log.put(format!("deferred {n}"));
                    if n == 2 {
                        a.send_local(Say("from the host")).unwrap();
                        end(a);
                    }
                });
            }
            me.say("over");
            cx.addr().send(Say("in the same turn"));
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(
        log.all(),
        [
            "a: over",
            "a: in the same turn",
            "deferred 0",
            "deferred 1",
            "deferred 2",
            "a: from the host"
        ]
    );
}

/// By what it publishes in its start, and by the state of its address.
fn r70_each_start_of_an_actor_elsewhere_can_be_observed(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let news = here.topic();
        let theirs = log.clone();
        let watcher = Role::new("a", &log).begin(move |me, cx| {
            cx.subscribe(news);
            me.say(format!("{:?}", b.address().state()));
        });
        stage()
            .child(watcher.child().at(a).transient().significant())
            .child(group("far").on(&away, move |s| {
                let role = Role::new("b", &theirs).begin(move |me, _| {
                    news.publish(Num(me.life));
                    match me.life {
                        1 => crash(b),
                        _ => act(b, move |_, _| {
                            act(a, move |me, cx| {
                                me.say(format!("{:?}", b.address().state()));
                                cx.stop();
                            });
                        }),
                    }
                });
                s.child(role.child().at(b))
            }))
    });
    assert_eq!(log.all(), ["a: Waiting", "a: 1", "a: 2", "a: Running"]);
}

/// And by the observer of the tree, as an event in the life of that actor.
fn r70_the_starts_of_an_actor_elsewhere_are_told(on: &dyn Backend, far: &dyn Backend) {
    #[derive(Default)]
    struct Starts(Mutex<Vec<(Address, String, u64)>>);
    impl Observer for Starts {
        fn started(&self, who: Address, name: &str, instance: u64) {
            let start = (who, name.to_owned(), instance);
            self.0.lock().unwrap().push(start);
        }
    }
    let (log, starts, mut at) = (Log::new(), Arc::new(Starts::default()), None);
    let exit = on.run_tree(&mut |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve());
        at = Some(b.address());
        let theirs = log.clone();
        crash(b);
        crash(b);
        act(b, move |_, _| end(a));
        stage()
            .observer(starts.clone())
            .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b))))
            .child(lead("a", &log).at(a))
    });
    assert!(!exit.expect("a sound tree").is_failure());
    let starts = starts.0.lock().unwrap();
    let of_b: Vec<_> = starts.iter().filter(|(_, name, _)| name == "b").collect();
    assert!(of_b.iter().all(|(who, ..)| Some(*who) == at), "{of_b:?}");
    let instances: BTreeSet<_> = of_b.iter().map(|(.., instance)| *instance).collect();
    assert_eq!((of_b.len(), instances.len()), (3, 3), "{of_b:?}");
}

/// The turn in which the tree ends is over only behind what was deferred in it.
fn m24_what_is_deferred_in_the_last_turn_is_done(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, |me, cx| {
            let log = me.log.clone();
            cx.defer_to_host(move || log.put("deferred"));
            cx.stop();
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["deferred"]);
}

/// A spawned loop that is not made is a lost one: a tree does not wait for it in its start.
fn m11_a_loop_that_is_not_made_is_a_lost_one(on: &dyn Backend) {
    type Make = fn(Locality) -> std::io::Result<()>;
    let never: [Make; 3] = [
        |_| Err(std::io::Error::other("no more files")),
        |_| panic!("while it is made"),
        |_| Ok(()),
    ];
    for make in never {
        let log = Log::new();
        let (told, wait) = mpsc::channel();
        let away = Locality::spawn("away", move |locality| {
            wait.recv().expect("by the actor");
            make(locality)
        });
        let away = away.expect("a thread can be started");
        let b = away.reserve();
        let played = on.run(|_| {
            let theirs = log.clone();
            let first = Role::new("a", &log).begin(move |_, _| {
                b.send(Say("too early"));
                told.send(()).expect("it waits");
            });
            let far = group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b)));
            stage().child(first.child().temporary()).child(far)
        });
        let root = played.exit.root_cause();
        assert!(
            matches!(root.reason(), ExitReason::Lost(_)),
            "{}",
            chain(&played.exit)
        );
        assert_eq!(played.lost(Reason::Closed), ["Say"]);
        assert!(b.try_send(Say("late")).is_err());
    }
}

/// A name is for people; what a thread can be called is not asked of it.
fn m23_a_locality_may_have_a_name_that_no_thread_can_have(on: &dyn Backend) {
    assert_eq!(on.spawn("a\0b").name(), "a\\u{0}b");
}

/// Somebody may still place something there: its handle is out.
fn m23_a_spawned_loop_waits_for_its_first_use(_: u64) {
    let (driver, locality) = (driver(), Locality::new("far"));
    driver.open(&locality).unwrap();
    driver.host();
    assert!(matches!(driver.run_until_idle(), Turn::Park(None)));
    drop(locality);
    assert!(matches!(driver.run_until_idle(), Turn::Done(_)));
}

/// The loop between it and the root is lost: what is built there anew places something on it again.
fn m23_a_spawned_loop_waits_for_what_is_above_it_to_be_built_again(_: u64) {
    let (log, clock) = (Log::new(), Clock::manual());
    let [home, middle, away] = ["home", "middle", "away"].map(Locality::new);
    let open = |locality: &Locality| {
        let driver = Driver::new(Arc::new(Bell::default()), clock.clone());
        driver.open(locality).expect("nobody drives it");
        driver
    };
    // How many are done then.
    let turn = |drivers: &[&Driver]| {
        let turns = (0..10).flat_map(|_| drivers.iter().map(|driver| driver.run_until_idle()));
        turns.filter(|turn| matches!(turn, Turn::Done(_))).count()
    };
    let (root, mut between, far) = (open(&home), open(&middle), open(&away));
    far.host();
    let b = away.reserve::<Puppet>();
    let build = move |s: Supervisor| {
        let log = log.clone();
        s.child(group("deep").on(&away, move |s| s.child(puppet("b", &log).at(b))))
    };
    let sub = group("far").backoff(Backoff::fixed(ms(5)));
    let app = root.start(group("root").child(sub.on(&middle, build)));
    let app = app.expect("a sound tree");
    for _ in 0..3 {
        clock.advance(ms(5));
        turn(&[&root, &between, &far]);
        assert_eq!(b.address().state(), Lifecycle::Running);
        drop(between);
        assert_eq!(turn(&[&root, &far]), 0);
        between = open(&middle);
    }
    clock.advance(ms(5));
    turn(&[&root, &between, &far]);
    app.shutdown();
    assert_eq!(turn(&[&root, &between, &far]), 2);
}

/// What was placed there has gone while no loop could be told.
fn m23_a_loop_that_comes_after_the_end_of_the_tree_ends(_: u64) {
    for hosts in [false, true] {
        let [home, away] = ["home", "away"].map(Locality::new);
        let [root, far] = [&home, &away].map(|locality| {
            let driver = driver();
            driver.open(locality).unwrap();
            driver
        });
        if hosts {
            far.host();
        }
        let app = root.start(group("root").child(group("far").on(&away, |s| s)));
        drop(far);
        app.unwrap().shutdown();
        assert!(matches!(root.run_until_idle(), Turn::Done(_)));
        let next = driver();
        next.open(&away).unwrap();
        next.host();
        assert!(matches!(next.run_until_idle(), Turn::Done(_)));
    }
}

bodies! {
    Sim: [
        m23_a_spawned_loop_waits_for_its_first_use,
        m23_a_loop_that_comes_after_the_end_of_the_tree_ends,
        m23_a_spawned_loop_waits_for_what_is_above_it_to_be_built_again,
    ]
    Each: [
        m11_a_loop_that_is_not_made_is_a_lost_one,
        m23_a_locality_may_have_a_name_that_no_thread_can_have,
        e07_placing_a_subtree_on_its_own_locality_changes_nothing,
        c_so_22_all_is_handled_on_the_thread_of_the_loop,
        s08_a_handler_may_kill_itself_and_its_supervisor,
        s08_a_handler_goes_on_after_its_own_stop,
        m11_the_loss_of_a_loop_is_an_exit_a_down_and_a_failed_request,
        m11_a_lost_locality_may_be_opened_by_a_new_loop,
        m11_a_restart_that_arrives_in_a_later_life_is_built_once,
        m11_orphans_shut_themselves_down,
        m23_a_spawned_loop_that_is_never_used_ends,
        s16_senders_and_the_end_of_a_locality_race_without_loss,
        m24_deferred_closures_run_after_the_turn_in_order,
        m24_what_is_deferred_in_the_last_turn_is_done,
    ]
    World: [
        m11_any_loop_may_be_lost_to_those_elsewhere,
        m11_the_locality_of_any_lost_loop_may_be_opened_again,
        m11_the_orphans_of_any_lost_loop_shut_themselves_down,
    ]
    Pair: [
        e07_a_supervisor_shares_the_locality_of_its_parent,
        e06_a_tree_may_go_to_and_fro_between_loops,
        e06_send_request_monitor_and_stop_cross_loops,
        m18_a_flush_hands_over_at_once,
        m18_a_full_outbox_is_handed_over,
        m10_a_disowned_child_is_removed_before_any_further_message,
        m10_a_loop_that_stays_stuck_makes_its_supervisor_give_up,
        m23_a_spawned_loop_ends_with_the_tree_that_used_it,
        m23_a_failed_start_lets_the_loops_of_the_tree_end,
        m23_spawned_loops_below_what_was_not_built_end,
        m23_a_child_that_cannot_be_added_keeps_no_loop,
        r70_each_start_of_an_actor_elsewhere_can_be_observed,
        r70_the_starts_of_an_actor_elsewhere_are_told,
    ]
}
