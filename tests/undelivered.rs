//! Nothing is silent: what cannot be delivered is handed back, or reported with its reason.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rotor_core::*;

use crate::backend::Backend;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

/// The observer of the root sees what happens in every locality of the tree.
fn o08_undelivered_messages_of_every_locality_reach_the_observer(
    on: &dyn Backend,
    far: &dyn Backend,
) {
    let log = Log::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let topic = away.topic();
        let theirs = log.clone();
        act(a, move |_, _| {
            topic.publish(Say("unheard"));
            b.send(Num(1));
            end(b);
            b.send(Num(2));
            b.send(Num(3));
            act(b, |_, _| ());
            let c = b;
            let _ = c;
        });
        let watcher = Role::new("a", &log).begin(move |_, cx| cx.monitor(b.address()));
        fn look(me: &mut Puppet, cx: &mut Context<Puppet>) {
            match me.log.count("a: down") {
                0 => drop(later(cx, ms(1), look)),
                _ => drop(later(cx, ms(1), |_, cx| cx.stop())),
            }
        }
        act(a, look);
        stage()
            .child(group("far").on(&away, move |s| {
                s.child(puppet("b", &theirs).at(b).transient())
            }))
            .child(watcher.child().at(a).transient().significant())
    });
    assert_eq!(played.lost(Reason::Unheard), ["Say"]);
    assert_eq!(played.lost(Reason::Stopped), ["Num", "Num", "Do"]);
    assert_eq!(log.of("b"), ["b: 1"]);
}

/// `send` returns nothing; `try_send` hands the message back where it is known at once.
fn m20_try_send_hands_the_message_back(on: &dyn Backend) {
    struct Precious(Box<u32>);
    impl Handler<Precious> for Puppet {
        fn handle(&mut self, _: Precious, _: &mut Context<Self>) {}
    }
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve::<Puppet>());
        end(b);
        act(a, move |_, cx| {
            later(cx, ms(2), move |me, cx| {
                let back = b.try_send(Precious(Box::new(5))).unwrap_err();
                me.say(format!("{} {:?}", back.message.0, back.reason));
                me.say(
                    back.to_string()
                        .ends_with("was not delivered: the actor has stopped"),
                );
                cx.stop();
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(puppet("b", &log).at(b).transient())
    });
    assert_eq!(log.all(), ["a: 5 Stopped", "a: true"]);
    assert_eq!(played.undelivered, []);
}

/// Known only later: a dead slot of another locality.
fn m20_try_send_to_another_locality_may_be_reported_later(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        let (a, b, c) = (
            here.reserve(),
            away.reserve::<Puppet>(),
            away.reserve::<Puppet>(),
        );
        let theirs = log.clone();
        end(b);
        act(a, move |_, _| {
            act(c, move |_, cx| {
                later(cx, ms(2), move |_, _| {
                    act(a, move |me, _| {
                        me.say(b.try_send(Say("never")).is_ok());
                        act(c, move |_, _| end(a));
                    });
                });
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| {
                s.child(puppet("b", &theirs).at(b).transient())
                    .child(puppet("c", &theirs).at(c))
            }))
    });
    assert_eq!(log.all(), ["a: true"]);
    assert_eq!(played.lost(Reason::Stopped), ["Say"]);
}

/// Sent = handled + undelivered, and every payload is dropped once, over crashes, a stop in the
/// middle and the end of the locality.
fn o08_sent_is_handled_plus_undelivered(on: &dyn Backend, far: &dyn Backend) {
    const EACH: u32 = 500;
    #[derive(Clone, Default)]
    struct Counts(Arc<[AtomicU32; 3]>);
    struct Coin(Counts);
    impl Drop for Coin {
        fn drop(&mut self) {
            self.0.0[1].fetch_add(1, Ordering::SeqCst);
        }
    }
    impl Handler<Coin> for Puppet {
        fn handle(&mut self, coin: Coin, cx: &mut Context<Self>) {
            let n = coin.0.0[2].fetch_add(1, Ordering::SeqCst);
            assert!(n % 100 != 99, "a crash now and then");
            if n == 700 {
                cx.addr().stop();
            }
        }
    }
    let (log, counts) = (Log::new(), Counts::default());
    let mut threads = Vec::new();
    let mut keep = Vec::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        keep.push((here.clone(), away.clone()));
        let (a, b, c) = (here.reserve(), away.reserve::<Puppet>(), here.reserve());
        let theirs = log.clone();
        let pay = move |counts: &Counts| {
            for _ in 0..EACH {
                counts.0[0].fetch_add(1, Ordering::SeqCst);
                b.send(Coin(counts.clone()));
            }
        };
        for _ in 0..3 {
            let mine = counts.clone();
            threads.push(std::thread::spawn(move || pay(&mine)));
        }
        let mine = counts.clone();
        act(c, move |_, _| pay(&mine));
        act(a, |_, cx| {
            later(cx, ms(3), |_, cx| cx.stop());
        });
        stage()
            .child(group("far").on(&away, move |s| {
                s.child(puppet("b", &theirs).at(b).transient())
            }))
            .child(puppet("c", &log).at(c))
            .child(lead("a", &log).at(a))
    });
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    let [sent, dropped, handled] = [0, 1, 2].map(|i| counts.0[i].load(Ordering::SeqCst));
    drop(keep);
    assert_eq!(sent, 4 * EACH);
    assert_eq!(dropped, sent);
    let lost = played
        .undelivered
        .iter()
        .filter(|(name, _)| name == "Coin")
        .count();
    // Those that came after `run` had returned were reported to nobody who still counts.
    assert!(
        handled + lost as u32 <= sent,
        "{handled} handled, {lost} lost"
    );
}

/// An undelivered request fails, its message is reported.
fn a31_a_refused_request_is_reported_and_fails(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let theirs = log.clone();
        act(a, move |_, cx| {
            end(b);
            cx.request(b, Double(1), LONG, |me, reply, cx| {
                me.say(reply.unwrap_err());
                cx.stop();
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| {
                s.child(puppet("b", &theirs).at(b).transient())
            }))
    });
    assert_eq!(log.all(), ["a: the actor ended before it answered: normal"]);
    assert_eq!(played.lost(Reason::Stopped).len(), 1);
}

/// The end of each instance is told once, with name and reason.
fn o09_every_exit_reaches_the_observer_once(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let theirs = log.clone();
        act(a, move |_, _| {
            crash(b);
            act(b, move |_, _| end(a));
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b))))
    });
    assert_eq!(
        played.exits,
        [
            "b: panicked: as told",
            "a: normal",
            "b: shutdown < a: normal",
            "far: shutdown < a: normal",
            "stage: shutdown < a: normal"
        ]
    );
}

/// A message need not be printable: its type's name stands for it, and an error carries its cause.
fn r112_texts_name_the_message_and_the_reason(on: &dyn Backend) {
    struct Plain;
    impl Handler<Plain> for Puppet {
        fn handle(&mut self, _: Plain, _: &mut Context<Self>) {}
    }
    let log = Log::new();
    let played = on.run(|here| {
        let (a, b, c) = (here.reserve(), here.reserve(), here.reserve());
        end(b);
        act(a, move |_, cx| {
            cx.monitor(b.address());
            cx.request(c, Double(1), LONG, |me, reply, _| {
                me.say(reply.unwrap_err())
            });
            attempt(c, |_, _| Err(Error::message("no disk")));
        });
        when(a, (2, "a: "), move |me, cx| {
            let back = b.try_send(Plain).unwrap_err();
            assert!(std::error::Error::source(&back).is_none());
            let text = back.to_string();
            me.say(text.rsplit("::").next().unwrap());
            b.send(Plain);
            act(cx.addr(), |_, cx| cx.stop());
        });
        stage()
            .child(puppet("b", &log).at(b).transient())
            .child(Role::new("c", &log).keeping().child().at(c))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(
        log.of("a: "),
        [
            "a: down normal",
            "a: the actor ended before it answered: failed: no disk",
            "a: Plain was not delivered: the actor has stopped"
        ]
    );
    assert_eq!(played.lost(Reason::Stopped), ["Plain"]);
}

bodies! {
    Each: [
        m20_try_send_hands_the_message_back,
        r112_texts_name_the_message_and_the_reason,
    ]
    Pair: [
        o08_undelivered_messages_of_every_locality_reach_the_observer,
        m20_try_send_to_another_locality_may_be_reported_later,
        o08_sent_is_handled_plus_undelivered,
        a31_a_refused_request_is_reported_and_fails,
        o09_every_exit_reaches_the_observer_once,
    ]
}
