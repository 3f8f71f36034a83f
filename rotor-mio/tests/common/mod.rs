//! What the tests share.
#![allow(dead_code, unused_imports, reason = "each test file uses a part")]

use std::net::SocketAddr;

#[path = "../../../tests/shared.rs"]
mod shared;

pub use shared::*;

/// Any free port of this machine.
pub fn anywhere() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}
