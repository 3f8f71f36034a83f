//! What `mirror` does, without what shows it: copies a folder tree through a tree of actors on
//! three kinds of event loops, and proves the copy. The program draws a bar; its window, in
//! `examples/gtk`, draws more.
//!
//! ```text
//! mirror (GLib)        (the view)  plan
//! ├─ files (smol)      signals  scan  reader-0 reader-1 ...
//! ├─ link (mio)        receiver  sender
//! └─ disk-0 (thread)   writer-0       disk-1 (thread) writer-1 ...
//!
//! plan ──> scan ──> plan ──> reader ──> sender ══TCP══> receiver ──> writer ──> plan
//! ```
//!
//! Whatever crashes is restarted by its supervisor; the plan then gives the files that were on
//! their way to the next instances. All talk by address.
//!
//! An interrupt begins nothing new, and waits for nobody longer than a second: then the temporary
//! files are removed, also those of writers that a disk still holds, and the program ends. The system
//! ends no process before a sync that one of its threads is in, so what may wait for the disk is
//! bounded, for all lanes together: an interrupt takes two seconds at most where the disk takes
//! 64 MiB, and what other programs have given it, within one. On a slower one the prompt comes back
//! when the disk has them.

mod args;
mod chaos;
mod claim;
mod digest;
mod entry;
mod finish;
mod folders;
mod frame;
mod host;
mod ledger;
mod lives;
mod meta_fix;
mod plan;
mod question;
mod reader;
mod receiver;
mod report;
mod role;
mod scan;
mod sender;
mod signals;
mod source;
mod surplus;
mod target;
mod temp_name;
mod texts;
mod trail;
mod tree;
mod walk;
mod wiring;
mod witness;
mod writer;

#[cfg(test)]
mod scratch;

pub use args::{Args, Asked, FLAGS};
pub use chaos::{Fuse, Strike};
pub use claim::Claim;
pub use entry::shown_word;
pub use host::Host;
pub use ledger::{Ledger, Moving, Phase, Snapshot};
pub use plan::{Interrupt, Pause, Plan, Show};
pub use report::{Report, Totals};
pub use role::Role;
pub use signals::told_to_end;
pub use tree::{PATIENT, Parts};
pub use wiring::{Up, View, Wiring};
pub use witness::Witness;
