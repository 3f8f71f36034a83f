//! The lines of a trace.

use serde::Serialize;

/// One line. The keys are written in the order of the fields.
#[derive(Debug, Serialize)]
#[serde(tag = "ev", rename_all = "snake_case")]
pub enum Line {
    Cmd {
        i: usize,
        cmd: &'static str,
    },
    Start {
        child: String,
        n: u32,
        result: &'static str,
    },
    Exit {
        child: String,
        n: u32,
        reason: String,
    },
    GaveUp {
        sup: String,
        n: u32,
        child: String,
    },
    AutoShutdown {
        sup: String,
        n: u32,
    },
    Reply {
        i: usize,
        #[serde(skip_serializing_if = "Option::is_none")]
        k: Option<usize>,
        #[serde(flatten)]
        answer: Answer,
    },
    Tree {
        root: Option<Node>,
    },
    End,
}

/// What a command is answered.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    Word {
        result: &'static str,
    },
    Child {
        result: &'static str,
        child: String,
        n: u32,
    },
    Children {
        result: &'static str,
        children: Vec<Node>,
    },
    Count {
        result: &'static str,
        specs: usize,
        active: usize,
        supervisors: usize,
        workers: usize,
    },
}

impl Answer {
    pub const OK: Answer = Answer::Word { result: "ok" };
    pub const NOPROC: Answer = Answer::Word { result: "noproc" };
}

/// A child, or a tree.
#[derive(Debug, Serialize)]
pub struct Node {
    pub id: Option<String>,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub state: &'static str,
    pub n: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub children: Option<Vec<Node>>,
}

/// An event, and the pool that it happens in if it is the end of an instance.
#[derive(Debug)]
pub struct Event {
    pub line: Line,
    pub pool: Option<String>,
}

/// The events of a command, in order; instances of one pool that end one after the other are sorted
/// by name, because they end at the same time.
pub fn in_order(events: Vec<Event>) -> Vec<Line> {
    fn name(event: &Event) -> &str {
        match &event.line {
            Line::Exit { child, .. } => child,
            _ => "",
        }
    }
    let mut events = events;
    for run in events.chunk_by_mut(|a, b| a.pool.is_some() && a.pool == b.pool) {
        run.sort_by(|a, b| name(a).cmp(name(b)));
    }
    events.into_iter().map(|event| event.line).collect()
}
