//! Requests with typed replies, one outstanding. A request always has a time limit.

use std::time::Duration;

use rotor_core::{Actor, Addr, Ask, Child, Context, Handler, Request, Supervisor};

use super::host::Host;
use super::referee::{Match, Measure, Referee, Total};
use crate::harness::sum_to;

const LIMIT: Duration = Duration::from_secs(60);

struct Number(u64);

impl Request for Number {
    type Reply = u64;
}

struct Echo;

impl Actor for Echo {}

impl Handler<Ask<Number>> for Echo {
    fn handle(&mut self, ask: Ask<Number>, _: &mut Context<Self>) {
        let n = ask.request.0;
        ask.reply(n);
    }
}

struct Go;

struct Asker {
    echo: Addr<Echo>,
    left: u64,
    sum: u64,
    referee: Addr<Referee>,
}

impl Actor for Asker {}

impl Handler<Go> for Asker {
    fn handle(&mut self, _: Go, cx: &mut Context<Self>) {
        if self.left == 0 {
            self.referee.send(Total(self.sum));
        } else {
            self.left -= 1;
            cx.request(self.echo, Number(self.left), LIMIT, |me, reply, cx| {
                me.sum += reply.expect("an answer");
                me.handle(Go, cx);
            });
        }
    }
}

fn questions(asker: Addr<Asker>, asks: u64) -> Match<impl FnOnce()> {
    Match {
        measure: Measure::Wall,
        ops: asks,
        total: sum_to(asks),
        begin: move || asker.send(Go),
    }
}

fn asker(echo: Addr<Echo>, left: u64, referee: Addr<Referee>) -> impl FnMut() -> Asker {
    move || Asker {
        echo,
        left,
        sum: 0,
        referee,
    }
}

/// Ns per request and reply in one locality.
pub fn local<H: Host>(asks: u64) -> f64 {
    Match::play::<H>(|here, tree, referee| {
        let (echo, who) = (here.reserve(), here.reserve());
        let tree = tree
            .child(Child::new("echo", || Echo).at(echo))
            .child(Child::new("asker", asker(echo, asks, referee)).at(who));
        (tree, questions(who, asks))
    })
}

/// Ns per request and reply between two loops on two threads.
pub fn across<H: Host>(asks: u64) -> f64 {
    Match::play::<H>(|here, tree, referee| {
        let away = H::elsewhere();
        let (echo, who) = (away.reserve(), here.reserve());
        let tree = tree
            .child(Supervisor::one_for_one("away").on(&away, move |s| {
                s.child(Child::new("echo", || Echo).at(echo))
            }))
            .child(Child::new("asker", asker(echo, asks, referee)).at(who));
        (tree, questions(who, asks))
    })
}
