//! The live tree as data, as text and as a graph.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crate::address::Address;
use crate::app::App;
use crate::dot::{self, DotNode};
use crate::exit::Exit;
use crate::gate::Gate;
use crate::here;
use crate::late::Handling;
use crate::locality::{Control, Local, Locality};
use crate::lock::{lock, sound};
use crate::meter::lengths;
use crate::name::on_one_line;
use crate::observe::Reason;
use crate::plan::{restarts, short};
use crate::slot::State;
use crate::strategy::RowState;
use crate::supervisor::Stock;
use std::sync::atomic::Ordering;

/// A picture of a tree at one time; each locality's part is consistent in itself.
///
/// `Display` prints it as indented text.
///
/// ```
/// # use rotor_core::{*, sim::Sim};
/// # struct View;
/// # impl Actor for View {}
/// # fn main() -> Result<(), StartError> {
/// # let mut sim = Sim::new(1);
/// # sim.locality("here");
/// # let tree = Supervisor::one_for_one("app").child(Child::new("view", || View));
/// # let app = sim.start(tree)?;
/// # sim.run_until_idle();
/// let tree: Tree = app.tree();
/// let view: &TreeNode = &tree.nodes[1];
/// assert_eq!((&*view.name, view.depth, view.state), ("view", 1, "running"));
/// let here: &LocalityPicture = &tree.localities[0];
/// assert!(here.answered && here.undelivered.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Tree {
    /// The root, first, then depth first in start order.
    pub nodes: Vec<TreeNode>,
    /// How the tree ended, if it has; then there are no nodes.
    pub ended: Option<Exit>,
    /// Localities of the tree, with what each could not deliver.
    pub localities: Vec<LocalityPicture>,
}

/// One supervisor or actor of a [`Tree`].
///
/// A line for each actor that had to be restarted:
/// ```
/// use rotor_core::{sim::Sim, *};
/// fn restarted(tree: &Tree) -> Vec<String> {
///     let more = tree.nodes.iter().filter(|node| node.instances > 1);
///     more.map(|node| format!("{} on {}: {}", node.name, node.locality, node.instances)).collect()
/// }
/// # struct Worker;
/// # impl Actor for Worker {}
/// # let mut sim = Sim::new(1);
/// # let worker = sim.locality("here").reserve();
/// # let app = sim.start(Supervisor::one_for_one("app")
/// #     .child(Child::new("worker", || Worker).at(worker)))?;
/// # sim.run_until_idle();
/// worker.address().kill();
/// sim.run_until_idle();
/// assert_eq!(restarted(&app.tree()), ["worker on here: 2"]);
/// # Ok::<_, StartError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TreeNode {
    /// How far below the root.
    pub depth: usize,
    /// Its name in its spec.
    pub name: Cow<'static, str>,
    /// Its address.
    pub address: Address,
    /// The name of its locality.
    pub locality: Cow<'static, str>,
    /// Type name of the actor.
    pub actor: &'static str,
    /// Where it is in its life: `"running"`, `"starting"`, `"initialized"`, `"stopping"`, `"waiting"` for
    /// a start, which is a restart if there were `instances`, `"down"`. Of a locality that tells nothing:
    /// `"no driver"` if none has it open, `"not turned"` if its driver has not turned so far, else
    /// `"no answer"`. Nothing starts there before that: the first start waits, a restart on a loop that was lost
    /// fails at each attempt.
    pub state: &'static str,
    /// How many instances have been started, since the actor's loop was last opened.
    pub instances: u64,
    /// Messages parked for it.
    pub parked: u32,
    /// Messages that wait for it in the queue of its locality, from wherever they came. Those that
    /// other localities have not handed over yet are not among them, nor those from other threads
    /// if a handler takes the picture of its own locality.
    pub queued: u64,
    /// How many messages may wait for it in all, if that is [bounded](crate::Bound).
    pub bound: Option<usize>,
    /// Messages that it has handled, in all its lives: also what its timers, requests and futures
    /// brought, and of a supervisor the news of its children. None unless the observer of the tree
    /// [wants counts](crate::Observer::wants_counts).
    pub handled: Option<u64>,
    /// Why its holds keep a start or a stop open, or would keep one that comes now; of a name that is
    /// waited for also who declares it, or that nobody does.
    pub holds: Vec<Cow<'static, str>>,
}

/// One locality of a [`Tree`].
///
/// ```
/// use rotor_core::{sim::Sim, *};
/// # let mut sim = Sim::new(1);
/// let here = sim.locality("here");
/// let app = sim.start(Supervisor::one_for_one("app"))?;
/// # sim.run_until_idle();
/// here.topic().publish("is anybody there?");
/// sim.run_until_idle();
/// let place: LocalityPicture = app.tree().localities.remove(0);
/// assert_eq!(place.undelivered, [(Reason::Unheard, 1)]); // counted, whether it is observed or not
/// # Ok::<_, StartError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LocalityPicture {
    /// Its name.
    pub name: Cow<'static, str>,
    /// Whether it answered within a second.
    pub answered: bool,
    /// Whether a driver has it open.
    pub driven: bool,
    /// Messages that could not be delivered, by reason; reasons without any are left out.
    pub undelivered: Vec<(Reason, u64)>,
    /// Timers, tasks and pending requests that are open.
    pub open: usize,
    /// Addresses that were reserved and that no child has claimed, where messages wait for one, and how
    /// many. Others of those cost nobody anything, and are not told apart from topics.
    pub unclaimed: Vec<(Address, u64)>,
    /// What keeps it from answering: the message that it handles, if the observer of the tree
    /// [wants counts](crate::Observer::wants_counts).
    pub handling: Option<Handling>,
}

#[derive(Clone)]
struct Child {
    place: Address,
    name: Cow<'static, str>,
    /// Its supervisor does not start it by itself.
    down: bool,
}

/// One locality's answer.
#[derive(Clone, Default)]
struct Answer {
    /// Each with its children.
    nodes: Vec<(TreeNode, Vec<Child>)>,
    open: usize,
    unclaimed: Vec<(Address, u64)>,
}

/// What is known of a locality.
#[derive(Clone)]
enum Part {
    Awaited,
    Told(Answer),
    /// It does not answer this time.
    Mute,
}

/// Whoever asks a locality learns when that is over, whether it answers or throws the question away.
struct Question {
    sitting: Arc<Sitting>,
    gate: &'static Gate,
}

impl Drop for Question {
    fn drop(&mut self) {
        // With the root's loop the tree ends: that is told by itself, when it is known how.
        if self.sitting.home != Some(self.gate) {
            self.sitting.learn(self.gate, Part::Mute);
        }
    }
}

/// A picture that is being taken, on a thread that waits for it. Holds no locality: orders in their
/// queues hold it.
pub(crate) struct Sitting {
    places: Vec<&'static Gate>,
    /// Of the localities of the thread, which answer nobody meanwhile.
    own: Vec<(&'static Gate, Answer)>,
    /// The root's, if another thread has it.
    home: Option<&'static Gate>,
    /// In the order of the places; empty when it is over.
    parts: Mutex<Vec<Part>>,
    news: Condvar,
}

impl Sitting {
    fn new(places: &[Locality], home: &'static Gate) -> Arc<Self> {
        let places: Vec<_> = places.iter().map(Locality::gate).collect();
        let own = places.iter().filter_map(|&gate| {
            let runs = here::runs(gate);
            let answer = here::with_local(gate, |local| Some(local?.picture(runs)))?;
            Some((gate, answer))
        });
        let sitting = Sitting {
            own: own.collect(),
            home: (home.owner.load(Ordering::Relaxed) != here::thread()).then_some(home),
            parts: Mutex::new(vec![Part::Awaited; places.len()]),
            places,
            news: Condvar::new(),
        };
        sitting.learn_all(&sitting.own);
        Arc::new(sitting)
    }

    /// Notes what is known of a locality, once. What comes too late finds no place.
    fn learn(&self, of: &'static Gate, part: Part) {
        let mut all = lock(&self.parts);
        let at = self.places.iter().position(|&gate| gate == of);
        if let Some(place @ Part::Awaited) = at.and_then(|at| all.get_mut(at)) {
            *place = part;
        }
        self.news.notify_all();
    }

    fn learn_all(&self, answers: &[(&'static Gate, Answer)]) {
        for (of, answer) in answers {
            self.learn(of, Part::Told(answer.clone()));
        }
    }

    /// The tree has ended: nobody has to answer.
    pub(crate) fn end(&self) {
        lock(&self.parts).clear();
        self.news.notify_all();
    }

    /// Asks the localities of other threads.
    fn ask(self: &Arc<Self>) {
        let is_own = |gate| self.own.iter().any(|(own, _)| *own == gate);
        for gate in self.places.iter().copied().filter(|&gate| !is_own(gate)) {
            let sitting = self.clone();
            let question = Question { sitting, gate };
            Control::call(gate, move |there| {
                let answer = there.picture(false);
                question.sitting.learn(question.gate, Part::Told(answer));
            });
        }
        // Sends of a handler wait in its outbox until they are flushed.
        here::flush();
    }

    /// Two that would wait for each other's threads tell each other of their own localities.
    fn join(self: &Arc<Self>, sittings: &mut Vec<Arc<Sitting>>) {
        for other in &*sittings {
            other.learn_all(&self.own);
            self.learn_all(&other.own);
        }
        sittings.push(self.clone());
    }

    /// Waits for those that are still to come.
    fn wait(&self, places: &[Locality], patience: Duration) -> Vec<Option<Answer>> {
        let waiting = |all: &mut Vec<Part>| {
            let mut all = all.iter().zip(places);
            all.any(|(part, place)| matches!(part, Part::Awaited) && place.openings() > 0)
        };
        let all = lock(&self.parts);
        let waited = self.news.wait_timeout_while(all, patience, waiting);
        let parts = std::mem::take(&mut *sound(waited).0);
        let answer = |part| match part {
            Part::Told(answer) => Some(answer),
            Part::Awaited | Part::Mute => None,
        };
        parts.into_iter().map(answer).collect()
    }
}

pub(crate) fn take(app: &App, patience: Duration) -> Tree {
    if let Some(exit) = app.shared.exit() {
        return Tree::ended(exit);
    }
    let mut places = lock(&app.shared.places).clone();
    places.retain(|place| !place.is_over());
    if !places.contains(&app.shared.home) {
        places.push(app.shared.home.clone());
    }
    let sittings = || lock(&app.shared.sittings);
    let sitting = Sitting::new(&places, app.shared.home.gate());
    sitting.ask();
    sitting.join(&mut sittings());
    // One that ends from here on says so.
    if app.shared.exit().is_some() {
        sitting.end();
    }
    let answers = sitting.wait(&places, patience);
    sittings().retain(|other| !Arc::ptr_eq(other, &sitting));
    match app.shared.exit() {
        Some(exit) => Tree::ended(exit),
        None => assemble(app, &places, answers),
    }
}

fn assemble(app: &App, places: &[Locality], answers: Vec<Option<Answer>>) -> Tree {
    let mut localities = Vec::new();
    let mut found = Vec::new();
    for (place, answer) in places.iter().zip(answers) {
        let answered = answer.is_some();
        let answer = answer.unwrap_or_default();
        let counts = Reason::ALL.iter().map(|&reason| {
            (
                reason,
                place.gate().undelivered[reason as usize].load(Ordering::Relaxed),
            )
        });
        localities.push(LocalityPicture {
            name: place.name().clone(),
            answered,
            driven: place.is_open(),
            undelivered: counts.filter(|(_, n)| *n > 0).collect(),
            open: answer.open,
            unclaimed: answer.unclaimed,
            handling: match answered {
                true => None,
                false => place.gate().handling(),
            },
        });
        found.extend(answer.nodes);
    }
    let key = |address: Address| (address.gate().serial(), address.slot, address.generation);
    let mut found: HashMap<_, _> = found
        .into_iter()
        .map(|(node, children)| (key(node.address), (node, children)))
        .collect();
    let mut nodes = Vec::new();
    let root = Child {
        place: app.root(),
        name: Cow::Borrowed("?"),
        down: false,
    };
    let mut stack = vec![(root, 0)];
    while let Some((child, depth)) = stack.pop() {
        let Some((node, children)) = found.remove(&key(child.place)) else {
            let gate = child.place.gate();
            let at = places.iter().position(|place| place.gate() == gate);
            let told = at.is_some_and(|at| localities[at].answered);
            let place = at.map(|at| &places[at]);
            nodes.push(TreeNode {
                depth,
                ..TreeNode::unseen(child, place, told)
            });
            continue;
        };
        nodes.push(TreeNode { depth, ..node });
        let children = children.into_iter().rev();
        stack.extend(children.map(|child| (child, depth + 1)));
    }
    Tree {
        nodes,
        ended: None,
        localities,
    }
}

impl Local {
    /// The locality's part; while a handler of it `runs`, of what waits elsewhere nothing is seen.
    fn picture(&self, runs: bool) -> Answer {
        if !runs {
            self.gather();
        }
        let (mut nodes, queued) = (Vec::new(), self.queued());
        let mut unclaimed = Vec::new();
        for slot in 0..self.slots.len() {
            let address = self.address_of(slot);
            let bound = self.gate.rooms.find(slot, address.generation);
            // They look into the registry, and at other seats.
            let holds = self.holds_of(slot).into_iter().map(on_one_line).collect();
            let node = self.seat(slot, |seat| {
                let (parked, queued) = lengths(seat, queued[slot as usize], bound.as_deref());
                let waiting = u64::from(parked) + queued;
                if seat.state == State::Reserved && waiting > 0 {
                    unclaimed.push((address, waiting));
                }
                let ops = seat.ops?;
                let state = match seat.state {
                    State::Running => "running",
                    State::Starting | State::Preparing => "starting",
                    State::Ready | State::Going => "initialized",
                    State::Stopping => "stopping",
                    State::Waiting => "waiting",
                    State::Down => "down",
                    State::Vacant | State::Reserved => return None,
                };
                let node = TreeNode {
                    depth: 0,
                    name: seat.name.to_cow(),
                    address,
                    locality: self.locality.name().clone(),
                    actor: (ops.type_name)(),
                    state,
                    instances: seat.instances.into(),
                    parked: parked + self.held_count(slot),
                    queued,
                    bound: bound.as_ref().map(|room| room.bound()),
                    handled: self.handled(slot),
                    holds,
                };
                let children = seat.kin.as_mut().map_or(Vec::new(), |kin| {
                    let there = |&id: &u32| !kin.family.row(id).removed;
                    let ids: Vec<u32> = kin.family.ids().filter(there).collect();
                    let (waits, down) = (seat.state == State::Waiting, seat.state == State::Down);
                    let child = |id| {
                        let place = kin.entry(id)?.place;
                        let row = kin.family.row(id);
                        Some(Child {
                            place,
                            name: row.name.to_cow(),
                            down: down || row.state == RowState::Down && !waits,
                        })
                    };
                    ids.into_iter().filter_map(child).collect()
                });
                Some((node, children))
            });
            nodes.extend(node);
        }
        Answer {
            nodes,
            open: self.things.borrow().len(),
            unclaimed,
        }
    }
}

impl Tree {
    fn ended(exit: Exit) -> Self {
        Tree {
            nodes: Vec::new(),
            ended: Some(exit),
            localities: Vec::new(),
        }
    }

    /// The names from the root down to an actor, with slashes between. None if it is not in the picture.
    ///
    /// Siblings that specs declare, or that [`StartChild`](crate::StartChild) adds, have different ones; those
    /// that [`Context::child`](crate::Context::child) adds may be alike.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct View;
    /// impl Actor for View {}
    /// # fn main() -> Result<(), StartError> {
    /// let mut sim = Sim::new(1);
    /// let view = sim.locality("ui").reserve();
    /// let windows = Supervisor::one_for_all("windows").child(Child::new("view", || View).at(view));
    /// let app = sim.start(Supervisor::one_for_one("app").child(windows))?;
    /// sim.run_until_idle();
    /// assert_eq!(app.tree().path(view.address()).as_deref(), Some("app/windows/view"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn path(&self, address: Address) -> Option<String> {
        let at = self.nodes.iter().position(|node| node.address == address)?;
        let mut depth = self.nodes[at].depth + 1;
        let mut names: Vec<&str> = Vec::new();
        for node in self.nodes[..=at].iter().rev() {
            if node.depth < depth {
                depth = node.depth;
                names.push(&node.name);
            }
        }
        names.reverse();
        Some(names.join("/"))
    }

    /// The picture as a graph in the DOT language of Graphviz, with a frame for each name of a locality. A
    /// tree that has ended gives an empty graph.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct View;
    /// impl Actor for View {}
    /// # fn main() -> Result<(), StartError> {
    /// let mut sim = Sim::new(1);
    /// sim.locality("ui");
    /// let app = sim.start(Supervisor::one_for_one("app").child(Child::new("view", || View)))?;
    /// sim.run_until_idle();
    /// assert!(app.tree().dot().contains(r#"n1 [label="view\nrunning", shape=ellipse];"#));
    /// # Ok(())
    /// # }
    /// ```
    pub fn dot(&self) -> String {
        let nodes = self.nodes.iter().map(|node| DotNode {
            depth: node.depth,
            locality: &node.locality,
            name: &node.name,
            is_supervisor: node.actor == std::any::type_name::<Stock>(),
            notes: node.notes(),
        });
        dot::draw(&nodes.collect::<Vec<_>>())
    }
}

impl TreeNode {
    /// One that its own locality has not told of: it tells nothing, or has not built it yet.
    fn unseen(child: Child, place: Option<&Locality>, answered: bool) -> Self {
        let state = match place {
            _ if child.down => "down",
            Some(_) if answered => "waiting",
            Some(place) if !place.is_open() => "no driver",
            Some(place) if place.gate().is_unturned() => "not turned",
            _ => "no answer",
        };
        TreeNode {
            depth: 0,
            name: child.name,
            address: child.place,
            locality: place.map_or(Cow::Borrowed("?"), |place| place.name().clone()),
            actor: "?",
            state,
            instances: 0,
            parked: 0,
            queued: 0,
            bound: None,
            handled: None,
            holds: Vec::new(),
        }
    }

    /// Its state, in words.
    fn state_text(&self) -> Cow<'_, str> {
        let place = &self.locality;
        match self.state {
            "no driver" => format!("waits: locality {place} has no driver").into(),
            "not turned" => {
                format!("waits: locality {place} was not turned yet, its loop has to run").into()
            }
            "waiting" if self.instances > 0 => "waiting for a restart".into(),
            state => state.into(),
        }
    }

    /// What is written beside its name.
    fn notes(&self) -> Vec<Cow<'_, str>> {
        let mut notes = vec![self.state_text()];
        if self.instances > 1 {
            notes.push(restarts(self.instances - 1).into());
        }
        if self.parked > 0 {
            notes.push(format!("{} parked", self.parked).into());
        }
        if self.queued > 0 {
            notes.push(format!("{} queued", self.queued).into());
        }
        if let Some(n) = self.handled {
            notes.push(format!("{n} handled").into());
        }
        let holds = self
            .holds
            .iter()
            .map(|hold| format!("held by {hold}").into());
        notes.extend(holds);
        notes
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(exit) = &self.ended {
            return writeln!(f, "the tree has ended: {exit}");
        }
        for node in &self.nodes {
            let indent = node.depth * 2;
            write!(f, "{:indent$}{} [{}] ", "", node.name, node.locality)?;
            writeln!(f, "{}", node.notes().join(", "))?;
        }
        for place in &self.localities {
            if !place.driven {
                writeln!(
                    f,
                    "locality {} has no driver: nothing starts there until its loop runs, or another one \
                     opens it",
                    place.name
                )?;
            } else if !place.answered {
                write!(f, "locality {} did not answer", place.name)?;
                if let Some(Handling {
                    name, message, age, ..
                }) = &place.handling
                {
                    let message = short(message);
                    write!(f, ": {name} has been handling {message} for {age:?}")?;
                }
                writeln!(f)?;
            }
            for (address, n) in &place.unclaimed {
                let name = &place.name;
                writeln!(
                    f,
                    "locality {name}: {n} waiting for {address:?}, which no child has claimed"
                )?;
            }
            for (reason, n) in &place.undelivered {
                writeln!(f, "locality {}: {n} undelivered: {reason}", place.name)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};
    use std::thread;

    use super::*;
    use crate::entrance::Wake;
    use crate::sim::Sim;
    use crate::{Actor, Child as Spec, Clock, Context, Driver, Name, Supervisor};

    /// Waits for a name in its start, if it is to.
    struct Seeks(Option<Name<Seeks>>);

    impl Actor for Seeks {
        fn start(&mut self, cx: &mut Context<Self>) -> crate::Result {
            if let Some(name) = self.0.take() {
                cx.find(name, |_, _, _| ());
            }
            Ok(())
        }
    }

    /// Whose it is, and that nobody has it, or comes with it by himself.
    #[test]
    fn a_picture_says_of_a_name_that_is_waited_for_whose_it_is() {
        let mut sim = Sim::new(1);
        let b = sim.locality("here").reserve();
        let (nobodys, theirs) = (Name::new("nobodys"), Name::new("theirs"));
        let name = theirs.clone();
        let inner = Supervisor::one_for_one("inner")
            .child(Spec::new("b", || Seeks(None)).named(name).transient().at(b));
        let app = sim
            .start(Supervisor::one_for_one("root").child(inner))
            .expect("a sound tree");
        sim.run_until_idle();
        b.stop();
        sim.run_until_idle();
        for (child, name) in [("c", nobodys), ("d", theirs)] {
            let add = crate::StartChild::new(move || {
                let name = name.clone();
                Spec::new(child, move || Seeks(Some(name.clone())))
            });
            drop(app.root().admin().ask(add, Duration::MAX));
            sim.run_until_idle();
            let tree = app.tree();
            let text = match child {
                "c" => {
                    "starting, held by name nobodys, which no child declares where it looks: is `.named(..)` missing?"
                }
                _ => "starting, held by name theirs of b, which is down",
            };
            assert!(tree.to_string().contains(text), "{tree}");
            let text = text.replace(", held", r"\nheld");
            assert!(tree.dot().contains(&text), "{}", tree.dot());
            sim.run_for(Duration::from_secs(5)); // its start limit
        }
    }

    /// Says that something has come for the loop.
    struct Tell(Mutex<Sender<()>>);

    impl Wake for Tell {
        fn wake(&self) {
            let _ = lock(&self.0).send(());
        }
    }

    /// Takes a picture from another thread, with no end to its patience, and has something happen to a
    /// loop once all of them have been asked.
    fn picture(is_home: bool, then: impl FnOnce(Driver, &Driver)) -> Tree {
        let (asked, ask) = channel();
        let tell: Arc<dyn Wake> = Arc::new(Tell(Mutex::new(asked)));
        let drivers = [(); 2].map(|()| Driver::new(tell.clone(), Clock::manual()));
        let places = ["home", "far"].map(Locality::new);
        for (driver, place) in drivers.iter().zip(&places) {
            driver.open(place).expect("a fresh locality");
        }
        let [home, far] = drivers;
        let root = Supervisor::one_for_one("root");
        let app = match is_home {
            true => home.start(root),
            false => home.start(
                root.child(
                    Supervisor::one_for_one("part")
                        .temporary()
                        .on(&places[1], |s| s),
                ),
            ),
        };
        let app = app.expect("sound");
        for driver in [&home, &far, &home, &far] {
            driver.run_until_idle();
        }
        while ask.try_recv().is_ok() {}
        let other = app.clone();
        let taking = thread::spawn(move || take(&other, Duration::MAX));
        let places = if is_home { 1 } else { 2 };
        for _ in 0..places {
            ask.recv().expect("its loop is asked");
        }
        match is_home {
            true => then(home, &far),
            false => then(far, &home),
        }
        taking.join().expect("it ends")
    }

    #[test]
    fn o03_a_picture_does_not_wait_for_a_tree_that_is_lost() {
        let tree = picture(true, |asked, _| drop(asked));
        let ended = tree.ended.expect("its loop is gone");
        assert_eq!(ended.to_string(), "locality home was lost");
    }

    #[test]
    fn o03_a_picture_does_not_wait_for_a_loop_that_is_lost() {
        let tree = picture(false, |asked, home| {
            drop(asked);
            home.run_until_idle();
        });
        assert!(tree.ended.is_none());
        let told = |place: &LocalityPicture| (place.name.clone(), place.answered, place.driven);
        let told: Vec<_> = tree.localities.iter().map(told).collect();
        assert_eq!(
            told,
            [("far".into(), false, false), ("home".into(), true, true)]
        );
    }
}
