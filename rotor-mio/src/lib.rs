//! The mio backend.
