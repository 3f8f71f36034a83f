//! Beginnings and ends, as rotor's own tests tell them.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::thread::{ThreadId, current};
use std::time::Duration;

use rotor_core::sim::Sim;
use rotor_core::*;

use crate::backend::{Backend, Bell, drive};
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;
use crate::registry::DOOR;
use crate::world::World;

/// Takes two holds, and drops the second one first.
fn hold_twice(me: &mut Puppet, cx: &mut Context<Puppet>) {
    let (one, two) = (cx.hold("one"), cx.hold("two"));
    me.log.put("b holds");
    later(cx, ms(1), move |me, cx| {
        drop(two);
        me.log.put("one is left");
        later(cx, ms(1), move |me, _| {
            me.log.put("none is left");
            drop(one);
        });
    });
}

/// Two hooks that vote: here, two holds.
fn r1_a_start_and_a_stop_wait_for_every_hold(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        let b = Role::new("b", &log)
            .telling()
            .begin(hold_twice)
            .stop(|me, _, cx| hold_twice(me, cx));
        end(a);
        stage()
            .child(Role::new("x", &log).telling().child())
            .child(b.child())
            .child(Role::new("y", &log).telling().child())
            .child(lead("a", &log).at(a))
    });
    assert_eq!(
        log.all(),
        [
            "x starts",
            "b starts",
            "b holds",
            "one is left",
            "none is left",
            "y starts",
            "y stops: shutdown < a: normal",
            "y drops",
            "b stops: shutdown < a: normal",
            "b holds",
            "one is left",
            "none is left",
            "b drops",
            "x stops: shutdown < a: normal",
            "x drops"
        ]
    );
}

/// Neither stalls, and neither hook runs twice.
fn r33_a_hold_may_be_dropped_in_the_hook_that_took_it(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        let b = Role::new("b", &log)
            .telling()
            .begin(|_, cx| {
                let one = cx.hold("one");
                drop(cx.hold("two"));
                drop(one);
            })
            .stop(|_, _, cx| drop(cx.hold("three")));
        end(a);
        stage().child(b.child()).child(lead("a", &log).at(a))
    });
    assert_eq!(
        log.all(),
        ["b starts", "b stops: shutdown < a: normal", "b drops"]
    );
}

/// Each option does the same, whatever stands before it.
fn r3_the_order_of_a_specs_options_does_not_matter(on: &dyn Backend) {
    type Option = fn(Child<Puppet>, Addr<Puppet>) -> Child<Puppet>;
    const OPTIONS: [Option; 4] = [
        |child, at| child.at(at),
        |child, _| child.capacity(2),
        |child, _| child.transient(),
        |child, _| child.start_limit(ms(2)),
    ];
    const NAMES: [&str; 4] = ["b", "c", "d", "e"];
    let log = Log::new();
    let played = on.run(|here| {
        let a = here.reserve();
        let mut tree = stage().child(lead("a", &log).at(a));
        for (first, name) in NAMES.into_iter().enumerate() {
            let b = here.reserve();
            let role = Role::new(name, &log).begin(move |me, cx| {
                me.log.put(format!("life {} of {name}", me.life));
                match me.life {
                    1 => crash(b),
                    2 => {
                        (0..3).for_each(|n| b.send(Num(n)));
                        std::mem::forget(cx.hold("longer than its limit"));
                    }
                    _ => drop(later(cx, ms(1), move |_, cx| {
                        cx.stop();
                        act(a, |me, _| me.say("one is done"));
                    })),
                }
            });
            let options = OPTIONS.iter().cycle().skip(first).take(OPTIONS.len());
            tree = tree.child(options.fold(role.child(), |child, option| option(child, b)));
        }
        when(a, (NAMES.len(), "a: one is done"), |_, cx| cx.stop());
        tree
    });
    for name in NAMES {
        let handled = [format!("{name}: 0"), format!("{name}: 1")];
        assert_eq!(log.of(&format!("{name}: ")), handled);
        assert_eq!(log.count(&format!("life 3 of {name}")), 1);
    }
    assert_eq!(log.count("life "), 3 * NAMES.len());
    assert_eq!(played.lost(Reason::Full), ["Num"; 4]);
}

/// Whatever was started until then is stopped, and nothing is left.
fn r13_a_tree_may_be_told_to_stop_before_its_first_turn(far: &dyn Backend) {
    let log = Log::new();
    let bell = Arc::new(Bell::default());
    let driver = Driver::new(bell.clone(), Clock::real());
    let here = Locality::new("here");
    driver.open(&here).unwrap();
    let away = far.spawn("away");
    let theirs = log.clone();
    let tells = |name, log: &Log| Role::new(name, log).telling().child();
    let tree = group("root")
        .child(tells("a", &log))
        .child(group("far").on(&away, move |s| s.child(tells("b", &theirs))))
        .child(tells("c", &log));
    drop(away);
    let app = driver.start(tree).unwrap();
    app.shutdown();
    assert_eq!(drive(&driver, &bell).to_string(), "shutdown");
    drop(driver);
    assert_eq!(app.wait().unwrap().to_string(), "shutdown");
    let all = log.all();
    for name in ["a", "b", "c"] {
        let count = |what: &str| {
            let line = format!("{name} {what}");
            all.iter().filter(|l| l.starts_with(&line)).count()
        };
        assert_eq!(count("starts"), count("stops"), "{all:?}");
        assert_eq!(count("starts"), count("drops"), "{all:?}");
    }
    assert_eq!(log.live(), 0);
}

/// The first instance of such a child is started, because its supervisor wants that, and is then
/// told to stop.
fn r13_a_child_may_be_told_to_stop_before_it_has_started(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let theirs = log.clone();
        b.stop();
        act(a, move |me, cx| {
            let c = cx.child(puppet("c", &me.log).transient());
            c.stop();
            cx.monitor(c.address());
            cx.monitor(b.address());
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| {
                s.child(puppet("b", &theirs).at(b).transient())
            }))
    });
    // Which of them is first, and whether `far` ends between them, is for the loops to say.
    for ended in ["b: shutdown", "c: shutdown"] {
        let times = played.exits.iter().filter(|exit| *exit == ended).count();
        assert_eq!(times, 1, "{ended} in {:?}", played.exits);
    }
    // That of `b` is a start that failed, in order.
    assert_eq!(
        chain(&played.exit),
        "shutdown < far: shutdown < b: shutdown"
    );
}

/// Somebody else's wish does not change what the supervisor wants of a child that it stops.
fn m01_a_stop_from_outside_joins_that_of_a_restart(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b, c) = (here.reserve(), here.reserve(), here.reserve());
        // Stopped because `c` has crashed; while it holds its stop, it is told to stop once more.
        let role = Role::new("b", &log).stop(move |me, _, cx| {
            if me.life == 1 {
                let hold = cx.hold("until then");
                b.send(Say("parked"));
                act(b, move |_, _| end(a));
                b.stop();
                later(cx, ms(1), move |_, _| drop(hold));
            }
        });
        act(a, move |_, _| crash(c));
        let all = Supervisor::one_for_all("all")
            .child(role.child().at(b).transient())
            .child(puppet("c", &log).at(c));
        stage().child(lead("a", &log).at(a)).child(all)
    });
    assert_eq!(log.all(), ["b: parked"]);
}

/// Twice by address, and once more by its own supervisor. No timer is left, of it or its child.
fn r27_a_double_stop_of_a_supervisor_is_one_stop(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        let mine = log.clone();
        let mother = Role::new("b", &log)
            .telling()
            .begin(move |me, cx| {
                let timer = Farewell(me.log.clone(), "no timer of b");
                later(cx, LONG, move |_, _| drop(timer));
                let child = Role::new("c", &mine).telling().begin(|me, cx| {
                    let timer = Farewell(me.log.clone(), "no timer of c");
                    later(cx, LONG, move |_, _| drop(timer));
                });
                cx.child(child.child());
            })
            .stop(move |_, _, cx| {
                // Still at it when its supervisor wants to stop it, too.
                let hold = cx.hold("until then");
                end(a);
                later(cx, ms(2), move |me, _| {
                    me.log.put("b closes");
                    drop(hold);
                });
                b.stop();
            });
        act(a, move |_, _| {
            b.stop();
            b.stop();
        });
        stage()
            .child(mother.child().at(b).transient())
            .child(lead("a", &log).at(a))
    });
    assert_eq!(
        log.all(),
        [
            "b starts",
            "c starts",
            "b stops: shutdown",
            "b closes",
            "c stops: shutdown",
            "c drops",
            "no timer of c",
            "b drops",
            "no timer of b"
        ]
    );
}

/// The child is up, and its parent goes; nobody fails.
fn r123_a_child_may_stop_its_parent_as_soon_as_it_has_started(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run_clean(&log, |here| {
        let b = here.reserve::<Puppet>();
        let mine = log.clone();
        let mother = Role::new("b", &log).telling().begin(move |_, cx| {
            let child = Role::new("c", &mine).telling().begin(move |_, _| b.stop());
            cx.child(child.child());
        });
        stage().child(mother.child().at(b).transient().significant())
    });
    assert_eq!(
        log.all(),
        [
            "b starts",
            "c starts",
            "b stops: shutdown",
            "c stops: shutdown",
            "c drops",
            "b drops"
        ]
    );
    assert_eq!(
        played.exits,
        [
            "c: shutdown",
            "b: shutdown",
            "stage: shutdown < b: shutdown"
        ]
    );
}

/// Parent and child on two localities: the end of the one is the end of the other.
fn r115_an_end_goes_up_and_down_between_localities(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let theirs = log.clone();
        let _ = here;
        stage().child(Role::new("x", &log).telling().child()).child(
            stage_of("far")
                .transient()
                .significant()
                .on(&away, move |s| {
                    let b = Role::new("b", &theirs).telling().begin(|_, cx| cx.stop());
                    s.child(Role::new("y", &theirs).telling().child())
                        .child(b.child().transient().significant())
                }),
        )
    });
    assert_eq!(
        log.all(),
        [
            "x starts",
            "y starts",
            "b starts",
            "b stops: normal",
            "b drops",
            "y stops: shutdown < b: normal",
            "y drops",
            "x stops: shutdown < far: shutdown < b: normal",
            "x drops"
        ]
    );
    assert_eq!(played.exit.root_cause().to_string(), "normal");
}

/// Again and again, told by a thread that is neither: whoever is first, nothing is left.
fn r116_both_sides_may_stop_at_the_same_time(on: &dyn Backend, far: &dyn Backend) {
    for _ in 0..10 {
        let log = Log::new();
        on.run_clean(&log, |here| {
            let away = far.spawn("away");
            let (a, b) = (here.reserve::<Puppet>(), away.reserve::<Puppet>());
            let (theirs, watch) = (log.clone(), log.clone());
            std::thread::spawn(move || {
                watch.wait_for("up");
                b.stop();
                a.stop();
            });
            let a = Role::new("a", &log)
                .begin(|me, _| me.log.put("up"))
                .child()
                .at(a);
            stage()
                .child(
                    stage_of("far")
                        .transient()
                        .significant()
                        .on(&away, move |s| {
                            s.child(puppet("b", &theirs).at(b).transient().significant())
                        }),
                )
                .child(a.transient().significant())
        });
    }
}

/// A supervisor that ends with its significant children.
fn stage_of(name: &'static str) -> Supervisor {
    group(name).auto_shutdown(AutoShutdown::Any)
}

/// All of it in one handler of one loop, which blocks for nobody.
fn c_lp_15_a_handler_may_start_stop_and_await_another_actor(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, |me, cx| {
            let b = cx.child(Role::new("b", &me.log).telling().child().temporary());
            cx.monitor(b.address());
            let answer = b.ask(Double(4), LONG);
            cx.spawn(answer, move |me, answer, cx| {
                me.say(format!("{answer:?}"));
                b.stop();
                when(cx.addr(), (1, "a: down"), |_, cx| cx.stop());
            });
            me.say("goes on");
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(
        log.all(),
        [
            "a: goes on",
            "b starts",
            "a: Ok(8)",
            "b stops: shutdown",
            "b drops",
            "a: down shutdown"
        ]
    );
}

/// The owner drops its guards: the children end in that order, and do not come back; nor does one that
/// crashes. The owner lives on, and takes those that are left with it when it crashes.
fn l27_a_child_ends_with_its_guard(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, owner) = (here.reserve(), away.reserve());
        let theirs = log.clone();
        act(owner, |me, cx| {
            let mut own = |name| {
                let child = cx.own(Role::new(name, &me.log).telling().child());
                let at = child.addr();
                me.kept.push(Box::new(child));
                at
            };
            let (_, _, z) = (own("x"), own("y"), own("z"));
            crash(z);
            when(cx.addr(), (1, "z drops"), |me, cx| {
                me.kept.clear();
                when(cx.addr(), (1, "y drops"), |me, cx| {
                    me.say("lives on");
                    let last = cx.own(Role::new("w", &me.log).telling().child());
                    me.kept.push(Box::new(last));
                    when(cx.addr(), (1, "w starts"), |_, cx| crash(cx.addr()));
                });
            });
        });
        when(a, (2, "owner starts"), |_, cx| cx.stop());
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| {
                let owner = Role::new("owner", &theirs).telling().child().at(owner);
                s.child(owner)
            }))
    });
    let all = log.all();
    let mut ends: Vec<_> = all.iter().map(String::as_str).collect();
    ends.retain(|line| line.ends_with("drops") || line.ends_with("lives on"));
    let expected = [
        "z drops",
        "x drops",
        "y drops",
        "owner: lives on",
        "owner drops",
        "w drops",
        "owner drops",
    ];
    assert_eq!(ends, expected, "{all:?}");
    assert_eq!(log.count("x starts") + log.count("z starts"), 2);
}

/// What an actor sends itself in its start has its place behind what has waited for it, and ahead of
/// what its locality sends it afterwards, whether the start is held open or not.
fn l01_what_is_sent_to_oneself_in_the_start_comes_before_later_messages(on: &dyn Backend) {
    for held in [false, true] {
        let log = Log::new();
        on.run_clean(&log, |here| {
            let (a, b) = (here.reserve(), here.reserve::<Puppet>());
            b.send(Say("before"));
            let role = Role::new("b", &log).begin(move |_, cx| {
                cx.addr().send(Say("to myself"));
                let hold = held.then(|| cx.hold("the others"));
                act(a, move |_, _| {
                    b.send(Say("afterwards"));
                    act(a, move |_, _| {
                        drop(hold);
                        act(b, move |_, _| end(a));
                    });
                });
            });
            stage()
                .child(lead("a", &log).at(a))
                .child(role.child().at(b))
        });
        let all = ["before", "to myself", "afterwards"];
        assert_eq!(log.all(), all.map(|text| format!("b: {text}")));
    }
}

/// What must come before any message, whoever has sent it and when: own results, with a hold.
fn l01_results_of_a_start_that_is_held_come_before_any_message(
    on: &dyn Backend,
    far: &dyn Backend,
) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, away) = (here.reserve(), far.spawn("away"));
        let (b, theirs) = (away.reserve::<Puppet>(), log.clone());
        b.send(Num(0));
        act(a, move |_, cx| {
            for n in 1..100 {
                b.send(Num(n));
            }
            cx.flush();
            act(b, move |_, _| end(a));
        });
        let role = move |log: &Log| {
            Role::new("b", log).begin(move |_, cx| {
                let hold = cx.hold("what comes first");
                cx.spawn(async {}, |me, (), cx| {
                    me.say("first");
                    later(cx, ms(2), |me, _| {
                        me.say("second");
                        drop(hold);
                    });
                });
            })
        };
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| s.child(role(&theirs).child().at(b))))
    });
    let all = log.all();
    assert_eq!(all[..2], ["b: first", "b: second"]);
    let rest: Vec<_> = (0..100).map(|n| format!("b: {n}")).collect();
    assert_eq!(all[2..], rest);
}

/// Where each actor has been.
#[derive(Default)]
struct Lives(Mutex<HashMap<Address, Vec<Lifecycle>>>);

impl Observer for Lives {
    fn changed(&self, who: Address, _: &str, state: Lifecycle) {
        self.0.lock().unwrap().entry(who).or_default().push(state);
    }
}

/// What happened, by the thread on which it was told.
struct Events {
    all: Log,
    by_thread: Mutex<HashMap<ThreadId, Vec<String>>>,
}

impl Events {
    fn note(&self, text: String) {
        let mut events = self.by_thread.lock().unwrap();
        let here = events.entry(current().id()).or_default();
        here.push(text.clone());
        self.all.put(text);
    }
}

impl Observer for Events {
    fn changed(&self, _: Address, name: &str, state: Lifecycle) {
        if state == Lifecycle::Initialized {
            self.note(format!("{name} is initialized"));
        }
    }
    fn restarted(&self, _: Address, name: &str, nth: u32) {
        self.note(format!("{name} restarts, {nth}"));
    }
    fn started(&self, _: Address, name: &str, _: u64) {
        self.note(format!("{name} started"));
    }
    fn start_failed(&self, _: Address, name: &str, exit: &Exit) {
        self.note(format!("{name} cannot start: {}", chain(exit)));
    }
    fn start_ignored(&self, _: Address, name: &str) {
        self.note(format!("{name} is not wanted"));
    }
    fn registered(&self, _: Address, name: &str) {
        self.note(format!("name {name}"));
    }
    fn linked(&self, client: Address, service: Address) {
        assert_ne!(client, service);
        self.note("linked".to_owned());
    }
    fn gave_up(&self, _: Address, name: &str, _: Address, child: &str) {
        self.note(format!("{name} gives up because of {child}"));
    }
    fn escalated(&self, _: Address, name: &str, _: Address, child: &str) {
        self.note(format!("{name} escalates because of {child}"));
    }
    fn auto_shutdown(&self, _: Address, name: &str) {
        self.note(format!("{name} has done its work"));
    }
    fn exited(&self, _: Address, name: &str, exit: &Exit) {
        self.note(format!("{name} ended: {}", chain(exit)));
    }
}

/// A whole run as its events: those of each locality, in the order in which they happened there.
fn o09_the_events_of_a_run_are_told_in_order_by_each_locality(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let events = Arc::new(Events {
        all: log.clone(),
        by_thread: Mutex::default(),
    });
    let exit = on.run_tree(&mut |here| {
        let away = far.spawn("away");
        let (a, x, y) = (here.reserve(), away.reserve(), away.reserve());
        let theirs = log.clone();
        when(a, (1, "far started"), move |_, cx| {
            crash(x);
            when(cx.addr(), (2, "y started"), move |_, cx| {
                crash(y);
                when(cx.addr(), (3, "y started"), |_, cx| cx.stop());
            });
        });
        let group = group("far").on(&away, move |s| {
            let twice = Cell::new(0);
            let nervous = Role::new("y", &theirs).start(move |_, _| {
                twice.set(twice.get() + 1);
                if twice.get() == 3 {
                    return Err(Error::message("not yet"));
                }
                Ok(())
            });
            let pair = Supervisor::one_for_all("pair").intensity(5, LONG);
            let pair = pair.synchronize_start();
            let pair = pair.child(puppet("x", &theirs).at(x).named(DOOR));
            s.child(pair.child(nervous.child().at(y).needs(DOOR)))
        });
        stage()
            .observer(events.clone())
            .child(Child::new("none", || None::<Puppet>))
            .child(group)
            .child(lead("a", &log).at(a))
    });
    assert!(!exit.unwrap().is_failure());
    let mut all = std::mem::take(&mut *events.by_thread.lock().unwrap());
    let home = all.remove(&current().id()).unwrap();
    let away: Vec<_> = all.into_values().collect();
    let at_home = [
        "none is not wanted",
        "a started",
        "stage started",
        "a ended: normal",
        "stage has done its work",
        "stage ended: shutdown < a: normal",
    ];
    assert_eq!(home, at_home);
    let elsewhere = [
        "x is initialized",
        "name door",
        "linked",
        "y is initialized",
        "x started",
        "y started",
        "pair started",
        "far started",
        "x ended: panicked: as told",
        "y ended: failed: the service stage/far/pair/x ended: panicked: as told",
        "x restarts, 1",
        "x started",
        "y restarts, 1",
        "linked",
        "y started",
        "y ended: panicked: as told",
        "x ended: shutdown",
        "x restarts, 2",
        "x started",
        "y restarts, 2",
        "y cannot start: failed: not yet",
        "x ended: shutdown",
        "x restarts, 3",
        "x started",
        "y restarts, 3",
        "linked",
        "y started",
        "y ended: shutdown < a: normal",
        "x ended: shutdown < a: normal",
        "pair ended: shutdown < a: normal",
        "far ended: shutdown < a: normal",
    ];
    assert_eq!(away, [elsewhere]);
}

/// The hooks of each instance, and its drop.
type Hooks = Arc<Mutex<Vec<Vec<&'static str>>>>;

/// What an instance tells them.
struct Told(usize, Hooks);

impl Told {
    fn new(hooks: &Hooks) -> Self {
        let mut all = hooks.lock().unwrap();
        all.push(vec!["start"]);
        Told(all.len() - 1, hooks.clone())
    }

    fn put(&self, hook: &'static str) {
        self.1.lock().unwrap()[self.0].push(hook);
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.put("drop");
    }
}

/// What may come after what.
fn follows(before: Option<Lifecycle>, state: Lifecycle) -> bool {
    use Lifecycle::*;
    let after: &[Lifecycle] = match before {
        None => &[Starting, Gone],
        Some(Waiting) => &[Starting, Down, Gone],
        Some(Starting) => &[Initialized, Running, Stopping, Waiting, Down],
        Some(Initialized) => &[Running, Stopping, Waiting, Down],
        Some(Running) => &[Stopping, Waiting, Down],
        Some(Stopping) => &[Waiting, Down],
        Some(Down) => &[Starting, Gone],
        _ => &[],
    };
    after.contains(&state)
}

/// Property, over random events: transitions go forward, and each is observed once; an instance
/// starts once, is told to stop at most once, and is dropped once.
fn l01_a_life_goes_forward_and_each_change_is_observed(seed: u64) {
    let (log, lives) = (Log::new(), Arc::new(Lives::default()));
    let mut sim = Sim::new(seed);
    let (here, away) = (sim.locality("here"), sim.locality("away"));
    let actors: [Addr<Puppet>; 4] = std::array::from_fn(|n| match n {
        0 | 1 => here.reserve(),
        _ => away.reserve(),
    });
    let mut roll = dice(seed);
    let hooks = Hooks::default();
    let child = move |n: usize, log: &Log, hooks: &Hooks| {
        let hooks = hooks.clone();
        let waits = |cx: &mut Context<Puppet>| {
            let hold = cx.hold("a moment");
            later(cx, ms(3), move |_, _| drop(hold));
        };
        let role = Role::new("actor", log)
            .begin(move |me, cx| {
                me.kept.push(Box::new(Told::new(&hooks)));
                if n.is_multiple_of(2) {
                    waits(cx);
                }
            })
            .stop(move |me, _, cx| {
                let told = me.kept.iter().find_map(|kept| kept.downcast_ref::<Told>());
                told.expect("it has started").put("stop");
                if !n.is_multiple_of(2) {
                    waits(cx);
                }
                if n == 3 {
                    later(cx, ms(1), |_, _| panic!("as told"));
                }
            });
        let child = role.child().at(actors[n]);
        let patient = Supervisor::one_for_one(format!("of {n}")).intensity(1000, ms(1));
        patient.child(if n == 1 { child.transient() } else { child })
    };
    let (theirs, of) = (log.clone(), hooks.clone());
    let far = Supervisor::one_for_one("far")
        .synchronize_start()
        .on(&away, move |s| {
            s.child(child(2, &theirs, &of))
                .child(child(3, &theirs, &of))
        });
    let near = Supervisor::one_for_all("near").synchronize_start();
    let tree = Supervisor::one_for_one("root")
        .observer(lives.clone())
        .child(
            near.child(child(0, &log, &hooks))
                .child(child(1, &log, &hooks)),
        )
        .child(far);
    let app = sim.start(tree).unwrap();
    sim.run_for(ms(30));
    for _ in 0..200 {
        let to = actors[roll(4) as usize];
        match roll(6) {
            0 => crash(to),
            1 => to.stop(),
            2 => to.address().kill(),
            3 => to.drain(ms(2)),
            4 => sim.run_for(ms(roll(5))),
            _ => (0..roll(20)).for_each(|_| drop(sim.step())),
        }
    }
    app.shutdown();
    sim.run_for(ms(100));
    assert!(app.tree().ended.is_some(), "seed {seed}");
    let hooks = hooks.lock().unwrap();
    let sound = [&["start", "stop", "drop"][..], &["start", "drop"]];
    let wrong = hooks.iter().find(|hooks| !sound.contains(&&hooks[..]));
    assert_eq!(wrong, None, "seed {seed}");
    let count = |what: &[&str]| hooks.iter().filter(|hooks| hooks[..] == *what).count();
    assert!(sound.map(count).iter().all(|n| *n > 5), "seed {seed}");
    let all = lives.0.lock().unwrap();
    for (who, states) in &*all {
        let before = std::iter::once(None).chain(states.iter().copied().map(Some));
        for (before, &state) in before.zip(states) {
            assert!(follows(before, state), "seed {seed}: {who:?}: {states:?}");
        }
        assert_eq!(states.last(), Some(&Lifecycle::Gone), "{who:?}: {states:?}");
    }
    let whole = |states: &&Vec<Lifecycle>| {
        use Lifecycle::*;
        states
            .windows(4)
            .any(|w| w == [Starting, Initialized, Running, Stopping])
    };
    assert!(
        all.values().any(|states| whole(&states)),
        "seed {seed}: {all:?}"
    );
}

/// Each hook is run once. A plain thread that waits no time for the end of one that lives is told "not
/// yet", and not that it has ended.
fn c_lp_01_a_wait_of_no_time_says_not_yet(world: &mut World) {
    /// Tells a thread of an end.
    struct Watcher {
        of: Address,
        tells: Recipient<Exit>,
    }
    impl Actor for Watcher {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            cx.monitor(self.of);
            Ok(())
        }
    }
    impl Handler<Down> for Watcher {
        fn handle(&mut self, down: Down, _: &mut Context<Self>) {
            self.tells.send(down.exit);
        }
    }
    let (log, inbox) = (Log::new(), Inbox::new(1));
    let here = world.locality();
    let (a, tells, theirs) = (here.reserve::<Puppet>(), inbox.recipient(), log.clone());
    let app = world.start(&here, move || {
        let of = a.address();
        group("root")
            .child(Role::new("a", &theirs).telling().child().at(a).transient())
            .child(Child::new("watcher", move || Watcher { of, tells }))
    });
    let wait = || inbox.recv_within(Duration::ZERO);
    assert_eq!(wait().unwrap_err(), RecvError::Empty, "it has not started");
    world.until(|| app.root().state() == Lifecycle::Running);
    assert_eq!(wait().unwrap_err(), RecvError::Empty, "it lives");
    assert_eq!(a.address().state(), Lifecycle::Running);
    end(a);
    let mut told = None;
    world.until(|| {
        told = wait().ok();
        told.is_some()
    });
    assert_eq!(told.unwrap().to_string(), "normal");
    world.shut_down(&app);
    assert_eq!(log.all(), ["a starts", "a stops: normal", "a drops"]);
}

bodies! {
    Each: [
        r1_a_start_and_a_stop_wait_for_every_hold
            as l28_a_start_and_a_stop_wait_for_every_hold,
        r33_a_hold_may_be_dropped_in_the_hook_that_took_it,
        r3_the_order_of_a_specs_options_does_not_matter,
        r13_a_tree_may_be_told_to_stop_before_its_first_turn,
        m01_a_stop_from_outside_joins_that_of_a_restart,
        r27_a_double_stop_of_a_supervisor_is_one_stop
            as r9_a_double_stop_of_a_supervisor_is_one_stop
            as r10_a_double_stop_of_a_supervisor_is_one_stop,
        r123_a_child_may_stop_its_parent_as_soon_as_it_has_started
            as r82_a_child_may_stop_its_parent_as_soon_as_it_has_started
            as r127_a_child_may_stop_its_parent_as_soon_as_it_has_started,
        c_lp_15_a_handler_may_start_stop_and_await_another_actor,
        l01_what_is_sent_to_oneself_in_the_start_comes_before_later_messages,
    ]
    Pair: [
        l01_results_of_a_start_that_is_held_come_before_any_message,
        l27_a_child_ends_with_its_guard,
        r13_a_child_may_be_told_to_stop_before_it_has_started,
        o09_the_events_of_a_run_are_told_in_order_by_each_locality,
        r115_an_end_goes_up_and_down_between_localities,
        r116_both_sides_may_stop_at_the_same_time,
    ]
    Sim: [l01_a_life_goes_forward_and_each_change_is_observed]
    World: [c_lp_01_a_wait_of_no_time_says_not_yet]
}
