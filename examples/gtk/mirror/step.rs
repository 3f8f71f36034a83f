//! The steps of a script, as text and as data.

use mirror_engine::shown_word;

use crate::controls::Go;
use crate::hand::Deed;
use crate::session::Stage;

/// What `--help` says of the steps.
pub const STEPS: &str = "\
steps of a script, one a line; a line that begins with # is a comment:
  start, pause, resume, cancel, close
  crash NAME, restart NAME, stop NAME   NAME as in the picture: plan, link/sender
  repeat N crash NAME
  await STAGE                           idle, copying, paused, done, failed, cancelled
  await copied N
  await running NAME, await down NAME
  await restarts NAME N, await handled NAME N
  memory                                print the memory of the process
a step about an actor that is not there waits ten seconds for it; then the program fails";

/// One step, with its line in the script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub line: String,
    pub what: What,
}

/// What is done, or waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Press a button, once this stage has come; idle is any.
    Go(Go, Stage),
    Close,
    /// Do it to this actor, so often.
    Do(Deed, String, u32),
    Stage(Stage),
    Copied(u64),
    /// An actor is in this state.
    State(&'static str, String),
    Restarts(String, u64),
    Handled(String, u64),
    Memory,
}

impl Step {
    /// Reads a script. The error is one line for the user.
    pub fn parse(text: &str) -> std::result::Result<Vec<Self>, String> {
        let lines = (1..).zip(text.lines().map(str::trim));
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        lines
            .map(|(number, line)| {
                let what = What::parse(line)
                    .ok_or_else(|| format!("line {number}: {}", shown_word(line.as_ref())))?;
                let line = line.to_owned();
                Ok(Self { line, what })
            })
            .collect()
    }
}

impl What {
    /// The actor that it is about, if it is about one.
    pub fn actor(&self) -> Option<&str> {
        match self {
            Self::Do(_, name, _)
            | Self::State(_, name)
            | Self::Restarts(name, _)
            | Self::Handled(name, _) => Some(name),
            Self::Go(..) | Self::Close | Self::Stage(_) | Self::Copied(_) | Self::Memory => None,
        }
    }

    fn parse(line: &str) -> Option<Self> {
        let words: Vec<_> = line.split_whitespace().collect();
        Some(match *words {
            ["start"] => Self::Go(Go::Start, Stage::Idle),
            ["pause"] => Self::Go(Go::Pause, Stage::Copying),
            ["resume"] => Self::Go(Go::Pause, Stage::Paused),
            ["cancel"] => Self::Go(Go::Cancel, Stage::Idle),
            ["close"] => Self::Close,
            ["crash", name] => Self::Do(Deed::Crash, name.to_owned(), 1),
            ["restart", name] => Self::Do(Deed::Restart, name.to_owned(), 1),
            ["stop", name] => Self::Do(Deed::Stop, name.to_owned(), 1),
            ["repeat", n, "crash", name] => {
                let times = n.parse().ok().filter(|&times| times > 0)?;
                Self::Do(Deed::Crash, name.to_owned(), times)
            }
            ["await", "copied", n] => Self::Copied(n.parse().ok()?),
            ["await", "running", name] => Self::State("running", name.to_owned()),
            ["await", "down", name] => Self::State("down", name.to_owned()),
            ["await", "restarts", name, n] => Self::Restarts(name.to_owned(), n.parse().ok()?),
            ["await", stage] => {
                Self::Stage(Stage::ALL.into_iter().find(|s| s.to_string() == stage)?)
            }
            ["await", "handled", name, n] => Self::Handled(name.to_owned(), n.parse().ok()?),
            ["memory"] => Self::Memory,
            _ => return None,
        })
    }
}
