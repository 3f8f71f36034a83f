//! The commands of a scenario, one after the other.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_lite::future;
use rotor_core::*;

use crate::host::Host;
use crate::line::{Answer, Line, Node, in_order};
use crate::scenario::{Command, Offer, Scenario, Spec};
use crate::tree::Plan;
use crate::worker::{End, Worker};

/// A scenario that is played.
pub struct Play {
    host: Box<dyn Host>,
    plan: Arc<Plan>,
    lines: Vec<Line>,
}

/// What a command is answered, or what its answer will be made from.
enum Sent {
    Done(Answer),
    Asked(Outcome),
}

type Outcome = Box<dyn FnOnce(&Plan) -> Played<Answer>>;

/// What came of it, or why it comes to no end.
type Played<T> = Result<T, &'static str>;

/// Erlang waits for it, too.
const NEVER_QUIET: &str =
    "the tree never comes to rest: a worker with `shutdown` infinity ignores that it is to end";

/// No answer is waited for longer than it takes.
const ALWAYS: Duration = Duration::MAX;

const START_FAILED: Answer = Answer::Word {
    result: "error:start_failed",
};

/// Plays a scenario, and returns its trace.
///
/// # Errors
/// Why it has none: it would have no end.
pub fn play(scenario: &Scenario, host: Box<dyn Host>) -> Played<Vec<Line>> {
    let localities = host.localities();
    let all = scenario.supervisors().into_iter().enumerate();
    let place = |i: usize| localities[i % localities.len()].clone();
    let places: HashMap<String, Locality> =
        all.map(|(i, name)| (name.to_owned(), place(i))).collect();
    let world = Arc::default();
    let mut play = Play {
        host,
        plan: Arc::new(Plan { world, places }),
        lines: Vec::new(),
    };
    play.start_root(&scenario.root);
    for (i, command) in scenario.commands.iter().enumerate() {
        play.command(i + 1, command)?;
    }
    play.stop_root(scenario.commands.len() + 1, &scenario.root.id)?;
    Ok(play.lines)
}

impl Play {
    fn start_root(&mut self, root: &Spec) {
        let cmd = "start_root";
        self.lines.push(Line::Cmd { i: 0, cmd });
        let tree = self.plan.supervisor(root);
        let tree = tree.observer(self.plan.world.clone());
        if let Err(error) = self.host.start(tree) {
            eprintln!("supervision_trace: the tree cannot start: {error}"); // the trace has no place for it
            self.plan.world.refused(&root.id);
        }
        self.settle();
        let runs = self.plan.world.running(&root.id).is_some();
        let answer = if runs { Answer::OK } else { START_FAILED };
        self.reply(0, None, answer);
    }

    fn stop_root(&mut self, i: usize, root: &str) -> Played<()> {
        let node = self.tree(root)?;
        self.lines.push(Line::Tree { root: node });
        let cmd = "stop_root";
        self.lines.push(Line::Cmd { i, cmd });
        if let Some(root) = self.plan.world.running(root) {
            root.stop();
        }
        self.settle();
        if self.plan.world.running(root).is_some() {
            return Err(NEVER_QUIET);
        }
        self.lines.push(Line::End);
        Ok(())
    }

    fn command(&mut self, i: usize, command: &Command) -> Played<()> {
        let cmd = command.name();
        self.lines.push(Line::Cmd { i, cmd });
        match command {
            Command::Burst { sup, items } => self.burst(i, sup, items)?,
            Command::Sleep { ms } => {
                self.host.sleep(Duration::from_millis(*ms));
                self.settle();
                self.reply(i, None, Answer::OK);
            }
            command => {
                let sent = self.send(command.sup(), command);
                self.settle();
                let answer = self.finish(sent)?;
                self.reply(i, None, answer);
            }
        }
        Ok(())
    }

    /// All items reach the supervisor before it handles the first.
    fn burst(&mut self, i: usize, sup: &str, items: &[Command]) -> Played<()> {
        let address = self.plan.world.running(sup);
        let mut sent = Vec::new();
        if let Some(address) = address {
            address.suspend();
            self.host.run();
            for item in items {
                sent.push(self.send(Some(sup), item));
                self.host.run();
            }
            address.resume();
        } else {
            sent.extend(items.iter().map(|_| Sent::Done(Answer::NOPROC)));
        }
        self.settle();
        for (k, sent) in sent.into_iter().enumerate() {
            let answer = self.finish(sent)?;
            self.reply(i, Some(k + 1), answer);
        }
        Ok(())
    }

    fn reply(&mut self, i: usize, k: Option<usize>, answer: Answer) {
        self.lines.push(Line::Reply { i, k, answer });
    }

    /// Runs until the tree is quiet, and takes down what happened.
    fn settle(&mut self) {
        self.host.run();
        while self.host.skip() {
            self.host.run();
        }
        self.lines.extend(in_order(self.plan.world.events()));
    }

    fn finish(&self, sent: Sent) -> Played<Answer> {
        match sent {
            Sent::Done(answer) => Ok(answer),
            Sent::Asked(answer) => answer(&self.plan),
        }
    }

    fn send(&self, sup: Option<&str>, command: &Command) -> Sent {
        match command {
            Command::Crash { target, reason } => {
                self.end(target, Exit::failed(Error::message(reason.clone())))
            }
            Command::Stop { target, reason } => self.end(target, reason.0.clone()),
            Command::Kill { target } => match self.plan.world.running(target) {
                Some(worker) => {
                    worker.kill();
                    Sent::Done(Answer::OK)
                }
                None => Sent::Done(Answer::NOPROC),
            },
            request => {
                let sup = sup.unwrap_or_default();
                match self.plan.world.running(sup) {
                    Some(address) => self.ask(sup, address, request),
                    None => Sent::Done(Answer::NOPROC),
                }
            }
        }
    }

    fn end(&self, target: &str, exit: Exit) -> Sent {
        match self.plan.world.running_worker(target) {
            Some(worker) => {
                worker.send(End(exit));
                Sent::Done(Answer::OK)
            }
            None => Sent::Done(Answer::NOPROC),
        }
    }

    fn ask(&self, sup: &str, to: Address, request: &Command) -> Sent {
        match request {
            Command::StartChild(start) => self.start_child(to, &start.what),
            Command::TerminateChild { child, .. } => {
                // In a pool a name stands for the instance that was started last.
                let request = match self.plan.world.last_instance(sup, child) {
                    Some((at, instance)) => TerminateChild::instance(at, instance),
                    None => TerminateChild::named(child.clone()),
                };
                asked(to, request, |_, done| done_answer(done))
            }
            Command::RestartChild { child, .. } => {
                let name = child.clone();
                let request = RestartChild::named(name.clone());
                asked(to, request, move |plan, started| {
                    started_answer(plan, &name, started)
                })
            }
            Command::DeleteChild { child, .. } => {
                let request = DeleteChild::named(child.clone());
                asked(to, request, |_, done| done_answer(done))
            }
            Command::WhichChildren { .. } => {
                asked(to, WhichChildren, |plan, children| Answer::Children {
                    result: "ok",
                    children: listed(plan, children),
                })
            }
            _ => asked(to, CountChildren, |_, count| Answer::Count {
                result: "ok",
                specs: count.specs,
                active: count.active,
                supervisors: count.supervisors,
                workers: count.workers,
            }),
        }
    }

    fn start_child(&self, to: Address, what: &Offer) -> Sent {
        match what {
            Offer::Spec(spec) => {
                let (plan, name, own) = (self.plan.clone(), spec.id.clone(), spec.clone());
                let request = StartChild::new(move || plan.child(&own));
                asked(to, request, move |plan, started| {
                    started_answer(plan, &name, started)
                })
            }
            Offer::Name(name) => {
                let name = name.clone();
                let request = StartInstance::<Worker, _>::new(name.clone());
                asked(to, request, move |plan, started| {
                    let untyped = |at: Started<Addr<Worker>>| (at.address.address(), at.instance);
                    start_answer(plan, &name, started.map(|at| at.map(untyped)))
                })
            }
        }
    }

    /// What runs under a name, with all that is below it.
    fn tree(&mut self, name: &str) -> Played<Option<Node>> {
        let Some(address) = self.plan.world.running(name) else {
            return Ok(None);
        };
        let asking = address.admin().ask(WhichChildren, ALWAYS);
        self.host.run();
        let Ok(children) = answer_of(asking)? else {
            return Ok(None);
        };
        let mut nodes = listed(&self.plan, children);
        for node in &mut nodes {
            if let (Some(id), "supervisor", "running") = (&node.id, node.kind, node.state) {
                let below = self.tree(id)?;
                node.children = below.and_then(|below| below.children);
            }
        }
        let n = self.plan.world.n(name);
        Ok(Some(Node {
            id: Some(name.to_owned()),
            kind: "supervisor",
            state: "running",
            n,
            children: Some(nodes),
        }))
    }
}

/// Asks a supervisor; the answer is looked at when the tree is quiet.
fn asked<Q: AdminRequest>(
    to: Address,
    request: Q,
    answer: impl FnOnce(&Plan, Q::Reply) -> Answer + 'static,
) -> Sent {
    let asking = to.admin().ask(request, ALWAYS);
    Sent::Asked(Box::new(move |plan| {
        Ok(match answer_of(asking)? {
            Ok(reply) => answer(plan, reply),
            Err(_) => Answer::NOPROC,
        })
    }))
}

/// The answer of a tree that is quiet.
fn answer_of<R: Send + 'static>(asking: Asking<R>) -> Played<Result<R, RequestError>> {
    let ready = future::block_on(future::poll_once(asking));
    ready.ok_or(NEVER_QUIET)
}

fn started_answer(plan: &Plan, name: &str, started: Result<Option<Started>, AdminError>) -> Answer {
    let untyped = |at: Started| (at.address, at.instance);
    start_answer(plan, name, started.map(|at| at.map(untyped)))
}

fn start_answer(
    plan: &Plan,
    name: &str,
    started: Result<Option<(Address, u64)>, AdminError>,
) -> Answer {
    match started {
        Ok(Some((address, instance))) => Answer::Child {
            result: "ok",
            child: name.to_owned(),
            n: plan.world.started_by(address, instance).unwrap_or(0),
        },
        Ok(None) => Answer::Word {
            result: "ok_undefined",
        },
        Err(error) => refused(&error),
    }
}

fn done_answer(done: Result<(), AdminError>) -> Answer {
    match done {
        Ok(()) => Answer::OK,
        Err(error) => refused(&error),
    }
}

fn refused(error: &AdminError) -> Answer {
    let result = match error {
        AdminError::NotFound { .. } => "error:not_found",
        AdminError::Running { .. } => "error:running",
        AdminError::Restarting { .. } => "error:restarting",
        AdminError::AlreadyStarted { .. } => "error:already_started",
        AdminError::AlreadyPresent { .. } => "error:already_present",
        AdminError::BadSpec(_) => "error:bad_spec",
        AdminError::Pool { .. } => "error:simple_one_for_one",
        _ => "error:start_failed",
    };
    Answer::Word { result }
}

/// Children as a trace shows them: instances of a pool have their names only while they run, and
/// are sorted.
fn listed(plan: &Plan, children: Vec<ChildInfo>) -> Vec<Node> {
    let is_instance = |child: &ChildInfo| plan.world.is_instance(child.address);
    let pool = children.iter().any(is_instance);
    let node = |child: ChildInfo| {
        let (state, n) = match child.state {
            ChildState::Running { instance } => {
                ("running", plan.world.started_by(child.address, instance))
            }
            ChildState::Restarting => ("restarting", None),
            ChildState::Down => ("undefined", None),
        };
        let id = plan.world.name(child.address, &child.name);
        Node {
            id: (!pool || n.is_some()).then_some(id),
            kind: if child.is_supervisor {
                "supervisor"
            } else {
                "worker"
            },
            state,
            n,
            children: None,
        }
    };
    let mut nodes: Vec<Node> = children.into_iter().map(node).collect();
    if pool {
        nodes.sort_by(|a, b| (a.id.is_none(), &a.id).cmp(&(b.id.is_none(), &b.id)));
    }
    nodes
}
