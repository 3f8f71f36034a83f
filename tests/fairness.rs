//! Fairness: whoever floods itself leaves the others, and its loop, their turns.

use rotor_core::*;

use crate::backend::Backend;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

/// Does nothing, so that there can be very many.
struct Nothing;

impl Handler<Nothing> for Puppet {
    fn handle(&mut self, _: Nothing, _: &mut Context<Self>) {
        self.life += 1;
    }
}

/// A million messages wait, and the next one is the Urgent one: sent by a handler, and by another
/// thread while a handler runs.
fn a16_an_urgent_message_is_next_before_a_million_that_wait(on: &dyn Backend) {
    const MILLION: u32 = 1_000_000;
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve::<Puppet>();
        let watch = log.clone();
        std::thread::spawn(move || {
            watch.wait_for("a: waits for a thread");
            act_now(a, |me, _| me.say(me.life));
            watch.put("sent");
        });
        act(a, move |me, cx| {
            me.life = 0;
            let a = cx.addr();
            for n in 0..MILLION {
                match n {
                    10 => act(a, |me, cx| {
                        me.say(me.life);
                        act_now(cx.addr(), |me, _| me.say(me.life));
                    }),
                    20 => act(a, |me, _| {
                        me.say("waits for a thread");
                        me.log.wait_for("sent");
                    }),
                    _ => a.send(Nothing),
                }
            }
            end(a);
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(
        log.of("a: "),
        ["a: 10", "a: 10", "a: waits for a thread", "a: 19"]
    );
}

/// Sends itself a message with each, and has very many to begin with: there is always something to do.
struct Flood;

struct More;

impl Actor for Flood {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        for _ in 0..10_000 {
            cx.addr().send(More);
        }
        Ok(())
    }
}

impl Handler<More> for Flood {
    fn handle(&mut self, _: More, cx: &mut Context<Self>) {
        cx.addr().send(More);
    }
}

fn flood() -> Child<Flood> {
    Child::new("flood", || Flood)
}

/// After each turn the loop gets on with what else it has, here with what waits for the host.
fn e10_a_flood_leaves_the_loop_its_turns(on: &dyn Backend) {
    fn again(n: u32, me: &mut Puppet, cx: &mut Context<Puppet>) {
        if n == 0 {
            return cx.stop();
        }
        let (a, log) = (cx.addr(), me.log.clone());
        cx.defer_to_host(move || {
            log.put(format!("host {n}"));
            act_now(a, move |me, cx| again(n - 1, me, cx));
        });
    }
    let log = Log::new();
    on.run(|here| {
        let a = here.reserve();
        act_now(a, move |me, cx| again(20, me, cx));
        stage().child(flood()).child(lead("a", &log).at(a))
    });
    assert_eq!(log.count("host "), 20);
}

/// Timers, futures, requests and messages of the actors beside it, here and on another loop.
fn e10_a_flood_leaves_its_neighbours_their_turns(on: &dyn Backend, far: &dyn Backend) {
    fn again(n: u32, cx: &mut Context<Puppet>, others: [Addr<Puppet>; 2]) {
        if n == 0 {
            return cx.stop();
        }
        let a = cx.addr();
        let future = async move {
            for other in others {
                other.ask(Double(n), LONG).await.unwrap();
            }
        };
        cx.spawn(future, move |_, (), cx| {
            later(cx, ms(1), move |me, _| {
                me.say(n);
                act(a, move |_, cx| again(n - 1, cx, others));
            });
        });
    }
    let log = Log::new();
    on.run(|here| {
        let away = far.spawn("away");
        let (a, b, c) = (here.reserve(), here.reserve(), away.reserve());
        let theirs = log.clone();
        act(a, move |_, cx| again(5, cx, [b, c]));
        let place = group("far").on(&away, move |s| s.child(puppet("c", &theirs).at(c)));
        stage()
            .child(place)
            .child(puppet("b", &log).at(b))
            .child(flood())
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.of("a: "), ["a: 5", "a: 4", "a: 3", "a: 2", "a: 1"]);
}

bodies! {
    Each: [
        a16_an_urgent_message_is_next_before_a_million_that_wait,
        e10_a_flood_leaves_the_loop_its_turns,
    ]
    Pair: [
        e10_a_flood_leaves_its_neighbours_their_turns,
    ]
}
