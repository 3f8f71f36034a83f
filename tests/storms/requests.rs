//! Administrative requests in a storm, on whoever supervises: of gulls, and through the handle of the
//! tree.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Weak};
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use rotor_core::*;

use super::{Counted, Dice, Flock, Gull, Shape, World};
use crate::puppet::ms;

/// What gulls and the handle know of the tree, from what they were answered.
#[derive(Default)]
pub struct Known {
    supervisors: Vec<Address>,
    instances: Vec<(Address, u64)>,
}

/// As much is known at a time.
const MANY: usize = 16;

impl Known {
    /// Learns who is there. Nobody touches what keeps the places in use.
    fn learn(&mut self, children: Vec<ChildInfo>) {
        for child in children {
            if child.name.starts_with("anchor") {
                continue;
            }
            if child.is_supervisor {
                self.supervisors.push(child.address);
            }
            if let ChildState::Running { instance } = child.state {
                self.instances.push((child.address, instance));
            }
        }
        let (supervisors, instances) = (self.supervisors.len(), self.instances.len());
        drop(self.supervisors.drain(..supervisors.saturating_sub(MANY)));
        drop(self.instances.drain(..instances.saturating_sub(MANY)));
    }

    /// A supervisor, if one is known.
    pub fn supervisor(&self, dice: &mut Dice) -> Option<Address> {
        (!self.supervisors.is_empty()).then(|| dice.one_of(&self.supervisors))
    }
}

/// Who asks.
pub trait Asker {
    fn ask<Q>(&mut self, of: Address, request: Q, look: fn(&World, Q::Reply))
    where
        Q: AdminRequest,
        Q::Reply: 'static;
}

/// Asks for something.
pub fn administer(of: Address, world: &World, dice: &mut Dice, asker: &mut impl Asker) {
    match dice.below(9) {
        0 => asker.ask(of, egg(world, dice), started),
        1 => asker.ask(of, raft(world, dice), started),
        2 => {
            let instance = StartInstance::<Gull, Counted>::new(world.count());
            asker.ask(of, instance, started);
        }
        3..=4 => asker.ask(of, victim(world, dice), |_, _| {}),
        5 => asker.ask(of, restart(world, dice), started),
        6 => asker.ask(of, delete(world, dice), |_, _| {}),
        7 => asker.ask(of, WhichChildren, |world, children| {
            let addresses: BTreeSet<_> = children.iter().map(|child| child.address).collect();
            if addresses.len() < children.len() {
                world.wrong(format!("a child is there twice: {children:?}"));
            }
            world.0.known.lock().unwrap().learn(children);
        }),
        _ => asker.ask(of, CountChildren, |world, count| {
            if count.active > count.supervisors + count.workers {
                world.wrong(format!("more run than there are: {count:?}"));
            }
        }),
    }
}

/// The name of a child of the drawing, or of one that was asked for.
fn name(dice: &mut Dice) -> String {
    let kind = dice.one_of(&["gull", "flock", "pool", "egg", "raft"]);
    format!("{kind} {}", dice.below(3))
}

/// A gull more.
fn egg(world: &World, dice: &mut Dice) -> StartChild {
    let (theirs, token) = (world.clone(), world.count());
    let (number, kind) = (dice.below(3), dice.below(3));
    StartChild::new(move || {
        let _token = token;
        let egg = Child::new(format!("egg {number}"), move || Gull::hatch(&theirs));
        match kind {
            0 => egg,
            1 => egg.transient(),
            _ => egg.temporary(),
        }
    })
}

/// Gulls more, anywhere.
fn raft(world: &World, dice: &mut Dice) -> StartChild {
    let (theirs, token, number) = (world.clone(), world.count(), dice.below(3));
    let mut raft = Flock::bare(dice);
    if dice.one_in(3) {
        // A lost place would have it started as often as those above it allow.
        raft.place = Some(world.place(dice));
        raft.restart = Restart::Temporary;
    }
    for _ in 0..1 + dice.below(2) {
        raft.children.push(Shape::Gull(None, Restart::Permanent));
    }
    StartChild::new(move || {
        let _token = token;
        raft.supervisor(format!("raft {number}"), &theirs)
    })
}

fn victim(world: &World, dice: &mut Dice) -> TerminateChild {
    match (dice.below(3), known(world, dice)) {
        (0, Some((address, instance))) => TerminateChild::instance(address, instance),
        (1, Some((address, _))) => TerminateChild::at(address),
        _ => TerminateChild::named(name(dice)),
    }
}

fn restart(world: &World, dice: &mut Dice) -> RestartChild {
    match known(world, dice).filter(|_| dice.one_in(2)) {
        Some((address, _)) => RestartChild::at(address),
        None => RestartChild::named(name(dice)),
    }
}

fn delete(world: &World, dice: &mut Dice) -> DeleteChild {
    match known(world, dice).filter(|_| dice.one_in(2)) {
        Some((address, _)) => DeleteChild::at(address),
        None => DeleteChild::named(name(dice)),
    }
}

/// An instance that has been seen.
fn known(world: &World, dice: &mut Dice) -> Option<(Address, u64)> {
    let known = world.0.known.lock().unwrap();
    (!known.instances.is_empty()).then(|| dice.one_of(&known.instances))
}

fn started<T>(world: &World, reply: Result<Option<T>, AdminError>) {
    if let Err(error @ AdminError::BadSpec(_)) = reply {
        world.wrong(format!("a sound spec: {error}"));
    }
}

/// What a request may not end with.
fn check(world: &World, error: &RequestError, limited: bool) {
    let is_sound = match error {
        RequestError::Ended(_) | RequestError::Gone => true,
        RequestError::Timeout => limited,
        RequestError::Dropped => world.0.weather.losses,
        _ => false,
    };
    if !is_sound {
        world.wrong(format!("an administrative request: {error:?}"));
    }
}

/// A gull that asks.
pub struct Inside<'a> {
    pub world: World,
    pub life: Weak<()>,
    /// None: as long as it takes.
    pub limit: Option<Duration>,
    pub cx: &'a mut Context<Gull>,
}

impl Inside<'_> {
    pub fn limit(dice: &mut Dice) -> Option<Duration> {
        dice.one_in(3).then(|| ms(dice.below(30)))
    }
}

impl Asker for Inside<'_> {
    fn ask<Q>(&mut self, of: Address, request: Q, look: fn(&World, Q::Reply))
    where
        Q: AdminRequest,
        Q::Reply: 'static,
    {
        let open = Open::new(&self.world, self.life.clone());
        let limit = self.limit;
        self.cx.request_from(
            of.admin(),
            request,
            limit.unwrap_or(Duration::MAX),
            move |me, told, _| {
                open.told();
                match told {
                    Ok(reply) => look(&me.world, reply),
                    Err(error) => check(&me.world, &error, limit.is_some()),
                }
            },
        );
    }
}

/// A request of a gull that has no answer yet.
struct Open {
    world: World,
    asker: Weak<()>,
    told: bool,
}

impl Open {
    fn new(world: &World, asker: Weak<()>) -> Self {
        world.0.open.fetch_add(1, Relaxed);
        Open {
            world: world.clone(),
            asker,
            told: false,
        }
    }

    fn told(mut self) {
        self.told = true;
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.world.0.open.fetch_sub(1, Relaxed);
        if !self.told && self.asker.strong_count() > 0 {
            self.world
                .wrong("a gull lives, and gets no answer".to_owned());
        }
    }
}

/// What was asked through the handle, and has no answer yet.
pub struct Outside {
    world: World,
    open: Vec<Pin<Box<dyn Future<Output = ()>>>>,
}

impl Outside {
    pub fn new(world: &World) -> Self {
        Outside {
            world: world.clone(),
            open: Vec::new(),
        }
    }

    /// How many have no answer: none, when the tree rests.
    pub fn unanswered(&mut self) -> usize {
        let mut cx = TaskContext::from_waker(Waker::noop());
        self.open
            .retain_mut(|one| matches!(one.as_mut().poll(&mut cx), Poll::Pending));
        self.open.len()
    }
}

impl Asker for Outside {
    fn ask<Q>(&mut self, of: Address, request: Q, look: fn(&World, Q::Reply))
    where
        Q: AdminRequest,
        Q::Reply: 'static,
    {
        let asking = of.admin().ask(request, Duration::MAX);
        let world = self.world.clone();
        self.open.push(Box::pin(async move {
            match asking.await {
                Ok(reply) => look(&world, reply),
                Err(error) => check(&world, &error, false),
            }
        }));
    }
}

/// For [`Open`].
pub type Life = Arc<()>;
