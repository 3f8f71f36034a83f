//! The live tree as data and as text.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex};

use crate::address::Address;
use crate::app::{App, PATIENCE};
use crate::exit::Exit;
use crate::here;
use crate::locality::{Control, Local, Locality};
use crate::observe::Reason;
use crate::slot::{Parent, State};
use std::sync::atomic::Ordering;

/// A picture of a tree at one time; each locality's part is consistent in itself.
///
/// `Display` prints it as indented text.
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
    /// Where it is in its life: `"running"`, `"starting"`, `"stopping"`, `"waiting"` for a start,
    /// `"down"`, or `"no answer"` if its locality did not answer.
    pub state: &'static str,
    /// How many instances have been started.
    pub instances: u64,
    /// Messages parked for it.
    pub parked: u32,
    /// Why its holds keep a start or a stop open.
    pub holds: Vec<&'static str>,
}

/// One locality of a [`Tree`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LocalityPicture {
    /// Its name.
    pub name: Cow<'static, str>,
    /// Whether it answered within a second.
    pub answered: bool,
    /// Messages that could not be delivered, by reason; reasons without any are left out.
    pub undelivered: Vec<(Reason, u64)>,
    /// Timers, tasks and pending requests that are open.
    pub open: usize,
}

/// One locality's answer.
#[derive(Default)]
struct Answer {
    nodes: Vec<(TreeNode, Option<Address>, Vec<Address>)>,
    open: usize,
}

type Answers = Arc<(Mutex<Vec<Option<Answer>>>, Condvar)>;

pub(crate) fn take(app: &App) -> Tree {
    if let Some(exit) = app.shared.exit() {
        return Tree {
            nodes: Vec::new(),
            ended: Some(exit),
            localities: Vec::new(),
        };
    }
    let places: Vec<Locality> = {
        let places = app
            .shared
            .places
            .lock()
            .expect("no user code under this lock");
        let mut all = places.clone();
        if !all.contains(&app.shared.home) {
            all.push(app.shared.home.clone());
        }
        all
    };
    let answers: Answers = Arc::default();
    answers
        .0
        .lock()
        .expect("no user code under this lock")
        .resize_with(places.len(), || None);
    for (i, place) in places.iter().enumerate() {
        let here = here::with_local(place.gate(), |local| local.map(Local::picture));
        if here.is_some() {
            answers.0.lock().expect("no user code under this lock")[i] = here;
            continue;
        }
        let answers = answers.clone();
        Control::call(place.gate(), move |there| {
            let picture = there.picture();
            answers.0.lock().expect("no user code under this lock")[i] = Some(picture);
            answers.1.notify_all();
        });
    }
    // Sends of a handler wait in its outbox until they are flushed.
    here::HERE.with(|here| {
        // SAFETY: a slice of this locality runs on this thread, which keeps it.
        if let Some(local) = unsafe { here.local.get().as_ref() } {
            local.flush();
        }
    });
    let waiting = |all: &mut Vec<Option<Answer>>| {
        all.iter().zip(&places).any(|(a, place)| {
            a.is_none() && !place.gate().entrance.is_closed() && place.openings() > 0
        })
    };
    let all = answers.0.lock().expect("no user code under this lock");
    let (mut all, _) = answers
        .1
        .wait_timeout_while(all, PATIENCE, |all| waiting(all))
        .expect("no user code under this lock");
    let all = std::mem::take(&mut *all);
    assemble(app, &places, all)
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
            undelivered: counts.filter(|(_, n)| *n > 0).collect(),
            open: answer.open,
        });
        found.extend(answer.nodes);
    }
    let mut nodes = Vec::new();
    let mut stack = vec![(app.root(), 0)];
    while let Some((address, depth)) = stack.pop() {
        let Some((node, _, children)) = found.iter().find(|(node, ..)| node.address == address)
        else {
            let place = places.iter().find(|place| place.gate() == address.gate);
            nodes.push(TreeNode {
                depth,
                name: Cow::Borrowed("?"),
                address,
                locality: place.map_or(Cow::Borrowed("?"), |place| place.name().clone()),
                actor: "?",
                state: "no answer",
                instances: 0,
                parked: 0,
                holds: Vec::new(),
            });
            continue;
        };
        nodes.push(TreeNode {
            depth,
            ..node.clone()
        });
        stack.extend(children.iter().rev().map(|&child| (child, depth + 1)));
    }
    Tree {
        nodes,
        ended: None,
        localities,
    }
}

impl Local {
    fn picture(&self) -> Answer {
        let mut nodes = Vec::new();
        for slot in 0..self.slots.len() {
            let address = self.address_of(slot);
            let node = self.seat(slot, |seat| {
                let ops = seat.ops?;
                let state = match seat.state {
                    State::Running => "running",
                    State::Starting => "starting",
                    State::Stopping => "stopping",
                    State::Waiting => "waiting",
                    State::Down => "down",
                    State::Vacant | State::Reserved => return None,
                };
                let node = TreeNode {
                    depth: 0,
                    name: seat.name.clone(),
                    address,
                    locality: self.locality.name().clone(),
                    actor: (ops.type_name)(),
                    state,
                    instances: seat.instances,
                    parked: seat.parked_count(),
                    holds: seat.holds.iter().map(|(_, why)| *why).collect(),
                };
                let parent = match &seat.parent {
                    Parent::Actor { address, .. } => Some(*address),
                    _ => None,
                };
                let children = seat.kin.as_mut().map_or(Vec::new(), |kin| {
                    let ids: Vec<u32> = kin.family.ids().collect();
                    ids.into_iter()
                        .filter_map(|id| kin.entry(id).map(|e| e.place))
                        .collect()
                });
                Some((node, parent, children))
            });
            nodes.extend(node);
        }
        Answer {
            nodes,
            open: self.things.borrow().len(),
        }
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(exit) = &self.ended {
            return writeln!(f, "the tree has ended: {exit}");
        }
        for node in &self.nodes {
            write!(
                f,
                "{:indent$}{} [{}]",
                "",
                node.name,
                node.locality,
                indent = node.depth * 2
            )?;
            write!(f, " {}", node.state)?;
            match node.instances {
                0 | 1 => {}
                2 => write!(f, ", 1 restart")?,
                n => write!(f, ", {} restarts", n - 1)?,
            }
            if node.parked > 0 {
                write!(f, ", {} parked", node.parked)?;
            }
            for hold in &node.holds {
                write!(f, ", held by {hold}")?;
            }
            writeln!(f)?;
        }
        for place in &self.localities {
            if !place.answered {
                writeln!(f, "locality {} did not answer", place.name)?;
            }
            for (reason, n) in &place.undelivered {
                writeln!(f, "locality {}: {n} undelivered: {reason}", place.name)?;
            }
        }
        Ok(())
    }
}
