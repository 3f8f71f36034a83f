//! Tells the program which compiler has made it.

use std::process::Command;

fn main() {
    let rustc = std::env::var_os("RUSTC").expect("cargo sets it");
    let out = Command::new(rustc).arg("--version").output();
    let text = out.map(|out| String::from_utf8_lossy(&out.stdout).into_owned());
    let version = text.unwrap_or_default();
    println!("cargo::rustc-env=RUSTC_VERSION={}", version.trim());
    println!("cargo::rerun-if-changed=build.rs");
}
