//! The hand: does to the actors what people ask for. It stands beside the window, so that it outlives
//! what it restarts.

use std::borrow::Cow;
use std::rc::Rc;
use std::time::Duration;

use mirror_engine::Strike;
use rotor_core::{
    Actor, Address, AdminError, Context, Handler, Lane, RequestError, RestartChild, Result,
    TerminateChild,
};

use crate::controls::Go;
use crate::log::Line;
use crate::session::{Session, parent_of};

/// How long a supervisor may take to do what it is asked to.
const LIMIT: Duration = Duration::from_secs(10);

/// Its name in the tree.
pub const HAND: &str = "hand";

/// Crashes, restarts and stops.
pub struct Hand {
    session: Rc<Session>,
}

/// What can be done to an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Crash,
    Restart,
    Stop,
}

/// Do it to this one. [`Deed`] alone is for the one that is chosen.
pub struct DoTo(pub Deed, pub Address);

impl Hand {
    /// A hand that has nothing to do.
    pub fn new(session: Rc<Session>) -> Self {
        Self { session }
    }

    fn crash(&self, who: Address) {
        let run = self.session.run.borrow();
        let copy = run.as_ref().map(|run| &run.wiring);
        if let Some(copy) = copy
            && let Some(role) = copy.role(who)
        {
            copy.strike(role, Strike::NOW);
        } else if let Some(actor) = self.session.wiring.strike(who) {
            actor.send(Strike::NOW);
        } else {
            who.kill(); // a supervisor has no code that could panic
        }
    }

    /// Has its supervisor end it, and start it again if it is a restart.
    fn end(&self, deed: Deed, who: Address, cx: &mut Context<Self>) {
        let (parent, name, down) = {
            let tree = self.session.tree.borrow();
            let Some(tree) = &*tree else { return };
            let Some(at) = tree.nodes.iter().position(|node| node.address == who) else {
                return self.say("it is gone");
            };
            let Some(up) = parent_of(&tree.nodes, at) else {
                return self.say("the whole tree is ended by closing the window");
            };
            let node = &tree.nodes[at];
            (
                tree.nodes[up].address,
                node.name.clone(),
                node.state == "down",
            )
        };
        if deed == Deed::Restart && down {
            return again(parent, name, cx);
        }
        if deed == Deed::Restart && who == cx.addr().address() {
            return who.stop(); // nobody would be left to ask for the start
        }
        if deed == Deed::Restart && self.is_copy(who) {
            return self.session.wiring.controls.send(Go::Again); // its spec goes with it
        }
        let stop = TerminateChild::at(who);
        cx.request_from(
            parent.admin(),
            stop,
            LIMIT,
            move |me, answer, cx| match answer {
                Ok(Ok(())) if deed == Deed::Restart => again(parent, name, cx),
                answer => me.answered(answer),
            },
        );
    }

    /// Whether this is the supervisor of a copy.
    fn is_copy(&self, who: Address) -> bool {
        let run = self.session.run.borrow();
        run.as_ref().is_some_and(|run| run.address == Some(who))
    }

    fn answered<T>(&self, answer: Result<Result<T, AdminError>, RequestError>) {
        match answer {
            Ok(Ok(_)) => {}
            Ok(Err(e)) => self.say(&e.to_string()),
            Err(e) => self.say(&e.to_string()),
        }
    }

    /// Where it is seen, and where it stays.
    fn say(&self, text: &str) {
        self.session.say(text);
        self.session.wiring.log.send(Line(text.to_owned()));
    }
}

/// Has a supervisor start a child again.
fn again(parent: Address, name: Cow<'static, str>, cx: &mut Context<Hand>) {
    let start = RestartChild::named(name);
    cx.request_from(parent.admin(), start, LIMIT, |me, answer, _| {
        me.answered(answer)
    });
}

impl Actor for Hand {}

impl Handler<Deed> for Hand {
    const LANE: Lane = Lane::Urgent;

    fn handle(&mut self, deed: Deed, cx: &mut Context<Self>) {
        match self.session.chosen.get() {
            Some(who) => cx.addr().send(DoTo(deed, who)),
            None => self.say("choose an actor first"),
        }
    }
}

impl Handler<DoTo> for Hand {
    fn handle(&mut self, DoTo(deed, who): DoTo, cx: &mut Context<Self>) {
        match deed {
            Deed::Crash => self.crash(who),
            Deed::Restart | Deed::Stop => self.end(deed, who, cx),
        }
    }
}

impl Handler<Strike> for Hand {
    fn handle(&mut self, _: Strike, _: &mut Context<Self>) {
        panic!("{}", crate::ASKED);
    }
}
