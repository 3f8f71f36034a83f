//! Groups of actors: an actor that keeps who has joined, made of monitors and a topic.

use rotor_core::*;

use crate::backend::{Backend, Played};
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;

const CREW: Name<Group> = Name::new("crew");

/// Its members, in the order in which they have joined.
struct Group {
    members: Vec<Addr<Puppet>>,
    /// What tells of the end of each.
    monitors: Vec<Key>,
    /// Whoever is subscribed learns of changes, in order.
    changes: Topic<Changed>,
    next: usize,
}

struct Join(Addr<Puppet>);
struct Leave(Addr<Puppet>);
/// How many members there are now.
#[derive(Clone, Debug)]
struct Changed(usize);
/// To all who are members now.
struct ToAll(&'static str);
/// To one after the other.
struct ToOne(&'static str);
/// Asks all, and adds their answers up.
struct Sum(u32);

impl Request for Sum {
    type Reply = u32;
}

impl Actor for Group {}

impl Group {
    fn new(cx: &mut Context<Self>) -> Result<Self> {
        Ok(Group {
            members: Vec::new(),
            monitors: Vec::new(),
            changes: cx.addr().address().topic(),
            next: 0,
        })
    }

    fn remove(&mut self, who: Address, cx: &mut Context<Self>) {
        let is = |member: &Addr<Puppet>| member.address() == who;
        if let Some(at) = self.members.iter().position(is) {
            self.members.remove(at);
            cx.cancel(self.monitors.remove(at));
        }
    }

    fn tell(&self) {
        self.changes.publish(Changed(self.members.len()));
    }
}

impl Handler<Join> for Group {
    fn handle(&mut self, Join(member): Join, cx: &mut Context<Self>) {
        // The end of its last instance may not have been told yet: then nobody wants to know.
        self.remove(member.address(), cx);
        self.members.push(member);
        self.monitors.push(cx.monitor(member.address()));
        self.tell();
    }
}

impl Handler<Leave> for Group {
    fn handle(&mut self, Leave(member): Leave, cx: &mut Context<Self>) {
        self.remove(member.address(), cx);
        self.tell();
    }
}

impl Handler<Down> for Group {
    fn handle(&mut self, down: Down, cx: &mut Context<Self>) {
        self.remove(down.who, cx);
        self.tell();
    }
}

impl Handler<ToAll> for Group {
    fn handle(&mut self, ToAll(text): ToAll, _: &mut Context<Self>) {
        self.members
            .iter()
            .for_each(|member| member.send(Say(text)));
    }
}

impl Handler<ToOne> for Group {
    fn handle(&mut self, ToOne(text): ToOne, _: &mut Context<Self>) {
        self.next += 1;
        let member = self.members[self.next % self.members.len()];
        member.send(Say(text));
    }
}

impl Handler<Ask<Sum>> for Group {
    fn handle(&mut self, ask: Ask<Sum>, cx: &mut Context<Self>) {
        let (Sum(n), reply) = ask.split();
        let ask = |member: &Addr<Puppet>| member.ask(Double(n), LONG);
        let all: Vec<_> = self.members.iter().map(ask).collect();
        let sum = async move {
            let mut sum = 0;
            for answer in all {
                sum += answer.await.unwrap_or_default();
            }
            sum
        };
        cx.spawn(sum, |_, sum, _| reply.send(sum));
    }
}

impl Handler<Changed> for Puppet {
    fn handle(&mut self, Changed(members): Changed, _: &mut Context<Self>) {
        self.say(format!("{members} members"));
    }
}

/// Joins the group in its start.
fn member(name: &'static str, log: &Log) -> Child<Puppet> {
    let joins = Role::new(name, log).begin(|_, cx| {
        cx.find(CREW, |_, group, cx| group.send(Join(cx.addr())));
    });
    joins.child()
}

/// But for news of changes that nobody listens to.
fn nothing_else_is_left(log: &Log, played: &Played) {
    let news = |(name, reason): &(String, Reason)| name == "Changed" && *reason == Reason::Unheard;
    let lost = &played.undelivered;
    assert!(lost.iter().all(news), "{lost:?}");
    assert_eq!(log.live(), 0);
}

/// Members on both loops join, leave, and leave by their end; one that comes back joins anew. Whoever
/// watches the group learns of each change, in order.
fn a24_a_group_keeps_its_members(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        let (a, crew) = (here.reserve(), here.reserve::<Group>());
        let (b, c) = (here.reserve(), away.reserve());
        let theirs = log.clone();
        let watch = Role::new("a", &log).begin(move |_, cx| {
            cx.subscribe(crew.address().topic::<Changed>());
        });
        when(a, (1, "a: 2 members"), move |_, cx| {
            crew.send(ToAll("all"));
            when(cx.addr(), (1, "b: all"), move |_, cx| {
                when(cx.addr(), (1, "c: all"), move |_, cx| {
                    cx.request(crew, Sum(3), LONG, move |me, sum, _| {
                        me.say(format!("sum {}", sum.expect("it runs")));
                        crash(c); // after its answer: it leaves, comes back and joins
                    });
                    when(cx.addr(), (2, "a: 2 members"), move |_, cx| {
                        crew.send(Leave(b));
                        crew.send(ToOne("one"));
                        crew.send(ToOne("one"));
                        when(cx.addr(), (2, "c: one"), |_, cx| cx.stop());
                    });
                });
            });
        });
        stage()
            .child(watch.child().at(a).transient().significant())
            .child(Child::with("crew", Group::new).at(crew).named(CREW))
            .child(member("b", &log).at(b))
            .child(group("far").on(&away, move |s| s.child(member("c", &theirs).at(c))))
    });
    let all = log.all();
    let mut changes: Vec<_> = all.iter().map(String::as_str).collect();
    changes.retain(|line| line.ends_with("members"));
    // Its end is told before it joins anew, or not at all.
    let changes: String = changes
        .iter()
        .flat_map(|line| line.chars().nth(3))
        .collect();
    assert!(["12121", "1221"].contains(&&*changes), "{all:?}");
    assert_eq!(log.count("a: sum 12"), 1, "{all:?}");
    assert_eq!(log.count("b: one"), 0);
    nothing_else_is_left(&log, &played);
}

/// One that leaves while a message goes to all costs nobody a message, and doubles none.
fn a24_leaving_during_a_broadcast_does_no_harm(on: &dyn Backend, far: &dyn Backend) {
    let log = Log::new();
    let played = on.run(|here| {
        let away = far.spawn("away");
        let (a, crew) = (here.reserve(), away.reserve::<Group>());
        let all: [Addr<Puppet>; 4] = [(); 4].map(|()| here.reserve());
        for member in all {
            crew.send(Join(member));
        }
        crew.send(ToAll("first"));
        act(all[1], move |_, _| crew.send(Leave(all[1])));
        when(a, (4, "m: first"), move |_, cx| {
            crew.send(ToAll("second"));
            when(cx.addr(), (3, "m: second"), |_, cx| cx.stop());
        });
        let far = group("far").on(&away, move |s| {
            s.child(Child::with("crew", Group::new).at(crew))
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
    nothing_else_is_left(&log, &played);
}

bodies! {
    Pair: [
        a24_a_group_keeps_its_members,
        a24_leaving_during_a_broadcast_does_no_harm,
    ]
}
