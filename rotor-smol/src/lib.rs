//! The smol backend.
