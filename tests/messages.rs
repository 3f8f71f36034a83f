//! Messages between actors: delivery, order, payloads.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;

use rotor_core::*;

use crate::backend::Backend;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

fn a01_a_message_is_handled_by_the_actor_that_the_address_names(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve());
        a.send(Say("for a"));
        b.send(Say("for b"));
        end(a);
        stage()
            .child(puppet("b", &log).at(b))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.of("a"), ["a: for a"]);
    assert_eq!(log.of("b"), ["b: for b"]);
}

/// Ping-pong: one each way, both actors are dropped afterwards.
fn r22_a_ping_is_answered_by_one_pong(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (ping, pong) = (here.reserve(), here.reserve());
        act(ping, move |_, _| {
            act(pong, move |me, _| {
                me.say("ping");
                act(ping, |me, cx| {
                    me.say("pong");
                    cx.stop();
                });
            });
        });
        stage()
            .child(puppet("b", &log).at(pong))
            .child(lead("a", &log).at(ping))
    });
    assert_eq!(log.all(), ["b: ping", "a: pong"]);
}

/// Two tags in rotor; here two localities, driven by two loops: exact counts per hop.
fn r69_a_ball_goes_to_and_fro_between_localities(on: &dyn Backend, far: &dyn Backend) {
    const HOPS: u32 = 200;
    struct Player(Addr<Player>, Log);
    struct Ball(u32);
    impl Actor for Player {}
    impl Handler<Ball> for Player {
        fn handle(&mut self, Ball(n): Ball, cx: &mut Context<Self>) {
            self.1
                .put(if n.is_multiple_of(2) { "ping" } else { "pong" });
            match n {
                0 => cx.stop(),
                n => self.0.send(Ball(n - 1)),
            }
        }
    }
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (ping, pong) = (here.reserve(), away.reserve());
        let (mine, theirs) = (log.clone(), log.clone());
        ping.send(Ball(HOPS));
        stage()
            .child(group("far").on(&away, move |s| {
                let log = theirs.clone();
                s.child(Child::new("pong", move || Player(ping, log.clone())).at(pong))
            }))
            .child(
                Child::new("ping", move || Player(pong, mine.clone()))
                    .at(ping)
                    .transient()
                    .significant(),
            )
    });
    assert_eq!(log.count("ping"), HOPS as usize / 2 + 1);
    assert_eq!(log.count("pong"), HOPS as usize / 2);
}

fn m02_messages_of_one_sender_arrive_in_order(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve());
        act(a, move |_, cx| {
            for n in 0..300 {
                b.send(Num(n));
            }
            act(b, move |_, _| end(a));
            let _ = cx;
        });
        stage()
            .child(puppet("b", &log).at(b))
            .child(lead("a", &log).at(a))
    });
    let expected: Vec<String> = (0..300).map(|n| format!("b: {n}")).collect();
    assert_eq!(log.all(), expected);
}

/// Lane order is send order, whoever sends and whoever receives.
fn a06_inside_a_locality_the_order_of_handling_is_the_order_of_sending(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b, c) = (here.reserve(), here.reserve(), here.reserve());
        act(a, move |me, cx| {
            b.send(Num(1));
            c.send(Num(2));
            me.ask(cx, c, 10, LONG);
            b.send(Num(3));
            cx.addr().send(Num(4));
            act(b, move |_, _| {
                c.send(Num(5));
                act(a, |me, cx| {
                    me.say(7);
                    cx.stop();
                });
            });
            c.send(Num(6));
        });
        stage()
            .child(puppet("b", &log).at(b))
            .child(puppet("c", &log).at(c))
            .child(lead("a", &log).at(a))
    });
    // The reply is sent while the request is handled, behind what the start had queued.
    assert_eq!(
        log.all(),
        [
            "b: 1",
            "c: 2",
            "b: 3",
            "a: 4",
            "c: 6",
            "a: got 20",
            "c: 5",
            "a: 7"
        ]
    );
}

fn a06_order_is_kept_per_sender_between_localities(on: &dyn Backend, far: &dyn Backend) {
    const EACH: u32 = 500;
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let sink = here.reserve();
        let (mine, theirs) = (log.clone(), log.clone());
        let done = move |me: &mut Puppet, cx: &mut Context<Puppet>| {
            me.say("end");
            if me.log.count("sink: end") == 3 {
                cx.stop();
            }
        };
        let sender = move |name: &'static str, log: &Log| {
            Role::new(name, log).begin(move |_, cx| {
                act(cx.addr(), move |_, _| {
                    for n in 0..EACH {
                        let from = name.as_bytes()[0];
                        act(sink, move |me, _| me.say(format!("{} {n}", from as char)));
                    }
                    act(sink, done);
                });
            })
        };
        stage()
            .child(lead("sink", &log).at(sink))
            .child(group("far").on(&away, move |s| {
                s.child(sender("x", &theirs).child())
                    .child(sender("y", &theirs).child())
            }))
            .child(sender("z", &mine).child())
    });
    for from in ["x", "y", "z"] {
        let expected: Vec<String> = (0..EACH).map(|n| format!("sink: {from} {n}")).collect();
        assert_eq!(log.of(&format!("sink: {from} ")), expected);
    }
}

/// Plain threads are senders, too.
fn a05_any_thread_may_send_and_keeps_its_order(on: &dyn Backend) {
    const EACH: u32 = 300;
    let log = Log::new();
    on.run_clean(&log, |here| {
        let sink = here.reserve::<Puppet>();
        for thread in 0..3 {
            std::thread::spawn(move || {
                for n in 0..EACH {
                    act(sink, move |me, _| me.say(format!("{thread} {n}")));
                }
                act(sink, move |me, cx| {
                    me.say("end");
                    if me.log.count("sink: end") == 3 {
                        cx.stop();
                    }
                });
            });
        }
        stage().child(lead("sink", &log).at(sink))
    });
    for thread in 0..3 {
        let expected: Vec<String> = (0..EACH).map(|n| format!("sink: {thread} {n}")).collect();
        assert_eq!(log.of(&format!("sink: {thread} ")), expected);
    }
}

fn a05_a_message_may_be_sent_from_a_drop(on: &dyn Backend) {
    struct Teller(Addr<Puppet>);
    impl Drop for Teller {
        fn drop(&mut self) {
            self.0.send(Say("dropped"));
            end(self.0);
        }
    }
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve());
        act(b, move |me, cx| {
            me.kept.push(Box::new(Teller(a)));
            cx.stop();
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(puppet("b", &log).at(b).temporary())
    });
    assert_eq!(log.all(), ["a: dropped"]);
}

/// A move-only payload arrives as the same object.
fn a26_a_message_to_one_receiver_is_moved(on: &dyn Backend, far: &dyn Backend) {
    struct Parcel(Box<u64>, usize);
    struct Sink(Log);
    impl Actor for Sink {}
    impl Handler<Parcel> for Sink {
        fn handle(&mut self, Parcel(inside, at): Parcel, cx: &mut Context<Self>) {
            let same = std::ptr::from_ref(&*inside) as usize == at;
            self.0.put(format!("{inside} {same}"));
            cx.stop();
        }
    }
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, sink) = (away.reserve(), here.reserve());
        let mine = log.clone();
        let theirs = log.clone();
        act(a, move |_, _| {
            let inside = Box::new(77);
            let at = std::ptr::from_ref(&*inside) as usize;
            sink.send(Parcel(inside, at));
        });
        stage()
            .child(
                Child::new("sink", move || Sink(mine.clone()))
                    .at(sink)
                    .transient()
                    .significant(),
            )
            .child(group("far").on(&away, move |s| s.child(puppet("a", &theirs).at(a))))
    });
    assert_eq!(log.all(), ["77 true"]);
}

/// Sharing is explicit: the receiver has the sender's object.
fn a26_a_shared_payload_is_an_arc_in_the_message(on: &dyn Backend) {
    struct Shared(Arc<str>);
    struct Sink(Log, Arc<str>);
    impl Actor for Sink {}
    impl Handler<Shared> for Sink {
        fn handle(&mut self, Shared(text): Shared, cx: &mut Context<Self>) {
            self.0.put(format!("{}", Arc::ptr_eq(&text, &self.1)));
            cx.stop();
        }
    }
    let log = Log::new();
    on.run_clean(&log, |here| {
        let sink = here.reserve();
        let (text, mine): (Arc<str>, _) = ("text".into(), log.clone());
        sink.send(Shared(text.clone()));
        stage().child(
            Child::new("sink", move || Sink(mine.clone(), text.clone()))
                .at(sink)
                .transient()
                .significant(),
        )
    });
    assert_eq!(log.all(), ["true"]);
}

/// Every size and alignment that the queue stores in another way: nothing, a byte, the limit of
/// what is inline, above it, more alignment than a word's.
fn s07_payloads_of_every_size_and_alignment_arrive_whole(on: &dyn Backend, far: &dyn Backend) {
    #[derive(Clone, Copy, PartialEq)]
    struct Nothing;
    #[derive(Clone, Copy, PartialEq)]
    struct Bytes<const N: usize>([u8; N]);
    #[derive(Clone, Copy, PartialEq)]
    #[repr(align(64))]
    struct Aligned([u8; 64]);
    struct Sink(Log);
    impl Actor for Sink {}
    impl Handler<Nothing> for Sink {
        fn handle(&mut self, _: Nothing, _: &mut Context<Self>) {
            self.0.put("nothing");
        }
    }
    impl<const N: usize> Handler<Bytes<N>> for Sink {
        fn handle(&mut self, m: Bytes<N>, _: &mut Context<Self>) {
            let whole = m == Bytes([N as u8 ^ 0x5a; N]);
            self.0.put(format!("{N} {whole}"));
        }
    }
    impl Handler<Aligned> for Sink {
        fn handle(&mut self, m: Aligned, _: &mut Context<Self>) {
            let at = std::ptr::from_ref(&m) as usize;
            self.0.put(format!(
                "aligned {}",
                m == Aligned([7; 64]) && at.is_multiple_of(64)
            ));
        }
    }
    struct Over;
    impl Handler<Over> for Sink {
        fn handle(&mut self, _: Over, cx: &mut Context<Self>) {
            cx.stop();
        }
    }
    fn send_all(sink: Addr<Sink>) {
        fn bytes<const N: usize>(sink: Addr<Sink>) {
            sink.send(Bytes([N as u8 ^ 0x5a; N]));
        }
        sink.send(Nothing);
        bytes::<1>(sink);
        bytes::<7>(sink);
        bytes::<8>(sink);
        bytes::<47>(sink);
        bytes::<48>(sink);
        bytes::<49>(sink);
        bytes::<127>(sink);
        bytes::<128>(sink);
        bytes::<129>(sink);
        bytes::<100_000>(sink);
        sink.send(Aligned([7; 64]));
    }
    const ALL: usize = 12;
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (sink, local, remote) = (here.reserve(), here.reserve(), away.reserve());
        let (mine, theirs) = (log.clone(), log.clone());
        send_all(sink); // from a plain thread
        when(local, (ALL, ""), move |_, cx| {
            send_all(sink); // from its own locality
            when(cx.addr(), (2 * ALL, ""), move |_, _| {
                act(remote, move |_, _| {
                    send_all(sink); // from another one
                    sink.send(Over);
                });
            });
        });
        stage()
            .child(
                Child::new("sink", move || Sink(mine.clone()))
                    .at(sink)
                    .transient()
                    .significant(),
            )
            .child(group("far").on(&away, move |s| s.child(puppet("r", &theirs).at(remote))))
            .child(puppet("l", &log).at(local))
    });
    let mut once = vec!["nothing".to_owned()];
    let sizes = [1, 7, 8, 47, 48, 49, 127, 128, 129, 100_000];
    once.extend(sizes.map(|n| format!("{n} true")));
    once.push("aligned true".to_owned());
    assert_eq!(once.len(), ALL);
    assert_eq!(log.all(), [&once[..], &once, &once].concat());
}

/// A handler may push while its own record is the one that was read last.
fn s07_a_handler_may_fill_the_queue_that_its_own_message_came_from(on: &dyn Backend) {
    struct Seed(u32, [u64; 12]);
    struct Flood {
        seen: u32,
        log: Log,
    }
    impl Actor for Flood {}
    impl Handler<Seed> for Flood {
        fn handle(&mut self, Seed(depth, mark): Seed, cx: &mut Context<Self>) {
            self.seen += 1;
            for _ in 0..if depth > 0 { 12 } else { 0 } {
                cx.addr().send(Seed(depth - 1, [depth as u64; 12]));
            }
            // Still the message that was taken out, whatever was pushed since.
            assert!(mark.iter().all(|&word| word == depth as u64 + 1));
            if self.seen == 1 + 12 + 144 + 1728 {
                self.log.put("all");
                cx.stop();
            }
        }
    }
    let log = Log::new();
    on.run_clean(&log, |here| {
        let flood = here.reserve();
        let mine = log.clone();
        flood.send(Seed(3, [4; 12]));
        stage().child(
            Child::new("flood", move || Flood {
                seen: 0,
                log: mine.clone(),
            })
            .at(flood)
            .transient()
            .significant(),
        )
    });
    assert_eq!(log.all(), ["all"]);
}

/// More than a chunk holds, and records that do not fit its rest.
fn s07_more_messages_than_a_chunk_holds_cross_in_order(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (sink, a) = (here.reserve::<Puppet>(), away.reserve());
        let theirs = log.clone();
        act(a, move |_, _| {
            for n in 0..6_000 {
                let filling = [n; 3];
                act(sink, move |me, _| {
                    let next = me.life;
                    assert_eq!(filling, [next - 1; 3]);
                    me.life += 1;
                });
            }
            act(sink, |me, cx| {
                me.say(me.life - 1);
                cx.stop();
            });
        });
        stage()
            .child(lead("sink", &log).at(sink))
            .child(group("far").on(&away, move |s| s.child(puppet("a", &theirs).at(a))))
    });
    assert_eq!(log.all(), ["sink: 6000"]);
}

fn a30_an_actor_may_hold_what_is_not_send(on: &dyn Backend, far: &dyn Backend) {
    struct View(Rc<RefCell<u32>>, Addr<Puppet>);
    impl Actor for View {}
    impl Handler<Num> for View {
        fn handle(&mut self, Num(n): Num, _: &mut Context<Self>) {
            *self.0.borrow_mut() += n;
            let sum = *self.0.borrow();
            act(self.1, move |me, cx| {
                me.say(sum);
                cx.stop();
            });
        }
    }
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, view) = (here.reserve(), away.reserve());
        view.send(Num(5));
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| {
                let shared = Rc::new(RefCell::new(37));
                s.child(Child::new("view", move || View(shared.clone(), a)).at(view))
            }))
    });
    assert_eq!(log.all(), ["a: 42"]);
}

fn a30_a_message_that_is_not_send_travels_inside_its_locality(on: &dyn Backend) {
    struct Label(Rc<RefCell<String>>);
    struct View(Log);
    impl Actor for View {}
    impl Handler<Label> for View {
        fn handle(&mut self, Label(text): Label, cx: &mut Context<Self>) {
            self.0.put(text.borrow().clone());
            cx.stop();
        }
    }
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, view) = (here.reserve(), here.reserve::<View>());
        let mine = log.clone();
        act(a, move |_, _| {
            let text = Rc::new(RefCell::new("first".to_owned()));
            view.send_local(Label(text.clone())).unwrap();
            *text.borrow_mut() = "changed".to_owned();
        });
        stage()
            .child(
                Child::new("view", move || View(mine.clone()))
                    .at(view)
                    .transient()
                    .significant(),
            )
            .child(puppet("a", &log).at(a))
    });
    assert_eq!(log.all(), ["changed"]);
}

fn a30_a_message_that_is_not_send_is_handed_back_elsewhere(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve::<Puppet>(), away.reserve());
        let theirs = log.clone();
        act(b, move |me, _| {
            let back = a.send_local(Say("never")).unwrap_err();
            me.say(format!("{:?} {:?}", back.message, back.reason));
            end(a);
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b))))
    });
    assert_eq!(log.all(), [r#"b: Say("never") NotLocal"#]);
}

/// One enum with a match, and several message types, side by side.
fn row_m03_an_enum_of_messages_and_single_types_are_both_handled(on: &dyn Backend) {
    enum Command {
        Add(u32),
        Clear,
    }
    struct Report;
    struct Sum(u32, Log);
    impl Actor for Sum {}
    impl Handler<Command> for Sum {
        fn handle(&mut self, command: Command, _: &mut Context<Self>) {
            match command {
                Command::Add(n) => self.0 += n,
                Command::Clear => self.0 = 0,
            }
        }
    }
    impl Handler<Report> for Sum {
        fn handle(&mut self, _: Report, cx: &mut Context<Self>) {
            self.1.put(self.0.to_string());
            cx.stop();
        }
    }
    let log = Log::new();
    on.run_clean(&log, |here| {
        let sum = here.reserve();
        let mine = log.clone();
        for command in [
            Command::Add(1),
            Command::Clear,
            Command::Add(20),
            Command::Add(3),
        ] {
            sum.send(command);
        }
        sum.send(Report);
        let sum_of = move || Sum(0, mine.clone());
        stage().child(Child::new("sum", sum_of).at(sum).transient().significant())
    });
    assert_eq!(log.all(), ["23"]);
}

/// A detector in every handler, and two threads that send without a pause.
fn e07_handlers_of_one_locality_never_overlap(on: &dyn Backend, far: &dyn Backend) {
    const EACH: usize = 200;
    static INSIDE: Mutex<Vec<(ThreadId, bool)>> = Mutex::new(Vec::new());
    fn detect(inside: bool) -> bool {
        let mut all = INSIDE.lock().unwrap();
        let me = std::thread::current().id();
        match all.iter_mut().find(|(thread, _)| *thread == me) {
            Some((_, before)) => std::mem::replace(before, inside),
            None => {
                all.push((me, inside));
                false
            }
        }
    }
    fn step(me: &mut Puppet, cx: &mut Context<Puppet>, other: Addr<Puppet>) {
        assert!(!detect(true), "a handler inside another one");
        act(other, |_, _| {
            assert!(!detect(true), "a handler inside another one");
            detect(false);
        });
        let _ = other.try_send(Say("and"));
        if me.log.count("over") == 2 * EACH - 1 {
            act(cx.addr(), |_, cx| cx.stop());
        }
        me.log.put("over");
        detect(false);
    }
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b, c) = (here.reserve(), here.reserve(), away.reserve());
        let theirs = log.clone();
        std::thread::spawn(move || (0..EACH).for_each(|_| act(a, move |me, cx| step(me, cx, b))));
        act(c, move |_, _| {
            (0..EACH).for_each(|_| act(a, move |me, cx| step(me, cx, b)))
        });
        stage()
            .child(puppet("b", &log).at(b))
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| s.child(puppet("c", &theirs).at(c))))
    });
    assert_eq!(log.count("over"), 2 * EACH);
}

/// It is found by the type of what it handles, and gets the body and where it came from.
fn c_lp_07_a_handler_gets_the_body_and_its_sender(on: &dyn Backend, far: &dyn Backend) {
    struct Letter {
        from: Recipient<Say>,
        body: Vec<u32>,
    }
    struct Post(Log);
    impl Actor for Post {}
    impl Handler<Letter> for Post {
        fn handle(&mut self, letter: Letter, _: &mut Context<Self>) {
            self.0.put(format!("{:?}", letter.body));
            letter.from.send(Say("answered"));
        }
    }
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, post) = (here.reserve::<Puppet>(), away.reserve());
        let to: Recipient<Letter> = post.to();
        let theirs = log.clone();
        act(a, move |_, cx| {
            let (from, body) = (cx.addr().to(), vec![1, 2, 3]);
            assert_eq!(from.address(), a.address());
            to.send(Letter { from, body });
        });
        when(a, (1, "a: answered"), |_, cx| cx.stop());
        stage()
            .child(group("far").on(&away, move |s| {
                let log = theirs.clone();
                s.child(Child::new("post", move || Post(log.clone())).at(post))
            }))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["[1, 2, 3]", "a: answered"]);
}

bodies! {
    Each: [
        a01_a_message_is_handled_by_the_actor_that_the_address_names,
        r22_a_ping_is_answered_by_one_pong
            as r119_a_ping_is_answered_by_one_pong
            as r121_a_ping_is_answered_by_one_pong
            as r133_a_ping_is_answered_by_one_pong,
        m02_messages_of_one_sender_arrive_in_order,
        a06_inside_a_locality_the_order_of_handling_is_the_order_of_sending,
        a05_any_thread_may_send_and_keeps_its_order,
        a05_a_message_may_be_sent_from_a_drop,
        a26_a_shared_payload_is_an_arc_in_the_message,
        s07_a_handler_may_fill_the_queue_that_its_own_message_came_from,
        a30_a_message_that_is_not_send_travels_inside_its_locality,
        row_m03_an_enum_of_messages_and_single_types_are_both_handled,
    ]
    Pair: [
        r69_a_ball_goes_to_and_fro_between_localities
            as r125_a_ball_goes_to_and_fro_between_localities,
        a06_order_is_kept_per_sender_between_localities,
        a26_a_message_to_one_receiver_is_moved,
        s07_payloads_of_every_size_and_alignment_arrive_whole,
        s07_more_messages_than_a_chunk_holds_cross_in_order,
        a30_an_actor_may_hold_what_is_not_send,
        a30_a_message_that_is_not_send_is_handed_back_elsewhere,
        e07_handlers_of_one_locality_never_overlap,
        c_lp_07_a_handler_gets_the_body_and_its_sender,
    ]
}
