//! What every peer is measured with.

mod clock;
mod producers;
mod sizes;
mod slot;
mod tally;
#[cfg(feature = "tokio")]
mod tokio_loop;
mod workload;

pub use clock::*;
pub use producers::*;
pub use sizes::*;
pub use slot::*;
pub use tally::*;
#[cfg(feature = "tokio")]
pub use tokio_loop::*;
pub use workload::*;
