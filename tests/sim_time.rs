//! Exact times, with a clock that stands still unless it is moved.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rotor_core::sim::Sim;
use rotor_core::*;

use crate::backend::Bell;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;
use crate::world::World;

const NANO: Duration = Duration::from_nanos(1);

/// A simulation of one locality with a puppet `a`.
fn one(seed: u64, log: &Log) -> (Sim, Addr<Puppet>) {
    let mut sim = Sim::new(seed);
    let here = sim.locality("here");
    let a = here.reserve();
    sim.start(group("root").child(puppet("a", log).at(a)))
        .unwrap();
    sim.run_until_idle();
    (sim, a)
}

/// A driver whose clock is set by hand, with a locality.
fn by_hand() -> (Driver, Locality, Clock) {
    let clock = Clock::manual();
    let driver = Driver::new(Arc::new(Bell::default()), clock.clone());
    let here = Locality::new("here");
    driver.open(&here).unwrap();
    (driver, here, clock)
}

fn m19_a_timer_fires_exactly_at_its_deadline(seed: u64) {
    let log = Log::new();
    let (mut sim, a) = one(seed, &log);
    let minute = Duration::new(60, 7);
    act(a, move |_, cx| drop(cx.after(minute, Say("fires"))));
    sim.run_for(minute - Duration::from_nanos(1));
    assert_eq!(log.all(), [""; 0]);
    sim.run_for(Duration::from_nanos(1));
    assert_eq!(log.all(), ["a: fires"]);
}

/// Armed at a time, due at that time plus the delay, whatever ran in between.
fn m19_the_delay_runs_from_the_arming(seed: u64) {
    let log = Log::new();
    let (mut sim, a) = one(seed, &log);
    sim.run_for(ms(40));
    act(a, |_, cx| drop(cx.after(ms(50), Say("fires"))));
    sim.run_for(ms(49));
    assert_eq!(log.all(), [""; 0]);
    sim.run_for(ms(1));
    assert_eq!(log.all(), ["a: fires"]);
}

/// Each firing sees its own deadline as now.
fn t01_timers_fire_by_deadline_then_by_age(seed: u64) {
    let log = Log::new();
    let (mut sim, a) = one(seed, &log);
    act(a, |_, cx| {
        let base = cx.now();
        for (delay, n) in [(30, 0), (10, 1), (20, 2), (10, 3), (30, 4), (10, 5)] {
            later(cx, ms(delay), move |me, cx| {
                me.say(format!("{n} at {}", (cx.now() - base).as_millis()));
            });
        }
    });
    sim.run_for(ms(30));
    assert_eq!(
        log.all(),
        [
            "a: 1 at 10",
            "a: 3 at 10",
            "a: 5 at 10",
            "a: 2 at 20",
            "a: 0 at 30",
            "a: 4 at 30"
        ]
    );
}

/// Deadlines over all wheels: from nanoseconds to years.
fn t01_short_and_long_timers_fire_at_their_times(seed: u64) {
    let log = Log::new();
    let (mut sim, a) = one(seed, &log);
    let delays = [
        1,
        999,
        1_000_000,
        64_000_000,
        3_600_000_000_000,
        86_400_000_000_000 * 400,
    ];
    act(a, move |_, cx| {
        for delay in delays {
            later(cx, Duration::from_nanos(delay), move |me, _| me.say(delay));
        }
    });
    sim.run_until_idle();
    let mut passed = 0;
    for (n, delay) in delays.into_iter().enumerate() {
        sim.run_for(Duration::from_nanos(delay - passed - 1));
        assert_eq!(log.all().len(), n, "before {delay}");
        sim.run_for(Duration::from_nanos(1));
        assert_eq!(log.all().len(), n + 1, "at {delay}");
        passed = delay;
    }
}

/// Ticks that were missed are skipped, the rhythm is kept.
fn m19_a_periodic_timer_skips_what_it_missed_and_keeps_its_rhythm(seed: u64) {
    #[derive(Clone)]
    struct Tick;
    struct Ticker(Log, Option<std::time::Instant>);
    impl Actor for Ticker {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            self.1 = Some(cx.now());
            cx.every(ms(10), Tick);
            Ok(())
        }
    }
    impl Handler<Tick> for Ticker {
        fn handle(&mut self, _: Tick, cx: &mut Context<Self>) {
            let at = cx.now() - self.1.unwrap();
            self.0.put(format!("at {}", at.as_millis()));
        }
    }
    let log = Log::new();
    let (driver, _, clock) = by_hand();
    let mine = log.clone();
    let make = move || Ticker(mine.clone(), None);
    driver
        .start(group("root").child(Child::new("ticker", make)))
        .unwrap();
    driver.run_until_idle();
    for step in [10, 5, 5, 33, 7, 10] {
        clock.advance(ms(step));
        driver.run_until_idle();
    }
    // Due at 10, 20, then at 30, 40 and 50 while nobody looked, then at 60 and 70.
    assert_eq!(
        log.all(),
        ["at 10", "at 20", "at 53", "at 60", "at 70"],
        "seed {seed}"
    );
}

/// The handler that makes the timers takes its time: they count from when they are made.
fn m19_a_long_handler_makes_no_timer_early(seed: u64) {
    let log = Log::new();
    let (driver, here, clock) = by_hand();
    let (a, passes) = (here.reserve(), clock.clone());
    act(a, move |_, cx| {
        passes.advance(ms(6));
        cx.after(ms(10), Say("once"));
        cx.every(ms(10), Say("again"));
    });
    driver
        .start(group("root").child(puppet("a", &log).at(a)))
        .unwrap();
    driver.run_until_idle();
    clock.advance(Duration::from_nanos(9_999_999));
    driver.run_until_idle();
    assert_eq!(log.all(), [""; 0], "seed {seed}");
    clock.advance(Duration::from_nanos(1));
    driver.run_until_idle();
    assert_eq!(log.all(), ["a: once", "a: again"], "seed {seed}");
}

/// After 35 ms without a turn, with a period of 10 ms.
fn t01_a_late_periodic_timer_goes_by_its_policy(seed: u64) {
    let ticks = |missed: Missed| {
        let (driver, here, clock) = by_hand();
        let (log, a) = (Log::new(), here.reserve());
        driver
            .start(group("root").child(puppet("a", &log).at(a)))
            .unwrap();
        driver.run_until_idle();
        let start = clock.now();
        act(a, move |_, cx| {
            let tick = move |me: &mut Puppet, cx: &mut Context<Puppet>| {
                me.say((cx.now() - start).as_millis());
            };
            cx.every_with(ms(10), missed, Again(Rc::new(tick)));
            cx.after(ms(20), Say("between"));
        });
        driver.run_until_idle();
        clock.advance(ms(35));
        driver.run_until_idle();
        for _ in 0..20 {
            clock.advance(ms(1));
            driver.run_until_idle();
        }
        log.all().join(" ").replace("a: ", "")
    };
    assert_eq!(
        ticks(Missed::Burst),
        "35 between 35 35 40 50",
        "seed {seed}"
    );
    assert_eq!(ticks(Missed::Delay), "35 between 45 55", "seed {seed}");
    assert_eq!(ticks(Missed::Skip), "35 between 40 50", "seed {seed}");
}

/// Starts and stops that are over leave no limit behind: nothing would wake an idle loop.
fn l17_a_limit_ends_with_its_step(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let (here, away) = (sim.locality("here"), sim.locality("away"));
    let (a, b, theirs) = (here.reserve(), away.reserve(), log.clone());
    let tree = group("root")
        .child(puppet("a", &log).temporary().at(a))
        .child(group("far").on(&away, move |s| {
            s.child(puppet("b", &theirs).temporary().at(b))
        }));
    sim.start(tree).unwrap();
    sim.run_until_idle();
    assert_eq!(sim.next_deadline(), None, "seed {seed}: started");
    a.stop();
    b.stop();
    sim.run_until_idle();
    assert_eq!(log.live(), 0);
    assert_eq!(sim.next_deadline(), None, "seed {seed}: stopped");
}

fn t02_a_timer_cancelled_in_time_never_fires(seed: u64) {
    let log = Log::new();
    let (mut sim, a) = one(seed, &log);
    act(a, |me, cx| {
        let first = cx.after(ms(10), Say("never"));
        later(cx, ms(10), move |me, cx| me.say(cx.cancel(first)));
        let second = cx.after(ms(20), Say("never"));
        later(cx, ms(19), move |me, cx| me.say(cx.cancel(second)));
        // Due at the same time, and first in the queue: cancelled although it is queued.
        let third = std::sync::Arc::new(std::sync::Mutex::new(None));
        let seen = third.clone();
        later(cx, ms(30), move |me, cx| {
            let third: Timer = seen.lock().unwrap().unwrap();
            me.say(cx.cancel(third));
        });
        *third.lock().unwrap() = Some(cx.after(ms(30), Say("never")));
        let _ = me;
    });
    sim.run_for(ms(60));
    // The first was due and run before its cancel.
    assert_eq!(log.all(), ["a: never", "a: false", "a: true", "a: true"]);
}

/// The limit of a request is exact; the answer at the limit comes too late or in time, not both.
fn r37_a_request_times_out_at_its_limit(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let (here, away) = (sim.locality("here"), sim.locality("away"));
    let (a, b) = (here.reserve(), away.reserve());
    let theirs = log.clone();
    sim.start(
        group("root")
            .child(group("far").on(&away, move |s| {
                s.child(Role::new("b", &theirs).keeping().child().at(b))
            }))
            .child(puppet("a", &log).at(a)),
    )
    .unwrap();
    sim.run_until_idle();
    act(a, move |me, cx| me.ask(cx, b, 1, ms(100)));
    sim.run_for(ms(99));
    assert_eq!(log.all(), ["b: asked"]);
    sim.run_for(ms(1));
    assert_eq!(log.all(), ["b: asked", "a: Timeout"]);
    act(b, |me, _| me.asks.pop().unwrap().reply(2));
    sim.run_for(ms(1000));
    assert_eq!(log.all(), ["b: asked", "a: Timeout"]);
}

/// More than *intensity* restarts within *period*; what is older does not count.
fn l06_the_window_of_restarts_slides(world: &mut World) {
    let (log, here) = (Log::new(), world.locality());
    // Two restarts in ten seconds: at the third one the first is older, if by a nanosecond, and at the
    // fourth one the second is as old as that, which counts.
    let lives = [1, 4, 6, 4].map(Duration::from_secs);
    let lives = [lives[0], lives[1], lives[2] + NANO, lives[3] - NANO];
    let theirs = log.clone();
    let app = world.start(&here, move || {
        let root = Supervisor::one_for_one("root").intensity(2, Duration::from_secs(10));
        let mortal = Role::new("b", &theirs).begin(move |me, cx| {
            me.say(me.life);
            later(cx, lives[me.life as usize - 1], |_, _| panic!("as told"));
        });
        root.child(mortal.child())
    });
    for life in lives {
        world.until_due_in(Some(life));
        world.pass(life);
    }
    let exit = world.end(&app);
    assert_eq!(chain(&exit), "shutdown < b: panicked: as told");
    assert_eq!(log.all(), ["b: 1", "b: 2", "b: 3", "b: 4"]);
}

/// Five seconds for a start and a stop, unless the spec says otherwise; supervisors have no limit.
fn m08_leaves_have_five_seconds(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let here = sim.locality("here");
    let role = Role::new("b", &log)
        .telling()
        .stop(|_, _, cx| std::mem::forget(cx.hold("never over")));
    let app = sim
        .start(group("root").child(group("inner").child(role.child())))
        .unwrap();
    sim.run_until_idle();
    app.shutdown();
    sim.run_for(Duration::from_millis(4_999));
    assert_eq!(log.all(), ["b starts", "b stops: shutdown"]);
    sim.run_for(ms(1));
    assert_eq!(log.all(), ["b starts", "b stops: shutdown", "b drops"]);
    assert!(app.wait().is_ok());
    let _ = here;
}

/// A supervisor waits for all of its children, however long that takes.
fn m08_supervisors_have_no_limit(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    sim.locality("here");
    let stuck = |name| {
        let role = Role::new(name, &log).telling();
        role.stop(|_, _, cx| std::mem::forget(cx.hold("never over")))
    };
    let inner = group("inner").child(stuck("b").child());
    let tree = group("root").child(inner.child(stuck("c").child()));
    let app = sim.start(tree).unwrap();
    sim.run_until_idle();
    app.shutdown();
    sim.run_for(Duration::from_millis(9_999));
    assert_eq!(
        log.all()[2..],
        ["c stops: shutdown", "c drops", "b stops: shutdown"]
    );
    sim.run_for(ms(1));
    assert_eq!(log.live(), 0);
}

/// A start that is stuck: after five seconds, removed and reported with its limit.
fn r75_a_start_limit_that_passes_fails_the_start(world: &mut World) {
    let log = Log::new();
    let (here, theirs) = (world.locality(), log.clone());
    let app = world.start(&here, move || {
        let stuck = Role::new("b", &theirs).begin(|_, cx| std::mem::forget(cx.hold("a name")));
        let tree = group("root").child(puppet("x", &theirs));
        tree.child(stuck.child())
    });
    world.until_due_in(Some(Duration::from_secs(5)));
    world.pass(ms(4_999));
    world.until_due_in(Some(ms(1)));
    assert_eq!(log.live(), 2);
    world.pass(ms(1));
    let exit = world.end(&app);
    assert_eq!(
        exit.root_cause().to_string(),
        "timed out: the start of root/b took longer than its start limit of 5s; held by a name"
    );
    assert_eq!(log.live(), 0);
}

/// The same seed gives the same run; the seeds are all sound.
fn v01_the_same_seed_gives_the_same_run(seed: u64) {
    let run = || {
        let log = Log::new();
        let mut sim = Sim::new(seed);
        let (here, one, two) = (
            sim.locality("here"),
            sim.locality("one"),
            sim.locality("two"),
        );
        let sink = here.reserve::<Puppet>();
        let far = |name: &'static str, place: &Locality, log: &Log| {
            let log = log.clone();
            group(name).on(place, move |s| {
                let role = Role::new(name, &log).begin(move |me, cx| {
                    for n in 0..20 {
                        act(sink, move |me, _| me.say(format!("{name} {n}")));
                        act(cx.addr(), move |_, _| sink.send(Num(n)));
                    }
                    let _ = me;
                });
                s.child(role.child())
            })
        };
        let tree = group("root")
            .child(puppet("sink", &log).at(sink))
            .child(far("one", &one, &log))
            .child(far("two", &two, &log));
        sim.start(tree).unwrap();
        sim.run_until_idle();
        log.all()
    };
    let first = run();
    assert_eq!(first.len(), 80);
    assert_eq!(first, run());
}

/// Time ends after 584 years. Nothing is due later, and nothing is due there again and again.
fn m19_a_periodic_timer_stops_at_the_end_of_time(seed: u64) {
    let half = Duration::from_nanos(1 << 63);
    for period in [ms(1000), half, half * 2, Duration::MAX] {
        let log = Log::new();
        let (driver, here, clock) = by_hand();
        let a = here.reserve();
        let app = driver
            .start(group("root").child(puppet("a", &log).at(a)))
            .unwrap();
        act(a, move |_, cx| {
            cx.every(period, Say("tick"));
        });
        driver.run_until_idle();
        for _ in 0..2 {
            clock.advance(Duration::MAX);
            for _ in 0..3 {
                driver.turn(Budget::default());
            }
        }
        assert_eq!(log.all(), ["a: tick"], "seed {seed}: {period:?}");
        assert!(matches!(driver.turn(Budget::default()), Turn::Park(None)));
        app.shutdown();
        assert!(matches!(driver.run_until_idle(), Turn::Done(exit) if !exit.is_failure()));
    }
}

/// The clock moves to the next deadline only when every locality is idle.
fn m19_virtual_time_moves_when_everything_is_idle(seed: u64) {
    let log = Log::new();
    let mut sim = Sim::new(seed);
    let (here, away) = (sim.locality("here"), sim.locality("away"));
    let (a, b) = (here.reserve(), away.reserve());
    let theirs = log.clone();
    sim.start(
        group("root")
            .child(group("far").on(&away, move |s| s.child(puppet("b", &theirs).at(b))))
            .child(puppet("a", &log).at(a)),
    )
    .unwrap();
    fn count(me: &mut Puppet, cx: &mut Context<Puppet>, left: u32) {
        if left > 0 {
            act(cx.addr(), move |me, cx| count(me, cx, left - 1));
        } else {
            me.say("counted");
        }
    }
    act(a, |_, cx| drop(cx.after(ms(1), Say("later"))));
    act(b, |me, cx| count(me, cx, 500));
    sim.run_for(ms(1));
    assert_eq!(log.all(), ["b: counted", "a: later"]);
}

bodies! {
    Sim: [
        m19_a_timer_fires_exactly_at_its_deadline,
        m19_the_delay_runs_from_the_arming,
        m19_a_long_handler_makes_no_timer_early,
        l17_a_limit_ends_with_its_step,
        t01_timers_fire_by_deadline_then_by_age,
        t01_a_late_periodic_timer_goes_by_its_policy,
        t01_short_and_long_timers_fire_at_their_times,
        m19_a_periodic_timer_skips_what_it_missed_and_keeps_its_rhythm,
        m19_a_periodic_timer_stops_at_the_end_of_time,
        t02_a_timer_cancelled_in_time_never_fires,
        r37_a_request_times_out_at_its_limit,
        m08_leaves_have_five_seconds,
        m08_supervisors_have_no_limit,
        v01_the_same_seed_gives_the_same_run,
        m19_virtual_time_moves_when_everything_is_idle,
    ]
    World: [
        l06_the_window_of_restarts_slides,
        r75_a_start_limit_that_passes_fails_the_start
            as r78_a_start_limit_that_passes_fails_the_start,
    ]
}
