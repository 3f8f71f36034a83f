//! A scenario as it stands in its file.

use std::collections::HashSet;
use std::time::Duration;

use rotor_core::{Error, Exit};
use serde::{Deserialize, Deserializer};

/// A tree, and what happens to it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub root: Spec,
    pub commands: Vec<Command>,
}

/// A supervisor or a worker, which is what it is if nothing is said; the root is a supervisor.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: Option<Kind>,
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
    #[serde(default = "ok", deserialize_with = "some")]
    pub init: Vec<Init>,
    #[serde(default)]
    pub on_shutdown: Manner,
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

fn some<'a, D: Deserializer<'a>>(from: D) -> Result<Vec<Init>, D::Error> {
    let all = Vec::deserialize(from)?;
    if all.is_empty() {
        return Err(serde::de::Error::custom("`init` is empty"));
    }
    Ok(all)
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
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
#[serde(
    untagged,
    expecting = "`shutdown` is milliseconds, brutal_kill or infinity"
)]
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

/// What a worker does when it is told to stop.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "String")]
pub enum Manner {
    #[default]
    Exit,
    Delay(Duration),
    Ignore,
    With(Exit),
}

impl TryFrom<String> for Manner {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "exit" => Ok(Manner::Exit),
            None if text == "ignore" => Ok(Manner::Ignore),
            Some(("exit", reason)) => Ok(Manner::With(Reason::try_from(reason.to_owned())?.0)),
            Some(("delay", ms)) => match ms.parse() {
                Ok(ms) => Ok(Manner::Delay(Duration::from_millis(ms))),
                Err(_) => Err(format!("`delay` takes milliseconds, not {ms:?}")),
            },
            _ => Err(format!(
                "`on_shutdown` is exit, delay:MS, ignore or exit:REASON, not {text:?}"
            )),
        }
    }
}

/// Why a worker ends by itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Reason(pub Exit);

impl TryFrom<String> for Reason {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let exit = match text.split_once(':') {
            None if text == "normal" => Exit::normal(),
            None if text == "shutdown" => Exit::shutdown(),
            Some(("shutdown", detail)) => Exit::shutdown_with(detail),
            Some(("crash", error)) => Exit::failed(Error::message(error)),
            _ => {
                return Err(format!(
                    "a reason is normal, shutdown, shutdown:TEXT or crash:TEXT, not {text:?}"
                ));
            }
        };
        Ok(Reason(exit))
    }
}

/// What happens to the tree. The items of a burst leave out `sup`.
#[derive(Debug, Deserialize)]
#[serde(
    tag = "cmd",
    rename_all = "snake_case",
    deny_unknown_fields,
    expecting = "a command, as {\"cmd\": ..}"
)]
pub enum Command {
    Crash { target: String, reason: String },
    Stop { target: String, reason: Reason },
    Kill { target: String },
    TerminateChild { sup: Option<String>, child: String },
    RestartChild { sup: Option<String>, child: String },
    DeleteChild { sup: Option<String>, child: String },
    StartChild(Start),
    WhichChildren { sup: Option<String> },
    CountChildren { sup: Option<String> },
    Sleep { ms: u64 },
    Burst { sup: String, items: Vec<Command> },
}

/// The request to start a child.
#[derive(Debug, Deserialize)]
#[serde(try_from = "StartFields")]
pub struct Start {
    pub sup: Option<String>,
    pub what: Offer,
}

/// What a supervisor is asked to start.
#[derive(Debug)]
pub enum Offer {
    /// A child.
    Spec(Box<Spec>),
    /// An instance of a template, under this name.
    Name(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StartFields {
    sup: Option<String>,
    spec: Option<Box<Spec>>,
    name: Option<String>,
}

impl TryFrom<StartFields> for Start {
    type Error = &'static str;

    fn try_from(StartFields { sup, spec, name }: StartFields) -> Result<Self, &'static str> {
        let what = match (spec, name) {
            (Some(spec), None) => Offer::Spec(spec),
            (None, Some(name)) => Offer::Name(name),
            _ => {
                return Err(
                    "`start_child` has one of `spec`, for a child, and `name`, for an instance",
                );
            }
        };
        Ok(Start { sup, what })
    }
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
            Command::StartChild(_) => "start_child",
            Command::WhichChildren { .. } => "which_children",
            Command::CountChildren { .. } => "count_children",
            Command::Sleep { .. } => "sleep",
            Command::Burst { .. } => "burst",
        }
    }

    fn check(&self) -> Result<(), String> {
        if let Command::Burst { items, .. } = self {
            let odd =
                |item: &&Command| matches!(item, Command::Burst { .. } | Command::Sleep { .. });
            if let Some(odd) = items.iter().find(odd) {
                return Err(format!("`{}` is no item of a burst", odd.name()));
            }
        } else if self.is_request() && self.sup().is_none() {
            return Err(format!("`{}` lacks `sup`", self.name()));
        }
        for command in self.items() {
            if let Command::StartChild(Start { what, .. }) = command {
                match what {
                    Offer::Spec(spec) => spec.check()?,
                    Offer::Name(name) => check_name(name)?,
                }
            }
        }
        Ok(())
    }

    /// Whether a supervisor is asked.
    fn is_request(&self) -> bool {
        use Command::*;
        !matches!(
            self,
            Crash { .. } | Stop { .. } | Kill { .. } | Sleep { .. } | Burst { .. }
        )
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
            | Command::StartChild(Start { sup, .. })
            | Command::WhichChildren { sup }
            | Command::CountChildren { sup } => sup.as_deref(),
            Command::Burst { sup, .. } => Some(sup),
            _ => None,
        }
    }
}

impl Scenario {
    /// Whether everything is there that its place asks for.
    ///
    /// # Errors
    /// What is missing, or has no place there.
    pub fn check(&self) -> Result<(), String> {
        if self.root.kind == Some(Kind::Worker) {
            return Err(format!("{}: the root is a supervisor", self.root.id));
        }
        self.root.check()?;
        let mut ids = HashSet::new();
        self.root.check_ids(&mut ids)?;
        for (i, command) in (1..).zip(&self.commands) {
            command
                .check()
                .map_err(|error| format!("command {i}: {error}"))?;
        }
        Ok(())
    }

    /// Every supervisor of the scenario, in the order in which it is written.
    pub fn supervisors(&self) -> Vec<&str> {
        let mut all = Vec::new();
        self.root.supervisors(&mut all);
        for command in self.commands.iter().flat_map(Command::items) {
            if let Command::StartChild(Start {
                what: Offer::Spec(spec),
                ..
            }) = command
                && spec.is_supervisor()
            {
                spec.supervisors(&mut all);
            }
        }
        all
    }
}

/// Whether it may be the name of something.
fn check_name(name: &str) -> Result<(), String> {
    let is_sound = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '_');
    match !name.is_empty() && name.chars().all(is_sound) {
        true => Ok(()),
        false => Err(format!("a name is made of a-z, 0-9 and _, not {name:?}")),
    }
}

impl Spec {
    /// Whether it is one, as a child.
    pub fn is_supervisor(&self) -> bool {
        self.kind == Some(Kind::Supervisor)
    }

    fn check(&self) -> Result<(), String> {
        check_name(&self.id)?;
        if self.period == 0 {
            return Err(format!("{}: `period` is at least 1", self.id));
        }
        let pool = matches!(self.strategy, Strategy::SimpleOneForOne);
        let template = matches!(&self.children[..], [one] if !one.is_supervisor());
        if pool && !template {
            return Err(format!(
                "{}: a simple_one_for_one supervisor has one worker, its template",
                self.id
            ));
        }
        self.children.iter().try_for_each(Spec::check)
    }

    fn check_ids<'a>(&'a self, ids: &mut HashSet<&'a str>) -> Result<(), String> {
        if !ids.insert(&self.id) {
            return Err(format!("two specs have the id {}", self.id));
        }
        self.children
            .iter()
            .try_for_each(|child| child.check_ids(ids))
    }

    fn supervisors<'a>(&'a self, all: &mut Vec<&'a str>) {
        if !all.contains(&self.id.as_str()) {
            all.push(&self.id);
        }
        for child in &self.children {
            if child.is_supervisor() {
                child.supervisors(all);
            }
        }
    }
}
