//! The actor of most bodies: does what messages tell it, and logs what happens to it.

use std::any::Any;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use rotor_core::*;

use crate::log::Log;

/// Far more than any step of a body takes.
pub const LONG: Duration = Duration::from_secs(60);

type Start = Rc<dyn Fn(&mut Puppet, &mut Context<Puppet>) -> Result>;
type Stop = Rc<dyn Fn(&mut Puppet, &Exit, &mut Context<Puppet>)>;
type Answer = Rc<dyn Fn(&mut Puppet, Ask<Double>, &mut Context<Puppet>) -> Result>;
type Decide = Rc<dyn Fn(&mut Puppet, &ChildExit<'_>, &mut Context<Puppet>) -> Decision>;
type Deed = Box<dyn FnOnce(&mut Puppet, &mut Context<Puppet>) + Send>;

/// Does what it is told.
pub struct Puppet {
    pub name: &'static str,
    pub log: Log,
    /// Which instance this is, from 1.
    pub life: u32,
    /// Whatever should live as long as the instance.
    pub kept: Vec<Box<dyn Any>>,
    /// Requests that were kept by [`Role::keeping`].
    pub asks: Vec<Ask<Double>>,
    role: Role,
}

/// What a puppet does in its hooks.
#[derive(Clone)]
pub struct Role {
    name: &'static str,
    log: Log,
    start: Option<Start>,
    stop: Option<Stop>,
    answer: Option<Answer>,
    decide: Option<Decide>,
    tells: bool,
}

/// Logs a text when it is dropped: what holds it is gone.
pub struct Farewell(pub Log, pub &'static str);

impl Drop for Farewell {
    fn drop(&mut self) {
        self.0.put(self.1);
    }
}

/// Something to do, as a message.
pub struct Do(Deed);
/// The same in the Urgent lane.
pub struct DoNow(Deed);
/// Something to do again and again.
#[derive(Clone)]
pub struct Again(pub Rc<dyn Fn(&mut Puppet, &mut Context<Puppet>)>);
/// Something to do that may fail.
pub struct Try(Box<dyn FnOnce(&mut Puppet, &mut Context<Puppet>) -> Result + Send>);
/// Logs `name: text`.
#[derive(Clone, Debug, PartialEq)]
pub struct Say(pub &'static str);
/// Logs `name: number`.
#[derive(Clone, Debug, PartialEq)]
pub struct Num(pub u32);
/// The same in the Urgent lane.
#[derive(Clone, Debug, PartialEq)]
pub struct Now(pub u32);
/// For addresses of earlier trees: trees of other bodies may have their gate by now, so that their
/// observers see it. [`Played`](crate::backend::Played) leaves it out.
#[derive(Debug)]
pub struct Stale;
/// A request that is answered with twice the number.
#[derive(Debug)]
pub struct Double(pub u32);

impl Request for Double {
    type Reply = u32;
}

impl Role {
    /// A puppet that does nothing by itself.
    pub fn new(name: &'static str, log: &Log) -> Self {
        Role {
            name,
            log: log.clone(),
            start: None,
            stop: None,
            answer: None,
            decide: None,
            tells: false,
        }
    }

    /// Its start hook.
    pub fn start(
        mut self,
        f: impl Fn(&mut Puppet, &mut Context<Puppet>) -> Result + 'static,
    ) -> Self {
        self.start = Some(Rc::new(f));
        self
    }

    /// Its start hook, which does not fail.
    pub fn begin(self, f: impl Fn(&mut Puppet, &mut Context<Puppet>) + 'static) -> Self {
        self.start(move |me, cx| {
            f(me, cx);
            Ok(())
        })
    }

    /// Its stop takes so many milliseconds.
    pub fn slow(self, long: u64) -> Self {
        self.stop(move |_, _, cx| {
            let hold = cx.hold("it takes its time");
            drop(later(cx, ms(long), move |_, _| drop(hold)));
        })
    }

    /// Its stop hook.
    pub fn stop(mut self, f: impl Fn(&mut Puppet, &Exit, &mut Context<Puppet>) + 'static) -> Self {
        self.stop = Some(Rc::new(f));
        self
    }

    /// What it says to the ends of its children.
    pub fn decide(
        mut self,
        f: impl Fn(&mut Puppet, &ChildExit<'_>, &mut Context<Puppet>) -> Decision + 'static,
    ) -> Self {
        self.decide = Some(Rc::new(f));
        self
    }

    /// How it answers requests.
    pub fn answer(
        mut self,
        f: impl Fn(&mut Puppet, Ask<Double>, &mut Context<Puppet>) -> Result + 'static,
    ) -> Self {
        self.answer = Some(Rc::new(f));
        self
    }

    /// It keeps requests unanswered in [`Puppet::asks`].
    pub fn keeping(self) -> Self {
        self.answer(|me, ask, _| {
            me.log.put(format!("{}: asked", me.name));
            me.asks.push(ask);
            Ok(())
        })
    }

    /// It logs its start, its stop and its drop.
    pub fn telling(mut self) -> Self {
        self.tells = true;
        self
    }

    /// A child that plays this role.
    pub fn child(self) -> Child<Puppet> {
        let lives = Cell::new(0);
        Child::new(self.name, move || {
            lives.set(lives.get() + 1);
            self.play(lives.get())
        })
    }

    /// An instance.
    pub fn play(&self, life: u32) -> Puppet {
        self.log.born();
        Puppet {
            name: self.name,
            log: self.log.clone(),
            life,
            kept: Vec::new(),
            asks: Vec::new(),
            role: self.clone(),
        }
    }
}

/// Its second start fails. Each tells its number and who it is.
pub fn fails_to_start_again(name: &'static str, log: &Log) -> Role {
    Role::new(name, log).start(|me, _| {
        me.log.put(format!("{} {}", me.life, me.name));
        match me.life {
            2 => Err(Error::message("no")),
            _ => Ok(()),
        }
    })
}

/// A puppet without hooks.
pub fn puppet(name: &'static str, log: &Log) -> Child<Puppet> {
    Role::new(name, log).child()
}

/// One that tells of its start and of its end.
pub fn tells(name: &'static str, log: &Log) -> Child<Puppet> {
    Role::new(name, log).telling().child()
}

/// A puppet whose end ends the tree of [`stage`].
pub fn lead(name: &'static str, log: &Log) -> Child<Puppet> {
    puppet(name, log).transient().significant()
}

/// The root of most bodies: ends when a significant child has ended.
pub fn stage() -> Supervisor {
    Supervisor::one_for_one("stage")
        .intensity(1000, Duration::from_secs(5))
        .auto_shutdown(AutoShutdown::Any)
}

/// A supervisor that is patient with crashes.
pub fn group(name: &'static str) -> Supervisor {
    Supervisor::one_for_one(name).intensity(1000, Duration::from_secs(5))
}

/// Has a puppet do something.
pub fn act(to: Addr<Puppet>, f: impl FnOnce(&mut Puppet, &mut Context<Puppet>) + Send + 'static) {
    to.send(Do::new(f));
}

/// Has a puppet do something, in the Urgent lane.
pub fn act_now(
    to: Addr<Puppet>,
    f: impl FnOnce(&mut Puppet, &mut Context<Puppet>) + Send + 'static,
) {
    to.send(DoNow(Box::new(f)));
}

/// Has a puppet do something that may fail.
pub fn attempt(
    to: Addr<Puppet>,
    f: impl FnOnce(&mut Puppet, &mut Context<Puppet>) -> Result + Send + 'static,
) {
    to.send(Try(Box::new(f)));
}

/// Has this puppet do something later. Timers need not be `Send`.
pub fn later(
    cx: &mut Context<Puppet>,
    delay: Duration,
    f: impl FnOnce(&mut Puppet, &mut Context<Puppet>) + Send + 'static,
) -> Timer {
    cx.after(delay, Do(Box::new(f)))
}

/// Has a puppet do something as soon as its log has `count` lines that begin like this.
pub fn when(
    to: Addr<Puppet>,
    (count, begin): (usize, &'static str),
    f: impl FnOnce(&mut Puppet, &mut Context<Puppet>) + Send + 'static,
) {
    act(to, move |me, cx| {
        if me.log.count(begin) >= count {
            return f(me, cx);
        }
        later(cx, ms(1), move |_, cx| when(cx.addr(), (count, begin), f));
    });
}

/// Numbers below a bound, which look random: the same for a seed.
pub fn dice(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed;
    move |bound| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    }
}

/// Milliseconds.
pub const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// An exit and what caused it, as text: `reason < who: reason < who: reason`.
pub fn chain(exit: &Exit) -> String {
    let mut text = exit.reason().to_string();
    let mut next = exit.cause();
    while let Some((who, cause)) = next {
        text += &format!(" < {who}: {}", cause.reason());
        next = cause.cause();
    }
    text
}

/// Every actor of a tree runs, which has not ended.
pub fn all_run(app: &App) -> bool {
    let tree = app.tree();
    tree.ended.is_none() && tree.nodes.iter().all(|node| node.state == "running")
}

/// Has a puppet panic.
pub fn crash(to: Addr<Puppet>) {
    act(to, |_, _| panic!("as told"));
}

/// Has a puppet stop itself.
pub fn end(to: Addr<Puppet>) {
    act(to, |_, cx| cx.stop());
}

impl Do {
    /// What [`act`] sends.
    pub fn new(f: impl FnOnce(&mut Puppet, &mut Context<Puppet>) + Send + 'static) -> Self {
        Do(Box::new(f))
    }
}

impl Puppet {
    /// Logs `name: text`.
    pub fn say(&self, text: impl std::fmt::Display) {
        self.log.put(format!("{}: {text}", self.name));
    }

    /// Asks, and logs the answer or the error.
    pub fn ask(&self, cx: &mut Context<Puppet>, whom: Addr<Puppet>, n: u32, limit: Duration) {
        cx.request(whom, Double(n), limit, |me, reply, _| match reply {
            Ok(n) => me.say(format!("got {n}")),
            Err(error) => me.say(format!("{error:?}")),
        });
    }
}

impl Actor for Puppet {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        if self.role.tells {
            self.log.put(format!("{} starts", self.name));
        }
        match self.role.start.clone() {
            Some(f) => f(self, cx),
            None => Ok(()),
        }
    }

    fn stop(&mut self, reason: &Exit, cx: &mut Context<Self>) {
        if self.role.tells {
            self.log
                .put(format!("{} stops: {}", self.name, chain(reason)));
        }
        if let Some(f) = self.role.stop.clone() {
            f(self, reason, cx);
        }
    }

    fn decide(&mut self, child: &ChildExit<'_>, cx: &mut Context<Self>) -> Decision {
        match self.role.decide.clone() {
            Some(f) => f(self, child, cx),
            None => Decision::Usual,
        }
    }
}

impl Drop for Puppet {
    fn drop(&mut self) {
        if self.role.tells {
            self.log.put(format!("{} drops", self.name));
        }
        self.log.dead();
    }
}

impl Handler<Do> for Puppet {
    fn handle(&mut self, message: Do, cx: &mut Context<Self>) {
        (message.0)(self, cx);
    }
}

impl Handler<Again> for Puppet {
    fn handle(&mut self, message: Again, cx: &mut Context<Self>) {
        (message.0)(self, cx);
    }
}

impl Handler<DoNow> for Puppet {
    const LANE: Lane = Lane::Urgent;

    fn handle(&mut self, message: DoNow, cx: &mut Context<Self>) {
        (message.0)(self, cx);
    }
}

impl TryHandler<Try> for Puppet {
    fn try_handle(&mut self, message: Try, cx: &mut Context<Self>) -> Result {
        (message.0)(self, cx)
    }
}

impl Handler<Say> for Puppet {
    fn handle(&mut self, message: Say, _: &mut Context<Self>) {
        self.say(message.0);
    }
}

impl Handler<Num> for Puppet {
    fn handle(&mut self, message: Num, _: &mut Context<Self>) {
        self.say(message.0);
    }
}

impl Handler<Stale> for Puppet {
    fn handle(&mut self, _: Stale, _: &mut Context<Self>) {
        self.say("reached by a stale address");
    }
}

impl Handler<Now> for Puppet {
    const LANE: Lane = Lane::Urgent;

    fn handle(&mut self, message: Now, _: &mut Context<Self>) {
        self.say(format!("now {}", message.0));
    }
}

impl TryHandler<Ask<Double>> for Puppet {
    fn try_handle(&mut self, ask: Ask<Double>, cx: &mut Context<Self>) -> Result {
        match self.role.answer.clone() {
            Some(f) => f(self, ask, cx),
            None => {
                let n = ask.request.0;
                ask.reply(2 * n);
                Ok(())
            }
        }
    }
}

impl Handler<Down> for Puppet {
    fn handle(&mut self, down: Down, _: &mut Context<Self>) {
        self.say(format!("down {}", down.exit));
    }
}
