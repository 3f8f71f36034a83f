//! Publishing to whoever is subscribed to an address.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rotor_core::sim::Sim;
use rotor_core::*;

use crate::backend::Backend;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

/// A puppet that subscribes to a topic in its start.
pub fn subscriber(name: &'static str, log: &Log, topic: Topic<Say>) -> Role {
    Role::new(name, log).begin(move |_, cx| cx.subscribe(topic))
}

/// An address that nobody owns, with two subscribers: each gets one.
fn r34_each_subscriber_gets_one(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, topic) = (here.reserve(), here.topic());
        act(a, move |_, cx| {
            topic.publish(Say("news"));
            act(cx.addr(), |_, cx| cx.stop());
        });
        stage()
            .child(subscriber("b", &log, topic).child())
            .child(subscriber("c", &log, topic).child())
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["b: news", "c: news"]);
}

/// A third actor subscribed to another's own address gets what is published there.
fn r30_anybody_may_subscribe_to_anothers_address(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve());
        let (theirs, topic) = (log.clone(), b.address().topic());
        act(a, move |_, cx| {
            topic.publish(Say("to b"));
            // Through `b`, and so behind what it publishes.
            act(b, move |_, _| act(a, |_, cx| cx.stop()));
            let _ = cx;
        });
        stage()
            .child(group("far").on(&away, move |s| {
                s.child(subscriber("b", &theirs, topic).child().at(b))
            }))
            .child(subscriber("c", &log, topic).child())
            .child(lead("a", &log).at(a))
    });
    let mut all = log.all();
    all.sort();
    assert_eq!(all, ["b: to b", "c: to b"]);
}

/// `b` handles the type, but did not subscribe to its own address.
fn m05_publishing_to_an_actors_address_reaches_subscribers_only(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        act(a, move |_, cx| {
            b.address().topic().publish(Say("to nobody"));
            act(cx.addr(), |_, cx| cx.stop());
        });
        stage()
            .child(puppet("b", &log).at(b))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), [""; 0]);
    assert_eq!(played.undelivered, [("Say".to_owned(), Reason::Unheard)]);
}

fn m06_a_typed_send_is_not_seen_by_subscribers(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        let topic = b.address().topic();
        act(a, move |_, cx| {
            b.send(Say("for b alone"));
            topic.publish(Say("for all"));
            act(cx.addr(), |_, cx| cx.stop());
        });
        stage()
            .child(puppet("b", &log).at(b))
            .child(subscriber("c", &log, topic).child())
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["b: for b alone", "c: for all"]);
}

/// Each copy of a message that counts its clones.
struct Counted(Arc<AtomicU32>);

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.fetch_add(1, Ordering::SeqCst);
        Counted(self.0.clone())
    }
}

struct Counter(Log, Topic<Counted>);

impl Actor for Counter {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        cx.subscribe(self.1);
        Ok(())
    }
}

impl Handler<Counted> for Counter {
    fn handle(&mut self, _: Counted, _: &mut Context<Self>) {
        self.0.put("counted");
    }
}

fn counter(name: &'static str, log: &Log, topic: Topic<Counted>) -> Child<Counter> {
    let log = log.clone();
    Child::new(name, move || Counter(log.clone(), topic))
}

fn m07_a_message_is_cloned_for_all_subscribers_but_the_last(on: &dyn Backend) {
    let log = Log::new();
    let clones = Arc::new(AtomicU32::new(0));
    on.run_clean(&log, |here| {
        let (a, topic) = (here.reserve(), here.topic());
        let mine = clones.clone();
        act(a, move |_, cx| {
            topic.publish(Counted(mine));
            act(cx.addr(), |_, cx| cx.stop());
        });
        stage()
            .child(counter("1", &log, topic))
            .child(counter("2", &log, topic))
            .child(counter("3", &log, topic))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["counted"; 3]);
    assert_eq!(clones.load(Ordering::SeqCst), 2);
}

/// The owner clones once per foreign locality and local subscriber but one; there the same again.
fn m07_another_locality_costs_one_clone(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let clones = Arc::new(AtomicU32::new(0));
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, topic) = (here.reserve(), here.topic());
        let (theirs, mine) = (log.clone(), clones.clone());
        let b = away.reserve::<Puppet>();
        act(a, move |_, _| {
            topic.publish(Counted(mine));
            // Behind the copy for the other locality.
            act(b, move |_, _| end(a));
        });
        stage()
            .child(group("far").on(&away, move |s| {
                s.child(counter("1", &theirs, topic))
                    .child(counter("2", &theirs, topic))
                    .child(counter("3", &theirs, topic))
                    .child(puppet("b", &theirs).at(b))
            }))
            .child(counter("4", &log, topic))
            .child(counter("5", &log, topic))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["counted"; 5]);
    // One to get there, two over there, one here.
    assert_eq!(clones.load(Ordering::SeqCst), 4);
}

/// Without a local subscriber the last foreign locality takes the value.
fn m07_a_sole_foreign_subscriber_takes_the_value(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let clones = Arc::new(AtomicU32::new(0));
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, topic) = (here.reserve(), here.topic());
        let (theirs, mine) = (log.clone(), clones.clone());
        let b = away.reserve::<Puppet>();
        act(a, move |_, cx| {
            topic.publish(Counted(mine));
            // A publish goes through the queue of its own locality.
            act(cx.addr(), move |_, _| act(b, move |_, _| end(a)));
        });
        stage()
            .child(group("far").on(&away, move |s| {
                s.child(counter("1", &theirs, topic))
                    .child(puppet("b", &theirs).at(b))
            }))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["counted"]);
    assert_eq!(clones.load(Ordering::SeqCst), 0);
}

/// The next sibling publishes in its start: the subscription has been confirmed by then.
fn m07_a_subscription_made_in_a_start_holds_the_start(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, topic) = (here.reserve(), here.topic());
        let theirs = log.clone();
        let first = Role::new("a", &log).begin(move |_, _| topic.publish(Say("first")));
        stage()
            .child(group("far").on(&away, move |s| {
                let role = Role::new("b", &theirs).begin(move |_, cx| {
                    cx.subscribe(topic);
                    cx.subscribe(topic); // once is enough
                });
                s.child(role.child())
            }))
            .child(first.child().at(a).transient().significant())
            .child(
                Role::new("c", &log)
                    .begin(move |_, _| {
                        topic.publish(Say("second"));
                        when(a, (1, "b: second"), |_, cx| cx.stop());
                    })
                    .child(),
            )
    });
    assert_eq!(log.all(), ["b: first", "b: second"]);
}

/// The way to the topic's owner is long: whoever starts next comes after the confirmation all the
/// same.
fn m07_a_start_waits_for_the_owner_of_its_topic(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let [_, away, owner] = ["here", "away", "owner"].map(|name| sim.locality(name));
    sim.delay(&away, &owner, ms(20));
    let (topic, theirs) = (owner.topic(), log.clone());
    let first = Role::new("a", &log).begin(move |me, _| {
        me.log.put("a starts");
        topic.publish(Say("first"));
    });
    let far = group("far").on(&away, move |s| {
        s.child(subscriber("b", &theirs, topic).child())
    });
    let tree = group("root").child(far).child(first.child());
    sim.start(tree).unwrap();
    sim.run_for(ms(19));
    assert_eq!(log.count("a starts"), 0, "seed {seed}");
    sim.run_for(ms(1));
    assert_eq!(log.all(), ["a starts", "b: first"], "seed {seed}");
}

/// All see the messages of one publisher in its order.
fn a22_subscribers_see_the_order_of_a_publisher(on: &dyn Backend, far: &dyn Backend) {
    const N: u32 = 300;
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, p, topic) = (here.reserve(), away.reserve(), here.topic::<Num>());
        let theirs = log.clone();
        act(p, move |_, _| {
            for n in 0..N {
                topic.publish(Num(n));
            }
            act(a, move |_, _| act(p, move |_, _| end(a)));
        });
        let hear = move |name, log: &Log| {
            Role::new(name, log)
                .begin(move |_, cx| cx.subscribe(topic))
                .child()
        };
        stage()
            .child(lead("a", &log).at(a))
            .child(hear("b", &log))
            .child(hear("c", &log))
            .child(group("far").on(&away, move |s| {
                s.child(hear("d", &theirs))
                    .child(puppet("p", &theirs).at(p))
            }))
    });
    for name in ["b: ", "c: ", "d: "] {
        let expected: Vec<String> = (0..N).map(|n| format!("{name}{n}")).collect();
        assert_eq!(log.of(name), expected);
    }
}

/// Unsubscribing one's own handler at the start is fine.
fn r14_a_subscription_may_be_ended_in_the_start(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        let (a, b, topic) = (here.reserve(), away.reserve::<Puppet>(), here.topic());
        let theirs = log.clone();
        act(a, move |_, cx| {
            topic.publish(Say("unheard"));
            act(cx.addr(), move |_, _| act(b, move |_, _| end(a)));
        });
        stage()
            .child(group("far").on(&away, move |s| {
                let role = Role::new("b", &theirs).begin(move |_, cx| {
                    cx.subscribe(topic);
                    cx.unsubscribe(topic);
                });
                s.child(role.child().at(b))
            }))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), [""; 0]);
    assert_eq!(played.lost(Reason::Unheard), ["Say"]);
}

/// What is parked until its subscriber runs says by which address it came, over a crash, too.
fn a28_a_parked_message_tells_by_which_address_it_came(on: &dyn Backend, far: &dyn Backend) {
    struct Late {
        life: u32,
        topics: [Topic<Say>; 2],
        log: Log,
        a: Addr<Puppet>,
        b: Addr<Puppet>,
    }
    impl Actor for Late {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            self.topics.iter().for_each(|topic| cx.subscribe(*topic));
            if self.life == 1 {
                let (topics, this, a, b) = (self.topics, cx.addr(), self.a, self.b);
                let hold = cx.hold("what is published meanwhile");
                act(a, move |_, _| {
                    topics[0].publish(Say("one"));
                    this.send(Say("direct"));
                    topics[1].publish(Say("two"));
                    // Through the locality of the second topic, behind what it hands on.
                    act(b, move |_, _| {
                        act(a, move |_, _| {
                            this.send(Say("last"));
                            drop(hold);
                        });
                    });
                });
            }
            Ok(())
        }
    }
    impl Handler<Say> for Late {
        fn handle(&mut self, Say(text): Say, cx: &mut Context<Self>) {
            let by = cx.published_to();
            let by = self.topics.iter().position(|t| Some(t.address()) == by);
            self.log.put(format!("{text} by {by:?}"));
            match text {
                "one" => panic!("as told"),
                "last" => end(self.a),
                _ => {}
            }
        }
    }
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve());
        let (mine, theirs) = (log.clone(), log.clone());
        let topics = [here.topic(), away.topic()];
        let mut life = 0;
        let late = Child::new("late", move || {
            life += 1;
            let log = mine.clone();
            Late {
                life,
                topics,
                log,
                a,
                b,
            }
        });
        stage()
            .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b))))
            .child(lead("a", &log).at(a))
            .child(late)
    });
    assert_eq!(
        log.all(),
        [
            "one by Some(0)",
            "direct by None",
            "two by Some(1)",
            "last by None"
        ]
    );
}

/// A further identity: what comes by it says so.
fn a28_an_actor_tells_by_which_of_its_addresses_a_message_came(on: &dyn Backend) {
    struct Two {
        first: Topic<Say>,
        log: Log,
        a: Addr<Puppet>,
    }
    impl Actor for Two {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            let second = cx.topic();
            cx.subscribe(self.first);
            cx.subscribe(second);
            let (first, this) = (self.first, cx.addr());
            act(self.a, move |_, cx| {
                first.publish(Say("one"));
                second.publish(Say("two"));
                this.send(Say("direct"));
                act(cx.addr(), |_, cx| cx.stop());
            });
            Ok(())
        }
    }
    impl Handler<Say> for Two {
        fn handle(&mut self, Say(text): Say, cx: &mut Context<Self>) {
            let by = match cx.published_to() {
                None => "no topic",
                Some(at) if at == self.first.address() => "the first",
                Some(_) => "the second",
            };
            self.log.put(format!("{text} by {by}"));
        }
    }
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, first, mine) = (here.reserve(), here.topic(), log.clone());
        let make = move || Two {
            first,
            log: mine.clone(),
            a,
        };
        stage()
            .child(lead("a", &log).at(a))
            .child(Child::new("two", make))
    });
    assert_eq!(
        log.all(),
        [
            "one by the first",
            "two by the second",
            "direct by no topic"
        ]
    );
}

/// Made in the factory, published to there, delivered once.
fn r15_a_message_to_a_further_address_arrives_once(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        let mine = log.clone();
        let make = move |cx: &mut Context<Puppet>| {
            let topic = cx.topic();
            cx.subscribe(topic);
            topic.publish(Say("early"));
            end(cx.addr());
            Ok(Role::new("a", &mine).play(1))
        };
        stage().child(Child::with("a", make).at(a).transient().significant())
    });
    assert_eq!(log.all(), ["a: early"]);
}

/// It is freed with the instance: published to later, it is gone.
fn a28_a_further_address_ends_with_the_instance(on: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve());
        let role = Role::new("b", &log).begin(move |me, cx| {
            if me.life == 1 {
                let topic = cx.topic();
                cx.subscribe(topic);
                crash(cx.addr());
                act(a, move |_, cx| {
                    topic.publish(Say("while it lives"));
                    later(cx, ms(2), move |_, cx| {
                        topic.publish(Say("afterwards"));
                        act(cx.addr(), |_, cx| cx.stop());
                    });
                });
            }
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(role.child().at(b))
    });
    assert_eq!(log.count("b: afterwards"), 0);
    assert!(
        played.lost(Reason::Gone).contains(&"Say"),
        "{:?}",
        played.undelivered
    );
}

/// A subscription ends with its instance; what was published before is not lost for the others.
fn a22_a_subscription_ends_with_its_instance(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let away = far.spawn("away");
        let (a, b, topic) = (here.reserve(), away.reserve(), here.topic());
        let theirs = log.clone();
        act(a, move |_, _| crash(b));
        stage()
            .child(group("far").on(&away, move |s| {
                let once = Role::new("b", &theirs).begin(move |me, cx| {
                    if me.life == 1 {
                        cx.subscribe(topic);
                    } else {
                        act(a, move |_, cx| {
                            topic.publish(Say("to nobody"));
                            act(cx.addr(), move |_, _| act(b, move |_, _| end(a)));
                        });
                    }
                });
                s.child(once.child().at(b))
            }))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), [""; 0]);
}

/// The new subscriber does not see the running message, the removed one is skipped.
fn s20_subscribing_and_unsubscribing_in_a_handler_of_the_topic_is_safe(on: &dyn Backend) {
    type Act = fn(&mut Member, &mut Context<Member>);
    struct Member {
        name: &'static str,
        topic: Topic<Say>,
        act: Act,
        log: Log,
        other: Addr<Member>,
    }
    struct Join;
    impl Actor for Member {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            if self.name != "late" {
                cx.subscribe(self.topic);
            }
            Ok(())
        }
    }
    impl Handler<Say> for Member {
        fn handle(&mut self, Say(text): Say, cx: &mut Context<Self>) {
            self.log.put(format!("{} {text}", self.name));
            (self.act)(self, cx);
        }
    }
    impl Handler<Join> for Member {
        fn handle(&mut self, _: Join, cx: &mut Context<Self>) {
            cx.subscribe(self.topic);
        }
    }
    let log = Log::new();
    on.run(|here| {
        let (a, late, topic) = (here.reserve(), here.reserve::<Member>(), here.topic());
        let mine = log.clone();
        let member = move |name, act: Act| {
            let log = mine.clone();
            Child::new(name, move || Member {
                name,
                topic,
                act,
                log: log.clone(),
                other: late,
            })
        };
        act(a, move |_, cx| {
            topic.publish(Say("one"));
            topic.publish(Say("two"));
            act(cx.addr(), move |_, cx| {
                topic.publish(Say("three"));
                act(cx.addr(), |_, cx| cx.stop());
            });
        });
        stage()
            .child(member("leaves", |me, cx| cx.unsubscribe(me.topic)))
            .child(member("again", |me, cx| {
                cx.unsubscribe(me.topic);
                cx.subscribe(me.topic);
            }))
            .child(member("invites", |me, _| me.other.send(Join)))
            .child(member("crashes", |me, _| {
                if me.log.count("crashes") == 1 {
                    panic!("in a publish");
                }
            }))
            .child(member("stays", |_, _| ()))
            .child(member("late", |_, _| ()).at(late))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.of("leaves"), ["leaves one"]);
    assert_eq!(log.of("again"), ["again one", "again two", "again three"]);
    assert_eq!(log.of("stays"), ["stays one", "stays two", "stays three"]);
    assert_eq!(log.of("late"), ["late three"]);
    // A new instance subscribes again; "two" was on its way before that or parked for it.
    assert_eq!(
        log.of("crashes").first().map(String::as_str),
        Some("crashes one")
    );
    assert_eq!(
        log.of("crashes").last().map(String::as_str),
        Some("crashes three")
    );
}

/// A walk that is interrupted goes on without who has gone meanwhile, and without who came instead.
fn s20_a_subscriber_that_goes_during_a_publish_is_skipped(on: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let (a, b, topic) = (here.reserve(), here.reserve::<Bystander>(), here.topic());
        struct Glass(Topic<Say>, Addr<Bystander>);
        impl Actor for Glass {
            fn start(&mut self, cx: &mut Context<Self>) -> Result {
                cx.subscribe(self.0);
                Ok(())
            }
        }
        impl Handler<Say> for Glass {
            fn handle(&mut self, _: Say, _: &mut Context<Self>) {
                self.1.address().kill();
                panic!("the walk goes on behind the kill");
            }
        }
        struct Bystander(Topic<Say>, Log, u32);
        impl Actor for Bystander {
            fn start(&mut self, cx: &mut Context<Self>) -> Result {
                if self.2 == 1 {
                    cx.subscribe(self.0);
                }
                self.1.put(format!("life {}", self.2));
                Ok(())
            }
        }
        impl Handler<Say> for Bystander {
            fn handle(&mut self, _: Say, _: &mut Context<Self>) {
                self.1.put(format!("heard in life {}", self.2));
            }
        }
        act(a, move |_, cx| {
            topic.publish(Say("loud"));
            act(cx.addr(), |_, cx| act(cx.addr(), |_, cx| cx.stop()));
        });
        let (mine, mut life) = (log.clone(), 0);
        let bystander = move || {
            life += 1;
            Bystander(topic, mine.clone(), life)
        };
        stage()
            .child(Child::new("glass", move || Glass(topic, b)))
            .child(Child::new("bystander", bystander).at(b))
            .child(subscriber("c", &log, topic).child())
            .child(lead("a", &log).at(a))
    });
    let mut all = log.all();
    all.sort();
    assert_eq!(all, ["c: loud", "life 1", "life 2"]);
}

/// A panic of one subscriber does not take the message from the others.
fn s09_a_panicking_subscriber_does_not_cost_the_others_their_message(on: &dyn Backend) {
    struct Glass(Topic<Say>);
    impl Actor for Glass {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            cx.subscribe(self.0);
            Ok(())
        }
    }
    impl Handler<Say> for Glass {
        fn handle(&mut self, _: Say, _: &mut Context<Self>) {
            panic!("broken");
        }
    }
    let log = Log::new();
    let played = on.run_clean(&log, |here| {
        let (a, c, topic) = (here.reserve(), here.reserve(), here.topic());
        act(a, move |_, cx| {
            topic.publish(Say("loud"));
            c.send(Say("behind"));
            act(cx.addr(), |_, cx| cx.stop());
        });
        stage()
            .child(subscriber("b", &log, topic).child())
            .child(Child::new("glass", move || Glass(topic)))
            .child(Child::new("glass too", move || Glass(topic)))
            .child(subscriber("c", &log, topic).child().at(c))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["b: loud", "c: loud", "c: behind"]);
    assert_eq!(
        played
            .exits
            .iter()
            .filter(|exit| exit.contains("panicked: broken"))
            .count(),
        2
    );
}

/// A clone that panics blames nobody who is subscribed; the actors and the topic go on.
fn s09_a_panicking_clone_ends_no_subscriber(on: &dyn Backend) {
    struct Bomb(bool);
    impl Clone for Bomb {
        fn clone(&self) -> Self {
            assert!(!self.0, "no copies");
            Bomb(false)
        }
    }
    struct Sink(Topic<Bomb>, Log);
    impl Actor for Sink {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            cx.subscribe(self.0);
            Ok(())
        }
    }
    impl Handler<Bomb> for Sink {
        fn handle(&mut self, bomb: Bomb, _: &mut Context<Self>) {
            self.1.put(if bomb.0 { "armed" } else { "safe" });
        }
    }
    let log = Log::new();
    let played = on.run(|here| {
        let (a, topic) = (here.reserve(), here.topic());
        let (one, two) = (log.clone(), log.clone());
        act(a, move |_, cx| {
            topic.publish(Bomb(true));
            topic.publish(Bomb(false));
            act(cx.addr(), |_, cx| cx.stop());
        });
        stage()
            .child(Child::new("1", move || Sink(topic, one.clone())))
            .child(Child::new("2", move || Sink(topic, two.clone())))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["safe", "safe"]);
    assert!(
        !played.exits.iter().any(|exit| exit.contains("panicked")),
        "{:?}",
        played.exits
    );
    let lost = played.lost(Reason::Uncloned);
    assert_eq!(lost.len(), 2, "{lost:?}");
}

/// Stopped, it does not get what was queued for it.
fn c_so_39_a_message_queued_for_a_stopped_subscriber_is_not_delivered(on: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let (a, b, topic) = (here.reserve(), here.reserve(), here.topic());
        act(a, move |_, cx| {
            topic.publish(Say("late"));
            b.address().stop();
            act(cx.addr(), |_, cx| cx.stop());
        });
        stage()
            .child(subscriber("b", &log, topic).child().at(b).transient())
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), [""; 0]);
}

fn c_so_41_a_subscription_made_while_stopping_has_no_effect(on: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let (a, b, topic) = (here.reserve(), here.reserve(), here.topic());
        let role = Role::new("b", &log).stop(move |_, _, cx| {
            cx.subscribe(topic);
            let hold = cx.hold("to be there for a while");
            topic.publish(Say("never"));
            act(a, move |_, cx| {
                act(cx.addr(), |_, cx| cx.stop());
                drop(hold);
            });
        });
        act(a, move |_, _| b.stop());
        stage()
            .child(lead("a", &log).at(a))
            .child(role.child().at(b).transient())
    });
    assert_eq!(log.all(), [""; 0]);
}

/// The confirmation arrives while the subscriber shuts down, and is held: it changes nothing.
fn r21_a_late_confirmation_does_no_harm(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b, x) = (here.reserve(), here.reserve::<Puppet>(), away.reserve());
        let (topic, theirs) = (away.topic::<Say>(), log.clone());
        let role = Role::new("b", &log).begin(move |_, cx| {
            cx.subscribe(topic);
            cx.addr().stop();
        });
        let role = role.stop(move |_, _, cx| {
            let hold = cx.hold("its own");
            // Behind the subscription on the way there, and behind the confirmation on the way back.
            act(x, move |_, _| {
                act(a, move |me, cx| {
                    me.say(format!("b is {:?}", b.address().state()));
                    drop(hold);
                    when(cx.addr(), (1, "a: down"), |_, cx| cx.stop());
                });
            });
        });
        act(a, move |_, cx| drop(cx.monitor(b.address())));
        let far = group("far").on(&away, move |s| s.child(puppet("x", &theirs).at(x)));
        stage()
            .child(lead("a", &log).at(a))
            .child(far)
            .child(role.child().at(b).temporary())
    });
    assert_eq!(log.all(), ["a: b is Stopping", "a: down shutdown"]);
    assert_eq!(played.exits[0], "b: shutdown");
}

/// Also when its supervisor ends, and is started again with all that is below it.
fn r95_the_end_of_a_supervisor_ends_the_subscriptions_below_it(
    on: &dyn Backend,
    far: &dyn Backend,
) {
    let log = Log::new();
    on.run(|here| {
        let away = far.spawn("away");
        let (a, c, topic) = (here.reserve(), away.reserve(), here.topic());
        let theirs = log.clone();
        let inner = Supervisor::one_for_one("inner")
            .intensity(0, ms(5000))
            .on(&away, move |s| {
                let once = Role::new("c", &theirs).begin(move |me, cx| {
                    if me.life == 1 {
                        cx.subscribe(topic);
                    }
                });
                let ends_all = Role::new("b", &theirs).begin(move |me, cx| {
                    if me.life == 1 {
                        return crash(cx.addr());
                    }
                    act(a, move |_, _| {
                        topic.publish(Say("never"));
                        act(c, move |_, _| end(a));
                    });
                });
                s.child(once.child().at(c)).child(ends_all.child())
            });
        stage().child(lead("a", &log).at(a)).child(inner)
    });
    assert_eq!(log.all(), [""; 0]);
}

/// Hundreds of subscribers on two localities, one queue record and one envelope.
fn a22_a_publish_reaches_many(on: &dyn Backend, far: &dyn Backend) {
    const EACH: usize = 150;
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b, topic) = (here.reserve(), away.reserve::<Puppet>(), here.topic());
        let theirs = log.clone();
        let many = move |mut s: Supervisor, log: &Log| {
            for n in 0..EACH {
                s = s.child(counter(
                    Box::leak(n.to_string().into_boxed_str()),
                    log,
                    topic,
                ));
            }
            s
        };
        act(a, move |_, cx| {
            topic.publish(Counted(Arc::default()));
            act(cx.addr(), move |_, _| act(b, move |_, _| end(a)));
        });
        stage()
            .child(many(group("near"), &log))
            .child(group("far").on(&away, move |s| {
                many(s, &theirs).child(puppet("b", &theirs).at(b))
            }))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.count("counted"), 2 * EACH);
}

/// What is published while the subscriber ends is handled up to some point, and is reported from
/// there on: by its own locality as long as the topic's does not know.
fn r96_the_end_of_a_subscriber_races_with_what_is_published(on: &dyn Backend, far: &dyn Backend) {
    /// Ten at a time, until the subscriber has ended.
    fn publish(to: Topic<Num>, first: u32, b: Addr<Puppet>, cx: &mut Context<Puppet>) {
        (first..first + 10).for_each(|n| to.publish(Num(n)));
        let next = first + 10;
        act(cx.addr(), move |me, cx| {
            if me.log.count("b: ") > 15 {
                b.stop(); // goes ahead of the ten, which are on their way in the same batch
            }
            if me.log.count("a: down shutdown") == 0 {
                later(cx, ms(1), move |_, cx| publish(to, next, b, cx));
            } else {
                me.log.put(format!("published {next}"));
                cx.stop();
            }
        });
    }
    let log = Log::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        let (a, b, topic) = (here.reserve(), away.reserve::<Puppet>(), here.topic());
        let theirs = log.clone();
        act(a, move |_, cx| {
            cx.monitor(b.address());
            publish(topic, 0, b, cx);
        });
        stage()
            .child(group("far").on(&away, move |s| {
                let role = Role::new("b", &theirs).begin(move |_, cx| cx.subscribe(topic));
                s.child(role.child().at(b).transient())
            }))
            .child(lead("a", &log).at(a))
    });
    let handled = log.of("b: ");
    let in_order: Vec<_> = (0..handled.len()).map(|n| format!("b: {n}")).collect();
    assert_eq!(handled, in_order);
    let unheard = played.lost(Reason::Unheard).len();
    assert!(unheard >= 10, "nobody is left at the end");
    assert_eq!(
        log.of("published"),
        [format!("published {}", handled.len() + unheard)]
    );
    assert_eq!(log.live(), 0);
}

bodies! {
    Each: [
        r34_each_subscriber_gets_one,
        m05_publishing_to_an_actors_address_reaches_subscribers_only,
        m06_a_typed_send_is_not_seen_by_subscribers,
        m07_a_message_is_cloned_for_all_subscribers_but_the_last,
        a28_an_actor_tells_by_which_of_its_addresses_a_message_came,
        r15_a_message_to_a_further_address_arrives_once,
        a28_a_further_address_ends_with_the_instance,
        s20_subscribing_and_unsubscribing_in_a_handler_of_the_topic_is_safe,
        s20_a_subscriber_that_goes_during_a_publish_is_skipped,
        s09_a_panicking_subscriber_does_not_cost_the_others_their_message,
        s09_a_panicking_clone_ends_no_subscriber,
        c_so_39_a_message_queued_for_a_stopped_subscriber_is_not_delivered,
        c_so_41_a_subscription_made_while_stopping_has_no_effect,
    ]
    Pair: [
        a28_a_parked_message_tells_by_which_address_it_came,
        r30_anybody_may_subscribe_to_anothers_address,
        m07_another_locality_costs_one_clone,
        m07_a_sole_foreign_subscriber_takes_the_value,
        m07_a_subscription_made_in_a_start_holds_the_start,
        a22_subscribers_see_the_order_of_a_publisher,
        r14_a_subscription_may_be_ended_in_the_start,
        a22_a_subscription_ends_with_its_instance,
        r21_a_late_confirmation_does_no_harm,
        r95_the_end_of_a_supervisor_ends_the_subscriptions_below_it,
        a22_a_publish_reaches_many,
        r96_the_end_of_a_subscriber_races_with_what_is_published,
    ]
    Sim: [
        m07_a_start_waits_for_the_owner_of_its_topic,
    ]
}
