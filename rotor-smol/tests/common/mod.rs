//! What the tests share.
#![allow(dead_code, unused_imports, reason = "each test file uses a part")]

#[path = "../../../tests/shared.rs"]
mod shared;

pub use shared::*;
