//! What outlives the views' instances: the widgets, and what is shown in them.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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
    /// What was asked for, with the folders that were chosen last: people may have written others
    /// into the widgets.
    args: RefCell<Args>,
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
    /// The copy to which the picture has scrolled.
    pub shown: Cell<Option<Address>>,
    lines: RefCell<VecDeque<String>>,
    /// Steps of the script that are still to be done.
    pub steps: RefCell<VecDeque<Step>>,
    /// Whether the program is to fail at its end.
    failed: Arc<AtomicBool>,
}

/// What people choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folder {
    Source,
    Target,
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
    /// Another one is to be started when it has ended.
    pub again: bool,
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
    pub fn new(words: &Words, widgets: Widgets, wiring: Wiring, failed: Arc<AtomicBool>) -> Self {
        widgets.source.set_text(&words.args.src.to_string_lossy());
        widgets.target.set_text(&words.args.dst.to_string_lossy());
        if !words.args.src.as_os_str().is_empty() {
            widgets.status.set_text("ready to start");
        }
        Self {
            widgets,
            wiring,
            args: RefCell::new(words.args.clone()),
            app: OnceCell::new(),
            run: RefCell::new(None),
            stage: Cell::new(Stage::Idle),
            snapshot: Cell::new(None),
            tree: RefCell::new(None),
            chosen: Cell::new(None),
            shown: Cell::new(None),
            lines: RefCell::default(),
            steps: RefCell::new(words.steps.iter().cloned().collect()),
            failed,
        }
    }

    /// Says something in the line for that.
    pub fn say(&self, text: &str) {
        println!("status: {text}");
        self.widgets.status.set_text(text);
    }

    /// Ends the program, which has failed.
    pub fn fail(&self, why: &str) {
        eprintln!("mirror-gtk: {why}");
        self.failed.store(true, Ordering::Relaxed);
        self.app.get().expect("the tree runs").shutdown();
    }

    /// Shows a folder that was chosen.
    pub fn choose_folder(&self, folder: Folder, path: PathBuf) {
        self.entry(folder).set_text(&path.to_string_lossy());
        *folder.of(&mut self.args.borrow_mut()) = path;
    }

    /// What is to be copied: folders as they were chosen, unless something else stands there now. A
    /// name that is no text can be chosen, but not be written.
    pub fn args(&self) -> Args {
        let mut args = self.args.borrow().clone();
        for folder in [Folder::Source, Folder::Target] {
            let text = self.entry(folder).text();
            let chosen = folder.of(&mut args);
            if chosen.to_string_lossy() != text.as_str() {
                *chosen = text.as_str().into();
            }
        }
        args
    }

    /// The entry of a folder.
    pub fn entry(&self, folder: Folder) -> &gtk::Entry {
        match folder {
            Folder::Source => &self.widgets.source,
            Folder::Target => &self.widgets.target,
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

    /// Chooses the actor in this line of the picture.
    pub fn choose(&self, at: usize) {
        let tree = self.tree.borrow();
        if let Some(node) = tree.as_ref().and_then(|tree| tree.nodes.get(at)) {
            println!("chosen: {}", node.name);
            self.chosen.set(Some(node.address));
            self.widgets.enable_deeds(true);
        }
    }

    /// Chooses nobody.
    pub fn choose_nobody(&self) {
        if self.chosen.take().is_some() {
            println!("chosen: nobody");
            self.widgets.enable_deeds(false);
        }
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

    /// Whether an actor is down in the picture, or not in it.
    pub fn is_down(&self, who: Address) -> bool {
        let tree = self.tree.borrow();
        let mut nodes = tree.iter().flat_map(|tree| &tree.nodes);
        nodes
            .find(|node| node.address == who)
            .is_none_or(|node| node.state == "down")
    }
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Source => "source",
            Self::Target => "target",
        })
    }
}

impl Folder {
    fn of(self, args: &mut Args) -> &mut PathBuf {
        match self {
            Self::Source => &mut args.src,
            Self::Target => &mut args.dst,
        }
    }
}

/// Where the parent of the node at `at` is; nodes are depth first.
pub fn parent_of(nodes: &[rotor_core::TreeNode], at: usize) -> Option<usize> {
    (0..at)
        .rev()
        .find(|&up| nodes[up].depth + 1 == nodes[at].depth)
}
