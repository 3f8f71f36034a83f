//! What outlives the views' instances: the widgets, and what is shown in them.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;
use std::time::Instant;

use gtk::prelude::*;
use mirror_engine::{Args, Claim, Ledger, Snapshot, Strike};
use rotor_core::{Addr, Address, App, Recipient, Tree};

use crate::chooser::Chooser;
use crate::controls::Controls;
use crate::hand::Hand;
use crate::lens::Lens;
use crate::log::Log;
use crate::picture::Picture;
use crate::progress::Progress;
use crate::script::{Changed, Script};
use crate::step::Step;
use crate::widgets::Widgets;
use crate::words::Words;

/// Lines of the log that are kept.
const MOST_LINES: usize = 500;

/// The addresses of the window's actors.
#[derive(Clone, Copy)]
pub struct Wiring {
    pub controls: Addr<Controls>,
    pub chooser: Addr<Chooser>,
    pub progress: Addr<Progress>,
    pub picture: Addr<Picture>,
    pub log: Addr<Log>,
    pub script: Addr<Script>,
    pub hand: Addr<Hand>,
    pub lens: Addr<Lens>,
}

impl Wiring {
    /// Whom to tell to crash, if this is one of the window's actors.
    pub fn strike(&self, who: Address) -> Option<Recipient<Strike>> {
        let all: [Recipient<Strike>; 8] = [
            self.controls.to(),
            self.chooser.to(),
            self.progress.to(),
            self.picture.to(),
            self.log.to(),
            self.script.to(),
            self.hand.to(),
            self.lens.to(),
        ];
        all.into_iter().find(|actor| actor.address() == who)
    }
}

/// The state of the window, on GTK's thread.
pub struct Session {
    pub widgets: Widgets,
    pub wiring: Wiring,
    /// What was asked for, but for the folders, which are in the widgets.
    pub args: Args,
    pub app: OnceCell<App>,
    /// The copy that runs, or ran last.
    pub run: RefCell<Option<Run>>,
    pub stage: Cell<Stage>,
    /// How far it is.
    pub snapshot: Cell<Option<Snapshot>>,
    /// The last picture of the tree.
    pub tree: RefCell<Option<Tree>>,
    /// The actor that is chosen in the picture.
    pub chosen: Cell<Option<Address>>,
    lines: RefCell<VecDeque<String>>,
    /// Steps of the script that are still to be done.
    pub steps: RefCell<VecDeque<Step>>,
}

/// A copy.
#[derive(Clone)]
pub struct Run {
    pub wiring: mirror_engine::Wiring,
    pub ledger: Rc<RefCell<Ledger>>,
    /// While it runs.
    pub claim: Option<Rc<Claim>>,
    pub begin: Instant,
    /// Its supervisor, once that is there.
    pub address: Option<Address>,
}

/// What the window is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Idle,
    Copying,
    Paused,
    Done,
    Failed,
    Cancelled,
}

impl Stage {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Idle,
        Self::Copying,
        Self::Paused,
        Self::Done,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Whether a copy is under way.
    pub fn is_running(self) -> bool {
        matches!(self, Self::Copying | Self::Paused)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Idle => "idle",
            Self::Copying => "copying",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        })
    }
}

impl Session {
    /// A window in which nothing has happened.
    pub fn new(words: &Words, widgets: Widgets, wiring: Wiring) -> Self {
        widgets.source.set_text(&words.args.src.to_string_lossy());
        widgets.target.set_text(&words.args.dst.to_string_lossy());
        Self {
            widgets,
            wiring,
            args: words.args.clone(),
            app: OnceCell::new(),
            run: RefCell::new(None),
            stage: Cell::new(Stage::Idle),
            snapshot: Cell::new(None),
            tree: RefCell::new(None),
            chosen: Cell::new(None),
            lines: RefCell::default(),
            steps: RefCell::new(words.steps.iter().cloned().collect()),
        }
    }

    /// Enters a stage.
    pub fn enter(&self, stage: Stage) {
        if self.stage.replace(stage) != stage {
            println!("stage: {stage}");
            self.changed();
        }
    }

    /// Tells the script that something is different.
    pub fn changed(&self) {
        if !self.steps.borrow().is_empty() {
            self.wiring.script.send(Changed);
        }
    }

    /// Keeps a line of the log.
    pub fn keep(&self, line: String) {
        let mut lines = self.lines.borrow_mut();
        if lines.len() == MOST_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// The log.
    pub fn text(&self) -> String {
        let lines = self.lines.borrow();
        lines.iter().map(|line| format!("{line}\n")).collect()
    }

    /// The node of the tree with this name, such as `plan` or `link/sender`.
    pub fn named(&self, name: &str) -> Option<Address> {
        let tree = self.tree.borrow();
        let nodes = &tree.as_ref()?.nodes;
        let at = (0..nodes.len()).find(|&at| {
            nodes[at].name == name || {
                let above = parent_of(nodes, at).map(|p| &nodes[p].name);
                above.is_some_and(|above| format!("{above}/{}", nodes[at].name) == name)
            }
        })?;
        Some(nodes[at].address)
    }
}

/// Where the parent of the node at `at` is; nodes are depth first.
pub fn parent_of(nodes: &[rotor_core::TreeNode], at: usize) -> Option<usize> {
    (0..at)
        .rev()
        .find(|&up| nodes[up].depth + 1 == nodes[at].depth)
}
