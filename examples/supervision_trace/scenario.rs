//! A scenario as it stands in its file.

use serde::Deserialize;

/// A tree, and what happens to it.
#[derive(Debug, Deserialize)]
pub struct Scenario {
    pub root: Spec,
    pub commands: Vec<Command>,
}

/// A supervisor or a worker; the root's type need not be said.
#[derive(Clone, Debug, Deserialize)]
pub struct Spec {
    pub id: String,
    #[serde(default, rename = "type")]
    pub kind: Kind,
    #[serde(default)]
    pub restart: RestartKind,
    #[serde(default)]
    pub significant: bool,
    pub shutdown: Option<Shutdown>,
    // A supervisor's:
    #[serde(default)]
    pub strategy: Strategy,
    #[serde(default = "one")]
    pub intensity: u32,
    #[serde(default = "five")]
    pub period: u64,
    #[serde(default)]
    pub auto_shutdown: AutoShutdownMode,
    #[serde(default)]
    pub children: Vec<Spec>,
    // A worker's:
    #[serde(default = "ok")]
    pub init: Vec<Init>,
    #[serde(default = "exit")]
    pub on_shutdown: String,
}

fn one() -> u32 {
    1
}

fn five() -> u64 {
    5
}

fn ok() -> Vec<Init> {
    vec![Init::Ok]
}

fn exit() -> String {
    "exit".to_owned()
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    #[default]
    Worker,
    Supervisor,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestartKind {
    #[default]
    Permanent,
    Transient,
    Temporary,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
pub enum Shutdown {
    Milliseconds(u64),
    Word(ShutdownWord),
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShutdownWord {
    BrutalKill,
    Infinity,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    #[default]
    OneForOne,
    OneForAll,
    RestForOne,
    SimpleOneForOne,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AutoShutdownMode {
    #[default]
    Never,
    AnySignificant,
    AllSignificant,
}

/// How an attempt to start goes.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Init {
    Ok,
    Fail,
    Ignore,
}

/// What happens to the tree. The items of a burst leave out `sup`.
#[derive(Debug, Deserialize)]
#[serde(tag = "cmd", rename_all = "snake_case")]
pub enum Command {
    Crash {
        target: String,
        reason: String,
    },
    Stop {
        target: String,
        reason: String,
    },
    Kill {
        target: String,
    },
    TerminateChild {
        sup: Option<String>,
        child: String,
    },
    RestartChild {
        sup: Option<String>,
        child: String,
    },
    DeleteChild {
        sup: Option<String>,
        child: String,
    },
    StartChild {
        sup: Option<String>,
        #[serde(flatten)]
        what: Offer,
    },
    WhichChildren {
        sup: Option<String>,
    },
    CountChildren {
        sup: Option<String>,
    },
    Sleep {
        ms: u64,
    },
    Burst {
        sup: String,
        items: Vec<Command>,
    },
}

/// What a supervisor is asked to start.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Offer {
    /// A child.
    Spec(Box<Spec>),
    /// An instance of a template, under this name.
    Name(String),
}

impl Command {
    /// Its name in a trace.
    pub fn name(&self) -> &'static str {
        match self {
            Command::Crash { .. } => "crash",
            Command::Stop { .. } => "stop",
            Command::Kill { .. } => "kill",
            Command::TerminateChild { .. } => "terminate_child",
            Command::RestartChild { .. } => "restart_child",
            Command::DeleteChild { .. } => "delete_child",
            Command::StartChild { .. } => "start_child",
            Command::WhichChildren { .. } => "which_children",
            Command::CountChildren { .. } => "count_children",
            Command::Sleep { .. } => "sleep",
            Command::Burst { .. } => "burst",
        }
    }

    /// The items of a burst, or the command itself.
    fn items(&self) -> Vec<&Command> {
        match self {
            Command::Burst { items, .. } => items.iter().collect(),
            command => vec![command],
        }
    }

    /// The supervisor that a request is for.
    pub fn sup(&self) -> Option<&str> {
        match self {
            Command::TerminateChild { sup, .. }
            | Command::RestartChild { sup, .. }
            | Command::DeleteChild { sup, .. }
            | Command::StartChild { sup, .. }
            | Command::WhichChildren { sup }
            | Command::CountChildren { sup } => sup.as_deref(),
            Command::Burst { sup, .. } => Some(sup),
            _ => None,
        }
    }
}

impl Scenario {
    /// Every supervisor of the scenario, in the order in which it is written.
    pub fn supervisors(&self) -> Vec<&str> {
        let mut all = Vec::new();
        self.root.supervisors(&mut all);
        for command in self.commands.iter().flat_map(Command::items) {
            if let Command::StartChild {
                what: Offer::Spec(spec),
                ..
            } = command
                && spec.kind == Kind::Supervisor
            {
                spec.supervisors(&mut all);
            }
        }
        all
    }
}

impl Spec {
    fn supervisors<'a>(&'a self, all: &mut Vec<&'a str>) {
        if !all.contains(&self.id.as_str()) {
            all.push(&self.id);
        }
        for child in &self.children {
            if child.kind == Kind::Supervisor {
                child.supervisors(all);
            }
        }
    }
}
