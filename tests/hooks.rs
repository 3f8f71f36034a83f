//! Hooks around starts, messages and stops, on every backend.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rotor_core::sim::Sim;
use rotor_core::*;

use crate::backend::{Backend, Played};
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

type Heard = Box<dyn FnMut(&dyn Any, &mut Context<Puppet>) -> bool>;
type Started = Box<dyn FnMut(&mut Context<Puppet>) -> Result>;

/// A hook that logs what it is asked, and answers as it is told.
struct Spy {
    name: &'static str,
    log: Log,
    start: Started,
    message: Heard,
    stop: Started,
}

impl Spy {
    fn new(name: &'static str, log: &Log) -> Self {
        Spy {
            name,
            log: log.clone(),
            start: Box::new(|_| Ok(())),
            message: Box::new(|_, _| true),
            stop: Box::new(|_| Ok(())),
        }
    }

    fn start(mut self, f: impl FnMut(&mut Context<Puppet>) -> Result + 'static) -> Self {
        self.start = Box::new(f);
        self
    }

    fn message(mut self, f: impl FnMut(&dyn Any, &mut Context<Puppet>) -> bool + 'static) -> Self {
        self.message = Box::new(f);
        self
    }

    fn stop(mut self, f: impl FnMut(&mut Context<Puppet>) -> Result + 'static) -> Self {
        self.stop = Box::new(f);
        self
    }

    fn say(&self, text: &str) {
        self.log.put(format!("{} {text}", self.name));
    }
}

impl Hook<Puppet> for Spy {
    fn start(&mut self, cx: &mut Context<Puppet>) -> Result {
        self.say("start");
        (self.start)(cx)
    }

    fn message(&mut self, name: &'static str, message: &dyn Any, cx: &mut Context<Puppet>) -> bool {
        // Deeds of the bodies are none of its business.
        let text = match (message.downcast_ref(), message.downcast_ref()) {
            (Some(Say(text)), _) => (*text).to_owned(),
            (_, Some(Num(n))) => n.to_string(),
            _ if name.ends_with("::Do") => return true,
            _ => name.rsplit("::").next().unwrap_or(name).to_owned(),
        };
        self.say(&format!("hears {text}"));
        (self.message)(message, cx)
    }

    fn stop(&mut self, exit: &Exit, cx: &mut Context<Puppet>) -> Result {
        self.say(&format!("stop: {exit}"));
        (self.stop)(cx)
    }
}

/// Keeps what a hook is asked about until a moment later.
fn hold(cx: &mut Context<Puppet>) {
    let hold = cx.hold("a hook");
    later(cx, ms(2), move |me, _| {
        me.say("let go");
        drop(hold);
    });
}

/// Keeps a certain message, once.
fn holds(text: &'static str) -> impl FnMut(&dyn Any, &mut Context<Puppet>) -> bool {
    let mut once = true;
    move |message, cx| {
        if message.downcast_ref() == Some(&Say(text)) && std::mem::take(&mut once) {
            hold(cx);
        }
        true
    }
}

/// Lets all numbers through but one.
fn refuses(n: u32) -> impl FnMut(&dyn Any, &mut Context<Puppet>) -> bool {
    move |message, _| message.downcast_ref() != Some(&Num(n))
}

/// Plays a tree of `a`, whose end is that of the tree.
fn play(
    on: &dyn Backend,
    child: impl FnOnce(&Log) -> Child<Puppet>,
    script: impl FnOnce(Addr<Puppet>),
) -> (Log, Played) {
    let log = Log::new();
    let played = on.run(|here| {
        let a = here.reserve();
        script(a);
        stage().child(child(&log).at(a).transient().significant())
    });
    assert_eq!(log.live(), 0);
    (log, played)
}

/// Those that are ready are asked one after the other: around the actor, so in a stop in reverse.
fn l30_hooks_are_asked_in_order(on: &dyn Backend) {
    let child = |log: &Log| {
        let (h, i) = (Spy::new("h", log), Spy::new("i", log));
        tells("a", log).hook(h).hook(i)
    };
    let (log, played) = play(on, child, |a| {
        a.send(Say("one"));
        a.send(Say("two"));
        end(a);
    });
    assert_eq!(played.undelivered, []);
    assert_eq!(
        log.all(),
        [
            "h start",
            "i start",
            "a starts",
            "h hears one",
            "i hears one",
            "a: one",
            "h hears two",
            "i hears two",
            "a: two",
            "a stops: normal",
            "i stop: normal",
            "h stop: normal",
            "a drops",
        ]
    );
}

/// One that is pending is waited for before the next one is asked, and before the actor starts.
fn l30_a_hook_may_delay_a_start(on: &dyn Backend) {
    let child = |log: &Log| {
        let waits = |cx: &mut Context<Puppet>| {
            hold(cx);
            Ok(())
        };
        let (h, i) = (
            Spy::new("h", log).start(waits),
            Spy::new("i", log).start(waits),
        );
        tells("a", log).hook(h).hook(i)
    };
    let (log, _) = play(on, child, end);
    let starts = ["h start", "a: let go", "i start", "a: let go", "a starts"];
    assert_eq!(log.all()[..5], starts);
}

/// What comes behind a message that a hook keeps waits, too, whoever sends it.
fn l30_a_hook_may_delay_a_message(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve());
        let theirs = log.clone();
        act(b, move |_, _| {
            for text in ["slow", "next", "last"] {
                a.send(Say(text));
            }
            end(a);
        });
        let (h, i) = (
            Spy::new("h", &log).message(holds("slow")),
            Spy::new("i", &log),
        );
        let child = puppet("a", &log).hook(h.message(holds("slow"))).hook(i);
        stage()
            .child(child.at(a).transient().significant())
            .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b))))
    });
    let all = log.all();
    assert_eq!(
        all[2..all.len() - 2],
        [
            "h hears slow",
            "a: let go",
            "i hears slow",
            "a: slow",
            "h hears next",
            "i hears next",
            "a: next",
            "h hears last",
            "i hears last",
            "a: last",
        ]
    );
}

/// Also what came before the start, and waits already, is kept in its order.
fn l30_a_parked_message_may_be_delayed(on: &dyn Backend) {
    let child = |log: &Log| {
        let h = Spy::new("h", log).message(holds("b"));
        puppet("a", log).hook(h)
    };
    let (log, _) = play(on, child, |a| {
        for text in ["a", "b", "c"] {
            a.send(Say(text));
        }
        end(a);
    });
    assert_eq!(log.of("a:"), ["a: a", "a: let go", "a: b", "a: c"]);
}

/// The children stop when all hooks are ready, each in its turn.
fn l30_a_hook_may_delay_a_stop(on: &dyn Backend) {
    let child = |log: &Log| {
        let waits = |cx: &mut Context<Puppet>| {
            hold(cx);
            Ok(())
        };
        let of = log.clone();
        let role = Role::new("a", log).telling();
        let role = role.begin(move |_, cx| drop(cx.child(tells("b", &of))));
        let (h, i) = (
            Spy::new("h", log).stop(waits),
            Spy::new("i", log).stop(waits),
        );
        role.child().hook(h).hook(i)
    };
    let (log, _) = play(on, child, |a| when(a, (1, "b starts"), |_, cx| cx.stop()));
    let all = log.all();
    assert_eq!(
        all[4..],
        [
            "a stops: normal",
            "i stop: normal",
            "a: let go",
            "h stop: normal",
            "a: let go",
            "b stops: shutdown",
            "b drops",
            "a drops",
        ],
        "{all:?}"
    );
}

/// A hook that fails is a failed start: the actor does not see it, and is tried again.
fn l30_a_hook_may_fail_a_start(on: &dyn Backend) {
    let child = |log: &Log| {
        let mut lives = 0;
        let h = Spy::new("h", log).start(move |_| {
            lives += 1;
            match lives {
                2 => Err(Error::message("no")),
                3 => panic!("never"),
                _ => Ok(()),
            }
        });
        tells("a", log).hook(h).hook(Spy::new("i", log))
    };
    let (log, played) = play(on, child, |a| {
        act(a, |_, _| panic!("as told"));
        end(a);
    });
    assert_eq!(
        log.all(),
        [
            "h start",
            "i start",
            "a starts",
            "a drops", // as told
            "h start",
            "a drops", // no
            "h start",
            "a drops", // never
            "h start",
            "i start",
            "a starts",
            "a stops: normal",
            "i stop: normal",
            "h stop: normal",
            "a drops",
        ]
    );
    assert_eq!(played.exits[1..3], ["a: failed: no", "a: panicked: never"]);
}

/// What a stop hook fails with is how the instance ends; nobody else is asked then.
fn l30_a_hook_may_fail_a_stop(on: &dyn Backend) {
    for panics in [false, true] {
        let child = move |log: &Log| {
            let i = Spy::new("i", log).stop(move |_| match panics {
                false => Err(Error::message("no")),
                true => panic!("no"),
            });
            tells("a", log).hook(Spy::new("h", log)).hook(i)
        };
        let log = Log::new();
        let played = on.run(|here| {
            let (a, b) = (here.reserve(), here.reserve());
            when(b, (1, "a starts"), move |_, cx| {
                a.stop();
                when(cx.addr(), (1, "a drops"), |_, cx| cx.stop());
            });
            let a = child(&log).at(a).temporary();
            stage().child(a).child(lead("b", &log).at(b))
        });
        let ends = ["a stops: shutdown", "i stop: shutdown", "a drops"];
        assert_eq!(log.all()[3..], ends);
        let exit = ["a: failed: no", "a: panicked: no"][usize::from(panics)];
        assert_eq!(played.exits[0], exit);
    }
}

/// A stop that comes before all are ready is told to those that were asked, and not to the actor.
fn l30_a_stop_during_a_start_asks_who_was_asked(on: &dyn Backend) {
    let child = |log: &Log| {
        let h = Spy::new("h", log);
        let i = Spy::new("i", log).start(|cx| {
            let hold = cx.hold("for ever");
            later(cx, ms(2), move |_, cx| {
                cx.stop();
                drop(hold);
            });
            Ok(())
        });
        tells("a", log).hook(h).hook(i).hook(Spy::new("j", log))
    };
    let (log, _) = play(on, child, |_| ());
    let asked = ["h start", "i start", "i stop: normal", "h stop: normal"];
    assert_eq!(log.all()[..4], asked);
    assert_eq!(log.all()[4..], ["a drops"]);
}

/// The interceptor sees two, and lets one through; what it refuses is reported. A request that is
/// refused is answered.
fn r17_a_hook_lets_one_of_two_through(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve());
        let (theirs, mine) = (log.clone(), log.clone());
        act(a, move |me, cx| {
            b.send(Num(1));
            b.send(Num(2));
            me.ask(cx, b, 7, LONG);
            when(cx.addr(), (1, "a: Dropped"), |_, cx| cx.stop());
        });
        stage()
            .child(group("far").on(&away, move |s| {
                let mut first = refuses(1);
                let h = Spy::new("h", &theirs)
                    .message(move |message, cx| first(message, cx) && !message.is::<Ask<Double>>());
                s.child(puppet("b", &theirs).at(b).hook(h))
            }))
            .child(lead("a", &mine).at(a))
    });
    let heard = ["h hears 1", "h hears 2", "b: 2", "h hears Double>"];
    let mut all = log.of("h hears");
    all.insert(2, log.of("b:").join(", "));
    assert_eq!(all, heard);
    let refused = played.lost(Reason::Refused);
    assert_eq!((refused.len(), refused[0]), (2, "Num"));
    assert!(refused[1].contains("Double"), "{refused:?}");
    assert_eq!(log.live(), 0);
}

/// So it is with what is published. Each hook is asked once about a message: also if that has waited,
/// and not if the one before has refused it.
fn r18_a_hook_is_asked_once_about_a_published_message(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), here.reserve());
        let topic: Topic<Num> = away.topic();
        act(a, move |_, cx| {
            (1..=3).for_each(|n| topic.publish(Num(n)));
            when(cx.addr(), (1, "b: 3"), |_, cx| cx.stop());
        });
        let hears = Role::new("b", &log).begin(move |_, cx| cx.subscribe(topic));
        let h = Spy::new("h", &log).message(refuses(1));
        let i = Spy::new("i", &log).message(|message, cx| {
            if message.downcast_ref() == Some(&Num(2)) {
                hold(cx);
            }
            true
        });
        stage()
            .child(hears.child().at(b).hook(h).hook(i))
            .child(group("far").on(&away, |s| s))
            .child(lead("a", &log).at(a))
    });
    let mut all = log.all();
    all.retain(|line| !line.contains("st"));
    assert_eq!(
        all,
        [
            "h hears 1",
            "h hears 2",
            "i hears 2",
            "b: let go",
            "b: 2",
            "h hears 3",
            "i hears 3",
            "b: 3",
        ]
    );
    assert_eq!(played.lost(Reason::Refused), ["Num"]);
}

/// Logs where what it hears was published.
struct Hears(Topic<Say>, Log);

impl Actor for Hears {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        cx.subscribe(self.0);
        Ok(())
    }
}

impl Handler<Say> for Hears {
    fn handle(&mut self, _: Say, cx: &mut Context<Self>) {
        self.1.put(format!("to {:?}", cx.published_to()));
    }
}

/// A hook knows where a message was published, whether that was parked or not, as those know who hear it then.
fn r18_a_hook_knows_where_a_message_was_published(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let here = sim.locality("here");
    let (a, topic) = (here.reserve(), here.topic());
    let role = Role::new("a", &log).begin(move |_, cx| {
        cx.subscribe(topic);
        hold(cx);
    });
    let (said, heard) = (log.clone(), log.clone());
    let h = Spy::new("h", &log).message(move |_, cx| {
        said.put(format!("to {:?}", cx.published_to()));
        true
    });
    let b = Child::new("b", move || Hears(topic, heard.clone()));
    let tree = group("root").child(role.child().hook(h).at(a)).child(b);
    sim.start(tree).unwrap();
    sim.run_for(ms(1));
    topic.publish(Say("one"));
    sim.run_for(ms(5));
    topic.publish(Say("two"));
    a.send(Say("three"));
    sim.run_until_idle();
    let told = Some(topic.address());
    let all = [told, told, told, None].map(|to| format!("to {to:?}"));
    assert_eq!(log.of("to"), all);
}

/// A closure stands before the handlers, and sees what is in a message; what it does meanwhile, like
/// sending much to the same actor, does the message no harm.
fn r49_a_hook_sees_what_is_in_a_message(on: &dyn Backend) {
    let sums = Rc::new(Cell::new(0));
    let all = sums.clone();
    let child = move |log: &Log| {
        let h = Spy::new("h", log).message(move |message, cx| {
            if let Some(ask) = message.downcast_ref::<Ask<Double>>() {
                all.set(all.get() + ask.request.0);
                let mine: Addr<Puppet> = cx.addr();
                (0..300).for_each(|_| act(mine, |me, _| me.kept.push(Box::new(()))));
            }
            true
        });
        puppet("a", log).hook(h)
    };
    let (log, _) = play(on, child, |a| {
        act(a, move |me, cx| {
            me.ask(cx, a, 20, LONG);
            me.ask(cx, a, 1, LONG);
            when(a, (1, "a: got 2"), |_, cx| cx.stop());
        });
    });
    assert_eq!(sums.get(), 21);
    let got = ["a: got 40", "a: got 2"];
    assert_eq!(log.of("a:"), got);
}

/// What a hook keeps when the instance ends is the first message of the next one.
fn l30_what_waits_for_a_hook_outlives_the_instance(on: &dyn Backend) {
    let kept = Rc::new(RefCell::new(Vec::new()));
    let child = |log: &Log| {
        let kept = kept.clone();
        let h = Spy::new("h", log).message(move |message, cx| {
            if message.is::<Say>() && kept.borrow().is_empty() {
                kept.borrow_mut().push(cx.hold("for ever"));
                let me = cx.addr().address();
                cx.after(ms(2), Do::new(move |_, _| me.kill()));
            }
            true
        });
        puppet("a", log).hook(h).hook(Spy::new("i", log))
    };
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve());
        a.send(Say("first"));
        a.send(Say("second"));
        when(b, (1, "a: second"), |_, cx| cx.stop());
        let tree = stage().child(child(&log).at(a));
        tree.child(lead("b", &log).at(b))
    });
    let mut all = log.all();
    all.retain(|line| !line.contains("st ") && !line.contains("sto") && !line.contains("start"));
    assert_eq!(
        all,
        [
            "h hears first",
            "h hears first",
            "i hears first",
            "a: first",
            "h hears second",
            "i hears second",
            "a: second",
        ]
    );
    assert_eq!(played.undelivered, []);
}

/// If there is no next one, it is reported, as what waits behind it.
fn l30_what_waits_for_a_hook_is_reported_at_the_end(on: &dyn Backend) {
    let kept = Rc::new(RefCell::new(Vec::new()));
    let child = |log: &Log| {
        let h = Spy::new("h", log).message(move |message, cx| {
            if message.is::<Say>() {
                kept.borrow_mut().push(cx.hold("for ever"));
                cx.after(ms(2), Do::new(|_, cx| cx.stop()));
            }
            true
        });
        puppet("a", log).hook(h)
    };
    let (log, played) = play(on, child, |a| {
        a.send(Say("first"));
        a.send(Num(2));
    });
    assert_eq!(log.of("a"), [""; 0]);
    let mut lost = played.lost(Reason::Stopped);
    lost.sort();
    assert_eq!(lost, ["Num", "Say"]);
}

/// It is to blame with the message that it was asked about, which is gone; the next one is handled.
fn l30_a_panic_in_a_hook_is_one_of_the_instance(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve());
        let of = log.clone();
        let begin = move |me: &mut Puppet, cx: &mut Context<Puppet>| {
            let h = Spy::new("h", &of).message(|message, _| {
                if message.is::<Ask<Double>>() {
                    panic!("as told");
                }
                true
            });
            cx.child(puppet("a", &of).hook(h).at(a));
            a.send(Num(1));
            me.ask(cx, a, 2, LONG); // it learns at once that nobody will answer
            a.send(Num(3));
            when(cx.addr(), (1, "a: 3"), |_, cx| {
                when(cx.addr(), (1, "b: Ended"), |_, cx| cx.stop());
            });
        };
        let role = Role::new("b", &log).begin(begin).decide(|me, child, _| {
            me.say(format!("{:#}", child.exit));
            Decision::Usual
        });
        stage().child(role.child().at(b).transient().significant())
    });
    assert_eq!(log.of("a:"), ["a: 1", "a: 3"]);
    let told = log.of("b: p");
    // With a place, once some test has installed the panic hook.
    assert!(
        told[0].starts_with("b: panicked: as told (on Ask<Double>"),
        "{told:?}"
    );
}

/// A hook may end the instance in place of the handler: the message stays for the next one.
fn l30_a_hook_may_end_the_instance(on: &dyn Backend) {
    let child = |log: &Log| {
        let mut once = true;
        let h = Spy::new("h", log).message(move |message, cx| {
            if message.is::<Say>() && std::mem::take(&mut once) {
                cx.fail(Error::message("not now"));
            }
            true
        });
        puppet("a", log).hook(h)
    };
    let (log, played) = play(on, child, |a| {
        a.send(Say("one"));
        a.send(Say("two"));
        end(a);
    });
    assert_eq!(log.of("a:"), ["a: one", "a: two"]);
    assert_eq!(
        log.of("h hears"),
        ["h hears one", "h hears one", "h hears two"]
    );
    assert!(
        played.exits[0].starts_with("a: failed: not now"),
        "{:?}",
        played.exits
    );
}

/// So it is for another spec, which claims its address when the loop above is lost before the next instance.
fn l30_what_waits_for_a_hook_is_first_in_what_is_built_anew(seed: u64) {
    let (log, mut sim) = (Log::new(), Sim::new(seed));
    let home = sim.locality("home");
    let [near, far] = ["near", "far"].map(|name| sim.locality(name));
    let (a, b) = (near.reserve(), far.reserve());
    let (theirs, below) = (log.clone(), far.clone());
    let asked = Arc::new(AtomicBool::new(false));
    let one = Supervisor::one_for_all("one").on(&near, move |s| {
        let (log, asked) = (theirs.clone(), asked.clone());
        // The second start of `a` has the other one wait.
        let role = Role::new("a", &log).begin(|me, cx| {
            if me.life == 2 {
                me.kept.push(Box::new(cx.hold("for ever")));
            }
        });
        let two = group("two").on(&below, move |s| {
            let (mut kept, asked) = (Vec::new(), asked.clone());
            let h = Spy::new("h", &log).message(move |message, cx| {
                if message.is::<Num>() && !asked.swap(true, Ordering::Relaxed) {
                    kept.push(cx.hold("for ever"));
                }
                true
            });
            s.child(puppet("b", &log).hook(h).at(b))
        });
        s.child(role.child().at(a)).child(two)
    });
    let root = group("root")
        .child(one)
        .child(puppet("c", &log).at(home.reserve()));
    let app = sim.start(root).unwrap();
    b.send(Num(1));
    sim.run_for(ms(1));
    b.send(Num(3));
    b.send(Now(2)); // goes ahead of that alone
    act(a, |_, _| panic!("as told"));
    sim.run_for(ms(1));
    let waiting = b.address().state();
    assert_eq!(waiting, Lifecycle::Waiting, "{}", app.tree());
    sim.lose(&near);
    sim.open(near);
    sim.run_for(ms(10));
    assert_eq!(log.of("b:"), ["b: 1", "b: now 2", "b: 3"]);
    for part in app.tree().localities {
        assert_eq!(part.undelivered, []);
    }
}

bodies! {
    Each: [
        l30_hooks_are_asked_in_order,
        l30_a_hook_may_delay_a_start,
        l30_a_parked_message_may_be_delayed,
        l30_a_hook_may_delay_a_stop,
        l30_a_hook_may_fail_a_start,
        l30_a_hook_may_fail_a_stop,
        l30_a_stop_during_a_start_asks_who_was_asked,
        l30_what_waits_for_a_hook_outlives_the_instance,
        l30_what_waits_for_a_hook_is_reported_at_the_end,
        l30_a_panic_in_a_hook_is_one_of_the_instance,
        l30_a_hook_may_end_the_instance,
        r49_a_hook_sees_what_is_in_a_message,
    ]
    Pair: [
        l30_a_hook_may_delay_a_message,
        r17_a_hook_lets_one_of_two_through,
        r18_a_hook_is_asked_once_about_a_published_message,
    ]
    Sim: [
        r18_a_hook_knows_where_a_message_was_published,
        l30_what_waits_for_a_hook_is_first_in_what_is_built_anew,
    ]
}
