//! A program's architecture as a file that reviewers see change.
//!
//! The program prints the picture of its tree before anything of it starts; with `--dot` as a graph
//! for Graphviz. What it printed last is kept in `architecture.txt`, and a test compares the two:
//!
//!     cargo run -p rotor-examples --bin architecture > examples/architecture.txt
//!     cargo test -p rotor-examples --bin architecture

use std::time::Duration;

use rotor_core::*;

struct Window;
impl Actor for Window {}

struct Index;
impl Actor for Index {}

struct Uplink;
impl Actor for Uplink {}

/// The tree of a small program: a window, a search index beside it, and the network.
fn tree(net: &Locality, work: &Locality) -> Supervisor {
    let uplink = || Child::new("uplink", || Uplink).start_limit(Duration::from_secs(30));
    let network = Supervisor::one_for_all("network")
        .intensity(10, Duration::from_secs(300))
        .on(net, move |s| s.child(uplink()));
    let search = Supervisor::one_for_one("search")
        .stop_limit(Duration::from_secs(10)) // it may be at work when the window closes
        .on(work, |s| s.child(Child::new("index", || Index)));
    let window = Child::new("window", || Window).transient().significant();
    Supervisor::rest_for_one("app")
        .auto_shutdown(AutoShutdown::Any)
        .child(network)
        .child(search)
        .child(window)
}

/// No loop drives these localities: a picture needs their names only.
fn plan() -> Result<Plan, StartError> {
    let (ui, net, work) = (
        Locality::new("ui"),
        Locality::new("net"),
        Locality::new("work"),
    );
    tree(&net, &work).plan(&ui)
}

fn main() -> Result<(), StartError> {
    let plan = plan()?;
    if std::env::args().any(|argument| argument == "--dot") {
        print!("{}", plan.dot());
    } else {
        print!("{plan}");
    }
    Ok(())
}

/// What has gone (`-`) and what has come (`+`), with the lines that stayed, in order.
#[cfg(test)]
fn changes(before: &str, after: &str) -> String {
    let mut text = String::new();
    let mut rest = after.lines();
    for line in before.lines() {
        let ahead = rest.clone().position(|other| other == line);
        match ahead {
            None => text += &format!("- {line}\n"),
            Some(new) => {
                for line in rest.by_ref().take(new) {
                    text += &format!("+ {line}\n");
                }
                text += &format!("  {line}\n");
                rest.next();
            }
        }
    }
    for line in rest {
        text += &format!("+ {line}\n");
    }
    text
}

#[test]
fn the_architecture_is_the_one_that_was_reviewed() -> Result<(), StartError> {
    let (kept, now) = (include_str!("architecture.txt"), plan()?.to_string());
    assert!(
        kept == now,
        "\nthe tree is not that of examples/architecture.txt:\n\n{}\n\
         If this is meant: cargo run -p rotor-examples --bin architecture \
         > examples/architecture.txt\n",
        changes(kept, &now)
    );
    Ok(())
}

#[test]
fn a_change_is_shown_line_by_line() {
    assert_eq!(
        changes("a\nb\nc\n", "a\nx\nc\ny\n"),
        "  a\n- b\n+ x\n  c\n+ y\n"
    );
    assert_eq!(changes("a\n", "a\n"), "  a\n");
    assert_eq!(changes("", "a\n"), "+ a\n");
}
