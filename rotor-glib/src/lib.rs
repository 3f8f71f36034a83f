//! The glib backend.
