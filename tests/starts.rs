//! What a start comes to, and what it leaves behind.

use std::collections::BTreeSet;

use rotor_core::*;

use crate::admin::{ask, child, scripted};
use crate::backend::Backend;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

/// Its slot, which the next child may have.
fn slot(address: Address) -> String {
    let text = format!("{address:?}");
    text.split('.')
        .nth(1)
        .expect("gate.slot.generation")
        .to_owned()
}

/// How one start goes, by the name that is asked for.
fn make(name: &'static str, log: &Log) -> Result<Option<Puppet>> {
    let puppet = Role::new(name, log).telling().begin(move |me, cx| {
        me.log.put(format!("slot {}", slot(cx.addr().address())));
        if name == "late" {
            cx.child(Role::new("below", &me.log).child());
            std::mem::forget(cx.hold("what never comes"));
        }
    });
    match name {
        "none" => Ok(None),
        "fails" => Err(Error::message("no disk")),
        _ => Ok(Some(puppet.play(1))),
    }
}

fn told<T>(answer: std::result::Result<Option<T>, AdminError>) -> String {
    match answer {
        Ok(Some(_)) => "an address".to_owned(),
        Ok(None) => "nothing".to_owned(),
        Err(AdminError::StartFailed(exit)) => exit.to_string(),
        Err(error) => format!("{error:?}"),
    }
}

/// The starter learns an address, that there is none, or why not. Whichever it is, again and again:
/// all have the same slot one after the other, and nothing is left of them.
fn l02_a_start_that_comes_to_nothing_leaves_nothing(on: &dyn Backend, far: &dyn Backend) {
    const TIMES: usize = 5;
    let log = Log::new();
    on.run_clean(&log, |_| {
        let away = far.spawn("away");
        let (theirs, mine) = (log.clone(), log.clone());
        let script = move |root: Address| {
            let log = mine.clone();
            async move {
                let pool = child(root, "pool").await.address;
                let declared = child(root, "far").await.address;
                for _ in 0..TIMES {
                    for name in ["good", "none", "fails", "late"] {
                        let start = StartInstance::<Puppet, &'static str>::new(name);
                        let answer = ask(pool, start).await;
                        log.put(format!("pool: {name}: {}", told(answer)));
                        let theirs = log.clone();
                        let start = StartChild::new(move || {
                            let made = move || make(name, &theirs);
                            let limit = if name == "late" { ms(2) } else { LONG };
                            Child::new(name, made).temporary().start_limit(limit)
                        });
                        let answer = ask(declared, start).await;
                        log.put(format!("far: {name}: {}", told(answer)));
                        if name == "good" {
                            // Of its kind there is one.
                            assert_eq!(log.live(), 3, "the lead and two");
                            let named = TerminateChild::named("good");
                            ask(declared, named).await.expect("it runs");
                            let all = pool.admin().ask(WhichChildren, LONG).await.unwrap();
                            let only = TerminateChild::at(all[0].address);
                            ask(pool, only).await.expect("it runs");
                        }
                        assert_eq!(log.live(), 1, "the lead, after {name}");
                        assert_eq!(ask(pool, CountChildren).await.workers, 0);
                        assert_eq!(ask(declared, CountChildren).await.specs, 0);
                    }
                }
            }
        };
        stage()
            .child(Supervisor::one_for_one("pool").on(&away, move |_| {
                let log = theirs.clone();
                let make = move |name, _: &mut Context<Puppet>| make(name, &log);
                Supervisor::simple_one_for_one("pool", make)
                    .instances(Restart::Temporary)
                    .instance_limits(ms(20), LONG)
            }))
            .child(group("far").on(&away, |s| s))
            .child(scripted(&log, script))
    });
    let limit = " took longer than ";
    for (name, answer) in [
        ("good", "an address"),
        ("none", "nothing"),
        ("fails", "failed: no disk"),
        ("late", limit),
    ] {
        for of in ["pool", "far"] {
            let told = log.of(&format!("{of}: {name}: "));
            assert_eq!(told.len(), TIMES);
            let said = |line: &String| line.contains(answer);
            assert!(told.iter().all(said), "{told:?}");
        }
    }
    let slots = log.of("slot ");
    assert_eq!(slots.len(), 4 * TIMES, "of the good ones and the late ones");
    let slots: BTreeSet<_> = slots.into_iter().collect();
    assert!(slots.len() <= 2, "{slots:?}");
}

bodies! {
    Pair: [l02_a_start_that_comes_to_nothing_leaves_nothing]
}
