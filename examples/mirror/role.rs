//! Who takes part in a run.

use std::fmt;

/// The actors of a run, by what they do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Decides what is copied next.
    Plan,
    /// The view.
    Progress,
    /// Walks both trees.
    Scan,
    /// Waits for Ctrl-C.
    Signals,
    /// One end of the connection.
    Sender,
    /// Its other end.
    Receiver,
    /// Reads the files of a lane.
    Reader(u16),
    /// Writes the files of a lane.
    Writer(u16),
}

impl Role {
    /// All of a run with `lanes` lanes.
    pub fn all(lanes: usize) -> impl Iterator<Item = Self> {
        Self::victims(lanes).into_iter().chain([Self::Signals])
    }

    /// All that chaos may hit in a run with `lanes` lanes. `Signals` is spared: an interrupt must
    /// work.
    pub fn victims(lanes: usize) -> Vec<Self> {
        let lanes = 0..lanes as u16;
        [
            Self::Plan,
            Self::Progress,
            Self::Scan,
            Self::Sender,
            Self::Receiver,
        ]
        .into_iter()
        .chain(lanes.clone().map(Self::Reader))
        .chain(lanes.map(Self::Writer))
        .collect()
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plan => f.write_str("plan"),
            Self::Progress => f.write_str("progress"),
            Self::Scan => f.write_str("scan"),
            Self::Signals => f.write_str("signals"),
            Self::Sender => f.write_str("sender"),
            Self::Receiver => f.write_str("receiver"),
            Self::Reader(lane) => write!(f, "reader-{lane}"),
            Self::Writer(lane) => write!(f, "writer-{lane}"),
        }
    }
}
