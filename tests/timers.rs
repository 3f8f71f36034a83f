//! Timers on real loops. Time limits only bound what may happen; the exact times are tested with
//! virtual time in `sim_time.rs`.

use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rotor_core::*;

use crate::backend::{Backend, driver};
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

fn r117_a_timer_fires_once(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, |me, cx| {
            cx.after(ms(1), Say("fires"));
            later(cx, ms(4), |_, cx| cx.stop());
            me.say("armed");
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: armed", "a: fires"]);
}

/// A delay of zero goes through the queue.
fn t01_a_timer_never_fires_within_a_handler(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, |me, cx| {
            cx.after(Duration::ZERO, Say("fires"));
            cx.addr().send(Say("queued before"));
            later(cx, ms(1), |_, cx| cx.stop());
            me.say("over");
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: over", "a: queued before", "a: fires"]);
}

fn t01_timers_due_at_the_same_time_fire_in_the_order_they_were_made(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, |_, cx| {
            for n in 0..20 {
                cx.after(Duration::ZERO, Num(n));
            }
            later(cx, ms(1), |_, cx| cx.stop());
        });
        stage().child(lead("a", &log).at(a))
    });
    let expected: Vec<String> = (0..20).map(|n| format!("a: {n}")).collect();
    assert_eq!(log.all(), expected);
}

fn t01_timers_fire_in_the_order_of_their_deadlines(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, |_, cx| {
            for n in [7, 3, 9, 1, 5] {
                cx.after(ms(n), Num(n as u32));
            }
            later(cx, ms(12), |_, cx| cx.stop());
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: 1", "a: 3", "a: 5", "a: 7", "a: 9"]);
}

/// Measured with the clock of the driver: the handler's own time is not taken off.
fn m19_a_timer_never_fires_early(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, |_, cx| {
            let busy = std::time::Instant::now();
            while busy.elapsed() < ms(6) {
                std::hint::spin_loop();
            }
            let armed = std::time::Instant::now();
            later(cx, ms(5), move |me, cx| {
                me.say(armed.elapsed() >= ms(5));
                cx.stop();
            });
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: true"]);
}

fn t02_a_cancelled_timer_is_not_seen(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, |me, cx| {
            let soon = cx.after(ms(1), Say("never"));
            let now = cx.after(Duration::ZERO, Say("never"));
            me.say(cx.cancel(now));
            me.say(cx.cancel(soon));
            me.say(cx.cancel(soon));
            later(cx, ms(3), |_, cx| cx.stop());
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: true", "a: true", "a: false"]);
}

/// Two timers come due together; the first cancels the second, whose deadline has passed.
fn t02_a_timer_may_be_cancelled_when_it_is_queued_already(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, |me, cx| {
            later(cx, ms(1), |me, cx| {
                let second = *me.kept[0].downcast_ref::<Timer>().unwrap();
                me.say(cx.cancel(second));
                later(cx, ms(1), |_, cx| cx.stop());
            });
            // Both deadlines pass while this handler runs, so both are queued behind it.
            let second = cx.after(ms(1), Say("never"));
            me.kept.push(Box::new(second));
            let a = cx.addr();
            act(a, |_, _| {
                let busy = std::time::Instant::now();
                while busy.elapsed() < ms(2) {
                    std::hint::spin_loop();
                }
            });
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: true"]);
}

fn t01_a_periodic_timer_repeats_until_it_is_cancelled(on: &dyn Backend) {
    #[derive(Clone)]
    struct Tick;
    struct Clock {
        ticks: u32,
        timer: Option<Timer>,
        log: Log,
    }
    impl Actor for Clock {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            self.timer = Some(cx.every(ms(1), Tick));
            Ok(())
        }
    }
    impl Handler<Tick> for Clock {
        fn handle(&mut self, _: Tick, cx: &mut Context<Self>) {
            self.ticks += 1;
            self.log.put(self.ticks.to_string());
            if self.ticks == 5 {
                // From inside its own tick.
                assert!(cx.cancel(self.timer.take().unwrap()));
                cx.after(ms(4), Say("over"));
            }
        }
    }
    impl Handler<Say> for Clock {
        fn handle(&mut self, _: Say, cx: &mut Context<Self>) {
            cx.stop();
        }
    }
    let log = Log::new();
    on.run_clean(&log, |_| {
        let mine = log.clone();
        let make = move || Clock {
            ticks: 0,
            timer: None,
            log: mine.clone(),
        };
        stage().child(Child::new("clock", make).transient().significant())
    });
    assert_eq!(log.all(), ["1", "2", "3", "4", "5"]);
}

/// A minute's timer is dropped with its instance, message and all.
fn r19_a_timer_ends_with_its_instance(on: &dyn Backend) {
    struct Charge(Log);
    impl Drop for Charge {
        fn drop(&mut self) {
            self.0.put("dropped");
        }
    }
    struct Holder(Log, u32);
    impl Actor for Holder {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            if self.1 == 1 {
                cx.after(LONG, Charge(self.0.clone()));
                cx.after(ms(1), Say("crash"));
                cx.after(ms(3), Say("never"));
            } else {
                self.0.put("second");
                cx.after(ms(6), Say("over"));
            }
            Ok(())
        }
    }
    impl Handler<Charge> for Holder {
        fn handle(&mut self, charge: Charge, _: &mut Context<Self>) {
            self.0.put("fired");
            drop(charge);
        }
    }
    impl Handler<Say> for Holder {
        fn handle(&mut self, Say(what): Say, cx: &mut Context<Self>) {
            match what {
                "crash" => panic!("as told"),
                "over" => cx.stop(),
                other => self.0.put(other),
            }
        }
    }
    let log = Log::new();
    on.run_clean(&log, |_| {
        let (mine, mut life) = (log.clone(), 0);
        let make = move || {
            life += 1;
            Holder(mine.clone(), life)
        };
        stage().child(Child::new("holder", make).transient().significant())
    });
    assert_eq!(log.all(), ["dropped", "second"]);
}

/// A key of an earlier instance names nothing.
fn s03_the_key_of_an_earlier_timer_cancels_nothing(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let (a, b) = (here.reserve(), here.reserve());
        let role = Role::new("b", &log).begin(move |me, cx| {
            if me.life == 1 {
                let timer = cx.after(ms(2), Num(1));
                act(a, move |me, _| me.kept.push(Box::new(timer)));
                return crash(cx.addr());
            }
            act(cx.addr(), move |_, cx| {
                // One of them has the place of the old one.
                let timers: Vec<_> = (2..10).map(|n| cx.after(ms(2), Num(n))).collect();
                let (b, timer) = (cx.addr(), timers[0]);
                act(a, move |me, cx| {
                    let old = *me.kept[0].downcast_ref::<Timer>().unwrap();
                    act(b, move |me, cx| me.say(cx.cancel(old)));
                    me.say(cx.cancel(timer)); // not one's own
                });
                later(cx, ms(5), move |_, _| end(a));
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(role.child().at(b))
    });
    let said: Vec<String> = (2..10).map(|n| format!("b: {n}")).collect();
    assert_eq!(log.all()[..2], ["a: false", "b: false"]);
    assert_eq!(log.all()[2..], said);
}

/// Nor does one of an earlier tree, whose gate a later one may have.
fn s03_the_key_of_an_earlier_tree_cancels_nothing(on: &dyn Backend) {
    let log = Log::new();
    let keys: Arc<Mutex<Vec<Timer>>> = Arc::default();
    for _ in 0..5 {
        on.run_clean(&log, |here| {
            let (a, keys) = (here.reserve(), keys.clone());
            act(a, move |me, cx| {
                let timer = cx.after(ms(1), Say("fires"));
                let mut keys = keys.lock().unwrap();
                let hits = keys.iter().filter(|key| cx.cancel(**key)).count();
                assert_eq!(hits, 0);
                keys.push(timer);
                let _ = me;
                later(cx, ms(1), |_, cx| cx.stop());
            });
            stage().child(lead("a", &log).at(a))
        });
    }
    assert_eq!(log.all(), ["a: fires"; 5]);
}

/// A minute of patience, a moment of work.
fn r129_a_request_answered_by_a_timer_in_time_is_no_error(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve());
        let theirs = log.clone();
        act(a, move |_, cx| {
            cx.request(b, Double(4), LONG, |me, reply, cx| {
                me.say(format!("{reply:?}"));
                cx.stop();
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| {
                let role = Role::new("b", &theirs).answer(|_, ask, cx| {
                    later(cx, ms(1), move |_, _| ask.reply(1));
                    Ok(())
                });
                s.child(role.child().at(b))
            }))
    });
    assert_eq!(log.all(), ["a: Ok(1)"]);
}

fn flow(_: &mut Puppet, cx: &mut Context<Puppet>) {
    act(cx.addr(), flow);
}

/// A flood of messages does not keep deadlines from being seen.
fn t01_timers_fire_while_messages_flow(on: &dyn Backend) {
    let log = Log::new();
    on.run(|here| {
        let (a, b) = (here.reserve(), here.reserve());
        act(b, flow);
        act(a, move |_, cx| {
            later(cx, ms(5), |me, cx| {
                me.say("in between");
                cx.stop();
            });
        });
        stage()
            .child(puppet("b", &log).at(b))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: in between"]);
}

/// Nor does it in a turn that may last for an hour.
fn t01_timers_fire_within_a_long_turn(seed: u64) {
    let log = Log::new();
    let driver = driver();
    let here = Locality::new("here");
    driver.open(&here).unwrap();
    let (a, b) = (here.reserve(), here.reserve());
    act(b, flow);
    act(a, move |_, cx| {
        later(cx, ms(5), move |me, _| {
            me.say("in between");
            b.stop();
        });
    });
    let tree = group("root")
        .child(puppet("b", &log).temporary().at(b))
        .child(puppet("a", &log).at(a));
    driver.start(tree).unwrap();
    let hour = Budget {
        messages: u32::MAX,
        time: ms(3_600_000),
    };
    assert!(matches!(driver.turn(hour), Turn::Park(None)), "seed {seed}");
    assert_eq!(log.all(), ["a: in between"]);
}

/// A timer makes a request that runs into its limit; another one is cancelled a minute early.
fn r117_a_timer_may_make_a_request_that_runs_into_its_limit(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    // On a busy machine the limit may pass before the request is even there.
    let played = on.run(|here| {
        let away = far.spawn("away");
        let (a, b) = (here.reserve(), away.reserve::<Puppet>());
        let theirs = log.clone();
        act(a, move |_, cx| {
            let minute = cx.after(ms(60_000), Say("much too early"));
            later(cx, ms(1), move |_, cx| {
                cx.request(b, Double(1), ms(2), move |me, reply, cx| {
                    me.say(reply.unwrap_err());
                    me.say(cx.cancel(minute));
                    me.say(cx.cancel(minute));
                    when(a, (1, "b: asked"), |_, cx| cx.stop()); // however late
                });
            });
        });
        stage()
            .child(lead("a", &log).at(a))
            .child(group("far").on(&away, move |s| {
                s.child(Role::new("b", &theirs).keeping().child().at(b))
            }))
    });
    assert!(!played.exit.is_failure(), "{}", played.exit);
    assert_eq!(log.live(), 0);
    assert_eq!(
        log.of("a: "),
        ["a: no answer within the time limit", "a: true", "a: false"]
    );
}

/// In the order of their deadlines, and before what is asked for afterwards.
fn r131_what_is_due_after_a_long_handler_fires_in_order(on: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, |_, cx| {
            cx.after(ms(4), Say("second"));
            cx.after(ms(3), Say("first"));
            later(cx, ms(1), |me, cx| {
                let end = Instant::now() + ms(8);
                cx.blocking(|| while Instant::now() < end {});
                me.say("is free again");
                cx.after(ms(1), Say("third"));
                later(cx, ms(2), |_, cx| cx.stop());
            });
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(
        log.all(),
        ["a: is free again", "a: first", "a: second", "a: third"]
    );
}

/// Times of the first ticks of a periodic timer, in periods, whose first one takes five of them.
fn late_ticks(on: &dyn Backend, missed: Missed) -> Vec<f64> {
    let (log, times) = (Log::new(), Arc::new(Mutex::new(Vec::new())));
    let theirs = times.clone();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, move |_, cx| {
            let (start, period) = (Instant::now(), ms(2));
            let tick = Rc::new(move |me: &mut Puppet, cx: &mut Context<Puppet>| {
                let mut times = theirs.lock().unwrap();
                let at = cx.now().duration_since(start);
                times.push(at.as_secs_f64() / period.as_secs_f64());
                if times.len() == 1 {
                    while start.elapsed() < period * 5 {}
                }
                if times.len() == 8 {
                    me.say("over");
                    cx.stop();
                }
            });
            cx.every_with(period, missed, Again(tick));
        });
        stage().child(lead("a", &log).at(a))
    });
    let times = times.lock().unwrap().clone();
    times[..8].to_vec()
}

/// Not closer than the policy says; none of them comes early.
fn t01_late_ticks_burst_delay_or_skip(on: &dyn Backend) {
    let burst = late_ticks(on, Missed::Burst);
    for (n, at) in burst.iter().enumerate() {
        assert!(*at >= (n + 1) as f64, "{n}: {burst:?}");
    }
    let delay = late_ticks(on, Missed::Delay);
    assert!(
        delay.windows(2).all(|two| two[1] - two[0] >= 1.0 - 1e-6),
        "{delay:?}"
    );
    let skip = late_ticks(on, Missed::Skip);
    assert!(
        skip.windows(2).all(|two| two[0].floor() < two[1].floor()),
        "{skip:?}"
    );
}

bodies! {
    Each: [
        t01_late_ticks_burst_delay_or_skip,
        r117_a_timer_fires_once
            as r120_a_timer_fires_once
            as r124_a_timer_fires_once
            as r128_a_timer_fires_once,
        t01_a_timer_never_fires_within_a_handler,
        t01_timers_due_at_the_same_time_fire_in_the_order_they_were_made,
        t01_timers_fire_in_the_order_of_their_deadlines,
        m19_a_timer_never_fires_early,
        t02_a_cancelled_timer_is_not_seen,
        t02_a_timer_may_be_cancelled_when_it_is_queued_already,
        t01_a_periodic_timer_repeats_until_it_is_cancelled,
        r19_a_timer_ends_with_its_instance,
        s03_the_key_of_an_earlier_timer_cancels_nothing,
        s03_the_key_of_an_earlier_tree_cancels_nothing,
        t01_timers_fire_while_messages_flow,
        r131_what_is_due_after_a_long_handler_fires_in_order,
    ]
    Pair: [
        r129_a_request_answered_by_a_timer_in_time_is_no_error,
        r117_a_timer_may_make_a_request_that_runs_into_its_limit,
    ]
    Sim: [
        t01_timers_fire_within_a_long_turn,
    ]
}
