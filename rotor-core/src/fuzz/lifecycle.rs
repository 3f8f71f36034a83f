//! Small trees in a simulation. Their actors start, stop, crash, are killed, and hang on each other by
//! links, monitors and holds, as the dice say; then the tree is shut down.
//!
//! Whatever came: the shutdown ends, nothing lives on or leaks, every monitor got one `Down`, an address
//! never had two instances, and none was sent a message before its start was over or after its stop.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::dice::Dice;
use crate::sim::Sim;
use crate::*;

/// Longer than all limits of a tree together.
const AGES: Duration = Duration::from_secs(3600);

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A panic that no hook hears of.
fn crash() -> ! {
    resume_unwind(Box::new("a crash"))
}

/// What all actors of a story share, and what it is judged by.
#[derive(Clone)]
struct World(Arc<Mutex<Book>>);

struct Book {
    dice: Dice,
    /// Nothing goes wrong by itself any more.
    calm: bool,
    mortals: Vec<Addr<Mortal>>,
    witness: Addr<Witness>,
    /// Instances between their start and their drop.
    living: BTreeMap<Address, u32>,
    /// Instances, messages and closures that have not been dropped.
    counted: u32,
    /// Each instance that was watched: its address, and how many `Down`s its eye has got.
    downs: Vec<(Address, u32)>,
    /// What must not be; noted, as a panic would be taken for one of an actor.
    wrong: Vec<String>,
}

impl World {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().expect("nothing panics while it is open")
    }

    fn below(&self, end: u64) -> u64 {
        self.book().dice.below(end)
    }

    /// Whether something that goes wrong once in `n` times does so now.
    fn fails(&self, n: u64) -> bool {
        let mut book = self.book();
        !book.calm && book.dice.one_in(n)
    }

    fn peer(&self) -> Addr<Mortal> {
        let mut book = self.book();
        let at = book.mortals.len();
        let at = book.dice.place(at);
        book.mortals[at]
    }

    fn count(&self) -> Counted {
        self.book().counted += 1;
        Counted(self.clone())
    }

    fn wrong(&self, text: String) {
        self.book().wrong.push(text);
    }
}

/// Something that must be dropped in the end.
struct Counted(World);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.book().counted -= 1;
    }
}

/// An instance as the world sees it.
struct Life {
    world: World,
    who: Address,
}

impl Life {
    fn new(world: &World, who: Address) -> Self {
        let mut book = world.book();
        let living = book.living.entry(who).or_default();
        *living += 1;
        if *living > 1 {
            book.wrong.push(format!("two instances of {who:?}"));
        }
        Life {
            world: world.clone(),
            who,
        }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        let mut book = self.world.book();
        *book.living.get_mut(&self.who).expect("it was born") -= 1;
    }
}

/// How far an instance is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Starting,
    Started,
    Stopping,
}

struct Mortal {
    world: World,
    stage: Stage,
    /// What keeps its start or its stop open.
    holds: Vec<Hold>,
    /// What keeps services that want to end.
    unlinks: Vec<Unlink>,
    asks: Vec<Ask<Question>>,
    /// Downs that it waits for.
    awaits: BTreeMap<Address, u32>,
    life: Option<Life>,
    _counted: Counted,
}

/// Do something.
struct Act(#[allow(dead_code, reason = "it is dropped")] Counted);
/// Do something later; that comes whatever the stage, as all that an instance has arranged itself.
struct Later(#[allow(dead_code, reason = "it is dropped")] Counted);
/// Let go of all holds.
struct Release;
struct Question(#[allow(dead_code, reason = "it is dropped")] Counted);

impl Request for Question {
    type Reply = ();
}

impl Mortal {
    fn make(world: &World) -> Result<Mortal> {
        if world.fails(16) {
            match world.below(2) {
                0 => crash(),
                _ => return Err(Error::message("it is not made")),
            }
        }
        Ok(Mortal {
            world: world.clone(),
            stage: Stage::Starting,
            holds: Vec::new(),
            unlinks: Vec::new(),
            asks: Vec::new(),
            awaits: BTreeMap::new(),
            life: None,
            _counted: world.count(),
        })
    }

    /// Keeps a start or a stop open for a while, or until it is ended by force.
    fn hold(&mut self, cx: &mut Context<Self>) {
        if self.world.fails(4) {
            self.holds.push(cx.hold("the dice"));
            let forever = self.world.fails(8);
            let delay = if forever {
                60_000
            } else {
                self.world.below(16)
            };
            cx.after(ms(delay), Release);
        }
    }

    fn monitor(&mut self, cx: &mut Context<Self>) {
        let peer = self.world.peer().address();
        *self.awaits.entry(peer).or_default() += 1;
        cx.monitor(peer);
    }

    fn act(&mut self, cx: &mut Context<Self>) {
        if self.world.book().calm {
            return;
        }
        let peer = self.world.peer();
        match self.world.below(16) {
            0 => cx.stop(),
            1 => cx.fail(Error::message("it failed")),
            2 => crash(),
            3 => self.monitor(cx),
            4 => _ = cx.link(peer.address()),
            5 => _ = cx.link_with(peer.address()),
            6 => {
                let world = self.world.clone();
                let child = Child::new("child", move || Mortal::make(&world));
                cx.child(match self.world.below(3) {
                    0 => child,
                    1 => child.transient(),
                    _ => child.temporary(),
                })
                .send(Act(self.world.count()));
            }
            7 => peer.send(Act(self.world.count())),
            8 => _ = cx.after(ms(self.world.below(32)), Later(self.world.count())),
            9 => {
                let (question, token) = (Question(self.world.count()), self.world.count());
                let limit = ms(1 + self.world.below(256));
                cx.request(peer, question, limit, move |_, _, _| drop(token));
            }
            10 => {
                let token = self.world.count();
                cx.spawn(std::future::ready(()), move |_, (), _| drop(token));
            }
            11 => peer.stop(),
            12 => peer.address().kill(),
            13 => self.asks.clear(),
            14 => self.unlinks.clear(),
            _ => {
                let token = self.world.count();
                cx.at_end(move || drop(token));
            }
        }
    }
}

impl Actor for Mortal {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        let who = cx.addr().address();
        self.life = Some(Life::new(&self.world, who));
        let witness = self.world.book().witness;
        witness.send(Born(who));
        self.hold(cx);
        if self.world.fails(4) {
            let peer = self.world.peer().address();
            match self.world.below(4) {
                0 => _ = cx.link(peer),
                1 => _ = cx.link_with(peer),
                2 => self.monitor(cx),
                _ => crash(),
            }
        }
        if self.world.fails(16) {
            return Err(Error::message("it does not start"));
        }
        Ok(())
    }

    fn stop(&mut self, _: &Exit, cx: &mut Context<Self>) {
        if self.stage == Stage::Stopping {
            self.world.wrong("it is stopped twice".to_owned());
        }
        self.stage = Stage::Stopping;
        self.holds.clear();
        self.hold(cx);
        if self.world.fails(8) {
            crash();
        }
    }
}

impl Drop for Mortal {
    fn drop(&mut self) {
        self.life = None;
        if !std::thread::panicking() && self.world.fails(16) {
            crash();
        }
    }
}

impl Handler<Act> for Mortal {
    fn handle(&mut self, _: Act, cx: &mut Context<Self>) {
        if self.stage == Stage::Starting && self.holds.is_empty() {
            self.stage = Stage::Started;
        }
        if self.stage != Stage::Started {
            let text = format!("a message while it is {:?}", self.stage);
            self.world.wrong(text);
        }
        self.act(cx);
    }
}

impl Handler<Later> for Mortal {
    fn handle(&mut self, _: Later, cx: &mut Context<Self>) {
        self.act(cx);
    }
}

impl Handler<Release> for Mortal {
    fn handle(&mut self, _: Release, _: &mut Context<Self>) {
        self.holds.clear();
    }
}

impl Handler<Ask<Question>> for Mortal {
    fn handle(&mut self, ask: Ask<Question>, _: &mut Context<Self>) {
        match self.world.below(3) {
            0 => ask.reply(()),
            1 => drop(ask),
            _ => self.asks.push(ask),
        }
    }
}

impl Handler<Unlink> for Mortal {
    fn handle(&mut self, unlink: Unlink, _: &mut Context<Self>) {
        if self.world.fails(2) {
            self.unlinks.push(unlink);
        }
    }
}

impl Handler<Down> for Mortal {
    fn handle(&mut self, down: Down, _: &mut Context<Self>) {
        match self.awaits.get_mut(&down.who) {
            Some(left) if *left > 0 => *left -= 1,
            _ => self.world.wrong(format!("nobody asked for {down:?}")),
        }
    }
}

/// Watches every instance, from a tree of its own: each with an eye of its own, so that a `Down` too many
/// does not make up for one that is missing.
struct Witness(World);
struct Born(Address);

impl Actor for Witness {}

impl Handler<Born> for Witness {
    fn handle(&mut self, Born(who): Born, cx: &mut Context<Self>) {
        let mut book = self.0.book();
        let number = book.downs.len();
        book.downs.push((who, 0));
        drop(book);
        let world = self.0.clone();
        let eye = Child::new("eye", move || Eye(world.clone(), number));
        cx.child(eye.temporary());
    }
}

/// With its number in the list of Downs.
struct Eye(World, usize);

impl Actor for Eye {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        let (who, _) = self.0.book().downs[self.1];
        cx.monitor(who);
        Ok(())
    }
}

impl Handler<Down> for Eye {
    fn handle(&mut self, down: Down, _: &mut Context<Self>) {
        let mut book = self.0.book();
        let (who, told) = &mut book.downs[self.1];
        *told += 1;
        if *told > 1 || down.who != *who {
            book.wrong.push(format!("a Down too many: {down:?}"));
        }
    }
}

/// Draws the tree. Factories and closures are called again, so it is drawn before it is built.
struct Plan {
    strategy: u64,
    restart: u64,
    intensity: u32,
    synchronized: bool,
    auto_shutdown: AutoShutdown,
    /// Whether it is on the other loop.
    away: bool,
    children: Vec<Part>,
}

enum Part {
    Mortal { addr: Addr<Mortal>, restart: u64 },
    Group(Arc<Plan>),
}

impl Plan {
    fn draw(dice: &mut Dice, places: &[Locality; 2], at: usize, depth: u32) -> Plan {
        let away = depth > 0 && dice.one_in(4);
        let at = if away { 1 - at } else { at };
        let mut plan = Plan {
            strategy: dice.below(3),
            restart: dice.below(3),
            intensity: dice.pick(&[0, 2, 20, 1000]),
            synchronized: dice.one_in(4),
            auto_shutdown: AutoShutdown::Never,
            away,
            children: Vec::new(),
        };
        if dice.one_in(4) {
            plan.auto_shutdown = dice.pick(&[AutoShutdown::Any, AutoShutdown::All]);
        }
        for _ in 0..1 + dice.below(4) {
            plan.children.push(if depth < 2 && dice.one_in(3) {
                Part::Group(Arc::new(Plan::draw(dice, places, at, depth + 1)))
            } else {
                Part::Mortal {
                    addr: places[at].reserve(),
                    restart: dice.below(4),
                }
            });
        }
        plan
    }

    fn mortals(&self, all: &mut Vec<Addr<Mortal>>) {
        for part in &self.children {
            match part {
                Part::Mortal { addr, .. } => all.push(*addr),
                Part::Group(group) => group.mortals(all),
            }
        }
    }

    fn build(
        self: &Arc<Self>,
        name: String,
        at: usize,
        places: &[Locality; 2],
        world: &World,
    ) -> Supervisor {
        let bare = match self.strategy {
            0 => Supervisor::one_for_one(name),
            1 => Supervisor::one_for_all(name),
            _ => Supervisor::rest_for_one(name),
        };
        let bare = bare.intensity(self.intensity, Duration::from_secs(1));
        let bare = bare.auto_shutdown(self.auto_shutdown);
        let bare = match self.synchronized {
            true => bare.synchronize_start(),
            false => bare,
        };
        let bare = match self.restart {
            0 => bare,
            1 => bare.transient(),
            _ => bare.temporary(),
        };
        let at = if self.away { 1 - at } else { at };
        let (plan, all, theirs) = (self.clone(), places.clone(), world.clone());
        let fill = move |s| plan.fill(s, at, &all, &theirs);
        match self.away {
            true => bare.on(&places[at], fill),
            false => fill(bare),
        }
    }

    fn fill(
        &self,
        mut s: Supervisor,
        at: usize,
        places: &[Locality; 2],
        world: &World,
    ) -> Supervisor {
        for (n, part) in self.children.iter().enumerate() {
            s = match part {
                Part::Group(group) => s.child(group.build(format!("group {n}"), at, places, world)),
                Part::Mortal { addr, restart } => {
                    let world = world.clone();
                    let child = Child::new(format!("mortal {n}"), move || Mortal::make(&world));
                    let child = child.at(*addr);
                    s.child(match restart {
                        0 => child,
                        1 => child.transient(),
                        2 if self.auto_shutdown != AutoShutdown::Never => {
                            child.transient().significant()
                        }
                        _ => child.temporary(),
                    })
                }
            };
        }
        s
    }
}

/// Not a word of what is undelivered: much is.
struct Quiet;
impl Observer for Quiet {}

/// A tree whose story is told.
struct Story {
    sim: Sim,
    world: World,
    app: App,
}

impl Story {
    fn new(mut dice: Dice) -> Self {
        let mut sim = Sim::new(dice.below(256));
        let apart = sim.locality("witness");
        let witness = apart.reserve();
        let places = ["here", "there"].map(|name| sim.locality(name));
        let plan = Arc::new(Plan::draw(&mut dice, &places, 0, 0));
        let mut mortals = Vec::new();
        plan.mortals(&mut mortals);
        let book = Book {
            dice,
            calm: false,
            mortals,
            witness,
            living: BTreeMap::new(),
            counted: 0,
            downs: Vec::new(),
            wrong: Vec::new(),
        };
        let world = World(Arc::new(Mutex::new(book)));
        let theirs = world.clone();
        let watch = Child::new("witness", move || Witness(theirs.clone())).at(witness);
        let watch = Supervisor::one_for_one("watch").child(watch);
        sim.start(watch).expect("a sound tree");
        let tree = plan.build("root".to_owned(), 0, &places, &world);
        let app = sim.start(tree.observer(Arc::new(Quiet)));
        Story {
            sim,
            world,
            app: app.expect("a sound tree"),
        }
    }

    fn step(&mut self) {
        let peer = self.world.peer();
        match self.world.below(16) {
            0..5 => peer.send(Act(self.world.count())),
            5 => peer.stop(),
            6 => peer.drain(ms(8)),
            7 => peer.address().kill(),
            8 if self.sim.with(peer, |_| ()).is_some() => {
                self.sim
                    .panic_at(peer.address(), 1 + self.world.below(4) as u32);
            }
            9 => self.sim.run_for(ms(self.world.below(32))),
            10 => self.sim.run_until_idle(),
            _ => {
                for _ in 0..self.world.below(32) {
                    self.sim.step();
                }
            }
        }
    }

    fn end(mut self) {
        self.world.book().calm = true;
        self.app.shutdown();
        self.sim.run_for(AGES);
        let tree = self.app.tree();
        assert!(tree.ended.is_some(), "the shutdown does not end:\n{tree}");
        let world = self.world.clone();
        drop(self);
        let book = world.book();
        assert!(book.wrong.is_empty(), "{:?}", book.wrong);
        assert!(book.living.values().all(|n| *n == 0), "{:?}", book.living);
        assert_eq!(book.counted, 0, "messages or closures were leaked");
        for (who, told) in &book.downs {
            assert_eq!(*told, 1, "Downs of an instance of {who:?}");
        }
    }
}

/// Lets a tree live and end.
pub(super) fn tell(dice: Dice, steps: u32) {
    let mut story = Story::new(dice);
    for _ in 0..steps {
        if story.world.book().dice.is_used_up() {
            break;
        }
        story.step();
    }
    story.end();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_trees_end_whatever_happens_in_them() {
        let stories = if cfg!(miri) { 1 } else { 500 };
        for seed in 0..stories {
            let told = OnPanic(seed);
            tell(Dice::of_seed(seed), 60);
            std::mem::forget(told);
        }
    }

    /// Tells the seed of the story that failed.
    struct OnPanic(u64);

    impl Drop for OnPanic {
        fn drop(&mut self) {
            eprintln!("seed {}", self.0);
        }
    }
}
