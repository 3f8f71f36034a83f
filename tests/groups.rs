//! Groups of actors, on every backend and pair.

use rotor_core::*;

use crate::backend::Backend;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

const CREW: Name<Group<Say>> = Name::new("crew");

impl Handler<Membership> for Puppet {
    fn handle(&mut self, change: Membership, _: &mut Context<Self>) {
        self.say(match change {
            Membership::Joined(_) => "joined",
            Membership::Left(_) => "left",
        });
    }
}

/// Joins the group in its start.
fn member(name: &'static str, log: &Log) -> Child<Puppet> {
    let joins = Role::new(name, log).begin(|_, cx| {
        cx.find(CREW, |_, crew, cx| crew.join(cx.addr().to()));
    });
    joins.child()
}

/// Members on both loops join, leave, and leave by their end; one that comes back joins anew. Whoever
/// watches the group learns of each change, in order.
fn a24_a_group_keeps_its_members(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, crew) = (here.reserve(), here.reserve::<Group<Say>>());
        let (b, c) = (here.reserve(), away.reserve());
        let theirs = log.clone();
        let watch = Role::new("a", &log).begin(move |_, cx| {
            cx.subscribe(crew.address().topic::<Membership>());
        });
        when(a, (2, "a: joined"), move |_, cx| {
            crew.send_all(Say("all"));
            when(cx.addr(), (1, "b: all"), move |_, cx| {
                when(cx.addr(), (1, "c: all"), move |_, cx| {
                    cx.spawn(crew.members(LONG), move |me, members, _| {
                        let mut members = members.expect("it runs");
                        members.sort();
                        let mut all = [b.to(), c.to()];
                        all.sort();
                        assert_eq!(members, all);
                        me.say("members");
                        act(c, |_, cx| {
                            cx.fail(Error::message("as told")); // it comes back, and joins
                        });
                    });
                    when(cx.addr(), (2, "c is in"), move |_, cx| {
                        crew.send_all(Say("both"));
                        crew.leave(b.address());
                        crew.leave(b.address());
                        crew.send_all(Say("one"));
                        when(cx.addr(), (1, "c: one"), |_, cx| {
                            when(cx.addr(), (1, "b: both"), |_, cx| cx.stop());
                        });
                    });
                });
            });
        });
        stage()
            .child(watch.child().at(a).transient().significant())
            .child(Child::new("crew", Group::new).at(crew).named(CREW))
            .child(member("b", &log).at(b))
            .child(group("far").on(&away, move |s| {
                let joins = Role::new("c", &theirs).begin(|_, cx| {
                    cx.find(CREW, |_, crew, cx| {
                        crew.join(cx.addr().to());
                        cx.spawn(crew.members(LONG), |me, _, _| me.log.put("c is in"));
                    });
                });
                s.child(joins.child().at(c))
            }))
    });
    let of = |begin| log.of(begin);
    assert_eq!(of("b:"), ["b: all", "b: both"]);
    assert_eq!(of("c:"), ["c: all", "c: both", "c: one"]);
    // Its end is told before it joins anew, or not at all.
    let changes = of("a: ").into_iter().filter(|line| line != "a: members");
    let changes: String = changes.flat_map(|line| line.chars().nth(3)).collect();
    assert!(["jjljl", "jjl"].contains(&&*changes), "{changes}");
}

/// One that leaves while a message goes to all costs nobody a message, and doubles none; nor does one
/// whose instance ends.
fn a24_leaving_during_a_broadcast_does_no_harm(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, crew) = (here.reserve(), away.reserve::<Group<Say>>());
        let all: [Addr<Puppet>; 4] = [(); 4].map(|()| here.reserve());
        for member in all {
            crew.join(member.to());
            crew.join(member.to()); // once
        }
        crew.send_all(Say("first"));
        act(all[1], move |_, _| crew.leave(all[1].address()));
        when(a, (4, "m: first"), move |_, cx| {
            crew.send_all(Say("second"));
            when(cx.addr(), (3, "m: second"), move |_, cx| {
                end(all[3]); // it comes back, and does not join
                once_there_are(2, crew, cx, move |cx| {
                    crew.send_all(Say("third"));
                    when(cx.addr(), (2, "m: third"), |_, cx| cx.stop());
                });
            });
        });
        let far = group("far").on(&away, move |s| {
            s.child(Child::new("crew", Group::new).at(crew))
        });
        let members = all.into_iter().fold(group("members"), |s, at| {
            let name = format!("m {:?}", at.address());
            let of = log.clone();
            let make = move || Role::new("m", &of).play(1);
            s.child(Child::new(name, make).at(at))
        });
        let tree = stage().child(members).child(far);
        tree.child(lead("a", &log).at(a))
    });
    assert_eq!(log.count("m: first"), 4);
    assert_eq!(log.count("m: second"), 3);
    assert_eq!(log.count("m: third"), 2);
}

/// Goes on when the group has so many members.
fn once_there_are(
    members: usize,
    crew: Addr<Group<Say>>,
    cx: &mut Context<Puppet>,
    then: impl FnOnce(&mut Context<Puppet>) + 'static,
) {
    cx.spawn(crew.members(LONG), move |_, found, cx| {
        match found.expect("it runs").len() == members {
            true => then(cx),
            false => once_there_are(members, crew, cx, then),
        }
    });
}

#[derive(Clone, Debug)]
struct Half(u32);

impl Request for Half {
    type Reply = u32;
}

impl Handler<Ask<Half>> for Puppet {
    fn handle(&mut self, ask: Ask<Half>, _: &mut Context<Self>) {
        if self.name == "c" {
            return; // it is dropped
        }
        let half = ask.request.0 / 2;
        ask.reply(half);
    }
}

/// Each one's answer, or why there is none.
fn a24_all_members_are_asked(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    on.run_clean(&log, |here| {
        let away = far.spawn("away");
        let (a, crew) = (here.reserve(), here.reserve::<Group<Ask<Half>>>());
        let (b, c) = (here.reserve::<Puppet>(), away.reserve::<Puppet>());
        let theirs = log.clone();
        act(a, move |_, cx| {
            crew.join(b.to());
            crew.join(c.to());
            cx.spawn(crew.ask_all(Half(8), LONG), move |me, answers, cx| {
                for (who, answer) in answers.expect("it runs") {
                    let name = if who == b.address() { "b" } else { "c" };
                    me.say(format!("{name} {answer:?}"));
                }
                cx.stop();
            });
        });
        stage()
            .child(Child::new("crew", Group::new).at(crew))
            .child(puppet("b", &log).at(b))
            .child(group("far").on(&away, move |s| s.child(puppet("c", &theirs).at(c))))
            .child(lead("a", &log).at(a))
    });
    assert_eq!(log.all(), ["a: b Ok(4)", "a: c Err(Dropped)"]);
}

/// In turn, or as the group is told to choose; what nobody gets is reported.
fn a24_one_member_gets_a_message(on: &dyn Backend) {
    let send = |by: fn() -> Group<Num>| {
        let log = Log::new();
        let played = on.run(|here| {
            let (a, crew) = (here.reserve(), here.reserve::<Group<Num>>());
            let (b, c) = (here.reserve::<Puppet>(), here.reserve::<Puppet>());
            crew.send_one(Num(0));
            crew.send_all(Num(0));
            for member in [b, c] {
                crew.join(member.to());
            }
            (1..=4).for_each(|n| crew.send_one(Num(n)));
            crew.leave(b.address());
            (5..=6).for_each(|n| crew.send_one(Num(n)));
            when(a, (1, "c: 6"), |_, cx| cx.stop());
            stage()
                .child(Child::new("crew", by).at(crew))
                .child(puppet("b", &log).at(b))
                .child(puppet("c", &log).at(c))
                .child(lead("a", &log).at(a))
        });
        assert_eq!(played.lost(Reason::Unheard), ["Num", "Num"]);
        log
    };
    let log = send(Group::new);
    assert_eq!(log.of("b:"), ["b: 2", "b: 4"]);
    assert_eq!(log.of("c:"), ["c: 1", "c: 3", "c: 5", "c: 6"]);
    let log = send(|| Group::choosing(|Num(n), members| if *n > 2 { members - 1 } else { 2 }));
    assert_eq!(log.of("b:"), ["b: 1", "b: 2"]);
    assert_eq!(log.of("c:"), ["c: 3", "c: 4", "c: 5", "c: 6"]);
}

bodies! {
    Each: [a24_one_member_gets_a_message]
    Pair: [
        a24_a_group_keeps_its_members,
        a24_leaving_during_a_broadcast_does_no_harm,
        a24_all_members_are_asked,
    ]
}
