//! Supervisors that give up: what they say of it, and what an application does about the last one.

use rotor_core::*;

use crate::backend::Backend;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

/// Ends of all children count together, also where each is answered by the restart of all; the reason
/// names the child, how many in which time, and what was before.
fn l06_the_window_is_shared_and_the_reason_names_the_last_ends(
    on: &dyn Backend,
    far: &dyn Backend,
) {
    let log = Log::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        let (a, b, c) = (here.reserve::<Puppet>(), here.reserve(), away.reserve());
        let fails = |to, text| attempt(to, move |_, _| Err(Error::message(text)));
        fails(b, "one");
        when(a, (2, "c starts"), move |_, cx| {
            fails(c, "two");
            when(cx.addr(), (3, "b starts"), move |_, cx| {
                fails(b, "three");
                when(cx.addr(), (4, "c starts"), move |_, _| fails(c, "four"));
            });
        });
        let theirs = log.clone();
        let far = Supervisor::one_for_one("far")
            .intensity(0, ms(5_000))
            .on(&away, move |s| s.child(tells("c", &theirs).at(c)));
        let all = Supervisor::one_for_all("all").intensity(3, ms(60_000));
        Supervisor::one_for_one("root")
            .intensity(0, ms(5_000))
            .child(puppet("a", &log).at(a))
            .child(all.child(tells("b", &log).at(b)).child(far))
    });
    assert_eq!((log.count("b starts"), log.count("c starts")), (4, 4));
    let (_, all) = played.exit.cause().expect("the supervisor");
    let gave_up = all.gave_up().expect("of the fourth end");
    let told = (gave_up.allowed, gave_up.period);
    assert_eq!(told, (3, ms(60_000)));
    let before = gave_up.before.iter();
    let before: Vec<_> = before
        .map(|(who, exit)| format!("{who}: {}", chain(exit)))
        .collect();
    let two = "far: shutdown < c: failed: two";
    assert_eq!(before, ["b: failed: three", two, "b: failed: one"]);
    assert_eq!(chain(all), "shutdown < far: shutdown < c: failed: four");
    let text = format!("{all:#}");
    let told = "shutdown, gave up restarting far (limit: 3 restarts in 60s, used up; after b: failed: \
                three, far: failed: two, b: failed: one), which ended: shutdown, gave up restarting c \
                (limit: 0 restarts in 5s), which ended: failed: four";
    assert!(text.starts_with(told), "{text}");
}

/// The root of the first two trees gives up: the thread that ran it learns why, goes on, and starts
/// the next one, with what it likes to change.
fn l08_an_application_goes_on_and_starts_the_next_tree(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let mut told = Vec::new();
    for attempt in 1.. {
        let played = on.run(|here| {
            let away = far.spawn("away");
            let (a, b) = (here.reserve(), away.reserve());
            attempt_of(attempt, a, b);
            let theirs = log.clone();
            let far = Supervisor::one_for_one("far").intensity(1, LONG);
            Supervisor::one_for_one("root")
                .intensity(0, LONG)
                .auto_shutdown(AutoShutdown::Any)
                .child(lead("a", &log).at(a))
                .child(far.on(&away, move |s| s.child(puppet("b", &theirs).at(b))))
        });
        assert_eq!(log.live(), 0);
        told.push(chain(&played.exit));
        if !played.exit.is_failure() {
            break;
        }
        let gave_up = played.exit.gave_up().expect("of its child");
        assert_eq!((gave_up.allowed, gave_up.before.len()), (0, 0));
        let (_, far) = played.exit.cause().expect("the child");
        assert_eq!(far.gave_up().expect("of its own").before[0].0, "b");
    }
    let failed = "shutdown < far: shutdown < b: panicked: as told";
    assert_eq!(told, [failed, failed, "shutdown < a: normal"]);
}

/// What fails in the first two does not in the third.
fn attempt_of(attempt: u32, a: Addr<Puppet>, b: Addr<Puppet>) {
    match attempt {
        3 => act(b, move |_, _| end(a)),
        _ => (0..2).for_each(|_| crash(b)),
    }
}

bodies! {
    Pair: [
        l08_an_application_goes_on_and_starts_the_next_tree,
        l06_the_window_is_shared_and_the_reason_names_the_last_ends,
    ]
}
