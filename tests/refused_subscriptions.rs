//! Subscriptions to addresses that are nobody's: they hold no start, and are told of.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rotor_core::*;

use crate::backend::{Backend, driver};
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;
use crate::registry::until;
use crate::subscriptions::subscriber;

/// A locality that was opened, with its driver.
fn driven() -> (Driver, Locality) {
    let driver = driver();
    let locality = Locality::new("over");
    driver.open(&locality).unwrap();
    (driver, locality)
}

/// No start waits for who will never confirm, and a subscription without effect is told of.
fn m07_a_subscription_to_what_has_ended_is_refused(on: &dyn Backend) {
    let (driver, ended) = driven();
    driver.start(group("root")).unwrap().shutdown();
    assert!(matches!(driver.run_until_idle(), Turn::Done(_)));
    let lost = driven().1;
    let (kept, gone) = (ended.topic(), Locality::new("gone").topic());
    let log = Log::new();
    // The last handle is dropped while the start waits.
    let dropped_meanwhile = |name, there: Locality| {
        let topic = there.topic::<Say>();
        let there = RefCell::new(Some(there));
        Role::new(name, &log).begin(move |_, cx| {
            cx.subscribe(topic);
            there.take();
        })
    };
    let played = on.run(|here| {
        let a = here.reserve();
        act(a, move |_, cx| {
            cx.subscribe(kept);
            cx.subscribe(kept); // one subscription, one refusal
            cx.stop();
        });
        stage()
            .child(subscriber("b", &log, kept).child())
            .child(subscriber("c", &log, kept).child()) // as if it was the first
            .child(subscriber("d", &log, gone).child())
            .child(dropped_meanwhile("e", Locality::new("fresh")).child())
            .child(dropped_meanwhile("f", lost).child())
            .child(lead("a", &log).at(a))
    });
    assert!(!played.exit.is_failure(), "{}", chain(&played.exit));
    assert_eq!(played.undelivered.len(), 6, "{:?}", played.undelivered);
    assert_eq!(played.lost(Reason::Closed).len(), 6);
}

/// An address that was somebody's, here or on another locality, is nobody's for good.
fn m07_a_subscription_to_an_address_that_is_free_is_refused(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        let (a, b, c) = (here.reserve(), here.reserve(), away.reserve());
        let theirs = log.clone();
        // Behind the second refusal, if there is one.
        let try_it = move |topic: Topic<Say>| {
            act(b, move |_, cx| {
                cx.subscribe(topic);
                cx.request(c, Double(1), LONG, |me, _, cx| {
                    me.say("asked");
                    if me.log.count("b: asked") == 2 {
                        cx.stop();
                    }
                });
            });
        };
        let gone = move |me: &mut Puppet, cx: &mut Context<Puppet>| {
            let child = cx.child(puppet("child", &me.log).temporary()).address();
            child.stop();
            until(cx, move |_, _| {
                let gone = child.state() == Lifecycle::Gone;
                if gone {
                    try_it(child.topic());
                }
                gone
            });
        };
        act(a, gone);
        act(c, gone);
        stage()
            .child(puppet("a", &log).at(a))
            .child(lead("b", &log).at(b))
            .child(group("theirs").on(&away, move |s| s.child(puppet("c", &theirs).at(c))))
    });
    assert_eq!(played.lost(Reason::Closed).len(), 2);
}

/// Counts what is undelivered.
#[derive(Default)]
struct Undelivered(AtomicU32);

impl Observer for Undelivered {
    fn undelivered(&self, what: &Undeliverable) {
        assert_eq!(what.reason, Reason::Closed);
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// That another one was confirmed while there was somebody does not make it one with an effect.
fn m07_a_subscription_beside_one_that_has_no_effect_any_more_is_refused(seed: u64) {
    let (log, seen) = (Log::new(), Arc::new(Undelivered::default()));
    let ((home, here), (driver, away)) = (driven(), driven());
    let theirs = driver.start(group("theirs")).unwrap();
    let (topic, b) = (away.topic(), here.reserve());
    let tree = group("root")
        .child(subscriber("a", &log, topic).child())
        .child(puppet("b", &log).at(b));
    let app = home.start(tree.observer(seen.clone())).unwrap();
    home.run_until_idle();
    driver.run_until_idle();
    home.run_until_idle();
    assert_eq!(b.address().state(), Lifecycle::Running, "seed {seed}");
    theirs.shutdown();
    assert!(matches!(driver.run_until_idle(), Turn::Done(_)));
    home.run_until_idle();
    assert_eq!(seen.0.load(Ordering::Relaxed), 0); // nothing was lost
    act(b, move |_, cx| cx.subscribe(topic));
    home.run_until_idle();
    assert_eq!(seen.0.load(Ordering::Relaxed), 2); // both hear nothing any more
    app.shutdown();
    assert!(matches!(home.run_until_idle(), Turn::Done(_)));
}

/// An inbox has no subscribers: who wants to be one is told, and waits for nothing.
fn m07_a_subscription_to_an_inbox_is_refused(on: &dyn Backend) {
    let log = Log::new();
    let inbox = Inbox::<Say>::new(4);
    let topic = inbox.recipient().address().topic::<Say>();
    let played = on.run(|here| {
        let a = here.reserve();
        act(a, |me, cx| {
            me.say("started");
            cx.stop();
        });
        let a = Role::new("a", &log)
            .begin(move |_, cx| cx.subscribe(topic))
            .child()
            .transient()
            .significant()
            .at(a);
        stage().child(a)
    });
    assert_eq!(log.all(), ["a: started"]);
    assert_eq!(played.lost(Reason::Closed).len(), 1);
}

bodies! {
    Each: [
        m07_a_subscription_to_what_has_ended_is_refused,
        m07_a_subscription_to_an_inbox_is_refused,
    ]
    Pair: [
        m07_a_subscription_to_an_address_that_is_free_is_refused,
    ]
    Sim: [
        m07_a_subscription_beside_one_that_has_no_effect_any_more_is_refused,
    ]
}
