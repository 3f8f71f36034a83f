//! What is known of a failure: the message, how often, where, and why.

use std::panic::{catch_unwind, resume_unwind};
use std::process::{ExitCode, Termination};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;

use rotor_core::sim::Sim;
use rotor_core::*;

use crate::backend::Backend;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

/// Logs the whole exits of actors named `frail`, and ends the tree after so many.
struct Watch {
    signs: bool,
    log: Log,
    left: AtomicU32,
    lead: Addr<Puppet>,
}

impl Observer for Watch {
    fn wants_sender(&self) -> bool {
        self.signs
    }

    fn exited(&self, _: Address, name: &str, exit: &Exit) {
        if name == "frail" && self.left.load(Ordering::SeqCst) > 0 {
            self.log.put(format!("{exit:#}"));
            if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
                self.lead.stop();
            }
        }
    }

    fn start_failed(&self, who: Address, name: &str, exit: &Exit) {
        self.exited(who, name, exit);
    }
}

/// Fails as its messages say.
struct Frail {
    life: u32,
}
/// How a message fails.
#[derive(Clone, Copy, Debug)]
enum How {
    Panic,
    Error,
    Fail,
}
#[derive(Clone)]
struct Order(How);
#[derive(Clone)]
struct Count(How);
struct Later(How);
#[derive(Clone)]
struct Every(How);
#[derive(Clone)]
struct News(How);
struct Question(Addr<Puppet>, How);
/// Has the next instance panic in its start.
struct Curse;
/// Panics in a closure for the host.
struct AtHost;
/// Catches a panic of its own and goes on with another one, which no hook sees.
struct Twofold;

impl How {
    fn come<A: Actor>(self, cx: &mut Context<A>) -> Result {
        match self {
            How::Panic => panic!("as told"),
            How::Error => Err(Error::message("as told")),
            How::Fail => {
                cx.fail(Error::message("as told"));
                Ok(())
            }
        }
    }
}

impl Actor for Frail {
    fn start(&mut self, _: &mut Context<Self>) -> Result {
        if self.life == 2 {
            panic!("cursed,\n  and on two lines");
        }
        Ok(())
    }
}

macro_rules! frail {
    ($($message:ident),*) => {
        $(impl TryHandler<$message> for Frail {
            fn try_handle(&mut self, message: $message, cx: &mut Context<Self>) -> Result {
                message.0.come(cx)
            }
        })*
    };
}
frail!(Order, Count, Every, News);

impl TryHandler<Later> for Frail {
    fn try_handle(&mut self, Later(how): Later, cx: &mut Context<Self>) -> Result {
        cx.after(Duration::ZERO, Order(how));
        Ok(())
    }
}

impl Handler<Question> for Frail {
    fn handle(&mut self, Question(whom, how): Question, cx: &mut Context<Self>) {
        cx.request(whom, Double(1), LONG, move |_, _, cx| {
            if let Err(error) = how.come(cx) {
                cx.fail(Error::message(error.to_string()));
            }
        });
    }
}

impl Handler<Curse> for Frail {
    fn handle(&mut self, _: Curse, cx: &mut Context<Self>) {
        cx.stop();
    }
}

impl Handler<AtHost> for Frail {
    fn handle(&mut self, _: AtHost, cx: &mut Context<Self>) {
        cx.defer_to_host(|| panic!("as told"));
    }
}

impl Handler<Twofold> for Frail {
    fn handle(&mut self, _: Twofold, _: &mut Context<Self>) {
        let inner = catch_unwind(|| panic!("as told"));
        assert!(inner.is_err());
        resume_unwind(Box::new("another one"));
    }
}

/// Runs a `Frail` that is told to fail, until so many exits were seen; what they were.
fn exits(
    on: &dyn Backend,
    n: u32,
    tell: impl Fn(Addr<Frail>, Topic<News>, Addr<Puppet>) + 'static,
) -> Vec<String> {
    exits_of(on, n, false, tell)
}

fn exits_of(
    on: &dyn Backend,
    n: u32,
    cursed: bool,
    tell: impl Fn(Addr<Frail>, Topic<News>, Addr<Puppet>) + 'static,
) -> Vec<String> {
    let log = Log::new();
    let mut tell = Some(tell);
    let run = on.run_tree(&mut |here| {
        let (frail, topic) = (here.reserve(), here.topic());
        let (asked, lead) = (here.reserve(), here.reserve());
        let (mut life, tell) = (0, tell.take().expect("a tree is built once"));
        let make = move |cx: &mut Context<Frail>| {
            cx.subscribe(topic);
            life += 1;
            // A curse is on the second one, and only where somebody casts it.
            let life = if cursed { life } else { 0 };
            Ok(Frail { life })
        };
        let begin = Role::new("begin", &log).begin(move |_, _| tell(frail, topic, asked));
        let watch = Watch {
            signs: on.signs(),
            log: log.clone(),
            left: AtomicU32::new(n),
            lead,
        };
        stage()
            .observer(Arc::new(watch))
            .child(Child::with("frail", make).at(frail))
            .child(puppet("asked", &log).at(asked))
            .child(puppet("lead", &log).at(lead).transient().significant())
            .child(begin.child())
    });
    assert!(!run.expect("a sound tree").is_failure());
    log.all()
}

/// A simulation of a puppet `a`, which observes.
fn sim_of(seed: u64, log: &Log, child: impl FnOnce(&Locality) -> Node) -> (Sim, Addr<Puppet>) {
    let mut sim = Sim::new(seed);
    let here = sim.locality("here");
    let (a, watch) = (
        here.reserve(),
        Watch {
            signs: seed.is_multiple_of(2),
            log: log.clone(),
            left: AtomicU32::new(u32::MAX),
            lead: here.reserve(),
        },
    );
    let tree = group("root")
        .observer(Arc::new(watch))
        .child(puppet("a", log).at(a))
        .child(child(&here));
    sim.start(tree).unwrap();
    (sim, a)
}

/// Whatever the way in which the message came and the handler failed.
fn l29_an_exit_names_the_message_that_was_handled(on: &dyn Backend) {
    for how in [How::Panic, How::Error, How::Fail] {
        let verb = match how {
            How::Panic => "panicked",
            _ => "failed",
        };
        let on_order = format!("{verb}: as told (on Order");
        let said = exits(on, 1, move |frail, _, _| frail.send(Order(how)));
        assert!(said[0].starts_with(&on_order), "a message: {said:?}");
        let said = exits(on, 1, move |frail, _, _| frail.send(Later(how)));
        assert!(said[0].starts_with(&on_order), "a timer: {said:?}");
        let said = exits(on, 1, move |_, topic, _| topic.publish(News(how)));
        let on_news = on_order.replace("Order", "News");
        assert!(said[0].starts_with(&on_news), "a published one: {said:?}");
        let said = exits(on, 1, move |frail, _, asked| {
            frail.send(Question(asked, how))
        });
        let on_answer = on_order.replace("Order", "u32");
        assert!(said[0].starts_with(&on_answer), "an answer: {said:?}");
    }
}

/// By type, over all instances: a hint that a message is the poison.
fn l22_an_exit_tells_how_often_such_a_message_was_the_end(on: &dyn Backend) {
    let said = exits(on, 5, |frail, _, _| {
        for how in [How::Panic, How::Error] {
            frail.send(Order(how));
            frail.send(Count(how));
        }
        frail.send(Order(How::Fail));
    });
    let times = |line: &String| {
        let (_, incident) = line.split_once(" (on ").unwrap();
        incident
            .split(" at ")
            .next()
            .unwrap()
            .trim_end_matches([')', ','])
            .to_owned()
    };
    assert_eq!(
        said.iter().map(times).collect::<Vec<_>>(),
        [
            "Order",
            "Count",
            "Order, 2 times so far",
            "Count, 2 times so far",
            "Order, 3 times so far"
        ]
    );
}

/// Fails by `Context::fail`, and then otherwise, in one handler.
struct Twice(fn() -> Result);

impl Actor for Twice {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        cx.every(ms(10), Every(How::Fail));
        Ok(())
    }
}

impl TryHandler<Every> for Twice {
    fn try_handle(&mut self, Every(how): Every, cx: &mut Context<Self>) -> Result {
        how.come(cx)?;
        (self.0)()
    }
}

/// The exits of such an actor.
fn twice(seed: u64, then: fn() -> Result) -> Vec<String> {
    let log = Log::new();
    let (mut sim, _) = sim_of(seed, &log, |_| {
        Child::new("frail", move || Twice(then)).into()
    });
    sim.run_for(ms(25));
    log.all()
}

/// A periodic timer names its message, too, and a second reason in one handler is not counted.
fn l22_a_handler_that_fails_twice_has_failed_once(seed: u64) {
    assert_eq!(
        twice(seed, || Err(Error::message("the second reason"))),
        [
            "failed: as told (on Every)",
            "failed: as told (on Every, 2 times so far)"
        ]
    );
}

/// A panic is not hidden by the failure that came before it in the same handler: that is its cause.
fn l22_a_handler_that_fails_and_panics_has_failed_once(seed: u64) {
    let exits = twice(seed, || panic!("and then"));
    assert_eq!(exits.len(), 2);
    for (exit, so_far) in exits.iter().zip(["", ", 2 times so far"]) {
        // Between the two: where it was, if that is noted.
        let panic = format!("panicked: and then (on Every{so_far}");
        assert!(exit.starts_with(&panic), "{exit}");
        let cause = format!("because frail ended: failed: as told (on Every{so_far})");
        assert!(exit.ends_with(&cause), "{exit}");
    }
}

/// Whoever gets the slot of a removed child has a clean record.
fn l22_the_count_ends_with_the_child(seed: u64) {
    let log = Log::new();
    let (mut sim, a) = sim_of(seed, &log, |_| puppet("b", &log).into());
    for _ in 0..3 {
        act(a, |_, cx| {
            let frail = Child::new("frail", || Frail { life: 0 });
            cx.child(frail.temporary()).send(Order(How::Panic));
        });
        sim.run_until_idle();
    }
    let said = log.all();
    assert_eq!(said.len(), 3);
    assert!(
        said.iter()
            .all(|line| line.starts_with("panicked: as told (on Order")),
        "{said:?}"
    );
    assert!(said.iter().all(|line| !line.contains("time")), "{said:?}");
}

fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(install_panic_hook);
}

/// Where the program has installed the hook: in a handler, in a start, in a closure for the host.
fn l19_an_exit_tells_where_the_panic_was(on: &dyn Backend) {
    install();
    let here = format!("at {}:", file!());
    let said = exits(on, 1, |frail, _, _| frail.send(Order(How::Panic)));
    assert!(
        said[0].starts_with(&format!("panicked: as told (on Order, {here}")),
        "{said:?}"
    );
    let said = exits_of(on, 2, true, |frail, _, _| frail.send(Curse));
    let cursed = format!("panicked: cursed, and on two lines ({here}");
    assert!(said[1].starts_with(&cursed), "{said:?}");
    let said = exits(on, 1, |frail, _, _| frail.send(AtHost));
    assert!(
        said[0].starts_with(&format!("panicked: as told ({here}")),
        "{said:?}"
    );
}

/// The place of a panic that the program caught by itself is not that of another one.
fn l19_a_place_is_told_of_the_panic_that_was_there_only(on: &dyn Backend) {
    install();
    let said = exits(on, 1, |frail, _, _| frail.send(Twofold));
    assert_eq!(said, ["panicked: another one (on Twofold)"]);
}

/// The hook that was there before is called as if ours were not.
#[test]
fn l19_the_hook_calls_the_one_before() {
    static SEEN: AtomicU32 = AtomicU32::new(0);
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        match info.payload().downcast_ref::<&str>() {
            Some(&"for the hook before") => drop(SEEN.fetch_add(1, Ordering::SeqCst)),
            _ => before(info),
        }
    }));
    install_panic_hook();
    let panicked = std::thread::spawn(|| panic!("for the hook before")).join();
    assert!(panicked.is_err());
    assert_eq!(SEEN.load(Ordering::SeqCst), 1);
}

/// A limit that was overrun is a reason of its own: no text to look into, no type to guess.
fn l29_a_limit_that_passed_is_matched_as_a_reason(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|_| {
        let slow = Role::new("a", &log).begin(|me, cx| me.kept.push(Box::new(cx.hold("no end"))));
        group("root").child(slow.child().start_limit(ms(3)))
    });
    let late = match played.exit.root_cause().reason() {
        ExitReason::TimedOut(late) => late.clone(),
        other => panic!("{other}"),
    };
    assert_eq!((late.step, late.limit), ("start", ms(3)));
}

/// The reason of the end of a tree that fails.
fn reason(on: &dyn Backend, build: impl FnOnce(&Locality) -> Supervisor) -> ExitReason {
    let exit = on.run(build).exit;
    assert!(exit.is_failure(), "{exit}");
    exit.root_cause().reason().clone()
}

/// A service that crashes, one that does not come, one too many: what a client ends with is data.
fn l29_what_a_link_has_come_to_is_matched_as_a_reason(on: &dyn Backend) {
    let log = Log::new();
    let linked = |times: u32, service: fn(&Log) -> Child<Puppet>| {
        reason(on, |here| {
            let (b, c) = (here.reserve(), here.reserve());
            let client = Role::new("c", &log).begin(move |_, cx| {
                (0..times).for_each(|_| drop(cx.link(b.address())));
            });
            act(c, move |_, _| crash(b)); // when it runs
            let client = client.child().at(c).escalating();
            group("root")
                .intensity(1, LONG)
                .child(service(&log).at(b))
                .child(client)
        })
    };
    let broken = linked(1, |log| puppet("b", log));
    assert!(
        matches!(&broken, ExitReason::Link(LinkError::Broken { service, exit })
            if service == "root/b" && matches!(exit.reason(), ExitReason::Panicked(_))),
        "{broken}"
    );
    let down = linked(1, |_| Child::new("b", || None::<Puppet>));
    assert!(
        matches!(&down, ExitReason::Link(LinkError::NotLinkable { service, .. }) if service == "root/b"),
        "{down}"
    );
    let twice = linked(2, |log| puppet("b", log));
    assert!(
        matches!(twice, ExitReason::Link(LinkError::AlreadyLinked)),
        "{twice}"
    );
}

/// Who waits for a name ends with what is wrong with it; who hands such an error on has failed with it.
fn l29_a_name_of_another_type_is_matched_as_a_reason(on: &dyn Backend) {
    const NAME: Name<Puppet> = Name::new("name");
    let log = Log::new();
    let asks = |start: fn(&mut Context<Puppet>) -> Result| {
        reason(on, |_| {
            let role = Role::new("b", &log).start(move |_, cx| start(cx));
            let other = Child::new("a", || Frail { life: 0 }).named(Name::new("name"));
            group("root").child(other).child(role.child())
        })
    };
    let found = asks(|cx| {
        cx.find(NAME, |_, _, _| ());
        Ok(())
    });
    assert!(
        matches!(&found, ExitReason::Name(NameError::WrongType { name, .. }) if name == "name"),
        "{found}"
    );
    let handed_on = asks(|cx| cx.lookup(NAME).map(drop).map_err(Error::from));
    let ExitReason::Failed(error) = &handed_on else {
        panic!("{handed_on}");
    };
    assert!(error.downcast_ref::<NameError>().is_some());
    assert_eq!(handed_on.to_string(), found.to_string());
}

/// The number is that of the bound.
fn l29_too_many_messages_are_matched_as_a_reason(on: &dyn Backend) {
    let log = Log::new();
    let flooded = reason(on, |here| {
        let b = here.reserve_bounded(Bound::fail(2));
        let begin = Role::new("a", &log).begin(move |_, _| (0..3).for_each(|n| b.send(Num(n))));
        let child = puppet("b", &log).at(b).bound(Bound::fail(2));
        group("root").child(child.escalating()).child(begin.child())
    });
    assert!(matches!(flooded, ExitReason::Overloaded(2)), "{flooded}");
}

/// Whoever would have it made again.
fn l29_a_second_start_of_what_is_made_once_is_matched_as_a_reason(on: &dyn Backend) {
    let log = Log::new();
    let spent = reason(on, |here| {
        let (a, role) = (here.reserve(), Role::new("a", &log));
        crash(a);
        let once = Child::once("a", move |_| Ok(role.play(1)));
        group("root")
            .intensity(1, LONG)
            .child(once.at(a).transient())
    });
    assert!(matches!(spent, ExitReason::Spent), "{spent}");
    assert_eq!(log.live(), 0);
}

/// Its closure does on its own loop what it has not done when the tree was checked.
fn l29_a_part_that_cannot_be_built_is_matched_as_a_reason(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let refused = reason(on, |_| {
        let (away, theirs) = (far.spawn("away"), log.clone());
        let mut checked = false;
        group("root").child(group("far").on(&away, move |s| {
            let s = s.child(puppet("a", &theirs));
            match std::mem::replace(&mut checked, true) {
                false => s,
                true => s.child(puppet("a", &theirs)),
            }
        }))
    });
    assert!(
        matches!(&refused, ExitReason::Refused(StartError::DuplicateName { supervisor, child })
            if supervisor == "root/far" && child == "a"),
        "{refused}"
    );
}

/// What has never run has not crashed: the report of the tree says so, and what has run is told otherwise.
fn l29_a_first_start_that_fails_is_told_as_one(seed: u64) {
    let log = Log::new();
    let told = |role: Role| {
        let mut sim = Sim::new(seed);
        let a = sim.locality("here").reserve();
        let part = group("part").child(role.child().at(a).escalating());
        let app = sim.start(group("root").child(part.escalating()));
        act(a, |_, cx| cx.fail(Error::message("no disk")));
        sim.run_for(Duration::from_secs(5));
        app.expect("a sound tree")
            .tree()
            .ended
            .expect("it has failed")
            .to_string()
    };
    let starts = |start: fn(&mut Context<Puppet>) -> Result| {
        told(Role::new("a", &log).start(move |_, cx| start(cx)))
    };
    let failed = "shutdown, because part failed to start: shutdown, because a failed to start: ";
    let error = starts(|_| Err(Error::message("no disk")));
    assert_eq!(error, format!("{failed}no disk"));
    let panic = starts(|_| panic!("no disk"));
    assert_eq!(panic, format!("{failed}panicked: no disk"));
    let late = starts(|cx| {
        std::mem::forget(cx.hold("the disk"));
        Ok(())
    });
    let why = "timed out: the start of root/part/a took longer than its start limit of 5s; held by the disk";
    assert_eq!(late, format!("{failed}{why}"));
    let runs = "escalated, because part ended: escalated, because a ended: failed: no disk";
    assert_eq!(starts(|_| Ok(())), runs);
}

/// An actor that fails of another's end hands its exit on, as an error with its sources.
fn l29_an_actor_may_fail_with_the_exit_of_another(on: &dyn Backend) {
    struct Fragile(Address);
    impl Actor for Fragile {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            cx.monitor(self.0);
            Ok(())
        }
    }
    impl TryHandler<Down> for Fragile {
        fn try_handle(&mut self, down: Down, _: &mut Context<Self>) -> Result {
            Err(down.exit)?
        }
    }
    let log = Log::new();
    let played = on.run(|here| {
        let b = here.reserve::<Puppet>();
        let fragile = Child::new("fragile", move || Fragile(b.address()));
        let begin = Role::new("begin", &log).begin(move |_, _| {
            attempt(b, |_, _| Err(std::io::Error::other("disk full").into()));
        });
        stage()
            .child(puppet("b", &log).at(b))
            .child(fragile.temporary().significant())
            .child(begin.child())
    });
    assert_eq!(
        played.exits[..2],
        ["b: failed: disk full", "fragile: failed: disk full"]
    );
}

/// What `main` returns is what a shell sees.
fn o09_a_program_ends_as_its_tree(on: &dyn Backend) {
    let log = Log::new();
    let end = |code: ExitCode| {
        let played = on.run(|here| {
            let a = here.reserve();
            let fails = code == ExitCode::FAILURE;
            attempt(a, move |_, cx| {
                if fails {
                    return Err(Error::message("as told"));
                }
                cx.stop();
                Ok(())
            });
            stage().child(lead("a", &log).at(a).temporary())
        });
        assert_eq!(played.exit.report(), code);
    };
    end(ExitCode::SUCCESS);
    end(ExitCode::FAILURE);
}

bodies! {
    Each: [
        o09_a_program_ends_as_its_tree,
        l29_a_limit_that_passed_is_matched_as_a_reason,
        l29_what_a_link_has_come_to_is_matched_as_a_reason,
        l29_a_name_of_another_type_is_matched_as_a_reason,
        l29_too_many_messages_are_matched_as_a_reason,
        l29_a_second_start_of_what_is_made_once_is_matched_as_a_reason,
        l29_an_exit_names_the_message_that_was_handled,
        l22_an_exit_tells_how_often_such_a_message_was_the_end,
        l19_an_exit_tells_where_the_panic_was,
        l19_a_place_is_told_of_the_panic_that_was_there_only,
        l29_an_actor_may_fail_with_the_exit_of_another,
    ]
    Pair: [
        l29_a_part_that_cannot_be_built_is_matched_as_a_reason,
    ]
    Sim: [
        l29_a_first_start_that_fails_is_told_as_one,
        l22_a_handler_that_fails_twice_has_failed_once,
        l22_a_handler_that_fails_and_panics_has_failed_once,
        l22_the_count_ends_with_the_child,
    ]
}
